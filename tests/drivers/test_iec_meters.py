"""Old meters, modes A to D, and their programming mode: against the virtual ones, without a process or real
time, and through a session."""

# ruff: noqa: DTZ001 - times of a meter that tells no zone

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import errors
from drivers.changes import ChangeState
from drivers.connection import Connection, Mode
from drivers.iec62056.identification import find_identification
from drivers.iec62056.messages import Answer, Kind, block_check, command, take_answer
from drivers.iec62056.options import IecProfile, Programming
from drivers.iec62056.profile import parse_profile
from drivers.iec62056.programming import ProgrammingLink
from drivers.iec62056.readout import closing_times, data_sets_of, is_code, parse_address, parse_readout
from drivers.iec62056.runner import call_back, hear_push, read_out, sign_on
from drivers.iec62056.sign_on import Finished, Wanted
from drivers.iec62056.times import MeterTime, parse_time
from drivers.models import load_models
from drivers.ports import LineFormat, iec_format
from drivers.program_check import check_program
from drivers.programs import load_program
from drivers.session.client import OpticalSession
from drivers.session.iec_jobs import means
from drivers.virtual.legacy.device import LEGACY_MODELS, LegacyDevice, LegacySettings
from drivers.virtual.legacy.meter import LegacyMeter
from drivers.virtual.meter import Output
from drivers.virtual.secrets import derive
from drivers.virtual.uart import Framing
from tests.drivers.field import MODELS, Host, session, virtual_meter

PROGRAMS = MODELS.parent / "programs"
NOW = 1_795_500_000.0
OPTIONS = Programming()
Change = Callable[[bytes], bytes]


class Wire:
    """A line to an old meter on a clock of its own. What is sent at another rate than the meter's is lost;
    ``to_client`` and ``to_echo`` may damage what comes back, ``instead`` answers in the meter's place."""

    def __init__(self, meter: LegacyMeter, *, echo: bool = False) -> None:
        self.meter, self.echo = meter, echo
        self.has_line = True
        self.sent: list[bytes] = []
        self.to_client: Change = bytes
        self.to_echo: Change = bytes
        self.late = b""
        self.instead: bytes | None = None
        self._clock, self._line = 0.0, iec_format(300)
        self._pending: list[Output] = []
        self._echoed = b""

    def now(self) -> float:
        return self._clock

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self._clock += len(data) * self._line.character_seconds
        self._echoed += self.to_echo(data) if self.echo else b""
        if self.instead is not None:
            self._pending += [Output(self.instead, self._framing)] if self.instead else []
        elif self._framing in self.meter.framings:
            self._pending += self.meter.receive(data, self._clock, self._framing)

    @property
    def _framing(self) -> Framing:
        return Framing(self._line.baud, self._line.data_bits, self._line.parity)

    def read(self, deadline: float) -> bytes:
        if self.late:
            data, self.late = self.late, b""
            return data
        if self._echoed:
            data, self._echoed = self._echoed, b""
            return data
        while not self._pending and self._clock < deadline:
            self._clock = min(deadline, self._clock + 0.25)
            self._pending += self.meter.tick(self._clock)
        if not self._pending:
            return b""
        output = self._pending.pop(0)
        assert output.framing == self._framing, "read at the wrong rate"
        return self.to_client(output.octets)

    def set_line(self, line: LineFormat) -> None:
        self._line = line

    def drain(self) -> None:
        """Everything is sent at once here."""

    def pause(self, seconds: float) -> None:
        self._clock += seconds


def meter(model: str = "iec-c-legacy", **settings: float) -> LegacyMeter:
    wanted = LegacySettings(serial=LEGACY_MODELS[model].serial, days=2, import_kwh=4321, **settings)  # type: ignore[arg-type]
    return LegacyMeter(LegacyDevice(LEGACY_MODELS[model], wanted, lambda: NOW), 9600)


def password(built: LegacyMeter) -> bytes:
    return derive(built.device.serial)["password"].encode()


def linked(wire: Wire, *, unlocked: bool = True) -> ProgrammingLink:
    link = ProgrammingLink(wire, sign_on(wire, wanted=Wanted.PROGRAMMING), OPTIONS, 60)
    link.begin()
    if unlocked:
        link.unlock(password(wire.meter))
    return link


# -- the identification line --


