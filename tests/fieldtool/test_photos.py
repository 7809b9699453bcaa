"""What stays of a picture is what it shows."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from fieldtool.run.photos import cleaned

PERSONAL = (b"-13.5170", b"OWNER")
RED = Image.new("RGB", (320, 200), "red")


def _written(form: str) -> bytes:
    exif, text, out = Image.Exif(), PngImagePlugin.PngInfo(), BytesIO()
    exif[0x013B] = "OWNER"
    text.add_text("Author", "OWNER")
    everywhere: dict[str, object] = {
        "exif": exif,
        "xmp": b"<x>OWNER -13.5170</x>",
        "icc_profile": b"OWNER" * 30,
    }
    more: dict[str, dict[str, object]] = {
        "JPEG": everywhere | {"comment": b"OWNER -13.5170"},
        "PNG": {"pnginfo": text, "exif": exif},
        "WEBP": everywhere,
        "GIF": {"comment": b"OWNER -13.5170"},
    }
    RED.save(out, form, **more[form])
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_nothing_of_who_took_a_picture_and_where_stays_in_it(form: str, media_type: str) -> None:
    """The comment of a JPEG was written into the new one."""
    original = _written(form)
    assert any(word in original for word in PERSONAL)
    kept = cleaned(original, media_type)
    assert not any(word in kept for word in PERSONAL)
    with Image.open(BytesIO(kept)) as picture:
        assert picture.size == RED.size


def test_what_is_transparent_stays_so() -> None:
    """A signature is ink on nothing; its transparency stands beside the pixels."""
    out = BytesIO()
    drawn = Image.new("P", (20, 10), 0)
    drawn.putpixel((3, 3), 1)
    drawn.save(out, "PNG", transparency=0)
    with Image.open(BytesIO(cleaned(out.getvalue(), "image/png"))) as kept:
        alpha = kept.convert("RGBA").getchannel("A")
        assert (alpha.getpixel((0, 0)), alpha.getpixel((3, 3))) == (0, 255)
