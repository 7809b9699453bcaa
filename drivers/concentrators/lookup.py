"""Asking a network server for one device: ChirpStack's REST interface (gRPC-gateway JSON), v4.

``GET /api/devices/{devEui}`` with ``Grpc-Metadata-Authorization: Bearer TOKEN`` answers ``{"device":
{"devEui", "name", …}, "createdAt", "updatedAt", "lastSeenAt", "deviceStatus": …}``; ``lastSeenAt`` is null
(or left out) until the device was heard. What it does not have it answers with 404, or to a key that may not
read everything with 401: whether a 401 is of the token or of the device, only other devices can tell. The
token goes into the header only: never into an error, a log or an address.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
import requests

from drivers.concentrators.errors import (
    ConcentratorError,
    ConcentratorGarbage,
    ConcentratorRefused,
    ConcentratorTooLarge,
    ConcentratorUnreachable,
)

MAX_BODY = 256 * 1024
TIMEOUT = 15.0


class LookupUnauthorised(ConcentratorError):
    code = "lookup-unauthorised"
    message = "The network server does not accept the token, or not for this device."
    hint = "Make a new API key there that may read devices; check that the device is registered there."


class SeenDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device as the server knows it; `last_seen` None: registered, never heard."""

    identity: str
    last_seen: datetime | None
    name: str | None = None


class _Device(msgspec.Struct):
    devEui: str  # the server's name
    name: str | None = None


class _Answer(msgspec.Struct):
    device: _Device
    lastSeenAt: str | None = None


def look_up(base: str, identity: str, token: str, *, timeout: float = TIMEOUT) -> SeenDevice | None:
    """The device of that DevEUI; None where the server has none.

    Raises:
        LookupUnauthorised: the token is wrong, or the server does not have this device (see above).
        ConcentratorError: not reached, or not understood.
    """
    if not base.startswith(("http://", "https://")):
        raise ConcentratorRefused("The server's address must begin with http:// or https://")
    plain = re.sub(r"[\s:.-]", "", identity).lower()
    url = f"{base.rstrip('/')}/api/devices/{quote(plain, safe='')}"
    headers = {"Grpc-Metadata-Authorization": f"Bearer {token}", "Accept": "application/json"}
    status, body = _get(url, headers, timeout)
    if status == 404 and _is_object(body):  # else it is no such server, and knows nothing of any device
        return None
    if status in (401, 403):
        raise LookupUnauthorised(detail=f"HTTP {status}")
    if status != 200:
        raise ConcentratorRefused(detail=f"HTTP {status}")
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, ValueError) as error:
        raise ConcentratorGarbage(detail=type(error).__name__) from None
    if answer.device.devEui.lower() != plain:
        raise ConcentratorGarbage(detail="the answer is of another device")
    return SeenDevice(identity=plain.upper(), last_seen=_moment(answer.lastSeenAt), name=answer.device.name)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict)
    except (msgspec.DecodeError, ValueError):
        return False


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))  # the server sends nanoseconds
    except ValueError:
        raise ConcentratorGarbage(detail="lastSeenAt is no time") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _get(url: str, headers: dict[str, str], timeout: float) -> tuple[int, bytes]:
    deadline = time.monotonic() + timeout
    try:
        with requests.get(
            url, headers=headers, timeout=timeout, stream=True, allow_redirects=False
        ) as answer:
            body = bytearray()
            for chunk in answer.iter_content(16384):
                body += chunk
                if len(body) > MAX_BODY:
                    raise ConcentratorTooLarge(detail=f"more than {MAX_BODY} octets")
                if time.monotonic() > deadline:
                    raise ConcentratorUnreachable(detail="the answer takes too long")
            return answer.status_code, bytes(body)
    except (requests.RequestException, OSError) as error:
        raise ConcentratorUnreachable(detail=type(error).__name__) from None
