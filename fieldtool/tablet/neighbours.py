"""Who is beside a supply point, as far as this tablet knows: by panel, by positions of its own orders."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from fieldtool.leaving import NEAR_M, Neighbour
from fieldtool.positioning import Coordinates, coordinates, distance_m
from workorders.network import Node, NodeKind, ancestors, find_nodes, node
from workorders.store import schema

_order, _text, _placed, _node = schema.work_order, schema.order_text, schema.placement, schema.network_node
MOST_COLLECTORS = 5000
"""Collectors of one kind in the network of a tablet: more than any rollout has."""


def beside(
    connection: Connection, order_id: str, panel: str | None, position: Coordinates | None
) -> list[Neighbour]:
    """Devices in the same panel, supply points within `NEAR_M` metres; where a crew placed one, as placed."""
    found = {one.name: one for one in _near(connection, order_id, position)} if position else {}
    found |= {one.name: one for one in _in_panel(connection, order_id, panel)} if panel else {}
    feeders: dict[str, str | None] = {}
    return [_with_feeder(connection, one, feeders) for one in found.values()]


def nearest(connection: Connection, kind: str, position: Coordinates, limit: int) -> list[Node]:
    """Nodes of a kind whose place is known, the nearest first."""
    nodes = find_nodes(connection, kinds=[kind], limit=MOST_COLLECTORS)
    placed = [
        (distance_m(*position, node.lat, node.lon), node.mrid, node)
        for node in nodes
        if node.lat and node.lon
    ]
    return [node for _, _, node in sorted(placed, key=lambda one: one[:2])[:limit]]


def recent(connection: Connection, kind: str, limit: int) -> list[Node]:
    """Collectors of a kind that devices were placed on in this store of late, the newest first."""
    newest = func.max(_placed.c.since)
    query = (
        select(_placed.c.concentrator)
        .join(_node, _node.c.mrid == _placed.c.concentrator)
        .where(_node.c.kind == kind)
        .group_by(_placed.c.concentrator)
        .order_by(newest.desc(), _placed.c.concentrator)
        .limit(limit)
    )
    mrids = connection.execute(query).scalars().all()
    return [found for mrid in mrids if (found := node(connection, mrid)) is not None]


def called(connection: Connection, text: str) -> list[Node]:
    """Nodes of that mRID or name, or whose identity ends alike (marks are written differently)."""
    if not text:
        return []
    plain = "".join(letter for letter in text if letter.isalnum())
    wanted = text.casefold()
    found = find_nodes(connection, search=text, limit=50)
    named = [one for one in found if wanted in (one.mrid.casefold(), (one.name or "").casefold())]
    # The tree writes `mac=404022B8DE70`, a label 40:40:22:B8:DE:70; its last figures stand in both.
    tail = plain[-4:]
    return named + (find_nodes(connection, search=tail, limit=200) if len(tail) == 4 else [])


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
