"""The rows of a project's files, laid aside on disk while they are judged and written page by page.

However many there are, what is in memory is a page of rows and some thousand that were asked for lately.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from workorders.gateway.rows import (
    COLLECTORS,
    CustomerRow,
    HeardRow,
    MeterRow,
    OrderRow,
    SecretRow,
    StockRow,
    Tree,
    UsagePointRow,
    UserRow,
    order_mrid,
)
from workorders.mwm.tables import decode_value, encode_value
from workorders.network import Node

Value = TypeVar("Value")
PAGE = 500
"""Rows of a page."""
LATELY = 4096
"""Rows of a table that are kept at hand."""


@dataclass(frozen=True)
class Kind:
    """A table of the project: its rows, what names a row, and what a row is looked up by beside that."""

    row: type[msgspec.Struct]
    key: str
    by: str | None = None


KINDS: dict[str, Kind] = {
    "network": Kind(Node, "mrid", "parent"),
    "usage_points": Kind(UsagePointRow, "mrid"),
    "customers": Kind(CustomerRow, "mrid"),
    "meters": Kind(MeterRow, "serial", "usage_point"),
    "stock": Kind(StockRow, "serial"),
    "secrets": Kind(SecretRow, "serial"),
    "users": Kind(UserRow, "id"),
    "orders": Kind(OrderRow, "number"),
    "heard": Kind(HeardRow, "serial"),
}
"""In the order in which the files are read. The key of an order is its mRID."""


@dataclass(frozen=True)
class Staged(Generic[Value]):
    """A row that was laid aside: its number among those of its table, and the line it began on."""

    number: int
    line: int
    key: str
    value: Value


class Lately(Generic[Value]):
    """Rows found by a key, the last ones kept at hand."""

    def __init__(self, fetch: Callable[[str], Value | None]) -> None:
        self._fetch = lru_cache(LATELY)(fetch)

    def get(self, key: str, /) -> Value | None:
        """What stands under that key."""
        return self._fetch(key)


class Staging:
    """The rows of one project. Rows of a table are numbered from 1 in the order of the file."""

    def __init__(self, connection: sqlite3.Connection, project: str) -> None:
        self._connection = connection
        self._project = project
        self._print = hashlib.sha256()
        self._encode = msgspec.msgpack.Encoder(enc_hook=encode_value).encode
        self._decoders = {
            name: msgspec.msgpack.Decoder(kind.row, dec_hook=decode_value) for name, kind in KINDS.items()
        }
        for name in KINDS:
            # Indexes are kept from the start: made afterwards, the sort would be held in memory.
            for statement in (
                f"CREATE TABLE {name} (number INTEGER PRIMARY KEY, line INTEGER, "
                "key TEXT NOT NULL, ref TEXT, data BLOB)",
                f"CREATE INDEX {name}_key ON {name} (key, number)",
                f"CREATE INDEX {name}_ref ON {name} (ref, number) WHERE ref IS NOT NULL",
            ):
                connection.execute(statement)
        connection.execute(
            "CREATE TABLE way (number INTEGER PRIMARY KEY, mrid TEXT UNIQUE, path TEXT, depth INTEGER)"
        )
        connection.execute(
            "CREATE TABLE going (crew TEXT, transformer TEXT, PRIMARY KEY (crew, transformer))"
        )
        self.points: Lately[UsagePointRow] = Lately(lambda key: self._one("usage_points", "key", key))
        self.customers: Lately[CustomerRow] = Lately(lambda key: self._one("customers", "key", key))
        self.tree = Tree(Lately(lambda key: self._one("network", "key", key)), Lately(self._head))

    # --- in ---------------------------------------------------------------------------------------

    def mark(self, text: str) -> None:
        """Something beside the rows that what is written depends on."""
        self._print.update(text.encode())

    def fingerprint(self) -> str:
        """Names all that was laid aside: the same rows in the same order, the same fingerprint."""
        return self._print.hexdigest()

    def put(self, name: str, rows: Sequence[tuple[int, msgspec.Struct]]) -> None:
        """Lay rows aside, each with its line."""
        kind, made = KINDS[name], []
        self._print.update(f"\n{name} {len(rows)}\n".encode())
        for line, row in rows:
            data = self._encode(row)
            self._print.update(data)
            key = getattr(row, kind.key)
            key = order_mrid(self._project, key) if name == "orders" else key
            made.append((line, key, getattr(row, kind.by) if kind.by else None, data))
        self._connection.executemany(
            f"INSERT INTO {name} (line, key, ref, data) VALUES (?, ?, ?, ?)",
            made,
        )

    def drop(self, name: str, numbers: Iterable[int]) -> None:
        """Take rows out again: they were refused."""
        self._connection.executemany(
            f"DELETE FROM {name} WHERE number = ?",
            [(number,) for number in numbers],
        )

    # --- out --------------------------------------------------------------------------------------

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query that is known to give few."""
        return self._connection.execute(query, values).fetchall()

    def walk(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query that may give many; nothing may be changed meanwhile."""
        yield from self._connection.execute(query)

    def change(self, query: str, *values: object) -> int:
        """Do something to the rows; returns how many."""
        return self._connection.execute(query, values).rowcount

    def count(self, name: str, upto: int | None = None) -> int:
        """How many rows a table has (up to a number)."""
        where = "" if upto is None else f" WHERE number <= {upto:d}"
        return int(self.ask(f"SELECT count(*) FROM {name}{where}")[0][0])

    def pages(self, name: str, after: int = 0) -> Iterator[list[Staged[Any]]]:
        """The rows of a table after a number, page by page, in the order of the file."""
        query = f"SELECT number, line, key, data FROM {name} WHERE number > ? ORDER BY number LIMIT {PAGE}"
        decode = self._decoders[name].decode
        while found := self.ask(query, after):
            yield [Staged(number, line, key, decode(data)) for number, line, key, data in found]
            after = found[-1][0]

    def keys(self, name: str) -> Iterator[str]:
        """The keys of a table in their order, each once."""
        query = f"SELECT DISTINCT key FROM {name} WHERE key > ? ORDER BY key LIMIT {PAGE}"
        after = ""
        while found := self.ask(query, after):
            yield from (key for (key,) in found)
            after = found[-1][0]

    def missing(self, name: str, keys: Sequence[str]) -> list[str]:
        """Those of the keys that no row has."""
        given = msgspec.json.encode(keys).decode()
        query = f"SELECT value FROM json_each(?) WHERE value NOT IN (SELECT key FROM {name})"
        return [key for (key,) in self.ask(query, given)]

    def later_ones(self, name: str) -> Iterator[list[Staged[Any]]]:
        """Rows whose key an earlier row has, page by page."""
        query = (
            f"SELECT number, line, key, data FROM {name} AS one WHERE number > ? AND EXISTS (SELECT 1 "
            f"FROM {name} AS other WHERE other.key = one.key AND other.number < one.number) "
            f"ORDER BY number LIMIT {PAGE}"
        )
        decode, after = self._decoders[name].decode, 0
        while found := self.ask(query, after):
            yield [Staged(number, line, key, decode(data)) for number, line, key, data in found]
            after = found[-1][0]

    def keep_last(self, name: str) -> None:
        """Of rows with one key the last one counts."""
        self.change(
            f"DELETE FROM {name} WHERE EXISTS (SELECT 1 FROM {name} AS other "
            f"WHERE other.key = {name}.key AND other.number > {name}.number)"
        )

    def meter_at(self, usage_point: str) -> MeterRow | None:
        """The meter that stands at a supply point; the last one that the list names."""
        found: MeterRow | None = self._one("meters", "ref", usage_point)
        return found

    def _one(self, name: str, column: str, key: str) -> Any:
        query = f"SELECT data FROM {name} WHERE {column} = ? ORDER BY number DESC LIMIT 1"
        found = self._connection.execute(query, (key,)).fetchone()
        return None if found is None else self._decoders[name].decode(found[0])

    def _head(self, node: str) -> str | None:
        """The first collector that hangs on a node."""
        query = "SELECT data FROM network WHERE ref = ? ORDER BY number"
        for (data,) in self._connection.execute(query, (node,)):
            found = self._decoders["network"].decode(data)
            if isinstance(found, Node) and found.kind in COLLECTORS:
                return found.mrid
        return None
