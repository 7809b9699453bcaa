"""HDLC frames and the link over a line that loses, doubles and damages: the response is right or LinkLost."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dlms.hdlc import (
    Control,
    Frame,
    FrameReader,
    client_address,
    encode_frame,
    fcs16,
    information_control,
    parse_server,
    server_address,
)
from drivers.dlms.link import HdlcLink, LinkOptions, decode_parameters, encode_parameters
from drivers.errors import DriverError, EchoOnly, Garbage, LinkLost, NoAnswer

ADDRESSES = st.sampled_from([b"\x03", b"\x21", b"\x02\x23", b"\x00\x02\x00\x23"])


def test_fcs_is_the_check_value_of_x25() -> None:
    assert fcs16(b"123456789") == 0x906E


def test_a_known_snrm_is_coded_as_in_the_green_book() -> None:
    frame = encode_frame(Frame(b"\x03", b"\x21", Control.SNRM))
    assert frame == bytes.fromhex("7EA0070321930F017E")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", b"\x03"), ("1:17", b"\x02\x23"), ("1:200", b"\x00\x02\x02\x91"), ("200", b"\x02\x91")],
)
def test_server_addresses(text: str, expected: bytes) -> None:
    assert parse_server(text) == expected


def test_a_wrong_server_address_is_refused() -> None:
    with pytest.raises(ValueError, match="LOGICAL"):
        parse_server("17000")


@given(
    ADDRESSES, ADDRESSES, st.integers(0, 127).map(lambda n: n * 2), st.binary(max_size=2030), st.booleans()
)
def test_every_frame_comes_back_from_its_bytes(
    destination: bytes, source: bytes, control: int, information: bytes, segmented: bool
) -> None:
    frame = Frame(destination, source, control, information, segmented)
    assert FrameReader().feed(encode_frame(frame)) == [frame]


@given(st.binary(max_size=64), st.integers(1, 7), st.integers(0, 60))
def test_frames_are_found_behind_noise_whatever_the_pieces(noise: bytes, step: int, cut: int) -> None:
    frame = Frame(b"\x21", b"\x03", 0x30, bytes(range(cut)))
    data = noise.replace(b"\x7e", b"") + encode_frame(frame)
    reader = FrameReader()
    found = [one for start in range(0, len(data), step) for one in reader.feed(data[start : start + step])]
    assert found == [frame]


@given(st.integers(1, 300), st.integers(0, 7))
def test_a_flipped_bit_never_passes(position: int, bit: int) -> None:
    data = bytearray(encode_frame(Frame(b"\x21", b"\x03", 0x30, bytes(range(250)))))
    data[position % (len(data) - 2) + 1] ^= 1 << bit
    assert FrameReader().feed(bytes(data)) == []


def test_frames_behind_a_damaged_length_are_found_when_the_line_falls_silent() -> None:
    """They came out of the buffer in the next exchange, as its answer."""
    frame = Frame(b"\x21", b"\x03", 0x30, b"good")
    reader = FrameReader()
    assert reader.feed(b"\x7e\xa7\xff\x21\x03" + encode_frame(frame)) == []
    assert reader.flush() == [frame]
    assert not reader.pending


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_no_bytes_break_the_reader(pieces: list[bytes]) -> None:
    reader = FrameReader()
    for piece in pieces:
        reader.feed(piece)


def test_negotiation_takes_the_smaller_and_has_the_defaults_of_the_standard() -> None:
    proposed = LinkOptions(client=1, server="1")
    assert decode_parameters(b"", proposed).transmit == 128
    agreed = decode_parameters(encode_parameters(2030, 7), proposed)
    assert (agreed.transmit, agreed.receive, agreed.transmit_window) == (2030, 2030, 7)
    assert encode_parameters(128, 1) == b""


class FakeMeter:
    """A secondary station with a clock of its own, behind a line that spoils frames as ``spoil`` says."""

    def __init__(
        self, answer: bytes, *, information: int = 40, window: int = 3, seed: int = 0, client: int = 16
    ) -> None:
        self._answer = b"\xe6\xe7\x00" + answer
        self.client = client
        self._information, self._window = information, window
        self._reader = FrameReader()
        self._random = random.Random(seed)
        self._now = 0.0
        self._to_client: list[bytes] = []
        self._segments: list[bytes] = []
        self._base = self._receive = 0
        self._first = 0
        self.request = bytearray()
        self.loss = 0.0
        self.echo = False
        self.mute = False

    # ---- the wire

    def now(self) -> float:
        return self._now

    def write(self, data: bytes) -> None:
        if self.echo:
            self._to_client.append(data)
        if self.mute:
            return
        for frame in self._reader.feed(self._spoiled(data)):
            for reply in self._react(frame):
                self._to_client.append(self._spoiled(encode_frame(reply)))

    def read(self, deadline: float) -> bytes:
        if self._to_client:
            self._now += 0.001
            return self._to_client.pop(0)
        self._now = max(self._now, deadline)
        return b""

    def _spoiled(self, data: bytes) -> bytes:
        if self._random.random() >= self.loss:
            return data
        spoiled = bytearray(data)
        spoiled[self._random.randrange(len(spoiled))] ^= 1 << self._random.randrange(8)
        return bytes(spoiled) if self._random.random() < 0.5 else b""

    # ---- the station

    def next_request(self) -> None:
        """The answer was taken: what comes now is another request."""
        self._first = (self._first + len(self._segments)) & 7
        self._segments = []

    def _react(self, frame: Frame) -> list[Frame]:
        if frame.control == Control.SNRM:
            self._receive = self._first = 0
            self._segments = []
            self.request.clear()
            return [self._frame(Control.UA, encode_parameters(self._information, self._window))]
        if frame.control == Control.DISC:
            return [self._frame(Control.UA)]
        if frame.is_information:
            if frame.send_number == self._receive:
                self._receive = (self._receive + 1) & 7
                if not self._segments:
                    self.request += frame.information
                if not frame.segmented and not self._segments:
                    size = self._information
                    self._segments = [
                        self._answer[start : start + size] for start in range(0, len(self._answer), size)
                    ]
                    return self._window_from(0)
            return [self._frame(self._receive << 5 | 0x11)] if frame.final else []
        if frame.is_ready and self._segments:
            return self._window_from((frame.receive_number - self._first) & 7)
        return [self._frame(self._receive << 5 | 0x11)]

    def _window_from(self, offset: int) -> list[Frame]:
        """Whatever N(R) does not acknowledge, up to a window."""
        del self._segments[: offset if offset <= self._window else 0]
        self._first = (self._first + (offset if offset <= self._window else 0)) & 7
        burst = self._segments[: self._window]
        return [
            self._frame(
                information_control((self._first + n) & 7, self._receive, n == len(burst) - 1),
                piece,
                n + 1 < len(self._segments),
            )
            for n, piece in enumerate(burst)
        ] or [self._frame(self._receive << 5 | 0x11)]

    def _frame(self, control: int, information: bytes = b"", segmented: bool = False) -> Frame:
        return Frame(client_address(self.client), server_address(1), control, information, segmented)


def linked(meter: FakeMeter) -> HdlcLink:
    link = HdlcLink(meter, LinkOptions(client=meter.client, server="1", response=0.5))
    link.connect()
    return link


def test_a_long_response_comes_in_windows_and_a_long_request_goes_in_segments() -> None:
    meter = FakeMeter(bytes(range(256)) * 3)
    request = bytes(200)
    assert linked(meter).exchange(request) == bytes(range(256)) * 3
    assert bytes(meter.request) == b"\xe6\xe6\x00" + request


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 900), st.sampled_from([0.05, 0.2]))
def test_lost_and_damaged_frames_cost_repeats_never_a_wrong_response(
    seed: int, size: int, loss: float
) -> None:
    answer = random.Random(seed).randbytes(size)
    meter = FakeMeter(answer, seed=seed)
    link = linked(meter)
    meter.loss = loss
    try:
        assert link.exchange(b"\xc0\x01") == answer
    except LinkLost:
        assert link.repeats > 3


def test_the_echo_is_dropped_even_where_both_addresses_are_equal() -> None:
    meter = FakeMeter(b"answer", client=1)
    meter.echo = True
    assert linked(meter).exchange(b"ask") == b"answer"


class LateEcho(FakeMeter):
    """A head whose echo of one request reaches us behind the answer to it."""

    late = b""

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.late:
            self._to_client.append(self.late)
        self.late = data if len(data) > 12 else b""  # requests only


def test_an_echo_that_comes_a_transmission_late_is_no_answer() -> None:
    meter = LateEcho(b"answer")
    assert linked(meter).exchange(bytes(400)) == b"answer"  # in several windows
    assert bytes(meter.request) == b"\xe6\xe6\x00" + bytes(400)


class TornEcho(FakeMeter):
    """A head whose echoes are late and damaged while the frames themselves are."""

    def write(self, data: bytes) -> None:
        before = len(self._to_client)
        super().write(data)
        if self.loss:
            place = self._random.randint(before, len(self._to_client))
            self._to_client.insert(place, self._spoiled(data))
        else:
            self._to_client.insert(before, data)


@settings(max_examples=150)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.4]))
def test_a_late_echo_of_a_request_is_no_answer_where_both_addresses_are_equal(seed: int, loss: float) -> None:
    """It was one, once a poll's own echo had been heard, and every later answer was the one before."""
    meter = TornEcho(b"answer", seed=seed, client=1)
    link = linked(meter)
    meter.loss = loss
    try:
        for number in range(12):
            assert link.exchange(bytes([number]) * 60) == b"answer"
            meter.next_request()
    except LinkLost:
        assert link.repeats > 3


def test_only_echo_is_told_apart_from_silence_and_noise() -> None:
    meter = FakeMeter(b"")
    meter.mute = True
    with pytest.raises(NoAnswer):
        linked(meter)
    meter.echo = True
    with pytest.raises(EchoOnly):
        linked(meter)


class Noise(FakeMeter):
    def write(self, data: bytes) -> None:
        self._to_client.append(b"\x81\x00\xfe\x93" * 8)


def test_noise_is_garbage() -> None:
    with pytest.raises(Garbage):
        linked(Noise(b""))


def test_a_meter_that_left_the_connection_is_link_lost() -> None:
    meter = FakeMeter(b"x")
    link = linked(meter)
    meter._react = lambda frame: [meter._frame(Control.DM)]  # type: ignore[method-assign]  # lost power
    with pytest.raises(LinkLost):
        link.exchange(b"ask")


def test_repeats_are_bounded_when_the_meter_falls_silent() -> None:
    meter = FakeMeter(b"x")
    link = linked(meter)
    meter.mute = True
    with pytest.raises(DriverError):
        link.exchange(b"ask")
    assert link.repeats <= 13
