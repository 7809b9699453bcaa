"""Folds of orders at hand, kept in memory: an append folds its own entries and writes what they change.

The same `OrderFold` takes the same entries as in a fold from nothing; only the ones it has taken already are
not read again. What is kept is used only where it is exactly what the tables hold: before each use the places
of all entries of the order are compared with those that were taken.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Table, and_, bindparam, delete, insert, update

from workorders.journal.entry import Entry
from workorders.store import schema, search
from workorders.store.engine import MEMORY
from workorders.store.entries import FoldEntry, Place, as_folded
from workorders.store.fold.order import OrderFold
from workorders.store.fold.raised import RowValues

MOST = 32
"""Orders kept at once; the one longest unused is forgotten."""


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _is(table: Table) -> ColumnElement[bool]:
    return and_(*(column == bindparam(f"key_{column.name}") for column in _key(table)))


TABLES: tuple[Table, ...] = (*schema.BY_ORDER, schema.exception)
_INSERT = {table.name: insert(table) for table in TABLES}
_DELETE = {table.name: delete(table).where(_is(table)) for table in TABLES}
_UPDATE = {table.name: update(table).where(_is(table)) for table in TABLES}
_encode = msgspec.json.Encoder().encode
Key = tuple[object, ...]
Rows = dict[str, dict[Key, tuple[bytes, RowValues]]]


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
        if self.gone:
            connection.execute(_DELETE[self.table.name], [self._named(key) for key in self.gone])
        if self.fresh:
            connection.execute(_INSERT[self.table.name], self.fresh)
        for key, values in self.changed:
            connection.execute(_UPDATE[self.table.name], self._named(key) | values)

    def _named(self, key: Key) -> RowValues:
        return {f"key_{column.name}": value for column, value in zip(_key(self.table), key, strict=True)}


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
        before, self.rows = self.rows, _by_key(self.fold.rows())
        return [change for table in TABLES if (change := self._change(table, before))]

    def _change(self, table: Table, before: Rows) -> Changes | None:
        old, new = before.get(table.name, {}), self.rows.get(table.name, {})
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
            or {each.id for each in rest} != set(added)
        ):
            return None
        changes = kept.take(places, [as_folded(added[each.id]) for each in rest])
        self._keep(order_id, kept)
        return changes

    def keep(
        self, order_id: str, places: list[Place], entries: list[FoldEntry]
    ) -> dict[str, list[RowValues]]:
        """Fold an order from nothing and keep it; returns its rows by table name."""
        kept = KeptFold(order_id)
        kept.take(places, entries)
        self._keep(order_id, kept)
        return {name: [row for _, row in rows.values()] for name, rows in kept.rows.items()}

    def _keep(self, order_id: str, kept: KeptFold) -> None:
        self._folds[order_id] = kept
        while len(self._folds) > MOST:
            self._folds.popitem(last=False)


def kept_folds(connection: Connection) -> KeptFolds | None:
    """The kept folds of this connection's database; None where its writers do not exclude each other."""
    memory: dict[str, KeptFolds] | None = connection.get_execution_options().get(MEMORY)
    return None if memory is None else memory.setdefault("folds", KeptFolds())


def _by_key(rows: dict[str, list[RowValues]]) -> Rows:
    found: Rows = {}
    for table in TABLES:
        names = [column.name for column in _key(table)]
        found[table.name] = {
            tuple(row[name] for name in names): (_encode(row), row) for row in rows.get(table.name, [])
        }
    return found


def _changed(before: bytes, row: RowValues) -> RowValues:
    """Columns of a row that are not as in its encoding before; a fold goes on writing in its own rows."""
    was = msgspec.json.decode(before, type=dict[str, msgspec.Raw])
    return {name: value for name, value in row.items() if _encode(value) != bytes(was[name])}
