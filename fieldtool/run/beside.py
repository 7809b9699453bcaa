"""What speaks against leaving now: the visit's own flags, and the places beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from fieldtool.leaving import Neighbour, Risk, RiskLevel, disagreements, phase_fault, risks
from fieldtool.positioning import Coordinates, coordinates
from fieldtool.procedure import answers as a
from fieldtool.procedure.effects import flags_of
from fieldtool.registration import transformer_of
from fieldtool.run import evidence
from workorders.network import NodeKind
from workorders.store import schema

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun


def risks_now(run: ProcedureRun) -> list[Risk]:
    """Every reason to look once more before the crew goes, the worst first."""
    job = run.job()
    technology = evidence.technology_of(run.order, run.around)
    wait = technology.wait.recheck_minutes if technology else None
    flags = flags_of(run.procedure, job, run.state)
    return risks(run.procedure, run.state, flags, _of_the_place(run), wait_minutes=wait)


def _of_the_place(run: ProcedureRun) -> list[Risk]:
    placed = next(
        (done.answer for done in run.state.done.values() if isinstance(done.answer, a.PlaceAnswer)), None
    )
    if placed is None:
        return []
    place, network = run.order.place, run.around.network
    transformer = transformer_of(placed.panel, place, network)
    above = network.ancestors(transformer) if transformer else []
    feeder = next((node.mrid for node in above if node.kind == NodeKind.FEEDER), place.feeder)
    own = Neighbour(
        name=run.order_id, concentrator=placed.concentrator, transformer=transformer, feeder=feeder
    )
    there = _here(run, placed)
    found = disagreements(own, network.beside(run.order_id, placed.panel, there))
    found += _collector_elsewhere(run, placed, transformer)
    if transformer != place.transformer and place.transformer is not None:
        params = {"mine": place.transformer, "theirs": str(transformer)}
        found.append(Risk(code="panel_elsewhere", level=RiskLevel.HIGH, params=params))
    fault = phase_fault(placed.phase, above[-1].phase if above else None)
    return [*found, fault] if fault is not None else found


def _collector_elsewhere(run: ProcedureRun, placed: a.PlaceAnswer, mine: str | None) -> list[Risk]:
    """A collector at another transformer than the device's own, where the technology has one at each."""
    technology = evidence.technology_of(run.order, run.around)
    if technology is None or technology.tree.collector_under != NodeKind.TRANSFORMER:
        return []
    if placed.concentrator is None or mine is None:
        return []
    above = run.around.network.ancestors(placed.concentrator)
    theirs = next((node.mrid for node in above if node.kind == NodeKind.TRANSFORMER), None)
    if theirs in (None, mine):
        return []
    params = {"mine": mine, "theirs": str(theirs)}
    return [Risk(code="collector_elsewhere", level=RiskLevel.HIGH, params=params)]


def _here(run: ProcedureRun, placed: a.PlaceAnswer) -> Coordinates | None:
    """Where the office says that the supply point is, else where the crew stood."""
    table = schema.order_text
    with run.around.journal.store.read() as connection:
        named: str | None = connection.execute(
            select(table.c.position).where(table.c.order_id == run.order_id)
        ).scalar()
    there = coordinates(named)
    if there is None and placed.position is not None:
        there = placed.position.latitude, placed.position.longitude
    return there
