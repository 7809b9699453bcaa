"""The tools beside the orders: *Medidor*, *Sincronizar*, and what *Más* says of reference files."""

from __future__ import annotations

from collections.abc import Sequence

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
class MeterController(Controller):
    """The meter at the probe, without an order."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._meter = views.to_qml(views.Meter())
        self._reading = False

    @Property("QVariantMap", notify=changed)
    def meter(self) -> dict[str, object]:
        """Fields of `ui.views.Meter`."""
        return self._meter

    @Slot()
    def load(self) -> None:
        """Shows what was read last, without touching the port."""
        self.run(Lane.DATABASE, self.context.backend.meter, self.show)

    @Slot()
    def read(self) -> None:
        """Reads the meter; a second tap while it is being read asks for nothing."""
        if self._reading:
            return
        self._reading = True

        def report(view: views.Meter) -> None:
            self.context.workers.post(lambda: self.show(view))

        def work() -> views.Meter:
            try:
                return self.context.backend.read_meter(report)
            finally:
                self.context.workers.post(self._was_read)

        self.run(Lane.PORT, work, self.show)

    def _was_read(self) -> None:
        self._reading = False

    @Slot(str)
    def useHead(self, head: str) -> None:
        """Another optical head; what was read by the one before is let go."""
        self.run(Lane.PORT, lambda: self.context.backend.use_head(head), self.show)

    @Slot()
    def refresh(self) -> None:
        """Live values once more, if nothing else goes on."""
        if self._jobs or not self._meter.get("live"):
            return

        def work() -> views.Meter:
            try:
                return self.context.backend.refresh_meter()
            except Exception:
                self.context.workers.post(self.show_stale)
                raise

        self.run(Lane.PORT, work, self.show)

    @Slot()
    def leave(self) -> None:
        """Lets go of the meter: another page may need the probe."""
        if self._meter.get("live"):
            self._meter = self._meter | {"live": False}
            self.run(Lane.PORT, self.context.backend.leave_meter, lambda _: None)

    @Slot()
    def cancel(self) -> None:
        """Stops reading."""
        self.context.backend.cancel()

    def show_stale(self) -> None:
        """What was read last stays, but nobody reads it again by itself."""
        self._meter = self._meter | {"live": False}
        self.changed.emit()

    def show(self, meter: views.Meter) -> None:
        """Takes a new state."""
        self._meter = views.to_qml(meter)
        self.changed.emit()


@QmlElement
@QmlUncreatable("made by the program")
class SyncController(Controller):
    """What waits to be sent and what the office answered."""

    changed = Signal()
    finished = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._sync = views.to_qml(views.Sync())
        self._known = False

    @Property("QVariantMap", notify=changed)
    def sync(self) -> dict[str, object]:
        """Fields of `ui.views.Sync`."""
        return self._sync

    @Property(bool, notify=changed)
    def known(self) -> bool:
        """Whether the state was read at all; before, nothing is said about what waits."""
        return self._known

    @Slot()
    def load(self) -> None:
        """Reads the state from the database."""
        self.run(Lane.DATABASE, self.context.backend.sync_state, self.show)

    def look(self) -> None:
        """Reads the state again while the page stands open; a round of our own tells itself."""
        if not self._jobs:
            self.context.workers.run(Lane.DATABASE, self.context.backend.sync_state, self._seen)

    @Slot()
    def stop(self) -> None:
        """Ends the round that runs; what it got through stays."""
        self.context.backend.stop_sync()

    @Slot(str, str)
    def choose(self, key: str, value: str) -> None:
        """`photos`, `line` or `cap`: what goes over which line."""
        self.run(Lane.DATABASE, lambda: self.context.backend.choose_sync(key, value), self.show)

    @Slot()
    def start(self) -> None:
        """One round; never blocks the work and raises no dialog."""
        self._begin(all_files=False)

    @Slot()
    def startWithPhotos(self) -> None:
        """One round with photos, whatever the line costs."""
        self._begin(all_files=True)

    def _seen(self, sync: views.Sync) -> None:
        if not self._jobs:
            self.show(sync)

    def _begin(self, *, all_files: bool) -> None:
        if self._jobs:
            return

        def report(view: views.Sync) -> None:
            self.context.workers.post(lambda: self.show(view))

        def work() -> views.Sync:
            try:
                return self.context.backend.sync(report, all_files)
            except Exception:
                # What the round got through is in the database; nothing runs any more.
                state = self.context.backend.sync_state()
                self.context.workers.post(lambda: self.show(state))
                raise

        self.run(Lane.SYNC, work, self._ended)

    @Slot()
    def handOver(self) -> None:
        """Prepares the bundle for USB."""
        self.run(Lane.DATABASE, self.context.backend.hand_over, self._handed_over)

    @Slot()
    def takeFromStick(self) -> None:
        """Takes in what a stick holds for this tablet."""
        self.run(Lane.DATABASE, self.context.backend.take_from_stick, self._taken)

    def _taken(self, text: str) -> None:
        self.context.toast(text, "good")
        self.load()

    def show(self, sync: views.Sync) -> None:
        """Takes a new state."""
        self._sync = views.to_qml(sync)
        self._known = True
        self.changed.emit()

    def _ended(self, sync: views.Sync) -> None:
        self.show(sync)
        self.finished.emit()

    def _handed_over(self, path: str) -> None:
        self.context.toast(self.context.text("Entrega preparada: {path}").replace("{path}", path), "good")
        self.load()


@QmlElement
@QmlUncreatable("made by the program")
class ReferencesController(Controller):
    """Which published files this tablet works by."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._rows: list[dict[str, object]] = []
        self._known = False

    @Property("QVariantList", notify=changed)
    def rows(self) -> list[dict[str, object]]:
        """Fields of `ui.views.Reference`, one for each kind that something was published of."""
        return self._rows

    @Property(bool, notify=changed)
    def known(self) -> bool:
        """Whether it was read at all."""
        return self._known

    @Slot()
    def load(self) -> None:
        """Reads which are in use."""
        self.run(Lane.DATABASE, self.context.backend.references, self.show)

    def show(self, rows: Sequence[views.Reference]) -> None:
        """Takes a new state."""
        self._rows = [views.to_qml(row) for row in rows]
        self._known = True
        self.changed.emit()
