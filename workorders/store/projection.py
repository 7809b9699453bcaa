"""Keeps the projection equal to a fold of all entries, whatever arrives in whatever order.

There is one way to fold: an order, device, place or chain that is touched is folded again from its entries,
and its rows are replaced. A rebuild from nothing is the same code over everything, and a late, repeated or
answered entry needs no case of its own. An order at hand goes on from where its fold stands (`fold/kept.py`),
which saves reading what was folded before.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Table, and_, bindparam, delete, func, insert, select

from workorders.journal.entry import Entry, Envelope
from workorders.journal.kinds import PAYLOADS, ExceptionDecided, PersonalErased, StockCounted
from workorders.journal.lifts import PayloadError, read_payload
from workorders.store import keys, schema, search
from workorders.store.asking import ask
from workorders.store.bulk import among, insert_listed, put_rows, take_away
from workorders.store.engine import Store
from workorders.store.entries import FoldEntry, fold_order, folded, folding, places_of_order, serial_of
from workorders.store.fold.count import fold_counts
from workorders.store.fold.device import DEVICE_KINDS, BasePlace, fold_device
from workorders.store.fold.kept import KeptFolds, kept_folds
from workorders.store.fold.order import fold_one
from workorders.store.fold.raised import RowValues, exception_id
from workorders.store.prepared import Prepared
from workorders.store.replacing import replacement
from workorders.store.settings import set_setting, setting

FOLD_VERSION = 8
"""Raised whenever a fold gives other rows than before; opening a store then folds it anew."""

_CLOCKS_DUE = {
    dialect: insert_listed(dialect, schema.sla_due.c.order_id, "orders")
    for dialect in ("sqlite", "postgresql")
}
"""An order that was folded has other clocks; they are computed when somebody asks for the board."""
_CLOCKS_DUE_NOW = {dialect: Prepared(statement) for dialect, statement in _CLOCKS_DUE.items()}

_Key = TypeVar("_Key", str, int)
_NONE: Mapping[str, Envelope] = MappingProxyType({})
CHUNK = 400
"""Orders or devices folded at once."""


class Touched(msgspec.Struct):
    """What a set of entries may change."""

    orders: set[str] = msgspec.field(default_factory=set)
    serials: set[str] = msgspec.field(default_factory=set)
    numbers: dict[str, set[int]] = msgspec.field(default_factory=dict)
    decisions: bool = False
    erasures: bool = False
    counts: set[str] = msgspec.field(default_factory=set)

    def add(self, envelope: Envelope) -> None:
        """Take note of one entry."""
        if envelope.order_id is not None:
            self.orders.add(envelope.order_id)
        serial = serial_of(envelope)
        if serial is not None and envelope.kind in DEVICE_KINDS:
            self.serials.add(serial)
        self.numbers.setdefault(envelope.chain_id, set()).add(envelope.seq)
        self.decisions |= envelope.kind == ExceptionDecided.KIND
        self.erasures |= envelope.kind == PersonalErased.KIND
        if envelope.kind == StockCounted.KIND:
            self.counts.add(envelope.id)


def fold(connection: Connection, entries: Iterable[Entry], *, numbered_here: bool = False) -> None:
    """Bring the projection up to date after entries were added in this transaction.

    Args:
        numbered_here: their numbers follow the head that was read in this transaction, which is the highest
            of the chain: nobody else has them.
    """
    touched = Touched()
    added = {entry.envelope.id: entry for entry in entries}
    for entry in added.values():
        touched.add(entry.envelope)
    if numbered_here:
        touched.numbers.clear()
    fold_touched(connection, touched, added)


def fold_touched(connection: Connection, touched: Touched, added: Mapping[str, Entry] | None = None) -> None:
    """Fold again all that is touched.

    Args:
        added: by id, the entries that this transaction added, where nothing else happened to it.
    """
    if touched.erasures:
        _fold_erasures(connection)
    kept = kept_folds(connection)
    at_hand = {entry_id: entry.envelope for entry_id, entry in (added or {}).items()}
    if kept is not None and added is not None and len(touched.orders) == 1:
        _go_on(connection, kept, next(iter(touched.orders)), added)
    else:
        _in_chunks(connection, touched.orders, partial(refold_orders, at_hand=at_hand))
    _in_chunks(connection, touched.serials, partial(refold_serials, at_hand=at_hand))
    for chain_id, numbers in touched.numbers.items():
        _in_chunks(connection, numbers, partial(_fold_forks_at, chain_id))
    if touched.decisions:
        _fold_decisions(connection)
    if touched.counts:
        _fold_counts(connection, touched.counts)


def fingerprint() -> str:
    """Names what this program folds: its version of the folds, and the kinds it knows."""
    kinds = "\n".join(f"{kind} {payload.SCHEMA}" for kind, payload in sorted(PAYLOADS.items()))
    return hashlib.sha256(f"{FOLD_VERSION}\n{kinds}".encode()).hexdigest()


def ensure(store: Store) -> bool:
    """Fold anew if another version of the program folded last; whether that was so."""
    with store.read() as connection:
        if setting(connection, "projection.folded_by") == fingerprint():
            return False
    with store.write() as connection:
        rebuild_in(connection)
    return True


def rebuild(store: Store, progress: Callable[[int, int], None] | None = None) -> None:
    """Throw the projection and the search texts away and make them from the entries, in one transaction.

    Args:
        progress: called with (done, total) orders and devices.
    """
    with store.write() as connection:
        search.clear(connection)
        rebuild_in(connection, progress)


def rebuild_in(connection: Connection, progress: Callable[[int, int], None] | None = None) -> None:
    """Fold everything anew in the caller's write transaction; search texts only where they differ."""
    # With the orders goes what is kept of their clocks; all of them become due as they are folded.
    for table in (*schema.PROJECTION, schema.sla_order, schema.figure_sla):
        connection.execute(delete(table))
    _fold_erasures(connection)
    table = schema.entry
    orders = _all(connection, select(table.c.order_id).distinct().where(table.c.order_id.is_not(None)))
    serials = _all(
        connection,
        select(table.c.serial).distinct().where(table.c.serial.is_not(None), table.c.kind.in_(DEVICE_KINDS)),
    )
    total, done = len(orders) + len(serials), 0

    def count(number: int) -> None:
        nonlocal done
        done += number
        if progress is not None:
            progress(done, total)

    _in_chunks(connection, orders, refold_orders, count)
    _in_chunks(connection, serials, refold_serials, count)
    _fold_forks(connection, [(row.chain_id, row.seq) for row in connection.execute(_TWICE)])
    _fold_decisions(connection)
    counted = select(table.c.id).where(table.c.kind == StockCounted.KIND)
    _in_chunks(connection, _all(connection, counted), _fold_counts)
    set_setting(connection, "projection.folded_by", fingerprint())


