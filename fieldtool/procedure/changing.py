"""Which other work a visit may turn into: what the procedure permits, as far as the crew has got. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fieldtool.procedure import model as m
from fieldtool.procedure.state import RunState, under_way
from workorders.people import Role


def offered(
    procedure: m.Procedure, procedures: Mapping[str, m.Procedure], state: RunState, role: Role | None
) -> list[tuple[m.Change, m.Procedure]]:
    """The changes that this person may make now, with the procedure that each leads to."""
    if not under_way(state):
        return []
    return [
        (change, procedures[change.to])
        for change in procedure.change
        if change.to in procedures
        and (change.before is None or change.before not in state.done)
        and (change.after is None or change.after in state.done)
        and (not change.roles or role in change.roles)
    ]


def undoes(procedure: m.Procedure) -> bool:
    """Whether this work puts back what a swap took down."""
    return any(
        isinstance(step, m.ConfirmStep) and step.effect is m.Effect.RESTORED for step in procedure.steps
    )
