"""What the crews' cameras see in the demo: a meter with its label on a wall, a consent form, a signature.

Drawn from data, no two alike, so that each photo is a blob of its own. The label carries the real code of the
meter: the demo scans it with the same decoder as a crew.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

import assets
from fieldtool.scanning.codes import Symbology
from fieldtool.scanning.labels_out import LabelCode, MeterLabel, meter_label

SIZE = (1280, 960)
MAKERS = {"prime-1ph": "ZIV", "idis-3ph-ct": "LGZ", "plc-prepay-1ph": "HXE"}


def meter_photo(
    folder: Path, name: str, serial: str, model: str, *, note: str = "", dial: str = "000000"
) -> Path:
    """A photo of a meter with its label, as JPEG; returns its path. The serial can be scanned from it."""
    dice = Random(f"{name} {serial}")
    page = _wall(dice)
    draw = ImageDraw.Draw(page)
    draw.rounded_rectangle((260, 120, 1020, 860), 40, fill=(222, 224, 221), outline=(90, 92, 94), width=6)
    draw.rounded_rectangle((400, 180, 880, 330), 12, fill=(182, 196, 172), outline=(70, 72, 70), width=4)
    draw.text((420, 205), f"{dial:0>6} kWh", font=_font("Inter-Medium.ttf", 72), fill=(30, 40, 30))
    label = meter_label(
        MeterLabel(
            MAKERS.get(model, "—"),
            model,
            (note,) if note else (),
            (LabelCode(serial, Symbology.CODE_128, serial),),
        ),
        assets.root() / "fonts",
    )
    picture = Image.fromarray(np.ascontiguousarray(label[:, :, ::-1]))
    page.paste(picture, (640 - picture.width // 2, 400))
    return _save(
        page.rotate(dice.uniform(-3, 3), resample=Image.Resampling.BILINEAR, fillcolor=(150, 146, 140)),
        folder,
        name,
    )


def seal_photo(folder: Path, name: str, number: str) -> Path:
    """A photo of a seal's tag with its code."""
    dice = Random(f"{name} {number}")
    page = _wall(dice)
    tag = meter_label(
        MeterLabel("Precinto", number, (), (LabelCode(number, Symbology.CODE_128, number),)),
        assets.root() / "fonts",
    )
    picture = Image.fromarray(np.ascontiguousarray(tag[:, :, ::-1]))
    page.paste(picture, (640 - picture.width // 2, 480 - picture.height // 2))
    return _save(page, folder, name)


def form_photo(folder: Path, name: str, title: str) -> Path:
    """A photo of a paper form with a few written lines."""
    dice = Random(f"{name} {title}")
    page = Image.new("RGB", SIZE, (196, 188, 172))
    draw = ImageDraw.Draw(page)
    draw.rectangle((300, 60, 980, 900), fill=(248, 247, 240))
    draw.text((340, 100), title, font=_font("Inter-Bold.ttf", 34), fill=(20, 20, 30))
    for line in range(12):
        draw.line(
            (340, 200 + line * 50, 940 - dice.randrange(200), 200 + line * 50), fill=(120, 120, 130), width=3
        )
    _scribble(draw, dice, (400, 800))
    return _save(page, folder, name)


def signature(folder: Path, name: str) -> Path:
    """A signature as drawn on the screen, PNG."""
    dice = Random(name)
    page = Image.new("RGB", (800, 300), (255, 255, 255))
    _scribble(ImageDraw.Draw(page), dice, (80, 180))
    path = folder / f"{name}.png"
    page.save(path)
    return path


def _wall(dice: Random) -> Image.Image:
    grain = np.random.default_rng(dice.randrange(2**32)).normal(150, 9, (SIZE[1] // 2, SIZE[0] // 2))
    # Made larger by interpolation: the plaster is soft, and no second pass is needed for it.
    wall = Image.fromarray(grain.clip(0, 255).astype(np.uint8)).resize(SIZE, Image.Resampling.BILINEAR)
    return ImageOps.colorize(wall, (8, 0, 0), (255, 255, 245))


def _scribble(draw: ImageDraw.ImageDraw, dice: Random, start: tuple[int, int]) -> None:
    x, y = start
    points = [(x, y)]
    for _ in range(28):
        x += dice.randrange(4, 26)
        points.append((x, y + dice.randrange(-60, 60)))
    draw.line(points, fill=(20, 30, 110), width=5, joint="curve")


def _font(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(assets.root() / "fonts" / file), size)


def _save(page: Image.Image, folder: Path, name: str) -> Path:
    path = folder / f"{name}.jpg"
    page.save(path, quality=82)
    return path
