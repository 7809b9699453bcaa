"""GET, SET and ACTION with logical names: requests taken apart, responses put together (IEC 62056-5-3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import AxdrError, Data

GET_REQUEST, SET_REQUEST, ACTION_REQUEST = 0xC0, 0xC1, 0xC3
GET_RESPONSE, SET_RESPONSE, ACTION_RESPONSE = 0xC4, 0xC5, 0xC7
CONFIRMED = 0x40
MAX_LIST = 128


class PduError(ValueError):
    """The APDU can't be taken apart."""


class UnknownService(PduError):
    """The APDU is of a service or a form of it that this server has not."""


class Result(IntEnum):
    """Data-Access-Result and Action-Result (the values they share, and those of blocks)."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 9
    OBJECT_UNAVAILABLE = 11
    TYPE_UNMATCHED = 12
    SCOPE_OF_ACCESS_VIOLATED = 13
    DATA_BLOCK_UNAVAILABLE = 14
    LONG_GET_ABORTED = 15
    NO_LONG_GET_IN_PROGRESS = 16
    LONG_SET_ABORTED = 17
    NO_LONG_SET_IN_PROGRESS = 18
    DATA_BLOCK_NUMBER_INVALID = 19
    LONG_ACTION_ABORTED = 15  # of Action-Result, which has no 17 to 19
    NO_LONG_ACTION_IN_PROGRESS = 16
    OTHER_REASON = 250


class StateError(IntEnum):
    SERVICE_NOT_ALLOWED = 1
    SERVICE_UNKNOWN = 2


class ServiceError(IntEnum):
    OPERATION_NOT_POSSIBLE = 1
    SERVICE_NOT_SUPPORTED = 2
    OTHER_REASON = 3
    PDU_TOO_LONG = 4
    DECIPHERING_ERROR = 5
    INVOCATION_COUNTER_ERROR = 6


def exception(state: StateError, service: ServiceError, counter: int | None = None) -> bytes:
    """exception-response; with an invocation-counter-error goes the lowest counter that would be accepted."""
    return bytes([0xD8, state, service]) + (b"" if counter is None else counter.to_bytes(4, "big"))


@dataclass(frozen=True, slots=True)
class Descriptor:
    """An attribute or method of one object, with selective access where asked for."""

    class_id: int
    logical_name: bytes
    index: int
    selector: int | None = None
    parameters: Data | None = None


@dataclass(frozen=True, slots=True)
class Block:
    last: bool
    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Get:
    """get-request-normal or -with-list (`listed`)."""

    invoke: int
    targets: tuple[Descriptor, ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class GetNext:
    invoke: int
    number: int


@dataclass(frozen=True, slots=True)
class Set:
    """set-request-normal or -with-list."""

    invoke: int
    targets: tuple[Descriptor, ...]
    values: tuple[Data, ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class SetFirst:
    """set-request-with-first-datablock or -with-list-and-first-datablock."""

    invoke: int
    targets: tuple[Descriptor, ...]
    listed: bool
    block: Block


@dataclass(frozen=True, slots=True)
class SetNext:
    invoke: int
    block: Block


@dataclass(frozen=True, slots=True)
class Action:
    """action-request-normal or -with-list; a method without parameters has None."""

    invoke: int
    targets: tuple[Descriptor, ...]
    values: tuple[Data | None, ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class ActionFirst:
    invoke: int
    targets: tuple[Descriptor, ...]
    listed: bool
    block: Block


@dataclass(frozen=True, slots=True)
class ActionBlock:
    invoke: int
    block: Block


@dataclass(frozen=True, slots=True)
class ActionNext:
    invoke: int
    number: int


Request = Get | GetNext | Set | SetFirst | SetNext | Action | ActionFirst | ActionBlock | ActionNext


class Reader:
    """Takes fields off the front of an APDU."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise PduError("cut short")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    @property
    def position(self) -> int:
        return self._at

    def since(self, start: int) -> bytes:
        return self._data[start : self._at]

    def count(self) -> int:
        length, self._at = axdr.decode_length(self._data, self._at)
        return length

    def data(self) -> Data:
        value, self._at = axdr.decode(self._data, self._at)
        return value

    def descriptor(self, selective: bool) -> Descriptor:
        class_id, name, index = self.number(2), self.take(6), int.from_bytes(self.take(1), "big", signed=True)
        if not selective or not self.number(1):
            return Descriptor(class_id, name, index)
        return Descriptor(class_id, name, index, self.number(1), self.data())

    def descriptors(self, selective: bool) -> tuple[Descriptor, ...]:
        count = self.count()
        if not 0 < count <= MAX_LIST:
            raise PduError("number of descriptors")
        return tuple(self.descriptor(selective) for _ in range(count))

    def block(self) -> Block:
        return Block(bool(self.number(1)), self.number(4), self.take(self.count()))

    def end(self) -> None:
        if self._at != len(self._data):
            raise PduError("octets left over")


def parse(apdu: bytes) -> Request:
    """Takes a request apart; `UnknownService` for another service or form, `PduError` if it is malformed."""
    reader = Reader(apdu)
    try:
        service, form, invoke = reader.number(1), reader.number(1), reader.number(1)
        request = _READERS[service, form](reader, invoke)
        reader.end()
    except KeyError as error:
        raise UnknownService(f"service {apdu[0]:02X} form {apdu[1]}") from error
    except AxdrError as error:
        raise PduError(str(error)) from error
    return request


