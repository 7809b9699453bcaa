"""Takes entries from tablets: one verdict each, stored with the effect in one transaction.

What physically happened is never refused: an authentic, readable entry becomes part of the record, at
worst as a conflict that a supervisor must look at. What cannot be read or is not authentic keeps its bytes
and has no effect, and nothing stops the entries behind it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from workorders.gateway.authenticity import (
    ENROLLED,
    Author,
    Refused,
    check_author,
    doubt,
    named_author,
    prove_author,
)
from workorders.gateway.chains import write_within
from workorders.gateway.office import Office
from workorders.gateway.pushed import Item, decoded, prove, read
from workorders.gateway.receipts import countersign
from workorders.gateway.secretchanges import take_secrets
from workorders.gateway.stamps import touch
from workorders.gateway.tables import relayed
from workorders.journal.entry import Entry
from workorders.journal.kinds import OverrideRefused, StockMoved
from workorders.journal.writer import Draft
from workorders.store import entries as journal
from workorders.store import projection, schema
from workorders.store.asking import ask
from workorders.store.bulk import among, put_rows
from workorders.store.errors import StoreError, translate
from workorders.sync import wire
from workorders.sync.wire import Verdict, VerdictKind

_log = logging.getLogger(__name__)


@dataclass
class _Push:
    """What one push needs while it is worked through."""

    office: Office
    connection: Connection
    request: wire.PushRequest
    source: str | None
    pardoned: str | None = None
    named: Author | None = None
    """Whom the certificate of the request names, which was looked at before anybody waited for us."""
    chain: Row[Any] | None = None
    """The chain as it stands before this push."""
    enrolled: Row[Any] | None = None
    """The tablet that `named` is, as the office knows it."""
    authors: dict[str, Author] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    """Ids that are taken: of entries in the record, and of those of this push."""
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    """Verdicts given before, by id and hash."""


def push(
    office: Office, request: wire.PushRequest, source: str | None, *, pardoned: str | None = None
) -> wire.PushResponse:
    """Answer every entry of a request.

    Args:
        source: the tablet that delivers, perhaps for another.
        pardoned: a revoked tablet whose entries a supervisor has accepted (`pardon.py`).
    """
    items = [read(bytes(raw)) for raw in request.entries]
    named = prove(office, request, items)
    try:
        return _push(office, request, source, items, named, _take_together, pardoned)
    except StoreError:
        raise
    except Exception:
        # An entry that breaks the fold must not take the others with it: find it by going one by one.
        _log.exception("a push could not be taken as a whole; its entries are taken one by one")
        fresh = [read(item.raw) for item in items]
        named = prove(office, request, fresh)
        return _push(office, request, source, fresh, named, _take_singly, pardoned)


def keep_unreadable(office: Office, body: bytes, source: str | None) -> None:
    """Keep a push body that cannot be read at all; what it held may matter one day."""
    with office.store.write() as connection:
        digest = hashlib.sha256(body).hexdigest()
        reason = "the body of a push could not be read"
        _keep(connection, office, body, None, None, digest, "unreadable_body", reason, source)


def _push(
    office: Office,
    request: wire.PushRequest,
    source: str | None,
    items: list[Item],
    named: Author,
    take: Callable[[_Push, list[Item]], None],
    pardoned: str | None,
) -> wire.PushResponse:
    with office.store.write() as connection:
        state = _Push(office, connection, request, source, pardoned, named)
        fresh: list[Item] = []
        names: set[tuple[str | None, str]] = set()
        _look_up(state, items)
        for item in items:
            item.verdict = _known(state, item, names)
            if item.verdict is None:
                try:
                    item.entry = _check(state, item)
                    state.ids.add(item.entry.envelope.id)
                    fresh.append(item)
                    names.add((item.id, item.hash))
                except Refused as refused:
                    item.verdict = _refuse(state, item, refused)
        take(state, fresh)
        author = state.authors.get(request.chain_id)
        head = countersign(connection, office, request.chain_id, author.tablet_id if author else None)
    return wire.PushResponse(verdicts=[item.verdict for item in items if item.verdict], head=head)


# --- looking up ---------------------------------------------------------------------------------


_VERDICTS = select(schema.verdict).where(among(schema.verdict.c.entry_id, "ids"))


_CHAIN = select(schema.chain.c.certificate, schema.chain.c.head_seq).where(
    schema.chain.c.chain_id == bindparam("of_chain")
)


def _look_up(state: _Push, items: Sequence[Item]) -> None:
    """Find, at once, what is known of the pushed entries, of their chain, and of its author."""
    names = [item.id or item.hash for item in items]
    tablet = state.named.tablet_id if state.named is not None else None
    known, verdicts, chains, tablets = ask(
        state.connection,
        (journal.KNOWN, {"ids": names}),
        (_VERDICTS, {"ids": names}),
        (_CHAIN, {"of_chain": state.request.chain_id}),
        (ENROLLED, {"of_tablet": tablet}),
    )
    state.chain, state.enrolled = next(iter(chains), None), next(iter(tablets), None)
    state.ids |= {row.id for row in known}
    for row in verdicts:
        first = VerdictKind(row.verdict)
        again = first in {VerdictKind.QUARANTINED, VerdictKind.REJECTED}
        state.verdicts[(row.entry_id, row.hash)] = Verdict(
            id=row.entry_id,
            hash=row.hash,
            verdict=first if again else VerdictKind.DUPLICATE,
            code=row.code or "",
            reason=row.reason or "",
            server_seq=row.server_seq,
            first=None if again else first,
        )


def _known(state: _Push, item: Item, fresh: Container[tuple[str | None, str]]) -> Verdict | None:
    """The stored verdict of an entry that came before, in an earlier push or in this one."""
    if item.id is not None and (item.id, item.hash) in fresh:
        return Verdict(id=item.id, hash=item.hash, verdict=VerdictKind.DUPLICATE, code="duplicate")
    known = state.verdicts.get((item.id or item.hash, item.hash))
    return None if known is None else msgspec.structs.replace(known, id=item.id)


# --- checking -----------------------------------------------------------------------------------


def _check(state: _Push, item: Item) -> Entry:
    """The entry, if it may become part of the record; else `Refused`."""
    if item.wire is None:
        raise Refused(VerdictKind.QUARANTINED, "not_an_entry", "not the form of an entry")
    if not isinstance(item.read, Entry):
        raise item.read or Refused(VerdictKind.QUARANTINED, "not_canonical", "not read")
    entry = item.read
    envelope = entry.envelope
    if envelope.chain_id != state.request.chain_id:
        raise Refused(VerdictKind.QUARANTINED, "other_chain", "not of the chain that this push names")
    if envelope.realm is not state.office.realm:
        message = f"written for {envelope.realm}, this gateway is {state.office.realm}"
        raise Refused(VerdictKind.REJECTED, "wrong_realm", message)
    author = _author(state, entry)
    same = author.certificate == decoded(state.request.certificate)
    check_author(author, entry, signed=item.signed if same else None)
    if envelope.id in state.ids:
        raise Refused(VerdictKind.QUARANTINED, "id_reused", "another entry has this id")
    if item.refusal is not None:
        raise item.refusal
    return entry


def _author(state: _Push, entry: Entry) -> Author:
    """Whose chain the entry is on; the first certificate that a chain was seen with counts."""
    chain_id = entry.envelope.chain_id
    if chain_id not in state.authors:
        known = state.chain.certificate if state.chain is not None else None
        named, enrolled = state.named, state.enrolled
        if named is None or (known and known != named.certificate):
            named = named_author(state.office, known or decoded(state.request.certificate))
            (found,) = ask(state.connection, (ENROLLED, {"of_tablet": named.tablet_id}))
            enrolled = next(iter(found), None)
        state.authors[chain_id] = prove_author(named, enrolled, pardoned=state.pardoned)
    return state.authors[chain_id]


# --- taking -------------------------------------------------------------------------------------


def _take_together(state: _Push, items: list[Item]) -> None:
    """Insert and fold the entries in one go."""
    _judge(state, _take(state, items))


def _take_singly(state: _Push, items: list[Item]) -> None:
    """Take the entries one by one, each in a savepoint; the one that cannot be folded is quarantined."""
    for item in items:
        if item.entry is None:
            continue
        try:
            with state.connection.begin_nested():
                taken = _take(state, [item])
        except Exception as error:
            if translate(error) is not None:
                raise  # the disk or the database, not this entry
            _log.exception("entry %s cannot be folded; it is quarantined", item.id)
            reason = f"this gateway cannot take it in ({type(error).__name__})"
            item.verdict = _refuse(state, item, Refused(VerdictKind.QUARANTINED, "not_foldable", reason))
            continue
        _judge(state, taken)


def _take(state: _Push, items: Sequence[Item]) -> list[tuple[Item, int]]:
    """Insert entries of the push's chain under the next numbers of the sequence, and fold them."""
    pairs = [(item, item.entry) for item in items if item.entry is not None]
    if not pairs:
        return []
    entries = [entry for _, entry in pairs]
    first = journal.next_server_seq(state.connection, len(entries))
    rows = [(entry, first + index) for index, entry in enumerate(entries)]
    certificate = state.authors[state.request.chain_id].certificate
    ordered = sorted(entries, key=lambda entry: entry.envelope.seq)
    goes_on = _goes_on(state, ordered, certificate)
    then = [journal.moving_head(ordered[-1])] if goes_on else []
    time = state.office.time()
    journal.insert_entries(state.connection, rows, own=False, received_at=time, then=then)
    # Only the beginning and the newest say something of a chain.
    for entry in [] if goes_on else [each for each in ordered[:1] if each.envelope.seq == 0] + ordered[-1:]:
        journal.note_head(state.connection, entry, own=False, certificate=certificate)
    projection.fold(state.connection, entries)
    changed = take_secrets(state.connection, state.office, ordered)
    if changed or any(entry.envelope.kind == StockMoved.KIND for entry in entries):
        touch(state.connection)  # secrets, and what lies on whose truck, go into the key rings of tablets
    _note_doubts(state, entries)
    return [(item, first + index) for index, (item, _) in enumerate(pairs)]


