"""*Red*: one level of the network at a time, or what a search finds."""

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

PAGE = 60
TYPING_MS = 250
"""A search waits until the typing pauses."""


@QmlElement
@QmlUncreatable("made by the program")
class NetworkController(Controller):
    """`level` is what is shown; opening a row goes down, `up` one level back."""

    changed = Signal()

    def __init__(
        self, context: Context, supervises: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        """supervises: whether the office is asked; a search looks at what this machine has."""
        super().__init__(context, parent)
        self._supervises = supervises
        self._level = views.to_qml(views.NetworkLevel())
        self._known = False
        self._key, self._search, self._wanted, self._turn = "", "", PAGE, 0
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self.load)

    @Property("QVariantMap", notify=changed)
    def level(self) -> dict[str, object]:
        """Fields of `ui.views.NetworkLevel`."""
        return self._level

    @Property(bool, notify=changed)
    def known(self) -> bool:
        """Whether it was read at all."""
        return self._known

    @Property(str, notify=changed)
    def search(self) -> str:
        return self._search

    @Slot()
    def load(self) -> None:
        """Reads the level that is open; an answer that another question has overtaken is not shown."""
        self._turn += 1
        turn, key, search, count = self._turn, self._key, self._search, self._wanted

        def show(level: views.NetworkLevel) -> None:
            if turn == self._turn:
                self._level = views.to_qml(level)
                self._known = True
                self.changed.emit()

        if self._supervises() and not search.strip():
            self.run(Lane.SYNC, lambda: self.context.backend.office().network(key, count), show)
        else:
            self.run(Lane.DATABASE, lambda: self.context.backend.network(key, search, count), show)

    @Slot(str)
    def open(self, key: str) -> None:
        """Goes to a node; an empty key is the top."""
        self._key, self._search, self._wanted = key, "", PAGE
        self.load()

    @Slot()
    def up(self) -> None:
        """One level back."""
        path = self._level.get("path")
        keys = [str(one.get("key", "")) for one in path] if isinstance(path, list) else []
        self.open(keys[-1] if keys else "")

    @Slot()
    def more(self) -> None:
        """The next rows too."""
        self._wanted += PAGE
        self.load()

    @Slot(str)
    def setSearch(self, text: str) -> None:
        """Searches names, codes and serials once the typing pauses."""
        if text != self._search:
            self._search, self._wanted = text, PAGE
            self._typing.start()

    @Slot()
    def scan(self) -> None:
        """Looks for what a label names."""
        self.context.scan("node", self._scanned)

    def _scanned(self, text: str) -> None:
        self._search = text
        self.load()
