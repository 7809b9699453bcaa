"""COSEM data in A-XDR (Blue Book 4.1.5, Green Book 9.5): encode and decode without losing the type.

A value is a ``Data``: its tag with a plain Python value. Arrays and structures hold tuples of ``Data``.
Decoding is bounded in depth and length and raises only ``Garbage``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import TypeAlias

from drivers.errors import Garbage


class Tag(IntEnum):
    NULL = 0
    ARRAY = 1
    STRUCTURE = 2
    BOOLEAN = 3
    BIT_STRING = 4
    DOUBLE_LONG = 5
    DOUBLE_LONG_UNSIGNED = 6
    OCTET_STRING = 9
    VISIBLE_STRING = 10
    UTF8_STRING = 12
    BCD = 13
    INTEGER = 15
    LONG = 16
    UNSIGNED = 17
    LONG_UNSIGNED = 18
    COMPACT_ARRAY = 19
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27


_INTEGERS: dict[int, tuple[int, bool]] = {
    Tag.DOUBLE_LONG: (4, True),
    Tag.DOUBLE_LONG_UNSIGNED: (4, False),
    Tag.BCD: (1, True),
    Tag.INTEGER: (1, True),
    Tag.LONG: (2, True),
    Tag.UNSIGNED: (1, False),
    Tag.LONG_UNSIGNED: (2, False),
    Tag.LONG64: (8, True),
    Tag.LONG64_UNSIGNED: (8, False),
    Tag.ENUM: (1, False),
}
_FIXED = {Tag.DATE_TIME: 12, Tag.DATE: 5, Tag.TIME: 4}
_STRINGS = (Tag.OCTET_STRING, Tag.VISIBLE_STRING, Tag.UTF8_STRING)
_DEPTH = 16
_ITEMS = 200_000

Plain: TypeAlias = "bool | int | bytes | Decimal | str | tuple[Data, ...] | None"


@dataclass(frozen=True, slots=True)
class Data:
    """``value`` by tag: ints, bytes for strings and times, ``str`` of 0/1 for bit strings, tuples for
    containers."""

    tag: int
    value: Plain = None

    @property
    def items(self) -> tuple[Data, ...]:
        """The elements of an array or structure. Raises ``Garbage`` for anything else."""
        if not isinstance(self.value, tuple):
            raise Garbage(detail=f"expected an array or structure, got tag {self.tag}")
        return self.value

    @property
    def octets(self) -> bytes:
        """The bytes of a string or time. Raises ``Garbage`` for anything else."""
        if not isinstance(self.value, bytes):
            raise Garbage(detail=f"expected a string, got tag {self.tag}")
        return self.value

    @property
    def number(self) -> int:
        """The integer. Raises ``Garbage`` for anything else."""
        if not isinstance(self.value, int):
            raise Garbage(detail=f"expected an integer, got tag {self.tag}")
        return int(self.value)


NULL = Data(Tag.NULL)


def octet_string(value: bytes) -> Data:
    return Data(Tag.OCTET_STRING, value)


def structure(*items: Data) -> Data:
    return Data(Tag.STRUCTURE, items)


def array(*items: Data) -> Data:
    return Data(Tag.ARRAY, items)


def unsigned(value: int) -> Data:
    return Data(Tag.UNSIGNED, value)


def long_unsigned(value: int) -> Data:
    return Data(Tag.LONG_UNSIGNED, value)


def integer(value: int) -> Data:
    return Data(Tag.INTEGER, value)


def encode_length(length: int) -> bytes:
    """A-XDR length: one byte below 128, else 0x80 + number of bytes."""
    if length < 0x80:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size, "big")


def encode(data: Data) -> bytes:
    """A-XDR with tag. Raises ``ValueError`` where the value does not fit its type."""
    tag, value = data.tag, data.value
    head = bytes([tag])
    if tag == Tag.NULL:
        return head
    if tag in (Tag.ARRAY, Tag.STRUCTURE) and isinstance(value, tuple):
        return head + encode_length(len(value)) + b"".join(encode(item) for item in value)
    if tag == Tag.BOOLEAN:
        return head + (b"\x01" if value else b"\x00")
    if tag in _INTEGERS and isinstance(value, int):
        size, signed = _INTEGERS[tag]
        try:
            return head + int(value).to_bytes(size, "big", signed=signed)
        except OverflowError:
            raise ValueError(f"{value} does not fit data type {Tag(tag).name}") from None
    if tag in _STRINGS and isinstance(value, bytes):
        return head + encode_length(len(value)) + value
    if tag in _FIXED and isinstance(value, bytes) and len(value) == _FIXED[Tag(tag)]:
        return head + value
    if tag == Tag.BIT_STRING and isinstance(value, str):
        padded = value.ljust((len(value) + 7) // 8 * 8, "0")
        octets = bytes(int(padded[start : start + 8], 2) for start in range(0, len(padded), 8))
        return head + encode_length(len(value)) + octets
    if tag in (Tag.FLOAT32, Tag.FLOAT64) and isinstance(value, Decimal):
        return head + struct.pack(">f" if tag == Tag.FLOAT32 else ">d", value)
    raise ValueError(f"cannot encode {type(value).__name__} as tag {tag}")


class Cursor:
    """A reader over bytes that never runs past the end: it raises ``Garbage`` instead."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.index = 0
        self._items = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.index

    def take(self, count: int) -> bytes:
        if count < 0 or count > self.left:
            raise Garbage(detail="data ends too early")
        start = self.index
        self.index += count
        return self._data[start : self.index]

    def byte(self) -> int:
        return self.take(1)[0]

    def word(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def since(self, start: int) -> bytes:
        """The bytes read since ``index`` stood at ``start``."""
        return self._data[start : self.index]

    def rest(self) -> bytes:
        return self.take(self.left)

    def length(self) -> int:
        first = self.byte()
        if first < 0x80:
            return first
        return int.from_bytes(self.take(first & 0x7F), "big")

    def data(self, depth: int = 0) -> Data:
        """One tagged value."""
        return self.value(self.byte(), depth)

    def value(self, tag: int, depth: int = 0) -> Data:
        """The contents of a value whose tag is known."""
        self._items += 1
        if depth > _DEPTH or self._items > _ITEMS:
            raise Garbage(detail="data nested too deeply or too long")
        if tag == Tag.NULL or tag == 0xFF:  # 0xFF: don't-care
            return NULL
        if tag in (Tag.ARRAY, Tag.STRUCTURE):
            count = self.length()
            if count > self.left:
                raise Garbage(detail="array longer than its data")
            return Data(tag, tuple(self.data(depth + 1) for _ in range(count)))
        if tag in _INTEGERS:
            size, signed = _INTEGERS[tag]
            return Data(tag, int.from_bytes(self.take(size), "big", signed=signed))
        if tag in _STRINGS:
            return Data(tag, self.take(self.length()))
        if tag in _FIXED:
            return Data(tag, self.take(_FIXED[Tag(tag)]))
        return self._rare(tag, depth)

    def _rare(self, tag: int, depth: int) -> Data:
        if tag == Tag.BOOLEAN:
            return Data(tag, self.byte() != 0)
        if tag == Tag.BIT_STRING:
            count = self.length()
            octets = self.take((count + 7) // 8)
            return Data(tag, "".join(f"{octet:08b}" for octet in octets)[:count])
        if tag == Tag.FLOAT32:
            return Data(tag, _decimal(struct.unpack(">f", self.take(4))[0], 7))
        if tag == Tag.FLOAT64:
            return Data(tag, _decimal(struct.unpack(">d", self.take(8))[0], 15))
        if tag == Tag.COMPACT_ARRAY:
            description = self._type_description(depth)
            contents = Cursor(self.take(self.length()))
            rows = []
            while contents.left:
                before = contents.index
                rows.append(contents._described(description, depth + 1))
                if contents.index == before:
                    raise Garbage(detail="compact array of nothing")
            return Data(Tag.ARRAY, tuple(rows))
        raise Garbage(detail=f"unknown data tag {tag}")

    def _type_description(self, depth: int) -> tuple[int, tuple[object, ...]]:
        if depth > _DEPTH:
            raise Garbage(detail="type description nested too deeply")
        tag = self.byte()
        if tag == Tag.ARRAY:
            count = self.word()
            return tag, (count, self._type_description(depth + 1))
        if tag == Tag.STRUCTURE:
            count = self.length()
            if count > self.left:
                raise Garbage(detail="type description longer than its data")
            return tag, tuple(self._type_description(depth + 1) for _ in range(count))
        return tag, ()

    def _described(self, description: tuple[int, tuple[object, ...]], depth: int) -> Data:
        tag, parts = description
        if depth > _DEPTH:
            raise Garbage(detail="compact array nested too deeply")
        if tag == Tag.STRUCTURE:
            return Data(tag, tuple(self._described(part, depth + 1) for part in parts))  # type: ignore[arg-type]  # parts of a structure are descriptions
        if tag == Tag.ARRAY:
            count, part = parts
            if not isinstance(count, int) or count > self.left:
                raise Garbage(detail="compact array longer than its data")
            return Data(tag, tuple(self._described(part, depth + 1) for _ in range(count)))  # type: ignore[arg-type]  # as above
        return self.value(tag, depth)


def _decimal(value: float, digits: int) -> Decimal:
    """The shortest decimal that the meter's float stands for."""
    return Decimal(f"{value:.{digits}g}")


def decode(data: bytes) -> Data:
    """One value, nothing behind it. Raises ``Garbage``."""
    cursor = Cursor(data)
    value = cursor.data()
    if cursor.left:
        raise Garbage(detail=f"{cursor.left} bytes after the value")
    return value
