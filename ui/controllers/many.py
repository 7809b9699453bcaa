"""Many meters: *Panel*, where one probe moves along, and *Banco*, where several work at once."""

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


@QmlElement
@QmlUncreatable("made by the program")
class BenchController(Controller):
    """Several probes at once, one program for a pallet."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._bench = views.to_qml(manyviews.Bench())
        self._running = False

    @Property("QVariantMap", notify=changed)
    def bench(self) -> dict[str, object]:
        """Fields of `ui.manyviews.Bench`."""
        return self._bench

    @Slot()
    def load(self) -> None:
        """Reads what can be chosen."""
        if not self._running:
            self.run(Lane.PORT, lambda: self.context.backend.bench().load(), self.show)

    @Slot(str)
    def chooseProgram(self, key: str) -> None:
        """Another program."""
        self.run(Lane.DATABASE, lambda: self.context.backend.bench().choose(key, ""), self.show)

    @Slot(str)
    def choosePort(self, key: str) -> None:
        """This probe, or not."""
        self.run(Lane.DATABASE, lambda: self.context.backend.bench().choose("", key), self.show)

    @Slot()
    def start(self) -> None:
        """Begins; a second tap asks for nothing."""
        if self._running:
            return
        self._running = True

        def report(view: manyviews.Bench) -> None:
            self.context.workers.post(lambda: self.show(view))

        def work() -> manyviews.Bench:
            try:
                return self.context.backend.bench().run(report)
            finally:
                self.context.workers.post(self._ended)

        self.run(Lane.PORT, work, self.show)

    @Slot()
    def stop(self) -> None:
        """Ends; what is being written is finished first."""
        if self._running:
            self.context.backend.bench().stop()

    @Slot(str)
    def again(self, port: str) -> None:
        """The meter at this probe once more."""
        self.context.backend.bench().again(port)

    @Slot(str)
    def scanned(self, serial: str) -> None:
        """A label was read by a hand scanner or typed."""
        if serial.strip():
            self.context.backend.bench().scanned(serial)

    @Slot()
    def permit(self) -> None:
        """What is asked for, on every meter of this pallet."""
        self.context.backend.bench().permit()

    @Slot()
    def save(self) -> None:
        """Writes the pallet as CSV."""
        self.run(Lane.DATABASE, lambda: self.context.backend.bench().save(), self._saved)

    def _saved(self, path: str) -> None:
        self.context.toast(self.context.text("Lista guardada: {path}").replace("{path}", path), "good")

    def _ended(self) -> None:
        self._running = False
        self._bench = self._bench | {"running": False}
        self.changed.emit()

    def show(self, bench: manyviews.Bench) -> None:
        """Takes a new state."""
        self._bench = views.to_qml(bench)
        self.changed.emit()
