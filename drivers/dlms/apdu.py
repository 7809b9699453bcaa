"""xDLMS services of a client with logical names: requests to bytes, responses from bytes (Green Book 9.5).

Pure functions. Whatever a meter sends that is no valid response raises ``Garbage``; a refusal of the whole
request becomes ``ServiceException``, of one attribute an ``access`` code beside the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.dlms.acse import service_error
from drivers.dlms.cosem import Item
from drivers.dlms.data import Cursor, Data, decode, encode, encode_length
from drivers.errors import DriverError, Garbage

GET_REQUEST, SET_REQUEST, ACTION_REQUEST = 0xC0, 0xC1, 0xC3
GET_RESPONSE, SET_RESPONSE, ACTION_RESPONSE = 0xC4, 0xC5, 0xC7
EXCEPTION_RESPONSE, CONFIRMED_SERVICE_ERROR = 0xD8, 0x0E
_INVOKE = 0x41
"""Confirmed, normal priority (nothing else was negotiated), id 1: the association puts its own id there."""

STATE_ERRORS = {1: "service-not-allowed", 2: "service-unknown"}
SERVICE_ERRORS = {
    1: "operation-not-possible", 2: "service-not-supported", 3: "other-reason", 4: "pdu-too-long",
    5: "deciphering-error", 6: "invocation-counter-error",
}  # fmt: skip


class ServiceException(DriverError):
    """The meter refused a whole request. ``error`` is a name of ``SERVICE_ERRORS``; ``counter`` what it
    expects."""

    code = "meter-refused"

    def __init__(self, error: str, *, counter: int | None = None, state: str = "") -> None:
        super().__init__(f"The meter refused the request: {error}.", detail=f"state {state or 'unknown'}")
        self.error = error
        self.counter = counter

    def fields(self) -> dict[str, str]:
        return {"result": self.error}


@dataclass(frozen=True, slots=True)
class Selection:
    """Selective access: selector and parameters (class 7: 1 range, 2 entry)."""

    selector: int
    parameters: Data


@dataclass(frozen=True, slots=True)
class Result:
    """Of one attribute: ``data``, or ``access`` ≠ 0 with the reason there is none."""

    data: Data | None
    access: int = 0


@dataclass(frozen=True, slots=True)
class ActionResult:
    """Of one method: its action result (0 success) and what it returned."""

    result: int
    data: Data | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a long response."""

    number: int
    last: bool
    raw: bytes


def descriptor(item: Item) -> bytes:
    return item.class_id.to_bytes(2, "big") + item.obis + bytes([item.attribute])


def _selection(selection: Selection | None) -> bytes:
    if selection is None:
        return b"\x00"
    return b"\x01" + bytes([selection.selector]) + encode(selection.parameters)


# ---- GET


def get_request(item: Item, selection: Selection | None = None) -> bytes:
    return bytes([GET_REQUEST, 1, _INVOKE]) + descriptor(item) + _selection(selection)


def get_next_request(block: int) -> bytes:
    return bytes([GET_REQUEST, 2, _INVOKE]) + block.to_bytes(4, "big")


def get_list_request(items: Sequence[Item]) -> bytes:
    body = b"".join(descriptor(item) + b"\x00" for item in items)
    return bytes([GET_REQUEST, 3, _INVOKE]) + encode_length(len(items)) + body


def parse_get_response(apdu: bytes) -> Result | Block | list[Result]:
    """A single result, a block, or the results of a list."""
    cursor = open_response(apdu, GET_RESPONSE)
    kind = cursor.byte()
    cursor.byte()
    if kind == 1:
        return _result(cursor)
    if kind == 2:
        return _get_block(cursor)
    if kind == 3:
        return [_result(cursor) for _ in range(_count(cursor))]
    raise Garbage(detail=f"unknown GET response {kind}")


def parse_result_list(raw: bytes) -> list[Result]:
    """The joined blocks of a long with-list response."""
    cursor = Cursor(raw)
    return [_result(cursor) for _ in range(_count(cursor))]


def _get_block(cursor: Cursor) -> Block:
    last = cursor.byte() != 0
    number = int.from_bytes(cursor.take(4), "big")
    if cursor.byte() != 0:
        raise ServiceException(f"result-{cursor.byte()}")
    return Block(number, last, cursor.take(cursor.length()))


def _result(cursor: Cursor) -> Result:
    choice = cursor.byte()
    if choice == 0:
        return Result(cursor.data())
    return Result(None, cursor.byte())


def _count(cursor: Cursor) -> int:
    count = cursor.length()
    if count > cursor.left:
        raise Garbage(detail="list longer than its data")
    return count


# ---- SET


def set_request(item: Item, data: Data) -> bytes:
    return bytes([SET_REQUEST, 1, _INVOKE]) + descriptor(item) + b"\x00" + encode(data)


def set_first_block_request(item: Item, raw: bytes, *, last: bool) -> bytes:
    head = bytes([SET_REQUEST, 2, _INVOKE]) + descriptor(item) + b"\x00"
    return head + _block(1, raw, last)


def set_block_request(number: int, raw: bytes, *, last: bool) -> bytes:
    return bytes([SET_REQUEST, 3, _INVOKE]) + _block(number, raw, last)


def _block(number: int, raw: bytes, last: bool) -> bytes:
    return bytes([1 if last else 0]) + number.to_bytes(4, "big") + encode_length(len(raw)) + raw


