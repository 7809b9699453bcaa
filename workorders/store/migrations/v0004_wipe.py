"""What the office has ordered of a lost tablet, and whether it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from workorders.store.migrations.written import text_type

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0004"


def upgrade(operations: Operations) -> None:
    """Add the columns of a wipe to the office's tablets."""
    for name in ("wipe_ordered_at", "wipe_reason", "wiped_at"):
        operations.add_column("tablet", sa.Column(name, text_type()))
