"""Messages of programming mode: ``SOH C D STX data ETX BCC`` and their answers (IEC 62056-21, 6.3.3 to
6.3.8). Pure: octets with the parity already masked, in and out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
_LIMIT = 64 * 1024
BREAK = b"\x01B0\x03q"
_ADDRESSED = re.compile(r"([^()]{0,32})\((.*)\)\s*", re.DOTALL)


class Kind(StrEnum):
    """What an answer is."""

    ACK = "ack"
    NAK = "nak"
    BREAK = "break"
    OPERAND = "operand"
    DATA = "data"
    PARTIAL = "partial"
    """A block ended by EOT: an ACK asks for the next one."""
    DAMAGED = "damaged"
    """The block check is wrong: a NAK asks for it again."""


@dataclass(frozen=True)
class Answer:
    """One whole message of the meter; ``text`` of what stands between STX and ETX."""

    kind: Kind
    text: str = ""
    command: str = ""


def block_check(data: bytes) -> int:
    """Block check character: exclusive or of all octets after the first SOH or STX up to and with ETX or EOT
    (ISO 1155)."""
    check = 0
    for octet in data:
        check ^= octet
    return check


def command(letters: str, data: str) -> bytes:
    """A command message; ``letters`` is P0…E2, ``data`` what stands behind STX: ``1.8.0()``."""
    body = letters.encode("ascii") + bytes([STX]) + data.encode("latin-1") + bytes([ETX])
    return bytes([SOH]) + body + bytes([block_check(body)])


def take_answer(buffer: bytearray) -> Answer | None:
    """Take one whole message off ``buffer``, with the noise before it; ``None`` while it is not complete.

    A buffer that grows beyond any message is answered as damaged and emptied.
    """
    start = next((at for at, octet in enumerate(buffer) if octet in (SOH, STX, ACK, NAK)), None)
    if start is None:
        buffer.clear()
        return None
    del buffer[:start]
    if buffer[0] in (ACK, NAK):
        kind = Kind.ACK if buffer[0] == ACK else Kind.NAK
        del buffer[0]
        return Answer(kind)
    end = next((at for at, octet in enumerate(buffer) if octet in (ETX, EOT)), None)
    if end is None or end + 1 >= len(buffer):
        if len(buffer) > _LIMIT:
            buffer.clear()
            return Answer(Kind.DAMAGED)
        return None
    body, check = bytes(buffer[1 : end + 1]), buffer[end + 1]
    header, last = buffer[0] == SOH, buffer[end]
    del buffer[: end + 2]
    if block_check(body) != check:
        return Answer(Kind.DAMAGED)
    text = body[:-1].decode("latin-1")
    if not header:
        return Answer(Kind.PARTIAL if last == EOT else Kind.DATA, text)
    letters, content = text[:2], text[2:].lstrip(chr(STX))
    return Answer(Kind.BREAK if letters == "B0" else Kind.OPERAND, content, letters)


def operand(text: str) -> str:
    """What stands in the brackets of ``(…)`` or ``address(…)``, or the text itself without any."""
    match = _ADDRESSED.fullmatch(text)
    return match[2] if match else text
