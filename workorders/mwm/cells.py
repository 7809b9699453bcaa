"""Files as rows of cells, one at a time: CSV in any encoding, Excel workbooks. Size costs no memory."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec

from workorders.mwm.mapping import FileForm

Value = str | int | float | bool | datetime | date | time | None
MAX_UNPACKED = 1024 * 1024 * 1024
MAX_RATIO = 400
_ZEROS = re.compile(r"^0+$")
_DELIMITERS = ";,\t|"


class UnreadableFile(ValueError):
    """The file is no table. `code`: missing_file, not_a_table, no_sheet, wrong_encoding, too_large."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Cell(msgspec.Struct, frozen=True):
    """One cell. `width`: how many digits its format shows with leading zeros (Excel `0000000`)."""

    value: Value
    width: int = 0


class Sheet(msgspec.Struct, frozen=True):
    """A file that is open: its rows with their numbers (1 is the first), and about how many there are."""

    rows: Iterator[tuple[int, list[Cell]]]
    about: int


def column_name(index: int) -> str:
    """A, B, … Z, AA, … as a spreadsheet calls the column of an index from 0."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


@contextmanager
def open_cells(path: Path, form: FileForm) -> Iterator[Sheet]:
    """Open a file by its ending: `.xlsx`, `.xlsm`, else text.

    Raises:
        UnreadableFile
    """
    try:
        if path.suffix.lower() in {".xlsx", ".xlsm"}:
            with _workbook(path, form) as sheet:
                yield sheet
        elif path.suffix.lower() in {".xls", ".xlsb", ".ods"}:
            raise UnreadableFile("not_a_table", f"{path.name}: save it as .xlsx or CSV")
        else:
            with _text(path, form) as sheet:
                yield sheet
    except FileNotFoundError:
        raise UnreadableFile("missing_file", f"the file {path} is missing") from None
    except UnicodeDecodeError as error:
        message = f"{path.name} is not {error.encoding} at byte {error.start}"
        raise UnreadableFile("wrong_encoding", message) from None
    except (csv.Error, zipfile.BadZipFile) as error:
        raise UnreadableFile("not_a_table", f"{path.name}: {error}") from None


@contextmanager
def _text(path: Path, form: FileForm) -> Iterator[Sheet]:
    encoding = _encoding(path) if form.encoding == "auto" else form.encoding
    size = path.stat().st_size
    with path.open(encoding="utf-8-sig" if encoding.lower() == "utf-8" else encoding, newline="") as stream:
        first = "".join(stream.readline() for _ in range(form.heading))
        delimiter = max(_DELIMITERS, key=first.splitlines()[-1].count) if first else ";"
        stream.seek(0)
        reader = csv.reader(
            stream, delimiter=delimiter if form.delimiter == "auto" else form.delimiter, strict=True
        )

        def rows() -> Iterator[tuple[int, list[Cell]]]:
            line = 1
            for cells in reader:
                yield line, [Cell(cell.strip() or None) for cell in cells]
                line = reader.line_num + 1

        yield Sheet(rows(), size // max(20, len(first) // form.heading or 20))


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is that, else cp1252; read in pieces."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while part := stream.read(1 << 20):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


@contextmanager
def _workbook(path: Path, form: FileForm) -> Iterator[Sheet]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    _check_zip(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, SyntaxError) as error:
        raise UnreadableFile("not_a_table", f"{path.name} is no workbook: {type(error).__name__}") from None
    try:
        name = form.sheet or book.sheetnames[0]
        if name not in book.sheetnames:
            there = ", ".join(book.sheetnames)
            raise UnreadableFile("no_sheet", f"{path.name} has no sheet {name!r}; it has {there}")
        sheet = book[name]
        sheet.reset_dimensions()

        def rows() -> Iterator[tuple[int, list[Cell]]]:
            for number, row in enumerate(sheet.iter_rows(), 1):
                yield number, [_cell(cell) for cell in row]

        yield Sheet(rows(), 0)
    finally:
        book.close()


def _cell(cell: Any) -> Cell:
    value = cell.value
    if isinstance(value, str):
        return Cell(value.strip() or None)
    zeros = isinstance(value, int) and _ZEROS.match(str(cell.number_format or ""))
    return Cell(value, len(cell.number_format) if zeros else 0)


def _check_zip(path: Path) -> None:
    """A workbook is an archive: one that would unpack without end is not opened."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    size = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if size > MAX_UNPACKED or (size > 64 * 1024 * 1024 and size / packed > MAX_RATIO):
        raise UnreadableFile("too_large", f"{path.name} unpacks to {size} bytes")


def harmless(value: object) -> str:
    """A cell of a file that we write: never a formula where a spreadsheet opens it."""
    text = "" if value is None else str(value)
    if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not re.fullmatch(r"[+-]?\d+([.,]\d+)?", text):
        return f"'{text}"
    return text
