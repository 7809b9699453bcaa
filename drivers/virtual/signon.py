"""IEC 62056-21, the meter's side: sign-on, option select, readout and programming (mode C), HDLC (mode E).

Octets in, steps out; no I/O, no clock. A step is either text to send or new settings of the port, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from drivers.virtual.programming import (
    ACK,
    ETX,
    STX,
    Outcome,
    Programming,
    ReadoutRegisters,
    block_check,
)
from drivers.virtual.uart import SIGN_ON, Framing

BAUD_IDENTIFIERS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
MAX_MESSAGE = 64


@dataclass(frozen=True, slots=True)
class Transmit:
    """Text for the client, without parity (the port adds it)."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Switch:
    """The port works with these settings from here on."""

    framing: Framing


@dataclass(frozen=True, slots=True)
class EnterHdlc:
    """Sign-on is over; what follows is HDLC."""


Step = Transmit | Switch | EnterHdlc


class State(Enum):
    IDLE = "idle"
    IDENTIFIED = "identified"
    PROGRAMMING = "programming"


def baud_identifier(baud: int) -> str:
    """The identifier Z of a rate; `ValueError` if the standard has none."""
    for identifier, rate in BAUD_IDENTIFIERS.items():
        if rate == baud:
            return identifier
    raise ValueError(f"IEC 62056-21 has no identifier for {baud} baud; use one of 300 … 19200")


class SignOn:
    """The state of one sign-on.

    `flag` is the manufacturer's three letters; with a reaction time under 200 ms the third is sent in lower
    case. `address` answers ``/?address!``; leading zeros do not count. `readout` gives the data lines of mode
    C, `login` checks the password of programming mode.
    """

    def __init__(
        self,
        flag: str,
        model: str,
        address: str,
        baud: int,
        reaction: float,
        readout: Callable[[], list[str]],
        login: Callable[[bytes], bool],
    ) -> None:
        self._letters = flag if reaction >= 0.2 else flag[:2] + flag[2].lower()
        self._model, self._address, self._limit = model, address, baud_identifier(baud)
        self._readout, self._login = readout, login
        self._programming: Programming | None = None
        self._buffer = bytearray()
        self.state = State.IDLE

    @property
    def identification(self) -> bytes:
        """``/XXXZ\\2ident CR LF``: the ``\\2`` says that HDLC is available."""
        return f"/{self._letters}{self._limit}\\2{self._model}\r\n".encode("ascii")

    def reset(self) -> None:
        self.state = State.IDLE
        self._programming = None
        self._buffer.clear()

    def receive(self, data: bytes) -> list[Step]:
        """Takes octets in; parity bits are already gone."""
        if self._programming is not None:
            answer = self._programming.receive(data)
            steps: list[Step] = [Transmit(answer)] if answer else []
            if self._programming.outcome is Outcome.ENDED:
                self.reset()
                steps.append(Switch(SIGN_ON))
            return steps
        self._buffer += data
        if self.state is State.IDENTIFIED:
            return self._option_select()
        return self._request()

    def _request(self) -> list[Step]:
        start = self._buffer.find(b"/?")
        if start < 0:
            del self._buffer[:-1]
            return []
        end = self._buffer.find(b"!\r\n", start)
        if end < 0:
            del self._buffer[:start]
            if len(self._buffer) > MAX_MESSAGE:
                self._buffer.clear()
            return []
        address = bytes(self._buffer[start + 2 : end]).decode("latin-1")
        del self._buffer[: end + 3]
        if address and address.lstrip("0") not in ("", self._address.lstrip("0")):
            return []
        self.state = State.IDENTIFIED
        return [Transmit(self.identification)]

    def _option_select(self) -> list[Step]:
        start = self._buffer.find(ACK)
        request = self._buffer.find(b"/?")
        if request >= 0 and (start < 0 or request < start):  # the client begins again
            self.state = State.IDLE
            return self._request()
        if start < 0:
            del self._buffer[:-1]
            return []
        if len(self._buffer) < start + 6:
            return []
        message = bytes(self._buffer[start : start + 6])
        self.reset()
        protocol, rate, mode = (chr(octet) for octet in message[1:4])
        if message[4:] != b"\r\n" or rate not in BAUD_IDENTIFIERS or rate > self._limit:
            return []
        baud = BAUD_IDENTIFIERS[rate]
        text = Framing(baud, 7, "E")
        if protocol == "2" and mode == "2":
            return [Switch(text), Transmit(message), Switch(Framing(baud)), EnterHdlc()]
        if protocol == "0" and mode == "0":
            return [Switch(text), Transmit(self._data_message()), Switch(SIGN_ON)]
        if protocol == "0" and mode == "1":
            self.state = State.PROGRAMMING
            self._programming = Programming(self._address, self._login, ReadoutRegisters(self._readout))
            return [Switch(text), Transmit(self._programming.greeting)]
        return []

    def _data_message(self) -> bytes:
        body = "".join(f"{line}\r\n" for line in self._readout()).encode("ascii") + b"!\r\n" + bytes([ETX])
        return bytes([STX]) + body + bytes([block_check(body)])
