"""Requests that no proper client sends, and what the Green Book and IEC 62056-46 have a server answer."""

from __future__ import annotations

import pytest

from drivers.virtual.dlms.hdlc import Control, Frame, Kind, decode_control
from tests.drivers.virtual.peer import make_meter, secrets
from tests.drivers.virtual.primary import AARQ_PUBLIC, Manager, Primary

GET_SERIAL = bytes.fromhex("C001C100010000600100FF0200")
OBJECT_LIST = "000F0000280000FF0200"
LOGICAL_NAMES = "00010000600100FF01"
EXCEPTION = 0xD8


def initiate(conformance: str = "FFFFFF", *, pdu: int = 0xFFFF, answer: bool = True) -> bytes:
    begin = "010000" if answer else "01000100"
    return bytes.fromhex(f"{begin}00065F1F0400{conformance}{pdu:04X}")


def aarq(information: bytes, *, version: str = "", password: bytes = b"") -> bytes:
    secret = b""
    if password:
        secret = bytes.fromhex("8A0207808B0760857405080201AC") + bytes([len(password) + 2, 0x80])
        secret += bytes([len(password)]) + password
    octets = bytes([0xBE, len(information) + 2, 4, len(information)]) + information
    body = bytes.fromhex(version) + bytes.fromhex("A109060760857405080101") + secret + octets
    return bytes([0x60, len(body)]) + body


def associated(client: int = 16, **more: str | int) -> Primary:
    meter = make_meter()
    peer = Primary(meter, client)
    peer.snrm(2030, 2030, 1, 1)
    password = secrets.derive(meter.device.serial)["password"].encode() if client == 2 else b""
    assert b"\xa2\x03\x02\x01\x00" in peer.apdu(aarq(initiate(**more), password=password))  # type: ignore[arg-type]
    return peer


def test_an_aarq_without_our_version_of_acse() -> None:
    """result-source-diagnostic: acse-service-provider, no-common-acse-version."""
    peer = Primary(make_meter())
    peer.snrm()
    assert b"\xa2\x03\x02\x01\x01\xa3\x05\xa2\x03\x02\x01\x02" in peer.apdu(
        aarq(initiate(), version="80020700")
    )
    assert b"\xa2\x03\x02\x01\x00" in peer.apdu(aarq(initiate(), version="80020780"))


def test_an_unconfirmed_association_has_no_aare_and_serves_unconfirmed_requests_only() -> None:
    """response-allowed FALSE: the poll is answered with RR; a confirmed service is not allowed in it."""
    meter = make_meter()
    peer = Primary(meter, 2)
    peer.snrm()
    password = secrets.derive(meter.device.serial)["password"].encode()
    request = aarq(initiate(answer=False), password=password)
    (answer,) = peer.frame(Control(Kind.I, True, peer.send, peer.receive), b"\xe6\xe6\x00" + request)
    peer.send += 1
    control = decode_control(answer.control)
    assert control is not None
    assert control.kind is Kind.RR
    assert peer.apdu(GET_SERIAL) == bytes([EXCEPTION, 1, 1])
    unconfirmed = GET_SERIAL[:2] + b"\x81" + GET_SERIAL[3:]
    (answer,) = peer.frame(Control(Kind.I, True, peer.send, peer.receive), b"\xe6\xe6\x00" + unconfirmed)
    assert answer.information == b""


def test_a_proof_needs_an_answer_so_it_opens_no_unconfirmed_association() -> None:
    peer = Primary(make_meter(), 33)
    peer.snrm()
    request = aarq(initiate(answer=False), password=b"CHALLENGE")
    request = request.replace(bytes.fromhex("60857405080201"), bytes.fromhex("60857405080203"))
    (answer,) = peer.frame(Control(Kind.I, True, 0, 0), b"\xe6\xe6\x00" + request)
    assert answer.information == b""
    peer.send += 1
    assert peer.apdu(GET_SERIAL) == bytes([EXCEPTION, 1, 1])


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        ("C306C1 00 00000002 01 00", 16),  # a block of an ACTION that never began
        ("C302C1 00000001", 16),  # the next block of an answer that never began
        ("C304C1 00460000 60030AFF 01 00 00000002 01 0F", 15),  # the first block is number 1
    ],
)
def test_blocks_of_an_action_are_refused_with_an_action_result(request_: str, result: int) -> None:
    """Action-Result ends at 16: the 17 to 19 of Data-Access-Result mean nothing there."""
    peer = associated(2)
    assert peer.apdu(bytes.fromhex(request_.replace(" ", ""))) == bytes.fromhex(f"C701C1{result:02X}00")


def test_the_first_block_of_a_set_is_number_1() -> None:
    peer = associated(2)
    first = bytes.fromhex("C102C100010000600100FF0200" + "00" + "00000002" + "0109")
    assert peer.apdu(first) == bytes.fromhex("C503C11300000002")


