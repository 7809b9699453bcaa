"""Sentences of NMEA 0183 (IEC 61162-1) as values. Pure: a line of bytes in, a value or nothing out.

Any talker (GP, GN, GL, GA, GB, …); GGA, RMC, GSA, GST, GSV and VTG are read, the rest is passed over. A
sentence without its checksum counts as noise: at a wrong baud rate almost anything looks like text. Numbers
are decimals as sent, so that a coordinate has the digits that the receiver gave it and no others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import msgspec

MAX_LINE = 256
"""Longest line looked at, in bytes. The standard's 82 is exceeded by receivers with many digits."""
DEGREE_DIGITS = Decimal("0.0000001")
"""Digits kept of a degree: about a centimetre."""


class Sentence(msgspec.Struct, frozen=True):
    """Base of all: who talks (`GP`, `GN`, …)."""

    talker: str


class Gga(Sentence, frozen=True):
    """Fix data. `quality`: 0 none, 1 GPS, 2 differential, 3 PPS, 4 RTK, 5 float RTK, 6 dead reckoning, 7
    manual, 8 simulator. Degrees north and east; metres."""

    time: time | None
    latitude: Decimal | None
    longitude: Decimal | None
    quality: int
    satellites: int | None
    hdop: Decimal | None
    altitude_m: Decimal | None


class Rmc(Sentence, frozen=True):
    """Recommended minimum. `valid`: status A; `mode`: A, D, E estimated, F, M manual, N none, P, R, S
    simulator."""

    time: time | None
    date: date | None
    valid: bool
    latitude: Decimal | None
    longitude: Decimal | None
    mode: str


class Gsa(Sentence, frozen=True):
    """Dilution of precision. `dimensions`: 1 no fix, 2, 3."""

    dimensions: int
    hdop: Decimal | None


class Gst(Sentence, frozen=True):
    """Error statistics: standard deviations of latitude and longitude, metres."""

    time: time | None
    latitude_m: Decimal | None
    longitude_m: Decimal | None


class Gsv(Sentence, frozen=True):
    """Satellites in view of one constellation."""

    in_view: int


class Vtg(Sentence, frozen=True):
    """Speed over ground, km/h."""

    speed_kmh: Decimal | None


Known: TypeAlias = Gga | Rmc | Gsa | Gst | Gsv | Vtg


def checksum(body: bytes) -> int:
    """Exclusive or of what stands between `$` and `*`."""
    value = 0
    for byte in body:
        value ^= byte
    return value


def sentence(body: str) -> bytes:
    """A whole line for `body` (`GPGGA,…`), with checksum and CR LF."""
    raw = body.encode("ascii")
    return b"$%b*%02X\r\n" % (raw, checksum(raw))


def parse(line: bytes) -> Known | None:
    """The sentence in a line, with whatever noise stands before its `$`; None for anything else."""
    if len(line) > MAX_LINE:
        return None
    _, found, rest = line.strip().rpartition(b"$")
    body, star, given = rest.rpartition(b"*")
    if not found or not star or len(given) != 2 or not body.isascii():
        return None
    try:
        if int(given, 16) != checksum(body):
            return None
    except ValueError:
        return None
    head, *fields = body.decode("ascii").split(",")
    reader = _READERS.get(head[2:])
    if len(head) != 5 or reader is None or len(fields) < _LEAST[head[2:]]:
        return None
    try:
        return reader(head[:2], fields)
    except (ValueError, InvalidOperation):
        return None


def _gga(talker: str, f: list[str]) -> Gga:
    return Gga(
        talker,
        _time(f[0]),
        _degrees(f[1], f[2], "NS", 90),
        _degrees(f[3], f[4], "EW", 180),
        int(f[5] or 0),
        int(f[6]) if f[6] else None,
        _number(f[7]),
        _number(f[8]),
    )


def _rmc(talker: str, f: list[str]) -> Rmc:
    mode = f[11] if len(f) > 11 else ""
    return Rmc(
        talker,
        _time(f[0]),
        _date(f[8]),
        f[1] == "A",
        _degrees(f[2], f[3], "NS", 90),
        _degrees(f[4], f[5], "EW", 180),
        mode,
    )


def _gsa(talker: str, f: list[str]) -> Gsa:
    return Gsa(talker, int(f[1] or 1), _number(f[15]))


def _gst(talker: str, f: list[str]) -> Gst:
    return Gst(talker, _time(f[0]), _number(f[5]), _number(f[6]))


def _gsv(talker: str, f: list[str]) -> Gsv:
    return Gsv(talker, int(f[2] or 0))


def _vtg(talker: str, f: list[str]) -> Vtg:
    return Vtg(talker, _number(f[6]))


_Reader: TypeAlias = Callable[[str, list[str]], Known]
_READERS: dict[str, _Reader] = {
    "GGA": _gga,
    "RMC": _rmc,
    "GSA": _gsa,
    "GST": _gst,
    "GSV": _gsv,
    "VTG": _vtg,
}
_LEAST = {"GGA": 9, "RMC": 9, "GSA": 17, "GST": 8, "GSV": 3, "VTG": 8}
"""Fields that a sentence has at least; later editions of the standard only add some."""


def _number(text: str) -> Decimal | None:
    if not text:
        return None
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


def _time(text: str) -> time | None:
    if not text:
        return None
    if len(text) < 6 or not text[:6].isdecimal():
        raise ValueError(text)
    fraction = text[6:]
    if fraction and not (fraction[0] == "." and (fraction[1:] or "0").isdecimal()):
        raise ValueError(text)
    micro = int((fraction[1:] + "000000")[:6])
    # A leap second has no place in a Python time; it is the second before, for as long as it lasts.
    return time(int(text[:2]), int(text[2:4]), min(int(text[4:6]), 59), micro)


def _date(text: str) -> date | None:
    if not text:
        return None
    if len(text) != 6 or not text.isdecimal():
        raise ValueError(text)
    year = int(text[4:])
    return date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[:2]))


def _degrees(text: str, side: str, sides: str, most: int) -> Decimal | None:
    """`ddmm.mmmm` and its hemisphere as signed degrees."""
    if not text:
        return None
    value = _number(text)
    if value is None or value < 0 or len(side) != 1 or side not in sides:
        raise ValueError(text)
    whole = value // 100
    minutes = value - whole * 100
    degrees = (whole + minutes / 60).quantize(DEGREE_DIGITS)
    if minutes >= 60 or degrees > most:
        raise ValueError(text)
    return -degrees if side == sides[1] else degrees
