"""What speaks against a technical value: its form, another source, what the order says, another holder."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.bench import Bench
from fieldtool.procedure.ratios import ratio_doubts
from fieldtool.procedure.state import Job, RunState
from fieldtool.procedure.values import ValueMistake, normalise
from fieldtool.procedure.views import Problem
from workorders.journal.words import DeviceRole

NOT_AS_METER = "not_as_meter"


def normal(step: m.ValueStep, text: str | None) -> str | None:
    """The value in its normal form; None for nothing or something malformed."""
    if text is None or not text.strip():
        return None
    try:
        return normalise(step.check, text)
    except ValueMistake:
        return None


def expected(step: m.ValueStep, job: Job) -> str | None:
    """What the order says, in the normal form where it has one; None where it says nothing."""
    said = (job.order.program_values.get(step.expects or "") or "").strip()
    return normal(step, said) or said or None


def problems(
    step: m.ValueStep, answer: a.ValueAnswer, job: Job, state: RunState, bench: Bench
) -> Iterable[Problem]:
    """Why the value cannot be accepted."""
    text = (answer.value or "").strip()
    if not text:
        if not step.optional:
            yield Problem(code="required", field="value")
        return
    mistake = _mistake(step, text)
    if mistake is not None:
        yield mistake
        return
    value = normal(step, text)
    other = state.answer(step.agrees_with or "")
    if isinstance(other, a.ValueAnswer) and other.value != value:
        # Which one is wrong nobody knows: neither is shown to whoever types the other.
        yield Problem(code="sources_disagree", field="value")
    if bench.value_holder is not None:
        yield Problem(code="value_used", field="value", params={"holder": bench.value_holder})
    planned = expected(step, job)
    doubts = list(doubts_of(step, value, job, state))
    if planned is not None and planned != value:
        said = {"expected": planned, "value": value or ""}
        doubts.insert(0, Problem(code="not_as_ordered", field="reason", params=said))
    if not doubts:
        return
    if answer.reason is None:
        yield from doubts
    else:
        yield from _reason(step, answer, bench)


def doubts_of(step: m.ValueStep, value: str | None, job: Job, state: RunState) -> list[Problem]:
    """What the meters of this visit say against a value in its normal form."""
    if value is None:
        return []
    doubts = ratio_doubts(value, job, state) if step.plausible else []
    said = said_by_meter(step, state)
    if said is not None and said != value:
        params = {"meter": said, "value": value}
        doubts = [Problem(code=NOT_AS_METER, field="reason", params=params), *doubts]
    return doubts


def said_by_meter(step: m.ValueStep, state: RunState) -> str | None:
    """What the new meter says of the value at its port, in the normal form; None where it says nothing.

    By class and attribute: where the object stands differs between makes.
    """
    found = state.reads.get(DeviceRole.NEW)
    if step.meter is None or found is None:
        return None
    number, attribute = step.meter.split(":")
    for reading in found.readings:
        parts = reading.item.split(":")
        if len(parts) == 3 and (parts[0], parts[2]) == (number, attribute) and reading.value:
            return normal(step, reading.value) or reading.value
    return None


def _mistake(step: m.ValueStep, text: str) -> Problem | None:
    if len(text) > step.max_length:
        return Problem(code="too_long", field="value", params={"limit": str(step.max_length)})
    try:
        value = normalise(step.check, text)
    except ValueMistake as mistake:
        return Problem(code=f"value_{mistake.reason}", field="value")
    if step.pattern is not None and not re.fullmatch(step.pattern, value):
        return Problem(code="pattern", field="value", params={"pattern": step.pattern})
    return None


def _reason(step: m.ValueStep, answer: a.ValueAnswer, bench: Bench) -> Iterable[Problem]:
    choice = next((choice for choice in step.reasons if choice.id == answer.reason), None)
    if choice is None:
        yield Problem(code="not_allowed", field="reason", params={"value": answer.reason or ""})
        return
    if choice.note and not (answer.note or "").strip():
        yield Problem(code="note_missing", field="note")
    if choice.photo and not any(photo in bench.photos for photo in answer.photos):
        yield Problem(code="photo_missing", field="photos")
