"""Attempts at one striped region, from cheap to dear, and the votes that their readings need.

Two readings count as two votes only where they come from different rows of the picture: two kinds of
sharpening of the same rows make the same mistake: they agreed on wrong EANs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from . import engine, rectify
from .codes import Code, Corners, Symbology
from .labels_out import code_modules
from .regions import Region

#: Pixels per module under which a reading needs a second vote, and a second frame.
MARGINAL_MODULE = 1.7
_ALL_ROWS = -1
#: What lies beside a code is its ground for so many modules, and at least so light (0 dark bars, 1 light
#: bars).
_QUIET_MODULES, _AS_LIGHT = 5.0, 0.6
_Clean = Callable[[np.ndarray], np.ndarray]


def module_pixels(code: Code) -> float:
    """Width of one module in pixels of the picture, from the length of the code and what it holds."""
    (x0, y0), (x1, y1) = code.corners[0], code.corners[1]
    length = float(np.hypot(x1 - x0, y1 - y0))
    return length / _module_count(code.text, code.symbology, code.gs1)


def _module_count(text: str, symbology: Symbology, gs1: bool) -> int:
    if symbology in (Symbology.EAN_13, Symbology.UPC_A):
        return 95
    if symbology is Symbology.EAN_8:
        return 67
    if symbology is Symbology.ITF:
        return 9 + 9 * len(text)
    if symbology is Symbology.CODE_39:
        return 16 * (len(text) + 2)
    try:
        return int(code_modules(text.replace("\x1d", " "), Symbology.CODE_128).shape[1]) + (11 if gs1 else 0)
    except ValueError:
        return 11 * (len(text) + 3) + 2


class LinearAttempts:
    """One region's attempts. Iterate `steps`; after each, `accepted` holds what has enough votes."""

    def __init__(self, grey: np.ndarray, region: Region, first: Iterable[Code] = ()) -> None:
        """first: what the library read in the untouched frame, not to be believed alone: one vote each."""
        self.region = region
        self._first = {(code.text, code.symbology) for code in first}
        self._upright, self._back = rectify.straighten(grey, region)
        self._votes: dict[tuple[str, Symbology], dict[int, tuple[Code, bool]]] = {}

    def steps(self) -> Iterator[None]:
        """Run the attempts one by one; the caller watches the clock between them."""
        for bands, clean, hard in _LADDER:
            for index, profile in enumerate(rectify.profiles(self._upright, bands)):
                rows = _ALL_ROWS if bands == 1 else index
                for code in engine.read(clean(profile), engine.LINEAR, thorough=False):
                    self._vote(code, rows, hard, profile)
            yield
        for code in engine.read(self._upright, engine.LINEAR, thorough=False):
            self._vote(code, _ALL_ROWS, False, rectify.profiles(self._upright, 1)[0])
        yield

    def accepted(self) -> list[Code]:
        """Codes with enough votes and no contradiction in this region."""
        strong: list[Code] = []
        for votes in self._votes.values():
            code, hard = next(iter(votes.values()))
            marginal = hard or module_pixels(code) < MARGINAL_MODULE
            needed = 2 if marginal or not code.symbology.has_check else 1
            if len(votes) + ((code.text, code.symbology) in self._first) >= needed:
                # without a check, only rows that have nothing in common are two witnesses
                apart = sum(rows != _ALL_ROWS for rows in votes) >= 2
                marginal = marginal or not (code.symbology.has_check or apart)
                strong.append(Code(code.text, code.symbology, code.corners, code.gs1, marginal))
        return strong if len(self._votes) <= 1 or len(strong) == len(self._votes) else []

    def _vote(self, code: Code, rows: int, hard: bool, profile: np.ndarray) -> None:
        left, right = code.corners[0][0], code.corners[1][0]
        if not code.symbology.has_check:
            span = abs(right - left) * float(np.hypot(*self._back[:, 0]))
            if span < 1.5 * self.region.half_length:
                return  # read out of the middle of something longer
            ends = (min(left, right), max(left, right))
            if not _quiet(profile, ends, _module_count(code.text, code.symbology, code.gs1)):
                return  # something lies over one end
        votes = self._votes.setdefault((code.text, code.symbology), {})
        if rows not in votes:
            corners = self._corners(left, right, profile)
            votes[rows] = (Code(code.text, code.symbology, corners, code.gs1), hard)

    def _corners(self, left: float, right: float, profile: np.ndarray) -> Corners:
        top, bottom = rectify.rows_like(self._upright, profile, left, right)
        box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        one, two, three, four = ((float(x), float(y)) for x, y in rectify.place(box, self._back))
        return (one, two, three, four)


def _quiet(profile: np.ndarray, ends: tuple[float, float], modules: int) -> bool:
    """Whether both ends lie on the same light ground as the light bars; where too little of it is in view,
    yes."""
    left, right = ends
    module = (right - left) / modules
    inside = profile[max(0, int(left)) : max(1, int(right))]
    if len(inside) < 2 or module <= 0:
        return True
    dark, light = np.percentile(inside, [8, 92])
    enough = dark + _AS_LIGHT * (light - dark)
    before = profile[max(0, int(left - _QUIET_MODULES * module)) : max(0, int(left - module))]
    after = profile[int(right + module) : int(right + _QUIET_MODULES * module)]
    return all(len(ground) < 2 * module or float(ground.min()) > enough for ground in (before, after))


def _unsharp(sigma: float, amount: float) -> _Clean:
    return lambda profile: rectify.unsharp(profile, sigma, amount)


def _levelled(window: int) -> _Clean:
    return lambda profile: rectify.levelled(profile, window)


def _deblurred(sigma: float, noise: float) -> _Clean:
    return lambda profile: rectify.deblurred(profile, sigma, noise)


#: (bands of rows, cleaning, hard: the picture was so bad that a single reading proves nothing)
_LADDER: list[tuple[int, _Clean, bool]] = [
    (1, rectify.plain, False),
    (4, _unsharp(3, 1.5), False),
    (1, _levelled(61), False),
    (1, _unsharp(3, 1.5), False),
    (1, _deblurred(4, 3e-3), True),
    (1, _deblurred(6, 3e-4), True),
    (4, _levelled(61), True),
    (1, _deblurred(8, 3e-5), True),
    (3, _deblurred(4, 3e-3), True),
    (3, _deblurred(6, 1e-3), True),
    (1, _unsharp(7, 4), True),
    (3, _unsharp(5, 2.5), True),
    (3, _deblurred(8, 3e-4), True),
    (5, _levelled(121), True),
]
