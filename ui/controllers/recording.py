"""*Grabación*: a recorded optical session, read frame by frame, and saved for support."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.recordingviews import Recording, RecordingBackend
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
@QmlUncreatable("made by the program")
class RecordingController(Controller):
    """`origin` is the place that the page was opened from, and goes back to."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._recording = views.to_qml(Recording())
        self._origin = "orders"

    @Property("QVariantMap", notify=changed)
    def recording(self) -> dict[str, object]:
        """Fields of `ui.Recording`."""
        return self._recording

    @Property(str, notify=changed)
    def origin(self) -> str:
        """The place to go back to."""
        return self._origin

    def open_order(self, order_id: str, origin: str) -> None:
        """The recordings of an order on this tablet."""
        self._open(Lane.DATABASE, lambda backend: backend.of_order(order_id), origin)

    def open_meter(self, origin: str) -> None:
        """The recording of the page *Medidor*; on the lane of the port, whose file it may be yet."""
        self._open(Lane.PORT, lambda backend: backend.of_meter(), origin)

    def open_bench(self, origin: str) -> None:
        """Those of the bench."""
        self._open(Lane.DATABASE, lambda backend: backend.of_bench(), origin)

    def open_office(self, order_id: str, key: str, origin: str) -> None:
        """One that the office holds."""
        self._open(Lane.SYNC, lambda backend: backend.of_office(order_id, key), origin)

    @Slot(str)
    def choose(self, key: str) -> None:
        """Another one of the order."""
        self._ask(Lane.DATABASE, lambda backend: backend.choose(key))

    @Slot()
    def save(self) -> None:
        """To a file."""
        self._ask(Lane.DATABASE, lambda backend: backend.save())

    def load(self) -> None:
        """The open one again: the language may be another."""
        if self._recording["frames"]:
            self._ask(Lane.DATABASE, lambda backend: backend.again())

    def show(self, recording: Recording) -> None:
        """Takes a new state."""
        self._recording = views.to_qml(recording)
        self.changed.emit()

    def _open(
        self,
        lane: Lane,
        job: Callable[[RecordingBackend], Recording],
        origin: str,
    ) -> None:
        self._origin = origin
        self.show(Recording())
        self.run(lane, lambda: job(self.context.backend.recordings()), self.show)

    def _ask(self, lane: Lane, job: Callable[[RecordingBackend], Recording]) -> None:
        if not self._jobs:
            self.run(lane, lambda: job(self.context.backend.recordings()), self.show)
