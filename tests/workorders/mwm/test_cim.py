"""CIM messages: what is hostile or wrong is refused with its place, and OBIS becomes ReadingType."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workorders.mwm.field import NOW, ORDER, SCHEMAS, links_file, open_file, state, virtual_mwm
from tests.workorders.offices import Bureau
from workorders.mwm.cim import hardened, messages
from workorders.mwm.cim.readingtypes import reading_type
from workorders.mwm.mapping import read_mapping
from workorders.mwm.port import Verb
from workorders.mwm.settings import read_links
from workorders.mwm.virtual.state import request_message

GOOD = request_message("m-1", "create", ORDER, NOW)
ENTITY = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (ENTITY + GOOD, "forbidden_xml"),
        (EXTERNAL + GOOD, "forbidden_xml"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + GOOD, "forbidden_xml"),
        (b"<a>" * 200 + b"</a>" * 200, "too_deep"),
        (b"<a>" + b"<b/>" * 100_001 + b"</a>", "too_deep"),
        (b"<a>" + b" " * hardened.MAX_BYTES + b"</a>", "too_large"),
        (GOOD[:-5], "not_xml"),
        (b"", "not_xml"),
        (b"\x00\xff\xfe", "not_xml"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "not_xml"),
        (GOOD.replace(b">create<", b">reply<"), "wrong_verb"),
        (GOOD.replace(b">create<", b">explode<"), "schema"),
        (GOOD.replace(b"OLD3", b"OLD 3; DROP"), "schema"),
        (GOOD.replace(b"WorkOrders", b"EndDeviceControls"), "schema"),
    ],
)
def test_hostile_or_wrong_xml_is_refused_by_its_code_and_kept(data: bytes, code: str) -> None:
    header, (change,) = messages.read_changes(data, SCHEMAS)
    assert (header, change.order, change.code, change.original) == (None, None, code, data)


def test_a_mistake_is_named_by_its_place() -> None:
    _, (change,) = messages.read_changes(GOOD.replace(b"OLD3", b"OLD 3"), SCHEMAS)
    assert change.problem is not None
    assert "WorkTask/OldAsset/serialNumber" in change.problem


def test_elements_of_a_utility_beside_ours_do_no_harm() -> None:
    extended = GOOD.replace(b"</w:OldAsset>", b'<x:shelf xmlns:x="urn:x">7</x:shelf></w:OldAsset>')
    header, (change,) = messages.read_changes(extended, SCHEMAS)
    assert header is not None
    assert (change.verb, change.key, change.as_of) == (Verb.TAKE, "m-1", NOW)
    assert change.order is not None
    assert (change.order.old_serial, change.order.address) == ("OLD3", "Av. Sol 3 & 5")


def test_an_element_of_a_utility_is_not_read_as_ours_of_the_same_name() -> None:
    """Its `priority` may be a word and its `mRID` another identity than the order's."""
    own = '<x:priority xmlns:x="urn:x">high</x:priority><x:mRID xmlns:x="urn:x">0815</x:mRID>'
    extended = GOOD.replace(b"</w:WorkOrder>", own.encode() + b"</w:WorkOrder>")
    header, (change,) = messages.read_changes(extended, SCHEMAS)
    assert header is not None
    assert change.problem is None
    assert change.order is not None
    assert (change.order.priority, change.foreign_id) == (None, None)


