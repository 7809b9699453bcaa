"""`judge`: measured values to the wiring verdict. Pure; every threshold stands here, in `angles` or in
`currents`.

Nothing is claimed that the values do not carry: without angles there is no rotation, without load (0.05 A
and 10 VA a phase) no polarity. A meter sees only its own terminals: it is supposed that the network itself
turns L1-L2-L3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from drivers.wiring.angles import LOAD_CURRENT, Geometry, Sense, geometry, lags, loaded, pattern, wrap
from drivers.wiring.currents import EXPORTS, REVERSED, RIGHT, Explanation, explain
from drivers.wiring.measured import PHASES, Measured
from drivers.wiring.verdict import (
    Certainty,
    Fault,
    Finding,
    PhaseEvidence,
    Polarity,
    Rotation,
    Why,
    WiringVerdict,
)

ALIVE = 30.0
"""V: half of the lowest nominal voltage in use (57.7 V at a voltage transformer)."""
MISSING_SHARE = 0.5
"""Of the highest phase: below it a voltage counts as missing."""
NEUTRAL_RATIO, NEUTRAL_TOLERANCE = math.sqrt(3.0), 0.10
"""Phase and neutral changed over: two phases show the voltage between phases, the third its own."""
UNBALANCE_SHARE = 0.10
"""Of the mean; EN 50160 allows ±10 % of the nominal voltage."""
SAME_PHASE = 20.0
"""Degrees: two inputs on one phase."""
NEUTRAL_CURRENT_SHARE = 0.10
CURRENT_MISSING_FACTOR = 20.0
"""The others carry at least so many times the current that counts."""
_POLARITY_FAULTS = frozenset(
    {
        Fault.VOLTAGE_MISSING,
        Fault.PHASE_NEUTRAL_SWAPPED,
        Fault.SAME_PHASE_TWICE,
        Fault.VOLTAGES_SWAPPED,
        Fault.CURRENT_ON_OTHER_PHASE,
        Fault.CURRENT_REVERSED,
    }
)


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the place. `generation`: whether power may flow back; `sense`: of this make's
    angles."""

    generation: bool | None = None
    sense: Sense | None = None


def judge(found: Measured, place: Installation) -> WiringVerdict:
    """The verdict on one set of momentary values, of a meter with one or three phases."""
    present = _present(found)
    known = geometry(found, place.sense)
    findings = list(_voltage_findings(found, present, known))
    rotation, rotation_why = _rotation(found, present, known)
    turning = _TURNS[rotation] if known.sure else (1, -1)
    angles = [candidates if at in present else () for at, candidates in enumerate(lags(found, known))]
    explained = explain(angles, turning, place.generation)
    findings += _current_findings(found, present, explained, rotation)
    swapped = [one for one in findings if one.fault is Fault.VOLTAGES_SWAPPED]
    if rotation is Rotation.REVERSE and all(one.certainty is Certainty.HINT for one in swapped):
        # The voltages turn backwards for sure; whose leads they are the currents only hint at.
        findings = [one for one in findings if one not in swapped]
        certainty = Certainty.CERTAIN if known.sure else Certainty.HINT
        findings.append(
            Finding(fault=Fault.ROTATION_REVERSED, phases=list(range(1, PHASES + 1)), certainty=certainty)
        )
    if rotation is not Rotation.UNKNOWN and not known.sure:
        rotation, rotation_why = Rotation.UNKNOWN, Why.ANGLES_UNCLEAR
    polarity, polarity_why = _polarity(found, present, findings, explained)
    findings.sort(key=lambda finding: list(Fault).index(finding.fault))
    power, power_right = _powers(found, explained)
    return WiringVerdict(
        rotation=rotation,
        polarity=polarity,
        rotation_why=rotation_why,
        polarity_why=polarity_why,
        findings=findings,
        phases=_evidence(found, known, angles, explained),
        power=power,
        power_right=power_right if _has(findings, *_CURRENT_FAULTS) else None,
    )


_TURNS = {Rotation.DIRECT: (1,), Rotation.REVERSE: (-1,), Rotation.UNKNOWN: (1, -1)}
_CURRENT_FAULTS = (Fault.CURRENT_REVERSED, Fault.CURRENT_ON_OTHER_PHASE, Fault.VOLTAGES_SWAPPED)


