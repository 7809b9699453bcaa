"""Lay the fixed modules of a matrix code over a picture until they fit, where no scan line finds them.

Solid and dotted borders of a Data Matrix, the three eyes and dotted lines of a QR Code and the light ground
around both are known before anything is read. From a rough place, the eight numbers of its projection are
improved by Gauss–Newton with weights that forget what is hidden (Baker and Matthews, *Lucas–Kanade 20 Years
On*).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np

from .layouts import known_modules

_UNIT = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], np.float32)
#: What a dark or light module shows in a `Ground` on average (blur takes some of 1), and from which
#: difference on it is not believed.
_GAIN, _SCALE = 0.9, 0.5
#: Lens (σ in modules) and steps, from rough to fine.
_ROUGH, _MIDDLE, _SIZED, _FINE = (1.2, 8), (0.6, 6), (0.5, 6), (0.4, 8)
#: A Data Matrix of unknown size is laid as if it had so many modules.
_OUTLINE = 18
_QR_SIDES = (21, 25, 29)
_MATRIX_SIDES = (10, 12, 14, 16, 18, 20, 22, 24, 26)
_MOST_LAID, _MOST_FINE, _MOST_SIDES = 4, 8, 5
#: Windows, in pixels, of light and of busyness, and the least change of what is busy.
_BUSY = ((15, 5, 0.27), (19, 7, 0.27), (31, 9, 0.2), (45, 11, 0.27))
_SMALLEST, _MOST_PLACES = 400, 4


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Points of what is known, P×2 with the code's square as −½…½, and what they show: +1 dark, −1 light."""

    points: np.ndarray
    shows: np.ndarray

    def without(self, corner: int) -> Pattern:
        """The half that lies away from a corner, 0…3: the other one may be hidden."""
        u, v = self.points.T
        keep = (u + v > -0.5, u - v < 0.5, u + v < 0.5, u - v > -0.5)[corner]
        return Pattern(self.points[keep], self.shows[keep])


@dataclasses.dataclass(frozen=True)
class Fit:
    """Where a code lies. place: 3×3 from modules (0…side) to pixels. likeness: −1…1 of the known modules."""

    place: np.ndarray
    side: int
    likeness: float


@cache
def pattern(side: int, *, qr: bool, blur: float = 0.0) -> Pattern:
    """What is known of a QR Code or Data Matrix of one size, and the light ground around it.

    blur: σ in modules of the lens through which it is shown.
    """
    fixed = known_modules(side, qr=qr)
    return _points(np.pad(fixed, 1, constant_values=-1), side, blur)


@cache
def outline(steps: int = 16, blur: float = 0.0) -> Pattern:
    """Two solid sides of a Data Matrix of unknown size and the ground around: enough to lay it roughly."""
    fixed = np.zeros((steps, steps), np.int8)
    fixed[:, 0] = fixed[-1, :] = 1
    return _points(np.pad(fixed, 1, constant_values=-1), steps, blur)


def _points(fixed: np.ndarray, side: int, blur: float) -> Pattern:
    double: np.ndarray = fixed.astype(np.float32).repeat(2, axis=0).repeat(2, axis=1)
    if blur:
        wide = np.pad(double, 4, constant_values=-1)
        double = cv2.GaussianBlur(wide, (0, 0), 2 * blur)[4:-4, 4:-4]
    known = fixed.repeat(2, axis=0).repeat(2, axis=1)
    if blur > 1:
        known[::2] = 0
    rows, columns = np.nonzero(known)
    points = np.c_[columns, rows].astype(np.float32)
    return Pattern(((points + 0.5) / 2 - 1) / side - 0.5, double[rows, columns])


