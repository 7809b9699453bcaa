"""When a device of the stock list changed hands, and what the office was asked to move, by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from workorders.store.migrations.written import tables, text_type

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0013"

TABLES = """
stock_act: key s*, project s!, who s!, asked s!, answer j!, at s!
"""


def upgrade(operations: Operations) -> None:
    """Add the column and make the table."""
    operations.add_column("stock_item", sa.Column("moved_at", text_type()))
    tables(TABLES).create_all(operations.get_bind())
