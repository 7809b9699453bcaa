"""Makes a tablet known to a gateway, and gets a lost database key back. The tablet's side.

The gateway is believed because it knows the code too (an HMAC of its answer), and, where the QR was
scanned, because its root has the fingerprint in it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, delete, insert, select, update

from workorders import certificates, sealedbox
from workorders.certificates import CertificateError, Holder
from workorders.clock import Clock, SystemClock
from workorders.journal.canonical import NotCanonical, canonical_bytes, parse_canonical
from workorders.journal.entry import Realm
from workorders.journal.words import HeadReference
from workorders.journal.writer import Journal
from workorders.people import PersonRecord
from workorders.store import entries as journal_entries
from workorders.store.engine import Store
from workorders.store.schema import person
from workorders.sync import wire
from workorders.sync.codes import ASKS, GRANTS, EnrolTicket, OneTimeCode, proof, proves
from workorders.sync.errors import EnrolmentError, WrongGateway
from workorders.sync.identity import TabletIdentity

PEOPLE_CONTEXT = b"enrol/people"


class EnrolmentTransport(Protocol):
    """What enrolment needs of the way to the gateway."""

    def meta(self) -> wire.Meta: ...
    def enrol(self, request: wire.EnrolRequest) -> wire.EnrolAnswer: ...
    def recover(self, request: wire.RecoveryRequest) -> wire.RecoveryAnswer: ...


class DepositTransport(Protocol):
    """A transport that signs as the tablet."""

    def deposit(self, request: wire.RecoveryDeposit) -> None: ...


def enrol(
    store: Store,
    transport: EnrolmentTransport,
    ticket: EnrolTicket,
    *,
    name: str,
    realm: Realm,
    clock: Clock | None = None,
    mark: HeadReference | None = None,
) -> TabletIdentity:
    """Enrol this tablet: make its keys, prove them, keep what is granted, begin a chain.

    A tablet that was enrolled before begins a new chain that names the head of the old one; nothing unsent
    is touched. `mark` is the keyring's high-water mark, which a restored backup may be behind of.

    Raises:
        WrongGateway: another realm, or not the root that the QR names.
        EnrolmentError: the answer proves nothing.
        SyncError: refused (`unknown_code`, `wrong_realm`, …) or unreachable.
    """
    meta = transport.meta()
    _check_meta(meta, ticket, realm)
    former = TabletIdentity.load(store)
    with store.read() as connection:
        head = mark or journal_entries.own_head(connection)
    signing, sealing = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    statement = wire.EnrolStatement(
        code_id=ticket.code.id,
        name=name,
        realm=realm,
        signing_key=_b64(signing.public_key().public_bytes_raw()),
        sealing_key=_b64(sealing.public_key().public_bytes_raw()),
        previous_head=head,
        previous_tablet=former.tablet if former else None,
    )
    enrolled = _ask(transport, ticket.code, statement, signing)
    _check_enrolled(enrolled, meta, realm, signing)
    identity = TabletIdentity(
        tablet=enrolled.tablet,
        name=name,
        realm=realm,
        url=ticket.url,
        crew=enrolled.crew,
        project=enrolled.project,
        certificate=enrolled.certificate,
        root=enrolled.root,
        office_certificate=enrolled.office_certificate,
        recovery_key=enrolled.recovery_key,
        system_title=enrolled.system_title,
        signing_key=_b64(signing.private_bytes_raw()),
        sealing_key=_b64(sealing.private_bytes_raw()),
        enrolled_at=enrolled.time,
    )
    with store.write() as connection:
        identity.save(connection)
        keep_people(connection, _people(enrolled, sealing))
    journal_of(store, identity, clock or SystemClock(), mark=head)
    return identity


def journal_of(
    store: Store,
    identity: TabletIdentity,
    clock: Clock,
    *,
    mark: HeadReference | None = None,
    on_head: Callable[[HeadReference], None] | None = None,
) -> Journal:
    """The author of this tablet's chain; it is begun if this enrolment has none yet.

    A chain belongs to one certificate: a program that ended between enrolment and the first entry, or a new
    enrolment, begins a chain here that names the head of the former one (`mark`, else that in the store).
    """
    author = Journal(
        store,
        identity.signer(),
        identity.certificate_der(),
        identity.realm,
        identity.project,
        clock,
        on_head=on_head,
    )
    with store.read() as connection:
        active = journal_entries.active_chain(connection)
    if active is None or active.certificate != identity.certificate_der():
        author.begin_chain("enrolled" if active is None else "enrolled_again", mark)
    return author


def deposit_key(transport: DepositTransport, identity: TabletIdentity, database_key: bytes) -> None:
    """Leave the database key with the gateway, sealed to its recovery key.

    Raises:
        SyncError: it did not get there; try again with the next round.
    """
    box = sealedbox.seal_to(identity.recovery(), database_key, sealedbox.RECOVERY_CONTEXT)
    transport.deposit(wire.RecoveryDeposit(sealed_key=_b64(box)))


def recover_key(transport: EnrolmentTransport, code: OneTimeCode, tablet: str) -> bytes:
    """Get a tablet's database key back with the recovery code that an administrator has made for it.

    Raises:
        EnrolmentError: the answer does not open.
        SyncError: refused or unreachable.
    """
    opener = X25519PrivateKey.generate()
    statement = wire.RecoveryStatement(
        code_id=code.id, tablet=tablet, sealing_key=_b64(opener.public_key().public_bytes_raw())
    )
    text = canonical_bytes(msgspec.to_builtins(statement)).decode()
    answer = transport.recover(
        wire.RecoveryRequest(statement=text, proof=proof(code.key("recover"), ASKS, text))
    )
    try:
        return sealedbox.open_sealed(opener, base64.b64decode(answer.sealed_key), sealedbox.RECOVERY_CONTEXT)
    except (sealedbox.SealedBoxError, ValueError):
        raise EnrolmentError("the key that came back is not sealed to us") from None


def keep_people(connection: Connection, records: list[PersonRecord]) -> None:
    """Take the office's word on who may sign in here; who is not in it any more may not."""
    ids = [record.person for record in records]
    connection.execute(delete(person).where(person.c.person_id.not_in(ids)))
    for record in records:
        values = {
            "name": record.name,
            "role": record.role,
            "crew": record.crew,
            "grant": record.grant,
            "key": msgspec.json.encode(record.locked_key) if record.locked_key else None,
            "revoked_at": None,
        }
        same = person.c.person_id == record.person
        if connection.execute(select(person.c.person_id).where(same)).first() is None:
            connection.execute(insert(person).values(person_id=record.person, **values))
        else:
            connection.execute(update(person).where(same).values(values))


