"""Where devices stand and on which phases supply points hang, as other systems are told of an entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from workorders.gateway.links import following, outward
from workorders.journal.kinds import DevicePlaced, DeviceRemoved, MeterRead
from workorders.journal.lifts import read_payload
from workorders.journal.words import WiringJudged
from workorders.mwm.port import About, Connected, Phases, Placements, Stay
from workorders.store import schema
from workorders.store.entries import envelopes_of

UNKNOWN = "unknown"
NOT_MEASURED = "not_measured"


def placements_of(
    connection: Connection, subject: About, payload: DevicePlaced | DeviceRemoved, *, personal: bool
) -> Placements | None:
    """The stays that an entry began or ended, as they stand now; None where it changed nothing.

    A removal that ended nothing of the record took down what the utility's own list had there: other systems
    have it there still, and are told of it under the removal.
    """
    place, order, entry = schema.placement, schema.work_order, following.entry_of(subject.key)
    query = (
        select(place, order.c.number)
        .join(order, order.c.order_id == place.c.order_id)
        .where(order.c.project == subject.project)
        .where(or_(place.c.entry_id == entry, place.c.ended_by == entry))
        .order_by(place.c.since, place.c.entry_id)
    )
    stays = [_stay(connection, row, personal=personal) for row in connection.execute(query)]
    if not stays and isinstance(payload, DeviceRemoved):
        ended = Stay(
            key=entry, serial=payload.serial, order=subject.number, until=subject.at,
            usage_point=payload.usage_point or subject.usage_point,
        )  # fmt: skip
        stays = [ended]
    return Placements(about=subject, stays=stays) if stays else None


def _stay(connection: Connection, row: Any, *, personal: bool) -> Stay:
    placed = outward.placed_of(connection, row, personal=personal)
    latitude, _, longitude = (placed.position or "").partition(",")
    return Stay(
        key=row.entry_id, serial=row.serial, order=row.number, model=row.model, usage_point=row.usage_point,
        transformer=row.transformer, concentrator=row.concentrator, panel=row.panel, slot=row.slot,
        phase=row.phase, since=row.since, until=row.until, disputed=bool(row.disputed),
        latitude=latitude or None, longitude=longitude or None,
    )  # fmt: skip


def phases_of(connection: Connection, subject: About, payload: DevicePlaced | MeterRead) -> Phases | None:
    """What an entry says of the supply point at which its device stands now.

    None where the device stands at none any more, or a later entry of the order says it anew.
    """
    kinds = DevicePlaced.KIND, MeterRead.KIND
    later = following.later_entries(connection, subject.order_id, subject.key, kinds)
    for envelope in envelopes_of(connection, later).values():
        said = read_payload(envelope)
        if following.tells_phases(said) and getattr(said, "serial", None) == payload.serial:
            return None
    place, order = schema.placement, schema.work_order
    query = (
        select(place)
        .join(order, order.c.order_id == place.c.order_id)
        .where(order.c.project == subject.project, place.c.serial == payload.serial)
        .where(place.c.until.is_(None), place.c.usage_point.is_not(None))
        .order_by(place.c.since)
    )
    rows = list(connection.execute(query))
    wiring = wiring_of(connection, rows)
    points = [_connected(row, *wiring.get(row.entry_id, (None, None))) for row in rows]
    return Phases(about=subject, points=points) if points else None


def _connected(row: Any, judged: WiringJudged | None, at: str | None) -> Connected:
    return Connected(
        usage_point=row.usage_point, serial=row.serial, time=max(row.since, at or ""),
        rotation=judged.rotation if judged else UNKNOWN,
        rotation_why=judged.rotation_why if judged else NOT_MEASURED,
        polarity=judged.polarity if judged else UNKNOWN, phase=row.phase, transformer=row.transformer,
    )  # fmt: skip


def wiring_of(connection: Connection, stays: Sequence[Any]) -> dict[str, tuple[WiringJudged, str]]:
    """The newest verdict of each meter about its own wiring at a stay, with its time; by the stay's entry.

    It is of the stay's own order, where it may be measured before the place is written down, or of a later
    visit: a fault that was put right there is no fault any more.
    """
    table = schema.meter_reading
    query = select(table.c.entry_id, table.c.order_id, table.c.serial, table.c.at).where(
        table.c.serial.in_({stay.serial for stay in stays})  # of a page at most
    )
    read = list(connection.execute(query.order_by(table.c.at, table.c.entry_id)))
    bodies = envelopes_of(connection, [row.entry_id for row in read])
    of: dict[str, list[Any]] = {}
    for stay in stays:
        of.setdefault(stay.serial, []).append(stay)
    found: dict[str, tuple[WiringJudged, str]] = {}
    for row in read:
        said = read_payload(bodies[row.entry_id]) if row.entry_id in bodies else None
        if not isinstance(said, MeterRead) or said.wiring is None:
            continue
        for stay in of[row.serial]:
            if stay.order_id == row.order_id or stay.since <= row.at:
                found[stay.entry_id] = said.wiring, row.at
    return found