class Ground:
    """A picture made ready for laying patterns over it: its values about −1 (light) … +1 (dark).

    In the logarithm, where a shadow is a step, and against the darkest and lightest near each pixel.
    """

    def __init__(self, grey: np.ndarray, window: int, blur: float) -> None:
        smooth = np.log(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), blur) + 4)
        reach = np.ones((window, window), np.uint8)
        high = cv2.blur(cv2.dilate(smooth, reach), (window, window))
        low = cv2.blur(cv2.erode(smooth, reach), (window, window))
        contrast = high - low
        least = max(0.2 * float(np.percentile(contrast[::4, ::4], 97)), 0.02)
        self.values = (high + low - 2 * smooth) / np.maximum(contrast, least)
        slopes = (cv2.Sobel(self.values, cv2.CV_32F, x, 1 - x, ksize=3, scale=1 / 8) for x in (1, 0))
        self.sloped = cv2.merge([self.values, *slopes])


def likeness(ground: Ground, place: np.ndarray, known: Pattern) -> float:
    """How much of a pattern a picture shows at a place (3×3 from −½…½ to pixels), 0…1."""
    x, y, _ = _project(place, known.points)
    wrong = _look(ground.values, x, y) - _GAIN * known.shows
    return float(np.exp(-((wrong / _SCALE) ** 2)).mean())


def improve(ground: Ground, place: np.ndarray, known: Pattern, steps: int) -> np.ndarray:
    """The place moved by up to `steps` of Gauss–Newton."""
    size = _size(place) + 1e-6
    u, v = known.points[:, 0], known.points[:, 1]
    for _ in range(steps):
        x, y, depth = _project(place, known.points)
        seen, gx, gy = _look(ground.sloped, x, y).reshape(-1, 3).T
        wrong = _GAIN * known.shows - seen
        weight = 1 / (1 + (wrong / _SCALE) ** 2)
        gx, gy = gx / depth, gy / depth
        along = -(gx * x + gy * y)
        slopes = np.stack([gx * u, gx * v, gx, gy * u, gy * v, gy, along * u, along * v])
        weighed = slopes * weight
        normal = (weighed @ slopes.T).astype(np.float64)
        scale = np.sqrt(np.diag(normal)) + 1e-9
        normal = normal / scale[:, None] / scale + 0.003 * np.eye(8)
        change = np.linalg.solve(normal, (weighed @ wrong).astype(np.float64) / scale) / scale
        place = place + np.append(change, 0.0).reshape(3, 3)
        if np.abs(change[:6]).max() < 0.02:
            break
        if not 0.5 < _size(place) / size < 2 or np.abs(place[2, :2]).max() > 0.9:
            break
    return place


def _size(place: np.ndarray) -> float:
    return float(np.sqrt(abs(np.linalg.det(place[:2, :2]))))


