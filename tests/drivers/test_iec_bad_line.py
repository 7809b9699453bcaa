"""Registers read one by one, since no readout came through: what moves between two readings costs only
itself, who the meter is must agree. Without a process or a line."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import pytest

from drivers.connection import Connection, Mode
from drivers.errors import Garbage, LinkLost, MeterRefused
from drivers.iec62056.identification import find_identification
from drivers.iec62056.messages import block_check
from drivers.iec62056.programming import ProgrammingLink
from drivers.iec62056.readout import DataSet, data_sets_of
from drivers.models import load_models
from drivers.session.iec_jobs import IecJobs
from drivers.session.iec_reach import IecReach
from drivers.session.reach import Questions
from tests.drivers.field import MODELS
from tests.drivers.test_iec_meters import Change, Wire, linked
from tests.drivers.test_iec_meters import meter as old_meter

_Value = TypeVar("_Value")
STEADY = {"0.0.0": "(12345678)", "0.2.0": "(V1)", "1.8.0": "(000123.4*kWh)"}


class Registers:
    """Programming mode of a meter over a line that showed damage. ``moving`` says another value each time."""

    damaged = exchanges = 0
    refused: tuple[str, ...] = ()

    def __init__(self, moving: Callable[[int], dict[str, str]]) -> None:
        self._moving = moving
        self._times: Iterator[int] = itertools.count()

    def read(self, address: str) -> str:
        if address in self.refused:
            raise MeterRefused(result="ER02")
        return {**STEADY, **self._moving(next(self._times))}.get(address, "(000000.0*kWh)")

    def leave(self) -> None:
        """Nothing to leave."""


class BadLine(IecReach):
    """No readout comes through whole; registers do."""

    def __init__(self, registers: Registers) -> None:
        questions = Questions(lambda name: None, lambda *key: 0, lambda *step: None)
        connection = Connection(mode=Mode.C)
        super().__init__("loop://", connection, questions, load_models(MODELS), cancelled=threading.Event())
        found = find_identification(b"/LGZ5ZMB120\r\n")
        assert found is not None
        self.take_over(found[0], None, 0)
        self._registers = registers
        self._damaged = True
        self.later: list[DataSet] | None = None

    def _read_out(self) -> list[DataSet]:
        if self.later is not None:
            return self.later
        raise Garbage(detail="block check of the readout is wrong")

    def _repeated(self, job: Callable[[], _Value]) -> _Value:
        return job()

    def _programming(self, *, password: bool) -> ProgrammingLink:
        return cast("ProgrammingLink", self._registers)


def jobs(moving: Callable[[int], dict[str, str]]) -> IecJobs:
    return IecJobs(BadLine(Registers(moving)), lambda *step: None)


def test_a_register_that_moves_is_kept_unconfirmed_and_the_others_are_not_lost() -> None:
    """A voltage, a clock or an energy under load never reads equal twice: it used to cost the whole visit."""
    meter = jobs(lambda n: {"32.7.0": f"(23{n % 10}.{n % 7}*V)", "0.9.1": f"({n:06d})"})
    result = meter.read(["1.8.0", "32.7.0", "0.9.1"])
    assert (result.identity.serial, result.identity.firmware) == ("12345678", "V1")
    energy, voltage, clock = result.readings
    assert (energy.value, energy.status) == ("000123.4", None)
    assert voltage.value is not None
    assert (voltage.unit, voltage.status, clock.status) == ("V", "unconfirmed", "unconfirmed")


def test_all_that_the_model_names_is_read_where_one_of_it_moves() -> None:
    readings = jobs(lambda n: {"32.7.0": f"(23{n % 10}.{n % 7}*V)"}).read(None).readings
    assert [one.item for one in readings if one.status == "unconfirmed"] == ["32.7.0"]
    assert len(readings) > 10


def test_an_answer_that_is_not_heard_twice_and_names_another_register_is_not_taken() -> None:
    """Its address may be what the damage hit: as 1.8.0 it would stand for the energy."""
    meter = jobs(lambda n: {"32.7.0": f"1.8.0(00099{n % 10}.{n % 7})"})
    (voltage, energy) = meter.read(["32.7.0", "1.8.0"]).readings
    assert (voltage.value, voltage.status) == (None, "object-undefined")
    assert (energy.value, energy.status) == ("000123.4", None)


def test_a_serial_that_never_agrees_is_not_guessed() -> None:
    with pytest.raises(Garbage):
        jobs(lambda n: {"0.0.0": f"(1234567{n % 10})"}).read(["1.8.0"])


def test_a_register_of_who_the_meter_is_that_goes_missing_is_not_taken_for_none() -> None:
    """Three refusals, as damaged requests are refused, made a meter without a serial of it."""
    registers = Registers(lambda n: {})
    meter = IecJobs(BadLine(registers), lambda *step: None)
    assert meter.identify().serial == "12345678"
    registers.refused = ("0.0.0",)
    with pytest.raises(Garbage):
        meter.read(["1.8.0"])


def test_a_readout_after_registers_that_were_read_singly_confirms_those() -> None:
    """It held sixty more: each of them stood in one of two readings, and no bad line got beyond that."""
    reach = BadLine(Registers(lambda n: {}))
    meter = IecJobs(reach, lambda *step: None)
    first = meter.read(None).readings
    texts = [one.item + "(000000.0*kWh)" for one in first if one.item not in STEADY]
    texts += [code + text for code, text in STEADY.items()]
    reach.later = data_sets_of("\r\n".join([*texts, "2.8.4*01(000000.0*kWh)"]))
    second = meter.read(None).readings
    assert {one.item for one in second} == {one.item for one in first}
    assert len(first) > 10


@pytest.mark.parametrize(
    "to_echo",
    [
        lambda echo: bytes([*echo[:4], echo[4] ^ 0x08, *echo[5:]]),
        lambda echo: b"\x00" + echo,
        lambda echo: bytes([*echo[:4], echo[4] ^ 0x0C, *echo[5:]]),
    ],
    ids=["a bit", "behind noise", "beyond recognition"],
)
def test_a_damaged_echo_is_not_the_answer_and_the_answer_not_that_to_the_next_question(
    to_echo: Change,
) -> None:
    """It was asked for again while the meter answered: from then on each answer stood for the next register,
    and an echo behind noise was a refusal."""
    wire = Wire(old_meter(), echo=True)
    link = linked(wire)
    spoilt = iter([True])
    wire.to_echo = lambda echo: to_echo(echo) if next(spoilt, False) else echo
    asked = len(wire.sent)
    assert link.value("0.8.0") == "15"
    assert link.value("0.0.0") == wire.meter.device.serial
    assert len(wire.sent) == asked + 2


def test_an_answer_that_comes_too_late_belongs_to_no_later_question() -> None:
    wire = Wire(old_meter())
    link = linked(wire)
    wire.instead = b""
    with pytest.raises(LinkLost):
        link.value("0.8.0")
    wire.instead = None
    wire.late = b"\x020.8.0(15)\x03" + bytes([block_check(b"0.8.0(15)\x03")])
    assert link.value("0.0.0") == wire.meter.device.serial


def test_blocks_that_stay_damaged_are_the_line_s_fault_and_no_refusal() -> None:
    """The crew was told that the meter refuses its load profile ("damaged"), and it was not read again."""
    wire = Wire(old_meter())
    link = linked(wire)
    wire.to_client = lambda data: data if len(wire.sent) == asked + 1 else data[:-1] + bytes([data[-1] ^ 1])
    asked = len(wire.sent)
    with pytest.raises(LinkLost):
        link.read("P.01", letters="R6")
