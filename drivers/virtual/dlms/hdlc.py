"""HDLC frames, format type 3 (IEC 62056-46): coding only, no state.

A frame on the wire: ``7E | A0..A7 length | destination | source | control | HCS | information | FCS | 7E``;
the HCS stands only where there is information. Check sequences are FCS-16 (ISO/IEC 13239), least significant
octet first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FLAG = 0x7E
MAX_LENGTH = 0x7FF


def _crc_table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = (value >> 1) ^ 0x8408 if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_CRC = _crc_table()


def fcs16(data: bytes) -> bytes:
    """The check sequence of `data`, as the two octets that go on the wire."""
    value = 0xFFFF
    for octet in data:
        value = (value >> 8) ^ _CRC[(value ^ octet) & 0xFF]
    return (value ^ 0xFFFF).to_bytes(2, "little")


class Kind(Enum):
    """Frame types of the DLMS profile."""

    I = "I"  # noqa: E741 - the name in the standard
    RR = "RR"
    RNR = "RNR"
    SNRM = "SNRM"
    DISC = "DISC"
    UA = "UA"
    DM = "DM"
    FRMR = "FRMR"
    UI = "UI"


_UNNUMBERED: dict[int, Kind] = {
    0x83: Kind.SNRM,
    0x43: Kind.DISC,
    0x63: Kind.UA,
    0x0F: Kind.DM,
    0x87: Kind.FRMR,
    0x03: Kind.UI,
}
_UNNUMBERED_CODE = {kind: code for code, kind in _UNNUMBERED.items()}


@dataclass(frozen=True, slots=True)
class Control:
    """The control field: type, poll/final bit and, where they apply, the sequence numbers N(S) and N(R)."""

    kind: Kind
    poll: bool
    send: int = 0
    receive: int = 0

    def encode(self) -> int:
        poll = 0x10 if self.poll else 0
        if self.kind is Kind.I:
            return self.receive << 5 | poll | self.send << 1
        if self.kind in (Kind.RR, Kind.RNR):
            return self.receive << 5 | poll | (0x01 if self.kind is Kind.RR else 0x05)
        return _UNNUMBERED_CODE[self.kind] | poll


def decode_control(octet: int) -> Control | None:
    """The control field, or None where the command is not in the profile (the answer is then FRMR)."""
    poll = bool(octet & 0x10)
    if not octet & 1:
        return Control(Kind.I, poll, octet >> 1 & 7, octet >> 5)
    if octet & 0x0F == 0x01:
        return Control(Kind.RR, poll, receive=octet >> 5)
    if octet & 0x0F == 0x05:
        return Control(Kind.RNR, poll, receive=octet >> 5)
    kind = _UNNUMBERED.get(octet & ~0x10)
    return Control(kind, poll) if kind else None


@dataclass(frozen=True, slots=True)
class Address:
    """A server address: upper (logical device) and lower (physical device), with the octets it is sent in."""

    upper: int
    lower: int | None = None
    size: int = 1

    def encode(self) -> bytes:
        if self.size == 1:
            return bytes([self.upper << 1 | 1])
        lower = self.lower or 0
        if self.size == 2:
            return bytes([self.upper << 1, lower << 1 | 1])
        return bytes(
            [self.upper >> 6 & 0xFE, self.upper << 1 & 0xFE, lower >> 6 & 0xFE, lower << 1 & 0xFE | 1]
        )


def decode_address(data: bytes, at: int) -> tuple[Address, int] | None:
    """An address of 1, 2 or 4 octets; the last one has its lowest bit set. None if malformed."""
    end = at
    while end < len(data) and not data[end] & 1:
        end += 1
    raw = data[at : end + 1]
    if end >= len(data) or len(raw) not in (1, 2, 4):
        return None
    parts = [octet >> 1 for octet in raw]
    if len(raw) == 1:
        address = Address(parts[0])
    elif len(raw) == 2:
        address = Address(parts[0], parts[1], 2)
    else:
        address = Address(parts[0] << 7 | parts[1], parts[2] << 7 | parts[3], 4)
    return address, end + 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame whose check sequences were right. `control` is the raw octet; `segmented` is the S bit."""

    destination: Address
    source: Address
    control: int
    information: bytes = b""
    segmented: bool = False

    def encode(self) -> bytes:
        """The octets on the wire, both flags included."""
        head = self.destination.encode() + self.source.encode() + bytes([self.control])
        length = 2 + len(head) + 2 + (len(self.information) + 2 if self.information else 0)
        if length > MAX_LENGTH:
            raise ValueError(f"a frame has at most {MAX_LENGTH} octets")
        head = (0xA000 | (0x800 if self.segmented else 0) | length).to_bytes(2, "big") + head
        body = head + (fcs16(head) + self.information if self.information else b"")
        return bytes([FLAG]) + body + fcs16(body) + bytes([FLAG])


def decode_body(body: bytes) -> Frame | None:
    """The frame between two flags; None where length, address or a check sequence is wrong (it is then
    ignored).
    """
    if len(body) < 7 or body[0] & 0xF0 != 0xA0:
        return None
    if ((body[0] & 7) << 8 | body[1]) != len(body) or fcs16(body[:-2]) != body[-2:]:
        return None
    destination = decode_address(body, 2)
    source = decode_address(body, destination[1]) if destination else None
    if destination is None or source is None:
        return None
    at = source[1] + 1
    if at > len(body) - 2:
        return None
    information = b""
    if at < len(body) - 2:
        if at + 2 > len(body) - 2 or fcs16(body[:at]) != body[at : at + 2]:
            return None
        information = body[at + 2 : -2]
    return Frame(destination[0], source[0], body[at - 1], information, bool(body[0] & 8))


class Deframer:
    """Cuts a stream of octets into frames. The length field decides where a frame ends: a flag may occur
    inside.

    Octets that belong to no frame, and frames with a wrong check sequence, are dropped without a word, as the
    standard wants; the next opening flag starts afresh.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> bool:
        """True while a frame is begun but not complete."""
        return len(self._buffer) > 1

    def reset(self) -> None:
        """Forgets what came in so far (after a gap longer than the inter-octet time-out)."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Frame]:
        """Takes octets in and returns the frames that became complete."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            start = self._buffer.find(FLAG)
            if start < 0:
                self._buffer.clear()
                return frames
            del self._buffer[:start]
            while len(self._buffer) > 1 and self._buffer[1] == FLAG:
                del self._buffer[0]
            if len(self._buffer) < 3:
                return frames
            if self._buffer[1] & 0xF0 != 0xA0:
                del self._buffer[0]
                continue
            length = (self._buffer[1] & 7) << 8 | self._buffer[2]
            if len(self._buffer) < length + 2:
                return frames
            frame = (
                decode_body(bytes(self._buffer[1 : length + 1])) if self._buffer[length + 1] == FLAG else None
            )
            if frame is None:
                del self._buffer[0]
            else:
                frames.append(frame)
                del self._buffer[: length + 1]