def test_what_one_order_says_wrongly_is_its_own_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema that lets a word through must not bring the round down, nor the order beside it."""
    two = GOOD.replace(
        b"</w:WorkOrders>",
        b"<w:WorkOrder><w:Names><w:name>W-2</w:name></w:Names><w:priority>urgent</w:priority></w:WorkOrder>"
        b"</w:WorkOrders>",
    )
    monkeypatch.setattr(hardened, "check", lambda *_: None)
    _, (first, second) = messages.read_changes(two, SCHEMAS)
    assert first.order is not None
    assert (second.order, second.code) == (None, "bad_value")
    assert second.problem == "WorkOrder/priority: 'urgent' is no whole number"


def test_a_device_is_known_where_the_answer_tells_of_it(tmp_path: Path) -> None:
    """An answer OK without the device says that the question was understood, not that the device is there."""
    with virtual_mwm() as server:
        server.mwm.load_truck("A", ["ZIV0000000001"])
        port = open_file(Bureau.open(tmp_path), links_file(tmp_path, server.url, "cim")).port
        known, unknown = port.verify_device("ZIV0000000001"), port.verify_device("ZIV0000000002")
        assert (known.known, known.status, unknown.known) == (True, "resource", False)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_no_bytes_bring_the_reader_down(noise: bytes, at: int) -> None:
    header, changes = messages.read_changes(GOOD[:at] + noise + GOOD[at:], SCHEMAS)
    assert len(changes) == 1
    assert (header is None) == (changes[0].order is None)


def test_the_examples_of_the_operators_page_are_what_is_read(tmp_path: Path) -> None:
    page = (Path(messages.__file__).parents[1] / "README.md").read_text("utf-8")
    links, message, mapping = re.findall(r"```\w+\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(links, "utf-8")
    assert [link.name for link in read_links(path).link] == ["mwm", "ofs", "files", "hook"]
    path.write_text(mapping, "utf-8")
    assert read_mapping(path).file.headings == 2
    _, (change,) = messages.read_changes(message.encode(), SCHEMAS)
    assert change.order is not None
    assert (change.order.number, change.order.old_serial) == ("WO-1001", "00012345")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_are_answered_moved_and_written_whole(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    path = links_file(tmp_path, "http://127.0.0.1:9", "files")
    link = open_file(bureau, path)
    two = GOOD.replace(
        b"</w:WorkOrders>",
        b"<w:WorkOrder><w:Names><w:name>W-2</w:name></w:Names></w:WorkOrder></w:WorkOrders>",
    )
    for name, data in {"a.xml": two, "b.xml": two, "c.xml": ENTITY + GOOD, "d.tmp": GOOD}.items():
        (tmp_path / "in" / name).write_bytes(data)
    report = link.round()
    assert (report.issued, report.refused) == (1, 2)
    assert names(tmp_path / "in" / "taken") == ["a.reply.xml", "a.xml", "b.xml"]
    assert names(tmp_path / "in" / "refused") == ["c.reply.xml", "c.xml"]
    reply = messages.read_reply((tmp_path / "in" / "taken" / "a.reply.xml").read_bytes(), SCHEMAS)
    assert (reply.result, reply.header.correlation_id) == ("PARTIAL", "m-1")
    assert reply.errors == ["no_kind: the order W-2 does not say what is to be done"]
    (tmp_path / "in" / "again.xml").write_bytes(two)
    assert open_file(bureau, path).round().issued == 0
    assert state(bureau, "files").dead_in == 2


@pytest.mark.parametrize(
    ("item", "unit", "wanted"),
    [
        ("3:1.0.1.8.0.255:2", "kWh", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"),
        ("1.8.2", "kWh", "0.0.0.1.1.1.12.0.0.0.0.2.0.0.0.3.72.0"),
        ("1.8.2*255", "kWh", "0.0.0.1.1.1.12.0.0.0.0.2.0.0.0.3.72.0"),
        ("ansi:ST23:1.8.2", "kWh", "0.0.0.1.1.1.12.0.0.0.0.2.0.0.0.3.72.0"),
        ("1.8.2*01", "kWh", None),
        ("1.8.2&05", "kWh", None),
        ("3:1.0.1.8.2.101:2", "kWh", None),
        ("3:1.0.1.8.2.255:3", "kWh", None),
        ("21.8.0", "kWh", None),
        ("1-0:2.8.0", "Wh", "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0"),
        ("3:1.0.3.8.0.255:2", "kvarh", "0.0.0.1.5.1.12.0.0.0.0.0.0.0.0.3.73.0"),
        ("3:7.0.3.0.0.255:2", "m³", "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0"),
        ("3:1.0.1.8.0.255:2", "kvarh", None),
        ("3:1.0.32.7.0.255:2", "V", None),
        ("nonsense", "kWh", None),
        ("1.8.0", None, None),
    ],
)
def test_obis_to_reading_type(item: str, unit: str | None, wanted: str | None) -> None:
    """The end of an earlier period has no type: under that of the present register it would be billed."""
    assert reading_type(item, unit) == wanted
