"""Profile generic (class 7): capture objects, selective access by range, rows to typed values (Blue Book
4.3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from drivers.dlms.apdu import Selection
from drivers.dlms.attributes import scaler_item, value_text
from drivers.dlms.cosem import (
    CosemTime,
    Item,
    ScalerUnit,
    format_date_time,
    iso_utc,
    parse_date_time,
)
from drivers.dlms.data import Data, array, integer, long_unsigned, octet_string, structure
from drivers.errors import Garbage
from drivers.reading import ProfileRow

CLOCK = Item(8, bytes([0, 0, 1, 0, 0, 255]), 2)
_ROW_OCTETS, _TIME_OCTETS, _VALUE_OCTETS = 2, 14, 5
"""Octets of a row's head, of a time in it and of anything else, as most meters send them."""


@dataclass(frozen=True)
class Column:
    """A capture object. ``index`` selects an element of a structured attribute; 0 is the whole."""

    item: Item
    index: int

    @property
    def is_time(self) -> bool:
        return self.item.class_id == 8 and self.item.attribute == 2

    @property
    def is_status(self) -> bool:
        """Profile status, 0.b.96.10.x.255."""
        return self.item.obis[0] == 0 and self.item.obis[2:4] == bytes([96, 10])


@dataclass(frozen=True)
class Zone:
    """How this meter counts time: deviation of its clock now, and whether its make reverses the sign."""

    deviation: int | None
    reversed_sign: bool = False

    def to_local(self, moment: datetime) -> datetime:
        """A time in UTC as the meter's local time, without zone. Without a known deviation it is taken as
        UTC."""
        minutes = self.deviation or 0
        shift = timedelta(minutes=minutes if self.reversed_sign else -minutes)
        return moment.replace(tzinfo=None) + shift

    def to_utc(self, time: CosemTime) -> datetime | None:
        return time.utc(zone_minutes=self.deviation or 0, reversed_sign=self.reversed_sign)


def decode_columns(data: Data) -> list[Column]:
    """The capture objects. Raises ``Garbage``."""
    columns = []
    for entry in data.items:
        parts = entry.items
        if len(parts) < 3 or len(parts[1].octets) != 6:
            raise Garbage(detail="capture object of a wrong shape")
        item = Item(parts[0].number, parts[1].octets, abs(parts[2].number))
        columns.append(Column(item, parts[3].number if len(parts) > 3 else 0))
    return columns


def range_selection(columns: list[Column], start: datetime, end: datetime, zone: Zone) -> Selection:
    """Rows between two UTC times, both included: selective access 1 on the time column."""
    clock = next((column.item for column in columns if column.is_time), CLOCK)
    restricting = structure(
        long_unsigned(clock.class_id),
        octet_string(clock.obis),
        integer(clock.attribute),
        long_unsigned(0),
    )
    bounds = [octet_string(format_date_time(zone.to_local(t), zone.deviation)) for t in (start, end)]
    return Selection(1, structure(restricting, *bounds, array()))


def value_columns(columns: list[Column]) -> list[tuple[int, Column]]:
    """Columns that are neither time nor status, with their place in a row."""
    return [(n, column) for n, column in enumerate(columns) if not column.is_time and not column.is_status]


def status_flags(data: Data, names: Mapping[str, Mapping[str, str]]) -> list[str]:
    """English names of the status bits that are set: bit 0 is the lowest of a number, the first of a bit
    string. A model that names none gets none."""
    if not names:
        return []
    if isinstance(data.value, str):
        places = [place for place, bit in enumerate(data.value) if bit == "1"]
    elif isinstance(data.value, int):
        places = [place for place in range(64) if int(data.value) >> place & 1]
    else:
        return []
    return [names.get(str(place), {}).get("en", f"bit {place}") for place in places]


def expected_octets(
    columns: list[Column], period: int | None, since: datetime | None, until: datetime | None
) -> int:
    """About how long the buffer between two times is on the line; 0 where that cannot be said."""
    if not period or since is None:
        return 0
    rows = int(((until or datetime.now(UTC)) - since).total_seconds()) // period + 1
    return max(0, rows) * (_ROW_OCTETS + sum(_octets_of(column) for column in columns))


def _octets_of(column: Column) -> int:
    return _TIME_OCTETS if column.is_time else _VALUE_OCTETS


def decode_rows(
    data: Data,
    columns: list[Column],
    scalers: dict[Item, ScalerUnit | None],
    period: int | None,
    zone: Zone,
    status_bits: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> list[tuple[datetime | None, ProfileRow]]:
    """Rows with their UTC time. A null time means one period after the row before, a null value "same as
    before"."""
    rows = []
    values_of = value_columns(columns)
    time_at = next((n for n, column in enumerate(columns) if column.is_time), None)
    status_at = next((n for n, column in enumerate(columns) if column.is_status), None)
    before: datetime | None = None
    last: tuple[Data, ...] = ()
    for entry in data.items:
        cells = entry.items
        if len(cells) != len(columns):
            raise Garbage(detail=f"row of {len(cells)} cells, {len(columns)} columns")
        moment = _moment(cells[time_at], before, period, zone) if time_at is not None else None
        if last:
            cells = tuple(
                old if cell.value is None and n != time_at else cell
                for n, (cell, old) in enumerate(zip(cells, last, strict=True))
            )
        before, last = moment, cells
        status = value_text(columns[status_at].item, cells[status_at]) if status_at is not None else None
        flags = status_flags(cells[status_at], status_bits) if status_at is not None else []
        values = [_cell(cells[n], column, scalers) for n, column in values_of]
        rows.append((moment, ProfileRow(iso_utc(moment) if moment else None, status, values, flags)))
    return rows


def _moment(cell: Data, before: datetime | None, period: int | None, zone: Zone) -> datetime | None:
    if isinstance(cell.value, bytes):
        time = parse_date_time(cell.value)
        return zone.to_utc(time) if time else None
    if cell.value is None and before is not None and period:
        return before + timedelta(seconds=period)
    return None


def _cell(cell: Data, column: Column, scalers: dict[Item, ScalerUnit | None]) -> str | None:
    where = scaler_item(column.item)
    scaler = scalers.get(where) if where else None
    if scaler is not None and isinstance(cell.value, int) and not isinstance(cell.value, bool):
        return scaler.apply(cell.value)
    return value_text(column.item, cell)
