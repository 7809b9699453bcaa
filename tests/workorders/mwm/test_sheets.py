"""A utility's sheets: CSV and Excel as utilities write them; every mistake named by its cell."""

from __future__ import annotations

import csv
import datetime
import tracemalloc
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldtool import words
from fieldtool.text import Language
from tests.workorders.offices import Bureau
from workorders.gateway.links.sheetimport import run_sheet
from workorders.gateway.rows import order_mrid
from workorders.mwm.cells import UnreadableFile, harmless
from workorders.mwm.mapping import FileForm, MappingError, read_mapping
from workorders.mwm.numbers import BadNumber, decimal_text
from workorders.mwm.sheets import SheetRow, read_sheet
from workorders.store.queries import order as order_query

MAP = """
[file]
decimal = ","
date = "%d/%m/%Y"
time = "%d/%m/%Y %H:%M"
{more}
[columns]
number = "Nº Orden"
kind = "Tipo"
crew = "Cuadrilla"
usage_point = "Suministro"
old_serial = "Medidor"
last_reading = "Última lectura"
due = "Vence"
{columns}
[values.kind]
"Cambio de medidor" = "exchange"
[constants]
new_model = "prime-1ph"
"""
HEADING = ["Nº  Orden", "Tipo", "Cuadrilla", "Suministro", "Medidor", "Última lectura", "Vence"]
ROW = ["X-1", "cambio de  MEDIDOR", "A", "U1", "OLD1", "1.234,5", "05/03/2026 18:00"]


def mapping(tmp_path: Path, more: str = "", columns: str = "") -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAP.format(more=more, columns=columns), "utf-8")
    return path


def sheet(tmp_path: Path, rows: list[list[Any]], encoding: str = "cp1252", delimiter: str = ";") -> Path:
    path = tmp_path / "orders.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def workbook(tmp_path: Path, rows: list[list[Any]], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Órdenes"
    for row in rows:
        page.append(row)
    for cell, form in (formats or {}).items():
        page[cell].number_format = form
    path = tmp_path / "orders.xlsx"
    book.save(path)
    return path


def codes(rows: list[SheetRow]) -> list[tuple[str | None, str]]:
    return [(one.cell, one.code) for row in rows for one in row.problems]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_spanish_headings_in_any_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = sheet(tmp_path, [HEADING, ROW], encoding, delimiter)
    (row,) = read_sheet(path, read_mapping(mapping(tmp_path)))
    assert row.problems == []
    assert row.change is not None
    order = row.change.order
    assert order is not None
    assert (order.number, order.kind, order.last_reading, order.due, order.new_model) == (
        "X-1", "exchange", "1234.5", "2026-03-05T18:00", "prime-1ph",
    )  # fmt: skip


def test_each_bad_cell_is_named_and_has_words_in_every_language(tmp_path: Path) -> None:
    bad = [
        ["1.23457E+11", *ROW[1:]],
        ["X-2", "Poda de árbol", *ROW[2:]],
        ["X-3", *ROW[1:4], "OLD 3", "12.5.1", "el martes"],
        ["", *ROW[1:]],
        ["X-5", *ROW[1:], "una celda de más"],
        ["#N/A", *ROW[1:]],
        ["X-7", *ROW[1:5], "1.234", ROW[6]],
    ]
    rows = list(read_sheet(sheet(tmp_path, [HEADING, *bad]), read_mapping(mapping(tmp_path))))
    found = codes(rows)
    assert found == [
        ("A2", "rewritten_number"), ("B3", "unmapped_value"), ("E4", "bad_serial"), ("F4", "bad_number"),
        ("G4", "bad_time"), ("A5", "empty_number"), ("H6", "wrong_width"), ("A7", "formula_error"),
        ("F8", "ambiguous_number"),
    ]  # fmt: skip
    for language in Language:
        for _, code in found:
            assert words.has(f"row.{code}", language)
            assert words.has(f"row.{code}.hint", language)


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "wanted"),
    [
        (",", None, "1.234", "ambiguous_number"),
        (".", None, "1,234", "ambiguous_number"),
        (None, None, "-1.234", "ambiguous_number"),
        (None, None, "1,234", "ambiguous_number"),
        (",", None, "012.345", "ambiguous_number"),
        (",", ".", "1.234", "1234"),
        (".", ",", "1,234", "1234"),
        (".", None, "1.234", "1.234"),
        (",", None, "1,234", "1.234"),
        (None, ",", "1.234", "1.234"),
        (",", None, "1.234,5", "1234.5"),
        (",", None, "1.234.567", "1234567"),
        (",", None, "0.123", "0.123"),
        (None, None, "1234.567", "1234.567"),
        (None, None, "01234.5", "01234.5"),
        (",", " ", "1\u00a0234,5", "1234.5"),
        (".", "'", "12'345'678.5", "12345678.5"),
        (",", ".", "12.5", "bad_number"),
        (",", ".", "0.123", "bad_number"),
        (",", ".", "1.2345", "bad_number"),
        (None, None, "12,5", "bad_number"),
        (",", None, "1,234,567", "bad_number"),
        (None, None, 1.234, "1.234"),
        (None, None, 1234, "1234"),
    ],
)
def test_the_sign_of_a_number_is_never_guessed(
    decimal: str | None, thousands: str | None, text: str | float, wanted: str
) -> None:
    """A last reading taken 1000 times too high is a consumption that somebody is billed for."""
    form = FileForm(decimal=decimal, thousands=thousands)
    if not wanted[0].isalpha():
        assert decimal_text(text, form) == wanted
        return
    with pytest.raises(BadNumber, match=wanted):
        decimal_text(text, form)


