"""Recordings of optical sessions on the order: kept while a session runs, sealed to the order when it fails.

A recording holds no secret by construction (`drivers.trace`). It does hold readings, which are the
customer's: so it lies in clear only while its session may still be asked for, and on the order only sealed.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from drivers import errors
from fieldtool.errors import JobError
from fieldtool.run import photos
from workorders.journal.kinds import RECORDING_BLOB
from workorders.store.errors import StoreError

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

MEDIA_TYPE = "application/gzip"
"""Of the sealed bytes: the lines of the recording, compressed."""
LONGEST = 4_000_000
"""Bytes of a recording that are kept: its first line and its end."""
MOST = 12
"""Recordings that failures may lay on one order by themselves; a crew may add more."""
_log = logging.getLogger(__name__)


class Recordings:
    """The recordings of one run. `path` is where its present session is recorded."""

    def __init__(self, run: ProcedureRun) -> None:
        self._run = run
        self.path: Path | None = None
        self._attached = b""
        self._before = b""

    def go_on_from(self, lines: bytes) -> None:
        """What was said to this meter before it was known whose it is; every recording begins with it."""
        self._before = lines

    def begin(self) -> Path:
        """Where the session that is about to open is recorded; what was there before is gone."""
        if self._run.trace is not None:
            self.path = self._run.trace  # asked for by name: the file is the asker's
            return self.path
        folder = self._run.around.cache / "recordings"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{self._run.order_id}.jsonl"
        self.path.unlink(missing_ok=True)
        if self._before:
            self.path.write_bytes(self._before)
        self._attached = b""
        return self.path

    @property
    def state(self) -> str:
        """`attached`: the last session's recording lies on the order; `offered`: it can; else empty."""
        if self.path is None:
            return ""
        return "attached" if self._attached else "offered"

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Lay the recording on the order when the work inside fails at the port."""
        try:
            yield
        except errors.DriverError as error:
            if not isinstance(error, errors.Cancelled) and len(self._run.state.recordings) < MOST:
                try:
                    self.attach()
                except (JobError, StoreError, OSError) as failed:
                    # What went wrong at the port is what the crew must hear of.
                    _log.warning("the recording was not kept: %s", type(failed).__name__)
            raise

    def attach(self) -> bool:
        """Seal what was recorded of the last session to the order; False where nothing new was said on the
        line.

        Raises:
            JobError, StoreError: nobody is signed in; the disk is full.
        """
        plain = end_of(self.path) if self.path is not None else b""
        if b'"dir"' not in plain.removeprefix(self._before) or plain == self._attached:
            return False
        run, step = self._run, self._run.shown_step()
        blob = photos.store_blob(
            run.around.blobs,
            run.book.key,
            gzip.compress(plain, mtime=0),
            media_type=MEDIA_TYPE,
            what=RECORDING_BLOB,
            step=step.id if step else None,
        )
        run.append_beside([blob])
        self._attached = plain
        return True

    def close(self) -> None:
        """Nothing in clear stays behind."""
        path, self.path = self.path, None
        self._attached = self._before = b""
        if path is not None and path != self._run.trace:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def opened(packed: bytes) -> bytes:
    """The lines of a recording as it was sealed, for a file that `meter explain` reads.

    Raises:
        JobError: `recording_damaged`.
    """
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(packed, 2 * LONGEST)
    except zlib.error:
        raise JobError("recording_damaged", "this recording cannot be unpacked") from None
    if unpack.unconsumed_tail or not unpack.eof:
        raise JobError("recording_damaged", "this recording is cut off, or far too long")
    return plain


def end_of(path: Path) -> bytes:
    """What is kept of a recorded file: whole lines, the first one and the end; nothing where it is absent."""
    try:
        plain = path.read_bytes()
    except OSError:
        return b""
    plain = plain[: plain.rfind(b"\n") + 1]  # a line that is being written is none yet
    if len(plain) <= LONGEST:
        return plain
    first, tail = plain[: plain.index(b"\n") + 1], plain[-LONGEST:]
    return first + tail[tail.index(b"\n") + 1 :]
