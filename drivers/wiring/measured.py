"""What the wiring verdict looks at: momentary values by phase and the angles between them, out of readings.

OBIS (IEC 62056-6-1): C 32/52/72 voltage, 31/51/71 current, 36/56/76 active power (or 21/41/61 minus
22/42/62), 23/43/63 minus 24/44/64 reactive power, 33/53/73 power factor, 91 current in the neutral; D 7, E
0. Angles are C 81, D 7, E = 10·reference + other, where 0, 1, 2 are U(L1…L3) and 4, 5, 6 are I(L1…L3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

PHASES = 3
_MOMENTARY, _ANGLE = 7, 81
_VOLTAGE, _CURRENT, _FACTOR = (32, 52, 72), (31, 51, 71), (33, 53, 73)
_ACTIVE = ((36, 21, 22), (56, 41, 42), (76, 61, 62))
_REACTIVE = ((None, 23, 24), (None, 43, 44), (None, 63, 64))
_NEUTRAL_CURRENT = 91
_SCALE = {"k": 1000.0, "m": 0.001}
_SCALED_UNITS = frozenset({"V", "A", "W", "var", "VA"})
_OBIS = re.compile(r"(?:(\d+)[-.](\d+)[:.])?(\d+)\.(\d+)\.(\d+)(?:[.*](\d+))?")


class ReadingLike(Protocol):
    """A reading, of the drivers or as the record keeps it."""

    @property
    def item(self) -> str:
        """`CLASS:OBIS:ATTRIBUTE`, or the code of a readout."""
        ...

    @property
    def value(self) -> str | None:
        """Decimal text."""
        ...

    @property
    def unit(self) -> str | None:
        """Unit as sent."""
        ...


class PhaseValues(msgspec.Struct, frozen=True, kw_only=True):
    """One phase in V, A, W and var; power is positive for import, reactive power for an inductive load.

    `factor` is signed like the active power. None: the meter does not give it. Only for judging and drawing:
    what is recorded stays text.
    """

    voltage: float | None = None
    current: float | None = None
    power: float | None = None
    reactive: float | None = None
    factor: float | None = None

    @property
    def apparent(self) -> float:
        """VA: of the powers, else of voltage and current; 0 where neither is known."""
        if self.power is not None and self.reactive is not None:
            return math.hypot(self.power, self.reactive)
        return abs((self.voltage or 0.0) * (self.current or 0.0))


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """`phases` by position L1…L3; `angles` in degrees by (reference, other), as the meter says them."""

    phases: list[PhaseValues]
    angles: Mapping[tuple[int, int], float] = {}
    neutral_current: float | None = None


def measured(readings: Iterable[ReadingLike], phases: int) -> Measured:
    """The momentary values among `readings` of a meter with so many phases. Others are passed over."""
    values: dict[int, float] = {}
    angles: dict[tuple[int, int], float] = {}
    for reading in readings:
        code = _code(reading.item)
        number = _number(reading)
        if code is None or number is None or code[1] != _MOMENTARY:
            continue
        group, _, element = code
        if group == _ANGLE:
            angles[divmod(element, 10)] = number
        elif element == 0:
            values[group] = number
    return Measured(
        phases=[_phase(values, at) for at in range(phases)],
        angles=angles,
        neutral_current=values.get(_NEUTRAL_CURRENT),
    )


def _phase(values: Mapping[int, float], at: int) -> PhaseValues:
    return PhaseValues(
        voltage=values.get(_VOLTAGE[at]),
        current=values.get(_CURRENT[at]),
        power=_signed(values, _ACTIVE[at]),
        reactive=_signed(values, _REACTIVE[at]),
        factor=values.get(_FACTOR[at]),
    )


def _signed(values: Mapping[int, float], groups: tuple[int | None, int, int]) -> float | None:
    """The sum where there is one, else import minus export.

    An import register that stands at zero beside no export register says nothing: it stands at zero for a
    reversed current, too.
    """
    both, plus, minus = groups
    if both is not None and both in values:
        return values[both]
    if plus in values and (minus in values or values[plus]):
        return values[plus] - values.get(minus, 0.0)
    return -values[minus] if values.get(minus) else None


def _code(item: str) -> tuple[int, int, int] | None:
    """C, D, E of an item; only attribute 2 of electricity at the present time (A 1, F 255)."""
    parts = item.split(":")
    if len(parts) == 3 and parts[2] != "2":
        return None
    found = _OBIS.fullmatch(parts[1] if len(parts) == 3 else item)
    if found is None or (found[1] or "1") != "1" or (found[6] or "255") != "255":
        return None
    return int(found[3]), int(found[4]), int(found[5])


def _number(reading: ReadingLike) -> float | None:
    try:
        number = float(reading.value) if reading.value is not None else None
    except ValueError:
        return None
    if number is None or not math.isfinite(number):
        return None
    unit = reading.unit or ""
    return number * _SCALE.get(unit[:1], 1.0) if unit[1:] in _SCALED_UNITS else number
