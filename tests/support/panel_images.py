"""Seeded photos of a panel: meters in rows and columns, each with serial, article number and MAC, seen at an
angle."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import cv2
import numpy as np

from fieldtool.scanning.codes import Symbology
from fieldtool.scanning.labels_out import code_image
from tests.support.label_images import ean_check


@dataclasses.dataclass(frozen=True)
class PanelPhoto:
    """A photo and what hangs where: serial by slot (1 … rows × columns, row by row), for slots with a
    readable label."""

    image: np.ndarray
    serials: dict[int, str]
    to_picture: np.ndarray
    """3×3, from the drawing's pixels to the photo's."""


TILE_WIDTH, TILE_HEIGHT = 560, 640


def serial_of(slot: int) -> str:
    """The serial of the PRIME meter in a slot."""
    return f"ZIV00{12345000 + 37 * slot:08d}"


def meter_face(serial: str, *, readable: bool = True, extra: bool = True) -> np.ndarray:
    """One meter's face, grey. Not readable: a mirrored lamp where the serial is."""
    face = np.full((TILE_HEIGHT, TILE_WIDTH), 205, np.uint8)
    cv2.rectangle(face, (24, 20), (TILE_WIDTH - 24, TILE_HEIGHT - 20), 150, 6)
    cv2.rectangle(face, (120, 50), (TILE_WIDTH - 120, 180), 120, -1)
    cv2.putText(face, serial[-6:], (150, 140), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 40, 4)
    code = code_image(serial, Symbology.CODE_128, module=3, height=90)
    top, left = 230, (TILE_WIDTH - code.shape[1]) // 2
    face[top : top + code.shape[0], left : left + code.shape[1]] = code
    if not readable:
        face[top - 4 : top + code.shape[0] + 4, left - 4 : left + code.shape[1] + 4] = 250
    cv2.putText(face, serial, (left, top + 130), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 30, 2)
    if extra:
        gtin = "841234567890"
        article = code_image(gtin + ean_check(gtin), Symbology.EAN_13, module=2, height=60)
        face[400 : 400 + article.shape[0], 60 : 60 + article.shape[1]] = article
        mac = code_image(f"404022{int(serial[-8:]) % 2**24:06X}", Symbology.DATA_MATRIX, module=5)
        face[400 : 400 + mac.shape[0], 400 : 400 + mac.shape[1]] = mac
    return face


def panel_photo(
    rows: int,
    columns: int,
    *,
    roll: float = 0.0,
    yaw: float = 0.0,
    pitch: float = 0.0,
    missing: Collection[int] = (),
    unreadable: Collection[int] = (),
    serials: dict[int, str] | None = None,
    size: tuple[int, int] = (3000, 4000),
    extra: bool = True,
    seed: int = 1,
) -> PanelPhoto:
    """A photo `size` (height, width) of a panel. `missing` slots are empty, `unreadable` ones have a blinded
    label."""
    named = {slot: serial_of(slot) for slot in range(1, rows * columns + 1)} | (serials or {})
    empty = np.full((TILE_HEIGHT, TILE_WIDTH), 110, np.uint8)
    tiles = [
        empty if slot in missing else meter_face(named[slot], readable=slot not in unreadable, extra=extra)
        for slot in range(1, rows * columns + 1)
    ]
    wall = np.vstack([np.hstack(tiles[row * columns : (row + 1) * columns]) for row in range(rows)])
    wall = np.pad(wall, 80, constant_values=90)
    matrix = _view(wall.shape[1], wall.shape[0], size, roll, yaw, pitch)
    large = cv2.warpPerspective(
        wall, np.diag([2, 2, 1.0]) @ matrix, (2 * size[1], 2 * size[0]), borderValue=70
    )
    picture = np.asarray(cv2.resize(large, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.float32)
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 3, picture.shape).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.6))
    grey = np.clip(blurred * 0.85 + 10 + noise, 0, 255).astype(np.uint8)
    there = {s: n for s, n in named.items() if s not in missing and s not in unreadable}
    return PanelPhoto(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), there, matrix)


def _view(
    width: int, height: int, size: tuple[int, int], roll: float, yaw: float, pitch: float
) -> np.ndarray:
    """3×3 that puts a drawing in the middle of the picture, as large as it may be, turned by angles in
    degrees."""
    r, p, y = (np.deg2rad(angle) for angle in (roll, pitch, yaw))
    turn = (
        np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
        @ np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    )
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    space = np.c_[corners, np.zeros(4)] @ turn.T
    away = 2.2 * max(width, height)
    seen = space[:, :2] * (away / (away + space[:, 2:]))
    extent = np.ptp(seen, axis=0)
    scale = 0.94 * min(size[1] / extent[0], size[0] / extent[1])
    placed = (seen - (seen.max(axis=0) + seen.min(axis=0)) / 2) * scale + np.array([size[1], size[0]]) / 2
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, placed.astype(np.float32)), np.float64)