def _project(place: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    moved = points @ place[:, :2].T.astype(np.float32) + place[:, 2].astype(np.float32)
    depth = np.maximum(moved[:, 2], 0.05)
    return moved[:, 0] / depth, moved[:, 1] / depth, depth


def _look(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return cv2.remap(
        values, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).ravel()


#: Likeness, place, side (0: an outline).
_Laid = tuple[float, np.ndarray, int]


class Fitting:
    """Where in a grey crop a code of one kind may lie."""

    def __init__(self, grey: np.ndarray, quads: list[np.ndarray], *, qr: bool) -> None:
        """quads: rough squares around it, as of `bodies`."""
        self._crop, self.qr = grey, qr
        sides = [float(np.sqrt(cv2.contourArea(quad))) for quad in quads]
        self._window = max(9, round(0.3 * float(np.median(sides)))) | 1
        self._grounds: dict[int, Ground] = {}
        self._rough: list[_Laid] = []
        self._laid: list[list[_Laid]] = []
        for quad in quads:
            turned = []
            for turn in range(4):
                place = cv2.getPerspectiveTransform(_UNIT, np.roll(quad, turn, axis=0))
                turned += [
                    (self._correlation(place, side), place, side) for side in (_QR_SIDES if qr else (0,))
                ]
            self._laid.append(sorted(turned, key=_best))
        self._laid.sort(key=lambda turned: _best(turned[0]))

    def promise(self) -> float:
        """How much of the pattern is seen once it is laid, 0…1: which kind of code to try first."""
        self._rough = [self._improved(place, side, None) for _, place, side in self._laid[0][:2]]
        return max(like for like, _, _ in self._rough)

    def fits(self) -> Iterator[Fit | None]:
        """Likely places, the best first; None between them, that the caller may watch the clock."""
        laid = self._laid
        rough = list(self._rough)
        yield None
        for number, (_, place, side) in enumerate(laid[0][:4] + (laid[1][:4] if len(laid) > 1 else [])):
            if number >= len(self._rough):
                rough.append(self._improved(place, side, None))
                yield None
        rough.sort(key=_best)
        for _, place, side in rough[:2]:
            for corner in range(4):
                rough.append(self._improved(place, side, corner))
            yield None
        fine = []
        best = sorted(rough, key=_best)[:_MOST_LAID]
        if not self.qr:
            # the outline alone may slip off where a border is hidden: the sized pattern also begins untouched
            every = [one for turned in laid for one in turned]
            every.sort(key=lambda one: -self._like(one[1], one[2], _ROUGH[0]))
            best += [one for turned in laid[:2] for one in turned[:2]] + every[:4]
        for _, place, side in best:
            for n in (side,) if side else self._sizes(place):
                better = place if side else self._nearer(place, n, _SIZED)
                fine.append((self._inside(better, n), better, n))
            yield None
        fine = self._distinct(fine)[:_MOST_FINE]
        for index, (_, place, n) in enumerate(fine):
            better = self._nearer(place, n, _FINE)
            fine[index] = (self._inside(better, n), better, n)
        yield None
        for like, place, side in self._distinct(fine)[:_MOST_SIDES]:
            to_unit = np.array([[1 / side, 0, -0.5], [0, 1 / side, -0.5], [0, 0, 1]])
            yield Fit(place @ to_unit, side, like)

    def _nearer(self, place: np.ndarray, side: int, lens: tuple[float, int]) -> np.ndarray:
        blur, steps = lens
        return improve(self._ground(place, side, blur), place, self._known(side, blur), steps)

    @staticmethod
    def _distinct(laid: list[_Laid]) -> list[_Laid]:
        """The best first, each place and size once."""
        kept: list[_Laid] = []
        for one in sorted(laid, key=_best):
            if not any(n == one[2] and np.abs(place - one[1]).max() < 1.0 for _, place, n in kept):
                kept.append(one)
        return kept

    def _sizes(self, place: np.ndarray) -> list[int]:
        """The likeliest numbers of modules of a Data Matrix: every second neighbour differs."""
        upright = cv2.warpPerspective(
            self._ground(place, 32, 0.3).values,
            place @ np.array([[1 / 96, 0, -0.5], [0, 1 / 96, -0.5], [0, 0, 1]]),
            (96, 96),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        dark = upright > 0
        changes = [*(dark[1:] != dark[:-1]).sum(axis=0), *(dark[:, 1:] != dark[:, :-1]).sum(axis=1)]
        guess = 2 * float(np.percentile(changes, 80)) + 1
        counted = sorted(_MATRIX_SIDES, key=lambda n: abs(np.log(n / guess)))
        seen = sorted(_MATRIX_SIDES, key=lambda n: -self._inside(place, n))
        return list(dict.fromkeys([*counted[:3], *seen[:3]]))

    def _inside(self, place: np.ndarray, side: int) -> float:
        """Likeness of the code's own modules: the ground around looks alike for every size."""
        known = self._known(side, 0.0)
        own = np.abs(known.points).max(axis=1) < 0.5
        finest = Pattern(known.points[own], known.shows[own])
        x, y, _ = _project(place, finest.points)
        seen = _look(self._ground(place, 32, 0.3).values, x, y)
        seen, shows = seen - seen.mean(), finest.shows - finest.shows.mean()
        return float(seen @ shows) / (float(np.linalg.norm(seen) * np.linalg.norm(shows)) + 1e-6)

    def _improved(self, place: np.ndarray, side: int, corner: int | None) -> _Laid:
        for blur, steps in (_ROUGH, _MIDDLE):
            known = self._known(side, blur)
            if corner is not None:
                known = known.without(corner)
            place = improve(self._ground(place, side, blur), place, known, steps)
        return self._like(place, side, _MIDDLE[0]), place, side

    def _like(self, place: np.ndarray, side: int, blur: float) -> float:
        return likeness(self._ground(place, side, blur), place, self._known(side, blur))

    def _correlation(self, place: np.ndarray, side: int) -> float:
        """Forgives a rough place more than `likeness` does."""
        known = self._known(side, _ROUGH[0])
        x, y, _ = _project(place, known.points)
        seen = _look(self._ground(place, side, _ROUGH[0]).values, x, y)
        seen, shows = seen - seen.mean(), known.shows - known.shows.mean()
        return float(seen @ shows) / (float(np.linalg.norm(seen) * np.linalg.norm(shows)) + 1e-6)

    def _known(self, side: int, blur: float) -> Pattern:
        return pattern(side, qr=self.qr, blur=blur) if side else outline(_OUTLINE, blur)

    def _ground(self, place: np.ndarray, side: int, blur: float) -> Ground:
        pixels = round(4 * min(12.0, max(0.75, _size(place) / (side or _OUTLINE) * blur)))
        if pixels not in self._grounds:
            self._grounds[pixels] = Ground(self._crop, self._window, pixels / 4)
        return self._grounds[pixels]


def _best(laid: _Laid) -> float:
    return -laid[0]


def bodies(grey: np.ndarray) -> list[list[np.ndarray]]:
    """Rough squares (4×2 float32, clockwise) around what has many changes of dark and light, however lit,
    grouped by place, the largest place first."""
    groups: list[list[np.ndarray]] = []
    for window, reach, least in _BUSY:
        ground = Ground(grey, window, 0.7)
        box = (reach, reach)
        mean = cv2.blur(ground.values, box)
        change = cv2.blur(ground.values * ground.values, box) - mean * mean
        body = (change > least * least).astype(np.uint8)
        body = cv2.morphologyEx(body, cv2.MORPH_OPEN, np.ones((reach + 2, reach + 2), np.uint8))
        body = cv2.morphologyEx(body, cv2.MORPH_CLOSE, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for contour in sorted(contours, key=cv2.contourArea)[-_MOST_PLACES:]:
            if cv2.contourArea(contour) < _SMALLEST:
                continue
            quads = []
            for square in _squares(cv2.convexHull(contour)):
                quad = _clockwise(square.astype(np.float32))
                middle, side = quad.mean(axis=0), float(np.sqrt(cv2.contourArea(quad))) + 1e-3
                shares = (max(0.3, 1 - more * reach / side) for more in (0.0, 0.5, 1.0))
                quads += [middle + (quad - middle) * share for share in shares]
            _join(groups, quads)
    groups.sort(key=lambda quads: -max(cv2.contourArea(quad) for quad in quads))
    return groups[:_MOST_PLACES]


def _join(groups: list[list[np.ndarray]], quads: list[np.ndarray]) -> None:
    middle = tuple(float(v) for v in quads[0].mean(axis=0))
    for group in groups:
        if cv2.pointPolygonTest(group[0], middle, False) >= 0:
            group += quads
            return
    groups.append(quads)


def _squares(hull: np.ndarray) -> list[np.ndarray]:
    found = [cv2.boxPoints(cv2.minAreaRect(hull))]
    for share in (0.02, 0.04, 0.06, 0.08, 0.1):
        shape = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True)
        if len(shape) == 4:
            found.append(shape.reshape(4, 2))
            break
    return found


def _clockwise(quad: np.ndarray) -> np.ndarray:
    x, y = (quad - quad.mean(axis=0)).T
    return np.asarray(quad[np.argsort(np.arctan2(y, x))])
