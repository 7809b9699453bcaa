"""The printed serial of a label that carries no readable code, as a suggestion to confirm, never more.

Optional: `pip install fieldtool[ocr]` (RapidOCR with its models inside the package, Apache-2.0; ONNX
Runtime, MIT).
Measured elsewhere, one in nine readings of a worn plate is confidently wrong: whoever uses a suggestion must
see label
and text side by side, and confirm.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np

from fieldtool.errors import JobError

from .classify import SERIAL, classify_texts
from .rules import LabelRules

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

#: The engine is not made for two threads at once.
_turn = threading.Lock()
#: Longest side in which print of a label is still read; more only costs time.
_LONGEST = 1600
#: Under this the engine itself does not believe what it read.
_LEAST_SCORE = 0.6


class NoOcr(JobError):
    """The optional part that reads print is not installed."""

    def __init__(self) -> None:
        super().__init__("ocr_absent", "reading print is an optional part: pip install fieldtool[ocr]")


class Suggestion(msgspec.Struct, frozen=True):
    """A serial that print on a label may say. text: the line as read; score: 0…1, as the engine believes it;
    corners: four (x, y) of the line in pixels."""

    serial: str
    text: str
    score: float
    corners: tuple[tuple[float, float], ...]

    def to_json(self) -> dict[str, object]:
        """The object under `suggestion` of `fieldtool scan --ocr --json`."""
        corners = [[round(x, 1), round(y, 1)] for x, y in self.corners]
        return {"serial": self.serial, "text": self.text, "score": round(self.score, 3), "corners": corners}


def available() -> bool:
    """Whether the optional part is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def suggest_serials(image: np.ndarray, rules: LabelRules, *, model: str | None = None) -> list[Suggestion]:
    """*Slow.* Serials that the print on a label may say by the rules, the most believable first.

    image: H×W×3 BGR, uint8. Raises NoOcr.
    """
    if not available():
        raise NoOcr
    scale = min(1.0, _LONGEST / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    with _turn:
        read = _engine()(np.ascontiguousarray(small), use_cls=False)
    best: dict[str, Suggestion] = {}
    for text, score, box in zip(read.txts or (), read.scores or (), _boxes(read.boxes), strict=False):
        if score < _LEAST_SCORE:
            continue
        corners = tuple((float(x) / scale, float(y) / scale) for x, y in box)
        for serial in _serials(str(text), rules, model):
            known = best.get(serial)
            if known is None or known.score < score:
                best[serial] = Suggestion(serial, str(text), float(score), corners)
    return sorted(best.values(), key=lambda one: -one.score)


def _serials(line: str, rules: LabelRules, model: str | None) -> Iterator[str]:
    """What of a line the rules take for a serial: the whole line, or one of its words."""
    for part in dict.fromkeys([re.sub(r"\s", "", line), *line.split()]):
        serial = classify_texts([part.upper()], rules, model=model).get(SERIAL)
        if serial is not None:
            yield serial
            return


def _boxes(boxes: Any) -> Any:
    return () if boxes is None else boxes


@cache
def _engine() -> Any:
    """Raises NoOcr where the part is there and does not start: half installed, or its library is missing."""
    try:
        from rapidocr import RapidOCR

        return RapidOCR(params={"Global.log_level": "critical"})
    except Exception as error:  # whatever it says: an optional part takes nothing else down with it
        log.warning("print cannot be read: %s", type(error).__name__)
        raise NoOcr from error
