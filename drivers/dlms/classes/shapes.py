"""Shapes of COSEM values: each turns raw data of one kind into readable values, or raises ``Garbage``.

A readable value is text, nothing, a tuple of values (array) or a mapping from field name to value
(structure). Numbers stay decimal text. An enumeration keeps a number that it does not know; a structure keeps
fields that a newer version appended, and may lack those that an older one did not have yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

from drivers.dlms.cosem import iso_local, obis_text, parse_date_time, plain_text, text_of
from drivers.dlms.data import Data, Tag
from drivers.errors import Garbage

Value: TypeAlias = "str | tuple[Value, ...] | Mapping[str, Value] | None"
Shape: TypeAlias = Callable[[Data], Value]

_ANY_YEAR, _ANY = 0xFFFF, 0xFF
_LAST_DAY, _SECOND_LAST_DAY = 0xFE, 0xFD
_DST_BEGIN, _DST_END = 0xFE, 0xFD


def anything(data: Data) -> Value:
    """Whatever it is: containers keep their nesting, leaves become text."""
    if isinstance(data.value, tuple):
        return tuple(anything(item) for item in data.value)
    return plain_text(data)


def number(data: Data) -> Value:
    """An integer as decimal text."""
    if isinstance(data.value, bool) or not isinstance(data.value, int | Decimal):
        raise Garbage(detail=f"expected a number, got tag {data.tag}")
    return plain_text(data)


def boolean(data: Data) -> Value:
    """``true`` or ``false``; some meters send 0 and 1 as a number."""
    return "true" if data.number else "false"


def text(data: Data) -> Value:
    """A string that people read."""
    return text_of(data.octets) if data.octets else ""


def hexadecimal(data: Data) -> Value:
    """Octets, or the bits of a bit string, as they are."""
    return data.value if isinstance(data.value, str) else data.octets.hex().upper()


def address(data: Data) -> Value:
    """EUI-48 or EUI-64: ``40:40:22:12:34:56``."""
    return data.octets.hex(":").upper()


def short_address(data: Data) -> Value:
    """A 16-bit address of a network: four hex digits."""
    return f"{data.number:04X}"


def logical_name(data: Data) -> Value:
    """``1.0.1.8.0.255``"""
    if len(data.octets) != 6:
        raise Garbage(detail="a logical name has six octets")
    return obis_text(data.octets)


def item(data: Data) -> Value:
    """A signed attribute or method index."""
    return number(data)


def ipv4(data: Data) -> Value:
    """``192.0.2.1`` from a double-long-unsigned, or from four octets as some meters send it."""
    value = data.value
    octets = value if isinstance(value, bytes) else (data.number & 0xFFFFFFFF).to_bytes(4, "big")
    if len(octets) != 4:
        raise Garbage(detail="an IPv4 address has four octets")
    return ".".join(str(octet) for octet in octets)


def ipv6(data: Data) -> Value:
    """Eight groups of hex digits."""
    if len(data.octets) != 16:
        raise Garbage(detail="an IPv6 address has sixteen octets")
    return data.octets.hex(":", 2)


def moment(data: Data) -> Value:
    """Date-time as local time of the meter with its offset; nothing where it is unspecified."""
    if len(data.octets) not in (0, 12):
        raise Garbage(detail="a date-time has twelve octets")
    time = parse_date_time(data.octets)
    return iso_local(time) if time else _partly(data.octets)


def _partly(octets: bytes) -> str | None:
    """A date-time with wildcards, for seasons and daylight saving; nothing at all is ``None``."""
    if not octets or all(octet == _ANY for octet in octets[:8]):
        return None
    return f"{_date(octets[:5])}T{_time(octets[5:9])}"


def date(data: Data) -> Value:
    """Five octets: ``*-12-25``; also ``last``, ``second-last`` for the day, ``dst-begin``, ``dst-end``
    for the month."""
    if len(data.octets) != 5:
        raise Garbage(detail="a date has five octets")
    return _date(data.octets)


def _date(octets: bytes) -> str:
    year = int.from_bytes(octets[:2], "big")
    special_month = {_ANY: "*", _DST_BEGIN: "dst-begin", _DST_END: "dst-end"}
    special_day = {_ANY: "*", _LAST_DAY: "last", _SECOND_LAST_DAY: "second-last"}
    month = special_month.get(octets[2], f"{octets[2]:02d}")
    day = special_day.get(octets[3], f"{octets[3]:02d}")
    weekday = "" if octets[4] == _ANY else f"/{octets[4]}"
    return f"{'*' if year == _ANY_YEAR else f'{year:04d}'}-{month}-{day}{weekday}"


def time_of_day(data: Data) -> Value:
    """Four octets: ``08:30:00``, with ``*`` for any."""
    if len(data.octets) != 4:
        raise Garbage(detail="a time has four octets")
    return _time(data.octets)


def _time(octets: bytes) -> str:
    return ":".join("*" if octet == _ANY else f"{octet:02d}" for octet in octets[:3])


def manufacturer(data: Data) -> Value:
    """Three FLAG letters out of sixteen bits (EN 13757-3: five bits a letter)."""
    code = data.number & 0x7FFF
    letters = "".join(chr(((code >> shift) & 0x1F) + 64) for shift in (10, 5, 0))
    return letters if letters.isalpha() and letters.isupper() else f"{data.number:04X}"


def bcd(data: Data) -> Value:
    """Eight decimal digits in packed BCD, as M-Bus numbers its meters."""
    return f"{data.number & 0xFFFFFFFF:08X}"


def enumeration(names: Mapping[int, str]) -> Shape:
    """The name of a number; ``unknown (7)`` for one that the standard had not yet."""

    def shape(data: Data) -> Value:
        return names.get(data.number, f"unknown ({data.number})")

    return shape


def flags(*names: str) -> Shape:
    """The names of the bits that are set. Bit 0 is the first of a bit string, the lowest of a number."""

    def shape(data: Data) -> Value:
        if isinstance(data.value, str):
            places = [place for place, bit in enumerate(data.value) if bit == "1"]
        elif isinstance(data.value, bytes):
            places = _places(int.from_bytes(data.value, "big"))
        else:
            places = _places(data.number)
        return tuple(names[place] if place < len(names) else f"bit {place}" for place in places)

    return shape


def _places(word: int) -> list[int]:
    return [place for place in range(min(word.bit_length(), 64)) if word >> place & 1]


def several(shape: Shape) -> Shape:
    """An array of one kind."""
    return lambda data: tuple(shape(element) for element in data.items)


def record(*fields: tuple[str, Shape], least: int | None = None) -> Shape:
    """``least`` fields must be there (default all); what a newer version appended is numbered."""
    needed = len(fields) if least is None else least

    def shape(data: Data) -> Value:
        if data.tag != Tag.STRUCTURE or len(data.items) < needed:
            raise Garbage(detail=f"expected a structure of {needed} or more fields")
        found: dict[str, Value] = {
            name: _or_null(part, element) for (name, part), element in zip(fields, data.items, strict=False)
        }
        for place in range(len(fields), len(data.items)):
            found[f"field_{place + 1}"] = anything(data.items[place])
        return found

    return shape


def _or_null(shape: Shape, data: Data) -> Value:
    return None if data.value is None else shape(data)


def one_of(*shapes: Shape) -> Shape:
    """The first shape that fits, for types that are a choice or changed between versions."""

    def shape(data: Data) -> Value:
        for candidate in shapes[:-1]:
            try:
                return candidate(data)
            except Garbage:
                continue
        return shapes[-1](data)

    return shape


def flatten(value: Value, path: str = "") -> dict[str, str | None]:
    """Paths to leaves, in order: ``neighbours[0].lqi``. A plain value stands under the empty path."""
    if isinstance(value, Mapping):
        found: dict[str, str | None] = {}
        for name, part in value.items():
            found |= flatten(part, f"{path}.{name}" if path else name)
        return found
    if isinstance(value, tuple):
        if all(isinstance(part, str) for part in value):
            return {path: ", ".join(str(part) for part in value)}
        found = {}
        for place, part in enumerate(value):
            found |= flatten(part, f"{path}[{place}]")
        return found
    return {path: value}


def readable(value: Value) -> str | None:
    """The whole value on one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}={readable(part) or '—'}" for name, part in value.items())
    if isinstance(value, tuple):
        return ", ".join(
            f"({readable(part)})" if isinstance(part, tuple | Mapping) else part or "—" for part in value
        )
    return value
