"""Oddities of other people's meters, as reported in public or seen with other people's servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, TCPServer

import pytest
from msgspec import structs

from drivers.connection import Mode
from drivers.dlms.acse import Conformance, Mechanism, decode_aare, decode_initiate_response
from drivers.dlms.apdu import Result, parse_get_response
from drivers.dlms.client import Credentials, DlmsClient
from drivers.dlms.data import octet_string
from drivers.dlms.hdlc import Control, Frame, encode_frame
from drivers.dlms.link import HdlcLink, LinkOptions
from drivers.errors import AssociationRefused, EchoOnly, LinkLost, MissingSecret
from drivers.iec62056.identification import find_identification
from drivers.iec62056.messages import block_check
from drivers.iec62056.readout import parse_readout
from drivers.iec62056.runner import read_out, sign_on
from drivers.iec62056.sign_on import Finished, SignOn, Wanted
from drivers.ports import LineFormat
from drivers.session.client import OpticalSession
from drivers.virtual import secrets
from drivers.virtual.dlms import session as server
from drivers.virtual.dlms.protection import ReplayError
from tests.drivers.field import MANAGEMENT, MODELS, Host
from tests.drivers.virtual.peer import make_meter


@contextmanager
def served(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Octets in, octets out, behind a TCP port; the address as pyserial opens it."""

    class _Handler(BaseRequestHandler):
        def handle(self) -> None:
            while data := self.request.recv(4096):
                self.request.sendall(answer(data))

    listener = TCPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def test_a_meter_that_tells_the_last_counter_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Green Book wants the least acceptable one in the exception-response; pydlms' server, "like real
    meters", tells the last one it took, and refused ours a second time."""
    right = server._counter_error
    monkeypatch.setattr(server, "_counter_error", lambda replay: right(ReplayError(replay.expected - 1)))
    meter = make_meter()
    meter.device.security.accept(700)
    keys = {
        name: bytes.fromhex(value)
        for name, value in secrets.derive(meter.device.serial).items()
        if name.endswith("_key")
    }
    connection = structs.replace(MANAGEMENT, mode=Mode.WRAPPER)
    with (
        served(lambda data: b"".join(out.octets for out in meter.receive(data, 1000.0))) as url,
        OpticalSession(url, connection, Host(keys, 10), models=MODELS) as ours,
    ):
        assert ours.identify().serial == meter.device.serial
    assert meter.device.security.received > 700


def test_a_meter_that_keeps_its_system_title_to_itself() -> None:
    """Some leave responding-AP-title out of the AARE: the title must be known beforehand, and that is said.
    It was called garbage on the line."""
    meter = make_meter()
    title = meter.device.system_title

    def answer(data: bytes) -> bytes:
        heard = b"".join(out.octets for out in meter.receive(data, 1000.0))
        if heard[8:9] != b"\x61":
            return heard
        body = heard[10:].replace(b"\xa4\x0a\x04\x08" + title, b"")
        return heard[:6] + (len(body) + 2).to_bytes(2, "big") + bytes([0x61, len(body)]) + body

    keys = {
        name: bytes.fromhex(value)
        for name, value in secrets.derive(meter.device.serial).items()
        if name.endswith("_key")
    }
    host = Host(keys, 10)
    connection = structs.replace(MANAGEMENT, mode=Mode.WRAPPER)
    with served(answer) as url:
        with OpticalSession(url, connection, host, models=MODELS) as ours, pytest.raises(MissingSecret):
            ours.identify()
        known = structs.replace(connection, meter_title=title.hex())
        with OpticalSession(url, known, host, models=MODELS) as ours:
            assert ours.identify().serial == meter.device.serial


# ---- HDLC


