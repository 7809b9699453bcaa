"""Attempts at one busy region: QR and Data Matrix, from cheap to dear."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from . import engine
from .codes import Code
from .regions import Region

#: A crop is not enlarged beyond this many pixels a side: time grows with the area.
_LARGEST = 700
#: Sides and margin of the square that a distorted shape is pulled to, in pixels, and after which attempts.
_SQUARE_SIDES, _QUIET, _SQUARED_AFTER = (160, 260), 20, 3


class MatrixAttempts:
    """One region's attempts. Iterate `steps`; `codes` holds what was read, in the full picture's pixels."""

    def __init__(
        self,
        grey: np.ndarray,
        region: Region,
        affordable: Callable[[float], bool] = lambda pixels: True,
        *,
        most: int | None = None,
    ) -> None:
        """affordable: whether there is time for a thorough look at so many pixels. most: attempts."""
        self._affordable = affordable
        self.region = region
        self._most = most
        self.codes: list[Code] = []
        corners = region.polygon()
        pad = 0.35 * max(region.half_length, region.half_height) + 8
        x0, y0 = (max(0, math.floor(v - pad)) for v in corners.min(axis=0))
        x1, y1 = (math.ceil(v + pad) for v in corners.max(axis=0))
        self._offset = (x0, y0)
        self._crop = grey[y0:y1, x0:x1]

    def steps(self) -> Iterator[None]:
        """Run the attempts one by one; the caller watches the clock between them."""
        if min(self._crop.shape) < 8:
            return
        for number, (factor, clean) in enumerate(_LADDER[: self._most]):
            if number == _SQUARED_AFTER:
                self._squared()
                yield
            zoom = min(float(factor), max(1.0, _LARGEST / max(self._crop.shape)))
            larger = (
                cv2.resize(self._crop, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
                if zoom > 1
                else self._crop
            )
            if not self._affordable(larger.size):
                return
            self._keep(engine.read(clean(larger, zoom), engine.MATRIX), np.diag([1 / zoom, 1 / zoom, 1.0]))
            yield

    def accepted(self) -> list[Code]:
        """What was read; a matrix code carries its own error correction, one reading is a proof."""
        return self.codes

    def _squared(self) -> None:
        """Pull the busy shape's four corners to a square: undoes a strong angle."""
        shape = _four_corners(self._crop)
        if shape is None:
            return
        middle = shape.mean(axis=0)
        shape = (middle + (shape - middle) * 1.12).astype(np.float32)
        for side in _SQUARE_SIDES:
            target = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32) + _QUIET
            there = cv2.getPerspectiveTransform(shape, target)
            whole = (side + 2 * _QUIET, side + 2 * _QUIET)
            square = cv2.warpPerspective(
                self._crop, there, whole, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
            sharp = deblurred(square, 2.0 * side / _SQUARE_SIDES[0], 3e-3)
            back = np.linalg.inv(there)
            for picture in (square, sharp):
                if self.codes or not self._affordable(picture.size):
                    return
                self._keep(engine.read(picture, engine.MATRIX), back)

    def _keep(self, codes: list[Code], back: np.ndarray) -> None:
        """Keep readings; `back` (3×3) leads from the picture that was read to the crop."""
        for code in codes:
            corners = np.array(code.corners, np.float32).reshape(-1, 1, 2)
            placed = cv2.perspectiveTransform(corners, back).reshape(-1, 2) + self._offset
            one, two, three, four = ((float(x), float(y)) for x, y in placed)
            self.codes.append(Code(code.text, code.symbology, (one, two, three, four), code.gs1))


def _four_corners(crop: np.ndarray) -> np.ndarray | None:
    """Corners (4×2 float32) of the largest busy shape, if it has four."""
    smooth = cv2.GaussianBlur(crop, (0, 0), 1)
    edges = np.abs(cv2.Scharr(smooth, cv2.CV_32F, 1, 0)) + np.abs(cv2.Scharr(smooth, cv2.CV_32F, 0, 1))
    busy = cv2.blur(edges, (9, 9))
    mask = (busy > 0.35 * np.percentile(busy, 97)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    for share in (0.02, 0.04, 0.06, 0.08, 0.1):
        shape = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True)
        if len(shape) == 4:
            return np.asarray(shape.reshape(4, 2), dtype=np.float32)
    return None


def divided(grey: np.ndarray, zoom: float = 1.0) -> np.ndarray:
    """Picture divided by its own light: what shadows and uneven lamps leave behind."""
    reach = max(15, min(grey.shape) // 6) | 1
    light = cv2.dilate(grey, np.ones((reach, reach), np.uint8))
    for _ in range(3):
        # three boxes are as smooth as a bell of this width, at a tenth of its price
        light = cv2.blur(light, (reach, reach))
    return np.asarray(cv2.divide(grey, np.maximum(light, 1), scale=255))


def levelled(grey: np.ndarray, window: int) -> np.ndarray:
    """Each neighbourhood stretched between its own darkest and brightest, in the logarithm (hard shadows)."""
    light = np.log(np.maximum(cv2.GaussianBlur(grey, (0, 0), 1.0), 1).astype(np.float32))
    reach = np.ones((window, window), np.uint8)
    high = cv2.blur(cv2.dilate(light, reach), (window, window))
    low = cv2.blur(cv2.erode(light, reach), (window, window))
    return np.asarray(np.clip((light - low) / np.maximum(high - low, 0.15) * 255, 0, 255).astype(np.uint8))


def equalised(grey: np.ndarray, zoom: float = 1.0) -> np.ndarray:
    """Contrast stretched in each tile (CLAHE)."""
    return np.asarray(cv2.createCLAHE(4.0, (6, 6)).apply(grey))


def deblurred(grey: np.ndarray, sigma: float, noise: float) -> np.ndarray:
    """Wiener deconvolution of a Gaussian of `sigma` pixels; noise = its power ratio."""
    pad = math.ceil(3 * sigma)
    padded = cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_REPLICATE).astype(np.float32)
    height, width = padded.shape
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    lens = np.exp(-2 * (np.pi * sigma) ** 2 * (fx * fx + fy * fy))
    clear = np.fft.irfft2(np.fft.rfft2(padded) * lens / (lens * lens + noise), padded.shape)[
        pad:-pad, pad:-pad
    ]
    low, high = np.percentile(clear, [2, 98])
    return np.asarray(np.clip((clear - low) * (255 / max(high - low, 2)), 0, 255).astype(np.uint8))


def _same(grey: np.ndarray, zoom: float) -> np.ndarray:
    return grey


def _level(modules: int) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda grey, zoom: levelled(grey, round(modules * zoom) | 1)


def _deblur(pixels: float, noise: float) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda grey, zoom: deblurred(grey, pixels * zoom, noise)


_LADDER: list[tuple[int, Callable[[np.ndarray, float], np.ndarray]]] = [
    (1, _same),
    (2, _same),
    (2, divided),
    (3, _deblur(0.8, 1e-2)),
    (2, _level(11)),
    (2, equalised),
]
