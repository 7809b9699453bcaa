"""Items of ANSI meters as text: ``ansi:TABLE:ELEMENT``.

``TABLE`` is ``STnn`` (standard) or ``MTnn`` (manufacturer, counted from 0). ``ELEMENT`` is

- of ST23 and ST28, what the value means, as the short OBIS code of IEC 62056-61 that says the same
  (``1.8.0`` active import, total; ``1.8.2`` the same of tier 2; ``1.6.0`` its maximum demand; ``12.7.0``
  voltage), the same on every make; or where the value stands: ``sum0``, ``t2.sum1``, ``max0``, ``min0``,
  ``cumulative0``, ``continuous0``, ``coincident0``, ``demand0``, ``value3``; a further occurrence ``max0#1``;
- of the other tables that are understood, a word: ``ansi:ST01:serial``, ``ansi:ST52:clock``;
- nothing, of ST64 to ST67, ST74 and ST76: the profile or log;
- of any table ``raw``, or a part of it ``raw@OFFSET+COUNT``: its octets in hex.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.ansi.config import MANUFACTURER_TABLE
from drivers.errors import WrongValue

PREFIX = "ansi:"
_ITEM = re.compile(r"ansi:([SM])T(\d{1,4})(?::([A-Za-z0-9_.#@+]{1,40}))?")
_RAW = re.compile(r"raw(?:@(\d{1,8})\+(\d{1,5}))?")
_WORD_LIMIT = 2039
_RECORDED = (64, 65, 66, 67, 74, 76)


@dataclass(frozen=True)
class AnsiItem:
    """``table`` with manufacturer tables from 2048 on; ``element`` empty for a whole profile or log."""

    table: int
    element: str = ""

    def __str__(self) -> str:
        kind, number = ("M", self.table - MANUFACTURER_TABLE) if self.is_manufacturers else ("S", self.table)
        return f"{PREFIX}{kind}T{number:02d}" + (f":{self.element}" if self.element else "")

    @property
    def is_manufacturers(self) -> bool:
        return self.table >= MANUFACTURER_TABLE

    @property
    def is_recorded(self) -> bool:
        """A load profile, history or event log, read as rows."""
        return self.table in _RECORDED and not self.element

    @property
    def raw(self) -> tuple[int, int] | None:
        """Offset and count of raw octets (0, 0 for the whole table)."""
        match = _RAW.fullmatch(self.element)
        if match is None:
            return None
        return (int(match[1]), int(match[2])) if match[1] else (0, 0)


def is_ansi(text: str) -> bool:
    return text.startswith(PREFIX)


def parse_ansi_item(text: str) -> AnsiItem:
    """Raises ``WrongValue`` saying what is wrong."""
    match = _ITEM.fullmatch(text)
    if match is None or int(match[2]) > _WORD_LIMIT:
        raise WrongValue(
            f"{text!r} is not an item like ansi:ST23:1.8.0, ansi:ST52:clock or ansi:MT05:raw",
        )
    number = int(match[2]) + (MANUFACTURER_TABLE if match[1] == "M" else 0)
    item = AnsiItem(number, match[3] or "")
    if not item.element and not item.is_recorded:
        return AnsiItem(number, "raw")
    raw = item.raw
    if raw is not None and not (raw[0] < 1 << 24 and raw[1] < 1 << 16):
        raise WrongValue(f"{text!r}: offset up to 16777215, count up to 65535")
    return item
