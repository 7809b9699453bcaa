"""Orders from a utility's sheet: each row becomes a change, or says by cell what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from workorders.journal.words import TaskKind
from workorders.mwm.cells import Cell, Sheet, UnreadableFile, column_name, open_cells
from workorders.mwm.mapping import DAYS, DECIMALS, TEXTS, TIMES, FileForm, Mapping, MappingError
from workorders.mwm.numbers import REWRITTEN, BadNumber, decimal_text
from workorders.mwm.port import Change, ForeignOrder

_SERIAL = re.compile(r"^[A-Za-z0-9./_-]{1,40}$")
_ERROR_VALUE = re.compile(r"^#[A-Z/0!?]+[!?]?$")
_SAFE_DIGITS = 10**15
"""A spreadsheet keeps fifteen digits of a number."""
_LIMITS = {"latitude": 90, "longitude": 180}
_PRIORITIES = {"low": -1, "normal": 0, "high": 1, "urgent": 2}


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong at a cell. `code` is stable and has words in every language; a `warning` is taken."""

    line: int
    cell: str | None
    column: str | None
    code: str
    value: str = ""
    detail: str = ""
    warning: bool = False


class SheetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its change, None where problems stand in the way."""

    line: int
    change: Change | None
    problems: list[RowProblem]
    cells: dict[str, str] = {}
    """Where our fields stood (`C7`), for what is found out later."""


class _Wrong(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def read_sheet(path: Path, mapping: Mapping) -> Iterator[SheetRow]:
    """The rows of a file, one at a time.

    Raises:
        UnreadableFile: also `missing_column`: a heading of the mapping is not there or stands twice.
    """
    constants = _constants(mapping)
    with open_cells(path, mapping.file) as sheet:
        places, width = _places(path, sheet, mapping)
        for line, cells in sheet.rows:
            if any(cell.value is not None for cell in cells[width:]):
                wide = RowProblem(
                    line=line, cell=f"{column_name(width)}{line}", column=None, code="wrong_width"
                )
                yield SheetRow(line=line, change=None, problems=[wide])
            elif any(cell.value is not None for cell in cells):
                yield _row(line, cells, places, mapping, constants)


def _constants(mapping: Mapping) -> dict[str, object]:
    """What is the same in every row, read as its cell would be."""
    plain = msgspec.structs.replace(mapping, values={})
    try:
        return {name: _value(name, Cell(value), plain) for name, value in mapping.constants.items()}
    except _Wrong as wrong:
        raise MappingError(f"[constants] holds what is no value of its field ({wrong.code})") from None


def _places(path: Path, sheet: Sheet, mapping: Mapping) -> tuple[dict[str, int], int]:
    """Index of the column of each field, from the headings, and how many columns there are."""
    form = mapping.file
    above: list[list[str]] = []
    for line, cells in sheet.rows:
        if line >= form.heading:
            above.append([_folded(cell.value) for cell in cells])
        if line >= form.heading + form.headings - 1:
            break
    headings = _joined(above)
    places: dict[str, int] = {}
    for name, heading in mapping.columns.items():
        wanted = " / ".join(_folded(part) for part in heading.split(" / "))
        found = [index for index, one in enumerate(headings) if one == wanted]
        if len(found) != 1:
            there = ", ".join(filter(None, headings)) or "nothing"
            how = "is missing" if not found else "stands twice"
            message = f"{path.name}: the column {heading!r} {how} in row {form.heading}; there are: {there}"
            raise UnreadableFile("missing_column", message)
        places[name] = found[0]
    return places, len(headings)


def _joined(rows: list[list[str]]) -> list[str]:
    """Headings over one or more rows; a merged cell stands in its first column and goes on to the right."""
    width = max((len(row) for row in rows), default=0)
    parts: list[list[str]] = [[] for _ in range(width)]
    for number, row in enumerate(rows):
        last = ""
        for index in range(width):
            text = row[index] if index < len(row) else ""
            if number < len(rows) - 1:
                last = text = text or last
            if text:
                parts[index].append(text)
    return [" / ".join(part) for part in parts]


def _folded(value: object) -> str:
    return " ".join(str(value or "").split()).casefold()


def _row(
    line: int, cells: list[Cell], places: dict[str, int], mapping: Mapping, constants: dict[str, object]
) -> SheetRow:
    problems: list[RowProblem] = []
    told = dict(constants)
    where = {name: f"{column_name(index)}{line}" for name, index in places.items()}
    for name, index in places.items():
        cell = cells[index] if index < len(cells) else Cell(None)
        if cell.value is None:
            continue
        about = {"line": line, "cell": where[name], "column": mapping.columns[name]}
        try:
            told[name] = _value(name, cell, mapping)
            if name in TEXTS and isinstance(cell.value, int | float) and not cell.width:
                shown = str(told[name])
                problems.append(RowProblem(code="number_cell", value=shown, warning=True, **about))  # type: ignore[arg-type]  # three known names
        except _Wrong as wrong:
            value = str(cell.value)[:80]
            problems.append(RowProblem(code=wrong.code, value=value, detail=wrong.detail, **about))  # type: ignore[arg-type]  # three known names
    number = told.get("number")
    if not number and not any(one.cell == where["number"] for one in problems):
        problems.append(
            RowProblem(line=line, cell=where["number"], column=mapping.columns["number"], code="empty_number")
        )
    if any(not one.warning for one in problems):
        return SheetRow(line=line, change=None, problems=problems, cells=where)
    order = msgspec.convert(
        {name: value for name, value in told.items() if value != ""}, ForeignOrder, strict=False
    )
    return SheetRow(line=line, change=Change(key=f"row-{line}", order=order), problems=problems, cells=where)


def _value(name: str, cell: Cell, mapping: Mapping) -> object:
    """What a cell means for a field.

    Raises:
        _Wrong
    """
    value = cell.value
    if isinstance(value, str) and _ERROR_VALUE.match(value):
        raise _Wrong("formula_error")
    mapped = mapping.values.get(name)
    if mapped is not None:
        known = {_folded(theirs): ours for theirs, ours in mapped.items()}
        if _folded(value) not in known:
            raise _Wrong("unmapped_value", ", ".join(mapped))
        value = known[_folded(value)]
    if name in TIMES:
        return _time(value, mapping.file)
    if name in DAYS:
        return _time(value, mapping.file)[:10]
    if name in DECIMALS:
        try:
            return decimal_text(value, mapping.file, _LIMITS.get(name))
        except BadNumber as error:
            raise _Wrong(error.code, error.detail) from None
    if name == "flags":
        return [part for part in re.split(r"[|;,\s]+", str(value)) if part]
    text = _text(name, Cell(value, cell.width))
    return _checked(name, text)


def _text(name: str, cell: Cell) -> str:
    value = cell.value
    if isinstance(value, datetime | date | bool):
        raise _Wrong("rewritten_date")
    if isinstance(value, float):
        if not value.is_integer():
            if name in TEXTS:
                raise _Wrong("rewritten_number")
            return str(Decimal(repr(value)))
        value = int(value)
    if isinstance(value, int):
        if abs(value) >= _SAFE_DIGITS and name in TEXTS:
            raise _Wrong("digits_lost")
        return str(value).zfill(cell.width)
    text = str(value)
    if name in TEXTS and REWRITTEN.match(text):
        raise _Wrong("rewritten_number")
    if len(text) > 500:
        raise _Wrong("too_long")
    return text


def _checked(name: str, text: str) -> object:
    if name in {"old_serial", "new_serial"} and not _SERIAL.match(text):
        raise _Wrong("bad_serial")
    if name == "kind" and text not in set(TaskKind):
        raise _Wrong("bad_kind", ", ".join(TaskKind))
    if name == "priority":
        if text.casefold() in _PRIORITIES:
            return _PRIORITIES[text.casefold()]
        if not re.fullmatch(r"-?\d", text):
            raise _Wrong("bad_priority")
        return int(text)
    return text


def _time(value: object, form: FileForm) -> str:
    """ISO time; without an offset it is local to the project."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00"
    for pattern in (form.time, form.date):
        try:
            return datetime.strptime(str(value), pattern).isoformat(timespec="minutes")  # noqa: DTZ007 - local
        except ValueError:
            continue
    raise _Wrong("bad_time", f"{form.time} / {form.date}")
