"""Devices: the stock list, where each one sits, whether the network hears it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery, and_, case, func, or_, select

from workorders.journal.words import JoinState
from workorders.store import schema
from workorders.store.queries.detail import JoinRow
from workorders.store.queries.rows import read


class StockItem(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the stock. `state`: in_store, on_truck, installed, removed, returned, lost.

    State and crew are what entries say; without any, what the list says. `moved_at`: when it changed hands.
    """

    serial: str
    model: str
    state: str
    crew: str | None
    identities: dict[str, str]
    moved_at: str | None = None


class StockFigure(msgspec.Struct, frozen=True, kw_only=True):
    """How many devices of a model are in a state on a crew's truck (None: the store)."""

    crew: str | None
    model: str
    state: str
    number: int


class StockCountRow(msgspec.Struct, frozen=True, kw_only=True):
    """A count of a truck (None: the store): how many were found, which ones were missing or not expected."""

    crew: str | None
    found: int
    missing: list[str]
    unexpected: list[str]
    actor: str | None
    at: str


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


def _stock_lines() -> Select[Any]:
    """Every device of the stock, by the list and by movements: what was entered last says where it is.

    A device that no list names is there too, once a crew has taken it over: in the project of that movement.
    A tablet's list may know of a later movement than its own entries: another crew's, or the office's.
    """
    item, moved, device, entry = schema.stock_item, schema.stock_state, schema.device, schema.entry
    serials = select(item.c.serial).union(select(moved.c.serial)).subquery()
    gone = moved.c.over.is_(True)
    now = case((gone, func.coalesce(device.c.state, moved.c.state)), else_=moved.c.state)
    known = func.coalesce(device.c.state, item.c.state)
    listed = case((item.c.moved_at > device.c.at, item.c.state), else_=known)
    newest = and_(moved.c.serial.is_not(None), func.coalesce(moved.c.at >= item.c.moved_at, True))
    return (
        select(
            serials.c.serial,
            func.coalesce(item.c.model, moved.c.model, device.c.model, "").label("model"),
            case((newest, now), else_=listed).label("state"),
            case((newest, moved.c.crew), else_=item.c.crew).label("crew"),
            item.c.identities,
            func.coalesce(item.c.project, entry.c.project).label("project"),
            case((newest, moved.c.at), else_=item.c.moved_at).label("moved_at"),
            case((newest, moved.c.entry_id)).label("entry_id"),
        )
        .select_from(serials)
        .outerjoin(item, item.c.serial == serials.c.serial)
        .outerjoin(moved, moved.c.serial == serials.c.serial)
        .outerjoin(entry, entry.c.id == moved.c.entry_id)
        .outerjoin(device, device.c.serial == serials.c.serial)
    )


def stock(
    connection: Connection,
    *,
    crew: str | None = None,
    model: str | None = None,
    project: str | None = None,
    state: str | None = None,
    serial: str | None = None,
    store: bool = False,
    limit: int = 500,
    offset: int = 0,
) -> list[StockItem]:
    """The stock, of one crew's truck or of all.

    Args:
        serial: a part of it, as on the label.
        store: only what lies in the store.
    """
    lines = _stock_lines().subquery()
    wanted = StockFilter(crew=crew, model=model, project=project, state=state, serial=serial, store=store)
    return _stock(connection, lines, wanted.conditions(lines), limit, offset)


class StockFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices of the stock: all that is set must hold (see `stock`)."""

    crew: str | None = None
    model: str | None = None
    project: str | None = None
    state: str | None = None
    serial: str | None = None
    store: bool = False

    def conditions(self, lines: Subquery) -> list[ColumnElement[bool]]:
        """As conditions on the lines of the stock."""
        equal = ("crew", "model", "project", "state")
        found = [lines.c[name] == value for name in equal if (value := getattr(self, name)) is not None]
        if self.serial:
            found.append(lines.c.serial.contains(self.serial, autoescape=True))
        if self.store:
            found.append(in_store(lines))
        return found


def in_store(lines: Subquery) -> ColumnElement[bool]:
    """Whether a device lies in the store: a new one, or one that came back."""
    return and_(lines.c.crew.is_(None), lines.c.state.in_(IN_STORE))


IN_STORE = ("in_store", "returned")


class StockPlace(msgspec.Struct, frozen=True, kw_only=True):
    """How many devices are on a truck, or (`crew` None) in the store."""

    crew: str | None
    number: int


def stock_lines(
    connection: Connection,
    wanted: StockFilter,
    *,
    serials: Sequence[str] | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Row[Any]]:
    """A page of the stock, or some devices by their whole serials, by model and serial: the fields of
    `StockItem`, `project`, and `entry_id` of the movement that says where it is (None: none does)."""
    lines = _stock_lines().subquery()
    query = select(lines).where(*wanted.conditions(lines)).order_by(lines.c.model, lines.c.serial)
    if serials is not None:
        query = query.where(lines.c.serial.in_(serials))
    return list(connection.execute(query.limit(limit).offset(offset)))


def count_stock(connection: Connection, wanted: StockFilter) -> int:
    """How many devices there are."""
    lines = _stock_lines().subquery()
    query = select(func.count()).select_from(lines).where(*wanted.conditions(lines))
    return int(connection.execute(query).scalar_one())


def stock_places(connection: Connection, wanted: StockFilter) -> list[StockPlace]:
    """How many devices lie where, wherever that is: what `wanted` says of the place does not count."""
    lines = _stock_lines().subquery()
    anywhere = msgspec.structs.replace(wanted, crew=None, store=False)
    here = or_(lines.c.crew.is_not(None), in_store(lines))
    query = select(lines.c.crew, func.count().label("number")).where(*anywhere.conditions(lines), here)
    rows = connection.execute(query.group_by(lines.c.crew).order_by(lines.c.crew))
    return [read(row, StockPlace) for row in rows]


def stock_by_serial(connection: Connection, serial: str) -> StockItem | None:
    """What the stock says of a device."""
    lines = _stock_lines().subquery()
    found = _stock(connection, lines, [lines.c.serial == serial], 1, 0)
    return found[0] if found else None


def _stock(
    connection: Connection,
    lines: Subquery,
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
    offset: int,
) -> list[StockItem]:
    query = (
        select(lines).where(*conditions).order_by(lines.c.model, lines.c.serial).limit(limit).offset(offset)
    )
    return [
        StockItem(
            serial=row.serial,
            model=row.model,
            state=row.state,
            crew=row.crew,
            identities=row.identities or {},
            moved_at=row.moved_at,
        )
        for row in connection.execute(query)
    ]


def stock_figures(connection: Connection, *, project: str | None = None) -> list[StockFigure]:
    """How many devices of each model are in each state, by crew (None: the store).

    project: of one project alone; a device that neither list nor movement gives one stands in the whole only.
    """
    lines = _stock_lines().subquery()
    query = select(lines.c.crew, lines.c.model, lines.c.state, func.count().label("number"))
    if project is not None:
        query = query.where(lines.c.project == project)
    grouped = query.group_by(lines.c.crew, lines.c.model, lines.c.state)
    rows = connection.execute(grouped.order_by(lines.c.crew, lines.c.model, lines.c.state))
    return [read(row, StockFigure) for row in rows]


def last_counts(connection: Connection, *, project: str | None = None) -> list[StockCountRow]:
    """The newest count of each truck and of the store."""
    table = schema.stock_count
    query = select(table).order_by(table.c.at, table.c.entry_id)
    if project is not None:
        query = query.where(table.c.project == project)
    newest = {row.crew: read(row, StockCountRow) for row in connection.execute(query)}
    return [newest[crew] for crew in sorted(newest, key=lambda crew: crew or "")]


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


def listed_place(row: Row[Any], *, disputed: bool = False) -> PlacementRow:
    """A line of the utility's list of standing meters as a place."""
    return PlacementRow(
        serial=row.serial,
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
        disputed=disputed,
    )


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
    listed = listed_place(row, disputed=bool(standing))
    return [
        listed,
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


def join_of(connection: Connection, serial: str) -> JoinRow | None:
    """Whether the network hears one device; None where nobody has looked yet."""
    table = schema.join_state
    query = select(*(table.c[name] for name in JoinRow.__struct_fields__)).where(table.c.serial == serial)
    row = connection.execute(query).first()
    return None if row is None else read(row, JoinRow)


def rechecks_due(connection: Connection, now: str) -> list[JoinRow]:
    """Pending devices whose time to ask again has come."""
    table = schema.join_state
    query = (
        select(*(table.c[name] for name in JoinRow.__struct_fields__))
        .where(table.c.state == str(JoinState.PENDING), table.c.recheck_at <= now)
        .order_by(table.c.recheck_at, table.c.serial)
    )
    return [read(row, JoinRow) for row in connection.execute(query)]
