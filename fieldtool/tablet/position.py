"""The tablet's receiver: which one, where it was found, and the last position that a step took.

Positions are taken at steps only. The last one is kept in memory, for the distances in the list of orders and
to see a leap that nobody can have driven; it goes with the program, and after a while by itself.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from drivers.position.fix import Fix, Quality, metres_between
from drivers.position.receiver import Receiver
from drivers.position.take import AUTO, Flag, Taken, Told, take
from fieldtool.positioning import Coordinates
from workorders.journal.words import DeviceRole

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

LAST_HOLDS_S = 2 * 3600.0
"""So long the last position says where the crew roughly is."""
FASTEST_MPS = 60.0
"""No crew moves faster, metres a second, from one step of an order to the next."""
_SATELLITES = frozenset({Quality.SATELLITES, Quality.DIFFERENTIAL, Quality.RTK})
_WRONG_TIME = frozenset({Flag.STALE, Flag.SIMULATED, Flag.JUMP})


class PositionReceiver:
    """Takes positions for one tablet. `named`: a source that goes before the one of the settings."""

    def __init__(self, tablet: Tablet) -> None:
        self.named: str | None = None
        self._tablet = tablet
        self._lock = threading.Lock()
        self._found: Receiver | None = None
        self._last: tuple[Fix, float] | None = None
        self._leaps_from: tuple[Fix, float] | None = None

    @property
    def source(self) -> str:
        """Where a position is taken from now."""
        return self.named or self._tablet.settings().position

    def take(self, wait: float, stop: threading.Event, told: Told | None = None) -> Taken:
        """*Slow.* One position, with GPS time passed on to the clock; see `drivers.position.take`."""
        source = self.source
        with self._lock:  # one receiver, one listener
            taken = take(
                source,
                wait=wait,
                stop=stop,
                told=told,
                last=self._found,
                leave_alone=self._probes() if source == AUTO else frozenset(),
                now=self._tablet.now,
            )
            self._found = taken.receiver or self._found
            return self._remembered(taken)

    def set_out(self) -> None:
        """The crew goes to another order: how far from the last one says nothing about a leap."""
        self._leaps_from = None

    def here(self) -> Coordinates | None:
        """Where a step last took a position, if that is not too long ago."""
        if self._last is None or time.monotonic() - self._last[1] > LAST_HOLDS_S:
            return None
        fix = self._last[0]
        return fix.latitude, fix.longitude

    def _probes(self) -> frozenset[str]:
        """Ports of the optical probe: a search for a receiver keeps off them."""
        ports = (self._tablet.port_for(role) for role in (DeviceRole.OLD, DeviceRole.NEW))
        return frozenset(port for port in ports if port)

    def _remembered(self, taken: Taken) -> Taken:
        fix, now = taken.fix, time.monotonic()
        if fix is None:
            return taken
        if self._leaps_from is not None and Flag.JUMP not in taken.flags:
            before, then = self._leaps_from
            away = metres_between(before, fix) - float(before.accuracy_m or 0) - float(fix.accuracy_m or 0)
            if away > 1000 and away > FASTEST_MPS * max(now - then, 1.0):
                taken = msgspec.structs.replace(taken, flags=(*taken.flags, Flag.JUMP))
        honest = fix.quality in _SATELLITES and not _WRONG_TIME & set(taken.flags)
        if honest and taken.gps_now is not None:
            self._tablet.clock.gps_fix(taken.gps_now)
        self._last = self._leaps_from = (fix, now)
        return taken
