"""Signing in without signal: the PIN opens the person's own key, the office's grant says what they may do."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select

from fieldtool.errors import JobError
from fieldtool.procedure.bench import SignedOverride
from workorders.clock import Clock, read_utc
from workorders.journal.entry import EntryTime
from workorders.journal.words import Sealed
from workorders.people import (
    MAY_OVERRIDE,
    Grant,
    GrantError,
    LockedKey,
    Role,
    WrongPin,
    override_message,
    unlock_key,
    verify_grant,
)
from workorders.store import schema
from workorders.store.engine import Store

from .attempts import Attempts, AttemptStore, StoreAttempts, counted, lock_seconds, looked_at


class KnownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in here. expires_at: RFC 3339, end of the grant."""

    id: str
    name: str
    role: Role
    crew: str | None
    expires_at: str


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the office's list has them; the name is there and not in the grant."""

    grant: str
    name: str
    locked: LockedKey | None


class People:
    """The people of one tablet in one realm.

    Errors are JobError: `unknown_person`, `wrong_pin` (params `left`: tries before a lock), `locked_out`
    (params `seconds`), `grant_expired`, `grant_invalid` (params `reason`), `no_pin`, `override_role`.
    """

    def __init__(
        self,
        store: Store,
        office: Ed25519PublicKey,
        realm: str,
        clock: Clock,
        attempts: AttemptStore | None = None,
    ) -> None:
        """office: the gateway's signing key as enrolment brought it."""
        self._store = store
        self._office = office
        self._realm = realm
        self._clock = clock
        self._attempts = attempts or StoreAttempts(store)

    def known(self) -> list[KnownPerson]:
        """Everybody with a grant of this office that is in force, by name."""
        with self._store.read() as connection:
            rows = connection.execute(select(schema.person).where(schema.person.c.revoked_at.is_(None))).all()
        found = []
        for row in rows:
            try:
                grant = self._grant(row.person_id, row.grant)
            except JobError:
                continue
            found.append(
                KnownPerson(
                    id=grant.person,
                    name=row.name,
                    role=grant.role,
                    crew=grant.crew,
                    expires_at=grant.expires_at,
                )
            )
        return sorted(found, key=lambda p: p.name.casefold())

    def sign_in(self, person_id: str, pin: str) -> KnownPerson:
        """*Slow* (Argon2). Check a PIN; returns the person with the role of the grant."""
        grant, _ = self._open(person_id, pin)
        return KnownPerson(
            id=grant.person,
            name=self._row(person_id).name,
            role=grant.role,
            crew=grant.crew,
            expires_at=grant.expires_at,
        )

    def sign_override(
        self, person: str, pin: str, *, order_id: str, subject: str, reason: Sealed
    ) -> SignedOverride:
        """*Slow* (Argon2). Sign a reasoned override with the person's own key; the reason comes sealed."""
        grant, key = self._open(person, pin)
        if grant.role not in MAY_OVERRIDE:
            raise JobError(
                "override_role", f"the role {grant.role} may not pass a mismatch", role=grant.role.value
            )
        message = override_message(
            order_id=order_id, subject=subject, reason=reason, role=grant.role, person=person
        )
        return SignedOverride(
            person=person,
            role=grant.role,
            reason=reason,
            public_key=grant.public_key,
            grant=self._row(person).grant,
            signature=base64.b64encode(key.sign(message)).decode("ascii"),
        )

    def wait_seconds(self, person_id: str) -> int:
        """Seconds until this person may try again; 0: now."""
        state = self._attempts.change(person_id, lambda s: looked_at(s, self._clock.now()))
        return -(-state.wait_ms // 1000)

    def _open(self, person_id: str, pin: str) -> tuple[Grant, Ed25519PrivateKey]:
        row = self._row(person_id)
        locked = row.locked
        grant = self._grant(person_id, row.grant)
        if locked is None:
            raise JobError("no_pin", f"{person_id} has no PIN yet: the office sets one", person=person_id)
        state = self._count(person_id)
        try:
            key = unlock_key(pin, locked)
        except WrongPin:
            left = max(0, next(n for n in range(99) if lock_seconds(state.failed + n)))
            wait = lock_seconds(state.failed)
            if wait:
                raise _locked_out("the PIN is not right; locked", wait) from None
            raise JobError("wrong_pin", f"the PIN is not right; {left} tries left", left=str(left)) from None
        if base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii") != grant.public_key:
            raise JobError("grant_invalid", "the key does not belong to the grant", reason="other_key")
        self._attempts.change(person_id, lambda _: Attempts())
        return grant, key

    def _count(self, person_id: str) -> Attempts:
        """Count the try before it is made. While a lock runs nothing counts, what is left is kept: after
        a restart the lock must run on from there and not begin again at every look."""
        locked: list[Attempts] = []

        def step(state: Attempts) -> Attempts:
            seen = looked_at(state, self._clock.now())
            locked[:] = [seen] if seen.wait_ms > 0 else []
            return seen if locked else counted(seen, self._clock.now())

        state = self._attempts.change(person_id, step)
        if locked:
            raise _locked_out("locked", -(-state.wait_ms // 1000))
        return state

    def _row(self, person_id: str) -> _Row:
        query = select(schema.person).where(
            schema.person.c.person_id == person_id, schema.person.c.revoked_at.is_(None)
        )
        with self._store.read() as connection:
            row = connection.execute(query).first()
        if row is None or not row.grant:
            raise JobError("unknown_person", f"{person_id} is not known on this tablet", person=person_id)
        locked = msgspec.json.decode(row.key, type=LockedKey) if row.key else None
        return _Row(grant=str(row.grant), name=str(row.name), locked=locked)

    def _grant(self, person_id: str, token: str | None) -> Grant:
        try:
            grant = verify_grant(
                token or "", self._office, at=_honest_time(self._clock.now()), realm=self._realm
            )
        except GrantError as error:
            code = "grant_expired" if error.code == "expired" else "grant_invalid"
            raise JobError(code, str(error), person=person_id, reason=error.code) from None
        if grant.person != person_id:
            raise JobError("grant_invalid", "the grant names somebody else", person=person_id, reason="other")
        return grant


def _honest_time(now: EntryTime) -> datetime:
    """Ours corrected by what the gateway's clock said last, or GPS time where that is later.

    A receiver can be made to say anything; none makes an expired grant valid again.
    """
    ours = read_utc(now.device) + timedelta(milliseconds=now.server_offset_ms or 0)
    return max(ours, read_utc(now.gps)) if now.gps else ours


def _locked_out(what: str, seconds: int) -> JobError:
    return JobError("locked_out", f"{what} for {seconds} s", seconds=str(seconds))
