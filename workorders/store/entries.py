"""The journal's table: puts entries in, takes them out, and knows in which order they are folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    case,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from workorders.clock import normal_utc, read_utc, utc_text
from workorders.journal.chain import head_of
from workorders.journal.entry import Entry, Envelope, read_entry
from workorders.journal.kinds import OrderCompleted, OrderNotDone
from workorders.journal.words import HeadReference
from workorders.store import schema
from workorders.store.asking import Step, ask
from workorders.store.bulk import among, put_rows
from workorders.store.counters import reserve
from workorders.store.prepared import Prepared
from workorders.store.replacing import insertion

_ENVELOPE = msgspec.json.Decoder(Envelope)
SERVER_SEQ = "server_seq"
"""Counter (table `counter`) that a gateway takes its server sequence from, inside the write transaction."""


_NO_GPS_BEFORE = "2025"
"""A receiver whose week counter has rolled over is off by 19.6 years; no entry is as old as that."""


def corrected_time(envelope: Envelope) -> str:
    """When it happened (UTC text): by GPS where a receiver had a fix, else by the gateway's clock as far as
    the device knew it. Deadlines are judged by this, so that a tablet's wrong clock costs nobody an SLA."""
    gps = normal_utc(envelope.time.gps)
    if gps is not None and gps >= _NO_GPS_BEFORE:
        return gps
    offset = envelope.time.server_offset_ms
    if not offset:
        return envelope.time.device
    try:
        return utc_text(read_utc(envelope.time.device) + timedelta(milliseconds=offset))
    except OverflowError:
        return envelope.time.device


def serial_of(envelope: Envelope) -> str | None:
    """The serial of the device an entry is about, for the index."""
    serial = envelope.payload.get("serial")
    return serial if isinstance(serial, str) and serial else None


def insert_entry(
    connection: Connection,
    entry: Entry,
    *,
    own: bool,
    server_seq: int | None = None,
    received_at: str | None = None,
) -> None:
    """Add one entry; the caller has checked it and folds it in the same transaction."""
    insert_entries(connection, [(entry, server_seq)], own=own, received_at=received_at)


def insert_entries(
    connection: Connection,
    entries: Sequence[tuple[Entry, int | None]],
    *,
    own: bool,
    received_at: str | None = None,
    then: Sequence[Step] = (),
) -> None:
    """As `insert_entry`, many at once, each with its server sequence; `then` is executed with them."""
    if entries:
        rows = [_row(entry, own, server_seq, received_at) for entry, server_seq in entries]
        at_once = insertion(connection, schema.entry, rows)
        if at_once is None:
            put_rows(connection, schema.entry, rows)
        ask(connection, *filter(None, (at_once, *then)))


def _row(entry: Entry, own: bool, server_seq: int | None, received_at: str | None) -> dict[str, Any]:
    envelope = entry.envelope
    return {
        "id": envelope.id,
        "hash": entry.hash,
        "chain_id": envelope.chain_id,
        "seq": envelope.seq,
        "prev_hash": envelope.prev_hash,
        "realm": str(envelope.realm),
        "kind": envelope.kind,
        "schema": envelope.schema,
        "project": envelope.project,
        "order_id": envelope.order_id,
        "serial": serial_of(envelope),
        "actor": envelope.actor,
        "at": corrected_time(envelope),
        "body": entry.body,
        "signature": entry.signature,
        "own": own,
        "server_seq": server_seq,
        "received_at": received_at,
    }


def next_server_seq(connection: Connection, count: int = 1) -> int:
    """Take `count` numbers of the gateway's sequence; returns the first. A rollback gives them back."""
    return reserve(connection, SERVER_SEQ, at_least=1, count=count)


def entry_by_id(connection: Connection, entry_id: str) -> Entry | None:
    """The entry of that id, if it is here."""
    table = schema.entry
    query = select(table.c.body, table.c.hash, table.c.signature).where(table.c.id == entry_id)
    row = connection.execute(query).first()
    return None if row is None else read_entry(row.body, row.hash, row.signature)


def chain_entries(connection: Connection, chain_id: str, since: int = 0) -> Iterator[Entry]:
    """Entries of a chain from number `since`, in order."""
    table = schema.entry
    query = (
        select(table.c.body, table.c.hash, table.c.signature)
        .where(table.c.chain_id == chain_id, table.c.seq >= since)
        .order_by(table.c.seq, table.c.id)
    )
    for row in connection.execute(query):
        yield read_entry(row.body, row.hash, row.signature)


