"""`fieldtool network` as its user types it: every fault of a tree file named, where a device was and is."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldtool.commands import network as command
from fieldtool.commands import networkbalance as balancing
from fieldtool.main import app
from fieldtool.tablet.around import StoreNetwork
from tests.workorders.record_support import new_journal, new_store
from workorders.journal import kinds
from workorders.network import Node, StandingMeter, load_meters, load_network
from workorders.store.engine import Store

GOOD = """mrid;kind;parent;name;capacity
SE;substation;;Subestación;
T1;transformer;SE;SED 1;
P1;panel;T1;Piso 1;3
"""


def run(*words: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["network", *words, "--json"])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize(
    ("rows", "code", "mrid", "line", "error"),
    [
        ("A;feeder;B;;\nB;feeder;A;;\n", "cycle", "A", 5, True),
        ("T1;transformer;SE;;\n", "duplicate", "T1", 5, True),
        ("X;panel;NOWHERE;;4\n", "unknown_parent", "X", 5, True),
        ("X;pannel;T1;;4\n", "unknown_kind", "X", 5, True),
        ("F;feeder;T1;;\n", "upside_down", "F", 5, False),
        ("F;feeder;;;\n", "rootless", "F", 5, False),
        ("P2;panel;T1;;\n", "no_slots", "P2", 5, False),
        ("P2;panel;T1;;0\n", "bad_capacity", "P2", 5, False),
        ("P2;panel;T1;Piso 2;tres\n", "bad_row", "", 5, True),
    ],
)
def test_every_fault_of_a_tree_file_is_named_with_its_line(
    tmp_path: Path, rows: str, code: str, mrid: str, line: int, error: bool
) -> None:
    file = tmp_path / "network.csv"
    file.write_text(GOOD + rows, encoding="utf-8")
    status, found = run("check", str(file))
    told = [one for one in found["problems"] if one["code"] == code and one["mrid"] == mrid]
    assert told
    assert told[0]["line"] == line
    assert told[0]["error"] is error
    assert status == (1 if error else 0)


def test_a_good_tree_has_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "network.csv"
    file.write_text(GOOD, encoding="utf-8")
    assert run("check", str(file)) == (0, {"nodes": 3, "problems": []})


class OneStore:
    """A tablet as far as these commands look at it: its store."""

    tree: StoreNetwork

    def __init__(self, store: Store) -> None:
        self.store = store


def test_a_slot_tells_who_stands_there_and_who_stood_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is overwritten: the meter that left is in the history of device and slot with both dates."""
    with new_store(tmp_path) as store:
        journal = new_journal(store)
        with store.write() as connection:
            load_network(
                connection,
                "p1",
                [
                    Node(mrid="SE", kind="substation"),
                    Node(mrid="T1", kind="transformer", parent="SE"),
                    Node(mrid="P1", kind="panel", parent="T1", capacity=3),
                ],
            )
        first = kinds.DevicePlaced(
            serial="A1", model="m", usage_point="U1", panel="P1", slot=2, transformer="T1"
        )
        journal.append(first, order_id="o1", order_version=1)
        journal.append(
            kinds.DeviceRemoved(serial="A1", usage_point="U1", destination="store"),
            order_id="o2",
            order_version=1,
        )
        second = kinds.DevicePlaced(
            serial="B2", model="m", usage_point="U1", panel="P1", slot=2, transformer="T1"
        )
        journal.append(second, order_id="o2", order_version=1)

        @contextmanager
        def opened(realm: str | None = None) -> Any:
            yield OneStore(store)

        monkeypatch.setattr(command, "opened", opened)
        status, slot = run("show", "P1/2", "--history")
        assert status == 0
        assert [place["serial"] for place in slot["devices"]] == ["B2"]
        assert [place["serial"] for place in slot["history"]] == ["A1"]
        assert slot["history"][0]["until"] is not None
        _, device = run("show", "a1", "--history")
        assert device["places"] == []
        assert device["history"][0]["panel"] == "P1"
        _, faults = run("check")
        assert faults["problems"] == []
        # A third one in the same slot, and the second somewhere else too: facts, and both are told.
        journal.append(
            kinds.DevicePlaced(
                serial="C3", model="m", usage_point="U3", panel="P1", slot=2, transformer="T9"
            ),
            order_id="o3",
            order_version=1,
        )
        _, faults = run("check")
        assert {one["code"] for one in faults["problems"]} >= {"slot_twice", "unknown_node"}


def test_a_month_is_balanced_from_a_file_and_half_a_file_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_store(tmp_path) as store:
        with store.write() as connection:
            load_network(
                connection,
                "p1",
                [
                    Node(mrid="SE", kind="substation"),
                    Node(mrid="T1", kind="transformer", parent="SE"),
                    Node(mrid="MM", kind="macroMeter", parent="T1", identity="serial=M1"),
                ],
            )
            load_meters(
                connection, "p1", [StandingMeter(serial=one, place="T1") for one in ("A1", "B2", "C3")]
            )

        @contextmanager
        def opened(realm: str | None = None, *, user: str | None = None) -> Any:
            found = OneStore(store)
            found.tree = StoreNetwork(store)
            yield found

        monkeypatch.setattr(balancing, "opened", opened)
        file = tmp_path / "july.csv"
        ends = ("2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z")
        used = {"M1": 310, "A1": 100, "B2": 200, "C3": 400, "Z9": 1}
        lines = [
            f"{serial};{at};{1000 + kwh * n}" for serial, kwh in used.items() for n, at in enumerate(ends)
        ]
        file.write_text("serial;at;kwh\n" + "\n".join(lines), encoding="utf-8")
        status, found = run("balance", "T1", "--readings", str(file))
        assert status == 0
        assert (found["band"], found["into"], found["sum"]) == ("topology", "310", "700")
        assert found["strangers"] == ["Z9"]
        assert ("foreign_meter", ["C3"]) in [(one["code"], one["serials"]) for one in found["causes"]]
        file.write_text("serial;at;kwh\nM1;yesterday;1\n", encoding="utf-8")
        result = CliRunner().invoke(app, ["network", "balance", "T1", "--readings", str(file)])
        assert result.exit_code == 1
        assert "line 2" in result.stderr
