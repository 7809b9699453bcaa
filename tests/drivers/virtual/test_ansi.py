"""The virtual ANSI meter by the octets of C12.18, written out: states, rights, duplicates, time-outs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.virtual.ansi.device import ANSI_MODELS, AnsiDevice, AnsiSettings, Right
from drivers.virtual.ansi.layout import flatten
from drivers.virtual.ansi.link import frame
from drivers.virtual.ansi.meter import AnsiMeter
from drivers.virtual.uart import Framing

ACK, NAK = b"\x06", b"\x15"
IDENTIFY = bytes.fromhex("EE 00 00 00 00 01 20 13 10")
OK, ERR, SNS, ISC, ONP, IAR, DLK, ISSS, RSTL = 0, 1, 2, 3, 4, 5, 8, 10, 16
LOGON = b"\x50\x00\x02tester    "
NEGOTIATE = b"\x60\x02\x00\xfe"


class Peer:
    """A client that knows nothing but octets: one request, one answer, toggles by hand."""

    def __init__(self, *, days: int = 1, baud: int = 19200) -> None:
        settings = AnsiSettings(serial="61000123", days=days)
        self.device = AnsiDevice(ANSI_MODELS["ansi-1ph"], settings, lambda: 1_795_500_000.0)
        self.meter = AnsiMeter(self.device, baud)
        self.now = 0.0
        self._toggle = 0

    def raw(self, octets: bytes) -> bytes:
        return b"".join(out.octets for out in self.meter.receive(octets, self.now))

    def later(self, seconds: float) -> bytes:
        self.now += seconds
        return b"".join(out.octets for out in self.meter.tick(self.now))

    def ask(self, request: bytes) -> bytes:
        """The whole answer, packets acknowledged and put together."""
        heard = self.raw(frame(request, self._toggle, 0))
        self._toggle ^= 0x20
        assert heard[:1] == ACK
        heard, answer = heard[1:], b""
        while heard:
            assert heard[0] == 0xEE
            length = heard[4] << 8 | heard[5]
            answer += heard[6 : 6 + length]
            last = heard[3] == 0
            heard = self.raw(ACK)
            if last:
                break
        return answer

    def logged_on(self, right: Right | None = None) -> Peer:
        assert self.ask(b"\x20")[0] == OK
        assert self.ask(NEGOTIATE)[0] == OK
        assert self.ask(LOGON) == bytes([OK])
        if right is not None:
            assert self.ask(b"\x51" + self.device.passwords[right].ljust(20)) == bytes([OK])
        return self


def test_identification_is_answered_as_the_standard_shows() -> None:
    peer = Peer()
    assert peer.raw(IDENTIFY) == ACK + frame(bytes([0, 0, 1, 0, 0]), 0, 0)
    assert peer.raw(ACK) == b""


@pytest.mark.parametrize(
    "request_", [LOGON, NEGOTIATE, b"\x30\x00\x00", b"\x52", b"\x21", b"\x70\x05", b"\x71\1\1\1\1"]
)
def test_in_the_base_state_only_identification_is_served(request_: bytes) -> None:
    assert Peer().ask(request_) == bytes([ISSS])


def test_services_out_of_their_state() -> None:
    peer = Peer()
    peer.ask(b"\x20")
    assert peer.ask(b"\x20") == bytes([ISSS])
    assert peer.ask(b"\x30\x00\x00") == bytes([ISSS])
    assert peer.ask(LOGON) == bytes([OK])
    assert peer.ask(LOGON) == bytes([ISSS])
    assert peer.ask(NEGOTIATE) == bytes([ISSS])
    assert peer.ask(b"\x99") == bytes([SNS])
    assert peer.ask(b"\x30\x00") == bytes([ERR])
    assert peer.ask(b"\x52") == bytes([OK])
    assert peer.ask(b"\x30\x00\x00") == bytes([ISSS])
    assert peer.ask(b"\x21") == bytes([OK])
    assert peer.ask(LOGON) == bytes([ISSS])


def test_a_duplicate_is_acknowledged_and_not_served_again() -> None:
    peer = Peer().logged_on()
    packet = frame(b"\x51" + b"wrong".ljust(20), peer._toggle, 0)
    first = peer.raw(packet)
    assert first[1 + 6] == ISC
    for _ in range(5):
        assert peer.raw(packet) == ACK
    peer.raw(ACK)
    assert not peer.device.locked(peer.now)


def test_a_client_that_never_toggles_may_ask_the_same_twice() -> None:
    peer = Peer()
    for request_ in (b"\x20", NEGOTIATE, LOGON, b"\x30\x00\x01", b"\x30\x00\x01"):
        heard = peer.raw(frame(request_, 0, 0))
        assert heard[:2] == ACK + b"\xee"
        assert heard[1 + 6] == OK
        peer.raw(ACK)


def test_a_damaged_packet_is_refused_and_taken_when_it_comes_whole() -> None:
    peer = Peer()
    bad = bytearray(IDENTIFY)
    bad[6] ^= 4
    assert peer.raw(bytes(bad)) == NAK
    assert peer.raw(IDENTIFY)[:1] == ACK
    assert peer.raw(b"\xee\x00\x00")[:1] == b""
    assert peer.later(0.6) == NAK


def test_an_answer_nobody_acknowledges_is_sent_four_times_then_the_session_is_over() -> None:
    peer = Peer().logged_on()
    peer.raw(frame(b"\x30\x00\x01", peer._toggle, 0))
    again = [peer.later(2.1) for _ in range(4)]
    assert [bool(octets) for octets in again] == [True, True, True, False]
    assert not peer.meter.busy


def test_the_channel_is_given_up_after_six_seconds_or_what_wait_asked_for() -> None:
    peer = Peer().logged_on()
    peer.later(5.0)
    assert peer.meter.busy
    assert peer.ask(b"\x70\x14") == bytes([OK])
    peer.later(15.0)
    assert peer.meter.busy
    peer.later(6.0)
    assert not peer.meter.busy


def test_timing_setup_changes_the_traffic_time_out() -> None:
    peer = Peer()
    peer.ask(b"\x20")
    assert peer.ask(b"\x71\x1e\x01\x02\x03") == b"\x00\x1e\x01\x02\x03"
    peer.later(20.0)
    assert peer.meter.busy


def test_a_rate_is_agreed_and_holds_after_the_acknowledgement() -> None:
    peer = Peer(baud=19200)
    peer.ask(b"\x20")
    packet = frame(b"\x63\x04\x00\x20\x06\x08\x0c", peer._toggle, 0)
    assert peer.raw(packet)[1 + 6 :][:5] == b"\x00\x04\x00\x20\x08"
    assert peer.meter.framings == (Framing(9600),)
    peer.raw(ACK)
    assert peer.meter.framings == (Framing(19200),)
    peer.later(7.0)
    assert peer.meter.framings == (Framing(9600),)


def test_an_answer_longer_than_what_was_negotiated_is_refused() -> None:
    peer = Peer()
    peer.ask(b"\x20")
    peer.ask(LOGON)
    assert peer.ask(b"\x30\x00\x17") == bytes([RSTL])
    assert len(peer.ask(b"\x3f\x00\x17\x00\x00\x01\x00\x28")) == 1 + 2 + 40 + 1


def test_long_tables_come_in_packets_that_count_down() -> None:
    peer = Peer().logged_on(Right.READER)
    heard = peer.raw(frame(b"\x30\x00\x40", peer._toggle, 0))
    assert heard[1 + 2] & 0xC0 == 0xC0
    first = heard[1 + 3]
    second = peer.raw(ACK)
    assert second[3] == first - 1
    assert second[2] & 0xC0 == 0x80
    assert second[2] & 0x20 != heard[1 + 2] & 0x20


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"\x30\x00\x63", IAR),
        (b"\x30\x00\x40", ISC),
        (b"\x3f\x00\x01\x00\x00\x20\x00\x10", ONP),
        (b"\x32\x00\x40\x00\x00\x00\x00\x00\x01", ISC),
        (b"\x31\x00\x01\x00\x09\x00\x01", ONP),
        (b"\x40\x00\x01\x00\x01\x00\x00", IAR),
        (b"\x40\x00\x07\x00\x04\x0a\x00\x01\x00\xf5", ISC),
        (b"\x40\x00\x07\x00\x04\x0a\x00\x01\x00\xf6", ERR),
        (b"\x4f\x00\x07\x00\x00\x00\x00\x01\x00\x00", ONP),
        (b"\x3a\x00\x07", SNS),
    ],
)
def test_refusals_of_somebody_without_a_password(request_: bytes, code: int) -> None:
    assert Peer().logged_on().ask(request_) == bytes([code])


def test_elements_are_read_by_index() -> None:
    peer = Peer().logged_on(Right.READER)
    maker = peer.ask(b"\x31\x00\x01\x00\x00\x00\x02")
    assert maker[3:-1] == b"FTVMA2S-CL20"
    block = peer.ask(b"\x32\x00\x40\x00\x00\x00\x00\x00\x01")
    table = peer.meter._services.tables.element(64)
    assert isinstance(table, list)
    assert isinstance(table[0], list)
    assert block[3:-1] == flatten(table[0][0])


def test_the_third_wrong_password_locks_and_time_unlocks() -> None:
    peer = Peer().logged_on()
    wrong = b"\x51" + b"wrong".ljust(20)
    assert [peer.ask(wrong) for _ in range(3)] == [bytes([ISC])] * 3
    right = b"\x51" + peer.device.passwords[Right.READER].ljust(20, b"\x00")
    assert peer.ask(right) == bytes([DLK])
    peer.now += 61
    assert peer.ask(right) == bytes([OK])


def test_a_procedure_is_answered_in_table_8() -> None:
    peer = Peer().logged_on(Right.PROGRAMMER)
    reset = bytes([9, 0, 77, 1])
    write = b"\x40\x00\x07\x00\x04" + reset + bytes([-sum(reset) & 0xFF])
    before = peer.device.demands[0].watts
    assert peer.ask(write) == bytes([OK])
    assert peer.ask(b"\x30\x00\x08")[3:-1] == bytes([9, 0, 77, 0, 1])
    assert (peer.device.demands[0].watts, peer.device.demands[0].cumulative) == (0, before)
    unknown = bytes([3, 0, 78])
    peer.ask(b"\x40\x00\x07\x00\x03" + unknown + bytes([-sum(unknown) & 0xFF]))
    assert peer.ask(b"\x30\x00\x08")[3:-1] == bytes([3, 0, 78, 6])


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_no_octets_break_the_meter(chunks: list[bytes], session: bool) -> None:
    peer = _PEERS[session]()
    for chunk in chunks:
        peer.raw(chunk)
        peer.later(0.3)
    peer.later(30.0)
    peer.later(30.0)
    peer._toggle = 0x20
    assert peer.raw(frame(b"\x20", 0x20, 0))[:1] in (ACK, NAK)


@given(st.binary(min_size=1, max_size=40))
def test_any_request_is_answered(request_: bytes) -> None:
    peer = _PEERS[True]()
    assert len(peer.ask(request_)) >= 1


_PEERS: dict[bool, Callable[[], Peer]] = {
    False: lambda: Peer(days=0),
    True: lambda: Peer(days=0).logged_on(Right.PROGRAMMER),
}
