"""Links to other systems: what came of each message, what is still to be told, and where reading goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0008"

TABLES = """
mwm_cursor: link s*, name s*, value s!
mwm_inbox: link s*, key s*, state s!, number s, code s, reason t, original x, attempts i!, at s!
  @mwm_inbox_state link state
mwm_order: link s*, order_id s*, number s!, foreign_id s, as_of s
mwm_outbox: link s*, key s*, position i!, order_id s!, kind s!, state s!, attempts i!, next_at s!, code s,
    reason t, at s!
  @mwm_outbox_waiting link state position
"""


def upgrade(operations: Operations) -> None:
    """Make the tables."""
    tables(TABLES).create_all(operations.get_bind())
