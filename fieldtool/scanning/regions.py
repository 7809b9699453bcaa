"""Where in a picture codes may stand: striped regions (linear codes) and busy ones (matrix codes).

The structure tensor says for each neighbourhood how strong its edges are and how much they agree in
direction. Bars agree; squares and text do not. It is summed into cells of a few pixels at a fixed working
size, so that the search costs a few milliseconds whatever the frame.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np

#: Longest side of the picture in which regions are sought; the frame of a wall of meters needs more.
_WORKING_SIDE, _WORKING_SIDE_LARGE, _LARGE_FRAME = 800, 2200, 2500
_CELL = 4
#: Cells of smoothing: small for small codes, large to bridge a damaged or wide-spaced one.
_LINEAR_WINDOWS, _MATRIX_WINDOW = (3, 7), 5
_MOST_COMPONENTS = 120


@dataclasses.dataclass(frozen=True)
class Region:
    """A place to look at, in pixels of the full picture.

    centre: middle. axis: unit vector along the reading direction. bars: unit vector along the bars (for a
    matrix region: across). half_length, half_height: half extents along `axis` and `bars`.
    """

    centre: tuple[float, float]
    axis: tuple[float, float]
    bars: tuple[float, float]
    half_length: float
    half_height: float
    linear: bool
    weight: float

    @property
    def squareness(self) -> float:
        """Short side over long side, 0…1."""
        return min(self.half_length, self.half_height) / max(self.half_length, self.half_height)

    def square_on(self) -> Region | None:
        """The same place with its axis square to the bars; None where it is so already."""
        x, y = self.bars[1], -self.bars[0]
        if abs(self.axis[0] * x + self.axis[1] * y) > 0.9994:
            return None
        sign = 1.0 if self.axis[0] * x + self.axis[1] * y > 0 else -1.0
        return dataclasses.replace(self, axis=(x * sign, y * sign))

    def polygon(self) -> np.ndarray:
        """Four corners, 4×2 float32."""
        c, a, b = np.array(self.centre), np.array(self.axis), np.array(self.bars)
        along, across = a * self.half_length, b * self.half_height
        return np.array(
            [c - along - across, c + along - across, c + along + across, c - along + across], np.float32
        )


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """Structure tensor summed into cells; `pitch` is the size of a cell in pixels of the full picture."""

    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray
    pitch: float


def find(
    grey: np.ndarray, covered: list[np.ndarray] | None = None, *, quick: bool = False, limit: int = 150
) -> list[Region]:
    """Candidate regions of a grey picture, the most promising first.

    covered: polygons (N×2) already read; nothing inside them is proposed again.
    quick: only what is plain to see.
    """
    tensor = _tensor(grey)
    free = np.ones(tensor.xx.shape, np.uint8)
    for polygon in covered or []:
        cells = np.round(polygon / tensor.pitch - 0.5).astype(np.int32)
        cv2.fillConvexPoly(free, cells, 0)
        cv2.polylines(free, [cells], True, 0, 5)
    found: list[Region] = []
    most = 10 if quick else _MOST_COMPONENTS
    for window in _LINEAR_WINDOWS[:1] if quick else _LINEAR_WINDOWS:
        found += _at_scale(tensor, free, window, linear=True, most=most)
    found += _at_scale(tensor, free, _MATRIX_WINDOW, linear=False, most=most)
    found.sort(key=lambda r: -r.weight)
    return _distinct(found)[:limit]


def _tensor(grey: np.ndarray) -> _Tensor:
    longest = max(grey.shape)
    factor = max(1, round(longest / (_WORKING_SIDE if longest < _LARGE_FRAME else _WORKING_SIDE_LARGE)))
    # whole factors and whole cells: OpenCV's area average is several times faster for these
    height, width = (side // (factor * _CELL) * (factor * _CELL) for side in grey.shape)
    if not height or not width:
        empty = np.zeros((1, 1), np.float32)
        return _Tensor(empty, empty, empty, float(longest))
    small = grey[:height, :width]
    if factor > 1:
        small = cv2.resize(small, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    gx = cv2.Scharr(small, cv2.CV_32F, 1, 0, scale=1 / 16)
    gy = cv2.Scharr(small, cv2.CV_32F, 0, 1, scale=1 / 16)
    size = (small.shape[1] // _CELL, small.shape[0] // _CELL)
    xx, yy, xy = (
        cv2.resize(cv2.multiply(a, b), size, interpolation=cv2.INTER_AREA)
        for a, b in ((gx, gx), (gy, gy), (gx, gy))
    )
    return _Tensor(xx, yy, xy, float(_CELL * factor))


def _at_scale(tensor: _Tensor, free: np.ndarray, window: int, *, linear: bool, most: int) -> list[Region]:
    box = (window, window)
    xx, yy, xy = (cv2.blur(a, box) for a in (tensor.xx, tensor.yy, tensor.xy))
    energy = xx + yy
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (energy + 1e-3)
    floor = max(_percentiles(energy.ravel(), 98)[0] * 0.04, 12.0)
    mask = ((energy > floor) & ((coherence > 0.55) if linear else (coherence < 0.5))).astype(np.uint8) & free
    if not linear:
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    regions = []
    for label in np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:most] + 1:
        if stats[label, cv2.CC_STAT_AREA] < 9:
            break
        x, y, w, h = stats[label, :4]
        cut = np.s_[y : y + h, x : x + w]
        inside = labels[cut] == label
        ys, xs = np.nonzero(inside)
        points = np.empty((len(xs), 2), np.float32)
        points[:, 0], points[:, 1] = xs + (x + 0.5), ys + (y + 0.5)
        sums = (float(xx[cut][inside].sum()), float(yy[cut][inside].sum()), float(xy[cut][inside].sum()))
        region = _linear(points, sums, tensor.pitch) if linear else _matrix(points, tensor.pitch)
        if region is not None:
            regions.append(region)
    return regions


def _sides(points: np.ndarray) -> tuple[tuple[float, float], list[tuple[float, tuple[float, float]]]]:
    centre, (width, height), angle = cv2.minAreaRect(points)
    turned = math.radians(angle)
    along = (math.cos(turned), math.sin(turned))
    return (float(centre[0]), float(centre[1])), [(width, along), (height, (-along[1], along[0]))]


def _matrix(points: np.ndarray, pitch: float) -> Region | None:
    centre, ((long, axis), (short, bars)) = _sides(points)
    if min(long, short) < max(2.0, 0.4 * max(long, short)):
        return None
    middle = (centre[0] * pitch, centre[1] * pitch)
    squareness = min(long, short) / max(long, short)
    weight = math.sqrt(long * short) * pitch * squareness
    half = pitch / 2
    return Region(middle, axis, bars, (long + 1) * half, (short + 1) * half, False, weight)


def _linear(points: np.ndarray, sums: tuple[float, float, float], pitch: float) -> Region | None:
    xx, yy, xy = sums
    agreement = math.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-3)
    centre, _ = _sides(points)
    if agreement < 0.5:
        return None
    across = 0.5 * math.atan2(2 * xy, xx - yy)  # direction of the gradient, across the bars
    gradient = (math.cos(across), math.sin(across))
    bars = (-gradient[1], gradient[0])
    axis = _axis(points, gradient)
    # along the code and along its bars, which need not be square to each other
    slant = axis[0] * bars[1] - axis[1] * bars[0]
    x, y = points[:, 0] - centre[0], points[:, 1] - centre[1]
    left, right = _percentiles((x * bars[1] - y * bars[0]) / slant, 0.5, 99.5)
    top, bottom = _percentiles((y * axis[0] - x * axis[1]) / slant, 0.5, 99.5)
    along, upright = (left + right) / 2, (top + bottom) / 2
    middle = (
        (axis[0] * along + bars[0] * upright + centre[0]) * pitch,
        (axis[1] * along + bars[1] * upright + centre[1]) * pitch,
    )
    half_length, half_height = (right - left + 1) / 2 * pitch, (bottom - top + 1) / 2 * pitch
    if half_length < max(12.0, 0.3 * half_height):
        return None  # an edge: no code is so much taller than long
    weight = half_length * math.sqrt(max(half_height, 1.0)) / 4 * agreement
    return Region(middle, axis, bars, half_length, half_height, True, weight)


def _percentiles(values: np.ndarray, *shares: float) -> list[float]:
    """As `np.percentile` of a row of numbers: that one costs more in its checks than in its work here."""
    last = len(values) - 1
    places = [share / 100 * last for share in shares]
    ranks = sorted({rank for place in places for rank in (math.floor(place), math.ceil(place))})
    ordered = np.partition(values, ranks)
    found = []
    for place in places:
        low, high = float(ordered[math.floor(place)]), float(ordered[math.ceil(place)])
        found.append(low + (high - low) * (place - math.floor(place)))
    return found


def _axis(points: np.ndarray, gradient: tuple[float, float]) -> tuple[float, float]:
    """Direction of the code: the line through the middles of its columns. Seen at an angle, bars and baseline
    are not square to each other; a region that is not clearly long runs along the gradient."""
    across = np.array([gradient, (-gradient[1], gradient[0])], np.float32).T
    local = points @ across
    columns = np.round(local[:, 0] - local[:, 0].min()).astype(np.int32)
    filled = np.bincount(columns)
    if len(filled) < 6 or len(filled) < 1.6 * len(points) / len(filled):
        return gradient
    middles = np.bincount(columns, weights=local[:, 1]) / np.maximum(filled, 1)
    line = np.c_[np.nonzero(filled)[0], middles[filled > 0]].astype(np.float32)
    vx, vy, _, _ = (float(v) for v in np.ravel(cv2.fitLine(line, cv2.DIST_HUBER, 0, 0.01, 0.01)))
    if abs(vy) > 0.7 * abs(vx):
        return gradient
    slope = vy / vx
    norm = math.hypot(1.0, slope)
    return (
        (gradient[0] - gradient[1] * slope) / norm,
        (gradient[1] + gradient[0] * slope) / norm,
    )


def _distinct(regions: list[Region]) -> list[Region]:
    kept: list[Region] = []
    for region in regions:
        if not any(_alike(region, seen) for seen in kept):
            kept.append(region)
    return kept


def _alike(one: Region, two: Region) -> bool:
    if one.linear != two.linear:
        return False
    near = math.dist(one.centre, two.centre) < 0.25 * max(one.half_length, two.half_length)
    return near and 0.8 < (one.half_length + 1) / (two.half_length + 1) < 1.25
