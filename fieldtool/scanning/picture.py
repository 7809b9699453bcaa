"""Pictures as they come in files, decoded to the arrays that the decoder reads."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps


def decoded(packed: bytes) -> np.ndarray | None:
    """The picture in a file's bytes as BGR, turned as its EXIF says; None where it is none or is cut short.

    By Pillow, not by OpenCV: the libraries inside OpenCV write lines of their own to standard error about a
    damaged file, which nobody can act on and which no setting keeps quiet.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = ImageOps.exif_transpose(Image.open(BytesIO(packed))).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
