"""The wrapper of DLMS over TCP (IEC 62056-47): version 1, source and destination wPort, length."""

from __future__ import annotations

from drivers.errors import Garbage, LinkLost, NoAnswer
from drivers.line import Wire

_VERSION = 1
_HEAD = 8


class WrapperChannel:
    """APDUs over a stream; the server's logical device is its wPort."""

    def __init__(self, wire: Wire, client: int, server: int, response: float = 5.0) -> None:
        self._wire = wire
        self._client = client
        self._server = server
        self._response = response
        self._buffer = bytearray()
        self.exchanges = 0
        self.repeats = 0
        self.ends_association = False

    def exchange(self, apdu: bytes) -> bytes:
        """Raises ``NoAnswer``, ``LinkLost`` (broken off) or ``Garbage`` (no wrapper on the other side)."""
        self._buffer.clear()
        self.exchanges += 1
        self._write(apdu)
        return self.listen()

    def _write(self, apdu: bytes) -> None:
        head = b"".join(
            value.to_bytes(2, "big") for value in (_VERSION, self._client, self._server, len(apdu))
        )
        self._wire.write(head + apdu)

    def listen(self) -> bytes:
        """The next APDU for us without a request of ours. Raises as ``exchange``."""
        while True:
            source, destination, body = self._message()
            if destination == self._client and source == self._server:
                return body

    def send(self, apdu: bytes) -> None:
        """Send an APDU that has no answer of its own."""
        self._write(apdu)

    def disconnect(self) -> None:
        """Nothing to say: the TCP connection ends."""

    def _message(self) -> tuple[int, int, bytes]:
        head = self._take(_HEAD)
        if int.from_bytes(head[:2], "big") != _VERSION:
            raise Garbage(detail="no wrapper header")
        length = int.from_bytes(head[6:8], "big")
        return int.from_bytes(head[2:4], "big"), int.from_bytes(head[4:6], "big"), self._take(length)

    def _take(self, count: int) -> bytes:
        deadline = self._wire.now() + self._response
        while len(self._buffer) < count:
            data = self._wire.read(deadline)
            if not data:
                if self._buffer:
                    raise LinkLost(detail="the answer broke off")
                raise NoAnswer(detail="no answer over TCP")
            self._buffer += data
            deadline = self._wire.now() + self._response
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken
