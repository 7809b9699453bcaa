"""What a meter said, as the meter page: values by phase, phasors with a wiring verdict, profile, network.

The wiring verdict comes with the values (`drivers.wiring`); `meter_wiring` puts it in words and draws it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fieldtool.tablet.rows import MeterView
from ui import views
from ui.wiring.formats import DASH, Formats
from ui.wiring.items import evidence_facts, item_name, item_value, says_something, status_word
from ui.wiring.meter_wiring import Words, event_rows, marked, rotation_words, vectors, verdict_words

VOLTAGE, CURRENT, POWER, FACTOR = "voltage", "current", "power", "factor"
#: OBIS C groups by phase: U, I, +P/−P, cos φ (IEC 62056-6-1).
GROUPS: dict[str, tuple[int, int, int]] = {
    VOLTAGE: (32, 52, 72),
    CURRENT: (31, 51, 71),
    POWER: (36, 56, 76),
    FACTOR: (33, 53, 73),
}
WHOLE: dict[str, int] = {VOLTAGE: 12, CURRENT: 11, POWER: 1, FACTOR: 13}
"""OBIS C of a meter that tells no phases apart."""
IMPORT_POWER, EXPORT_POWER = (21, 41, 61), (22, 42, 62)
ENERGY = (1, 2)
#: Units of a load profile's column → kilo.
POWER_OF = {"Wh": 0.001, "kWh": 1.0, "W": 0.001, "kW": 1.0}
ENERGY_UNITS = frozenset({"Wh", "kWh"})


def meter_view(found: MeterView, now: datetime, day: datetime, formats: Formats) -> views.Meter:
    """The whole page; `day` is the local midnight that the load profile begins at."""
    by_code = {_code(row): row for row in found.readings if _code(row) is not None}
    values = {name: [_value(by_code, group) for group in groups] for name, groups in GROUPS.items()}
    for phase in range(3):
        if values[POWER][phase] is None:
            values[POWER][phase] = _signed_power(by_code, phase)
    if all(value is None for value in values[VOLTAGE]):
        for name, group in WHOLE.items():
            values[name][0] = values[name][0] if values[name][0] is not None else _value(by_code, group)
    phases = [at for at in range(3) if values[VOLTAGE][at] is not None]
    judged = found.wiring
    wrong = marked(judged)
    shown = verdict_words(judged, found.connection, formats)
    if not any(row.get("value") is not None for row in found.readings):
        shown = Words(*_only_public(formats), "attention")
    rotation, rotation_tone = rotation_words(judged, formats)
    title, missing, peak, peak_time, profile = _profile(found, day, formats)
    return views.Meter(
        state="read",
        serial=str(found.identity.get("serial") or DASH),
        detail=_detail(found, len(phases), formats),
        time=now.astimezone(formats.zone).strftime("%H:%M:%S"),
        phases=tuple(f"L{at + 1}" for at in phases),
        readings=_rows(values, phases, wrong, formats),
        rotation=rotation,
        rotation_tone=rotation_tone,
        vectors=vectors(values[VOLTAGE], values[CURRENT], judged) if len(phases) == 3 else (),
        verdict=shown.title,
        verdict_detail=shown.detail,
        verdict_tone=shown.tone,
        network=_network(found.network, formats),
        profile_title=title,
        profile_missing=missing,
        profile_peak=peak,
        profile_peak_time=peak_time,
        profile=profile,
        registers=_registers(found, formats),
        events=event_rows(found, formats),
        live=True,
    )


def _code(row: dict[str, Any]) -> tuple[int, int, int] | None:
    """C, D, E of an item's OBIS code; an ANSI item (`ansi:ST23:1.8.0`) has these alone."""
    parts = str(row.get("item", "")).split(":")
    if len(parts) == 3 and parts[0] == "ansi":
        parts[1] = f"1.0.{parts[2]}.255"
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


def _only_public(formats: Formats) -> tuple[str, str]:
    return (
        formats.say("Solo se lee lo público"),
        formats.say(
            "Las claves de este medidor no están en este equipo: llegan con su orden al sincronizar."
        ),
    )


def _detail(found: MeterView, phases: int, formats: Formats) -> str:
    kind = {1: formats.say("Monofásico"), 3: formats.say("Trifásico")}.get(phases, "")
    model = formats.model(str(found.identity.get("model") or ""))
    if model.startswith(kind):
        kind = ""
    firmware = str(found.identity.get("firmware") or "")
    parts = [kind, model, f"firmware {firmware}" if firmware else ""]
    if found.clock_drift_seconds is not None:
        parts.append(
            formats.say("reloj {drift} s", drift=f"{found.clock_drift_seconds:+d}".replace("-", "−"))
        )
    return " · ".join(part for part in parts if part)


def _registers(found: MeterView, formats: Formats) -> tuple[views.Fact, ...]:
    rows = []
    for row in found.readings:
        code = _code(row)
        if code is not None and code[0] in ENERGY and code[1] == 8:
            text = str(row["value"]) if row.get("value") is not None else None
            value = item_value(text, row.get("unit"), formats)
            label = item_name(str(row["item"]), row.get("name"), formats)
            status = status_word(row.get("status"), formats)
            where = ".".join(map(str, code))
            rows.append(
                views.Fact(
                    label=label, value=value, detail=status or where, tone="attention" if status else ""
                )
            )
    return tuple(rows[:8])


