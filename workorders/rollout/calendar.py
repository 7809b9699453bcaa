"""Working time: which hours of which days count, in the project's own time zone. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_DAYS = 3660
"""How far ahead an end is looked for; a calendar without working time ends nowhere."""


class WorkingCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """Hours that count. Without any hours every minute counts.

    Attributes:
        time_zone: IANA name.
        days: of `DAYS`.
        hours: (from, to) within a day, as local wall time, in order, not overlapping.
        holidays: ISO dates that do not count.
    """

    time_zone: str = "UTC"
    days: tuple[str, ...] = DAYS
    hours: tuple[tuple[time, time], ...] = ()
    holidays: frozenset[str] = frozenset()

    @property
    def always(self) -> bool:
        """Whether every minute counts."""
        return not self.hours and len(self.days) == len(DAYS) and not self.holidays

    def _windows(self, day: date) -> list[tuple[datetime, datetime]]:
        if DAYS[day.weekday()] not in self.days or day.isoformat() in self.holidays:
            return []
        zone = ZoneInfo(self.time_zone)
        if not self.hours:
            begin = datetime.combine(day, time(), zone)
            end = datetime.combine(day + timedelta(days=1), time(), zone)
            return [(begin.astimezone(UTC), end.astimezone(UTC))]
        return [
            (
                datetime.combine(day, begin, zone).astimezone(UTC),
                datetime.combine(day, end, zone).astimezone(UTC),
            )
            for begin, end in self.hours
        ]

    def local_date(self, moment: datetime) -> date:
        """The day on the project's wall calendar."""
        return moment.astimezone(ZoneInfo(self.time_zone)).date()

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end` (both with a zone); zero if they are reversed."""
        if end <= start:
            return timedelta()
        if self.always:
            return end - start
        total = timedelta()
        day, last = self.local_date(start), self.local_date(end)
        while day <= last:
            for begin, stop in self._windows(day):
                total += max(min(stop, end) - max(begin, start), timedelta())
            day += timedelta(days=1)
        return total

    def after(self, start: datetime, working: timedelta) -> datetime | None:
        """The moment at which `working` time will have passed since `start`; None if that never comes."""
        if self.always:
            return start + working
        left = working
        day = self.local_date(start)
        for _ in range(MAX_DAYS):
            for begin, stop in self._windows(day):
                begin = max(begin, start)
                if stop <= begin:
                    continue
                if stop - begin >= left:
                    return begin + left
                left -= stop - begin
            day += timedelta(days=1)
        return None
