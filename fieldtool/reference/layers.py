"""The files in use on a tablet: the newest published set of each kind, over what the program brings.

A kind with a published set is laid out in a folder of its own, named by the hash of everything in it: written
beside its place, made durable, moved there whole, and compared with what it should hold each time before it
is used. The optical session, which is a program of its own, is given these folders.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from drivers.models import MeterModel, load_models
from fieldtool.procedure.model import Procedure, load_procedures
from fieldtool.reference.reader import Reader, installed_files
from fieldtool.tablet.labels import RuleLabels
from fieldtool.technologies import Technology, load_technologies
from workorders.durable import sync_folder
from workorders.store import schema
from workorders.store.engine import Store
from workorders.sync import reference
from workorders.sync.reference import FILE_KINDS, FileSet, SetRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

_log = logging.getLogger(__name__)
KEEP_UNUSED_SECONDS = 30 * 24 * 3600
"""How long a folder stays that nobody used: another program of this tablet may still work with it."""


class UsedSet(msgspec.Struct, frozen=True, kw_only=True):
    """A published set that is in use. `files` are those that stand over the program's or beside them."""

    kind: str
    version: int
    published_at: str
    received_at: str
    sha256: str
    files: list[str]


class ReferenceFiles:
    """Files in use, by kind; what is loaded from them is loaded once.

    Attributes:
        folders: where the files of each kind lie.
        sets: the published set of a kind; a kind without one is as the program brings it.
    """

    def __init__(self, folders: Mapping[str, Path], sets: Mapping[str, UsedSet]) -> None:
        self.folders = dict(folders)
        self.sets = dict(sets)

    def same_as(self, other: ReferenceFiles) -> bool:
        """Whether the very same files are in use."""
        return self.folders == other.folders

    @cached_property
    def procedures(self) -> dict[str, Procedure]:
        """Procedures by id."""
        return load_procedures(self.folders["procedures"])

    @cached_property
    def technologies(self) -> dict[str, Technology]:
        """Technologies by id."""
        return load_technologies(self.folders["technologies"])

    @cached_property
    def models(self) -> dict[str, MeterModel]:
        """Meter models by name."""
        return load_models(self.folders["models"])

    @cached_property
    def labels(self) -> RuleLabels:
        """Label rules."""
        return RuleLabels(self.folders["labels"])


def installed_only(installed: Path) -> ReferenceFiles:
    """What the program brings, and nothing else."""
    return ReferenceFiles({kind: installed / kind for kind in FILE_KINDS}, {})


def files_in_use(store: Store, project: str | None, folder: Path, installed: Path) -> ReferenceFiles:
    """The files to work by now.

    A set that cannot be laid out or read (a full disk, a program that became older) is passed over for the
    one before it, at last for what the program brings: a crew is never stopped by it.

    Args:
        folder: a private folder of this tablet for the laid out sets.
        installed: folder of the files that the program brings.
    """
    found = installed_only(installed)
    if project is None:
        return found
    reader = Reader(installed)
    for kind in FILE_KINDS:
        with store.read() as connection:
            versions = list(_versions(connection, project, kind))
        for used, texts in versions:
            try:
                laid = _lay_out(folder, kind, installed_files(installed, kind), texts, reader)
            except (OSError, SetRefused) as error:
                _log.warning("the %s of version %s cannot be used: %s", kind, used.version, error)
                continue
            found.folders[kind], found.sets[kind] = laid, used
            break
    _clear(folder, found.folders.values())
    return found


def _versions(connection: Connection, project: str, kind: str) -> Iterable[tuple[UsedSet, dict[str, str]]]:
    """Sets of a kind, newest first; those of an unreadable form are left out."""
    table = schema.reference_set
    name = reference.files_of(project, kind)
    query = select(table).where(table.c.name == name).order_by(table.c.version.desc())
    for row in connection.execute(query):
        try:
            found: FileSet = reference.read_files(row.body)
        except SetRefused as error:
            _log.warning("the %s of version %s cannot be used: %s", kind, row.version, error)
            continue
        used = UsedSet(
            kind=kind,
            version=row.version,
            published_at=found.published_at,
            received_at=row.received_at,
            sha256=row.sha256,
            files=sorted(found.files),
        )
        yield used, found.files


def _lay_out(
    folder: Path, kind: str, installed: Mapping[str, bytes], texts: Mapping[str, str], reader: Reader
) -> Path:
    """The folder that holds `texts` over `installed`, made where it is missing or not what it should be.

    Raises:
        SetRefused: `set_unreadable`.
        OSError: it cannot be written.
    """
    files = {**installed, **{name: text.encode() for name, text in texts.items()}}
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(f"{name} {len(data)}\n".encode() + data)
    place = folder / f"{kind}-{digest.hexdigest()[:32]}"
    if _holds(place, files):
        os.utime(place)
        return place
    problems = reader.problems(kind, texts)
    if problems:
        raise SetRefused("set_unreadable", "; ".join(str(problem) for problem in problems))
    _write(place, files)
    if not _holds(place, files):
        raise OSError(f"{place.name} does not hold what was written")
    return place


def _holds(place: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a folder holds these very files and no others."""
    try:
        there = {path.name: path.read_bytes() for path in place.iterdir()}
    except OSError:
        return False
    return there == dict(files)


def _write(place: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder whole or not at all; what lies there and is not the same goes aside first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=place.parent, prefix=".new-"))  # for this user alone
    try:
        for name, data in files.items():
            with (made / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        if place.exists() and not _holds(place, files):
            place.replace(made.with_name(f".old-{made.name.removeprefix('.new-')}"))
        if not place.exists():
            made.replace(place)
            sync_folder(place.parent)
    finally:
        if made.exists():
            shutil.rmtree(made, ignore_errors=True)


def _clear(folder: Path, used: Iterable[Path]) -> None:
    """Remove folders that were not used for long, and what a cut left half made."""
    kept = set(used)
    before = time.time() - KEEP_UNUSED_SECONDS
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if path not in kept and path.stat().st_mtime < before:
                shutil.rmtree(path)
        except OSError as error:
            _log.warning("%s cannot be removed: %s", path.name, error)
