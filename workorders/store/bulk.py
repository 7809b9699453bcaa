"""Puts many rows into a table at once, with the statement compiled once.

SQLAlchemy builds the parameters of each row from names; for a page of a pull that costs more than the
database. Here the compiled insert of a table is kept, and the columns' own types make its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Table, insert


class _Insert:
    """The insert of a table in one dialect: its text, and what becomes of each column's value."""

    def __init__(self, table: Table, names: tuple[str, ...], dialect: Dialect) -> None:
        compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
        self.text = str(compiled)
        self._positional = compiled.positional
        types = ((name, table.columns[name].type.dialect_impl(dialect)) for name in names)
        self._values: list[tuple[str, Callable[[Any], Any] | None]] = [
            (name, type_.bind_processor(dialect)) for name, type_ in types
        ]
        order = list(compiled.positiontup or ())
        if self._positional:
            self._values.sort(key=lambda value: order.index(value[0]))

    def row(self, values: Mapping[str, Any]) -> Any:
        if self._positional:
            return tuple(
                [values[name] if made is None else made(values[name]) for name, made in self._values]
            )
        return {name: values[name] if made is None else made(values[name]) for name, made in self._values}


_inserts: WeakKeyDictionary[Dialect, dict[tuple[str, ...], _Insert]] = WeakKeyDictionary()


def put_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, each with the columns that the first one names. For tables without defaults of ours."""
    if not rows:
        return
    names = tuple(name for name in rows[0] if name in table.columns)  # a fold notes more than it shows
    known = _inserts.setdefault(connection.dialect, {})
    made = known.get((table.name, *names))
    if made is None:
        made = known[(table.name, *names)] = _Insert(table, names, connection.dialect)
    connection.exec_driver_sql(made.text, [made.row(values) for values in rows])
