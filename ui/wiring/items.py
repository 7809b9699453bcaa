"""Names and values of meter items as a crew reads them: by OBIS code, else as the model file says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from ui import views
from ui.wiring.formats import DASH, Formats

CODE = re.compile(r"(?:(?:\d+:)?\d+[.-]\d+[.:]|ansi:[SM]T\d+:)(\d+)\.(\d+)\.(\d+)")
#: OBIS group C → (key of the quantity, phase), for instantaneous values (IEC 62056-6-1).
QUANTITIES: dict[int, tuple[str, str]] = {
    1: ("active_power", ""), 16: ("active_power", ""), 21: ("active_power", "L1"), 41: ("active_power", "L2"),
    61: ("active_power", "L3"), 22: ("active_power_out", "L1"), 42: ("active_power_out", "L2"),
    62: ("active_power_out", "L3"), 23: ("reactive_power", "L1"), 43: ("reactive_power", "L2"),
    63: ("reactive_power", "L3"), 31: ("current", "L1"), 51: ("current", "L2"), 71: ("current", "L3"),
    32: ("voltage", "L1"), 52: ("voltage", "L2"), 72: ("voltage", "L3"), 13: ("power_factor", ""),
    33: ("power_factor", "L1"), 53: ("power_factor", "L2"), 73: ("power_factor", "L3"),
}  # fmt: skip
INSTANT = 7
#: Units that a crew reads in thousands.
THOUSANDS = {"Wh": "kWh", "varh": "kvarh", "VAh": "kVAh"}
STEM = re.compile(r"[^a-z0-9]+")


def item_name(item: str, name: str | None, formats: Formats) -> str:
    """The name of a register, a quantity or a setting."""
    found = CODE.search(item)
    if found is not None:
        group, kind, tariff = (int(one) for one in found.groups())
        register = f"register.{group}.{kind}.{tariff}"
        named = formats.word_or(register, "")
        if named:
            return named
        if kind == INSTANT and group in QUANTITIES:
            quantity, phase = QUANTITIES[group]
            return f"{formats.word_or(f'quantity.{quantity}', quantity)} {phase}".strip()
    plain = name or item
    return formats.word_or(f"item.{STEM.sub('_', plain.casefold()).strip('_')}", plain)


def item_value(value: str | None, unit: str | None, formats: Formats) -> str:
    """A value with its unit: energy in thousands, instants as local time, long sets by their name only."""
    if value is None:
        return DASH
    moment = _instant(value)
    if moment is not None:
        return formats.clock(moment.isoformat(), seconds=True)
    if unit in THOUSANDS:
        try:
            return formats.quantity(f"{Decimal(value) / 1000:f}", THOUSANDS[unit])
        except InvalidOperation:
            return value
    name, bracket, _ = value.partition(" (")
    return name if bracket and name else formats.quantity(value, unit)


def status_word(status: str | None, formats: Formats) -> str:
    """Why a value is not as good as the others, or why there is none; empty where it is good."""
    if not status:
        return ""
    return formats.word_or(f"reading.status.{status}", formats.word("reading.status.none"))


_SECRETS = {
    "the present one": "secret.present",
    "the newest there is": "secret.newest",
    "a new one, drawn on this tablet and sealed to the office": "secret.drawn",
}
_NEW_SECRET = re.compile(r"new, (\d+) bytes, (?:check value (\w+)|([\w ]+))")
_OBJECT = re.compile(r"\d+:\d+(?:\.\d+){5}:\d+")


def setting_value(value: str | None, formats: Formats) -> str:
    """What a setting holds or shall hold: lists of objects by their number, secrets by what may be said of
    them."""
    if value is None:
        return DASH
    if value in _SECRETS:
        return formats.word(_SECRETS[value])
    new = _NEW_SECRET.fullmatch(value)
    if new is not None:
        size, check, encoding = new.groups()
        said = check or formats.word_or(f"secret.encoding.{STEM.sub('_', encoding.casefold())}", encoding)
        return f"{formats.word('secret.new')}, {size} bytes ({said})"
    parts = value.split(", ")
    if all(_OBJECT.fullmatch(part) for part in parts):
        return formats.word("plan.values", count=len(parts))
    return item_value(value, None, formats)


def _instant(text: str) -> datetime | None:
    if not re.match(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


_UNITS = {"_dbm": "dBm", "_db": "dB"}
"""Unit of a piece of evidence by the end of its name."""


def evidence_facts(
    evidence: Mapping[str, object], formats: Formats, skip: str = ""
) -> tuple[views.Fact, ...]:
    """What proves how a meter stands in its network: what we have a word for, and that says something."""
    return tuple(
        views.Fact(
            label=formats.word(f"evidence.{name}"),
            value=_evidence_value(name, str(value), formats),
        )
        for name, value in evidence.items()
        if (says_something(value) or formats.word_or(f"value.{name}.{value}", ""))
        and str(value) != skip
        and name != "sna"
        and formats.word_or(f"evidence.{name}", "")
    )


def _evidence_value(name: str, value: str, formats: Formats) -> str:
    """A word where we have one, a level with its unit, else as the meter said it."""
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), None)
    if unit is not None:
        return formats.quantity(value, unit)
    return formats.word_or(f"value.{name}.{value}", value)


def says_something(value: object) -> bool:
    """Whether a piece of evidence is more than noughts: an address of noughts means that there is none."""
    return bool(str(value).strip("0:.- "))
