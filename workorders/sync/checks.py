"""Every pulled entry proves itself before it counts: its bytes, its author's certificate, its signature.

An entry that does not is kept aside with the reason and has no effect; the digest at the end of the round
then tells that the tablet and the gateway do not agree.
"""

from __future__ import annotations

import base64

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from workorders import certificates
from workorders.certificates import CertificateError, Holder
from workorders.journal import kinds
from workorders.journal.entry import Entry, EntryError, WireEntry, from_wire, signature_holds
from workorders.store import inbox
from workorders.store.inbox import ReceivedEntry
from workorders.sync import wire
from workorders.sync.identity import TabletIdentity

OFFICE_KINDS = frozenset(
    kind.KIND
    for kind in (
        kinds.OrderIssued,
        kinds.OrderChanged,
        kinds.OrderCancelled,
        kinds.OrderReassigned,
        kinds.OrderApproved,
        kinds.OrderReturned,
        kinds.ExceptionDecided,
        kinds.OverrideRefused,
        kinds.EntriesAccepted,
        kinds.JoinReported,
        kinds.PersonalErased,
    )
)
"""Acts of the office: on a tablet's chain they have no force, neither here nor at the gateway."""


class BadEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A pulled entry that proves nothing, with the reason."""

    entry: WireEntry
    code: str
    reason: str

    def keep(self, connection: Connection) -> None:
        """Keep its bytes."""
        inbox.quarantine_bytes(
            connection,
            self.entry.body.encode(errors="surrogatepass"),
            code=self.code,
            reason=self.reason,
            source="pull",
            signature=self.entry.signature,
            hash=self.entry.hash,
        )


class _NotProven(Exception):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Checker:
    """Checks the pages of one pull; certificates are proven once each.

    Attributes:
        proven: DER by chain id, of every chain whose certificate holds.
    """

    def __init__(self, identity: TabletIdentity) -> None:
        self._identity = identity
        self._root = identity.root_der()
        self._authors: dict[str, tuple[Ed25519PublicKey, Holder]] = {}
        self.proven: dict[str, bytes] = {}

    def sort(self, page: wire.PullPage) -> tuple[list[ReceivedEntry], list[BadEntry]]:
        """The entries of a page that prove themselves, and those that do not."""
        good: list[ReceivedEntry] = []
        bad: list[BadEntry] = []
        for item in page.entries:
            try:
                entry = self._check(item.entry, page.certificates)
                good.append(ReceivedEntry(entry=entry, server_seq=item.server_seq))
            except _NotProven as error:
                bad.append(BadEntry(entry=item.entry, code=error.code, reason=str(error)))
        return good, bad

    def _check(self, item: WireEntry, sent: dict[str, str]) -> Entry:
        try:
            entry = from_wire(item)
        except (EntryError, UnicodeError) as error:
            code = error.code if isinstance(error, EntryError) else "not_canonical"
            raise _NotProven(code, str(error)) from None
        envelope = entry.envelope
        if envelope.realm is not self._identity.realm:
            raise _NotProven("wrong_realm", f"an entry of {envelope.realm}")
        key, holder = self._author(envelope.chain_id, sent)
        if not signature_holds(entry, key):
            raise _NotProven("wrong_signature", "not signed by the author of its chain")
        if envelope.kind in OFFICE_KINDS and holder is not Holder.OFFICE:
            raise _NotProven("office_kind", f"{envelope.kind} not written by the office")
        return entry

    def _author(self, chain_id: str, sent: dict[str, str]) -> tuple[Ed25519PublicKey, Holder]:
        known = self._authors.get(chain_id)
        if known is not None:
            return known
        if chain_id not in sent:
            raise _NotProven("no_certificate", "the author's certificate was not sent")
        try:
            der = base64.b64decode(sent[chain_id])
            subject, key = certificates.verify_chain(der, self._root, realm=self._identity.realm)
        except (CertificateError, ValueError) as error:
            raise _NotProven("bad_certificate", str(error)) from None
        self.proven[chain_id] = der
        self._authors[chain_id] = (key, subject.holder)
        return key, subject.holder