def test_a_number_that_can_only_be_meant_one_way_is_taken() -> None:
    assert decimal_text("-12.046", FileForm(), 90) == "-12.046"
    assert decimal_text("-77,043", FileForm(decimal="."), 180) == "-77.043"
    with pytest.raises(BadNumber, match="bad_number"):
        decimal_text("91.5", FileForm(), 90)


def test_numbers_that_excel_made_of_identities(tmp_path: Path) -> None:
    when = datetime.datetime(2026, 3, 5, 18)  # noqa: DTZ001 - a spreadsheet knows no zone
    rows = [
        HEADING,
        ["X-1", *ROW[1:4], 123456789012, 1234.5, when],
        ["X-2", *ROW[1:4], 1234567890123456, 1, when],
        ["X-3", *ROW[1:4], 42, 1, when],
        ["X-4", *ROW[1:4], datetime.date(2026, 1, 2), 1, when],
        ["X-5", *ROW[1:4], 12.5, 1, when],
    ]
    path = workbook(tmp_path, rows, {"E4": "00000000"})
    found = list(read_sheet(path, read_mapping(mapping(tmp_path, 'sheet = "Órdenes"'))))
    assert codes(found) == [
        ("E2", "number_cell"), ("E3", "digits_lost"), ("E5", "rewritten_date"), ("E6", "rewritten_number"),
    ]  # fmt: skip
    first, third = found[0].change, found[2].change
    assert first is not None
    assert third is not None
    assert first.order is not None
    assert third.order is not None
    assert (first.order.old_serial, first.order.last_reading, first.order.due) == (
        "123456789012", "1234.5", "2026-03-05T18:00:00",
    )  # fmt: skip
    assert third.order.old_serial == "00000042"


def test_merged_headings_over_two_rows_and_lines_above(tmp_path: Path) -> None:
    above = ["", "", "", "", "Ubicación", None, ""]
    rows = [["Listado"], above, HEADING, ROW]
    text = MAP.replace("Última lectura", "Ubicación / Última lectura").replace(
        '"Medidor"', '"Ubicación / Medidor"'
    )
    text = text.replace('"Vence"', '"Ubicación / Vence"')
    path = tmp_path / "map.toml"
    path.write_text(text.format(more="heading = 2\nheadings = 2", columns=""), "utf-8")
    (row,) = read_sheet(workbook(tmp_path, rows), read_mapping(path))
    assert row.change is not None
    assert row.problems == []


def test_a_file_that_is_no_table_says_why(tmp_path: Path) -> None:
    form = read_mapping(mapping(tmp_path))
    for name, data, code in (
        ("a.xlsx", b"PK no workbook", "not_a_table"), ("a.xls", b"", "not_a_table"),
        ("a.csv", b"", "missing_column"),
        ("b.csv", "Nº Orden;Nº Orden\n".encode(), "missing_column"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableFile) as caught:
            list(read_sheet(tmp_path / name, form))
        assert caught.value.code == code
    with pytest.raises(MappingError, match="los_campos"):
        read_mapping(mapping(tmp_path, columns='los_campos = "x"'))
    with pytest.raises(MappingError, match="one sign"):
        read_mapping(mapping(tmp_path, more='thousands = ","'))


def test_a_sheet_is_shown_then_taken_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    path = sheet(
        tmp_path, [HEADING, ROW, ["X-2", *ROW[1:2], "Z", *ROW[3:]], ROW, ["003", "", "A", "", "", "", ""]]
    )
    form = read_mapping(mapping(tmp_path))

    def run(write: bool) -> tuple[int, ...]:
        report = run_sheet(bureau.office, "demo", path, form, write=write)
        assert [(one.cell, one.code) for one in report.problems] == [
            ("C3", "unknown_crew"),
            ("A4", "number_twice"),
        ]
        return report.rows, report.issued, report.changed, report.same, report.refused

    assert run(False) == run(False) == (4, 1, 1, 0, 2)
    assert run(True) == (4, 1, 1, 0, 2)
    assert run(True) == run(False) == (4, 0, 0, 2, 2)
    with bureau.office.store.read() as connection:
        detail = order_query(connection, order_mrid("demo", "X-1"))
    assert detail is not None
    assert (detail.row.due, detail.order.place.transformer) == ("2026-03-05T23:00:00.000Z", "T2")


def test_rows_cost_no_memory(tmp_path: Path) -> None:
    form = read_mapping(mapping(tmp_path))

    def peak(rows: int) -> int:
        path = sheet(tmp_path, [HEADING, *([f"N-{n}", *ROW[1:]] for n in range(rows))])
        tracemalloc.start()
        for _ in read_sheet(path, form):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(2000) < peak(200) + 100_000


@settings(max_examples=50)
@given(st.text(st.sampled_from("=+-@\t\r1a,.'|"), max_size=6))
def test_no_cell_of_ours_is_a_formula(text: str) -> None:
    told = harmless(text)
    assert told[:1] not in {"=", "@", "\t", "\r"}
    assert told.removeprefix("'") == text or told == text
    assert harmless("-12,5") == "-12,5"
    assert harmless("-1+cmd|' /C calc'!A0").startswith("'")
