"""Seeded pictures of labels as a crew's camera sees them: turned, tilted, blurred, dim, noisy.

One axis of trouble at a time (`Trouble`), at rising levels, so that a benchmark says where a reader breaks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from fieldtool.scanning.codes import Symbology
from fieldtool.scanning.labels_out import code_image
from tests.support import label_wear


@dataclasses.dataclass(frozen=True)
class Trouble:
    """How the picture was spoilt. Angles in degrees, lengths in pixels of the final picture."""

    name: str = "clean"
    module: float = 3.0
    roll: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0
    blur: float = 0.0
    motion: int = 0
    noise: float = 2.0
    contrast: float = 0.8
    shadow: float = 0.0
    jpeg: int = 92
    glare: float = 0.0
    curve: float = 0.0
    wear: float = 0.0
    dirt: float = 0.0
    hidden: float = 0.0


@dataclasses.dataclass(frozen=True)
class Sample:
    """A spoilt picture and what it really says."""

    image: np.ndarray
    text: str
    symbology: Symbology
    trouble: Trouble


#: axis → levels, from harmless to hopeless
LADDERS: dict[str, list[Trouble]] = {
    "module": [Trouble("module", module=m) for m in (2.4, 1.8, 1.5, 1.3, 1.1)],
    "roll": [Trouble("roll", roll=r) for r in (8, 20, 33, 45, 70)],
    "yaw": [Trouble("yaw", yaw=y) for y in (20, 35, 48, 58, 64)],
    "tilt": [
        Trouble("tilt", roll=r, pitch=p, yaw=y)
        for r, p, y in ((6, 15, 15), (12, 25, 25), (20, 35, 30), (27, 35, 40))
    ],
    "blur": [Trouble("blur", blur=b) for b in (1.0, 1.6, 2.1, 2.6, 3.1)],
    "motion": [Trouble("motion", motion=m) for m in (3, 5, 7, 9)],
    "contrast": [Trouble("contrast", contrast=c) for c in (0.35, 0.2, 0.12, 0.08)],
    "noise": [Trouble("noise", noise=n) for n in (12, 20, 30, 40)],
    "shadow": [Trouble("shadow", shadow=s) for s in (0.4, 0.6, 0.75, 0.85)],
}


def random_text(symbology: Symbology, rng: np.random.Generator) -> str:
    """A text such as stands on real labels; some begin with zeros on purpose."""
    digits = "".join(str(d) for d in rng.integers(0, 10, 12))
    if symbology is Symbology.CODE_128:
        return str(rng.choice(["ZIV" + digits[:10], "00" + digits[:8], "1LGZ00" + digits[:8]]))
    if symbology is Symbology.GS1_128:
        return f"(01)0841234567890{5}(21){digits[:8]}"
    if symbology is Symbology.CODE_39:
        return "MET" + digits[:7]
    if symbology is Symbology.ITF:
        return "00" + digits[:8]
    if symbology is Symbology.EAN_13:
        odd = "84" + digits[:10]
        return odd + ean_check(odd)
    if symbology is Symbology.EAN_8:
        return digits[:7] + ean_check(digits[:7])
    return str(
        rng.choice(["LW:D0:1122334455667788:AABBCCDD" + digits[:8] + ":00FF0001", "ZIV" + digits[:10]])
    )


def ean_check(body: str) -> str:
    """The check digit of an EAN/GTIN body."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(body)))
    return str(-total % 10)


def spoil(
    flat: np.ndarray,
    trouble: Trouble,
    drawn_module: int,
    rng: np.random.Generator,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Project, shade, blur and add noise. `flat` is a grey drawing with `drawn_module` pixels per module."""
    picture = _project(_handled(flat, trouble, drawn_module, rng), trouble, drawn_module, rng, shape)
    low, high = 128 - 127 * trouble.contrast, 128 + 100 * trouble.contrast
    picture = low + picture * (high - low) / 255
    if trouble.shadow:
        picture = _shade(picture, trouble.shadow, rng)
    if trouble.hidden:
        picture = label_wear.hidden(picture, trouble.hidden, rng)
    if trouble.glare:
        picture = label_wear.glare(picture, trouble.glare, rng)
    if trouble.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), trouble.blur)
    if trouble.motion > 1:
        kernel = np.zeros((trouble.motion, trouble.motion), np.float32)
        angle = rng.uniform(0, np.pi)
        half = trouble.motion / 2
        for t in np.linspace(-half, half, 8 * trouble.motion):
            kernel[int(half + t * np.sin(angle) * 0.99), int(half + t * np.cos(angle) * 0.99)] += 1
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    picture = picture[:, :, None] * np.array([0.97, 1.0, 1.0]) + rng.normal(
        0, trouble.noise, (*picture.shape, 3)
    )
    clipped = np.clip(picture, 0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", clipped, [cv2.IMWRITE_JPEG_QUALITY, trouble.jpeg])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))


def _handled(flat: np.ndarray, trouble: Trouble, module: int, rng: np.random.Generator) -> np.ndarray:
    if trouble.wear:
        flat = label_wear.worn(flat, trouble.wear, module, rng)
    if trouble.dirt:
        flat = label_wear.dirty(flat, trouble.dirt, module, rng)
    if trouble.curve:
        flat = label_wear.curved(flat, trouble.curve)
    return flat


def _project(
    flat: np.ndarray, trouble: Trouble, drawn: int, rng: np.random.Generator, shape: tuple[int, int] | None
) -> np.ndarray:
    height, width = flat.shape
    scale = trouble.module / drawn
    roll, pitch, yaw = (np.deg2rad(a) for a in (trouble.roll, trouble.pitch, trouble.yaw))
    rot = (
        np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        @ np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    )
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2 * scale
    space = np.c_[corners, np.zeros(4)] @ rot.T
    distance = 3.2 * max(width, height) * scale
    flat_points = space[:, :2] * (distance / (distance + space[:, 2:]))
    size = np.ptp(flat_points, axis=0)
    out_h, out_w = shape or (int(size[1] + 90 + rng.integers(0, 40)), int(size[0] + 90 + rng.integers(0, 40)))
    moved = (
        flat_points - (flat_points.max(axis=0) + flat_points.min(axis=0)) / 2 + np.array([out_w, out_h]) / 2
    )
    moved = moved + rng.uniform(-8, 8, 2)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, moved.astype(np.float32))
    # drawn large, then shrunk by area: as a sensor does
    up = 3
    large = cv2.warpPerspective(
        flat.astype(np.float32),
        np.diag([up, up, 1.0]) @ matrix,
        (out_w * up, out_h * up),
        flags=cv2.INTER_LINEAR,
        borderValue=150.0,
    )
    return np.asarray(cv2.resize(large, (out_w, out_h), interpolation=cv2.INTER_AREA))


def _shade(picture: np.ndarray, depth: float, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape
    angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.15, 0.15)
    ys, xs = np.mgrid[0:height, 0:width]
    side = (xs / width - 0.5) * np.cos(angle) + (ys / height - 0.5) * np.sin(angle) > offset
    return picture * np.where(side, 1 - depth, 1.0)


def samples(symbology: Symbology, trouble: Trouble, count: int, seed: int) -> Iterator[Sample]:
    """`count` spoilt pictures of one code each."""
    for index in range(count):
        rng = np.random.default_rng([seed, index, *map(ord, trouble.name + symbology.value)])
        text = random_text(symbology, rng)
        flat = code_image(text, symbology, module=6, height=int(rng.integers(90, 180)))
        plain = text.replace("(01)", "01").replace("(21)", "21")
        yield Sample(spoil(flat, trouble, 6, rng), plain, symbology, trouble)
