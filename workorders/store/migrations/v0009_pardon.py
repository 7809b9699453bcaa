"""Which enrolment of a device came before: what its earlier one wrote is answered to the later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from workorders.store.migrations.written import text_type

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0009"


def upgrade(operations: Operations) -> None:
    """Add the column to the office's tablets."""
    operations.add_column("tablet", sa.Column("previous", text_type()))
