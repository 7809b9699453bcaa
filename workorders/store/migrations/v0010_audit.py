"""Who did what in the office; and what came of entries in quarantine that were tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from workorders.store.migrations.written import tables, text_type

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0010"

TABLES = """
office_act: number i*, at s!, who s!, role s!, act s!, object s, source s!, outcome s, ended_at s
  @office_act_who who number
"""


def upgrade(operations: Operations) -> None:
    """Make the table, and add the columns."""
    tables(TABLES).create_all(operations.get_bind())
    for name in ("retried_at", "retried_verdict"):
        operations.add_column("quarantine", sa.Column(name, text_type()))
