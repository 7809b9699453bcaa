"""From a fix to what is kept of it: how far from the supply point, and what makes it doubtful. Pure."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal, InvalidOperation

import msgspec

from drivers.position.fix import Quality
from drivers.position.take import Flag, Taken
from fieldtool.procedure.answers import Position
from fieldtool.procedure.model import PositionRules
from workorders.clock import utc_text

EARTH_RADIUS_M = 6_371_000
FAR = "far"
FROM_FILE = "file"
"""Source of a position that an answers file gave: nobody took it here."""
DOUBTFUL = frozenset({Flag.STALE, Flag.SIMULATED, Flag.JUMP, Flag.POOR})

Coordinates = tuple[str, str]
"""Latitude and longitude, decimal degrees as text."""


def coordinates(text: str | None) -> Coordinates | None:
    """`LAT,LON` as orders name it; None for nothing, and for what is no place on earth."""
    latitude, comma, longitude = (text or "").partition(",")
    try:
        sane = abs(Decimal(latitude.strip())) <= 90 and abs(Decimal(longitude.strip())) <= 180
    except InvalidOperation:
        return None
    return (latitude.strip(), longitude.strip()) if comma and sane else None


def distance_m(lat1: str, lon1: str, lat2: str, lon2: str) -> int:
    """Great-circle distance in metres; decimal degrees."""
    a, b, c, d = (math.radians(float(Decimal(value))) for value in (lat1, lon1, lat2, lon2))
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return round(2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h))))


def bearing(lat1: str, lon1: str, lat2: str, lon2: str) -> int:
    """Initial bearing from the first place to the second, whole degrees from true north (0 to 359)."""
    a, b, c, d = (math.radians(float(Decimal(value))) for value in (lat1, lon1, lat2, lon2))
    east = math.sin(d - b) * math.cos(c)
    north = math.cos(a) * math.sin(c) - math.sin(a) * math.cos(c) * math.cos(d - b)
    return round(math.degrees(math.atan2(east, north))) % 360


def trusted(position: Position) -> bool:
    """Whether a decision may hang on it: a doubtful one is kept as evidence, and no more."""
    return not DOUBTFUL & set(position.flags)


def record(
    taken: Taken, at: datetime, supply_point: Coordinates | None, rules: PositionRules
) -> Position | None:
    """What is kept of a fix taken at `at`; None where there is none."""
    fix = taken.fix
    if fix is None:
        return None
    position = Position(
        latitude=fix.latitude,
        longitude=fix.longitude,
        accuracy_m=fix.accuracy_m,
        age_s=taken.age_s,
        satellites=fix.satellites,
        mock=fix.quality in (Quality.SIMULATED, Quality.MANUAL),
        altitude_m=fix.altitude_m,
        at=utc_text(at),
        gps_at=utc_text(fix.time) if fix.time is not None else None,
        quality=fix.quality.value,
        source=taken.source or None,
        flags=[flag.value for flag in taken.flags],
    )
    return placed(position, supply_point, rules)


def placed(position: Position, supply_point: Coordinates | None, rules: PositionRules) -> Position:
    """The position with its distance from the supply point, flagged where that is too far."""
    if supply_point is None:
        return position
    metres = distance_m(position.latitude, position.longitude, *supply_point)
    far = metres > rules.far_m + Decimal(position.accuracy_m or 0)
    flags = [flag for flag in position.flags if flag != FAR] + ([FAR] if far else [])
    return msgspec.structs.replace(position, distance_m=metres, flags=flags)
