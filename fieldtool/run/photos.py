"""Photos and signatures: cleaned of foreign metadata, sealed under the order's key, durable before their
entry."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from fieldtool.errors import JobError
from fieldtool.settings import write_whole
from workorders.journal.kinds import BlobTaken
from workorders.journal.sealing import OrderKey, seal_blob, unseal_blob

LONGEST_SIDE = 2560
QUALITY = 85
MAX_PIXELS = 60_000_000


def cleaned(image: bytes, media_type: str) -> bytes:
    """The picture upright, no larger than needed, and with nothing but the picture in it.

    A phone's or camera's metadata holds position, time and owner: none of our business, and personal.

    Raises:
        JobError: `unreadable_image`.
    """
    try:
        with Image.open(BytesIO(image)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise JobError("unreadable_image", "the picture is larger than any camera's")
            picture = ImageOps.exif_transpose(opened) or opened
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            target = BytesIO()
            if media_type == "image/png":
                picture.save(target, "PNG", optimize=True)
            else:
                picture.convert("RGB").save(target, "JPEG", quality=QUALITY, optimize=True)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise JobError(
            "unreadable_image", f"not a picture that can be read: {type(error).__name__}"
        ) from None
    return target.getvalue()


def store_blob(
    folder: Path, key: OrderKey, plain: bytes, *, media_type: str, what: str, step: str | None
) -> BlobTaken:
    """Seal and write a blob, fsynced; returns the entry that may name it.

    Raises:
        OSError: the disk is full or cannot be written; nothing of the blob is left.
    """
    sealed = seal_blob(key, plain)
    sha256 = hashlib.sha256(sealed).hexdigest()
    write_whole(folder / sha256, sealed)
    return BlobTaken(
        sha256=sha256,
        plain_sha256=hashlib.sha256(plain).hexdigest(),
        size=len(sealed),
        media_type=media_type,
        what=what,
        step=step,
        key_id=key.key_id,
    )


def read_blob(folder: Path, key: OrderKey, sha256: str) -> bytes:
    """The plain bytes of a blob.

    Raises:
        JobError: `photo_missing`: the file is not on this tablet (any more).
        SealError: another key, or changed bytes.
    """
    try:
        sealed = (folder / sha256).read_bytes()
    except OSError:
        raise JobError("photo_missing", f"the photo {sha256[:12]} is not on this tablet") from None
    return unseal_blob(key, sealed)
