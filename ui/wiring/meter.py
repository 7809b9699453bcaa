"""What a meter said, as the meter page: values by phase, phasors with a wiring verdict, profile, network.

The verdict uses what the meter measures itself: power and current of each phase against the others. A phase
whose active power is negative while the others import has its current transformer reversed; the rotation
follows from the phase angles where the meter gives them, and is not claimed where it does not.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from fieldtool.tablet.rows import MeterView
from ui import views
from ui.wiring.formats import DASH, Formats
from ui.wiring.items import item_name, item_value, says_something

VOLTAGE, CURRENT, POWER, FACTOR = "voltage", "current", "power", "factor"
#: OBIS C groups by phase: U, I, +P/−P, cos φ (IEC 62056-6-1).
GROUPS: dict[str, tuple[int, int, int]] = {
    VOLTAGE: (32, 52, 72),
    CURRENT: (31, 51, 71),
    POWER: (36, 56, 76),
    FACTOR: (33, 53, 73),
}
IMPORT_POWER, EXPORT_POWER = (21, 41, 61), (22, 42, 62)
ENERGY = (1, 2)
CURRENT_THAT_COUNTS = 0.05


def meter_view(found: MeterView, now: datetime, formats: Formats) -> views.Meter:
    """The whole page."""
    by_code = {_code(row): row for row in found.readings if _code(row) is not None}
    values = {name: [_value(by_code, group) for group in groups] for name, groups in GROUPS.items()}
    for phase in range(3):
        if values[POWER][phase] is None:
            values[POWER][phase] = _signed_power(by_code, phase)
    phases = [at for at in range(3) if values[VOLTAGE][at] is not None]
    reversed_phases = wrong_phases(values, phases)
    verdict = _verdict(values, reversed_phases, formats)
    title, missing, peak, peak_time, profile = _profile(found, formats)
    return views.Meter(
        state="read",
        serial=str(found.identity.get("serial") or DASH),
        detail=_detail(found, len(phases), formats),
        time=now.astimezone(formats.zone).strftime("%H:%M:%S"),
        phases=tuple(f"L{at + 1}" for at in phases),
        readings=_rows(values, phases, reversed_phases, formats),
        vectors=vectors(values, phases, reversed_phases) if len(phases) == 3 else (),
        verdict=verdict[0],
        verdict_detail=verdict[1],
        verdict_tone="wrong" if verdict[0] else "",
        network=_network(found.network, formats),
        profile_title=title,
        profile_missing=missing,
        profile_peak=peak,
        profile_peak_time=peak_time,
        profile=profile,
        registers=_registers(found, formats),
    )


def wrong_phases(values: dict[str, list[float | None]], phases: list[int]) -> list[int]:
    """Phases with current whose power runs against that of the others."""
    signs = {}
    for at in phases:
        power, current = values[POWER][at], values[CURRENT][at]
        if power is not None and current is not None and abs(current) >= CURRENT_THAT_COUNTS and power:
            signs[at] = power > 0
    importing = sum(signs.values())
    if importing <= len(signs) - importing:
        return []
    return [at for at, positive in signs.items() if not positive]


def vectors(
    values: dict[str, list[float | None]], phases: list[int], reversed_phases: list[int]
) -> tuple[views.Vector, ...]:
    """Voltages at 0°, 120°, 240°; currents behind them by φ; a reversed one with its expected place."""
    result = [views.Vector(name=f"U{at + 1}", kind="voltage", angle=120.0 * at, length=1.0) for at in phases]
    largest = max((abs(values[CURRENT][at] or 0.0) for at in phases), default=0.0)
    for at in phases:
        current, factor = values[CURRENT][at], values[FACTOR][at]
        if not current or not largest or factor is None:
            continue
        lag = math.degrees(math.acos(min(1.0, abs(factor))))
        expected = (120.0 * at + lag) % 360
        wrong = at in reversed_phases
        result.append(
            views.Vector(
                name=f"I{at + 1}",
                kind="current",
                angle=(expected + 180) % 360 if wrong else expected,
                length=0.45 + 0.33 * abs(current) / largest,
                wrong=wrong,
                expected=expected if wrong else -1.0,
            )
        )
    return tuple(result)


def _code(row: dict[str, Any]) -> tuple[int, int, int] | None:
    """C, D, E of an item's OBIS code."""
    parts = str(row.get("item", "")).split(":")
    digits = parts[1].split(".") if len(parts) == 3 else []
    if len(digits) != 6 or not all(one.isdigit() for one in digits):
        return None
    return int(digits[2]), int(digits[3]), int(digits[4])


def _number(row: dict[str, Any] | None) -> float | None:
    """For drawing and comparing on screen only; what is recorded stays text."""
    try:
        return float(str(row["value"])) if row is not None and row.get("value") is not None else None
    except ValueError:
        return None


def _value(by_code: dict[Any, dict[str, Any]], group: int) -> float | None:
    return _number(by_code.get((group, 7, 0)))


