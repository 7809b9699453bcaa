"""What the meter measures: a plausible load, drawn from a seed, with energies that agree with the power.

Power is a function of time alone (seed, quarter of an hour, a ripple every 5 seconds); energy is its integral
over the quarter-hour means while the relay is closed. Everything is an integer in small units: W, var, mV,
mA, W·ms.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.virtual import wiring as wires
from drivers.virtual.wiring import Wiring, phasor

SLOT = 900
RIPPLE = 5
MS_PER_HOUR = 3_600_000
TARIFFS = 4
IMPORT_ACTIVE, EXPORT_ACTIVE, IMPORT_REACTIVE, EXPORT_REACTIVE = 1, 2, 3, 4
_DAY_SHAPE = (
    35,
    30,
    28,
    27,
    28,
    35,
    60,
    90,
    95,
    85,
    80,
    85,
    110,
    115,
    95,
    85,
    85,
    95,
    120,
    160,
    185,
    165,
    110,
    60,
)
"""Load by hour of day, percent of the mean."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What is connected: phases, nominal voltage (V, phase to neutral), mean load for each phase (W), share
    of own
    generation at noon (percent of the mean load, 0 for none)."""

    phases: int
    voltage: int
    mean_power: int
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase at one moment. `power_factor` in thousandths, negative for export; `voltage_lag` in degrees
    behind U(L1), `current_lag` behind the voltage of its own phase."""

    millivolts: int
    milliamperes: int
    watts: int
    vars: int
    power_factor: int
    voltage_lag: int = 0
    current_lag: int = 0


def _draw(seed: int, *what: int) -> bytes:
    text = ",".join(map(str, (seed, *what))).encode()
    return hashlib.blake2b(text, digest_size=32).digest()


class Load:
    """Power over time for one supply. Times are unix seconds; `local_hour` gives the hour of day there."""

    def __init__(
        self, supply: Supply, seed: int, local_hour: Callable[[float], int], wiring: Wiring | None = None
    ) -> None:
        self.supply, self._seed, self._local_hour = supply, seed, local_hour
        self._wiring = wiring or Wiring()

    def slot_power(self, at: float) -> list[tuple[int, int]]:
        """Mean active (W) and reactive (var) power of each phase in the quarter of an hour around `at`, as
        the meter counts it: what a miswired one counts is wrong in the same way as what it shows."""
        powers = self._true_power(at)
        if self._wiring.is_right:
            return powers
        volts = [self.supply.voltage * 1000] * self.supply.phases
        return [(phase.watts, phase.vars) for phase in self._at_inputs(volts, powers)]

    def _true_power(self, at: float) -> list[tuple[int, int]]:
        slot = int(at // SLOT)
        draw = _draw(self._seed, slot)
        hour = self._local_hour(at)
        shape = _DAY_SHAPE[hour]
        sun = max(0, 36 - (hour - 12) ** 2) * self.supply.generation // 36
        powers = []
        for phase in range(self.supply.phases):
            load = self.supply.mean_power * shape * (50 + draw[phase]) // 17_700
            made = self.supply.mean_power * sun * (128 + draw[phase + 8] // 2) // 25_500
            tangent = 150 + draw[phase + 4]  # thousandths: cos φ from 0.93 to 0.99
            powers.append((load - made, load * tangent // 1000))
        return powers

    def phases(self, at: float, connected: bool) -> list[Phase]:
        """Momentary values; with the relay open there is voltage but no current."""
        draw = _draw(self._seed, int(at // RIPPLE), 1)
        volts, powers = [], []
        for index, (mean, reactive) in enumerate(self._true_power(at)):
            # within 1 % below and 2 % above
            volts.append(self.supply.voltage * (99_000 + draw[index] * 12) // 100)
            watts = mean * (980 + draw[index + 4] * 40 // 255) // 1000 if connected else 0
            powers.append((watts, reactive if connected else 0))
        if self._wiring.is_right:
            return [_phase(at, volts[at], *power) for at, power in enumerate(powers)]
        return self._at_inputs(volts, powers)

    def _at_inputs(self, millivolts: list[int], powers: list[tuple[int, int]]) -> list[Phase]:
        """The true vectors as they stand at the inputs of a miswired meter."""
        true = [phasor(length / 1000, 120.0 * at) for at, length in enumerate(millivolts)]
        flows = [
            (complex(watts, var) / voltage).conjugate()
            for (watts, var), voltage in zip(powers, true, strict=True)
        ]
        voltages, currents = wires.measured(self._wiring, true, flows)
        phases = []
        for voltage, current in zip(voltages, currents, strict=True):
            power = voltage * current.conjugate()
            factor = round(power.real * 1000 / abs(power)) if abs(power) else 1000
            phases.append(
                Phase(
                    round(abs(voltage) * 1000),
                    round(abs(current) * 1000),
                    round(power.real),
                    round(power.imag),
                    factor,
                    wires.degrees(voltage, voltages[0] or true[0]),
                    wires.degrees(current, voltage),
                )
            )
        return phases


def _phase(at: int, millivolts: int, watts: int, reactive: int) -> Phase:
    """A phase that is wired right."""
    apparent = math.isqrt(watts * watts + reactive * reactive)
    return Phase(
        millivolts,
        apparent * 1_000_000 // millivolts,
        watts,
        reactive,
        watts * 1000 // apparent if apparent else 1000,
        120 * at,
        round(math.degrees(math.atan2(reactive, watts))) % 360 if apparent else 0,
    )


@dataclass
class Energies:
    """Energy registers by quantity and tariff (0 is the total), in W·ms or var·ms, up to `at` (unix
    seconds).
    """

    at: float
    registers: dict[tuple[int, int], int] = field(default_factory=dict)

    def wh(self, quantity: int, tariff: int) -> int:
        """A register in whole Wh or varh."""
        return self.registers.get((quantity, tariff), 0) // MS_PER_HOUR

    def _add(self, quantity: int, tariff: int, amount: int) -> None:
        for rate in (0, tariff):
            key = (quantity, rate)
            self.registers[key] = self.registers.get(key, 0) + amount

    def advance(self, to: float, load: Load, tariff: Callable[[float], int], connected: bool) -> None:
        """Integrates up to `to`; a clock that went back adds nothing."""
        while self.at < to:
            end = min(to, (self.at // SLOT + 1) * SLOT)
            if connected:
                self._integrate(round((end - self.at) * 1000), load.slot_power(self.at), tariff(self.at))
            self.at = end

    def _integrate(self, milliseconds: int, powers: list[tuple[int, int]], tariff: int) -> None:
        active = sum(watts for watts, _ in powers)
        reactive = sum(var for _, var in powers)
        self._add(IMPORT_ACTIVE if active >= 0 else EXPORT_ACTIVE, tariff, abs(active) * milliseconds)
        self._add(IMPORT_REACTIVE if reactive >= 0 else EXPORT_REACTIVE, tariff, abs(reactive) * milliseconds)
