"""How far a meter's clock is off, compared in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drivers.reading import Reading

CLOCK_ITEM = "8:0.0.1.0.0.255:2"
ANSI_CLOCK_ITEM = "ansi:ST52:clock"
CLOCK_ITEMS = (CLOCK_ITEM, ANSI_CLOCK_ITEM)


def drift_of(readings: Iterable[Reading], now: datetime) -> int | None:
    """Seconds by which the meter is ahead of `now` (UTC); None where it gave no time or no offset."""
    shown = next((reading.value for reading in readings if reading.item in CLOCK_ITEMS), None)
    try:
        moment = datetime.fromisoformat(shown) if shown else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None:
        return None
    return round((moment - now).total_seconds())
