"""Placing a device and proving that its network hears it, by the rules of the shipped technologies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

import assets
from fieldtool.leaving import Neighbour
from fieldtool.positioning import Coordinates
from fieldtool.procedure.answers import PlaceAnswer, Position
from fieldtool.registration import (
    Heard,
    Node,
    distance_m,
    g3_join,
    identities_of,
    judge_place,
    level_of,
    listed_join,
    optical_join,
    prime_join,
    read_head_end,
)
from fieldtool.technologies import IdentityCheck, IdentitySource, load_technologies, well_formed
from workorders.clock import utc_text
from workorders.journal.words import JoinState
from workorders.orders import Place

TECHNOLOGIES = load_technologies(assets.root() / "technologies")
PRIME = TECHNOLOGIES["prime"]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MAC = "40:40:22:B8:DE:70"


class Tree:
    """A concentrator under a transformer, a panel with one occupant, a radio access point."""

    nodes: ClassVar[dict[str, Node]] = {
        "CT": Node(mrid="CT", kind="transformer"),
        "DC": Node(mrid="DC", kind="concentrator", parent="CT", capacity=10),
        "P3": Node(mrid="P3", kind="panel", parent="CT", capacity=24),
        "AP": Node(mrid="AP", kind="accessPoint", lat="-8.38", lon="-74.55"),
    }

    def __init__(self, used: int = 0) -> None:
        self._used = used

    def node(self, mrid: str) -> Node | None:
        return self.nodes.get(mrid)

    def ancestors(self, mrid: str) -> list[Node]:
        return [self.nodes[mrid]] if mrid in self.nodes else []

    def children(self, mrid: str, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.parent == mrid and node.kind == kind]

    def used(self, mrid: str) -> int:
        return self._used

    def nearest(self, kind: str, position: Coordinates, limit: int) -> list[Node]:
        return []

    def recent(self, kind: str, limit: int) -> list[Node]:
        return []

    def called(self, text: str) -> list[Node]:
        return []

    def elsewhere(self, serial: str, order_id: str, usage_point: str | None) -> str | None:
        return None

    def beside(self, order_id: str, panel: str | None, position: Coordinates | None) -> list[Neighbour]:
        return []

    def standing(self, mrid: str) -> list[str]:
        return []

    def occupants(self, panel: str) -> dict[int, str]:
        return {11: "ZIV0000000001"} if panel == "P3" else {}


def test_the_concentrator_of_the_transformer_is_found_without_being_named() -> None:
    found = judge_place(PRIME, Place(transformer="CT"), PlaceAnswer(), Tree(), ({"mac": MAC}, [], []))
    assert found.concentrator == "DC"
    assert found.missing == []


@pytest.mark.parametrize(("used", "level"), [(7, "fine"), (8, "warn"), (9, "warn"), (10, "full")])
def test_a_concentrator_warns_at_eighty_percent_and_is_full_at_its_capacity(used: int, level: str) -> None:
    assert level_of(used, 10, PRIME) == level


def test_a_taken_slot_and_a_panel_without_slot_are_told() -> None:
    place = Place(transformer="CT", panel="P3", slot=11)
    found = judge_place(PRIME, place, PlaceAnswer(), Tree(), ({}, [], []))
    assert found.taken_by == "ZIV0000000001"
    own = judge_place(PRIME, place, PlaceAnswer(), Tree(), ({}, [], []), ours={"ZIV0000000001"})
    assert own.taken_by is None, "the meter that this order takes away takes no slot away from it"
    found = judge_place(PRIME, Place(transformer="CT", panel="P3"), PlaceAnswer(), Tree(), ({}, [], []))
    assert found.missing == ["slot"]


def test_twacs_wants_substation_feeder_and_phase() -> None:
    twacs = TECHNOLOGIES["twacs"]
    found = judge_place(twacs, Place(feeder="F"), PlaceAnswer(), Tree(), ({}, [], []))
    assert found.missing == ["substation", "phase"]


def test_rpma_measures_the_distance_to_its_access_point() -> None:
    rpma = TECHNOLOGIES["rpma"]
    place = Place(transformer="CT", concentrator="AP")
    near = PlaceAnswer(position=Position(latitude="-8.40", longitude="-74.56"))
    far = PlaceAnswer(position=Position(latitude="-8.60", longitude="-74.55"))
    assert judge_place(rpma, place, near, Tree(), ({}, [], [])).too_far_m is None
    beyond = judge_place(rpma, place, far, Tree(), ({}, [], [])).too_far_m
    assert beyond is not None
    assert 9_000 < beyond < 10_000


def test_one_degree_of_latitude_is_about_111_km() -> None:
    assert abs(distance_m("0", "0", "1", "0") - 111_195) < 100


def test_identities_come_from_the_best_source_and_contradictions_are_told() -> None:
    sources = {
        IdentitySource.OPTICAL: {"mac": "404022B8DE70"},
        IdentitySource.LABEL: {"mac": MAC},
        IdentitySource.STOCK: {},
    }
    assert identities_of(PRIME, sources) == ({"mac": "404022B8DE70"}, [], [])
    sources[IdentitySource.STOCK] = {"mac": "404022B8DE71"}
    assert identities_of(PRIME, sources)[2] == ["mac"]
    assert identities_of(PRIME, {})[1] == ["mac"]


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (IdentityCheck.EUI48, "40:40:22:b8:de:70", "00:00:00:00:00:00"),
        (IdentityCheck.EUI48, "404022B8DE70", "FF:FF:FF:FF:FF:FF"),
        (IdentityCheck.EUI48, "40-40-22-B8-DE-70", "01:00:5E:00:00:01"),
        (IdentityCheck.EUI64, "0011223344556677", "404022B8DE70"),
        (IdentityCheck.IMEI, "490154203237518", "490154203237517"),
        (IdentityCheck.ICCID, "8934071234567890125", "1234567890123456789"),
    ],
)
def test_identities_are_checked_as_the_standards_say(check: IdentityCheck, good: str, bad: str) -> None:
    assert well_formed(check, good)
    assert not well_formed(check, bad)


def test_prime_joined_under_the_expected_base_node() -> None:
    found = prime_join("joined", {"sna": MAC}, "404022B8DE70", PRIME, NOW)
    assert (found.state, found.reason) == (JoinState.JOINED, None)


def test_prime_joined_under_another_base_node_is_crosstalk_or_the_wrong_tree() -> None:
    found = prime_join("joined", {"sna": MAC}, "404022F42501", PRIME, NOW)
    assert (found.state, found.reason) == (JoinState.JOINED, "other_concentrator")


def test_prime_still_searching_stays_pending_until_the_technologys_time() -> None:
    found = prime_join("searching", {}, "404022F42501", PRIME, NOW)
    assert found.state is JoinState.PENDING
    assert found.recheck_at == utc_text(NOW + timedelta(minutes=PRIME.wait.recheck_minutes))


@pytest.mark.parametrize(
    ("state", "pan", "expected", "outcome"),
    [
        ("joined", "781D", "0x781d", (JoinState.JOINED, None)),
        ("joined", "781D", "0042", (JoinState.JOINED, "other_concentrator")),
        ("joined", "781D", None, (JoinState.JOINED, None)),
        ("searching", "FFFF", "781D", (JoinState.PENDING, "not_heard_yet")),
    ],
)
def test_g3_joined_in_the_pan_of_the_expected_coordinator(
    state: str, pan: str, expected: str | None, outcome: tuple[JoinState, str | None]
) -> None:
    found = g3_join(state, {"pan_id": pan}, expected, PRIME, NOW)
    assert (found.state, found.reason) == outcome
    assert found.how == "optical_g3"


def test_a_modem_that_is_denied_has_failed() -> None:
    found = optical_join("optical_cellular", "denied", {"status": "3"}, PRIME, NOW)
    assert (found.state, found.reason) == (JoinState.FAILED, "denied")


def listed(*heard: Heard) -> tuple[JoinState, str | None]:
    found = listed_join(
        "ZIV0045670000",
        heard,
        how="head_end_list",
        installed_at=NOW,
        expected="DC",
        technology=PRIME,
        now=NOW,
    )
    return found.state, found.reason


def line(minutes: int, *, status: int | None = None, by: str = "DC") -> Heard:
    at = utc_text(NOW + timedelta(minutes=minutes))
    return Heard(serial="ZIV 0045670000", heard_at=at, concentrator=by, status=status)


def test_only_what_was_heard_after_the_installation_proves_a_join() -> None:
    assert listed(line(10)) == (JoinState.JOINED, None)
    assert listed(line(-600)) == (JoinState.PENDING, "heard_before_installation")
    assert listed() == (JoinState.PENDING, "not_heard_yet")
    assert listed(line(10, status=2)) == (JoinState.JOINED, None)
    assert listed(line(10, status=1)) == (JoinState.PENDING, "heard_with_errors")
    assert listed(line(10, by="OTHER")) == (JoinState.JOINED, "other_concentrator")


def test_a_head_end_list_names_the_line_that_is_wrong() -> None:
    assert read_head_end("serial;heard_at;concentrator\nA;2026-11-24T10:00:00Z;DC\n")[0].concentrator == "DC"
    with pytest.raises(ValueError, match="line 3"):
        read_head_end("serial,heard_at,concentrator\nA,2026-11-24T10:00:00Z,DC\nB,yesterday,DC\n")
    with pytest.raises(ValueError, match="header"):
        read_head_end("A;B\n")
