"""The association view's cache: by type, never trusted without its fingerprint, never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.dlms.acse import Mechanism
from drivers.dlms.apdu import Result
from drivers.dlms.attributes import AttributeReader, ListLimit
from drivers.dlms.client import Credentials, DlmsClient
from drivers.dlms.cosem import Item, access_result, parse_item
from drivers.dlms.data import Data, Tag, array, long_unsigned, octet_string, structure, unsigned
from drivers.dlms.view import (
    TypeCache,
    TypeRecord,
    ViewObject,
    decode_view,
    fingerprint_holds,
    fingerprint_items,
)
from drivers.errors import Garbage
from tests.drivers.test_association import Scripted, aare

KEY = ["ZIV", "prime-1ph", "V1", "PRIME-1.3.6", "1"]
OBJECTS = [ViewObject(3, 0, f"1.0.{n}.8.0.255") for n in range(1, 9)]


def test_a_record_is_found_again_by_its_type_only(tmp_path: Path) -> None:
    cache = TypeCache(tmp_path / "cache")
    cache.store(TypeRecord(KEY, OBJECTS, 12))
    assert cache.load(KEY) == TypeRecord(KEY, OBJECTS, 12)
    assert cache.load([*KEY[:2], "V2", *KEY[3:]]).objects == []
    assert TypeCache(None).load(KEY) == TypeRecord(KEY)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"key":["x"],"objects":[[3,0,"1.0"]]}', b"\xff" * 40])
def test_a_damaged_record_is_forgotten_not_an_error(tmp_path: Path, damage: bytes) -> None:
    cache = TypeCache(tmp_path)
    cache.store(TypeRecord(KEY, OBJECTS))
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)
    assert cache.load(KEY) == TypeRecord(KEY)


def test_a_cache_that_cannot_be_written_does_not_stop_the_visit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    TypeCache(tmp_path / "file").store(TypeRecord(KEY, OBJECTS))


def test_the_fingerprint_asks_three_objects_for_their_own_names() -> None:
    items = fingerprint_items(OBJECTS)
    assert [str(item) for item in items] == ["3:1.0.1.8.0.255:1", "3:1.0.5.8.0.255:1", "3:1.0.8.8.0.255:1"]
    right = {item: Result(octet_string(item.obis)) for item in items}
    assert fingerprint_holds(OBJECTS, right)
    assert not fingerprint_holds(OBJECTS, right | {items[1]: Result(None, 4)})
    assert not fingerprint_holds(OBJECTS, right | {items[2]: Result(octet_string(items[0].obis))})


def test_a_view_of_a_wrong_shape_is_garbage() -> None:
    good = structure(long_unsigned(3), unsigned(0), octet_string(bytes([1, 0, 1, 8, 0, 255])), structure())
    assert decode_view(array(good)) == [ViewObject(3, 0, "1.0.1.8.0.255")]
    for bad in (unsigned(1), array(unsigned(1)), array(structure(long_unsigned(3)))):
        with pytest.raises(Garbage):
            decode_view(bad)


# ---- with-list and its fallback

ITEMS = [parse_item(f"1:0.0.96.1.{n}.255:2") for n in range(4)]


class ListMeter(Scripted):
    """Answers lists up to a length, longer ones as ``refuse`` says; single reads always."""

    def __init__(self, longest: int, refuse: bytes) -> None:
        super().__init__()
        self._longest, self._refuse = longest, refuse

    def exchange(self, apdu: bytes) -> bytes:
        self.requests.append(apdu)
        if apdu[0] == 0x60:
            initiate = b"\xbe\x10\x04\x0e" + bytes.fromhex("0800065F1F0400005E1D04000007")
            body = aare(0, 0)[2:] + initiate
            return bytes([0x61, len(body)]) + body
        if apdu[1] == 1:
            return bytes.fromhex("C4014100") + b"\x11" + apdu[9:10]
        count = apdu[3]
        if count > self._longest:
            return self._refuse
        values = b"".join(b"\x00\x11" + apdu[4 + 10 * n + 6 : 4 + 10 * n + 7] for n in range(count))
        return bytes.fromhex("C40341") + bytes([count]) + values


@pytest.mark.parametrize(
    "refuse",
    [
        bytes.fromhex("D80102"),
        bytes.fromhex("C40341") + b"\x04" + b"\x01\xfa" * 4,
        bytes.fromhex("C4034101001101"),
        bytes.fromhex("C401410103"),
    ],
    ids=["exception", "all other-reason", "too few answers", "one answer for all"],
)
@pytest.mark.parametrize("longest", [0, 2, 4])
def test_lists_are_halved_until_the_meter_takes_them(longest: int, refuse: bytes) -> None:
    meter = ListMeter(longest, refuse)
    client = DlmsClient(meter, Credentials(Mechanism.NONE))
    client.associate()
    limit = ListLimit()
    results: dict[Item, Result] = AttributeReader(client, limit).read(ITEMS)
    assert [results[item].data for item in ITEMS] == [Data(Tag.UNSIGNED, n) for n in range(4)]
    found = {0: 1, 2: 2, 4: None}[longest]
    assert limit.value in (
        found,
        2 if longest == 0 else found,
    )  # a list not understood is read singly at once


class OddValueMeter(ListMeter):
    """Sends a data tag that no standard knows for one attribute."""

    def exchange(self, apdu: bytes) -> bytes:
        answer = super().exchange(apdu)
        if apdu[0] == 0xC0 and b"\x60\x01\x02\xff" in apdu:
            return answer.replace(b"\x00\x11\x02", b"\x00\x77\x02")
        return answer


def test_one_value_that_nobody_knows_spoils_only_itself() -> None:
    client = DlmsClient(OddValueMeter(9, b""), Credentials(Mechanism.NONE))
    client.associate()
    limit = ListLimit()
    results = AttributeReader(client, limit).read(ITEMS)
    assert [access_result(results[item].access) for item in ITEMS if results[item].data is None] == [
        "not-understood"
    ]
    assert limit.value is None


def test_each_attribute_is_asked_once_and_limits_are_kept() -> None:
    meter = ListMeter(9, b"")
    client = DlmsClient(meter, Credentials(Mechanism.NONE))
    client.associate()
    AttributeReader(client, ListLimit(2)).read([*ITEMS, *ITEMS])
    assert len(meter.requests) == 3