def own_head(
    connection: Connection, project: str | None = None, *, by_project: bool = False
) -> HeadReference | None:
    """Head of the chain that is written to now; of that project's (`by_project`) where each has its own."""
    rows = (_HEAD_OF if by_project else _HEAD).run(connection, {"of_project": project} if by_project else {})
    if not rows or rows[0][2] is None:
        return None
    chain_id, seq, head_hash = rows[0]
    return HeadReference(chain_id=chain_id, seq=seq, hash=head_hash)


def active_chain(
    connection: Connection, project: str | None = None, *, by_project: bool = False
) -> Row[Any] | None:
    """The row of the own chain that is written to now."""
    if by_project:
        return connection.execute(_ACTIVE_OF, {"of_project": project}).first()
    return connection.execute(_ACTIVE).first()


# Statements that every append needs are built once: building one takes longer than the database does.
_ACTIVE = select(schema.chain).where(schema.chain.c.own.is_(True), schema.chain.c.active.is_(True))
_ACTIVE_OF = _ACTIVE.where(schema.chain.c.project.is_not_distinct_from(bindparam("of_project")))
_HEAD_COLUMNS = (schema.chain.c.chain_id, schema.chain.c.head_seq, schema.chain.c.head_hash)
_HEAD = Prepared(_ACTIVE.with_only_columns(*_HEAD_COLUMNS))
_HEAD_OF = Prepared(_ACTIVE_OF.with_only_columns(*_HEAD_COLUMNS))
_HEAD_SEQ = select(schema.chain.c.head_seq).where(schema.chain.c.chain_id == bindparam("of_chain"))
_MOVE_HEAD = (
    update(schema.chain)
    .where(schema.chain.c.chain_id == bindparam("of_chain"))
    .values(head_seq=bindparam("to_seq"), head_hash=bindparam("to_hash"))
)
_MOVE_HEAD_NOW = Prepared(_MOVE_HEAD)


def move_head(connection: Connection, entry: Entry) -> None:
    """The chain, whose head was read in this transaction, goes on with this entry."""
    _MOVE_HEAD_NOW.run(connection, moving_head(entry)[1])


def moving_head(entry: Entry) -> tuple[Update, dict[str, Any]]:
    """What `move_head` executes."""
    head = head_of(entry)
    return _MOVE_HEAD, {"of_chain": head.chain_id, "to_seq": head.seq, "to_hash": head.hash}


def note_head(connection: Connection, entry: Entry, *, own: bool, certificate: bytes | None = None) -> None:
    """Keep the `chain` row of a chain up to date after an entry of it was added."""
    table = schema.chain
    envelope = entry.envelope
    known = connection.execute(_HEAD_SEQ, {"of_chain": envelope.chain_id}).first()
    head = head_of(entry)
    values: dict[str, Any] = {}
    if known is None or known.head_seq is None or known.head_seq < envelope.seq:
        values |= {"head_seq": head.seq, "head_hash": head.hash}
    if certificate is not None:
        values["certificate"] = certificate
    if envelope.seq == 0:
        values["begun_at"] = corrected_time(envelope)
    if known is None:
        values |= {"chain_id": envelope.chain_id, "own": own, "active": own, "project": envelope.project}
        connection.execute(insert(table), values)
    elif values:
        connection.execute(update(table).where(table.c.chain_id == envelope.chain_id), values)


def ended_here() -> Select[tuple[str | None]]:
    """Ids of orders that were ended here (executed or not), whoever they belong to now."""
    table = schema.entry
    ends = (OrderCompleted.KIND, OrderNotDone.KIND)
    return select(table.c.order_id).where(
        table.c.own.is_(True), table.c.kind.in_(ends), table.c.order_id.is_not(None)
    )


class FoldEntry(msgspec.Struct, frozen=True):
    """One entry as the projection sees it."""

    id: str
    hash: str
    at: str
    envelope: Envelope


Place: TypeAlias = tuple[str, int | None]
"""An entry among those that take effect: its id and its server sequence."""


def as_folded(entry: Entry) -> FoldEntry:
    """An entry as the projection will read it out of the table."""
    envelope = _ENVELOPE.decode(entry.body)
    return FoldEntry(envelope.id, entry.hash, corrected_time(envelope), envelope)


