"""Sign-on and readout of IEC 62056-21 with a fake clock: timing, echo, either baud, what each silence
means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, EchoOnly, Garbage, NoAnswer
from drivers.iec62056.identification import find_identification
from drivers.iec62056.messages import block_check
from drivers.iec62056.readout import parse_readout
from drivers.iec62056.sign_on import Action, Finished, Send, SetLine, SignOn, Wait, Wanted
from drivers.ports import hdlc_format, iec_format

IDENT = b"/LGZ5\\2E570C_IDIS\r\n"
ACK = b"\x06252\r\n"


def started(wanted: Wanted = Wanted.BEST, attempts: int = 2) -> SignOn:
    machine = SignOn(wanted=wanted, attempts=attempts)
    assert machine.start(0.0) == [SetLine(iec_format(300)), Send(b"/?!\r\n")]
    return machine


def test_the_rate_changes_right_after_the_acknowledgement_left() -> None:
    machine = started()
    assert machine.received(IDENT, 1.0) == [Wait(0.2), Send(ACK), SetLine(hdlc_format(9600))]


def test_a_meter_with_a_small_third_letter_is_answered_after_20_ms() -> None:
    assert started().received(b"/LGz5\\2E570C_IDIS\r\n", 1.0)[0] == Wait(0.02)


def test_the_confirmation_at_the_new_rate_ends_the_sign_on_at_once() -> None:
    machine = started()
    machine.received(IDENT, 1.0)
    with_parity = bytes(byte | (0x80 if bin(byte).count("1") % 2 else 0) for byte in ACK)
    assert machine.received(with_parity[:3], 1.3) == []
    (finished,) = machine.received(with_parity[3:], 1.31)
    assert isinstance(finished, Finished)
    assert finished.hdlc


def test_a_confirmation_at_the_old_rate_is_noise_and_accepted_when_it_is_over() -> None:
    machine = started()
    machine.received(IDENT, 1.0)
    assert machine.received(b"\x00\xf8", 1.3) == []
    assert machine.received(b"\x00", 1.36) == []
    assert machine.tick(1.40) == []
    (finished,) = machine.tick(machine.deadline)
    assert isinstance(finished, Finished)
    assert machine.deadline < 1.5


def test_a_meter_that_does_not_confirm_is_tried_all_the_same() -> None:
    machine = started()
    machine.received(IDENT, 1.0)
    assert machine.tick(2.4) == []
    assert isinstance(machine.tick(machine.deadline)[0], Finished)


def test_the_echo_of_the_request_is_removed_and_of_the_acknowledgement_expected() -> None:
    machine = started()
    machine.received(b"/?!\r\n", 0.2)
    assert Send(ACK) in machine.received(IDENT, 0.6)
    assert machine.received(ACK, 0.8) == []  # our own
    (finished,) = machine.received(ACK, 0.9)  # the meter's
    assert isinstance(finished, Finished)
    assert finished.echo


def _run_out(machine: SignOn) -> None:
    for _ in range(10):
        machine.tick(machine.deadline)


def test_silence_echo_and_noise_are_told_apart_after_the_last_attempt() -> None:
    with pytest.raises(NoAnswer):
        _run_out(started(attempts=2))
    machine = started(attempts=1)
    machine.received(b"/?!\r\n", 0.2)
    with pytest.raises(EchoOnly):
        _run_out(machine)
    machine = started(attempts=1)
    machine.received(b"\x55\x12", 0.2)
    with pytest.raises(Garbage):
        _run_out(machine)


def test_the_request_is_repeated_once_before_giving_up() -> None:
    machine = started(attempts=2)
    assert Send(b"/?!\r\n") in machine.tick(machine.deadline)


def test_a_mode_c_meter_is_asked_for_its_readout() -> None:
    machine = started()
    actions = machine.received(b"/ELS5EM1234\r\n", 1.0)
    assert actions[1:3] == [Send(b"\x06050\r\n"), SetLine(iec_format(9600))]
    assert isinstance(actions[3], Finished)
    assert not actions[3].hdlc


def test_a_mode_b_meter_needs_no_acknowledgement() -> None:
    actions = started().received(b"/ABCE123\r\n\x02rest", 1.0)
    assert actions[0] == SetLine(iec_format(9600))
    assert isinstance(actions[1], Finished)
    assert actions[1].rest == b"\x02rest"


def test_the_identification_tells_manufacturer_rate_escape_and_reaction() -> None:
    found = find_identification(b"\x00/LGz5\\2E570\r\n")
    assert found is not None
    identification, _ = found
    assert (identification.manufacturer, identification.baud, identification.mode) == ("LGZ", 9600, "E")
    assert identification.fast
    assert identification.text == "E570"


@given(st.lists(st.binary(max_size=40), max_size=12), st.sampled_from(list(Wanted)))
def test_no_input_ever_breaks_the_machine(pieces: list[bytes], wanted: Wanted) -> None:
    machine = SignOn(wanted=wanted)
    machine.start(0.0)
    now = 0.0
    try:
        for piece in pieces:
            now += 0.05
            actions: list[Action] = machine.received(piece, now)
            if any(isinstance(action, Finished) for action in actions):
                return
        while not any(isinstance(action, Finished) for action in machine.tick(machine.deadline)):
            assert machine.deadline < 60
    except DriverError:
        return


def _block(text: str) -> bytes:
    body = text.encode() + b"\x03"
    return b"\x02" + body + bytes([block_check(body)])


def test_a_readout_gives_code_value_unit_and_history_as_sent() -> None:
    sets = parse_readout(
        _block("0.0.0(12345678)\r\n1.8.1(001234.567*kWh)\r\n1.8.1*01(001200.000*kWh)\r\n"
               "1.6.1(0.123*kW)(26-11-03 10:15)\r\nF.F(00000000)\r\n!\r\n")
    )  # fmt: skip
    by_code = {one.address: one.as_reading() for one in sets}
    assert by_code["1.8.1"].value == "001234.567"
    assert by_code["1.8.1"].unit == "kWh"
    assert by_code["1.8.1*01"].value == "001200.000"
    assert by_code["1.6.1"].time == "2026-11-03T10:15:00"
    assert by_code["0.0.0"].value == "12345678"


def test_a_wrong_block_check_is_no_reading() -> None:
    block = bytearray(_block("1.8.1(001234.567*kWh)\r\n!\r\n"))
    block[9] ^= 1
    with pytest.raises(Garbage):
        parse_readout(bytes(block))


@given(st.binary(max_size=300))
def test_readout_bytes_raise_only_our_own_errors(data: bytes) -> None:
    try:
        parse_readout(data)
    except DriverError:
        return
