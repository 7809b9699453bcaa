"""ACCESS: write and read back in one request. Its form, our meter's server side, and who uses it when."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.connection import Protection
from drivers.dlms.access import access_request, accessed_items, parse_access_response
from drivers.dlms.acse import Conformance
from drivers.dlms.apdu import ServiceException
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import Data, Tag, octet_string, unsigned
from drivers.errors import DriverError, Garbage
from drivers.models import load_models
from drivers.trace.apdus import is_secret
from drivers.virtual.dlms.access_service import parts_of
from drivers.virtual.dlms.dispatch import ServiceDispatcher
from drivers.virtual.dlms.services import PduError, Result, ServiceError, StateError, exception
from tests.bench import visit
from tests.campaign.meters import standing_clock
from tests.drivers.dlms_pair import make_meter, manager, reader
from tests.drivers.field import MANAGEMENT, MODELS

ENERGY, SERIAL = parse_item("3:1.0.1.8.0.255:2"), parse_item("1:0.0.96.1.0.255:2")
NOTE = parse_item("1:0.0.96.50.0.255:2")


def test_a_request_has_the_form_of_the_standard() -> None:
    """Green Book 9.5: long-invoke-id-and-priority, date-time, specifications, as many data."""
    made = access_request([(NOTE, unsigned(7))], [ENERGY])
    assert made.hex(" ", -4) == bytes.fromhex(
        "D9 40000001 0002 02 0001 0000603200FF 02 01 0003 0100010800FF 0202 11 07 00"
    ).hex(" ", -4)


def test_gurux_understands_our_request() -> None:
    from gurux_dlms import GXDLMSTranslator
    from gurux_dlms.enums import TranslatorOutputType

    with contextlib.redirect_stdout(io.StringIO()):
        translator = GXDLMSTranslator(TranslatorOutputType.SIMPLE_XML)
        text = str(translator.pduToXml(access_request([(NOTE, unsigned(7))], [ENERGY])))
    assert text.index("AccessRequestSet") < text.index("AccessRequestGet")
    assert "0000603200FF" in text
    assert "0100010800FF" in text


@pytest.mark.parametrize("described", ["00", "01 02 02 0001 0000603200FF 02 01 0003 0100010800FF 02"])
def test_a_response_gives_each_its_result_whether_it_repeats_the_question_or_not(described: str) -> None:
    raw = bytes.fromhex(f"DA 40000001 00 {described} 02 00 06 00003039 02 02 03 01 00")
    found = parse_access_response(raw, 1, 1)
    assert found.written == [3]
    assert found.read[0].data == Data(Tag.DOUBLE_LONG_UNSIGNED, 12345)


@pytest.mark.parametrize(
    "body",
    ["01 00 02 02 00 01 00", "02 00 00 01 02 00", "02 00 00 02 01 00 02 00", "02 00 00 02 02 00"],
)
def test_an_answer_to_something_else_is_not_understood(body: str) -> None:
    with pytest.raises(Garbage):
        parse_access_response(bytes.fromhex(f"DA 40000001 00 00 {body}"), 1, 1)


@given(st.binary(max_size=80))
def test_hostile_octets_raise_only_what_is_known(data: bytes) -> None:
    for head in (b"", b"\xda\x40\x00\x00\x01\x00\x00", b"\xda\x40\x00\x00\x01\x00\x01"):
        with contextlib.suppress(DriverError):
            parse_access_response(head + data, 1, 2)
    for head in (b"\xd9", b"\xd9\x40\x00\x00\x01\x00"):
        with contextlib.suppress(DriverError):
            accessed_items(head + data)
        with contextlib.suppress(PduError):
            parts_of(head + data)
        is_secret(head + data)


def test_a_secret_in_one_part_hides_the_whole_from_the_trace() -> None:
    """A trace is shown around: what it did not know as a request with a password in it, it would write."""
    password = parse_item("15:0.0.40.0.2.255:7")
    assert is_secret(access_request([(password, octet_string(b"12345678"))], [ENERGY]))
    assert not is_secret(access_request([(NOTE, unsigned(7))], [ENERGY]))
    assert is_secret(bytes.fromhex("D9 40000001 00 01 03 000F 0000280002FF 02 01 09 02 4142"))
    assert is_secret(b"\xd9\x40")


@pytest.mark.parametrize("protection", [Protection.GENERAL_GLO, Protection.GENERAL_DED])
def test_what_is_written_is_read_in_the_same_request(protection: Protection) -> None:
    meter = make_meter()
    client = manager(meter, protection)
    assert client.allows(Conformance.ACCESS)
    limiter = parse_item("71:0.0.17.0.0.255:6")
    over = Data(Tag.DOUBLE_LONG_UNSIGNED, 77)
    found = client.access([(limiter, over), (ENERGY, unsigned(1))], [limiter, SERIAL, ENERGY.of(9)])
    assert found.written == [0, 3]
    assert found.read[0].data == over
    assert found.read[1].data == octet_string(meter.device.serial.encode())
    assert (found.read[2].data, found.read[2].access) == (None, 4)


def test_service_specific_ciphering_has_no_access() -> None:
    assert not manager(make_meter()).allows(Conformance.ACCESS)
    assert reader(make_meter()).allows(Conformance.ACCESS)


def test_after_an_error_the_rest_is_left_undone_where_the_request_says_so() -> None:
    """Bit 29 of the long invoke id; bit 28 asks for the question beside the answer."""
    client = reader(make_meter())
    request = bytearray(access_request([(ENERGY, unsigned(1))], [SERIAL]))
    request[1] |= 0x30
    answer = client.ask(bytes(request))
    found = parse_access_response(answer, 1, 1)
    assert found.written == [3]
    assert found.read[0].access == 250
    assert accessed_items(answer[:6] + answer[7:])[1] == (1, SERIAL)


def test_an_answer_that_does_not_fit_is_refused_as_a_whole() -> None:
    client = reader(make_meter(), max_pdu=60)
    with pytest.raises(ServiceException, match="pdu-too-long"):
        client.access([], [parse_item("15:0.0.40.0.0.255:2")])


# ---- a program

_GENERAL = msgspec.structs.replace(MANAGEMENT, protection=Protection.GENERAL_GLO)
_LINE = visit.Line(9600, 200)
_serve = ServiceDispatcher._serve_access


def programmed(folder: Path) -> int:
    """Requests of a program of ten items, eight of them harmless; every one is verified."""
    models = load_models(MODELS)
    with standing_clock():
        return visit.simulated(visit.program, _LINE, _GENERAL, models, folder).exchanges


def test_a_program_reads_back_what_is_harmless_in_the_request_that_writes_it(tmp_path: Path) -> None:
    with patch.object(ServiceDispatcher, "_serve_access", autospec=True) as asked:
        asked.side_effect = _serve
        with_access = programmed(tmp_path / "new")
        assert asked.call_count == 1
    with patch("drivers.dlms.acse.ACCESS", 0):
        without = programmed(tmp_path / "old")
    assert with_access == without - 1


def test_a_meter_that_agrees_and_does_not_do_it_is_not_asked_again(tmp_path: Path) -> None:
    """What it refused is written with-list and read back; the next one of its type is not asked."""
    refusal = exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)
    for expected in (1, 0):
        with patch.object(ServiceDispatcher, "_serve_access", return_value=refusal) as asked:
            programmed(tmp_path)
            assert asked.call_count == expected


@pytest.mark.parametrize("answer", [b"\xda", b"\xda\x40\x00\x00\x01\x00\x00\x00\x00"])
def test_an_answer_that_is_none_is_made_up_for_by_reading_back(tmp_path: Path, answer: bytes) -> None:
    with patch.object(ServiceDispatcher, "_serve_access", return_value=answer):
        programmed(tmp_path)


def test_a_meter_that_says_it_wrote_and_did_not_is_written_one_by_one(tmp_path: Path) -> None:
    """Or one that commits when the request is over: nothing is taken for done, or failed, on its word."""

    with patch.object(ServiceDispatcher, "_serve_access", autospec=True, side_effect=_undone):
        programmed(tmp_path)


def _undone(dispatcher: ServiceDispatcher, apdu: bytes) -> bytes | None:
    """Says that it wrote, and wrote nothing."""
    with patch.object(type(dispatcher._access), "write", return_value=Result.SUCCESS):
        return _serve(dispatcher, apdu)
