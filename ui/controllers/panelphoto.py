"""The photo of a panel: taken, corrected slot by slot, registered into the orders."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import manyviews, views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
@QmlUncreatable("made by the program")
class PanelPhotoController(Controller):
    """The photo of the panel that is open."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._photo = views.to_qml(manyviews.PanelPhoto())
        self._open = False

    @Property("QVariantMap", notify=changed)
    def photo(self) -> dict[str, object]:
        """Fields of `ui.manyviews.PanelPhoto`."""
        return self._photo

    @Property(bool, notify=changed)
    def open(self) -> bool:
        """Whether the page shows the photo."""
        return self._open

    @Slot()
    def show(self) -> None:
        """To the photo."""
        self._open = True
        self.run(Lane.DATABASE, lambda: self.context.backend.panels().photo(), self._shown)

    @Slot()
    def close(self) -> None:
        """Back to the panel."""
        self._open = False
        self.clear_failure()
        self.changed.emit()

    @Slot()
    def take(self) -> None:
        """A new photo."""
        if not self.busy:
            self.run(Lane.CAMERA, lambda: self.context.backend.panels().take_photo(), self._shown)

    @Slot(int, int)
    def resize(self, rows: int, columns: int) -> None:
        """Another number of slots."""
        if not self.busy and 0 < rows <= 20 and 0 < columns <= 20:
            work = self.context.backend.panels()
            self.run(Lane.CAMERA, lambda: work.size_photo(rows, columns), self._shown)

    @Slot(str)
    def look(self, slot: str) -> None:
        """A second look at one slot: with the camera, a hand-held reader, or typed."""

        def read(serial: str) -> None:
            self.run(Lane.DATABASE, lambda: self.context.backend.panels().say_slot(slot, serial), self._shown)

        self.context.scan("device", read)

    @Slot()
    def register(self) -> None:
        """Into the orders."""
        if not self.busy:
            self.run(Lane.DATABASE, lambda: self.context.backend.panels().register_photo(), self._shown)

    def _shown(self, photo: manyviews.PanelPhoto) -> None:
        self._photo = views.to_qml(photo)
        self.changed.emit()
