"""What goes back to billing (CIS), maps (GIS) and the network (ADMS): readings, placements, phases.

Rows come in the gateway's sequence, a page at a time: the number of the last one is where the next export
goes on. A row that comes again has the same `entry`: so does a placement once it has ended. Positions are
personal: they are opened only where asked for, and only while their key is here.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TextIO

import msgspec
from sqlalchemy import Connection, or_, select

from workorders.gateway.links import moves, outward
from workorders.gateway.office import Office
from workorders.journal.words import DeviceRole, OrderStatus
from workorders.mwm.cells import harmless
from workorders.mwm.cim.readingtypes import reading_type
from workorders.store import schema
from workorders.store.entries import envelopes_of

PAGE = 500
_Make = Callable[[Connection, str, int, bool], tuple[Sequence[Any], int | None]]
KINDS = ("readings", "placements", "phases")


class ReadingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One register of a final (`old`) or initial (`new`) reading; `value` is decimal text as read."""

    seq: int
    entry: str
    order: str
    role: str
    serial: str | None
    usage_point: str | None
    supply_number: str | None
    time: str
    how: str
    item: str | None
    reading_type: str | None
    value: str | None
    unit: str | None
    reason: str | None
    task: str | None = None
    """Kind of the order's task; None where it was not done."""


class PlacementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A device at its place since a time, `until` another. Degrees only where they may be told."""

    seq: int
    entry: str
    order: str | None
    serial: str
    model: str | None
    usage_point: str | None
    transformer: str | None
    concentrator: str | None
    panel: str | None
    slot: int | None
    phase: str | None
    since: str
    until: str | None
    disputed: bool
    latitude: str | None = None
    longitude: str | None = None


class PhaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """Phase and rotation at a supply point, as its meter found it: direct, reverse, unknown (and why)."""

    seq: int
    entry: str
    usage_point: str | None
    serial: str
    transformer: str | None
    phase: str | None
    rotation: str
    rotation_why: str | None
    polarity: str
    time: str


def rows(office: Office, kind: str, project: str, since: int = 0, *, personal: bool = False) -> Iterator[Any]:
    """The rows of one kind of a project after a place in the sequence."""
    makers: dict[str, _Make] = {"readings": _readings, "placements": _placements, "phases": _phases}
    make = makers[kind]
    after = since
    while True:
        with office.store.read() as connection:
            page, last = make(connection, project, after, personal)
        yield from page
        if last is None:
            return
        after = last


def _moves(connection: Connection, project: str, after: int) -> tuple[list[tuple[int, Any]], int | None]:
    """Placements with their numbers, and where to go on: by the entry that ended them, else by their own."""
    placed, entry, ender, order = (
        schema.placement,
        schema.entry,
        schema.entry.alias("ender"),
        schema.work_order,
    )
    own, ended = entry.c.server_seq, ender.c.server_seq
    query = (
        select(placed, own.label("own"), ended.label("ended"), order.c.number)
        .join(entry, entry.c.id == placed.c.entry_id)
        .join(order, order.c.order_id == placed.c.order_id)
        .outerjoin(ender, ender.c.id == placed.c.ended_by)
        .where(order.c.project == project)
    )
    found: list[tuple[int, Any]] = []
    upto: int | None = None
    later = (own > after, or_(ended.is_(None), ended <= own)), (ended > after, ended > own)
    for number, where in zip((own, ended), later, strict=True):
        part = list(connection.execute(query.where(*where).order_by(number, placed.c.entry_id).limit(PAGE)))
        numbered = [(max(row.own, row.ended or 0), row) for row in part]
        if len(part) == PAGE:
            # One entry may end several: of the last one here, some may be left.
            last = numbered[-1][0] - 1
            upto = last if upto is None else min(upto, last)
        found += numbered
    kept = [one for one in found if upto is None or one[0] <= upto]
    return sorted(kept, key=lambda one: (one[0], one[1].entry_id)), upto


def _page(connection: Connection, table: Any, project: str, after: int) -> list[Any]:
    entry, order = schema.entry, schema.work_order
    query = (
        select(
            table,
            entry.c.server_seq,
            order.c.number,
            order.c.supply_number,
            order.c.usage_point.label("at_point"),
            order.c.kind.label("task"),
            order.c.status,
            order.c.old_serial,
        )
        .join(entry, entry.c.id == table.c.entry_id)
        .join(order, order.c.order_id == table.c.order_id)
        .where(order.c.project == project, entry.c.server_seq > after)
        .order_by(entry.c.server_seq)
        .limit(PAGE)
    )
    return list(connection.execute(query))


def _readings(
    connection: Connection, project: str, after: int, personal: bool
) -> tuple[list[ReadingRow], int | None]:
    found = _page(connection, schema.meter_reading, project, after)
    bodies = envelopes_of(connection, [row.entry_id for row in found])
    made: list[ReadingRow] = []
    for row in found:
        if row.role not in {DeviceRole.OLD, DeviceRole.NEW}:
            continue
        reading = outward.reading_of(row, bodies.get(row.entry_id), row.old_serial)
        common = {
            "seq": row.server_seq, "entry": row.entry_id, "order": row.number, "role": row.role,
            "serial": reading.serial, "usage_point": row.at_point, "supply_number": row.supply_number,
            "how": row.how, "reason": row.reason,
            "task": None if row.status == OrderStatus.NOT_DONE else row.task,
        }  # fmt: skip
        for one in reading.registers:
            kind = reading_type(one.item, one.unit)
            time = one.time or row.at
            made.append(
                ReadingRow(
                    item=one.item, reading_type=kind, value=one.value, unit=one.unit, time=time, **common
                )
            )
        if not reading.registers:  # not obtainable is a fact too, and never a zero
            made.append(
                ReadingRow(item=None, reading_type=None, value=None, unit=None, time=row.at, **common)
            )
    return made, found[-1].server_seq if len(found) == PAGE else None


def _placements(
    connection: Connection, project: str, after: int, personal: bool
) -> tuple[list[PlacementRow], int | None]:
    found, upto = _moves(connection, project, after)
    made = []
    for seq, row in found:
        placed = outward.placed_of(connection, row, personal=personal)
        latitude, _, longitude = (placed.position or "").partition(",")
        made.append(
            PlacementRow(
                seq=seq, entry=row.entry_id, order=row.number, serial=row.serial, model=row.model,
                usage_point=row.usage_point, transformer=row.transformer, concentrator=row.concentrator,
                panel=row.panel, slot=row.slot, phase=row.phase, since=row.since, until=row.until,
                disputed=bool(row.disputed), latitude=latitude or None, longitude=longitude or None,
            )
        )  # fmt: skip
    return made, upto


def _phases(
    connection: Connection, project: str, after: int, personal: bool
) -> tuple[list[PhaseRow], int | None]:
    found, upto = _moves(connection, project, after)
    wiring = moves.wiring_of(connection, [row for _, row in found if row.until is None])
    made = []
    for seq, row in found:
        if row.until is not None:
            continue
        judged, _ = wiring.get(row.entry_id, (None, None))
        made.append(
            PhaseRow(
                seq=seq, entry=row.entry_id, usage_point=row.usage_point, serial=row.serial,
                transformer=row.transformer, phase=row.phase,
                rotation=judged.rotation if judged else "unknown",
                rotation_why=judged.rotation_why if judged else "not_measured",
                polarity=judged.polarity if judged else "unknown", time=row.since,
            )
        )  # fmt: skip
    return made, upto


# --- forms --------------------------------------------------------------------------------------


def write_csv(found: Iterable[Any], kind: str, out: TextIO) -> int | None:
    """CSV with a heading, separated by semicolons; no cell is a formula. Returns the last number."""
    columns = {"readings": ReadingRow, "placements": PlacementRow, "phases": PhaseRow}[kind].__struct_fields__
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    last = None
    for row in found:
        writer.writerow([harmless(getattr(row, name)) for name in columns])
        last = row.seq
    return last


def write_geojson(found: Iterable[Any], out: TextIO) -> int | None:
    """A FeatureCollection of RFC 7946: longitude before latitude, `geometry` null where there is none."""
    out.write('{"type":"FeatureCollection","features":[')
    last = None
    for row in found:
        properties = {name: getattr(row, name) for name in row.__struct_fields__}
        latitude, longitude = properties.pop("latitude", None), properties.pop("longitude", None)
        geometry = "null"
        if latitude is not None and longitude is not None:
            geometry = f'{{"type":"Point","coordinates":[{float(longitude)!r},{float(latitude)!r}]}}'
        told = json.dumps(properties, ensure_ascii=False, separators=(",", ":"))
        out.write("," if last is not None else "")
        out.write(f'\n{{"type":"Feature","id":"{row.entry}","geometry":{geometry},"properties":{told}}}')
        last = row.seq
    out.write("\n]}\n")
    return last
