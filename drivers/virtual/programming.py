"""IEC 62056-21 programming mode, the meter's side: password, reading one register, break.

Messages are ``SOH command STX data ETX BCC``. Reading (R1, R5) is open once the password (P1) was right;
writing (W1 … W5) is refused with an error message, since this meter is configured through DLMS.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

SOH, STX, ETX, ACK, NAK = 0x01, 0x02, 0x03, 0x06, 0x15
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


def data_message(data: str) -> bytes:
    """A data or error message: STX, data, ETX, BCC."""
    body = data.encode("ascii") + bytes([ETX])
    return bytes([STX]) + body + bytes([block_check(body)])


class Outcome(Enum):
    OPEN = "open"
    ENDED = "ended"


class Programming:
    """One programming session. `login` checks a password and counts failures, `readout` gives lines."""

    def __init__(self, serial: str, login: Callable[[bytes], bool], readout: Callable[[], list[str]]) -> None:
        self._serial, self._login, self._readout = serial, login, readout
        self._buffer = bytearray()
        self._unlocked = False
        self.outcome = Outcome.OPEN

    @property
    def greeting(self) -> bytes:
        """P0: the operand for the password, here the serial."""
        return message("P0", f"({self._serial})")

    def receive(self, data: bytes) -> bytes:
        """Takes octets in; gives the answer, empty while a message is not complete or where none is due."""
        self._buffer += data
        start = self._buffer.find(SOH)
        if start < 0:
            self._buffer.clear()
            return b""
        del self._buffer[:start]
        end = self._buffer.find(ETX)
        if end < 0 or len(self._buffer) < end + 2:
            if len(self._buffer) > MAX_MESSAGE:
                self._buffer.clear()
            return b""
        body, check = bytes(self._buffer[1 : end + 1]), self._buffer[end + 1]
        del self._buffer[: end + 2]
        if block_check(body) != check:
            return bytes([NAK])
        return self._command(body[:2].decode("latin-1"), body[2:-1].removeprefix(bytes([STX])))

    def _command(self, command: str, data: bytes) -> bytes:
        if command == "B0":
            self.outcome = Outcome.ENDED
            return b""
        if command == "P1":
            return self._password(data)
        if not self._unlocked:
            return data_message("(ER05)")  # password first
        if command in ("R1", "R5"):
            return self._read(data.decode("latin-1"))
        return data_message("(ER03)")  # not available

    def _password(self, data: bytes) -> bytes:
        if not self._login(data.removeprefix(b"(").removesuffix(b")")):
            self.outcome = Outcome.ENDED
            return BREAK
        self._unlocked = True
        return bytes([ACK])

    def _read(self, address: str) -> bytes:
        code = address.partition("(")[0]
        for line in self._readout():
            if code and line.startswith(code + "("):
                return data_message(line[len(code) :])
        return data_message("(ER02)")  # no such register
