"""Readings compared: dial against optical port, both against what is plausible. Decimals, never floats."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

import msgspec

from fieldtool.procedure.state import Found
from workorders.journal.words import ReadingValue
from workorders.orders import OldAsset

_KILO = Decimal(1000)
_IN_KILO = {
    prefix + unit: factor
    for prefix, factor in (("", 1 / _KILO), ("m", _KILO), ("g", _KILO**2))
    for unit in ("wh", "varh", "vah")
}
"""Factor to kilo-units by unit in lower case: `Wh`, `MWh`, `GWh`; no register counts thousandths."""
_TYPED = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_SLACK_DAYS = Decimal(10)
_HIGH_FACTOR = Decimal(2)
_LOW_FACTOR = Decimal("0.2")
_DIAL_TOLERANCE = Decimal(1)
"""A dial shows whole units, cut off; more than one unit apart is not the same reading."""

DIRECT_WATTS = Decimal(70_000)
"""The most that a direct meter carries: three phases of 230 V with 100 A."""
CT_WATTS = Decimal(700_000)
"""Likewise through current transformers at low voltage: three phases with 1000 A."""
USUAL_SECONDS = 60.0
"""Two readings one after another, where nobody has looked at the clock."""
_SECONDS_AN_HOUR = Decimal(3600)


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """The plausible range of a reading, both ends included."""

    low: Decimal
    high: Decimal

    def holds(self, value: Decimal) -> bool:
        """Whether `value` lies in it."""
        return self.low <= value <= self.high


def decimal(text: str | None) -> Decimal | None:
    """A decimal from text with `.` or `,`; None for nothing or no number."""
    if text is None:
        return None
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def typed_decimal(text: str | None) -> Decimal | None:
    """A decimal as a person types one: plain digits, one `.` or `,`. No exponent, no other script's digits:
    they go into the record as typed, and whoever bills reads them there."""
    return decimal(text) if text is not None and _TYPED.fullmatch(text.strip()) else None


def plausible(old: OldAsset | None, now: str) -> Band | None:
    """Last reading + days × usual use, from a fifth to the double of the use, ten days of use of slack.

    None where the office gave too little to say anything. A reading never lies under the last one.
    """
    if old is None:
        return None
    last, use = decimal(old.last_reading), decimal(old.usual_daily_use)
    if last is None or use is None or old.last_reading_date is None:
        return None
    then, today = _moment(old.last_reading_date), _moment(now)
    if then is None or today is None:
        return None
    days = Decimal(max((today - then).days, 0))
    low = last + max(_LOW_FACTOR * days * use - _SLACK_DAYS * use, Decimal(0))
    high = last + _HIGH_FACTOR * days * use + _SLACK_DAYS * use
    return Band(low=low.to_integral_value(ROUND_FLOOR), high=high.to_integral_value(ROUND_CEILING))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def optical_value(found: Found | None, obis: str) -> Decimal | None:
    """The register `obis` (`1.8.0`) of an optical reading in kilo-units; None where it was not read."""
    if found is None:
        return None
    reading = register(found.readings, obis)
    value = decimal(reading.value) if reading else None
    if reading is None or value is None:
        return None
    return value * _IN_KILO.get((reading.unit or "").lower(), Decimal(1))


def register(readings: list[ReadingValue], obis: str) -> ReadingValue | None:
    """The reading of a register (`1.8.0`), by whatever protocol it came; None where it was not read."""
    c, d, e = [*obis.split("."), "0", "0"][:3]
    for reading in readings:
        parts = reading.item.split(":")
        if len(parts) == 3 and parts[2] == "2" and parts[1].split(".")[2:5] == [c, d, e]:
            return reading
        if reading.item in (obis, f"{obis}*00") or reading.item.endswith(f":{obis}"):
            return reading
    return None


def disagree(dial: Decimal, optical: Decimal) -> bool:
    """Whether typed and optical reading are more than one unit apart."""
    return abs(dial - optical) > _DIAL_TOLERANCE


def same_readings(
    first: list[ReadingValue],
    second: list[ReadingValue],
    *,
    seconds: float = USUAL_SECONDS,
    watts: Decimal = DIRECT_WATTS,
) -> list[str]:
    """Items of cumulative registers whose two readings differ by more than their last digit and what can flow
    between them. However high a register stands, no more flows: a share of it would pass a wrong figure.

    A register that stands in only one of them differs: the check of a readout passes one damage in a hundred,
    also of a code. Instantaneous values and clocks change between two requests; energy registers (C 1–20,
    D 8) hardly do.

    Args:
        seconds: from the beginning of the first to the end of the second.
        watts: the most that can flow through the meter.
    """
    flow = watts * Decimal(seconds) / _SECONDS_AN_HOUR / _KILO
    by_item = {reading.item: reading for reading in second}
    known = {reading.item for reading in first}
    differing = [reading.item for reading in second if is_energy(reading.item) and reading.item not in known]
    for reading in first:
        if not is_energy(reading.item):
            continue
        other = by_item.get(reading.item)
        one, two = decimal(reading.value), decimal(other.value if other else None)
        if one is None and two is None:
            continue
        in_kilo = _IN_KILO.get((reading.unit or "").lower(), Decimal(1))
        if one is None or two is None or two < one or two - one > _step(one, two) + flow / in_kilo:
            differing.append(reading.item)
    return differing


def _step(*values: Decimal) -> Decimal:
    """One in the last digit, of the coarser of some values as they are written."""
    exponents = [value.as_tuple().exponent for value in values]
    return max(Decimal(1).scaleb(exponent) for exponent in exponents if isinstance(exponent, int))


def is_energy(item: str) -> bool:
    """Whether an item is a cumulative energy register (OBIS C 1–20, D 8), by OBIS or as mode C sends it, or
    the same meaning of an ANSI table (`ansi:ST23:1.8.0`)."""
    parts = item.split(":")
    ansi = parts[0] == "ansi"
    obis = parts[-1] if ansi else parts[1] if len(parts) == 3 else item.split("*")[0]
    groups = obis.split(".")
    energy = groups[2:4] if len(groups) >= 5 else groups[0:2]
    return len(energy) == 2 and energy[1] == "8" and energy[0].isdigit() and int(energy[0]) <= 20
