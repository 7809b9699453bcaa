"""Asset labels in millimetres: QR, Code 128 and words, laid out once and drawn as PDF or as a picture.

Everything that is scanned is laid on whole dots of the printer (`dot`), so that no bar is blurred by
rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drivers.toml_file import load_toml
from fieldtool.errors import JobError

from .codes import Symbology
from .labels_out import code_modules

MM_PER_INCH = 25.4
#: The finest dot of a sheet printer that is counted on (600 dpi); a label printer's is given.
SHEET_DOT = MM_PER_INCH / 600
#: A bar under 0.17 mm is not reliably printed at 300 dpi, a QR module under 0.33 mm not read from an arm's
#: length.
_FINEST_BAR, _FINEST_SQUARE = 0.17, 0.33
_WIDEST_BAR, _WIDEST_SQUARE = 0.5, 1.2
_MARGIN = 1.6
_QUIET_SQUARES, _QUIET_BARS = 4, 10


class AssetLabel(msgspec.Struct, frozen=True):
    """One label. code: what is scanned (`PANEL:C1-P01`). title, lines: what people read."""

    code: str
    title: str
    lines: tuple[str, ...] = ()


class Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sheet of labels; lengths in mm, see `assets/sheets/sheets.toml`."""

    id: str
    page: tuple[float, float]
    columns: int
    rows: int
    label: tuple[float, float]
    left: float
    top: float
    step_x: float
    step_y: float
    note: str = ""

    @property
    def count(self) -> int:
        """Labels on a sheet."""
        return self.columns * self.rows

    def place(self, index: int) -> tuple[float, float]:
        """Left and top of a label on its page, mm from the upper left corner."""
        row, column = divmod(index % self.count, self.columns)
        return (self.left + column * self.step_x, self.top + row * self.step_y)


class _SheetFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sheet: tuple[Sheet, ...]


def load_sheets(file: Path) -> dict[str, Sheet]:
    """The sheets of a file by id. Raises `drivers.errors.ModelFileError` with file and line."""
    found, _ = load_toml(file, _SheetFile)
    return {sheet.id: sheet for sheet in found.sheet}


class LabelTooSmall(JobError):
    """The code does not fit the label at a size that can be read."""

    def __init__(self, code: str, size: tuple[float, float]) -> None:
        width, height = size
        super().__init__(
            "label_too_small",
            f"{code!r} cannot be printed legibly on a label of {width:g} × {height:g} mm: take a larger one",
            label=code,
            size=f"{width:g} × {height:g} mm",
        )


@dataclasses.dataclass(frozen=True)
class _Box:
    left: float
    top: float
    width: float
    height: float


@dataclasses.dataclass(frozen=True)
class _Words:
    left: float
    base: float
    text: str
    size: float
    bold: bool


@dataclasses.dataclass(frozen=True)
class _Drawn:
    black: list[_Box]
    words: list[_Words]


class Fonts:
    """Inter in two weights, measured in millimetres."""

    def __init__(self, folder: Path) -> None:
        self.files = {True: folder / "Inter-Bold.ttf", False: folder / "Inter-Medium.ttf"}
        self._measure = {bold: ImageFont.truetype(str(file), 100) for bold, file in self.files.items()}

    def width(self, text: str, size: float, bold: bool) -> float:
        """Width of a text whose letters are `size` mm high (em)."""
        return float(self._measure[bold].getlength(text)) * size / 100

    def fitting(self, text: str, size: float, room: float, bold: bool) -> tuple[str, float]:
        """The text and a size at which it fits; what is too long even small is cut with an ellipsis."""
        for smaller in (1.0, 0.85, 0.72):
            if self.width(text, size * smaller, bold) <= room:
                return text, size * smaller
        size *= 0.72
        while text and self.width(text + "…", size, bold) > room:
            text = text[:-1]
        return text + "…", size


def _layout(label: AssetLabel, size: tuple[float, float], dot: float, fonts: Fonts) -> _Drawn:
    """QR on the left, words right of it; Code 128 under the words where it fits there, else across the foot,
    else
    left out: a code that cannot be read is worse than none."""
    width, height = size
    try:
        squares = code_modules(label.code, Symbology.QR_CODE)
    except ValueError:
        raise LabelTooSmall(label.code[:40], size) from None
    side = _side(len(squares), width, height, dot)
    bars = _bars(label.code, side, width - side - _MARGIN, height, dot)
    if not bars:
        foot = _bars(label.code, _MARGIN, width - 2 * _MARGIN, height, dot)
        above = min((box.top for box in foot), default=height)
        if foot and _side(len(squares), width, above, dot) > 0:
            side, bars, height = _side(len(squares), width, above, dot), foot, above
    if not side:
        raise LabelTooSmall(label.code, size)
    module = side / (len(squares) + 2 * _QUIET_SQUARES)
    top = _whole(max(0.0, height - side) / 2, dot)
    quiet = _QUIET_SQUARES * module
    until = min([height - _MARGIN, *(box.top for box in bars)])
    words = _words(label, side, width - side - _MARGIN, until, fonts)
    return _Drawn([*_squares(squares, quiet, top + quiet, module), *bars], list(words))


def _side(modules: int, width: float, height: float, dot: float) -> float:
    """Side of the QR with its quiet zone, mm; 0 where it cannot be printed legibly."""
    across = modules + 2 * _QUIET_SQUARES
    module = _whole(min(height / across, 0.46 * width / across, _WIDEST_SQUARE), dot)
    return module * across if module >= _FINEST_SQUARE else 0.0