@pytest.mark.parametrize(
    ("line", "mode", "baud", "accepted"),
    [
        (b"/KAM 162C\r\n", "A", 300, "0"),
        (b"/ACEC2000\r\n", "B", 2400, "0"),
        (b"/ELS5EM1\r\n", "C", 9600, "5"),
        (b"/XYZ9new\r\n", "C", 300, "0"),  # reserved: stay at 300
        (b"/LGZ5\\2E5\r\n", "E", 9600, "5"),
        (b"/LGZ4\\@\\2E5\r\n", "E", 4800, "4"),
    ],
)
def test_the_line_tells_the_mode_and_the_rate(line: bytes, mode: str, baud: int, accepted: str) -> None:
    found = find_identification(line)
    assert found is not None
    assert (found[0].mode, found[0].baud, found[0].accepted_identifier) == (mode, baud, accepted)
    assert f"mode {mode}" in found[0].described


# -- readouts --


@pytest.mark.parametrize("model", ["iec-a-legacy", "iec-b-legacy", "iec-c-legacy"])
@pytest.mark.parametrize("echo", [False, True])
def test_modes_a_b_and_c_are_read_out_at_their_own_rates(model: str, echo: bool) -> None:
    wire = Wire(meter(model), echo=echo)
    signed = sign_on(wire, wanted=Wanted.READOUT)
    by_code = {found.address: found.values for found in read_out(wire, signed)}
    assert by_code["0.0.0"][0][0] == wire.meter.device.serial
    value, unit = by_code["1.8.0"][0]
    assert unit == "kWh"
    assert abs(Decimal(value) - Decimal(wire.meter.device.energies.wh(1, 0)) / 1000) < 1


def test_a_mode_d_meter_is_heard_when_its_button_is_pressed() -> None:
    wire = Wire(meter("iec-d-legacy", button=5.0))
    found, data_sets = hear_push(wire, iec_format(2400), 60.0)
    assert (found.manufacturer, wire.sent) == ("ISK", [])
    assert any(one.address == "1.8.0" for one in data_sets)


def test_a_button_that_nobody_presses_is_told() -> None:
    wire = Wire(meter("iec-d-legacy", button=500.0))
    with pytest.raises(errors.NoAnswer) as told:
        hear_push(wire, iec_format(2400), 20.0)
    assert "button" in told.value.hint


def test_several_sets_in_a_line_and_values_over_several_lines_are_taken_apart() -> None:
    found = data_sets_of("32.7.0(220.1*V)52.7.0(221.0*V)\r\n1.6.1(0.5*kW)\r\n(26-11-03 10:15)\r\nP.01()\r\n")
    assert [one.address for one in found] == ["32.7.0", "52.7.0", "1.6.1", "P.01"]
    assert found[2].as_reading(zone_minutes=300).time == "2026-11-03T15:15:00Z"
    assert found[3].as_reading().status == "empty"


def test_a_closed_billing_period_gives_its_values_their_time() -> None:
    sets = data_sets_of("0.1.2*01(26-10-01 00:00)\r\n1.8.0*01(100,5*kWh)\r\n1.8.0(120.5)\r\n")
    closed = closing_times(sets)
    reading = sets[1].as_reading(zone_minutes=0, closed=closed["01"])
    assert (reading.value, reading.time) == ("100.5", "2026-10-01T00:00:00Z")
    assert sets[2].as_reading(unit="kWh").unit == "kWh"


@pytest.mark.parametrize(
    ("sent", "asked", "same"),
    [
        ("1.8.1", "1.8.1", True),
        ("1-0:1.8.1*255", "1.8.1", True),
        ("1.8.1", "3:1.0.1.8.1.255:2", True),
        ("1.8.1*01", "1.8.1", False),
        ("1-1:1.8.1", "3:1.0.1.8.1.255:2", False),
        ("1.8.1&01", "1.8.1*01", True),
        ("2-0:1.8.1", "1-0:1.8.1", False),
    ],
)
def test_an_address_means_what_it_says_and_no_other_period(sent: str, asked: str, same: bool) -> None:
    assert means(sent, asked) is same


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("26-11-03 10:15", MeterTime(datetime(2026, 11, 3, 10, 15))),
        ("26-11-03,10:15:30", MeterTime(datetime(2026, 11, 3, 10, 15, 30))),
        ("2026-11-03 10:15", MeterTime(datetime(2026, 11, 3, 10, 15))),
        ("2611031015", MeterTime(datetime(2026, 11, 3, 10, 15))),
        ("1260703101500", MeterTime(datetime(2026, 7, 3, 10, 15), 1)),
        ("26-13-03 10:15", None),
        ("001234.567", None),
        ("00123456", None),
    ],
)
def test_time_stamps_of_every_usual_form(text: str, time: MeterTime | None) -> None:
    assert parse_time(text) == time


