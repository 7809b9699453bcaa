"""The bits of an asynchronous line: what a receiver makes of characters that were sent with other settings.

A character is a start bit (0), 5 to 8 data bits, lowest first, perhaps a parity bit, and stop bits (1). The
receiver waits for a falling edge and samples each bit in its middle, at its own rate; a wrong rate or parity
therefore gives the same kind of garbage that a real port gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Framing:
    """Settings of one side. `parity` is N, E, O, M or S as in pyserial; `stop` counts bits."""

    baud: int
    bits: int = 8
    parity: str = "N"
    stop: int = 1

    @property
    def length(self) -> int:
        """Bits of one character, start and stop included."""
        return 1 + self.bits + (self.parity != "N") + self.stop

    @property
    def seconds(self) -> float:
        """Time that one character takes on the wire."""
        return self.length / self.baud


SIGN_ON = Framing(300, 7, "E")


def _parity(value: int, kind: str) -> int:
    ones = value.bit_count() & 1
    return {"E": ones, "O": 1 - ones, "M": 1, "S": 0}[kind]


def _waveform(data: bytes, framing: Framing) -> list[int]:
    levels: list[int] = []
    for octet in data:
        value = octet & ((1 << framing.bits) - 1)
        levels.append(0)
        levels += [value >> index & 1 for index in range(framing.bits)]
        if framing.parity != "N":
            levels.append(_parity(value, framing.parity))
        levels += [1] * framing.stop
    return levels


def _is_eight_bits(framing: Framing) -> bool:
    return (framing.bits, framing.parity) == (8, "N")


def _is_seven_and_parity(framing: Framing) -> bool:
    return framing.bits == 7 and framing.parity != "N"


def _with_parity(value: int, kind: str) -> int:
    """Seven bits and their parity, as somebody sees them who takes the parity for the eighth bit: both are as
    long, and the same on the wire."""
    return value | _parity(value, kind) << 7


def transfer(data: bytes, sender: Framing, receiver: Framing, check_parity: bool = False) -> bytes:
    """What `receiver` gets when `sender` sends `data` without gaps.

    With `check_parity` a character with a wrong parity bit is dropped (a meter does that); without, it is
    delivered (a port opened by pyserial does that). A missing stop bit never drops a character.
    """
    if sender == receiver:
        mask = (1 << sender.bits) - 1
        return data if sender.bits == 8 else bytes(octet & mask for octet in data)
    if sender.baud == receiver.baud and sender.stop == receiver.stop == 1:
        if _is_eight_bits(receiver) and _is_seven_and_parity(sender):
            return bytes(_with_parity(octet & 0x7F, sender.parity) for octet in data)
        if _is_eight_bits(sender) and _is_seven_and_parity(receiver):
            kind = receiver.parity
            good = (o for o in data if not check_parity or o == _with_parity(o & 0x7F, kind))
            return bytes(octet & 0x7F for octet in good)
    return sampled(data, sender, receiver, check_parity)


def sampled(data: bytes, sender: Framing, receiver: Framing, check_parity: bool) -> bytes:
    """The same bit by bit, whatever the settings are."""
    levels = _waveform(data, sender)
    step = Fraction(sender.baud, receiver.baud)  # sender's bits per receiver's bit

    def level(position: Fraction) -> int:
        index = int(position)
        return levels[index] if index < len(levels) else 1

    received = bytearray()
    at = Fraction(0)
    while True:
        edge = next(
            (i for i in range(int(at), len(levels)) if not levels[i] and (i == 0 or levels[i - 1])), None
        )
        if edge is None:
            return bytes(received)
        start = max(at, Fraction(edge))
        if level(start + step / 2):  # too short for a start bit: noise
            at = Fraction(edge + 1)
            continue
        value = sum(level(start + step * (index + Fraction(3, 2))) << index for index in range(receiver.bits))
        good = True
        end = receiver.bits + 1
        if receiver.parity != "N":
            good = level(start + step * (end + Fraction(1, 2))) == _parity(value, receiver.parity)
            end += 1
        if good or not check_parity:
            received.append(value)
        at = start + step * (end + Fraction(1, 2))
        while int(at) < len(levels) and not level(at):  # no stop bit: wait for the line to be idle
            at += 1
