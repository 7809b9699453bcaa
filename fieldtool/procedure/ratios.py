"""A ratio of current transformers against what the meters of this visit say: what they hold and measure.

A wrong ratio is a wrong bill for years, and nothing else in the visit would show it. What is doubted is only
what cannot be: a meter on transformers shows now secondary, now primary values, by its make.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from fieldtool.procedure.readings import decimal, register
from fieldtool.procedure.state import Found, Job, RunState
from fieldtool.procedure.views import Problem
from workorders.journal.words import DeviceRole, ReadingValue

HELD = ("0.4.2", "0.4.5")
"""Numerator and denominator of the CT ratio (OBIS 1.0.0.4.2, 1.0.0.4.5)."""
CURRENTS = ("31.7.0", "51.7.0", "71.7.0")
POWER = "1.7.0"
MOST_CURRENT = Decimal("1.2")
"""Of the rated current: transformers for metering carry that continuously (IEC 61869-2, 120 %)."""
MOST_POWER = Decimal(2)
"""Of the contracted power: nobody draws that for long without being cut off or billed for it."""
_KILO = {"kw": Decimal(1000), "mw": Decimal(1_000_000)}


def ratio_doubts(value: str, job: Job, state: RunState) -> list[Problem]:
    """What speaks against `primary/secondary`, each once; empty where nothing does, or none was measured."""
    primary, secondary = (Decimal(part) for part in value.split("/"))
    found: dict[str, Problem] = {}
    for role in (DeviceRole.OLD, DeviceRole.NEW):
        read = state.reads.get(role)
        if read is not None:
            for doubt in _doubts(read, primary, secondary, decimal(job.order.contracted_power)):
                found.setdefault(doubt.code, doubt)
    return list(found.values())


def _doubts(
    read: Found, primary: Decimal, secondary: Decimal, contracted: Decimal | None
) -> Iterator[Problem]:
    held = _held(read.readings)
    if held is not None and held != Fraction(primary) / Fraction(secondary):
        shown = f"{held.numerator}/{held.denominator}"
        yield _problem("ratio_held", meter=read.serial or "", held=shown)
    currents = [abs(amps) for one in CURRENTS if (amps := _value(read.readings, one)) is not None]
    rated = primary if held is not None else secondary  # with a ratio in it a meter may show either
    if currents and max(currents) > rated * MOST_CURRENT:
        yield _problem("ratio_current", amps=f"{max(currents).normalize():f}", rated=f"{rated:f}")
    power = _value(read.readings, POWER)
    if power is None or contracted is None or contracted <= 0 or held is not None:
        return
    flows = abs(power) * primary / secondary
    if flows > contracted * MOST_POWER:
        yield _problem("ratio_power", power=f"{flows / 1000:.1f}", contracted=f"{contracted / 1000:.1f}")


def _held(readings: list[ReadingValue]) -> Fraction | None:
    """The ratio that a meter counts with; None where it says none, or 1, as they come from the maker."""
    top, bottom = (_value(readings, one) for one in HELD)
    if top is None or top <= 0 or (bottom is not None and bottom <= 0):
        return None
    ratio = Fraction(top) / Fraction(bottom if bottom is not None else Decimal(1))
    return ratio if ratio != 1 else None


def _value(readings: list[ReadingValue], obis: str) -> Decimal | None:
    """In A or W."""
    reading = register(readings, obis)
    value = decimal(reading.value) if reading else None
    if reading is None or value is None:
        return None
    return value * _KILO.get((reading.unit or "").lower(), Decimal(1))


def _problem(code: str, **params: str) -> Problem:
    return Problem(code=code, field="reason", params=params)
