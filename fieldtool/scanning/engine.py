"""The decoder library (zxing-cpp) behind our own types. Nothing else in the project names it for reading."""

from __future__ import annotations

import numpy as np
import zxingcpp

from .codes import Code, Corners, Symbology

_F = zxingcpp.BarcodeFormat
#: No UPC-E (misread from parts of other codes, tried) and no add-ons: only what meters carry.
LINEAR = [_F.Code128, _F.Code39, _F.ITF, _F.EAN13, _F.EAN8, _F.UPCA]
MATRIX = [_F.DataMatrix, _F.QRCode]
EVERY = LINEAR + MATRIX

_SYMBOLOGIES = {
    _F.Code128: Symbology.CODE_128,
    _F.Code39: Symbology.CODE_39,
    _F.Code39Std: Symbology.CODE_39,
    _F.Code39Ext: Symbology.CODE_39,
    _F.ITF: Symbology.ITF,
    _F.ITF14: Symbology.ITF,
    _F.EAN13: Symbology.EAN_13,
    _F.EAN8: Symbology.EAN_8,
    _F.UPCA: Symbology.UPC_A,
    _F.DataMatrix: Symbology.DATA_MATRIX,
    _F.QRCode: Symbology.QR_CODE,
    _F.QRCodeModel2: Symbology.QR_CODE,
    _F.QRCodeModel1: Symbology.QR_CODE,
}
#: An ITF read out of the middle of a longer code is short: six digits are the least that a device carries.
_SHORTEST_ITF = 6


def read(image: np.ndarray, formats: list[zxingcpp.BarcodeFormat], *, thorough: bool = True) -> list[Code]:
    """Read every code in a grey or BGR picture. `thorough` also looks for inverted and turned codes."""
    found = zxingcpp.read_barcodes(
        image,
        formats=zxingcpp.BarcodeFormats(formats),
        try_rotate=thorough,
        try_downscale=thorough,
        try_invert=thorough,
        text_mode=zxingcpp.TextMode.Plain,
    )
    codes = []
    for barcode in found:
        symbology = _SYMBOLOGIES.get(barcode.format)
        if symbology is None or not barcode.text:
            continue
        if symbology is Symbology.ITF and len(barcode.text) < _SHORTEST_ITF:
            continue
        gs1 = barcode.content_type == zxingcpp.ContentType.GS1
        if gs1 and symbology is Symbology.CODE_128:
            symbology = Symbology.GS1_128
        codes.append(Code(barcode.text, symbology, _corners(barcode.position), gs1))
    return codes


def read_drawn(dark: np.ndarray) -> Code | None:
    """Read one matrix code given by its modules (N×N bool, True dark); the corners are those of a drawing."""
    drawn = np.where(dark, 0, 255).astype(np.uint8).repeat(3, axis=0).repeat(3, axis=1)
    found = zxingcpp.read_barcodes(
        np.pad(drawn, 12, constant_values=255),
        formats=zxingcpp.BarcodeFormats(MATRIX),
        is_pure=True,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
        text_mode=zxingcpp.TextMode.Plain,
    )
    for barcode in found:
        if barcode.text:
            gs1 = barcode.content_type == zxingcpp.ContentType.GS1
            return Code(barcode.text, _SYMBOLOGIES[barcode.format], _corners(barcode.position), gs1)
    return None


def _corners(position: zxingcpp.Position) -> Corners:
    places = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    one, two, three, four = ((float(p.x), float(p.y)) for p in places)
    return (one, two, three, four)
