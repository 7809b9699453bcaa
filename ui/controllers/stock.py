"""*Existencias*: what lies on the truck; devices are scanned one by one, and one act takes them all."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
@QmlUncreatable("made by the program")
class StockController(Controller):
    """`act` is empty while the list is looked at, else `receive`, `return`, `transfer` or `count`."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._stock = views.to_qml(views.Stock())
        self._known = False
        self._act = ""
        self._crew = ""
        self._picked: list[str] = []
        self._done: dict[str, object] = {}

    @Property("QVariantMap", notify=changed)
    def stock(self) -> dict[str, object]:
        """Fields of `ui.views.Stock`."""
        return self._stock

    @Property(bool, notify=changed)
    def known(self) -> bool:
        """Whether it was read at all."""
        return self._known

    @Property(str, notify=changed)
    def act(self) -> str:
        return self._act

    @Property(str, notify=changed)
    def crew(self) -> str:
        """To whom devices are handed."""
        return self._crew

    @Property("QVariantList", notify=changed)
    def picked(self) -> list[str]:
        """Serials scanned so far, the newest first."""
        return self._picked

    @Property("QVariantMap", notify=changed)
    def done(self) -> dict[str, object]:
        """Fields of `ui.views.StockDone` of the last act, until the next one begins."""
        return self._done

    @Slot()
    def load(self) -> None:
        """Reads the stock; an act under way goes on."""
        self.run(Lane.DATABASE, self.context.backend.stock, self.show)

    @Slot(str)
    def begin(self, act: str) -> None:
        """Starts an act, with nothing picked."""
        self._act, self._crew, self._picked, self._done = act, "", [], {}
        self.changed.emit()

    @Slot()
    def leave(self) -> None:
        """Gives the act up; nothing was changed."""
        self.begin("")

    @Slot()
    def scan(self) -> None:
        """Scans device after device until the view is closed."""
        self.context.scan("device", self._scanned)

    @Slot(str)
    def pick(self, serial: str) -> None:
        """Takes a serial; one that is picked already is not taken twice."""
        plain = serial.strip().upper()
        if plain and plain not in self._picked:
            self._picked = [plain, *self._picked]
            self.changed.emit()

    @Slot(str)
    def drop(self, serial: str) -> None:
        """Takes it off again."""
        self._picked = [one for one in self._picked if one != serial]
        self.changed.emit()

    @Slot(str)
    def chooseCrew(self, crew: str) -> None:
        """Says to whom."""
        self._crew = crew
        self.changed.emit()

    @Slot()
    def save(self) -> None:
        """Does it; a second tap meanwhile asks for nothing."""
        if self._jobs or not self._act:
            return
        act, serials, crew = self._act, list(self._picked), self._crew
        self.run(Lane.DATABASE, lambda: self.context.backend.move_stock(act, serials, crew), self._was_done)

    def show(self, stock: views.Stock) -> None:
        """Takes a new state."""
        self._stock = views.to_qml(stock)
        self._known = True
        self.changed.emit()

    def _scanned(self, text: str) -> None:
        self.pick(text)
        self.scan()

    def _was_done(self, done: views.StockDone) -> None:
        self.leave()
        self._done = views.to_qml(done)
        self.changed.emit()
        self.load()