def refold_orders(
    connection: Connection, order_ids: Sequence[str], *, at_hand: Mapping[str, Envelope] = _NONE
) -> None:
    """Fold these orders again and replace their rows; `at_hand` as for `fold_order`."""
    by_order: dict[str, list[FoldEntry]] = defaultdict(list)
    entries, texts = ask(
        connection,
        (_ENTRIES_OF_ORDERS, {"orders": order_ids, "at_hand": list(at_hand)}),
        (search.TEXTS, {"orders": order_ids}),
    )
    for entry in folded(connection, entries, at_hand):
        by_order[entry.envelope.order_id or ""].append(entry)
    rows: dict[str, list[RowValues]] = defaultdict(list)
    for order_id in order_ids:
        if by_order[order_id]:
            _collect(rows, fold_one(order_id, by_order[order_id]))
    _replace_orders(connection, order_ids, rows, texts)


_ENTRIES_OF_ORDERS = folding(among(schema.entry.c.order_id, "orders"))
_FOLDED_BEFORE = select(schema.work_order.c.order_id).where(among(schema.work_order.c.order_id, "orders"))
_ROWS_OF_ORDERS = [
    *((table.c.order_id, "keys") for table in schema.BY_ORDER),
    (schema.exception.c.scope, "scopes"),
]
_ROWS_OF_SERIALS = [
    *((table.c.serial, "keys") for table in schema.BY_SERIAL),
    (schema.exception.c.scope, "scopes"),
]