def test_summer_time_is_an_hour_ahead() -> None:
    local = datetime(2026, 7, 3, 10, 15)
    assert MeterTime(local, 1).iso(-60) == "2026-07-03T08:15:00Z"
    assert MeterTime(local, 0).iso(-60) == "2026-07-03T09:15:00Z"
    assert MeterTime(local).iso(None) == "2026-07-03T10:15:00"


# -- programming mode --


@pytest.mark.parametrize("echo", [False, True])
def test_a_register_is_read_without_and_written_with_the_password(echo: bool) -> None:
    wire = Wire(meter(), echo=echo)
    link = linked(wire, unlocked=False)
    assert link.value("0.8.0") == "15"
    with pytest.raises(errors.MeterRefused) as refused:
        link.write("0.8.0", "30")
    assert refused.value.result == "ER05"
    link.unlock(password(wire.meter))
    link.write("0.8.0", "30")
    assert link.value("0.8.0") == "30"
    link.leave()
    assert not wire.meter.busy


@pytest.mark.parametrize(("code", "value", "result"), [("9.9.9", "1", "ER03"), ("0.8.0", "7", "ER04")])
def test_what_the_meter_does_not_take_is_refused_with_its_word(code: str, value: str, result: str) -> None:
    link = linked(Wire(meter()))
    with pytest.raises(errors.MeterRefused) as refused:
        link.write(code, value)
    assert refused.value.result == result


def test_a_damaged_answer_is_asked_for_again_and_a_damaged_command_sent_again() -> None:
    wire = Wire(meter())
    link = linked(wire)
    spoil = iter([True, False])
    wire.to_client = lambda data: data[:-1] + bytes([data[-1] ^ 1]) if next(spoil, False) else data
    assert link.value("0.8.0") == "15"
    assert wire.sent[-1] == b"\x15"
    wire.to_client = bytes
    wire.instead = b"\x15"
    asked = len(wire.sent)
    with pytest.raises(errors.LinkLost):
        link.value("0.8.0")
    assert len(wire.sent) == asked + 3, "bounded"


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_lost_partial_block_is_never_skipped(lost: int) -> None:
    """Blocks have no numbers: another ACK into the silence would give the one after."""
    wire = Wire(meter())
    link = linked(wire)
    whole = link.read("P.01", letters="R6")
    answers = 0

    def lose(data: bytes) -> bytes:
        nonlocal answers
        answers += 1
        return b"" if answers == lost else data

    wire.to_client = lose
    assert link.read("P.01", letters="R6") == whole


def test_partial_blocks_are_put_together() -> None:
    wire = Wire(meter())
    link = linked(wire, unlocked=False)
    whole = parse_profile(link.read("P.01", letters="R5"), "P.01")
    parts = parse_profile(link.read("P.01", letters="R6"), "P.01")
    assert parts == whole
    assert wire.sent[-1] == b"\x06"
    assert sum(len(block.lines) for block in parts) > 100


def test_a_wrong_password_is_sent_once_and_three_of_them_lock() -> None:
    built = meter()
    for _ in range(3):
        wire = Wire(built)
        link = linked(wire, unlocked=False)
        with pytest.raises(errors.WrongPassword):
            link.unlock(b"00000000")
        assert sum(b"P1" in sent for sent in wire.sent) == 1
    with pytest.raises(errors.LockedOut):
        linked(Wire(built))


def test_an_unheard_verdict_on_a_password_is_the_line_s_fault() -> None:
    wire = Wire(meter())
    link = linked(wire, unlocked=False)
    wire.instead = b""
    with pytest.raises(errors.LinkLost):
        link.unlock(b"12345678")


def test_an_unknown_algorithm_is_refused_before_anything_is_sent() -> None:
    wire = Wire(meter())
    signed = sign_on(wire, wanted=Wanted.PROGRAMMING)
    with pytest.raises(errors.WrongValue):
        ProgrammingLink(wire, signed, Programming(algorithm="maker-xyz"), 60)


