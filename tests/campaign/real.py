"""A small sample of visits in real time: real processes, real sockets, faults by the virtual meter's options.

It shows that what the simulation leaves out (threads, pipes, TCP, the machine's clock) changes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from drivers.connection import Connection
from drivers.errors import DriverError
from tests.drivers.field import MANAGEMENT, READER, VALUES, Host, Meter, session, virtual_meter

_KWH = 4321
_IMPORT = "3:1.0.1.8.0.255:2"
_PROGRAM = "residential-2.0TD"
_VISITS: tuple[tuple[Connection, tuple[str, ...], bool], ...] = (
    (MANAGEMENT, ("--echo", "--ber", "1e-4", "--seed", "4"), True),
    (MANAGEMENT, ("--cut-after", "900", "--cut-once"), True),
    (MANAGEMENT, ("--power-loss-write", "3", "--boot-s", "0.5"), True),
    (MANAGEMENT, ("--cut-after-write", "2"), True),
    (READER, ("--ber", "3e-4", "--seed", "9"), False),
)


@dataclass
class Sample:
    """Counts of the sample; `wrong` names what was taken and is not so."""

    visits: int = 0
    completed: int = 0
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def counts(self) -> dict[str, object]:
        return {
            "visits": self.visits,
            "completed_without_help": self.completed,
            "wrong_values": len(self.wrong),
            "errors_shown": self.errors,
            "seconds": round(self.seconds, 1),
        }


def real_time() -> Sample:
    """All visits of the sample, one after the other."""
    sample, began = Sample(), time.monotonic()
    for connection, options, writes in _VISITS:
        sample.visits += 1
        quick = msgspec.structs.replace(connection, reaction=0.5)
        with virtual_meter(
            "prime-1ph", *options, "--import-kwh", str(_KWH), "--days", "1", "--clock-offset-s", "120"
        ) as meter:
            try:
                _visit(meter, quick, sample, writes=writes)
                sample.completed += 1
            except DriverError as error:
                sample.errors.append(error.code)
    sample.seconds = time.monotonic() - began
    return sample


def _visit(meter: Meter, connection: Connection, sample: Sample, *, writes: bool) -> None:
    host = Host(meter.secrets)
    with session(meter, connection, host) as work:
        for result in (work.read(), work.read()):
            (value,) = [reading.value for reading in result.readings if reading.item == _IMPORT]
            kwh = Decimal(value or 0) / 1000 - _KWH
            if result.identity.serial != meter.serial or not 0 <= kwh < 100:
                sample.wrong.append(f"{result.identity.serial} {value}")
        if writes:
            work.apply(work.plan(_PROGRAM, VALUES), allow={"limiter.threshold"})
            if not work.verify(_PROGRAM, VALUES).holds:
                sample.errors.append("program-differs")
    if {outcome.intent_id for outcome in host.outcomes} != {intent.id for intent in host.intents}:
        sample.wrong.append("an intent without an outcome")
