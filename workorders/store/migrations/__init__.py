"""Changes of the schema, in order, as plain modules: they work frozen, without an ini file or a folder scan.

Each module has `REVISION` and `upgrade(operations)`. A released one is never edited; the next one follows it
in `REVISIONS`. The revision stands in Alembic's own table (`alembic_version`), so its tools can look at it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, inspect, text

from workorders.store.migrations import (
    v0001_first,
    v0002_gateway,
    v0003_sealed_reasons,
    v0004_wipe,
    v0005_stock,
    v0006_board,
    v0007_uploads,
    v0008_mwm,
    v0009_pardon,
    v0010_audit,
    v0011_links,
    v0012_sla,
    v0013_stock_moves,
    v0014_waiting,
    v0015_fewer_pages,
)

if TYPE_CHECKING:
    from alembic.operations import Operations


class Revision(msgspec.Struct, frozen=True):
    """One step of the schema."""

    name: str
    upgrade: Callable[[Operations], None]


REVISIONS: tuple[Revision, ...] = (
    Revision(v0001_first.REVISION, v0001_first.upgrade),
    Revision(v0002_gateway.REVISION, v0002_gateway.upgrade),
    Revision(v0003_sealed_reasons.REVISION, v0003_sealed_reasons.upgrade),
    Revision(v0004_wipe.REVISION, v0004_wipe.upgrade),
    Revision(v0005_stock.REVISION, v0005_stock.upgrade),
    Revision(v0006_board.REVISION, v0006_board.upgrade),
    Revision(v0007_uploads.REVISION, v0007_uploads.upgrade),
    Revision(v0008_mwm.REVISION, v0008_mwm.upgrade),
    Revision(v0009_pardon.REVISION, v0009_pardon.upgrade),
    Revision(v0010_audit.REVISION, v0010_audit.upgrade),
    Revision(v0011_links.REVISION, v0011_links.upgrade),
    Revision(v0012_sla.REVISION, v0012_sla.upgrade),
    Revision(v0013_stock_moves.REVISION, v0013_stock_moves.upgrade),
    Revision(v0014_waiting.REVISION, v0014_waiting.upgrade),
    Revision(v0015_fewer_pages.REVISION, v0015_fewer_pages.upgrade),
)
NEWEST = REVISIONS[-1].name


def current_revision(connection: Connection) -> str | None:
    """The revision a database stands at; None for an empty one. Alembic itself is not needed to look."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def pending(current: str | None) -> tuple[Revision, ...] | None:
    """What is still to do from `current`; None for a revision this program does not know (a newer one)."""
    if current is None:
        return REVISIONS
    names = [revision.name for revision in REVISIONS]
    return REVISIONS[names.index(current) + 1 :] if current in names else None


def migrate(connection: Connection, revisions: tuple[Revision, ...]) -> None:
    """Run the given steps and note the last, inside the caller's transaction."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    operations = Operations(MigrationContext.configure(connection))
    for revision in revisions:
        revision.upgrade(operations)
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    )
    connection.execute(text("DELETE FROM alembic_version"))
    connection.execute(
        text("INSERT INTO alembic_version (version_num) VALUES (:name)"), {"name": revisions[-1].name}
    )
