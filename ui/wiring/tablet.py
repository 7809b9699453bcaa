"""`fieldtool.tablet.Tablet` as the backend of the screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from PySide6.QtQuick import QQuickImageProvider

from fieldtool.errors import JobError
from fieldtool.office import OfficeClient, StoreMemory
from fieldtool.procedure.model import Procedure
from fieldtool.run.surroundings import LabelReader
from fieldtool.security.people import KnownPerson
from fieldtool.tablet import lists as tablet_lists
from fieldtool.tablet import rows as tablet_rows
from fieldtool.tablet.fromstick import take_from
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from ui import views
from ui.backend import Answers, Report
from ui.translator import CatalogueTranslator
from ui.wiring import lists
from ui.wiring.bench import WiredBench
from ui.wiring.camera import ArrayProvider, CameraProvider, LiveCamera, PhotoProvider
from ui.wiring.face import choices
from ui.wiring.formats import Formats
from ui.wiring.images import WiredImage
from ui.wiring.looking import Looking
from ui.wiring.metertool import MeterTool
from ui.wiring.network import network_level
from ui.wiring.office import WiredOffice
from ui.wiring.officesla import KeptChoices
from ui.wiring.panel import WiredPanel
from ui.wiring.positions import receivers
from ui.wiring.recordings import WiredRecordings
from ui.wiring.references import reference_rows
from ui.wiring.runs import Runs
from ui.wiring.sticks import place_for_files, sticks
from ui.wiring.stock import move_stock, stock_view
from ui.wiring.syncing import at_stage, chosen, sync_view, taken_text
from ui.wiring.wording import worded
from workorders.journal.words import DeviceRole
from workorders.people import MAY_OVERRIDE

ENTRIES_SHOWN = 60


class WiredTablet:
    """See `ui.backend.Backend`. Called from the lanes of `ui.workers`, never from the interface thread."""

    def __init__(self, tablet: Tablet, translator: CatalogueTranslator, camera: LiveCamera) -> None:
        self.tablet = tablet
        self.translator = translator
        self.camera = camera
        self.runs = Runs(tablet, camera, self.formats, self.permitting)
        self.looking = Looking(camera, self._labels, self.runs.own_serials, self.formats, tablet.find_order)
        self._panels = WiredPanel(tablet, self.formats, camera, lambda: self.looking.read)
        self._tool = MeterTool(tablet, self.formats)
        self._bench = WiredBench(tablet, self.formats, self.now)
        self._counts: tablet_rows.OrderCounts | None = None
        self._image = WiredImage(
            tablet, self.formats, self._tool.at_probe, sticks, self._tool.forget_read, self._tool.keep
        )
        self._office_client: OfficeClient | None = None
        self._recordings = WiredRecordings(
            tablet,
            self.formats,
            self._step_titles,
            self._tool.heard,
            lambda: self._office_client,
            place_for_files,
        )
        choices = KeptChoices(lambda: self.tablet.store)
        self._office = WiredOffice(lambda: self._office_client, self.formats, self.now, choices)

    def _labels(self) -> LabelReader:
        return self.tablet.surroundings().labels

    # ── Words ───────────────────────────────────────────────────────────────

    @property
    def language(self) -> Language:
        """Language of the screens."""
        return Language(self.translator.current)

    def formats(self) -> Formats:
        """Words, numbers and times as of now."""
        with self.tablet.store.read() as connection:
            zone = tablet_lists.zone(tablet_lists.project(connection))
        return Formats(self.language, zone, self.translator.text, self.tablet.desk.now().folders)

    def now(self) -> datetime:
        """Now, by the gateway's clock."""
        return self.tablet.now()

    # ── Strip, people, orders ───────────────────────────────────────────────

    @worded
    def status(self) -> views.Status:
        """Strip."""
        row = self.tablet.status()
        probe = self.tablet.port_for(DeviceRole.NEW) is not None
        return lists.status(row, self._counts, probe, self.now(), self.formats())

    def unlock(self, passphrase: str) -> None:
        """It is open."""

    @worded
    def people(self) -> Sequence[views.PersonTile]:
        """Tiles; nobody before enrolment."""
        if not self.tablet.status().enrolled:
            return ()
        formats = self.formats()
        return tuple(lists.person(row, formats) for row in self.tablet.people() if not row.expired)

    @worded
    def enrol(self, url: str, code: str) -> None:
        """Makes this tablet known to an office, and fetches its orders at once where that works."""
        self.tablet.enrol(url, code)
        self.tablet.sync()

    @worded
    def sign_in(self, person_id: str, pin: str) -> views.SignIn:
        """Checks a PIN."""
        try:
            row = self.tablet.sign_in(person_id, pin)
        except JobError as error:
            if error.code == "wrong_pin":
                return views.SignIn(ok=False, attempts_left=int(error.params.get("left", "0")))
            if error.code == "locked_out":
                return views.SignIn(ok=False, locked_seconds=int(error.params.get("seconds", "60")))
            raise
        if row.role not in lists.OFFICE_ROLES:
            return views.SignIn(ok=True)
        self._open_office(person_id, pin)
        return views.SignIn(ok=True, role="supervisor")

    def _open_office(self, person_id: str, pin: str) -> None:
        """A session at the gateway; without contact the pages show what the office said last."""
        gateway = self.tablet.status().gateway
        if gateway is None:
            return
        self._office_client = OfficeClient(gateway, StoreMemory(self.tablet.store), self.now)
        try:
            self._office_client.sign_in(person_id, pin)
        except JobError as error:
            if error.code != "office_unreachable":
                raise

    @worded
    def sign_out(self) -> None:
        """Ends the turn."""
        self._office_client = None
        self.tablet.sign_out()

    @worded
    def orders(self) -> Sequence[views.OrderRow]:
        """All orders of the crew."""
        formats, now = self.formats(), self.now()
        rows = self.tablet.orders(OrderFilter(), limit=tablet_lists.ALL)
        # Counted with the list, not with the strip: that is read every few seconds.
        self._counts = self.tablet.order_counts()
        return tuple(lists.order_row(row, now, formats) for row in rows)

    @worded
    def order(self, order_id: str) -> views.OrderView:
        """One order."""
        formats = self.formats()
        return lists.order_view(self.tablet.order(order_id), self.now(), formats, self._step_titles(formats))

    def _step_titles(self, formats: Formats) -> lists.StepTitle:
        """Titles by the procedure that each order is worked by, each procedure looked for once."""
        procedures: dict[str, Procedure] = {}

        def title(order_id: str, step: str) -> str:
            try:
                if order_id not in procedures:
                    procedures[order_id] = self.tablet.procedure(order_id)
                return procedures[order_id].step(step).title.in_language(formats.language)
            except (JobError, KeyError):
                return step.replace("_", " ")  # of a procedure that this tablet never had

        return title

    @worded
    def find(self, code: str) -> str:
        """Order of a scanned code."""
        return self.tablet.find_order(code) or ""

    @worded
    def look(self, sought: views.Sought) -> views.Sighting:
        """One look through the camera."""
        return self.looking.look(sought)

    # ── Procedure ───────────────────────────────────────────────────────────

    @worded
    def start(self, order_id: str) -> views.Procedure:
        """Begins or resumes."""
        return self.runs.start(order_id)

    @worded
    def accept(self, order_id: str, step: str, answers: Answers) -> views.Procedure:
        """Answers the current step."""
        return self.runs.accept(order_id, answers)

    @worded
    def back(self, order_id: str) -> views.Procedure:
        """One step back."""
        return self.runs.back(order_id)

    @worded
    def act(self, order_id: str, step: str, action: str, values: Answers, report: Report) -> views.Procedure:
        """Something inside a step."""
        return self.runs.act(order_id, action, values, report)

    def listen(self, changed: Report) -> None:
        """Pages that change by themselves."""
        self.runs.listener = changed

    def cancel(self) -> None:
        """Stops what runs at the port; a round of sync has nothing to do with it, and goes on."""
        self.runs.cancel()
        self._panels.stop()
        self._bench.stop()
        self._image.stop()
        self._tool.stop()

    @worded
    def reasons(self, order_id: str) -> Sequence[views.Choice]:
        """Reasons not to complete."""
        return choices(self.runs.reasons(order_id), self.formats())

    @worded
    def not_done(self, order_id: str, reason: str, note: str, photo: str) -> None:
        """Closes an order as not executed."""
        self.runs.not_done(order_id, reason, note, bool(photo))

    @worded
    def change_work(self, order_id: str, to: str, reason: str, note: str, photo: str) -> views.Procedure:
        """Goes on with other work than was ordered."""
        return self.runs.change_work(order_id, to, reason, note, bool(photo))

    @worded
    def take_photo(self) -> str:
        """Takes the photo that *No ejecutada* may need; it is sealed when the order is closed."""
        return self.runs.take_loose_photo()

    def permitting(self) -> tuple[views.Choice, ...]:
        """People who may permit what a rule forbids; whoever is signed in stands first."""
        if not self.tablet.status().enrolled:
            return ()
        here = self.tablet.person()

        def first(person: KnownPerson) -> bool:
            return here is None or person.id != here.id

        may = sorted((one for one in self.tablet.people_here.known() if one.role in MAY_OVERRIDE), key=first)
        return tuple(views.Choice(key=one.id, title=one.name) for one in may)

    # ── Meter and sync ──────────────────────────────────────────────────────

    @worded
    def meter(self) -> views.Meter:
        """What was read last, or whether there is a probe."""
        return self._tool.shown()

    @worded
    def use_head(self, head: str) -> views.Meter:
        """Another optical head."""
        return self._tool.use_head(head)

    @worded
    def read_meter(self, report: Callable[[views.Meter], None]) -> views.Meter:
        """Reads the meter at the probe."""
        return self._tool.read(report)

    @worded
    def refresh_meter(self) -> views.Meter:
        """Live values once more."""
        return self._tool.refresh()

    def leave_meter(self) -> None:
        """Ends the session with the meter."""
        self._tool.leave()

    @worded
    def receivers(self) -> views.Receivers:
        """Where a position can be taken from."""
        return receivers(self.tablet.settings().position, self.tablet.ports(), self.formats())

    @worded
    def use_receiver(self, key: str) -> views.Receivers:
        """Chooses where positions are taken from."""
        self.tablet.save_settings(msgspec.structs.replace(self.tablet.settings(), position=key))
        return self.receivers()

    @worded
    def sync_state(self) -> views.Sync:
        """What waits and what was answered."""
        formats, now = self.formats(), self.now()
        rows = self.tablet.entries(pending=True, limit=ENTRIES_SHOWN)
        rows += self.tablet.entries(pending=False, limit=ENTRIES_SHOWN)
        # Lists that came in and were answered are no news for a crew; what waits or needs an answer is.
        told = [row for row in rows if row.order_id or row.verdict not in ("applied", "duplicate")]
        titles = self._step_titles(formats)
        entries = [lists.sync_entry(row, now, formats, titles) for row in told]
        summary = self.tablet.sync_summary()
        shown = lists.folded(entries, summary.pending, formats)
        return sync_view(summary, self.tablet.status(), shown, self.tablet.settings(), now, formats)

    @worded
    def sync(self, report: Callable[[views.Sync], None], all_files: bool = False) -> views.Sync:
        """One round, or the rest of the one that runs."""
        formats, before = self.formats(), self.sync_state()
        self.tablet.syncing.round(lambda at: report(at_stage(before, at, formats)), all_files=all_files)
        return self.sync_state()

    def stop_sync(self) -> None:
        """Ends the round that runs."""
        self.tablet.syncing.cancel()

    @worded
    def choose_sync(self, key: str, value: str) -> views.Sync:
        """Keeps a choice of the sync page."""
        self.tablet.save_settings(chosen(self.tablet.settings(), key, value))
        return self.sync_state()

    @worded
    def network(self, key: str, search: str, count: int) -> views.NetworkLevel:
        """A level of the network, or what a search finds."""
        return network_level(self.tablet, key, search, count, self.formats())

    @worded
    def stock(self) -> views.Stock:
        """What lies on this truck."""
        return stock_view(self.tablet, self.formats())

    @worded
    def move_stock(self, act: str, serials: Sequence[str], crew: str) -> views.StockDone:
        """Changes hands, or counts."""
        return move_stock(self.tablet, act, serials, crew, self.formats())

    @worded
    def references(self) -> Sequence[views.Reference]:
        """Published files in use."""
        return reference_rows(self.tablet.references(), self.now(), self.formats())

    @worded
    def hand_over(self) -> str:
        """Writes what the office has not answered onto the first stick that is plugged in."""
        return self.tablet.hand_over(self._stick()).name

    @worded
    def take_from_stick(self) -> str:
        """Takes orders and others' hand-overs from the first stick that is plugged in."""
        return taken_text(take_from(self.tablet, self._stick()), self.formats())

    def _stick(self) -> Path:
        found = sticks()
        if not found:
            say = self.translator.text
            raise views.Failure(
                say("No hay memoria USB"),
                say("Conéctela, espere a que aparezca y pruebe otra vez."),
                "no_stick",
            )
        return found[0]

    def panels(self) -> WiredPanel:
        """Panels of this tablet's orders."""
        return self._panels

    def panel_picture(self) -> np.ndarray | None:
        """The photo of the open panel, H×W×3 BGR."""
        return self._panels.photos.picture()

    def other_camera(self) -> bool:
        """The next camera of this machine."""
        return self.camera.other()

    def light(self, on: bool) -> bool:
        """The lamp beside the camera."""
        return self.camera.light(on)

    def bench(self) -> WiredBench:
        """Several probes at once."""
        return self._bench

    def recordings(self) -> WiredRecordings:
        """Recorded sessions."""
        return self._recordings

    def image(self) -> WiredImage:
        """Firmware of the meter that was read."""
        return self._image

    def office(self) -> WiredOffice:
        """The supervisor's side."""
        return self._office

    def providers(self) -> dict[str, QQuickImageProvider]:
        """Pictures for QML: the live view and photos of the order on the page."""
        return {
            "camera": CameraProvider(self.camera),
            "photo": PhotoProvider(self.runs.any_picture),
            "panel": ArrayProvider(self.panel_picture),
        }

    def close(self) -> None:
        """Lets go of camera, meters and store."""
        self.camera.close()
        self.leave_meter()
        self.tablet.close()
