"""Activity calendar (class 20): from a readable schedule to the tables of the meter, and back to text.

Blue Book 4.5.5. A schedule is written the way a tariff is published: days with switching times, weeks of
days, seasons of weeks. Season starts repeat every year.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import msgspec

from drivers.dlms.cosem import parse_obis
from drivers.dlms.data import Data, array, encode, long_unsigned, octet_string, structure, unsigned

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``at`` maps a time of day to the tariff that begins then: ``{"00:00" = "P3", "08:00" = "P2"}``."""

    id: int
    name: str
    at: dict[str, str]


class Week(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``days`` are seven day ids, Monday first."""

    name: str
    days: list[int]


class Season(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``start`` is MONTH-DAY, every year."""

    name: str
    start: str
    week: str


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tariff calendar. ``tariffs`` maps the names used to script selectors; ``script`` is the tariff
    script table."""

    name: str
    tariffs: dict[str, int]
    days: list[Day]
    weeks: list[Week]
    seasons: list[Season]
    item: str = "20:0.0.13.0.0.255:2"
    script: str = "0.0.10.0.100.255"


@dataclass(frozen=True)
class Tables:
    """Calendar name, season, week and day tables as the meter holds them: attributes 2–5 active, 6–9
    passive."""

    name: Data
    seasons: Data
    weeks: Data
    days: Data

    @property
    def parts(self) -> tuple[Data, Data, Data, Data]:
        return (self.name, self.seasons, self.weeks, self.days)

    def text(self) -> str:
        """Short and exact: the name, how many of each, and a check number of all four tables."""
        check = zlib.crc32(b"".join(encode(part) for part in self.parts))
        name = self.name.value.decode("latin-1", "replace") if isinstance(self.name.value, bytes) else "?"
        counts = [len(part.value) if isinstance(part.value, tuple) else 0 for part in self.parts[1:]]
        printable = "".join(char if char.isprintable() else "·" for char in name)
        return f"{printable or '–'} ({counts[0]} seasons, {counts[1]} weeks, {counts[2]} days, #{check:08x})"


def schedule_problem(schedule: Schedule) -> tuple[str, str] | None:
    """Where (a path below the schedule) and what is wrong with it, or ``None``."""
    for tariff, selector in schedule.tariffs.items():
        if not 0 <= selector <= 0xFFFF:
            return "tariffs", f"tariff {tariff}: a script selector is 0 to 65535"
    day_ids = {day.id for day in schedule.days}
    weeks = {week.name for week in schedule.weeks}
    for number, day in enumerate(schedule.days):
        problem = _day_problem(schedule, day)
        if problem:
            return f"days[{number}].at", problem
    for number, week in enumerate(schedule.weeks):
        if len(week.days) != 7 or not set(week.days) <= day_ids:
            return f"weeks[{number}].days", f"week {week.name}: seven ids of declared days, Monday first"
    for number, season in enumerate(schedule.seasons):
        if not _DAY.fullmatch(season.start):
            return f"seasons[{number}].start", f"{season.start!r} is not MONTH-DAY, like 01-31"
        if season.week not in weeks:
            return f"seasons[{number}].week", f"week {season.week!r} is not declared"
    if not schedule.seasons:
        return "seasons", "a calendar needs a season"
    if len(schedule.name.encode()) > 8 or not schedule.name.isascii():
        return "name", "a calendar name has at most 8 plain letters"
    return None


def _day_problem(schedule: Schedule, day: Day) -> str | None:
    if not 0 <= day.id <= 255:
        return f"day id {day.id}: 0 to 255"
    if "00:00" not in day.at:
        return f"day {day.name}: the tariff from 00:00 is missing"
    for time, tariff in day.at.items():
        if not _TIME.fullmatch(time):
            return f"{time!r} is not a time of day, like 08:00"
        if tariff not in schedule.tariffs:
            return f"tariff {tariff!r} is not declared in tariffs"
    return None


def tables_of(schedule: Schedule) -> Tables:
    """The four tables for a checked schedule."""
    script = octet_string(parse_obis(schedule.script))
    days = [
        structure(
            unsigned(day.id),
            array(
                *(
                    structure(octet_string(_time(time)), script, long_unsigned(schedule.tariffs[tariff]))
                    for time, tariff in sorted(day.at.items())
                )
            ),
        )
        for day in schedule.days
    ]
    weeks = [
        structure(octet_string(week.name.encode()), *(unsigned(day) for day in week.days))
        for week in schedule.weeks
    ]
    seasons = [
        structure(
            octet_string(season.name.encode()),
            octet_string(_start(season.start)),
            octet_string(season.week.encode()),
        )
        for season in sorted(schedule.seasons, key=lambda season: season.start)
    ]
    return Tables(octet_string(schedule.name.encode()), array(*seasons), array(*weeks), array(*days))


def _time(text: str) -> bytes:
    hour, minute = text.split(":")
    return bytes([int(hour), int(minute), 0, 0])


def _start(text: str) -> bytes:
    month, day = text.split("-")
    return bytes([0xFF, 0xFF, int(month), int(day), 0xFF, 0, 0, 0, 0, 0x80, 0x00, 0xFF])
