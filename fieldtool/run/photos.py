"""Photos and signatures: cleaned of metadata, sealed under the order's key, durable before their entry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from fieldtool.errors import JobError
from workorders.journal.kinds import BlobTaken
from workorders.journal.sealing import OrderKey, seal_blob, unseal_blob
from workorders.sync.blobs import BlobFiles

LONGEST_SIDE = 2560
QUALITY = 85
MAX_PIXELS = 60_000_000
_OF_THE_PIXELS = {"transparency"}
"""Of what a file says beside its pixels, what they cannot be read without."""


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
            # Whatever a writer would carry over by itself (a JPEG's comment, for one), it finds here.
            picture.info = {name: picture.info[name] for name in _OF_THE_PIXELS & picture.info.keys()}
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
    files: BlobFiles, key: OrderKey, plain: bytes, *, media_type: str, what: str, step: str | None
) -> BlobTaken:
    """Seal and write a blob, fsynced; returns the entry that may name it.

    Raises:
        StoreError: the disk is full or cannot be written; nothing of the blob is left.
    """
    sealed = seal_blob(key, plain)
    return BlobTaken(
        sha256=files.put(sealed),
        plain_sha256=hashlib.sha256(plain).hexdigest(),
        size=len(sealed),
        media_type=media_type,
        what=what,
        step=step,
        key_id=key.key_id,
    )


def still_there(files: BlobFiles, taken: Mapping[str, BlobTaken]) -> dict[str, BlobTaken]:
    """Of the photos that were taken, those whose sealed bytes are on the disk and whole."""
    return {sha256: blob for sha256, blob in taken.items() if files.has(sha256)}


def read_blob(files: BlobFiles, key: OrderKey, sha256: str) -> bytes:
    """The plain bytes of a blob.

    Raises:
        JobError: `photo_missing`: the file is not on this tablet (any more).
        SealError: another key, or changed bytes.
    """
    sealed = files.get(sha256)
    if sealed is None:
        raise JobError("photo_missing", f"the photo {sha256[:12]} is not on this tablet")
    return unseal_blob(key, sealed)
