"""A whole old meter as one machine without I/O: sign-on of modes A, B and C, the push of mode D."""

from __future__ import annotations

from enum import Enum

from drivers.virtual.legacy.device import LegacyDevice
from drivers.virtual.meter import Output
from drivers.virtual.programming import ACK, BREAK, ETX, STX, Outcome, Programming, block_check
from drivers.virtual.signon import BAUD_IDENTIFIERS, MAX_MESSAGE
from drivers.virtual.uart import Framing

_MODE_B = {600: "A", 1200: "B", 2400: "C", 4800: "D", 9600: "E", 19200: "F"}
_CHANGE_SECONDS = 0.2
"""Between identification and data, so that a client of mode B can change its rate (clause 6.4.2)."""
_SIGN_ON_SECONDS = 3.0
_PROGRAMMING_SECONDS = 60.0


class _State(Enum):
    WAITING = "waiting"
    IDENTIFIED = "identified"
    PROGRAMMING = "programming"


class LegacyMeter:
    """One meter behind an optical port, in the character format of its model throughout. In mode D it hears
    nothing."""

    def __init__(self, device: LegacyDevice, highest_baud: int) -> None:
        self.device = device
        self._mode = device.model.mode
        self._baud = min(highest_baud, device.model.baud) if self._mode == "c" else device.model.baud
        self._first = self._framing = device.model.first
        self._buffer = bytearray()
        self._state = _State.WAITING
        self._programming: Programming | None = None
        self._last_octet = 0.0
        self._pushed: float | None = None

    @property
    def framings(self) -> tuple[Framing, ...]:
        """Port settings that the meter can hear now."""
        if self._mode == "b" and self._framing != self._first:
            return (self._framing, self._first)
        return (self._framing,)

    @property
    def busy(self) -> bool:
        """True while a client is connected."""
        return self._state is not _State.WAITING

    @property
    def identification(self) -> bytes:
        """``/XXXZ ident CR LF``; Z says the mode."""
        device = self.device
        fast = device.settings.reaction < 0.2
        letters = device.model.flag[:2] + (device.model.flag[2].lower() if fast else device.model.flag[2])
        return f"/{letters}{self._identifier}{device.model.text}\r\n".encode("ascii")

    @property
    def _identifier(self) -> str:
        if self._mode == "a":
            return " "
        if self._mode == "b":
            return _MODE_B[self._baud]
        return next(letter for letter, rate in BAUD_IDENTIFIERS.items() if rate == self._baud)

    # -- what comes in --

    def receive(self, data: bytes, now: float, heard: Framing | None = None) -> list[Output]:
        """Octets that came in, the last of them at `now`; `heard`: the settings the port took them with."""
        if self._mode == "d":
            return []
        self._last_octet = now
        data = bytes(octet & 0x7F for octet in data)
        self._buffer += data
        if self._programming is not None and b"/?" not in self._buffer:
            del self._buffer[:-1]  # a sign-on may come in pieces
            return self._program(self._programming, data, now)
        if self._state is _State.IDENTIFIED and ACK in self._buffer:
            return self._option(now)
        return self._request(now)

    def _request(self, now: float) -> list[Output]:
        start = self._buffer.find(b"/?")
        end = self._buffer.find(b"!\r\n", max(start, 0))
        if start < 0 or end < 0:
            if len(self._buffer) > MAX_MESSAGE:
                self._buffer.clear()
            return []
        address = bytes(self._buffer[start + 2 : end]).decode("latin-1")
        del self._buffer[: end + 3]
        if address and address.lstrip("0") not in ("", self.device.serial.lstrip("0")):
            return []
        self._begin_again()
        outputs = [Output(self.identification, self._first)]
        if self._mode == "c":
            self._state = _State.IDENTIFIED
            return outputs
        self._framing = self._at(self._baud)
        outputs.append(Output(self.data_message(), self._framing, _CHANGE_SECONDS))
        self._start_programming(now)
        return outputs

    def _option(self, now: float) -> list[Output]:
        start = self._buffer.find(bytes([ACK]))
        if len(self._buffer) < start + 6:
            return []
        message = bytes(self._buffer[start : start + 6]).decode("latin-1")
        self._buffer.clear()
        protocol, rate, option = message[1], message[2], message[3]
        if protocol != "0" or message[4:] != "\r\n" or BAUD_IDENTIFIERS.get(rate, 1 << 30) > self._baud:
            self._begin_again()
            return []
        framing = self._at(BAUD_IDENTIFIERS[rate])
        self._state = _State.WAITING
        if option == "0":
            return [Output(self.data_message(), framing)]
        if option != "1":
            return []
        if self.device.locked(now):
            return [Output(BREAK, framing)]
        self._framing = framing
        return [Output(self._start_programming(now).greeting, framing)]

    def _start_programming(self, now: float) -> Programming:
        self._state = _State.PROGRAMMING
        self._programming = Programming(
            self.device.serial, lambda password: self.device.login(password, self._last_octet), self.device
        )
        return self._programming

    def _program(self, programming: Programming, data: bytes, now: float) -> list[Output]:
        answer, framing = programming.receive(data), self._framing
        self.device.settings.faults.before_answer()
        if programming.outcome is Outcome.ENDED:
            self._begin_again()
        return [Output(answer, framing)] if answer else []

    def data_message(self) -> bytes:
        """The readout with STX and check, or without both where the make sends none."""
        body = "".join(f"{line}\r\n" for line in self.device.readout()).encode("ascii") + b"!\r\n"
        if not self.device.model.block_check:
            return body
        return bytes([STX]) + body + bytes([ETX, block_check(body + bytes([ETX]))])

    # -- time --

    def tick(self, now: float) -> list[Output]:
        """Lets time-outs happen, and in mode D the button be pressed."""
        if self._mode == "d":
            return self._push(now)
        programming = self._state is _State.PROGRAMMING
        patience = _PROGRAMMING_SECONDS if programming else _SIGN_ON_SECONDS
        if self.busy and now - self._last_octet > patience:
            self._begin_again()
        return []

    def _push(self, now: float) -> list[Output]:
        if self._pushed is None:
            self._pushed = now
        if now - self._pushed < self.device.settings.button:
            return []
        self._pushed = now
        return [Output(self.identification + b"\r\n" + self.data_message(), self._framing)]

    def _begin_again(self) -> None:
        self._state, self._programming = _State.WAITING, None
        self._framing = self._first

    def _at(self, baud: int) -> Framing:
        """A rate after the change, in the character format of the sign-on."""
        return Framing(baud, self._first.bits, self._first.parity)

    def unplug(self) -> None:
        """The client's transport went away (the probe was lifted)."""
        self._begin_again()
        self._buffer.clear()
        self._pushed = None

    def power_up(self) -> None:
        """After a power loss."""
        self.unplug()
        self.device.power_up()
