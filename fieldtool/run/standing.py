"""What stands at the site already, where a visit goes on from one that was broken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldtool.procedure import engine
from fieldtool.procedure import views as v
from fieldtool.procedure.devices import device_serial
from fieldtool.text import Language
from workorders.journal.words import DeviceRole

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun


def standing_view(run: ProcedureRun, language: Language) -> v.StandingView | None:
    """What the crew is shown when it comes back; None where the visit begins anew or has ended."""
    state, earlier = run.state, run.state.earlier
    if earlier is None or state.started_at is None or state.end is not None:
        return None
    removed, placed = state.removed, state.placed
    job, again = run.job(), state.aged.keys() - state.done.keys()
    steps = engine.visible_steps(run.procedure, job, state)
    to_do = [step for step in steps if not engine.is_done(step, run.procedure, job, state)]
    return v.StandingView(
        at=earlier.last_at,
        crew=earlier.started.crew if earlier.started else None,
        end=earlier.end,
        removed=removed.serial if removed is not None else None,
        destination=removed.destination if removed is not None else None,
        placed=placed.serial if placed is not None else None,
        place=_place(run),
        found=device_serial(state, DeviceRole.NEW),
        left_off=bool(state.dark),
        done=len(steps) - len(to_do),
        again=[step.title.in_language(language) for step in to_do if step.id in again],
        to_do=[step.title.in_language(language) for step in to_do if step.id not in again],
        ask=not run.went_on and again == state.aged.keys(),
    )


def _place(run: ProcedureRun) -> list[str]:
    placed = run.state.placed
    if placed is None:
        return []
    nodes = [mrid for mrid in (placed.concentrator or placed.transformer, placed.panel) if mrid is not None]
    found = [run.around.network.node(mrid) for mrid in nodes]
    return [node.name or node.mrid for node in found if node is not None]
