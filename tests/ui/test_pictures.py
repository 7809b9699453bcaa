"""Every page renders without a complaint; some are held beside kept pictures.

`python -m tests.ui.test_pictures` renders the kept pictures anew; look at them before they are committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication, QImage

from ui.gallery.render import Look, render, render_controls
from ui.gallery.scenes import SCENES, Scene

PICTURES = Path(__file__).parent / "pictures"
KEPT = ("ordenes", "orden", "coincidencia", "plan", "medidor", "sincronizar", "paso_07_dial", "entrar_pin")
KEPT_DARK = ("coincidencia",)
#: Difference of a pixel that counts (of 255), and the share of such pixels that a font renderer may cause.
PIXEL, SHARE = 48, 0.006


def pixels(image: QImage) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Height × width × 3."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3).copy()


def scene(name: str) -> Scene:
    return next(one for one in SCENES if one.name == name)


def kept_path(name: str, dark: bool) -> Path:
    return PICTURES / f"{name}{'_dark' if dark else ''}.png"


@pytest.mark.parametrize(
    ("name", "dark"), [(name, False) for name in KEPT] + [(name, True) for name in KEPT_DARK]
)
def test_page_looks_as_kept(qapp: QGuiApplication, name: str, dark: bool) -> None:
    (rendered,) = render([scene(name)], Look(dark=dark))
    assert rendered.complaints == ()
    shown, kept = pixels(rendered.image), pixels(QImage(str(kept_path(name, dark))))
    assert shown.shape == kept.shape
    different = (np.abs(shown.astype(int) - kept.astype(int)).max(axis=2) > PIXEL).mean()
    assert different < SHARE, (
        f"{different:.2%} of the pixels differ; look with python -m ui.gallery --render DIR"
    )


def test_no_page_complains(qapp: QGuiApplication) -> None:
    others = [one for one in SCENES if one.name not in KEPT]
    assert {one.name: one.complaints for one in render(others, Look()) if one.complaints} == {}


@pytest.mark.parametrize("dark", [False, True])
def test_no_control_complains(qapp: QGuiApplication, dark: bool) -> None:
    assert {one.name: one.complaints for one in render_controls(Look(dark=dark)) if one.complaints} == {}


def main() -> int:
    """Renders the kept pictures anew."""
    for dark, names in ((False, KEPT), (True, KEPT_DARK)):
        for one in render([scene(name) for name in names], Look(dark=dark)):
            one.image.save(str(kept_path(one.name, dark)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
