"""Tables as a utility exports them: CSV in, typed rows out, and a report that names every row refused.

A table is described by a struct: its fields are the columns, their types the rules. The columns of the
utility may have other names: `columns` maps ours to theirs. A bad row is reported with line, column and
reason and left out; the others are taken. Rows are read one by one, so size costs no memory.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, TextIO, TypeVar

import msgspec

RowType = TypeVar("RowType", bound=msgspec.Struct)

MAX_ERRORS = 200
"""Errors kept in a report; all are counted."""

_DELIMITERS = ";,\t|"
_SPREADSHEET_NUMBER = re.compile(r"^\d(?:[.,]\d+)?E\+\d+$", re.IGNORECASE)
_PATH = re.compile(r"\s*-? at `\$\.([^`\[\].]+)[^`]*`$")


@dataclass(frozen=True)
class RowError:
    """Why a row (or, at line 1, a file) was refused. `code` is stable; `column` as the file calls it."""

    file: str
    line: int
    column: str | None
    code: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" + (f" [{self.column}]" if self.column else "")
        return f"{where}: {self.message}"


@dataclass
class TableReport:
    """How one file was read. `refused` counts all errors, `errors` keeps the first MAX_ERRORS."""

    file: str
    rows: int = 0
    refused: int = 0
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, line: int, column: str | None, code: str, message: str) -> None:
        """Add one error."""
        self.refused += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(RowError(self.file, line, column, code, message))


class Moment:
    """A time in a table, `YYYY-MM-DDTHH:MM[:SS][offset]`; without an offset it is local time."""

    __slots__ = ("value",)

    def __init__(self, value: datetime) -> None:
        self.value = value


def encode_value(value: object) -> object:
    """Plain form of the types that msgspec does not know; `decode_value` reads it."""
    if isinstance(value, Moment):
        return value.value.isoformat()
    raise NotImplementedError(f"no plain form of a {type(value).__name__}")


def decode_value(kind: type, value: object) -> object:
    """Read the types that msgspec does not know; a ValueError becomes the error of the row."""
    if kind is Moment and isinstance(value, str):
        return Moment(datetime.fromisoformat(value))
    raise ValueError(f"not a {kind.__name__}")


@dataclass(frozen=True)
class Row(Generic[RowType]):
    """One good row and the line it began on."""

    line: int
    value: RowType


class Table(Generic[RowType]):
    """One CSV file to be read as rows of `row_type`; iterate `rows()` once, then look at `report`.

    UTF-8 with or without byte order mark; the delimiter is found in the header. Empty cells take the field's
    default. A number that a spreadsheet has rewritten (`3.70E+10`) is refused: its digits
    are lost.

    Attributes:
        whole: after the rows were read: whether they were all that the file has, the refused ones among them.
    """

    def __init__(self, path: Path, row_type: type[RowType], columns: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.row_type = row_type
        self.columns = dict(columns or {})
        self.report = TableReport(path.name)
        self.whole = False
        self._fields = {item.name: item for item in msgspec.structs.fields(row_type)}
        self._stream: TextIO | None = None

    def position(self) -> tuple[int, int]:
        """Bytes that have been read, and that there are; (0, 0) while no file is open."""
        if self._stream is None or self._stream.closed:
            return 0, 0
        return self._stream.buffer.tell(), os.fstat(self._stream.fileno()).st_size

    def rows(self) -> Iterator[Row[RowType]]:
        """Yield the good rows in the file's order; the bad ones go to the report."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as stream:
                self._stream = stream
                yield from self._read(stream)
        except FileNotFoundError:
            self.report.refuse(1, None, "missing_file", f"the file {self.path.name} is missing")
        except UnicodeDecodeError as error:
            message = f"not UTF-8 at byte {error.start}: export the table as CSV UTF-8"
            self.report.refuse(self.report.rows + 2, None, "not_utf8", message)
        except csv.Error as error:
            self.report.refuse(self.report.rows + 2, None, "not_csv", f"not readable as CSV: {error}")

    def _read(self, stream: TextIO) -> Iterator[Row[RowType]]:
        header_line = stream.readline()
        delimiter = max(_DELIMITERS, key=header_line.count)
        header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter), [])]
        ours = self._header(header)
        if ours is None:
            return
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        line = 2
        for cells in reader:
            if any(cell.strip() for cell in cells):
                self.report.rows += 1
                value = self._row(line, header, ours, cells)
                if value is not None:
                    yield Row(line, value)
            line = reader.line_num + 2
        self.whole = True

    def _header(self, header: list[str]) -> list[str | None] | None:
        """Our name for each column of the file (None: not ours); None if one is missing or stands twice."""
        names = {self.columns.get(name, name): name for name in self._fields}
        ours = [names.get(theirs) for theirs in header]
        good = True
        for name, item in self._fields.items():
            if item.required and name not in ours:
                theirs = self.columns.get(name, name)
                message = f"the column {theirs!r} is missing; the file has {', '.join(header) or 'no header'}"
                self.report.refuse(1, theirs, "missing_column", message)
                good = False
            if ours.count(name) > 1:
                theirs = self.columns.get(name, name)
                self.report.refuse(1, theirs, "column_twice", f"the column {theirs!r} stands twice")
                good = False
        return ours if good else None

    def _row(self, line: int, header: list[str], ours: list[str | None], cells: list[str]) -> RowType | None:
        if len(cells) != len(header):
            message = (
                f"{len(cells)} cells under {len(header)} columns: a delimiter inside a text without quotes?"
            )
            self.report.refuse(line, None, "wrong_width", message)
            return None
        values: dict[str, str] = {}
        for theirs, name, cell in zip(header, ours, cells, strict=True):
            text = cell.strip()
            if name is None or not text:
                continue
            if _SPREADSHEET_NUMBER.match(text):
                message = f"{text!r} was rewritten by a spreadsheet: make the column text and export again"
                self.report.refuse(line, theirs, "rewritten_number", message)
                return None
            values[name] = text
        try:
            return msgspec.convert(values, self.row_type, strict=False, dec_hook=decode_value)
        except msgspec.ValidationError as error:
            self._refuse_value(line, values, str(error))
            return None

    def _refuse_value(self, line: int, values: dict[str, str], message: str) -> None:
        """Name the column of a value that its field's type refuses."""
        found = _PATH.search(message)
        if found is None:
            missing = next((n for n, f in self._fields.items() if f.required and n not in values), None)
            column = self.columns.get(missing, missing) if missing else None
            self.report.refuse(line, column, "empty", f"the column {column!r} must not be empty")
            return
        name = found.group(1)
        reason = f"{values.get(name, '')!r}: {message[: found.start()]}"
        self.report.refuse(line, self.columns.get(name, name), "bad_value", reason)
