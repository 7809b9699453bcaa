"""Many rows at once: puts them in, takes them away, names them by a list, each by a statement compiled once.

SQLAlchemy builds the parameters of each row from names; for a page of a pull that costs more than the
database. Here the compiled insert of a table is kept, and the columns' own types make its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    String,
    Table,
    TextClause,
    bindparam,
    delete,
    insert,
    literal,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine

from workorders.store.asking import ask, unquoted
from workorders.store.prepared import bare
from workorders.store.replacing import insertion
from workorders.store.tables import json_text

if TYPE_CHECKING:
    _Values = TypeDecorator[Any]
else:
    _Values = TypeDecorator

_COPY_FROM = 2
"""Rows; fewer go into a server faster by themselves than by the way of many."""


class _Insert:
    """The insert of a table in one dialect: its text, and what becomes of each column's value."""

    def __init__(self, table: Table, names: tuple[str, ...], dialect: Dialect) -> None:
        compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
        self.text = str(compiled)
        quoted = dialect.identifier_preparer
        self._names = list(compiled.positiontup or names)
        columns = ", ".join(quoted.quote(name) for name in self._names)
        self._copy = f"COPY {quoted.format_table(table)} ({columns}) FROM STDIN"
        self._positional = compiled.positional
        made = (
            (number, _process(table.columns[name].type, dialect)) for number, name in enumerate(self._names)
        )
        # Most columns go in as they are; the others alone are looked at one by one.
        self._made = [(number, process) for number, process in made if process is not None]

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """The parameters of the statement, row by row."""
        found = self._values(rows)
        return found if self._positional else [dict(zip(self._names, row, strict=True)) for row in found]

    def _values(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        taken: list[Any] = list(map(itemgetter(*self._names), rows))
        if len(self._names) == 1:
            taken = [(value,) for value in taken]
        if not self._made:
            return taken
        found = []
        for values in taken:
            row = list(values)
            for number, process in self._made:
                row[number] = process(row[number])
            found.append(tuple(row))
        return found

    def copy(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Send the rows to a server in one go; it does for them all that it does for inserted ones."""
        with unquoted(), connection.connection.cursor() as cursor, cursor.copy(self._copy) as copy:  # type: ignore[attr-defined]  # psycopg's
            for row in self._values(rows):
                copy.write_row(row)


def _process(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What becomes of a column's values; of JSON, which there is most of on a file, without a detour."""
    if dialect.name == "sqlite" and isinstance(type_, JSON) and type_.none_as_null:
        return _json_or_null
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _json_or_null(value: object) -> str | None:
    return None if value is None else json_text(value)


_inserts: WeakKeyDictionary[Dialect, dict[tuple[str, ...], _Insert]] = WeakKeyDictionary()


def put_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, private: bool = False
) -> None:
    """Insert rows, each with the columns that the first one names. For tables without defaults of ours.

    Args:
        private: what is in the rows may not get into a server's log, which quotes the row of a COPY that it
            cannot take.
    """
    if not rows:
        return
    at_once = insertion(connection, table, rows)
    if at_once is not None:
        ask(connection, at_once)
        return
    names = tuple(name for name in rows[0] if name in table.columns)  # a fold notes more than it shows
    known = _inserts.setdefault(connection.dialect, {})
    made = known.get((table.name, *names))
    if made is None:
        made = known[(table.name, *names)] = _Insert(table, names, connection.dialect)
    if connection.dialect.name == "postgresql" and len(rows) >= _COPY_FROM and not private:
        made.copy(connection, rows)
    elif connection.dialect.name == "sqlite":
        bare(connection).executemany(made.text, made.rows(rows))
    else:
        connection.exec_driver_sql(made.text, made.rows(rows))


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """A condition: the column is in the list given as parameter `name`, of any length.

    One parameter for the whole list: the statement stays the same and stays prepared.
    """
    return _Among(column, bindparam(name, type_=_List(column.type)))


def take_away(
    connection: Connection, which: Sequence[tuple[Column[Any], str]], **lists: Sequence[Any]
) -> None:
    """Delete rows whose column is in a list; on a server all in one way there and back.

    Args:
        which: columns, each with the name of its list among `lists`.
    """
    for names, statement in _deletes(connection.dialect.name, tuple(which)):
        connection.execute(statement, {name: lists[name] for name in names})


def insert_listed(dialect: str, column: Column[Any], name: str) -> TextClause:
    """Puts in, as rows of this one column, what a list has and the table has not."""
    source = f"unnest(:{name})" if dialect == "postgresql" else f"(SELECT value FROM json_each(:{name}))"
    statement = f"INSERT INTO {column.table} ({column.name}) SELECT * FROM {source} AS listed WHERE true"
    return text(f"{statement} ON CONFLICT DO NOTHING").bindparams(bindparam(name, type_=_List(column.type)))


@cache
def _deletes(dialect: str, which: tuple[tuple[Column[Any], str], ...]) -> list[tuple[list[str], Delete]]:
    deletes = [delete(column.table).where(among(column, name)) for column, name in which]
    if dialect != "postgresql":
        return [([name], each) for (_, name), each in zip(which, deletes, strict=True)]
    others = [each.returning(literal(1)).cte(f"gone_{number}") for number, each in enumerate(deletes[:-1])]
    return [(sorted({name for _, name in which}), deletes[-1].add_cte(*others))]


class _List(_Values):
    """A list of values of a column as one parameter."""

    impl = String
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else msgspec.json.encode(list(value)).decode()


class _Among(ColumnElement[bool]):
    """See `among`."""

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012  # SQLAlchemy's form
        ("column", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], values: BindParameter[Any]) -> None:
        self.column = column
        self.values = values

    @property
    def _from_objects(self) -> Any:
        return self.column._from_objects

    def self_group(self, against: Any = None) -> Any:
        """A condition as it stands: where SQLAlchemy takes it for a value it asks for `… = 1`, and for that
        SQLite uses no index but reads the whole table.
        """
        del against
        return self


@compiles(_Among)
def _in_list(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in (element.column, element.values))
    if compiler.dialect.name == "postgresql":
        return f"{column} = ANY ({values})"
    return f"{column} IN (SELECT value FROM json_each({values}))"
