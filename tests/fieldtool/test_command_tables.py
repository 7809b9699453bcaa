"""Tables of the command line: read by people and by pipes."""

from __future__ import annotations

import pytest

from fieldtool.commands.output import table

SERIAL = "ZIV0040123456"


@pytest.mark.parametrize("width", ["20", "80"])
def test_a_serial_is_never_broken_over_two_lines(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a serial in each of two lines is neither found by a search nor copied right."""
    monkeypatch.setenv("COLUMNS", width)
    table("", ["serial", "address"], [[SERIAL, "Prolongación Av. de la Cultura 1413"]] * 2)
    assert capsys.readouterr().out.count(SERIAL) == 2


def test_a_piped_table_is_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """A script that counts lines counts rows."""
    table("", ["serial", "address"], [[SERIAL, "a long address " * 40]] * 3)
    assert len(capsys.readouterr().out.splitlines()) == 4
