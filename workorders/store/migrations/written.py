"""Reads the tables that a migration writes out: what code declares later must not change what it once made.

One table a paragraph: `name: column type, …`, then its indexes as `@index column …`; a line that begins with
four blanks goes on with the one before. Types: s text, t long text, i integer, b boolean, x bytes, j JSON;
`*` is the primary key, `!` not null, `=` unique.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

_TYPES: dict[str, type[TypeEngine[Any]]] = {
    "s": String,
    "t": Text,
    "i": Integer,
    "b": Boolean,
    "x": LargeBinary,
    "j": JSON,
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
        _TYPES[kind[0]](),
        primary_key="*" in kind,
        nullable=not ("*" in kind or "!" in kind),
        unique=True if "=" in kind else None,
    )
