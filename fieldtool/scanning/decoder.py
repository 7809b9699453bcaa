"""Read every code of a picture within a time budget: the library first, then what is known to help, step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

import cv2
import numpy as np

from . import engine, matrix, regions
from .codes import Code, reconcile
from .linear import MARGINAL_MODULE, LinearAttempts, module_pixels
from .regions import Region

#: The thorough pass of the library takes about this many times its quick pass (measured at 1–2 megapixels).
_THOROUGH_COST = 6.0
#: With something read already, so many other places are still tried before the frame counts as done.
_EXTRA_LINEAR, _EXTRA_MATRIX = 6, 2


class _Attempts(Protocol):
    region: Region

    def steps(self) -> Iterator[None]: ...
    def accepted(self) -> list[Code]: ...


class _Clock:
    def __init__(self, budget_ms: float) -> None:
        self._end = time.perf_counter() + budget_ms / 1000

    def left_ms(self) -> float:
        return (self._end - time.perf_counter()) * 1000

    def is_over(self) -> bool:
        return self.left_ms() <= 0


def decode(image: np.ndarray, budget_ms: float = 300) -> list[Code]:
    """Read the codes of a picture.

    image: H×W×3 BGR or H×W grey, uint8 (what OpenCV gives). budget_ms: about how long it may take; a clean
    frame takes a few milliseconds, the rest is only spent on what is hard to read.
    Returns codes in reading order (top to bottom, left to right). Overlapping readings that differ are refused,
    all of them. An empty list means: nothing readable, take another frame.
    Raises ValueError for an array that is no picture.
    """
    grey = _grey(image)
    clock = _Clock(budget_ms)
    started = clock.left_ms()
    found = engine.read(grey, engine.EVERY, thorough=False)
    quick_ms = started - clock.left_ms()
    found, doubtful = _sure(found)
    open_regions = _remaining(grey, found) if found and not doubtful else None
    if open_regions is None:
        if quick_ms * _THOROUGH_COST < clock.left_ms() / 2:
            more, weak = _sure(engine.read(grey, engine.EVERY))
            found, doubtful = found + more, doubtful + weak
        open_regions = regions.find(grey, [np.array(c.corners, np.float32) for c in found])
        found = _work(grey, open_regions, found, clock)
    elif open_regions:
        found = _work(grey, open_regions, found, clock)
    if not found and not clock.is_over():
        found = _whole_frame(grey, clock)
    kept, _ = reconcile(found)
    return sorted(kept, key=lambda c: (round(c.centre[1] / 24), c.centre[0]))


def _grey(image: np.ndarray) -> np.ndarray:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        raise ValueError("a picture must be a non-empty uint8 array, H×W or H×W×3 in BGR order")
    if image.ndim == 2:
        return image
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[:, :, 0])
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY if image.shape[2] == 4 else cv2.COLOR_BGR2GRAY))


def _sure(codes: list[Code]) -> tuple[list[Code], list[Code]]:
    """Split first readings into those that stand and linear ones too small to believe on one vote."""
    sure: list[Code] = []
    doubtful: list[Code] = []
    for code in codes:
        small = code.symbology.is_linear and module_pixels(code) < MARGINAL_MODULE
        (doubtful if small else sure).append(code)
    return sure, doubtful


def _remaining(grey: np.ndarray, found: list[Code]) -> list[Region]:
    """What else looks like a code in a frame where something was read already."""
    left = regions.find(grey, [np.array(c.corners, np.float32) for c in found], quick=True)
    linear = [r for r in left if r.linear and LinearAttempts(grey, r).looks_like_bars]
    square = [r for r in left if not r.linear and r.weight > 20]
    return linear[:_EXTRA_LINEAR] + square[:_EXTRA_MATRIX]


def _work(grey: np.ndarray, places: list[Region], found: list[Code], clock: _Clock) -> list[Code]:
    """Go through the regions in rounds: the cheap attempt at each first, then the next dearer one."""
    found = list(found)
    waiting: list[tuple[_Attempts, Iterator[None]]] = []
    for place in places:
        attempts: _Attempts = LinearAttempts(grey, place) if place.linear else matrix.MatrixAttempts(grey, place)
        waiting.append((attempts, attempts.steps()))
    while waiting and not clock.is_over():
        still = []
        for attempts, steps in waiting:
            if clock.is_over():
                break
            if _covered(attempts.region, found):
                continue
            if next(steps, _END) is _END:
                continue
            codes = attempts.accepted()
            if codes:
                found += codes
            else:
                still.append((attempts, steps))
        waiting = still
    return found


_END = object()


def _covered(region: Region, found: list[Code]) -> bool:
    for code in found:
        polygon = np.array(code.corners, np.float32)
        grown = polygon.mean(axis=0) + (polygon - polygon.mean(axis=0)) * 1.15
        if cv2.pointPolygonTest(cv2.convexHull(grown.astype(np.float32)), region.centre, False) >= 0:
            return True
    return False


def _whole_frame(grey: np.ndarray, clock: _Clock) -> list[Code]:
    """Last resort for a frame in which no region gave anything: light taken out, then enlarged."""
    for clean in (matrix.divided, matrix.equalised):
        for zoom in (1, 2):
            if clock.left_ms() < 20 or (zoom == 2 and grey.size > 500_000):
                continue
            larger = cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC) if zoom > 1 else grey
            codes, _ = _sure(engine.read(clean(larger), engine.EVERY))
            if codes:
                return [_shrunk(code, zoom) for code in codes]
    return []


def _shrunk(code: Code, zoom: int) -> Code:
    one, two, three, four = ((x / zoom, y / zoom) for x, y in code.corners)
    return Code(code.text, code.symbology, (one, two, three, four), code.gs1, code.marginal)
