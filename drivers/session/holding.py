"""What a meter holds of the settings of a program: read once with-list, forgotten where it was written."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from drivers.dlms.apdu import Result
from drivers.dlms.cosem import Item
from drivers.dlms.settings import Finding, Setting
from drivers.session.jobs import Jobs

_STAGES = 3
_FRESH_SECONDS = 60.0
_CLOCK = (8, 2)


class Holding:
    """Attributes as they were read in this session, and when."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._cuts = jobs.reach.cuts
        self._began = time.monotonic()
        self._clock_read: datetime | None = None
        self.known: dict[Item, Result] = {}

    @property
    def is_fresh(self) -> bool:
        """Whether a write may rest on it: read a moment ago, over a line that did not break since."""
        return self._jobs.reach.cuts == self._cuts and time.monotonic() - self._began < _FRESH_SECONDS

    def read(self, settings: Iterable[Setting], step: str) -> None:
        """Everything that these settings need and that is not known, all of one stage in one request."""
        wanting = list(settings)
        for _ in range(_STAGES):
            wanted = [item for setting in wanting for item in setting.reads(self.known)]
            if not wanted:
                return
            self.take(self._jobs.fetch(wanted, step))

    def asked_after(self, written: Iterable[Item], settings: Iterable[Setting]) -> list[Item]:
        """What these settings need first once ``written`` is written; nothing is read here."""
        left = self._without(written)
        return list(dict.fromkeys(item for setting in settings for item in setting.reads(left)))

    def take(self, results: dict[Item, Result]) -> None:
        """Attributes that were just read."""
        self.known.update(results)
        if any((item.class_id, item.attribute) == _CLOCK for item in results):
            self._clock_read = now()

    def judge(self, setting: Setting) -> Finding:
        """A clock is compared with the time at which it was read."""
        return setting.judge(self.known, self._clock_read or now())

    def forget(self, written: Iterable[Item]) -> None:
        """Whatever stands in the objects that were written: one attribute may move another."""
        self.known = self._without(written)

    def _without(self, written: Iterable[Item]) -> dict[Item, Result]:
        objects = {(item.class_id, item.obis) for item in written}
        return {
            item: result for item, result in self.known.items() if (item.class_id, item.obis) not in objects
        }


def now() -> datetime:
    return datetime.now(UTC)
