"""The folder of a tablet that firmware images lie in: parts on their way, whole ones with their notes.

    firmware/fw.bin          an image, and beside it fw.bin.toml, what the office said of it
    firmware/.part/<sha256>  what has arrived so far of one

People put images there too, from a stick; those are never touched. An image counts as whole only once its
hash was checked, and appears under its name in one step, after its note.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from workorders.durable import sync_folder, write_whole
from workorders.sync.firmware import FirmwareImage, Placed

NOTE_SUFFIX = ".toml"
_PARTS = ".part"
_SPARE_BYTES = 64 * 1024 * 1024
"""What a disk must keep free for the crew's own work."""
_FULL = frozenset({28, 122})


class CannotKeep(Exception):
    """The folder takes nothing. `code`: `disk_full`, `cannot_write`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FirmwareFolder:
    """One folder of images. Sizes in bytes; whatever cannot be written raises `CannotKeep`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # --- on its way -------------------------------------------------------------------------------

    def arrived(self, sha256: str) -> int:
        """How many bytes of an image have arrived."""
        try:
            return self._part(sha256).stat().st_size
        except OSError:
            return 0

    def check_room(self, size: int) -> None:
        """Raise CannotKeep `disk_full` where so much more would leave no room for work."""
        with _written():
            self._part("").mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        if free < size + _SPARE_BYTES:
            raise CannotKeep("disk_full", f"{free} bytes are free, {size + _SPARE_BYTES} are needed")

    def add(self, sha256: str, start: int, data: bytes) -> int:
        """Put a piece where it belongs, in place of what lay from there on; returns what has arrived."""
        with _written():
            path = self._part(sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("r+b" if path.exists() else "wb") as file:
                file.seek(start)
                file.write(data)
                file.truncate()
                return file.tell()

    def drop_others(self, wanted: set[str]) -> None:
        """Throw away what has arrived of images that nobody offers any more."""
        with _written():
            here = list(self._part("").iterdir()) if self._part("").is_dir() else []
            for path in here:
                if path.name not in wanted:
                    path.unlink(missing_ok=True)

    def _part(self, sha256: str) -> Path:
        return self.folder / _PARTS / sha256

    # --- in its place -----------------------------------------------------------------------------

    def place(self, image: FirmwareImage) -> Placed | None:
        """Check what has arrived whole and put it in its place; None: it is damaged, and thrown away."""
        part = self._part(image.sha256)
        with _written():
            with part.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == image.sha256
                os.fsync(file.fileno())
            if not whole or part.stat().st_size != image.size:
                part.unlink()
                return None
            target = self._free_name(image)
            write_whole(target.with_name(target.name + NOTE_SUFFIX), note_of(image).encode())
            part.replace(target)
            sync_folder(self.folder)
            return _placed(target, image)

    def adopt(self, image: FirmwareImage) -> Placed | None:
        """An image that lies under its name already, with these very bytes: nothing has to be fetched."""
        path = self.folder / image.name
        try:
            if path.stat().st_size != image.size:
                return None
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != image.sha256:
                    return None
        except OSError:
            return None
        with _written():
            write_whole(path.with_name(path.name + NOTE_SUFFIX), note_of(image).encode())
            return _placed(path, image)

    def stands(self, placed: Placed) -> bool:
        """Whether an image that was put in place lies there unchanged."""
        try:
            status = (self.folder / placed.file).stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (placed.size, placed.modified)

    def renote(self, placed: Placed, image: FirmwareImage) -> None:
        """Say of an image that is in place what the office says of it now."""
        path = self.folder / (placed.file + NOTE_SUFFIX)
        text = note_of(image).encode()
        with _written():
            if not path.is_file() or path.read_bytes() != text:
                write_whole(path, text)

    def remove(self, placed: Placed) -> bool:
        """Remove an image and its note; False while a meter is being given it."""
        path = self.folder / placed.file
        with _written():
            if self.stands(placed):
                if _in_use(path):
                    return False
                try:
                    path.unlink()
                except PermissionError:
                    return False  # on Windows a file that is being read cannot be removed
            self._drop_note(path, placed)
        return True

    def _drop_note(self, path: Path, placed: Placed) -> None:
        """Remove our note; where somebody put another image in the place of ours, its note is theirs."""
        note = path.with_name(path.name + NOTE_SUFFIX)
        if note.is_file() and placed.sha256.encode() in note.read_bytes():
            note.unlink()

    def _free_name(self, image: FirmwareImage) -> Path:
        path = self.folder / image.name
        if not path.exists():
            return path
        return path.with_name(f"{path.stem}-{image.sha256[:8]}{path.suffix}")


def note_of(image: FirmwareImage) -> str:
    """What stands beside an image: TOML, see `fieldtool.firmware`."""
    lines = [f"models = {json.dumps(image.models)}"]
    said = {
        "manufacturer": image.manufacturer,
        "version": image.version,
        "identifier": image.identifier,
        "signature": image.signature,
        "sha256": image.sha256,
    }
    # A string of JSON is one of TOML, as long as nothing is written as a pair of surrogates.
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in said.items() if value]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Until this ends the image is not removed: a meter is being given it. A file that cannot be opened is
    no concern of this; whoever reads it says so."""
    try:
        file = path.open("rb")
    except OSError:
        yield
        return
    with file:
        _lock(file.fileno(), alone=False)
        yield


def _in_use(path: Path) -> bool:
    with path.open("rb") as file:
        return not _lock(file.fileno(), alone=True)


def _lock(handle: int, *, alone: bool) -> bool:
    """Lock a file against other holders in this and in other programs, until it is closed."""
    if sys.platform == "win32":
        return True  # an open file cannot be removed there: that is the lock
    import fcntl

    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _placed(path: Path, image: FirmwareImage) -> Placed:
    modified = path.stat().st_mtime_ns
    return Placed(file=path.name, sha256=image.sha256, size=image.size, modified=modified)


@contextlib.contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = "disk_full" if error.errno in _FULL else "cannot_write"
        raise CannotKeep(code, error.strerror or type(error).__name__) from error
