"""From the brightness of a matrix code's modules to its text: doubtful modules are erased, not guessed.

The library takes each module for dark or light and corrects mistakes. Here each module also says how sure it
is; code words with doubtful modules are erased, so twice as many of them can be mended. The mended symbol is
drawn anew and read by the library: modes and character sets stay its business.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import msgspec
import numpy as np

from . import engine
from .equalise import equalised
from .layouts import Layout, data_matrix, known_modules, qr_code, qr_formats

#: With anything erased, so many checks must be left over: each one divides the chance of a wrong text by 256.
#: With two left, one wrong text in 250 hopeless pictures was read, at an agreement of 0.64.
_SPARE = 3
#: The mended symbol must be this much alike what was seen, −1…1 (right ones: 0.91…1).
_AGREES = 0.9
#: σ of the blur to take out, in modules, and the modules among which the darkest and lightest are sought.
_VIEWS = ((0.5, 3), (0.0, 5))
_ERASED_SHARES = (0.0, 0.5, 1.0)
_MODULE, _QUIET = 4, 3


class Mended(msgspec.Struct, frozen=True):
    """A text, and how much the symbol that says it is alike the one that was seen, −1…1."""

    text: str
    gs1: bool
    agreement: float


def doubts(levels: np.ndarray, window: int) -> Iterator[np.ndarray]:
    """Views of module brightnesses (float32): N×N, +1 surely dark … −1 surely light, 0 unknown.

    The first view compares each module with the darkest and lightest near it. The second also doubts modules
    amid equal ones: what lies over a code or outshines it has no changes in it.
    """
    reach = np.ones((window, window), np.uint8)
    high = cv2.blur(cv2.dilate(levels, reach), (window, window))
    low = cv2.blur(cv2.erode(levels, reach), (window, window))
    soft = np.clip((high + low - 2 * levels) / np.maximum(high - low, 1e-3), -1, 1)
    yield soft
    mean = cv2.blur(levels, (3, 3))
    change = np.sqrt(np.maximum(cv2.blur(levels * levels, (3, 3)) - mean * mean, 0))
    yield soft * np.minimum(1, change / (float(np.median(change)) + 1e-3))


def levels(grey: np.ndarray, place: np.ndarray, side: int, sharpen: float = 0.0) -> np.ndarray:
    """Brightness of the modules and of `_QUIET` around them, float32.

    place: 3×3 from modules (0…side) to pixels. sharpen: σ of the blur to take out, in modules.
    """
    from .matrix import deblurred

    whole = side + 2 * _QUIET
    step = 1 / _MODULE
    to_module = np.array([[step, 0, step / 2 - _QUIET], [0, step, step / 2 - _QUIET], [0, 0, 1]])
    upright = cv2.warpPerspective(
        grey,
        place @ to_module,
        (whole * _MODULE, whole * _MODULE),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if sharpen:
        upright = deblurred(upright, sharpen * _MODULE, 1e-2)
    smooth = cv2.GaussianBlur(upright.astype(np.float32), (0, 0), 0.22 * _MODULE)
    cells = smooth.reshape(whole, _MODULE, whole, _MODULE)
    middle = slice(_MODULE // 2 - 1, _MODULE // 2 + 1)
    return np.ascontiguousarray(cells[:, middle, :, middle].mean(axis=(1, 3)))


def views(grey: np.ndarray, place: np.ndarray, side: int, *, qr: bool) -> Iterator[np.ndarray]:
    """What the modules of a symbol may be, from cheap to dear: N×N, +1 surely dark … −1 surely light."""
    inside = slice(_QUIET, _QUIET + side)
    first: np.ndarray | None = None
    for sharpen, window in _VIEWS:
        for soft in doubts(levels(grey, place, side, sharpen), window):
            first = soft[inside, inside] if first is None else first
            yield soft[inside, inside]
    assert first is not None
    yield from equalised(grey, place, known_modules(side, qr=qr), first)


def read(soft: np.ndarray, *, qr: bool) -> Mended | None:
    """The text of a symbol by one view of its modules."""
    side = soft.shape[0]
    weight = float(np.abs(soft).sum())
    if not weight:
        return None
    for layout in [qr_code(side, *told) for told in qr_formats(soft)] if qr else [data_matrix(side)]:
        dark = _mend(soft, layout)
        if dark is None:
            continue
        agreement = float((soft * np.where(dark, 1, -1)).sum()) / weight
        found = engine.read_drawn(dark) if agreement >= _AGREES else None
        if found is not None:
            return Mended(found.text, found.gs1, agreement)
    return None


def _mend(soft: np.ndarray, layout: Layout) -> np.ndarray | None:
    """The symbol (N×N bool, True dark) whose checks fit; None where too much is doubtful."""
    seen = np.where(layout.flip, -soft, soft).ravel()[layout.bits]
    words = np.packbits(seen > 0, axis=1).ravel()
    surest = np.sort(np.abs(seen), axis=1)[:, :2].sum(axis=1)
    for block in layout.blocks:
        doubtful = np.argsort(surest[block.words])
        erasable = max(0, block.checks - _SPARE)
        for count in dict.fromkeys(round(share * erasable) for share in _ERASED_SHARES):
            fixed = layout.field.correct(
                words[block.words].tolist(), block.checks, doubtful[:count].tolist(), _SPARE if count else 0
            )
            if fixed is not None:
                words[block.words] = fixed
                break
        else:
            return None
    dark = layout.fixed > 0
    dark.ravel()[layout.bits.ravel()] = np.unpackbits(words).astype(bool)
    return np.where(layout.fixed == 0, dark ^ layout.flip, layout.fixed > 0)
