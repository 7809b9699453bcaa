"""IEC 62056-21 programming mode, the meter's side: password, reading one register, break.

Messages are ``SOH command STX data ETX BCC``. What may be read and written is the meter's (`Registers`);
a block may be sent in parts, each ended by EOT and asked for by ACK; NAK has the last message sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
MAX_MESSAGE = 256
BREAK = b"\x01B0\x03q"


def block_check(data: bytes) -> int:
    """BCC: exclusive or of everything after the first SOH or STX up to and with ETX."""
    value = 0
    for octet in data:
        value ^= octet
    return value


def message(command: str, data: str) -> bytes:
    """A command message."""
    body = command.encode("ascii") + bytes([STX]) + data.encode("ascii") + bytes([ETX])
    return bytes([SOH]) + body + bytes([block_check(body)])


def data_message(data: str, end: int = ETX) -> bytes:
    """A data or error message: STX, data, ETX (EOT: more follows), BCC."""
    body = data.encode("ascii") + bytes([end])
    return bytes([STX]) + body + bytes([block_check(body)])


class Outcome(Enum):
    OPEN = "open"
    ENDED = "ended"


class Refused(Exception):
    """The meter answers with an error message; the text is its code (`ER02`)."""


class Registers(Protocol):
    """What programming mode reads and writes."""

    password_first: bool
    """Whether reading needs the password, too."""

    def read(self, code: str, request: str, *, partial: bool) -> list[str]:
        """What stands at a code, in one block or, if `partial`, in several. Raises `Refused`."""
        ...

    def write(self, code: str, value: str) -> None:
        """Raises `Refused`."""
        ...


class ReadoutRegisters:
    """The lines of a readout, one by one; nothing is written, since this meter is configured through DLMS."""

    password_first = True

    def __init__(self, lines: Callable[[], list[str]]) -> None:
        self._lines = lines

    def read(self, code: str, request: str, *, partial: bool) -> list[str]:
        for line in self._lines():
            if code and line.startswith(code + "("):
                return [line[len(code) :]]
        raise Refused("ER02")  # no such register

    def write(self, code: str, value: str) -> None:
        raise Refused("ER03")  # not available


class Programming:
    """One programming session. `login` checks a password and counts failures."""

    def __init__(self, serial: str, login: Callable[[bytes], bool], registers: Registers) -> None:
        self._serial, self._login, self._registers = serial, login, registers
        self._buffer = bytearray()
        self._blocks: list[str] = []
        self._last = b""
        self._unlocked = False
        self.outcome = Outcome.OPEN

    @property
    def greeting(self) -> bytes:
        """P0: the operand for the password, here the serial."""
        self._last = message("P0", f"({self._serial})")
        return self._last

    def receive(self, data: bytes) -> bytes:
        """Takes octets in; gives the answer, empty while a message is not complete or where none is due."""
        self._buffer += data
        start = next((at for at, octet in enumerate(self._buffer) if octet in (SOH, ACK, NAK)), None)
        if start is None:
            self._buffer.clear()
            return b""
        del self._buffer[:start]
        if self._buffer[0] in (ACK, NAK):
            return self._repeated_or_next(self._buffer.pop(0))
        end = self._buffer.find(ETX)
        if end < 0 or len(self._buffer) < end + 2:
            if len(self._buffer) > MAX_MESSAGE:
                self._buffer.clear()
            return b""
        body, check = bytes(self._buffer[1 : end + 1]), self._buffer[end + 1]
        del self._buffer[: end + 2]
        if block_check(body) != check:
            return bytes([NAK])
        self._blocks.clear()
        self._last = self._command(body[:2].decode("latin-1"), body[2:-1].removeprefix(bytes([STX])))
        return self._last

    def _repeated_or_next(self, octet: int) -> bytes:
        if octet == ACK:
            if not self._blocks:
                return b""
            self._last = self._next_block()
        return self._last

    def _command(self, command: str, data: bytes) -> bytes:
        if command == "B0":
            self.outcome = Outcome.ENDED
            return b""
        if command == "P1":
            return self._password(data)
        kind = command[:1]
        if not self._unlocked and (kind == "W" or self._registers.password_first):
            return data_message("(ER05)")  # password first
        code, _, rest = data.decode("latin-1").partition("(")
        content = rest.removesuffix(")")
        try:
            if command in ("R1", "R5", "R6"):
                self._blocks = self._registers.read(code, content, partial=command == "R6")
                return self._next_block() if self._blocks else data_message(f"{code}()")
            if command in ("W1", "W5"):
                self._registers.write(code, content)
                return bytes([ACK])
        except Refused as error:
            return data_message(f"({error})")
        return data_message("(ER03)")  # not available

    def _next_block(self) -> bytes:
        block = self._blocks.pop(0)
        return data_message(block, EOT if self._blocks else ETX)

    def _password(self, data: bytes) -> bytes:
        if not self._login(data.removeprefix(b"(").removesuffix(b")")):
            self.outcome = Outcome.ENDED
            return BREAK
        self._unlocked = True
        return bytes([ACK])
