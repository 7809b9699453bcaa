"""Which procedure an order is worked by: the one in use, or the one that its run was begun with."""

from __future__ import annotations

from collections.abc import Mapping

from fieldtool.errors import JobError
from fieldtool.procedure.model import Procedure
from fieldtool.procedure.state import RunState, next_procedure
from fieldtool.run.surroundings import Shelf
from workorders.journal.kinds import OrderStarted
from workorders.orders import WorkOrder


def procedure_for(procedures: Mapping[str, Procedure], order: WorkOrder) -> Procedure:
    """The procedure in use that an order names, else one for its kind of task; JobError `no_procedure`."""
    wanted = order.procedure or order.kind.value
    found = procedures.get(wanted)
    if found is None:
        found = next((one for one in procedures.values() if order.kind in one.kinds), None)
    if found is None:
        raise JobError("no_procedure", f"there is no procedure {wanted!r} on this tablet", procedure=wanted)
    return found


def to_begin(procedures: Mapping[str, Procedure], order: WorkOrder, state: RunState) -> Procedure:
    """The procedure of the next visit: that of the work that stands half done, else the one of the order."""
    going = next_procedure(state)
    if going is None:
        return procedure_for(procedures, order)
    return procedures.get(going.id, going)


def begun_with(
    started: OrderStarted | None, shelf: Shelf, procedures: Mapping[str, Procedure], order: WorkOrder
) -> Procedure:
    """The procedure that a run was begun with; the one in use where it was not begun.

    Where the text was never on this tablet (another one began the order), the one in use has to do.
    """
    found = shelf.begun(started) if started else None
    if found is None and started is not None:
        found = procedures.get(started.procedure)
    return found or procedure_for(procedures, order)
