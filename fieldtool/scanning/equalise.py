"""Undo an unknown blur once the modules' places are known: learn from the modules what the lens did to them.

A picture of a code is its modules (dark or light, nothing between) through one small, unknown lens: defocus,
movement, a compressed picture. First guesses of the modules give the lens by least squares; the lens gives
better modules; a few turns settle. It needs no list of lenses to try, and reads what moved by four modules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np

#: Modules around each that a lens may reach, modules of ground around the code, turns, steps of one turn.
_REACH, _QUIET, _TURNS, _STEPS = 2, 3, 3, 30
#: How far light is judged, in half modules; ridges of both solutions.
_LIGHT, _LENS_RIDGE, _MODULE_RIDGE = 17, 0.02, 0.02


def equalised(
    grey: np.ndarray, place: np.ndarray, fixed: np.ndarray, guess: np.ndarray
) -> Iterator[np.ndarray]:
    """Better and better views of a code's modules: N×N float32, +1 surely dark … −1 surely light.

    place: 3×3 from modules (0…N) to pixels. fixed: N×N, +1 dark, −1 light, 0 not known beforehand.
    guess: a first view (N×N).
    """
    known = np.pad(fixed.astype(np.float32), _QUIET, constant_values=-1.0)
    free = known == 0
    sharp = np.sign(guess) * np.minimum(1, 0.3 + np.abs(guess))
    modules = np.where(free, np.pad(sharp, _QUIET), known).astype(np.float32)
    phases = _phases(grey, place, len(known))
    for _ in range(_TURNS):
        lens = _lens(phases, modules)
        modules = _solve(phases, lens, modules, free, known)
        yield modules[_QUIET:-_QUIET, _QUIET:-_QUIET]


def _phases(grey: np.ndarray, place: np.ndarray, whole: int) -> list[np.ndarray]:
    """The picture at two by two points of every module, light taken out: four pictures, a pixel a module."""
    to_module = np.array([[0.5, 0, 0.25 - _QUIET], [0, 0.5, 0.25 - _QUIET], [0, 0, 1]])
    seen = cv2.warpPerspective(
        grey.astype(np.float32),
        place @ to_module,
        (2 * whole, 2 * whole),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    reach = np.ones((_LIGHT, _LIGHT), np.uint8)
    high = cv2.blur(cv2.dilate(seen, reach), (_LIGHT, _LIGHT))
    low = cv2.blur(cv2.erode(seen, reach), (_LIGHT, _LIGHT))
    dark = (high + low - 2 * seen) / np.maximum(high - low, 1.0)
    return [np.ascontiguousarray(dark[a::2, b::2]) for a in (0, 1) for b in (0, 1)]


def _lens(phases: list[np.ndarray], modules: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """For each phase the weights of a module and its neighbours, and an offset, by least squares."""
    size, reach = len(modules), range(2 * _REACH + 1)
    wide = np.pad(modules, _REACH, mode="edge")
    # the outermost modules are seen through neighbours that nobody knows
    near = [wide[y + 1 : y + size - 1, x + 1 : x + size - 1].ravel() for y in reach for x in reach]
    columns = np.stack([*near, np.ones((size - 2) ** 2, np.float32)], axis=1).astype(np.float64)
    count = columns.shape[1] - 1
    normal = columns.T @ columns
    normal += np.diag([_LENS_RIDGE * len(columns)] * count + [1e-3])
    wanted = np.stack([phase[1:-1, 1:-1].ravel() for phase in phases], axis=1)
    weights = np.linalg.solve(normal, columns.T @ wanted)
    side = len(reach)
    return [(w[:count].reshape(side, side).astype(np.float32), float(w[count])) for w in weights.T]


def _solve(
    phases: list[np.ndarray],
    lens: list[tuple[np.ndarray, float]],
    modules: np.ndarray,
    free: np.ndarray,
    known: np.ndarray,
) -> np.ndarray:
    """Modules between −1 and 1 that this lens would show as seen (Beck and Teboulle, *FISTA*)."""
    border = cv2.BORDER_REPLICATE
    step = 2 / (sum(float(np.abs(weights).sum()) ** 2 for weights, _ in lens) + 1e-6)
    ahead, speed = modules, 1.0
    for _ in range(_STEPS):
        slope = _MODULE_RIDGE * ahead
        for phase, (weights, offset) in zip(phases, lens, strict=True):
            wrong = cv2.filter2D(ahead, -1, weights, borderType=border) + offset - phase
            slope = slope + cv2.filter2D(
                wrong, -1, np.ascontiguousarray(weights[::-1, ::-1]), borderType=border
            )
        better = np.where(free, np.clip(ahead - step * slope, -1, 1), known).astype(np.float32)
        faster = (1 + math.sqrt(1 + 4 * speed * speed)) / 2
        ahead = (better + (speed - 1) / faster * (better - modules)).astype(np.float32)
        modules, speed = better, faster
    return modules
