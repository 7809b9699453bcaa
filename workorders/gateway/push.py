"""Takes entries from tablets: one verdict each, stored with the effect in one transaction.

What physically happened is never refused: an authentic, readable entry becomes part of the record, at
worst as a conflict that a supervisor must look at. What cannot be read or is not authentic keeps its bytes
and has no effect, and nothing stops the entries behind it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, insert, select, update

from workorders import certificates, people
from workorders.certificates import CertificateError, Holder
from workorders.clock import read_utc
from workorders.gateway.office import Office
from workorders.gateway.receipts import countersign
from workorders.gateway.tables import relayed, tablet
from workorders.journal import kinds
from workorders.journal.entry import Entry, EntryError, WireEntry, from_wire, signature_holds
from workorders.journal.kinds import MatchOverridden, Payload
from workorders.journal.lifts import PayloadError, read_payload
from workorders.store import entries as journal
from workorders.store import projection, schema
from workorders.store.errors import StoreError, translate
from workorders.sync import wire
from workorders.sync.checks import OFFICE_KINDS
from workorders.sync.wire import Verdict, VerdictKind

_log = logging.getLogger(__name__)


class _Refused(Exception):
    """Why an entry has no effect; its bytes are kept."""

    def __init__(self, verdict: VerdictKind, code: str, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.code = code

    @property
    def is_final(self) -> bool:
        """Whether the verdict belongs to the entry, or only to what somebody made of it on the way.

        A forged copy has the id and the hash of the true entry: a verdict kept under them would turn the true
        one away. So what is not authentic is judged anew each time.
        """
        return self.verdict is not VerdictKind.REJECTED and self.code != "other_chain"


@dataclass
class _Item:
    """One pushed entry on its way to a verdict."""

    raw: bytes
    hash: str
    id: str | None = None
    wire: WireEntry | None = None
    entry: Entry | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class _Author:
    """Whose chain this is, as far as certificates prove; or why they do not."""

    certificate: bytes
    key: Ed25519PublicKey | None = None
    tablet_id: str | None = None
    refusal: _Refused | None = None


@dataclass
class _Push:
    """What one push needs while it is worked through."""

    office: Office
    connection: Connection
    request: wire.PushRequest
    source: str | None
    authors: dict[str, _Author] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    """Ids of the entries of this push that will be taken."""


def push(office: Office, request: wire.PushRequest, source: str | None) -> wire.PushResponse:
    """Answer every entry of a request; `source`: the tablet that delivers, perhaps for another."""
    items = [_read(bytes(raw)) for raw in request.entries]
    try:
        return _push(office, request, source, items, _take_together)
    except StoreError:
        raise
    except Exception:
        # An entry that breaks the fold must not take the others with it: find it by going one by one.
        _log.exception("a push could not be taken as a whole; its entries are taken one by one")
        fresh = [_read(item.raw) for item in items]
        return _push(office, request, source, fresh, _take_singly)


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
) -> wire.PushResponse:
    with office.store.write() as connection:
        state = _Push(office, connection, request, source)
        fresh: list[_Item] = []
        for item in items:
            item.verdict = _known(state, item, fresh)
            if item.verdict is None:
                try:
                    item.entry = _check(state, item)
                    state.ids.add(item.entry.envelope.id)
                    fresh.append(item)
                except _Refused as refused:
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
    try:
        item.id = msgspec.json.decode(body, type=_Name).id
    except (msgspec.DecodeError, UnicodeError):
        item.id = None
    return item


class _Name(msgspec.Struct):
    id: str


def _known(state: _Push, item: _Item, fresh: Sequence[_Item]) -> Verdict | None:
    """The stored verdict of an entry that came before, in an earlier push or in this one."""
    if any(item.id == other.id and item.hash == other.hash and item.id is not None for other in fresh):
        return Verdict(id=item.id, hash=item.hash, verdict=VerdictKind.DUPLICATE, code="duplicate")
    table = schema.verdict
    where = (table.c.entry_id == (item.id or item.hash)) & (table.c.hash == item.hash)
    row = state.connection.execute(select(table).where(where)).first()
    if row is None:
        return None
    first = VerdictKind(row.verdict)
    again = first in {VerdictKind.QUARANTINED, VerdictKind.REJECTED}
    return Verdict(
        id=item.id,
        hash=item.hash,
        verdict=first if again else VerdictKind.DUPLICATE,
        code=row.code or "",
        reason=row.reason or "",
        server_seq=row.server_seq,
        first=None if again else first,
    )


# --- checking -----------------------------------------------------------------------------------


def _check(state: _Push, item: _Item) -> Entry:
    """The entry, if it may become part of the record; else `_Refused`."""
    if item.wire is None:
        raise _Refused(VerdictKind.QUARANTINED, "not_an_entry", "not the form of an entry")
    try:
        entry = from_wire(item.wire)
    except (EntryError, UnicodeError) as error:
        code = error.code if isinstance(error, EntryError) else "not_canonical"
        raise _Refused(VerdictKind.QUARANTINED, code, str(error)) from None
    envelope = entry.envelope
    if envelope.chain_id != state.request.chain_id:
        raise _Refused(VerdictKind.QUARANTINED, "other_chain", "not of the chain that this push names")
    if envelope.realm is not state.office.realm:
        message = f"written for {envelope.realm}, this gateway is {state.office.realm}"
        raise _Refused(VerdictKind.REJECTED, "wrong_realm", message)
    _check_author(_author(state, entry), entry)
    if envelope.id in state.ids or _is_taken(state.connection, envelope.id):
        raise _Refused(VerdictKind.QUARANTINED, "id_reused", "another entry has this id")
    payload = _payload(entry)
    if isinstance(payload, MatchOverridden):
        _check_override(state, entry, payload)
    return entry


def _is_taken(connection: Connection, entry_id: str) -> bool:
    table = schema.entry
    return connection.execute(select(table.c.id).where(table.c.id == entry_id)).first() is not None


def _author(state: _Push, entry: Entry) -> _Author:
    """Whose chain the entry is on; the first certificate that a chain was seen with counts."""
    chain_id = entry.envelope.chain_id
    if chain_id not in state.authors:
        table = schema.chain
        known = state.connection.execute(
            select(table.c.certificate).where(table.c.chain_id == chain_id)
        ).scalar()
        state.authors[chain_id] = _prove(state, known or base64.b64decode(state.request.certificate))
    return state.authors[chain_id]


def _prove(state: _Push, certificate: bytes) -> _Author:
    try:
        subject, key = certificates.verify_chain(
            certificate, state.office.root, realm=state.office.realm, holder=Holder.TABLET
        )
    except CertificateError as error:
        refusal = _Refused(VerdictKind.REJECTED, f"certificate_{error.code}", str(error))
        return _Author(certificate, refusal=refusal)
    row = state.connection.execute(
        select(tablet.c.revoked_at, tablet.c.revoke_reason).where(tablet.c.tablet_id == subject.id)
    ).first()
    if row is None:
        refusal = _Refused(VerdictKind.REJECTED, "unknown_tablet", f"no tablet {subject.id} is enrolled here")
        return _Author(certificate, key, subject.id, refusal)
    if row.revoked_at is not None:
        message = f"the tablet was revoked at {row.revoked_at}: {row.revoke_reason or 'no reason given'}"
        return _Author(certificate, key, subject.id, _Refused(VerdictKind.REJECTED, "revoked", message))
    return _Author(certificate, key, subject.id)


def _check_author(author: _Author, entry: Entry) -> None:
    if author.refusal is not None:
        raise author.refusal
    if author.key is None or not signature_holds(entry, author.key):
        raise _Refused(VerdictKind.REJECTED, "wrong_signature", "not signed by the author of the chain")


def _payload(entry: Entry) -> Payload | None:
    envelope = entry.envelope
    if envelope.kind in OFFICE_KINDS:
        message = f"{envelope.kind} is an act of the office"
        raise _Refused(VerdictKind.QUARANTINED, "office_kind", message)
    try:
        payload = read_payload(envelope)
    except PayloadError as error:
        raise _Refused(VerdictKind.QUARANTINED, "malformed_payload", str(error)) from None
    if isinstance(payload, kinds.ChainBegun) and envelope.seq != 0:
        raise _Refused(VerdictKind.QUARANTINED, "malformed_payload", "a chain begins with its first entry")
    return payload


def _check_override(state: _Push, entry: Entry, payload: MatchOverridden) -> None:
    """An override counts only if the person's grant, role and signature hold, at the time of the entry."""
    office, envelope = state.office, entry.envelope
    try:
        grant = people.verify_grant(
            payload.grant,
            office.key.public_key(),
            at=read_utc(journal.corrected_time(envelope)),
            realm=office.realm,
        )
    except people.GrantError as error:
        raise _Refused(VerdictKind.REJECTED, f"grant_{error.code}", str(error)) from None
    message = people.override_message(
        order_id=envelope.order_id or "",
        match_entry=payload.match_entry,
        reason=payload.reason,
        role=payload.role,
        person=payload.person,
    )
    if grant.role not in people.MAY_OVERRIDE:
        raise _Refused(VerdictKind.REJECTED, "override_not_allowed", f"{grant.role} may not override")
    if (grant.person, grant.role, grant.public_key) != (payload.person, payload.role, payload.public_key):
        raise _Refused(VerdictKind.REJECTED, "override_not_proven", "the grant is for somebody else")
    if not payload.reason.strip():
        raise _Refused(VerdictKind.REJECTED, "override_not_proven", "an override needs a reason")
    if not people.verify_override(payload.public_key, payload.signature, message):
        raise _Refused(VerdictKind.REJECTED, "override_not_proven", "the person's signature does not hold")


