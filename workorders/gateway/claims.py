"""What a project's files name that another project of this office holds already.

An mRID names one thing, and a serial one device, in the whole office. Asked before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Column, Connection, select

from workorders.gateway.errors import InvalidInput
from workorders.gateway.tables import usage_point
from workorders.store import schema
from workorders.store.bulk import among

SHOWN = 5
_AT_ONCE = 1000
_HELD: dict[str, tuple[str, Column[str]]] = {
    "network": ("nodes of the network", schema.network_node.c.mrid),
    "usage_points": ("supply points", usage_point.c.mrid),
    "meters": ("standing meters", schema.base_placement.c.serial),
    "stock": ("devices of the stock", schema.stock_item.c.serial),
}


def check_claims(connection: Connection, project: str, claimed: dict[str, Iterable[str]]) -> None:
    """Nothing of this may belong to another project.

    Args:
        claimed: the mRIDs or serials of each table, in their order and each once; read as they are asked for.

    Raises:
        InvalidInput: `held_elsewhere`; names the projects and the first of what they hold.
    """
    found = []
    for table, names in claimed.items():
        what, column = _HELD[table]
        owners: dict[str, list[str]] = {}
        held: Counter[str] = Counter()
        for owner, name in _elsewhere(connection, column, project, names):
            held[owner] += 1
            if len(first := owners.setdefault(owner, [])) < SHOWN:
                first.append(name)
        for owner, first in sorted(owners.items()):
            more = ", …" if held[owner] > SHOWN else ""
            found.append(f"the project {owner} holds {held[owner]} {what}: {', '.join(first)}{more}")
    if found:
        raise InvalidInput(
            f"{'; '.join(found)}. An mRID and a serial belong to one project: load them under that id, or "
            f"take them out of the files of {project}. Nothing was taken.",
            code="held_elsewhere",
        )


def _elsewhere(
    connection: Connection, column: Column[str], project: str, names: Iterable[str]
) -> Iterator[tuple[str, str]]:
    owner = column.table.c.project
    query = select(owner, column).where(among(column, "names"), owner != project).order_by(column)
    waiting = iter(names)
    while page := list(islice(waiting, _AT_ONCE)):
        for row in connection.execute(query, {"names": page}):
            yield row[0], row[1]
