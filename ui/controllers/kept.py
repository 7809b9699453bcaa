"""*Tabletas revocadas*: what they handed over, and taking it in."""

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


@QmlElement
@QmlUncreatable("made by the program")
class KeptController(Controller):
    """The tablets that wait and the one that is open; what is accepted is posted, then all asked again."""

    changed = Signal()

    def __init__(
        self, context: Context, office: Callable[[], OfficeBackend], parent: QObject | None = None
    ) -> None:
        super().__init__(context, parent)
        self._office = office
        self._key, self._turn = "", 0
        self._shown = views.to_qml(officeviews.Kept())

    @Property("QVariantMap", notify=changed)
    def list(self) -> dict[str, object]:
        """Fields of `ui.officeviews.Kept`."""
        return self._shown

    @Slot()
    def load(self) -> None:
        """Asks the office; an answer that another question has overtaken is not shown."""
        self._turn += 1
        turn, key = self._turn, self._key

        def show(found: officeviews.Kept) -> None:
            if turn == self._turn:
                self._shown = views.to_qml(found)
                self.changed.emit()

        self.run(Lane.SYNC, lambda: self._office().kept(key), show)

    @Slot(str)
    def open(self, key: str) -> None:
        """Opens a tablet with its orders; an empty key closes it."""
        self._key = key
        self.load()

    @Slot(str)
    def accept(self, reason: str) -> None:
        """Has the office take in what the open tablet handed over."""
        key = self._key
        if not key or not reason.strip() or self._jobs:
            return
        self.run(Lane.SYNC, lambda: self._office().accept_kept(key, reason.strip()), self._accepted)

    def _accepted(self, told: str) -> None:
        self.context.toast(self.context.text("La oficina lo aceptó") + f". {told}", "good")
        self.open("")
