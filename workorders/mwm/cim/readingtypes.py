"""From OBIS (IEC 62056-6-1) to ReadingType (IEC 61968-9, annex C): energy and volume registers."""

from __future__ import annotations

from workorders.mwm.obis import read_item

# Physical quantity (OBIS group C) → flow direction, unit of measure: Wh 72, varh 73, VAh 71.
_ELECTRICITY = {
    1: (1, 72), 2: (19, 72), 3: (5, 73), 4: (13, 73), 5: (15, 73), 6: (16, 73), 7: (17, 73), 8: (18, 73),
    9: (1, 71), 10: (19, 71), 15: (20, 72), 16: (4, 72),
}  # fmt: skip
_UNITS = {"wh": (72, 0), "varh": (73, 0), "vah": (71, 0), "m3": (42, 0), "m³": (42, 0)}
_PREFIXES = {"": 0, "k": 3, "M": 6, "G": 9}
_VOLUME = {7: 7, 8: 9, 9: 9}
"""Medium (OBIS group A) → commodity: natural gas, potable water (cold, hot)."""


def reading_type(item: str, unit: str | None) -> str | None:
    """The eighteen fields of a register's ReadingType; None where there is none that says the same.

    What an earlier billing period ended with has none: under the type of the present register it would be
    billed.

    macroPeriod.aggregate.measuringPeriod.accumulation.flowDirection.commodity.measurementKind.(inter)harmonic
    (2).argument (2).tou.cpp.consumptionTier.phases.multiplier.uom.currency; accumulation 1 = bulkQuantity,
    measurementKind 12 = energy, 58 = volume; `tou` is the tariff of OBIS group E.
    """
    what = read_item(item)
    if what is None or not what.is_current:
        return None
    measured = _unit(unit)
    if measured is None:
        return None
    uom, multiplier = measured
    flow, meant = _ELECTRICITY.get(what.quantity, (0, 0))
    if what.medium == 1 and what.processing == 8 and meant == uom:
        return f"0.0.0.1.{flow}.1.12.0.0.0.0.{what.tariff}.0.0.0.{multiplier}.{uom}.0"
    if what.medium in _VOLUME and uom == 42:
        return f"0.0.0.1.1.{_VOLUME[what.medium]}.58.0.0.0.0.{what.tariff}.0.0.0.{multiplier}.{uom}.0"
    return None


def _unit(unit: str | None) -> tuple[int, int] | None:
    """Unit of measure and power of ten."""
    text = (unit or "").strip()
    for prefix, power in _PREFIXES.items():
        known = _UNITS.get(text.removeprefix(prefix).lower()) if text.startswith(prefix) else None
        if known is not None:
            return known[0], known[1] + power
    return None
