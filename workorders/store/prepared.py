"""Says a statement to the bare driver, compiled once: for what every step of a crew waits for.

Of a short statement on a file, SQLAlchemy's own work takes several times what the database does. On a server
the way there and back is dearer than either, and SQLAlchemy says it as always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, TextClause
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select


class Prepared:
    """A statement with named parameters, built once and kept for as long as the program runs."""

    def __init__(self, statement: UpdateBase | Select[Any] | TextClause) -> None:
        self.statement = statement
        self._compiled: tuple[Dialect, _Compiled] | None = None

    def run(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Say it; returns its rows as plain tuples, empty for a statement that has none.

        On a file the values of the rows are as the driver gives them: ask for text and numbers only.

        Raises:
            As the driver does on a file (`Store` makes of either what a person can act on).
        """
        if connection.dialect.name != "sqlite":
            found = connection.execute(self.statement, values)
            return list(found) if found.returns_rows else []
        made = self._for(connection.dialect)
        found = bare(connection).execute(made.text, made.parameters(values)).fetchall()
        return list(found)

    def _for(self, dialect: Dialect) -> _Compiled:
        if self._compiled is None or self._compiled[0] is not dialect:
            self._compiled = (dialect, _Compiled(self.statement, dialect))
        return self._compiled[1]


class _Compiled:
    """The text of a statement for a file, and what becomes of each of its parameters."""

    def __init__(self, statement: UpdateBase | Select[Any] | TextClause, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        names: Sequence[str] = compiled.positiontup or ()
        self._fixed = {
            name: value for name, value in compiled.params.items() if value is not None and name in names
        }
        types = ((name, compiled.binds[name].type.dialect_impl(dialect)) for name in names)
        self._parts = [(name, type_.bind_processor(dialect)) for name, type_ in types]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """The statement's parameters in their places."""
        given = {**self._fixed, **values} if self._fixed else values
        return [given[name] if process is None else process(given[name]) for name, process in self._parts]


def bare(connection: Connection) -> Any:
    """The connection of the driver itself, inside the transaction that SQLAlchemy has begun."""
    return connection.connection.driver_connection