class Scripted:
    """A line on which the meter answers each transmission with the next piece."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self._heard = b""
        self._now = 0.0

    def write(self, data: bytes) -> None:
        self._heard += self._answers.pop(0) if self._answers else b""

    def read(self, deadline: float) -> bytes:
        heard, self._heard = self._heard, b""
        self._now = self._now if heard else max(self._now, deadline)
        return heard

    def now(self) -> float:
        return self._now


def frame(control: int, information: bytes = b"", *, segmented: bool = False) -> bytes:
    return encode_frame(Frame(b"\x21", b"\x03", control, information, segmented))


def linked(*answers: bytes, ua: bytes = b"") -> HdlcLink:
    link = HdlcLink(Scripted(frame(Control.UA, ua), *answers), LinkOptions(16, "1"))
    link.connect()
    return link


ANSWER = bytes.fromhex("C401C10009025858")


@pytest.mark.parametrize("llc", ["E6E700", "E6E600", "E6E701", ""])
def test_an_answer_with_another_llc_or_none(llc: str) -> None:
    assert linked(frame(0x30, bytes.fromhex(llc) + ANSWER)).exchange(b"\xc0") == ANSWER


@pytest.mark.parametrize(
    ("parameters", "sizes"),
    [
        ("", (128, 128, 1, 1)),
        ("818014 05020080 06020080 0704 00000001 0804 00000001", (128, 128, 1, 1)),  # 128 in two octets
        ("81800C 050180 060180 070101 080101", (128, 128, 1, 1)),  # windows of one octet
        ("81800E 050200F8 060200F8 07020003 080103", (248, 248, 3, 3)),
        ("818000 050200F8 060200F8", (248, 248, 1, 1)),  # a group that says it is empty
        ("81800C 050100 060100 070100 080100", (128, 128, 1, 1)),  # nothing can be sent in 0 octets
        ("818006 06010000", (128, 128, 1, 1)),
        ("81800A 050407EE 06", (128, 128, 1, 1)),  # broken off
    ],
)
def test_odd_parameters_of_a_ua(parameters: str, sizes: tuple[int, int, int, int]) -> None:
    """Transmit and receive sizes and windows of ours."""
    agreed = linked(ua=bytes.fromhex(parameters)).negotiated
    found = (agreed.transmit, agreed.receive, agreed.transmit_window, agreed.receive_window)
    assert (found[0], *found[2:]) == (sizes[0], *sizes[2:])
    if "05040" not in parameters:
        assert found == sizes


def test_rr_comes_before_the_answer() -> None:
    """A slow meter acknowledges first; it is polled until the answer is there."""
    link = linked(frame(0x31), frame(0x31), frame(0x30, b"\xe6\xe7\x00" + ANSWER))
    assert link.exchange(b"\xc0") == ANSWER


@pytest.mark.parametrize(
    "noise", [b"\x00\xff\xff", b"\x7f\x00", b"\x7e\x7e\x7e\x7e", b"\xfe\xfe\xfe\xfe\x68"]
)
def test_noise_and_wake_up_characters_around_a_frame(noise: bytes) -> None:
    """Also 00 or 16 behind it, as DL/T 645 gateways pad."""
    answer = frame(0x30, b"\xe6\xe7\x00" + ANSWER)
    assert linked(noise + answer + b"\x16\x00\x00").exchange(b"\xc0") == ANSWER


def test_padding_behind_an_apdu_is_not_part_of_the_value() -> None:
    link = linked(frame(0x30, b"\xe6\xe7\x00" + ANSWER + b"\x00" * 5))
    assert parse_get_response(link.exchange(b"\xc0")) == Result(octet_string(b"XX"))


# ---- AARE


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content


def aare(*, title: bytes = b"", information: bytes = b"") -> bytes:
    body = bytes.fromhex("A109060760857405080101A203020100A305A103020100") + title
    return _tlv(0x61, body + (_tlv(0xBE, _tlv(0x04, information)) if information else b""))


TITLE = b"ZIV\x01\x02\x03\x04\x05"


@pytest.mark.parametrize("content", [_tlv(0x04, TITLE), TITLE, b"\x04\x81\x08" + TITLE, b""])
def test_the_title_with_and_without_a_tag_of_its_own(content: bytes) -> None:
    """Without, its second letter was taken for a length, and the whole AARE for garbage."""
    assert decode_aare(aare(title=_tlv(0xA4, content))).title == (TITLE if content else b"")


def test_a_title_before_the_result_is_found() -> None:
    body = _tlv(0xA4, _tlv(0x04, TITLE)) + bytes.fromhex("A203020100A305A103020100A109060760857405080101")
    found = decode_aare(_tlv(0x61, body))
    assert (found.title, found.result) == (TITLE, 0)


@pytest.mark.parametrize("block", ["5F1F0400001E1D", "5F0400001E1D"])
def test_a_conformance_block_with_its_tag_in_one_octet(block: str) -> None:
    """61334-4-41 tools write the application tag 31 so."""
    found = decode_initiate_response(bytes.fromhex(f"080006{block}04000007"))
    assert (found.conformance, found.max_pdu) == (0x001E1D, 1024)


def test_accepted_with_an_initiate_error_is_refused_by_its_reason() -> None:
    """It was called garbage on the line, and the crew sent to turn the head."""
    answer = frame(0x30, b"\xe6\xe7\x00" + aare(information=bytes.fromhex("0E010602")))
    with pytest.raises(AssociationRefused) as refused:
        DlmsClient(linked(answer), Credentials(Mechanism.NONE)).associate()
    assert "incompatible-conformance" in (refused.value.detail or "")


def test_accepted_without_a_word_is_tried() -> None:
    """Landis+Gyr ZMXi and others leave the user-information out."""
    made = DlmsClient(linked(frame(0x30, b"\xe6\xe7\x00" + aare())), Credentials(Mechanism.NONE))
    assert made.associate().allows(Conformance.GET)


# ---- IEC 62056-21


def readout(text: str) -> bytes:
    body = text.encode("latin-1") + b"\x03"
    return b"\x02" + body + bytes([block_check(body)])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"\x00\xff\x7f/LGZ5ZMD120\r\n", "ZMD120"),
        (b"/LGZ5ZMD120\n", "ZMD120"),
        (b"/LGZ5ZMD120\r\r\n", "ZMD120"),
        (b"/LGZ5ZMD120  \x00\r\n", "ZMD120"),
        (b"/LGZ5\\@01LZQJL0014F\r\n", "01LZQJL0014F"),
        (b"/LGZ5ZMD120AR.TT.0457.B32-with-its-type-plate\r\n", "ZMD120AR.TT.0457.B32-with-its-type-plate"),
    ],
)
def test_odd_identification_lines(line: bytes, text: str) -> None:
    found = find_identification(bytes(octet & 0x7F for octet in line))
    assert found is not None
    assert (found[0].manufacturer, found[0].baud, found[0].text) == ("LGZ", 9600, text)


def test_the_echo_of_the_request_behind_noise_is_known_for_an_echo() -> None:
    """A head that wakes up makes a character first; what we sent was then taken for the meter's."""
    machine = SignOn(wanted=Wanted.PROGRAMMING)
    machine.start(0.0)
    finished = machine.received(b"\xff\x00/?!\r\n\x00/LGZ5ZMD120\r\n", 1.0)[-1]
    assert isinstance(finished, Finished)
    assert finished.echo
    silent = SignOn(attempts=1)
    silent.start(0.0)
    silent.received(b"\xff\x00/?!\r\n", 0.2)
    with pytest.raises(EchoOnly):
        silent.tick(silent.deadline)


