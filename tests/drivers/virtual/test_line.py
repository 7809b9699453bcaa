"""The line with a clock that the test moves: time on the wire, reaction, echo, noise, cuts."""

from __future__ import annotations

import pytest

from drivers.virtual.faults import LineCut, PowerLoss, WriteFaults
from drivers.virtual.line import Line, LineOptions
from drivers.virtual.uart import SIGN_ON, Framing
from tests.drivers.virtual.peer import make_meter
from tests.drivers.virtual.primary import AARQ_PUBLIC, Manager

SNRM = bytes.fromhex("7EA0070321930F017E")
IDENTIFICATION = b"/ZIv5\\25CTD-E2F\r\n"


def run(line: Line, until: float = 1e9) -> list[tuple[float, bytes, Framing]]:
    """Lets time jump from deadline to deadline; gives what reached the client and when."""
    got = []
    while (due := line.due) is not None and due <= until:
        got += [(due, octets, framing) for octets, framing in line.poll(due)]
    return got


def make_line(**options: object) -> Line:
    return Line(make_meter(), LineOptions(**options))  # type: ignore[arg-type]


def test_a_paced_sign_on_takes_what_the_standard_says() -> None:
    """5 characters there, the reaction time, 17 back, 10 bits each at 300 baud."""
    line = make_line(paced=True, reaction=0.05)
    line.send(b"/?!\r\n", SIGN_ON, 10.0)
    got = run(line)
    assert b"".join(octets for _, octets, _ in got) == IDENTIFICATION
    assert got[-1][0] - 10.0 == pytest.approx((5 + 17) * 10 / 300 + 0.05, abs=1e-9)
    assert got[0][0] - 10.0 >= 5 * 10 / 300 + 0.05 + 10 / 300


def test_a_paced_frame_at_9600() -> None:
    line = make_line(paced=True, reaction=0.02)
    line.send(SNRM, None, 0.0)
    got = run(line)
    answer = b"".join(octets for _, octets, _ in got)
    assert got[-1][0] == pytest.approx((len(SNRM) + len(answer)) * 10 / 9600 + 0.02, abs=1e-9)


def test_errors_do_not_add_up_however_the_client_sends() -> None:
    """Characters handed over one by one, faster than the wire, take the same time as at once."""
    together, apart = make_line(paced=True), make_line(paced=True)
    together.send(b"/?!\r\n", SIGN_ON, 0.0)
    for index, octet in enumerate(b"/?!\r\n"):
        apart.send(bytes([octet]), SIGN_ON, index * 0.001)
    assert run(together)[-1][0] == pytest.approx(run(apart)[-1][0])


def test_characters_reach_the_client_while_the_text_is_still_on_the_wire() -> None:
    line = make_line(paced=True)
    line.send(b"/?!\r\n", SIGN_ON, 0.0)
    got = run(line)
    assert len(got) == len(IDENTIFICATION), "at 300 baud each character comes by itself"


def test_unpaced_only_the_reaction_time_is_left() -> None:
    line = make_line(reaction=0.2)
    line.send(b"/?!\r\n", None, 0.0)
    assert [(at, octets) for at, octets, _ in run(line)] == [(0.2, IDENTIFICATION)]


def test_the_echo_comes_before_the_answer() -> None:
    line = make_line(echo=True, paced=True)
    line.send(b"/?!\r\n", SIGN_ON, 0.0)
    got = run(line)
    assert b"".join(octets for _, octets, _ in got) == b"/?!\r\n" + IDENTIFICATION
    assert got[4][0] == pytest.approx(5 * 10 / 300), "the echo is as old as the character"


@pytest.mark.parametrize("framing", [Framing(4800), Framing(300), Framing(9600, 7, "E")])
def test_a_client_with_wrong_settings_gets_no_answer(framing: Framing) -> None:
    line = make_line()
    line.send(b"/?!\r\n", framing, 0.0)
    assert run(line) == []


