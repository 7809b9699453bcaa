"""What the pages of a record are made of: type, cells, rules, the QR code as squares."""

from __future__ import annotations

import functools
from html import escape
from typing import Any

import qrcode
from qrcode.constants import ERROR_CORRECT_L
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, Table, TableStyle

import assets

MARGIN = 15 * mm
WIDTH = A4[0] - 2 * MARGIN
INK, GREY, RULE = colors.HexColor("#101418"), colors.HexColor("#5A6570"), colors.HexColor("#C3CAD1")
GAP = 3.5 * mm
QR_SIDE = 42 * mm
NONE = "—"


@functools.cache
def load_fonts() -> None:
    for weight in ("Regular", "Medium", "SemiBold", "Bold"):
        file = assets.root() / "fonts" / f"Inter-{weight}.ttf"
        pdfmetrics.registerFont(TTFont(f"Inter-{weight}", str(file)))


def style(
    name: str, weight: str, size: float, leading: float, colour: Any = INK, **more: Any
) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=f"Inter-{weight}",
        fontSize=size,
        leading=leading,
        textColor=colour,
        splitLongWords=1,
        **more,
    )


TITLE = style("title", "Bold", 17, 21)
UTILITY = style("utility", "Medium", 9.5, 13, GREY)
SECTION = style("section", "SemiBold", 9.5, 12, spaceBefore=0, spaceAfter=2)
LABEL = style("label", "Medium", 6.6, 8.6, GREY)
VALUE = style("value", "Regular", 9, 11.6)
STRONG = style("strong", "SemiBold", 10.5, 13)
SMALL = style("small", "Regular", 6.6, 8.6, GREY)
WARNING = style("warning", "Bold", 11, 14, colors.HexColor("#9A1B1B"))


class CodeSquares(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A QR code as squares: sharp at any size, and no picture that could be exchanged."""

    def __init__(self, text: str, side: float) -> None:
        super().__init__()
        maker = qrcode.QRCode(error_correction=ERROR_CORRECT_L, border=0)
        maker.add_data(text)
        maker.make(fit=True)
        self._matrix: list[list[bool]] = maker.get_matrix()
        self.width = self.height = side

    def wrap(self, *_: object) -> tuple[float, float]:
        """Always the same size."""
        return self.width, self.height

    def draw(self) -> None:
        """One rectangle for each run of dark squares of a row."""
        count = len(self._matrix)
        unit = self.width / count
        self.canv.setFillColor(colors.black)
        for row, squares in enumerate(self._matrix):
            start = None
            for column, dark in enumerate([*squares, False]):
                if dark and start is None:
                    start = column
                elif not dark and start is not None:
                    y = self.height - (row + 1) * unit
                    self.canv.rect(start * unit, y, (column - start) * unit, unit * 1.02, stroke=0, fill=1)
                    start = None


def text(text: str, style: ParagraphStyle = VALUE) -> Paragraph:
    return Paragraph(escape(text).replace("\n", "<br/>") or NONE, style)


def cell(label: str, value: str, style: ParagraphStyle = VALUE) -> list[Paragraph]:
    return [text(label, LABEL), text(value, style)]


def grid(cells: list[tuple[str, str]], columns: int, width: float = WIDTH) -> Table:
    """Label over value, `columns` a row."""
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    data = [[cell(*c) for c in row] + [""] * (columns - len(row)) for row in rows]
    table = Table(data, colWidths=[width / columns] * columns, splitInRow=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ]
        )
    )
    return table


def bare_table(rows: list[list[Any]], widths: list[float]) -> Table:
    """Columns side by side, without padding."""
    table = Table(rows, colWidths=widths, splitInRow=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return table


def section(title: str, width: float = WIDTH) -> Table:
    table = Table([[text(title, SECTION)]], colWidths=[width])
    table.setStyle(
        TableStyle(
            [
                ("LINEABOVE", (0, 0), (-1, 0), 0.8, INK),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ]
        )
    )
    return table
