"""The stage of firmware: the last of a round, for nothing of the crew's waits for it.

What the office offers no more goes first; then each image that is missing is fetched by ranges, from where
an earlier round was cut. What this tablet cannot keep, or cannot use, is told and does not fail the round.
"""

from __future__ import annotations

import time
from datetime import timedelta

import msgspec

from workorders.clock import read_utc, utc_text
from workorders.sync import reference
from workorders.sync.errors import BadAnswer, Refused
from workorders.sync.firmware import (
    Coming,
    FirmwareImage,
    FirmwareState,
    FormUnknown,
    Placed,
    body_of,
    firmware_of,
    firmware_state,
    keep_firmware_state,
    read_firmware,
)
from workorders.sync.firmwarefolder import CannotKeep, FirmwareFolder
from workorders.sync.round import SyncRound
from workorders.sync.wire import LARGE_PART_BYTES, PART_BYTES

_FAST_SECONDS = 3.0
"""A line that carries the smaller piece in this time bears the larger ones."""
_DAMAGED_AGAIN = timedelta(hours=6)
"""When an image that came damaged is fetched anew: what is damaged at the office would cost a line daily."""
NOT_IN_FILE = "not_in_file"
"""What a file answers that the office made without this image: it comes another way."""
_NOT_HELD = frozenset({"no_such_firmware", "not_found"})


def fetch_firmware(round: SyncRound) -> None:
    """Make the folder hold what the office offers."""
    folder = round.firmware
    offered = _offered(round)
    if folder is None or offered is None:
        return
    with round.store.read() as connection:
        before = firmware_state(connection)
    work = _Work(round, folder, before)
    try:
        work.remove(offered)
        work.bring(offered)
    except CannotKeep as error:
        work.note_all(offered, error.code)
    finally:
        work.keep(offered)


def _offered(round: SyncRound) -> list[FirmwareImage] | None:
    """The images that are offered; None where this tablet does not know: then all stays as it is."""
    with round.store.read() as connection:
        told = reference.offered(connection)
        if told is None or round.identity.project is None:
            return None
        name = firmware_of(round.identity.project)
        item = next((item for item in told.sets if item.name == name), None)
        if item is None:
            return []
        body = body_of(connection, item)
    try:
        return None if body is None else read_firmware(body).images
    except FormUnknown:  # taken by another version of this program
        return None


class _Work:
    """One run of the stage."""

    def __init__(self, round: SyncRound, folder: FirmwareFolder, before: FirmwareState) -> None:
        self._round, self._folder = round, folder
        self._placed = {one.sha256: one for one in before.placed}
        self._left = {one.sha256: one for one in before.coming if one.code == "damaged"}

    def remove(self, offered: list[FirmwareImage]) -> None:
        """Remove what the office has withdrawn, but for what a meter is being given just now."""
        wanted = {image.sha256 for image in offered}
        self._folder.drop_others(wanted)
        for one in list(self._placed.values()):
            if not self._folder.stands(one) or one.sha256 not in wanted:
                if not self._folder.remove(one):
                    continue
                del self._placed[one.sha256]
                self._round.report.firmware_removed += one.sha256 not in wanted

    def bring(self, offered: list[FirmwareImage]) -> None:
        """Fetch what is missing, in the order of the set."""
        missing = [image for image in offered if not self._is_here(image)]
        total, done = sum(image.size for image in missing), 0
        for at, image in enumerate(missing):
            if not self._fetch(image, (at, len(missing), done, total)):
                return
            done += image.size

    def note_all(self, offered: list[FirmwareImage], code: str) -> None:
        """Nothing can be kept here: say it of each that is missing."""
        for image in offered:
            if image.sha256 not in self._placed:
                self._leave(image, code)

    def keep(self, offered: list[FirmwareImage]) -> None:
        """Keep how it stands, and tell it in the report."""
        coming = [self._coming(image) for image in offered if image.sha256 not in self._placed]
        state = FirmwareState(placed=sorted(self._placed.values(), key=lambda one: one.file), coming=coming)
        with self._round.store.write() as connection:
            keep_firmware_state(connection, state)
        report = self._round.report
        report.firmware, report.firmware_coming = len(self._placed), coming

    def _coming(self, image: FirmwareImage) -> Coming:
        have = min(self._folder.arrived(image.sha256), image.size)
        left = self._left.get(image.sha256)
        known = Coming(name=image.name, sha256=image.sha256, size=image.size, have=have)
        return known if left is None else msgspec.structs.replace(known, code=left.code, at=left.at)

    def _is_here(self, image: FirmwareImage) -> bool:
        here = self._placed.get(image.sha256)
        if here is None:
            here = self._folder.adopt(image)
            if here is None:
                return False
            self._placed[image.sha256] = here
        self._folder.renote(here, image)
        return True

    def _fetch(self, image: FirmwareImage, at: tuple[int, int, int, int]) -> bool:
        """Fetch one image; False where the line is not to carry more."""
        left = self._left.get(image.sha256)
        now = self._round.now()
        if left is not None and left.at is not None and now < read_utc(left.at) + _DAMAGED_AGAIN:
            return True
        self._left.pop(image.sha256, None)
        have = self._folder.arrived(image.sha256)
        try:
            self._folder.check_room(image.size - min(have, image.size))
            if not self._fetch_rest(image, have, at):
                return False
            self._put(image, self._folder.place(image))
        except CannotKeep as error:
            self._leave(image, error.code)
        except Refused as error:
            if error.code in _NOT_HELD:
                self._leave(image, "not_held")
            elif error.code != NOT_IN_FILE:
                raise
        return True

    def _fetch_rest(self, image: FirmwareImage, have: int, at: tuple[int, int, int, int]) -> bool:
        number, of, done, total = at
        size = PART_BYTES
        while have < image.size:
            self._round.report.firmware_wait = self._round.firmware_waits()
            if self._round.report.firmware_wait is not None:
                return False
            self._round.step(number, of, done + have, total)
            began = time.monotonic()
            found = self._round.transport.firmware(image.sha256, have, min(size, image.size - have))
            # One that knows no ranges gives the whole from its beginning.
            asked = found.start in (0, have) and found.total == image.size
            if not asked or not 0 < len(found.data) <= image.size - found.start:
                raise BadAnswer("a part of an image that was not asked for")
            have = self._folder.add(image.sha256, found.start, found.data)
            size = LARGE_PART_BYTES if time.monotonic() - began < _FAST_SECONDS else PART_BYTES
        return True

    def _put(self, image: FirmwareImage, placed: Placed | None) -> None:
        if placed is None:
            self._leave(image, "damaged")
            return
        self._placed[image.sha256] = placed
        self._round.report.firmware_received += 1

    def _leave(self, image: FirmwareImage, code: str) -> None:
        at = utc_text(self._round.now())
        self._left[image.sha256] = Coming(
            name=image.name, sha256=image.sha256, size=image.size, code=code, at=at
        )
