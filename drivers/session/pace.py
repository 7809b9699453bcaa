"""How long a step still takes: octets still to go, at the rate that the line shows in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from drivers.line import Line

WAITING = "wait_out"
"""The step that is nothing but waiting: what is done of it are seconds."""
_PRIOR_SECONDS = 2.0
"""How long the line must have been watched until it counts as much as what it should do."""
_NOMINAL = 0.95
"""Part of the line's time in which something crosses it, before the step has shown another: the rest is
reaction."""
_EVERY_SECONDS = 0.3


class Progress(Protocol):
    """``done`` of ``total`` of a step; ``octets_left`` on the line where the caller knows them."""

    def __call__(self, step: str, done: int, total: int, octets_left: int | None = None) -> None: ...


class Pace:
    """Seconds left. Time in which nothing crossed the line (a journal, a person) does not count."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._step, self._first_done, self._first_octets = "", 0, 0
        self._last: tuple[float, int] = (now(), 0)
        self._seconds = 0.0

    def seconds_left(
        self, line: Line | None, step: str, done: int, total: int, octets_left: int | None
    ) -> float | None:
        """``None`` while nothing can be said."""
        if step == WAITING:
            return float(total - done)
        if line is None:
            return None
        crossed, now = line.bytes_tx + line.bytes_rx, self._now()
        since, before = self._last
        self._last = (now, crossed)
        if step != self._step or done <= self._first_done:
            self._step, self._first_done, self._first_octets, self._seconds = step, done, crossed, 0.0
        elif crossed > before:
            self._seconds += now - since
        octets = crossed - self._first_octets
        if octets_left is None:
            finished = done - self._first_done
            if finished <= 0:
                return None
            octets_left = octets * (total - done) // finished
        nominal = _NOMINAL / line.character_seconds
        return octets_left * (self._seconds + _PRIOR_SECONDS) / (octets + nominal * _PRIOR_SECONDS)


@contextmanager
def awaiting(line: Line | None, step: str, octets: int, progress: Progress) -> Iterator[None]:
    """While one long answer comes in: progress by what has arrived of the ``octets`` that it will have."""
    if line is None or octets <= 0:
        yield
        return
    began, told = line.bytes_rx, line.now()

    def heard() -> None:
        nonlocal told
        if line.now() - told < _EVERY_SECONDS:
            return
        told = line.now()
        got = min(line.bytes_rx - began, octets - 1)
        progress(step, got, octets, octets - got)

    line.on_heard = heard
    try:
        yield
    finally:
        line.on_heard = None