@pytest.mark.parametrize("baud", [300, 600, 4800])
@pytest.mark.parametrize("bits", [7, 8])
def test_a_meter_left_in_programming_mode_is_called_back_at_its_rate_and_format(bits: int, baud: int) -> None:
    """300 baud was left out, and everything was sent as 7E1 whatever the model says."""
    parity = "E" if bits == 7 else "N"
    first = LineFormat(300, bits, parity)
    model = replace(LEGACY_MODELS["iec-c-legacy"], baud=baud, first=Framing(300, bits, parity))
    settings = LegacySettings(serial=model.serial)
    wire = Wire(LegacyMeter(LegacyDevice(model, settings, lambda: NOW), 9600))
    other = LineFormat(300, 15 - bits, "N" if bits == 7 else "E")
    with pytest.raises(errors.NoAnswer):
        sign_on(wire, wanted=Wanted.PROGRAMMING, first=other)
    sign_on(wire, wanted=Wanted.PROGRAMMING, first=first)
    assert wire.read(wire.now() + 1), "its greeting; then the tablet dies"
    assert wire.meter.framings == (Framing(baud, bits, parity),)
    call_back(wire, first)
    assert wire.meter.framings == (Framing(300, bits, parity),)
    assert sign_on(wire, wanted=Wanted.READOUT, first=first).identification.manufacturer == model.flag


def test_a_mode_b_meter_is_programmed_after_its_readout() -> None:
    wire = Wire(meter("iec-b-legacy"))
    signed = sign_on(wire, wanted=Wanted.PROGRAMMING)
    read_out(wire, signed)
    link = ProgrammingLink(wire, Finished(signed.identification, False, b"", False), OPTIONS, 60)
    link.unlock(password(wire.meter))
    link.write("0.9.1", "101500")
    assert link.value("0.9.1")[:4] == "1015"


def test_a_profile_keeps_periods_status_and_units() -> None:
    (block, next_day) = parse_profile(
        "P.01(0261103001500)(0080)(15)(2)(1.5.0)(kW)(2.5.0)()\r\n(0.058)(1)\r\n(0.060)(2)\r\n"
        "P.01(0261104000000)(0000)(15)(1)(1.5.0)(kW)\r\n",
        "P.01",
    )
    assert [line.time.local.minute for line in block.lines] == [15, 30]
    assert (block.header.columns, block.header.status) == ((("1.5.0", "kW"), ("2.5.0", None)), "0080")
    assert next_day.lines == ()


@pytest.mark.parametrize(
    "text",
    [
        "P.01(x)(00)(15)(0)",
        "P.01(0261103001500)(00)(15)(9)(1.5.0)(kW)",
        "P.01(0261103001500)(00)(15)(2)(1.5.0)(kW)(2.5.0)(kW)(1)(2)(3)",
    ],
)
def test_a_profile_that_makes_no_sense_is_no_profile(text: str) -> None:
    with pytest.raises(errors.Garbage):
        parse_profile(text, "P.01")


def test_an_open_end_of_a_profile_is_left_empty() -> None:
    assert IecProfile().bounds(datetime(2026, 11, 3, 0, 15), None) == "02611030015;"


# -- whatever comes in --


@given(st.binary(max_size=200))
def test_no_octets_break_the_parsers(data: bytes) -> None:
    buffer = bytearray(data)
    while take_answer(buffer) is not None:
        pass
    text = data.decode("latin-1")
    for parse in (parse_time, parse_address, is_code):
        parse(text)
    for read in (lambda: parse_readout(data), lambda: parse_profile("P.01" + text, "P.01")):
        try:
            read()
        except errors.DriverError:
            continue


@given(st.text(st.characters(codec="ascii", exclude_characters="\x01\x02\x03\x04\x06\x15"), max_size=60))
def test_a_message_comes_out_as_it_went_in(text: str) -> None:
    buffer = bytearray(b"\x00" + command("W5", text))
    assert take_answer(buffer) == Answer(Kind.OPERAND, text, "W5")
    body = text.encode() + b"\x04"
    assert take_answer(bytearray(b"\x02" + body + bytes([block_check(body)]))) == Answer(Kind.PARTIAL, text)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_octets_break_the_virtual_meter(pieces: list[bytes]) -> None:
    built = BUILT
    for piece in [b"/?!\r\n", b"\x06051\r\n", *pieces]:
        built.receive(piece, 0.0)
    built.unplug()


