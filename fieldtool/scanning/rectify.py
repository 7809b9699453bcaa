"""Straighten a striped region and turn it into clean bars.

Warp the region upright at three times its size, average along the bars (noise falls with the root of the
bar height, the bars stay), take out uneven light and what the lens has blurred, and give that to the decoder.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import cv2
import numpy as np

from .regions import Region

#: Upright pictures are this much larger than the frame: sub-pixel bars need room.
SCALE = 3.0
_LONGEST = 2600
_STRIP_HEIGHT = 24
_PAD = 64
#: An EAN-8 has 22 bars, a Code 128 of two characters 16.
_FEWEST_BARS = 10


def straighten(
    grey: np.ndarray, region: Region, *, margin: float = 0.12, scale: float = SCALE
) -> tuple[np.ndarray, np.ndarray]:
    """Warp a region upright. Returns (picture, 2×3 matrix from the upright picture back to the full one)."""
    half_length = region.half_length * (1 + margin) + 6
    half_height = max(region.half_height, 2.0)
    scale = min(scale, _LONGEST / (2 * half_length))
    width, height = max(16, round(2 * half_length * scale)), max(6, round(2 * half_height * scale))
    axis, bars, centre = np.array(region.axis), np.array(region.bars), np.array(region.centre)
    back = np.empty((2, 3))
    back[:, 0] = axis / scale
    back[:, 1] = bars / scale
    back[:, 2] = centre - axis * (width / 2 / scale) - bars * (height / 2 / scale)
    upright = cv2.warpAffine(
        grey,
        back,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return upright, back


def profiles(upright: np.ndarray, bands: int) -> list[np.ndarray]:
    """Mean brightness along the bars, one float32 profile for each of `bands` disjoint bands of rows."""
    edges = np.linspace(0, upright.shape[0], bands + 1).astype(int)
    pairs = [(top, bottom) for top, bottom in itertools.pairwise(edges) if bottom > top]
    return [
        cv2.reduce(upright[top:bottom], 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() for top, bottom in pairs
    ]


def rows_like(upright: np.ndarray, profile: np.ndarray, left: float, right: float) -> tuple[float, float]:
    """First and last row (pixels) of the rows that show the same bars as `profile` between two columns."""
    first, last = sorted((max(0, int(left)), min(upright.shape[1], int(right) + 1)))
    height = upright.shape[0]
    if last - first < 8 or height < 24:
        return 0.0, float(height)
    count = min(24, height // 8)
    wanted = _without_ground(profile[first:last])
    alike = []
    for rows in profiles(upright[:, first:last], count):
        line = _without_ground(rows)
        norm = math.sqrt(float(line @ line) * float(wanted @ wanted))
        alike.append(float(line @ wanted) / norm if norm > 0 else 0.0)
    peak = int(np.argmax(alike))
    enough = max(0.35, 0.6 * alike[peak])
    top = bottom = peak
    while top > 0 and alike[top - 1] > enough:
        top -= 1
    while bottom < count - 1 and alike[bottom + 1] > enough:
        bottom += 1
    return top * height / count, (bottom + 1) * height / count


def _without_ground(line: np.ndarray) -> np.ndarray:
    return np.asarray(line - cv2.blur(line.reshape(1, -1), (61, 1)).ravel())


def looks_like_bars(grey: np.ndarray, region: Region) -> bool:
    """A cheap look: many changes of dark and light, rows that say the same. False for text and borders."""
    upright, _ = straighten(grey, region, scale=1.0)
    return _bar_count(upright) >= _FEWEST_BARS and _bar_agreement(upright) > 0.5


def _bar_agreement(upright: np.ndarray) -> float:
    """How alike neighbouring rows are where they are most alike, −1…1: near 1 for bars, near 0 for text."""
    bands = [p - cv2.blur(p.reshape(1, -1), (31, 1)).ravel() for p in profiles(upright, 6)]
    best = -1.0
    for one, two in itertools.pairwise(bands):
        norm = math.sqrt(float(one @ one) * float(two @ two))
        best = max(best, float(one @ two) / norm if norm > 0 else 0.0)
    return best


def _bar_count(upright: np.ndarray) -> int:
    """Changes from dark to light of at least a third of the contrast: a border has one or two."""
    line = plain(profiles(upright, 1)[0])[0]
    state = np.where(line > 170, 1, np.where(line < 85, -1, 0))
    return int(np.count_nonzero(np.diff(state[state != 0])) // 2)


def plain(profile: np.ndarray) -> np.ndarray:
    """A profile as it is, with slow changes of light taken out."""
    return _strip(_ground_removed(profile))


def unsharp(profile: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    """Edges raised: profile + amount · (profile − blurred)."""
    line = profile + amount * (profile - cv2.GaussianBlur(profile.reshape(1, -1), (0, 0), sigma).ravel())
    return _strip(_ground_removed(line))


def levelled(profile: np.ndarray, window: int) -> np.ndarray:
    """Each neighbourhood stretched between its own darkest and brightest, in the logarithm: a shadow is a
    factor, so there it becomes a step that the stretch removes."""
    line = np.log(np.maximum(profile, 1.0)).reshape(1, -1).astype(np.float32)
    reach = np.ones((1, window), np.uint8)
    high = cv2.blur(cv2.dilate(line, reach), (window, 1))
    low = cv2.blur(cv2.erode(line, reach), (window, 1))
    return _strip(((line - low) / np.maximum(high - low, 0.02) * 255).ravel())


def deblurred(profile: np.ndarray, sigma: float, noise: float) -> np.ndarray:
    """Wiener deconvolution of a Gaussian of `sigma` pixels (of the upright picture); noise: power ratio."""
    padded = np.pad(_ground_removed(profile), _PAD, mode="edge")
    frequency = np.fft.rfftfreq(len(padded))
    lens = np.exp(-2 * (np.pi * sigma * frequency) ** 2)
    clear = np.fft.irfft(np.fft.rfft(padded) * lens / (lens * lens + noise), len(padded))
    return _strip(clear[_PAD : _PAD + len(profile)].astype(np.float32))


def _ground_removed(profile: np.ndarray) -> np.ndarray:
    window = max(3, len(profile) // 6) | 1
    return np.asarray(profile - 0.7 * cv2.blur(profile.reshape(1, -1), (window, 1)).ravel(), dtype=np.float32)


def _strip(line: np.ndarray) -> np.ndarray:
    low, high = np.percentile(line, [1, 99])
    high = max(high, low + 2)
    flat = np.clip((line - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    return np.repeat(flat.reshape(1, -1), _STRIP_HEIGHT, axis=0)


def place(points: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Points of an upright picture in the full picture, N×2."""
    return np.asarray(points @ back[:, :2].T + back[:, 2])


def split(grey: np.ndarray, region: Region) -> list[Region]:
    """Split a striped region where its rows stop resembling each other: codes printed under one another.

    Returns the region itself where it is one code (or too noisy to tell), else its parts and then itself.
    """
    upright, _ = straighten(grey, region)
    count = min(40, upright.shape[0] // 8)
    if count < 6:
        return [region]
    rows = np.stack([p - cv2.blur(p.reshape(1, -1), (61, 1)).ravel() for p in profiles(upright, count)])
    power = np.sqrt((rows * rows).sum(axis=1)) + 1e-6
    alike = (rows[1:] * rows[:-1]).sum(axis=1) / (power[1:] * power[:-1])
    runs: list[tuple[int, int]] = []
    start = 0
    for index in range(1, count + 1):
        if index == count or alike[index - 1] < 0.5:
            if index - start >= 3:
                runs.append((start, index))
            start = index
    if not runs or (len(runs) == 1 and runs[0][1] - runs[0][0] > 0.75 * count):
        return [region]
    return [_rows(region, first / count, last / count) for first, last in runs] + [region]


def _rows(region: Region, first: float, last: float) -> Region:
    shift = (first + last - 1) * region.half_height
    centre = (region.centre[0] + region.bars[0] * shift, region.centre[1] + region.bars[1] * shift)
    return dataclasses.replace(region, centre=centre, half_height=region.half_height * (last - first))
