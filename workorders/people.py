"""Who may do what: roles, grants signed by the gateway, and a person's own key that their PIN opens.

The tablet's key proves the tablet, not the person. A *grant* says, signed by the office and with an end,
that a person has a role; it carries the person's public key. The private half travels to the tablets only
locked under the PIN (Argon2id), so opening it is the proof of the PIN: no other verifier is kept. An act
that asks for a role (an override) is signed with that key, and the gateway checks grant, role and
signature again at push.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import os
from datetime import datetime
from enum import StrEnum

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workorders.journal.canonical import NotCanonical, canonical_bytes, parse_canonical
from workorders.journal.words import Said

MIN_PIN_DIGITS = 6
_LOCK_CONTEXT = b"fieldtool/user-key/1"
_GRANT_CONTEXT = b"fieldtool/grant/1\x00"
_OVERRIDE_CONTEXT = "fieldtool/override/2"
_PLAIN_OVERRIDE_CONTEXT = "fieldtool/override/1"


class Role(StrEnum):
    """What a person is to the tool, by rising reach in the field; the last two work in the office only."""

    INSTALLER = "installer"
    LEAD = "lead"
    SUPERVISOR = "supervisor"
    ENGINEER = "engineer"
    INTEGRATOR = "integrator"
    ADMINISTRATOR = "administrator"


MAY_OVERRIDE = frozenset({Role.LEAD, Role.SUPERVISOR, Role.ENGINEER})
"""Roles that may pass a mismatch or a full concentrator, with a reason. Safety steps: none."""
MAY_ACTIVATE = frozenset({Role.LEAD, Role.SUPERVISOR, Role.ENGINEER})
"""Roles that may let a meter run other firmware: from there on no crew can bring the former one back."""


class GrantError(ValueError):
    """Proves nothing. `code`: malformed, wrong_signature, wrong_realm, not_yet_valid, expired."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WrongPin(ValueError):
    """The PIN does not open this person's key. Counting attempts is the caller's duty, before the try."""

    code = "wrong_pin"


class WeakPin(ValueError):
    """A PIN that may not be set: fewer than six digits, one digit repeated, or a plain run."""

    code = "weak_pin"


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's role until an instant. It goes into entries, so it names nobody: names are in the list of
    people (`PersonRecord`).

    Attributes:
        person: opaque id; stands as `actor` in entries.
        name: only in grants from before names were left out.
        public_key: the person's Ed25519 public key, base64.
        issued_at, expires_at: UTC, RFC 3339.
    """

    person: str
    name: str | None = None
    role: Role
    realm: str
    crew: str | None
    project: str | None
    public_key: str
    issued_at: str
    expires_at: str


class LockedKey(msgspec.Struct, frozen=True, kw_only=True):
    """An Ed25519 private key under a PIN: Argon2id, then AES-256-GCM. Bytes are base64, memory is KiB."""

    salt: str
    nonce: str
    ciphertext: str
    time_cost: int = 3
    memory_kib: int = 65536
    lanes: int = 1


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One person as tablets receive them in the reference set `users`: the grant and the locked key."""

    person: str
    name: str
    role: Role
    crew: str | None
    grant: str
    locked_key: LockedKey | None


