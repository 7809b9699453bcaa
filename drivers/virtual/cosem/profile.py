"""Class 7, profile generic: rows captured from other objects, with selective access by range and by entry."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from drivers.virtual.cosem.base import (
    CALL,
    CONFIGURE,
    READ,
    AccessError,
    Attribute,
    Caller,
    Cells,
    CosemObject,
    Method,
    Rights,
    Store,
    computed,
    fixed,
    obis,
)
from drivers.virtual.cosem.time import Zone, decode_date_time
from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import AxdrError, Data, Tag, array, octets, structure, u16, u32
from drivers.virtual.dlms.services import Result

RANGE, ENTRY = 1, 2
_WILDCARD_YEAR = b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Column:
    """One captured attribute."""

    class_id: int
    logical_name: bytes
    index: int

    def encode(self) -> Data:
        """capture_object_definition."""
        return structure(u16(self.class_id), octets(self.logical_name), axdr.i8(self.index), u16(0))


def column(class_id: int, name: str, index: int = 2) -> Column:
    return Column(class_id, obis(name), index)


def _decode_column(data: Data) -> Column:
    items = data.items
    if len(items) != 4:
        raise AxdrError("a capture object has 4 fields")
    return Column(items[0].number, items[1].octets, items[2].number)


@dataclass(frozen=True, slots=True)
class Row:
    """When it was captured by the meter's clock (unix seconds) and one value for each column."""

    at: float
    values: tuple[Data, ...]


Capture = Callable[[Column], Data]


class Profile:
    """The rows of one profile. `capture` reads one column now; `now` is the meter's time; `zone` its time
    zone.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        columns: tuple[Column, ...],
        capacity: int,
        period: int,
        capture: Capture,
        now: Callable[[], float],
        zone: Callable[[], Zone],
        allowed: Callable[[Column], bool] = lambda column: True,
    ) -> None:
        self.name, self._capacity, self._capture, self._now, self._zone = name, capacity, capture, now, zone
        self._allowed = allowed
        self._cells = Cells(store, 7, name)
        store.keep(self._cells.key(3), array([c.encode() for c in columns]))
        store.keep(self._cells.key(4), u32(period))
        self.rows: deque[Row] = deque(maxlen=capacity)
        self.was_configured: Callable[[], None] = lambda: None

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(_decode_column(item) for item in self._cells.get(3).items)

    @property
    def period(self) -> int:
        """Seconds between two captures; 0: only on events."""
        return self._cells.get(4).number

    def capture(self) -> None:
        """Adds one row now; the oldest goes when the buffer is full."""
        self.rows.append(Row(self._now(), tuple(self._capture(c) for c in self.columns)))

    def cosem(self, rights: Rights = READ) -> CosemObject:
        """The object of class 7, version 1."""
        here = CosemObject(7, 1, obis(self.name))
        configure = CONFIGURE if self.period else READ
        here.attributes |= {
            2: Attribute(
                lambda c: self._buffer(list(self.rows), None), rights, None, self._select, (RANGE, ENTRY)
            ),
            3: Attribute(lambda c: self._cells.get(3), configure, self._set_columns),
            4: Attribute(lambda c: self._cells.get(4), configure, self._set_period),
            5: fixed(axdr.enum(1), rights),
            6: fixed(structure(u16(0), octets(bytes(6)), axdr.i8(0), u16(0)), rights),
            7: computed(lambda: u32(len(self.rows)), rights),
            8: fixed(u32(self._capacity), rights),
        }
        here.methods |= {
            1: Method(lambda caller, value: self.rows.clear(), CALL),
            2: Method(lambda caller, value: self.capture(), CALL),
        }
        return here

    def _set_period(self, caller: Caller, value: Data) -> None:
        if value.tag is not Tag.DOUBLE_LONG_UNSIGNED:
            raise AccessError(Result.TYPE_UNMATCHED)
        if value.number not in (60, 300, 600, 900, 1800, 3600, 86400):
            raise AccessError(Result.OTHER_REASON)
        self._cells.put(4, value)
        self.was_configured()

    def _set_columns(self, caller: Caller, value: Data) -> None:
        """A change of what is captured clears the buffer (Blue Book, class 7)."""
        if value.tag is not Tag.ARRAY:
            raise AccessError(Result.TYPE_UNMATCHED)
        columns = [_decode_column(item) for item in value.items]
        if not columns or not all(self._allowed(c) for c in columns):
            raise AccessError(Result.OTHER_REASON)
        self._cells.put(3, array([c.encode() for c in columns]))
        self.rows.clear()
        self.was_configured()

    def _buffer(self, rows: list[Row], chosen: list[int] | None) -> Data:
        if chosen is None:
            return array([structure(*row.values) for row in rows])
        return array([structure(*(row.values[i] for i in chosen)) for row in rows])

    def _select(self, caller: Caller, selector: int, parameters: Data) -> Data:
        if selector == RANGE:
            return self._range(parameters)
        if selector == ENTRY:
            return self._entries(parameters)
        raise AccessError(Result.SCOPE_OF_ACCESS_VIOLATED)

    def _range(self, parameters: Data) -> Data:
        """range_descriptor: restricting object, from, to, selected columns (none: all)."""
        restricting, start, end, selected = _fields(parameters, 4)
        columns = self.columns
        wanted = _decode_column(restricting)
        if wanted not in columns or wanted.class_id != 8:
            raise AccessError(Result.SCOPE_OF_ACCESS_VIOLATED)
        first, last = self._moment(start), self._moment(end)
        rows = [
            row
            for row in self.rows
            if (first is None or row.at >= first) and (last is None or row.at <= last)
        ]
        chosen = [_decode_column(item) for item in selected.items]
        if any(c not in columns for c in chosen):
            raise AccessError(Result.SCOPE_OF_ACCESS_VIOLATED)
        return self._buffer(rows, [columns.index(c) for c in chosen] if chosen else None)

    def _moment(self, value: Data) -> float | None:
        if value.tag is Tag.NULL or value.octets[:2] == _WILDCARD_YEAR:
            return None
        return decode_date_time(value.octets, self._zone())

    def _entries(self, parameters: Data) -> Data:
        """entry_descriptor: from and to entry, from and to column, each from 1; to 0 means the last."""
        first, last, left, right = (item.number for item in _fields(parameters, 4))
        columns = len(self.columns)
        if first < 1 or left < 1 or left > columns or right > columns:
            raise AccessError(Result.SCOPE_OF_ACCESS_VIOLATED)
        rows = list(self.rows)[first - 1 : last or None]
        return self._buffer(rows, list(range(left - 1, right or columns)))


def _fields(data: Data, count: int) -> tuple[Data, ...]:
    if data.tag is not Tag.STRUCTURE or len(data.items) != count:
        raise AccessError(Result.TYPE_UNMATCHED)
    return data.items
