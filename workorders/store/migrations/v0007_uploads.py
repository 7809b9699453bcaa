"""Files that reach the office piece by piece: what of each is here, kept where every gateway sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0007"

TABLES = """
upload: upload_id s*, tablet_id s!, sha256 s, size i!, held i!, metadata s!, created_at s!, expires_at s!,
    finished_at s
  @upload_tablet tablet_id created_at
  @upload_expires expires_at
upload_part: upload_id s*, start i*, sha256 s*, size i!, arrived b!
  @upload_part_sha256 sha256
"""


def upgrade(operations: Operations) -> None:
    """Make the tables."""
    tables(TABLES).create_all(operations.get_bind())
