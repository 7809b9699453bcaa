"""Reasons in somebody's own words are sealed: their columns of the projection hold JSON.

The projection is folded anew after this (its kinds have new schema numbers), so nothing needs to be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from workorders.store.migrations.written import text_type

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0003"

_REASONS = (
    ("order_status", "reason"),
    ("work_order", "cancel_reason"),
    ("work_order", "return_reason"),
    ("match_state", "override_reason"),
    ("decision", "reason"),
)


def upgrade(operations: Operations) -> None:
    """Make the columns of reasons JSON, and keep personal flags beside the customer that is read."""
    for table, column in _REASONS:
        operations.drop_column(table, column)
        operations.add_column(table, sa.Column(column, sa.JSON(none_as_null=True)))
    operations.add_column("order_text", sa.Column("flags", text_type()))
