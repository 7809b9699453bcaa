"""One round of sync, as the list of its stages.

    meta → references → push → pull → keys → blobs → finish → carry → firmware

Before the very first pull the keys are asked for once already. Each stage does its part of the protocol and
leaves the store whole; a round that ends anywhere has lost nothing and is simply made again. The stages
themselves are in `stages.py`; here is what drives them, what they share and how a round ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from workorders.clock import Meeting, SystemClock, utc_text
from workorders.journal.writer import Journal
from workorders.store import inbox
from workorders.store.engine import Store
from workorders.store.errors import StoreError
from workorders.store.keys import finish_erasures
from workorders.store.settings import set_setting, setting
from workorders.sync import wire
from workorders.sync.blobs import BlobFiles
from workorders.sync.errors import SyncCancelled, SyncError, Unreachable
from workorders.sync.firmware import Coming
from workorders.sync.firmwarefolder import FirmwareFolder
from workorders.sync.identity import TabletIdentity
from workorders.sync.reference import FileReader, RefusedSet

_log = logging.getLogger(__name__)
_LAST = "sync.last"
REVOKED = "revoked"
"""The gateway's code for a tablet whose trust was taken away."""


class Transport(Protocol):
    """The gateway as a tablet sees it: over HTTP, or in one process. Methods raise `SyncError`s only."""

    def meta(self) -> wire.Meta: ...
    def push(self, request: wire.PushRequest) -> wire.PushResponse: ...
    def pull(self, cursor: str | None) -> wire.PullPage: ...
    def finish(self, request: wire.FinishRequest) -> wire.FinishAnswer: ...
    def keys(self, have: str | None) -> wire.KeysAnswer: ...
    def references(self) -> wire.ReferenceList: ...
    def reference(self, sha256: str) -> bytes: ...
    def has_blob(self, sha256: str) -> bool: ...
    def put_blob(self, sha256: str, data: bytes) -> None: ...
    def start_upload(self, sha256: str, size: int, first: bytes = b"") -> wire.Upload: ...
    def upload_offset(self, upload_id: str) -> wire.Upload: ...
    def send_piece(self, upload_id: str, offset: int, data: bytes) -> wire.Upload: ...
    def firmware(self, sha256: str, start: int, length: int) -> wire.Range: ...
    def standing(self) -> wire.Standing: ...
    def wiped(self, said: wire.Wiped) -> None: ...


class SyncState(StrEnum):
    """How sync stands, for the page and the shell's one line."""

    NEVER = "never"
    RUNNING = "running"
    DONE = "done"
    OFFLINE = "offline"
    FAILED = "failed"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """The stages, in their order."""

    META = "meta"
    REFERENCES = "references"
    PUSH = "push"
    PULL = "pull"
    KEYS = "keys"
    BLOBS = "blobs"
    FINISH = "finish"
    CARRY = "carry"
    FIRMWARE = "firmware"


class FilesWait(StrEnum):
    """Why photos and documents wait while records go."""

    METERED = "metered"
    CAP = "cap"


class SyncProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a round is. `done` of `total` entries, sets or files; 0 where it cannot be known.

    `size` of `total_size` bytes, in the stages that know them.
    """

    stage: Stage
    done: int = 0
    total: int = 0
    size: int = 0
    total_size: int = 0


class LeftOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that left the list in this round, for the notice. `reason`: reassigned, cancelled."""

    order_id: str
    reason: str


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """A number of one of this tablet's chains that two entries have; both are kept.

    Attributes:
        ours, theirs: hash of the entry here and of the one at the office. `ours` None: this store is an older
            copy and lacks it; `theirs` None: the office only said that there is another.
    """

    chain_id: str
    seq: int
    ours: str | None = None
    theirs: str | None = None
    at: str


