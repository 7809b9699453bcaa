"""What a revoked tablet does by order of the office: work ends; on a second order what it holds is destroyed.

The steps of a wipe are those of everything irreversible: the unsent, sealed to the office's recovery key and
durable in a file that stays; the office told; the key of the database; then the files. What is cut in between
is done again at the next contact, and finds less to do.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fieldtool.errors import JobError
from fieldtool.tablet import carrying, handover
from workorders.store.errors import StoreError
from workorders.sync import wire
from workorders.sync.errors import SyncError
from workorders.sync.leaving import lock_of

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet
    from workorders.sync.round import SyncReport, Transport

LEFT = "left"
"""Folder of the data folder in which a wipe leaves what was not sent."""
_log = logging.getLogger(__name__)


def check_lock(tablet: Tablet) -> None:
    """Raise JobError `tablet_locked` where the office has revoked this enrolment."""
    lock = lock_of(tablet.store, tablet.enrolment)
    if lock is not None:
        raise JobError("tablet_locked", f"the office revoked this tablet at {lock.at}", at=lock.at)


def obey(tablet: Tablet, report: SyncReport) -> bool:
    """Do what the office said of this tablet in a round; whether it was wiped."""
    if report.locked:
        tablet.stop_work()
    if not report.wipe:
        return False
    transport = tablet.transport()
    try:
        wipe(tablet, transport)
    except (OSError, StoreError) as error:
        _log.error("the wipe has to wait: what was not sent cannot be sealed (%s)", type(error).__name__)
        return False
    finally:
        transport.close()
    return True


def wipe(tablet: Tablet, transport: Transport) -> Path | None:
    """Seal what was not sent, tell the office, and destroy the rest; returns the sealed file, if any.

    Raises:
        OSError: the file could not be written whole; then nothing was destroyed.
        StoreError: the database cannot be read; then nothing was destroyed.
    """
    path, said = _seal(tablet)
    try:
        transport.wiped(said)
    except SyncError as error:
        # Its order stands whether the office hears of it or not; the tablet will not come again.
        _log.warning("the office could not be told of the wipe (%s)", error.code)
    _destroy(tablet)
    return path


def _seal(tablet: Tablet) -> tuple[Path | None, wire.Wiped]:
    folder = tablet.home.folder / LEFT
    folder.mkdir(parents=True, exist_ok=True)
    for path in carrying.files(tablet):
        # Sealed to the office too, and perhaps the only copy that will ever come near it.
        shutil.copyfile(path, folder / path.name)
    try:
        path, header = handover.export(tablet, folder)
    except JobError as error:
        if error.code != "nothing_to_hand_over":
            raise
        return None, wire.Wiped(entries=0, files=0)
    return path, wire.Wiped(entries=header.entries, files=header.blobs)


def _destroy(tablet: Tablet) -> None:
    """The key first: without it the file is noise, even where a sector of it survives."""
    tablet.keeping.forget()
    tablet.store.retire()
    realm = tablet.home.realm_folder(tablet.realm)
    shutil.rmtree(realm, onerror=_note)


def _note(_: object, path: str, error: object) -> None:
    _log.warning("%s could not be removed; its key is gone", Path(path).name)
