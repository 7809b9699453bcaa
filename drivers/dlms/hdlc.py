"""HDLC frames, format type 3 (ISO/IEC 13239, IEC 62056-46): pure encoding, decoding and resynchronisation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

FLAG = 0x7E
_FORMAT = 0xA000
_SEGMENT = 0x0800
_LENGTH = 0x07FF


class Control(IntEnum):
    """Unnumbered control fields with the poll/final bit set."""

    SNRM = 0x93
    DISC = 0x53
    UA = 0x73
    DM = 0x1F
    FRMR = 0x97
    UI = 0x13


def _make_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_TABLE = _make_table()


def fcs16(data: bytes) -> int:
    """Frame check sequence of RFC 1662 (complemented), sent low byte first."""
    fcs = 0xFFFF
    for byte in data:
        fcs = fcs >> 8 ^ _TABLE[(fcs ^ byte) & 0xFF]
    return fcs ^ 0xFFFF


def client_address(client: int) -> bytes:
    """One byte: client address shifted, end bit set."""
    return bytes([client << 1 | 1])


def server_address(logical: int, physical: int | None = None) -> bytes:
    """1 byte (logical only), 2 or 4 bytes (IEC 62056-46, clause 6.4.2.2): the short form where both parts
    fit."""
    if physical is None:
        if logical < 0x80:
            return bytes([logical << 1 | 1])
        return bytes([logical >> 7 << 1, (logical & 0x7F) << 1 | 1])
    if logical < 0x80 and physical < 0x80:
        return bytes([logical << 1, physical << 1 | 1])
    return bytes([logical >> 7 << 1, (logical & 0x7F) << 1, physical >> 7 << 1, (physical & 0x7F) << 1 | 1])


def parse_server(text: str) -> bytes:
    """``LOGICAL[:PHYSICAL]``. Raises ``ValueError`` on anything else."""
    numbers = [int(part) if part.isdecimal() else -1 for part in text.split(":", 1)]
    if any(not 0 <= number < 0x4000 for number in numbers):
        raise ValueError(f"server address {text!r}: use LOGICAL or LOGICAL:PHYSICAL, each below 16384")
    return server_address(numbers[0], numbers[1] if len(numbers) > 1 else None)


@dataclass(frozen=True)
class Frame:
    """One frame. ``control`` as on the line."""

    destination: bytes
    source: bytes
    control: int
    information: bytes = b""
    segmented: bool = False

    @property
    def is_information(self) -> bool:
        return self.control & 1 == 0

    @property
    def is_ready(self) -> bool:
        """RR (receive ready)."""
        return self.control & 0x0F == 0x01

    @property
    def is_not_ready(self) -> bool:
        """RNR (receive not ready)."""
        return self.control & 0x0F == 0x05

    @property
    def final(self) -> bool:
        return bool(self.control & 0x10)

    @property
    def receive_number(self) -> int:
        return self.control >> 5

    @property
    def send_number(self) -> int:
        return self.control >> 1 & 7


def information_control(send: int, receive: int, poll: bool) -> int:
    return receive << 5 | (0x10 if poll else 0) | send << 1


def ready_control(receive: int) -> int:
    """RR with the poll bit."""
    return receive << 5 | 0x11


def encode_frame(frame: Frame) -> bytes:
    """With flags. Raises ``ValueError`` if the information does not fit the 11 bit length."""
    head_length = 2 + len(frame.destination) + len(frame.source) + 1 + 2
    length = head_length + (len(frame.information) + 2 if frame.information else 0)
    if length > _LENGTH:
        raise ValueError(f"frame of {length} bytes is too long")
    word = _FORMAT | (_SEGMENT if frame.segmented else 0) | length
    head = word.to_bytes(2, "big") + frame.destination + frame.source + bytes([frame.control])
    body = head + fcs16(head).to_bytes(2, "little")
    if frame.information:
        body += frame.information
        body += fcs16(body).to_bytes(2, "little")
    return bytes([FLAG]) + body + bytes([FLAG])


def decode_body(body: bytes) -> Frame | None:
    """A frame between its flags, or ``None`` if anything about it is wrong."""
    if len(body) < 7 or body[0] & 0xF0 != 0xA0 or int.from_bytes(body[:2], "big") & _LENGTH != len(body):
        return None
    if fcs16(body[:-2]) != int.from_bytes(body[-2:], "little"):
        return None
    destination_end = _address_end(body, 2)
    source_end = _address_end(body, destination_end)
    if not 0 < destination_end < source_end < len(body) - 2:
        return None
    header = source_end + 1
    information = b""
    if header + 2 < len(body):
        if fcs16(body[:header]) != int.from_bytes(body[header : header + 2], "little"):
            return None
        information = body[header + 2 : -2]
    return Frame(
        body[2:destination_end],
        body[destination_end:source_end],
        body[source_end],
        information,
        bool(body[0] & 0x08),
    )


def _address_end(body: bytes, start: int) -> int:
    """Index after an address of 1, 2 or 4 bytes; -1 if there is none."""
    if start < 0:
        return -1
    for end in (start + 1, start + 2, start + 4):
        if end < len(body) and body[end - 1] & 1:
            return end
    return -1


class FrameReader:
    """Finds frames in a byte stream. Never raises; what is no frame is counted in ``bad`` and dropped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.bad = 0
        self.noise = 0

    def clear(self) -> None:
        self._buffer.clear()

    @property
    def pending(self) -> bool:
        """Whether the beginning of a frame has come and its end has not."""
        return len(self._buffer) > 1

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes, give the frames that are whole by now."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            found = self._next()
            if found is None:
                return frames
            if isinstance(found, Frame):
                frames.append(found)

    def flush(self) -> list[Frame]:
        """The line fell silent: what is not whole by now never will be. A damaged length may have swallowed
        good frames; those are given."""
        frames: list[Frame] = []
        while self.pending:
            self._drop()
            frames += self.feed(b"")
        self._buffer.clear()
        return frames

    def _next(self) -> Frame | bool | None:
        """A frame; True if something was dropped and there may be more; None if more bytes are needed."""
        buffer = self._buffer
        start = buffer.find(FLAG)
        if start < 0:
            self.noise += len(buffer)
            buffer.clear()
            return None
        if start:
            self.noise += start
            del buffer[:start]
        while len(buffer) > 1 and buffer[1] == FLAG:
            del buffer[0]
        if len(buffer) < 3:
            return None
        if buffer[1] & 0xF0 != 0xA0:
            return self._drop()
        length = int.from_bytes(buffer[1:3], "big") & _LENGTH
        if length < 7:
            return self._drop()
        if len(buffer) < length + 2:
            return None
        frame = decode_body(bytes(buffer[1 : length + 1])) if buffer[length + 1] == FLAG else None
        if frame is None:
            return self._drop()
        del buffer[: length + 1]  # the closing flag may open the next frame
        return frame

    def _drop(self) -> bool:
        self.bad += 1
        del self._buffer[0]
        return True
