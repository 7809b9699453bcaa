"""Many meters: the page *Panel*, where one probe moves along and the orders follow it."""

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
class PanelController(Controller):
    """Panels, and the run along one of them."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._panel = views.to_qml(manyviews.Panel())
        self._known = False
        self._running = False

    @Property("QVariantMap", notify=changed)
    def panel(self) -> dict[str, object]:
        """Fields of `ui.manyviews.Panel`."""
        return self._panel

    @Property(bool, notify=changed)
    def known(self) -> bool:
        """Whether the panels were read at all."""
        return self._known

    @Slot()
    def load(self) -> None:
        """Reads the panels, or the open one."""
        if not self._running:
            self.run(Lane.DATABASE, lambda: self.context.backend.panels().load(), self.show)

    @Slot(str)
    def open(self, key: str) -> None:
        """Opens a panel; nothing: the list of panels."""
        self.run(Lane.DATABASE, lambda: self.context.backend.panels().open(key), self.show)

    @Slot()
    def start(self) -> None:
        """Begins to look for meters; a second tap asks for nothing."""
        if self._running:
            return
        self._running = True

        def report(view: manyviews.Panel) -> None:
            self.context.workers.post(lambda: self.show(view))

        def work() -> manyviews.Panel:
            try:
                return self.context.backend.panels().run(report)
            finally:
                self.context.workers.post(self._ended)

        self.run(Lane.PORT, work, self.show)

    @Slot()
    def stop(self) -> None:
        """Ends the run; what is being written is finished first."""
        if self._running:
            self.context.backend.panels().stop()

    @Slot()
    def again(self) -> None:
        """The meter under the probe once more."""
        self.context.backend.panels().again()

    @Slot(str)
    def at(self, slot: str) -> None:
        """The probe is at this slot."""
        self.show(self.context.backend.panels().at(slot))

    def _ended(self) -> None:
        self._running = False
        self._panel = self._panel | {"running": False}
        self.changed.emit()

    def show(self, panel: manyviews.Panel) -> None:
        """Takes a new state."""
        self._panel = views.to_qml(panel)
        self._known = True
        self.changed.emit()
