"""What a link has done stands under its project and name, so that two projects may call a link the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0011"

_TABLES = ("mwm_cursor", "mwm_inbox", "mwm_order", "mwm_outbox")


def upgrade(operations: Operations) -> None:
    """Put the project before the name of each link that is known: that of its orders, else the only one.

    A name that several projects used goes to the one with most of its orders; whatever another project had
    under it was mixed up already, and that link begins anew.
    """
    bind = operations.get_bind()
    order = sa.table("work_order", sa.column("order_id"), sa.column("project"))
    project = sa.table("project", sa.column("project_id"))
    only = bind.execute(sa.select(project.c.project_id).limit(2)).scalars().all()
    tables = [sa.table(name, sa.column("link"), sa.column("order_id")) for name in _TABLES]
    names = {name for table in tables for name in bind.execute(sa.select(table.c.link).distinct()).scalars()}
    for name in sorted(names):
        counts: dict[str, int] = {}
        for table in tables[2:]:
            query = (
                sa.select(order.c.project, sa.func.count())
                .select_from(table.join(order, order.c.order_id == table.c.order_id))
                .where(table.c.link == name)
                .group_by(order.c.project)
            )
            for of, count in bind.execute(query):
                counts[of] = counts.get(of, 0) + count
        owner = max(counts, key=lambda of: counts[of]) if counts else only[0] if len(only) == 1 else None
        if owner is None:
            continue
        for table in tables:
            bind.execute(sa.update(table).where(table.c.link == name).values(link=f"{owner}/{name}"))
