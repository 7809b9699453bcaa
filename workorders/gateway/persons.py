"""People at the office: who they are, what the tablets receive of them, and their sessions with the API.

Opening a person's key with their PIN is the proof of the PIN, here as on the tablet. Wrong tries are
counted before they are checked; after five the account waits, twice as long each time.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import secrets
import uuid
from datetime import timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, RowMapping, delete, insert, or_, select, update

from workorders import people
from workorders.clock import read_utc, utc_text
from workorders.gateway.errors import InvalidInput, NotFound, NotSignedIn, TooMany
from workorders.gateway.office import Office
from workorders.gateway.stamps import touch
from workorders.gateway.tables import member, session
from workorders.people import Grant, LockedKey, PersonRecord, Role
from workorders.store.schema import person

GRANT_DAYS = 30
SESSION_HOURS = 12
FREE_TRIES = 5
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 3600
IN_EVERY_CREW = frozenset({Role.LEAD, Role.SUPERVISOR, Role.ENGINEER})
"""Roles whose holders may sign in on any tablet of their project; installers only on their crew's."""


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person as the administrator's pages show them. `pin` only once, in the answer that made it."""

    id: str
    name: str
    role: Role
    crew: str | None = None
    project: str | None = None
    revoked_at: str | None = None
    pin: str | None = None


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session: `token` goes as `Authorization: Bearer`."""

    token: str
    expires_at: str
    user: User


def add_user(
    office: Office,
    *,
    name: str,
    role: Role,
    person_id: str | None = None,
    crew: str | None = None,
    project: str | None = None,
    pin: str | None = None,
    without_pin: bool = False,
    reinstate: bool = True,
) -> User:
    """Add a person, or change the one with this id (a given PIN makes them a new key).

    Without a PIN a new person gets a random one, returned this once; `without_pin` leaves them without (they
    cannot sign in anywhere until they get one). Whoever was revoked is let in again only if `reinstate`.

    Raises:
        InvalidInput: `weak_pin`, or an empty name.
    """
    if not name.strip():
        raise InvalidInput("a person needs a name")
    person_id = person_id or str(uuid.uuid4())
    shown = None
    with office.store.read() as connection:
        known = connection.execute(select(1).where(person.c.person_id == person_id)).scalar() is not None
    if pin is None and not known and not without_pin:
        pin = shown = random_pin()
    values: dict[str, object] = {"name": name, "role": role, "crew": crew}
    if reinstate or not known:
        values["revoked_at"] = None
    key = None
    if pin is not None:
        key, locked = _new_key(pin)
        values["key"] = msgspec.json.encode(locked)
    with office.store.write() as connection:
        if known:
            connection.execute(update(person).where(person.c.person_id == person_id).values(values))
            changes: dict[str, object] = {"project": project}
            if key is not None:
                changes |= {"public_key": key, "failures": 0, "locked_until": None}
            connection.execute(update(member).where(member.c.person_id == person_id).values(changes))
        else:
            connection.execute(insert(person).values(person_id=person_id, **values))
            connection.execute(
                insert(member).values(person_id=person_id, project=project, public_key=key, failures=0)
            )
        touch(connection)
    return User(id=person_id, name=name, role=role, crew=crew, project=project, pin=shown)


def random_pin() -> str:
    """Six digits that `people.check_pin` accepts."""
    while True:
        pin = f"{secrets.randbelow(10**people.MIN_PIN_DIGITS):0{people.MIN_PIN_DIGITS}d}"
        try:
            people.check_pin(pin)
        except people.WeakPin:
            continue
        return pin


def _new_key(pin: str) -> tuple[bytes, LockedKey]:
    key = Ed25519PrivateKey.generate()
    try:
        return key.public_key().public_bytes_raw(), people.lock_key(pin, key)
    except people.WeakPin as error:
        raise InvalidInput(str(error), code="weak_pin") from None


def revoke_user(office: Office, person_id: str) -> None:
    """End a person's sessions and grants; tablets learn it with the next sync.

    Raises:
        NotFound: no such person.
    """
    with office.store.write() as connection:
        done = connection.execute(
            update(person).where(person.c.person_id == person_id).values(revoked_at=office.time())
        )
        if done.rowcount != 1:
            raise NotFound(f"there is no person {person_id}")
        connection.execute(delete(session).where(session.c.person_id == person_id))
        touch(connection)


def users(office: Office, project: str | None = None) -> list[User]:
    """Everybody (of a project), by name."""
    with office.store.read() as connection:
        rows = _people(connection, project)
        return [_user(row) for row in rows]


def records_for(
    connection: Connection, office: Office, *, crew: str | None, project: str | None
) -> list[PersonRecord]:
    """Who may sign in on a tablet of this crew, each with a fresh grant."""
    records = []
    for row in _people(connection, project):
        role = Role(row["role"])
        here = row["crew"] == crew or role in IN_EVERY_CREW
        if row["revoked_at"] is not None or row["key"] is None or not here:
            continue
        grant = Grant(
            person=row["person_id"],
            role=role,
            realm=office.realm,
            crew=row["crew"],
            project=row["project"],
            public_key=base64.b64encode(row["public_key"]).decode(),
            issued_at=utc_text(office.now() - timedelta(days=1)),
            expires_at=utc_text(office.now() + timedelta(days=GRANT_DAYS)),
        )
        records.append(
            PersonRecord(
                person=row["person_id"],
                name=row["name"],
                role=role,
                crew=row["crew"],
                grant=people.sign_grant(grant, office.key),
                locked_key=msgspec.json.decode(row["key"], type=LockedKey),
            )
        )
    return records


def _people(connection: Connection, project: str | None) -> list[RowMapping]:
    statement = (
        select(person, member.c.project, member.c.public_key)
        .join(member, member.c.person_id == person.c.person_id)
        .order_by(person.c.name, person.c.person_id)
    )
    if project is not None:
        statement = statement.where(or_(member.c.project == project, member.c.project.is_(None)))
    return list(connection.execute(statement).mappings())


def _user(row: RowMapping) -> User:
    return User(
        id=row["person_id"],
        name=row["name"],
        role=Role(row["role"]),
        crew=row["crew"],
        project=row["project"],
        revoked_at=row["revoked_at"],
    )


# --- sessions -----------------------------------------------------------------------------------


def sign_in(office: Office, person_id: str, pin: str) -> SignedIn:
    """Open a session for a person who knows their PIN.

    Raises:
        NotSignedIn: `wrong_pin`; the same for a person who does not exist.
        TooMany: after five wrong tries, with the seconds to wait.
    """
    row = _count_try(office, person_id)
    refusal = NotSignedIn("the name or the PIN is not right", code="wrong_pin")
    known = row is not None and row["key"] is not None
    locked = msgspec.json.decode(row["key"], type=LockedKey) if row is not None and known else _nobody()
    try:
        people.unlock_key(pin, locked)
    except people.WrongPin:
        raise refusal from None
    if row is None or row["revoked_at"] is not None:
        raise refusal
    token = secrets.token_urlsafe(32)
    expires = utc_text(office.now() + timedelta(hours=SESSION_HOURS))
    with office.store.write() as connection:
        connection.execute(
            update(member).where(member.c.person_id == person_id).values(failures=0, locked_until=None)
        )
        connection.execute(delete(session).where(session.c.expires_at <= office.time()))
        connection.execute(
            insert(session).values(
                token_sha256=_digest(token),
                person_id=person_id,
                created_at=office.time(),
                expires_at=expires,
            )
        )
    return SignedIn(token=token, expires_at=expires, user=_user(row))


def _count_try(office: Office, person_id: str) -> RowMapping | None:
    """Count a try durably before it is checked; refuse it while the account waits."""
    with office.store.write() as connection:
        row = (
            connection.execute(
                select(person, member.c.project, member.c.failures, member.c.locked_until)
                .join(member, member.c.person_id == person.c.person_id)
                .where(person.c.person_id == person_id)
            )
            .mappings()
            .first()
        )
        if row is None:
            return None
        if row["locked_until"] is not None and row["locked_until"] > office.time():
            left = (read_utc(row["locked_until"]) - office.now()).total_seconds()
            raise TooMany("too many wrong tries", retry_after=max(1, int(left) + 1))
        failures = row["failures"] + 1
        until = None
        if failures >= FREE_TRIES:
            wait = min(FIRST_WAIT_SECONDS * 2 ** (failures - FREE_TRIES), LONGEST_WAIT_SECONDS)
            until = utc_text(office.now() + timedelta(seconds=wait))
        connection.execute(
            update(member)
            .where(member.c.person_id == person_id)
            .values(failures=failures, locked_until=until)
        )
    return row


def session_user(office: Office, token: str) -> User:
    """Who a bearer token stands for.

    Raises:
        NotSignedIn: unknown or expired token, or the person was revoked.
    """
    with office.store.read() as connection:
        row = (
            connection.execute(
                select(person, member.c.project, session.c.expires_at.label("ends_at"))
                .join(session, session.c.person_id == person.c.person_id)
                .join(member, member.c.person_id == person.c.person_id)
                .where(session.c.token_sha256 == _digest(token))
            )
            .mappings()
            .first()
        )
    if row is None or row["ends_at"] <= office.time() or row["revoked_at"] is not None:
        raise NotSignedIn("the session has ended: sign in again")
    return _user(row)


def sign_out(office: Office, token: str) -> None:
    """End a session."""
    with office.store.write() as connection:
        connection.execute(delete(session).where(session.c.token_sha256 == _digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@functools.cache
def _nobody() -> LockedKey:
    """Tried for names that do not exist, so that the answer takes as long as for those that do."""
    return people.lock_key(random_pin(), Ed25519PrivateKey.generate())
