"""Which search texts the full-text index does not hold yet. Those that are here already are all in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0014"

TABLES = """
order_text_waiting: row i*
"""


def upgrade(operations: Operations) -> None:
    """Make the table."""
    tables(TABLES).create_all(operations.get_bind())
