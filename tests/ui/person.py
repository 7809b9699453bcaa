"""Uses the window as a person does: looks for a word, taps where it stands, types, holds."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtQuick import QQuickItem, QQuickWindow
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from ui.app import Screens
from ui.backend import Backend
from ui.gallery.render import items, read
from ui.preview.photo import PreviewCamera
from ui.wiring.tablet import WiredTablet

WAIT_MS = 5000
FRAME_MS = 16


class Person:
    """A person before one window; leaving asserts that QML had no complaint and no thread is left."""

    def __init__(
        self, qtbot: QtBot, backend: Backend, screens: Screens | None = None, **options: bool | str
    ) -> None:
        self.bot, self.backend = qtbot, backend
        self.before = set(threading.enumerate())
        self.screens = screens or Screens(
            backend,
            language=str(options.get("language", "es")),
            dark=bool(options.get("dark", False)),
            inline=bool(options.get("inline", False)),
            reduced_motion=True,
            providers=backend.providers()
            if isinstance(backend, WiredTablet)
            else {"camera": PreviewCamera(None)},
        )
        window = self.screens.window
        assert isinstance(window, QQuickWindow), self.screens.warnings
        self.window = window
        self.taps = 0
        self.typed = 0
        window.resize(1280, 800)
        window.show()
        qtbot.waitExposed(window)

    def __enter__(self) -> Person:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        warnings = list(self.screens.warnings)
        if error is not None:
            picture = Path(tempfile.gettempdir()) / "fieldtool-person.png"
            self.window.grabWindow().save(str(picture))
            print(f"what the person saw last: {picture}", self.screens.app.procedure.failure, warnings)
        self.screens.close()
        self.backend.close()
        if error is None:
            assert warnings == []
            # One that still works in C++ when the interpreter ends takes the process down with it.
            assert set(threading.enumerate()) <= self.before
            # And one that the collector of garbage finds later would be ended in any thread.
            assert not isValid(self.screens.app)
            assert not isValid(self.screens.workers)

    def visible(self) -> Iterator[QQuickItem]:
        """Everything on the page."""
        return items(self.window.contentItem())

    def texts(self) -> list[str]:
        """All words on the page."""
        return [str(read(item, "text")) for item in self.visible() if item.inherits("QQuickText")]

    def sees(self, text: str) -> bool:
        """True when a text of the page holds `text`."""
        return any(text in shown for shown in self.texts())

    def button(self, text: str) -> QQuickItem | None:
        """The button called `text`, also where it begins with it."""
        found = [
            item
            for item in self.visible()
            if item.inherits("QQuickAbstractButton") and str(read(item, "text")).startswith(text)
        ]
        exact = [item for item in found if read(item, "text") == text]
        return (exact or found or [None])[0]

    def until(self, condition: Callable[[], bool], patience: int = 1) -> None:
        """Waits for what has to happen; `patience` times as long for what takes the machine long."""
        self.bot.waitUntil(condition, timeout=patience * WAIT_MS)

    def until_sees(self, text: str, patience: int = 1) -> None:
        """Waits for a text."""
        self.until(lambda: self.sees(text), patience)

    def place(self, item: QQuickItem) -> QPoint:
        """Where the middle of an item stands in the window."""
        return item.mapToScene(QPointF(item.width() / 2, item.height() / 2)).toPoint()

    def tap(self, text: str) -> None:
        """Taps the button called `text` once it is there and possible."""

        def possible() -> bool:
            button = self.button(text)
            return button is not None and button.isEnabled()

        self.until(possible)
        button = self.button(text)
        assert button is not None
        self.tap_item(button)

    def tap_item(self, item: QQuickItem) -> None:
        """Taps the middle of an item, once the page has come to rest: nobody hits what still moves."""
        where = None
        while where != self.place(item):
            where = self.place(item)
            self.bot.wait(2 * FRAME_MS)
        QTest.mouseClick(
            self.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, self.place(item)
        )
        self.taps += 1

    def hold(self, text: str, milliseconds: int) -> None:
        """Presses a button for a while."""
        button = self.button(text)
        assert button is not None
        where = self.place(button)
        QTest.mousePress(self.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
        self.bot.wait(milliseconds)
        QTest.mouseRelease(self.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
        self.taps += 1

    def type(self, text: str) -> None:
        """Types on a real keyboard, once the window listens to it."""
        self.until(lambda: self.window.isActive() and self.window.activeFocusItem() is not None)
        for letter in text:
            QTest.keyClick(self.window, letter)
        self.typed += len(text)

    def writes_in(self, field: str) -> bool:
        """True when the keyboard goes to the field that is called so."""
        item = self.window.activeFocusItem()
        return item is not None and read(item, "placeholderText") == field

    def press(self, key: Qt.Key) -> None:
        """One key that is no letter."""
        QTest.keyClick(self.window, key)
