"""Starts the screens: `run(argv)` opens the window on a tablet and returns the exit status."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QUrl
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication, QWindow
from PySide6.QtQml import QQmlApplicationEngine, QQmlError, QQmlImageProviderBase
from PySide6.QtQuick import QQuickWindow

import assets
from ui.backend import Backend
from ui.controllers.app import AppController
from ui.translator import CatalogueTranslator
from ui.workers import Workers

QML = Path(__file__).parent / "qml"
FIRST_FRAME_VARIABLE = "FIELDTOOL_FIRST_FRAME"
"""Set: the window shows one frame, says so in one JSON line and closes; so a bundle proves itself."""


def prepare(argv: Sequence[str]) -> QGuiApplication:
    """The application object, with our fonts; one per process."""
    os.environ.setdefault("QT_QUICK_CONTROLS_STYLE", "Basic")
    existing = QCoreApplication.instance()
    app = existing if isinstance(existing, QGuiApplication) else QGuiApplication(list(argv) or ["fieldtool"])
    app.setApplicationName("fieldtool")
    app.setOrganizationName("fieldtool")
    for path in sorted((assets.root() / "fonts").glob("*.ttf")):
        QFontDatabase.addApplicationFont(str(path))
    QFontDatabase.addApplicationFont(str(assets.root() / "icons/lucide.ttf"))
    app.setFont(QFont("Inter"))
    return app


def wants_less_motion() -> bool:
    """What the system says; only Windows can be asked without another library."""
    if sys.platform != "win32":
        return False
    import ctypes

    animations = ctypes.c_int(1)
    ctypes.windll.user32.SystemParametersInfoW(0x1042, 0, ctypes.byref(animations), 0)
    return animations.value == 0


class Screens:
    """Engine, controllers and workers of one window; `close` takes them down in the right order."""

    def __init__(
        self,
        backend: Backend,
        *,
        language: str = "es",
        dark: bool = False,
        inline: bool = False,
        reduced_motion: bool | None = None,
        beep: bool = False,
        sound: Callable[[], None] | None = None,
        remember: Callable[[str, str], None] = lambda name, value: None,
        translator: CatalogueTranslator | None = None,
        providers: Mapping[str, QQmlImageProviderBase] | None = None,
    ) -> None:
        self._backend = backend
        self.warnings: list[str] = []
        self.translator = translator or CatalogueTranslator()
        self.translator.use(language)
        QCoreApplication.installTranslator(self.translator)
        self.workers = Workers(inline=inline)
        still = wants_less_motion() if reduced_motion is None else reduced_motion
        self.app = AppController(
            backend,
            self.workers,
            self.translator,
            dark=dark,
            reduced_motion=still,
            beep=beep,
            sound=sound,
            remember=remember,
        )
        self.engine = QQmlApplicationEngine()
        self.engine.addImportPath(str(QML))
        self.engine.setOutputWarningsToStandardError(False)
        self.engine.warnings.connect(self._warn)
        self.app.languageChanged.connect(self.engine.retranslate)
        for name, provider in (providers or {}).items():
            self.engine.addImageProvider(name, provider)
        self.engine.setInitialProperties({"app": self.app})
        self.engine.load(QUrl.fromLocalFile(str(QML / "FieldTool/shell/Shell.qml")))

    @property
    def window(self) -> QWindow | None:
        """The window, or nothing when the QML could not be loaded (see `warnings`)."""
        roots = self.engine.rootObjects()
        root = roots[0] if roots else None
        return root if isinstance(root, QWindow) else None

    def close(self) -> None:
        """Cancels what runs, stops the workers, then lets go of the window and of what it shows."""
        self.app.end()
        self._backend.cancel()
        self._backend.stop_sync()
        self.workers.stop()
        for root in self.engine.rootObjects():
            root.deleteLater()
        self.engine.deleteLater()
        # At once, while the controllers that the pages look at are still there.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        # Then these, here: they stand in cycles, and the collector of garbage would end them and their timers
        # in whichever thread it happens to run.
        self.app.deleteLater()
        self.workers.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.removeTranslator(self.translator)

    def _warn(self, warnings: Sequence[QQmlError]) -> None:
        for warning in warnings:
            self.warnings.append(warning.toString())
            sys.stderr.write(warning.toString() + "\n")


def show(backend: Backend, argv: Sequence[str], **options: str | bool) -> int:
    """Opens the window on `backend` and runs until it is closed."""
    app = prepare(argv)
    screens = Screens(
        backend, language=str(options.get("language", "es")), dark=bool(options.get("dark", False))
    )
    return _until_closed(app, screens, backend)


def run(argv: Sequence[str]) -> int:
    """Opens the window on this machine's tablet; the exit status."""
    app = prepare(argv)
    from ui.wiring.start import screens_of_this_machine

    screens, backend = screens_of_this_machine()
    return _until_closed(app, screens, backend)


def _until_closed(app: QGuiApplication, screens: Screens, backend: Backend) -> int:
    window = screens.window
    if window is None:
        return 1
    proof = bool(os.environ.get(FIRST_FRAME_VARIABLE))
    if proof and isinstance(window, QQuickWindow):
        window.frameSwapped.connect(app.quit)
    status = app.exec()
    if proof:
        sys.stdout.write(json.dumps({"first_frame": True, "warnings": screens.warnings}) + "\n")
        status = status or bool(screens.warnings)
    screens.close()
    backend.close()
    return status
