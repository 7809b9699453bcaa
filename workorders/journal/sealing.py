"""Personal text and blobs under a key per order: AES-256-GCM with a random nonce.

Destroying one key erases everything that was sealed under it, everywhere, without touching the chain: the
hashes cover the ciphertext. The associated data binds each text to the order and field it was written for, so
that a name cannot be moved into another order's record.
"""

from __future__ import annotations

import base64
import binascii
import os
import uuid
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workorders.journal.words import Sealed

_TEXT_LABEL = b"fieldtool sealed text 1"
_BLOB_MAGIC = b"FTSEAL1\n"
_NONCE = 12
_TAG = 16


class SealError(Exception):
    """Sealed data that does not open. `code` is stable; texts for people: `error.record.<code>`."""

    code = "seal_broken"


class Erased(SealError):
    """The key was destroyed on purpose; screens show *erased*."""

    code = "erased"


class KeyMissing(SealError):
    """The key is not here (yet): it comes with the next sync, or belongs to another crew."""

    code = "key_missing"


class OrderKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key of one order: `key_id` stands in entries, `key` (32 bytes) never does."""

    key_id: str
    key: bytes

    def __repr__(self) -> str:
        return f"OrderKey({self.key_id})"


def new_order_key() -> OrderKey:
    """A fresh random key with a fresh name."""
    return OrderKey(key_id=str(uuid.uuid4()), key=os.urandom(32))


def field_context(order_id: str, field: str) -> str:
    """The context that a text is bound to: `<order_id>/<field>`."""
    return f"{order_id}/{field}"


def _associated(key_id: str, context: str) -> bytes:
    return b"\n".join((_TEXT_LABEL, key_id.encode(), context.encode()))


def seal_text(key: OrderKey, text: str, context: str) -> Sealed:
    """Seal `text` for `context` (see `field_context`)."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(key.key).encrypt(nonce, text.encode("utf-8"), _associated(key.key_id, context))
    return Sealed(
        key_id=key.key_id,
        nonce=base64.b64encode(nonce).decode(),
        ciphertext=base64.b64encode(sealed).decode(),
    )


def unseal_text(key: OrderKey, sealed: Sealed, context: str) -> str:
    """Open what `seal_text` sealed for the same context.

    Raises:
        SealError: another key, another context, or bytes that were changed.
    """
    return unseal_texts(key, {"": (sealed, context)})[""]


def unseal_texts(key: OrderKey, sealed: Mapping[str, tuple[Sealed, str]]) -> dict[str, str]:
    """As `unseal_text`: several by name, each with its context, under one key."""
    cipher, found = AESGCM(key.key), {}
    try:
        for name, (each, context) in sealed.items():
            nonce = binascii.a2b_base64(each.nonce, strict_mode=True)
            ciphertext = binascii.a2b_base64(each.ciphertext, strict_mode=True)
            found[name] = cipher.decrypt(nonce, ciphertext, _associated(each.key_id, context)).decode("utf-8")
    except (InvalidTag, binascii.Error, ValueError):
        raise SealError("a sealed text does not open: other key, other field, or changed bytes") from None
    return found


def seal_blob(key: OrderKey, data: bytes) -> bytes:
    """Seal a photo, signature or document. Shape: magic, nonce (12), ciphertext with tag (16)."""
    nonce = os.urandom(_NONCE)
    return _BLOB_MAGIC + nonce + AESGCM(key.key).encrypt(nonce, data, _BLOB_MAGIC + key.key_id.encode())


def unseal_blob(key: OrderKey, sealed: bytes) -> bytes:
    """Open what `seal_blob` sealed.

    Raises:
        SealError: not a sealed blob, another key, or bytes that were changed.
    """
    start = len(_BLOB_MAGIC)
    if not sealed.startswith(_BLOB_MAGIC) or len(sealed) < start + _NONCE + _TAG:
        raise SealError("not a sealed blob")
    nonce, ciphertext = sealed[start : start + _NONCE], sealed[start + _NONCE :]
    try:
        return AESGCM(key.key).decrypt(nonce, ciphertext, _BLOB_MAGIC + key.key_id.encode())
    except InvalidTag:
        raise SealError("a sealed blob does not open: other key or changed bytes") from None
