"""Faults inside a meter that end a connection: cuts around a write and power loss."""

from __future__ import annotations

from dataclasses import dataclass, field


class LineCut(Exception):
    """The connection is gone: the transport closes the client's socket."""


class PowerLoss(LineCut):
    """The meter lost its supply; it is off for a while and comes back with what it had stored."""


@dataclass(slots=True)
class WriteFaults:
    """Faults at the n-th written attribute or called method, counted since the start (each happens once).

    `cut_before`: the line is cut before the value is taken over; `cut_after`: the value is taken over, but
    the answer is lost; `power_loss`: the supply fails before the n-th value, those before it are stored.
    """

    cut_before: int | None = None
    power_loss: int | None = None
    cut_after: int | None = None
    _count: int = field(default=0, init=False)
    _cut_at_answer: bool = field(default=False, init=False)

    def before_write(self) -> None:
        """Called before each value is taken over; raises `LineCut` or `PowerLoss` where one is due."""
        self._count += 1
        if self._count == self.power_loss:
            raise PowerLoss("power loss in the middle of a write")
        if self._count == self.cut_before:
            raise LineCut("cut before a write")
        if self._count == self.cut_after:
            self._cut_at_answer = True

    def before_answer(self) -> None:
        """Called before an answer leaves the meter."""
        if self._cut_at_answer:
            self._cut_at_answer = False
            raise LineCut("cut after a write")
