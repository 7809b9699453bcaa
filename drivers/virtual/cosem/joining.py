"""How a meter stands in its network as time goes by after power-up: searching, then joined or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

FIRST_CELL = 2.0
"""Seconds until a modem hears its first cell."""


class Outcome(StrEnum):
    """What the network does with this meter."""

    NORMAL = "normal"
    DENIED = "denied"
    ROAMING = "roaming"


@dataclass(frozen=True, slots=True)
class Joining:
    """``after`` seconds from power-up it has joined, or was refused. ``powered_for`` gives seconds since
    power-up."""

    powered_for: Callable[[], float]
    after: float
    outcome: Outcome = Outcome.NORMAL

    @property
    def hears(self) -> bool:
        """Whether the modem has found a cell to measure."""
        return self.powered_for() >= min(FIRST_CELL, self.after)

    @property
    def decided(self) -> bool:
        return self.powered_for() >= self.after

    @property
    def joined(self) -> bool:
        return self.decided and self.outcome is not Outcome.DENIED
