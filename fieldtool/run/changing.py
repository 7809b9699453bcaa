"""Other work than was ordered: which the crew may go on with, and what going on with it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure import changing
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.run.bodies import options
from fieldtool.text import Language
from workorders.journal import kinds

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

CHANGE = "change"
"""Under which name what a change lacks is refused; no step is called so."""


def offered(run: ProcedureRun) -> list[tuple[m.Change, m.Procedure]]:
    """What this person may change to now."""
    person = run.around.person()
    role = person.role if person is not None else None
    return changing.offered(run.procedure, run.around.procedures, run.state, role)


def works(run: ProcedureRun, language: Language) -> list[v.WorkView]:
    """The same, as a page offers it."""
    return [
        v.WorkView(
            id=procedure.id,
            title=procedure.title.in_language(language),
            reasons=options(change.reasons, language),
            undoes=changing.undoes(procedure),
        )
        for change, procedure in offered(run)
    ]


def change(
    run: ProcedureRun, to: str, reason: str, note: str | None, named: list[str]
) -> tuple[m.Procedure, list[kinds.Payload]]:
    """The procedure to go on by, and what is written.

    Raises:
        JobError: this work is not offered here and now, or not to this person.
        StepRefused: the reason is none of its reasons, or what it demands (photo, note) is missing.
    """
    found = next((pair for pair in offered(run) if pair[1].id == to), None)
    if found is None:
        raise JobError("no_such_work", f"work {to!r} cannot be gone on with here and now", procedure=to)
    offer, procedure = found
    choice = next((choice for choice in offer.reasons if choice.id == reason), None)
    if choice is None:
        raise StepRefused(CHANGE, [v.Problem(code="not_allowed", field="reason", params={"value": reason})])
    shown = [sha for sha in named if sha in run.bench.photos or sha in run.state.photos]
    missing: list[v.Problem] = []
    if choice.photo and not shown:
        missing.append(v.Problem(code="photo_missing", field="photos"))
    if choice.note and not (note or "").strip():
        missing.append(v.Problem(code="note_missing", field="note"))
    if missing:
        raise StepRefused(CHANGE, missing)
    new = [run.bench.photos[sha] for sha in shown if sha not in run.state.photos]
    changed = kinds.ProcedureChanged(
        procedure=procedure.id,
        procedure_version=procedure.version,
        procedure_sha256=run.around.shelf.keep(procedure),
        was=run.procedure.id,
        task=procedure.kinds[0].value,
        reason=reason,
        note=run.book.seal_said(note.strip()) if note and note.strip() else None,
        blobs=shown,
        crew=run.around.crew,
    )
    return procedure, [*new, changed]
