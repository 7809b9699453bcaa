"""Writes the lists of an import, a page at a time: nothing of a list is missing while it is replaced.

What is new or differs is put in, what is equal is left alone, what the list names no more is taken away at
the end. So a list that is loaded again changes nothing, and one that is cut goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Table, select

from workorders.gateway.errors import InvalidInput
from workorders.gateway.load.reading import Files
from workorders.gateway.load.staging import PAGE, Staged
from workorders.gateway.rows import MeterRow, StockRow, UsagePointRow, identities, standing
from workorders.gateway.tables import usage_point
from workorders.network import Node, StandingMeter, StockLine
from workorders.store import projection, schema
from workorders.store.bulk import among, put_rows, take_away
from workorders.store.engine import Store

Values = dict[str, Any]
Page = Sequence[Staged[Any]]
_PERSONAL = {"customer": None, "address": None, "lat": None, "lon": None}


def node_values(files: Files, page: Sequence[Staged[Node]]) -> list[Values]:
    """Rows of the network; a node that has no way to a root is none."""
    ways = _ways(files, [row.key for row in page])
    return [
        msgspec.to_builtins(row.value) | {"path": ways[row.key][0], "depth": ways[row.key][1]}
        for row in page
        if row.key in ways
    ]


def _ways(files: Files, mrids: Sequence[str]) -> dict[str, tuple[str, int]]:
    given = msgspec.json.encode(mrids).decode()
    query = "SELECT mrid, path, depth FROM way WHERE mrid IN (SELECT value FROM json_each(?))"
    return {mrid: (path, depth) for mrid, path, depth in files.staging.ask(query, given)}


def point_values(files: Files, page: Sequence[Staged[UsagePointRow]]) -> list[Values]:
    """Rows of the supply points; who lives there stands nowhere but sealed in the orders."""
    return [
        {"mrid": row.key, "data": msgspec.to_builtins(msgspec.structs.replace(row.value, **_PERSONAL))}
        for row in page
    ]


def meter_values(files: Files, page: Sequence[Staged[MeterRow]]) -> list[Values]:
    """Rows of the standing meters."""
    return [msgspec.to_builtins(_standing(files, row.value)) for row in page]


def _standing(files: Files, row: MeterRow) -> StandingMeter:
    point = files.staging.points.get(row.usage_point) if row.usage_point else None
    return standing(row, files.calendar, files.staging.tree, point)


def standing_at(files: Files, point: UsagePointRow | None) -> StandingMeter | None:
    """The meter that stands at a supply point by the project's list."""
    row = files.staging.meter_at(point.mrid) if point is not None else None
    return None if row is None else _standing(files, row)


def stock_values(files: Files, page: Sequence[Staged[StockRow]]) -> list[Values]:
    """Rows of the stock."""
    return [msgspec.to_builtins(_line(row.value)) for row in page]


def _line(row: StockRow) -> StockLine:
    known = identities(row.identities)
    return StockLine(serial=row.serial, model=row.model, state=row.state, crew=row.crew, identities=known)


TABLES: dict[str, tuple[Table, Column[str]]] = {
    "network": (schema.network_node, schema.network_node.c.mrid),
    "usage_points": (usage_point, usage_point.c.mrid),
    "meters": (schema.base_placement, schema.base_placement.c.serial),
    "stock": (schema.stock_item, schema.stock_item.c.serial),
}
VALUES: dict[str, Callable[[Files, Page], list[Values]]] = {
    "network": node_values,
    "usage_points": point_values,
    "meters": meter_values,
    "stock": stock_values,
}


def write_list(connection: Connection, files: Files, name: str, page: Page) -> bool:
    """Put a page of a list in, where it is new or differs; whether it moved nodes of the tree.

    Raises:
        InvalidInput: `held_elsewhere`: another project has taken one of the names since they were asked for.
    """
    table, key = TABLES[name]
    project = files.project.id
    rows = {row[key.name]: row | {"project": project} for row in VALUES[name](files, page)}
    known: dict[str, Values] = {}
    for row in connection.execute(select(table).where(among(key, "keys")), {"keys": list(rows)}):
        known[getattr(row, key.name)] = dict(row._mapping)
    taken = sorted(one for one, row in known.items() if row["project"] not in (None, project))
    if taken:
        owner = known[taken[0]]["project"]
        raise InvalidInput(f"the project {owner} has taken {taken[0]} meanwhile", code="held_elsewhere")
    differs = [one for one in rows if one not in known or (files.whole and known[one] != rows[one])]
    take_away(connection, [(key, "keys")], keys=[one for one in differs if one in known])
    put_rows(connection, table, [rows[one] for one in differs])
    _fold_meters(connection, name, differs)
    return name == "network" and any(_hangs(known.get(one)) != _hangs(rows[one]) for one in differs)


def _hangs(node: Values | None) -> tuple[Any, Any] | None:
    """What of a node decides on zones."""
    return None if node is None else (node["kind"], node["path"])


def _fold_meters(connection: Connection, name: str, keys: Sequence[str]) -> None:
    """Look again for serials that entries and the list of standing meters have in two places."""
    if name == "meters" and keys:
        projection.refold_listed(connection, keys)


def left_over(store: Store, files: Files, name: str, after: str) -> tuple[list[str], str | None]:
    """Of the office's next rows after a key, what the files name no more; and the key to go on from."""
    table, key = TABLES[name]
    query = select(key).where(table.c.project == files.project.id, key > after).order_by(key).limit(PAGE)
    with store.read() as connection:
        page = connection.execute(query).scalars().all()
    return files.staging.missing(name, page), page[-1] if page else None


def take_left_over(connection: Connection, name: str, keys: Sequence[str]) -> bool:
    """Take rows away that no list names any more; whether that moved nodes of the tree."""
    take_away(connection, [(TABLES[name][1], "keys")], keys=keys)
    _fold_meters(connection, name, keys)
    return name == "network"
