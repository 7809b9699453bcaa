"""The tree of nodes: substation, feeder, transformer, output, concentrator, panel, slot.

Each node keeps its path from the root, so that "everything below" is one range of an index at any depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select

from workorders.store import schema
from workorders.store.queries.rows import read


class NodeKind(StrEnum):
    """What a node is. Which may hang below which is up to the technology, not to us."""

    SUBSTATION = "substation"
    BUS = "bus"
    FEEDER = "feeder"
    TRANSFORMER = "transformer"
    OUTPUT = "output"
    CONCENTRATOR = "concentrator"
    ACCESS_POINT = "accessPoint"
    GATEWAY = "gateway"
    BORDER_ROUTER = "borderRouter"
    PANEL = "panel"
    SLOT = "slot"
    USAGE_POINT = "usagePoint"
    TOTALIZER = "totalizer"
    MACRO_METER = "macroMeter"
    RECLOSER = "recloser"
    CAPACITOR_BANK = "capacitorBank"
    VOLTAGE_REGULATOR = "voltageRegulator"
    FAULT_INDICATOR = "faultIndicator"
    TRANSFORMER_MONITOR = "transformerMonitor"
    STREET_LIGHT_CONTROL = "streetLightControl"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node. `identity` is what the network calls it (MAC, serial); `lat`, `lon` decimal degrees as text."""

    mrid: str
    kind: str
    parent: str | None = None
    name: str | None = None
    identity: str | None = None
    capacity: int | None = None
    phase: str | None = None
    lat: str | None = None
    lon: str | None = None


class NetworkError(ValueError):
    """A network that is no tree. `problems` names each node and what is wrong with it.

    Attributes:
        code: `bad_network`.
        problems: (mrid, code) with codes `duplicate`, `unknown_parent`, `cycle`, `unknown_kind`, `bad_mrid`.
    """

    code = "bad_network"

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        shown = "; ".join(f"{mrid}: {code}" for mrid, code in problems[:5])
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        super().__init__(f"the network list does not make a tree: {shown}{more}")
        self.problems = list(problems)


def paths(nodes: Iterable[Node]) -> dict[str, str]:
    """The path of each node, `/root/…/node/`.

    Raises:
        NetworkError: duplicates, unknown parents or kinds, cycles, an mRID with a slash; all of them at once.
    """
    known: dict[str, Node] = {}
    problems: list[tuple[str, str]] = []
    kinds = set(NodeKind)
    for item in nodes:
        if item.mrid in known:
            problems.append((item.mrid, "duplicate"))
        if not item.mrid or "/" in item.mrid:
            problems.append((item.mrid, "bad_mrid"))
        if item.kind not in kinds:
            problems.append((item.mrid, "unknown_kind"))
        known[item.mrid] = item
    found: dict[str, str] = {}
    for mrid in known:
        _path(mrid, known, found, problems)
    if problems:
        raise NetworkError(sorted(set(problems)))
    return found


def _path(
    mrid: str, known: Mapping[str, Node], found: dict[str, str], problems: list[tuple[str, str]]
) -> None:
    chain: list[str] = []
    seen: set[str] = set()
    here: str | None = mrid
    while here is not None and here not in found:
        if here in seen:
            problems.append((here, "cycle"))
            return
        if here not in known:
            problems.append((chain[-1], "unknown_parent"))
            return
        seen.add(here)
        chain.append(here)
        here = known[here].parent
    path = "/" if here is None else found[here]
    for item in reversed(chain):
        path = f"{path}{item}/"
        found[item] = path


def load_network(connection: Connection, project: str, nodes: Sequence[Node]) -> int:
    """Replace the tree of a project; returns the number of nodes.

    Raises:
        NetworkError: before anything is changed.
    """
    found = paths(nodes)
    table = schema.network_node
    connection.execute(delete(table).where(table.c.project == project))
    rows = [
        msgspec.to_builtins(item)
        | {"project": project, "path": found[item.mrid], "depth": found[item.mrid].count("/") - 2}
        for item in nodes
    ]
    if rows:
        connection.execute(insert(table), rows)
    return len(rows)


_COLUMNS = [schema.network_node.c[name] for name in Node.__struct_fields__]


def node(connection: Connection, mrid: str) -> Node | None:
    """The node of that mRID."""
    row = connection.execute(select(*_COLUMNS).where(schema.network_node.c.mrid == mrid)).first()
    return None if row is None else read(row, Node)


def children(
    connection: Connection,
    parent: str | None,
    *,
    project: str | None = None,
    limit: int = 500,
    offset: int = 0,
) -> list[Node]:
    """Nodes right below `parent`, or the roots, by name."""
    table = schema.network_node
    query = select(*_COLUMNS).where(table.c.parent.is_not_distinct_from(parent))
    if project is not None:
        query = query.where(table.c.project == project)
    query = query.order_by(table.c.kind, table.c.name, table.c.mrid).limit(limit).offset(offset)
    return [read(row, Node) for row in connection.execute(query)]


def ancestors(connection: Connection, mrid: str) -> list[Node]:
    """The nodes from the root down to `mrid`, itself included."""
    table = schema.network_node
    path = connection.execute(select(table.c.path).where(table.c.mrid == mrid)).scalar()
    if path is None:
        return []
    query = select(*_COLUMNS).where(table.c.mrid.in_(path.strip("/").split("/"))).order_by(table.c.depth)
    return [read(row, Node) for row in connection.execute(query)]


def below(path: str) -> ColumnElement[bool]:
    """Condition: the node of that path and everything below it, as one range of the index."""
    column = schema.network_node.c.path
    # A path ends with "/", and "0" is the character after it.
    return (column >= path) & (column < path[:-1] + "0")


def find_nodes(
    connection: Connection,
    *,
    project: str | None = None,
    kinds: Sequence[str] = (),
    under: str | None = None,
    search: str = "",
    limit: int = 50,
) -> list[Node]:
    """Nodes by kind, place in the tree, and part of their name, identity or mRID."""
    table = schema.network_node
    query = select(*_COLUMNS)
    if project is not None:
        query = query.where(table.c.project == project)
    if kinds:
        query = query.where(table.c.kind.in_(list(kinds)))
    if under is not None:
        path = connection.execute(select(table.c.path).where(table.c.mrid == under)).scalar()
        if path is None:
            return []
        query = query.where(below(path))
    for word in search.split():
        columns = (table.c.name, table.c.identity, table.c.mrid)
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    query = query.order_by(table.c.kind, table.c.name, table.c.mrid).limit(limit)
    return [read(row, Node) for row in connection.execute(query)]


def all_nodes(connection: Connection, project: str | None = None) -> list[Node]:
    """Every node, parents before children."""
    table = schema.network_node
    query = select(*_COLUMNS).order_by(table.c.depth, table.c.mrid)
    if project is not None:
        query = query.where(table.c.project == project)
    return [read(row, Node) for row in connection.execute(query)]


def node_counts(connection: Connection, project: str | None = None) -> dict[str, int]:
    """Number of nodes by kind."""
    table = schema.network_node
    query = select(table.c.kind, func.count().label("number")).group_by(table.c.kind)
    if project is not None:
        query = query.where(table.c.project == project)
    return {row.kind: row.number for row in connection.execute(query)}