def set_list_request(writes: Sequence[tuple[Item, Data]]) -> bytes:
    count = encode_length(len(writes))
    items = b"".join(descriptor(item) + b"\x00" for item, _ in writes)
    values = b"".join(encode(data) for _, data in writes)
    return bytes([SET_REQUEST, 4, _INVOKE]) + count + items + count + values


def set_list_first_block_request(items: Sequence[Item], raw: bytes, *, last: bool) -> bytes:
    """``raw`` begins the number of values and the values."""
    body = b"".join(descriptor(item) + b"\x00" for item in items)
    return bytes([SET_REQUEST, 5, _INVOKE]) + encode_length(len(items)) + body + _block(1, raw, last)


def parse_set_response(apdu: bytes) -> list[int] | None:
    """Data access results (0 success) of one or of a list; ``None`` for the acknowledgement of a block."""
    cursor = open_response(apdu, SET_RESPONSE)
    kind = cursor.byte()
    cursor.byte()
    if kind in (1, 3):
        return [cursor.byte()]
    if kind in (4, 5):
        return [cursor.byte() for _ in range(_count(cursor))]
    if kind == 2:
        return None
    raise Garbage(detail=f"unknown SET response {kind}")


# ---- ACTION


def action_request(item: Item, parameters: Data | None) -> bytes:
    """``item.attribute`` is the method id."""
    head = bytes([ACTION_REQUEST, 1, _INVOKE]) + descriptor(item)
    return head + (b"\x00" if parameters is None else b"\x01" + encode(parameters))


def action_next_request(block: int) -> bytes:
    return bytes([ACTION_REQUEST, 2, _INVOKE]) + block.to_bytes(4, "big")


def action_list_request(calls: Sequence[tuple[Item, Data]]) -> bytes:
    count = encode_length(len(calls))
    methods = b"".join(descriptor(item) for item, _ in calls)
    return (
        bytes([ACTION_REQUEST, 3, _INVOKE]) + count + methods + count + b"".join(encode(d) for _, d in calls)
    )


def action_first_block_request(item: Item, raw: bytes, *, last: bool) -> bytes:
    return bytes([ACTION_REQUEST, 4, _INVOKE]) + descriptor(item) + _block(1, raw, last)


def action_list_first_block_request(items: Sequence[Item], raw: bytes, *, last: bool) -> bytes:
    """``raw`` begins the number of parameters and the parameters."""
    body = b"".join(descriptor(item) for item in items)
    return bytes([ACTION_REQUEST, 5, _INVOKE]) + encode_length(len(items)) + body + _block(1, raw, last)


def action_block_request(number: int, raw: bytes, *, last: bool) -> bytes:
    return bytes([ACTION_REQUEST, 6, _INVOKE]) + _block(number, raw, last)


def parse_action_response(apdu: bytes) -> ActionResult | Block | list[ActionResult] | None:
    """The result of one or of a list, a block of them, or ``None`` for the acknowledgement of a block."""
    cursor = open_response(apdu, ACTION_RESPONSE)
    kind = cursor.byte()
    cursor.byte()
    if kind == 1:
        return _action_result(cursor)
    if kind == 2:
        last, number = cursor.byte() != 0, int.from_bytes(cursor.take(4), "big")
        return Block(number, last, cursor.take(cursor.length()))
    if kind == 3:
        return [_action_result(cursor) for _ in range(_count(cursor))]
    if kind == 4:
        return None
    raise Garbage(detail=f"unknown ACTION response {kind}")


def parse_joined_action(raw: bytes) -> ActionResult:
    """The joined blocks of one method's response. Some servers put only the return value in them."""
    cursor = Cursor(raw)
    try:
        result = _action_result(cursor)
    except Garbage:
        result = None
    if result is None or cursor.left:
        return ActionResult(0, decode(raw))
    return result


def parse_joined_actions(raw: bytes) -> list[ActionResult]:
    """The joined blocks of a long with-list response."""
    cursor = Cursor(raw)
    return [_action_result(cursor) for _ in range(_count(cursor))]


def _action_result(cursor: Cursor) -> ActionResult:
    """Action result and return value. Some servers leave the optional part out altogether."""
    result = cursor.byte()
    if not cursor.left or cursor.byte() == 0:
        return ActionResult(result)
    returned = _result(cursor)
    if returned.data is None and returned.access and not result:
        return ActionResult(returned.access)
    return ActionResult(result, returned.data)


def open_response(apdu: bytes, expected: int) -> Cursor:
    """Check the tag; turn refusals of the whole request into ``ServiceException``."""
    cursor = Cursor(apdu)
    tag = cursor.byte()
    if tag == expected:
        return cursor
    if tag == EXCEPTION_RESPONSE:
        raise parse_exception(cursor)
    if tag == CONFIRMED_SERVICE_ERROR:
        raise ServiceException(service_error(apdu))
    raise Garbage(detail=f"unexpected response {tag:#04x}")


def parse_exception(cursor: Cursor) -> ServiceException:
    """The rest of an exception-response after its tag."""
    state, service = cursor.byte(), cursor.byte()
    counter = int.from_bytes(cursor.take(4), "big") if service == 6 and cursor.left >= 4 else None
    error = SERVICE_ERRORS.get(service, f"service-error-{service}")
    return ServiceException(error, counter=counter, state=STATE_ERRORS.get(state, str(state)))