def _has(findings: Iterable[Finding], *faults: Fault) -> bool:
    return any(finding.fault in faults for finding in findings)


# --- voltages -----------------------------------------------------------------------------------


def _present(found: Measured) -> list[int]:
    """Phases with voltage, against the highest one."""
    voltages = [phase.voltage or 0.0 for phase in found.phases]
    least = max(ALIVE, MISSING_SHARE * max(voltages, default=0.0))
    return [at for at, voltage in enumerate(voltages) if voltage >= least]


def _voltage_findings(found: Measured, present: list[int], known: Geometry) -> Iterable[Finding]:
    told = [at for at, phase in enumerate(found.phases) if phase.voltage is not None]
    missing = [at + 1 for at in told if at not in present]
    if missing:
        yield Finding(fault=Fault.VOLTAGE_MISSING, phases=missing, certainty=Certainty.CERTAIN)
    swapped = _neutral_swapped(found, present)
    if swapped is not None:
        yield Finding(fault=Fault.PHASE_NEUTRAL_SWAPPED, phases=[swapped + 1], certainty=Certainty.CERTAIN)
        return
    twice = _same_phase(known, present)
    if twice:
        yield Finding(fault=Fault.SAME_PHASE_TWICE, phases=twice, certainty=Certainty.CERTAIN)
    voltages = [found.phases[at].voltage or 0.0 for at in present]
    if len(voltages) == PHASES:
        mean = sum(voltages) / PHASES
        odd = [
            at + 1
            for at, one in zip(present, voltages, strict=True)
            if abs(one - mean) > mean * UNBALANCE_SHARE
        ]
        if odd:
            yield Finding(fault=Fault.VOLTAGE_UNBALANCE, phases=odd, certainty=Certainty.HINT)


def _neutral_swapped(found: Measured, present: Sequence[int]) -> int | None:
    """The phase that sits at the neutral terminal: the two others show √3 times its voltage."""
    if len(present) != PHASES:
        return None
    voltages = [found.phases[at].voltage or 0.0 for at in present]
    low = min(range(PHASES), key=voltages.__getitem__)
    ratios = [voltages[at] / voltages[low] for at in range(PHASES) if at != low]
    near = all(abs(ratio / NEUTRAL_RATIO - 1) <= NEUTRAL_TOLERANCE for ratio in ratios)
    return low if near else None


def _same_phase(known: Geometry, present: Sequence[int]) -> list[int]:
    for one in present:
        for other in present:
            first, second = _at(known.voltages, one), _at(known.voltages, other)
            if (
                one < other
                and first is not None
                and second is not None
                and abs(wrap(first - second)) < SAME_PHASE
            ):
                return [one + 1, other + 1]
    return []


def _at(values: Sequence[float | None], at: int) -> float | None:
    return values[at] if at < len(values) else None


def _rotation(found: Measured, present: list[int], known: Geometry) -> tuple[Rotation, Why | None]:
    if len(found.phases) < PHASES:
        return Rotation.UNKNOWN, Why.SINGLE_PHASE
    if any(phase.voltage is not None for phase in found.phases) and len(present) < PHASES:
        return Rotation.UNKNOWN, Why.VOLTAGE_MISSING
    if None in known.voltages:
        return Rotation.UNKNOWN, Why.NO_ANGLES
    turn = pattern(known.voltages)
    if turn == 0:
        return Rotation.UNKNOWN, Why.ANGLES_UNCLEAR
    return (Rotation.DIRECT if turn > 0 else Rotation.REVERSE), None


# --- currents -----------------------------------------------------------------------------------


def _current_findings(
    found: Measured, present: list[int], explained: Explanation | None, rotation: Rotation
) -> Iterable[Finding]:
    if explained is not None:
        yield from _explained(explained, rotation)
    flowing = [at for at in present if loaded(found.phases[at])]
    least = CURRENT_MISSING_FACTOR * LOAD_CURRENT
    strong = [at for at in flowing if abs(found.phases[at].current or 0.0) >= least]
    silent = [at + 1 for at in present if found.phases[at].current is not None and at not in flowing]
    if len(strong) == PHASES - 1 and silent:
        yield Finding(fault=Fault.CURRENT_MISSING, phases=silent, certainty=Certainty.HINT)
    if len(found.phases) == 1 and _neutral_differs(found):
        yield Finding(fault=Fault.NEUTRAL_DIFFERS, phases=[1], certainty=Certainty.HINT)


