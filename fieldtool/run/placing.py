"""The page of a place: the collectors at hand, those of late and those near by, the slots of the panel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldtool.identity import same_identity
from fieldtool.positioning import Coordinates, coordinates, distance_m
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.procedure.devices import device_serial
from fieldtool.registration import Node, capacity_of, collector_for, level_of
from fieldtool.run import evidence
from fieldtool.technologies import Technology
from workorders.journal.words import DeviceRole
from workorders.store import schema

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

RECENT = 4
NEAREST = 6


def collectors(run: ProcedureRun, technology: Technology | None) -> list[v.PlaceOption]:
    """Collectors to choose from: those that the place allows, those used of late, the nearest; each once."""
    if technology is None or technology.tree.collector is None:
        return []
    network, kind = run.around.network, technology.tree.collector
    own = collector_for(technology, run.order.place, network)
    here = position_of(run)
    nearest = network.nearest(kind, here, NEAREST) if here is not None else []
    groups = (("here", own), ("recent", network.recent(kind, RECENT)), ("near", nearest))
    found: dict[str, v.PlaceOption] = {}
    for group, nodes in groups:
        for node in nodes:
            if node.mrid not in found:
                found[node.mrid] = _option(run, node, technology, here, group)
    return list(found.values())


def _option(
    run: ProcedureRun, node: Node, technology: Technology, here: Coordinates | None, group: str
) -> v.PlaceOption:
    capacity, used = capacity_of(node, technology), run.around.network.used(node.mrid)
    metres = distance_m(*here, node.lat, node.lon) if here and node.lat and node.lon else None
    return v.PlaceOption(
        id=node.mrid,
        name=node.name or node.mrid,
        used=used,
        capacity=capacity,
        level=level_of(used, capacity, technology),
        distance_m=metres,
        expected=node.mrid == run.order.place.concentrator,
        group=group,
    )


def position_of(run: ProcedureRun) -> Coordinates | None:
    """Where the crew is: the newest position of this visit, else the supply point as the office names it."""
    taken = [
        done.answer.position
        for done in sorted(run.state.done.values(), key=lambda done: done.position)
        if isinstance(done.answer, a.PositionedAnswer) and done.answer.position is not None
    ]
    if taken:
        return taken[-1].latitude, taken[-1].longitude
    table = schema.order_text
    with run.around.journal.store.read() as connection:
        named: str | None = connection.execute(
            table.select().with_only_columns(table.c.position).where(table.c.order_id == run.order_id)
        ).scalar()
    return coordinates(named)


def find(run: ProcedureRun, text: str) -> tuple[str, str] | None:
    """The field and node that a label names: a collector or a panel, by mRID, name or an identity."""
    technology = evidence.technology_of(run.order, run.around)
    wanted = text.strip()
    fields = {"panel": "panel"}
    if technology is not None and technology.tree.collector is not None:
        fields[technology.tree.collector] = "concentrator"
    for node in _named(run.around.network.called(wanted), wanted):
        if node.kind in fields:
            return fields[node.kind], node.mrid
    return None


def _named(nodes: Iterable[Node], text: str) -> Iterable[Node]:
    for node in nodes:
        exact = text.casefold() in (node.mrid.casefold(), (node.name or "").casefold())
        if exact or any(same_identity(value, text) for value in node.identities.values()):
            yield node


def body(
    run: ProcedureRun, step: m.PlaceStep, given: a.Answer | None, reasons: list[v.Option]
) -> v.PlaceBody:
    """What the page shows: the place as judged, and whatever else may be chosen."""
    answer = given if isinstance(given, a.PlaceAnswer) else a.PlaceAnswer()
    judged = evidence.place_now(run, step, answer)
    network = run.around.network
    technology = evidence.technology_of(run.order, run.around) if step.what is m.PlaceWhat.METER else None
    place = run.order.place
    chosen = collectors(run, technology)
    anchor = place.transformer or place.feeder or place.substation
    return v.PlaceBody(
        path=[node.name or node.mrid for node in network.ancestors(anchor)] if anchor else [],
        concentrators=chosen,
        concentrator=judged.concentrator,
        panels=_panels(run, place.transformer, judged.panel),
        panel=judged.panel,
        slots=_slots(run, judged.panel, judged.slot, answer.slot),
        slot=judged.slot,
        phases=["A", "B", "C", "ABC"] if "three_phase" in run.job().facts else ["A", "B", "C"],
        phase=judged.phase,
        reasons=reasons,
    )


def _panels(run: ProcedureRun, transformer: str | None, expected: str | None) -> list[v.PlaceOption]:
    if expected is None or transformer is None:
        return []
    network = run.around.network
    return [
        v.PlaceOption(
            id=node.mrid,
            name=node.name or node.mrid,
            used=network.used(node.mrid),
            capacity=node.capacity,
            level="fine",
            expected=node.mrid == expected,
        )
        for node in network.children(transformer, "panel")
    ]


def _slots(run: ProcedureRun, panel: str | None, meant: int | None, said: int | None) -> list[v.SlotView]:
    """Who stands where. `meant`: slot of the answer or, without one, of the order; `said`: the answer's."""
    if panel is None:
        return []
    node, there = run.around.network.node(panel), run.around.network.occupants(panel)
    count = (node.capacity if node else None) or max([*there, meant or 0], default=0)
    new, own = device_serial(run.state, DeviceRole.NEW), evidence.own_serials(run)
    slots = []
    for number in range(1, count + 1):
        serial = there.get(number)
        if serial is not None and serial not in own:
            slots.append(v.SlotView(number=number, serial=serial, state="taken"))
        elif number == meant:
            state = "ours" if number == said or (new is not None and serial == new) else "expected"
            slots.append(v.SlotView(number=number, serial=new, state=state))
        else:
            # An old meter of this order that hangs elsewhere than was meant is still the one that goes.
            slots.append(v.SlotView(number=number, serial=None, state="free"))
    return slots
