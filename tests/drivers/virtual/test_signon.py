"""IEC 62056-21 from the meter's side: sign-on, mode E, mode C, and what must not be answered."""

from __future__ import annotations

import pytest

from drivers.virtual import secrets
from drivers.virtual.meter import Meter, Output
from drivers.virtual.programming import block_check
from drivers.virtual.uart import SIGN_ON, Framing
from tests.drivers.virtual.peer import make_meter
from tests.drivers.virtual.primary import Primary

SNRM = bytes.fromhex("7EA0070321930F017E")


def send(meter: Meter, *messages: bytes) -> list[Output]:
    outputs: list[Output] = []
    for message in messages:
        outputs = meter.receive(message, 0.0)
    return outputs


@pytest.mark.parametrize(
    "request_",
    [b"/?!\r\n", b"/?ZIV0040123456!\r\n", b"/?00ZIV0040123456!\r\n", b"\x00\x00/?!\r\n", b"/?000!\r\n"],
)
def test_the_meter_answers_to_nobody_and_to_its_own_address(request_: bytes) -> None:
    (output,) = send(make_meter(), request_)
    assert output == Output(b"/ZIv5\\25CTD-E2F\r\n", SIGN_ON)


@pytest.mark.parametrize("request_", [b"/?ZIV0040123457!\r\n", b"/?!\r", b"?!\r\n", b"/!\r\n"])
def test_the_meter_is_silent_to_others_and_to_fragments(request_: bytes) -> None:
    assert send(make_meter(), request_) == []


def test_a_slow_meter_says_so_with_a_capital_letter() -> None:
    """Third letter in lower case: reaction time of 20 ms is possible; else 200 ms at least."""
    assert send(make_meter(reaction=0.2), b"/?!\r\n")[0].octets.startswith(b"/ZIV5")


def test_octets_may_come_one_by_one() -> None:
    outputs = (
        [output for octet in b"/?!\r\n" for output in send(meter_one, bytes([octet]))]
        if (meter_one := make_meter())
        else []
    )
    assert len(outputs) == 1


@pytest.mark.parametrize(("rate", "baud"), [("5", 9600), ("4", 4800), ("0", 300)])
def test_mode_e_confirms_at_the_new_rate_with_7e1_and_goes_on_at_8n1(rate: str, baud: int) -> None:
    meter = make_meter()
    message = f"\x062{rate}2\r\n".encode()
    (confirmation,) = send(meter, b"/?!\r\n", message)
    assert confirmation == Output(message, Framing(baud, 7, "E"))
    (answer,) = send(meter, SNRM)
    assert answer.framing == Framing(baud)
    assert meter.framings == (Framing(baud),)


def test_a_rate_above_the_one_offered_is_not_taken() -> None:
    meter = make_meter(baud=4800)
    assert send(meter, b"/?!\r\n")[0].octets[4:5] == b"4"
    assert send(meter, b"\x06252\r\n") == []


def test_mode_c_sends_the_data_block_with_its_check() -> None:
    meter = make_meter()
    (output,) = send(meter, b"/?!\r\n", b"\x06050\r\n")
    assert output.framing == Framing(9600, 7, "E")
    assert output.octets[0] == 0x02
    assert output.octets[-5:-1] == b"!\r\n\x03"
    assert output.octets[-1] == block_check(output.octets[1:-1])
    lines = output.octets[1:-5].decode().split("\r\n")
    assert "0.0.0(ZIV0040123456)" in lines
    total = next(line for line in lines if line.startswith("1.8.0("))
    assert total == f"1.8.0({meter.device.energies_wh(1, 0) / 1000:010.3f}*kWh)"
    assert any(line.startswith("1.8.0*01(") for line in lines)
    assert meter.framings[0] == SIGN_ON, "and it waits for the next sign-on"


def test_block_check_of_the_standard_excludes_stx() -> None:
    assert block_check(b"\x03") == 0x03
    assert block_check(b"AB\x03") == 0x41 ^ 0x42 ^ 0x03


def test_a_sign_on_that_is_not_finished_is_forgotten() -> None:
    meter = make_meter()
    send(meter, b"/?!\r\n")
    assert meter.framings == (SIGN_ON,)
    meter.tick(4.0)
    assert Framing(9600) in meter.framings
    assert meter.receive(b"\x06252\r\n", 4.0) == []


def test_signing_on_again_without_an_acknowledge() -> None:
    meter = make_meter()
    assert len(send(meter, b"/?!\r\n", b"/?!\r\n")) == 1


def test_hdlc_starts_without_sign_on_too() -> None:
    (answer,) = send(make_meter(), SNRM)
    assert answer.framing == Framing(9600)


def test_after_disc_the_meter_hears_a_sign_on_again() -> None:
    meter = make_meter()
    send(meter, b"/?!\r\n", b"\x06242\r\n", SNRM)
    send(meter, bytes.fromhex("7EA0070321530 3C77E".replace(" ", "")))
    assert meter.framings[:2] == (Framing(4800), SIGN_ON)
    assert send(meter, b"/?!\r\n")[0].octets.startswith(b"/ZIv")


def test_a_lifted_probe_ends_the_session() -> None:
    """The next crew member puts the probe on: neither link nor association is left from before."""
    peer = Primary(make_meter())
    peer.snrm()
    peer.meter.unplug()
    assert send(peer.meter, b"/?!\r\n")[0].octets.startswith(b"/ZIv")


# -- programming mode --


def command(text: str, data: str) -> bytes:
    body = text.encode() + b"\x02" + data.encode() + b"\x03"
    return b"\x01" + body + bytes([block_check(body)])


def programming(meter: Meter) -> Output:
    (greeting,) = send(meter, b"/?!\r\n", b"\x06051\r\n")
    return greeting


def test_programming_mode_reads_a_register_after_the_password() -> None:
    meter = make_meter()
    assert programming(meter) == Output(command("P0", "(ZIV0040123456)"), Framing(9600, 7, "E"))
    assert meter.framings == (Framing(9600, 7, "E"),)
    (refused,) = send(meter, command("R1", "1.8.0()"))
    assert refused.octets.startswith(b"\x02(ER")
    password = secrets.derive(meter.device.serial)["password"]
    assert send(meter, command("P1", f"({password})"))[0].octets == b"\x06"
    (value,) = send(meter, command("R1", "1.8.0()"))
    assert value.octets[1:-2].decode() == f"({meter.device.energies_wh(1, 0) / 1000:010.3f}*kWh)"
    assert value.octets[-1] == block_check(value.octets[1:-1])
    assert send(meter, command("W1", "1.8.0(0)"))[0].octets.startswith(b"\x02(ER")
    assert send(meter, command("R5", "9.9.9()"))[0].octets.startswith(b"\x02(ER")
    assert send(meter, b"\x01B0\x03q") == []
    assert meter.framings[0] == SIGN_ON


def test_a_broken_message_is_answered_with_nak() -> None:
    meter = make_meter()
    programming(meter)
    broken = bytearray(command("R1", "1.8.0()"))
    broken[-1] ^= 1
    assert send(meter, bytes(broken))[0].octets == b"\x15"


def test_wrong_passwords_of_programming_mode_lock_the_meter_too() -> None:
    meter = make_meter()
    for _ in range(3):
        programming(meter)
        (ended,) = send(meter, command("P1", "(00000000)"))
        assert ended.octets == b"\x01B0\x03q"
    programming(meter)
    assert (
        send(meter, command("P1", f"({secrets.derive(meter.device.serial)['password']})"))[0].octets[1:3]
        == b"B0"
    )
    assert meter.device.security.locked(0.0)
