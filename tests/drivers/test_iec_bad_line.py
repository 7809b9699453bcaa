"""Registers read one by one, since no readout came through: what moves between two readings costs only
itself, who the meter is must agree. Without a process or a line."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import pytest

from drivers.connection import Connection, Mode
from drivers.errors import Garbage
from drivers.iec62056.identification import find_identification
from drivers.iec62056.programming import ProgrammingLink
from drivers.iec62056.readout import DataSet
from drivers.models import load_models
from drivers.session.iec_jobs import IecJobs
from drivers.session.iec_reach import IecReach
from drivers.session.reach import Questions
from tests.drivers.field import MODELS

_Value = TypeVar("_Value")
STEADY = {"0.0.0": "(12345678)", "0.2.0": "(V1)", "1.8.0": "(000123.4*kWh)"}


class Registers:
    """Programming mode of a meter over a line that showed damage. ``moving`` says another value each time."""

    damaged = exchanges = 0

    def __init__(self, moving: Callable[[int], dict[str, str]]) -> None:
        self._moving = moving
        self._times: Iterator[int] = itertools.count()

    def read(self, address: str) -> str:
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

    def _read_out(self) -> list[DataSet]:
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
