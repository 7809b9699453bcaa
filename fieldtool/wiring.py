"""The wiring verdict of a meter that was read, as the record keeps it; and what it says against a crew's
answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drivers.models import MeterModel
from drivers.wiring.judge import Installation, judge
from drivers.wiring.measured import PHASES, ReadingLike, measured
from drivers.wiring.verdict import Certainty, Fault, Rotation, WiringVerdict
from fieldtool.procedure.model import WiringQuestion
from fieldtool.procedure.state import Found
from fieldtool.text import Language
from fieldtool.words import text
from workorders.journal.words import WiringFault, WiringJudged, WiringPhase

_AGAINST: dict[WiringQuestion, frozenset[str]] = {
    WiringQuestion.ROTATION: frozenset(
        {Fault.ROTATION_REVERSED, Fault.VOLTAGES_SWAPPED, Fault.SAME_PHASE_TWICE}
    ),
    WiringQuestion.POLARITY: frozenset(
        {
            Fault.VOLTAGE_MISSING,
            Fault.PHASE_NEUTRAL_SWAPPED,
            Fault.SAME_PHASE_TWICE,
            Fault.VOLTAGES_SWAPPED,
            Fault.CURRENT_ON_OTHER_PHASE,
            Fault.CURRENT_REVERSED,
        }
    ),
}
_MORE_THAN_HINTS = (Certainty.CERTAIN, Certainty.LIKELY)
_ENOUGH: dict[str, tuple[Certainty, ...]] = {Fault.CURRENT_ON_OTHER_PHASE: (Certainty.CERTAIN,)}
_OTHER_PHASES = (":1.0.52.7.0.", ":1.0.72.7.0.")


GENERATES = frozenset({"generator", "solar", "self_consumption"})
NO_GENERATION = "no_generation"
"""Flags of an order: power may flow back there, or it is known that it may not."""


def generation_of(flags: Iterable[str]) -> bool | None:
    """Whether power may flow back at a place, by its order's flags; None where the office does not say, or
    says both."""
    said = set(flags)
    back, none = bool(said & GENERATES), NO_GENERATION in said
    return None if back == none else back


def verdict_of(
    readings: Sequence[ReadingLike], model: MeterModel | None, *, generation: bool | None = None
) -> WiringVerdict | None:
    """The verdict on the momentary values among `readings`; None where there are none.

    `generation`: see `generation_of`. Without it a reversed transformer and a generator that feeds back are
    told apart by the other phases alone.

    Without a model a meter has three phases if it gives a voltage of another phase than the first.
    """
    other = any(mark in reading.item for reading in readings for mark in _OTHER_PHASES)
    phases = model.phases if model else PHASES if other else 1
    found = measured(readings, phases)
    if all(phase.voltage is None for phase in found.phases):
        return None
    return judge(found, Installation(generation=generation, sense=model.quirks.angles if model else None))


def judged(verdict: WiringVerdict | None) -> WiringJudged | None:
    """The verdict as an entry keeps it."""
    if verdict is None:
        return None
    return WiringJudged(
        rotation=verdict.rotation.value,
        polarity=verdict.polarity.value,
        rotation_why=verdict.rotation_why.value if verdict.rotation_why else None,
        polarity_why=verdict.polarity_why.value if verdict.polarity_why else None,
        findings=[
            WiringFault(fault=one.fault.value, phases=one.phases, certainty=one.certainty.value)
            for one in verdict.findings
        ],
        phases=[
            WiringPhase(
                phase=one.phase,
                voltage_angle=one.voltage_angle,
                current_angle=one.current_angle,
                lag=one.lag,
                loaded=one.loaded,
            )
            for one in verdict.phases
        ],
        power=verdict.power,
        power_right=verdict.power_right,
    )


def contradictions(question: WiringQuestion | None, found: Found | None) -> list[WiringFault]:
    """What the meter measured against a crew that says *right*: more than hints, and only what was asked.

    Currents that look moved on may be generators that nearly cancel their loads: only where that is out of
    the question does it stop a crew.
    """
    if question is None or found is None or found.wiring is None:
        return []
    return [
        fault
        for fault in found.wiring.findings
        if fault.fault in _AGAINST[question] and fault.certainty in _ENOUGH.get(fault.fault, _MORE_THAN_HINTS)
    ]


def said(question: WiringQuestion, found: Found | None, language: Language) -> tuple[str, str]:
    """What the meter says to a question, in words, and its tone: `good`, `wrong`, or none where it cannot
    tell."""
    wiring = found.wiring if found is not None else None
    if wiring is None:
        return text("wiring.not_measured", language), ""
    against = contradictions(question, found)
    if against:
        return fault_text(against[0].fault, against[0].phases, language), "wrong"
    if question is WiringQuestion.ROTATION:
        known, why = wiring.rotation == Rotation.DIRECT, wiring.rotation_why
    else:
        known, why = wiring.polarity == "right", wiring.polarity_why
    if known:
        return text(f"wiring.{question.value}.right", language), "good"
    return text(f"wiring.why.{why or 'unclear'}", language), ""


def fault_text(fault: str, phases: Sequence[int], language: Language) -> str:
    """A fault in words: *Transformador de corriente de L2 invertido*."""
    names = ", ".join(f"L{phase}" for phase in phases)
    return text(f"wiring.fault.{fault}", language, phases=names)
