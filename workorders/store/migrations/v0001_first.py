"""The first schema."""

from __future__ import annotations

from alembic.operations import Operations

from workorders.store.schema import metadata

REVISION = "0001"


def upgrade(operations: Operations) -> None:
    """Make every table, and on SQLite the full-text index of the order search."""
    bind = operations.get_bind()
    metadata.create_all(bind)
    if bind.dialect.name == "sqlite":
        operations.execute(
            "CREATE VIRTUAL TABLE order_search USING fts5("
            'search, tokenize="trigram remove_diacritics 1", detail=full)'
        )
        # A name that is erased must not live on in the index.
        operations.execute("INSERT INTO order_search (order_search, rank) VALUES ('secure-delete', 1)")
