"""*Firmware*: an image into the meter at the probe, and letting it run."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import imageviews, views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
@QmlUncreatable("made by the program")
class ImageController(Controller):
    """One thing at a time: a second tap while the meter is busy asks for nothing."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._image = views.to_qml(imageviews.Image())

    @Property("QVariantMap", notify=changed)
    def image(self) -> dict[str, object]:
        """Fields of `ui.imageviews.Image`."""
        return self._image

    @Slot()
    def load(self) -> None:
        """Looks for images, and which meter was read."""
        if not self._jobs:
            self.run(Lane.PORT, lambda: self.context.backend.image().load(), self.show)

    @Slot(str)
    def choose(self, key: str) -> None:
        """Another image."""
        if not self._jobs:
            self.run(Lane.PORT, lambda: self.context.backend.image().choose(key), self.show)

    @Slot()
    def send(self) -> None:
        """Sends the chosen image and has it verified."""
        self._work(lambda report: self.context.backend.image().send(report))

    @Slot(str)
    def activate(self, figures: str) -> None:
        """Lets the meter run it."""
        self._work(lambda report: self.context.backend.image().activate(figures, report))

    @Slot()
    def stop(self) -> None:
        """Stops sending; the meter keeps what it runs."""
        self.context.backend.image().stop()

    def show(self, image: imageviews.Image) -> None:
        """Takes a new state."""
        self._image = views.to_qml(image)
        self.changed.emit()

    def _work(self, job: Callable[[imageviews.Report], imageviews.Image]) -> None:
        if self._jobs:
            return
        before = self._image

        def report(view: imageviews.Image) -> None:
            self.context.workers.post(lambda: self.show(view))

        def work() -> imageviews.Image:
            try:
                return job(report)
            except Exception:
                stands = self._stands(before)
                self.context.workers.post(lambda: self._back_to(stands))
                raise

        self.run(Lane.PORT, work, self.show)

    def _stands(self, before: dict[str, object]) -> dict[str, object]:
        """The page after a failure; as it was before, where that cannot be asked either."""
        try:
            return views.to_qml(self.context.backend.image().load())
        except views.Failure:
            return before

    def _back_to(self, image: dict[str, object]) -> None:
        """Nothing runs any more; what went wrong is said beside it."""
        self._image = image
        self.changed.emit()
