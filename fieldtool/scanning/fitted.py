"""Matrix codes that the library neither finds nor mends: lay their known modules over the picture, then read.

For frames in which nothing else was read. Busy places come first (`fitting.bodies`), then the place of every
module (`fitting.Fitting`), then what each module is (`modules.views`), then the text (`modules.read`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from . import modules
from .codes import Code, Symbology
from .fitting import Fit, Fitting, bodies
from .linear import MARGINAL_MODULE

#: A symbol mended in many places waits for a second frame, as one near the resolution limit does.
_SURE = 0.95
#: Two solid lines are found in anything, three eyes are not: so much less a QR Code needs to promise.
_EYES = 0.12
_MOST_PIXELS = 2_500_000


def read(grey: np.ndarray, is_over: Callable[[], bool]) -> list[Code]:
    """The first QR Code or Data Matrix that can be mended, with its corners in pixels of `grey`.

    is_over: asked between steps of a few milliseconds; True ends the search. Near the resolution limit, or
    with much mended, the code is `marginal`.
    """
    if grey.size > _MOST_PIXELS:
        return []
    for place in bodies(grey):
        qr, matrix = (Fitting(grey, place, qr=kind) for kind in (True, False))
        kinds = (qr, matrix) if qr.promise() > matrix.promise() - _EYES else (matrix, qr)
        for fitting in kinds:
            for code in _codes(grey, fitting):
                if code is not None:
                    return [code]
                if is_over():
                    return []
    return []


def _codes(grey: np.ndarray, fitting: Fitting) -> Iterator[Code | None]:
    for fit in fitting.fits():
        if fit is None:
            yield None
            continue
        for view in modules.views(grey, fit.place, fit.side, qr=fitting.qr):
            mended = modules.read(view, qr=fitting.qr)
            yield None if mended is None else _code(fit, mended, qr=fitting.qr)


def _code(fit: Fit, mended: modules.Mended, *, qr: bool) -> Code:
    square = np.array([[[0, 0], [fit.side, 0], [fit.side, fit.side], [0, fit.side]]], np.float64)
    corners = cv2.perspectiveTransform(square, fit.place)[0]
    one, two, three, four = ((float(x), float(y)) for x, y in corners)
    module = float(np.sqrt(cv2.contourArea(corners.astype(np.float32)))) / fit.side
    marginal = module < MARGINAL_MODULE or mended.agreement < _SURE
    kind = Symbology.QR_CODE if qr else Symbology.DATA_MATRIX
    return Code(mended.text, kind, (one, two, three, four), mended.gs1, marginal)
