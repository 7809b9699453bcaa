"""What stands where, now and before: by entries, and by the utility's list where entries are silent."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from workorders.network.places import Fullness, PlaceProblem, judge_capacity, standing_at
from workorders.network.tree import below
from workorders.store import schema
from workorders.store.queries.rows import read
from workorders.store.queries.supply import PlacementRow, listed_place

_placed, _base, _node = schema.placement, schema.base_placement, schema.network_node


def standing(
    connection: Connection,
    mrid: str,
    *,
    slot: int | None = None,
    ended: bool = False,
    limit: int | None = 500,
    offset: int = 0,
) -> list[PlacementRow]:
    """Devices at a node or below it, by panel, slot and serial; the newest first where `ended`.

    Args:
        slot: only this slot of the panel `mrid`.
        ended: what stood there and stands there no more.
        limit: so many at most; None: all.
    """
    path = connection.execute(select(_node.c.path).where(_node.c.mrid == mrid)).scalar()
    if path is None:
        return []
    nodes = select(_node.c.mrid).where(below(path))
    there = or_(
        _placed.c.concentrator.in_(nodes), _placed.c.panel.in_(nodes), _placed.c.transformer.in_(nodes)
    )
    if slot is not None:
        there = and_(_placed.c.panel == mrid, _placed.c.slot == slot)
    query = select(*(_placed.c[name] for name in PlacementRow.__struct_fields__ if name != "place"))
    if ended:
        query = query.where(there, _placed.c.until.is_not(None)).order_by(
            _placed.c.until.desc(), _placed.c.entry_id
        )
        return [read(row, PlacementRow) for row in connection.execute(query.limit(limit).offset(offset))]
    query = query.where(there, _placed.c.until.is_(None)).order_by(
        _placed.c.panel, _placed.c.slot, _placed.c.serial, _placed.c.entry_id
    )
    rows = [read(row, PlacementRow) for row in connection.execute(query.limit(limit).offset(offset))]
    if limit is None or len(rows) < limit:
        listed = (
            _base.c.place.in_(nodes) if slot is None else and_(_base.c.place == mrid, _base.c.slot == slot)
        )
        before = offset - _number(connection, and_(there, _placed.c.until.is_(None))) if offset else 0
        left = None if limit is None else limit - len(rows)
        rows += _listed(connection, listed, left, max(0, before))
    return rows


def _number(connection: Connection, where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(_placed).where(where)).scalar_one())


def _listed(
    connection: Connection, where: ColumnElement[bool], limit: int | None, offset: int
) -> Iterable[PlacementRow]:
    device = schema.device
    query = select(_base).where(where, ~exists().where(device.c.serial == _base.c.serial))
    query = query.order_by(_base.c.place, _base.c.slot, _base.c.serial).limit(limit).offset(offset)
    for row in connection.execute(query):
        yield listed_place(row)


def place_faults(connection: Connection) -> list[PlaceProblem]:
    """What is wrong with the places as they stand: two at once, one slot twice, unknown or overfull nodes.

    `params` names the node at fault as `node`, else the serial.
    """
    return [
        *_twice(connection, _placed.c.serial, "two_places"),
        *_slot_twice(connection),
        *_unknown(connection),
        *_full(connection),
    ]


def _twice(connection: Connection, column: ColumnElement[str], code: str) -> Iterable[PlaceProblem]:
    query = select(column.label("what"), func.count().label("number")).where(_placed.c.until.is_(None))
    for row in connection.execute(query.group_by(column).having(func.count() > 1).order_by(column)):
        yield PlaceProblem(code=code, blocks=True, params={"node": row.what, "places": str(row.number)})


def _slot_twice(connection: Connection) -> Iterable[PlaceProblem]:
    query = (
        select(_placed.c.panel, _placed.c.slot, func.count().label("number"))
        .where(_placed.c.until.is_(None), _placed.c.panel.is_not(None), _placed.c.slot.is_not(None))
        .group_by(_placed.c.panel, _placed.c.slot)
        .having(func.count() > 1)
        .order_by(_placed.c.panel, _placed.c.slot)
    )
    for row in connection.execute(query):
        params = {"node": row.panel, "slot": str(row.slot), "devices": str(row.number)}
        yield PlaceProblem(code="slot_twice", blocks=True, params=params)


def _unknown(connection: Connection) -> Iterable[PlaceProblem]:
    for name in ("concentrator", "panel", "transformer"):
        column = _placed.c[name]
        query = (
            select(column.label("what"), func.count().label("number"))
            .where(_placed.c.until.is_(None), column.is_not(None), ~exists().where(_node.c.mrid == column))
            .group_by(column)
            .order_by(column)
        )
        for row in connection.execute(query):
            params = {"node": row.what, "field": name, "devices": str(row.number)}
            yield PlaceProblem(code="unknown_node", blocks=True, params=params)


def _full(connection: Connection) -> Iterable[PlaceProblem]:
    query = select(_node.c.mrid, _node.c.capacity).where(_node.c.capacity.is_not(None)).order_by(_node.c.mrid)
    for row in connection.execute(query).all():
        found = judge_capacity(row.mrid, standing_at(connection, row.mrid), row.capacity)
        if found.used > (found.capacity or 0) or (found.state is Fullness.WARN):
            code = "nearly_full" if found.used <= (found.capacity or 0) else "full"
            params = {"node": row.mrid, "used": str(found.used), "capacity": str(row.capacity)}
            yield PlaceProblem(code=code, blocks=code == "full", params=params)