def _signed_power(by_code: dict[Any, dict[str, Any]], phase: int) -> float | None:
    imported, exported = _value(by_code, IMPORT_POWER[phase]), _value(by_code, EXPORT_POWER[phase])
    if imported is None and exported is None:
        return None
    return (imported or 0.0) - (exported or 0.0)


def _rows(
    values: dict[str, list[float | None]], phases: list[int], wrong: list[int], formats: Formats
) -> tuple[views.Reading, ...]:
    kinds = (
        (VOLTAGE, formats.say("Tensión, V"), 1, 1.0, False),
        (CURRENT, formats.say("Corriente, A"), 2, 1.0, False),
        (FACTOR, "cos φ", 2, 1.0, True),
        (POWER, formats.say("Potencia, kW"), 2, 1000.0, True),
    )
    rows = []
    for name, label, decimals, divisor, marks in kinds:
        shown = [values[name][at] for at in phases]
        if all(one is None for one in shown):
            continue
        texts = tuple(
            DASH if one is None else formats.number(f"{one / divisor:.{decimals}f}") for one in shown
        )
        bad = tuple(phases.index(at) for at in wrong) if marks else ()
        rows.append(views.Reading(label=label, values=texts, wrong=bad))
    return tuple(rows)


def _verdict(values: dict[str, list[float | None]], wrong: list[int], formats: Formats) -> tuple[str, str]:
    if not wrong:
        return "", ""
    names = ", ".join(f"L{at + 1}" for at in wrong)
    powers = [one for one in values[POWER] if one is not None]
    measured, should = sum(powers) / 1000, sum(abs(one) for one in powers) / 1000
    effect = formats.say(
        "Cambie S1 y S2 en {names} y vuelva a leer. Mide {now} kW; deberían ser {should} kW.",
        names=names,
        now=formats.number(f"{measured:.2f}"),
        should=formats.number(f"{should:.2f}"),
    )
    return formats.say("Transformador de corriente de {names} invertido", names=names), effect


def _detail(found: MeterView, phases: int, formats: Formats) -> str:
    kind = {1: formats.say("Monofásico"), 3: formats.say("Trifásico")}.get(phases, "")
    model = str(found.identity.get("model") or "")
    firmware = str(found.identity.get("firmware") or "")
    parts = [kind, model, f"firmware {firmware}" if firmware else ""]
    if found.clock_drift_seconds is not None:
        parts.append(formats.say("reloj {drift} s", drift=f"{found.clock_drift_seconds:+d}"))
    return " · ".join(part for part in parts if part)


def _registers(found: MeterView, formats: Formats) -> tuple[views.Fact, ...]:
    rows = []
    for row in found.readings:
        code = _code(row)
        if code is not None and code[0] in ENERGY and code[1] == 8:
            text = str(row["value"]) if row.get("value") is not None else None
            value = item_value(text, row.get("unit"), formats)
            label = item_name(str(row["item"]), row.get("name"), formats)
            rows.append(views.Fact(label=label, value=value, detail=".".join(map(str, code))))
    return tuple(rows[:8])


_TONES: dict[str, views.Tone] = {"joined": "good", "searching": "attention", "denied": "wrong"}


def _network(found: dict[str, Any] | None, formats: Formats) -> views.Network | None:
    if not found:
        return None
    state = str(found.get("state") or "unknown")
    evidence = found.get("evidence") or {}
    node = str(evidence.get("sna") or evidence.get("base_node") or "")
    node = node if says_something(node) else ""
    rest = [
        (name, value)
        for name, value in evidence.items()
        if says_something(value) and str(value) != node and name not in ("sna", "base_node")
    ]
    facts = tuple(
        views.Fact(label=formats.word_or(f"evidence.{name}", name.replace("_", " ")), value=str(value))
        for name, value in rest[:4]
    )
    return views.Network(
        title=formats.say("Red"),
        verdict=formats.word_or(f"join.state.{state}", state),
        tone=_TONES.get(state, "attention"),
        node_label=formats.say("Nodo base"),
        node=node,
        facts=facts,
    )


def _profile(found: MeterView, formats: Formats) -> tuple[str, str, str, str, tuple[float | None, ...]]:
    profile = found.profile
    if profile is None or not profile.rows or len(profile.columns) < 2:
        return "", "", "", "", ()
    column = next((at for at, unit in enumerate(profile.units) if unit.lower().startswith(("w", "kw"))), 1)
    unit = profile.units[column] if column < len(profile.units) else ""
    values: list[float | None] = []
    for row in profile.rows:
        values.append(_number({"value": row[column]}) if len(row) > column and row[column] else None)
    known = [one for one in values if one is not None]
    missing = len(values) - len(known)
    if not known:
        return unit, "", "", "", tuple(values)
    best = values.index(max(known))
    first = formats.local(profile.rows[0][0])
    title = f"{unit}, {formats.long_day(first)}" if first else unit
    gap = formats.say("Faltan {missing} de {all} intervalos", missing=str(missing), all=str(len(values)))
    peak = formats.quantity(f"{max(known):.2f}", unit)
    return title, gap if missing else "", peak, formats.clock(profile.rows[best][0]), tuple(values)
