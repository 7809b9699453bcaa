"""Packets of the ANSI C12.18 data link (clause 5, layer 2): encoding, and finding them among octets.

    <packet> ::= <stp 0xEE> <identity> <ctrl> <seq_nbr> <length word16> <data> <crc>

The check is the HDLC CRC (ISO/IEC 13239: polynomial x¹⁶+x¹²+x⁵+1, reflected, preset and inverted with ones)
over everything from the start of packet on, low octet first. A packet is answered by one octet, ACK or NAK.
"""

from __future__ import annotations

from dataclasses import dataclass

START = 0xEE
ACK = 0x06
NAK = 0x15
HEADER = 6
OVERHEAD = HEADER + 2
LONGEST = 8192
"""Longest packet that can be negotiated (clause 4.2.2.7)."""
_MULTIPLE = 0x80
_FIRST = 0x40
_TOGGLE = 0x20
_POLYNOMIAL = 0x8408


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_TABLE = _table()


def crc(data: bytes) -> bytes:
    """The two check octets as they are sent."""
    register = 0xFFFF
    for octet in data:
        register = register >> 8 ^ _TABLE[(register ^ octet) & 0xFF]
    return (register ^ 0xFFFF).to_bytes(2, "little")


@dataclass(frozen=True)
class Packet:
    """One packet. ``sequence`` counts the packets of a message down to zero; ``toggle`` changes with each
    new packet, so that one sent again is known by it."""

    data: bytes
    toggle: bool = False
    multiple: bool = False
    first: bool = False
    sequence: int = 0
    identity: int = 0

    def encode(self) -> bytes:
        control = _MULTIPLE * self.multiple | _FIRST * self.first | _TOGGLE * self.toggle
        head = bytes([START, self.identity, control, self.sequence]) + len(self.data).to_bytes(2, "big")
        return head + self.data + crc(head + self.data)


@dataclass(frozen=True)
class Acknowledge:
    """The other side took our packet, or (``good`` false) could not read it."""

    good: bool


@dataclass(frozen=True)
class Damaged:
    """Something that began like a packet and is none."""


Heard = Packet | Acknowledge | Damaged


class Deframer:
    """Finds packets and acknowledgements among octets; noise between them is dropped. Holds one packet at
    most."""

    def __init__(self, longest: int = LONGEST) -> None:
        self.longest = longest
        self._buffer = bytearray()

    @property
    def pending(self) -> bool:
        """Whether a packet has begun and is not whole yet."""
        return bool(self._buffer)

    def reset(self) -> None:
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Heard]:
        self._buffer += data
        heard: list[Heard] = []
        while self._buffer:
            found = self._next()
            if found is None:
                break
            heard += found
        return heard

    def _next(self) -> list[Heard] | None:
        """What the buffer begins with, taken out of it; ``None`` while a packet is incomplete."""
        first = self._buffer[0]
        if first != START:
            del self._buffer[0]
            return [Acknowledge(first == ACK)] if first in (ACK, NAK) else []
        if len(self._buffer) < HEADER:
            return None
        length = int.from_bytes(self._buffer[4:HEADER], "big")
        end = length + OVERHEAD
        if end > self.longest:  # a damaged length would make us wait for thousands of octets
            self._buffer.clear()
            return [Damaged()]
        if len(self._buffer) < end:
            return None
        whole = bytes(self._buffer[:end])
        del self._buffer[:end]
        if crc(whole[:-2]) != whole[-2:]:
            return [Damaged()]
        control = whole[2]
        packet = Packet(
            whole[HEADER:-2],
            bool(control & _TOGGLE),
            bool(control & _MULTIPLE),
            bool(control & _FIRST),
            whole[3],
            whole[1],
        )
        return [packet]


def split(message: bytes, packet_size: int, toggle: bool, most: int = 256) -> list[Packet]:
    """The packets of a message. ``toggle`` is the first one's bit. ``ValueError`` if it needs more than
    ``most``."""
    room = packet_size - OVERHEAD
    parts = [message[at : at + room] for at in range(0, len(message), room)] or [b""]
    if len(parts) > most:
        raise ValueError(f"{len(message)} octets need {len(parts)} packets, {most} may be sent")
    multiple = len(parts) > 1
    return [
        Packet(
            part,
            toggle=toggle ^ bool(n & 1),
            multiple=multiple,
            first=multiple and n == 0,
            sequence=len(parts) - 1 - n,
        )
        for n, part in enumerate(parts)
    ]
