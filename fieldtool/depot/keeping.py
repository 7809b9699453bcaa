"""Recordings of the sessions at a bench: of a meter while it runs, afterwards of those that did not pass.

A recording holds no secret by construction (`drivers.trace`), but what its meter counts: on a tablet it lies
sealed under a key that comes of the database's, as photos do, and in clear only while its session runs. On a
machine that is no tablet, and in a folder that a person names, the lines lie as they are. For `meter explain`
and for support; the oldest go first.
"""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from fieldtool.errors import JobError
from fieldtool.run.recordings import opened
from workorders.clock import utc_text
from workorders.durable import write_whole
from workorders.journal.sealing import OrderKey, seal_blob, unseal_blob

MOST = 200
"""Recordings that are kept: of some pallets; 30 kB each."""
SEALED = ".sealed"
_SUFFIX = ".jsonl"
_STAMP = "%Y%m%dT%H%M%S%fZ"
RUNNING = "running-"
"""What the name of a recording begins with while its session runs."""
_log = logging.getLogger(__name__)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed recording: the meter's serial, when it was kept (RFC 3339, UTC), its file."""

    serial: str
    at: str
    path: Path


class Recordings:
    """The recordings of one bench. `everything`: those of meters that passed are kept too; `key`: asked for
    what they are sealed under, where they are to be."""

    def __init__(
        self, folder: Path, *, everything: bool = False, key: Callable[[], OrderKey] | None = None
    ) -> None:
        self._folder, self._everything, self._key = folder, everything, key
        self._lock = threading.Lock()  # probes end at the same time

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
            kept = self._folder / f"{serial}-{datetime.now(UTC).strftime(_STAMP)}{_SUFFIX}"
            with self._lock:
                path.replace(kept)
                kept = self._sealed(kept)
                self._make_room()
        except (OSError, JobError) as error:
            _log.warning("a recording was not kept: %s", type(error).__name__)
            return None
        return str(kept)

    def _running(self, probe: int) -> Path:
        return self._folder / f"{RUNNING}{probe}{_SUFFIX}"

    def _sealed(self, path: Path) -> Path:
        """Seal this one, and with it what an earlier version, or a failure of the vault, left in clear."""
        if self._key is None:
            return path
        key = self._key()
        for clear in self._kept(_SUFFIX):
            packed = gzip.compress(clear.read_bytes(), mtime=0)
            write_whole(clear.with_name(clear.name + SEALED), seal_blob(key, packed))
            clear.unlink()
        return path.with_name(path.name + SEALED)

    def _kept(self, suffix: str) -> list[Path]:
        return [one for one in self._folder.glob(f"*{suffix}") if not one.name.startswith(RUNNING)]

    def _make_room(self) -> None:
        kept = [*self._kept(_SUFFIX), *self._kept(_SUFFIX + SEALED)]
        for old in sorted(kept, key=lambda one: one.stat().st_mtime)[:-MOST]:
            old.unlink(missing_ok=True)


def sealed_in(folder: Path) -> list[Kept]:
    """The sealed recordings of a folder, newest first."""
    found = []
    for path in folder.glob(f"*{_SUFFIX}{SEALED}"):
        serial, _, stamp = path.name.removesuffix(_SUFFIX + SEALED).rpartition("-")
        try:
            at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue  # none of ours
        found.append(Kept(serial=serial, at=utc_text(at), path=path))
    return sorted(found, key=lambda one: one.at, reverse=True)


def lines_of(path: Path, key: OrderKey) -> bytes:
    """The lines of a sealed recording.

    Raises:
        SealError: it was sealed on another tablet, or its bytes were changed.
        JobError: `recording_damaged`.
        OSError: the file cannot be read.
    """
    return opened(unseal_blob(key, path.read_bytes()))
