"""Layouts 1 and 2 of the installation record: A4, Inter, the same bytes for the same record.

Nothing here asks for the time, a random number or the machine: the check of a record sets its pages again and
compares. Whoever wants another look adds a layout with a new number and leaves this one alone.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import msgspec
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Spacer,
    Table,
    TableStyle,
)

import assets
from workorders.journal.entry import Realm

from .blocks import (
    GAP,
    GREY,
    INK,
    LABEL,
    MARGIN,
    QR_SIDE,
    RULE,
    SMALL,
    STRONG,
    TITLE,
    UTILITY,
    VALUE,
    WARNING,
    WIDTH,
    CodeSquares,
    bare_table,
    cell,
    grid,
    load_fonts,
    section,
    text,
)
from .photos import annex_picture
from .record import LAYOUT, Device, InstallationRecord, PhotoRef, Register, Signature


@functools.cache
def _words(layout: str, language: str) -> dict[str, str]:
    path = assets.root() / "documents" / f"record-{layout}.{language}.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str])


def set_pages(record: InstallationRecord, pictures: Mapping[str, bytes], code: str) -> bytes:
    """The pages as PDF, without attachments. pictures: plain bytes by SHA-256; code: text of the QR code."""
    load_fonts()
    words = _words(record.layout, record.language.value)
    story = _front(record, words, code)
    story += _supply(record, words)
    story += _meters(record, words)
    story += _work(record, words)
    story += _signatures(record, words, pictures)
    story += _annex(record, words, pictures)
    target = BytesIO()
    frame = Frame(MARGIN, 17 * mm, WIDTH, A4[1] - 17 * mm - 13 * mm, 0, 0, 0, 0)
    document = BaseDocTemplate(
        target,
        pagesize=A4,
        pageTemplates=[PageTemplate("page", [frame])],
        title=f"{_title(record, words)} {record.number}",
        author=record.utility,
        subject=record.order,
        invariant=1,
        lang=record.language.value,
    )
    document.build(story, canvasmaker=functools.partial(_Numbered, record=record, words=words))
    return target.getvalue()


class _Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types
    """Draws the foot of each page once it is known how many there are."""

    def __init__(
        self, *arguments: Any, record: InstallationRecord, words: Mapping[str, str], **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self._record, self._words = record, words
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page instead of closing it."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Close all pages, each with its foot."""
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self._foot(number)
            super().showPage()
        super().save()

    def _foot(self, number: int) -> None:
        self.setStrokeColor(RULE)
        self.setLineWidth(0.4)
        self.line(MARGIN, 13 * mm, A4[0] - MARGIN, 13 * mm)
        self.setFont("Inter-Regular", 6.6)
        self.setFillColor(GREY)
        self.drawString(MARGIN, 9.5 * mm, f"{self._words['number']} {self._record.number}")
        place = self._words["page"].format(page=number, pages=len(self._pages))
        self.drawRightString(A4[0] - MARGIN, 9.5 * mm, place)
        if self._record.realm is not Realm.LIVE:
            self.setFont("Inter-Bold", 8)
            self.setFillColor(WARNING.textColor)
            self.drawCentredString(A4[0] / 2, 9.3 * mm, self._words["training"])


def _title(record: InstallationRecord, words: Mapping[str, str]) -> str:
    if record.title:
        return record.title
    return words.get(f"title.{record.kind}", words["title.other"])


def _front(record: InstallationRecord, words: Mapping[str, str], code: str) -> list[Any]:
    left_width = WIDTH - QR_SIDE - 6 * mm
    head = [text(record.utility, UTILITY), text(_title(record, words), TITLE)]
    if record.realm is not Realm.LIVE:
        head.append(text(words["training"], WARNING))
    cells = [
        (words["number"], record.number),
        (words["order"], record.order),
        (words["date"], record.date),
        (words["started"], record.started or record.started_at),
        (words["finished"], record.finished or record.finished_at),
        (words["crew"], record.crew),
        (words["contractor"], record.contractor),
        (words["technicians"], ", ".join(record.technicians)),
    ]
    left = [*head, Spacer(1, 3 * mm), grid(cells, 3, left_width)]
    right = [CodeSquares(code, QR_SIDE), Spacer(1, 1.5 * mm), text(words["check"], SMALL)]
    table = bare_table([[left, right]], [left_width + 6 * mm, QR_SIDE])
    return [table, Spacer(1, GAP)]


