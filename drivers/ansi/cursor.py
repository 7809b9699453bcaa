"""Reading C12.19 elements out of a table's octets, in the formats that the meter's table 00 names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum

from drivers.ansi.decimals import IntFormat, NiFormat, non_integer, signed
from drivers.errors import Garbage

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the meter's own time; its zone stands in other tables
_LTIME = {0: 0, 1: 6, 2: 6, 3: 5, 4: 4}
_STIME = {0: 0, 1: 5, 2: 5, 3: 4, 4: 4}
_TIME = {0: 0, 1: 3, 2: 3, 3: 4, 4: 4}


class TimeFormat(IntEnum):
    """TM_FORMAT: no clock, BCD fields, octet fields, minutes since 1970 (and a second), seconds since
    1970."""

    NONE = 0
    BCD = 1
    OCTETS = 2
    MINUTES = 3
    SECONDS = 4


class Access(IntEnum):
    """DATA_ACCESS_METHOD: which partial reads the meter has."""

    FULL = 0
    OFFSET = 1
    INDEX = 2
    BOTH = 3


@dataclass(frozen=True)
class Formats:
    """FORMAT_CONTROL 1 to 3 of table 00."""

    big_endian: bool = False
    characters: int = 1
    time: TimeFormat = TimeFormat.NONE
    access: Access = Access.FULL
    id_bcd: bool = False
    integers: IntFormat = IntFormat.TWOS_COMPLEMENT
    ni1: NiFormat = NiFormat.INT32
    ni2: NiFormat = NiFormat.INT32

    @property
    def ltime_size(self) -> int:
        return _LTIME[self.time]

    @property
    def stime_size(self) -> int:
        return _STIME[self.time]

    @property
    def order(self) -> str:
        return "big" if self.big_endian else "little"


def no_extra_zeros(digits: str) -> str:
    """A BCD identification: leading zeros fill it up and cannot be told from real ones; fillers go."""
    return digits.rstrip("f").lstrip("0")


class Cursor:
    """Takes one element after another. Every method raises ``Garbage`` where the table is too short."""

    def __init__(self, data: bytes, formats: Formats, table: int) -> None:
        self._data = data
        self.formats = formats
        self._table = table
        self.at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise Garbage(detail=f"table {self._table}: {len(self._data)} octets are too few")
        self.at += size
        return self._data[self.at - size : self.at]

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big" if self.formats.big_endian else "little")

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return self.unsigned(2)

    def u32(self) -> int:
        return self.unsigned(4)

    def signed(self, size: int) -> int:
        return signed(self.unsigned(size), size, self.formats.integers)

    def octets(self, count: int) -> tuple[int, ...]:
        return tuple(self.take(count))

    def text(self, size: int) -> str:
        """Characters, without what fills them up."""
        coding = {2: "latin-1", 3: "utf-8", 4: "utf-16-be" if self.formats.big_endian else "utf-16-le"}
        text = self.take(size).decode(coding.get(self.formats.characters, "latin-1"), "replace")
        return text.replace("\x00", " ").strip()

    def identification(self, characters: int) -> str:
        """CHAR of this length, or BCD of half of it (ID_FORM)."""
        if self.formats.id_bcd:
            return no_extra_zeros(self.take(characters // 2).hex())
        return self.text(characters)

    def flags(self, size: int) -> frozenset[int]:
        """SET: the numbers of the bits that are set; bit 0 is the lowest of the first octet."""
        data = self.take(size)
        return frozenset(n for n in range(8 * size) if data[n // 8] >> n % 8 & 1)

    def ni(self, kind: NiFormat) -> Decimal | None:
        formats = self.formats
        return non_integer(
            self.take(kind.size), kind, big_endian=formats.big_endian, integers=formats.integers
        )

    def ni1(self) -> Decimal | None:
        return self.ni(self.formats.ni1)

    def ni2(self) -> Decimal | None:
        return self.ni(self.formats.ni2)

    def ltime(self) -> datetime | None:
        """LTIME_DATE as the meter counts it (no zone); ``None`` where there is no clock or no valid time."""
        match self.formats.time:
            case TimeFormat.NONE:
                return None
            case TimeFormat.MINUTES:
                minutes, second = self.u32(), self.u8()
                return _counted(minutes * 60 + second) if second < 60 else None
            case TimeFormat.SECONDS:
                return _counted(self.u32())
        return self._fields(6)

    def stime(self) -> datetime | None:
        """STIME_DATE, as ``ltime`` without seconds (counted seconds stay)."""
        match self.formats.time:
            case TimeFormat.NONE:
                return None
            case TimeFormat.MINUTES:
                return _counted(self.u32() * 60)
            case TimeFormat.SECONDS:
                return _counted(self.u32())
        return self._fields(5)

    def time(self) -> bytes:
        """TIME: only stepped over."""
        return self.take(_TIME[self.formats.time])

    def _fields(self, count: int) -> datetime | None:
        data = self.take(count)
        if self.formats.time is TimeFormat.BCD:
            if not data.hex().isdigit():
                return None
            data = bytes(int(f"{octet:02x}") for octet in data)
        year = 1900 + data[0] if data[0] >= 90 else 2000 + data[0]
        try:
            return datetime(year, *data[1:])  # noqa: DTZ001  # as above
        except ValueError:  # all zeros: never happened
            return None


def _counted(seconds: int) -> datetime | None:
    return EPOCH + timedelta(seconds=seconds) if seconds else None
