"""How an order ends: with its record, as unsafe, or not executed. Each returns what is written at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.effects import effects, flags_of, unsafe
from fieldtool.procedure.rules import left_off
from fieldtool.procedure.state import Job, fold
from fieldtool.procedure.views import Problem
from fieldtool.run import photos
from workorders.clock import utc_text
from workorders.journal import kinds
from workorders.journal.supply import LEFT_OFF

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

PRIVATE_REASONS = {"no_consent": "refusal"}
"""Reasons that tell of somebody's health, and the one that stands in clear for them: clocks pause alike."""


def completion(
    run: ProcedureRun, step: m.SummaryStep, job: Job, before: list[kinds.Payload]
) -> list[kinds.Payload]:
    """The record as a sealed blob, and the end of the order; `before` are the last step's facts."""
    state, now = run.state, utc_text(datetime.now(UTC))
    for payload in before:
        state = fold(run.procedure, state, payload, "", now, run.book.unseal)
    flags = flags_of(run.procedure, job, state)
    record = run.around.records.issue(job, state, finished_at=now, flags=flags)
    blob = photos.store_blob(
        run.around.blobs,
        run.book.key,
        record.pdf,
        media_type="application/pdf",
        what=kinds.RECORD_BLOB,
        step=step.id,
    )
    issued = kinds.RecordIssued(record_hash=record.record_hash, sha256=blob.sha256, number=record.number)
    blobs = sorted({*state.photos, *state.recordings, blob.sha256})
    if step.not_done is not None:
        attempt = max(run.order.attempts, state.attempts) + 1
        ended = kinds.OrderNotDone(
            reason=step.not_done,
            blobs=blobs,
            attempt=attempt,
            crew=run.around.crew,
            passed_over=run.passed_over,
        )
        return [blob, issued, ended]
    completed = kinds.OrderCompleted(
        record_hash=record.record_hash,
        blobs=blobs,
        flags=flags,
        crew=run.around.crew,
        passed_over=run.passed_over,
    )
    return [blob, issued, completed]


def unsafe_end(
    run: ProcedureRun, step: m.Step, answer: a.Answer, job: Job, failed: list[str]
) -> list[kinds.Payload]:
    """A safety check did not hold. The step did not happen as one; its photos and the failure are facts."""
    written = effects(step, answer, job, run.state, run.bench_for(step, answer), run.book.seal, None)
    taken: list[kinds.Payload] = [one for one in written if isinstance(one, kinds.BlobTaken)]
    attempts = max(run.order.attempts, run.state.attempts)
    ended = unsafe(step, failed, answer.note, job, run.state, attempts, run.book.seal, run.passed_over)
    return [*taken, *ended]


def not_done(run: ProcedureRun, reason: str, note: str | None, named: list[str]) -> list[kinds.Payload]:
    """The crew could not execute the order.

    Raises:
        StepRefused: the reason is none of the procedure's, or what it demands (photo, note) is missing.
    """
    if run.state.end is not None:
        raise JobError("already_ended", "this order has ended already")
    choice = next((choice for choice in run.procedure.not_done if choice.id == reason), None)
    if choice is None:
        raise StepRefused("not_done", [Problem(code="not_allowed", field="reason", params={"value": reason})])
    shown = [sha for sha in named if sha in run.bench.photos]
    missing: list[Problem] = []
    if choice.photo and not shown:
        missing.append(Problem(code="photo_missing", field="photos"))
    if left_off(run.job(), run.state) and not (note or "").strip():
        # Whoever goes now leaves somebody in the dark: they hear of it, and say how that came about.
        missing.append(Problem(code=LEFT_OFF, field="note"))
    elif choice.note and not (note or "").strip():
        missing.append(Problem(code="note_missing", field="note"))
    if missing:
        raise StepRefused("not_done", missing)
    if reason in PRIVATE_REASONS:
        # What the reason itself would tell of a person goes where only the order's key reads it.
        said = (choice.text.in_language(run.around.language()), (note or "").strip())
        note = " · ".join(filter(None, said))
    # A photo of a step that was never accepted shows the site all the same: nothing taken is left behind.
    new = [blob for sha, blob in run.bench.photos.items() if sha not in run.state.photos]
    ended = kinds.OrderNotDone(
        reason=PRIVATE_REASONS.get(reason, reason),
        note=run.book.seal("not_done.note", note) if note else None,
        blobs=sorted({*run.state.photos, *run.state.recordings, *(blob.sha256 for blob in new)}),
        attempt=max(run.order.attempts, run.state.attempts) + 1,
        crew=run.around.crew,
        passed_over=run.passed_over,
    )
    return [*new, ended]
