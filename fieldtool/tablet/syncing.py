"""How one tablet syncs: whose thread a round runs in, what the line may carry, and how a round is stopped.

While the window is open all rounds run in the one thread of `BackgroundSync`: whoever asks for a round (the
page's *try now*) looks on at the one that runs, or wakes it. A command makes its round where it stands.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from fieldtool.reference.reader import Reader
from fieldtool.settings import Line
from fieldtool.tablet import carrying, lists, rows, wipe
from fieldtool.tablet.background import BackgroundSync
from fieldtool.tablet.enrolling import deposit
from fieldtool.tablet.forgetting import forget_expired
from workorders.clock import SKEW_MS, read_utc, utc_text
from workorders.store.errors import StoreError
from workorders.sync.firmware import firmware_state
from workorders.sync.firmwarefolder import FirmwareFolder
from workorders.sync.round import (
    FilesWait,
    SyncProgress,
    SyncReport,
    SyncRound,
    SyncState,
    last_sync_of,
)
from workorders.sync.usage import MonthUsage, add_usage, usage_of

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet
    from workorders.sync.http import HttpTransport

Watch = Callable[[SyncProgress], None]
_log = logging.getLogger(__name__)


class Syncing:
    """Rounds of one tablet.

    Attributes:
        metered: what the system says of the line: True where it costs, None where it does not say. The
            window sets it (Qt knows); a command goes by the settings.
    """

    def __init__(self, tablet: Tablet) -> None:
        self._tablet = tablet
        self.metered: Callable[[], bool | None] = lambda: None
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._background: BackgroundSync | None = None
        self._watchers: list[Watch] = []
        self._line: HttpTransport | None = None
        self._at: SyncProgress | None = None
        self._cancelled = False
        self._all_files = False
        self._firmware = False

    # --- rounds -----------------------------------------------------------------------------------

    def round(
        self,
        watch: Watch | None = None,
        cancelled: Callable[[], bool] | None = None,
        *,
        all_files: bool = False,
        firmware: bool = False,
    ) -> SyncReport:
        """*Slow.* A round, or the rest of the one that runs; never raises for a gateway that fails.

        Args:
            all_files: photos too, whatever the line costs; firmware: that too.
        """
        background = self._background
        if background is None:
            self._all_files, self._firmware = all_files, firmware
            try:
                return self._make(watch, cancelled or (lambda: False))
            finally:
                self._all_files = self._firmware = False
        with self._lock:
            self._all_files, self._firmware = all_files, firmware
            if watch is not None:
                self._watchers.append(watch)
        try:
            report = background.ask()
            # The round that ran may have been past its photos when they were asked for.
            return background.ask() if all_files and report.blobs_wait is not None else report
        finally:
            with self._lock:
                self._all_files = self._firmware = False
                if watch is not None:
                    self._watchers.remove(watch)

    def keep(self) -> None:
        """From now on sync by itself, until `stop`."""
        self._background = BackgroundSync(lambda stopped: self._make(None, stopped))
        self._background.start()

    def nudge(self) -> None:
        """There may be signal again: try now instead of waiting."""
        if self._background is not None:
            self._background.nudge()

    def cancel(self) -> None:
        """End the running round at once, in the middle of a request too; what it got through stays."""
        with self._lock:
            self._cancelled = self._at is not None
            line = self._line
        if line is not None and self._cancelled:
            line.cancel()

    def stop(self) -> None:
        """No more rounds."""
        if self._background is not None:
            self.cancel()
            self._background.stop()

    def _make(self, watch: Watch | None, stopped: Callable[[], bool]) -> SyncReport:
        tablet = self._tablet
        with self._turn:
            line = tablet.transport()
            with self._lock:
                self._line, self._cancelled = line, False
                self._at = SyncProgress(stage=SyncReport().stage)
            try:
                round_ = SyncRound(
                    tablet.store,
                    tablet.identity,
                    tablet.journal,
                    line,
                    tablet.blobs,
                    reader=Reader(),
                    files_wait=lambda: self.files_wait(line),
                    firmware=FirmwareFolder(tablet.home.firmware(tablet.realm)),
                    firmware_waits=self.firmware_waits,
                    errands=carrying.deliver(carrying.folder_of(tablet)),
                )
                report = round_.run(lambda at: self._told(at, watch), lambda: self._cancelled or stopped())
            finally:
                with self._lock:
                    self._line, self._at = None, None
                self.count(line)
        return self._after(report)

    def _after(self, report: SyncReport) -> SyncReport:
        if wipe.obey(self._tablet, report):
            report.code = "wiped"
            return report
        if report.state is SyncState.DONE:
            deposit(self._tablet)
        forget_expired(self._tablet)
        return report

    def _told(self, at: SyncProgress, watch: Watch | None) -> None:
        with self._lock:
            self._at = at
            watchers = [*self._watchers, *([watch] if watch is not None else [])]
        for one in watchers:
            one(at)

    # --- what it costs ----------------------------------------------------------------------------

    def costs(self) -> bool:
        """Whether the present line is one that costs by what goes over it."""
        said = self._tablet.settings().line
        if said is Line.AUTO:
            known = self.metered()
            return True if known is None else known
        return said is Line.METERED

    def files_wait(self, line: HttpTransport | None = None) -> FilesWait | None:
        """Why photos wait now; None: they may go. `line`: what the present round has used counts too."""
        settings = self._tablet.settings()
        if self._all_files or not self.costs():
            return None
        if not settings.photos_on_metered:
            return FilesWait.METERED
        used = self.usage().total + (line.sent + line.received if line is not None else 0)
        if settings.data_cap_mb is not None and used >= settings.data_cap_mb * 1_000_000:
            return FilesWait.CAP
        return None

    def firmware_waits(self) -> FilesWait | None:
        """Why firmware waits now; None: it may come. It waits for a line that costs nothing even where photos
        may go over any: one image is a day's photos of a crew, and no record waits for it."""
        return FilesWait.METERED if self.costs() and not self._firmware else None

    def usage(self) -> MonthUsage:
        """What this month cost so far."""
        with self._tablet.store.read() as connection:
            return usage_of(connection, self._month())

    def count(self, line: HttpTransport) -> None:
        """Close a connection and note what it cost, under the month of the project's clock."""
        line.close()
        try:
            month = self._month()
            with self._tablet.store.write() as connection:
                add_usage(connection, month, line.sent, line.received, line.kinds)
        except StoreError as error:
            _log.warning("the data use could not be noted (%s)", error.code)

    def _month(self) -> str:
        with self._tablet.store.read() as connection:
            here = lists.zone(lists.project(connection))
        return f"{self._tablet.now().astimezone(here):%Y-%m}"

    # --- how it stands ----------------------------------------------------------------------------

    def standing(self) -> rows.SyncStanding:
        """How sync stands, for page and strip."""
        last, settings = last_sync_of(self._tablet.store), self._tablet.settings()
        with self._lock:
            at = self._at
        used = self.usage()
        with self._tablet.store.read() as connection:
            firmware = firmware_state(connection)
        background = self._background
        skew = self._tablet.clock.skew_ms()
        return rows.SyncStanding(
            state=SyncState.RUNNING if at is not None else last.state,
            at=at,
            code=None if at is not None else last.code,
            next_at=utc_text(background.next_at)
            if background and background.next_at and at is None
            else None,
            files_wait=self.files_wait(),
            costs=self.costs(),
            photos_on_metered=settings.photos_on_metered,
            used=used,
            cap_bytes=None if settings.data_cap_mb is None else settings.data_cap_mb * 1_000_000,
            stale_days=self._stale_days(last.contact, settings.stale_days),
            skew_seconds=round(skew / 1000) if skew is not None and abs(skew) > SKEW_MS else None,
            carries=carrying.carried(self._tablet.store),
            firmware=len(firmware.placed),
            firmware_waits=self.firmware_waits(),
            firmware_coming=firmware.coming,
        )

    def _stale_days(self, contact: str | None, limit: int) -> int | None:
        """Whole days since the office was last heard, where those are too many to trust the lists."""
        if contact is None:
            return None
        since = self._tablet.now() - read_utc(contact)
        return since.days if since >= timedelta(days=limit) else None