def _goes_on(state: _Push, ordered: Sequence[Entry], certificate: bytes) -> bool:
    """Whether nothing changes of the chain but that it is longer; what was looked up serves once."""
    known, state.chain = state.chain, None
    return (
        known is not None
        and known.head_seq is not None
        and known.head_seq < ordered[0].envelope.seq
        and known.certificate == certificate
    )


def _note_doubts(state: _Push, entries: Sequence[Entry]) -> None:
    """Say in the record which overrides prove nothing; that is an act of the office, on its own chain."""
    for entry in entries:
        code = doubt(state.office, entry)
        if code is None:
            continue
        envelope = entry.envelope
        payload = OverrideRefused(entry_id=envelope.id, code=code)
        draft = Draft(payload=payload, order_id=envelope.order_id, order_version=envelope.order_version)
        write_within(state.office, state.connection, envelope.project or "", draft)


_RAISED = (
    select(schema.exception.c.entry_id, schema.exception.c.kind, schema.exception.c.scope)
    .where(or_(among(schema.exception.c.entry_id, "ids"), among(schema.exception.c.scope, "scopes")))
    .order_by(schema.exception.c.kind)
)
"""What the fold raised over entries, and over places of the chain that more than one entry claims."""


def _judge(state: _Push, taken: Sequence[tuple[Item, int]]) -> None:
    """Give the verdicts of entries that were taken: conflict where the fold raised something over them."""
    entries = [item.entry for item, _ in taken if item.entry is not None]
    scopes = {
        f"chain:{entry.envelope.chain_id}/{entry.envelope.seq}": entry.envelope.seq for entry in entries
    }
    lists = {"ids": [entry.envelope.id for entry in entries], "scopes": list(scopes)}
    raised: dict[str, list[str]] = {}
    forked: set[int] = set()
    for row in state.connection.execute(_RAISED, lists):
        raised.setdefault(row.entry_id, []).append(row.kind)
        if row.scope in scopes:
            forked.add(scopes[row.scope])
    for item, number in taken:
        why = [kind for kind in raised.get(item.id or "", []) if kind != "fork"]
        if item.entry is not None and item.entry.envelope.seq in forked:
            why.insert(0, "fork")
        item.verdict = Verdict(
            id=item.id,
            hash=item.hash,
            verdict=VerdictKind.CONFLICT if why else VerdictKind.APPLIED,
            code=why[0] if why else "applied",
            reason=f"accepted; a supervisor must look: {', '.join(why)}" if why else "",
            server_seq=number,
        )
        _note_relayed(state, item.verdict)
    rows = [_row(state, item.verdict) for item, _ in taken if item.verdict is not None]
    put_rows(state.connection, schema.verdict, rows)