def _neutral_differs(found: Measured) -> bool:
    """Single phase: what comes by the phase does not go by the neutral, so some of it passes the meter by,
    or the two are changed over at a neutral that is shared."""
    current, neutral = found.phases[0].current, found.neutral_current
    if current is None or neutral is None or not loaded(found.phases[0]):
        return False
    return abs(abs(current) - abs(neutral)) > NEUTRAL_CURRENT_SHARE * abs(current)


def _explained(explained: Explanation, rotation: Rotation) -> Iterable[Finding]:
    flowing = [at for at, rest in enumerate(explained.rests) if rest is not None]
    moved = [at + 1 for at in flowing if explained.sources[at] != at]
    sure = explained.certainty
    if moved:
        swap = any(source == at for at, source in enumerate(explained.sources))
        # Currents in their places behind two voltages changed over: the network turns right, the meter sees
        # it turn left.
        voltages = rotation is Rotation.REVERSE and swap
        fault = Fault.VOLTAGES_SWAPPED if voltages else Fault.CURRENT_ON_OTHER_PHASE
        yield Finding(fault=fault, phases=moved, certainty=sure)
    turned = [at + 1 for at in flowing if explained.ways[at] == REVERSED]
    if turned:
        yield Finding(fault=Fault.CURRENT_REVERSED, phases=turned, certainty=sure)
    exporting = [at + 1 for at in flowing if explained.ways[at] == EXPORTS]
    if exporting:
        yield Finding(fault=Fault.EXPORT, phases=exporting, certainty=Certainty.HINT)


def _polarity(
    found: Measured, present: list[int], findings: list[Finding], explained: Explanation | None
) -> tuple[Polarity, Why | None]:
    claimed = [one for one in findings if one.certainty is not Certainty.HINT]
    if any(finding.fault in _POLARITY_FAULTS for finding in claimed):
        return Polarity.WRONG, None
    if explained is None:
        flows = any(loaded(found.phases[at]) for at in present)
        return Polarity.UNKNOWN, Why.NO_POWER if flows else Why.NO_LOAD
    if EXPORTS in explained.ways:
        return Polarity.UNKNOWN, Why.EXPORT
    straight = set(explained.ways) == {RIGHT} and explained.sources == tuple(range(len(explained.sources)))
    if not straight or explained.certainty is Certainty.HINT:
        return Polarity.UNKNOWN, Why.UNCLEAR
    if any(rest is None for rest in explained.rests):
        return Polarity.UNKNOWN, Why.NO_LOAD
    return Polarity.RIGHT, None


def _powers(found: Measured, explained: Explanation | None) -> tuple[str | None, str | None]:
    """Active power now, and with every current at its own voltage the right way round; whole W."""
    powers = [phase.power for phase in found.phases]
    if all(power is None for power in powers):
        return None, None
    now = sum(power or 0.0 for power in powers)
    right = 0.0
    for at, phase in enumerate(found.phases):
        rest = explained.rests[at] if explained is not None else None
        right += (phase.power or 0.0) if rest is None else phase.apparent * math.cos(math.radians(rest))
    return str(round(now)), str(round(right))


def _evidence(
    found: Measured,
    known: Geometry,
    angles: Sequence[tuple[float, ...]],
    explained: Explanation | None,
) -> list[PhaseEvidence]:
    evidence = []
    for at, phase in enumerate(found.phases):
        voltage = _at(known.voltages, at)
        lag = angles[at][0] if len(angles[at]) == 1 else None
        expected = None
        if explained is not None and explained.rests[at] is not None:
            wrong = explained.ways[at] == REVERSED or explained.sources[at] != at
            expected = explained.rests[at] if wrong else None
        evidence.append(
            PhaseEvidence(
                phase=at + 1,
                voltage_angle=_whole(voltage),
                current_angle=_whole(_sum(voltage, lag)),
                lag=None if lag is None else round(wrap(lag)),
                expected_lag=None if expected is None else round(wrap(expected)),
                loaded=loaded(phase),
            )
        )
    return evidence


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _whole(angle: float | None) -> int | None:
    return None if angle is None else round(angle) % 360
