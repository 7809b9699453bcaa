"""Tables 51 to 53 and 55: the clock and how it stands to UTC (C12.19, decade 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.ansi.cursor import EPOCH, Cursor, Formats, TimeFormat

_ZONE_OFFSET = 0x10


@dataclass(frozen=True)
class Clock:
    """Table 52 (or the beginning of 55): the time as the meter counts it, and what was applied to it."""

    time: datetime | None
    qualifier: int

    @property
    def is_gmt(self) -> bool:
        return bool(self.qualifier & 0x10)

    @property
    def zone_applied(self) -> bool:
        return bool(self.qualifier & 0x20)

    @property
    def daylight(self) -> bool:
        """Daylight saving is in effect."""
        return bool(self.qualifier & 0x08)

    @property
    def daylight_applied(self) -> bool:
        return bool(self.qualifier & 0x40)


def decode_clock(data: bytes, formats: Formats, table: int = 52) -> Clock:
    cursor = Cursor(data, formats, table)
    return Clock(cursor.ltime(), cursor.u8())


def has_zone_offset(data: bytes, formats: Formats) -> bool:
    """Table 51: CAP_TM_ZN_OFFSET_FLAG."""
    return bool(Cursor(data, formats, 51).octets(2)[1] & _ZONE_OFFSET)


def decode_time_offset(data: bytes, formats: Formats) -> tuple[int, int | None]:
    """Table 53: minutes of daylight saving, and minutes that standard time is ahead of GMT (if it says)."""
    cursor = Cursor(data, formats, 53)
    cursor.time()
    daylight = cursor.u8()
    return daylight, cursor.signed(2) if cursor.left >= 2 else None


@dataclass(frozen=True)
class MeterZone:
    """How this meter's times stand to UTC, in minutes; ``ahead`` is ``None`` where nothing tells.

    ``daylight`` is what is added while daylight saving is in effect: 0 where the meter does not apply it.
    Whether it was in effect at a time long ago is only known where that record says so; else what holds now
    is taken.
    """

    ahead: int | None
    daylight: int = 0
    daylight_now: bool = False

    def to_utc(self, local: datetime, daylight: bool | None = None) -> datetime | None:
        """Without zone in, without zone (UTC) out."""
        if self.ahead is None:
            return None
        shifted = self.daylight if (self.daylight_now if daylight is None else daylight) else 0
        try:
            return local - timedelta(minutes=self.ahead + shifted)
        except OverflowError:
            return None

    def to_local(self, utc: datetime) -> datetime:
        """As ``to_utc`` backwards, with what holds now."""
        return utc + timedelta(minutes=(self.ahead or 0) + (self.daylight if self.daylight_now else 0))


def zone_of(clock: Clock, offset: tuple[int, int | None] | None, model_minutes: int | None) -> MeterZone:
    """From table 52's qualifier, table 53, and the model file (UTC = local + ``model_minutes``)."""
    daylight = offset[0] if offset and clock.daylight_applied else 0
    if clock.is_gmt and not clock.zone_applied:
        return MeterZone(0, daylight, clock.daylight)
    told = offset[1] if offset else None
    if told is not None and clock.zone_applied:
        return MeterZone(told, daylight, clock.daylight)
    if model_minutes is not None:
        return MeterZone(-model_minutes, daylight, clock.daylight)
    return MeterZone(told, daylight, clock.daylight)


def encode_ltime(moment: datetime, formats: Formats) -> bytes:
    """LTIME_DATE in the meter's format, for procedure 10. ``ValueError`` where it has no clock."""
    seconds = int((moment - EPOCH).total_seconds())
    if formats.time is TimeFormat.MINUTES:
        return _unsigned(seconds // 60, formats) + bytes([seconds % 60])
    if formats.time is TimeFormat.SECONDS:
        return _unsigned(seconds, formats)
    if formats.time is TimeFormat.NONE:
        raise ValueError("the meter has no clock")
    fields = (
        moment.year % 100,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
    )
    if formats.time is TimeFormat.BCD:
        return bytes(int(str(value), 16) for value in fields)
    return bytes(fields)


def _unsigned(value: int, formats: Formats) -> bytes:
    return value.to_bytes(4, "big" if formats.big_endian else "little")
