"""What all controllers share: the backend, the workers, and how a failure reaches the page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtQml import QmlElement

from ui.backend import Backend
from ui.qt import Property, QmlUncreatable
from ui.views import Failure, Sought
from ui.workers import Lane, Workers

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class Context:
    """Handed to each controller: where to ask, where to work, how to say something, how to scan something;
    `read` says that the camera has read what was sought."""

    backend: Backend
    workers: Workers
    toast: Callable[[str, str], None] = field(default=lambda text, tone: None)
    text: Callable[[str], str] = field(default=lambda source: source)
    read: Callable[[], None] = field(default=lambda: None)
    scan: Callable[[Sought, Callable[[str], None]], None] = field(default=lambda sought, done: None)


@QmlElement
@QmlUncreatable("made by the program")
class Controller(QObject):
    """Base of the controllers: `busy` and `failure` for the page, `run` for the work."""

    busyChanged = Signal()
    failureChanged = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self._jobs = 0
        self._failure: dict[str, str] = {}

    @Property(bool, notify=busyChanged)
    def busy(self) -> bool:
        return self._jobs > 0

    @Property("QVariantMap", notify=failureChanged)
    def failure(self) -> dict[str, str]:
        """Empty, or `message`, `hint`, `code` of what went wrong."""
        return self._failure

    def run(self, lane: Lane, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Runs `job` away from the interface; a failure ends up in `failure`."""
        self._set_failure({})
        self._count(+1)

        def succeeded(value: T) -> None:
            self._count(-1)
            done(value)

        def failed(error: Exception) -> None:
            self._count(-1)
            self._set_failure(self.describe(error))

        self.context.workers.run(lane, job, succeeded, failed)

    def describe(self, error: Exception) -> dict[str, str]:
        """Words for an error; one that nobody foresaw is named by its type, the rest goes to the log."""
        if isinstance(error, Failure):
            told = {"message": error.message, "hint": error.hint, "code": error.code}
            return told | ({"seconds": str(error.seconds)} if error.seconds else {})
        log.error("an error that nobody foresaw", exc_info=error)
        return {
            "message": self.context.text("Algo no salió bien"),
            "hint": self.context.text(
                "Lo hecho está guardado. Inténtelo otra vez; si se repite, avise con el código."
            ),
            "code": type(error).__name__,
        }

    def clear_failure(self) -> None:
        """Takes the message away."""
        self._set_failure({})

    def _count(self, step: int) -> None:
        self._jobs += step
        self.busyChanged.emit()

    def _set_failure(self, failure: dict[str, str]) -> None:
        if failure != self._failure:
            self._failure = failure
            self.failureChanged.emit()