@pytest.mark.parametrize("end", ["\r\n!\r\n", "\n!\n", "\r!\r", "!\r\n", "\r\n\r\n !\r\n", "\r\n!"])
@pytest.mark.parametrize("unit", ["kWh", "kwh", "KWH"])
def test_odd_ends_of_lines_and_units_as_sent(end: str, unit: str) -> None:
    line = "\n" if "\r" not in end else "\r" if "\n" not in end else "\r\n"
    found = parse_readout(readout(f"0.0.0(123){line}1.8.0(0012.5*{unit}){end}"))
    assert [(one.address, one.values) for one in found] == [
        ("0.0.0", (("123", None),)),
        ("1.8.0", (("0012.5", unit),)),
    ]
    assert all(one.checked for one in found)


def test_an_exclamation_mark_in_a_value_does_not_end_the_readout() -> None:
    """Everything behind it was lost without a word."""
    found = parse_readout(readout("C.1.0(AB!12)\r\n1.8.0(0012.5*kWh)\r\n!\r\n"))
    assert [one.values[0][0] for one in found] == ["AB!12", "0012.5"]


def test_a_register_full_of_nul_is_empty() -> None:
    """An address that was never set, as some meters send it; no database takes NUL in a text."""
    (address, energy) = parse_readout(readout("0.0.0(\0\0\0\0)\r\n1.8.0(1*kWh)\r\n!\r\n"))
    assert (address.as_reading().value, address.as_reading().status) == (None, "empty")
    assert energy.as_reading().value == "1"


class _Text(Scripted):
    """A line whose rate is not looked at."""

    has_line = False

    def set_line(self, line: LineFormat) -> None: ...

    def drain(self) -> None: ...

    def pause(self, seconds: float) -> None: ...


def test_a_readout_without_a_check_is_read_but_not_believed_at_once() -> None:
    """ETX and nothing behind it: `checked` is what has it read a second time."""
    block = readout("1.8.0(0012.5*kWh)\r\n!\r\n")[:-1]
    line = _Text(b"/LGZ5ZMD120\r\n", block)
    (energy,) = read_out(line, sign_on(line, wanted=Wanted.READOUT))
    assert (energy.values, energy.checked) == ((("0012.5", "kWh"),), False)


def test_a_negative_acknowledgement_of_the_option_is_no_readout() -> None:
    line = _Text(b"/LGZ5ZMD120\r\n", b"\x15")
    with pytest.raises(LinkLost):
        read_out(line, sign_on(line, wanted=Wanted.READOUT))
