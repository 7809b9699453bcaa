"""What a project's files name that another project of this office holds already.

An mRID names one thing, and a serial one device, in the whole office. Asked before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, Connection, select

from workorders.gateway.errors import InvalidInput
from workorders.gateway.tables import usage_point
from workorders.store import schema

SHOWN = 5
_AT_ONCE = 500
_HELD: dict[str, tuple[str, Column[str]]] = {
    "network": ("nodes of the network", schema.network_node.c.mrid),
    "usage_points": ("supply points", usage_point.c.mrid),
    "meters": ("standing meters", schema.base_placement.c.serial),
    "stock": ("devices of the stock", schema.stock_item.c.serial),
}


def check_claims(connection: Connection, project: str, claimed: dict[str, Iterable[str]]) -> None:
    """Nothing of this may belong to another project.

    Args:
        claimed: the mRIDs or serials of each table.

    Raises:
        InvalidInput: `held_elsewhere`; names the projects and the first of what they hold.
    """
    found = []
    for table, names in claimed.items():
        what, column = _HELD[table]
        owners: dict[str, list[str]] = {}
        for owner, name in _elsewhere(connection, column, project, sorted(set(names))):
            owners.setdefault(owner, []).append(name)
        for owner, held in sorted(owners.items()):
            more = ", …" if len(held) > SHOWN else ""
            found.append(f"the project {owner} holds {len(held)} {what}: {', '.join(held[:SHOWN])}{more}")
    if found:
        raise InvalidInput(
            f"{'; '.join(found)}. An mRID and a serial belong to one project: load them under that id, or "
            f"take them out of the files of {project}. Nothing was taken.",
            code="held_elsewhere",
        )


def _elsewhere(
    connection: Connection, column: Column[str], project: str, names: Sequence[str]
) -> Iterable[tuple[str, str]]:
    owner = column.table.c.project
    for at in range(0, len(names), _AT_ONCE):
        query = select(owner, column).where(column.in_(names[at : at + _AT_ONCE]), owner != project)
        for row in connection.execute(query.order_by(column)):
            yield row[0], row[1]
