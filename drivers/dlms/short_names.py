"""xDLMS services with short names: Read, Write, UnconfirmedWrite and InformationReport to and from bytes
(Green Book 9.3.14 to 9.3.17, 9.5). Pure functions; what is no valid response raises ``Garbage``.

A short name is an unsigned 16-bit number: base name of the object plus eight for each attribute, or plus
the offset of a method (Blue Book 4.1.2 and the tables of each class).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.dlms.apdu import Block, Result, Selection, open_response
from drivers.dlms.data import Cursor, Data, Tag, decode, encode, encode_length, octet_string, structure
from drivers.errors import Garbage

READ_REQUEST, WRITE_REQUEST, READ_RESPONSE, WRITE_RESPONSE = 0x05, 0x06, 0x0C, 0x0D
UNCONFIRMED_WRITE, INFORMATION_REPORT = 0x16, 0x18
ASSOCIATION_BASE = 0xFA00
"""Base name of the current association, by convention (Green Book 9.4.2.2.5, vaa-name)."""
_VARIABLE, _PARAMETERIZED, _BLOCK_NUMBER, _READ_BLOCK, _WRITE_BLOCK = 2, 4, 5, 6, 7
_METHODS: dict[int, tuple[int, ...]] = {
    3: (0x28,),
    4: (0x38,),
    5: (0x48, 0x50),
    6: (0x30, 0x38, 0x40),
    7: (0x58, 0x60, 0x68, 0x70),
    8: (0x60, 0x68, 0x70, 0x78, 0x80, 0x88),
    9: (0x20,),
    10: (0x20, 0x28, 0x30),
    11: (0x10, 0x18),
    12: (0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x58),
    17: (0x20,),
    18: (0x40, 0x48, 0x50, 0x58),
    20: (0x50,),
    40: (0x38,),
    64: (0x30, 0x38, 0x40, 0x48, 0x50, 0x58, 0x60, 0x68),
    70: (0x20, 0x28),
}
"""Offsets of the methods of each class, from method 1 (Blue Book, column *short name*)."""


@dataclass(frozen=True, slots=True)
class BaseName:
    """Where an object of a class and version begins."""

    base: int
    version: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The meter took a block of a long request."""

    number: int


def attribute_name(base: int, attribute: int) -> int:
    return base + (attribute - 1) * 8 & 0xFFFF


def method_name(class_id: int, base: int, method: int) -> int | None:
    """The short name of a method; ``None`` for a class or method whose offset the Blue Book does not give."""
    offsets = _METHODS.get(class_id, ())
    return base + offsets[method - 1] & 0xFFFF if 0 < method <= len(offsets) else None


def decode_object_list(data: Data) -> dict[tuple[int, bytes], BaseName]:
    """Base names by class and logical name, of attribute 2 of class 12. Raises ``Garbage``."""
    names: dict[tuple[int, bytes], BaseName] = {}
    for entry in data.items:
        parts = entry.items
        if len(parts) < 4 or len(parts[3].octets) != 6:
            raise Garbage(detail="object list element of a wrong shape")
        names[parts[1].number, parts[3].octets] = BaseName(parts[0].number & 0xFFFF, parts[2].number)
    return names


def view_of(names: dict[tuple[int, bytes], BaseName]) -> Data:
    """The list in the shape that class 15 gives it: class, version, logical name."""
    rows = (
        structure(Data(Tag.LONG_UNSIGNED, class_id), Data(Tag.UNSIGNED, known.version), octet_string(obis))
        for (class_id, obis), known in names.items()
    )
    return Data(Tag.ARRAY, tuple(rows))


# ---- requests


def variable(name: int, selection: Selection | None = None) -> bytes:
    """A variable access specification: a name, or a name with a selector and parameters."""
    if selection is None:
        return bytes([_VARIABLE]) + name.to_bytes(2, "big")
    head = bytes([_PARAMETERIZED]) + name.to_bytes(2, "big")
    return head + bytes([selection.selector]) + encode(selection.parameters)


def read_request(variables: Sequence[bytes]) -> bytes:
    return bytes([READ_REQUEST]) + encode_length(len(variables)) + b"".join(variables)


def read_next_request(block: int) -> bytes:
    """The block after ``block``."""
    return bytes([READ_REQUEST, 1, _BLOCK_NUMBER]) + block.to_bytes(2, "big")


def read_block_request(number: int, raw: bytes, *, last: bool) -> bytes:
    """A block of a long Read request; ``raw`` is a piece of what follows the tag."""
    head = bytes([READ_REQUEST, 1, _READ_BLOCK, 1 if last else 0]) + number.to_bytes(2, "big")
    return head + encode_length(len(raw)) + raw


def write_request(writes: Sequence[tuple[int, Data]], *, confirmed: bool = True) -> bytes:
    count = encode_length(len(writes))
    names = b"".join(variable(name) for name, _ in writes)
    tag = WRITE_REQUEST if confirmed else UNCONFIRMED_WRITE
    return bytes([tag]) + count + names + count + b"".join(encode(data) for _, data in writes)


def write_block_request(number: int, raw: bytes, *, last: bool) -> bytes:
    """A block of a long Write request, as an octet-string; ``raw`` is a piece of what follows the tag."""
    head = bytes([WRITE_REQUEST, 1, _WRITE_BLOCK, 1 if last else 0]) + number.to_bytes(2, "big")
    return head + b"\x01" + encode(octet_string(raw))


# ---- responses


def parse_read_response(apdu: bytes) -> list[Result] | Block | Acknowledged:
    """The results, a block of them, or the acknowledgement of a block of the request."""
    cursor = open_response(apdu, READ_RESPONSE)
    count = _count(cursor)
    if count == 1:
        choice = cursor.byte()
        if choice == 2:
            last, number = cursor.byte() != 0, cursor.word()
            return Block(number, last, cursor.take(cursor.length()))
        if choice == 3:
            return Acknowledged(cursor.word())
        return [_result(choice, cursor)]
    return [_result(cursor.byte(), cursor) for _ in range(count)]


def parse_joined(raw: bytes) -> list[Result]:
    """The joined blocks of a long response: the list of results.

    Some servers put only the value of a single result into the blocks: what is one whole value and nothing
    behind it is taken as that.
    """
    try:
        return [Result(decode(raw))]
    except Garbage:
        cursor = Cursor(raw)
        return [_result(cursor.byte(), cursor) for _ in range(_count(cursor))]


def parse_write_response(apdu: bytes) -> list[int] | Acknowledged:
    """Data access results (0 success), or the acknowledgement of a block."""
    cursor = open_response(apdu, WRITE_RESPONSE)
    count = _count(cursor)
    results = []
    for _ in range(count):
        choice = cursor.byte()
        if choice == 2 and count == 1:
            return Acknowledged(cursor.word())
        if choice not in (0, 1):
            raise Garbage(detail=f"unknown result {choice} of a write")
        results.append(cursor.byte() if choice else 0)
    return results


def _result(choice: int, cursor: Cursor) -> Result:
    if choice == 0:
        return Result(cursor.data())
    if choice == 1:
        return Result(None, cursor.byte())
    raise Garbage(detail=f"unknown result {choice} of a read")


def _count(cursor: Cursor) -> int:
    count = cursor.length()
    if count > cursor.left:
        raise Garbage(detail="list longer than its data")
    return count
