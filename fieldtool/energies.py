"""Energy of meters over one interval, from registers read at its two ends. Pure; decimals throughout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

TOLERANCE = timedelta(minutes=15)
"""A register read so near an end of the interval stands for it: one period of a load profile."""


class RegisterReading(msgspec.Struct, frozen=True, kw_only=True):
    """A cumulative register (kWh, decimal text) of a meter at a time."""

    serial: str
    at: datetime
    kwh: Decimal


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when."""

    start: datetime
    end: datetime


def interval_of(readings: Iterable[RegisterReading], macro: Iterable[str]) -> Interval | None:
    """The longest interval for which every macro meter was read; None where one was read only once."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for reading in readings:
        times[reading.serial].append(reading.at)
    found = [times.get(serial, []) for serial in macro]
    if not found or any(len(one) < 2 for one in found):
        return None
    start, end = max(min(one) for one in found), min(max(one) for one in found)
    return Interval(start=start, end=end) if start < end else None


def energies(
    readings: Iterable[RegisterReading],
    interval: Interval,
    serials: Iterable[str],
    tolerance: timedelta = TOLERANCE,
) -> Mapping[str, Decimal | None]:
    """kWh over the interval by serial.

    None where an end is missing, or where the register fell (it rolled over, or the meter was exchanged): a
    guess would make a balance of it.
    """
    by_serial: dict[str, list[RegisterReading]] = defaultdict(list)
    for reading in readings:
        by_serial[reading.serial].append(reading)
    found: dict[str, Decimal | None] = {}
    for serial in serials:
        first = _nearest(by_serial[serial], interval.start, tolerance)
        last = _nearest(by_serial[serial], interval.end, tolerance)
        energy = last.kwh - first.kwh if first is not None and last is not None else None
        found[serial] = energy if energy is not None and energy >= 0 else None
    return found


def _nearest(readings: list[RegisterReading], at: datetime, tolerance: timedelta) -> RegisterReading | None:
    near = [one for one in readings if abs(one.at - at) <= tolerance]
    return min(near, key=lambda one: abs(one.at - at)) if near else None
