"""Read every code of a picture within a time budget: the library first, then step by step what helps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import cv2
import msgspec
import numpy as np

from . import engine, fitted, matrix, rectify, regions
from .codes import Code, Symbology, reconcile
from .linear import MARGINAL_MODULE, LinearAttempts, module_pixels
from .regions import Region

#: The thorough pass of the library takes about this many times its quick pass (measured at 1–2 megapixels).
_THOROUGH_COST = 6.0
#: With something read already, so many other busy places are still tried before the frame counts as done.
_EXTRA_MATRIX = 2
_EXTRA_STEPS = 2
#: A frame with so many codes is a wall of meters: everything in it is tried.
_MANY = 8

#: What a budget is counted by. The benchmark counts the processor's time where others keep the machine busy.
clock = time.perf_counter

_ONE_DIGIT = (Symbology.EAN_13, Symbology.UPC_A)
#: Height over length of what the library's scan lines crossed, under which one check digit is not enough.
_THIN = 0.1


class _Attempts(Protocol):
    region: Region

    def steps(self) -> Iterator[None]: ...
    def accepted(self) -> list[Code]: ...


class _Clock:
    def __init__(self, budget_ms: float) -> None:
        self._end = clock() + budget_ms / 1000

    def left_ms(self) -> float:
        return (self._end - clock()) * 1000

    def is_over(self) -> bool:
        return self.left_ms() <= 0


def decode(image: np.ndarray, budget_ms: float = 300, *, _inverted: bool = False) -> list[Code]:
    """Read the codes of a picture.

    image: H×W×3 BGR or H×W grey, uint8 (what OpenCV gives). budget_ms: about how long it may take; a clean
    frame takes a few milliseconds, the rest is only spent on what is hard to read.
    Returns codes in reading order (top to bottom, left to right). Overlapping readings that differ are all
    refused. An empty list means: nothing readable, take another frame.
    Raises ValueError for an array that is no picture.
    """
    grey = _grey(image)
    timer = _Clock(budget_ms)
    started = timer.left_ms()
    found, doubtful = _sure(engine.read(grey, engine.EVERY, thorough=False))
    quick_ms = started - timer.left_ms()
    unread = [code for code in doubtful if code.symbology not in _ONE_DIGIT]
    easy = 0 < len(found) + len(doubtful) < _MANY and not unread
    if (unread or not (found or doubtful)) and quick_ms * _THOROUGH_COST < timer.left_ms() / 4:
        more, weak = _sure(engine.read(grey, engine.EVERY))
        found, doubtful = found + more, doubtful + weak

    def affordable(pixels: float) -> bool:
        """Noise costs the library many times what a clean frame does: judged by the first look."""
        return quick_ms * _THOROUGH_COST * pixels / grey.size < timer.left_ms()

    before = -1
    while len(found) > before and not timer.is_over():
        # what was read is covered and no longer hides what stands beside it
        before = len(found)
        places = regions.find(grey, [np.array(c.corners, np.float32) for c in found], quick=easy)
        found = _work(_attempts(grey, places, doubtful, easy, affordable), found, timer)
        easy = easy or len(found) < _MANY
    found += _whole(doubtful, grey, found)
    if not found and not timer.is_over():
        found = _whole_frame(grey, affordable)
    if not found and not _inverted and affordable(grey.size):
        # light bars on dark: the library turns only squares by itself
        negative = cv2.bitwise_not(grey)
        if engine.read(negative, engine.LINEAR):
            return decode(negative, timer.left_ms(), _inverted=True)
    if not found and not _inverted and not timer.is_over():
        found = fitted.read(grey, timer.is_over)
    kept, _ = reconcile(found)
    return sorted(kept, key=lambda c: (round(c.centre[1] / 24), c.centre[0]))


def _grey(image: np.ndarray) -> np.ndarray:
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim not in (2, 3)
        or image.size == 0
    ):
        raise ValueError("a picture must be a non-empty uint8 array, H×W or H×W×3 in BGR order")
    if image.ndim == 2:
        return np.ascontiguousarray(image)
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[:, :, 0])
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY if image.shape[2] == 4 else cv2.COLOR_BGR2GRAY))


def _sure(codes: list[Code]) -> tuple[list[Code], list[Code]]:
    """Split first readings into those that stand and linear ones to doubt, to be read again in their
    region: too small for one vote, or without a check of their own (a slanting scan line that leaves
    an ITF at its edge reads a shorter, perfectly valid one), or with one digit of it (three EAN-13 of 10,000
    hard
    pictures were read wrong by one scan line, none by the whole of its region)."""
    sure: list[Code] = []
    doubtful: list[Code] = []
    for code in codes:
        weak = code.symbology.is_linear and (
            not code.symbology.has_check
            or module_pixels(code) < MARGINAL_MODULE
            or (code.symbology in _ONE_DIGIT and _thin(code))
        )
        (doubtful if weak else sure).append(code)
    return sure, doubtful


def _thin(code: Code) -> bool:
    length = math.dist(code.corners[0], code.corners[1])
    return math.dist(code.corners[0], code.corners[3]) < _THIN * length


def _attempts(
    grey: np.ndarray,
    places: list[Region],
    doubtful: list[Code],
    easy: bool,
    affordable: Callable[[float], bool],
) -> Iterator[_Attempts]:
    """What to try at the places, made only when it is its turn: what plainly looks like a code first, then,
    unless the frame is easy, everything else."""
    later: list[Region] = []
    squares = 0
    for place in places:
        if place.linear:
            if easy and not rectify.looks_like_bars(grey, place):
                continue
            square_on = place.square_on()
            for part in rectify.split(grey, place) + ([square_on] if square_on else []):
                if rectify.looks_like_bars(grey, part):
                    yield LinearAttempts(grey, part, doubtful)
                else:
                    later.append(part)
        elif place.squareness > 0.7 and not (easy and squares == _EXTRA_MATRIX):
            squares += 1
            yield matrix.MatrixAttempts(grey, place, affordable, most=_EXTRA_STEPS if easy else None)
        else:
            later.append(place)
    for place in () if easy else later:
        if place.linear:
            yield LinearAttempts(grey, place, doubtful)
        else:
            yield matrix.MatrixAttempts(grey, place, affordable)


def _work(attempts: Iterator[_Attempts], found: list[Code], timer: _Clock) -> list[Code]:
    """Go through the places in rounds: the cheap attempt at each first, then the next dearer one."""
    found = list(found)
    turn: Iterator[tuple[_Attempts, Iterator[None]]] = ((one, one.steps()) for one in attempts)
    while True:
        again = []
        for one, steps in turn:
            if timer.is_over():
                return found
            if _covered(one.region, found) or next(steps, _END) is _END:
                continue
            codes = one.accepted()
            found += codes
            if not codes:
                again.append((one, steps))
        if not again:
            return found
        turn = iter(again)


_END = object()


def _whole(doubtful: list[Code], grey: np.ndarray, found: list[Code]) -> list[Code]:
    """First readings without a check of their own that no region confirmed, where they fill a striped region
    from end to end: no cut out of something longer. Marginal: another frame must agree."""
    read = {code.text for code in found}
    left = [
        code
        for code in doubtful
        if not code.symbology.has_check and module_pixels(code) >= MARGINAL_MODULE and code.text not in read
    ]
    places = [p for p in regions.find(grey) if p.linear] if left else []
    kept = []
    for code in left:
        length = math.dist(code.corners[0], code.corners[1])
        around = [p for p in places if cv2.pointPolygonTest(p.polygon(), code.centre, False) >= 0]
        if around and all(length > 1.6 * place.half_length for place in around):
            kept.append(msgspec.structs.replace(code, marginal=True))
    return kept


def _covered(region: Region, found: list[Code]) -> bool:
    """True where a code was read already that fills the region, or lies over its middle."""
    to_local = np.linalg.inv(np.array([region.axis, region.bars]).T)
    for code in found:
        corners = np.array(code.corners, np.float32)
        middle = corners.mean(axis=0)
        x, y = to_local @ (middle - np.array(region.centre))
        length = max(float(np.ptp(corners[:, 0])), float(np.ptp(corners[:, 1])))
        if (
            region.linear
            and code.symbology.is_linear
            and abs(x) < 0.3 * region.half_length
            and abs(y) < 0.6 * region.half_height
            and length > 1.4 * region.half_length
        ):
            return True
        grown = (middle + (corners - middle) * 1.15).astype(np.float32)
        if cv2.pointPolygonTest(cv2.convexHull(grown), region.centre, False) >= 0:
            return True
    return False


def _whole_frame(grey: np.ndarray, affordable: Callable[[float], bool]) -> list[Code]:
    """Last resort for a frame in which no region gave anything: light taken out, then enlarged."""
    for clean in (matrix.divided, matrix.equalised):
        for zoom in (1, 2):
            if not affordable(grey.size * zoom**2) or (zoom == 2 and grey.size > 500_000):
                continue
            larger = (
                cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC) if zoom > 1 else grey
            )
            read = [_shrunk(code, zoom) for code in engine.read(clean(larger), engine.EVERY)]
            codes, _ = _sure(read)
            if codes:
                return codes
    return []


def _shrunk(code: Code, zoom: int) -> Code:
    one, two, three, four = ((x / zoom, y / zoom) for x, y in code.corners)
    return Code(code.text, code.symbology, (one, two, three, four), code.gs1, code.marginal)
