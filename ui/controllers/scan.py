"""The scanning view: looks through the camera until it has what a page asked for, or somebody types it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1

SHOWN_MS = 400
"""How long what was read stands before the view closes: long enough to be seen."""
AGAIN_MS = 60
WITHOUT_CAMERA_MS = 2000


@QmlElement
@QmlUncreatable("made by the program")
class ScanController(Controller):
    """One view for all pages that scan. `state`: looking, read, refused, absent (no camera)."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._sought: views.Sought | None = None
        self._done: Callable[[str], None] = lambda text: None
        self._state = "looking"
        self._text = ""
        self._reason = ""
        self._codes: list[dict[str, object]] = []
        self._printed = ""
        self._declined: set[str] = set()
        self._torch: views.Torch = ""
        self._turn = 0
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self._look)
        self._closing = QTimer(self)
        self._closing.setSingleShot(True)
        self._closing.setInterval(SHOWN_MS)
        self._closing.timeout.connect(self._finish)

    @Property(bool, notify=changed)
    def open(self) -> bool:
        return self._sought is not None

    @Property(str, notify=changed)
    def sought(self) -> str:
        """`order`, `ticket`, `seal`, `device` or `node`; empty while nothing is scanned."""
        return self._sought or ""

    @Property(str, notify=changed)
    def state(self) -> str:
        return self._state

    @Property(str, notify=changed)
    def text(self) -> str:
        """What was read."""
        return self._text

    @Property(str, notify=changed)
    def reason(self) -> str:
        """Why what is in view is not it, or why there is no picture."""
        return self._reason

    @Property("QVariantList", notify=changed)
    def codes(self) -> list[dict[str, object]]:
        """Codes in the picture (`ui.views.Code`)."""
        return self._codes

    @Property(str, notify=changed)
    def printed(self) -> str:
        """A serial that print in view may say, until it is taken or declined; empty once a code is read."""
        return self._printed if self._state != "read" else ""

    @Slot()
    def takePrinted(self) -> None:
        """A person has held the label beside the suggestion and confirms it."""
        if self._sought is not None and self.printed:
            self._read(self._printed, ())

    @Slot()
    def declinePrinted(self) -> None:
        """It says something else: not offered again in this view."""
        self._declined.add(self._printed)
        self._printed = ""
        self.changed.emit()

    def ask(self, sought: views.Sought, done: Callable[[str], None]) -> None:
        """Opens the view; `done` gets the code unless the view is closed without one."""
        self._sought, self._done = sought, done
        self._text, self._reason, self._codes = "", "", []
        self._printed, self._declined = "", set()
        self._turn += 1
        self._set("looking")
        self._look()

    @Slot(str)
    def typed(self, text: str) -> None:
        """From the keyboard, or from a reader that types."""
        if self._sought is not None and text.strip():
            self._read(text.strip(), ())

    @Slot()
    def otherCamera(self) -> None:
        """Looks through the next camera."""

        def changed(there: bool) -> None:
            if not there:
                self.context.toast(self.context.text("No hay otra cámara"), "attention")

        self.run(Lane.CAMERA, self.context.backend.other_camera, changed)

    @Property(str, notify=changed)
    def torch(self) -> str:
        """`on` or `off`; empty where the camera has no lamp."""
        return self._torch

    @Slot()
    def toggleTorch(self) -> None:
        """Turns the camera's lamp on or off."""
        on = self._torch == "off"

        def changed(obeyed: bool) -> None:
            if obeyed and self._sought is not None:
                self._torch = "on" if on else "off"
                self.changed.emit()
            elif not obeyed:
                self.context.toast(self.context.text("La linterna no responde"), "attention")

        self.run(Lane.CAMERA, lambda: self.context.backend.light(on), changed)

    @Slot()
    def close(self) -> None:
        """Gives up; what is under way is not listened to any more, and the lamp goes off."""
        if self._torch == "on":
            self._torch = "off"
            self.run(Lane.CAMERA, lambda: self.context.backend.light(False), lambda obeyed: None)
        self._again.stop()
        self._closing.stop()
        self._turn += 1
        self._sought = None
        self.changed.emit()

    def _look(self) -> None:
        sought, turn = self._sought, self._turn
        if sought is None or self._closing.isActive():
            return

        def seen(found: views.Sighting) -> None:
            if turn == self._turn:
                self._seen(found)

        def failed(error: Exception) -> None:
            if turn == self._turn:
                self._reason = self.describe(error)["message"]
                self._codes, self._torch = [], ""
                self._set("absent")
                self._again.start(WITHOUT_CAMERA_MS)

        self.context.workers.run(Lane.CAMERA, lambda: self.context.backend.look(sought), seen, failed)

    def _seen(self, found: views.Sighting) -> None:
        if self._closing.isActive():
            return
        self._torch = found.torch
        if found.text:
            self.context.read()
            self._read(found.text, found.codes)
            return
        if found.codes:
            self._printed = ""
        elif found.printed and found.printed not in self._declined:
            self._printed = found.printed
        self._reason = found.refused
        self._codes = [views.to_qml(code) for code in found.codes]
        self._set("refused" if found.refused else "looking")
        self._again.start(AGAIN_MS)

    def _read(self, text: str, codes: tuple[views.Code, ...]) -> None:
        self._again.stop()
        self._text, self._reason = text, ""
        self._codes = [views.to_qml(code) for code in codes]
        self._set("read")
        self._closing.start()

    def _finish(self) -> None:
        text, done = self._text, self._done
        self.close()
        done(text)

    def _set(self, state: str) -> None:
        self._state = state
        self.changed.emit()