def _whole(length: float, dot: float) -> float:
    return int(length / dot + 1e-6) * dot


def _squares(modules: np.ndarray, left: float, top: float, module: float) -> Iterator[_Box]:
    """Dark modules, those side by side as one box: no printer leaves a hairline between them."""
    for row, line in enumerate(modules):
        for start, length in _runs(line):
            yield _Box(left + start * module, top + row * module, length * module, module)


def _runs(line: np.ndarray) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.r_[0, (line < 128).astype(int), 0]))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        yield int(first), int(last - first)


def _bars(code: str, left: float, room: float, height: float, dot: float) -> list[_Box]:
    """Code 128 at the foot; none where it would be too fine or too flat to be read."""
    try:
        line = code_modules(code, Symbology.CODE_128)[0]
    except ValueError:
        return []  # too long for it, or not its letters
    module = _whole(min(room / (len(line) + 2 * _QUIET_BARS), _WIDEST_BAR), dot)
    tall = min(0.32 * height, 12.0)
    if module < _FINEST_BAR or tall < 5:
        return []
    begin = left + _whole((room - len(line) * module) / 2, dot)
    return [
        _Box(begin + start * module, height - _MARGIN - tall, length * module, tall)
        for start, length in _runs(line)
    ]


def _words(label: AssetLabel, left: float, room: float, until: float, fonts: Fonts) -> Iterator[_Words]:
    title = min(5.2, 0.26 * until)
    small = 0.62 * title
    y = _MARGIN
    for text, size, bold in [(label.title, title, True), *((line, small, False) for line in label.lines)]:
        if y + size > until:
            return
        fitted, shown = fonts.fitting(text, size, room, bold)
        yield _Words(left, y + 0.82 * size, fitted, shown, bold)
        y += 1.22 * size


def label_picture(label: AssetLabel, size: tuple[float, float], dpi: int, fonts: Fonts) -> Image.Image:
    """One label as a black-and-white picture of a label printer. size: width, height in mm. Raises
    LabelTooSmall."""
    dot = MM_PER_INCH / dpi
    drawn = _layout(label, size, dot, fonts)
    page = Image.new("L", (round(size[0] / dot), round(size[1] / dot)), 255)
    draw = ImageDraw.Draw(page)
    for box in drawn.black:
        x, y = round(box.left / dot), round(box.top / dot)
        wide, high = round(box.width / dot), round(box.height / dot)
        draw.rectangle((x, y, x + wide - 1, y + high - 1), fill=0)
    for word in drawn.words:
        font = ImageFont.truetype(str(fonts.files[word.bold]), max(6, round(word.size / dot)))
        draw.text((word.left / dot, word.base / dot), word.text, font=font, fill=0, anchor="ls")
    return page.convert("1", dither=Image.Dither.NONE)


def labels_pdf(
    labels: Sequence[AssetLabel],
    target: Path,
    fonts: Fonts,
    *,
    sheet: Sheet | None = None,
    size: tuple[float, float] = (60.0, 30.0),
    dpi: int = 300,
    skip: int = 0,
) -> int:
    """Write labels as PDF: on sheets, or one a page of `size` mm for a label printer of `dpi`.

    skip: how many places of the first sheet are used up. Returns the number of pages. Raises LabelTooSmall
    before
    anything is written.
    """
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    area = sheet.label if sheet is not None else size
    dot = SHEET_DOT if sheet is not None else MM_PER_INCH / dpi
    drawn = [_layout(label, area, dot, fonts) for label in labels]
    page = sheet.page if sheet is not None else size
    for bold, file in fonts.files.items():
        pdfmetrics.registerFont(TTFont(f"Label{bold:d}", str(file)))
    canvas = Canvas(str(target), pagesize=(page[0] * mm, page[1] * mm), invariant=True)
    pages = 0
    for index, one in enumerate(drawn, start=skip if sheet is not None else 0):
        first = index % sheet.count == 0 if sheet is not None else True
        if index > (skip if sheet is not None else 0) and first:
            canvas.showPage()
        pages += first or not pages
        left, top = sheet.place(index) if sheet is not None else (0.0, 0.0)
        for box in one.black:
            x, y = (left + box.left) * mm, (page[1] - top - box.top - box.height) * mm
            canvas.rect(x, y, box.width * mm, box.height * mm, stroke=0, fill=1)
        for word in one.words:
            canvas.setFont(f"Label{word.bold:d}", word.size * mm)
            canvas.drawString((left + word.left) * mm, (page[1] - top - word.base) * mm, word.text)
    canvas.save()
    return pages


def panel_label(panel: str, name: str, *lines: str) -> AssetLabel:
    """The label of a panel; the rules of `assets/labels/common.toml` read it back."""
    return AssetLabel(f"PANEL:{panel}", name, lines)


def slot_labels(panel: str, name: str, slots: Iterable[int], whose: dict[int, str]) -> list[AssetLabel]:
    """The labels of a panel's slots; `whose`: what people read on each (a flat), by slot."""
    return [
        AssetLabel(f"SLOT:{panel}/{slot}", f"{slot:02d}", tuple(t for t in (whose.get(slot, ""), name) if t))
        for slot in slots
    ]


def concentrator_label(concentrator: str, name: str, *lines: str) -> AssetLabel:
    """The label of a concentrator."""
    return AssetLabel(f"DCU:{concentrator}", name, lines)
