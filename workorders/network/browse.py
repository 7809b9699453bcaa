"""One level of the network at a time: a node, what is above it, what hangs below, how full and how heard.

Made for trees of tens of thousands of nodes: a page of children, and one grouped query for all their figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, exists, func, or_, select

from workorders.network.places import Capacity, Fullness, judge_capacity
from workorders.network.standing import standing
from workorders.network.tree import Node, ancestors, below, children, node
from workorders.store import schema

PAGE = 60
UNHEARD = "none"
"""A device that nobody has asked about yet."""

_placed, _base, _node, _join = schema.placement, schema.base_placement, schema.network_node, schema.join_state


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A node below: devices at it or further down, by join state; how full, where it has a capacity."""

    node: Node
    devices: int
    joins: dict[str, int]
    fill: Capacity | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A device that stands at the node; `join` its state, None where nobody looked."""

    serial: str
    usage_point: str | None
    panel: str | None
    slot: int | None
    phase: str | None
    since: str | None
    join: str | None


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A node with its surroundings; `node` None: above the roots. `more`: further children or devices."""

    node: Node | None
    above: list[Node]
    fill: Capacity | None
    devices: int
    joins: dict[str, int]
    children: list[Child]
    standing: list[Standing]
    more: bool


def browse(
    connection: Connection, mrid: str | None, *, project: str | None = None, limit: int = PAGE
) -> Branch | None:
    """The first `limit` children of a node, or its devices where it has none; None for an unknown node."""
    here = node(connection, mrid) if mrid is not None else None
    if mrid is not None and (here is None or not _belongs(connection, mrid, project)):
        return None
    below_it = children(connection, mrid, project=project, limit=limit + 1)
    figures = _figures(connection, below_it[:limit], here)
    total = figures[""] if here is not None else sum(figures.values(), Counter())
    there = [] if below_it else _standing(connection, mrid, limit + 1)
    return Branch(
        node=here,
        above=ancestors(connection, mrid)[:-1] if mrid is not None else [],
        fill=_fill(here, total.total()) if here is not None else None,
        devices=total.total(),
        joins=dict(total),
        children=[
            Child(
                node=child,
                devices=figures[child.mrid].total(),
                joins=dict(figures[child.mrid]),
                fill=_fill(child, figures[child.mrid].total()),
            )
            for child in below_it[:limit]
        ],
        standing=there[:limit],
        more=len(below_it) > limit or len(there) > limit,
    )


def _belongs(connection: Connection, mrid: str, project: str | None) -> bool:
    """Whether a node is the project's own; whoever asks for one project is shown no other."""
    query = select(_node.c.project).where(_node.c.mrid == mrid)
    return project is None or connection.execute(query).scalar() == project


def _fill(one: Node, used: int) -> Capacity | None:
    found = judge_capacity(one.mrid, used, one.capacity)
    return None if found.state is Fullness.UNKNOWN else found


def _figures(connection: Connection, nodes: Sequence[Node], here: Node | None) -> Mapping[str, Counter[str]]:
    """Devices by join state below each of the nodes (and below `here`, as ``), each device once a node."""
    paths = _paths(connection, [*nodes, here] if here is not None else nodes)
    names = {path: mrid for mrid, path in paths.items() if here is None or mrid != here.mrid}
    top = paths.get(here.mrid) if here is not None else None
    found: dict[str, Counter[str]] = defaultdict(Counter)
    under = _node_paths(connection, top)
    for columns, state, number in _groups(connection, top):
        hits = {path for mrid in columns if mrid is not None and (path := under.get(mrid)) is not None}
        if top is not None and hits:
            found[""][state] += number
        for child in {mrid for path in hits for mrid in _children_on(path, names)}:
            found[child][state] += number
    return found


def _children_on(path: str, names: Mapping[str, str]) -> list[str]:
    """Which of the named nodes lie on a path."""
    parts = path.strip("/").split("/")
    prefixes = ("/" + "/".join(parts[: n + 1]) + "/" for n in range(len(parts)))
    return [names[prefix] for prefix in prefixes if prefix in names]


def _paths(connection: Connection, nodes: Sequence[Node]) -> dict[str, str]:
    mrids = [one.mrid for one in nodes]
    query = select(_node.c.mrid, _node.c.path).where(_node.c.mrid.in_(mrids))
    return {row.mrid: row.path for row in connection.execute(query)}


def _node_paths(connection: Connection, top: str | None) -> dict[str, str]:
    query = select(_node.c.mrid, _node.c.path)
    if top is not None:
        query = query.where(below(top))
    return {row.mrid: row.path for row in connection.execute(query)}


def _groups(connection: Connection, top: str | None) -> list[tuple[tuple[str | None, ...], str, int]]:
    """Devices by the nodes that their places name and by join state: few rows however many devices."""
    state = func.coalesce(_join.c.state, UNHEARD)
    named = (_placed.c.panel, _placed.c.transformer, _placed.c.concentrator)
    placed = (
        select(*named, state.label("state"), func.count().label("number"))
        .select_from(_placed)
        .outerjoin(_join, _join.c.serial == _placed.c.serial)
        .where(_placed.c.until.is_(None))
        .group_by(*named, state)
    )
    device = schema.device
    listed = select(_base.c.place, func.count().label("number")).where(
        _base.c.place.is_not(None), ~exists().where(device.c.serial == _base.c.serial)
    )
    if top is not None:
        inside = select(_node.c.mrid).where(below(top))
        placed = placed.where(or_(*(column.in_(inside) for column in named)))
        listed = listed.where(_base.c.place.in_(inside))
    rows: list[tuple[tuple[str | None, ...], str, int]] = [
        ((row.panel, row.transformer, row.concentrator), row.state, row.number)
        for row in connection.execute(placed)
    ]
    rows += [
        ((row.place,), UNHEARD, row.number) for row in connection.execute(listed.group_by(_base.c.place))
    ]
    return rows


def _standing(connection: Connection, mrid: str | None, limit: int) -> list[Standing]:
    if mrid is None:
        return []
    rows = standing(connection, mrid, limit=limit)
    serials = [row.serial for row in rows]
    query = select(_join.c.serial, _join.c.state).where(_join.c.serial.in_(serials))
    states = {row.serial: row.state for row in connection.execute(query)}
    return [
        Standing(
            serial=row.serial,
            usage_point=row.usage_point,
            panel=row.panel,
            slot=row.slot,
            phase=row.phase,
            since=row.since,
            join=states.get(row.serial),
        )
        for row in rows
    ]
