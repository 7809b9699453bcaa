"""Codes in picture files: what `fieldtool scan` does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from fieldtool.errors import JobError

from .classify import LabelReading, classify
from .codes import Code
from .decoder import decode
from .picture import decoded
from .rules import LabelRules

#: A phone's picture has up to about 30 MB; anything far beyond is not a photo of a label.
_LARGEST_FILE = 80_000_000


class UnreadablePicture(JobError):
    """No readable picture. `reason`: missing, folder, denied, empty, too_large, not_a_picture."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            "unreadable_picture",
            f"{path.name} cannot be read as a picture: {reason}",
            file=path.name,
            reason=reason,
        )
        self.reason = reason


class FileScan(msgspec.Struct, frozen=True):
    """What a picture file gave."""

    file: str
    codes: tuple[Code, ...]
    reading: LabelReading

    def to_json(self) -> dict[str, object]:
        """The object that `fieldtool scan --json` prints; the keys are kept."""
        codes = [
            {
                "text": code.text,
                "symbology": code.symbology.value,
                "corners": [[round(x, 1), round(y, 1)] for x, y in code.corners],
            }
            for code in self.codes
        ]
        return {"file": self.file, "codes": codes, "serial": self.reading.serial}


def load_picture(path: Path) -> np.ndarray:
    """Load a picture as BGR, turned as its EXIF says. Raises UnreadablePicture."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UnreadablePicture(path, "too_large")
        packed = path.read_bytes()
    except FileNotFoundError:
        raise UnreadablePicture(path, "missing") from None
    except IsADirectoryError:
        raise UnreadablePicture(path, "folder") from None
    except OSError:
        raise UnreadablePicture(path, "folder" if path.is_dir() else "denied") from None
    if not packed:
        raise UnreadablePicture(path, "empty")
    image = decoded(packed)
    if image is None:
        raise UnreadablePicture(path, "not_a_picture")
    return image


def scan_file(
    path: Path, rules: LabelRules, *, model: str | None = None, budget_ms: float = 1500
) -> FileScan:
    """Read and classify the codes of a picture file. A file has time: the budget is longer than for a frame.

    Raises UnreadablePicture. A picture without readable codes is no error: `codes` is empty, `serial` None.
    """
    codes = tuple(decode(load_picture(path), budget_ms))
    return FileScan(str(path), codes, classify(codes, rules, model=model))