class SyncReport(msgspec.Struct, kw_only=True):
    """How a round went; what `fieldtool sync --json` prints.

    Attributes:
        code, message: why it ended early; `error.sync.<code>` names the text for people.
        retry_after: what the gateway asked for, seconds.
        references: reference sets taken into use; references_refused: those offered that are not.
        bad_entries: pulled entries that do not prove themselves; kept aside, without effect.
        blobs_wait: why files were left for another line.
        pending: own entries still without an answer; pending_blobs likewise.
        firmware: images of the office that lie here whole; firmware_coming: those still to come, each with
            what has arrived and what keeps it; firmware_received, firmware_removed: in this round.
        firmware_wait: why images were left for another line.
        carried: hand-overs of other tablets that this round brought to the office.
        locked: the office has revoked this tablet and work on it has ended; wipe: and is to be wiped.
        equal: whether counts and digest agree with the gateway's; None if it was not asked.
        forks: places of own chains where the office holds another entry (see `heads.py`).
        repulled: whether a difference or a lost cursor made it pull from the start.
    """

    state: SyncState = SyncState.RUNNING
    stage: Stage = Stage.META
    code: str | None = None
    message: str | None = None
    retry_after: float | None = None
    pushed: int = 0
    verdicts: dict[str, int] = msgspec.field(default_factory=dict)
    pulled: int = 0
    bad_entries: int = 0
    left: list[LeftOrder] = msgspec.field(default_factory=list)
    references: int = 0
    references_refused: list[RefusedSet] = msgspec.field(default_factory=list)
    keys_changed: bool = False
    blobs_sent: int = 0
    blobs_wait: FilesWait | None = None
    blobs_confirmed: int = 0
    blobs_lost: list[str] = msgspec.field(default_factory=list)
    missing_blobs: int = 0
    firmware: int = 0
    firmware_received: int = 0
    firmware_removed: int = 0
    firmware_coming: list[Coming] = msgspec.field(default_factory=list)
    firmware_wait: FilesWait | None = None
    entries: int = 0
    orders: int = 0
    digest: str | None = None
    equal: bool | None = None
    repulled: bool = False
    resent: int = 0
    forks: list[Fork] = msgspec.field(default_factory=list)
    pending: int = 0
    pending_blobs: int = 0
    carried: int = 0
    locked: bool = False
    wipe: bool = False
    at: str | None = None
    seconds: float = 0.0