BUILT = meter()


# -- a session --


def test_a_session_goes_over_to_an_old_meter_by_itself_and_configures_it() -> None:
    """Identify, two separate readings, profile, log, plan, apply: nobody said what kind of meter it is."""
    with virtual_meter("iec-c-legacy", "--days", "2", "--clock-offset-s", "120") as field:
        host = Host(field.secrets)
        with session(field, Connection(password="password"), host) as at:
            identity = at.identify()
            first, second = at.read(), at.read(["1.8.0"])
            rows = at.profile().rows
            with pytest.raises(errors.WrongValue, match="iec-c-legacy"):
                at.plan("residential-2.0TD", {"order.contracted_power": "4600"})
            plan = at.plan("iec-c-legacy", {"order.supply_number": "700123"})
            report = at.apply(plan)
            holds = at.verify("iec-c-legacy", {"order.supply_number": "700123"}).holds
            log = at.events().rows
    assert (identity.serial, identity.model, identity.extra["mode"]) == (field.serial, "iec-c-legacy", "C")
    assert second.exchanges > first.exchanges, "a second reading is asked of the meter"
    assert rows[0].values[0] is not None
    assert [intent.item for intent in host.intents] == ["0.9.2", "0.0.1"]
    assert (report.complete, holds) == (True, True)
    assert host.asked == ["password"] * len(host.asked)
    assert {row.name for row in log} >= {"Clock set", "Configuration changed"}


def test_a_readout_damaged_in_auto_mode_is_read_again_and_not_taken_for_silence() -> None:
    """It used to be tried as plain HDLC, since the sign-on had failed "somehow"."""
    noise = ("--ber", "0.00004", "--seed", "5")
    with virtual_meter("iec-c-legacy", "--days", "1", *noise) as field, session(field, Connection()) as at:
        result = at.read(["1.8.0"])
    assert result.identity.serial == field.serial
    assert result.exchanges > 2, "the first one was damaged"


def test_a_clock_that_the_model_file_does_not_place_is_told_by_check_and_plan(tmp_path: Path) -> None:
    """It used to be left out of the plan, which then called itself complete."""
    models = shutil.copytree(MODELS, tmp_path / "models")
    text = (models / "iec-c-legacy.toml").read_text(encoding="utf-8")
    spoilt = re.sub(r"(?ms)^\[iec\.clock\]\n.*?(?=^\[)", "", text)
    assert spoilt != text
    (models / "iec-c-legacy.toml").write_text(spoilt, encoding="utf-8")
    path = PROGRAMS / "iec-c-legacy.toml"
    program, model = load_program(path), load_models(models)["iec-c-legacy"]
    check = check_program(program, path.name, path.read_text(encoding="utf-8"), model, None)
    assert (check.ok, "[iec.clock]" in check.problems[0].reason, check.problems[0].line > 0) == (
        False,
        True,
        True,
    )
    with virtual_meter("iec-c-legacy", "--days", "1") as field:
        host = Host(field.secrets)
        connection = Connection(mode=Mode.C, model="iec-c-legacy", password="password")
        with OpticalSession(field.url, connection, host, models=models, programs=PROGRAMS) as at:
            plan = at.plan("iec-c-legacy", {"order.supply_number": "700123"})
            report = at.apply(plan)
    clock = next(one for one in plan.changes if one.id == "clock")
    assert (clock.state, "[iec.clock]" in (clock.detail or "")) == (ChangeState.UNSUPPORTED, True)
    assert not report.complete


def test_a_cut_after_a_writing_is_settled_by_reading_back() -> None:
    with virtual_meter("iec-c-legacy", "--days", "1", "--cut-after-write", "1") as field:
        host = Host(field.secrets)
        with session(field, Connection(mode=Mode.C, model="iec-c-legacy", password="password"), host) as at:
            plan = at.plan("iec-c-legacy", {"order.supply_number": "700123"})
            report = at.apply(plan)
    assert [(change.id, change.state) for change in report.changes] == [("supply_number", "verified")]
    assert len(host.intents) == len(host.outcomes) == 1
