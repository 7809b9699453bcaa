"""What the office signs for tablets, besides entries and grants: receipts of heads, and reference sets."""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workorders.journal.canonical import canonical_bytes
from workorders.sync import wire


def receipt_message(chain_id: str, seq: int, hash: str, time: str) -> bytes:
    """The bytes signed for a head receipt."""
    return canonical_bytes(
        {"context": "fieldtool/receipt/1", "chain_id": chain_id, "seq": seq, "hash": hash, "time": time}
    )


def reference_message(name: str, version: int, sha256: str) -> bytes:
    """The bytes signed for a reference set."""
    return canonical_bytes(
        {"context": "fieldtool/reference/1", "name": name, "version": version, "sha256": sha256}
    )


def standing_message(tablet: str, revoked_at: str | None, wipe_ordered_at: str | None, time: str) -> bytes:
    """The bytes signed for a standing."""
    return canonical_bytes(
        {
            "context": "fieldtool/standing/1",
            "tablet": tablet,
            "revoked_at": revoked_at,
            "wipe_ordered_at": wipe_ordered_at,
            "time": time,
        }
    )


def standing_holds(standing: wire.Standing, office: Ed25519PublicKey) -> bool:
    """Whether a standing was signed by the office."""
    message = standing_message(standing.tablet, standing.revoked_at, standing.wipe_ordered_at, standing.time)
    return _holds(office, standing.signature, message)


def receipt_holds(receipt: wire.HeadReceipt, office: Ed25519PublicKey) -> bool:
    """Whether a receipt was signed by the office."""
    message = receipt_message(receipt.chain_id, receipt.seq, receipt.hash, receipt.time)
    return _holds(office, receipt.signature, message)


def reference_holds(item: wire.ReferenceSet, office: Ed25519PublicKey) -> bool:
    """Whether a reference set was signed by the office."""
    return _holds(office, item.signature, reference_message(item.name, item.version, item.sha256))


def _holds(key: Ed25519PublicKey, signature: str, message: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True