def _replace_orders(
    connection: Connection,
    order_ids: Sequence[str],
    rows: Mapping[str, list[RowValues]],
    texts: Sequence[Row[Any]] | None = None,
) -> None:
    due = (_CLOCKS_DUE[connection.dialect.name], {"orders": order_ids})
    scopes = [f"order:{order_id}" for order_id in order_ids]
    at_once = replacement(connection, _ROWS_OF_ORDERS, rows, keys=order_ids, scopes=scopes)
    if at_once is not None:
        ask(connection, at_once, due)
    else:
        # An order that was folded before has a row of its own; one that is new has nothing to be taken away.
        known = connection.execute(_FOLDED_BEFORE, {"orders": order_ids}).scalars().all()
        if known:
            scopes = [f"order:{order_id}" for order_id in known]
            take_away(connection, _ROWS_OF_ORDERS, keys=known, scopes=scopes)
        _insert(connection, rows, (*schema.BY_ORDER, schema.exception))
        ask(connection, due)
    search.refresh(connection, order_ids, rows.get("work_order", []), rows.get("order_plan", []), texts)


def _go_on(connection: Connection, kept: KeptFolds, order_id: str, added: Mapping[str, Entry]) -> None:
    """Fold what was added to an order, and write the rows that it changes."""
    places = places_of_order(connection, order_id)
    theirs = {key: entry for key, entry in added.items() if entry.envelope.order_id == order_id}
    changes = kept.changes(order_id, places, theirs)
    if changes is None:
        entries = fold_order(connection, schema.entry.c.order_id == order_id)
        _replace_orders(connection, [order_id], kept.keep(order_id, places, entries) if entries else {})
        return
    for change in changes:
        change.write(connection)
    _CLOCKS_DUE_NOW[connection.dialect.name].run(connection, {"orders": [order_id]})
    if any(change.found_by for change in changes):
        search.refresh_orders(connection, [order_id])


# As an expression, the kind has no index: SQLite would take that one, and read all there is of these kinds.
_ENTRIES_OF_SERIALS = folding(
    and_(among(schema.entry.c.serial, "serials"), among(schema.entry.c.kind.concat(""), "kinds"))
)


def refold_serials(
    connection: Connection, serials: Sequence[str], *, at_hand: Mapping[str, Envelope] = _NONE
) -> None:
    """Fold these devices again and replace their rows; then the places they were or are in."""
    by_serial: dict[str, list[FoldEntry]] = defaultdict(list)
    named = {"serials": serials}
    entries, listed, slots = ask(
        connection,
        (_ENTRIES_OF_SERIALS, {**named, "kinds": DEVICE_KINDS, "at_hand": list(at_hand)}),
        (_STANDING, named),
        (_SLOTS, named),
    )
    for entry in folded(connection, entries, at_hand):
        by_serial[serial_of(entry.envelope) or ""].append(entry)
    base = {row.serial: BasePlace(row.usage_point, row.place) for row in listed}
    rows: dict[str, list[RowValues]] = defaultdict(list)
    for serial in serials:
        _collect(rows, fold_device(serial, by_serial[serial], base.get(serial)))
    before = {(row.panel, row.slot) for row in slots}
    now = {(row["panel"], row["slot"]) for row in rows["placement"]}
    scopes = [f"serial:{serial}" for serial in serials]
    at_once = replacement(connection, _ROWS_OF_SERIALS, rows, keys=serials, scopes=scopes)
    if at_once is not None:
        ask(connection, at_once)
    else:
        take_away(connection, _ROWS_OF_SERIALS, keys=serials, scopes=scopes)
        _insert(connection, rows, (*schema.BY_SERIAL, schema.exception))
    _fold_places(connection, {place for place in before | now if None not in place})


