"""GET, SET and ACTION on the objects of a device, with access rights, lists and block transfer both ways."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.virtual.dlms import access_service, acse, axdr, services
from drivers.virtual.dlms.access import ObjectAccess
from drivers.virtual.dlms.axdr import AxdrError, Data
from drivers.virtual.dlms.services import (
    Action,
    ActionBlock,
    ActionFirst,
    ActionNext,
    ActionOutcome,
    Block,
    Descriptor,
    Get,
    GetNext,
    Request,
    Result,
    ServiceError,
    Set,
    SetFirst,
    SetNext,
    StateError,
    exception,
)
from drivers.virtual.dlms.session import Session, State

BLOCK_HEADER = 3 + 1 + 4 + 1 + 3
MAX_TRANSFER = 65535
_OF_ACTION = {
    Result.LONG_SET_ABORTED: Result.LONG_ACTION_ABORTED,
    Result.NO_LONG_SET_IN_PROGRESS: Result.NO_LONG_ACTION_IN_PROGRESS,
    Result.DATA_BLOCK_NUMBER_INVALID: Result.LONG_ACTION_ABORTED,
}
"""What is wrong with a block of a SET, in the words of an Action-Result."""


@dataclass(slots=True)
class _Outgoing:
    """An answer that goes out in blocks: what is left and the number of the last block sent."""

    rest: bytes
    number: int = 0


@dataclass(slots=True)
class _Incoming:
    """A request that comes in blocks."""

    targets: tuple[Descriptor, ...]
    listed: bool
    invoke: int
    raw: bytearray = field(default_factory=bytearray)
    number: int = 0


class ServiceDispatcher:
    """Services of one association. A request that begins anew ends a transfer that was under way."""

    def __init__(self, session: Session) -> None:
        self._session, self._access = session, ObjectAccess(session)
        self._outgoing: _Outgoing | None = None
        self._incoming: _Incoming | None = None

    def handle(self, apdu: bytes) -> bytes | None:
        """Carries out one request and gives the answer's APDU; None for an unconfirmed one."""
        if apdu[0] == access_service.ACCESS_REQUEST:
            return self._serve_access(apdu)
        request = services.parse(apdu)
        answer = self._carry_out(request)
        return answer if request.invoke & services.CONFIRMED else None

    def _serve_access(self, apdu: bytes) -> bytes | None:
        """ACCESS has no blocks of its own: an answer longer than the client takes goes in general blocks or
        not at all; what was written stays written."""
        self._outgoing = self._incoming = None
        if not self._session.conformance & acse.ACCESS or self._session.state is not State.ASSOCIATED:
            return exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        answer = access_service.serve(apdu, self._access)
        if answer is not None and len(answer) > self._session.largest:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)
        return answer

    def _carry_out(self, request: Request) -> bytes:
        match request:
            case GetNext():
                return self._next_block(request)
            case ActionNext():
                return self._next_action_block(request)
            case SetNext() | ActionBlock():
                return self._add_block(request)
        self._outgoing = self._incoming = None
        if not self._allowed(request):
            return exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        match request:
            case Get():
                return self._get(request)
            case Set():
                results = self._access.write_all(request.targets, request.values)
                if request.listed:
                    return services.set_list(request.invoke, results)
                return services.set_normal(request.invoke, results[0])
            case Action():
                return self._act(request)
            case SetFirst() | ActionFirst():
                return self._first_block(request)

    def _allowed(self, request: Request) -> bool:
        """False where the conformance block that was negotiated has not this service."""
        have, need = self._session.conformance, 0
        match request:
            case Get(listed=listed):
                need = acse.GET | (acse.MULTIPLE_REFERENCES if listed else 0)
            case Set(listed=listed):
                need = acse.SET | (acse.MULTIPLE_REFERENCES if listed else 0)
            case SetFirst(listed=listed):
                need = acse.SET | acse.BLOCK_SET | (acse.MULTIPLE_REFERENCES if listed else 0)
            case Action(listed=listed):
                need = acse.ACTION | (acse.MULTIPLE_REFERENCES if listed else 0)
            case ActionFirst(listed=listed):
                need = acse.ACTION | acse.BLOCK_ACTION | (acse.MULTIPLE_REFERENCES if listed else 0)
        limit = self._session.device.list_limit
        count = len(getattr(request, "targets", ()))
        too_many = bool(getattr(request, "listed", False)) and limit is not None and count > limit
        return have & need == need and not too_many

    # -- GET --

    def _get(self, request: Get) -> bytes:
        outcomes = [self._access.read(target) for target in request.targets]
        if request.listed:
            raw = axdr.encode_length(len(outcomes)) + b"".join(services.get_result(o) for o in outcomes)
            answer = services.get_list(request.invoke, raw)
        else:
            answer = services.get_normal(request.invoke, outcomes[0])
            raw = b"" if isinstance(outcomes[0], Result) else axdr.encode(outcomes[0])
        if len(answer) <= self._session.largest:
            return answer
        if not self._session.conformance & acse.BLOCK_GET:
            return _unsent(request)
        self._outgoing = _Outgoing(raw)
        return services.get_block(request.invoke, self._take_block(self._outgoing))

    def _take_block(self, outgoing: _Outgoing) -> Block:
        size = max(1, self._session.largest - BLOCK_HEADER)
        raw, outgoing.rest = outgoing.rest[:size], outgoing.rest[size:]
        outgoing.number += 1
        if not outgoing.rest:
            self._outgoing = None
        return Block(not outgoing.rest, outgoing.number, raw)

    def _next_block(self, request: GetNext) -> bytes:
        outgoing = self._outgoing
        if outgoing is None:
            return services.get_block_error(request.invoke, request.number, Result.NO_LONG_GET_IN_PROGRESS)
        if request.number != outgoing.number:
            self._outgoing = None
            return services.get_block_error(request.invoke, request.number, Result.DATA_BLOCK_NUMBER_INVALID)
        return services.get_block(request.invoke, self._take_block(outgoing))

    # -- ACTION --

    def _act(self, request: Action) -> bytes:
        outcomes = [self._access.call(t, v) for t, v in zip(request.targets, request.values, strict=True)]
        raw = b"".join(outcome.encode() for outcome in outcomes)
        if request.listed:
            raw = axdr.encode_length(len(outcomes)) + raw
            answer = services.action_list(request.invoke, raw)
        else:
            answer = services.action_normal(request.invoke, outcomes[0])
        if len(answer) <= self._session.largest:
            return answer
        if not self._session.conformance & acse.BLOCK_ACTION:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)
        self._outgoing = _Outgoing(raw)
        return services.action_block(request.invoke, self._take_block(self._outgoing))

    def _next_action_block(self, request: ActionNext) -> bytes:
        outgoing = self._outgoing
        if outgoing is None or request.number != outgoing.number:
            self._outgoing = None
            wrong = Result.LONG_ACTION_ABORTED if outgoing else Result.NO_LONG_ACTION_IN_PROGRESS
            return services.action_normal(request.invoke, ActionOutcome(wrong))
        return services.action_block(request.invoke, self._take_block(outgoing))

    # -- blocks from the client --

    def _first_block(self, request: SetFirst | ActionFirst) -> bytes:
        self._incoming = _Incoming(request.targets, request.listed, request.invoke)
        return self._add(request, isinstance(request, SetFirst))

    def _add_block(self, request: SetNext | ActionBlock) -> bytes:
        return self._add(request, isinstance(request, SetNext))

    def _add(self, request: SetFirst | SetNext | ActionFirst | ActionBlock, setting: bool) -> bytes:
        """Blocks are numbered from 1 without a gap."""
        incoming = self._incoming
        if incoming is None:
            return self._block_error(request, Result.NO_LONG_SET_IN_PROGRESS, setting, False)
        if request.block.number != incoming.number + 1:
            self._incoming = None
            return self._block_error(request, Result.DATA_BLOCK_NUMBER_INVALID, setting, incoming.listed)
        return self._take(request, setting)

    def _take(self, request: SetFirst | SetNext | ActionFirst | ActionBlock, setting: bool) -> bytes:
        incoming = self._incoming
        if incoming is None or len(incoming.raw) + len(request.block.raw) > MAX_TRANSFER:
            self._incoming = None
            return self._block_error(request, Result.LONG_SET_ABORTED, setting, False)
        incoming.raw += request.block.raw
        incoming.number = request.block.number
        if not request.block.last:
            answer = services.set_block if setting else services.action_next
            return answer(request.invoke, incoming.number)
        self._incoming = None
        try:
            values = self._values(bytes(incoming.raw), incoming)
        except AxdrError:
            return self._block_error(request, Result.TYPE_UNMATCHED, setting, incoming.listed)
        if not setting:
            return self._act(Action(request.invoke, incoming.targets, values, incoming.listed))
        results = self._access.write_all(incoming.targets, values)
        return services.set_last_block(request.invoke, results, incoming.listed, incoming.number)

    @staticmethod
    def _values(raw: bytes, incoming: _Incoming) -> tuple[Data, ...]:
        if not incoming.listed:
            return (axdr.decode_whole(raw),)
        count, at = axdr.decode_length(raw, 0)
        if count != len(incoming.targets):
            raise AxdrError("as many values as descriptors")
        values = []
        for _ in range(count):
            value, at = axdr.decode(raw, at)
            values.append(value)
        if at != len(raw):
            raise AxdrError("octets left over")
        return tuple(values)

    @staticmethod
    def _block_error(
        request: SetFirst | SetNext | ActionFirst | ActionBlock, result: Result, setting: bool, listed: bool
    ) -> bytes:
        if setting:
            return services.set_last_block(request.invoke, [result], listed, request.block.number)
        return services.action_normal(request.invoke, ActionOutcome(_OF_ACTION.get(result, result)))


def _unsent(request: Get) -> bytes:
    """Too long for one APDU where no blocks were negotiated: refused, in the form that was asked for."""
    if not request.listed:
        return services.get_normal(request.invoke, Result.OTHER_REASON)
    count = len(request.targets)
    refused = axdr.encode_length(count) + services.get_result(Result.OTHER_REASON) * count
    return services.get_list(request.invoke, refused)
