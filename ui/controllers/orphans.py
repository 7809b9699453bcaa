"""*Huérfanos*: devices that the record and the network do not agree about, by list, zone and crew."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import officeviews, views
from ui.controllers.base import Context, Controller
from ui.officebackend import OfficeBackend
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1

PAGE = 100


@QmlElement
@QmlUncreatable("made by the program")
class OrphansController(Controller):
    """The list that is open; zone and crew are those of the pages of orders too, and stay."""

    changed = Signal()

    def __init__(
        self, context: Context, office: Callable[[], OfficeBackend], parent: QObject | None = None
    ) -> None:
        super().__init__(context, parent)
        self._office = office
        self._which, self._wanted, self._turn = "", PAGE, 0
        self._shown = views.to_qml(officeviews.Orphans())
        self._key = ""

    @Property("QVariantMap", notify=changed)
    def list(self) -> dict[str, object]:
        """Fields of `ui.officeviews.Orphans`."""
        return self._shown

    @Property("QVariantMap", notify=changed)
    def open(self) -> dict[str, object]:
        """Fields of the `ui.officeviews.OrphanView` that is open; empty when none is."""
        rows = self._shown.get("rows")
        found = [row for row in rows if row["key"] == self._key] if isinstance(rows, list) else []
        return dict(found[0]) if found else {}

    @Slot()
    def load(self) -> None:
        """Asks the office again."""
        self._ask(None, None)

    def _ask(self, zone: str | None, crew: str | None) -> None:
        """An answer that another question has overtaken is not shown."""
        self._turn += 1
        turn, which, count = self._turn, self._which, self._wanted

        def show(found: officeviews.Orphans) -> None:
            if turn == self._turn:
                self._which = found.which
                self._shown = views.to_qml(found)
                self.changed.emit()

        self.run(Lane.SYNC, lambda: self._office().orphans(which, zone, crew, count), show)

    @Slot(str)
    def choose(self, which: str) -> None:
        """Another list."""
        self._which, self._wanted, self._key = which, PAGE, ""
        self.load()

    @Slot(str)
    def chooseZone(self, zone: str) -> None:
        """Only what hangs below a node; empty: all."""
        self._wanted, self._key = PAGE, ""
        self._ask(zone, None)

    @Slot(str)
    def chooseCrew(self, crew: str) -> None:
        """Only what a crew mounted; empty: all."""
        self._wanted, self._key = PAGE, ""
        self._ask(None, crew)

    @Slot()
    def more(self) -> None:
        """The next page too."""
        self._wanted += PAGE
        self.load()

    @Slot(str)
    def show(self, key: str) -> None:
        """Opens a device; an empty key closes it."""
        self._key = key
        self.changed.emit()
