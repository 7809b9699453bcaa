"""Data readout of IEC 62056-21: ``STX address(value*unit) … ! CR LF ETX BCC`` to typed data sets (clauses
6.3.13 and 6.5; mode D and some mode A meters send no STX and no check)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from drivers.errors import Garbage
from drivers.iec62056.messages import ETX, STX, block_check
from drivers.iec62056.times import MeterTime, parse_time
from drivers.reading import Reading

_GROUP = re.compile(r"([^()/!\r\n\x02\x03]{0,32})\(([^()]{0,128})\)")
_DECIMAL = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_AMOUNT = re.compile(r"[+-]? *\d*[.,]?\d*")
"""Amounts are written more freely than numbers that we would take over: ``-.5``."""
_CODE = re.compile(r"(?:\d{1,3}-\d{1,3}:)?[0-9A-Z]{1,3}(?:\.[0-9A-Z]{1,3}){1,2}(?:[*&]\d{1,3})?")
_POSSIBLE_ADDRESS = re.compile(r"[0-9A-Za-z.:*&#_\- ]*")
_HISTORY = re.compile(r"(.+)[*&](\d{1,3})")
_END = re.compile(r"(?:^|(?<=[)\r\n]))\s*!")
"""The end of the data. Some makes have one in a value, where the standard allows none."""
_CURRENT = "255"
_RESET_TIMES = ("0.1.2", "0.1.0")
"""Billing period time stamps (OBIS 0.1.2*F; some makes send them as the second meaning of 0.1.0*F)."""


@dataclass(frozen=True)
class Address:
    """An address taken apart: ``code`` is C.D.E (or C.D, letters included), ``medium`` the ``A-B`` before the
    colon, ``history`` the billing period behind ``*`` or ``&``."""

    code: str
    medium: str | None = None
    history: str | None = None


def parse_address(text: str) -> Address:
    """``1-1:1.8.0*01`` → code ``1.8.0``, medium ``1-1``, history ``01``; ``*255`` is the current value."""
    medium, colon, rest = text.rpartition(":")
    match = _HISTORY.fullmatch(rest)
    code, history = (match[1], match[2]) if match else (rest, None)
    return Address(code, medium if colon else None, None if history == _CURRENT else history)


def is_code(text: str) -> bool:
    """Whether it is an address as meters send it: ``1.8.1*01``, ``C.1.0``, ``F.F``, ``1-0:2.8.0``."""
    return bool(_CODE.fullmatch(text))


@dataclass(frozen=True)
class DataSet:
    """One address with its values, each ``(value, unit)``; the first is the reading, a later one may be
    its time. ``checked``: whether a check character guarded it; ``agreed``: whether two readings of it
    in a row said the same, where the line needed that."""

    address: str
    values: tuple[tuple[str, str | None], ...]
    checked: bool = field(default=True, compare=False)
    agreed: bool = field(default=False, compare=False)

    @property
    def time(self) -> MeterTime | None:
        """The first time stamp among the values behind the first one (of a maximum, of a fault)."""
        return next((found for text, _ in self.values[1:] if (found := parse_time(text))), None)

    @property
    def is_number(self) -> bool:
        return bool(_DECIMAL.fullmatch(self.values[0][0]))

    @property
    def is_odd(self) -> bool:
        """Whether no meter sends this: an address of other characters, or a unit behind what is no number.
        Two errors that cancel each other out in the block check show so."""
        addressed = bool(_POSSIBLE_ADDRESS.fullmatch(self.address))
        return not addressed or any(
            unit and value and not _AMOUNT.fullmatch(value) for value, unit in self.values
        )

    def as_reading(
        self,
        name: str | None = None,
        *,
        zone_minutes: int | None = None,
        closed: MeterTime | None = None,
        unit: str | None = None,
    ) -> Reading:
        """The first value; its time is the one sent with it, else when its billing period ``closed``.

        ``unit`` is that of the model file, for makes that send none. A decimal comma becomes a point.
        """
        value, sent = self.values[0]
        time = self.time or closed
        if self.is_number:
            value = value.replace(",", ".")
        return Reading(
            self.address,
            name,
            value or None,
            sent or unit,
            time.iso(zone_minutes) if time else None,
            None if value else "empty",
        )


def closing_times(data_sets: list[DataSet]) -> dict[str, MeterTime]:
    """When each billing period was closed, by its number: from ``0.1.2*01(26-10-01 00:00)``."""
    found: dict[str, MeterTime] = {}
    for wanted in reversed(_RESET_TIMES):
        for one in data_sets:
            address = parse_address(one.address)
            time = parse_time(one.values[0][0])
            if address.history and address.code == wanted and time:
                found[address.history] = time
    return found


def parse_readout(block: bytes) -> list[DataSet]:
    """Parse a readout, with STX…ETX BCC or bare up to ``!``. Raises ``Garbage`` on a wrong check
    character; where there is none behind ETX, nothing is ``checked``."""
    start = block.find(bytes([STX]))
    end = block.find(bytes([ETX]))
    checked = False
    if start >= 0:
        if end < 0:
            raise Garbage(detail="the readout has no end")
        checked = end + 1 < len(block)
        if checked and block_check(block[start + 1 : end + 1]) != block[end + 1]:
            raise Garbage(detail="block check of the readout is wrong")
        block = block[start + 1 : end]
    data = _END.split(block.decode("latin-1"), maxsplit=1)[0]
    return [replace(found, checked=checked) for found in data_sets_of(data)]


def data_sets_of(text: str) -> list[DataSet]:
    """Data lines to data sets: several in one line; values without an address belong to the one before,
    over the ends of lines too. A register that was never filled may hold NUL: it is empty."""
    found: list[tuple[str, list[tuple[str, str | None]]]] = []
    for address, content in _GROUP.findall(text.replace("\0", "")):
        value, star, unit = content.partition("*")
        pair = (value.strip(), unit.strip() if star else None)
        if address.strip():
            found.append((address.strip(), [pair]))
        elif found:
            found[-1][1].append(pair)
    return [DataSet(address, tuple(values)) for address, values in found]
