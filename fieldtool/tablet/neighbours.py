"""Who is beside a supply point, as far as this tablet knows: by panel, by positions of its own orders."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from fieldtool.leaving import NEAR_M, Neighbour
from fieldtool.positioning import Coordinates, coordinates, distance_m
from workorders.network import NodeKind, ancestors
from workorders.store import schema

_order, _text, _placed = schema.work_order, schema.order_text, schema.placement


def beside(
    connection: Connection, order_id: str, panel: str | None, position: Coordinates | None
) -> list[Neighbour]:
    """Devices in the same panel, supply points within `NEAR_M` metres; where a crew placed one, as placed."""
    found = {one.name: one for one in _near(connection, order_id, position)} if position else {}
    found |= {one.name: one for one in _in_panel(connection, order_id, panel)} if panel else {}
    feeders: dict[str, str | None] = {}
    return [_with_feeder(connection, one, feeders) for one in found.values()]


def _in_panel(connection: Connection, order_id: str, panel: str) -> list[Neighbour]:
    query = select(_placed.c.serial, _placed.c.concentrator, _placed.c.transformer).where(
        _placed.c.panel == panel, _placed.c.until.is_(None), _placed.c.order_id != order_id
    )
    return [
        Neighbour(name=row.serial, concentrator=row.concentrator, transformer=row.transformer)
        for row in connection.execute(query)
    ]


def _near(connection: Connection, order_id: str, position: Coordinates) -> list[Neighbour]:
    query = (
        select(
            _order.c.order_id,
            _order.c.new_serial,
            _order.c.supply_number,
            _text.c.position,
            func.coalesce(_placed.c.concentrator, _order.c.concentrator).label("concentrator"),
            func.coalesce(_placed.c.transformer, _order.c.transformer).label("transformer"),
        )
        .join(_text, _text.c.order_id == _order.c.order_id)
        .outerjoin(_placed, (_placed.c.order_id == _order.c.order_id) & _placed.c.until.is_(None))
        .where(_order.c.order_id != order_id, _text.c.position.is_not(None))
    )
    found = []
    for row in connection.execute(query):
        there = coordinates(row.position)
        metres = distance_m(*position, *there) if there else None
        if metres is not None and metres <= NEAR_M:
            found.append(
                Neighbour(
                    name=row.new_serial or row.supply_number or row.order_id,
                    concentrator=row.concentrator,
                    transformer=row.transformer,
                    metres=metres,
                )
            )
    return found


def _with_feeder(connection: Connection, one: Neighbour, known: dict[str, str | None]) -> Neighbour:
    """The feeder above its transformer; each transformer is looked up once."""
    if one.transformer is None:
        return one
    if one.transformer not in known:
        above = ancestors(connection, one.transformer)
        known[one.transformer] = next((node.mrid for node in above if node.kind == NodeKind.FEEDER), None)
    return Neighbour(
        name=one.name,
        concentrator=one.concentrator,
        transformer=one.transformer,
        feeder=known[one.transformer],
        metres=one.metres,
    )
