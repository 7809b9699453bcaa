"""A-XDR and HDLC framing: what is encoded comes back, and nothing that comes in breaks the decoder."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.virtual.dlms import axdr, services
from drivers.virtual.dlms.axdr import AxdrError, Data, Tag
from drivers.virtual.dlms.hdlc import (
    FLAG,
    Address,
    Control,
    Deframer,
    Frame,
    Kind,
    decode_body,
    decode_control,
    fcs16,
)

_RANGES = {
    Tag.INTEGER: (-128, 127),
    Tag.UNSIGNED: (0, 255),
    Tag.ENUM: (0, 255),
    Tag.LONG: (-(2**15), 2**15 - 1),
    Tag.LONG_UNSIGNED: (0, 2**16 - 1),
    Tag.DOUBLE_LONG: (-(2**31), 2**31 - 1),
    Tag.DOUBLE_LONG_UNSIGNED: (0, 2**32 - 1),
    Tag.LONG64: (-(2**63), 2**63 - 1),
    Tag.LONG64_UNSIGNED: (0, 2**64 - 1),
}
_simple = st.one_of(
    st.just(axdr.NULL),
    st.booleans().map(axdr.boolean),
    st.text("01", max_size=70).map(axdr.bits),
    st.binary(max_size=300).map(axdr.octets),
    st.text(st.characters(codec="utf-8"), max_size=40).map(axdr.text),
    st.binary(min_size=12, max_size=12).map(lambda b: Data(Tag.DATE_TIME, b)),
    *(st.builds(Data, st.just(tag), st.integers(low, high)) for tag, (low, high) in _RANGES.items()),
)
values = st.recursive(
    _simple,
    lambda inner: st.lists(inner, max_size=5).flatmap(
        lambda items: st.sampled_from([axdr.array(items), axdr.structure(*items)])
    ),
    max_leaves=20,
)


@given(values)
def test_a_value_comes_back_as_it_was(value: Data) -> None:
    assert axdr.decode_whole(axdr.encode(value)) == value


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes) -> None:
    try:
        value, end = axdr.decode(garbage)
    except AxdrError:
        return
    assert 0 < end <= len(garbage)
    assert axdr.decode_whole(axdr.encode(value)) == value


def test_a_value_cut_anywhere_is_an_error() -> None:
    whole = axdr.encode(axdr.array([axdr.structure(axdr.u32(7), axdr.octets(b"abc"), axdr.bits("10101"))]))
    for end in range(len(whole)):
        with pytest.raises(AxdrError):
            axdr.decode_whole(whole[:end])


def test_nesting_without_end_does_not_exhaust_the_stack() -> None:
    with pytest.raises(AxdrError):
        axdr.decode(b"\x02\x01" * 5000 + b"\x00")


@given(st.binary(max_size=80))
def test_no_request_breaks_the_parser(apdu: bytes) -> None:
    for head in (b"", b"\xc0\x01\xc1", b"\xc0\x03\xc1", b"\xc1\x04\xc1", b"\xc1\x05\xc1", b"\xc3\x04\xc1"):
        with contextlib.suppress(services.PduError):
            services.parse(head + apdu)


def test_check_sequence_of_the_standard() -> None:
    """FCS-16 of ISO/IEC 13239 over ``123456789`` is 906E, sent least significant octet first."""
    assert fcs16(b"123456789") == bytes.fromhex("6E90")


def test_a_known_snrm_from_the_green_book_shape() -> None:
    """Client 16 to server 1 without parameters: the frame that every DLMS client begins with."""
    assert Frame(
        Address(1), Address(16), Control(Kind.SNRM, True).encode()
    ).encode().hex() == "7ea00703219 30f017e".replace(" ", "")


_addresses = st.one_of(
    st.builds(Address, st.integers(0, 127)),
    st.builds(lambda u, low: Address(u, low, 2), st.integers(0, 127), st.integers(0, 127)),
    st.builds(lambda u, low: Address(u, low, 4), st.integers(0, 0x3FFF), st.integers(0, 0x3FFF)),
)
frames = st.builds(
    Frame,
    _addresses,
    st.builds(Address, st.integers(0, 127)),
    st.integers(0, 255),
    st.binary(max_size=1990),
    st.booleans(),
)


@given(st.lists(frames, max_size=4), st.binary(max_size=20), st.integers(1, 50))
def test_frames_are_found_however_the_octets_arrive(sent: list[Frame], noise: bytes, size: int) -> None:
    """Noise before the first flag and any cut of the stream change nothing."""
    stream = noise.replace(bytes([FLAG]), b"") + b"".join(frame.encode() for frame in sent)
    deframer, found = Deframer(), []
    for at in range(0, len(stream), size):
        found += deframer.feed(stream[at : at + size])
    assert found == sent


@given(frames, st.data())
def test_a_flipped_bit_is_never_taken_for_a_frame(frame: Frame, data: st.DataObject) -> None:
    octets = bytearray(frame.encode())
    at = data.draw(st.integers(1, len(octets) - 2))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))
    assert decode_body(bytes(octets[1:-1])) is None


@given(frames)
def test_the_frame_after_a_broken_one_is_found(frame: Frame) -> None:
    """At once, or after the inter-octet time-out where the broken one looks like the start of a long one."""
    broken = bytearray(frame.encode())
    broken[-2] ^= 0xFF
    deframer = Deframer()
    assert deframer.feed(bytes(broken) + frame.encode()) in ([frame], [])
    deframer.reset()
    assert deframer.feed(frame.encode()) == [frame]


def test_a_broken_frame_without_flags_inside_costs_nothing() -> None:
    frame = Frame(Address(1, 17, 2), Address(16), 0x10, bytes(range(40)))
    broken = bytearray(frame.encode())
    broken[20] ^= 0x01
    assert Deframer().feed(bytes(broken) + frame.encode()) == [frame]


def test_every_control_octet_is_decoded_or_unknown() -> None:
    for octet in range(256):
        control = decode_control(octet)
        assert control is None or control.encode() == octet
