"""What proves a record: its hash, the tablet's signature over it, the tablet's certificate; as a QR code."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fieldtool.errors import JobError

_CONTEXT = b"fieldtool/installation-record/1\x00"
_PREFIX = "FT1:"
_HASH, _SIGNATURE = 32, 64
#: Beyond this the code's squares become too small for paper and a phone.
_LARGEST_CERTIFICATE = 1200


class RecordSeal(msgspec.Struct, frozen=True, kw_only=True):
    """hash: SHA-256 of the canonical record; signature: Ed25519 over context and hash; certificate: DER."""

    hash: bytes
    signature: bytes
    certificate: bytes


class NotASeal(ValueError):
    """The text of a code is none of ours, or damaged."""


def make_seal(hash_hex: str, signer: Callable[[bytes], bytes], certificate_der: bytes) -> RecordSeal:
    """Sign a record's hash. Raises JobError `certificate_too_large`."""
    if len(certificate_der) > _LARGEST_CERTIFICATE:
        raise JobError("certificate_too_large", "the tablet's certificate does not fit the record's QR code")
    digest = bytes.fromhex(hash_hex)
    return RecordSeal(hash=digest, signature=signer(_CONTEXT + digest), certificate=certificate_der)


def signature_holds(seal: RecordSeal, key: Ed25519PublicKey) -> bool:
    """Whether the key signed the seal's hash as that of a record."""
    try:
        key.verify(seal.signature, _CONTEXT + seal.hash)
    except InvalidSignature:
        return False
    return True


def to_code(seal: RecordSeal) -> str:
    """Text of the QR code: base32, so that the code's compact alphanumeric mode holds it."""
    packed = base64.b32encode(seal.hash + seal.signature + seal.certificate).decode("ascii").rstrip("=")
    return _PREFIX + packed


def from_code(text: str) -> RecordSeal:
    """The inverse of `to_code`. Raises NotASeal."""
    if not text.startswith(_PREFIX):
        raise NotASeal("not the code of an installation record")
    packed = text.removeprefix(_PREFIX)
    try:
        plain = base64.b32decode(packed + "=" * (-len(packed) % 8))
    except binascii.Error:
        raise NotASeal("the code is damaged") from None
    if len(plain) <= _HASH + _SIGNATURE:
        raise NotASeal("the code is too short")
    signature = plain[_HASH : _HASH + _SIGNATURE]
    return RecordSeal(hash=plain[:_HASH], signature=signature, certificate=plain[_HASH + _SIGNATURE :])
