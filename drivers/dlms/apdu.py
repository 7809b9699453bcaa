"""xDLMS services of a client with logical names: requests to bytes, responses from bytes (Green Book 9.5).

Pure functions. Whatever a meter sends that is no valid response raises ``Garbage``; a refusal of the whole
request becomes ``ServiceException``, of one attribute an ``access`` code beside the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.dlms.cosem import Item
from drivers.dlms.data import Cursor, Data, encode, encode_length
from drivers.errors import DriverError, Garbage

GET_REQUEST, SET_REQUEST, ACTION_REQUEST = 0xC0, 0xC1, 0xC3
GET_RESPONSE, SET_RESPONSE, ACTION_RESPONSE = 0xC4, 0xC5, 0xC7
EXCEPTION_RESPONSE, CONFIRMED_SERVICE_ERROR = 0xD8, 0x0E
_INVOKE = 0x41
"""Invoke id 1, confirmed, normal priority (nothing else was negotiated)."""

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
class Block:
    """One block of a long response."""

    number: int
    last: bool
    raw: bytes


def _descriptor(item: Item) -> bytes:
    return item.class_id.to_bytes(2, "big") + item.obis + bytes([item.attribute])


def _selection(selection: Selection | None) -> bytes:
    if selection is None:
        return b"\x00"
    return b"\x01" + bytes([selection.selector]) + encode(selection.parameters)


# ---- GET


def get_request(item: Item, selection: Selection | None = None) -> bytes:
    return bytes([GET_REQUEST, 1, _INVOKE]) + _descriptor(item) + _selection(selection)


def get_next_request(block: int) -> bytes:
    return bytes([GET_REQUEST, 2, _INVOKE]) + block.to_bytes(4, "big")


def get_list_request(items: Sequence[Item]) -> bytes:
    body = b"".join(_descriptor(item) + b"\x00" for item in items)
    return bytes([GET_REQUEST, 3, _INVOKE]) + encode_length(len(items)) + body


def parse_get_response(apdu: bytes) -> Result | Block | list[Result]:
    """A single result, a block, or the results of a list."""
    cursor = _open(apdu, GET_RESPONSE)
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
    return bytes([SET_REQUEST, 1, _INVOKE]) + _descriptor(item) + b"\x00" + encode(data)


def set_first_block_request(item: Item, raw: bytes, *, last: bool) -> bytes:
    head = bytes([SET_REQUEST, 2, _INVOKE]) + _descriptor(item) + b"\x00"
    return head + _block(1, raw, last)


def set_block_request(number: int, raw: bytes, *, last: bool) -> bytes:
    return bytes([SET_REQUEST, 3, _INVOKE]) + _block(number, raw, last)


def _block(number: int, raw: bytes, last: bool) -> bytes:
    return bytes([1 if last else 0]) + number.to_bytes(4, "big") + encode_length(len(raw)) + raw


def parse_set_response(apdu: bytes) -> int | None:
    """Data access result (0 success); ``None`` for the acknowledgement of a block."""
    cursor = _open(apdu, SET_RESPONSE)
    kind = cursor.byte()
    cursor.byte()
    if kind in (1, 3):
        return cursor.byte()
    if kind == 2:
        return None
    raise Garbage(detail=f"unknown SET response {kind}")


# ---- ACTION


def action_request(item: Item, parameters: Data | None) -> bytes:
    """``item.attribute`` is the method id."""
    head = bytes([ACTION_REQUEST, 1, _INVOKE]) + _descriptor(item)
    return head + (b"\x00" if parameters is None else b"\x01" + encode(parameters))


def parse_action_response(apdu: bytes) -> tuple[int, Data | None]:
    """Action result (0 success) and return value. Some servers leave the optional part out altogether."""
    cursor = _open(apdu, ACTION_RESPONSE)
    kind = cursor.byte()
    cursor.byte()
    if kind != 1:
        raise Garbage(detail=f"unknown ACTION response {kind}")
    result = cursor.byte()
    if not cursor.left or cursor.byte() == 0:
        return result, None
    returned = _result(cursor)
    if returned.data is None and returned.access and not result:
        return returned.access, None
    return result, returned.data


def _open(apdu: bytes, expected: int) -> Cursor:
    """Check the tag; turn refusals of the whole request into ``ServiceException``."""
    cursor = Cursor(apdu)
    tag = cursor.byte()
    if tag == expected:
        return cursor
    if tag == EXCEPTION_RESPONSE:
        raise parse_exception(cursor)
    if tag == CONFIRMED_SERVICE_ERROR:
        raise ServiceException(
            "confirmed-service-error-" + ".".join(str(octet) for octet in cursor.rest()[:3])
        )
    raise Garbage(detail=f"unexpected response {tag:#04x}")


def parse_exception(cursor: Cursor) -> ServiceException:
    """The rest of an exception-response after its tag."""
    state, service = cursor.byte(), cursor.byte()
    counter = int.from_bytes(cursor.take(4), "big") if service == 6 and cursor.left >= 4 else None
    error = SERVICE_ERRORS.get(service, f"service-error-{service}")
    return ServiceException(error, counter=counter, state=STATE_ERRORS.get(state, str(state)))
