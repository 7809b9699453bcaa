"""One position, taken now: from a receiver at a port, or from the location service of Windows.

The one door to all of them. It is opened when somebody asks, waits no longer than it is told, can be stopped
from another thread at any moment, and leaves nothing running behind. It never raises: why there is no
position is part of the answer, because no work waits for one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Event

import msgspec

from drivers.errors import DriverError, PortBusy, PortVanished
from drivers.position.fix import Epoch, Fix, Quality, metres_between
from drivers.position.receiver import Receiver, epochs, find, utc_now

AUTO, WINDOWS, NONE = "auto", "windows", "none"
"""Sources that are no port: the first that is found, the system's service, none at all."""
GOOD_M = 10
"""With such an accuracy nobody waits for a better one."""
POOR_M = 30
STALE_S = 30
SETTLE_S = 5.0
"""So long a better fix is waited for where the first is worse than good."""
_SAME_TIME_S = 5.0
"""Receiver and machine agree on the time: what it sends is of now."""
_STANDS_S = 2.5
"""A receiver that repeats one and the same moment for so long says nothing new."""
_IMPOSSIBLE_MPS = 100.0
"""Faster than any truck, metres a second: the fix is a reflection, or not a fix."""


class NoFix(StrEnum):
    """Why there is no position."""

    SEARCHING = "searching"
    NO_RECEIVER = "no_receiver"
    PORT_BUSY = "port_busy"
    LOST = "lost"
    SILENT = "silent"
    NO_SIGNAL = "no_signal"
    DENIED = "denied"
    SWITCHED_OFF = "switched_off"
    STOPPED = "stopped"


