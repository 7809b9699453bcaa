"""The run of an order as a step page: phases, the common parts of a step, what is under way.

What a kind of step shows is in `ui.wiring.faces`; what the crew answers goes through `ui.wiring.answers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fieldtool.problems import problem_text
from fieldtool.procedure import views as v
from ui import views
from ui.wiring.face import Face, choices
from ui.wiring.faces import face
from ui.wiring.formats import Formats
from ui.wiring.positions import position_parts
from ui.wiring.standing import standing_step


@dataclass
class Pending:
    """What a step has so far and the engine does not know yet; kept as the draft of the step."""

    fields: dict[str, object] = field(default_factory=dict)
    overridable: bool = False
    progress: float = -1.0
    progress_text: str = ""
    seconds_left: int = -1


_STATES: dict[v.StepState, views.StepState] = {
    v.StepState.DONE: "done",
    v.StepState.CURRENT: "current",
    v.StepState.TODO: "open",
    v.StepState.STALE: "open",
    v.StepState.FAILED: "failed",
}


WORK_ICONS = {
    "irregularity": "attention",
    "customer_absent": "person",
    "install": "install",
    "commission": "confirmed",
    "remove": "remove",
    "inspect": "inspect",
}
"""What a kind of work looks like; one that an engineer wrote looks like any order."""


def procedure_view(
    run: v.RunView, pending: Pending, formats: Formats, people: tuple[views.Choice, ...]
) -> views.Procedure:
    """Everything the procedure page shows."""
    current, standing = run.current, run.standing
    if current is None:
        step = _ended(run, formats)
    elif standing is not None and standing.ask:
        step = standing_step(run, standing, formats)
    else:
        step = _step(run, current, pending, formats, people)
    return views.Procedure(
        order_id=run.order_id,
        title=run.address,
        phases=_phases(run, formats),
        step=step,
        saved_at=formats.clock(run.saved_at, seconds=True),
        finished=run.end is not None,
        works=tuple(
            views.Work(
                key=work.id,
                title=work.title,
                icon=WORK_ICONS.get(work.id, "undo" if work.undoes else "orders"),
                reasons=choices(work.reasons, formats),
            )
            for work in run.works
        ),
    )


def _phases(run: v.RunView, formats: Formats) -> tuple[views.Phase, ...]:
    phases = []
    for phase in run.phases:
        state: views.PhaseState = (
            "current" if phase.current else "done" if phase.done == phase.total else "open"
        )
        steps = tuple(_tile(row, formats) for row in phase.steps)
        phases.append(
            views.Phase(
                key=phase.id, title=phase.title, done=phase.done, total=phase.total, state=state, steps=steps
            )
        )
    return tuple(phases)


def _tile(row: v.StepRow, formats: Formats) -> views.StepTile:
    mismatch = row.note == "mismatch"
    state = "failed" if mismatch else _STATES[row.state]
    if mismatch:
        detail = formats.say("No coincide")
    elif row.state is v.StepState.STALE:
        detail = formats.say("Repetir: cambió algo antes")
    elif row.saved_at:
        detail = formats.say("Hecho {time}", time=formats.clock(row.saved_at, seconds=True))
    else:
        detail = formats.say("En curso") if row.state is v.StepState.CURRENT else formats.say("En espera")
    return views.StepTile(
        key=row.id,
        number=row.number,
        title=row.title,
        short=row.title.split(" ")[0],
        detail=detail,
        state=state,
    )


def _ended(run: v.RunView, formats: Formats) -> views.Step:
    return views.Step(
        key="end", number=0, kind="summary", title=run.title, text=formats.word(f"end.{run.end}")
    )


def _step(
    run: v.RunView,
    step: v.StepView,
    pending: Pending,
    formats: Formats,
    people: tuple[views.Choice, ...],
) -> views.Step:
    shown = face(step, pending.fields, formats)
    if pending.overridable and not shown.otherwise:
        shown = Face.with_override(shown, formats)
    working = pending.progress >= 0
    ready = shown.ready and not working
    not_ready = shown.not_ready or _first_problem(step, formats)
    return views.Step(
        key=f"{run.order_id}/{step.id}",
        number=step.number,
        kind=shown.kind,
        title=step.title,
        text=shown.text or step.help,
        safety=step.safety,
        can_back=step.can_go_back,
        ready=ready,
        not_ready="" if ready else formats.say("espere") if working else not_ready,
        primary=shown.primary or formats.say("Seguir"),
        primary_icon=shown.primary_icon,
        otherwise_people=people if shown.otherwise_pin else (),
        progress=max(0.0, pending.progress),
        progress_text=pending.progress_text if working else "",
        seconds_left=pending.seconds_left,
        busy=working,
        cancel_title=formats.say("Puede cancelar ahora.") if working else "",
        cancel_detail=shown.cancel_detail if working else "",
        **shown.parts,
        **position_parts(step.position, formats),
    )


def _first_problem(step: v.StepView, formats: Formats) -> str:
    return problem_text(step.waiting[0], formats.language) if step.waiting else ""
