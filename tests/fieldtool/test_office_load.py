"""`fieldtool gateway load`, where it ends otherwise than well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fieldtool.commands import officeload
from tests.fieldtool.test_command_faults import fieldtool
from tests.workorders.offices import FILES, write_project
from workorders.gateway.load import LoadReport, Progress


def test_who_stops_a_load_is_told_where_it_was_and_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def work(progress: Progress) -> LoadReport:
        progress("orders", 1500, 100_000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        officeload._run(True, work)
    told = "stopped at orders, 1,500 of 100,000; loaded again, the same files go on from there\n"
    assert capsys.readouterr() == ("", told)


def test_rows_with_mistakes_are_refused_one_by_one_and_with_an_option_all_together(tmp_path: Path) -> None:
    """Scripts rely on the first: what is good is taken, and the exit status is 0."""
    folder = write_project(tmp_path / "project", orders=FILES["orders.csv"].replace(";U0;", ";NONE;"))
    load = ("gateway", "load", str(folder), "--realm", "demo", "--json")
    whole = fieldtool(tmp_path / "home", *load, "--all-or-nothing")
    report = json.loads(whole.stdout)
    assert (whole.returncode, report["issued"], report["taken"]) == (1, 0, False)
    assert "1 rows have mistakes; nothing was taken" in whole.stderr
    by_row = fieldtool(tmp_path / "home", *load)
    report = json.loads(by_row.stdout)
    assert (by_row.returncode, report["issued"], report["refused"]) == (0, 7, 1)
    assert report["errors"] == ["orders.csv:2: order 000: no supply point NONE in the project"]
    assert report.keys() >= {"project", "counts", "changed", "same", "absent"}


@pytest.mark.parametrize(
    "command",
    [
        ("journal", "verify", "--gateway"),
        ("gateway", "revoke", "t", "--reason", "lost"),
        ("gateway", "quarantine", "list"),
        ("gateway", "tablets"),
        ("gateway", "audit"),
    ],
    ids=" ".join,
)
def test_a_mistyped_database_is_told_and_no_empty_office_is_made_of_it(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Whoever proved a restored backup under a wrong name was told that an empty office is sound."""
    ended = fieldtool(tmp_path / "home", *command, "--database", f"sqlite:///{tmp_path / 'ofice.db'}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "[no_office]" in ended.stderr
    assert list(tmp_path.glob("*ofice*")) == []
