"""Enrolment and recovery, the office's side: codes made, proofs checked, certificates issued.

A code is used once, within 24 hours; ten wrong proofs void it. What is granted is bound to the code by an
HMAC, so the tablet knows that it was this office that answered.
"""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from workorders import certificates, sealedbox
from workorders.certificates import Holder, Subject
from workorders.clock import utc_text
from workorders.gateway import persons
from workorders.gateway.errors import InvalidInput, NotAllowed, NotFound
from workorders.gateway.office import Office
from workorders.gateway.tables import one_time_code, tablet
from workorders.gateway.tables import project as project_table
from workorders.journal.canonical import NotCanonical, canonical_bytes, parse_canonical
from workorders.sync import wire
from workorders.sync.codes import ASKS, CODE_HOURS, GRANTS, EnrolTicket, new_code, proof, proves
from workorders.sync.enrolment import PEOPLE_CONTEXT

MAX_FAILURES = 10

ENROL, RECOVER = "enrol", "recover"

Statement = TypeVar("Statement", wire.EnrolStatement, wire.RecoveryStatement)


class IssuedCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code as it is shown, once: nothing of its secret is kept."""

    code: str
    expires_at: str
    root_sha256: str
    url: str | None = None
    qr: str | None = None
    crew: str | None = None
    project: str | None = None
    tablet: str | None = None


def create_enrolment_code(
    office: Office, *, crew: str | None = None, project: str | None = None, url: str | None = None
) -> IssuedCode:
    """Make a code that lets one tablet in, for a crew of a project. `url` goes into the QR.

    Raises:
        InvalidInput: `unknown_project`, `unknown_crew`; such a tablet would wait for orders for ever.
    """
    if project is not None:
        with office.store.read() as connection:
            query = select(project_table.c.data).where(project_table.c.project_id == project)
            row = connection.execute(query).one_or_none()
        if row is None:
            raise InvalidInput(f"there is no project {project}", code="unknown_project")
        crews = {item.get("id") for item in (row.data or {}).get("crew", [])}
        if crew is not None and crews and crew not in crews:
            raise InvalidInput(f"the project has no crew {crew}", code="unknown_crew")
    return _create(office, ENROL, url=url, crew=crew, project=project, tablet_id=None)


def create_recovery_code(office: Office, tablet_id: str) -> IssuedCode:
    """An administrator's approval: whoever has this code gets the database key of `tablet_id` back.

    Raises:
        NotFound: no such tablet, or it never left its key here.
    """
    with office.store.read() as connection:
        statement = select(tablet.c.recovery).where(tablet.c.tablet_id == tablet_id)
        if connection.execute(statement).scalar() is None:
            raise NotFound(f"the tablet {tablet_id} is unknown or has left no key here")
    return _create(office, RECOVER, url=None, crew=None, project=None, tablet_id=tablet_id)


def _create(
    office: Office,
    purpose: str,
    *,
    url: str | None,
    crew: str | None,
    project: str | None,
    tablet_id: str | None,
) -> IssuedCode:
    expires = utc_text(office.now() + timedelta(hours=CODE_HOURS))
    root = certificates.fingerprint(office.root)
    with office.store.write() as connection:
        code = new_code()
        while connection.execute(select(1).where(one_time_code.c.code_id == code.id)).scalar():
            code = new_code()
        connection.execute(
            insert(one_time_code).values(
                code_id=code.id,
                purpose=purpose,
                key=code.key(purpose),
                crew=crew,
                project=project,
                tablet_id=tablet_id,
                created_at=office.time(),
                expires_at=expires,
                failures=0,
            )
        )
    return IssuedCode(
        code=str(code),
        expires_at=expires,
        root_sha256=root,
        url=url,
        qr=EnrolTicket(url=url, code=code, root=root).qr_text() if url else None,
        crew=crew,
        project=project,
        tablet=tablet_id,
    )


def enrol(office: Office, request: wire.EnrolRequest) -> wire.EnrolAnswer:
    """Enrol a tablet that has a code and proves its key.

    Raises:
        InvalidInput: the statement is not one.
        NotAllowed: `unknown_code` (also wrong, used or expired), `wrong_realm`, `key_not_proven`.
    """
    statement = _statement(request.statement, wire.EnrolStatement)
    signing = _signing_key(statement.signing_key)
    sealing = _sealing_key(statement.sealing_key)
    try:
        signing.verify(base64.b64decode(request.signature), request.statement.encode())
    except (InvalidSignature, ValueError):
        raise NotAllowed("the tablet did not prove its key", code="key_not_proven") from None
    code = _use_code(office, statement.code_id, ENROL, request.statement, request.proof)
    if statement.realm is not office.realm:
        message = f"this gateway is {office.realm}, the tablet asks for {statement.realm}"
        raise NotAllowed(message, code="wrong_realm")
    with office.store.write() as connection:
        _spend(connection, office, statement.code_id)
        enrolled = _register(connection, office, statement, code, signing, sealing)
    text = canonical_bytes(msgspec.to_builtins(enrolled)).decode()
    return wire.EnrolAnswer(statement=text, proof=proof(code["key"], GRANTS, text))


def _register(
    connection: Connection,
    office: Office,
    statement: wire.EnrolStatement,
    code: RowMapping,
    signing: Ed25519PublicKey,
    sealing: X25519PublicKey,
) -> wire.Enrolled:
    number = int(connection.execute(select(func.coalesce(func.max(tablet.c.number), 0))).scalar_one()) + 1
    title = system_title(office.gateway_id, number)
    tablet_id = str(uuid.uuid4())
    subject = Subject(
        id=tablet_id, holder=Holder.TABLET, realm=office.realm, crew=code["crew"], system_title=title
    )
    certificate = certificates.issue(office.root_key, office.root, subject, signing, office.now())
    connection.execute(
        insert(tablet).values(
            tablet_id=tablet_id,
            name=statement.name,
            number=number,
            crew=code["crew"],
            project=code["project"],
            certificate=certificate,
            sealing_key=sealing.public_bytes_raw(),
            enrolled_at=office.time(),
            previous=_previous(connection, statement.previous_tablet, code["project"]),
        )
    )
    people = persons.records_for(connection, office, crew=code["crew"], project=code["project"])
    return wire.Enrolled(
        tablet=tablet_id,
        realm=office.realm,
        crew=code["crew"],
        project=code["project"],
        certificate=_b64(certificate),
        root=_b64(office.root),
        office_certificate=_b64(office.certificate),
        recovery_key=_b64(office.recovery_key.public_key().public_bytes_raw()),
        system_title=title,
        time=office.time(),
        people=_b64(sealedbox.seal_to(sealing, msgspec.json.encode(people), PEOPLE_CONTEXT)),
    )


def system_title(gateway_id: str, number: int) -> str:
    """The DLMS client system title of a tablet, 16 hex digits: `FTL`, two bytes of the gateway, its number.

    Never given twice: two clients with one title and one key would use a GCM nonce twice.
    """
    return (b"FTL" + bytes.fromhex(gateway_id[:4]) + number.to_bytes(3, "big")).hex().upper()


def deposit(office: Office, tablet_id: str, request: wire.RecoveryDeposit) -> None:
    """Keep a tablet's database key, sealed to our recovery key.

    Raises:
        InvalidInput: `not_sealed_to_us`; better now than on the day it is needed.
    """
    box = base64.b64decode(request.sealed_key)
    _open_deposit(office, box)
    with office.store.write() as connection:
        connection.execute(update(tablet).where(tablet.c.tablet_id == tablet_id).values(recovery=box))


def recover(office: Office, request: wire.RecoveryRequest) -> wire.RecoveryAnswer:
    """Give a tablet's database key back to whoever holds the recovery code for it.

    Raises:
        InvalidInput, NotAllowed: as `enrol`.
        NotFound: the tablet left no key.
    """
    statement = _statement(request.statement, wire.RecoveryStatement)
    sealing = _sealing_key(statement.sealing_key)
    code = _use_code(office, statement.code_id, RECOVER, request.statement, request.proof)
    if code["tablet_id"] != statement.tablet:
        raise NotAllowed("the code is for another tablet", code="unknown_code")
    with office.store.write() as connection:
        box = connection.execute(
            select(tablet.c.recovery).where(tablet.c.tablet_id == statement.tablet)
        ).scalar()
        if box is None:
            raise NotFound("this tablet has left no key here")
        key = _open_deposit(office, box)
        _spend(connection, office, statement.code_id)
    return wire.RecoveryAnswer(sealed_key=_b64(sealedbox.seal_to(sealing, key, sealedbox.RECOVERY_CONTEXT)))


def _open_deposit(office: Office, box: bytes) -> bytes:
    try:
        return sealedbox.open_sealed(office.recovery_key, box, sealedbox.RECOVERY_CONTEXT)
    except sealedbox.SealedBoxError as error:
        raise InvalidInput(str(error), code="not_sealed_to_us") from None


def _use_code(office: Office, code_id: str, purpose: str, statement: str, claimed: str) -> RowMapping:
    """Check a proof under a code that is still good; a wrong one is counted. One answer for every fault."""
    refusal = NotAllowed("the code is unknown, used or expired: ask for a new one", code="unknown_code")
    with office.store.read() as connection:
        where = (one_time_code.c.code_id == code_id) & (one_time_code.c.purpose == purpose)
        code = connection.execute(select(one_time_code).where(where)).mappings().first()
    if code is None or code["used_at"] or code["failures"] >= MAX_FAILURES:
        raise refusal
    if code["expires_at"] <= office.time():
        raise refusal
    if not proves(code["key"], ASKS, statement, claimed):
        with office.store.write() as connection:
            connection.execute(
                update(one_time_code)
                .where(one_time_code.c.code_id == code_id)
                .values(failures=one_time_code.c.failures + 1)
            )
        raise refusal
    return code


def _previous(connection: Connection, claimed: str | None, project: str | None) -> str | None:
    """The device's earlier enrolment, by its word; one of another project is not believed."""
    same = (tablet.c.tablet_id == claimed) & (tablet.c.project == project)
    return connection.execute(select(tablet.c.tablet_id).where(same)).scalar() if claimed else None


def _spend(connection: Connection, office: Office, code_id: str) -> None:
    """Mark a code as used; of two that come at once, one wins."""
    spent = connection.execute(
        update(one_time_code)
        .where((one_time_code.c.code_id == code_id) & one_time_code.c.used_at.is_(None))
        .values(used_at=office.time())
    )
    if spent.rowcount != 1:
        raise NotAllowed("the code has just been used", code="unknown_code")


def _statement(text: str, kind: type[Statement]) -> Statement:
    try:
        return msgspec.convert(parse_canonical(text.encode()), kind)
    except (NotCanonical, msgspec.ValidationError, UnicodeEncodeError) as error:
        raise InvalidInput(f"not the statement of this request: {error}") from None


def _signing_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text))
    except ValueError:
        raise InvalidInput("signing_key is no Ed25519 public key") from None


def _sealing_key(text: str) -> X25519PublicKey:
    try:
        return X25519PublicKey.from_public_bytes(base64.b64decode(text))
    except ValueError:
        raise InvalidInput("sealing_key is no X25519 public key") from None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
