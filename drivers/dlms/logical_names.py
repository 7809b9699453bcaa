"""xDLMS services with logical names: GET, SET and ACTION on one or many, in blocks where they are long
(Green Book 9.3.6 to 9.3.9).

`LogicalNames` knows what a transfer is; the bytes are made in ``apdu``, the association carries them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from drivers.dlms import apdu
from drivers.dlms.acse import Conformance
from drivers.dlms.apdu import ActionResult, Block, Result, Selection
from drivers.dlms.cosem import Item, access_result
from drivers.dlms.data import Data, decode, encode, encode_length
from drivers.errors import Garbage, MeterRefused

_BLOCK_LIMIT = 4096
_BLOCK_HEAD = 32
_LEAST_BLOCK = 16
_OTHER_REASON = 250


class Association(Protocol):
    """What services need of the association that carries them."""

    @property
    def request_limit(self) -> int:
        """Bytes of a plain request APDU that the meter takes."""
        ...

    def ask(self, request: bytes) -> bytes:
        """Send a plain request, give the plain response."""
        ...

    def allows(self, service: Conformance) -> bool: ...


class LogicalNames:
    """GET, SET and ACTION of one association."""

    def __init__(self, association: Association) -> None:
        self._association = association

    # ---- GET

    def get(self, item: Item, selection: Selection | None = None) -> Result:
        """One attribute, blocks joined. ``Result.access`` tells why there is no data."""
        parsed = apdu.parse_get_response(self._association.ask(apdu.get_request(item, selection)))
        if isinstance(parsed, Block):
            return Result(decode(self._get_blocks(parsed)))
        if isinstance(parsed, list):
            raise Garbage(detail="a list where one value was asked")
        return parsed

    def get_list(self, items: Sequence[Item]) -> list[Result]:
        """Several attributes in one request. Raises ``Garbage`` if the answers are not as many."""
        parsed = apdu.parse_get_response(self._association.ask(apdu.get_list_request(items)))
        if isinstance(parsed, Block):
            parsed = apdu.parse_result_list(self._get_blocks(parsed))
        if isinstance(parsed, Result):
            parsed = [parsed]
        if len(parsed) != len(items):
            raise Garbage(detail=f"{len(parsed)} answers to {len(items)} questions")
        return parsed

    def _get_blocks(self, block: Block) -> bytes:
        def following(number: int) -> Block:
            answer = apdu.parse_get_response(self._association.ask(apdu.get_next_request(number)))
            if isinstance(answer, Result):
                raise MeterRefused(result=access_result(answer.access))
            if isinstance(answer, list):
                raise Garbage(detail="a list in the middle of blocks")
            return answer

        return join_blocks(block, following)

    # ---- SET

    def set(self, item: Item, data: Data) -> int:
        """Write one attribute, in blocks where it is longer than the meter takes; its data access result."""
        request = apdu.set_request(item, data)
        if len(request) <= self._association.request_limit:
            results = apdu.parse_set_response(self._association.ask(request))
        else:
            results = self._set_blocks(
                lambda piece, last: apdu.set_first_block_request(item, piece, last=last), encode(data)
            )
        return _one(results)

    def set_list(self, writes: Sequence[tuple[Item, Data]]) -> list[int]:
        """Write several attributes in one request; the data access result of each."""
        request = apdu.set_list_request(writes)
        if len(request) <= self._association.request_limit:
            results = apdu.parse_set_response(self._association.ask(request))
        else:
            items = [item for item, _ in writes]
            results = self._set_blocks(
                lambda piece, last: apdu.set_list_first_block_request(items, piece, last=last),
                encode_length(len(writes)) + b"".join(encode(data) for _, data in writes),
            )
        if results is None or len(results) != len(writes):
            raise Garbage(detail=f"{len(results or [])} results of {len(writes)} writes")
        return results

    def _set_blocks(self, first: Callable[[bytes, bool], bytes], raw: bytes) -> list[int] | None:
        """Every block is acknowledged but the last, which brings the results; refused early, it ends."""
        for number, piece, last in pieces(raw, self._association.request_limit):
            request = first(piece, last) if number == 1 else apdu.set_block_request(number, piece, last=last)
            results = apdu.parse_set_response(self._association.ask(request))
            if results is not None:
                return results if last else [results[0] or _OTHER_REASON]
        return None

    # ---- ACTION

    def action(self, method: Item, parameters: Data | None = None) -> ActionResult:
        """Call a method; parameters and return value in blocks where they are long."""
        request = apdu.action_request(method, parameters)
        if parameters is None or len(request) <= self._association.request_limit:
            answer = self._association.ask(request)
        else:
            answer = self._action_blocks(
                lambda piece, last: apdu.action_first_block_request(method, piece, last=last),
                encode(parameters),
            )
        parsed = apdu.parse_action_response(answer)
        if isinstance(parsed, Block):
            return apdu.parse_joined_action(self._returned_blocks(parsed))
        if isinstance(parsed, list) and len(parsed) == 1:
            return parsed[0]
        if isinstance(parsed, ActionResult):
            return parsed
        raise Garbage(detail="no single result of a method")

    def action_list(self, calls: Sequence[tuple[Item, Data]]) -> list[ActionResult]:
        """Call several methods in one request, each with parameters; their results in the same order."""
        request = apdu.action_list_request(calls)
        if len(request) <= self._association.request_limit:
            answer = self._association.ask(request)
        else:
            methods = [method for method, _ in calls]
            answer = self._action_blocks(
                lambda piece, last: apdu.action_list_first_block_request(methods, piece, last=last),
                encode_length(len(calls)) + b"".join(encode(data) for _, data in calls),
            )
        parsed = apdu.parse_action_response(answer)
        if isinstance(parsed, Block):
            parsed = apdu.parse_joined_actions(self._returned_blocks(parsed))
        if isinstance(parsed, ActionResult):
            parsed = [parsed]
        if parsed is None or len(parsed) != len(calls):
            raise Garbage(detail=f"{len(parsed or [])} results of {len(calls)} methods")
        return parsed

    def _action_blocks(self, first: Callable[[bytes, bool], bytes], raw: bytes) -> bytes:
        """Send parameters in blocks; the response to the last, or an early refusal."""
        answer = b""
        for number, piece, last in pieces(raw, self._association.request_limit):
            request = (
                first(piece, last) if number == 1 else apdu.action_block_request(number, piece, last=last)
            )
            answer = self._association.ask(request)
            if not last and apdu.parse_action_response(answer) is not None:
                return answer
        return answer

    def _returned_blocks(self, block: Block) -> bytes:
        def following(number: int) -> Block:
            answer = apdu.parse_action_response(self._association.ask(apdu.action_next_request(number)))
            if isinstance(answer, ActionResult):
                raise MeterRefused(result=access_result(answer.result))
            if not isinstance(answer, Block):
                raise Garbage(detail="no block of a method's return value")
            return answer

        return join_blocks(block, following)


def join_blocks(block: Block, following: Callable[[int], Block]) -> bytes:
    """All blocks from the first, each asked for by the number of the one before. Raises ``Garbage``."""
    raw = bytearray(block.raw)
    while not block.last:
        number = block.number
        block = following(number)
        if block.number != number + 1:
            raise Garbage(detail="blocks out of order")
        if block.number > _BLOCK_LIMIT:
            raise Garbage(detail="the blocks do not end")
        raw += block.raw
    return bytes(raw)


def pieces(raw: bytes, limit: int) -> list[tuple[int, bytes, bool]]:
    """Number, bytes and whether it is the last, of each block."""
    size = max(_LEAST_BLOCK, limit - _BLOCK_HEAD)
    starts = range(0, len(raw), size)
    return [
        (number, raw[start : start + size], number == len(starts))
        for number, start in enumerate(starts, start=1)
    ]


def _one(results: list[int] | None) -> int:
    return results[0] if results else _OTHER_REASON
