"""Webhooks out, as Standard Webhooks 1.0 signs them: HMAC-SHA256 over `id.timestamp.body`.

Several secrets sign side by side, so that one can be changed without a gap. A receiver knows a repetition by
`webhook-id`, which is the id of the entry (and what is told of it, where an entry is told in several ways).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence

import msgspec

from workorders.mwm.port import (
    Blob,
    Change,
    Event,
    Outcome,
    Page,
    Phases,
    Placements,
    Refused,
    Result,
    Unsupported,
    Verified,
)
from workorders.mwm.web import Web

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300


class BadSecret(ValueError):
    """A secret is no base64 of 24 to 64 bytes."""

    code = "bad_webhook_secret"


def secret_bytes(text: str) -> bytes:
    """The key of a secret as it is written, `whsec_` and base64.

    Raises:
        BadSecret: the text is not repeated.
    """
    try:
        key = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadSecret("a webhook secret is whsec_ and base64") from None
    if not 24 <= len(key) <= 64:
        raise BadSecret("a webhook secret has 24 to 64 bytes")
    return key


def signature(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one `v1,…` for each key, the newest first."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made)


def holds(key: bytes, message_id: str, timestamp: str, body: bytes, header: str, now: float) -> bool:
    """Whether a message was signed with `key` not long ago: what a receiver does."""
    if not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    wanted = signature([key], message_id, int(timestamp), body)
    return any(hmac.compare_digest(wanted, one) for one in header.split())


class Webhooks:
    """Posts `{"type", "timestamp", "data"}`; takes nothing in."""

    def __init__(
        self, url: str, secrets: Sequence[str], web: Web, now: Callable[[], float] = time.time
    ) -> None:
        self._url, self._web, self._now = url, web, now
        self._keys = [secret_bytes(secret) for secret in secrets]

    def fetch_changes(self, cursor: str | None, limit: int) -> Page:
        raise Unsupported("webhooks take nothing in")

    def reread(self, original: bytes) -> list[Change]:
        return []

    def ack(self, change: Change, outcome: Outcome) -> None:
        raise Unsupported("webhooks take nothing in")

    def post_event(self, event: Event) -> None:
        self._post(event.kind, event.about.key, event.about.at, event)

    def post_result(self, result: Result) -> None:
        self._post(f"order.{result.status}", result.about.key, result.about.at, result)

    def post_placements(self, placements: Placements) -> None:
        self._post("device.placements", placements.about.key, placements.about.at, placements)

    def post_phases(self, phases: Phases) -> None:
        self._post("usage_point.phases", phases.about.key, phases.about.at, phases)

    def put_blob(self, blob: Blob) -> None:
        raise Unsupported("files do not go by webhook")

    def verify_device(self, serial: str) -> Verified:
        raise Unsupported("a webhook answers nothing")

    def close(self) -> None:
        self._web.close()

    def _post(self, kind: str, key: str, at: str, data: object) -> None:
        body = msgspec.json.encode({"type": kind, "timestamp": at, "data": msgspec.to_builtins(data)})
        stamp = int(self._now())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(self._keys, key, stamp, body),
        }
        answer = self._web.ask("POST", self._url, body=body, headers=headers, allowed=frozenset({410}))
        if answer.status == 410:
            raise Refused("the receiver wants no more of it (410)", code="mwm_gone")
