"""Data readout of IEC 62056-21: ``STX address(value*unit) … ! CR LF ETX BCC`` to typed data sets (clause
6.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbage
from drivers.reading import Reading

_GROUP = re.compile(r"([^()/!\r\n\x02\x03]{0,32})\(([^()]{0,128})\)")
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
_TIME = re.compile(r"(\d{2})-?(\d{2})-?(\d{2})[, ]?(\d{2}):?(\d{2})(?::?(\d{2}))?$")


@dataclass(frozen=True)
class DataSet:
    """One address with its values, each ``(value, unit)``; the first is the reading, a later one may be
    its time."""

    address: str
    values: tuple[tuple[str, str | None], ...]

    def as_reading(self, name: str | None = None) -> Reading:
        """The first value, with the time stamp where a second value is one."""
        value, unit = self.values[0]
        time = next((text for text, _ in self.values[1:] if _TIME.match(text)), None)
        status = None if value else "empty"
        return Reading(self.address, name, value or None, unit, time, status)


def block_check(data: bytes) -> int:
    """Block check character: exclusive or of all bytes after STX up to and with ETX (ISO 1155)."""
    check = 0
    for byte in data:
        check ^= byte
    return check


def parse_readout(block: bytes) -> list[DataSet]:
    """Parse a readout, with STX…ETX BCC or bare up to ``!``. Raises ``Garbage`` on a wrong check
    character."""
    start = block.find(b"\x02")
    end = block.find(b"\x03")
    if start >= 0:
        if end < 0 or end + 1 >= len(block):
            raise Garbage(detail="the readout has no end")
        if block_check(block[start + 1 : end + 1]) != block[end + 1]:
            raise Garbage(detail="block check of the readout is wrong")
        block = block[start + 1 : end]
    text = block.decode("latin-1")
    return _data_sets(text.split("!")[0])


def _data_sets(text: str) -> list[DataSet]:
    found: list[tuple[str, list[tuple[str, str | None]]]] = []
    for line in text.splitlines():
        for address, content in _GROUP.findall(line):
            value, star, unit = content.partition("*")
            pair = (value.strip(), unit.strip() if star else None)
            if address.strip():
                found.append((address.strip(), [pair]))
            elif found:
                found[-1][1].append(pair)
    return [DataSet(address, tuple(values)) for address, values in found]
