"""Bytes that only one recipient can open: X25519, HKDF-SHA-256, AES-256-GCM.

Used wherever something is sealed *to* somebody who is not there: the database key to the gateway's
recovery key, order keys and meter secrets to a tablet, a new meter key to the office. Each box has a
sender's key of its own that is thrown away, so nobody, not even the sender, can open it again.

Form: version (1 byte, 0x01) ‖ ephemeral public key (32) ‖ ciphertext with tag. Key and nonce are both
derived, hence a box needs no random nonce and none can repeat: HKDF(shared secret, salt = ephemeral ‖
recipient, info = "fieldtool/sealedbox/1" ‖ context). `context` names the purpose and is authenticated: a
box made for one purpose does not open for another.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
_PUBLIC_BYTES = 32
_HEADER_BYTES = 1 + _PUBLIC_BYTES
_TAG_BYTES = 16
_INFO = b"fieldtool/sealedbox/1\x00"

RECOVERY_CONTEXT = b"recovery/database-key"
"""Context of the database key that a tablet seals to the gateway's recovery key."""


class SealedBoxError(ValueError):
    """The box cannot be opened. `code` is `malformed` or `not_for_us` (other key, other context, altered)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def seal_to(recipient: X25519PublicKey, plain: bytes, context: bytes) -> bytes:
    """Seal `plain` so that only the holder of `recipient`'s private key opens it, for `context` only."""
    ephemeral = X25519PrivateKey.generate()
    public = ephemeral.public_key().public_bytes_raw()
    key, nonce = _derive(ephemeral.exchange(recipient), public, recipient.public_bytes_raw(), context)
    return bytes([VERSION]) + public + AESGCM(key).encrypt(nonce, plain, context)


def open_sealed(recipient: X25519PrivateKey, box: bytes, context: bytes) -> bytes:
    """Open a box that was sealed to us for `context`.

    Raises:
        SealedBoxError: `malformed` or `not_for_us`.
    """
    if len(box) < _HEADER_BYTES + _TAG_BYTES or box[0] != VERSION:
        raise SealedBoxError("malformed", "not a sealed box of a version that this program knows")
    public = box[1:_HEADER_BYTES]
    try:
        shared = recipient.exchange(X25519PublicKey.from_public_bytes(public))
        key, nonce = _derive(shared, public, recipient.public_key().public_bytes_raw(), context)
        return AESGCM(key).decrypt(nonce, box[_HEADER_BYTES:], context)
    except (InvalidTag, ValueError):
        raise SealedBoxError("not_for_us", "sealed for another key or purpose, or altered") from None


def _derive(shared: bytes, ephemeral: bytes, recipient: bytes, context: bytes) -> tuple[bytes, bytes]:
    material = HKDF(
        algorithm=hashes.SHA256(), length=32 + 12, salt=ephemeral + recipient, info=_INFO + context
    ).derive(shared)
    return material[:32], material[32:]
