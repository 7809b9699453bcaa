"""Fewer pages of the file for each entry and each order: a page that changes is sealed and written whole.

The hash of an entry needs no index of its own (the id is covered by it, and nobody looks one up by its hash
alone), nor do numbers of orders and supplies (the search finds those). On a file an index of what most rows
do not have leaves those rows out, and tables with a key of two names lie in the order of that key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0015"

ENTRY = """
entry: id s*, hash s!, chain_id s!, seq i!, prev_hash s, realm s!, kind s!, schema i!, project s,
    order_id s, serial s, actor s, at s!, body x!, signature x!, own b!, server_seq i=, received_at s
  @entry_chain chain_id seq
  @entry_kind kind
  @entry_order order_id
  @entry_waiting own server_seq
"""
KEYED = """
step_state: order_id s*, step s*, position i!, answers j!, sealed j!, seconds i, revisions i!, entry_id
    s!, actor s, at s!
sla_due: order_id s*
"""
_UNASKED = ("work_order_number", "work_order_supply_number")
_SPARSE = (
    ("entry_serial", "entry", "serial", "serial"),
    ("work_order_new_serial", "work_order", "new_serial", "new_serial"),
    ("work_order_done", "work_order", "project, completed_at", "completed_at"),
    ("work_order_not_done", "work_order", "project, not_done_at", "not_done_at"),
)


def upgrade(operations: Operations) -> None:
    """Drop what is not asked for; on a file make anew what cannot be changed in place."""
    for index in _UNASKED:
        operations.execute(f"DROP INDEX {index}")
    if operations.get_bind().dialect.name != "sqlite":
        operations.execute("ALTER TABLE entry DROP CONSTRAINT entry_hash_key")
        return
    _entries_anew(operations)
    for name, table, columns, column in _SPARSE:
        operations.execute(f"DROP INDEX IF EXISTS {name}")
        operations.execute(f"CREATE INDEX {name} ON {table} ({columns}) WHERE {column} IS NOT NULL")
    keyed = tables(KEYED)
    for made in keyed.tables.values():
        # Folded from the entries, which is done again after each migration.
        operations.execute(f"DROP TABLE {made.name}")
        made.dialect_options["sqlite"]["with_rowid"] = False
    keyed.create_all(operations.get_bind())


def _entries_anew(operations: Operations) -> None:
    bind = operations.get_bind()
    fresh = tables(ENTRY)
    indexes = [index.name for index in fresh.tables["entry"].indexes]
    for name in (*indexes, "entry_serial"):
        operations.execute(f"DROP INDEX {name}")
    operations.execute("ALTER TABLE entry RENAME TO entry_before")
    fresh.create_all(bind)
    columns = ", ".join(column.name for column in fresh.tables["entry"].columns)
    bind.execute(text(f"INSERT INTO entry ({columns}) SELECT {columns} FROM entry_before ORDER BY rowid"))
    operations.execute("DROP TABLE entry_before")
