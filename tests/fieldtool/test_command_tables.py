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


def test_what_a_cell_says_is_shown_and_never_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """An address with brackets ended the list of orders; a section was left out of the hint about it."""
    table("", ["address", "hint"], [["Mz. [/B] Lt. 3", "see [values.kind]"], ["\x1b[2Jx\x9b1m", "[red]"]])
    said = capsys.readouterr().out
    for text in ("Mz. [/B] Lt. 3", "[values.kind]", "\ufffd[2Jx\ufffd1m", "[red]"):
        assert text in said
