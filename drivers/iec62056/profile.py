"""Load profile and log of IEC 62056-21 meters, in the form of the VDEW specification 2.1: a header
``P.01(ZST)(S)(RP)(z)(KZ1)(E1)…(KZz)(Ez)``, then a line ``(value)…(value)`` for each period.

ZST is the time stamp of the first line, S the status in hex, RP the period in minutes, z the number of
columns, KZ and E code and unit of each. A new header follows when the status changes or time jumps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from drivers.errors import Garbage
from drivers.iec62056.readout import data_sets_of
from drivers.iec62056.times import MeterTime, parse_time

_COLUMN_LIMIT = 64
_STATUS = re.compile(r"[0-9A-Fa-f]{0,16}")
_FIXED = 4


@dataclass(frozen=True)
class ProfileHeader:
    """``columns`` are ``(code, unit)``; ``period`` in minutes, 0 where there is none (logs)."""

    time: MeterTime
    status: str
    period: int
    columns: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class ProfileLine:
    """One captured line. Only the first line of a header carries its status: events are told once."""

    time: MeterTime
    status: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class ProfileBlock:
    header: ProfileHeader
    lines: tuple[ProfileLine, ...]


def parse_profile(text: str, address: str) -> list[ProfileBlock]:
    """The blocks of a profile or log, as sent. Raises ``Garbage`` for a header that makes no sense.

    An answer that leaves the address out of its first header is understood; what has other addresses is not
    of this profile and is passed over.
    """
    blocks = []
    if text.lstrip().startswith("("):
        text = address + text.lstrip()
    for found in data_sets_of(text):
        if found.address == address:
            blocks.append(_block([value for value, _ in found.values]))
    return blocks


def _block(cells: list[str]) -> ProfileBlock:
    header = _header(cells)
    width = len(header.columns)
    values = cells[_FIXED + 2 * width :]
    if width == 0:
        return ProfileBlock(header, (ProfileLine(header.time, header.status, ()),))
    if len(values) % width:
        raise Garbage(detail=f"profile: {len(values)} values in {width} columns")
    rows = [tuple(values[at : at + width]) for at in range(0, len(values), width)]
    lines = tuple(ProfileLine(_later(header, number), header.status, row) for number, row in enumerate(rows))
    return ProfileBlock(header, lines)


def _header(cells: list[str]) -> ProfileHeader:
    if len(cells) < _FIXED:
        raise Garbage(detail="profile header is too short")
    time = parse_time(cells[0])
    if time is None:
        raise Garbage(detail="profile header without a time stamp")
    if not _STATUS.fullmatch(cells[1]):
        raise Garbage(detail="profile status is not hex")
    period, width = _number(cells[2], 0), _number(cells[3], None)
    if width > _COLUMN_LIMIT or len(cells) < _FIXED + 2 * width:
        raise Garbage(detail=f"profile header announces {width} columns")
    described = cells[_FIXED : _FIXED + 2 * width]
    columns = tuple((described[at], described[at + 1] or None) for at in range(0, 2 * width, 2))
    return ProfileHeader(time, cells[1].upper(), period, columns)


def _number(text: str, default: int | None) -> int:
    if not text and default is not None:
        return default
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise Garbage(detail="profile header: period or number of columns is no number")
    return int(text)


def _later(header: ProfileHeader, periods: int) -> MeterTime:
    try:
        return MeterTime(header.time.local + timedelta(minutes=header.period * periods), header.time.season)
    except OverflowError:
        raise Garbage(detail="profile beyond any date") from None