_NO_PAN = "FFFF"
#: What is shown of a technology, most telling first; of the others what the meter said, in its order.
_SHOWN_FIRST = {
    "g3": ("coordinator_phase", "coordinator_lqi", "hops", "short_address", "mac"),
    "gsm": ("access", "rsrp_dbm", "signal_dbm", "snr_db", "rsrq_db"),
}
_TONES: dict[str, views.Tone] = {"joined": "good", "searching": "attention", "denied": "wrong"}


def _network(found: dict[str, Any] | None, formats: Formats) -> views.Network | None:
    if not found:
        return None
    state = str(found.get("state") or "unknown")
    evidence = found.get("evidence") or {}
    technology = str(found.get("technology") or "")
    label, node = _node(technology, evidence, formats)
    order = _SHOWN_FIRST.get(technology)
    if order is not None:
        evidence = {name: evidence[name] for name in order if name in evidence}
    children = tuple(_child(child, formats) for child in found.get("children") or ())
    facts = evidence_facts(evidence, formats, skip=node)[: max(2, 4 - len(children))] + children
    name = formats.word_or(f"network.{technology}", "")
    return views.Network(
        title=formats.say("Red") + (f" · {name}" if name else ""),
        verdict=formats.word_or(f"join.state.{state}", state),
        tone=_TONES.get(state, "attention"),
        node_label=label,
        node=node,
        facts=facts,
    )


def _node(technology: str, evidence: dict[str, Any], formats: Formats) -> tuple[str, str]:
    """What the meter hangs on, and how that is called: base node, network of the coordinator, operator."""
    names = {"g3": "pan_id", "gsm": "operator", "wisun": "network_name"}
    name = names.get(technology, "sna")
    node = str(evidence.get(name) or "")
    label = formats.say("Nodo base") if name == "sna" else formats.word(f"evidence.{name}")
    return label, node if says_something(node) and node != _NO_PAN else ""


def _child(child: dict[str, Any], formats: Formats) -> views.Fact:
    """A meter behind this one: what it is and its number, or that the channel still waits."""
    evidence = child.get("evidence") or {}
    kind = str(evidence.get("type") or "")
    state = str(child.get("state") or "unknown")
    number = " ".join(str(evidence[word]) for word in ("manufacturer", "number") if evidence.get(word))
    return views.Fact(
        label=formats.word_or(f"value.child.{kind}", formats.say("Canal {n}", n=str(child.get("channel")))),
        value=number if state == "joined" else formats.word_or(f"join.state.{state}", state),
    )


def _profile(
    found: MeterView, day: datetime, formats: Formats
) -> tuple[str, str, str, str, tuple[float | None, ...]]:
    """One day in kW by interval, gaps kept: title, what is missing, peak, its time, values."""
    profile = found.profile
    if profile is None or not profile.rows or not profile.period_seconds:
        return "", "", "", "", ()
    column = next((at for at, unit in enumerate(profile.units) if unit in POWER_OF), None)
    if column is None:
        return "", "", "", "", ()
    period = profile.period_seconds
    by_slot: dict[int, float] = {}
    for row in profile.rows:
        moment = formats.local(row[0])
        value = _number({"value": row[column + 1]}) if len(row) > column + 1 and row[column + 1] else None
        if moment is not None and value is not None:
            by_slot[round((moment - day).total_seconds() / period)] = value
    values = interval_power(by_slot, 86_400 // period, period, profile.units[column])
    known = [one for one in values if one is not None]
    missing = len(values) - len(known)
    title = f"kW, {formats.long_day(day)}"
    gap = formats.say("Faltan {missing} de {all} intervalos", missing=str(missing), all=str(len(values)))
    if not known:
        return title, gap, "", "", values
    best = values.index(max(known))
    peak = formats.quantity(f"{max(known):.2f}", "kW")
    at = (day + timedelta(seconds=best * period)).strftime("%H:%M")
    return title, gap if missing else "", peak, at, values


def interval_power(by_slot: dict[int, float], slots: int, period: int, unit: str) -> tuple[float | None, ...]:
    """Mean power in kW of each interval.

    Energy that only ever grows is the state of a register at the ends of intervals: the power is its
    difference. Else a value is the energy (or the power) of the interval that begins there.
    """
    ordered = [by_slot[slot] for slot in sorted(by_slot)]
    state = unit in ENERGY_UNITS and len(ordered) > 2 and ordered == sorted(ordered) and ordered[0] > 0
    factor = POWER_OF[unit] * (3600 / period if unit in ENERGY_UNITS else 1.0)
    result: list[float | None] = []
    for slot in range(slots):
        here, following = by_slot.get(slot), by_slot.get(slot + 1)
        if not state:
            result.append(None if here is None else here * factor)
        else:
            result.append(None if here is None or following is None else (following - here) * factor)
    return tuple(result)