# --- taking -------------------------------------------------------------------------------------


def _take_together(state: _Push, items: list[_Item]) -> None:
    """Insert and fold the entries in one go."""
    taken = [(item, _insert(state, item.entry)) for item in items if item.entry is not None]
    projection.fold(state.connection, [item.entry for item, _ in taken if item.entry is not None])
    _judge(state, taken)


def _take_singly(state: _Push, items: list[_Item]) -> None:
    """Take the entries one by one, each in a savepoint; the one that cannot be folded is quarantined."""
    for item in items:
        if item.entry is None:
            continue
        try:
            with state.connection.begin_nested():
                number = _insert(state, item.entry)
                projection.fold(state.connection, [item.entry])
        except Exception as error:
            if translate(error) is not None:
                raise  # the disk or the database, not this entry
            _log.exception("entry %s cannot be folded; it is quarantined", item.id)
            reason = f"this gateway cannot take it in ({type(error).__name__})"
            item.verdict = _refuse(state, item, _Refused(VerdictKind.QUARANTINED, "not_foldable", reason))
            continue
        _judge(state, [(item, number)])


def _insert(state: _Push, entry: Entry) -> int:
    number = journal.next_server_seq(state.connection)
    received = state.office.time()
    author = state.authors[entry.envelope.chain_id]
    journal.insert_entry(state.connection, entry, own=False, server_seq=number, received_at=received)
    journal.note_head(state.connection, entry, own=False, certificate=author.certificate)
    return number


