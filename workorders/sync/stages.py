"""The stages of a round, each a small function on the round's state (see `round.py`)."""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, delete, select, update

from workorders import certificates
from workorders.clock import read_utc, utc_text
from workorders.journal.entry import Entry, to_wire
from workorders.journal.kinds import ReferenceReceived
from workorders.journal.words import HeadReference
from workorders.journal.writer import Draft
from workorders.store import inbox, schema
from workorders.store.inbox import EntryVerdict
from workorders.store.settings import set_setting
from workorders.sync import files, heads, keyring, reference, wire
from workorders.sync.checks import Checker
from workorders.sync.digest import seen_digest
from workorders.sync.errors import BadAnswer, CursorGone, WrongGateway
from workorders.sync.firmwarestage import fetch_firmware
from workorders.sync.round import LeftOrder, Stage, SyncRound
from workorders.sync.signatures import receipt_holds
from workorders.sync.wire import Verdict, VerdictKind

_log = logging.getLogger(__name__)
CURSOR = "pull"
_RECEIPT = "sync.receipt."
_MAX_BODY_BYTES_PER_PUSH = 4 * 1024 * 1024


def meta(round: SyncRound) -> None:
    """Who answers, and what time is it there?"""
    answer = round.transport.meta()
    if answer.realm is not round.identity.realm:
        message = f"the gateway there is {answer.realm}, this tablet {round.identity.realm}"
        raise WrongGateway(message, code="wrong_realm")
    if answer.root_sha256 != certificates.fingerprint(round.identity.root_der()):
        raise WrongGateway("another gateway answers under this address")
    try:
        round.meet(read_utc(answer.time))
    except ValueError:
        raise BadAnswer("the gateway's time is no time") from None


def references(round: SyncRound) -> None:
    """Take new versions of reference sets into use, each with its entry.

    One that cannot be used is refused by itself, with its reason: the one in use stays, and the crew's
    entries go to the office all the same.
    """
    offered = round.transport.references().sets
    with round.store.write() as connection:
        reference.note_offered(connection, offered, utc_text(round.now()))
    wanted = reference.missing(round.store, offered, round.reader)
    size, total = 0, sum(item.size for item in wanted)
    for done, item in enumerate(wanted):
        round.step(done, len(wanted), size, total)
        size += item.size
        received = reference.Received(item, round.transport.reference(item.sha256), utc_text(round.now()))
        try:
            _take_reference(round, received)
        except reference.SetRefused as error:
            _refuse_reference(round, received, error)
    with round.store.read() as connection:
        round.report.references_refused = reference.refused(connection)


def _take_reference(round: SyncRound, received: reference.Received) -> None:
    item = received.item
    reference.check(received, round.identity, round.reader)
    entry = Draft(payload=ReferenceReceived(name=item.name, version=item.version, sha256=item.sha256))
    with round.journal.transaction() as (connection, write):
        reference.take(connection, received)
        reference.forget_refused(connection, item.name)
        write([entry])
    round.report.references += 1


def _refuse_reference(round: SyncRound, received: reference.Received, error: reference.SetRefused) -> None:
    item = received.item
    _log.warning("the reference set %s, version %s, is refused: %s", item.name, item.version, error)
    kept = reference.RefusedSet(
        name=item.name,
        version=item.version,
        sha256=item.sha256,
        code=error.code,
        reason=str(error),
        at=received.at,
        reader=round.reader.fingerprint if round.reader else "",
    )
    with round.store.write() as connection:
        reference.note_refused(connection, kept)


def push(round: SyncRound) -> None:
    """Send what has no verdict, one chain after another, and keep each answer."""
    with round.store.read() as connection:
        total = inbox.pending_count(connection)
    while True:
        round.step(round.report.pushed, max(total, round.report.pushed))
        with round.store.read() as connection:
            batch = _by_size(inbox.outbox(connection, wire.MAX_ENTRIES_PER_PUSH))
            if not batch:
                return
            request = _push_request(connection, round, batch)
        answer = round.transport.push(request)
        _check_push(round, batch, answer)
        with round.store.write() as connection:
            _make_room(connection, [(item.server_seq, item.id or "") for item in answer.verdicts])
            inbox.record_verdicts(connection, [_entry_verdict(verdict) for verdict in answer.verdicts])
            heads.note_verdicts(connection, utc_text(round.now()), batch, answer.verdicts)
            if answer.head is not None:
                name = _RECEIPT + answer.head.chain_id
                set_setting(connection, name, msgspec.to_builtins(answer.head))
        round.report.pushed += len(batch)
        for verdict in answer.verdicts:
            kind = str(verdict.verdict)
            round.report.verdicts[kind] = round.report.verdicts.get(kind, 0) + 1


