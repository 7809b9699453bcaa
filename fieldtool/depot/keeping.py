"""Recordings of the sessions at a bench: of a meter while it runs, afterwards of those that did not pass.

A recording holds no secret by construction (`drivers.trace`), and a pallet in the depot is nobody's supply
yet: the files lie in the folder of this machine alone, for `meter explain` and for support, the oldest going
first.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

MOST = 200
"""Recordings that are kept: of some pallets; 30 kB each."""
_SUFFIX = ".jsonl"
_RUNNING = "running-"
_log = logging.getLogger(__name__)


class Recordings:
    """The recordings of one bench. `everything`: those of meters that passed are kept too."""

    def __init__(self, folder: Path, *, everything: bool = False) -> None:
        self._folder, self._everything = folder, everything

    def begin(self, probe: int) -> Path | None:
        """Where the session that is about to open at a probe is recorded; None where the disk does not take
        it, which is no reason to leave a meter alone."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._running(probe)
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("a session is not recorded: %s", type(error).__name__)
            return None
        return path

    def end(self, probe: int, serial: str, passed: bool) -> str | None:
        """Keep what was recorded at a probe, or let it go. The file's path; None where nothing is kept."""
        path = self._running(probe)
        try:
            if not path.exists():
                return None
            if passed and not self._everything:
                path.unlink()
                return None
            kept = self._folder / f"{serial}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}{_SUFFIX}"
            path.replace(kept)
            self._make_room()
        except OSError as error:
            _log.warning("a recording was not kept: %s", type(error).__name__)
            return None
        return str(kept)

    def _running(self, probe: int) -> Path:
        return self._folder / f"{_RUNNING}{probe}{_SUFFIX}"

    def _make_room(self) -> None:
        kept = [one for one in self._folder.glob(f"*{_SUFFIX}") if not one.name.startswith(_RUNNING)]
        for old in sorted(kept, key=lambda one: one.stat().st_mtime)[:-MOST]:
            old.unlink(missing_ok=True)
