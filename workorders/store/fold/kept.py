"""Folds of orders at hand, kept in memory: an append folds its own entries and writes what they change.

The same `OrderFold` takes the same entries as in a fold from nothing; only the ones it has taken already are
not read again. What is kept is used only where it is exactly what the tables hold: before each use the places
of all entries of the order are compared with those that were taken.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from operator import itemgetter

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, update

from workorders.journal.entry import Entry
from workorders.store import schema, search
from workorders.store.bulk import put_rows
from workorders.store.engine import MEMORY
from workorders.store.entries import FoldEntry, Place, as_folded
from workorders.store.fold.order import OrderFold
from workorders.store.fold.raised import RowValues
from workorders.store.prepared import Prepared

MOST = 32
"""Orders kept at once; the one longest unused is forgotten."""


TABLES: tuple[Table, ...] = (*schema.BY_ORDER, schema.exception)
_NAMES = {table.name: [column.name for column in table.primary_key.columns] for table in TABLES}


def _is(table: Table) -> ColumnElement[bool]:
    return and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key.columns))


_DELETE = {table.name: Prepared(delete(table).where(_is(table))) for table in TABLES}


@cache
def _update(table: Table, columns: tuple[str, ...]) -> Prepared:
    """Sets these columns of one row; the same few change again and again."""
    given = {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in columns}
    return Prepared(update(table).where(_is(table)).values(given))


_encoder = msgspec.json.Encoder()
_encode, _encode_lines = _encoder.encode, _encoder.encode_lines
Key = tuple[object, ...]


class TableRows:
    """Rows of one table, each with its key and the line that it was then: a fold goes on writing in them."""

    def __init__(self, table: str, rows: list[RowValues]) -> None:
        self.lines = _encode_lines(rows).split(b"\n")[: len(rows)]
        self._rows = list(rows)
        self._keys = list(zip(*(map(itemgetter(name), rows) for name in _NAMES[table]), strict=True))

    def by_key(self) -> dict[Key, tuple[bytes, RowValues]]:
        """Line and row by primary key."""
        return dict(zip(self._keys, zip(self.lines, self._rows, strict=True), strict=True))


Rows = dict[str, TableRows]
_NO_ROWS: dict[Key, tuple[bytes, RowValues]] = {}


class Changes(msgspec.Struct, frozen=True):
    """What an append does to the rows of one table; `found_by`: whether it changes what a search finds."""

    table: Table
    gone: list[Key]
    fresh: list[RowValues]
    changed: list[tuple[Key, RowValues]]
    """Keys, and the columns that have other values now."""
    found_by: bool

    def write(self, connection: Connection) -> None:
        """Write them."""
        for key in self.gone:
            _DELETE[self.table.name].run(connection, self._named(key))
        put_rows(connection, self.table, self.fresh)
        for key, values in self.changed:
            shown = tuple(name for name in values if name in self.table.columns)
            if shown:
                given = {f"to_{name}": values[name] for name in shown}
                _update(self.table, shown).run(connection, self._named(key) | given)

    def _named(self, key: Key) -> RowValues:
        names = _NAMES[self.table.name]
        return {f"key_{name}": value for name, value in zip(names, key, strict=True)}


class KeptFold:
    """One order: its fold, what it has taken, and the rows that follow from it."""

    def __init__(self, order_id: str) -> None:
        self.fold = OrderFold(order_id)
        self.taken: list[Place] = []
        self.rows: Rows = {}

    def take(self, places: list[Place], entries: list[FoldEntry]) -> list[Changes]:
        """Fold these entries, which come last; returns what that changes, table by table."""
        for entry in entries:
            self.fold.take(entry)
        self.taken = places
        rows = self.fold.rows()
        before, self.rows = self.rows, {name: TableRows(name, rows.get(name, [])) for name in _NAMES}
        return [change for table in TABLES if (change := self._change(table, before))]

    def _change(self, table: Table, before: Rows) -> Changes | None:
        was, now = before.get(table.name), self.rows[table.name]
        if was is not None and was.lines == now.lines:
            return None
        old, new = was.by_key() if was is not None else _NO_ROWS, now.by_key()
        gone = [key for key in old if key not in new]
        fresh = [row for key, (_, row) in new.items() if key not in old]
        other = [key for key, (body, _) in new.items() if key in old and old[key][0] != body]
        if not (gone or fresh or other):
            return None
        changed = [(key, _changed(old[key][0], new[key][1])) for key in other]
        found_by = bool(gone or fresh) or any(not search.FOUND_BY.isdisjoint(row) for _, row in changed)
        return Changes(table, gone, fresh, changed, found_by and table in search.TABLES)


class KeptFolds:
    """The orders at hand of one database; used only inside its write transactions."""

    def __init__(self) -> None:
        self._folds: OrderedDict[str, KeptFold] = OrderedDict()

    def __len__(self) -> int:
        return len(self._folds)

    def changes(self, order_id: str, places: list[Place], added: dict[str, Entry]) -> list[Changes] | None:
        """What these new entries of an order change; None where the order must be folded from nothing.

        places: all its entries in the order in which they take effect, the new ones among them.
        """
        kept = self._folds.pop(order_id, None)
        rest = [] if kept is None else places[len(kept.taken) :]
        if (
            kept is None
            or places[: len(kept.taken)] != kept.taken
            or {entry_id for entry_id, _ in rest} != set(added)
        ):
            return None
        changes = kept.take(places, [as_folded(added[entry_id]) for entry_id, _ in rest])
        self._keep(order_id, kept)
        return changes

    def keep(
        self, order_id: str, places: list[Place], entries: list[FoldEntry]
    ) -> dict[str, list[RowValues]]:
        """Fold an order from nothing and keep it; returns its rows by table name."""
        kept = KeptFold(order_id)
        kept.take(places, entries)
        self._keep(order_id, kept)
        return {name: [row for _, row in rows.by_key().values()] for name, rows in kept.rows.items()}

    def _keep(self, order_id: str, kept: KeptFold) -> None:
        self._folds[order_id] = kept
        while len(self._folds) > MOST:
            self._folds.popitem(last=False)


def kept_folds(connection: Connection) -> KeptFolds | None:
    """The kept folds of this connection's database; None where its writers do not exclude each other."""
    memory: dict[str, KeptFolds] | None = connection.get_execution_options().get(MEMORY)
    return None if memory is None else memory.setdefault("folds", KeptFolds())


def _changed(before: bytes, row: RowValues) -> RowValues:
    """Columns of a row that are not as in its encoding before; a fold goes on writing in its own rows."""
    was = msgspec.json.decode(before, type=dict[str, msgspec.Raw])
    return {name: value for name, value in row.items() if _encode(value) != bytes(was[name])}
