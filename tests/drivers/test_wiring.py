"""The wiring verdict against vectors of its own: a true installation, miswired on purpose, measured as a
meter would.

A wrong verdict sends a crew back to a panel that is right, or puts load on one that is wrong; so each
miswiring is drawn with many loads, and the right wiring must stay right with all of them.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reading import Reading
from drivers.wiring.angles import Sense
from drivers.wiring.currents import explain
from drivers.wiring.judge import Installation, judge
from drivers.wiring.measured import Measured, measured
from drivers.wiring.verdict import Certainty, Fault, Polarity, Rotation, Why, WiringVerdict

LAG = Installation(sense=Sense.LAG)
LOADS = st.lists(st.tuples(st.floats(0.4, 60.0), st.floats(-8.0, 35.0)), min_size=3, max_size=3)
"""Current in A and lag in degrees of each phase."""
INDUCTIVE = st.lists(st.tuples(st.floats(0.4, 60.0), st.floats(8.0, 35.0)), min_size=3, max_size=3)

USUAL = st.lists(st.tuples(st.floats(0.4, 60.0), st.floats(8.0, 22.0)), min_size=3, max_size=3)
"""Two mistakes at once are only told apart with a load whose lag is no puzzle of its own."""


@dataclass(frozen=True)
class Wires:
    """What is connected where: conductor of each voltage input (None: open), phase and sign of each current
    input."""

    voltages: tuple[int | None, ...] = (0, 1, 2)
    currents: tuple[int, ...] = (0, 1, 2)
    signs: tuple[int, ...] = (1, 1, 1)


def phasor(length: float, lag: float) -> complex:
    return cmath.rect(length, -math.radians(lag))


def seen(
    loads: Sequence[tuple[float, float]],
    wires: Wires = Wires(),
    *,
    sense: Sense = Sense.LAG,
    angles: bool = True,
    reactive: bool = True,
) -> Measured:
    """What the meter measures, as readings with the units and steps of a real one."""
    network = [phasor(230.0, 120.0 * at) for at in range(3)]
    flow = [phasor(amps, lag + 120.0 * at) for at, (amps, lag) in enumerate(loads)]
    voltages = [network[source] if source is not None else 0j for source in wires.voltages]
    currents = [flow[source] * sign for source, sign in zip(wires.currents, wires.signs, strict=True)]
    return taken(voltages, currents, sense=sense, angles=angles, reactive=reactive)


def taken(
    voltages: Sequence[complex],
    currents: Sequence[complex],
    *,
    sense: Sense = Sense.LAG,
    angles: bool = True,
    reactive: bool = True,
) -> Measured:
    readings = []
    codes = ((32, 31, 36, 23, 33), (52, 51, 56, 43, 53), (72, 71, 76, 63, 73))
    for (u, i, p, q, factor), voltage, current in zip(codes, voltages, currents, strict=False):
        power = voltage * current.conjugate()
        cosine = power.real / abs(power) if abs(power) else 1.0
        values = [(u, f"{abs(voltage):.1f}", "V"), (i, f"{abs(current):.3f}", "A")]
        values += [(p, f"{power.real:.0f}", "W"), (factor, f"{cosine:.3f}", None)]
        values += [(q, f"{power.imag:.0f}", "var")] if reactive else []
        readings += [Reading(f"3:1.0.{code}.7.0.255:2", None, text, unit) for code, text, unit in values]
    if angles:
        lag = 1 if sense is Sense.LAG else -1
        pairs = [(1, voltages[1], voltages[0]), (2, voltages[2], voltages[0])]
        pairs += [(11 * at + 4, currents[at], voltages[at]) for at in range(3)]
        for code, other, reference in pairs:
            turn = -math.degrees(cmath.phase(other / reference)) if other and reference else 0.0
            readings.append(Reading(f"3:1.0.81.7.{code}.255:2", None, f"{lag * turn % 360:.0f}", "°"))
    return measured(readings, len(voltages))


def faults(verdict: WiringVerdict) -> dict[Fault, list[int]]:
    return {finding.fault: finding.phases for finding in verdict.claimed}


@given(LOADS)
def test_a_right_wiring_is_right_with_any_usual_load(loads: list[tuple[float, float]]) -> None:
    verdict = judge(seen(loads), LAG)
    assert (verdict.rotation, verdict.polarity) == (Rotation.DIRECT, Polarity.RIGHT)
    assert verdict.findings == []


@given(st.lists(st.tuples(st.floats(0.4, 60.0), st.floats(-88.0, 88.0)), min_size=3, max_size=3))
def test_no_load_however_odd_is_called_a_wiring_fault_for_certain(loads: list[tuple[float, float]]) -> None:
    """Capacitor banks and idle motors draw current far off the voltage; a crew must not be stopped for
    them."""
    certain = [one for one in judge(seen(loads), LAG).findings if one.certainty is Certainty.CERTAIN]
    balanced = max(lag for _, lag in loads) - min(lag for _, lag in loads) < 20
    assert not (certain and balanced)


@given(INDUCTIVE, st.integers(0, 2))
def test_a_reversed_current_transformer_is_found_at_its_phase(
    loads: list[tuple[float, float]], at: int
) -> None:
    signs = tuple(-1 if one == at else 1 for one in range(3))
    verdict = judge(seen(loads, Wires(signs=signs)), LAG)
    assert faults(verdict) == {Fault.CURRENT_REVERSED: [at + 1]}
    assert verdict.polarity is Polarity.WRONG
    assert verdict.rotation is Rotation.DIRECT


@given(LOADS, st.integers(0, 2))
def test_where_nothing_generates_a_reversed_one_is_found_for_capacitive_loads_too(
    loads: list[tuple[float, float]], at: int
) -> None:
    signs = tuple(-1 if one == at else 1 for one in range(3))
    place = Installation(generation=False, sense=Sense.LAG)
    assert faults(judge(seen(loads, Wires(signs=signs)), place)) == {Fault.CURRENT_REVERSED: [at + 1]}


@given(LOADS)
def test_reversed_rotation_is_seen_without_any_load(loads: list[tuple[float, float]]) -> None:
    """Two whole phases changed over, before the load goes on and after."""
    for wires in (Wires((0, 2, 1), (0, 2, 1)), Wires((1, 0, 2), (1, 0, 2)), Wires((2, 1, 0), (2, 1, 0))):
        for flow in (loads, [(0.0, 0.0)] * 3):
            verdict = judge(seen(flow, wires), LAG)
            assert verdict.rotation is Rotation.REVERSE
            assert faults(verdict) == {Fault.ROTATION_REVERSED: [1, 2, 3]}


@given(LOADS, st.sampled_from([(1, 0, 2), (0, 2, 1), (2, 1, 0)]), st.booleans())
def test_two_currents_changed_over_are_found(
    loads: list[tuple[float, float]], order: tuple[int, ...], angles: bool
) -> None:
    verdict = judge(seen(loads, Wires(currents=order), angles=angles), LAG)
    moved = [at + 1 for at in range(3) if order[at] != at]
    assert faults(verdict) == {Fault.CURRENT_ON_OTHER_PHASE: moved}


@given(LOADS, st.sampled_from([(1, 0, 2), (0, 2, 1), (2, 1, 0)]))
def test_two_voltages_changed_over_are_told_from_two_currents(
    loads: list[tuple[float, float]], order: tuple[int, ...]
) -> None:
    """The remedy differs: voltage leads, not current transformers; and the rotation is wrong with it."""
    verdict = judge(seen(loads, Wires(voltages=order)), LAG)
    moved = [at + 1 for at in range(3) if order[at] != at]
    assert faults(verdict) == {Fault.VOLTAGES_SWAPPED: moved}
    assert verdict.rotation is Rotation.REVERSE


@given(LOADS, st.sampled_from([(1, 2, 0), (2, 0, 1)]))
def test_all_currents_moved_on_are_never_taken_for_right(
    loads: list[tuple[float, float]], order: tuple[int, ...]
) -> None:
    """They look like three equal reactive loads: the verdict may doubt, but must not say that all is well."""
    verdict = judge(seen(loads, Wires(currents=order)), LAG)
    assert verdict.polarity is not Polarity.RIGHT
    assert all(finding.certainty is not Certainty.CERTAIN for finding in verdict.findings)


@given(USUAL, st.sampled_from([(1, 0, 2), (0, 2, 1), (2, 1, 0)]), st.integers(0, 2))
def test_changed_over_and_reversed_at_once(
    loads: list[tuple[float, float]], order: tuple[int, ...], at: int
) -> None:
    signs = tuple(-1 if one == at else 1 for one in range(3))
    measured_so = seen(loads, Wires(currents=order, signs=signs))
    found = faults(judge(measured_so, Installation(generation=False, sense=Sense.LAG)))
    moved = [one + 1 for one in range(3) if order[one] != one]
    assert found == {Fault.CURRENT_ON_OTHER_PHASE: moved, Fault.CURRENT_REVERSED: [at + 1]}
    # Where a generator may nearly cancel the loads it looks the same: a doubt then, and never right.
    assert judge(measured_so, LAG).polarity is not Polarity.RIGHT


@given(LOADS, st.integers(0, 2))
def test_a_missing_voltage_is_found(loads: list[tuple[float, float]], at: int) -> None:
    voltages = tuple(None if one == at else one for one in range(3))
    verdict = judge(seen(loads, Wires(voltages=voltages)), LAG)
    assert verdict.findings[0].fault is Fault.VOLTAGE_MISSING
    assert verdict.findings[0].phases == [at + 1]
    assert (verdict.rotation, verdict.rotation_why) == (Rotation.UNKNOWN, Why.VOLTAGE_MISSING)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_phase_and_neutral_changed_over_is_found_by_the_voltages_alone(at: int) -> None:
    network = [phasor(230.0, 120.0 * one) for one in range(3)]
    voltages = [-network[at] if one == at else network[one] - network[at] for one in range(3)]
    verdict = judge(taken(voltages, [0j, 0j, 0j]), LAG)
    assert faults(verdict) == {Fault.PHASE_NEUTRAL_SWAPPED: [at + 1]}
    assert verdict.polarity is Polarity.WRONG


def test_one_phase_at_two_inputs_is_found() -> None:
    verdict = judge(seen([(5.0, 10.0)] * 3, Wires(voltages=(0, 0, 2))), LAG)
    assert faults(verdict)[Fault.SAME_PHASE_TWICE] == [1, 2]


def test_without_load_no_polarity_is_claimed() -> None:
    verdict = judge(seen([(0.02, 10.0)] * 3, Wires(signs=(1, -1, 1))), LAG)
    assert (verdict.polarity, verdict.polarity_why) == (Polarity.UNKNOWN, Why.NO_LOAD)
    assert verdict.rotation is Rotation.DIRECT


def test_one_phase_without_load_leaves_polarity_open_but_finds_the_reversed_one() -> None:
    wires = Wires(signs=(1, -1, 1))
    verdict = judge(seen([(5.0, 15.0), (4.0, 15.0), (0.0, 0.0)], wires), LAG)
    assert faults(verdict) == {Fault.CURRENT_REVERSED: [2]}
    right = judge(seen([(5.0, 15.0), (4.0, 15.0), (0.0, 0.0)]), LAG)
    assert (right.polarity, right.polarity_why) == (Polarity.UNKNOWN, Why.NO_LOAD)


def test_without_angles_no_rotation_is_claimed() -> None:
    verdict = judge(seen([(5.0, 15.0)] * 3, angles=False), LAG)
    assert (verdict.rotation, verdict.rotation_why) == (Rotation.UNKNOWN, Why.NO_ANGLES)
    assert verdict.polarity is Polarity.RIGHT


@given(INDUCTIVE, st.sampled_from(list(Sense)))
def test_the_sense_of_a_makes_angles_is_learnt_from_its_reactive_power(
    loads: list[tuple[float, float]], sense: Sense
) -> None:
    """Makes count angles one way or the other; taken the wrong way round, every right wiring turns
    backwards."""
    unknown = Installation()
    assert judge(seen(loads, sense=sense), unknown).rotation is Rotation.DIRECT
    turned = Wires((0, 2, 1), (0, 2, 1))
    assert judge(seen(loads, turned, sense=sense), unknown).rotation is Rotation.REVERSE


def test_an_unknown_sense_without_load_claims_no_rotation() -> None:
    verdict = judge(seen([(0.0, 0.0)] * 3, Wires((0, 2, 1), (0, 2, 1))), Installation())
    assert (verdict.rotation, verdict.rotation_why) == (Rotation.UNKNOWN, Why.ANGLES_UNCLEAR)
    assert verdict.claimed == []


@given(st.lists(st.tuples(st.floats(1.0, 30.0), st.floats(158.0, 176.0)), min_size=3, max_size=3))
def test_a_solar_roof_is_no_wiring_fault(loads: list[tuple[float, float]]) -> None:
    """Active power goes out, reactive power still comes in: three reversed transformers would send both
    out."""
    verdict = judge(seen(loads), LAG)
    assert verdict.claimed == []
    assert (verdict.polarity, verdict.polarity_why) == (Polarity.UNKNOWN, Why.EXPORT)


@given(INDUCTIVE, st.integers(0, 2))
def test_the_power_that_would_be_right_is_told(loads: list[tuple[float, float]], at: int) -> None:
    signs = tuple(-1 if one == at else 1 for one in range(3))
    verdict = judge(seen(loads, Wires(signs=signs)), LAG)
    true = sum(230.0 * amps * math.cos(math.radians(lag)) for amps, lag in loads)
    assert verdict.power_right is not None
    assert abs(int(verdict.power_right) - true) <= 5


def test_only_cos_phi_and_the_sign_of_power_still_find_a_reversed_transformer() -> None:
    wires = Wires(signs=(1, -1, 1))
    found = seen([(5.0, 20.0)] * 3, wires, angles=False, reactive=False)
    assert faults(judge(found, Installation(generation=False))) == {Fault.CURRENT_REVERSED: [2]}


def one_phase(power: str, reactive: str, *, current: str = "5.0", neutral: str | None = None) -> Measured:
    rows = [("32", "230.0", "V"), ("31", current, "A"), ("21", power, "W"), ("23", reactive, "var")]
    rows += [("91", neutral, "A")] if neutral else []
    return measured([Reading(f"3:1.0.{c}.7.0.255:2", None, text, unit) for c, text, unit in rows], 1)


def test_single_phase_line_and_load_changed_over() -> None:
    verdict = judge(one_phase("-1120", "-250"), Installation(generation=False))
    assert faults(verdict) == {Fault.CURRENT_REVERSED: [1]}
    assert verdict.rotation_why is Why.SINGLE_PHASE


def test_single_phase_right_and_without_load() -> None:
    assert judge(one_phase("1120", "250"), Installation()).polarity is Polarity.RIGHT
    idle = judge(one_phase("2", "1", current="0.01"), Installation())
    assert (idle.polarity, idle.polarity_why) == (Polarity.UNKNOWN, Why.NO_LOAD)


def test_single_phase_neutral_that_carries_another_current_is_a_hint() -> None:
    verdict = judge(one_phase("1120", "250", neutral="3.1"), Installation())
    assert [finding.fault for finding in verdict.findings] == [Fault.NEUTRAL_DIFFERS]
    assert verdict.claimed == []


def test_readings_in_kilo_units_and_readout_codes_are_understood() -> None:
    rows = [("32.7.0", "230.0", "V"), ("1-0:31.7.0*255", "5.0", "A"), ("21.7.0", "-1.120", "kW")]
    rows += [("23.7.0", "-0.250", "kvar"), ("1.8.0", "17", "kWh"), ("31.7.0*01", "99", "A")]
    found = measured([Reading(item, None, value, unit) for item, value, unit in rows], 1)
    assert (found.phases[0].power, found.phases[0].reactive, found.phases[0].current) == (-1120, -250, 5.0)


def test_an_import_register_at_zero_says_nothing_about_a_reversed_current() -> None:
    """Meters that only count import show 0 W for a current that flows backwards."""
    rows = [("32", "230.0", "V"), ("31", "5.0", "A"), ("21", "0", "W")]
    found = measured([Reading(f"3:1.0.{c}.7.0.255:2", None, text, unit) for c, text, unit in rows], 1)
    assert judge(found, Installation()).polarity_why is Why.NO_POWER


@pytest.mark.parametrize("generation", [True, None])
def test_a_generator_that_nearly_cancels_the_loads_accuses_nobody(generation: bool | None) -> None:
    """Nine in the morning on a sunny roof: lags of 92, 140 and 168 degrees. A stop would last until noon."""
    found = explain([(92.0,), (140.0,), (168.0,)], [1], generation)
    assert found is not None
    assert found.sources == (0, 1, 2) or found.certainty is Certainty.HINT


def test_three_currents_moved_on_alike_are_still_likely() -> None:
    found = explain([(134.0,), (140.0,), (130.0,)], [1], None)
    assert found is not None
    assert found.sources != (0, 1, 2)
    assert found.certainty is Certainty.LIKELY
