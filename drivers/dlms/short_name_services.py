"""The services of an association with short names, behind the same door as those with logical names.

An attribute is asked by class and logical name as everywhere else; its short name comes from the object
list of the current association (class 12 at 0xFA00), read once and kept by the owner of the `NameTable`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drivers.dlms import short_names as names
from drivers.dlms.apdu import ActionResult, Block, Result, Selection
from drivers.dlms.cosem import Item, access_result
from drivers.dlms.data import NULL, Data
from drivers.dlms.logical_names import Association, join_blocks, pieces
from drivers.dlms.short_names import ASSOCIATION_BASE, Acknowledged, BaseName
from drivers.errors import Garbage, MeterRefused

_OWN = bytes([0, 0, 40, 0, 0, 255])
_ASSOCIATION_LN, _ASSOCIATION_SN = 15, 12
_OBJECT_LIST, _REPLY_TO_HLS = 2, 8
_CALL_SELECTOR = 1
_OBJECT_UNDEFINED = 4


class NameTable:
    """Base names of one meter, kept over its associations; empty until the object list was read."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, bytes], BaseName] = {}

    def forget(self) -> None:
        self.known = {}


class ShortNames:
    """Read and Write of one association."""

    def __init__(self, association: Association, table: NameTable) -> None:
        self._association = association
        self._table = table

    # ---- read

    def get(self, item: Item, selection: Selection | None = None) -> Result:
        """One attribute; the association view comes from the object list, in the shape of class 15."""
        if item == Item(_ASSOCIATION_LN, _OWN, _OBJECT_LIST):
            return Result(names.view_of(self._names()))
        base = self._base(item)
        if base is None:
            return Result(None, _OBJECT_UNDEFINED)
        (result,) = self._read([names.variable(names.attribute_name(base, item.attribute), selection)])
        return result

    def get_list(self, items: Sequence[Item]) -> list[Result]:
        """Several attributes in one request; what has no short name is not asked."""
        found = {item: self._base(item) for item in items}
        asked = {item: base for item, base in found.items() if base is not None}
        if len(asked) == 1:
            results = {item: self.get(item) for item in asked}
        elif asked:
            variables = [
                names.variable(names.attribute_name(base, item.attribute)) for item, base in asked.items()
            ]
            results = dict(zip(asked, self._read(variables), strict=True))
        else:
            results = {}
        return [results.get(item, Result(None, _OBJECT_UNDEFINED)) for item in items]

    def _read(self, variables: list[bytes]) -> list[Result]:
        """Raises ``Garbage`` if there are not as many results as variables."""
        request = names.read_request(variables)
        if len(request) <= self._association.request_limit:
            parsed = names.parse_read_response(self._association.ask(request))
        else:
            parsed = names.parse_read_response(self._blocks(request[1:], names.read_block_request))
        if isinstance(parsed, Block):
            parsed = names.parse_joined(join_blocks(parsed, self._following))
        if isinstance(parsed, Acknowledged) or len(parsed) != len(variables):
            raise Garbage(detail=f"not {len(variables)} results of a read")
        return parsed

    def _following(self, number: int) -> Block:
        answer = names.parse_read_response(self._association.ask(names.read_next_request(number)))
        if isinstance(answer, list) and len(answer) == 1 and answer[0].data is None:
            raise MeterRefused(result=access_result(answer[0].access))
        if not isinstance(answer, Block):
            raise Garbage(detail="no block of a long read")
        return answer

    # ---- write

    def set(self, item: Item, data: Data) -> int:
        """Write one attribute; its data access result."""
        (result,) = self.set_list([(item, data)])
        return result

    def set_list(self, writes: Sequence[tuple[Item, Data]]) -> list[int]:
        """Write several attributes; nothing is sent if one of them has no short name."""
        found = [(self._base(item), item, data) for item, data in writes]
        named = [
            (names.attribute_name(base, item.attribute), data)
            for base, item, data in found
            if base is not None
        ]
        if len(named) != len(writes):
            return [_OBJECT_UNDEFINED for _ in writes]
        return self._write(named)

    def _write(self, writes: list[tuple[int, Data]]) -> list[int]:
        request = names.write_request(writes)
        if len(request) <= self._association.request_limit:
            parsed = names.parse_write_response(self._association.ask(request))
        else:
            parsed = names.parse_write_response(self._blocks(request[1:], names.write_block_request))
        if isinstance(parsed, Acknowledged) or len(parsed) != len(writes):
            raise Garbage(detail=f"not {len(writes)} results of a write")
        return parsed

    # ---- methods

    def action(self, method: Item, parameters: Data | None = None) -> ActionResult:
        """Call a method: by a Read with parameters where it returns something, else by a Write."""
        name = self._method(method)
        if name is None:
            return ActionResult(_OBJECT_UNDEFINED)
        if _returns(method):
            (result,) = self._read([names.variable(name, Selection(_CALL_SELECTOR, parameters or NULL))])
            return ActionResult(result.access, result.data)
        (written,) = self._write([(name, parameters or NULL)])
        return ActionResult(written)

    def action_list(self, calls: Sequence[tuple[Item, Data]]) -> list[ActionResult]:
        """One after the other: short names have no list of methods."""
        return [self.action(method, parameters) for method, parameters in calls]

    def _method(self, method: Item) -> int | None:
        if _returns(method):
            return names.method_name(_ASSOCIATION_SN, ASSOCIATION_BASE, _REPLY_TO_HLS)
        base = self._base(method)
        return None if base is None else names.method_name(method.class_id, base, method.attribute)

    # ---- names

    def _base(self, item: Item) -> int | None:
        if (item.class_id, item.obis) in ((_ASSOCIATION_LN, _OWN), (_ASSOCIATION_SN, _OWN)):
            return ASSOCIATION_BASE
        known = self._names().get((item.class_id, item.obis))
        return known.base if known else None

    def _names(self) -> dict[tuple[int, bytes], BaseName]:
        if not self._table.known:
            name = names.attribute_name(ASSOCIATION_BASE, _OBJECT_LIST)
            (result,) = self._read([names.variable(name)])
            if result.data is None:
                raise MeterRefused(result=access_result(result.access), detail="object list")
            self._table.known = names.decode_object_list(result.data)
        return self._table.known

    def _blocks(self, raw: bytes, build: Callable[..., bytes]) -> bytes:
        """Send a long request in blocks; the response to the last, or an early refusal."""
        answer = b""
        for number, piece, last in pieces(raw, self._association.request_limit):
            answer = self._association.ask(build(number, piece, last=last))
            if not last and not _acknowledges(answer):
                return answer
        return answer


def _acknowledges(answer: bytes) -> bool:
    if answer[:1] == bytes([names.READ_RESPONSE]):
        return isinstance(names.parse_read_response(answer), Acknowledged)
    return isinstance(names.parse_write_response(answer), Acknowledged)


def _returns(method: Item) -> bool:
    """Whether it is reply_to_HLS_authentication, the one method called here that returns something."""
    return (method.class_id, method.obis, method.attribute) == (_ASSOCIATION_LN, _OWN, 1)
