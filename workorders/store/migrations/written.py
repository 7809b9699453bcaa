"""Reads the tables that a migration writes out: what code declares later must not change what it once made.

One table a paragraph: `name: column type, …`, then its indexes as `@index column …`; a line that begins with
four blanks goes on with the one before. Types: s text, t long text, i integer, b boolean, x bytes, j JSON;
`*` is the primary key, `!` not null, `=` unique.

On a server texts are compared by their bytes, as SQLite does (times and paths are looked up by that), and
integers have 64 bits.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine


def text_type() -> TypeEngine[str]:
    """Text that is compared by its bytes, on a server too."""
    return String().with_variant(String(collation="C"), "postgresql")


_TYPES: dict[str, TypeEngine[Any]] = {
    "s": text_type(),
    "t": Text().with_variant(Text(collation="C"), "postgresql"),
    "i": Integer().with_variant(BigInteger(), "postgresql"),
    "b": Boolean(),
    "x": LargeBinary(),
    "j": JSON(),
}


def tables(text: str) -> MetaData:
    """The tables that `text` describes."""
    metadata = MetaData()
    lines = text.strip().replace("\n    ", " ").split("\n")
    table: Table | None = None
    for line in lines:
        if line.startswith("  @") and table is not None:
            name, *columns = line[3:].split()
            Index(name, *(table.c[column] for column in columns))
        else:
            name, columns_text = line.split(": ", 1)
            table = Table(name, metadata, *map(_column, columns_text.split(", ")))
    return metadata


def _column(text: str) -> Column[Any]:
    name, kind = text.split()
    return Column(
        name,
        _TYPES[kind[0]],
        primary_key="*" in kind,
        nullable=not ("*" in kind or "!" in kind),
        unique=True if "=" in kind else None,
    )
