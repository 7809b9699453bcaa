"""Takes in what others wrote, and the answers to what was written here.

A page of a pull is one local transaction: entries, verdicts and cursor together (`receive_page`). Everything
is taken as it comes - late, twice, out of order - and folded again; nothing local is ever deleted.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from workorders.clock import utc_text
from workorders.journal.entry import Entry, Envelope, read_entry
from workorders.journal.kinds import ChainBegun
from workorders.store import entries as journal
from workorders.store import projection, schema

_ENVELOPE = msgspec.json.Decoder(Envelope)


class ReceivedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with its place in the gateway's sequence (None: quarantined there, or not from a gateway)."""

    entry: Entry
    server_seq: int | None = None


class EntryVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The office's answer to one entry. `verdict`: applied, duplicate, conflict, quarantined, rejected.

    `server_seq` goes with the first three: it is where the entry takes effect among all others.
    """

    entry_id: str
    hash: str
    verdict: str
    code: str | None = None
    reason: str | None = None
    server_seq: int | None = None


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: ids taken in, ids here already, ids of what is kept without effect.

    The last are ids used before with other bytes, and entries of another realm.
    """

    added: list[str]
    known: list[str]
    clashing: list[str]


def receive(connection: Connection, received: Sequence[ReceivedEntry], *, own: bool = False) -> Received:
    """Take entries in and fold what they touch; the caller has checked their signatures.

    An entry that is here already gets its server sequence if it had none. One whose id is here with other
    bytes is kept as quarantined and has no effect.

    Args:
        own: these are entries of this very tablet that come back (recovery, own entries by USB).
    """
    known = journal.known_ids(connection, [item.entry.envelope.id for item in received])
    added: list[Entry] = []
    places: dict[str, int] = {}
    fresh: dict[str, tuple[Entry, int | None]] = {}
    realm = journal.realm_of(connection) or next((str(item.entry.envelope.realm) for item in received), "")
    result = Received(added=[], known=[], clashing=[])
    for item in received:
        entry = item.entry
        entry_id = entry.envelope.id
        if str(entry.envelope.realm) != realm:
            quarantine(connection, entry, code="other_realm", reason=f"this store belongs to {realm}")
            result.clashing.append(entry_id)
        elif entry_id not in known:
            known[entry_id] = entry.hash
            added.append(entry)
            fresh[entry_id] = (entry, item.server_seq)
            result.added.append(entry_id)
        elif known[entry_id] != entry.hash:
            quarantine(connection, entry, code="id_reused", reason="this id stands for another entry")
            result.clashing.append(entry_id)
        else:
            result.known.append(entry_id)
            if entry_id in fresh:
                fresh[entry_id] = (entry, fresh[entry_id][1] or item.server_seq)
            elif item.server_seq is not None:
                places[entry_id] = item.server_seq
    journal.insert_entries(connection, list(fresh.values()), own=own, received_at=_now())
    _note_heads(connection, added, own)
    projection.fold(connection, added)
    _place(connection, places)
    return result


def _note_heads(connection: Connection, added: Sequence[Entry], own: bool) -> None:
    """The beginning and the newest entry of each chain are all that its row needs to know."""
    worth: dict[tuple[str, bool], Entry] = {}
    for entry in added:
        key = (entry.envelope.chain_id, entry.envelope.seq == 0)
        if key not in worth or worth[key].envelope.seq < entry.envelope.seq:
            worth[key] = entry
    for entry in worth.values():
        journal.note_head(connection, entry, own=own, certificate=_certificate(entry))


def _certificate(entry: Entry) -> bytes | None:
    if entry.envelope.kind != ChainBegun.KIND:
        return None
    try:
        return base64.b64decode(str(entry.envelope.payload.get("certificate")), validate=True)
    except (binascii.Error, ValueError):
        return None


def _place(connection: Connection, places: Mapping[str, int]) -> None:
    """Give entries (by id) their place in the gateway's sequence, and fold what they touch."""
    if not places:
        return
    table = schema.entry
    query = select(table.c.id, table.c.body, table.c.server_seq).where(table.c.id.in_(list(places)))
    rows = [row for row in connection.execute(query) if row.server_seq != places[row.id]]
    if not rows:
        return
    change = update(table).where(table.c.id == bindparam("entry")).values(server_seq=bindparam("place"))
    connection.execute(change, [{"entry": row.id, "place": places[row.id]} for row in rows])
    touched = projection.Touched()
    for row in rows:
        touched.add(_ENVELOPE.decode(row.body))
    projection.fold_touched(connection, touched)


def take_place_away(connection: Connection, ids: Sequence[str]) -> None:
    """Entries (by id) that the gateway no longer holds, or not there, fold as unanswered ones again."""
    if not ids:
        return
    table = schema.entry
    here = table.c.id.in_(list(ids))
    bodies = connection.execute(select(table.c.body).where(here)).scalars().all()
    connection.execute(update(table).where(here).values(server_seq=None))
    touched = projection.Touched()
    for body in bodies:
        touched.add(_ENVELOPE.decode(body))
    projection.fold_touched(connection, touched)


