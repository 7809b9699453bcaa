"""The secondary station: negotiation, segmentation, windows, recovery, refusals, time-out."""

from __future__ import annotations

import pytest

from drivers.virtual.dlms.hdlc import Address, Control, Kind, decode_control
from tests.drivers.virtual.peer import make_meter
from tests.drivers.virtual.primary import AARQ_PUBLIC, Primary

GET_OBJECT_LIST = bytes.fromhex("C001C1000F0000280000FF0200")


def kinds(frames: list) -> list[Kind]:  # type: ignore[type-arg]
    return [control.kind for f in frames if (control := decode_control(f.control)) is not None]


@pytest.mark.parametrize(
    ("proposal", "agreed"),
    [
        ((2030, 2030, 7, 7), (2030, 2030, 7, 7)),
        ((128, 512, 1, 3), (512, 128, 3, 1)),  # their transmit is our receive, and the other way round
        ((4000, 4000, 7, 7), (2030, 2030, 7, 7)),
    ],
)
def test_sizes_are_the_smaller_of_both_sides(proposal: tuple[int, ...], agreed: tuple[int, ...]) -> None:
    answer = Primary(make_meter()).snrm(*proposal)
    assert kinds([answer]) == [Kind.UA]
    fields = answer.information[3:]
    found, at = {}, 0
    while at < len(fields):
        found[fields[at]] = int.from_bytes(fields[at + 2 : at + 2 + fields[at + 1]], "big")
        at += 2 + fields[at + 1]
    assert (found[5], found[6], found[7], found[8]) == agreed


def test_without_parameters_the_defaults_of_the_standard_hold() -> None:
    answer = Primary(make_meter()).snrm()
    assert answer.information == bytes.fromhex("8180120501800601800704000000010804 00000001".replace(" ", ""))


@pytest.mark.parametrize(("information", "window"), [(64, 1), (128, 7), (128, 3), (2030, 1)])
def test_a_long_answer_comes_in_segments_and_windows(information: int, window: int) -> None:
    """No frame is longer than agreed, no more of them than the window without a poll, the sum is the same."""
    whole = Primary(make_meter())
    whole.snrm(2030, 2030, 1, 1)
    whole.apdu(AARQ_PUBLIC)
    expected = whole.apdu(GET_OBJECT_LIST)
    peer = Primary(make_meter())
    peer.snrm(information, information, window, window)
    peer.apdu(AARQ_PUBLIC)
    answers = peer.frame(Control(Kind.I, True, peer.send, peer.receive), b"\xe6\xe6\x00" + GET_OBJECT_LIST)
    assert len(answers) <= window
    assert all(len(frame.information) <= information for frame in answers)
    polls = [control.poll for f in answers if (control := decode_control(f.control))]
    assert polls == [False] * (len(answers) - 1) + [True]
    peer.send = (peer.send + 1) % 8
    assert peer.collect(answers) == expected


def test_a_request_in_segments_is_put_together() -> None:
    peer = Primary(make_meter())
    peer.snrm(32, 2030, 1, 1)
    peer.information = 20
    assert peer.apdu(AARQ_PUBLIC)[0] == 0x61


def test_a_lost_answer_is_repeated_when_the_request_comes_again() -> None:
    """The answer got lost, so the client sends the same frame again: same answer, carried out once."""
    peer = Primary(make_meter())
    peer.snrm(128, 128, 1, 1)
    request = Control(Kind.I, True, 0, 0)
    first = peer.frame(request, b"\xe6\xe6\x00" + AARQ_PUBLIC)
    assert peer.frame(request, b"\xe6\xe6\x00" + AARQ_PUBLIC) == first


def test_a_poll_with_rr_repeats_what_was_not_acknowledged() -> None:
    peer = Primary(make_meter())
    peer.snrm(128, 64, 7, 3)
    peer.apdu(AARQ_PUBLIC)
    first = peer.frame(Control(Kind.I, True, peer.send, peer.receive), b"\xe6\xe6\x00" + GET_OBJECT_LIST)
    again = peer.frame(Control(Kind.RR, True, receive=(peer.receive + 1) % 8))
    assert [f.information for f in again[:2]] == [f.information for f in first[1:3]]


def test_rr_without_anything_to_send_is_answered_with_rr() -> None:
    peer = Primary(make_meter())
    peer.snrm()
    assert kinds(peer.frame(Control(Kind.RR, True, receive=0))) == [Kind.RR]


def test_not_connected_means_dm() -> None:
    peer = Primary(make_meter())
    assert kinds(peer.frame(Control(Kind.I, True), b"\xe6\xe6\x00\xc0")) == [Kind.DM]
    assert kinds(peer.frame(Control(Kind.DISC, True))) == [Kind.DM]
    peer.snrm()
    assert kinds(peer.frame(Control(Kind.DISC, True))) == [Kind.UA]
    assert kinds(peer.frame(Control(Kind.RR, True))) == [Kind.DM]


def test_frame_reject_says_why() -> None:
    peer = Primary(make_meter())
    peer.snrm()
    (frame,) = peer.frame(Control(Kind.I, True), bytes(200))  # longer than the 128 agreed
    assert kinds([frame]) == [Kind.FRMR]
    assert frame.information == bytes([0x10, 0x00, 0x04])
    assert peer.frame(Control(Kind.RR, True)) == [frame], "until SNRM or DISC nothing else is served"
    peer.snrm()
    (frame,) = peer.frame(Control(Kind.RR, True, receive=5))  # acknowledges what was never sent
    assert frame.information[2] == 0x08


@pytest.mark.parametrize(
    ("address", "answered"),
    [
        (Address(1), True),
        (Address(1, 17, 2), True),
        (Address(1, 17, 4), True),
        (Address(1, 0x7E, 2), True),  # calling device
        (Address(1, 18, 2), False),
        (Address(2, 17, 2), False),
        (Address(0x7F, 0x7F, 2), False),  # all stations: nobody answers
    ],
)
def test_only_frames_for_this_station_are_answered(address: Address, answered: bool) -> None:
    peer = Primary(make_meter(), server=address)
    frames = peer.frame(Control(Kind.SNRM, True))
    assert bool(frames) is answered
    if answered:
        assert frames[0].source == address
        assert frames[0].destination == Address(16)


def test_silence_ends_the_connection() -> None:
    peer = Primary(make_meter(inactivity=120.0))
    peer.snrm()
    peer.meter.tick(peer.now + 119)
    assert kinds(peer.frame(Control(Kind.RR, True))) == [Kind.RR]
    peer.meter.tick(peer.now + 121)
    assert kinds(peer.frame(Control(Kind.RR, True))) == [Kind.DM]


def test_two_clients_have_connections_of_their_own() -> None:
    meter = make_meter()
    first, second = Primary(meter, 16), Primary(meter, 2)
    first.snrm()
    second.snrm()
    assert first.apdu(AARQ_PUBLIC)[0] == 0x61
    assert kinds(second.frame(Control(Kind.DISC, True))) == [Kind.UA]
    assert first.apdu(GET_OBJECT_LIST)[0] == 0xC4
