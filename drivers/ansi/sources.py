"""Tables 11 to 16, the data sources: what each measures, in which unit, and what is still to be applied
(C12.19, decade 1)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from drivers.ansi.cursor import Cursor, Formats
from drivers.ansi.decimals import EXACT, plain

_Entry = TypeVar("_Entry")
_POWERS = (0, 2, 3, 6, 9, -2, -3, -6)
_UNITS = {
    0: "W", 1: "var", 2: "VA", 3: "VA", 8: "V", 9: "V", 10: "V²", 11: "V", 12: "A", 13: "A", 14: "A²",
    15: "A", 16: "%", 17: "%", 18: "%", 19: "%", 20: "°", 21: "°", 22: "°", 23: "°", 33: "Hz", 64: "m³/h",
    65: "m³/h", 70: "°C", 128: "m³/h", 140: "l",
}  # fmt: skip
_BULK = (0, 5)
_ENERGY_IDS = (0, 1, 2, 3)
_PHASES = {5: 20, 6: 40, 7: 60}
"""Segmentation A-N, B-N, C-N: what IEC 62056-61 adds to a quantity's C group for L1, L2, L3."""
_ALL = frozenset({1, 2, 3, 4})


def _each(base: int) -> dict[frozenset[int], int]:
    return {frozenset({quadrant}): base + quadrant for quadrant in range(1, 5)}


_QUADRANTS = {
    0: {frozenset({1, 4}): 1, frozenset({2, 3}): 2, _ALL: 15, **_each(16)},
    1: {frozenset({1, 2}): 3, frozenset({3, 4}): 4, **_each(4)},
    2: {frozenset({1, 4}): 9, frozenset({2, 3}): 10, _ALL: 9, frozenset(): 9},
}


@dataclass(frozen=True)
class SourceLimits:
    """Table 11."""

    power_fail_exclude: bool
    reset_exclude: bool
    sliding_demand: bool
    set1: bool
    set2: bool
    units: int
    demand_controls: int
    data_control_length: int
    data_controls: int
    constants: int
    constants_selector: int
    sources: int


def decode_source_limits(data: bytes, formats: Formats) -> SourceLimits:
    cursor = Cursor(data, formats, 11)
    flags = cursor.u8()
    numbers = cursor.octets(7)
    return SourceLimits(
        bool(flags & 1), bool(flags & 2), bool(flags & 8), bool(flags & 32), bool(flags & 64), *numbers
    )


@dataclass(frozen=True)
class Unit:
    """One entry of table 12 (UOM_ENTRY_BFLD). ``quadrants`` are those accounted for."""

    id_code: int
    time_base: int
    power: int
    quadrants: frozenset[int]
    net: bool
    segmentation: int
    harmonic: bool
    not_standard: bool

    @property
    def text(self) -> str | None:
        """The unit without the power of ten; energies are bulk quantities of a power."""
        unit = _UNITS.get(self.id_code)
        return f"{unit}h" if unit and self.id_code in _ENERGY_IDS and self.time_base in _BULK else unit

    @property
    def quantity(self) -> int | None:
        """Group C of the OBIS code that means the same (IEC 62056-61), if there is one."""
        if self.harmonic or self.not_standard:
            return None
        phase = _PHASES.get(self.segmentation, 0 if self.segmentation == 0 else None)
        if phase is None:
            return 91 if (self.id_code, self.segmentation) == (12, 4) else None
        if self.net and self.id_code == 0 and self.quadrants in (_ALL, frozenset()):
            return 16 + phase
        if self.id_code in _QUADRANTS:
            found = _QUADRANTS[self.id_code].get(self.quadrants)
            return found + phase if found is not None else None
        if self.id_code == 33:
            return 14
        base = {8: 12, 12: 11, 24: 13, 25: 13}.get(self.id_code)
        return base + phase if base is not None else None


def decode_units(data: bytes, formats: Formats, limits: SourceLimits) -> list[Unit]:
    """Table 12."""
    cursor = Cursor(data, formats, 12)
    units = []
    for _ in range(limits.units):
        bits = cursor.u32()
        units.append(
            Unit(
                id_code=bits & 0xFF,
                time_base=bits >> 8 & 7,
                power=_POWERS[bits >> 11 & 7],
                quadrants=frozenset(q for q in range(1, 5) if bits >> (13 + q) & 1),
                net=bool(bits >> 18 & 1),
                segmentation=bits >> 19 & 7,
                harmonic=bool(bits >> 22 & 1),
                not_standard=bool(bits >> 31 & 1),
            )
        )
    return units


