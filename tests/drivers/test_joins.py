"""Whether a meter has joined, for every technology: what it must say, and what becomes of odd answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dlms import joins
from drivers.dlms.apdu import Result
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import (
    Data,
    Tag,
    array,
    decode,
    integer,
    long_unsigned,
    octet_string,
    structure,
    unsigned,
)
from drivers.dlms.joins.children import child_items, judge_child
from drivers.dlms.view import ViewObject
from drivers.reading import JoinEvidence, JoinState
from tests.drivers.field import READER, session, virtual_meter
from tests.drivers.test_classes import _ANYTHING as ANYTHING


def heard(technology: str, **words: Data) -> JoinEvidence:
    probes = joins.TECHNOLOGIES[technology].probes
    assert set(words) <= {probe.word for probe in probes}
    return joins.judge(technology, {p: Result(words[p.word]) for p in probes if p.word in words})


def enum(value: int) -> Data:
    return Data(Tag.ENUM, value)


NEIGHBOURS = decode(
    bytes.fromhex(
        "0102"
        "020b 120012 0301 0406fc 1602 0f00 1601 040400 115a 0f00 1178 11c8"
        "020b 120000 0301 0406fc 1602 0f00 1601 040400 1141 0f02 1178 11c8".replace(" ", "")
    )
)


def test_a_g3_node_with_an_address_in_a_pan_has_joined_and_knows_its_phase() -> None:
    found = heard(
        "g3", short_address=long_unsigned(0x0123), pan_id=long_unsigned(0x781D), neighbours=NEIGHBOURS
    )
    assert found.state is JoinState.JOINED
    assert found.sources == {"short_address": "91:0.0.29.1.0.255:2", "pan_id": "91:0.0.29.1.0.255:4"}
    assert found.evidence["pan_id"] == "781D"
    assert (found.evidence["coordinator_lqi"], found.evidence["coordinator_phase"]) == ("65", "2")
    assert found.evidence["neighbours"].startswith("0012:lqi=90:phase=0 ")
    assert found.evidence["neighbour_count"] == "2"


@pytest.mark.parametrize("address", [0xFFFF, 0xFFFE])
def test_a_g3_node_without_an_address_is_searching(address: int) -> None:
    found = heard("g3", short_address=long_unsigned(address), pan_id=long_unsigned(0x781D))
    assert found.state is JoinState.SEARCHING
    assert heard("g3", neighbours=array()).state is JoinState.UNKNOWN


def test_a_disconnected_prime_node_still_tells_which_base_it_hears() -> None:
    switch = structure(octet_string(bytes.fromhex("404022000001")), *map(integer, (0, 0, -30, 12)))
    found = heard("prime", node_state=enum(0), sna=octet_string(bytes(6)), hears=array(switch))
    assert found.state is JoinState.SEARCHING
    assert found.evidence["hears"] == "40:40:22:00:00:01=12"
    assert found.sources == {"node_state": "83:0.0.28.3.0.255:6"}


def test_lte_levels_by_version_of_class_151() -> None:
    oldest = structure(long_unsigned(1), long_unsigned(2), unsigned(20), unsigned(40), integer(-120))
    assert heard("gsm", lte_network=oldest).evidence == {"rsrp_dbm": "-101", "rsrq_db": "-10"}
    by_index = structure(integer(21), integer(40), integer(7), enum(1))
    found = heard("gsm", status=enum(1), lte_quality=by_index, lte_network=structure(*[unsigned(1)] * 9))
    assert found.evidence["rsrp_dbm"] == "-101"
    assert (found.evidence["rsrq_db"], found.evidence["snr_db"]) == ("-9.5", "7")
    direct = structure(integer(-11), integer(-101), integer(-3), enum(0))
    assert heard("gsm", lte_quality=direct).evidence["rsrp_dbm"] == "-101"
    assert heard("gsm", lte_quality=direct).evidence["rsrq_db"] == "-11"
    unheard = structure(integer(-128), integer(-128), integer(-128), enum(0))
    assert heard("gsm", lte_quality=unheard).evidence == {}


def test_attached_packet_data_proves_registration_where_the_status_says_nothing() -> None:
    found = heard("gsm", status=enum(4), ps_status=enum(8))
    assert (found.state, found.evidence["access"]) == (JoinState.JOINED, "NB-IoT")
    assert found.sources == {"ps_status": "47:0.0.25.6.0.255:5"}
    assert heard("gsm", status=enum(3), ps_status=enum(0)).state is JoinState.DENIED


@pytest.mark.parametrize(
    ("state", "expected"), [(1, "searching"), (4, "searching"), (5, "joined"), (9, "unknown")]
)
def test_wi_sun_join_states(state: int, expected: str) -> None:
    assert heard("wisun", join_state=enum(state)).state.value == expected


def test_without_a_join_state_the_rank_of_wi_sun_decides() -> None:
    assert heard("wisun", rank=long_unsigned(512)).state is JoinState.JOINED
    assert heard("wisun", rank=long_unsigned(0xFFFF)).state is JoinState.SEARCHING


def test_a_lorawan_address_alone_proves_nothing_frames_received_do() -> None:
    address = Data(Tag.DOUBLE_LONG_UNSIGNED, 0x260B1234)
    assert heard("lorawan", device_address=address).state is JoinState.UNKNOWN
    found = heard("lorawan", device_address=address, frames_received=Data(Tag.DOUBLE_LONG_UNSIGNED, 3))
    assert (found.state, found.evidence["device_address"]) == (JoinState.JOINED, "260B1234")
    nothing = Data(Tag.DOUBLE_LONG_UNSIGNED, 0)
    assert heard("lorawan", device_address=nothing).state is JoinState.SEARCHING


def test_objects_at_other_places_are_found_in_the_view() -> None:
    objects = [
        ViewObject(3, 0, "1.0.1.8.0.255"),
        ViewObject(91, 2, "0.1.29.1.0.255"),
        ViewObject(43, 0, "0.0.25.2.0.255"),
    ]
    name, items = joins.found_in(objects, "none")
    assert name == "g3"
    places = {probe.word: str(item) for probe, item in items.items()}
    assert places["short_address"] == "91:0.1.29.1.0.255:2"
    assert "91:0.1.29.1.0.255:5" not in places.values()  # keys
    assert joins.found_in(objects[:1], "prime") == ("none", {})


def test_a_model_without_a_modem_of_its_kind_is_judged_by_what_is_there() -> None:
    objects = [ViewObject(47, 0, "0.0.25.6.0.255"), ViewObject(83, 0, "0.0.28.3.0.255")]
    assert joins.found_in(objects, "gsm")[0] == "gsm"
    assert joins.found_in(objects, "none")[0] == "prime"


CLIENT = parse_item("72:0.1.24.1.0.255:1")


def child(**words: Data) -> JoinState | None:
    places = {"number": 6, "access_number": 10, "manufacturer": 7}
    answers = dict.fromkeys(child_items(CLIENT), Result(None, 4))
    answers |= {CLIENT.of(places[word]): Result(data) for word, data in words.items()}
    found = judge_child(CLIENT, answers)
    return found.state if found else None


def test_a_channel_waits_for_its_meter_has_it_or_is_not_there() -> None:
    number = Data(Tag.DOUBLE_LONG_UNSIGNED, 0x62234567)
    assert child() is None
    assert child(number=Data(Tag.DOUBLE_LONG_UNSIGNED, 0)) is JoinState.SEARCHING
    assert child(number=number, access_number=unsigned(0)) is JoinState.UNKNOWN
    assert child(number=number, access_number=unsigned(9)) is JoinState.JOINED


@settings(max_examples=100)
@given(st.sampled_from(sorted(joins.TECHNOLOGIES)), st.data())
def test_odd_answers_are_evidence_of_nothing_and_never_an_error(technology: str, data: st.DataObject) -> None:
    probes = joins.TECHNOLOGIES[technology].probes
    answers = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(probes, ANYTHING)))
    found = joins.judge(technology, {probe: Result(value) for probe, value in answers.items()})
    assert set(found.sources) <= {probe.word for probe in answers}
    assert all(len(text) < 1000 for text in found.evidence.values())
    answers_of_child = {item: Result(data.draw(ANYTHING)) for item in child_items(CLIENT)}
    judge_child(CLIENT, answers_of_child)


@pytest.mark.parametrize(
    ("model", "options", "technology", "state", "word"),
    [
        ("g3-1ph", ["--join-after-s", "0"], "g3", "joined", "short_address"),
        ("g3-1ph", ["--join-after-s", "600"], "g3", "searching", "short_address"),
        ("gprs-3ph-ct", ["--join-after-s", "0"], "gsm", "joined", "status"),
        ("gprs-3ph-ct", ["--join-after-s", "0", "--join", "denied"], "gsm", "denied", "status"),
        ("prime-1ph", ["--join-after-s", "0", "--join", "denied"], "prime", "searching", "node_state"),
    ],
)
def test_the_session_says_how_a_virtual_meter_stands(
    model: str, options: list[str], technology: str, state: str, word: str
) -> None:
    with virtual_meter(model, *options) as meter, session(meter, READER) as open_session:
        found = open_session.network()
    assert (found.technology, found.state.value) == (technology, state)
    assert word in found.sources


def test_the_session_lists_the_meters_behind_an_lte_meter() -> None:
    with (
        virtual_meter("idis-1ph-lte", "--join-after-s", "0") as meter,
        session(meter) as open_session,
    ):
        found = open_session.network()
        shown = open_session.read(["4:0.1.24.2.1.255:2"])
    assert (found.state.value, found.evidence["access"]) == ("joined", "LTE")
    assert int(found.evidence["rsrp_dbm"]) < -70
    water, gas = found.children
    assert (water.channel, water.evidence["manufacturer"], water.evidence["type"]) == (1, "KAM", "water")
    assert (gas.channel, gas.evidence["number"], gas.evidence["key"]) == (2, "31234567", "key in use")
    assert (shown.readings[0].value, shown.readings[0].unit) == ("481.567", "m³")
    assert shown.readings[0].time is not None