@dataclass
class SyncRound:
    """One round. `run` may be called once; make a new one for the next.

    Attributes:
        reader: says whether the files of a set can be used by this program; None: unread, they are kept.
        files_wait: asked before each file; a reason (`FilesWait`) leaves files for another time or line.
        firmware: where images of the office are put; None: none are fetched. firmware_waits: as `files_wait`,
            asked before each piece of one.
        errands: what this tablet does for others, after its own; its failures are its own to keep.
        cancelled: asked between requests; true ends the round with what it has.
    """

    store: Store
    identity: TabletIdentity
    journal: Journal
    transport: Transport
    blobs: BlobFiles
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    reader: FileReader | None = None
    report: SyncReport = field(default_factory=SyncReport)
    files_wait: Callable[[], FilesWait | None] = lambda: None
    firmware: FirmwareFolder | None = None
    firmware_waits: Callable[[], FilesWait | None] = lambda: None
    errands: Callable[[SyncRound], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    progress: Callable[[SyncProgress], None] = lambda _: None

    def run(
        self,
        progress: Callable[[SyncProgress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> SyncReport:
        """Go through the stages; always returns a report, whatever the gateway answers.

        Raises:
            StoreError: the local database cannot be written; nothing was lost.
        """
        from workorders.sync.stages import STAGES

        self.progress = progress or self.progress
        self.cancelled = cancelled or self.cancelled
        began = self.now()
        try:
            for stage, work in STAGES:
                self.report.stage = stage
                self.step(0, 0)
                work(self)
            self.report.state = SyncState.DONE
        except SyncError as error:
            self._failed(error)
            if error.code == REVOKED:
                from workorders.sync.leaving import leave

                leave(self)
        except StoreError:
            raise
        except Exception as error:
            # Nothing that a gateway sends may stop the crew: a failed round, with the trace in the log.
            _log.exception("a round of sync failed in stage %s", self.report.stage)
            self.report.state, self.report.code = SyncState.FAILED, "sync_failed"
            self.report.message = type(error).__name__
        self.report.seconds = round((self.now() - began).total_seconds(), 3)
        self._close()
        return self.report

    def make(self, stage: Stage) -> None:
        """One stage alone, where what would answer is no gateway but a file.

        Raises:
            SyncError: what it holds cannot be taken.
        """
        from workorders.sync.stages import STAGES

        self.report.stage = stage
        dict(STAGES)[stage](self)

    def step(self, done: int, total: int, size: int = 0, total_size: int = 0) -> None:
        """Tell the progress within the present stage, and stop here if asked to.

        Raises:
            SyncCancelled: somebody asked.
        """
        if self.cancelled():
            raise SyncCancelled("stopped")
        stage = self.report.stage
        self.progress(SyncProgress(stage=stage, done=done, total=total, size=size, total_size=total_size))

    def meet(self, server_time: datetime) -> None:
        """Take the gateway's clock as reference: entries from now on carry the offset."""
        clock = self.journal.clock
        if isinstance(clock, SystemClock):
            offset = (server_time - self.now()) / timedelta(milliseconds=1)
            clock.meet(round(offset))

    def _failed(self, error: SyncError) -> None:
        report = self.report
        report.code, report.message, report.retry_after = error.code, str(error), error.retry_after
        if isinstance(error, SyncCancelled):
            report.state = SyncState.CANCELLED
        elif error.pauses:
            report.state = SyncState.PAUSED
        else:
            report.state = SyncState.OFFLINE if isinstance(error, Unreachable) else SyncState.FAILED

    def _close(self) -> None:
        from workorders.sync.blobs import waiting

        report = self.report
        with self.store.write() as connection:
            report.pending = inbox.pending_count(connection)
            report.pending_blobs = len(waiting(connection))
            report.at = utc_text(self.now())
            before = last_sync(setting(connection, _LAST))
            # Firmware comes last: what the crew works by and what it did has gone both ways by then.
            heard = report.state is SyncState.DONE or report.stage is Stage.FIRMWARE
            contact = report.at if heard else before.contact
            clock = self.journal.clock
            offset, met = (
                (clock.server_offset_ms, clock.met) if isinstance(clock, SystemClock) else (None, None)
            )
            last = LastSync(
                state=report.state,
                at=report.at,
                contact=contact,
                code=report.code,
                offset_ms=offset,
                met=met,
            )
            set_setting(connection, _LAST, msgspec.to_builtins(last))
        finish_erasures(self.store)


class LastSync(msgspec.Struct, frozen=True, kw_only=True):
    """How the last round ended, kept in the store. `contact`: end of the last whole round."""

    state: SyncState = SyncState.NEVER
    at: str | None = None
    contact: str | None = None
    code: str | None = None
    offset_ms: int | None = None
    met: Meeting | None = None


def last_sync(value: object) -> LastSync:
    """Read the kept setting; an unreadable one is as none."""
    try:
        return LastSync() if value is None else msgspec.convert(value, LastSync)
    except msgspec.ValidationError:
        return LastSync()


def note_contact(connection: Connection, at: str) -> None:
    """What the office knew at `at` has come here another way than by a round."""
    before = last_sync(setting(connection, _LAST))
    if before.contact is None or before.contact < at:
        set_setting(connection, _LAST, msgspec.to_builtins(msgspec.structs.replace(before, contact=at)))


def last_sync_of(store: Store) -> LastSync:
    """How the last round on this store ended."""
    with store.read() as connection:
        return last_sync(setting(connection, _LAST))