class Flag(StrEnum):
    """What makes a fix doubtful."""

    STALE = "stale"
    POOR = "poor"
    SIMULATED = "simulated"
    ESTIMATED = "estimated"
    JUMP = "jump"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A fix, or why there is none.

    Attributes:
        age_s: seconds from the moment of the fix to the end of taking; None where neither clock tells.
        gps_now: the receiver's time at the end of taking.
        source: `nmea` or `windows`; `receiver`: where it is, to be asked first next time.
        in_view: satellites seen, with or without a fix.
    """

    fix: Fix | None = None
    reason: NoFix | None = None
    flags: tuple[Flag, ...] = ()
    age_s: int | None = None
    gps_now: datetime | None = None
    source: str = ""
    in_view: int | None = None
    receiver: Receiver | None = None


Told = Callable[[Taken], None]


def take(
    source: str,
    *,
    wait: float,
    stop: Event,
    told: Told | None = None,
    last: Receiver | None = None,
    leave_alone: frozenset[str] = frozenset(),
    now: Callable[[], datetime] = utc_now,
) -> Taken:
    """*Slow.* Take one position.

    Args:
        source: `auto`, `windows`, `none`, or a port, with its rate if known: `COM7`, `COM7@4800`,
            `socket://H:P`.
        wait: seconds, all in all.
        told: hears each better answer while it is waited on.
        last: where `auto` found a receiver before.
        now: the clock, as right as the caller knows it.
    """
    until = time.monotonic() + wait
    if source == NONE:
        return Taken(reason=NoFix.SWITCHED_OFF)
    try:
        if source == WINDOWS:
            return _from_windows(until, stop)
        receiver = receiver_named(source)
        if receiver is None:
            return _automatic(until, stop, told, last, leave_alone, now)
        return _listen(receiver, until, stop, told, now)
    except PortBusy:
        return Taken(reason=NoFix.PORT_BUSY, source="nmea")
    except PortVanished:
        return Taken(reason=NoFix.LOST, source="nmea")
    except DriverError:
        return Taken(reason=NoFix.NO_RECEIVER, source="nmea")


def receiver_named(source: str) -> Receiver | None:
    """The receiver that a source names; None for the words that name none."""
    if source in (AUTO, WINDOWS, NONE):
        return None
    url, at, rate = source.rpartition("@")
    return Receiver(url, int(rate)) if at and rate.isdecimal() and int(rate) > 0 else Receiver(source)


def _automatic(
    until: float,
    stop: Event,
    told: Told | None,
    last: Receiver | None,
    leave_alone: frozenset[str],
    now: Callable[[], datetime],
) -> Taken:
    receiver = None
    if last is not None and last.url not in leave_alone:
        try:
            found = _listen(last, until, stop, told, now)
        except DriverError:
            found = None  # it was unplugged: look again
        if found is not None and (found.reason is not NoFix.SILENT or stop.is_set()):
            return found
    receiver = find(stop, until - time.monotonic(), leave_alone=leave_alone)
    if receiver is not None:
        return _listen(receiver, until, stop, told, now)
    if stop.is_set():
        return Taken(reason=NoFix.STOPPED)
    return _from_windows(until, stop) if sys.platform == "win32" else Taken(reason=NoFix.NO_RECEIVER)


def _from_windows(until: float, stop: Event) -> Taken:
    from drivers.position.windows import locate

    found = locate(max(0.5, until - time.monotonic()), stop)
    if isinstance(found, Fix):
        age = None if found.time is None else max(0, round((utc_now() - found.time).total_seconds()))
        return Taken(fix=found, flags=flags_of(found, age), age_s=age, source="windows")
    return Taken(reason=NoFix(found), source="windows")


def _listen(
    receiver: Receiver, until: float, stop: Event, told: Told | None, now: Callable[[], datetime]
) -> Taken:
    watch = Watch(receiver)
    settled = time.monotonic() + SETTLE_S
    for epoch in epochs(receiver, until - time.monotonic(), stop, now):
        moment = time.monotonic()
        if epoch is not None and watch.hear(epoch, moment, now()) and told is not None:
            told(watch.taken(moment, stopped=False))
        if watch.enough(moment >= settled):
            break
    return watch.taken(time.monotonic(), stopped=stop.is_set())


class Watch:
    """Judges the epochs of one taking: which fix is the best, how old it is, what speaks against it. Pure."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._heard = False
        self._in_view: int | None = None
        self._first: tuple[datetime, float] | None = None
        self._moves = False
        self._stands = False
        self._before: tuple[Fix, float] | None = None
        self._jumped = False
        self._best: Taken | None = None
        self._best_at = 0.0

    def hear(self, epoch: Epoch, at: float, now: datetime) -> bool:
        """Take an epoch heard at `at` (monotonic seconds) and `now`; whether the answer changed."""
        self._heard = True
        seen, self._in_view = self._in_view, epoch.in_view
        fix = epoch.fix
        if fix is None:
            return seen != epoch.in_view
        age = self._age(fix, at, now)
        self._look_for_jump(fix, at)
        flags = flags_of(fix, age, stands=self._stands)
        found = Taken(
            fix=fix,
            flags=flags,
            age_s=age,
            source="nmea",
            in_view=epoch.in_view,
            receiver=self._receiver,
        )
        if self._best is None or _rank(found) <= _rank(self._best):
            self._best, self._best_at = found, at
            return True
        return False

    def _age(self, fix: Fix, at: float, now: datetime) -> int | None:
        """Seconds since the moment of a fix.

        Where receiver and machine differ, the receiver's time is right as long as it goes on, and its fix
        is of now; if it stands still, the fix is as old as the machine says.
        """
        if fix.time is None:
            return None
        behind = (now - fix.time).total_seconds()
        if self._first is None:
            self._first = (fix.time, at)
        first, since = self._first
        self._moves = self._moves or fix.time != first
        self._stands = not self._moves and at - since >= _STANDS_S
        if abs(behind) <= _SAME_TIME_S:
            return max(0, round(behind))
        if self._moves:
            return 0
        return round(behind) if behind > 0 else None

    def _look_for_jump(self, fix: Fix, at: float) -> None:
        if self._before is not None:
            before, then = self._before
            slack = sum(float(one.accuracy_m or POOR_M) for one in (before, fix))
            away = metres_between(before, fix) - slack
            self._jumped = self._jumped or away > _IMPOSSIBLE_MPS * max(at - then, 1.0)
        self._before = (fix, at)

    def enough(self, settled: bool) -> bool:
        """Whether to stop here: a good fix of now, or after a while any that is not doubtful."""
        best = self._best
        if best is None or best.fix is None:
            return False
        unsure = best.fix.time is not None and Flag.STALE in best.flags and not self._stands
        if unsure:
            return False  # one moment alone does not tell an old fix from a wrong clock
        accuracy = best.fix.accuracy_m
        good = accuracy is not None and float(accuracy) <= GOOD_M
        return (good and Flag.STALE not in best.flags) or settled

    def taken(self, at: float, *, stopped: bool) -> Taken:
        """The answer as it stands at `at` (monotonic seconds)."""
        best = self._best
        if best is not None and best.fix is not None:
            flags, passed = best.flags, at - self._best_at
            if (
                self._jumped and Flag.JUMP not in flags
            ):  # nobody knows which of the two places is the true one
                flags = (*flags, Flag.JUMP)
            return msgspec.structs.replace(
                best,
                flags=flags,
                age_s=None if best.age_s is None else best.age_s + round(passed),
                gps_now=best.fix.time + timedelta(seconds=passed) if best.fix.time else None,
            )
        reason = NoFix.NO_SIGNAL if self._heard else NoFix.SILENT
        if stopped:
            reason = NoFix.STOPPED
        return Taken(reason=reason, source="nmea", in_view=self._in_view, receiver=self._receiver)


def flags_of(fix: Fix, age: int | None, *, stands: bool = False) -> tuple[Flag, ...]:
    """What speaks against a fix of that age (seconds)."""
    flags: list[Flag] = []
    if stands or (age is not None and age > STALE_S) or (age is None and fix.time is not None):
        flags.append(Flag.STALE)
    if fix.accuracy_m is None or float(fix.accuracy_m) > POOR_M:
        flags.append(Flag.POOR)
    if fix.quality in (Quality.SIMULATED, Quality.MANUAL):
        flags.append(Flag.SIMULATED)
    if fix.quality is Quality.ESTIMATED:
        flags.append(Flag.ESTIMATED)
    return tuple(flags)


def _rank(taken: Taken) -> tuple[bool, bool, float]:
    """Lower is better: fresh before stale, then without doubts, then the smaller radius."""
    accuracy = taken.fix.accuracy_m if taken.fix else None
    doubts = bool(set(taken.flags) - {Flag.STALE, Flag.POOR})
    return (Flag.STALE in taken.flags, doubts, float(accuracy) if accuracy else 1e9)
