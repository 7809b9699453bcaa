"""What stays done when work goes on: on another visit, or by another version of the procedure. Pure.

A step means the same where its kind and what it is about (device, register, effect, …) are the same and what
was answered can still be answered; its words, conditions and order may differ. Whatever is not kept stays in
the journal: nothing here takes anything back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m

if TYPE_CHECKING:
    from fieldtool.procedure.state import Done

_MEANING = (
    "device",
    "register",
    "unit",
    "effect",
    "action",
    "operation",
    "what",
    "check",
    "identity",
    "optical",
    "stock",
    "role",
    "safety",
)
"""Fields of a step that say what it is about."""
_CHOSEN = {
    "choice": "choices",
    "reason": "reasons",
    "not_obtainable": "not_obtainable",
    "unreadable": "unreadable",
    "untested": "untested",
    "outcome": "outcomes",
}
"""Field of an answer → list of the step that it is chosen from."""


def kept(done: Mapping[str, Done], was: m.Procedure, now: m.Procedure) -> dict[str, Done]:
    """The steps done by `was` that mean the same in `now`; the last look is never one of them."""
    found: dict[str, Done] = {}
    for step in now.steps:
        one = done.get(step.id)
        if one is None or isinstance(step, m.SummaryStep):
            continue
        before = next(before for before in was.steps if before.id == step.id)
        if _same(before, step) and _still_offered(step, one.answer):
            found[step.id] = one
    return found


def goes_on(done: Mapping[str, Done], procedure: m.Procedure) -> bool:
    """Whether a visit that has got so far has changed the site: the next one goes on from there."""
    going = procedure.next_visit
    return going is not None and any(step in done for step in going.after)


def to_do_again(done: Mapping[str, Done], procedure: m.Procedure) -> frozenset[str]:
    """Which of the done steps another visit does again."""
    again = procedure.next_visit.again if procedure.next_visit is not None else []
    return frozenset(
        one.step for one in again if one.step in done and (one.until is None or one.until not in done)
    )


def _same(was: m.Step, now: m.Step) -> bool:
    about = ((getattr(was, name, None), getattr(now, name, None)) for name in _MEANING)
    return type(was) is type(now) and all(before == after for before, after in about)


def _still_offered(step: m.Step, answer: a.Answer) -> bool:
    return all(chosen in {choice.id for choice in choices} for chosen, choices in _choices(step, answer))


def _choices(step: m.Step, answer: a.Answer) -> Iterator[tuple[str, list[m.Choice]]]:
    for field, offered in _CHOSEN.items():
        chosen = getattr(answer, field, None)
        if isinstance(chosen, str):
            yield chosen, getattr(step, offered, [])
    if isinstance(step, m.SealsStep) and isinstance(answer, a.SealsAnswer):
        for seal in answer.seals:
            yield seal.position, step.positions
            if seal.condition is not None:
                yield seal.condition, step.condition