@dataclass(frozen=True)
class DemandControl:
    """Table 13, in minutes: sub-interval × multiplier of a sliding demand, else the interval."""

    intervals: tuple[int, ...]
    reset_exclusion: int | None


def decode_demand_control(data: bytes, formats: Formats, limits: SourceLimits) -> DemandControl:
    cursor = Cursor(data, formats, 13)
    exclusion = cursor.u8() if limits.reset_exclude else None
    if limits.power_fail_exclude:
        cursor.take(3)
    intervals = []
    for _ in range(limits.demand_controls):
        intervals.append(cursor.u8() * cursor.u8() if limits.sliding_demand else cursor.u16())
    return DemandControl(tuple(intervals), exclusion)


def decode_data_control(data: bytes, formats: Formats, limits: SourceLimits) -> list[str]:
    """Table 14: the manufacturer's own description of each source, as hex."""
    cursor = Cursor(data, formats, 14)
    return [cursor.take(limits.data_control_length).hex() for _ in range(limits.data_controls)]


@dataclass(frozen=True)
class Constant:
    """One entry of table 15 for electricity: value · ``multiplier`` + ``offset``, then the transformer
    ratios that are not applied yet."""

    multiplier: Decimal | None
    offset: Decimal | None
    ratio: Decimal | None


def decode_constants(data: bytes, formats: Formats, limits: SourceLimits) -> list[Constant]:
    """Table 15; empty for gas and water, whose records are of another shape."""
    if limits.constants_selector != 2:
        return []
    cursor = Cursor(data, formats, 15)
    found = []
    for _ in range(limits.constants):
        multiplier, offset = cursor.ni1(), cursor.ni1()
        ratio: Decimal | None = Decimal(1)
        for present in (limits.set1, limits.set2):
            if not present:
                continue
            applied = cursor.u8() & 1
            current, voltage = cursor.ni1(), cursor.ni1()
            if not applied:
                ratio = _product(_product(ratio, current), voltage)
        found.append(Constant(multiplier, offset, ratio))
    return found


def _product(one: Decimal | None, two: Decimal | None) -> Decimal | None:
    return EXACT.multiply(one, two) if one is not None and two is not None else None


@dataclass(frozen=True)
class Link:
    """One entry of table 16: which tables say something of this source."""

    unit: bool
    demand_control: bool
    data_control: bool
    constant: bool
    engineering: bool
    to_be_applied: bool


def decode_links(data: bytes, formats: Formats, limits: SourceLimits) -> list[Link]:
    cursor = Cursor(data, formats, 16)
    return [Link(*(bool(bits >> n & 1) for n in range(6))) for bits in cursor.octets(limits.sources)]


@dataclass(frozen=True)
class Source:
    """One source with all that applies to its values."""

    unit: Unit | None
    constant: Constant | None
    pulses: bool

    def scale(self, value: Decimal) -> tuple[str, str | None] | None:
        """Value text and unit in engineering units; pulses stay pulses; ``None`` if a constant is no
        number."""
        if self.constant is not None:
            scaled = _product(value, self.constant.multiplier)
            if scaled is None or self.constant.offset is None or self.constant.ratio is None:
                return None
            value = EXACT.multiply(EXACT.add(scaled, self.constant.offset), self.constant.ratio)
        if self.pulses and self.constant is None:
            return plain(value), "pulses"
        power = self.unit.power if self.unit else 0
        return plain(EXACT.scaleb(value, power)), self.unit.text if self.unit else None


def join_sources(
    limits: SourceLimits, links: list[Link], units: list[Unit], constants: list[Constant]
) -> list[Source]:
    """The entries of tables 12 and 15 that belong to each source of table 16.

    A table with an entry for each source is indexed by the source; a shorter one holds entries only for the
    sources that are flagged, in their order.
    """
    count = limits.sources
    unit_of = _assign(units, [link.unit for link in links], count)
    constant_of = _assign(constants, [link.constant for link in links], count)
    return [
        Source(unit_of[n], constant_of[n] if links[n].to_be_applied else None, not links[n].engineering)
        for n in range(count)
    ]


def _assign(entries: list[_Entry], flagged: list[bool], count: int) -> list[_Entry | None]:
    if len(entries) == count:
        return [entry if flag else None for entry, flag in zip(entries, flagged, strict=True)]
    rest = iter(entries)
    return [next(rest, None) if flag else None for flag in flagged]
