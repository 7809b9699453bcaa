"""Read, Write and UnconfirmedWrite with short names: requests taken apart, responses put together.

Where an object's attributes and methods lie is worked out here too: base names are handed out in the order
of the objects; the offsets within a class are those of the Blue Book.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drivers.virtual.cosem.base import CosemObject
from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import AxdrError, Data, Tag
from drivers.virtual.dlms.services import Block, Descriptor, Outcome, PduError, Reader, Result, UnknownService

READ_REQUEST, WRITE_REQUEST, UNCONFIRMED_WRITE = 0x05, 0x06, 0x16
READ_RESPONSE, WRITE_RESPONSE = 0x0C, 0x0D
ASSOCIATION_BASE = 0xFA00
FIRST_BASE = 0x0100
MAX_LIST = 128
_FIRST_METHOD = {
    3: 0x28, 4: 0x38, 5: 0x48, 7: 0x58, 8: 0x60, 9: 0x20, 11: 0x10, 12: 0x20, 17: 0x20, 18: 0x40, 20: 0x50,
    40: 0x38, 64: 0x30, 70: 0x20,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """What a short name stands for: an attribute or a method of an object."""

    target: Descriptor
    method: bool


def allocate(objects: Iterable[CosemObject]) -> dict[bytes, int]:
    """Base names by logical name; the current association has its own, fixed one."""
    bases: dict[bytes, int] = {}
    following = FIRST_BASE
    for thing in objects:
        if thing.class_id == 12:
            bases[thing.logical_name] = ASSOCIATION_BASE
            continue
        bases[thing.logical_name] = following
        following += (max(name for name, _, _ in _members(thing)) + 0x0F) & ~0x07
    return bases


def _members(thing: CosemObject) -> list[tuple[int, int, bool]]:
    """Offset, index and whether it is a method, of all that an object has."""
    found = [((index - 1) * 8, index, False) for index in thing.attributes]
    first = _FIRST_METHOD.get(thing.class_id)
    if first is not None:
        found += [(first + (index - 1) * 8, index, True) for index in thing.methods]
    return found


def resolve(objects: Iterable[CosemObject], bases: dict[bytes, int]) -> dict[int, Member]:
    """All short names of a device."""
    return {
        bases[thing.logical_name] + offset: Member(
            Descriptor(thing.class_id, thing.logical_name, index), method
        )
        for thing in objects
        for offset, index, method in _members(thing)
    }


@dataclass(frozen=True, slots=True)
class Variable:
    """variable-name, or parameterized-access with a selector and its parameters."""

    name: int
    selector: int | None = None
    parameters: Data | None = None


@dataclass(frozen=True, slots=True)
class Read:
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class ReadNext:
    """block-number-access: the block after `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """read-data-block-access: a piece of a long Read request."""

    block: Block


@dataclass(frozen=True, slots=True)
class Write:
    variables: tuple[Variable, ...]
    values: tuple[Data, ...]


@dataclass(frozen=True, slots=True)
class WriteBlock:
    """write-data-block-access: a piece of a long Write request."""

    block: Block


Request = Read | ReadNext | ReadBlock | Write | WriteBlock


def parse(apdu: bytes) -> Request:
    """Takes a request apart; `UnknownService` for another service or form, `PduError` if it is malformed."""
    tag = apdu[0]
    if tag not in (READ_REQUEST, WRITE_REQUEST, UNCONFIRMED_WRITE):
        raise UnknownService(f"service {tag:02X}")
    return parse_body(tag, apdu[1:])


def parse_body(tag: int, body: bytes) -> Request:
    """What follows the tag, of one APDU or joined from blocks."""
    reader = Reader(body)
    try:
        request = _read(reader) if tag == READ_REQUEST else _write(reader)
        reader.end()
    except AxdrError as error:
        raise PduError(str(error)) from error
    return request


def _count(reader: Reader) -> int:
    count = reader.count()
    if not 0 < count <= MAX_LIST:
        raise PduError("number of variables")
    return count


def _read(reader: Reader) -> Request:
    variables = []
    for _ in range(_count(reader)):
        choice = reader.number(1)
        if choice == 5:
            return ReadNext(reader.number(2))
        if choice == 6:
            last, number = bool(reader.number(1)), reader.number(2)
            return ReadBlock(Block(last, number, reader.take(reader.count())))
        variables.append(_variable(choice, reader))
    return Read(tuple(variables))


def _write(reader: Reader) -> Request:
    variables, block = [], None
    for _ in range(_count(reader)):
        choice = reader.number(1)
        if choice == 7:
            block = (bool(reader.number(1)), reader.number(2))
        else:
            variables.append(_variable(choice, reader))
    values = tuple(reader.data() for _ in range(_count(reader)))
    if block is not None:
        if variables or len(values) != 1 or values[0].tag is not Tag.OCTET_STRING:
            raise PduError("a block is one octet-string")
        return WriteBlock(Block(*block, values[0].octets))
    if len(values) != len(variables):
        raise PduError("as many values as variables")
    return Write(tuple(variables), values)


def _variable(choice: int, reader: Reader) -> Variable:
    if choice == 2:
        return Variable(reader.number(2))
    if choice == 4:
        return Variable(reader.number(2), reader.number(1), reader.data())
    raise UnknownService(f"variable access {choice}")


def read_results(outcomes: Iterable[Outcome]) -> bytes:
    """The list of results; a long one goes out in blocks."""
    results = [
        bytes([1, outcome]) if isinstance(outcome, Result) else b"\x00" + axdr.encode(outcome)
        for outcome in outcomes
    ]
    return axdr.encode_length(len(results)) + b"".join(results)


def read_response(results: bytes) -> bytes:
    return bytes([READ_RESPONSE]) + results


def read_block(block: Block) -> bytes:
    head = bytes([READ_RESPONSE, 1, 2, block.last]) + block.number.to_bytes(2, "big")
    return head + axdr.encode_length(len(block.raw)) + block.raw


def read_acknowledged(number: int) -> bytes:
    return bytes([READ_RESPONSE, 1, 3]) + number.to_bytes(2, "big")


def read_error(result: Result) -> bytes:
    return bytes([READ_RESPONSE, 1, 1, result])


def write_response(results: Iterable[Result]) -> bytes:
    encoded = [b"\x00" if result is Result.SUCCESS else bytes([1, result]) for result in results]
    return bytes([WRITE_RESPONSE]) + axdr.encode_length(len(encoded)) + b"".join(encoded)


def write_acknowledged(number: int) -> bytes:
    return bytes([WRITE_RESPONSE, 1, 2]) + number.to_bytes(2, "big")
