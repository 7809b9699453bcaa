"""Whether an entry is authentic and means what it may: its author's certificate, its signature, its payload.

What is decided here is why an entry may not become part of the record; `push` keeps its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Row, bindparam, select

from workorders import certificates, people
from workorders.certificates import CertificateError, Holder
from workorders.clock import read_utc
from workorders.gateway.office import Office
from workorders.gateway.tables import tablet
from workorders.journal import kinds
from workorders.journal.entry import Entry, signature_holds
from workorders.journal.kinds import MatchOverridden
from workorders.journal.lifts import PayloadError, read_payload
from workorders.journal.said import says_nothing
from workorders.journal.words import OFFICE_MOVEMENTS, PlaceOverride
from workorders.store import entries as journal
from workorders.sync.checks import OFFICE_KINDS
from workorders.sync.wire import VerdictKind


class Refused(Exception):
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


@dataclass(frozen=True)
class Author:
    """Whose chain this is, as far as certificates prove; or why they do not."""

    certificate: bytes
    key: Ed25519PublicKey | None = None
    tablet_id: str | None = None
    refusal: Refused | None = None


def named_author(office: Office, certificate: bytes) -> Author:
    """Whom a certificate of ours names as author of a chain, or why it proves nothing here."""
    try:
        subject, key = certificates.verify_chain(
            certificate, office.root, realm=office.realm, holder=Holder.TABLET
        )
    except CertificateError as error:
        refusal = Refused(VerdictKind.REJECTED, f"certificate_{error.code}", str(error))
        return Author(certificate, refusal=refusal)
    return Author(certificate, key, subject.id)


ENROLLED = select(tablet.c.tablet_id, tablet.c.revoked_at, tablet.c.revoke_reason).where(
    tablet.c.tablet_id == bindparam("of_tablet")
)


def prove_author(author: Author, enrolled: Row[Any] | None, *, pardoned: str | None = None) -> Author:
    """The author, refused where the tablet that its certificate names may not write here (any more).

    Args:
        enrolled: what `ENROLLED` says of the tablet.
        pardoned: a tablet whose revocation does not count this time.
    """
    if author.refusal is not None:
        return author
    name = author.tablet_id
    if enrolled is None or enrolled.tablet_id != name:
        refusal = Refused(VerdictKind.REJECTED, "unknown_tablet", f"no tablet {name} is enrolled here")
        return replace(author, refusal=refusal)
    if enrolled.revoked_at is not None and name != pardoned:
        why = enrolled.revoke_reason or "no reason given"
        message = f"the tablet was revoked at {enrolled.revoked_at}: {why}"
        return replace(author, refusal=Refused(VerdictKind.REJECTED, "revoked", message))
    return author


def check_author(author: Author, entry: Entry, *, signed: bool | None = None) -> None:
    """Raise Refused unless the entry was signed by this author, and the author may.

    Args:
        signed: whether the author's key signed it, where that was looked at before.
    """
    if author.refusal is not None:
        raise author.refusal
    if author.key is None or not (signature_holds(entry, author.key) if signed is None else signed):
        raise Refused(VerdictKind.REJECTED, "wrong_signature", "not signed by the author of the chain")


def check_payload(office: Office, entry: Entry) -> None:
    """Raise Refused for an act of the office, an unreadable payload, or an override that proves nothing."""
    envelope = entry.envelope
    if envelope.kind in OFFICE_KINDS:
        message = f"{envelope.kind} is an act of the office"
        raise Refused(VerdictKind.QUARANTINED, "office_kind", message)
    try:
        payload = read_payload(envelope)
    except PayloadError as error:
        raise Refused(VerdictKind.QUARANTINED, "malformed_payload", str(error)) from None
    if isinstance(payload, kinds.ChainBegun) and envelope.seq != 0:
        raise Refused(VerdictKind.QUARANTINED, "malformed_payload", "a chain begins with its first entry")
    if isinstance(payload, kinds.StockMoved) and payload.movement in OFFICE_MOVEMENTS:
        message = f"a device is {payload.movement} by the office"
        raise Refused(VerdictKind.QUARANTINED, "office_kind", message)
    if isinstance(payload, MatchOverridden):
        try:
            _prove_override(office, entry, payload, payload.match_entry)
        except Unproven as why:
            raise Refused(VerdictKind.REJECTED, why.code, str(why)) from None


def doubt(office: Office, entry: Entry) -> str | None:
    """Why the override in a placement proves nothing; None where it holds or there is none.

    The placement itself is a fact and is never refused for it: the record says that nobody who may had
    passed the rule, and a supervisor looks.
    """
    payload = read_payload(entry.envelope)
    if not isinstance(payload, kinds.DevicePlaced):
        return None
    if payload.override is None:
        return "unsigned" if payload.capacity_override else None
    subject = people.place_subject(payload.serial, payload.concentrator, payload.panel)
    try:
        _prove_override(office, entry, payload.override, subject)
    except Unproven as why:
        return why.code
    return None


class Unproven(Exception):
    """An override without force; `code` says why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def _prove_override(
    office: Office, entry: Entry, override: MatchOverridden | PlaceOverride, subject: str
) -> None:
    """Raise Unproven unless the person's grant, role and signature hold, at the time of the entry."""
    envelope = entry.envelope
    try:
        grant = people.verify_grant(
            override.grant,
            office.key.public_key(),
            at=read_utc(journal.corrected_time(envelope)),
            realm=office.realm,
        )
    except people.GrantError as error:
        raise Unproven(f"grant_{error.code}", str(error)) from None
    message = people.override_message(
        order_id=envelope.order_id or "",
        subject=subject,
        reason=override.reason,
        role=override.role,
        person=override.person,
    )
    if grant.role not in people.MAY_OVERRIDE:
        raise Unproven("override_not_allowed", f"{grant.role} may not override")
    if (grant.person, grant.role, grant.public_key) != (override.person, override.role, override.public_key):
        raise Unproven("override_not_proven", "the grant is for somebody else")
    if says_nothing(override.reason):
        raise Unproven("override_not_proven", "an override needs a reason")
    if not people.verify_override(override.public_key, override.signature, message):
        raise Unproven("override_not_proven", "the person's signature does not hold")
