"""Renders scenes without a screen and looks for what a person would complain about."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_QUICK_BACKEND", "software")
os.environ.setdefault("QT_QUICK_CONTROLS_STYLE", "Basic")

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer, QUrl
from PySide6.QtGui import QImage
from PySide6.QtQml import QQmlApplicationEngine
from PySide6.QtQuick import QQuickItem, QQuickWindow

from ui.app import QML, Screens, prepare
from ui.gallery.scenes import Scene
from ui.preview.photo import PreviewCamera, draw
from ui.views import Failure

#: Smallest side of what a finger presses: 15 mm less a little, the theme target in the strip is 64 high.
SMALLEST_TARGET = 56
SETTLE_MS = 40
CONTROLS_SIZE = (1280, 1080)


@dataclass(frozen=True)
class Look:
    """How to render."""

    width: int = 1280
    height: int = 800
    language: str = "es"
    dark: bool = False


@dataclass(frozen=True)
class Rendered:
    """One picture and what is wrong with it."""

    name: str
    image: QImage
    complaints: tuple[str, ...]


def settle() -> None:
    """Lets animations end and late bindings come in."""
    app = QCoreApplication.instance()
    if app is not None:
        loop = QEventLoop()
        QTimer.singleShot(SETTLE_MS, loop.quit)
        loop.exec()


def items(root: QQuickItem) -> Iterator[QQuickItem]:
    """Visible items below `root`, in drawing order."""
    for child in root.childItems():
        if child.isVisible() and child.opacity() > 0:
            yield child
            yield from items(child)


def read(item: QQuickItem, name: str) -> object:
    """A property, or `None`: some versions of PySide6 lose a reference on one that is not there."""
    return item.property(name) if item.metaObject().indexOfProperty(name) >= 0 else None


def complaints(window: QQuickWindow) -> Iterator[str]:
    """Clipped or cut text and targets that are too small."""
    room = window.contentItem()
    for item in items(room):
        name = item.metaObject().className()
        text = str(read(item, "text") or "")
        if item.inherits("QQuickText") and text:
            yield from _text_complaints(item, text, room)
        elif item.inherits("QQuickAbstractButton") and item.isEnabled():
            smallest = min(item.width(), item.height())
            if smallest < SMALLEST_TARGET:
                yield f"{name} “{text}”: target of {item.width():.0f}×{item.height():.0f}"


def _text_complaints(item: QQuickItem, text: str, room: QQuickItem) -> Iterator[str]:
    if read(item, "truncated") and not read(item, "mayElide"):
        yield f"cut: “{text}”"
    if float(str(read(item, "contentWidth"))) > item.width() + 1.5 and item.width() > 0:
        yield f"wider than its place: “{text}”"
    right = item.mapToItem(room, item.width(), 0).x()
    if right > room.width() + 1:
        yield f"beyond the window: “{text}”"


def render(scenes: Iterable[Scene], look: Look) -> Iterator[Rendered]:
    """Pictures of the scenes, one window each."""
    prepare([])
    photo = draw(Path(tempfile.mkdtemp(prefix="gallery-")) / "panel.png")
    for scene in scenes:
        tablet = scene.tablet()
        tablet.picture = photo.as_uri()
        camera = PreviewCamera(None if isinstance(tablet.sight, Failure) else photo)
        screens = Screens(
            tablet,
            language=look.language,
            dark=look.dark,
            inline=True,
            reduced_motion=True,
            providers={"camera": camera},
        )
        window = screens.window
        if not isinstance(window, QQuickWindow):
            yield Rendered(scene.name, QImage(), tuple(screens.warnings) or ("no window",))
            continue
        window.resize(look.width, look.height)
        scene.visit(screens)
        settle()
        image = window.grabWindow()
        found = tuple(screens.warnings) + tuple(dict.fromkeys(complaints(window)))
        yield Rendered(scene.name, image, found)
        screens.close()


def render_controls(look: Look) -> Iterator[Rendered]:
    """Two sheets with every control in every state."""
    prepare([])
    for sheet in (1, 2):
        engine = QQmlApplicationEngine()
        engine.addImportPath(str(QML))
        heard: list[str] = []
        engine.warnings.connect(
            lambda warnings, heard=heard: heard.extend(one.toString() for one in warnings)
        )
        engine.setInitialProperties({"sheet": sheet, "dark": look.dark})
        engine.load(QUrl.fromLocalFile(str(Path(__file__).parent / "Controls.qml")))
        roots = engine.rootObjects()
        window = roots[0] if roots else None
        if isinstance(window, QQuickWindow):
            window.resize(*CONTROLS_SIZE)
            settle()
            found = tuple(heard) + tuple(dict.fromkeys(complaints(window)))
            yield Rendered(f"controles_{sheet}", window.grabWindow(), found)
            window.deleteLater()
        else:
            yield Rendered(f"controles_{sheet}", QImage(), tuple(heard) or ("no window",))
        engine.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def save(rendered: Rendered, folder: Path) -> Path:
    """Writes the PNG and returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{rendered.name}.png"
    rendered.image.save(str(path))
    return path