def _judge(state: _Push, taken: Iterable[tuple[_Item, int]]) -> None:
    """Give the verdicts of entries that were taken: conflict where the fold raised something over them."""
    pairs = list(taken)
    table = schema.exception
    ids = [item.id for item, _ in pairs]
    raised: dict[str, list[str]] = {}
    for row in state.connection.execute(
        select(table.c.entry_id, table.c.kind).where(table.c.entry_id.in_(ids)).order_by(table.c.kind)
    ):
        raised.setdefault(row.entry_id, []).append(row.kind)
    for item, number in pairs:
        why = raised.get(item.id or "", [])
        if item.entry is not None and _forks(state, item.entry):
            why = ["fork", *(kind for kind in why if kind != "fork")]
        item.verdict = Verdict(
            id=item.id,
            hash=item.hash,
            verdict=VerdictKind.CONFLICT if why else VerdictKind.APPLIED,
            code=why[0] if why else "applied",
            reason=f"accepted; a supervisor must look: {', '.join(why)}" if why else "",
            server_seq=number,
        )
        _note(state, item.verdict)


def _forks(state: _Push, entry: Entry) -> bool:
    """Whether another entry claims this one's place in its chain; both are kept."""
    table, envelope = schema.entry, entry.envelope
    query = select(table.c.id).where(table.c.chain_id == envelope.chain_id, table.c.seq == envelope.seq)
    return len(state.connection.execute(query.limit(2)).all()) > 1


def _refuse(state: _Push, item: _Item, refused: _Refused) -> Verdict:
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
) -> None:
    table = schema.quarantine
    same = (table.c.hash == digest) & (table.c.code == code) & (table.c.body == body)
    if connection.execute(select(table.c.number).where(same)).first() is not None:
        return
    connection.execute(
        insert(table).values(
            entry_id=entry_id,
            hash=digest,
            chain_id=chain_id,
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
    """Store a verdict beside its effect. An entry without an id is known by its hash."""
    _note_relayed(state, verdict)
    table = schema.verdict
    values = {
        "verdict": verdict.verdict,
        "code": verdict.code,
        "reason": verdict.reason,
        "server_seq": verdict.server_seq,
        "at": state.office.time(),
    }
    where = (table.c.entry_id == (verdict.id or verdict.hash)) & (table.c.hash == verdict.hash)
    if state.connection.execute(update(table).where(where).values(values)).rowcount == 0:
        state.connection.execute(
            insert(table).values(entry_id=verdict.id or verdict.hash, hash=verdict.hash, **values)
        )


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
