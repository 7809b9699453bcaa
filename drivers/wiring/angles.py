"""Angles: how a make counts them, the rotation of the voltages, the lag of each current. Degrees, lag
positive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from drivers.wiring.measured import PHASES, Measured, PhaseValues

ROTATION_TOLERANCE = 30.0
"""Voltages of a healthy network stand 120° apart within a few degrees; half way to the next pattern is
60°."""
LOAD_CURRENT = 0.05
"""A: 1 % of 5 A, from where IEC 62053-21/-22 promises accuracy. Below it an angle is noise."""
LOAD_POWER = 10.0
"""VA: registers of whole watts give an angle within 3° from here on."""


class Sense(StrEnum):
    """How a meter counts angles: the other quantity behind (`lag`) or ahead (`lead`) of the reference."""

    LAG = "lag"
    LEAD = "lead"


class Geometry(msgspec.Struct, frozen=True, kw_only=True):
    """Angles of the voltages behind U(L1) by phase; `sure`: the sense is known and not only supposed."""

    voltages: list[float | None]
    sign: int
    sure: bool


def wrap(angle: float) -> float:
    """Into (−180, 180]."""
    return 180.0 - (180.0 - angle) % 360.0


def loaded(phase: PhaseValues) -> bool:
    """Whether enough flows for an angle to mean something."""
    return abs(phase.current or 0.0) >= LOAD_CURRENT and phase.apparent >= LOAD_POWER


def geometry(found: Measured, declared: Sense | None) -> Geometry:
    """The voltages as the meter's angles give them.

    Makes differ in the sense of their angles. Where the model does not say it, the meter's own reactive
    power does: an inductive current lags. Without load it is supposed that the angle counts the lag (as in
    IEC 62056-6-1's order of reference and quantity), and that is not sure.
    """
    calibrated = None if declared else _calibrate(found)
    sense = declared or calibrated or Sense.LAG
    sign = 1 if sense is Sense.LAG else -1
    second, third = (_between(found, 0, other) for other in (1, 2))
    step = _between(found, 1, 2)
    if third is None and second is not None and step is not None:
        third = second + step
    if second is None and third is not None and step is not None:
        second = third - step
    voltages = [0.0, *(None if one is None else sign * one % 360 for one in (second, third))]
    known = voltages if len(found.phases) == PHASES else voltages[:1]
    return Geometry(voltages=known, sign=sign, sure=bool(declared or calibrated))


def _between(found: Measured, reference: int, other: int) -> float | None:
    """The angle of `other` against `reference`, from whichever of the two codes the meter has."""
    if (reference, other) in found.angles:
        return found.angles[reference, other]
    back = found.angles.get((other, reference))
    return None if back is None else -back


def _calibrate(found: Measured) -> Sense | None:
    votes = 0
    for at, phase in enumerate(found.phases):
        angle = _between(found, at, at + 4)
        if angle is None or phase.power is None or phase.reactive is None or not loaded(phase):
            continue
        lag = math.degrees(math.atan2(phase.reactive, phase.power))
        if abs(math.sin(math.radians(lag))) > 0.1:
            same, opposite = abs(wrap(angle - lag)), abs(wrap(-angle - lag))
            votes += (same < opposite) - (opposite < same)
    return None if votes == 0 else Sense.LAG if votes > 0 else Sense.LEAD


def pattern(voltages: Sequence[float | None]) -> int:
    """+1 for L1-L2-L3, −1 for the reverse, 0 where the angles fit neither or are not known."""
    if len(voltages) < PHASES or voltages[1] is None or voltages[2] is None:
        return 0
    for sign in (1, -1):
        off = (wrap(voltages[1] - sign * 120.0), wrap(voltages[2] + sign * 120.0))
        if all(abs(one) <= ROTATION_TOLERANCE for one in off):
            return sign
    return 0


def lags(found: Measured, known: Geometry) -> list[tuple[float, ...]]:
    """How far each current is behind its own voltage: one angle, two where only |φ| is known, none where
    nothing is.

    Active and reactive power come first: their signs mean the same with every make.
    """
    return [_lag(found, known, at) for at in range(len(found.phases))]


def _lag(found: Measured, known: Geometry, at: int) -> tuple[float, ...]:
    phase = found.phases[at]
    if not loaded(phase):
        return ()
    if phase.power is not None and phase.reactive is not None:
        return (math.degrees(math.atan2(phase.reactive, phase.power)),)
    own = _between(found, at, at + 4)
    if own is not None:
        return (wrap(known.sign * own),)
    absolute, voltage = _between(found, 0, at + 4), known.voltages[at] if at < len(known.voltages) else None
    if absolute is not None and voltage is not None:
        return (wrap(known.sign * absolute - voltage),)
    cosine = _cosine(phase)
    if cosine is None:
        return ()
    angle = math.degrees(math.acos(cosine))
    return (angle, -angle)


def _cosine(phase: PhaseValues) -> float | None:
    """Of active power and U·I where both are there, else the power factor with the sign of the power."""
    if phase.power is not None and phase.apparent:
        return max(-1.0, min(1.0, phase.power / phase.apparent))
    if phase.factor is None:
        return None
    return max(-1.0, min(1.0, phase.factor))
