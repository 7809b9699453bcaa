"""Labels that we print or show: asset labels (QR), meter labels for the demo and for training.

Everything here is drawn from data and is the same picture for the same data. Bad light and bad angles are
not made here but in `tests/support/label_images.py`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import qrcode
import zxingcpp
from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_M

from .codes import Symbology

_FORMATS = {
    Symbology.CODE_128: zxingcpp.BarcodeFormat.Code128,
    Symbology.GS1_128: zxingcpp.BarcodeFormat.Code128,
    Symbology.CODE_39: zxingcpp.BarcodeFormat.Code39,
    Symbology.ITF: zxingcpp.BarcodeFormat.ITF,
    Symbology.EAN_13: zxingcpp.BarcodeFormat.EAN13,
    Symbology.EAN_8: zxingcpp.BarcodeFormat.EAN8,
    Symbology.UPC_A: zxingcpp.BarcodeFormat.UPCA,
    Symbology.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    Symbology.QR_CODE: zxingcpp.BarcodeFormat.QRCode,
}


class LabelCode(msgspec.Struct, frozen=True):
    """A code on a label with the line printed under it. GS1 text is given with brackets: `(21)0012`."""

    text: str
    symbology: Symbology = Symbology.CODE_128
    caption: str = ""


class MeterLabel(msgspec.Struct, frozen=True):
    """What stands on a meter's face: maker and model, technical lines, one or more codes."""

    maker: str
    model: str
    lines: tuple[str, ...] = ()
    codes: tuple[LabelCode, ...] = ()


def code_modules(text: str, symbology: Symbology) -> np.ndarray:
    """The bare code at one pixel per module, H×W uint8 (0 black, 255 white), without quiet zone.

    Raises ValueError where the text does not fit the symbology (letters in an EAN, odd ITF …).
    """
    gs1 = symbology is Symbology.GS1_128 or (not symbology.is_linear and text.startswith("("))
    barcode = zxingcpp.create_barcode(text, _FORMATS[symbology], **({"gs1": True} if gs1 else {}))
    drawn = np.array(zxingcpp.write_barcode_to_image(barcode, scale=1, add_hrt=False, add_quiet_zones=False))
    return drawn[:1] if symbology.is_linear else drawn


def code_image(text: str, symbology: Symbology, *, module: int = 3, height: int = 60) -> np.ndarray:
    """A code with its quiet zone, H×W uint8. `module` in pixels; `height` of the bars in pixels."""
    bare = code_modules(text, symbology)
    if symbology.is_linear:
        body = np.repeat(np.repeat(bare, module, axis=1), height, axis=0)
        return np.pad(body, ((2 * module, 2 * module), (10 * module, 10 * module)), constant_values=255)
    body = np.repeat(np.repeat(bare, module, axis=1), module, axis=0)
    return np.pad(body, 4 * module, constant_values=255)


def meter_label(label: MeterLabel, fonts: Path, *, module: int = 3) -> np.ndarray:
    """Draw a meter's label, BGR uint8. `fonts` is the folder that holds Inter; `module` in pixels."""
    head, small = _fonts(fonts, module)
    codes = [
        (code_image(c.text, c.symbology, module=module, height=18 * module), c.caption) for c in label.codes
    ]
    line = 7 * module
    text_height = 12 * module + line * len(label.lines)
    width = max([c.shape[1] for c, _ in codes] + [120 * module]) + 12 * module
    height = text_height + sum(c.shape[0] + line for c, _ in codes) + 10 * module
    page = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(page)
    draw.text((6 * module, 3 * module), f"{label.maker}  {label.model}", font=head, fill=20)
    y = 12 * module
    for written in label.lines:
        draw.text((6 * module, y), written, font=small, fill=40)
        y += line
    for picture, caption in codes:
        page.paste(Image.fromarray(picture), (6 * module, y))
        y += picture.shape[0]
        draw.text((16 * module, y - module), caption, font=small, fill=20)
        y += line
    draw.rectangle((1, 1, width - 2, height - 2), outline=60, width=max(1, module // 2))
    return np.repeat(np.array(page)[:, :, None], 3, axis=2)


def asset_label(code: str, lines: tuple[str, ...], fonts: Path, *, module: int = 6) -> np.ndarray:
    """An asset label to stick on a panel, a concentrator or a box: QR left, lines right, BGR uint8."""
    maker = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=module, border=4)
    maker.add_data(code)
    maker.make(fit=True)
    symbol = maker.make_image().convert("L")
    head, small = _fonts(fonts, module)
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    widest = max([measure.textlength(code, font=head)] + [measure.textlength(t, font=small) for t in lines])
    page = Image.new("L", (symbol.width + int(widest) + 6 * module, symbol.height), 255)
    page.paste(symbol, (0, 0))
    draw = ImageDraw.Draw(page)
    draw.text((symbol.width, 4 * module), code, font=head, fill=0)
    for row, written in enumerate(lines):
        draw.text((symbol.width, 14 * module + row * 7 * module), written, font=small, fill=0)
    return np.repeat(np.array(page)[:, :, None], 3, axis=2)


def _fonts(folder: Path, module: int) -> tuple[ImageFont.FreeTypeFont, ImageFont.FreeTypeFont]:
    return (
        ImageFont.truetype(str(folder / "Inter-Bold.ttf"), 7 * module),
        ImageFont.truetype(str(folder / "Inter-Medium.ttf"), 5 * module),
    )