def refold_after_reference(connection: Connection) -> None:
    """Fold every placed device again: the utility's own list of standing meters has changed."""
    serials = _all(connection, select(schema.device.c.serial))
    _in_chunks(connection, serials, refold_serials)


def refold_listed(connection: Connection, serials: Sequence[str]) -> None:
    """Fold again those of these devices that were placed: the utility's list says something else of them."""
    placed = select(schema.device.c.serial).where(among(schema.device.c.serial, "serials"))
    known = connection.execute(placed, {"serials": serials}).scalars()
    _in_chunks(connection, known, refold_serials)


# --- what is not by order or device -------------------------------------------------------------


def _fold_places(connection: Connection, places: Iterable[tuple[str, int]]) -> None:
    """Two standing devices in one slot of one panel: raised for each one that came second."""
    table = schema.placement
    for panel, slot in sorted(places):
        scope = f"place:{panel}/{slot}"
        _delete_scopes(connection, [scope])
        query = (
            select(table)
            .where(table.c.panel == panel, table.c.slot == slot, table.c.until.is_(None))
            .order_by(table.c.since, table.c.entry_id)
        )
        standing = connection.execute(query).all()
        for row in standing[1:]:
            if row.serial == standing[0].serial:
                continue
            values = {
                "exception_id": exception_id("place_occupied", row.entry_id),
                "scope": scope,
                "kind": "place_occupied",
                "severity": "urgent",
                "project": row.project,
                "order_id": row.order_id,
                "serial": row.serial,
                "entry_id": row.entry_id,
                "detail": {"panel": panel, "slot": slot, "other_serial": standing[0].serial},
                "raised_at": row.since,
            }
            connection.execute(insert(schema.exception), values)


_TWICE = (
    select(schema.entry.c.chain_id, schema.entry.c.seq)
    .group_by(schema.entry.c.chain_id, schema.entry.c.seq)
    .having(func.count() > 1)
)
_TWICE_AT = _TWICE.where(schema.entry.c.chain_id == bindparam("of_chain"), among(schema.entry.c.seq, "at"))


def _fold_forks_at(chain_id: str, connection: Connection, numbers: Sequence[int]) -> None:
    """Only numbers that were added to are looked at: a chain may be long."""
    twice = connection.execute(_TWICE_AT, {"of_chain": chain_id, "at": numbers})
    _fold_forks(connection, [(row.chain_id, row.seq) for row in twice])


def _fold_forks(connection: Connection, twice: Iterable[tuple[str, int]]) -> None:
    """Two entries at one number of one chain: both are kept, and it is raised."""
    table = schema.entry
    for chain_id, seq in twice:
        _delete_scopes(connection, [f"chain:{chain_id}/{seq}"])
        query = (
            select(table.c.id, table.c.project, table.c.order_id, table.c.at, table.c.hash)
            .where(table.c.chain_id == chain_id, table.c.seq == seq)
            .order_by(table.c.hash)
        )
        rows = connection.execute(query).all()
        values = {
            "exception_id": exception_id("fork", f"{chain_id}/{seq}"),
            "scope": f"chain:{chain_id}/{seq}",
            "kind": "fork",
            "severity": "urgent",
            "project": rows[0].project,
            "order_id": rows[0].order_id,
            "serial": None,
            "entry_id": rows[-1].id,
            "detail": {"chain_id": chain_id, "seq": seq, "entries": [row.id for row in rows]},
            "raised_at": max(row.at for row in rows),
        }
        connection.execute(insert(schema.exception), values)