def _by_size(batch: list[Entry]) -> list[Entry]:
    size = 0
    for count, entry in enumerate(batch):
        size += len(entry.body)
        if size > _MAX_BODY_BYTES_PER_PUSH and count:
            return batch[:count]
    return batch


def _push_request(connection: Connection, round: SyncRound, batch: list[Entry]) -> wire.PushRequest:
    chain_id = batch[0].envelope.chain_id
    table = schema.chain
    certificate = connection.execute(select(table.c.certificate).where(table.c.chain_id == chain_id)).scalar()
    return wire.PushRequest(
        chain_id=chain_id,
        certificate=base64.b64encode(certificate or round.identity.certificate_der()).decode(),
        entries=[msgspec.Raw(msgspec.json.encode(to_wire(entry))) for entry in batch],
    )


def _check_push(round: SyncRound, batch: list[Entry], answer: wire.PushResponse) -> None:
    """An answer must speak of exactly what was pushed; else none of it is believed."""
    told = [(verdict.id, verdict.hash) for verdict in answer.verdicts]
    if told != [(entry.envelope.id, entry.hash) for entry in batch]:
        raise BadAnswer("the verdicts are not about the entries that were pushed")
    head = answer.head
    if head is not None and not receipt_holds(head, round.identity.office_key()):
        raise BadAnswer("the gateway's receipt is not signed by the office")


def _entry_verdict(verdict: Verdict) -> EntryVerdict:
    """What is kept of a verdict: for a duplicate, what the entry got the first time."""
    kind = verdict.verdict
    if kind is VerdictKind.DUPLICATE:
        kind = verdict.first or VerdictKind.DUPLICATE
    return EntryVerdict(
        entry_id=verdict.id or verdict.hash,
        hash=verdict.hash,
        verdict=kind,
        code=verdict.code or None,
        reason=verdict.reason or None,
        server_seq=verdict.server_seq,
    )


def pull(round: SyncRound) -> None:
    """Receive what changed for this tablet, page by page."""
    with round.store.read() as connection:
        cursor = inbox.cursor(connection, CURSOR)
    if cursor is None:
        _keys_ahead(round)
    try:
        _pull_from(round, cursor)
    except CursorGone:
        if cursor is None:
            raise
        _pull_afresh(round)


def _keys_ahead(round: SyncRound) -> None:
    """Before a first download its keys: each order's search text is then written once, and whole.

    Only to save work: keys that cannot be taken stop nothing here, their own stage says so.
    """
    with contextlib.suppress(BadAnswer):
        keys(round)


def _pull_afresh(round: SyncRound) -> None:
    """Pull from the start; what the gateway no longer has of this crew's orders is kept without effect."""
    round.report.repulled = True
    told = _pull_from(round, None)
    entry, order = schema.entry, schema.work_order
    ours = select(order.c.order_id).where(order.c.crew == (round.identity.crew or ""))
    query = select(entry.c.id).where(
        entry.c.own.is_(False), entry.c.server_seq.is_not(None), entry.c.order_id.in_(ours)
    )
    with round.store.write() as connection:
        gone = [row.id for row in connection.execute(query) if row.id not in told]
        inbox.take_place_away(connection, gone)


def _pull_from(round: SyncRound, cursor: str | None) -> set[str]:
    """Pull all pages from a cursor on; returns the ids of the entries that came."""
    checker = Checker(round.identity)
    told: set[str] = set()
    coming = 0
    while True:
        round.step(round.report.pulled, max(coming, round.report.pulled) if coming else 0)
        page = round.transport.pull(cursor)
        if page.more and page.cursor == cursor:
            raise BadAnswer("the gateway's pages do not move on")
        good, bad = checker.sort(page)
        with round.store.write() as connection:
            places = [(item.server_seq, item.entry.envelope.id) for item in good]
            _make_room(connection, places + [(item.server_seq, item.id or "") for item in page.verdicts])
            inbox.receive_page(
                connection,
                good,
                verdicts=[_entry_verdict(verdict) for verdict in page.verdicts],
                cursor_name=CURSOR,
                cursor_value=page.cursor,
            )
            for chain_id, der in checker.proven.items():
                _keep_certificate(connection, chain_id, der)
            for item in bad:
                item.keep(connection)
        told |= {item.entry.envelope.id for item in good}
        round.report.pulled += len(good)
        round.report.bad_entries += len(bad)
        round.report.left += [
            LeftOrder(order_id=stone.order_id, reason=stone.reason) for stone in page.tombstones
        ]
        if page.left is not None:
            coming = round.report.pulled + page.left
        cursor = page.cursor
        if not page.more:
            return told


def _make_room(connection: Connection, places: list[tuple[int | None, str]]) -> None:
    """Free the places of the sequence that the gateway has given anew (it was restored from a backup)."""
    table = schema.entry
    taken = {place: entry_id for place, entry_id in places if place is not None}
    query = select(table.c.id, table.c.server_seq).where(table.c.server_seq.in_(list(taken)))
    others = [row.id for row in connection.execute(query) if row.id != taken[row.server_seq]]
    inbox.take_place_away(connection, others)


