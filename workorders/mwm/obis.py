"""What an item of the record measures, in the groups of OBIS (IEC 62056-6-1)."""

from __future__ import annotations

import re

import msgspec

_CURRENT = 255
_SIX = re.compile(r"(?P<a>\d+)\.(?P<b>\d+)\.(?P<c>\d+)\.(?P<d>\d+)\.(?P<e>\d+)\.(?P<f>\d+)")
_SHORT = re.compile(
    r"(?:(?P<a>\d+)-(?P<b>\d+):)?(?P<c>\d+)\.(?P<d>\d+)(?:\.(?P<e>\d+)(?:\.(?P<f>\d+))?)?(?:[*&](?P<g>\d+))?"
)
_COSEM = re.compile(r"\d+:(?P<code>.*?)(?::(?P<attribute>\d+))?")
_ANSI = "ansi:ST23:"
"""Standard table 23 holds the present registers; 24 to 26 hold those of a season, a reset, a self-read."""
_VALUE = "2"
"""The attribute of a COSEM register that is its value."""


class Measured(msgspec.Struct, frozen=True):
    """The groups A, C, D, E and F: medium, quantity, processing, tariff, period (255: the present)."""

    medium: int
    quantity: int
    processing: int
    tariff: int
    period: int

    @property
    def is_current(self) -> bool:
        """Whether it is the present register, not what an earlier billing period ended with."""
        return self.period == _CURRENT

    @property
    def is_total_import(self) -> bool:
        """Whether it is the present total of active energy taken from the grid, all tariffs together."""
        groups = (self.medium, self.quantity, self.processing, self.tariff)
        return self.is_current and groups == (1, 1, 8, 0)


def read_item(item: str) -> Measured | None:
    """What an item of the record measures; None for one that is no register of OBIS.

    Taken: COSEM `3:1.0.1.8.0.255:2`, IEC 62056-21 `1-0:1.8.0*01`, `1.8.0&05`, `1.8`, `dial:1.8.0`, and of
    ANSI meters `ansi:ST23:1.8.0`. Without a medium it is electricity, without a tariff the total, without a
    period the present.
    """
    code = item.removeprefix("dial:").removeprefix(_ANSI)
    cosem = _COSEM.fullmatch(code) if code == item else None
    if cosem is not None and cosem["attribute"] in {None, _VALUE}:
        code = cosem["code"]
    found = _SIX.fullmatch(code) or _SHORT.fullmatch(code)
    if found is None:
        return None
    groups = {name: int(text) for name, text in found.groupdict().items() if text is not None}
    period = groups.get("g", groups.get("f", _CURRENT))
    return Measured(groups.get("a", 1), groups["c"], groups["d"], groups.get("e", 0), period)
