"""Firmware images as files: what each says of itself, and what speaks against it for one meter.

Beside an image `fw.bin` may lie `fw.bin.toml`, which its utility or maker writes:

    models = ["prime-1ph"]      names of meter models that it is for
    version = "V1.40.00"        the firmware that the meter shows afterwards
    identifier = "FW140"        what the meter calls the image; text or 0x hex; else the file's name
    sha256 = "…"                of the image
    manufacturer = "ZIV"        who made it, and what its maker signed it with (0x hex): for the record
    signature = "0x…"

What the office offers comes with such a note (`workorders.sync.firmwarefolder`).
None of it is trusted: the meter itself checks its maker's signature. It keeps people from sending what the
meter would refuse after an hour on the line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from fieldtool.errors import JobError
from workorders.sync.firmware import FIRMWARE, SUFFIXES
from workorders.sync.firmwarefolder import NOTE_SUFFIX
from workorders.sync.wire import MAX_FIRMWARE_BYTES, MAX_FIRMWARE_IMAGES

MAX_BYTES = MAX_FIRMWARE_BYTES
MAX_FILES = MAX_FIRMWARE_IMAGES
FOLDER = FIRMWARE
_MAX_NOTE_BYTES = 64 * 1024


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What is written beside an image."""

    models: list[str] = []
    version: str | None = None
    identifier: str | None = None
    sha256: str | None = None
    manufacturer: str | None = None
    signature: str | None = None

    def check(self, image: bytes) -> None:
        """Raise JobError `firmware_damaged` where this is not the image that the note is of."""
        if self.sha256 is not None and self.sha256.strip().lower() != hashlib.sha256(image).hexdigest():
            raise refused("damaged")


class FirmwareFile(msgspec.Struct, frozen=True, kw_only=True):
    """An image that can be chosen. `fault`: a code (`damaged`, `empty`, `too_large`, `unreadable`,
    `bad_note`) where it can be sent to no meter at all; `sha256` is empty until the file was read through;
    `offered`: the office offers it here."""

    path: Path
    size: int = 0
    sha256: str = ""
    identifier: str = ""
    version: str | None = None
    models: list[str] = []
    fault: str | None = None
    offered: bool = False


def find_images(folders: Iterable[Path]) -> list[FirmwareFile]:
    """The images in these folders and in their `firmware` folder by name, with their notes; none is read
    through, which takes seconds each from a slow stick: that is `read_image` of the one that is chosen."""
    found = [_looked_at(path)[0] for path in _candidates(folders)]
    return sorted(found, key=lambda one: (one.path.name.lower(), str(one.path)))


def read_image(path: Path) -> FirmwareFile:
    """*Slow.* One image with hash and note; what is wrong with it stands in `fault`, nothing is raised."""
    found, said = _looked_at(path)
    if found.fault is not None:
        return found
    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return FirmwareFile(path=path, fault="unreadable")
    damaged = said is not None and said.strip().lower() != sha256
    return msgspec.structs.replace(found, sha256=sha256, fault="damaged" if damaged else None)


def _looked_at(path: Path) -> tuple[FirmwareFile, str | None]:
    """A file and what its note says, the hash apart: that is believed only beside the file's own."""
    try:
        size = path.stat().st_size
        if not 0 < size <= MAX_BYTES:
            return FirmwareFile(path=path, size=size, fault="too_large" if size else "empty"), None
        note = _note(path)
    except OSError:
        return FirmwareFile(path=path, fault="unreadable"), None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return FirmwareFile(path=path, size=size, fault="bad_note"), None
    found = FirmwareFile(
        path=path,
        size=size,
        identifier=note.identifier or path.stem,
        version=note.version,
        models=note.models,
    )
    return found, note.sha256


def read_note(path: Path) -> Note:
    """What is written beside an image; an empty note where nothing is.

    Raises:
        JobError: `firmware_bad_note`, `firmware_unreadable`.
    """
    try:
        return _note(path)
    except OSError:
        raise refused("unreadable") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refused("bad_note") from None


def refused(fault: str) -> JobError:
    """The error of a fault of `FirmwareFile` or `against`."""
    return JobError(f"firmware_{fault}", f"the firmware image cannot be used: {fault}")


def against(image: FirmwareFile, model: str | None, firmware: str | None) -> str | None:
    """The code of what keeps this image from this meter, or None: a fault of the file, `other_model` where
    it names its models and this is none of them, `same_version` where the meter runs it already."""
    if image.fault is not None:
        return image.fault
    if image.models and model not in image.models:
        return "other_model"
    if image.version is not None and image.version == firmware:
        return "same_version"
    return None


def _candidates(folders: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        for place in (folder, folder / FOLDER):
            try:
                here = sorted(place.iterdir())
            except OSError:
                continue  # a stick that was just pulled out, or no such folder
            found += [path for path in here if path.suffix.lower() in SUFFIXES and path.is_file()]
    return found[:MAX_FILES]


def _note(path: Path) -> Note:
    beside = path.with_name(path.name + NOTE_SUFFIX)
    if not beside.is_file():
        return Note()
    with beside.open("rb") as stream:
        return msgspec.toml.decode(stream.read(_MAX_NOTE_BYTES), type=Note)