def _fold_decisions(connection: Connection) -> None:
    rows: dict[str, RowValues] = {}
    for entry in fold_order(connection, schema.entry.c.kind == ExceptionDecided.KIND):
        payload = _payload(entry)
        if isinstance(payload, ExceptionDecided):
            rows[payload.exception_id] = {
                "exception_id": payload.exception_id,
                "decision": payload.decision,
                "reason": msgspec.to_builtins(payload.reason),
                "actor": entry.envelope.actor,
                "entry_id": entry.id,
                "at": entry.at,
            }
    connection.execute(delete(schema.decision))
    _insert(connection, {"decision": list(rows.values())}, (schema.decision,))


def _fold_counts(connection: Connection, entry_ids: Iterable[str]) -> None:
    ids = sorted(entry_ids)
    rows = fold_counts(fold_order(connection, schema.entry.c.id.in_(ids)))
    connection.execute(delete(schema.stock_count).where(schema.stock_count.c.entry_id.in_(ids)))
    _delete_scopes(connection, [f"count:{entry_id}" for entry_id in ids])
    _insert(connection, rows, (schema.stock_count, schema.exception))


def _fold_erasures(connection: Connection) -> None:
    rows: dict[str, RowValues] = {}
    for entry in fold_order(connection, schema.entry.c.kind == PersonalErased.KIND):
        payload = _payload(entry)
        if isinstance(payload, PersonalErased):
            for key_id in payload.key_ids:
                rows.setdefault(
                    key_id,
                    {"key_id": key_id, "reason": payload.reason, "entry_id": entry.id, "at": entry.at},
                )
    connection.execute(delete(schema.erased_key))
    _insert(connection, {"erased_key": list(rows.values())}, (schema.erased_key,))
    keys.destroy(connection, {key_id: row["at"] for key_id, row in rows.items()})


def _payload(entry: FoldEntry) -> object:
    try:
        return read_payload(entry.envelope)
    except PayloadError:
        return None


# --- rows ---------------------------------------------------------------------------------------


_BASE, _PLACED = schema.base_placement.c, schema.placement.c
_STANDING = select(_BASE.serial, _BASE.usage_point, _BASE.place).where(among(_BASE.serial, "serials"))
_SLOTS = select(_PLACED.panel, _PLACED.slot).where(
    among(_PLACED.serial, "serials"), _PLACED.panel.is_not(None), _PLACED.slot.is_not(None)
)


def _delete_scopes(connection: Connection, scopes: Sequence[str]) -> None:
    take_away(connection, [(schema.exception.c.scope, "scopes")], scopes=scopes)


def _collect(into: dict[str, list[RowValues]], rows: dict[str, list[RowValues]]) -> None:
    for name, values in rows.items():
        into[name].extend(values)


def _insert(connection: Connection, rows: Mapping[str, list[RowValues]], tables: Iterable[Table]) -> None:
    for table in tables:
        if values := rows.get(table.name):
            put_rows(connection, table, values)


def _all(connection: Connection, query: object) -> list[str]:
    return sorted(str(row[0]) for row in connection.execute(query))  # type: ignore[call-overload]  # any select


def _in_chunks(
    connection: Connection,
    keys_: Iterable[_Key],
    work: Callable[[Connection, Sequence[_Key]], None],
    count: Callable[[int], None] | None = None,
) -> None:
    ordered = sorted(keys_)
    for start in range(0, len(ordered), CHUNK):
        part = ordered[start : start + CHUNK]
        work(connection, part)
        if count is not None:
            count(len(part))


# --- digest -------------------------------------------------------------------------------------


def digest(store: Store) -> str:
    """SHA-256 of a canonical sorted dump of the whole projection; equal projections, equal digests."""
    with store.read() as connection:
        return digest_of(connection)


def digest_of(connection: Connection) -> str:
    """As `digest`, inside a transaction."""
    total = hashlib.sha256()
    encode = msgspec.json.Encoder(order="sorted").encode
    for table in sorted(schema.PROJECTION, key=lambda table: table.name):
        total.update(f"\n{table.name}\n".encode())
        query = select(table).order_by(*table.primary_key.columns)
        for row in connection.execute(query):
            total.update(encode(list(row)))
            total.update(b"\n")
    return total.hexdigest()
