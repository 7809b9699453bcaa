"""The face of one tablet and of one running procedure, as screens and commands see them.

`fieldtool.tablet.Tablet` and `fieldtool.run.ProcedureRun` implement these. Methods marked *slow* touch a
meter, the network or Argon2 and belong into a worker thread; all others answer from the local store in
milliseconds, but still write durably, so the interface thread gives them to a worker too. All may be called
from any thread: one lock a tablet serialises writing. Errors are `fieldtool.errors.JobError` (stable
`code`, key `error.<code>`), `drivers.errors.DriverError`, and those of `workorders`; none shows a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fieldtool.procedure.answers import Answer
from fieldtool.procedure.views import Accepted, PhotoView, Problem, RunView
from fieldtool.tablet.reference import ReferenceRow
from fieldtool.tablet.rows import (
    EntryRow,
    MeterView,
    OrderCounts,
    OrderDetail,
    OrderFilter,
    OrderRow,
    PersonRow,
    PortRow,
    StockRow,
    SyncSummary,
    TabletStatus,
)
from fieldtool.text import Language
from workorders.journal.words import DeviceRole
from workorders.sync.round import SyncReport

if TYPE_CHECKING:
    from fieldtool.scanning.classify import LabelReading
    from fieldtool.scanning.codes import Code

Progress = Callable[[str, int, int, float | None], None]
"""step word (key `progress.<step>`), done, total, seconds left if known."""


class RunFace(Protocol):
    """One order being worked on by its procedure."""

    order_id: str

    def view(self, language: Language) -> RunView:
        """Everything the procedure page shows now."""
        ...

    def check(self, answer: Answer | dict[str, Any]) -> list[Problem]:
        """Why this answer to the current step could not be accepted; empty when it could. Writes nothing."""
        ...

    def accept(self, answer: Answer | dict[str, Any]) -> Accepted:
        """Accept the current step: one transaction of `step.done` and the facts it causes.

        Raises StepRefused (with `problems`) and leaves everything as it was. A safety check answered `false`
        ends the order as unsafe; that is an acceptance with `end = unsafe`.
        """
        ...

    def back(self) -> None:
        """Show the step before; nothing is undone. Accepting it again is a correction."""
        ...

    def next(self) -> None:
        """Show the step after the shown one, if that is done; never past the first open step."""
        ...

    def go(self, step_id: str) -> None:
        """Show a step that is done or is the first open one."""
        ...

    def add_photo(self, image: bytes, what: str, media_type: str = "image/jpeg") -> PhotoView:
        """Strip, seal and store an image (fsynced); it counts once a step that names it is accepted."""
        ...

    def photo(self, sha256: str) -> bytes:
        """The plain bytes of a photo of this order."""
        ...

    def scanned(self, codes: Sequence[Code]) -> LabelReading:
        """What the codes of one label mean (`fieldtool.scanning`): serial, other fields, competing,
        refused."""
        ...

    def scan_picture(self, image: bytes) -> LabelReading:
        """*Slow.* Read the codes in a picture file's bytes and classify them."""
        ...

    def keep_draft(self, fields: dict[str, Any]) -> None:
        """Keep what is typed so far into the current step; it survives the program."""
        ...

    def draft(self) -> dict[str, Any] | None:
        """What was typed into the current step before."""
        ...

    def read_meter(self, progress: Progress | None = None) -> None:
        """*Slow.* Read the meter of the current `meter_read` step; the view then shows the readings."""
        ...

    def plan(self, progress: Progress | None = None) -> None:
        """*Slow.* Settle what a cut left open, and compare the meter with the order's program."""
        ...

    def apply(self, allow: list[str], progress: Progress | None = None) -> None:
        """*Slow.* Write the harmless changes and those dangerous ones whose id is in `allow`."""
        ...

    def test_relay(self, confirmation: str, progress: Progress | None = None) -> None:
        """*Slow.* Open and close the relay; `confirmation` are the last four digits of the serial."""
        ...

    def check_join(self, progress: Progress | None = None) -> None:
        """*Slow.* Ask the meter (or the concentrator) whether the network has heard the device."""
        ...

    def change_work(
        self, to: str, reason: str, note: str | None = None, photos: list[str] | None = None
    ) -> None:
        """Go on with other work than was ordered, of those in `RunView.works`."""
        ...

    def go_on(self) -> None:
        """The crew has seen what an earlier visit left here (`RunView.standing`)."""
        ...

    def cancel(self) -> None:
        """Stop the running slow call; it raises `drivers.errors.Cancelled`. From any thread."""
        ...

    def not_done(self, reason: str, note: str | None = None, photos: list[str] | None = None) -> Accepted:
        """End the order as not executed."""
        ...

    def close(self) -> None:
        """Let go of the meter; what was accepted stays."""
        ...


class TabletFace(Protocol):
    """One tablet in one realm."""

    def status(self) -> TabletStatus:
        """The strip at the top."""
        ...

    def enrol(self, url: str, code: str) -> None:
        """*Slow.* Make this tablet known to a gateway."""
        ...

    def people(self) -> list[PersonRow]:
        """Who may sign in here."""
        ...

    def sign_in(self, person_id: str, pin: str) -> PersonRow:
        """*Slow.* Raises JobError `wrong_pin` (params `left`), `locked_out` (params `seconds`),
        `grant_expired`."""
        ...

    def sign_out(self) -> None:
        """Nobody is signed in."""
        ...

    def orders(self, filter: OrderFilter, limit: int = 200, offset: int = 0) -> list[OrderRow]:
        """Orders of this tablet's crews, today first, then late, then the rest."""
        ...

    def order_counts(self) -> OrderCounts:
        """How many a section."""
        ...

    def order(self, order_id: str) -> OrderDetail:
        """One order by id or number."""
        ...

    def start(self, order_id: str) -> RunFace:
        """Begin the order's procedure, or go on where it stopped."""
        ...

    def resume(self, order_id: str) -> RunFace:
        """The same as `start`, for an order that was begun; JobError `not_started` else."""
        ...

    def use_ports(
        self, *, old: str | None = None, new: str | None = None, position: str | None = None
    ) -> None:
        """Ports of the probe for the old and the new meter in this process, and where positions come from;
        None: as the settings say."""
        ...

    def ports(self) -> list[PortRow]:
        """*Slow.* Ports a probe may be on."""
        ...

    def port_for(self, role: DeviceRole) -> str | None:
        """The port that a step for this device would use."""
        ...

    def read_any_meter(self, port: str, progress: Progress | None = None) -> MeterView:
        """*Slow.* The meter page: identify and read without an order."""
        ...

    def sync(
        self, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
    ) -> SyncReport:
        """*Slow.* One round: push, pull, keys, blobs. Never raises for a gateway that fails: the report
        says."""
        ...

    def sync_summary(self) -> SyncSummary:
        """Figures of the sync page."""
        ...

    def hand_over(self, folder: Path) -> Path:
        """*Slow.* Write what is not answered yet into a file for the gateway; returns its path."""
        ...

    def record_pdf(self, order_id: str) -> bytes:
        """The installation record of an order, as issued."""
        ...

    def entries(self, *, pending: bool | None = None, limit: int = 100) -> list[EntryRow]:
        """Own entries, newest first; `pending`: only those without (True) or with (False) a verdict."""
        ...

    def references(self) -> list[ReferenceRow]:
        """Which reference files are in use, and how they stand to what the office last said."""
        ...

    def stock(self) -> list[StockRow]:
        """The stock list."""
        ...

    def close(self) -> None:
        """Close the store."""
        ...
