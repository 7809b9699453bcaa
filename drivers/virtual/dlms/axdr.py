"""A-XDR coding of the COSEM ``Data`` type (IEC 62056-5-3, IEC 61334-6).

A value is a `Data`: the tag of its type and a plain Python value. Arrays and structures hold a tuple of
`Data`; bit strings hold a text of ``0`` and ``1``; the date and time types hold their octets.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

MAX_DEPTH = 16


class AxdrError(ValueError):
    """The octets are not a valid A-XDR value (short, unknown tag, nested too deeply)."""


class Tag(IntEnum):
    """Tags of the choice ``Data`` that this server speaks."""

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
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27


Value = None | bool | int | float | bytes | str | tuple["Data", ...]


@dataclass(frozen=True, slots=True)
class Data:
    """One COSEM value: its type and its content."""

    tag: Tag
    value: Value = None

    @property
    def number(self) -> int:
        """The content of an integer type; `AxdrError` for any other."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise AxdrError(f"{self.tag.name} is no integer")
        return self.value

    @property
    def octets(self) -> bytes:
        """The content of an octet-string, date or time, or the bytes of a text; `AxdrError` for any other."""
        if isinstance(self.value, bytes):
            return self.value
        if isinstance(self.value, str) and self.tag in (Tag.VISIBLE_STRING, Tag.UTF8_STRING):
            return self.value.encode("utf-8")
        raise AxdrError(f"{self.tag.name} is no octet string")

    @property
    def items(self) -> tuple[Data, ...]:
        """The elements of an array or structure; `AxdrError` for any other."""
        if isinstance(self.value, tuple):
            return self.value
        raise AxdrError(f"{self.tag.name} has no elements")


_INTEGERS: dict[Tag, str] = {
    Tag.DOUBLE_LONG: ">i",
    Tag.DOUBLE_LONG_UNSIGNED: ">I",
    Tag.INTEGER: ">b",
    Tag.LONG: ">h",
    Tag.UNSIGNED: ">B",
    Tag.LONG_UNSIGNED: ">H",
    Tag.LONG64: ">q",
    Tag.LONG64_UNSIGNED: ">Q",
    Tag.ENUM: ">B",
    Tag.BCD: ">B",
}
_FLOATS: dict[Tag, str] = {Tag.FLOAT32: ">f", Tag.FLOAT64: ">d"}
_FIXED: dict[Tag, int] = {Tag.DATE_TIME: 12, Tag.DATE: 5, Tag.TIME: 4}

NULL = Data(Tag.NULL)


def boolean(value: bool) -> Data:
    return Data(Tag.BOOLEAN, value)


def bits(value: str) -> Data:
    return Data(Tag.BIT_STRING, value)


def i8(value: int) -> Data:
    return Data(Tag.INTEGER, value)


def i16(value: int) -> Data:
    return Data(Tag.LONG, value)


def i32(value: int) -> Data:
    return Data(Tag.DOUBLE_LONG, value)


def u8(value: int) -> Data:
    return Data(Tag.UNSIGNED, value)


def u16(value: int) -> Data:
    return Data(Tag.LONG_UNSIGNED, value)


def u32(value: int) -> Data:
    return Data(Tag.DOUBLE_LONG_UNSIGNED, value)


def u64(value: int) -> Data:
    return Data(Tag.LONG64_UNSIGNED, value)


def enum(value: int) -> Data:
    return Data(Tag.ENUM, value)


def octets(value: bytes) -> Data:
    return Data(Tag.OCTET_STRING, value)


def text(value: str) -> Data:
    return Data(Tag.VISIBLE_STRING, value)


def array(items: list[Data] | tuple[Data, ...]) -> Data:
    return Data(Tag.ARRAY, tuple(items))


def structure(*items: Data) -> Data:
    return Data(Tag.STRUCTURE, items)


def encode_length(length: int) -> bytes:
    """Length or number of elements: one octet below 128, else the number of octets and the octets."""
    if length < 0x80:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size, "big")


