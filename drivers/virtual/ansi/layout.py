"""C12.19 elements as octets, in the formats that a meter's table 00 promises; tables as nested elements.

A table is a list: of octets (one element) and of lists (an array or a record). Read whole, it is what comes
out when they are joined; by index, each index goes one level down.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

Element: TypeAlias = "bytes | list[Element]"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the meter's own time
NI_SIZES = (8, 4, 12, 6, 4, 6, 4, 3, 4, 5, 6, 8, 8, 21)


@dataclass(frozen=True, slots=True)
class Layout:
    """FORMAT_CONTROL 1 to 3: what the standard calls these, by its numbers."""

    data_order: int = 0
    char_format: int = 1
    tm_format: int = 2
    access: int = 3
    id_form: int = 0
    int_format: int = 0
    ni_format1: int = 10
    ni_format2: int = 8

    @property
    def controls(self) -> bytes:
        one = self.data_order | self.char_format << 1
        two = self.tm_format | self.access << 3 | self.id_form << 5 | self.int_format << 6
        return bytes([one, two, self.ni_format1 | self.ni_format2 << 4])

    def u(self, value: int, size: int) -> bytes:
        return value.to_bytes(size, "big" if self.data_order else "little")

    def u16(self, value: int) -> bytes:
        return self.u(value, 2)

    def u32(self, value: int) -> bytes:
        return self.u(value, 4)

    def i(self, value: int, size: int) -> bytes:
        top = 1 << (8 * size)
        if value >= 0:
            return self.u(value, size)
        raw = (top + value, top - 1 + value, top // 2 - value)[self.int_format]
        return self.u(raw, size)

    def text(self, value: str, size: int) -> bytes:
        return value.encode("latin-1")[:size].ljust(size)

    def identification(self, value: str, size: int) -> bytes:
        if self.id_form == 0:
            return self.text(value, size)
        digits = "".join(letter for letter in value if letter.isdigit())[-size:]
        return bytes.fromhex(digits.rjust(size, "0"))

    def ni1(self, value: int) -> bytes:
        return self.ni(Decimal(value), self.ni_format1)

    def ni2(self, value: int) -> bytes:
        return self.ni(Decimal(value), self.ni_format2)

    def ni(self, value: Decimal, kind: int) -> bytes:
        """A non-integer; floats are rounded to what they can hold."""
        order = ">" if self.data_order else "<"
        size = NI_SIZES[kind]
        if kind in (0, 1):
            return struct.pack(order + "df"[kind], float(value))
        if kind in (2, 3, 13):
            return format(value, "f").rjust(size).encode("ascii")
        if kind in (5, 6, 12):
            digits = f"{abs(int(value)):0{2 * size}d}"
            return bytes.fromhex(("d" + digits[1:]) if value < 0 else digits)
        return self.i(int(value * 10_000) if kind == 4 else int(value), size)

    def ltime(self, moment: datetime) -> bytes:
        seconds = int((moment - EPOCH).total_seconds())
        if self.tm_format == 3:
            return self.u32(seconds // 60) + bytes([seconds % 60])
        if self.tm_format == 4:
            return self.u32(seconds)
        return self._fields(moment, 6)

    def stime(self, moment: datetime) -> bytes:
        seconds = int((moment - EPOCH).total_seconds())
        if self.tm_format == 3:
            return self.u32(seconds // 60)
        if self.tm_format == 4:
            return self.u32(seconds)
        return self._fields(moment, 5)

    def time(self, hour: int, minute: int) -> bytes:
        if self.tm_format in (3, 4):
            return self.u32(hour * 3600 + minute * 60)
        if self.tm_format == 1:
            return bytes([int(str(hour), 16), int(str(minute), 16), 0])
        return bytes([hour, minute, 0])

    def _fields(self, moment: datetime, count: int) -> bytes:
        if self.tm_format == 0:
            return b""
        parts = (moment.year % 100, moment.month, moment.day, moment.hour, moment.minute, moment.second)
        if self.tm_format == 1:
            return bytes(int(str(part), 16) for part in parts[:count])
        return bytes(parts[:count])

    def read_ltime(self, octets: bytes) -> datetime:
        """What a client wrote. ``ValueError`` if it is no time."""
        if self.tm_format in (3, 4):
            counted = int.from_bytes(octets[:4], "big" if self.data_order else "little")
            seconds = counted * 60 + octets[4] if self.tm_format == 3 else counted
            return EPOCH + timedelta(seconds=seconds)
        parts = [int(f"{octet:02x}") if self.tm_format == 1 else octet for octet in octets[:6]]
        year, month, day, hour, minute, second = parts
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001  # the meter's own time

    @property
    def ltime_size(self) -> int:
        return (0, 6, 6, 5, 4)[self.tm_format]


def bits(numbers: Iterable[int], size: int) -> bytes:
    """A SET of ``size`` octets with these bits."""
    value = sum(1 << number for number in set(numbers))
    return value.to_bytes(size, "little")


def flatten(element: Element) -> bytes:
    return element if isinstance(element, bytes) else b"".join(flatten(part) for part in element)


def pick(table: Element, indices: list[int], count: int) -> bytes:
    """Elements by index. ``IndexError`` where there are none."""
    level = table
    for index in indices[:-1]:
        if isinstance(level, bytes):
            raise IndexError
        level = level[index]
    if isinstance(level, bytes):
        raise IndexError
    chosen = level[indices[-1] : indices[-1] + max(count, 1)]
    if len(chosen) < max(count, 1):
        raise IndexError
    return b"".join(flatten(part) for part in chosen)
