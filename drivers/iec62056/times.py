"""Time stamps of IEC 62056-21 meters: ``26-11-03 10:15``, ``2611031015``, ``1261103101500`` and the like.

A leading digit is the season (VDEW "ZST"): 0 standard time, 1 summer time, 2 UTC. The standard itself leaves
the format of values open, so every usual one is understood and nothing is guessed of other text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_SEPARATED = re.compile(
    r"(?P<year>\d{2}|\d{4})[-./](?P<month>\d{2})[-./](?P<day>\d{2})[ ,T]{1,2}"
    r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
)
_PLAIN = re.compile(
    r"(?P<season>[0-2])?(?P<year>\d{2})(?P<month>\d{2})(?P<day>\d{2})[ ,]?"
    r"(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?"
)
SUMMER, UTC_SEASON = 1, 2


@dataclass(frozen=True)
class MeterTime:
    """Local time without zone as the meter sent it; ``season`` 0, 1 (summer) or 2 (UTC), ``None`` if not
    told."""

    local: datetime
    season: int | None = None

    def utc(self, zone_minutes: int | None) -> datetime | None:
        """Naive UTC; ``zone_minutes`` is UTC − local standard time. ``None`` where the zone is not known."""
        if self.season == UTC_SEASON:
            return self.local
        if zone_minutes is None:
            return None
        minutes = zone_minutes - 60 if self.season == SUMMER else zone_minutes
        try:
            return self.local + timedelta(minutes=minutes)
        except OverflowError:
            return None

    def iso(self, zone_minutes: int | None) -> str:
        """ISO 8601: UTC with ``Z`` where the zone is known, else the local time without offset."""
        moment = self.utc(zone_minutes)
        if moment is None:
            return self.local.isoformat(timespec="seconds")
        return moment.isoformat(timespec="seconds") + "Z"


def parse_time(text: str) -> MeterTime | None:
    """A time stamp with date and at least hour and minute, or ``None`` for any other text."""
    stripped = text.strip()
    if len(stripped) > 24:
        return None
    match = _SEPARATED.fullmatch(stripped) or _PLAIN.fullmatch(stripped)
    if match is None:
        return None
    parts = match.groupdict()
    year = int(parts["year"])
    season = parts.get("season")
    try:
        local = datetime(  # noqa: DTZ001  # the meter tells no zone
            year + 2000 if year < 100 else year,
            int(parts["month"]),
            int(parts["day"]),
            int(parts["hour"]),
            int(parts["minute"]),
            int(parts["second"] or 0),
        )
    except ValueError:
        return None
    return MeterTime(local, int(season) if season is not None else None)
