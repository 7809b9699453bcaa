"""The office's own tables (empty on a tablet)."""

from __future__ import annotations

from alembic.operations import Operations

from workorders.gateway.tables import metadata

REVISION = "0002"


def upgrade(operations: Operations) -> None:
    """Make the tables of enrolment, people's sessions, visibility and receipts."""
    metadata.create_all(operations.get_bind())