def fold_order(
    connection: Connection,
    condition: Any,
    values: Mapping[str, Any] | None = None,
    at_hand: Mapping[str, Envelope] = MappingProxyType({}),
) -> list[FoldEntry]:
    """Entries that match `condition`, in the order in which they take effect.

    First those with a server sequence, in that order; then unanswered own ones, by chain and number. What a
    gateway holds without a sequence (quarantined, rejected) has no effect.

    Args:
        at_hand: by id, entries that need not be read once more: their bodies were, in this transaction.
    """
    given = {**(values or {}), "at_hand": list(at_hand)}
    return folded(connection, connection.execute(folding(condition), given).all(), at_hand)


def folding(condition: ColumnElement[bool]) -> Select[Any]:
    """What `folded` needs of the entries that match; the ids `at_hand` are a parameter, their bodies stay."""
    table = schema.entry
    body = case((among(table.c.id, "at_hand"), null()), else_=table.c.body).label("body")
    return _in_effect(condition, table.c.id, table.c.hash, table.c.at, body)


def folded(
    connection: Connection, rows: Sequence[Row[Any]], at_hand: Mapping[str, Envelope]
) -> list[FoldEntry]:
    """The entries of rows of `folding`, in the order in which they take effect."""
    return [
        FoldEntry(row.id, row.hash, row.at, at_hand.get(row.id) or _ENVELOPE.decode(row.body))
        for row in _in_turn(connection, rows)
    ]


def places_of_order(connection: Connection, order_id: str) -> list[Place]:
    """Places of all entries of an order that take effect, in that order."""
    return _PLACES.run(connection, {"order_id": order_id})


def _in_effect(condition: Any, *columns: Any) -> Select[Any]:
    table = schema.entry
    place = (table.c.chain_id, table.c.seq, table.c.server_seq)
    effective = table.c.server_seq.is_not(None) | table.c.own.is_(True)
    return select(*columns, *place).where(condition, effective)


_BEGUN = schema.chain.alias("begun")
_PLACES = Prepared(
    # As `_in_turn` sorts; here by the database, because an append asks for it each time.
    select(schema.entry.c.id, schema.entry.c.server_seq)
    .select_from(
        schema.entry.outerjoin(
            _BEGUN, and_(_BEGUN.c.chain_id == schema.entry.c.chain_id, _BEGUN.c.own.is_(True))
        )
    )
    .where(
        schema.entry.c.order_id == bindparam("order_id"),
        or_(schema.entry.c.server_seq.is_not(None), schema.entry.c.own.is_(True)),
    )
    .order_by(
        schema.entry.c.server_seq.is_(None),
        schema.entry.c.server_seq,
        func.coalesce(_BEGUN.c.begun_at, ""),
        schema.entry.c.chain_id,
        schema.entry.c.seq,
    )
)


def _in_turn(connection: Connection, rows: Sequence[Any]) -> list[Any]:
    begun = _chain_ranks(connection) if any(row.server_seq is None for row in rows) else {}
    return sorted(
        rows,
        key=lambda row: (
            (0, row.server_seq, "", "", 0)
            if row.server_seq is not None
            else (1, 0, begun.get(row.chain_id, ""), row.chain_id, row.seq)
        ),
    )


def _chain_ranks(connection: Connection) -> Mapping[str, str]:
    return {row.chain_id: row.begun_at or "" for row in connection.execute(_OWN_CHAINS)}


_OWN_CHAINS = select(schema.chain.c.chain_id, schema.chain.c.begun_at).where(schema.chain.c.own.is_(True))


_A_REALM = select(schema.entry.c.realm).limit(1)


def realm_of(connection: Connection) -> str | None:
    """The realm that this store belongs to: that of its first entry."""
    realm = connection.execute(_A_REALM).scalar()
    return None if realm is None else str(realm)


def known_ids(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Hash by id of those entries that are already here."""
    return {row.id: row.hash for row in connection.execute(KNOWN, {"ids": list(ids)})}


KNOWN = select(schema.entry.c.id, schema.entry.c.hash).where(among(schema.entry.c.id, "ids"))


def envelopes_of(connection: Connection, ids: Sequence[str]) -> dict[str, Envelope]:
    """Envelopes by entry id, of those that are here. One query: for the few of a page."""
    table = schema.entry
    query = select(table.c.id, table.c.body).where(table.c.id.in_(ids))
    return {row.id: _ENVELOPE.decode(row.body) for row in connection.execute(query)}
