"""What a scan gives: codes with text, symbology and corners, and how codes relate in the picture."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable

import cv2
import msgspec
import numpy as np

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]


#: 128 bits and more in hexadecimal; the 32 digits of an EID are no key.
_MAY_BE_KEY = re.compile(r"(?![0-9]+(?![0-9A-Fa-f]))[0-9A-Fa-f]{32,}")
_LONGEST_KEPT = 200
_GS = "\x1d"


class Symbology(enum.StrEnum):
    """Kinds of bar code that stand on meters, concentrators, panels, seals and SIM cards."""

    CODE_128 = "Code128"
    GS1_128 = "GS1-128"
    CODE_39 = "Code39"
    ITF = "ITF"
    EAN_13 = "EAN-13"
    EAN_8 = "EAN-8"
    UPC_A = "UPC-A"
    DATA_MATRIX = "DataMatrix"
    QR_CODE = "QRCode"
    UNKNOWN = "unknown"
    """Typed, or from a reader that does not say; `decode` never gives it."""

    @property
    def is_linear(self) -> bool:
        """True for codes made of bars, false for codes made of squares."""
        return self not in (Symbology.DATA_MATRIX, Symbology.QR_CODE)

    @property
    def has_check(self) -> bool:
        """True where the symbology itself carries a check that can be relied on: ITF and Code 39 carry none,
        and the
        one digit of an EAN-8 passes every tenth misreading."""
        return self not in (Symbology.CODE_39, Symbology.ITF, Symbology.EAN_8)


class Code(msgspec.Struct, frozen=True):
    """One bar code as read.

    text: exactly what the code holds: leading zeros and GS separators (U+001D) kept.
    corners: four (x, y) in pixels of the given picture: top left, top right, bottom right, bottom left
        in the code's own reading direction.
    gs1: True where the code declares GS1 element strings (FNC1 in first place).
    marginal: True where the picture was near the resolution limit, so that a second, independent frame
        should agree before the text is believed: there Code 128 misreads too.
    """

    text: str
    symbology: Symbology
    corners: Corners
    gs1: bool = False
    marginal: bool = False

    @property
    def centre(self) -> Point:
        """Mean of the corners."""
        return (sum(p[0] for p in self.corners) / 4, sum(p[1] for p in self.corners) / 4)


def to_keep(text: str) -> str:
    """A code's text as it may stand in a record or on a page.

    What may be a key is left out, bytes that are no text are shown as such, and a document is cut.
    """
    shown = _MAY_BE_KEY.sub("…", text)
    shown = "".join(one if one.isprintable() or one == _GS else "\N{REPLACEMENT CHARACTER}" for one in shown)
    return shown if len(shown) <= _LONGEST_KEPT else shown[: _LONGEST_KEPT - 1] + "…"


def _polygon(code: Code, grow: float = 0.0) -> np.ndarray:
    points = np.array(code.corners, np.float32)
    if grow:
        centre = points.mean(axis=0)
        points = centre + (points - centre) * (1 + grow)
    hull: np.ndarray = cv2.convexHull(points.astype(np.float32))
    return hull


def overlap(first: Code, second: Code) -> float:
    """Shared area as a share of the smaller code, 0…1. A line-thin code counts as 2 px wide."""
    one, two = _thick(_polygon(first)), _thick(_polygon(second))
    shared, _ = cv2.intersectConvexConvex(one, two)
    smaller = min(cv2.contourArea(one), cv2.contourArea(two))
    return float(shared / smaller) if smaller > 0 else 0.0


def _thick(hull: np.ndarray) -> np.ndarray:
    if cv2.contourArea(hull) >= 16:
        return hull
    centre, (width, height), angle = cv2.minAreaRect(hull)
    box = cv2.boxPoints((centre, (max(width, 2.0), max(height, 2.0)), angle))
    grown: np.ndarray = cv2.convexHull(np.asarray(box, np.float32))
    return grown


def _same_place(first: Code, second: Code) -> bool:
    """True for two readings of one code: a scan line and its region may hardly overlap. Bars and squares
    that say
    the same are two codes."""
    if first.symbology.is_linear != second.symbology.is_linear:
        return False
    reach = 0.5 * max(
        math.dist(first.corners[0], first.corners[2]), math.dist(second.corners[0], second.corners[2])
    )
    return math.dist(first.centre, second.centre) < reach


def reconcile(codes: Iterable[Code], *, shared: float = 0.3) -> tuple[list[Code], list[Code]]:
    """Merge equal codes at one place and refuse overlapping ones that say different things.

    Returns (kept, refused). Two codes cannot be printed over each other: where two readings of one
    place differ, at least one is wrong and nobody knows which, so both are refused.
    """
    distinct: list[Code] = []
    for code in codes:
        twin = next(
            (i for i, seen in enumerate(distinct) if seen.text == code.text and _same_place(seen, code)), None
        )
        if twin is None:
            distinct.append(code)
        elif distinct[twin].marginal and not code.marginal:
            distinct[twin] = code
    clashing: set[int] = set()
    for i, first in enumerate(distinct):
        for j in range(i + 1, len(distinct)):
            if first.text != distinct[j].text and overlap(first, distinct[j]) > shared:
                clashing |= {i, j}
    kept = [code for i, code in enumerate(distinct) if i not in clashing]
    return kept, [distinct[i] for i in sorted(clashing)]
