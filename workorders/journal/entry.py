"""One journal entry: its envelope, its exact bytes, its hash and its signature.

The *body* of an entry is the canonical JSON of every envelope field but `hash` and `signature`.
`hash` is the SHA-256 of the body, `signature` the Ed25519 signature of those 32 bytes (so whatever else the
same key ever signs must not be 32 bytes of somebody else's choosing: prefix it). The body is stored
and sent as the bytes that were signed and is never serialised again; so a field that a later version
adds is kept by an older one that does not know it.

This format cannot be mended later. What may change is `schema` (per kind, lifted by pure functions in
`lifts`) and new keys, which older readers ignore. `v` changes only with the rules of this module.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workorders.journal.canonical import Json, NotCanonical, canonical_bytes, parse_canonical

ENVELOPE_VERSION = 1
MAX_BODY_BYTES = 256 * 1024
"""More than any step needs; photos and signatures are blobs and stand in an entry only as a hash."""


UuidText = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
HashText = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
UtcText = Annotated[str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")]
KindText = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z][A-Za-z0-9.]{0,63}\Z")]
"""One spelling each, so that equal things are equal bytes and text order is time order."""


class Realm(StrEnum):
    """Live, training and demo never mix: own database, own keys, own enrolment."""

    LIVE = "live"
    TRAINING = "training"
    DEMO = "demo"


class EntryError(ValueError):
    """An entry that cannot be taken as one. `code` is stable; the message names what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EntryTime(msgspec.Struct, frozen=True, kw_only=True):
    """When, as honestly as the device can say.

    Attributes:
        device: the device's clock, UTC, RFC 3339 with milliseconds and `Z`.
        monotonic_ms: milliseconds of the monotonic clock since boot; orders entries of one boot.
        boot_id: names the boot that `monotonic_ms` counts from.
        server_offset_ms: gateway clock minus device clock at the last contact; None before the first.
        gps: GPS time, same form as `device`, where a receiver had a fix minutes ago at most.
    """

    device: UtcText
    monotonic_ms: int
    boot_id: str
    server_offset_ms: int | None = None
    gps: UtcText | None = None


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of an entry's body.

    Attributes:
        v: version of the envelope's rules.
        id: UUIDv7 of the entry.
        realm: live, training or demo.
        chain_id: UUID of the chain; a chain begins at each enrolment, re-installation or restore.
        seq: gapless from 0 within the chain.
        prev_hash: hash of the entry at `seq - 1`; None at 0.
        kind: what happened (`workorders.journal.kinds`).
        schema: number of the payload's schema within the kind.
        project: mRID of the project.
        order_id: mRID of the order, where the entry is about one.
        order_version: the version of the order that the author was looking at.
        actor: opaque id of the person, None where no person acted.
        time: see EntryTime.
        payload: the fields of the kind; personal data only sealed.
    """

    v: int
    id: UuidText
    realm: Realm
    chain_id: UuidText
    seq: int
    prev_hash: HashText | None
    kind: KindText
    schema: int
    project: str | None
    order_id: str | None
    order_version: int | None
    actor: str | None
    time: EntryTime
    payload: dict[str, Any]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as stored and sent: the signed bytes, their hash, the signature, and what they say."""

    body: bytes
    hash: str
    signature: bytes
    envelope: Envelope


class WireEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry on the wire and in a bundle: `body` is the exact canonical text."""

    body: str
    hash: str
    signature: bytes


def seal_entry(envelope: Envelope, key: Ed25519PrivateKey) -> Entry:
    """Write the body of `envelope`, hash and sign it.

    Raises:
        EntryError: `too_large`, or `not_canonical` with the path of the value that has no canonical form.
    """
    try:
        body = canonical_bytes(msgspec.to_builtins(envelope))
    except NotCanonical as error:
        raise EntryError("not_canonical", str(error)) from None
    if len(body) > MAX_BODY_BYTES:
        raise EntryError("too_large", f"an entry of {len(body)} bytes; the limit is {MAX_BODY_BYTES}")
    digest = hashlib.sha256(body).digest()
    # What was written this moment need not be proven canonical again, only read as others will.
    said = _envelope(msgspec.json.decode(body))
    return Entry(body=body, hash=digest.hex(), signature=key.sign(digest), envelope=said)


def read_entry(body: bytes, hash: str, signature: bytes) -> Entry:
    """Read an entry that somebody hands over: shape, canonical form and hash; not the signature.

    Raises:
        EntryError: `too_large`, `not_canonical`, `malformed`, `unknown_version` or `wrong_hash`.
    """
    if len(body) > MAX_BODY_BYTES:
        raise EntryError("too_large", f"an entry of {len(body)} bytes; the limit is {MAX_BODY_BYTES}")
    if hashlib.sha256(body).hexdigest() != hash:
        raise EntryError("wrong_hash", "the hash is not that of the body")
    try:
        value = parse_canonical(body)
    except NotCanonical as error:
        raise EntryError("not_canonical", str(error)) from None
    return Entry(body=body, hash=hash, signature=signature, envelope=_envelope(value))


def _envelope(value: Json) -> Envelope:
    version = value.get("v") if isinstance(value, dict) else None
    if type(version) is int and version != ENVELOPE_VERSION:
        # Looked at first: another version may have another shape, and "malformed" would be a lie.
        raise EntryError(
            "unknown_version", f"envelope version {version}; this program knows {ENVELOPE_VERSION}"
        )
    try:
        envelope = msgspec.convert(value, Envelope)
    except msgspec.ValidationError as error:
        raise EntryError("malformed", str(error)) from None
    if envelope.seq < 0 or (envelope.seq == 0) != (envelope.prev_hash is None):
        raise EntryError("malformed", "only the first entry of a chain has no previous hash")
    if envelope.schema < 1:
        raise EntryError("malformed", "schema numbers begin at 1")
    for time in (envelope.time.device, envelope.time.gps):
        try:
            if time is not None:
                datetime.fromisoformat(time)
        except ValueError:
            raise EntryError("malformed", f"{time} is no date") from None
    return envelope


def signature_holds(entry: Entry, key: Ed25519PublicKey) -> bool:
    """Whether `entry` was signed by the holder of `key`."""
    try:
        key.verify(entry.signature, bytes.fromhex(entry.hash))
    except InvalidSignature:
        return False
    return True


def follows(entry: Entry, previous: Entry | None) -> bool:
    """Whether `entry` is the next one of its chain after `previous` (None: it begins the chain)."""
    if previous is None:
        return entry.envelope.seq == 0
    before = previous.envelope
    now = entry.envelope
    return now.chain_id == before.chain_id and now.seq == before.seq + 1 and now.prev_hash == previous.hash


def to_wire(entry: Entry) -> WireEntry:
    """The form in which an entry travels."""
    return WireEntry(body=entry.body.decode("utf-8"), hash=entry.hash, signature=entry.signature)


def from_wire(wire: WireEntry) -> Entry:
    """The inverse of `to_wire`, with every check of `read_entry`."""
    try:
        body = wire.body.encode("utf-8")
    except UnicodeEncodeError:
        raise EntryError("not_canonical", "text that is not valid Unicode") from None
    return read_entry(body, wire.hash, wire.signature)


def export_line(entry: Entry) -> bytes:
    """One line of `journal export`: the whole envelope with `hash` and `signature`, as canonical JSON.

    Removing those two keys and writing the rest again by RFC 8785 gives back the signed body.
    """
    value = msgspec.json.decode(entry.body)
    value["hash"] = entry.hash
    value["signature"] = msgspec.to_builtins(entry.signature)
    return canonical_bytes(value)
