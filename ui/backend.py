"""What the screens need of a tablet: the one door between `ui` and `fieldtool`.

`ui.preview.PreviewTablet` implements it with invented data, the wiring with the real tablet. Every method
may take time and is called in a worker lane, never on the interface thread; all raise `ui.views.Failure`
with words for the crew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ui import views
from ui.imageviews import ImageBackend
from ui.manybackend import BenchBackend, PanelBackend
from ui.officebackend import OfficeBackend
from ui.recordingviews import RecordingBackend

Answers = Mapping[str, object]
Report = Callable[[views.Procedure], None]


class Backend(Protocol):
    """One tablet, as the screens see it."""

    def status(self) -> views.Status:
        """Strip: project, crew, connection, probe."""

    def unlock(self, passphrase: str) -> None:
        """Opens the data of a tablet without a keyring (`Status.locked`). *Slow*, and never kept anywhere."""

    def people(self) -> Sequence[views.PersonTile]:
        """Who may sign in here."""

    def enrol(self, url: str, code: str) -> None:
        """Makes this tablet known to an office; `code` may be the text of the QR: then no `url` is needed."""

    def sign_in(self, person_id: str, pin: str) -> views.SignIn:
        """Checks a PIN; the attempt is counted durably before it is checked."""

    def sign_out(self) -> None:
        """Ends the person's turn."""

    def orders(self) -> Sequence[views.OrderRow]:
        """All orders of this tablet in the order of the list (today, late, rest)."""

    def order(self, order_id: str) -> views.OrderView:
        """One order in full."""

    def find(self, code: str) -> str:
        """Order that a scanned code belongs to, or an empty string."""

    def look(self, sought: views.Sought) -> views.Sighting:
        """One look through the camera, asked again and again while a page scans."""

    def other_camera(self) -> bool:
        """Looks through the next camera, and also the next time; False where there is no other one."""

    def light(self, on: bool) -> bool:
        """Turns the lamp beside the camera on or off; False where that cannot be."""

    def start(self, order_id: str) -> views.Procedure:
        """Begins or resumes the procedure of an order."""

    def accept(self, order_id: str, step: str, answers: Answers) -> views.Procedure:
        """Answers the current step; durable on return."""

    def back(self, order_id: str) -> views.Procedure:
        """Shows the step before."""

    def act(self, order_id: str, step: str, action: str, values: Answers, report: Report) -> views.Procedure:
        """Does something inside a step (scan, photo, read, apply, relay …); `report` shows progress."""

    def listen(self, changed: Report) -> None:
        """Who is told, from another thread, when the page of a step changes by itself."""

    def cancel(self) -> None:
        """Asks what is under way on the port to stop; from any thread."""

    def reasons(self, order_id: str) -> Sequence[views.Choice]:
        """Reasons not to complete this order."""

    def not_done(self, order_id: str, reason: str, note: str, photo: str) -> None:
        """Closes an order as not executed."""

    def change_work(self, order_id: str, to: str, reason: str, note: str, photo: str) -> views.Procedure:
        """Goes on with other work than was ordered, one of `Procedure.works`."""

    def take_photo(self) -> str:
        """Takes a photo outside a step and returns the path of the picture."""

    def meter(self) -> views.Meter:
        """State of the meter tool without touching the port."""

    def read_meter(self, report: Callable[[views.Meter], None]) -> views.Meter:
        """Reads the meter at the probe: identity, values, profile, events, network."""

    def use_head(self, head: str) -> views.Meter:
        """The optical head that is on the probe: `iec` (DLMS, IEC 62056-21) or `ansi` (C12.18)."""

    def receivers(self) -> views.Receivers:
        """Where a position can be taken from, and which is chosen."""

    def use_receiver(self, key: str) -> views.Receivers:
        """Chooses where positions are taken from; kept on this machine."""

    def refresh_meter(self) -> views.Meter:
        """Live values once more, of the meter that was read and is still at the probe."""

    def leave_meter(self) -> None:
        """Lets go of the meter at the probe; what was read stays shown."""

    def sync_state(self) -> views.Sync:
        """What waits and what was answered."""

    def sync(self, report: Callable[[views.Sync], None], all_files: bool = False) -> views.Sync:
        """One round, or the rest of the one that runs; `all_files`: photos whatever the line costs."""

    def stop_sync(self) -> None:
        """Ends the round that runs, at once; may be called from any thread."""

    def choose_sync(self, key: str, value: str) -> views.Sync:
        """`photos`, `line` or `cap`; kept on this machine."""

    def references(self) -> Sequence[views.Reference]:
        """Published procedures, models, programs, label rules and technologies that are in use."""

    def network(self, key: str, search: str, count: int) -> views.NetworkLevel:
        """A level of the network (an empty key: the top), or what a search finds; `count` rows at most."""

    def stock(self) -> views.Stock:
        """What lies on this truck."""

    def move_stock(self, act: str, serials: Sequence[str], crew: str) -> views.StockDone:
        """`receive`, `return`, `transfer` (to `crew`) or `count`; durable on return."""

    def hand_over(self) -> str:
        """Writes the bundle for USB and returns the path."""

    def take_from_stick(self) -> str:
        """Takes in what a stick holds for this tablet and says what came; leaves its address there."""

    def panels(self) -> PanelBackend:
        """Panels of this tablet's orders; the same one each time."""

    def bench(self) -> BenchBackend:
        """Several probes at once; the same one each time."""

    def image(self) -> ImageBackend:
        """Firmware of the meter that was read last; the same one each time."""

    def recordings(self) -> RecordingBackend:
        """Recorded optical sessions; the same one each time."""

    def office(self) -> OfficeBackend:
        """The office, for those whose role lets them see it; the same one each time."""

    def close(self) -> None:
        """Closes the tablet."""