def check_pin(pin: str) -> None:
    """Raise WeakPin unless `pin` is at least six digits, not all equal and not a plain run."""
    if len(pin) < MIN_PIN_DIGITS or not pin.isascii() or not pin.isdigit():
        raise WeakPin(f"a PIN has at least {MIN_PIN_DIGITS} digits")
    steps = {int(b) - int(a) for a, b in itertools.pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise WeakPin("a PIN of one repeated digit or a plain run is guessed at once")


def lock_key(pin: str, key: Ed25519PrivateKey) -> LockedKey:
    """Lock a person's private key under their PIN.

    Raises:
        WeakPin: see `check_pin`.
    """
    check_pin(pin)
    salt, nonce = os.urandom(16), os.urandom(12)
    empty = LockedKey(salt=_b64(salt), nonce=_b64(nonce), ciphertext="")
    ciphertext = AESGCM(_pin_key(pin, empty)).encrypt(nonce, key.private_bytes_raw(), _LOCK_CONTEXT)
    return msgspec.structs.replace(empty, ciphertext=_b64(ciphertext))


def unlock_key(pin: str, locked: LockedKey) -> Ed25519PrivateKey:
    """Open a person's private key; about 0.1 s, so never on the interface thread.

    Raises:
        WrongPin: the PIN does not open it (or the record is damaged).
    """
    try:
        raw = AESGCM(_pin_key(pin, locked)).decrypt(
            base64.b64decode(locked.nonce), base64.b64decode(locked.ciphertext), _LOCK_CONTEXT
        )
        return Ed25519PrivateKey.from_private_bytes(raw)
    except (InvalidTag, ValueError):
        raise WrongPin("the PIN is not right") from None


def sign_grant(grant: Grant, office: Ed25519PrivateKey) -> str:
    """Return the grant as a token: base64url of its canonical JSON, a dot, base64url of the signature."""
    body = canonical_bytes(msgspec.to_builtins(grant))
    return f"{_url(body)}.{_url(office.sign(_GRANT_CONTEXT + body))}"


def verify_grant(token: str, office: Ed25519PublicKey, *, at: datetime, realm: str) -> Grant:
    """Return what a grant token proves at the instant `at` (aware).

    Raises:
        GrantError: malformed, wrong_signature, wrong_realm, not_yet_valid or expired.
    """
    body, _, signature = token.partition(".")
    try:
        plain = _from_url(body)
        office.verify(_from_url(signature), _GRANT_CONTEXT + plain)
        grant = msgspec.convert(parse_canonical(plain), Grant)
        begins, ends = datetime.fromisoformat(grant.issued_at), datetime.fromisoformat(grant.expires_at)
        early, late = at < begins, at >= ends
    except InvalidSignature:
        raise GrantError("wrong_signature", "the grant is not signed by this office") from None
    except (ValueError, TypeError, NotCanonical, binascii.Error) as error:
        raise GrantError("malformed", f"not a grant: {error}") from None
    if grant.realm != realm:
        raise GrantError("wrong_realm", f"a grant for {grant.realm} has no force in {realm}")
    if early:
        raise GrantError("not_yet_valid", f"the grant begins at {grant.issued_at}")
    if late:
        raise GrantError(
            "expired", f"the grant of {grant.person} ended at {grant.expires_at}: sync, or ask the office"
        )
    return grant


def override_message(*, order_id: str, subject: str, reason: Said, role: str, person: str) -> bytes:
    """What a person signs to pass a rule, as canonical JSON.

    Args:
        subject: the id of the `match.checked` entry, or `place_subject`.
        reason: as it stands in the entry: the signature covers the ciphertext, so that it holds after an
            erasure and does not let anybody guess the words. Plain only in entries of a first schema.
    """
    common = {"order_id": order_id, "role": role, "person": person}
    if isinstance(reason, str):
        plain = {"context": _PLAIN_OVERRIDE_CONTEXT, "match_entry": subject, "reason": reason}
        return canonical_bytes(common | plain)
    sealed = msgspec.to_builtins(reason)
    return canonical_bytes(common | {"context": _OVERRIDE_CONTEXT, "subject": subject, "reason": sealed})


def place_subject(serial: str, concentrator: str | None, panel: str | None) -> str:
    """What an override of a place is about: this device at this collector."""
    return f"place/{serial}/{concentrator or ''}/{panel or ''}"


def verify_override(public_key: str, signature: str, message: bytes) -> bool:
    """Whether `signature` (base64) over `message` is by the holder of `public_key` (base64)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _pin_key(pin: str, locked: LockedKey) -> bytes:
    return hash_secret_raw(
        pin.encode(),
        base64.b64decode(locked.salt),
        time_cost=locked.time_cost,
        memory_cost=locked.memory_kib,
        parallelism=locked.lanes,
        hash_len=32,
        type=Type.ID,
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _from_url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
