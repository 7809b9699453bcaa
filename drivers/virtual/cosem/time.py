"""The meter's clock: local time with deviation and daylight saving (Blue Book, class 8, and the type
date-time).

UTC = local + deviation, in minutes: Peru +300, Spain −60 in winter and −120 in summer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drivers.virtual.dlms.axdr import AxdrError

UNSPECIFIED = 0x8000
DAYLIGHT_SAVING = 0x80


@dataclass(frozen=True, slots=True)
class Zone:
    """Deviation of standard time (minutes) and whether summer time of the European rule is kept."""

    deviation: int
    summer: bool = False

    def offset(self, at: float) -> tuple[int, bool]:
        """Deviation in force at a moment (unix seconds, UTC), and whether it is summer time."""
        if self.summer and _is_european_summer(datetime.fromtimestamp(at, UTC)):
            return self.deviation - 60, True
        return self.deviation, False

    def local(self, at: float) -> datetime:
        """Local time without a zone."""
        return datetime.fromtimestamp(at, UTC).replace(tzinfo=None) - timedelta(minutes=self.offset(at)[0])

    def utc(self, local: datetime) -> float:
        """Unix seconds of a local time; in the hour that occurs twice, standard time."""
        moment = (local + timedelta(minutes=self.deviation)).replace(tzinfo=UTC)
        if self.summer and _is_european_summer(moment - timedelta(minutes=60)):
            moment -= timedelta(minutes=60)
        return moment.timestamp()


def _last_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, 31, 1, tzinfo=UTC)  # both months have 31 days; the change is at 01:00 UTC
    return day - timedelta(days=(day.weekday() + 1) % 7)


def _is_european_summer(at: datetime) -> bool:
    return _last_sunday(at.year, 3) <= at < _last_sunday(at.year, 10)


def encode_date_time(at: float, zone: Zone) -> bytes:
    """The 12 octets of date-time, hundredths not specified."""
    deviation, summer = zone.offset(at)
    local = zone.local(at)
    date = local.year.to_bytes(2, "big") + bytes([local.month, local.day, local.isoweekday()])
    clock = bytes([local.hour, local.minute, local.second, 0xFF])
    return (
        date + clock + deviation.to_bytes(2, "big", signed=True) + bytes([DAYLIGHT_SAVING if summer else 0])
    )


def decode_date_time(octets: bytes, zone: Zone) -> float:
    """Unix seconds (UTC) of a date-time; `AxdrError` if year to minute are not all given or make no date.

    A deviation that is not specified means the meter's own zone.
    """
    if len(octets) != 12:
        raise AxdrError("a date-time has 12 octets")
    year, month, day = int.from_bytes(octets[:2], "big"), octets[2], octets[3]
    hour, minute = octets[5], octets[6]
    second = 0 if octets[7] == 0xFF else octets[7]
    try:
        local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - local by definition
    except ValueError as error:
        raise AxdrError("no such date") from error
    deviation = int.from_bytes(octets[9:11], "big")
    if deviation == UNSPECIFIED:
        return zone.utc(local)
    signed = deviation - 0x10000 if deviation >= 0x8000 else deviation
    if not -720 <= signed <= 840:
        raise AxdrError("deviation out of range")
    return (local.replace(tzinfo=UTC) + timedelta(minutes=signed)).timestamp()
