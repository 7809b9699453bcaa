"""Where stock went and how it was counted, folded from entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0005"

TABLES = """
stock_state: serial s*, state s!, crew s, model s, movement s!, from_crew s, actor s, entry_id s!,
    at s!, over b!
  @stock_state_crew crew state
stock_count: entry_id s*, project s, crew s, found i!, missing j!, unexpected j!, actor s, at s!
  @stock_count_crew crew at
"""


def upgrade(operations: Operations) -> None:
    """Make the tables; the projection is folded anew after this, because there are new kinds."""
    tables(TABLES).create_all(operations.get_bind())
