"""What a receiver says, put together: sentences of one moment become an epoch, and an epoch a fix.

Pure: the clock of the machine comes in as a value. A fix says how good it is; whether that is good enough is
for whoever asked to decide, by the flags of `take.Taken`.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from decimal import Decimal
from enum import StrEnum

import msgspec

from drivers.position.nmea import Gga, Gsa, Gst, Gsv, Known, Rmc

UERE_M = Decimal(5)
"""User equivalent range error of a receiver with one frequency and no corrections, metres: what HDOP is
multiplied with where the receiver gives no error statistics itself."""
UERE_DIFFERENTIAL_M = Decimal(2)
_TENTH = Decimal("0.1")
_DAY = timedelta(days=1)
_ROLLOVER = timedelta(weeks=1024)
_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""No fix is older than this program: an earlier date is a week counter of ten bits that went round."""


class Quality(StrEnum):
    """How a fix came about (GGA quality indicator, RMC mode)."""

    SATELLITES = "satellites"
    DIFFERENTIAL = "differential"
    RTK = "rtk"
    ESTIMATED = "estimated"
    MANUAL = "manual"
    SIMULATED = "simulated"
    NETWORK = "network"


_BY_NUMBER = {
    1: Quality.SATELLITES,
    2: Quality.DIFFERENTIAL,
    3: Quality.SATELLITES,
    4: Quality.RTK,
    5: Quality.RTK,
    6: Quality.ESTIMATED,
    7: Quality.MANUAL,
    8: Quality.SIMULATED,
}
_BY_MODE = {
    "D": Quality.DIFFERENTIAL,
    "E": Quality.ESTIMATED,
    "F": Quality.RTK,
    "M": Quality.MANUAL,
    "R": Quality.RTK,
    "S": Quality.SIMULATED,
}


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """A position at a moment: decimal degrees (WGS 84) and metres as text, `time` aware UTC.

    `accuracy_m` is the radius that holds the true place two times out of three; None where nobody says.
    """

    latitude: str
    longitude: str
    quality: Quality
    time: datetime | None = None
    accuracy_m: str | None = None
    altitude_m: str | None = None
    satellites: int | None = None


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver said of one moment; `fix` is None where it has none. `in_view`: satellites."""

    fix: Fix | None
    in_view: int | None = None


class Assembler:
    """Takes sentences as they come and gives an epoch for each moment they speak of.

    An epoch is complete with GGA and RMC of the same time, or else when a sentence of another time begins
    the next one: a receiver that sends only one of the two is understood as well.
    """

    def __init__(self) -> None:
        self._time: day_time | None = None
        self._gga: Gga | None = None
        self._rmc: Rmc | None = None
        self._given = False
        self._gst: Gst | None = None
        self._hdop: Decimal | None = None
        self._in_view: dict[str, int] = {}

    def feed(self, sentence: Known, now: datetime) -> Epoch | None:
        """Take one sentence; `now` (aware UTC) gives the day where the receiver names none."""
        match sentence:
            case Gsv():
                self._in_view[sentence.talker] = sentence.in_view
            case Gsa():
                self._hdop = sentence.hdop if sentence.dimensions > 1 else None
            case Gst():
                self._gst = sentence
            case Gga() | Rmc():
                return self._moment(sentence, now)
        return None

    def _moment(self, sentence: Gga | Rmc, now: datetime) -> Epoch | None:
        held = self._gga if isinstance(sentence, Gga) else self._rmc
        before = None
        if held is not None or sentence.time != self._time:
            if not self._given and (self._gga is not None or self._rmc is not None):
                before = self._epoch(now)
            self._gga = self._rmc = None
            self._time, self._given = sentence.time, False
        if isinstance(sentence, Gga):
            self._gga = sentence
        else:
            self._rmc = sentence
        if self._gga is not None and self._rmc is not None:
            self._given = True
            return self._epoch(now)
        return before

    def _epoch(self, now: datetime) -> Epoch:
        in_view = sum(self._in_view.values()) if self._in_view else None
        return Epoch(fix=self._fix(now), in_view=in_view)

    def _fix(self, now: datetime) -> Fix | None:
        gga, rmc = self._gga, self._rmc
        if (gga is not None and gga.quality == 0) or (rmc is not None and not rmc.valid):
            return None
        source = gga or rmc
        if source is None or source.latitude is None or source.longitude is None:
            return None
        quality = _BY_MODE.get(rmc.mode if rmc else "", Quality.SATELLITES)
        if gga is not None:
            quality = _BY_NUMBER.get(gga.quality, quality)
        return Fix(
            latitude=f"{source.latitude:f}",
            longitude=f"{source.longitude:f}",
            quality=quality,
            time=_moment_of(self._time, rmc, now),
            accuracy_m=self._accuracy(quality),
            altitude_m=f"{gga.altitude_m:f}" if gga is not None and gga.altitude_m is not None else None,
            satellites=gga.satellites if gga else None,
        )

    def _accuracy(self, quality: Quality) -> str | None:
        gst = self._gst
        if gst is not None and gst.time == self._time and gst.latitude_m and gst.longitude_m:
            metres = Decimal(math.hypot(gst.latitude_m, gst.longitude_m))
        else:
            hdop = self._gga.hdop if self._gga is not None and self._gga.hdop else self._hdop
            if not hdop or hdop < 0 or hdop >= 100:
                return None
            corrected = quality in (Quality.DIFFERENTIAL, Quality.RTK)
            metres = hdop * (UERE_DIFFERENTIAL_M if corrected else UERE_M)
        return f"{min(metres, Decimal(99999)).quantize(_TENTH):f}"


def _moment_of(at: day_time | None, rmc: Rmc | None, now: datetime) -> datetime | None:
    """The time of a fix with its day: the receiver's, else the one that brings it nearest to `now`."""
    if at is None:
        return None
    if rmc is not None and rmc.date is not None:
        moment = datetime.combine(rmc.date, at, tzinfo=UTC)
        return moment + _ROLLOVER if moment < _EARLIEST else moment
    moment = datetime.combine(now.astimezone(UTC).date(), at, tzinfo=UTC)
    return min((moment, moment - _DAY, moment + _DAY), key=lambda one: abs(one - now))


def metres_between(one: Fix, other: Fix) -> float:
    """Great-circle distance, metres."""
    a, b, c, d = (
        math.radians(float(text)) for text in (one.latitude, one.longitude, other.latitude, other.longitude)
    )
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * 6_371_000 * math.asin(min(1.0, math.sqrt(h)))
