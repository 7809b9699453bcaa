"""Lists as the utility delivers them: standing meters, stock, whom the head-end hears.

Each list replaces the one before. None of it is folded from entries; what entries say comes on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, insert, select, update

from workorders.store import projection, schema
from workorders.store.bulk import among

_PAGE = 1000
"""Lines of a list that are looked at together."""


class StandingMeter(msgspec.Struct, frozen=True, kw_only=True):
    """A meter that stands before us. `place`: mRID of the node it hangs on; readings are decimal text."""

    serial: str
    model: str | None = None
    place: str | None = None
    slot: int | None = None
    usage_point: str | None = None
    phase: str | None = None
    installed_on: str | None = None
    last_reading: str | None = None
    last_reading_date: str | None = None
    usual_daily_use: str | None = None


class StockLine(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the stock list. `state`: in_store, on_truck, installed, removed, returned, lost.

    `moved_at`: when it changed hands as far as the office knew (UTC text), in the list that the office makes
    for a crew: what a tablet entered since holds against it.
    """

    serial: str
    model: str
    state: str
    crew: str | None = None
    identities: dict[str, str] = {}
    moved_at: str | None = None


class HeardDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the head-end's list: heard when (UTC text), through which concentrator (mRID)."""

    serial: str
    heard_at: str
    concentrator: str | None = None


def _replace(connection: Connection, table: Table, project: str, rows: Iterable[msgspec.Struct]) -> int:
    connection.execute(delete(table).where(table.c.project == project))
    values: list[dict[str, Any]] = [msgspec.to_builtins(row) | {"project": project} for row in rows]
    if values:
        connection.execute(insert(table), values)
    return len(values)


def load_meters(connection: Connection, project: str, meters: Iterable[StandingMeter]) -> int:
    """Replace the standing meters of a project, and look again for serials said to be in two places."""
    number = _replace(connection, schema.base_placement, project, meters)
    projection.refold_after_reference(connection)
    return number


def load_stock(connection: Connection, project: str, lines: Iterable[StockLine]) -> int:
    """Replace the stock list of a project."""
    return _replace(connection, schema.stock_item, project, lines)


def load_heard(connection: Connection, project: str, devices: Iterable[HeardDevice]) -> int:
    """Take in the head-end's list; keeps when each device was heard first. Returns the number of lines."""
    number = 0
    waiting = iter(devices)
    while page := list(islice(waiting, _PAGE)):
        _take_heard(connection, project, page)
        number += len(page)
    return number


def _take_heard(connection: Connection, project: str, devices: Sequence[HeardDevice]) -> None:
    table = schema.heard
    columns = (table.c.serial, table.c.first_heard_at, table.c.heard_at, table.c.concentrator)
    query = select(*columns).where(among(table.c.serial, "serials"))
    serials = list({device.serial for device in devices})
    known = {row.serial: row for row in connection.execute(query, {"serials": serials})}
    fresh: dict[str, dict[str, Any]] = {}
    changed: dict[str, dict[str, Any]] = {}
    for device in devices:
        row = known.get(device.serial)
        into = fresh if row is None else changed
        before = into.get(device.serial) or (dict(row._mapping) if row is not None else None)
        first = min(device.heard_at, before["first_heard_at"]) if before else device.heard_at
        newest = before is None or device.heard_at >= before["heard_at"]
        into[device.serial] = {
            "serial": device.serial,
            "project": project,
            "first_heard_at": first,
            "heard_at": device.heard_at if newest or before is None else before["heard_at"],
            "concentrator": device.concentrator if newest or before is None else before["concentrator"],
        }
    if fresh:
        connection.execute(insert(table), list(fresh.values()))
    for serial, values in changed.items():
        connection.execute(update(table).where(table.c.serial == serial).values(values))
