"""Several statements by one way to a server and back.

Each statement that is waited for costs a server's answer and two changes of process; a push of fifty entries
needs some thirty. `ask` sends those that do not wait for each other together. On a file there is no way to
save, and they run one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Executable, Row, Select
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

Step: TypeAlias = "tuple[Executable | str, Mapping[str, Any] | Sequence[Any]]"
"""A statement that lives as long as the program (it is compiled once; no `in_`, whose text is made anew for
each list) or the text of one, and its values."""
_Process: TypeAlias = "Callable[[Any], Any] | None"


def ask(connection: Connection, *steps: Step) -> list[Sequence[Row[Any]]]:
    """Execute statements in this order; returns the rows of each, none for those that give none.

    What follows sees what those before have written. None may depend on what another one answers.
    """
    if connection.dialect.name != "postgresql":
        return [_alone(connection, *step) for step in steps]
    made = [(_Compiled.of(connection.dialect, statement), values) for statement, values in steps]
    driver: Any = connection.connection.driver_connection
    with unquoted(), driver.pipeline():
        cursors = [driver.execute(each.text, each.parameters(values)) for each, values in made]
    return [each.rows(cursor) for (each, _), cursor in zip(made, cursors, strict=True)]


@contextmanager
def unquoted() -> Iterator[None]:
    """Of what a server refuses, its first sentence alone: detail and context quote the row, which is nobody's
    business in a log."""
    try:
        yield
    except Exception as error:
        said = getattr(getattr(error, "diag", None), "message_primary", None)
        if said is None:
            raise
        raise type(error)(said) from None


def _alone(connection: Connection, statement: Executable | str, values: Any) -> Sequence[Row[Any]]:
    if isinstance(statement, str):
        result = connection.exec_driver_sql(statement, tuple(values))
    else:
        result = connection.execute(statement, values)
    return result.all() if result.returns_rows else []


class _Compiled:
    """A statement as the server's driver takes it, with what becomes of its values and of what it gives."""

    def __init__(self, dialect: Dialect, statement: Executable | str) -> None:
        self._into: dict[str, _Process] = {}
        self._out_of: list[tuple[int, Callable[[Any], Any]]] = []
        self._fixed: Mapping[str, Any] = {}
        self._names: list[str] | None = None
        if isinstance(statement, str):
            self.text = statement
            return
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # all that are executed can be
        self.text = str(compiled)
        self._fixed = compiled.params
        for bind, name in compiled.bind_names.items():
            self._into[name] = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if isinstance(statement, Select):
            self._names = [column.name for column in statement.selected_columns]
            found = (column.type.dialect_impl(dialect) for column in statement.selected_columns)
            processes = ((place, type_.result_processor(dialect, None)) for place, type_ in enumerate(found))
            self._out_of = [(place, process) for place, process in processes if process is not None]

    @staticmethod
    @cache
    def of(dialect: Dialect, statement: Executable | str) -> _Compiled:
        """The one made before, if there is."""
        return _Compiled(dialect, statement)

    def parameters(self, values: Mapping[str, Any] | Sequence[Any]) -> Any:
        """The values as the driver takes them."""
        if not isinstance(values, Mapping):
            return values
        made = dict(self._fixed)
        for name, value in values.items():
            process = self._into[name]
            made[name] = value if process is None else process(value)
        return made

    def rows(self, cursor: Any) -> Sequence[Row[Any]]:
        """What the statement gave."""
        if self._names is None and cursor.description is None:
            return []
        names = self._names or [column.name for column in cursor.description]
        found: IteratorResult[Any] = IteratorResult(
            SimpleResultMetaData(names), iter(self._values(cursor.fetchall()))
        )
        return found.all()

    def _values(self, rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
        if not self._out_of:
            return rows
        found = []
        for row in rows:
            values = list(row)
            for place, process in self._out_of:
                values[place] = process(values[place])
            found.append(tuple(values))
        return found
