"""The network a level at a time: every device counted once on each node above it, and by how it is heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from fieldtool.tablet.around import StoreNetwork
from tests.workorders.offices import Bureau
from tests.workorders.record_support import new_journal, new_store
from tests.workorders.servers import serving
from workorders.journal import kinds
from workorders.journal.words import JoinState
from workorders.network import Node, StandingMeter, load_meters, load_network
from workorders.network.browse import Branch, browse
from workorders.network.standing import standing
from workorders.store.engine import Store

BranchOf = Callable[..., Branch]
NODES = [
    Node(mrid="SE", kind="substation"),
    Node(mrid="F", kind="feeder", parent="SE"),
    Node(mrid="T1", kind="transformer", parent="F"),
    Node(mrid="T10", kind="transformer", parent="F"),
    Node(mrid="C1", kind="concentrator", parent="T1", capacity=2),
    Node(mrid="P1", kind="panel", parent="T1", capacity=3),
    Node(mrid="P2", kind="panel", parent="T10", capacity=10),
]


@pytest.fixture
def branch_of(tmp_path: Path) -> Iterator[BranchOf]:
    with new_store(tmp_path) as store:
        _fill(store)

        def of(mrid: str | None, limit: int = 60) -> Branch:
            with store.read() as connection:
                found = browse(connection, mrid, limit=limit)
            assert found is not None
            return found

        yield of


def _fill(store: Store) -> None:
    journal = new_journal(store)
    with store.write() as connection:
        load_network(connection, "p1", NODES)
        load_meters(
            connection,
            "p1",
            [StandingMeter(serial="OLD", place="P2", slot=1), StandingMeter(serial="A1", place="P1")],
        )
    for serial, slot in (("A1", 1), ("B2", 2)):
        journal.append(
            kinds.DevicePlaced(
                serial=serial,
                model="m",
                usage_point=serial,
                transformer="T1",
                concentrator="C1",
                panel="P1",
                slot=slot,
            ),
            order_id=f"o-{serial}",
            order_version=1,
        )
    journal.append(
        kinds.JoinChecked(serial="A1", state=JoinState.JOINED, how="optical_prime"),
        order_id="o-A1",
        order_version=1,
    )


def test_a_device_that_names_three_nodes_counts_once_on_each_node_above_it(branch_of: BranchOf) -> None:
    top = branch_of(None)
    assert [(one.node.mrid, one.devices) for one in top.children] == [("SE", 3)]
    feeder = branch_of("F")
    assert {one.node.mrid: one.devices for one in feeder.children} == {"T1": 2, "T10": 1}
    transformer = branch_of("T1")
    assert {one.node.mrid: one.devices for one in transformer.children} == {"C1": 2, "P1": 2}
    assert transformer.devices == 2, "a panel and a concentrator below have the same two"
    assert transformer.joins == {"joined": 1, "pending": 1}


def test_what_entries_say_wins_over_the_list_and_names_that_begin_alike_are_not_mixed(
    branch_of: BranchOf,
) -> None:
    panel = branch_of("P1")
    assert [(one.serial, one.join) for one in panel.standing] == [("A1", "joined"), ("B2", "pending")]
    assert branch_of("T10").devices == 1
    assert [one.serial for one in branch_of("P2").standing] == ["OLD"]


def test_all_that_stands_is_told_page_by_page_and_at_once(tmp_path: Path) -> None:
    """A balance needs every meter; and a page behind those of entries began anew with the utility's list."""
    with new_store(tmp_path) as store:
        _fill(store)
        listed = [StandingMeter(serial=f"L{at:03d}", place="P1") for at in range(600)]
        with store.write() as connection:
            load_meters(connection, "p1", listed)
        with store.read() as connection:
            whole = [row.serial for row in standing(connection, "T1", limit=None)]
            pages = [standing(connection, "T1", limit=100, offset=at) for at in range(0, 700, 100)]
        assert whole == ["A1", "B2", *(one.serial for one in listed)]
        assert [row.serial for page in pages for row in page] == whole
        assert StoreNetwork(store).standing("T1") == whole


def test_how_full_it_is_and_that_there_is_more(branch_of: BranchOf) -> None:
    fills = {one.node.mrid: one.fill.state for one in branch_of("T1").children if one.fill}
    assert fills == {"C1": "full", "P1": "ok"}
    assert branch_of("F", 1).more
    assert len(branch_of("F", 1).children) == 1
    assert branch_of("P1", 1).more


def test_the_office_answers_a_level_over_http_and_nobody_sees_another_project(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path, pins={"sofia": "481605"})
    with serving(bureau) as url:
        signed = requests.post(f"{url}/v1/sessions", json={"user": "sofia", "pin": "481605"}, timeout=10)
        headers = {"Authorization": f"Bearer {signed.json()['token']}"}

        def ask(**query: str) -> requests.Response:
            return requests.get(f"{url}/v1/network", params=query, headers=headers, timeout=10)

        roots = ask(project="demo").json()
        assert [child["node"]["mrid"] for child in roots["children"]] == ["SE"]
        assert ask(project="demo", node="T1").json()["devices"] == 4
        assert ask(project="demo", node="GONE").status_code == 404
        assert ask(project="other").status_code == 403
        with bureau.office.store.write() as connection:
            load_network(connection, "other", [Node(mrid="THEIRS", kind="substation")])
        assert ask(project="demo", node="THEIRS").status_code == 404
