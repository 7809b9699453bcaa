"""ACCESS of the server: reads, writes and methods of one request, one after the other (IEC 62056-5-3, 6.12).

The request says whether what follows an error is still carried out, and whether the response repeats what
was asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.access import ObjectAccess
from drivers.virtual.dlms.axdr import NULL, AxdrError, Data
from drivers.virtual.dlms.services import Descriptor, PduError, Reader, Result

ACCESS_REQUEST, ACCESS_RESPONSE = 0xD9, 0xDA
MAX_PARTS = 128
_GET, _SET, _ACTION, _GET_SELECTED, _SET_SELECTED = 1, 2, 3, 4, 5
_CONFIRMED, _BREAK, _SELF_DESCRIPTIVE = 1 << 30, 1 << 29, 1 << 28


@dataclass(frozen=True, slots=True)
class _Part:
    kind: int
    target: Descriptor
    specification: bytes

    @property
    def answered_as(self) -> int:
        return {_GET_SELECTED: _GET, _SET_SELECTED: _SET}.get(self.kind, self.kind)


def parts_of(apdu: bytes) -> tuple[int, list[_Part], list[Data]]:
    """Long invoke id, what is asked, and its data. Raises `PduError`."""
    reader = Reader(apdu)
    try:
        reader.take(1)
        invoke = reader.number(4)
        reader.take(reader.count())  # date-time
        count = reader.count()
        if not 0 < count <= MAX_PARTS:
            raise PduError("number of specifications")
        parts = [_part(reader) for _ in range(count)]
        if reader.count() != count:
            raise PduError("as many data as specifications")
        values = [reader.data() for _ in range(count)]
        reader.end()
    except AxdrError as error:
        raise PduError(str(error)) from error
    return invoke, parts, values


def _part(reader: Reader) -> _Part:
    start = reader.position
    kind = reader.number(1)
    if not _GET <= kind <= _SET_SELECTED:
        raise PduError("unknown specification")
    target = reader.descriptor(selective=False)
    if kind in (_GET_SELECTED, _SET_SELECTED):
        selector, parameters = reader.number(1), reader.data()
        target = Descriptor(target.class_id, target.logical_name, target.index, selector, parameters)
    return _Part(kind, target, reader.since(start))


def serve(apdu: bytes, access: ObjectAccess) -> bytes | None:
    """Carries out one request; None for an unconfirmed one. Raises `PduError` before anything is done."""
    invoke, parts, values = parts_of(apdu)
    data, results = [], []
    broken = False
    for part, value in zip(parts, values, strict=True):
        answer, result = (NULL, Result.OTHER_REASON) if broken else _carried_out(part, value, access)
        broken = broken or bool(invoke & _BREAK and result is not Result.SUCCESS)
        data.append(answer)
        results.append(bytes([part.answered_as, result]))
    if not invoke & _CONFIRMED:
        return None
    count = axdr.encode_length(len(parts))
    head = bytes([ACCESS_RESPONSE]) + invoke.to_bytes(4, "big") + b"\x00"
    asked = b"\x00"
    if invoke & _SELF_DESCRIPTIVE:
        asked = b"\x01" + count + b"".join(part.specification for part in parts)
    return head + asked + count + b"".join(axdr.encode(one) for one in data) + count + b"".join(results)


def _carried_out(part: _Part, value: Data, access: ObjectAccess) -> tuple[Data, Result]:
    if part.answered_as == _GET:
        outcome = access.read(part.target)
        return (NULL, outcome) if isinstance(outcome, Result) else (outcome, Result.SUCCESS)
    if part.answered_as == _SET:
        return NULL, access.write_all((part.target,), (value,))[0]
    called = access.call(part.target, None if value == NULL else value)
    return called.value or NULL, called.result
