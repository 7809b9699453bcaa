"""The wiring verdict of a meter in words and as phasors, and its event log as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.wiring.verdict import Fault, Finding, Polarity, Rotation, WiringVerdict
from fieldtool.tablet.rows import MeterView
from fieldtool.wiring import fault_text
from ui import views
from ui.wiring.formats import Formats

_CURRENTS = frozenset({Fault.CURRENT_REVERSED, Fault.CURRENT_ON_OTHER_PHASE, Fault.VOLTAGES_SWAPPED})
_PLACED_ALIKE = 120
"""Degrees between the voltages of a drawing where the meter gives no angles."""
EVENTS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Words:
    """The verdict's band: empty where nothing is to be said."""

    title: str = ""
    detail: str = ""
    tone: views.Tone = ""


def marked(judged: WiringVerdict | None) -> list[int]:
    """Phases, from 0, whose current is claimed to be wrong."""
    claimed = judged.claimed if judged else []
    return sorted({phase - 1 for one in claimed if one.fault in _CURRENTS for phase in one.phases})


def verdict_words(judged: WiringVerdict | None, connection: str, formats: Formats) -> Words:
    """The worst finding with its remedy; else a hint; else that all is right, or why it cannot be told."""
    if judged is None:
        return Words()
    finding = next(iter(judged.claimed), None)
    if finding is not None:
        detail = [_remedy(finding, connection, formats), _power(judged, formats)]
        others = [_fault(one, formats) for one in judged.claimed[1:]]
        title = " · ".join([_fault(finding, formats), *others])
        return Words(title, " ".join(part for part in detail if part), "wrong")
    hint = next(iter(judged.findings), None)
    if hint is not None:
        title = formats.word("wiring.maybe", fault=_fault(hint, formats))
        return Words(title, _remedy(hint, connection, formats), "attention")
    if judged.polarity is Polarity.RIGHT and len(judged.phases) == 1:
        return Words(formats.word("wiring.right_single"), formats.word("wiring.right_single.detail"), "good")
    if judged.polarity is Polarity.RIGHT:
        return Words(formats.word("wiring.right"), _sentence(formats.word("wiring.polarity.right")), "good")
    why = formats.word(f"wiring.why.{judged.polarity_why or 'unclear'}")
    return Words(formats.word("wiring.unknown"), _sentence(why), "")


def rotation_words(judged: WiringVerdict | None, formats: Formats) -> tuple[str, views.Tone]:
    """Rotation of a three-phase meter; nothing for one with a single phase."""
    if judged is None or len(judged.phases) < 3:
        return "", ""
    if judged.rotation is Rotation.UNKNOWN:
        return formats.say("Giro: {why}", why=formats.word(f"wiring.why.{judged.rotation_why}")), ""
    tone: views.Tone = "good" if judged.rotation is Rotation.DIRECT else "wrong"
    return formats.word(f"wiring.rotation.{judged.rotation.value}"), tone


def _fault(finding: Finding, formats: Formats) -> str:
    return fault_text(finding.fault.value, finding.phases, formats.language)


def _remedy(finding: Finding, connection: str, formats: Formats) -> str:
    names = ", ".join(f"L{phase}" for phase in finding.phases)
    direct = finding.fault is Fault.CURRENT_REVERSED and connection != "ct"
    return formats.word(f"wiring.remedy.{finding.fault.value}{'_direct' if direct else ''}", phases=names)


def _power(judged: WiringVerdict, formats: Formats) -> str:
    if judged.power is None or judged.power_right is None:
        return ""
    now, right = (
        formats.quantity(f"{int(watts) / 1000:.2f}", "kW") for watts in (judged.power, judged.power_right)
    )
    return formats.word("wiring.power", now=now, right=right)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def vectors(
    voltages: Sequence[float | None], currents: Sequence[float | None], judged: WiringVerdict | None
) -> tuple[views.Vector, ...]:
    """The voltages where they are, the currents behind them; a wrong one with the place where it belongs.

    Without angles the voltages are drawn 120° apart: their order is then nothing that was measured.
    """
    if judged is None:
        return ()
    wrong = marked(judged)
    arrows = []
    highest = max((voltage or 0.0 for voltage in voltages), default=0.0)
    largest = max((abs(current or 0.0) for current in currents), default=0.0)
    for at, phase in enumerate(judged.phases):
        angle = float(_PLACED_ALIKE * at if phase.voltage_angle is None else phase.voltage_angle)
        length = (voltages[at] or 0.0) / highest if highest else 0.0
        if length > 0.1:
            arrows.append(views.Vector(name=f"U{at + 1}", kind="voltage", angle=angle, length=length))
        if phase.lag is None or not largest:
            continue
        here = (angle + phase.lag) % 360
        there = (angle + phase.expected_lag) % 360 if phase.expected_lag is not None else -1.0
        arrows.append(
            views.Vector(
                name=f"I{at + 1}",
                kind="current",
                angle=here,
                length=0.45 + 0.33 * abs(currents[at] or 0.0) / largest,
                wrong=at in wrong,
                expected=there if at in wrong else -1.0,
            )
        )
    return tuple(arrows)


def event_rows(found: MeterView, formats: Formats) -> tuple[views.Event, ...]:
    """The event log, newest first; a code that the model file does not name stands as it is."""
    rows = []
    for row in reversed(found.events[-EVENTS_SHOWN:]):
        moment = formats.local(row.time)
        named = found.event_names.get(row.code or "", {})
        text = named.get(formats.language.value) or formats.say("Suceso {code}", code=row.code or "?")
        time = moment.strftime("%d/%m %H:%M:%S") if moment else "—"
        rows.append(views.Event(time=time, text=text))
    return tuple(rows)
