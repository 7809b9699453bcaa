"""The client's data link against what a line does to it: loss, damage, duplicates, echo, silence."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ansi.client import PsemClient
from drivers.ansi.link import DataLink, Deliver, Send
from drivers.ansi.packet import ACK, NAK, Packet
from drivers.errors import DriverError, EchoOnly, Garbage, LinkLost, NoAnswer
from drivers.virtual.ansi.meter import AnsiMeter
from tests.drivers.ansi.bench import Wire, connected, device, lost, unchanged

ANSWER = Packet(b"\x00", toggle=True)
DAMAGED = b"\xee\x00\x20\x00\x00\x01\x00\x00\x00"


def _sent(actions: list[Send | Deliver]) -> list[bytes]:
    return [action.data for action in actions if isinstance(action, Send)]


def _delivered(actions: list[Send | Deliver]) -> list[bytes]:
    return [action.message for action in actions if isinstance(action, Deliver)]


def test_a_request_is_acknowledged_answered_and_the_answer_acknowledged() -> None:
    link = DataLink()
    assert _sent(link.request(b"\x20", 0.0)) == [Packet(b"\x20").encode()]
    assert link.received(bytes([ACK]), 0.1) == []
    done = link.received(ANSWER.encode(), 0.2)
    assert _sent(done) == [bytes([ACK])]
    assert _delivered(done) == [b"\x00"]


def test_the_toggle_changes_with_each_packet_and_stays_when_one_is_sent_again() -> None:
    link = DataLink()
    first = _sent(link.request(b"\x20", 0.0))[0]
    assert _sent(link.received(bytes([NAK]), 0.1)) == [first]
    link.received(bytes([ACK]) + ANSWER.encode(), 0.2)
    second = _sent(link.request(b"\x20", 1.0))[0]
    assert second[2] == first[2] ^ 0x20
    assert _sent(link.tick(link.deadline)) == [second]


def test_a_duplicate_is_acknowledged_and_dropped() -> None:
    """Our acknowledgement was lost, so the meter sends its answer again, into our next request."""
    link = DataLink()
    link.request(b"\x20", 0.0)
    link.received(bytes([ACK]) + ANSWER.encode(), 0.1)
    link.request(b"\x21", 0.2)
    again = link.received(ANSWER.encode(), 0.3)
    assert (_sent(again), _delivered(again)) == ([bytes([ACK])], [])
    fresh = link.received(bytes([ACK]) + Packet(b"\x00", toggle=False).encode(), 0.4)
    assert _delivered(fresh) == [b"\x00"]


def test_a_meter_that_never_toggles_is_understood_once_it_has_shown_that() -> None:
    """Logon and password are both answered by a bare *ok*: the same packet twice, if the toggle stands."""
    link = DataLink()
    for request, answer in ((b"\x20", b"\x00\x00\x01"), (b"\x50", b"\x00"), (b"\x51", b"\x00")):
        link.request(request, 0.0)
        assert _delivered(link.received(bytes([ACK]) + Packet(answer).encode(), 0.1)) == [answer]


def test_after_three_more_tries_it_gives_up_and_says_what_it_heard() -> None:
    link = DataLink()
    tries = len(_sent(link.request(b"\x20", 0.0)))
    for _ in range(3):
        tries += len(_sent(link.tick(link.deadline)))
    assert tries == 4
    with pytest.raises(NoAnswer):
        link.tick(link.deadline)


def test_a_password_is_not_sent_again_after_silence() -> None:
    link = DataLink()
    link.request(b"\x51" + bytes(20), 0.0, once=True)
    with pytest.raises(DriverError):
        link.tick(link.deadline)


def test_a_head_that_only_echoes_is_told_from_silence() -> None:
    link = DataLink()
    sent = _sent(link.request(b"\x20", 0.0))
    for _ in range(3):
        assert link.received(sent[0], link.deadline - 0.5) == []
        sent = _sent(link.tick(link.deadline))
    with pytest.raises(EchoOnly):
        link.tick(link.deadline)


def test_a_damaged_answer_is_asked_for_again_when_the_line_is_quiet() -> None:
    link = DataLink()
    link.request(b"\x20", 0.0)
    bad = bytearray(ANSWER.encode())
    bad[6] ^= 1
    assert _sent(link.received(bytes([ACK]) + bytes(bad), 0.1)) == []
    assert _sent(link.tick(link.deadline)) == [bytes([NAK])]
    assert _delivered(link.received(ANSWER.encode(), 0.5)) == [b"\x00"]


def test_a_later_packet_without_the_first_is_garbage() -> None:
    link = DataLink()
    link.request(b"\x20", 0.0)
    with pytest.raises(Garbage):
        link.received(bytes([ACK]) + Packet(b"x", multiple=True, sequence=3).encode(), 0.1)


@given(st.lists(st.tuples(st.binary(max_size=40), st.floats(0, 3)), max_size=12))
def test_whatever_comes_only_own_errors_leave_and_it_ends(chunks: list[tuple[bytes, float]]) -> None:
    link, now = DataLink(), 0.0
    link.request(b"\x20", now)
    try:
        for data, pause in chunks:
            now += pause
            link.received(data, now)
            link.tick(now)
        for _ in range(50):
            now = max(now, link.deadline)
            link.tick(now)
    except DriverError:
        return
    assert link._state == "idle"


def test_echo_is_learnt_and_does_not_disturb() -> None:
    client, wire = connected(echo=True)
    plain, _ = connected()
    assert client.read(23) == plain.read(23)
    assert wire.echo


@pytest.mark.parametrize("victim", range(1, 12))
@pytest.mark.parametrize("towards_meter", [True, False])
def test_any_one_lost_transmission_is_mended(victim: int, towards_meter: bool) -> None:
    client, wire = connected()
    seen = 0

    def drop(octets: bytes) -> bytes:
        nonlocal seen
        seen += 1
        return b"" if seen == victim else octets

    if towards_meter:
        wire.to_meter = drop
    else:
        wire.to_client = drop
    first = client.read(1)
    wire.to_meter = wire.to_client = unchanged
    assert first == client.read(1)


@pytest.mark.parametrize("seed", range(12))
def test_bit_errors_never_give_a_wrong_value(seed: int) -> None:
    draw = random.Random(seed)
    client, wire = connected(packet_size=64)
    right = client.read(0), client.read(23)

    def noisy(octets: bytes) -> bytes:
        return bytes(o ^ sum(1 << b for b in range(8) if draw.random() < 1e-3) for o in octets)

    wire.to_meter = wire.to_client = noisy
    with suppress(DriverError):
        assert (client.read(0), client.read(23)) == right


def test_a_line_that_dies_is_link_lost() -> None:
    client, wire = connected()
    wire.to_client = lost
    with pytest.raises(LinkLost):
        client.read(0)


def test_nobody_there_is_no_answer() -> None:
    wire = Wire(AnsiMeter(device(), 9600))
    wire.to_meter = lost
    with pytest.raises(NoAnswer):
        PsemClient(wire).identify()


def _answered(link: DataLink, echo: bytes) -> list[bytes]:
    """The answer to a request whose echo came back as `echo`."""
    link.received(echo + bytes([ACK]), 0.1)
    return _delivered(link.received(ANSWER.encode(), 0.2))


def test_an_echo_with_a_wrong_bit_is_still_an_echo() -> None:
    """It was taken for a head without echo, and its echo for the meter, for the whole session."""
    link = DataLink()
    sent = bytearray(_sent(link.request(b"\x20", 0.0))[0])
    sent[4] ^= 0x10
    assert _answered(link, bytes(sent)) == [b"\x00"]
    assert link.echo is True


def test_an_echo_behind_what_the_meter_said_meanwhile_is_no_answer() -> None:
    """A meter still in the last session repeated its answer; then our own request was taken for the new one:
    "unknown response code 20", and no visit could settle what was open."""
    link = DataLink()
    sent = _sent(link.request(b"\x20", 0.0))[0]
    assert _delivered(link.received(b"\x15" + sent, 0.1)) == []
    assert link.echo is True
    assert _answered(link, b"") == [b"\x00"]


def test_the_echo_of_a_try_that_was_lost_is_not_waited_for() -> None:
    link = DataLink()
    link.request(b"\x20", 0.0)
    again = _sent(link.tick(link.deadline))[0]
    assert _answered(link, again) == [b"\x00"]
    assert link.echo is True


def test_damage_on_a_line_that_worked_is_a_bad_line_not_garbage() -> None:
    link = DataLink()
    link.request(b"\x20", 0.0)
    assert _answered(link, b"") == [b"\x00"]
    link.request(b"\x21", 1.0)
    link.received(bytes([ACK]), 1.1)
    for second in range(2, 5):
        link.received(DAMAGED, float(second))
        assert _sent(link.tick(second + 0.5)) == [bytes([NAK])]
    link.received(DAMAGED, 5.0)
    with pytest.raises(LinkLost):
        link.tick(5.5)