def _supply(record: InstallationRecord, words: Mapping[str, str]) -> list[Any]:
    at = record.supply
    wide = [(words["holder"], at.holder), (words["address"], at.address)]
    cells = [
        (words["supply_number"], at.number),
        (words["document"], at.document),
        (words["tariff"], at.tariff),
        (words["contracted_power"], at.contracted_power),
        (words["sed"], at.sed),
        (words["feeder"], at.feeder),
        (words["phase"], at.phase),
        (words["concentrator"], at.concentrator),
        (words["panel"], at.panel),
        (words["slot"], at.slot),
        (words["position"], at.position),
        (words["network"], record.network),
    ]
    parts = [section(words["section.supply"])]
    parts += [
        grid(said, columns) for said, columns in ((_said(record, wide), 2), (_said(record, cells), 4)) if said
    ]
    return [*parts, Spacer(1, GAP)]


def _said(record: InstallationRecord, cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The cells to be set: in layout 2 those that say something, in layout 1 all."""
    return cells if record.layout == LAYOUT else [(label, value) for label, value in cells if value]


def _meters(record: InstallationRecord, words: Mapping[str, str]) -> list[Any]:
    half = (WIDTH - 6 * mm) / 2
    devices = [("section.removed", record.removed), ("section.installed", record.installed)]
    there = [(words[title], device) for title, device in devices if device is not None]
    if len(there) < 2:
        return [part for title, device in there for part in _device(title, device, words, WIDTH)]
    columns = [_device(title, device, words, half) for title, device in there]
    table = bare_table([[columns[0], "", columns[1]]], [half, 6 * mm, half])
    return [table]


def _device(title: str, device: Device, words: Mapping[str, str], width: float) -> list[Any]:
    cells = [
        (words["maker"], device.maker),
        (words["model"], device.model),
        (words["year"], device.year),
        (words["phases"], device.phases),
        (words["accuracy_class"], device.accuracy_class),
        (words["constant"], device.constant),
    ]
    further = [
        (words["ct_ratio"], device.ct_ratio),
        (words["firmware"], device.firmware),
        (words["module"], device.module),
        (words["sim"], device.sim),
        (words["calibration"], device.calibration),
    ]
    parts: list[Any] = [section(title, width), *cell(words["serial"], device.serial, STRONG)]
    parts.append(grid(cells, 3, width))
    known = [(label, value) for label, value in further if value]
    if known:
        parts.append(grid(known, 2, width))
    if device.registers:
        parts.append(_readings(device.registers, words, width))
    if device.seals:
        seals = " · ".join(_seal(s.position, s.number, s.action) for s in device.seals)
        parts += cell(words["seals"], seals)
    return [*parts, Spacer(1, GAP)]


def _seal(position: str, number: str, action: str) -> str:
    return f"{position}: {number}" + (f" ({action})" if action else "")


def _readings(registers: tuple[Register, ...], words: Mapping[str, str], width: float) -> Table:
    times = {register.time for register in registers}
    common = times.pop() if len(times) == 1 else ""  # one visit, one time: said once
    head = " · ".join(part for part in (words["reading"], common) if part)
    rows: list[list[Any]] = [[text(words["register"], LABEL), text(head, LABEL)]]
    rows += [[_register_name(r, common), text(f"{r.value} {r.unit}".strip(), STRONG)] for r in registers]
    table = Table(rows, colWidths=[width * 0.55, width * 0.45])
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return table


def _register_name(register: Register, common: str) -> list[Any]:
    own = register.time if register.time != common else ""
    return [text(register.name), text(own, SMALL)] if own else [text(register.name)]


def _work(record: InstallationRecord, words: Mapping[str, str]) -> list[Any]:
    parts: list[Any] = []
    if record.details:
        cells = [(detail.name, f"{detail.value} {detail.unit}".strip()) for detail in record.details]
        parts += [section(words["section.details"]), grid(cells, 3), Spacer(1, GAP)]
    if record.measurements or record.rotation:
        cells = [(m.name, f"{m.value} {m.unit}".strip()) for m in record.measurements]
        if record.rotation:
            cells.append((words["rotation"], record.rotation))
        parts += [section(words["section.measurements"]), grid(cells, 6), Spacer(1, GAP)]
    cells = [
        (words["reason"], record.reason),
        (words["outage"], record.outage_minutes),
        (words["destination"], record.destination),
    ]
    parts.append(section(words["section.work"]))
    noted = [(words["anomalies"], "\n".join(record.anomalies)), (words["remarks"], record.remarks)]
    parts += [
        grid(said, columns)
        for said, columns in ((_said(record, cells), 3), (_said(record, noted), 2))
        if said
    ]
    return [*parts, Spacer(1, GAP)]


def _signatures(
    record: InstallationRecord, words: Mapping[str, str], pictures: Mapping[str, bytes]
) -> list[Any]:
    if not record.signatures:
        return []
    columns = 3
    width = WIDTH / columns
    rows: list[list[Any]] = []
    for first in range(0, len(record.signatures), columns):
        part = record.signatures[first : first + columns]
        empty: list[Any] = [[] for _ in range(columns - len(part))]
        rows.append([_signed(s, words, pictures, width - 5 * mm) for s in part] + empty)
        rows.append([_signer(s, words, width - 5 * mm) for s in part] + empty)
    table = bare_table(rows, [width] * columns)
    table.setStyle(TableStyle([("VALIGN", (0, row), (-1, row), "BOTTOM") for row in range(0, len(rows), 2)]))
    return [KeepTogether([section(words["section.signatures"]), table])]


def _signed(
    signature: Signature, words: Mapping[str, str], pictures: Mapping[str, bytes], width: float
) -> list[Any]:
    if signature.sha256 is None:
        return [text(f"{words['not_signed']}: {signature.note}".rstrip(": "))]
    return [annex_picture(pictures[signature.sha256], width, 14 * mm)]


def _signer(signature: Signature, words: Mapping[str, str], width: float) -> list[Any]:
    rule = Table([[""]], colWidths=[width], rowHeights=[1])
    rule.setStyle(TableStyle([("LINEABOVE", (0, 0), (-1, 0), 0.6, INK)]))
    rule.hAlign = "LEFT"
    parts: list[Any] = [Spacer(1, 1 * mm), rule, *cell(signature.role, signature.name)]
    if signature.document:
        parts.append(text(signature.document, SMALL))
    if signature.witness:
        parts.append(text(f"{words['witness']}: {signature.witness}", SMALL))
    if signature.sha256 is not None and signature.note:
        parts.append(text(signature.note, SMALL))
    return [*parts, Spacer(1, 2 * mm)]


def _annex(record: InstallationRecord, words: Mapping[str, str], pictures: Mapping[str, bytes]) -> list[Any]:
    if not record.photos:
        return []
    width = (WIDTH - 6 * mm) / 2
    cells = [_photo(photo, pictures, words, width) for photo in record.photos]
    if len(cells) % 2:
        cells.append([])
    rows = [[cells[i], "", cells[i + 1]] for i in range(0, len(cells), 2)]
    table = Table(rows, colWidths=[width, 6 * mm, width])
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
            ]
        )
    )
    return [PageBreak(), section(words["section.photos"]), Spacer(1, 2 * mm), table]


def _photo(
    photo: PhotoRef, pictures: Mapping[str, bytes], words: Mapping[str, str], width: float
) -> list[Any]:
    about = " · ".join(part for part in (photo.what, photo.taken_at) if part)
    return [
        annex_picture(pictures[photo.sha256], width, 92 * mm),
        text(about, VALUE),
        text(f"{words['hash']} {photo.sha256}", SMALL),
    ]
