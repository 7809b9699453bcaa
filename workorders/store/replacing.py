"""Replaces what stands under a few keys in many tables by one statement of a server.

A push folds two or three orders: to take their rows away and put them in anew, table by table, costs a server
and the way to it more than the rows themselves. Here the rows go as one JSON text a table; the server takes
away what is no more, puts in what is new, and writes of the others only those that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    LargeBinary,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

from workorders.store.asking import Step

MOST_ROWS = 1000
"""More go faster by a COPY a table, and need not be held as one text."""

_encode = msgspec.json.Encoder().encode
_NUL = b"\\u0000"
_PLAIN = String | BigInteger | Boolean | JSON
"""Types whose values stand in JSON as they are."""


def replacement(
    connection: Connection,
    which: Sequence[tuple[Column[Any], str]],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    **lists: Sequence[str],
) -> Step | None:
    """Makes what these tables hold under keys the rows given; None where it must be done one by one.

    Args:
        which: a column of each table, with the name of the list among `lists` that holds its keys.
        rows: by table name. What is under another key stays as it is.
    """
    given = [rows.get(column.table.name, ()) for column, _ in which]
    if connection.dialect.name != "postgresql" or sum(map(len, given)) > MOST_ROWS:
        return None
    texts = [_encode(part) for part in given]
    if any(_NUL in text for text in texts):
        return None  # no text of a server holds it; row by row something is written in its place
    statement, names = _statement(connection.dialect, tuple(which))
    keys = [list(lists[name]) for name in names]
    return statement, (*keys, *(text.decode() for text in texts))


def insertion(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, over: str | None = None
) -> Step | None:
    """Inserts a few rows, each with the columns of the first; None where it must be done another way.

    Args:
        over: a column that is unique: a row that has the value already is overwritten.
    """
    if connection.dialect.name != "postgresql" or not 0 < len(rows) <= MOST_ROWS:
        return None
    names = tuple(name for name in rows[0] if name in table.columns)
    made = _insert(connection.dialect, table, names, over)
    if made is None:
        return None
    statement, binary = made
    if binary:
        rows = [{**row, **{name: _hex(row[name]) for name in binary}} for row in rows]
    text = _encode(rows)
    if _NUL in text:
        return None
    return statement, (text.decode(),)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else f"\\x{value.hex()}"


@cache
def _insert(
    dialect: Dialect, table: Table, names: tuple[str, ...], over: str | None
) -> tuple[str, list[str]] | None:
    """The statement that puts in rows with these columns, and which of these hold bytes."""
    columns = [table.columns[name] for name in names]
    if not all(isinstance(column.type, _PLAIN | LargeBinary) for column in columns):
        return None
    name, listed = dialect.identifier_preparer.format_table(table), _quoted(dialect, columns)
    source = f"json_populate_recordset(NULL::{name}, %s::json)"
    binary = [column.name for column in columns if isinstance(column.type, LargeBinary)]
    statement = f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {source}"
    if over is not None:
        sets = ", ".join(
            f"{each} = excluded.{each}" for each in map(dialect.identifier_preparer.quote, names)
        )
        statement += f" ON CONFLICT ({over}) DO UPDATE SET {sets}"
    return statement, binary


@cache
def _statement(dialect: Dialect, which: tuple[tuple[Column[Any], str], ...]) -> tuple[str, list[str]]:
    """The statement, and the lists that are its first parameters; the rows of each table come after them."""
    names = sorted({name for _, name in which})
    head = ", ".join(f"%s::varchar[] AS {name}" for name in names)
    parts = [f"listed AS MATERIALIZED (SELECT {head})"]
    for number, (column, name) in enumerate(which):
        parts += _parts(dialect, number, column, name)
    return f"WITH {', '.join(parts)} SELECT 1", names


def _parts(dialect: Dialect, number: int, column: Column[Any], listed: str) -> list[str]:
    table, quote = column.table, dialect.identifier_preparer.quote
    assert isinstance(table, Table)  # a column of ours
    name, columns = dialect.identifier_preparer.format_table(table), _quoted(dialect, table.columns)
    if not all(isinstance(each.type, _PLAIN) for each in table.columns):
        raise TypeError(f"{table} has columns without a form in JSON")
    own = [quote(each.name) for each in table.primary_key.columns]
    others = [each for each in table.columns if not each.primary_key]
    same = " AND ".join(f"now.{each} = {name}.{each}" for each in own)
    sets = ", ".join(f"{quote(each.name)} = excluded.{quote(each.name)}" for each in others)
    old, new = (
        ", ".join(_comparable(each.type, f"{source}.{quote(each.name)}") for each in others)
        for source in (name, "excluded")
    )
    return [
        f"now_{number} AS MATERIALIZED"
        f" (SELECT {columns} FROM json_populate_recordset(NULL::{name}, %s::json))",
        f"gone_{number} AS (DELETE FROM {name} WHERE {quote(column.name)} = ANY"
        f" ((SELECT {listed} FROM listed)::varchar[])"
        f" AND NOT EXISTS (SELECT FROM now_{number} AS now WHERE {same}))",
        f"put_{number} AS (INSERT INTO {name} ({columns}) SELECT {columns} FROM now_{number}"
        f" ON CONFLICT ({', '.join(own)}) DO UPDATE SET {sets}"
        f" WHERE ({old}) IS DISTINCT FROM ({new}))",
    ]


def _quoted(dialect: Dialect, columns: Iterable[Column[Any]]) -> str:
    return ", ".join(dialect.identifier_preparer.quote(column.name) for column in columns)


def _comparable(type_: TypeEngine[Any], name: str) -> str:
    return f"{name}::text" if isinstance(type_, JSON) else name  # JSON itself has no equality
