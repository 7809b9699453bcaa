"""Runs the sign-on machine and the readout on a real line; hears a meter that sends by itself (mode D)."""

from __future__ import annotations

from drivers.errors import EchoOnly, Garbage, LinkLost, NoAnswer
from drivers.iec62056.identification import Identification, find_identification
from drivers.iec62056.messages import BREAK
from drivers.iec62056.readout import DataSet, parse_readout
from drivers.iec62056.sign_on import Action, Finished, Send, SetLine, SignOn, Wait, Wanted
from drivers.line import TunableWire
from drivers.ports import LineFormat

_GAP_SECONDS = 1.6
_SWITCH_SECONDS = 0.02
"""The meter changes from 7E1 to 8N1 after its confirmation; a flag sent meanwhile would be lost."""
_AFTER_END_SECONDS = 0.3
"""How long a block check may still be on its way after ``! CR LF`` of a meter that sends no STX."""
_PROGRAMMING_BAUDS = (9600, 4800, 2400, 19200, 1200, 600, 300)
_AFTER_BREAK_SECONDS = 0.25
_READOUT_LIMIT = 256 * 1024
_LINE_LIMIT = 512


def sign_on(
    wire: TunableWire,
    *,
    address: str = "",
    wanted: Wanted = Wanted.BEST,
    patience: float = 2.0,
    first: LineFormat | None = None,
    option: str = "0",
) -> Finished:
    """Sign on. Raises ``NoAnswer``, ``EchoOnly`` or ``Garbage``."""
    machine = SignOn(address=address, wanted=wanted, patience=patience, first=first, option=option)
    pending = machine.start(wire.now())
    while True:
        finished = _perform(wire, pending)
        if finished is not None:
            if finished.hdlc:
                wire.pause(_SWITCH_SECONDS)
            return finished
        data = wire.read(machine.deadline)
        pending = machine.received(data, wire.now()) if data else machine.tick(wire.now())


def call_back(wire: TunableWire, first: LineFormat) -> None:
    """Break off (B0) at every rate of mode C, and at that of the sign-on ``first``, whose character format
    all of them have: a meter that a dead client left in programming mode hears nothing else for a minute and
    more."""
    for baud in dict.fromkeys((*_PROGRAMMING_BAUDS, first.baud)):
        wire.drain()
        wire.set_line(LineFormat(baud, first.data_bits, first.parity))
        wire.write(BREAK)
    wire.drain()
    wire.pause(_AFTER_BREAK_SECONDS)
    while wire.read(wire.now()):
        pass  # the echo of it


def _perform(wire: TunableWire, actions: list[Action]) -> Finished | None:
    for action in actions:
        if isinstance(action, Send):
            wire.write(action.data)
        elif isinstance(action, Wait):
            wire.pause(action.seconds)
        elif isinstance(action, SetLine):
            wire.drain()
            wire.set_line(action.line)
        else:
            return action
    return None


def read_out(wire: TunableWire, signed: Finished) -> list[DataSet]:
    """The data readout that follows a sign-on in mode A, B or C. Raises ``LinkLost`` or ``Garbage``."""
    buffer = bytearray(signed.rest)
    data_sets = _rest_of_readout(wire, buffer)
    if data_sets is not None:
        return data_sets
    if not buffer:
        raise EchoOnly if signed.echo else NoAnswer(detail="no readout after the acknowledgement")
    raise LinkLost(detail=f"the readout broke off after {len(buffer)} bytes")


def hear_push(wire: TunableWire, line: LineFormat, patience: float) -> tuple[Identification, list[DataSet]]:
    """What a mode D meter sends when its button is pressed (clause 6.4.5): identification, data, ``!``.

    Waits ``patience`` seconds for the button. Raises ``NoAnswer``, ``Garbage`` or ``LinkLost``.
    """
    wire.drain()
    wire.set_line(line)
    deadline = wire.now() + patience
    buffer = bytearray()
    while (found := find_identification(bytes(buffer))) is None:
        data = wire.read(wire.now() + _GAP_SECONDS if buffer else deadline)
        if not data and not buffer:
            raise NoAnswer(
                "The meter has sent nothing.", hint="Press the button of the meter, then try again."
            )
        if not data or len(buffer) > _LINE_LIMIT:
            raise Garbage(detail="what the meter sent by itself has no identification line")
        buffer += _masked(data)
    identification, end = found
    rest = buffer[end:]
    data_sets = _rest_of_readout(wire, rest)
    if data_sets is None:
        raise LinkLost(detail=f"the readout broke off after {len(rest)} bytes")
    return identification, data_sets


def _rest_of_readout(wire: TunableWire, buffer: bytearray) -> list[DataSet] | None:
    """The data sets once they are whole: with a check character, or, unchecked, once the line is silent
    behind ETX, without STX behind ``!``. ``None`` where it fell silent before. ``buffer`` grows by what is
    received."""
    while True:
        end = _end_of_block(buffer)
        if end is not None:
            return parse_readout(bytes(buffer[: end + 1]))
        bare = 0x02 not in buffer and b"!\r\n" in buffer
        data = wire.read(wire.now() + (_AFTER_END_SECONDS if bare else _GAP_SECONDS))
        if not data:
            whole = buffer.endswith(b"\x03") or (0x02 not in buffer and b"!" in buffer)
            return parse_readout(bytes(buffer)) if whole else None
        buffer += _masked(data)
        if len(buffer) > _READOUT_LIMIT:
            raise Garbage(detail="the readout does not end")


def _masked(data: bytes) -> bytes:
    return bytes(byte & 0x7F for byte in data)


def _end_of_block(buffer: bytearray) -> int | None:
    """Index of the block check character, which follows ETX."""
    end = buffer.find(b"\x03")
    return end + 1 if 0 <= end < len(buffer) - 1 else None
