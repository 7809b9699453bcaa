"""Read and Write on the objects of a device that is referenced by short names, with blocks both ways."""

from __future__ import annotations

from collections.abc import Iterable

from drivers.virtual.cosem.base import CosemObject
from drivers.virtual.dlms import acse, short_names
from drivers.virtual.dlms.access import ObjectAccess
from drivers.virtual.dlms.axdr import Data, Tag
from drivers.virtual.dlms.services import (
    Block,
    Descriptor,
    Outcome,
    PduError,
    Result,
    ServiceError,
    StateError,
    exception,
)
from drivers.virtual.dlms.session import Session
from drivers.virtual.dlms.short_names import (
    READ_REQUEST,
    UNCONFIRMED_WRITE,
    WRITE_REQUEST,
    Member,
    Read,
    ReadBlock,
    ReadNext,
    Variable,
    Write,
    WriteBlock,
)

BLOCK_HEADER = 1 + 1 + 1 + 1 + 2 + 3
MAX_TRANSFER = 65535


class ShortNameDispatcher:
    """Services of one association. A request that begins anew ends a transfer that was under way."""

    def __init__(self, session: Session) -> None:
        self._session, self._access = session, ObjectAccess(session)
        self._rest, self._number = b"", 0
        self._incoming, self._incoming_number = bytearray(), 0

    def handle(self, apdu: bytes) -> bytes | None:
        """Carries out one request and gives the answer's APDU; None for UnconfirmedWrite."""
        request = short_names.parse(apdu)
        if self._allowed(apdu[0], request):
            answer = self._carry_out(request)
        else:
            answer = exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        return None if apdu[0] == UNCONFIRMED_WRITE else answer

    def _carry_out(self, request: short_names.Request) -> bytes:
        match request:
            case ReadNext():
                return self._next_block(request.number)
            case ReadBlock():
                return self._take(READ_REQUEST, request.block)
            case WriteBlock():
                return self._take(WRITE_REQUEST, request.block)
            case Read():
                self._rest, self._incoming = b"", bytearray()
                return self._read(request)
            case Write():
                self._rest, self._incoming = b"", bytearray()
                return short_names.write_response(self._write(request))

    def _allowed(self, tag: int, request: short_names.Request) -> bool:
        need = {READ_REQUEST: acse.READ, WRITE_REQUEST: acse.WRITE}.get(tag, acse.UNCONFIRMED_WRITE)
        variables: tuple[Variable, ...] = getattr(request, "variables", ())
        if len(variables) > 1:
            need |= acse.MULTIPLE_REFERENCES
        if any(variable.selector is not None for variable in variables):
            need |= acse.PARAMETERIZED_ACCESS
        if isinstance(request, ReadBlock | WriteBlock):
            need |= acse.BLOCK_SET
        limit = self._session.device.list_limit
        too_many = limit is not None and len(variables) > max(1, limit)
        return self._session.conformance & need == need and not too_many

    # -- Read --

    def _read(self, request: Read) -> bytes:
        raw = short_names.read_results([self._read_one(variable) for variable in request.variables])
        answer = short_names.read_response(raw)
        if len(answer) <= self._session.largest:
            return answer
        if not self._session.conformance & acse.BLOCK_GET:
            return short_names.read_error(Result.OTHER_REASON)
        self._rest, self._number = raw, 0
        return self._next()

    def _read_one(self, variable: Variable) -> Outcome:
        member = self._member(variable.name)
        if member is None:
            return Result.OBJECT_UNDEFINED
        target = member.target
        if member.method:
            called = self._access.call(target, variable.parameters)
            return called.value if called.result is Result.SUCCESS and called.value else called.result
        if variable.selector is None:
            return self._access.read(target)
        return self._access.read(
            Descriptor(
                target.class_id, target.logical_name, target.index, variable.selector, variable.parameters
            )
        )

    def _next(self) -> bytes:
        size = max(1, self._session.largest - BLOCK_HEADER)
        raw, self._rest = self._rest[:size], self._rest[size:]
        self._number += 1
        return short_names.read_block(Block(not self._rest, self._number, raw))

    def _next_block(self, number: int) -> bytes:
        if not self._rest:
            return short_names.read_error(Result.NO_LONG_GET_IN_PROGRESS)
        if number != self._number:
            self._rest = b""
            return short_names.read_error(Result.DATA_BLOCK_NUMBER_INVALID)
        return self._next()

    # -- Write --

    def _write(self, request: Write) -> list[Result]:
        results = []
        for index, (variable, value) in enumerate(zip(request.variables, request.values, strict=True)):
            member = self._member(variable.name)
            if member is None:
                results.append(Result.OBJECT_UNDEFINED)
            elif member.method:
                results.append(self._access.call(member.target, _parameter(value)).result)
            elif variable.selector is not None:
                results.append(Result.SCOPE_OF_ACCESS_VIOLATED)
            else:
                self._session.device.before_write(index, len(request.values))
                results.append(self._access.write(member.target, value))
        return results

    # -- blocks from the client --

    def _take(self, tag: int, block: Block) -> bytes:
        if block.number == 1:
            self._incoming, self._incoming_number = bytearray(), 0
        if block.number != self._incoming_number + 1:
            return self._error(tag, Result.DATA_BLOCK_NUMBER_INVALID)
        if len(self._incoming) + len(block.raw) > MAX_TRANSFER:
            return self._error(tag, Result.LONG_SET_ABORTED)
        self._incoming += block.raw
        self._incoming_number = block.number
        if not block.last:
            reading = tag == READ_REQUEST
            return (short_names.read_acknowledged if reading else short_names.write_acknowledged)(
                block.number
            )
        try:
            request = short_names.parse_body(tag, bytes(self._incoming))
        except PduError:
            return self._error(tag, Result.TYPE_UNMATCHED)
        finally:
            self._incoming, self._incoming_number = bytearray(), 0
        if not isinstance(request, Read | Write):
            return self._error(tag, Result.OTHER_REASON)
        return self._carry_out(request)

    def _error(self, tag: int, result: Result) -> bytes:
        self._incoming, self._incoming_number = bytearray(), 0
        return short_names.read_error(result) if tag == READ_REQUEST else short_names.write_response([result])

    def _member(self, name: int) -> Member | None:
        return self._session.device.short_names.get(name)


def _parameter(value: Data) -> Data | None:
    """A method without parameters is written with null-data."""
    return None if value.tag is Tag.NULL else value


def short_names_of(objects: Iterable[CosemObject]) -> tuple[dict[bytes, int], dict[int, Member]]:
    """Base names and all short names of a device."""
    things = list(objects)
    bases = short_names.allocate(things)
    return bases, short_names.resolve(things, bases)
