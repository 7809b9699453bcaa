"""A tablet's request is signed by its key: who asks, when, and exactly what.

The signature covers method, path with query, time and the SHA-256 of the body as sent (compressed). A
repeated request changes nothing (push is idempotent, the rest reads), so the time window is all that
guards against replay. The certificate stays the office's: the header names the tablet only.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workorders.sync import wire

_CONTEXT = "fieldtool/request/1"


def signed_message(method: str, target: str, time: str, body: bytes) -> bytes:
    """The bytes that are signed; `target` is the path with its query as on the request line."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join([_CONTEXT, method.upper(), target, time, digest]).encode()


def sign_request(
    tablet: str, key: Ed25519PrivateKey, method: str, target: str, time: str, body: bytes
) -> dict[str, str]:
    """Return the headers that prove a request."""
    signature = key.sign(signed_message(method, target, time, body))
    return {
        wire.HEADER_TABLET: tablet,
        wire.HEADER_TIME: time,
        wire.HEADER_SIGNATURE: base64.b64encode(signature).decode("ascii"),
    }


def request_proves(
    key: Ed25519PublicKey, method: str, target: str, time: str, body: bytes, signature: str
) -> bool:
    """Whether the signature over this request holds."""
    try:
        key.verify(base64.b64decode(signature, validate=True), signed_message(method, target, time, body))
    except (InvalidSignature, ValueError):
        return False
    return True


def within_skew(time: str, now: datetime) -> bool:
    """Whether a request's time is near enough to the gateway's clock."""
    try:
        asked = datetime.fromisoformat(time)
        return abs((asked - now).total_seconds()) <= wire.MAX_CLOCK_SKEW_SECONDS
    except (ValueError, TypeError):
        return False
