"""How each order stands with its clocks, and sums of that by project, contractor, crew, zone, technology.

Orders that are here already get their row when the board is asked next: all their clocks are due again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0012"

TABLES = """
sla_order: order_id s*, project s!, contractor s!, crew s!, zone s!, technology s!, state s!, breach_at s,
    warn_at s
figure_sla: project s*, contractor s*, crew s*, zone s*, technology s*, state s*, number i!
"""

_INDEXES = (
    "CREATE INDEX IF NOT EXISTS sla_order_breach ON sla_order "
    "(project, breach_at, contractor, crew, zone, technology) WHERE breach_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS sla_order_warn ON sla_order "
    "(project, warn_at, breach_at, contractor, crew, zone, technology) WHERE warn_at IS NOT NULL",
)


def upgrade(operations: Operations) -> None:
    """Make the tables, and note that the clocks of every order are due."""
    bind = operations.get_bind()
    tables(TABLES).create_all(bind)
    for statement in _INDEXES:
        bind.exec_driver_sql(statement)
    bind.exec_driver_sql(
        "INSERT INTO sla_due SELECT order_id FROM work_order "
        "WHERE order_id NOT IN (SELECT order_id FROM sla_due)"
    )