def test_noise_is_drawn_from_the_seed_and_has_the_rate_asked_for() -> None:
    def once(seed: int) -> bytes:
        line = make_line(ber=0.02, seed=seed, echo=True)
        line.send(bytes(4000), None, 0.0)
        return b"".join(octets for _, octets, _ in run(line))

    line = Line(make_meter(), LineOptions(ber=0.02, seed=3))
    noisy = line._noise(bytes(10_000))
    flipped = sum(octet.bit_count() for octet in noisy)
    assert 1400 < flipped < 1800
    again = Line(make_meter(), LineOptions(ber=0.02, seed=3))._noise(bytes(10_000))
    assert again == noisy
    assert once(1) == once(1)


def test_a_cut_after_so_many_characters_and_only_once() -> None:
    line = make_line(cut_after=12, cut_once=True)
    line.send(b"/?!\r\n", None, 0.0)
    line.poll(0.0)
    assert b"".join(octets for octets, _ in line.poll(0.02)) == IDENTIFICATION[:7]
    with pytest.raises(LineCut):
        line.poll(1.0)
    line.disconnect()
    line.send(b"/?!\r\n", None, 2.0)
    assert b"".join(octets for _, octets, _ in run(line)) == IDENTIFICATION


def test_without_once_every_connection_is_cut() -> None:
    line = make_line(cut_frame=1)
    for start in (0.0, 10.0):
        line.connect()
        line.send(b"/?!\r\n", None, start)
        with pytest.raises(LineCut):
            run(line)
        line.disconnect()


# -- faults around a write --

THRESHOLD = bytes.fromhex("0047 0000110000FF 04")
DURATION = bytes.fromhex("0047 0000110000FF 06")
TWO_WRITES = (
    b"\xc1\x04\xc1\x02"
    + THRESHOLD
    + b"\x00"
    + DURATION
    + b"\x00\x02"
    + bytes.fromhex("0500000BB8 0600000021")
)


def thresholds(peer: Manager) -> tuple[int, int]:
    read = [peer.request(b"\xc0\x01\xc1" + target + b"\x00") for target in (THRESHOLD, DURATION)]
    return int.from_bytes(read[0][5:], "big"), int.from_bytes(read[1][5:], "big")


def test_power_fails_in_the_middle_of_a_write() -> None:
    """What was written before stays, what comes after is not there; the meter begins at 300 baud again."""
    meter = make_meter(faults=WriteFaults(power_loss=2))
    peer = Manager(meter).open()
    with pytest.raises(PowerLoss):
        peer.request(TWO_WRITES)
    meter.power_up()
    assert meter.framings[0] == SIGN_ON
    peer = Manager(meter, peer.counter + 10).open()
    assert thresholds(peer) == (3000, 120)
    assert peer.request(TWO_WRITES)[-2:] == b"\x00\x00", "it happens once"
    assert thresholds(peer) == (3000, 33)


def test_a_cut_before_the_value_is_taken_over() -> None:
    meter = make_meter(faults=WriteFaults(cut_before=1))
    peer = Manager(meter).open()
    with pytest.raises(LineCut):
        peer.request(TWO_WRITES)
    meter.unplug()
    assert thresholds(Manager(meter, peer.counter + 10).open()) == (5750, 120)


def test_a_cut_after_the_value_was_taken_over_loses_the_answer_only() -> None:
    meter = make_meter(faults=WriteFaults(cut_after=2))
    peer = Manager(meter).open()
    with pytest.raises(LineCut):
        peer.request(TWO_WRITES)
    meter.unplug()
    assert thresholds(Manager(meter, peer.counter + 10).open()) == (3000, 33)


def test_an_association_over_a_paced_line_follows_the_model() -> None:
    """T = 10·(tx+rx)/baud + requests·Ta, the physical limit that the benchmarks measure against."""
    from drivers.virtual.dlms.hdlc import Address, Control, Frame, Kind

    line = make_line(paced=True, reaction=0.05)
    request = Frame(
        Address(1), Address(16), Control(Kind.I, True).encode(), b"\xe6\xe6\x00" + AARQ_PUBLIC
    ).encode()
    now, octets = 0.0, 0
    for frame in (SNRM, request):
        line.send(frame, None, now)
        got = run(line)
        octets += len(frame) + sum(len(part) for _, part, _ in got)
        now = got[-1][0]
    assert now == pytest.approx(octets * 10 / 9600 + 2 * 0.05, abs=1e-6)
