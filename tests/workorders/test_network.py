"""The tree, one place for one device, how full a node is, and the four lists of orphans."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from tests.workorders.record_support import TickingClock, new_journal, new_store
from workorders.gateway.rows import Calendar, MeterRow, Tree, UsagePointRow, standing
from workorders.journal import kinds
from workorders.journal.words import JoinState
from workorders.network import (
    BalanceBand,
    HeardDevice,
    NetworkError,
    Node,
    StandingMeter,
    StockLine,
    ancestors,
    balance,
    capacity,
    check_place,
    children,
    find_nodes,
    load_heard,
    load_meters,
    load_network,
    load_stock,
    move,
    node,
    node_counts,
    orphans,
    standing_at,
    swap,
)
from workorders.network.places import Fullness, judge_capacity
from workorders.network.tree import paths
from workorders.store import queries
from workorders.store.engine import Store

NODES = [
    Node(mrid="sub", kind="substation", name="Dolorespata"),
    Node(mrid="f1", kind="feeder", parent="sub", name="DO-01"),
    Node(mrid="sed-1", kind="transformer", parent="f1", name="SED 1", capacity=4),
    Node(mrid="sed-2", kind="transformer", parent="f1", name="SED 2"),
    Node(
        mrid="dcu-1", kind="concentrator", parent="sed-1", name="DCU 1", identity="404022000001", capacity=4
    ),
    Node(mrid="p-1", kind="panel", parent="sed-1", name="Piso 1", capacity=3),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_store(tmp_path) as opened:
        with opened.write() as connection:
            load_network(connection, "p1", NODES)
        yield opened


def placed(serial: str, usage_point: str | None = None, **more: Any) -> kinds.DevicePlaced:
    return kinds.DevicePlaced(serial=serial, model="m", usage_point=usage_point or f"up-{serial}", **more)


def codes(connection: Connection, device: kinds.DevicePlaced, **more: Any) -> list[str]:
    return sorted(problem.code for problem in check_place(connection, device, **more))


# --- the tree -----------------------------------------------------------------------------------


def test_the_tree_is_walked_both_ways(store: Store) -> None:
    with store.read() as connection:
        assert [item.mrid for item in children(connection, None)] == ["sub"]
        assert [item.mrid for item in children(connection, "sed-1")] == ["dcu-1", "p-1"]
        assert [item.mrid for item in ancestors(connection, "dcu-1")] == ["sub", "f1", "sed-1", "dcu-1"]
        assert [item.mrid for item in find_nodes(connection, under="sed-1", kinds=["concentrator"])] == [
            "dcu-1"
        ]
        assert [item.mrid for item in find_nodes(connection, search="404022")] == ["dcu-1"]
        assert node(connection, "nowhere") is None
        assert node_counts(connection, "p1")["transformer"] == 2


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([Node(mrid="a", kind="feeder", parent="x")], ("a", "unknown_parent")),
        ([Node(mrid="a", kind="feeder", parent="a")], ("a", "cycle")),
        ([Node(mrid="a", kind="feeder"), Node(mrid="a", kind="feeder")], ("a", "duplicate")),
        ([Node(mrid="a", kind="tree")], ("a", "unknown_kind")),
        ([Node(mrid="a/b", kind="feeder")], ("a/b", "bad_mrid")),
    ],
)
def test_a_list_that_is_no_tree_changes_nothing(
    store: Store, nodes: list[Node], problem: tuple[str, str]
) -> None:
    with store.write() as connection:
        with pytest.raises(NetworkError) as caught:
            load_network(connection, "p1", nodes)
        assert problem in caught.value.problems
        assert node(connection, "sub") is not None


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30))
def test_every_path_ends_with_its_node_and_begins_with_its_parents(parents: list[int]) -> None:
    nodes = [Node(mrid="0", kind="substation")]
    for number, parent in enumerate(parents, 1):
        nodes.append(Node(mrid=str(number), kind="feeder", parent=str(parent % number)))
    found = paths(reversed(nodes))
    for item in nodes:
        above = found[item.parent] if item.parent is not None else "/"
        assert found[item.mrid] == f"{above}{item.mrid}/"


def test_the_cusco_tree_in_full_loads_and_counts(store: Store) -> None:
    transformers = [Node(mrid=f"t{n}", kind="transformer", parent="f1") for n in range(400)]
    meters = [StandingMeter(serial=f"T{n}", place=f"t{n % 400}", usage_point=f"n{n}") for n in range(20_107)]
    with store.write() as connection:
        load_network(connection, "p1", NODES + transformers)
        assert load_meters(connection, "p1", meters) == 20_107
        assert standing_at(connection, "sub") == 20_107
        assert standing_at(connection, "t0") == 51


# --- places -------------------------------------------------------------------------------------


def test_a_free_place_has_nothing_against_it(store: Store) -> None:
    with store.read() as connection:
        device = placed("m1", transformer="sed-1", concentrator="dcu-1", panel="p-1", slot=1)
        assert codes(connection, device) == []


def test_everything_against_a_place_is_named(store: Store) -> None:
    journal = new_journal(store)
    journal.append(placed("m1", "up-1", concentrator="dcu-1", panel="p-1", slot=1), order_id="o1")
    with store.read() as connection:
        assert codes(connection, placed("m2", panel="p-1", slot=1)) == ["slot_taken"]
        assert codes(connection, placed("m2", panel="p-1", slot=4)) == ["slot_out_of_range"]
        assert codes(connection, placed("m2", panel="p-1", slot=0)) == ["slot_out_of_range"]
        assert codes(connection, placed("m2", concentrator="nowhere")) == ["unknown_node"]
        assert codes(connection, placed("m2", "up-1")) == ["usage_point_taken"]
        assert codes(connection, placed("m1", "up-2"), order_id="o2") == ["serial_elsewhere"]
        assert codes(connection, placed("m1", "up-1"), order_id="o1") == []
        # The meter that the same order takes away is no obstacle.
        assert codes(connection, placed("m2", "up-1", panel="p-1", slot=1), leaving=["m1"]) == []


def test_a_slot_that_the_utilitys_list_fills_is_taken(store: Store) -> None:
    with store.write() as connection:
        load_meters(connection, "p1", [StandingMeter(serial="old", place="p-1", slot=2, usage_point="up-9")])
    with store.read() as connection:
        assert codes(connection, placed("m2", panel="p-1", slot=2)) == ["slot_taken"]
        assert codes(connection, placed("m2", panel="p-1", slot=2), leaving=["old"]) == []


@pytest.mark.parametrize(
    ("used", "limit", "state"),
    [
        (79, 100, Fullness.OK),
        (80, 100, Fullness.WARN),
        (99, 100, Fullness.WARN),
        (100, 100, Fullness.FULL),
        (5, None, Fullness.UNKNOWN),
        (0, 0, Fullness.UNKNOWN),
    ],
)
def test_how_full_by_the_technologys_percentages(used: int, limit: int | None, state: Fullness) -> None:
    assert judge_capacity("n", used, limit, warn=80, block=100).state is state


def test_a_full_concentrator_blocks_and_an_exchange_there_does_not(store: Store) -> None:
    journal = new_journal(store)
    for number in range(4):
        journal.append(placed(f"m{number}", concentrator="dcu-1"), order_id=f"o{number}")
    with store.read() as connection:
        assert capacity(connection, "dcu-1").state is Fullness.FULL
        assert codes(connection, placed("m9", concentrator="dcu-1")) == ["full"]
        assert codes(connection, placed("m9", concentrator="dcu-1"), leaving=["m0"]) == []


def test_a_move_leaves_one_place_and_history_by_dates(store: Store) -> None:
    journal = new_journal(store)
    journal.append(placed("m1", "up-1"), order_id="o1")
    for payload in move("m1", "up-1", placed("m1", "up-2")):
        journal.append(payload, order_id="o2")
    with store.read() as connection:
        (now,) = queries.where_is(connection, "m1")
        assert now.usage_point == "up-2"
        first, _ = queries.placements(connection, serial="m1")
        assert first.until is not None
        assert first.since < first.until
        assert queries.exceptions(connection) == []


def test_an_exchange_empties_the_old_meters_place(store: Store) -> None:
    with store.write() as connection:
        load_meters(connection, "p1", [StandingMeter(serial="old", place="sed-1", usage_point="up-1")])
        load_stock(connection, "p1", [StockLine(serial="new", model="m", state="on_truck", crew="c1")])
    journal = new_journal(store)
    with store.read() as connection:
        assert [place.usage_point for place in queries.where_is(connection, "old")] == ["up-1"]
    for payload in swap(
        kinds.DeviceRemoved(serial="old", usage_point="up-1"), placed("new", "up-1", transformer="sed-1")
    ):
        journal.append(payload, order_id="o1")
    with store.read() as connection:
        assert queries.where_is(connection, "old") == []
        assert standing_at(connection, "sed-1") == 1
        item = queries.stock_by_serial(connection, "new")
        assert item is not None
        assert item.state == "installed"


# --- orphans ------------------------------------------------------------------------------------


def test_the_four_lists(store: Store) -> None:
    journal = new_journal(store, clock=TickingClock())
    for serial, concentrator in [
        ("quiet", "dcu-1"),
        ("cross", "dcu-1"),
        ("gone", "dcu-1"),
        ("fine", "dcu-1"),
    ]:
        journal.append(placed(serial, concentrator=concentrator), order_id=f"o-{serial}")
    heard = [
        HeardDevice(serial="stray", heard_at="2026-11-09T10:00:00.000Z", concentrator="dcu-1"),
        HeardDevice(serial="cross", heard_at="2026-11-09T10:00:00.000Z", concentrator="dcu-2"),
        HeardDevice(serial="gone", heard_at="2026-11-04T10:00:00.000Z", concentrator="dcu-1"),
        HeardDevice(serial="fine", heard_at="2026-11-09T10:00:00.000Z", concentrator="dcu-1"),
    ]
    with store.write() as connection:
        load_heard(connection, "p1", heard)
        lists = orphans(connection, now="2026-11-09T12:00:00.000Z", project="p1")
    assert [row.serial for row in lists.heard_without_site] == ["stray"]
    assert [row.serial for row in lists.site_never_heard] == ["quiet"]
    assert [row.serial for row in lists.other_concentrator] == ["cross"]
    assert [row.serial for row in lists.silent] == ["gone"]
    assert lists.counts == dict.fromkeys(lists.counts, 1)


def test_a_device_just_mounted_is_no_orphan_yet(store: Store) -> None:
    new_journal(store).append(placed("m1"), order_id="o1")
    with store.read() as connection:
        lists = orphans(connection, now="2026-11-02T20:00:00.000Z")
    assert set(lists.counts.values()) == {0}


def test_what_was_heard_only_before_the_mounting_does_not_count(store: Store) -> None:
    new_journal(store).append(placed("m1"), order_id="o1")
    with store.write() as connection:
        load_heard(connection, "p1", [HeardDevice(serial="m1", heard_at="2026-10-01T00:00:00.000Z")])
        lists = orphans(connection, now="2026-11-20T00:00:00.000Z")
    assert [row.serial for row in lists.site_never_heard] == ["m1"]


def test_the_head_ends_list_keeps_first_and_newest(store: Store) -> None:
    with store.write() as connection:
        load_heard(connection, "p1", [HeardDevice(serial="m1", heard_at="2026-11-03T00:00:00.000Z")])
        later = HeardDevice(serial="m1", heard_at="2026-11-05T00:00:00.000Z", concentrator="b")
        late = HeardDevice(serial="m1", heard_at="2026-11-01T00:00:00.000Z", concentrator="a")
        load_heard(connection, "p1", [later, late])
        (row,) = orphans(connection, now="2026-11-05T01:00:00.000Z").heard_without_site
    assert (row.heard_at, row.heard_by) == ("2026-11-05T00:00:00.000Z", "b")


def test_a_join_by_the_optical_port_counts_as_heard(store: Store) -> None:
    journal = new_journal(store)
    journal.append(placed("m1"), order_id="o1")
    journal.append(
        kinds.JoinChecked(
            serial="m1", state=JoinState.PENDING, how="optical", recheck_at="2026-11-02T14:00:00.000Z"
        ),
        order_id="o1",
    )
    with store.read() as connection:
        assert [row.serial for row in queries.rechecks_due(connection, "2026-11-02T15:00:00.000Z")] == ["m1"]
    journal.append(kinds.JoinChecked(serial="m1", state=JoinState.JOINED, how="optical"), order_id="o1")
    with store.read() as connection:
        assert queries.rechecks_due(connection, "2026-11-30T00:00:00.000Z") == []
        assert orphans(connection, now="2026-11-30T00:00:00.000Z").counts["site_never_heard"] == 0


# --- balance ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "band"),
    [
        ("97", BalanceBand.FINE),
        ("93", BalanceBand.WATCH),
        ("80", BalanceBand.SUSPECT),
        ("101", BalanceBand.TOPOLOGY),
    ],
)
def test_bands_of_loss(used: str, band: BalanceBand) -> None:
    assert balance(into=[Decimal(100)], meters={"m": Decimal(used)}).band is band


def test_too_little_coverage_is_refused_and_names_the_missing() -> None:
    meters: dict[str, Decimal | None] = {f"m{number}": Decimal(1) for number in range(40)}
    found = balance(into=[Decimal(50)], meters=meters | {"gone": None})
    assert (found.loss_percent, found.missing, found.band) == (None, ["gone"], BalanceBand.REFUSED)


def test_exports_of_customers_are_no_loss() -> None:
    found = balance(into=[Decimal(100)], meters={"m": Decimal(120)}, exports=[Decimal(22)])
    assert found.loss_percent == Decimal(2)


def test_a_meter_listed_at_a_slots_own_node_stands_in_that_slot_of_its_panel() -> None:
    """Else the panel looks empty, and a second meter in the slot is not noticed."""
    nodes = {
        "P1": Node(mrid="P1", kind="panel"),
        "P1-03": Node(mrid="P1-03", kind="slot", parent="P1"),
        "OUT": Node(mrid="OUT", kind="output"),
    }
    tree, calendar = Tree(nodes=nodes), Calendar(zone=ZoneInfo("America/La_Paz"))
    point = UsagePointRow(mrid="up", number="1", panel="P1", slot=3)

    def listed(place: str, point: UsagePointRow | None) -> tuple[str | None, int | None]:
        found = standing(MeterRow(serial="M1", place=place, usage_point="up"), calendar, tree, point)
        return found.place, found.slot

    assert listed("P1-03", point) == ("P1", 3)
    elsewhere = UsagePointRow(mrid="up", number="1", panel="P2", slot=3)
    assert listed("P1-03", elsewhere) == ("P1-03", None), "a supply point of another panel says nothing"
    assert listed("P1-03", None) == ("P1-03", None)
    assert listed("OUT", point) == ("OUT", None)
