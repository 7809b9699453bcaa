"""Devices: the stock list, where each one sits, whether the network hears it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, or_, select

from workorders.journal.kinds import JoinState
from workorders.store import schema
from workorders.store.queries.detail import JoinRow
from workorders.store.queries.rows import read


class StockItem(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the stock list. `state`: in_store, on_truck, installed, removed, returned.

    The state is what entries say; without any, what the list says.
    """

    serial: str
    model: str
    state: str
    crew: str | None
    identities: dict[str, str]


class PlacementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A device at a place: by an entry, or (`entry_id` None, `place` a node) by the utility's own list."""

    serial: str
    model: str | None
    order_id: str | None
    entry_id: str | None
    usage_point: str | None
    transformer: str | None
    concentrator: str | None
    panel: str | None
    slot: int | None
    phase: str | None
    since: str | None
    until: str | None
    disputed: bool
    place: str | None = None


def _stock(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], limit: int, offset: int
) -> list[StockItem]:
    table, device = schema.stock_item, schema.device
    query = (
        select(table, device.c.state.label("now"))
        .outerjoin(device, device.c.serial == table.c.serial)
        .where(*conditions)
        .order_by(table.c.model, table.c.serial)
        .limit(limit)
        .offset(offset)
    )
    return [
        StockItem(
            serial=row.serial,
            model=row.model,
            state=row.now or row.state,
            crew=row.crew,
            identities=row.identities,
        )
        for row in connection.execute(query)
    ]


def stock(
    connection: Connection,
    *,
    crew: str | None = None,
    model: str | None = None,
    project: str | None = None,
    limit: int = 500,
    offset: int = 0,
) -> list[StockItem]:
    """The stock list, of one crew's truck or of all."""
    table = schema.stock_item
    wanted = {"crew": crew, "model": model, "project": project}
    conditions = [table.c[name] == value for name, value in wanted.items() if value is not None]
    return _stock(connection, conditions, limit, offset)


def stock_by_serial(connection: Connection, serial: str) -> StockItem | None:
    """The stock list's line of a device."""
    found = _stock(connection, [schema.stock_item.c.serial == serial], 1, 0)
    return found[0] if found else None


def placements(
    connection: Connection,
    *,
    serial: str | None = None,
    usage_point: str | None = None,
    panel: str | None = None,
    standing_only: bool = False,
) -> list[PlacementRow]:
    """Where devices were and are, by entries; the oldest first."""
    table = schema.placement
    query = select(*(table.c[name] for name in PlacementRow.__struct_fields__ if name != "place"))
    for name, value in {"serial": serial, "usage_point": usage_point, "panel": panel}.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    if standing_only:
        query = query.where(table.c.until.is_(None))
    query = query.order_by(table.c.since, table.c.entry_id)
    return [read(row, PlacementRow) for row in connection.execute(query)]


def where_is(connection: Connection, serial: str) -> list[PlacementRow]:
    """Every place where the device is said to stand now: by entries, else by the utility's list.

    More than one is a dispute; none means it stands nowhere.
    """
    standing = placements(connection, serial=serial, standing_only=True)
    device = schema.device
    known = connection.execute(select(device.c.state).where(device.c.serial == serial)).first()
    base = schema.base_placement
    row = connection.execute(select(base).where(base.c.serial == serial)).first()
    told = any(place.usage_point == row.usage_point for place in standing) if row is not None else True
    if row is None or told or (known is not None and known.state == "removed"):
        return standing
    return [
        PlacementRow(
            serial=serial,
            model=row.model,
            order_id=None,
            entry_id=None,
            usage_point=row.usage_point,
            transformer=None,
            concentrator=None,
            panel=row.place if row.slot is not None else None,
            place=row.place,
            slot=row.slot,
            phase=row.phase,
            since=row.installed_on,
            until=None,
            disputed=bool(standing),
        ),
        *standing,
    ]


def orders_with_serial(connection: Connection, serial: str) -> list[tuple[str, str]]:
    """Orders that name this device as old or new: (order_id, `old` or `new`); tells swapped orders apart."""
    table = schema.work_order
    query = (
        select(table.c.order_id, table.c.old_serial)
        .where(or_(table.c.old_serial == serial, table.c.new_serial == serial))
        .order_by(table.c.order_id)
    )
    return [(row.order_id, "old" if row.old_serial == serial else "new") for row in connection.execute(query)]


def join_rows(
    connection: Connection, *, states: tuple[JoinState, ...] = (), limit: int = 500
) -> list[JoinRow]:
    """Devices by whether the network hears them; the longest waiting first."""
    table = schema.join_state
    query = select(*(table.c[name] for name in JoinRow.__struct_fields__))
    if states:
        query = query.where(table.c.state.in_([str(state) for state in states]))
    query = query.order_by(table.c.placed_at, table.c.serial).limit(limit)
    return [read(row, JoinRow) for row in connection.execute(query)]


def rechecks_due(connection: Connection, now: str) -> list[JoinRow]:
    """Pending devices whose time to ask again has come."""
    table = schema.join_state
    query = (
        select(*(table.c[name] for name in JoinRow.__struct_fields__))
        .where(table.c.state == str(JoinState.PENDING), table.c.recheck_at <= now)
        .order_by(table.c.recheck_at, table.c.serial)
    )
    return [read(row, JoinRow) for row in connection.execute(query)]
