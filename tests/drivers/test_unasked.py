"""What comes unasked: notifications in UI frames and between request and response; frames to everybody."""

from __future__ import annotations

import pytest

from drivers.dlms import short_names
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import Data, Tag, octet_string
from drivers.dlms.hdlc import Control, Frame, client_address, encode_frame, parse_server
from drivers.dlms.link import HdlcLink
from tests.drivers.dlms_pair import MeterWire, make_meter, manager, reader
from tests.drivers.virtual.primary import AARQ_PUBLIC, Primary

SERIAL = parse_item("1:0.0.96.1.0.255:2")
NOTIFICATION = bytes.fromhex("0F0000000100") + bytes([9, 3]) + b"CUT"
EVENT = bytes.fromhex("C20000010000600B00FF0211") + b"\x3c"
SERVER = parse_server("1:17")


def parts(client: object) -> tuple[HdlcLink, MeterWire]:
    link = client._channel  # type: ignore[attr-defined]  # the line is ours to disturb
    assert isinstance(link, HdlcLink)
    assert isinstance(link._wire, MeterWire)
    return link, link._wire


@pytest.mark.parametrize("control", [Control.UI, Control.UI & 0xEF])
@pytest.mark.parametrize("to", [2, 0x7F])
def test_a_ui_frame_in_the_middle_is_kept_and_disturbs_nothing(control: int, to: int) -> None:
    meter = make_meter("idis-3ph-ct")
    client = reader(meter)
    link, wire = parts(client)
    ui = encode_frame(Frame(client_address(to), SERVER, control, b"\xe6\xe7\x00" + NOTIFICATION))
    wire.from_meter = lambda data: ui + data + ui
    for _ in range(3):
        data = client.get(SERIAL).data
        assert data is not None
        assert data.octets == meter.device.serial.encode()
    assert list(link.unsolicited)[:1] == [NOTIFICATION]
    assert len(link.unsolicited) >= 3
    assert link.repeats == 0


@pytest.mark.parametrize("unasked", [NOTIFICATION, EVENT, bytes.fromhex("18000002FA00010A0158")])
def test_a_notification_before_the_response_is_not_taken_for_it(unasked: bytes) -> None:
    """The meter gets the poll and uses it for its own news first; both lie in one burst or in two."""
    meter = make_meter("idis-3ph-ct")
    client = reader(meter)
    link, _ = parts(client)
    genuine = link._run

    def with_news(turn: object, step: object) -> bytes:
        response = genuine(turn, step)  # type: ignore[arg-type]  # passed through
        link._arrived.append(response)
        return unasked

    link._run = with_news  # type: ignore[method-assign]  # news before each response
    data = client.get(SERIAL).data
    assert data is not None
    assert data.octets == meter.device.serial.encode()
    assert list(client.notifications) == [unasked]


def test_what_goes_to_everybody_is_done_and_never_answered() -> None:
    """UnconfirmedWrite in a UI frame, to the station and to all; SNRM to all is for nobody."""
    meter = make_meter("sn-legacy")
    client = reader(meter)
    _, wire = parts(client)
    name = short_names.attribute_name(meter.device.base_names[bytes([0, 0, 13, 0, 0, 255])], 6)
    before = meter.device.store.values["20:0.0.13.0.0.255:6"]
    request = short_names.write_request([(name, octet_string(b"ALL"))], confirmed=False)
    for address in ("1:17", "1:127", "127:127", "16383:16383"):
        frame = Frame(parse_server(address), client_address(2), Control.UI, b"\xe6\xe6\x00" + request)
        assert meter.receive(encode_frame(frame), wire.now()) == []
    assert meter.device.store.values["20:0.0.13.0.0.255:6"] == before, "the reader has no right to write"
    for address in ("1:127", "127:127"):
        snrm = Frame(parse_server(address), client_address(2), Control.SNRM)
        assert meter.receive(encode_frame(snrm), wire.now()) == []
    assert client.get(SERIAL).data is not None, "the connection of before lives"


def test_an_unconfirmed_write_with_the_right_to_it_is_done() -> None:
    meter = make_meter("sn-legacy")
    client = manager(meter)
    _, wire = parts(client)
    ciphering = client._credentials.ciphering
    assert ciphering is not None
    name = short_names.attribute_name(meter.device.base_names[bytes([0, 0, 13, 0, 0, 255])], 6)
    request = ciphering.protect(short_names.write_request([(name, octet_string(b"ALL"))], confirmed=False))
    frame = Frame(parse_server("127:127"), client_address(1), Control.UI, b"\xe6\xe6\x00" + request)
    assert meter.receive(encode_frame(frame), wire.now()) == []
    assert client.get(parse_item("20:0.0.13.0.0.255:6")).data == Data(Tag.OCTET_STRING, b"ALL")


def test_a_public_primary_without_a_connection_cannot_reach_it_by_ui() -> None:
    peer = Primary(make_meter("idis-3ph-ct"))
    frame = Frame(SERVER, client_address(16), Control.UI, b"\xe6\xe6\x00" + AARQ_PUBLIC)
    assert peer.raw(encode_frame(frame)) == []
