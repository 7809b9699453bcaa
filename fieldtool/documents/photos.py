"""Pictures for the page: smaller than the attached originals, the same bytes for the same original."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image as Pictures
from PIL import UnidentifiedImageError
from reportlab.platypus import Image

from fieldtool.errors import JobError

_LONGEST = 1100
_QUALITY = 80
_MOST_PIXELS = 80_000_000


def annex_picture(original: bytes, width: float, height: float) -> Any:
    """A flowable that shows the picture within `width` × `height` points.

    Raises JobError `unreadable_image`.
    """
    try:
        with Pictures.open(BytesIO(original)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise JobError("unreadable_image", "a picture of the record is too large")
            picture = opened.convert("RGBA") if opened.mode in ("P", "LA", "RGBA") else opened.convert("RGB")
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Pictures.DecompressionBombError,
    ) as error:
        raise JobError("unreadable_image", f"a picture cannot be read: {type(error).__name__}") from None
    if picture.mode == "RGBA":
        paper = Pictures.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        picture = paper
    picture.thumbnail((_LONGEST, _LONGEST))
    small = BytesIO()
    picture.save(small, "JPEG", quality=_QUALITY)
    small.seek(0)
    scale = min(width / picture.width, height / picture.height)
    shown = Image(small, picture.width * scale, picture.height * scale)
    shown.hAlign = "LEFT"
    return shown