def _keep_certificate(connection: Connection, chain_id: str, certificate: bytes) -> None:
    table = schema.chain
    missing = (table.c.chain_id == chain_id) & table.c.certificate.is_(None)
    connection.execute(update(table).where(missing).values(certificate=certificate))


def keys(round: SyncRound) -> None:
    """Receive the keys of the orders in hand; forget those that are not ours any more."""
    with round.store.read() as connection:
        have = keyring.digest_here(connection)
    answer = round.transport.keys(have)
    ring = keyring.opened(answer, round.identity)
    with round.store.write() as connection:
        changed = keyring.take(connection, answer, ring, utc_text(round.now()))
    round.report.keys_changed |= changed


def finish(round: SyncRound) -> None:
    """Compare heads, counts and digest; a difference pulls again from the start, once."""
    answer = _compare(round)
    forked = heads.settle(round, answer.heads)
    if _send_again(round, answer.heads, forked) or forked:
        push(round)
        pull(round)
        answer = _compare(round)
    if not round.report.equal and not round.report.repulled:
        _pull_afresh(round)
        keys(round)
        answer = _compare(round)
    if files.send_again(round, answer.missing_blobs):
        files.send_files(round)
        answer = _compare(round)
    round.report.missing_blobs = len(answer.missing_blobs)


def _compare(round: SyncRound) -> wire.FinishAnswer:
    with round.store.read() as connection:
        cursor = inbox.cursor(connection, CURSOR) or ""
        own = _own_heads(connection)
    answer = round.transport.finish(wire.FinishRequest(cursor=cursor, heads=own))
    with round.store.read() as connection:
        seen = _seen(connection, round.identity.crew)
    report = round.report
    report.entries, report.orders = len(seen), len({order for _, _, order in seen})
    report.digest = seen_digest((seq, hash) for seq, hash, _ in seen)
    report.equal = (report.entries, report.digest) == (answer.entries, answer.digest)
    return answer


def _seen(connection: Connection, crew: str | None) -> list[tuple[int, str, str]]:
    """Answered entries of the orders that are this crew's."""
    if crew is None:
        return []
    entry, order = schema.entry, schema.work_order
    query = (
        select(entry.c.server_seq, entry.c.hash, entry.c.order_id)
        .join(order, order.c.order_id == entry.c.order_id)
        .where(order.c.crew == crew, entry.c.server_seq.is_not(None))
    )
    return [(row.server_seq, row.hash, row.order_id) for row in connection.execute(query)]


def _own_heads(connection: Connection) -> list[HeadReference]:
    table = schema.chain
    query = select(table).where(table.c.own.is_(True), table.c.head_hash.is_not(None))
    return [
        HeadReference(chain_id=row.chain_id, seq=row.head_seq, hash=row.head_hash)
        for row in connection.execute(query)
    ]


def _send_again(round: SyncRound, told: list[HeadReference], whole: set[str]) -> bool:
    """Own entries that were answered and that the gateway no longer holds are sent again.

    A gateway restored from a backup has lost what came after it; the tablets still have it.

    Args:
        whole: chains whose head there is not ours: nobody knows which entries of them it lacks.
    """
    held = {head.chain_id: -1 if head.chain_id in whole else head.seq for head in told}
    entry, verdict = schema.entry, schema.verdict
    with round.store.write() as connection:
        lost: list[str] = []
        for head in _own_heads(connection):
            query = (
                select(entry.c.id)
                .join(verdict, (verdict.c.entry_id == entry.c.id) & (verdict.c.hash == entry.c.hash))
                .where(entry.c.own.is_(True), entry.c.chain_id == head.chain_id)
                .where(entry.c.seq > held.get(head.chain_id, -1), verdict.c.server_seq.is_not(None))
            )
            lost += [row.id for row in connection.execute(query)]
        connection.execute(delete(verdict).where(verdict.c.entry_id.in_(lost)))
        inbox.take_place_away(connection, lost)
    round.report.resent = len(lost)
    return bool(lost)


def carry(round: SyncRound) -> None:
    """Bring to the office what lies here for other tablets."""
    round.errands(round)


STAGES: tuple[tuple[Stage, Callable[[SyncRound], None]], ...] = (
    (Stage.META, meta),
    (Stage.REFERENCES, references),
    (Stage.PUSH, push),
    (Stage.PULL, pull),
    (Stage.KEYS, keys),
    (Stage.BLOBS, files.send_files),
    (Stage.FINISH, finish),
    (Stage.CARRY, carry),
    (Stage.FIRMWARE, fetch_firmware),
)