def _optional(reader: Reader) -> Data | None:
    return reader.data() if reader.number(1) else None


def _set_list(reader: Reader, invoke: int) -> Set:
    targets = reader.descriptors(True)
    if reader.count() != len(targets):
        raise PduError("as many values as descriptors")
    return Set(invoke, targets, tuple(reader.data() for _ in targets), True)


def _action_list(reader: Reader, invoke: int) -> Action:
    targets = reader.descriptors(False)
    if reader.count() != len(targets):
        raise PduError("as many parameters as methods")
    return Action(invoke, targets, tuple(reader.data() for _ in targets), True)


_READERS: dict[tuple[int, int], Callable[[Reader, int], Request]] = {
    (GET_REQUEST, 1): lambda r, i: Get(i, (r.descriptor(True),), False),
    (GET_REQUEST, 2): lambda r, i: GetNext(i, r.number(4)),
    (GET_REQUEST, 3): lambda r, i: Get(i, r.descriptors(True), True),
    (SET_REQUEST, 1): lambda r, i: Set(i, (r.descriptor(True),), (r.data(),), False),
    (SET_REQUEST, 2): lambda r, i: SetFirst(i, (r.descriptor(True),), False, r.block()),
    (SET_REQUEST, 3): lambda r, i: SetNext(i, r.block()),
    (SET_REQUEST, 4): _set_list,
    (SET_REQUEST, 5): lambda r, i: SetFirst(i, r.descriptors(True), True, r.block()),
    (ACTION_REQUEST, 1): lambda r, i: Action(i, (r.descriptor(False),), (_optional(r),), False),
    (ACTION_REQUEST, 2): lambda r, i: ActionNext(i, r.number(4)),
    (ACTION_REQUEST, 3): _action_list,
    (ACTION_REQUEST, 4): lambda r, i: ActionFirst(i, (r.descriptor(False),), False, r.block()),
    (ACTION_REQUEST, 5): lambda r, i: ActionFirst(i, r.descriptors(False), True, r.block()),
    (ACTION_REQUEST, 6): lambda r, i: ActionBlock(i, r.block()),
}

Outcome = Data | Result


def get_result(outcome: Outcome) -> bytes:
    """Get-Data-Result: 00 and the value, or 01 and the reason."""
    return bytes([1, outcome]) if isinstance(outcome, Result) else b"\x00" + axdr.encode(outcome)


def get_normal(invoke: int, outcome: Outcome) -> bytes:
    return bytes([GET_RESPONSE, 1, invoke]) + get_result(outcome)


def get_list(invoke: int, results: bytes) -> bytes:
    """`results` is the count and one Get-Data-Result each."""
    return bytes([GET_RESPONSE, 3, invoke]) + results


def get_block(invoke: int, block: Block) -> bytes:
    head = bytes([GET_RESPONSE, 2, invoke, block.last]) + block.number.to_bytes(4, "big")
    return head + b"\x00" + axdr.encode_length(len(block.raw)) + block.raw


def get_block_error(invoke: int, number: int, result: Result) -> bytes:
    return bytes([GET_RESPONSE, 2, invoke, 1]) + number.to_bytes(4, "big") + bytes([1, result])


def set_normal(invoke: int, result: Result) -> bytes:
    return bytes([SET_RESPONSE, 1, invoke, result])


def set_block(invoke: int, number: int) -> bytes:
    return bytes([SET_RESPONSE, 2, invoke]) + number.to_bytes(4, "big")


def set_last_block(invoke: int, results: list[Result], listed: bool, number: int) -> bytes:
    if not listed:
        return bytes([SET_RESPONSE, 3, invoke, results[0]]) + number.to_bytes(4, "big")
    body = axdr.encode_length(len(results)) + bytes(results)
    return bytes([SET_RESPONSE, 4, invoke]) + body + number.to_bytes(4, "big")


def set_list(invoke: int, results: list[Result]) -> bytes:
    return bytes([SET_RESPONSE, 5, invoke]) + axdr.encode_length(len(results)) + bytes(results)


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    result: Result
    value: Data | None = None

    def encode(self) -> bytes:
        """Action-Response-With-Optional-Data."""
        if self.value is None:
            return bytes([self.result, 0])
        return bytes([self.result, 1, 0]) + axdr.encode(self.value)


def action_normal(invoke: int, outcome: ActionOutcome) -> bytes:
    return bytes([ACTION_RESPONSE, 1, invoke]) + outcome.encode()


def action_list(invoke: int, results: bytes) -> bytes:
    return bytes([ACTION_RESPONSE, 3, invoke]) + results


def action_block(invoke: int, block: Block) -> bytes:
    head = bytes([ACTION_RESPONSE, 2, invoke, block.last]) + block.number.to_bytes(4, "big")
    return head + axdr.encode_length(len(block.raw)) + block.raw


def action_next(invoke: int, number: int) -> bytes:
    return bytes([ACTION_RESPONSE, 4, invoke]) + number.to_bytes(4, "big")