def record_verdicts(connection: Connection, verdicts: Iterable[EntryVerdict]) -> None:
    """Keep the office's answers and fold what they touch.

    A later answer replaces an earlier one of the same entry and bytes; an answer about other bytes than ours
    is kept beside it and has no effect.
    """
    answers = {(verdict.entry_id, verdict.hash): verdict for verdict in verdicts}
    if not answers:
        return
    table, now = schema.verdict, _now()
    ids = sorted({entry_id for entry_id, _ in answers})
    connection.execute(
        delete(table).where(table.c.entry_id == bindparam("entry"), table.c.hash == bindparam("bytes")),
        [{"entry": entry_id, "bytes": entry_hash} for entry_id, entry_hash in answers],
    )
    rows = [
        {
            "entry_id": verdict.entry_id,
            "hash": verdict.hash,
            "verdict": verdict.verdict,
            "code": verdict.code,
            "reason": verdict.reason,
            "server_seq": verdict.server_seq,
            "at": now,
        }
        for verdict in answers.values()
    ]
    connection.execute(insert(table), rows)
    here = journal.known_ids(connection, ids)
    places = {
        verdict.entry_id: verdict.server_seq
        for verdict in answers.values()
        if verdict.server_seq is not None and here.get(verdict.entry_id) == verdict.hash
    }
    _place(connection, places)


def verdict_of(connection: Connection, entry_id: str, hash: str) -> EntryVerdict | None:
    """The stored answer to these very bytes under this id."""
    table = schema.verdict
    query = select(table).where(table.c.entry_id == entry_id, table.c.hash == hash)
    row = connection.execute(query).first()
    if row is None:
        return None
    return EntryVerdict(
        entry_id=row.entry_id,
        hash=row.hash,
        verdict=row.verdict,
        code=row.code,
        reason=row.reason,
        server_seq=row.server_seq,
    )


def quarantine(
    connection: Connection,
    entry: Entry,
    *,
    code: str,
    reason: str,
    verdict: str = "quarantined",
    source: str | None = None,
) -> None:
    """Keep the bytes of an entry that may have no effect."""
    envelope = entry.envelope
    quarantine_bytes(
        connection,
        entry.body,
        code=code,
        reason=reason,
        verdict=verdict,
        source=source,
        signature=entry.signature,
        entry_id=envelope.id,
        hash=entry.hash,
        chain_id=envelope.chain_id,
        seq=envelope.seq,
    )


def quarantine_bytes(
    connection: Connection,
    body: bytes,
    *,
    code: str,
    reason: str,
    verdict: str = "quarantined",
    source: str | None = None,
    signature: bytes | None = None,
    entry_id: str | None = None,
    hash: str | None = None,
    chain_id: str | None = None,
    seq: int | None = None,
) -> None:
    """Keep bytes that could not be read as an entry, or may have no effect, with what is known of them."""
    connection.execute(
        insert(schema.quarantine),
        {
            "entry_id": entry_id,
            "hash": hash,
            "chain_id": chain_id,
            "seq": seq,
            "body": body,
            "signature": signature,
            "verdict": verdict,
            "code": code,
            "reason": reason,
            "source": source,
            "received_at": _now(),
        },
    )


def waiting() -> ColumnElement[bool]:
    """Condition on `entry`: written here, and nobody has answered it or given it a place in the sequence."""
    table, answers = schema.entry, schema.verdict
    # Named, because a query that itself joins the verdicts would otherwise lend its own to this one.
    answered = exists().where(answers.c.entry_id == table.c.id, answers.c.hash == table.c.hash)
    answered = answered.correlate(table)
    return and_(table.c.own.is_(True), table.c.server_seq.is_(None), ~answered)


def outbox(connection: Connection, limit: int = 50) -> list[Entry]:
    """The next entries without a verdict, of one chain, by number; the oldest chain first.

    The outbox is not a second thing: it is the own entries that nobody has answered yet.
    """
    table = schema.entry
    unanswered = waiting()
    first = connection.execute(
        select(table.c.chain_id)
        .select_from(table.outerjoin(schema.chain, schema.chain.c.chain_id == table.c.chain_id))
        .where(unanswered)
        .order_by(schema.chain.c.begun_at, table.c.chain_id)
        .limit(1)
    ).first()
    if first is None:
        return []
    query = (
        select(table.c.body, table.c.hash, table.c.signature)
        .where(table.c.chain_id == first.chain_id, unanswered)
        .order_by(table.c.seq, table.c.id)
        .limit(limit)
    )
    return [read_entry(row.body, row.hash, row.signature) for row in connection.execute(query)]


def pending_count(connection: Connection) -> int:
    """How many own entries wait for an answer."""
    query = select(func.count()).select_from(schema.entry).where(waiting())
    return int(connection.execute(query).scalar_one())


def cursor(connection: Connection, name: str) -> str | None:
    """Where a pull of that name stands."""
    table = schema.cursor
    value = connection.execute(select(table.c.value).where(table.c.name == name)).scalar()
    return None if value is None else str(value)


def set_cursor(connection: Connection, name: str, value: str) -> None:
    """Note where a pull stands, in the transaction of its page."""
    table = schema.cursor
    values = {"value": value, "at": _now()}
    if connection.execute(update(table).where(table.c.name == name).values(values)).rowcount == 0:
        connection.execute(insert(table), values | {"name": name})


def receive_page(
    connection: Connection,
    received: Sequence[ReceivedEntry],
    *,
    verdicts: Iterable[EntryVerdict] = (),
    cursor_name: str,
    cursor_value: str,
) -> Received:
    """Take in one page of a pull: entries, verdicts for own ones, and the cursor, all or nothing."""
    result = receive(connection, received)
    record_verdicts(connection, verdicts)
    set_cursor(connection, cursor_name, cursor_value)
    return result


def _now() -> str:
    return utc_text(datetime.now(UTC))
