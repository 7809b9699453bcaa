"""Packets of C12.18: check octets as published, what is encoded is found again, noise never hurts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.ansi.packet import LONGEST, Acknowledge, Damaged, Deframer, Packet, crc, split
from drivers.virtual.ansi import link as meter_side

IDENTIFY = bytes.fromhex("EE 00 00 00 00 01 20 13 10")
TERMINATE = bytes.fromhex("EE 00 00 00 00 01 21 9A 01")
packets = st.builds(
    Packet,
    data=st.binary(max_size=200),
    toggle=st.booleans(),
    multiple=st.booleans(),
    first=st.booleans(),
    sequence=st.integers(0, 255),
)


def test_check_octets_are_those_that_are_published() -> None:
    assert crc(b"123456789") == bytes.fromhex("6E90")  # the catalogue's check value of CRC-16/IBM-SDLC
    assert Packet(b"\x20").encode() == IDENTIFY
    assert Packet(b"\x21").encode() == TERMINATE
    assert meter_side.frame(b"\x20", 0, 0) == IDENTIFY


@given(st.binary(max_size=300))
def test_both_sides_compute_the_same_check(data: bytes) -> None:
    assert int.from_bytes(crc(data), "little") == meter_side.check(data)


@given(st.lists(packets, max_size=4), st.data())
def test_packets_are_found_however_they_arrive(sent: list[Packet], data: st.DataObject) -> None:
    octets = b"".join(packet.encode() for packet in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))
    deframer, heard = Deframer(), []
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        heard += deframer.feed(octets[start:end])
    assert heard == sent


@given(st.lists(st.binary(max_size=80), max_size=8), st.integers(16, 600))
def test_noise_is_bounded_and_never_raises(chunks: list[bytes], longest: int) -> None:
    deframer = Deframer(longest)
    for chunk in chunks:
        for heard in deframer.feed(chunk):
            assert isinstance(heard, Packet | Acknowledge | Damaged)
    assert len(deframer._buffer) <= longest


def test_a_damaged_length_does_not_make_it_wait_for_thousands_of_octets() -> None:
    assert Deframer(64).feed(bytes.fromhex("EE 00 00 00 FF FF 20")) == [Damaged()]
    one_bit = bytearray(IDENTIFY)
    one_bit[6] ^= 0x10
    assert Deframer().feed(bytes(one_bit)) == [Damaged()]


@given(st.binary(max_size=900), st.sampled_from([16, 64, 512]), st.booleans())
def test_a_message_is_its_packets_joined(message: bytes, size: int, toggle: bool) -> None:
    parts = split(message, size, toggle)
    assert b"".join(part.data for part in parts) == message
    assert [part.sequence for part in parts] == list(range(len(parts)))[::-1]
    assert all(len(part.encode()) <= size for part in parts)
    assert all(part.multiple == (len(parts) > 1) for part in parts)
    assert [part.toggle for part in parts] == [toggle ^ bool(n % 2) for n in range(len(parts))]
    assert [part.first for part in parts] == [n == 0 and len(parts) > 1 for n in range(len(parts))]
    assert size <= LONGEST
