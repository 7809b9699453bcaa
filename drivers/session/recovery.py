"""How often, and for how long, a meter is reached again."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.line import Line
from drivers.session.pace import WAITING, Progress

_WAIT_SECONDS = 30.0


@dataclass
class Recovery:
    """How often and how long one job has been trying to reach the meter again."""

    cuts: int = 0
    began: float = 0.0
    latest: float = 0.0

    def count(self, now: float) -> None:
        self.began = self.began if self.cuts else now
        self.latest = now
        self.cuts += 1

    @property
    def has_time(self) -> bool:
        """A meter without supply or a probe that comes and goes is waited for, but not for ever."""
        return self.latest - self.began < _WAIT_SECONDS

    @property
    def pause_seconds(self) -> float:
        """Nothing before the first attempt, then longer each time."""
        return min(2.0, 0.25 * 2 ** (self.cuts - 2)) if self.cuts > 1 else 0.0


def wait_out(line: Line, seconds: int, progress: Progress) -> None:
    """Keep silent until a meter gives up a session that nobody can end any more; what it still sends is let
    go by. The crew sees the seconds, and may cancel."""
    for done in range(seconds):
        progress(WAITING, done, seconds)
        until = line.now() + 1.0
        while line.read(until):
            pass
    progress(WAITING, seconds, seconds)
