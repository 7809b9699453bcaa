"""Compare a record's file with the one that its data gives: page by page, as objects, as text and as seen."""

from __future__ import annotations

from io import BytesIO
from typing import Any, ClassVar

import msgspec
import numpy as np
import pypdfium2 as pdfium
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from fieldtool.scanning import Symbology, decode

#: Rendered at this many pixels per point: a digit of 9 points is 18 pixels high.
_SCALE = 2.0
#: Between two versions of the libraries a page may differ by rounding: so much, in any small square, is none.
_TOLERANCE = 6.0
_SQUARE = 4
_ACTIVE = ("/OpenAction", "/AA", "/AcroForm", "/OCProperties", "/Perms", "/XFA")


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference; codes are those of `fieldtool.documents.verify.Finding`."""

    SAVED_AGAIN: ClassVar[str] = "saved_again"

    code: str
    where: str = ""
    detail: str = ""


def read_codes(data: bytes) -> list[str]:
    """Texts of the QR codes on the first page as it is seen."""
    try:
        document = pdfium.PdfDocument(data)
        page = np.asarray(document[0].render(scale=3.0, rev_byteorder=False).to_numpy())
    except (pdfium.PdfiumError, IndexError, ValueError):
        return []
    codes = decode(np.ascontiguousarray(page[:, :, :3]), 3000)
    return [code.text for code in codes if code.symbology is Symbology.QR_CODE]


def compare_files(given: bytes, issued: bytes) -> list[Difference]:
    """Differences that a reader could see or that could act; empty where there are none."""
    try:
        one, two = PdfReader(BytesIO(given)), PdfReader(BytesIO(issued))
        found = _active(one)
        count, expected = len(one.pages), len(two.pages)
        if count > expected:
            found.append(Difference(code="pages_added", detail=f"{count} instead of {expected}"))
        if count < expected:
            found.append(Difference(code="pages_missing", detail=f"{count} instead of {expected}"))
        for number in range(min(count, expected)):
            found += _page(one.pages[number], two.pages[number], number + 1)
        seen = _seen(given, issued, min(count, expected))
    except (
        PyPdfError,
        pdfium.PdfiumError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        return [Difference(code="page_changed", detail=f"cannot be compared: {type(error).__name__}")]
    noted = {d.where for d in found if d.code == "page_changed"}
    return found + [d for d in seen if d.where not in noted]


def _active(reader: PdfReader) -> list[Difference]:
    root: Any = reader.trailer["/Root"].get_object()
    found = [Difference(code="active_content", where=key) for key in _ACTIVE if key in root]
    names = root.get("/Names")
    if names is not None and "/JavaScript" in names.get_object():
        found.append(Difference(code="active_content", where="/JavaScript"))
    return found


def _page(given: Any, issued: Any, number: int) -> list[Difference]:
    where = str(number)
    found = []
    if given.get("/Annots"):
        count = len(given["/Annots"].get_object())
        found.append(Difference(code="annotation", where=where, detail=f"{count} laid over the page"))
    if "/AA" in given:
        found.append(Difference(code="active_content", where=where, detail="/AA"))
    if given.extract_text() != issued.extract_text():
        found.append(Difference(code="page_changed", where=where, detail="the text is another one"))
        return found
    boxes = ("/MediaBox", "/CropBox", "/Rotate", "/UserUnit")
    if any(_plain(given.get(key)) != _plain(issued.get(key)) for key in boxes):
        found.append(Difference(code="page_changed", where=where, detail="size or rotation"))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, IndirectObject):
        value = value.get_object()
    if isinstance(value, ArrayObject):
        return [float(v) for v in value]
    if isinstance(value, DictionaryObject):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _seen(given: bytes, issued: bytes, count: int) -> list[Difference]:
    """Compare as pictures: an exchanged font or picture shows nowhere else."""
    one, two = pdfium.PdfDocument(given), pdfium.PdfDocument(issued)
    found = []
    for number in range(count):
        left, right = (
            np.asarray(d[number].render(scale=_SCALE, grayscale=True).to_numpy()) for d in (one, two)
        )
        left, right = left.reshape(left.shape[:2]), right.reshape(right.shape[:2])
        if left.shape != right.shape or _worst_square(left, right) > _TOLERANCE:
            found.append(Difference(code="page_changed", where=str(number + 1), detail="it looks different"))
    return found


def _worst_square(left: np.ndarray, right: np.ndarray) -> float:
    height, width = (side // _SQUARE * _SQUARE for side in left.shape)
    apart = np.abs(left[:height, :width].astype(np.int16) - right[:height, :width])
    squares = apart.reshape(height // _SQUARE, _SQUARE, width // _SQUARE, _SQUARE).mean(axis=(1, 3))
    return float(squares.max()) if squares.size else 0.0
