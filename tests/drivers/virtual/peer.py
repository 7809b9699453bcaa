"""Someone else's client: the gurux codec, set against the virtual meter without a line in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gurux_dlms import GXByteBuffer, GXDLMSException, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.secure import GXDLMSSecureClient

from drivers.virtual import secrets
from drivers.virtual.cosem.device import LogicalDevice, Settings
from drivers.virtual.meter import Meter
from drivers.virtual.models import MODELS

CLIENT_TITLE = b"TST\x00\x00\x00\x00\x01"
START = 1_789_000_000.0  # 2026-09-10 00:26:40 UTC


class Clock:
    """A time that only moves when a test moves it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make_meter(model: str = "prime-1ph", clock: Clock | None = None, **settings: Any) -> Meter:
    chosen = MODELS[model]
    wanted = Settings(**{"serial": chosen.serial, "days": 2, **settings})
    device = LogicalDevice(chosen, wanted, clock or Clock())
    return Meter(device, wanted.baud, wanted.reaction, wanted.physical, wanted.inactivity)


class GuruxPeer:
    """A gurux client talking to a `Meter` in this process."""

    def __init__(
        self,
        meter: Meter,
        client: int = 16,
        auth: int = Authentication.NONE,
        *,
        password: str = "",
        counter: int = 1,
        wrapper: bool = False,
        server: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.meter, self.now = meter, now
        kind = InterfaceType.WRAPPER if wrapper else InterfaceType.HDLC
        self.codec = GXDLMSSecureClient(True, client, server, auth, password or None, kind)
        self.wrapper = wrapper
        if auth == Authentication.HIGH_GMAC:
            keys = secrets.derive(meter.device.serial)
            cipher = self.codec.ciphering
            cipher.security = Security.AUTHENTICATION_ENCRYPTION
            cipher.systemTitle = CLIENT_TITLE
            cipher.blockCipherKey = bytes.fromhex(keys["block_key"])
            cipher.authenticationKey = bytes.fromhex(keys["auth_key"])
            cipher.invocationCounter = counter
        self.sent: list[bytes] = []
        self.received: list[bytes] = []

    def wire(self, frame: bytes) -> bytes:
        self.sent.append(bytes(frame))
        answer = b"".join(output.octets for output in self.meter.receive(bytes(frame), self.now()))
        self.received.append(answer)
        return answer

    def exchange(self, frames: Any) -> GXReplyData:
        reply = GXReplyData()
        for frame in frames if isinstance(frames, list) else [frames]:
            if frame is None:
                continue
            reply.clear()
            self._complete(frame, reply)
            while reply.isMoreData():
                self._complete(self.codec.receiverReady(reply), reply)
        return reply

    def _complete(self, frame: bytes, reply: GXReplyData) -> None:

        rest = GXByteBuffer(self.wire(frame))
        notify = GXReplyData()
        while True:
            before = rest.position
            if self.codec.getData(rest, reply, notify) and (
                rest.position >= len(rest) or reply.isMoreData() is False
            ):
                break
            if rest.position == before or rest.position >= len(rest):
                break
        if reply.error:
            raise GXDLMSException(reply.error)

    def connect(self) -> GuruxPeer:
        if not self.wrapper:
            reply = self.exchange(self.codec.snrmRequest())
            self.codec.parseUAResponse(reply.data)
        reply = self.exchange(self.codec.aarqRequest())
        self.codec.parseAareResponse(reply.data)
        if self.codec.authentication > Authentication.LOW:
            reply = self.exchange(self.codec.getApplicationAssociationRequest())
            self.codec.parseApplicationAssociationResponse(reply.data)
        return self

    def read(self, thing: Any, index: int = 2) -> Any:
        reply = self.exchange(self.codec.read(thing, index))
        return self.codec.updateValue(thing, index, reply.value)


def public(meter: Meter, **more: Any) -> GuruxPeer:
    return GuruxPeer(meter, **more)


def reader(meter: Meter, **more: Any) -> GuruxPeer:
    more = {"password": secrets.derive(meter.device.serial)["password"], **more}
    return GuruxPeer(meter, 2, Authentication.LOW, **more)


def management(meter: Meter, **more: Any) -> GuruxPeer:
    return GuruxPeer(meter, 1, Authentication.HIGH_GMAC, **more)
