"""ACCESS: writes and reads of one request, carried out in its order (Green Book 9.5). Pure functions.

A write and the reading back of what it did cost one round trip. There is no service-specific ciphering of
this service: protected, it goes in a general APDU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.dlms.apdu import Result, descriptor, open_response
from drivers.dlms.cosem import Item
from drivers.dlms.data import Cursor, Data, encode, encode_length
from drivers.errors import Garbage

ACCESS_REQUEST, ACCESS_RESPONSE = 0xD9, 0xDA
GET, SET, ACTION = 1, 2, 3
_GET_SELECTED, _SET_SELECTED = 4, 5
_INVOKE = 0x40000001
"""Confirmed, normal priority, not self-descriptive, going on after an error, id 1: the association puts its
own id there."""
_NULL = b"\x00"
WRITE_OCTETS, READ_OCTETS = 10, 11
"""What a write takes beside its value, and a read."""
HEAD_OCTETS = 12


@dataclass(frozen=True, slots=True)
class Accessed:
    """Data access results (0 success) of the writes, and what was read, both in the order asked."""

    written: list[int]
    read: list[Result]


def access_request(writes: Sequence[tuple[Item, Data]], reads: Sequence[Item]) -> bytes:
    """Every write, then every read; without a date-time."""
    count = encode_length(len(writes) + len(reads))
    asked = [bytes([SET]) + descriptor(item) for item, _ in writes]
    asked += [bytes([GET]) + descriptor(item) for item in reads]
    values = [encode(data) for _, data in writes] + [_NULL] * len(reads)
    head = bytes([ACCESS_REQUEST]) + _INVOKE.to_bytes(4, "big") + b"\x00"
    return head + count + b"".join(asked) + count + b"".join(values)


def parse_access_response(apdu: bytes, writes: int, reads: int) -> Accessed:
    """Raises ``Garbage`` for anything but an answer to so many writes and reads, ``ServiceException``."""
    cursor = open_response(apdu, ACCESS_RESPONSE)
    cursor.take(4)
    cursor.take(cursor.length())  # date-time
    if cursor.byte():  # self-descriptive: it repeats what was asked
        _specifications(cursor)
    total = writes + reads
    if cursor.length() != total:
        raise Garbage(detail="as many data as were asked for")
    data = [cursor.data() for _ in range(total)]
    if cursor.length() != total:
        raise Garbage(detail="as many results as were asked for")
    results = []
    for number in range(total):
        if cursor.byte() != (SET if number < writes else GET):
            raise Garbage(detail="a result of another service than was asked for")
        results.append(cursor.byte())
    read = [
        Result(value) if not result else Result(None, result)
        for value, result in zip(data[writes:], results[writes:], strict=True)
    ]
    return Accessed(results[:writes], read)


def accessed_items(apdu: bytes) -> list[tuple[int, Item]]:
    """Service and attribute or method of each part of a request. Raises ``Garbage``."""
    cursor = Cursor(apdu[5:])
    cursor.take(cursor.length())
    return _specifications(cursor)


def _specifications(cursor: Cursor) -> list[tuple[int, Item]]:
    count = cursor.length()
    if count > cursor.left:
        raise Garbage(detail="list longer than its data")
    return [_specification(cursor) for _ in range(count)]


def _specification(cursor: Cursor) -> tuple[int, Item]:
    kind = cursor.byte()
    if not GET <= kind <= _SET_SELECTED:
        raise Garbage(detail=f"unknown access specification {kind}")
    item = Item(cursor.word(), cursor.take(6), cursor.byte())
    if kind in (_GET_SELECTED, _SET_SELECTED):
        cursor.byte()
        cursor.data()
    plain = {_GET_SELECTED: GET, _SET_SELECTED: SET}.get(kind, kind)
    return plain, item
