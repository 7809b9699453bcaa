"""Runs the sign-on machine and the readout on a real line."""

from __future__ import annotations

from drivers.errors import EchoOnly, Garbage, LinkLost, NoAnswer
from drivers.iec62056.readout import DataSet, parse_readout
from drivers.iec62056.sign_on import Action, Finished, Send, SetLine, SignOn, Wait, Wanted
from drivers.line import TunableWire

_GAP_SECONDS = 1.6
_SWITCH_SECONDS = 0.02
"""The meter changes from 7E1 to 8N1 after its confirmation; a flag sent meanwhile would be lost."""
_READOUT_LIMIT = 256 * 1024


def sign_on(
    wire: TunableWire, *, address: str = "", wanted: Wanted = Wanted.BEST, patience: float = 2.0
) -> Finished:
    """Sign on. Raises ``NoAnswer``, ``EchoOnly`` or ``Garbage``."""
    machine = SignOn(address=address, wanted=wanted, patience=patience)
    pending = machine.start(wire.now())
    while True:
        finished = _perform(wire, pending)
        if finished is not None:
            if finished.hdlc:
                wire.pause(_SWITCH_SECONDS)
            return finished
        data = wire.read(machine.deadline)
        pending = machine.received(data, wire.now()) if data else machine.tick(wire.now())


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
    while True:
        end = _end_of_block(buffer)
        if end is not None:
            return parse_readout(bytes(buffer[: end + 1]))
        data = wire.read(wire.now() + _GAP_SECONDS)
        if not data:
            break
        buffer += bytes(byte & 0x7F for byte in data)
        if len(buffer) > _READOUT_LIMIT:
            raise Garbage(detail="the readout does not end")
    if not buffer:
        raise EchoOnly if signed.echo else NoAnswer(detail="no readout after the acknowledgement")
    if b"\x02" not in buffer and b"!" in buffer:
        return parse_readout(bytes(buffer))
    raise LinkLost(detail=f"the readout broke off after {len(buffer)} bytes")


def _end_of_block(buffer: bytearray) -> int | None:
    """Index of the block check character, which follows ETX."""
    end = buffer.find(b"\x03")
    return end + 1 if 0 <= end < len(buffer) - 1 else None
