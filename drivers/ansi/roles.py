"""What an ANSI value means, as the short OBIS code that says the same (IEC 62056-61), and how it is called.

The rest of the tool speaks OBIS: a last reading is ``1.8.0`` whatever protocol brought it.
"""

from __future__ import annotations

from drivers.ansi.registers import RegisterValue
from drivers.ansi.sources import Source

_KINDS = {"sum": 8, "max": 6, "min": 3, "cumulative": 2, "demand": 4}
_MOMENTARY = (1, 2)
_BULK = (0, 5)
_INTERVAL = 29
_QUANTITIES = {
    1: "active import", 2: "active export", 3: "reactive import", 4: "reactive export",
    5: "reactive quadrant 1", 6: "reactive quadrant 2", 7: "reactive quadrant 3", 8: "reactive quadrant 4",
    9: "apparent import", 10: "apparent export", 11: "current", 12: "voltage", 13: "power factor",
    14: "frequency", 15: "active sum", 16: "active net", 91: "current N",
}  # fmt: skip
_PHASES = {20: " L1", 40: " L2", 60: " L3"}
_SUFFIXES = {2: " cumulative demand", 3: " minimum demand", 4: " present demand", 6: " maximum demand"}


def role_of(value: RegisterValue, source: Source | None) -> str | None:
    """``C.D.E`` of a register, ``None`` where nothing says the same. Energies are bulk quantities only."""
    unit = source.unit if source else None
    if unit is None or unit.quantity is None or value.occurrence:
        return None
    group = _KINDS.get(value.kind)
    if value.kind == "value":
        group = 7 if unit.time_base in _MOMENTARY else 8 if unit.time_base in _BULK else None
    if group is None or (group == 8 and unit.time_base not in _BULK):
        return None
    return f"{unit.quantity}.{group}.{value.tier}"


def place_of(value: RegisterValue) -> str:
    """Where a register stands: ``sum0``, ``t2.max0#1``."""
    tier = f"t{value.tier}." if value.tier else ""
    more = f"#{value.occurrence}" if value.occurrence else ""
    return f"{tier}{value.kind}{value.index}{more}"


def interval_role(source: Source | None) -> str | None:
    """``C.29.0``: energy of one interval of a load profile."""
    unit = source.unit if source else None
    if unit is None or unit.quantity is None:
        return None
    return f"{unit.quantity}.{_INTERVAL if unit.time_base in _BULK else 5}.0"


def name_of_role(role: str) -> str | None:
    """An English name of a role; the meter model may give another."""
    quantity, group, tier = (int(part) for part in role.split("."))
    phase = next((p for p in _PHASES if quantity != 91 and p < quantity <= p + 20), 0)
    name = _QUANTITIES.get(quantity - phase)
    if name is None:
        return None
    if group == 7 and name.startswith("active"):
        name = name.replace("active", "active power", 1)
    suffix = _SUFFIXES.get(group, "")
    return name + _PHASES.get(phase, "") + suffix + (f" T{tier}" if tier else "")
