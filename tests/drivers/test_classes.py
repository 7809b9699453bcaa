"""Interface classes from raw data: octets as the Blue Book lays them out, whatever a meter sends."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dlms import classes
from drivers.dlms.classes.shapes import flatten, readable
from drivers.dlms.data import Data, Tag, decode
from drivers.virtual.cosem.base import Client
from drivers.virtual.dlms import axdr
from drivers.virtual.models import MODELS
from tests.drivers.virtual.peer import make_meter


def fields(class_id: int, version: int | None, attribute: int, octets: str) -> dict[str, str | None]:
    found = classes.decode(class_id, version, attribute, decode(bytes.fromhex(octets.replace(" ", ""))))
    assert found.understood, found
    return flatten(found.value)


LN = "0906 0100010800ff"
VECTORS = [
    (3, 0, 3, "0202 0ffd 161e", {"scaler": "-3", "unit": "Wh"}),
    (3, 0, 3, "0202 0f00 16c8", {"scaler": "0", "unit": "unknown (200)"}),
    (
        6, 0, 2, "0101 0202 120003 " + LN, {"[0].class": "3", "[0].object": "1.0.1.8.0.255"},
    ),
    (7, 0, 5, "1601", {"": "fifo"}),
    (
        7, 1, 3, "0101 0204 120003 " + LN + " 0f02 120000",
        {"[0].class": "3", "[0].object": "1.0.1.8.0.255", "[0].attribute": "2", "[0].element": "0"},
    ),
    (8, 0, 2, "090c 07ea050104 0c000000 012c 80", {"": "2026-05-01T12:00:00-05:00"}),
    (8, 0, 5, "090c ffff03fe0702000000800000", {"": "*-03-last/7T02:00:00"}),
    (8, 0, 4, "1183", {"": "invalid, doubtful, daylight saving"}),
    (8, 0, 9, "1605", {"": "radio"}),
    (9, 0, 2, "0101 0202 120001 0101 0205 1602 120046 " + LN + " 0f01 0f00", {
        "[0].script": "1", "[0].actions[0].service": "call", "[0].actions[0].class": "70",
        "[0].actions[0].object": "1.0.1.8.0.255", "[0].actions[0].index": "1",
        "[0].actions[0].parameter": "0",
    }),
    (11, 0, 2, "0101 0203 120001 0905ffff0c19ff 1102", {
        "[0].index": "1", "[0].date": "*-12-25", "[0].day": "2",
    }),
    (15, 1, 6, "0907 60857405080205", {"": "GMAC"}),
    (15, 1, 4, "0207 1102 1110 1202f4 1105 1108 1101 1103", {"": "logical names, ciphered"}),
    (15, 3, 8, "1602", {"": "associated"}),
    (18, 0, 6, "1604", {"": "verification failed"}),
    (18, 0, 7, "0101 0203 0600010000 0904 46573031 0902 abcd", {
        "[0].size": "65536", "[0].identification": "FW01", "[0].signature": "ABCD",
    }),
    (20, 0, 5, "0101 0202 1101 0101 0203 0904 08000000 " + LN + " 120002", {
        "[0].day": "1", "[0].switches[0].start": "08:00:00",
        "[0].switches[0].script_table": "1.0.1.8.0.255", "[0].switches[0].script": "2",
    }),
    (22, 0, 4, "0101 0202 0904 00000000 0905 ffffff01ff", {
        "[0].time": "00:00:00", "[0].date": "*-*-01",
    }),
    (40, 0, 7, "12003c", {"": "60"}),
    (40, 2, 7, "0203 12003c 120001 120e10", {"minimum": "60", "exponent": "1", "maximum": "3600"}),
    (40, 0, 3, "0203 1600 0908 31302e312e312e31 1600", {
        "transport": "TCP", "destination": "10.1.1.1", "message": "A-XDR",
    }),
    (42, 0, 3, "06 0a470102", {"": "10.71.1.2"}),
    (43, 0, 2, "0906 404022123456", {"": "40:40:22:12:34:56"}),
    (47, 0, 6, "0203 121a2b 120102 1111", {"cell_id": "6699", "location_id": "258", "signal_quality": "17"}),
    (47, 0, 6, "0204 121a2b 120102 1111 1163", {
        "cell_id": "6699", "location_id": "258", "signal_quality": "17", "bit_errors": "99",
    }),
    (47, 2, 6, "0207 0600001a2b 120102 1111 1163 1202cc 12000a 060000189c", {
        "cell_id": "6699", "location_id": "258", "signal_quality": "17", "bit_errors": "99",
        "mobile_country_code": "716", "mobile_network_code": "10", "channel": "6300",
    }),
    (47, 1, 3, "1607", {"": "unknown (7)"}),
    (47, 2, 5, "1608", {"": "NB-IoT"}),
    (64, 0, 2, "1603", {"": "authenticated and encrypted"}),
    (64, 1, 2, "162c", {"": "requests authenticated, requests encrypted, responses authenticated"}),
    (70, 0, 3, "1602", {"": "ready for reconnection"}),
    (72, 1, 6, "06 62234567", {"": "62234567"}),
    (72, 1, 7, "12 2c2d", {"": "KAM"}),
    (72, 0, 7, "12 30fa", {"": "LGZ"}),
    (72, 1, 9, "1107", {"": "water"}),
    (72, 1, 11, "1115", {"": "busy, power low, temporary error"}),
    (83, 0, 5, "0906 404022000001", {"": "40:40:22:00:00:01"}),
    (83, 0, 6, "1609", {"": "unknown (9)"}),
    (85, 0, 6, "0101 0206 0906404022000001 0f00 0f01 0f01 0fec 0f0c", {
        "[0].mac": "40:40:22:00:00:01", "[0].tx_power": "0", "[0].tx_coding": "1", "[0].rx_coding": "1",
        "[0].rx_level": "-20", "[0].snr": "12",
    }),
    (91, 1, 2, "12ffff", {"": "FFFF"}),
    (91, 1, 11, "0101 020b 120000 0301 0406fc 1602 0f00 1601 040400 1158 0f02 1178 11c8", {
        "[0].address": "0000", "[0].payload_modulation": "true", "[0].tone_map": "111111",
        "[0].modulation": "DQPSK", "[0].tx_gain": "0", "[0].tx_resolution": "1",
        "[0].tx_coefficients": "0000",
        "[0].lqi": "88", "[0].phase_differential": "2", "[0].tmr_valid_time": "120", "[0].valid_time": "200",
    }),
    (92, 1, 19, "1600", {"": "PAN device"}),
    (95, 0, 14, "1605", {"": "operational"}),
    (111, 0, 2, "0202 1602 1602", {"mode": "prepayment", "status": "active"}),
    (111, 0, 4, "0408 e0", {"": "in credit, low credit, next credit enabled"}),
    (111, 0, 15, "0203 0c03 424f42 0ffe 1602", {"name": "BOB", "scale": "-2", "unit": "money"}),
    (112, 0, 3, "1602", {"": "emergency"}),
    (112, 0, 8, "1604", {"": "exhausted"}),
    (113, 0, 5, "0203 0202 0f03 0ffe 0203 120003 " + LN + " 0f02 0101 0202 090101 10004e", {
        "scaling.commodity_scale": "3", "scaling.price_scale": "-2", "commodity.class": "3",
        "commodity.object": "1.0.1.8.0.255", "commodity.attribute": "2", "table[0].index": "01",
        "table[0].price": "78",
    }),
    (115, 0, 6, "0202 1605 0400", {"code": "authentication failed", "data": ""}),
    (128, 0, 9, "06 260b1234", {"": "260B1234"}),
    (151, 0, 2, "0205 1202d0 120ca8 1114 1128 0f88", {
        "t3402": "720", "t3412": "3240", "rsrq": "20", "rsrp": "40", "minimum_level": "-120",
    }),
    (151, 1, 3, "0204 0f14 0f28 0f07 1601", {
        "rsrq": "20", "rsrp": "40", "signal_to_noise": "7", "coverage": "level 1",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("class_id", "version", "attribute", "octets", "expected"), VECTORS)
def test_an_attribute_reads_as_the_blue_book_says(
    class_id: int, version: int, attribute: int, octets: str, expected: dict[str, str]
) -> None:
    assert fields(class_id, version, attribute, octets) == expected


def test_what_a_newer_version_appended_is_kept_and_numbered() -> None:
    found = fields(151, 7, 3, "0205 0f14 0f28 0f07 1601 1105")
    assert found["field_5"] == "5"
    assert fields(91, 9, 28, "120003") == {"": "3"}


def test_what_does_not_fit_its_class_is_shown_as_it_came() -> None:
    found = classes.decode(111, 0, 2, decode(bytes.fromhex("1105")))
    assert (found.name, found.value, found.understood) == ("account_mode_and_status", "5", False)
    unknown = classes.decode(9000, 3, 2, decode(bytes.fromhex("0202 1101 1102")))
    assert (unknown.name, unknown.value, unknown.understood) == ("attribute_2", ("1", "2"), False)


@pytest.mark.parametrize(
    ("class_id", "attribute"),
    [(15, 7), (19, 7), (19, 8), (19, 9), (44, 5), (45, 3), (46, 4), (91, 5), (101, 10), (101, 11), (115, 2)],
)
def test_keys_passwords_and_tokens_are_marked_as_never_to_be_read(class_id: int, attribute: int) -> None:
    assert classes.is_secret(class_id, attribute)
    assert not classes.is_secret(class_id, attribute - 1) or class_id in (19, 101)


_LEAVES = st.one_of(
    st.just(Data(Tag.NULL)),
    st.integers(-(2**63), 2**64 - 1).map(lambda n: Data(Tag.LONG64, n)),
    st.integers(0, 255).map(lambda n: Data(Tag.ENUM, n)),
    st.booleans().map(lambda b: Data(Tag.BOOLEAN, b)),
    st.binary(max_size=20).map(lambda b: Data(Tag.OCTET_STRING, b)),
    st.binary(min_size=12, max_size=12).map(lambda b: Data(Tag.DATE_TIME, b)),
    st.text("01", max_size=40).map(lambda b: Data(Tag.BIT_STRING, b)),
)
_ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        Data, st.sampled_from([Tag.ARRAY, Tag.STRUCTURE]), st.lists(inner, max_size=12).map(tuple)
    ),
    max_leaves=30,
)
_PLACES = [
    (known.class_id, attribute.index) for known in classes.CLASSES.values() for attribute in known.attributes
]


@settings(max_examples=200)
@given(st.sampled_from(_PLACES), st.one_of(st.none(), st.integers(0, 5)), _ANYTHING)
def test_any_data_in_any_attribute_becomes_text_and_never_an_exception(
    place: tuple[int, int], version: int | None, data: Data
) -> None:
    found = classes.decode(place[0], version, place[1], data)
    leaves = flatten(found.value)
    assert all(leaf is None or isinstance(leaf, str) for leaf in leaves.values())
    assert isinstance(readable(found.value), str | None)


@dataclass
class _Caller:
    client: int = Client.MANAGEMENT
    conformance: int = 0xFFFFFF


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_attribute_of_every_virtual_meter_is_understood(model: str) -> None:
    """Both sides were written from the standard apart from each other: what one lays out the other reads."""
    device = make_meter(model).device
    device.refresh()
    for thing in device.objects.values():
        known = classes.attributes_of(thing.class_id, thing.version)
        for index, attribute in thing.attributes.items():
            if index == 1 or not attribute.rights.of(Client.MANAGEMENT) & 1:
                continue
            assert index in known, (thing.class_id, index)
            raw = decode(axdr.encode(attribute.read(_Caller())))
            found = classes.decode(thing.class_id, thing.version, index, raw)
            assert found.understood, (thing.class_id, index, raw)
