"""Pictures as other people's cameras, scanners and programs write them: read, or a clear answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets import root
from fieldtool.scanning import Symbology
from fieldtool.scanning.files import UnreadablePicture, scan_file
from fieldtool.scanning.labels_out import code_image
from fieldtool.scanning.rules import load_rules

RULES = load_rules(root() / "labels")
SERIAL = "ZIV0012345678"
LABEL = np.pad(code_image(SERIAL, Symbology.CODE_128, module=3, height=90), 50, constant_values=230)
GREY = Image.fromarray(LABEL)
COLOUR = GREY.convert("RGB")


def _see_through() -> Image.Image:
    pixels = np.array(COLOUR.convert("RGBA"))
    pixels[..., 3] = np.where(LABEL > 200, 0, 255)
    return Image.fromarray(pixels)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _huge() -> Image.Image:
    wall = np.full((6200, 8200), 200, np.uint8)
    wall[3000 : 3000 + LABEL.shape[0], 4000 : 4000 + LABEL.shape[1]] = LABEL
    return Image.fromarray(wall)


WAYS: dict[str, Callable[[Path], None]] = {
    "grey.png": lambda file: GREY.save(file),
    "black-and-white.png": lambda file: GREY.point(lambda v: 255 * (v > 128)).convert("1").save(file),
    "palette.gif": lambda file: GREY.convert("P").save(file),
    "grey-alpha.png": lambda file: GREY.convert("LA").save(file),
    "see-through.png": lambda file: _see_through().save(file),
    "16-bit.png": lambda file: Image.fromarray(LABEL.astype(np.uint16) * 257).save(file),
    "16-bit-dim.png": lambda file: Image.fromarray(LABEL.astype(np.uint16) * 8).save(file),
    "float.tif": lambda file: Image.fromarray(LABEL.astype(np.float32) / 255).save(file),
    "cmyk.jpg": lambda file: COLOUR.convert("CMYK").save(file),
    "exif-turned.jpg": lambda file: COLOUR.save(file, exif=_turned()),
    "animated.gif": lambda file: GREY.convert("P").save(
        file, save_all=True, append_images=[GREY.convert("P")]
    ),
    "animated.webp": lambda file: COLOUR.save(file, save_all=True, append_images=[COLOUR]),
    "oblique.jpg": lambda file: COLOUR.rotate(40, expand=True, fillcolor=(230, 230, 230)).save(file),
    "jpeg-called.png": lambda file: COLOUR.save(file, format="JPEG"),
    "50-megapixels.jpg": lambda file: _huge().save(file),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_picture_of_any_make_is_read(name: str, tmp_path: Path) -> None:
    WAYS[name](tmp_path / name)
    found = scan_file(tmp_path / name, RULES)
    assert found.reading.serial == SERIAL


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"hello" * 40, "not_a_picture"), (b"\xff\xd8\xff\xe0", "not_a_picture")],
)
def test_what_is_none_or_was_cut_short_is_said_so(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "x.jpg"
    file.write_bytes(content)
    with pytest.raises(UnreadablePicture) as error:
        scan_file(file, RULES)
    assert error.value.reason == reason


def test_a_picture_that_was_cut_while_it_was_copied_is_said_so(tmp_path: Path) -> None:
    COLOUR.save(tmp_path / "whole.jpg")
    packed = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UnreadablePicture):
        scan_file(tmp_path / "cut.jpg", RULES)


def test_a_single_pixel_is_a_picture_without_codes(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "x.png")
    assert scan_file(tmp_path / "x.png", RULES).codes == ()