def decode_length(data: bytes, at: int) -> tuple[int, int]:
    """Reads a length at `at`; returns it and the position behind it."""
    if at >= len(data):
        raise AxdrError("length is missing")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if not 1 <= size <= 4 or at + 1 + size > len(data):
        raise AxdrError("length is malformed")
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def _encode_bits(value: str) -> bytes:
    padded = value + "0" * (-len(value) % 8)
    return encode_length(len(value)) + bytes(int(padded[i : i + 8], 2) for i in range(0, len(padded), 8))


def encode(data: Data) -> bytes:
    """The octets of a value, with its tag."""
    return bytes([data.tag]) + _encode_content(data)


def _encode_content(data: Data) -> bytes:
    tag, value = data.tag, data.value
    if tag is Tag.NULL:
        return b""
    if tag is Tag.BOOLEAN:
        return b"\x01" if value else b"\x00"
    if tag in _INTEGERS:
        try:
            return struct.pack(_INTEGERS[tag], data.number)
        except struct.error as error:
            raise AxdrError(f"{value!r} does not fit {tag.name}") from error
    if tag in _FLOATS:
        return struct.pack(_FLOATS[tag], value)
    if tag in (Tag.ARRAY, Tag.STRUCTURE):
        return encode_length(len(data.items)) + b"".join(encode(item) for item in data.items)
    if tag is Tag.BIT_STRING:
        if not isinstance(value, str):
            raise AxdrError("a bit string is a text of 0 and 1")
        return _encode_bits(value)
    content = data.octets
    if tag in _FIXED:
        if len(content) != _FIXED[tag]:
            raise AxdrError(f"{tag.name} has {_FIXED[tag]} octets, not {len(content)}")
        return content
    return encode_length(len(content)) + content


def decode(data: bytes, at: int = 0, depth: int = 0) -> tuple[Data, int]:
    """Reads one value at `at`; returns it and the position behind it."""
    if depth > MAX_DEPTH:
        raise AxdrError("nested too deeply")
    if at >= len(data):
        raise AxdrError("value is missing")
    try:
        tag = Tag(data[at])
    except ValueError as error:
        raise AxdrError(f"unknown tag {data[at]}") from error
    at += 1
    if tag in (Tag.ARRAY, Tag.STRUCTURE):
        count, at = decode_length(data, at)
        if count > len(data) - at:
            raise AxdrError("more elements announced than octets left")
        items = []
        for _ in range(count):
            item, at = decode(data, at, depth + 1)
            items.append(item)
        return Data(tag, tuple(items)), at
    return _decode_simple(tag, data, at)


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise AxdrError("value is cut short")
    return data[at : at + size]


def _decode_simple(tag: Tag, data: bytes, at: int) -> tuple[Data, int]:
    if tag is Tag.NULL:
        return NULL, at
    if tag is Tag.BOOLEAN:
        return Data(tag, _take(data, at, 1) != b"\x00"), at + 1
    if tag in _INTEGERS or tag in _FLOATS:
        form = _INTEGERS.get(tag) or _FLOATS[tag]
        size = struct.calcsize(form)
        return Data(tag, struct.unpack(form, _take(data, at, size))[0]), at + size
    if tag in _FIXED:
        return Data(tag, _take(data, at, _FIXED[tag])), at + _FIXED[tag]
    length, at = decode_length(data, at)
    if tag is Tag.BIT_STRING:
        size = (length + 7) // 8
        content = _take(data, at, size)
        return Data(tag, "".join(f"{octet:08b}" for octet in content)[:length]), at + size
    content = _take(data, at, length)
    if tag in (Tag.VISIBLE_STRING, Tag.UTF8_STRING):
        try:
            return Data(tag, content.decode("utf-8")), at + length
        except UnicodeDecodeError as error:
            raise AxdrError("text is not valid") from error
    return Data(tag, content), at + length


def decode_whole(data: bytes) -> Data:
    """Reads exactly one value; octets left over are an error."""
    value, end = decode(data)
    if end != len(data):
        raise AxdrError(f"{len(data) - end} octets left over")
    return value
