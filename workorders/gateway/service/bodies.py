"""Reads request bodies before anything else looks at them: within limits, decompressed within limits.

A signature covers the bytes as sent, so those are kept beside the plain ones. A bomb is cut off at the limit
of the plain size, whatever it claims.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPRequestEvent, HTTPScope, Receive, Scope, Send

from workorders.gateway.service.problems import refuse
from workorders.gateway.service.rates import address_of
from workorders.gateway.service.room import Full, Room
from workorders.sync import wire

RAW, PLAIN = "fieldtool_raw", "fieldtool_plain"
IDLE_SECONDS = 60.0
"""A thin line may be slow; one that brings nothing at all for so long holds a place that others need."""
AGAIN_SECONDS = 5
"""After which somebody who found no room for a body may come again."""
_FILES = ("/v1/blobs/", "/v1/uploads")
_IMAGES = re.compile("/v1/projects/[^/]+/firmware/")


class _Held:
    """What one request holds of the room."""

    def __init__(self, room: Room, address: str) -> None:
        self._room = room
        self._address = address
        self._size = 0

    def take(self, size: int) -> None:
        """Hold more. Raises Full."""
        self._room.take(self._address, size)
        self._size += size

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._room.give_back(self._address, self._size)
        self._size = 0


class BodyGate:
    """ASGI middleware: the whole body, checked, or a problem answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:  # the server says "http", not the enum
            await self.app(scope, receive, send)
            return
        held = _Held(scope["litestar_app"].state.room, address_of(scope))
        try:
            await self._take(scope, receive, send, held)
        except Full as full:
            status, code = (429, "too_many_bodies") if full.own else (503, "no_room")
            detail = "more is being sent than this gateway can hold: come again"
            await refuse(send, status, code, detail, headers={"retry-after": str(AGAIN_SECONDS)})
        finally:
            held.give_back()

    async def _take(self, scope: HTTPScope, receive: Receive, send: Send, held: _Held) -> None:
        limit = _limit(scope["path"])
        try:
            raw = await _read(receive, limit, held)
        except TimeoutError:
            await refuse(send, 408, "request_timeout", f"nothing came for {IDLE_SECONDS} s")
            return
        if raw is None:
            await refuse(send, 413, "too_large", f"more than {limit} bytes")
            return
        encoding = _header(scope, b"content-encoding")
        if encoding not in {"", "identity", "gzip"}:
            await refuse(send, 415, "unknown_encoding", "only gzip or none")
            return
        plain: bytes | None = raw
        if encoding == "gzip":
            try:
                plain = gunzip(raw, wire.MAX_PLAIN_BYTES)
            except ValueError as error:
                await refuse(send, 400, "not_gzip", str(error))
                return
            if plain is None:
                await refuse(send, 413, "too_large", "too large once decompressed")
                return
            held.take(len(plain))
        scope["state"][RAW], scope["state"][PLAIN] = raw, plain
        await self.app(scope, _replay(plain or b"", receive), send)


def _limit(path: str) -> int:
    if path.startswith(_FILES):
        return wire.MAX_BLOB_BYTES
    return wire.MAX_FIRMWARE_BYTES if _IMAGES.match(path) else wire.MAX_REQUEST_BYTES


def gunzip(data: bytes, limit: int) -> bytes | None:
    """Decompress one gzip stream; None if it grows over `limit`.

    Raises:
        ValueError: not gzip, or cut short.
    """
    machine = zlib.decompressobj(wbits=31)
    try:
        plain = machine.decompress(data, limit + 1)
    except zlib.error:
        raise ValueError("the body is not gzip") from None
    if len(plain) > limit:
        return None
    if not machine.eof:
        raise ValueError("the gzip body is cut short")
    return plain


async def _read(receive: Receive, limit: int, held: _Held) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await asyncio.wait_for(receive(), IDLE_SECONDS)
        if message["type"] != "http.request":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            return None
        held.take(len(part))
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _header(scope: Scope, name: bytes) -> str:
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1").strip().lower() if values else ""


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Any:
        nonlocal sent
        if not sent:
            sent = True
            message: HTTPRequestEvent = {"type": "http.request", "body": body, "more_body": False}
            return message
        return await receive()

    return again
