"""ANSI C12.18 data link, the meter's side: packets and acknowledgements, without I/O and without a clock.

Written apart from the client's (`drivers/ansi`), so that a mistake in one is not hidden by the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STP, ACK, NAK = 0xEE, 0x06, 0x15
HEAD = 6
TOGGLE, FIRST, MULTIPLE = 0x20, 0x40, 0x80
DEFAULT_SIZE, DEFAULT_PACKETS = 64, 1
MAX_SIZE, MAX_PACKETS = 1024, 254


def check(octets: bytes) -> int:
    """HDLC CRC, bit by bit: x¹⁶+x¹²+x⁵+1, lowest bit first, preset to ones, inverted."""
    value = 0xFFFF
    for octet in octets:
        for bit in range(8):
            carry = (value ^ octet >> bit) & 1
            value = value >> 1 ^ (0x8408 if carry else 0)
    return value ^ 0xFFFF


def frame(data: bytes, control: int, sequence: int) -> bytes:
    """One packet with identity 0."""
    packet = bytes([STP, 0, control, sequence, len(data) >> 8, len(data) & 0xFF]) + data
    value = check(packet)
    return packet + bytes([value & 0xFF, value >> 8])


@dataclass(slots=True)
class Times:
    """Time-outs in seconds, number of retries; clause 5's defaults."""

    traffic: float = 6.0
    character: float = 0.5
    response: float = 2.0
    retries: int = 3


@dataclass(slots=True)
class Link:
    """What one point-to-point link remembers. ``receive`` gives octets to send and whole requests."""

    times: Times = field(default_factory=Times)
    size: int = DEFAULT_SIZE
    packets: int = DEFAULT_PACKETS
    _buffer: bytearray = field(default_factory=bytearray)
    _request: bytearray = field(default_factory=bytearray)
    _next: int | None = None
    _seen: tuple[int, int] | None = None
    _toggle: int = 0
    _client_toggles: bool = True
    _queue: list[bytes] = field(default_factory=list)
    _tries: int = 0
    _resend_at: float = 0.0
    _last_octet: float = 0.0
    failed: bool = False

    def reset(self) -> None:
        """Back to the defaults of a link that nobody has opened."""
        self.times, self.size, self.packets = Times(), DEFAULT_SIZE, DEFAULT_PACKETS
        self._buffer.clear()
        self._request.clear()
        self._queue.clear()
        self._next, self._seen, self._toggle, self.failed = None, None, 0, False
        self._client_toggles = True

    @property
    def waiting(self) -> bool:
        """An answer of ours is not acknowledged yet."""
        return bool(self._queue)

    def receive(self, octets: bytes, now: float) -> tuple[bytes, list[bytes]]:
        """Octets to send at once, and requests that are whole now."""
        if self._buffer and now - self._last_octet > self.times.character:
            self._buffer.clear()
        self._last_octet = now
        self._buffer += octets
        out = bytearray()
        requests: list[bytes] = []
        while self._buffer:
            first = self._buffer[0]
            if first != STP:
                del self._buffer[0]
                if self._queue and first in (ACK, NAK):
                    out += self._acknowledged(first == ACK, now)
                continue
            if len(self._buffer) < HEAD:
                break
            end = HEAD + (self._buffer[4] << 8 | self._buffer[5]) + 2
            if end > max(self.size, DEFAULT_SIZE):
                self._buffer.clear()
                out.append(NAK)
                break
            if len(self._buffer) < end:
                break
            packet = bytes(self._buffer[:end])
            del self._buffer[:end]
            out += self._packet(packet, requests)
        return bytes(out), requests

    def _packet(self, packet: bytes, requests: list[bytes]) -> bytes:
        value = packet[-2] | packet[-1] << 8
        if check(packet[:-2]) != value:
            return bytes([NAK])
        if packet[1] != 0:  # for another device on this line
            return b""
        mark = (packet[2] & TOGGLE, value)
        if self._seen and mark[0] == self._seen[0] and value != self._seen[1]:
            self._client_toggles = False  # against the standard; then only an open answer tells a duplicate
        if mark == self._seen and (self._client_toggles or self._queue):
            return bytes([ACK])  # sent again: our acknowledgement was lost
        self._seen = mark
        self._queue.clear()
        sequence = packet[3]
        if packet[2] & FIRST or not packet[2] & MULTIPLE:
            self._request.clear()
        elif sequence != self._next:
            self._request.clear()
            self._next = None
            return bytes([ACK])
        self._request += packet[HEAD:-2]
        self._next = sequence - 1
        if sequence == 0:
            requests.append(bytes(self._request))
            self._request.clear()
            self._next = None
        return bytes([ACK])

    def room(self) -> int:
        """Octets that an answer may have."""
        return (self.size - HEAD - 2) * self.packets

    def send(self, answer: bytes, now: float) -> bytes:
        """The first packet of an answer; the others follow its acknowledgements."""
        most = self.size - HEAD - 2
        parts = [answer[at : at + most] for at in range(0, len(answer), most)] or [b""]
        self._queue = []
        for number, part in enumerate(parts):
            control = self._toggle
            if len(parts) > 1:
                control |= MULTIPLE | (FIRST if number == 0 else 0)
            self._queue.append(frame(part, control, len(parts) - 1 - number))
            self._toggle ^= TOGGLE
        return self._transmit(now)

    def _transmit(self, now: float) -> bytes:
        self._tries = 1
        self._resend_at = now + self.times.response
        return self._queue[0]

    def _acknowledged(self, good: bool, now: float) -> bytes:
        if not good:
            return self._again(now)
        self._queue.pop(0)
        return self._transmit(now) if self._queue else b""

    def _again(self, now: float) -> bytes:
        self._tries += 1
        self._resend_at = now + self.times.response
        if self._tries > self.times.retries + 1:
            self._queue.clear()
            self.failed = True
            return b""
        return self._queue[0]

    def tick(self, now: float) -> bytes:
        """Lets time-outs happen: a packet that broke off is refused, an answer nobody acknowledged sent
        again."""
        if self._buffer and now - self._last_octet > self.times.character:
            self._buffer.clear()
            self._last_octet = now
            return bytes([NAK])
        if self._queue and now > self._resend_at:
            return self._again(now)
        return b""
