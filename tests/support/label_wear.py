"""What happens to a label besides the camera: wear, dirt, a curved case, a reflection, something in front of
it.

Each function takes a grey picture (float32, 0…255) and gives a new one; all chance comes from `rng`.
"""

from __future__ import annotations

import cv2
import numpy as np


def curved(flat: np.ndarray, share: float) -> np.ndarray:
    """Wrapped around a round case: `share` of the half circle that the label covers, 0…0.9."""
    height, width = flat.shape
    half = share * np.pi / 2
    seen = np.linspace(-1, 1, width)
    along = np.arcsin(seen * np.sin(half)) / half
    xs = ((along + 1) / 2 * (width - 1)).astype(np.float32)
    ys = np.arange(height, dtype=np.float32)
    return np.asarray(
        cv2.remap(flat.astype(np.float32), np.tile(xs, (height, 1)), np.tile(ys[:, None], (1, width)), 1)
    )


def worn(flat: np.ndarray, depth: float, module: int, rng: np.random.Generator) -> np.ndarray:
    """Scratched and faded in patches; `depth` 0…1. Scratches take off ink, never put any on."""
    height, width = flat.shape
    patches = cv2.resize(
        rng.uniform(0, 1, (4, 7)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    faded = np.asarray(flat + (255 - flat) * np.clip(patches - (1 - 0.8 * depth), 0, 1) * 1.6 * depth)
    out: np.ndarray = np.clip(faded, 0, 255).astype(np.float32)
    for _ in range(round(14 * depth)):
        start, end = rng.uniform(0, 1, (2, 2)) * (width, height)
        cv2.line(
            out,
            (int(start[0]), int(start[1])),
            (int(end[0]), int(end[1])),
            float(rng.uniform(200, 255)),
            max(1, int(module * rng.uniform(0.2, 0.2 + 0.8 * depth))),
        )
    return np.asarray(out)


def dirty(flat: np.ndarray, depth: float, module: int, rng: np.random.Generator) -> np.ndarray:
    """Drops of mud and paint, `depth` 0…1: spots up to three modules wide, more of them the deeper."""
    height, width = flat.shape
    out = flat.astype(np.float32).copy()
    for _ in range(round(40 * depth)):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        size = max(1, int(module * rng.uniform(0.3, 0.3 + 1.4 * depth)))
        cv2.ellipse(
            out, centre, (size, int(size * rng.uniform(0.5, 2))), 30, 0, 360, rng.uniform(20, 150), -1
        )
    return out


def hidden(picture: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A cable or a finger in front: a band that covers `share` of the shorter side."""
    height, width = picture.shape
    out = picture.copy()
    angle = rng.uniform(0, np.pi)
    centre = np.array([width, height]) * rng.uniform(0.3, 0.7, 2)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (width + height)
    one, two = (centre - reach).astype(int), (centre + reach).astype(int)
    thick = max(1, round(share * min(height, width)))
    cv2.line(out, (int(one[0]), int(one[1])), (int(two[0]), int(two[1])), float(rng.uniform(30, 200)), thick)
    return out


def glare(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A lamp mirrored in the cover: a soft bright spot, in its middle nothing but white at strength 1."""
    height, width = picture.shape
    centre = np.array([width, height]) * rng.uniform(0.25, 0.75, 2)
    reach = min(width, height) * rng.uniform(0.12, 0.3) * (0.6 + strength)
    ys, xs = np.mgrid[0:height, 0:width]
    away = ((xs - centre[0]) ** 2 + ((ys - centre[1]) * rng.uniform(0.8, 2)) ** 2) / reach**2
    return np.asarray(picture + 420 * strength * np.exp(-away))
