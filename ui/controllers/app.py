"""The root of what QML sees: places, status, theme and language, and the controllers of the pages."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import views
from ui.backend import Backend
from ui.controllers.base import Context, Controller
from ui.controllers.image import ImageController
from ui.controllers.kept import KeptController
from ui.controllers.many import BenchController, PanelController
from ui.controllers.network import NetworkController
from ui.controllers.office import OfficeController
from ui.controllers.officestock import OfficeStockController
from ui.controllers.orders import OrderController, OrdersController
from ui.controllers.orphans import OrphansController
from ui.controllers.panelphoto import PanelPhotoController
from ui.controllers.procedure import ProcedureController
from ui.controllers.recording import RecordingController
from ui.controllers.scan import ScanController
from ui.controllers.session import SessionController
from ui.controllers.stock import StockController
from ui.controllers.tools import MeterController, ReferencesController, SyncController
from ui.qt import Property, QmlUncreatable
from ui.translator import LANGUAGES, CatalogueTranslator
from ui.workers import Lane, Workers

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1

STATUS_EVERY_MS = 5000


@QmlElement
@QmlUncreatable("made by the program")
class AppController(Controller):
    """One program: the role decides which places it has."""

    statusChanged = Signal()
    placeChanged = Signal()
    languageChanged = Signal()
    positionSourcesChanged = Signal()
    darkChanged = Signal()
    beepChanged = Signal()
    toast = Signal(str, str)

    def __init__(
        self,
        backend: Backend,
        workers: Workers,
        translator: CatalogueTranslator,
        *,
        dark: bool = False,
        reduced_motion: bool = False,
        beep: bool = False,
        sound: Callable[[], None] | None = None,
        remember: Callable[[str, str], None] = lambda name, value: None,
    ) -> None:
        super().__init__(Context(backend, workers, self._say, translator.text))
        self._translator = translator
        self._remember = remember
        self._beep, self._sound = beep, sound
        self.context.read = self._has_read
        self._dark = dark
        self._reduced_motion = reduced_motion
        self._place = "signIn"
        self._photo_for = ""
        self._status = views.to_qml(views.Status())
        self._receivers = views.to_qml(views.Receivers())
        self._scan = ScanController(self.context, self)
        self.context.scan = self._scan.ask
        self._session = SessionController(self.context, self)
        self._orders = OrdersController(self.context, self)
        self._order = OrderController(self.context, self)
        self._procedure = ProcedureController(self.context, self)
        self._meter = MeterController(self.context, self)
        self._image = ImageController(self.context, self)
        self._recording = RecordingController(self.context, self)
        self._sync = SyncController(self.context, self)
        self._references = ReferencesController(self.context, self)
        self._panel = PanelController(self.context, self)
        self._panel_photo = PanelPhotoController(self.context, self)
        self._stock = StockController(self.context, self)
        self._network = NetworkController(self.context, lambda: self._session.role == "supervisor", self)
        self._bench = BenchController(self.context, self)
        self._office = OfficeController(self.context, lambda: self.context.backend.office(), self)
        self._orphans = OrphansController(self.context, lambda: self.context.backend.office(), self)
        self._office_stock = OfficeStockController(self.context, lambda: self.context.backend.office(), self)
        self._kept = KeptController(self.context, lambda: self.context.backend.office(), self)
        self._session.signedInChanged.connect(self._signed_in)
        self._session.enrolled.connect(self.refresh)
        self._session.unlocked.connect(self.refresh)
        self._orders.found.connect(self.openOrder)
        self._office.recordingWanted.connect(self._open_of_office)
        self._orders.loadedAnew.connect(self.refresh)
        self._order.closed.connect(self._order_closed)
        self._procedure.finished.connect(self._order_finished)
        self._procedure.workChanged.connect(lambda: self.go("procedure"))
        self._panel_photo.changed.connect(self._photo_closed)
        self._sync.finished.connect(self._synced)
        self._timer = QTimer(self)
        self._timer.setInterval(STATUS_EVERY_MS)
        self._timer.timeout.connect(self.refresh)

    # ── Controllers of the pages ────────────────────────────────────────────

    @Property(SessionController, constant=True)
    def session(self) -> SessionController:
        return self._session

    @Property(OrphansController, constant=True)
    def orphans(self) -> OrphansController:
        return self._orphans

    @Property(OfficeStockController, constant=True)
    def officeStock(self) -> OfficeStockController:
        return self._office_stock

    @Property(KeptController, constant=True)
    def kept(self) -> KeptController:
        return self._kept

    @Property(OrdersController, constant=True)
    def orders(self) -> OrdersController:
        return self._orders

    @Property(OrderController, constant=True)
    def order(self) -> OrderController:
        return self._order

    @Property(ProcedureController, constant=True)
    def procedure(self) -> ProcedureController:
        return self._procedure

    @Property(MeterController, constant=True)
    def meter(self) -> MeterController:
        return self._meter

    @Property(ImageController, constant=True)
    def image(self) -> ImageController:
        return self._image

    @Property(RecordingController, constant=True)
    def recording(self) -> RecordingController:
        return self._recording

    @Property(SyncController, constant=True)
    def sync(self) -> SyncController:
        return self._sync

    @Property(ReferencesController, constant=True)
    def references(self) -> ReferencesController:
        return self._references

    @Property(StockController, constant=True)
    def stock(self) -> StockController:
        return self._stock

    @Property(NetworkController, constant=True)
    def network(self) -> NetworkController:
        return self._network

    @Property(ScanController, constant=True)
    def scan(self) -> ScanController:
        return self._scan

    @Property(PanelPhotoController, constant=True)
    def panelPhoto(self) -> PanelPhotoController:
        return self._panel_photo

    @Property(PanelController, constant=True)
    def panel(self) -> PanelController:
        return self._panel

    @Property(BenchController, constant=True)
    def bench(self) -> BenchController:
        return self._bench

    @Property(OfficeController, constant=True)
    def office(self) -> OfficeController:
        return self._office

    # ── Place, status, look ─────────────────────────────────────────────────

    @Property(str, notify=placeChanged)
    def place(self) -> str:
        """`signIn`, `orders`, `order`, `procedure`, `notDone`, `meter`, `sync`, `more`, `stock` …"""
        return self._place

    @Property("QVariantMap", notify=statusChanged)
    def status(self) -> dict[str, object]:
        """Fields of `ui.views.Status`."""
        return self._status

    @Property(bool, notify=darkChanged)
    def dark(self) -> bool:
        return self._dark

    @Property(bool, constant=True)
    def reducedMotion(self) -> bool:
        """True where the system asks for less motion."""
        return self._reduced_motion

    @Property(str, notify=languageChanged)
    def language(self) -> str:
        return self._translator.current

    @Property("QVariantList", constant=True)
    def languages(self) -> list[dict[str, str]]:
        return [{"key": key, "title": title} for key, title in LANGUAGES.items()]

    @Slot()
    def begin(self) -> None:
        """First reading of everything; called when the window is up."""
        self.refresh()
        self._session.load()
        self._timer.start()

    def end(self) -> None:
        """Asks nothing any more; called before the workers stop."""
        self._timer.stop()

    @Slot()
    def refresh(self) -> None:
        """Reads the strip again."""
        self.run(Lane.DATABASE, self.context.backend.status, self._set_status)
        if self._place == "sync":
            self._sync.look()

    @Slot(str)
    def go(self, place: str) -> None:
        """Opens a place and reads what it shows."""
        load = {
            "orders": self._orders.load,
            "meter": self._meter.load,
            "image": self._image.load,
            "recording": self._recording.load,
            "panel": self._panel.load,
            "bench": self._bench.load,
            "sync": self._sync.load,
            "notDone": self._order.loadReasons,
            "more": self._load_more,
            "stock": self._stock.load,
            "network": self._network.load,
            "board": self._office.loadBoard,
            "exceptions": self._office.loadQueue,
            "sla": self._office.loadSla,
            "officeOrders": self._office.loadList,
            "orphans": self._orphans.load,
            "kept": self._kept.load,
            "officeStock": self._office_stock.load,
        }.get(place)
        self._scan.close()
        if place != self._place:
            self._place = place
            self.placeChanged.emit()
        if load is not None:
            load()

    @Slot(str)
    def openOrder(self, order_id: str) -> None:
        """Opens the page of an order."""
        self._order.load(order_id)
        self.go("order")

    @Slot(str)
    def startOrder(self, order_id: str) -> None:
        """Opens the procedure of an order where it was left."""
        self._order.load(order_id)
        self._procedure.start(order_id)
        self.go("procedure")

    @Slot(str)
    def openRecordings(self, order_id: str) -> None:
        """Opens the recordings of an order."""
        self._recording.open_order(order_id, self._place)
        self.go("recording")

    @Slot()
    def openMeterRecording(self) -> None:
        """Opens what crossed the line on the page *Medidor*."""
        self._recording.open_meter(self._place)
        self.go("recording")

    @Slot()
    def openBenchRecordings(self) -> None:
        """Opens the recordings of meters that did not pass at the bench."""
        self._recording.open_bench(self._place)
        self.go("recording")

    def _open_of_office(self, order_id: str, key: str) -> None:
        self._recording.open_office(order_id, key, self._place)
        self.go("recording")

    @Slot(str)
    def openPanelPhoto(self, panel: str) -> None:
        """The photo of a panel that a step of the procedure wants; closed, it leads back to the step."""
        self._photo_for = self._procedure.orderId
        self._panel.open(panel)
        self.go("panel")
        self._panel_photo.show()

    def _photo_closed(self) -> None:
        if self._photo_for and not self._panel_photo.open:
            order_id, self._photo_for = self._photo_for, ""
            self.startOrder(order_id)

    @Slot()
    def toggleTheme(self) -> None:
        """Light or dark; remembered on this tablet."""
        self._dark = not self._dark
        self._remember("theme", "dark" if self._dark else "light")
        self.darkChanged.emit()

    @Property(bool, constant=True)
    def canBeep(self) -> bool:
        """Whether this machine has a sound for a code that was read."""
        return self._sound is not None

    @Property(bool, notify=beepChanged)
    def beep(self) -> bool:
        return self._beep

    @Slot(bool)
    def setBeep(self, beep: bool) -> None:
        """With a sound or without; remembered on this tablet. It is heard at once."""
        self._beep = beep
        self._remember("beep", "yes" if beep else "")
        self.beepChanged.emit()
        self._has_read()

    def _has_read(self) -> None:
        if self._beep and self._sound is not None:
            self._sound()

    @Slot(str)
    def setLanguage(self, language: str) -> None:
        """Switches all texts at once."""
        if language != self._translator.current:
            self._translator.use(language)
            self._remember("language", language)
            self.languageChanged.emit()
            # What the tablet says in words is asked for again.
            self.refresh()
            if self._place == "signIn":
                self._session.load()
            else:
                self.go(self._place)
                self._office.reopen()

    @Property("QVariantMap", notify=positionSourcesChanged)
    def positionSources(self) -> dict[str, object]:
        """Fields of `ui.views.Receivers`."""
        return self._receivers

    @Slot(str)
    def usePositionSource(self, key: str) -> None:
        """Takes positions from there from now on."""
        self.run(Lane.DATABASE, lambda: self.context.backend.use_receiver(key), self._set_receivers)

    def _load_more(self) -> None:
        self._references.load()
        self.run(Lane.DATABASE, self.context.backend.receivers, self._set_receivers)

    def _set_receivers(self, receivers: views.Receivers) -> None:
        self._receivers = views.to_qml(receivers)
        self.positionSourcesChanged.emit()

    def _say(self, text: str, tone: str) -> None:
        self.toast.emit(text, tone)

    def _set_status(self, status: views.Status) -> None:
        self._status = views.to_qml(status)
        self.statusChanged.emit()

    def _signed_in(self) -> None:
        if not self._session.signedIn:
            self.go("signIn")
            return
        self.refresh()
        self.go("board" if self._session.role == "supervisor" else "orders")

    def _order_closed(self) -> None:
        self._say(self.context.text("Guardado en este equipo"), "good")
        self.refresh()
        self.go("orders")

    def _order_finished(self) -> None:
        self._say(self.context.text("Orden terminada. Guardada en este equipo."), "good")
        self.refresh()
        self.go("orders")

    def _synced(self) -> None:
        self.refresh()
        self._orders.load()
