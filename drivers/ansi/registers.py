"""Tables 21 to 23 and 27/28: registers, their sources, their values (C12.19, decade 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from drivers.ansi.cursor import Cursor, Formats


@dataclass(frozen=True)
class RegisterLimits:
    """Table 21."""

    date_time: bool
    reset_counter: bool
    cumulative: bool
    continuous: bool
    time_remaining: bool
    summations: int
    demands: int
    coincidents: int
    occurrences: int
    tiers: int
    present_demands: int
    present_values: int


def decode_register_limits(data: bytes, formats: Formats) -> RegisterLimits:
    cursor = Cursor(data, formats, 21)
    flags, _, _ = cursor.octets(3)  # the second flags and the self reads belong to tables 24 to 26
    bits = [bool(flags >> n & 1) for n in (1, 2, 4, 5, 6)]
    return RegisterLimits(*bits, *cursor.octets(7))


@dataclass(frozen=True)
class Selection:
    """Table 22: source of each register; ``maxima`` holds the demands that are maxima, others are minima."""

    summations: tuple[int, ...]
    demands: tuple[int, ...]
    maxima: frozenset[int]
    coincidents: tuple[int, ...]
    coincident_with: tuple[int, ...]


def decode_selection(data: bytes, formats: Formats, limits: RegisterLimits) -> Selection:
    cursor = Cursor(data, formats, 22)
    summations, demands = cursor.octets(limits.summations), cursor.octets(limits.demands)
    maxima = cursor.flags((limits.demands + 7) // 8)
    return Selection(
        summations, demands, maxima, cursor.octets(limits.coincidents), cursor.octets(limits.coincidents)
    )


@dataclass(frozen=True)
class RegisterValue:
    """One register of a data block: ``kind`` sum, max, min, cumulative, continuous or coincident; ``index``
    its place among its kind, ``occurrence`` 0 for the greatest."""

    kind: str
    tier: int
    index: int
    occurrence: int
    source: int
    value: Decimal | None
    time: datetime | None = None


@dataclass(frozen=True)
class Registers:
    """Table 23. Tier 0 is the total."""

    demand_resets: int | None
    values: tuple[RegisterValue, ...]


def decode_registers(
    data: bytes, formats: Formats, limits: RegisterLimits, selection: Selection
) -> Registers:
    cursor = Cursor(data, formats, 23)
    resets = cursor.u8() if limits.reset_counter else None
    values: list[RegisterValue] = []
    for tier in range(limits.tiers + 1):
        values += _block(cursor, tier, limits, selection)
    return Registers(resets, tuple(values))


def _block(
    cursor: Cursor, tier: int, limits: RegisterLimits, selection: Selection
) -> Iterator[RegisterValue]:
    for index, source in enumerate(selection.summations):
        yield RegisterValue("sum", tier, index, 0, source, cursor.ni1())
    for index, source in enumerate(selection.demands):
        yield from _demand(cursor, tier, index, source, limits, index in selection.maxima)
    for index, source in enumerate(selection.coincidents):
        for occurrence in range(limits.occurrences):
            yield RegisterValue("coincident", tier, index, occurrence, source, cursor.ni2())


def _demand(
    cursor: Cursor, tier: int, index: int, source: int, limits: RegisterLimits, maximum: bool
) -> Iterator[RegisterValue]:
    times = [cursor.stime() if limits.date_time else None for _ in range(limits.occurrences)]
    if limits.cumulative:
        yield RegisterValue("cumulative", tier, index, 0, source, cursor.ni1())
    if limits.continuous:
        yield RegisterValue("continuous", tier, index, 0, source, cursor.ni1())
    kind = "max" if maximum else "min"
    for occurrence, time in enumerate(times):
        yield RegisterValue(kind, tier, index, occurrence, source, cursor.ni2(), time)


def decode_present_selection(data: bytes, formats: Formats, limits: RegisterLimits) -> list[tuple[str, int]]:
    """Table 27: kind (``demand`` or ``value``) and source of each present register."""
    cursor = Cursor(data, formats, 27)
    demands = [("demand", source) for source in cursor.octets(limits.present_demands)]
    return demands + [("value", source) for source in cursor.octets(limits.present_values)]


def decode_present(
    data: bytes, formats: Formats, limits: RegisterLimits, selection: list[tuple[str, int]]
) -> list[RegisterValue]:
    """Table 28."""
    cursor = Cursor(data, formats, 28)
    values = []
    counts = {"demand": 0, "value": 0}
    for kind, source in selection:
        if kind == "demand" and limits.time_remaining:
            cursor.time()
        value = cursor.ni2() if kind == "demand" else cursor.ni1()
        values.append(RegisterValue(kind, 0, counts[kind], 0, source, value))
        counts[kind] += 1
    return values
