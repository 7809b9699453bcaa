"""Invocation counters out of blocks that the host reserved durably: never one twice, whatever crashes."""

from __future__ import annotations

from collections.abc import Callable

from drivers.errors import CounterRefused

_BLOCK = 64
_HIGHEST = 0xFFFFFF00

Reserve = Callable[[str, int, int], int]


class CounterBlock:
    """Counters for one key. ``at_least`` is raised when a meter says that it is further than we thought."""

    def __init__(self, reserve: Reserve, key: str) -> None:
        self._reserve = reserve
        self._key = key
        self._at_least = 1
        self._next = 0
        self._end = 0
        self.last = 0

    def next(self) -> int:
        """A counter never used before. Raises ``CounterRefused`` at the end of the range."""
        if self._next >= self._end:
            self._next = self._reserve(self._key, self._at_least, _BLOCK)
            self._end = self._next + _BLOCK
        if not self._at_least <= self._next < _HIGHEST:
            raise CounterRefused(detail="the invocation counter is exhausted or was not reserved")
        self.last = self._next
        self._next += 1
        return self.last

    def raise_to(self, at_least: int) -> None:
        """Go on from the meter's own counter. Raises ``CounterRefused`` if that leaves no room."""
        if at_least >= _HIGHEST:
            raise CounterRefused(detail=f"the meter's counter stands at {at_least}")
        if at_least > self._next:
            self._at_least = at_least
            self._next = self._end = 0