def _row(state: _Push, verdict: Verdict) -> dict[str, object]:
    """A verdict as it is stored. An entry without an id is known by its hash."""
    return {
        "entry_id": verdict.id or verdict.hash,
        "hash": verdict.hash,
        "verdict": verdict.verdict,
        "code": verdict.code,
        "reason": verdict.reason,
        "server_seq": verdict.server_seq,
        "at": state.office.time(),
    }


def _refuse(state: _Push, item: Item, refused: Refused) -> Verdict:
    verdict = Verdict(
        id=item.id, hash=item.hash, verdict=refused.verdict, code=refused.code, reason=str(refused)
    )
    body = item.wire.body.encode(errors="surrogatepass") if item.wire is not None else item.raw
    signature = item.wire.signature if item.wire is not None else None
    _keep(
        state.connection,
        state.office,
        body,
        signature,
        item.id,
        item.hash,
        refused.code,
        str(refused),
        state.source,
        verdict=refused.verdict,
        chain_id=state.request.chain_id,
        seq=None if refused.code == "other_chain" else item.seq,
    )
    if refused.is_final:
        _note(state, verdict)
    return verdict


def _keep(
    connection: Connection,
    office: Office,
    body: bytes,
    signature: bytes | None,
    entry_id: str | None,
    digest: str,
    code: str,
    reason: str,
    source: str | None,
    *,
    verdict: VerdictKind = VerdictKind.QUARANTINED,
    chain_id: str | None = None,
    seq: int | None = None,
) -> None:
    table = schema.quarantine
    # With its signature: a forged copy that came first must not stand for the true one.
    same = (
        (table.c.hash == digest)
        & (table.c.code == code)
        & (table.c.body == body)
        & table.c.signature.is_not_distinct_from(signature)
    )
    if connection.execute(select(table.c.number).where(same)).first() is not None:
        return
    connection.execute(
        insert(table).values(
            entry_id=entry_id,
            hash=digest,
            chain_id=chain_id,
            seq=seq,
            body=body,
            signature=signature,
            verdict=verdict,
            code=code,
            reason=reason,
            source=source,
            received_at=office.time(),
        )
    )


def _note(state: _Push, verdict: Verdict) -> None:
    """Store the verdict of an entry that has no effect; the same one may stand twice in a push."""
    _note_relayed(state, verdict)
    table, values = schema.verdict, _row(state, verdict)
    where = (table.c.entry_id == values["entry_id"]) & (table.c.hash == verdict.hash)
    if state.connection.execute(update(table).where(where).values(values)).rowcount == 0:
        state.connection.execute(insert(table).values(values))


def _note_relayed(state: _Push, verdict: Verdict) -> None:
    """An author whose entry somebody else brought learns its verdict by a pull."""
    author = state.authors.get(state.request.chain_id)
    if author is None or author.tablet_id is None or author.tablet_id == state.source:
        return
    values = {"entry_id": verdict.id or verdict.hash, "hash": verdict.hash}
    known = select(relayed.c.at_seq).where(
        relayed.c.entry_id == values["entry_id"], relayed.c.hash == verdict.hash
    )
    if state.connection.execute(known).first() is None:
        at_seq = verdict.server_seq or journal.next_server_seq(state.connection)
        row = values | {"tablet_id": author.tablet_id, "at_seq": at_seq}
        state.connection.execute(insert(relayed).values(row))
