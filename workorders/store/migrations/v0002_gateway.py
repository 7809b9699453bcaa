"""The office's own tables (empty on a tablet)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.gateway.tables import metadata

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0002"


def upgrade(operations: Operations) -> None:
    """Make the tables of enrolment, people's sessions, visibility and receipts."""
    metadata.create_all(operations.get_bind())
