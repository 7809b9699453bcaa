"""Takes entries from tablets: one verdict each, stored with the effect in one transaction.

What physically happened is never refused: an authentic, readable entry becomes part of the record, at
worst as a conflict that a supervisor must look at. What cannot be read or is not authentic keeps its bytes
and has no effect, and nothing stops the entries behind it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from workorders.gateway.authenticity import (
    Author,
    Refused,
    check_author,
    check_payload,
    doubt,
    prove_author,
)
from workorders.gateway.chains import write_within
from workorders.gateway.office import Office
from workorders.gateway.receipts import countersign
from workorders.gateway.secretchanges import take_secrets
from workorders.gateway.stamps import touch
from workorders.gateway.tables import relayed
from workorders.journal.canonical import MAX_INTEGER
from workorders.journal.chain import certificate_key
from workorders.journal.entry import Entry, EntryError, WireEntry, from_wire, signature_holds
from workorders.journal.kinds import OverrideRefused, StockMoved
from workorders.journal.writer import Draft
from workorders.store import entries as journal
from workorders.store import projection, schema
from workorders.store.bulk import among, put_rows
from workorders.store.errors import StoreError, translate
from workorders.sync import wire
from workorders.sync.wire import Verdict, VerdictKind

_log = logging.getLogger(__name__)


@dataclass
class _Item:
    """One pushed entry on its way to a verdict."""

    raw: bytes
    hash: str
    id: str | None = None
    seq: int | None = None
    wire: WireEntry | None = None
    read: Entry | Refused | None = None
    refusal: Refused | None = None
    """Why its payload may not stand; asked only of an entry that is authentic."""
    signed: bool = False
    """Whether the key of the certificate that came with the push signed it."""
    entry: Entry | None = None
    verdict: Verdict | None = None


@dataclass
class _Push:
    """What one push needs while it is worked through."""

    office: Office
    connection: Connection
    request: wire.PushRequest
    source: str | None
    pardoned: str | None = None
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
    items = [_read(bytes(raw)) for raw in request.entries]
    _prove(office, request, items)
    try:
        return _push(office, request, source, items, _take_together, pardoned)
    except StoreError:
        raise
    except Exception:
        # An entry that breaks the fold must not take the others with it: find it by going one by one.
        _log.exception("a push could not be taken as a whole; its entries are taken one by one")
        fresh = [_read(item.raw) for item in items]
        _prove(office, request, fresh)
        return _push(office, request, source, fresh, _take_singly, pardoned)


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
    items: list[_Item],
    take: Callable[[_Push, list[_Item]], None],
    pardoned: str | None,
) -> wire.PushResponse:
    with office.store.write() as connection:
        state = _Push(office, connection, request, source, pardoned)
        fresh: list[_Item] = []
        _look_up(state, items)
        for item in items:
            item.verdict = _known(state, item, fresh)
            if item.verdict is None:
                try:
                    item.entry = _check(state, item)
                    state.ids.add(item.entry.envelope.id)
                    fresh.append(item)
                except Refused as refused:
                    item.verdict = _refuse(state, item, refused)
        take(state, fresh)
        author = state.authors.get(request.chain_id)
        head = countersign(connection, office, request.chain_id, author.tablet_id if author else None)
    return wire.PushResponse(verdicts=[item.verdict for item in items if item.verdict], head=head)


# --- reading ------------------------------------------------------------------------------------


def _read(raw: bytes) -> _Item:
    """Read a pushed entry as far as it goes; never fails."""
    item = _Item(raw=raw, hash=hashlib.sha256(raw).hexdigest())
    try:
        item.wire = msgspec.json.decode(raw, type=WireEntry)
        body = item.wire.body.encode()
    except (msgspec.DecodeError, UnicodeError):
        return item
    if hashlib.sha256(body).hexdigest() == item.wire.hash:
        item.hash = item.wire.hash
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        item.id = msgspec.json.decode(body, type=_Name).id
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        item.seq = msgspec.json.decode(body, type=_Number).seq
    return item


def _prove(office: Office, request: wire.PushRequest, items: Sequence[_Item]) -> None:
    """All that can be said of entries without asking the database, so that nobody waits for it meanwhile."""
    try:
        key = certificate_key(_decoded(request.certificate))
    except EntryError:
        key = None
    for item in items:
        if item.wire is None:
            continue
        try:
            item.read = from_wire(item.wire)
        except (EntryError, UnicodeError) as error:
            code = error.code if isinstance(error, EntryError) else "not_canonical"
            item.read = Refused(VerdictKind.QUARANTINED, code, str(error))
            continue
        item.signed = key is not None and signature_holds(item.read, key)
        try:
            check_payload(office, item.read)
        except Refused as refused:
            item.refusal = refused


class _Name(msgspec.Struct):
    id: str


class _Number(msgspec.Struct):
    seq: Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]


_VERDICTS = select(schema.verdict).where(among(schema.verdict.c.entry_id, "ids"))


def _look_up(state: _Push, items: Sequence[_Item]) -> None:
    """Find, in two queries, what is known of the pushed entries."""
    names = [item.id or item.hash for item in items]
    state.ids |= journal.known_ids(state.connection, names).keys()
    for row in state.connection.execute(_VERDICTS, {"ids": names}):
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


def _known(state: _Push, item: _Item, fresh: Sequence[_Item]) -> Verdict | None:
    """The stored verdict of an entry that came before, in an earlier push or in this one."""
    if any(item.id == other.id and item.hash == other.hash and item.id is not None for other in fresh):
        return Verdict(id=item.id, hash=item.hash, verdict=VerdictKind.DUPLICATE, code="duplicate")
    known = state.verdicts.get((item.id or item.hash, item.hash))
    return None if known is None else msgspec.structs.replace(known, id=item.id)


# --- checking -----------------------------------------------------------------------------------


def _check(state: _Push, item: _Item) -> Entry:
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
    same = author.certificate == _decoded(state.request.certificate)
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
        table = schema.chain
        known = state.connection.execute(
            select(table.c.certificate).where(table.c.chain_id == chain_id)
        ).scalar()
        certificate = known or _decoded(state.request.certificate)
        state.authors[chain_id] = prove_author(
            state.connection, state.office, certificate, pardoned=state.pardoned
        )
    return state.authors[chain_id]


def _decoded(certificate: str) -> bytes:
    """The DER that a request carries; what is no base64 is no certificate and proves nothing."""
    try:
        return base64.b64decode(certificate, validate=True)
    except ValueError:
        return b""


# --- taking -------------------------------------------------------------------------------------


def _take_together(state: _Push, items: list[_Item]) -> None:
    """Insert and fold the entries in one go."""
    _judge(state, _take(state, items))


def _take_singly(state: _Push, items: list[_Item]) -> None:
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


def _take(state: _Push, items: Sequence[_Item]) -> list[tuple[_Item, int]]:
    """Insert entries of the push's chain under the next numbers of the sequence, and fold them."""
    pairs = [(item, item.entry) for item in items if item.entry is not None]
    if not pairs:
        return []
    entries = [entry for _, entry in pairs]
    first = journal.next_server_seq(state.connection, len(entries))
    rows = [(entry, first + index) for index, entry in enumerate(entries)]
    journal.insert_entries(state.connection, rows, own=False, received_at=state.office.time())
    certificate = state.authors[state.request.chain_id].certificate
    ordered = sorted(entries, key=lambda entry: entry.envelope.seq)
    # Only the beginning and the newest say something of a chain.
    for entry in [each for each in ordered[:1] if each.envelope.seq == 0] + ordered[-1:]:
        journal.note_head(state.connection, entry, own=False, certificate=certificate)
    projection.fold(state.connection, entries)
    changed = take_secrets(state.connection, state.office, ordered)
    if changed or any(entry.envelope.kind == StockMoved.KIND for entry in entries):
        touch(state.connection)  # secrets, and what lies on whose truck, go into the key rings of tablets
    _note_doubts(state, entries)
    return [(item, first + index) for index, (item, _) in enumerate(pairs)]


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


def _judge(state: _Push, taken: Sequence[tuple[_Item, int]]) -> None:
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


def _refuse(state: _Push, item: _Item, refused: Refused) -> Verdict:
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