def test_a_list_too_long_for_the_client_is_refused_as_a_list() -> None:
    """Without blocks; get-response-normal to a get-request-with-list is no answer to it."""
    peer = associated(2, conformance="000214", pdu=39)  # GET, with-list, selective access
    request = bytes.fromhex("C003C104" + (LOGICAL_NAMES + "00") * 4)
    assert peer.apdu(request) == bytes.fromhex("C403C104" + "01FA" * 4)
    assert peer.apdu(bytes.fromhex("C001C1" + OBJECT_LIST)) == bytes.fromhex("C401C101FA")


def test_methods_whose_answers_are_too_long_for_the_client() -> None:
    """As for ACCESS: what was done stays done, but no APDU is longer than the client takes."""
    peer = associated(2, conformance="000211", pdu=12)  # ACTION, GET, with-list
    calls = bytes.fromhex("C303C107" + "00030100010800FF01" * 7 + "07" + "00" * 7)
    assert peer.apdu(calls) == bytes([EXCEPTION, 1, 4])


@pytest.mark.parametrize("control", [0xF3, 0xBF, 0x19])
def test_in_disconnected_mode_an_unknown_command_is_answered_with_dm(control: int) -> None:
    """TEST, XID and REJ are not of the profile."""
    peer = Primary(make_meter())
    (answer,) = peer.raw(Frame(peer.server, peer.client, control).encode())
    assert decode_control(answer.control) == Control(Kind.DM, True)
    assert peer.raw(Frame(peer.server, peer.client, control & ~0x10).encode()) == []


def test_an_unconfirmed_write_that_is_not_allowed_is_not_answered() -> None:
    """Short names; without the bit of UnconfirmedWrite it is not carried out, and nobody waits for it."""
    peer = Primary(make_meter("sn-legacy"))
    peer.snrm(2030, 2030, 1, 1)
    sn = aarq(initiate("100000")).replace(bytes.fromhex("60857405080101"), bytes.fromhex("60857405080102"))
    assert b"\xa2\x03\x02\x01\x00" in peer.apdu(sn)
    write = bytes.fromhex("160102FA00010F01")
    (answer,) = peer.frame(Control(Kind.I, True, peer.send, peer.receive), b"\xe6\xe6\x00" + write)
    assert answer.information == b""


@pytest.mark.parametrize(
    ("parameters", "agreed"),
    [
        ("", (128, 128, 1, 1)),
        ("818000", (128, 128, 1, 1)),
        ("818004 05 02 0400".replace(" ", ""), (128, 1024, 1, 1)),  # their transmitting alone
        ("818003 06 01 40".replace(" ", ""), (64, 128, 1, 1)),
        ("818006 07 01 7F 08 01 7F".replace(" ", ""), (128, 128, 7, 7)),
        ("818007 05 05 0000000400".replace(" ", ""), (128, 1024, 1, 1)),  # five octets long
        ("818004 05 01 00 09".replace(" ", ""), (128, 32, 1, 1)),  # nothing to send with, and cut short
        ("818080", (128, 128, 1, 1)),  # longer than it is
        ("FF", (128, 128, 1, 1)),  # no format that we know
    ],
)
def test_odd_parameters_of_an_snrm(parameters: str, agreed: tuple[int, int, int, int]) -> None:
    """Sending, receiving, and the windows, of the meter; what is not said has its default."""
    peer = Primary(make_meter())
    (answer,) = peer.frame(Control(Kind.SNRM, True), bytes.fromhex(parameters))
    fields, at, found = answer.information[3:], 0, []
    while at < len(fields):
        found.append(int.from_bytes(fields[at + 2 : at + 2 + fields[at + 1]], "big"))
        at += 2 + fields[at + 1]
    assert tuple(found) == agreed
    peer.information = min(agreed[1], 128)
    assert b"\xa2\x03\x02\x01\x00" in peer.apdu(AARQ_PUBLIC)


@pytest.mark.parametrize("kind", ["fcs", "hcs", "length", "address", "cut"])
def test_a_damaged_frame_is_not_answered_and_does_no_harm(kind: str) -> None:
    peer = associated()
    control = Control(Kind.I, True, peer.send, peer.receive)
    good = Frame(peer.server, peer.client, control.encode(), b"\xe6\xe6\x00" + GET_SERIAL).encode()
    bad = bytearray(good)
    if kind == "fcs":
        bad[-2] ^= 1
    elif kind == "hcs":
        bad[7] ^= 1
    elif kind == "length":
        bad[2] += 1
    elif kind == "address":
        bad[4] &= 0xFE
    else:
        del bad[10:-1]
    assert peer.raw(bytes(bad)) == []
    peer.now += 1.0
    assert peer.raw(good)[0].information[3:7] == b"\xc4\x01\xc1\x00"


def test_the_same_request_general_and_service_specific() -> None:
    """general-glo and glo share one counter, and each is answered in its own form."""
    peer = Manager(make_meter()).open()
    for _ in range(2):
        assert peer.request(GET_SERIAL)[:4] == b"\xc4\x01\xc1\x00"
        body = peer.protect(GET_SERIAL)
        answer = peer.apdu(b"\xdb\x08TST\0\0\0\0\1" + bytes([len(body)]) + body)
        assert answer[:10] == b"\xdb\x08" + peer.meter.device.system_title