def _check_meta(meta: wire.Meta, ticket: EnrolTicket, realm: Realm) -> None:
    if meta.realm is not realm:
        raise WrongGateway(f"this gateway is {meta.realm}, the tablet {realm}", code="wrong_realm")
    if ticket.root is not None and meta.root_sha256 != ticket.root:
        raise WrongGateway("this is not the gateway that made the code")


def _ask(
    transport: EnrolmentTransport,
    code: OneTimeCode,
    statement: wire.EnrolStatement,
    signing: Ed25519PrivateKey,
) -> wire.Enrolled:
    text = canonical_bytes(msgspec.to_builtins(statement)).decode()
    key = code.key("enrol")
    request = wire.EnrolRequest(
        statement=text, proof=proof(key, ASKS, text), signature=_b64(signing.sign(text.encode()))
    )
    answer = transport.enrol(request)
    if not proves(key, GRANTS, answer.statement, answer.proof):
        raise EnrolmentError("the gateway does not know the code: it is not the one that made it")
    try:
        return msgspec.convert(parse_canonical(answer.statement.encode()), wire.Enrolled)
    except (NotCanonical, msgspec.ValidationError) as error:
        raise EnrolmentError(f"the gateway's answer is not as agreed: {error}") from None


def _check_enrolled(
    enrolled: wire.Enrolled, meta: wire.Meta, realm: Realm, signing: Ed25519PrivateKey
) -> None:
    root = base64.b64decode(enrolled.root)
    if certificates.fingerprint(root) != meta.root_sha256:
        raise EnrolmentError("the root that came is not the gateway's")
    try:
        subject, key = certificates.verify_chain(
            base64.b64decode(enrolled.certificate), root, realm=realm, holder=Holder.TABLET
        )
        certificates.verify_chain(
            base64.b64decode(enrolled.office_certificate), root, realm=realm, holder=Holder.OFFICE
        )
    except CertificateError as error:
        raise EnrolmentError(f"a certificate that came does not hold: {error}") from None
    if key.public_bytes_raw() != signing.public_key().public_bytes_raw() or subject.id != enrolled.tablet:
        raise EnrolmentError("the certificate that came is not ours")


def _people(enrolled: wire.Enrolled, sealing: X25519PrivateKey) -> list[PersonRecord]:
    try:
        plain = sealedbox.open_sealed(sealing, base64.b64decode(enrolled.people), PEOPLE_CONTEXT)
        return msgspec.json.decode(plain, type=list[PersonRecord])
    except (sealedbox.SealedBoxError, msgspec.DecodeError, ValueError):
        raise EnrolmentError("the list of people that came does not open") from None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
