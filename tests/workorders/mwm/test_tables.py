"""A utility's tables are taken row by row; what is refused is named by line and column."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from workorders.mwm.tables import Table


class Meter(msgspec.Struct, kw_only=True):
    serial: str
    model: str = ""
    slot: Annotated[int, msgspec.Meta(ge=1)] | None = None


def read(
    tmp_path: Path, data: str | bytes, **columns: str
) -> tuple[list[Meter], list[tuple[int, str | None, str]]]:
    path = tmp_path / "meters.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    table = Table(path, Meter, columns)
    rows = [row.value for row in table.rows()]
    return rows, [(e.line, e.column, e.code) for e in table.report.errors]


def test_leading_zeros_byte_order_mark_and_foreign_columns_are_kept(tmp_path: Path) -> None:
    rows, errors = read(
        tmp_path, "\ufeffMEDIDOR;MODELO;OTRA\n00123;em;x\n\n00124;;y\n", serial="MEDIDOR", model="MODELO"
    )
    assert rows == [Meter(serial="00123", model="em"), Meter(serial="00124")]
    assert errors == []


def test_each_bad_row_is_named_and_the_others_are_taken(tmp_path: Path) -> None:
    text = 'serial,model,slot\n1,"a\nb",1\n2,m,cero\n,m,2\n3.70E+10,m,3\n4,m\n5,m,0\n6,m,6\n'
    rows, errors = read(tmp_path, text)
    assert [row.serial for row in rows] == ["1", "6"]
    assert errors == [
        (4, "slot", "bad_value"),
        (5, "serial", "empty"),
        (6, "serial", "rewritten_number"),
        (7, None, "wrong_width"),
        (8, "slot", "bad_value"),
    ]


def test_a_file_that_is_no_table_is_one_clear_error(tmp_path: Path) -> None:
    assert read(tmp_path, "numero;model\n1;2\n", serial="MEDIDOR")[1] == [(1, "MEDIDOR", "missing_column")]
    assert read(tmp_path, "serial;serial\n1;2\n")[1] == [(1, "serial", "column_twice")]
    assert read(tmp_path, "serial;model\n1;señal\n".encode("latin-1"))[1][0][2] == "not_utf8"
    assert read(tmp_path, b"")[1] == [(1, "serial", "missing_column")]
    table = Table(tmp_path / "none.csv", Meter)
    assert list(table.rows()) == []
    assert table.report.errors[0].code == "missing_file"


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).map(str.strip)


@given(st.lists(st.tuples(texts, texts), max_size=8), st.sampled_from(";,\t"))
def test_what_a_csv_writer_wrote_is_read_back(tmp_path_factory, pairs, delimiter) -> None:  # type: ignore[no-untyped-def]  # hypothesis passes them
    pairs = [(a, b) for a, b in pairs if a and "E+" not in (a + b).upper()]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["serial", "model"])
    writer.writerows(pairs)
    rows, errors = read(tmp_path_factory.mktemp("csv"), out.getvalue())
    assert errors == []
    assert [(row.serial, row.model) for row in rows] == pairs
