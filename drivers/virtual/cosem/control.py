"""Classes 70 disconnect control, 71 limiter, 20 activity calendar, 11 special days, 9 script table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from drivers.virtual.cosem.base import (
    CONFIGURE,
    READ,
    AccessError,
    Attribute,
    Caller,
    Cells,
    CosemObject,
    Method,
    Store,
    computed,
    fixed,
    obis,
)
from drivers.virtual.dlms.axdr import (
    AxdrError,
    Data,
    Tag,
    array,
    boolean,
    enum,
    i8,
    i32,
    octets,
    structure,
    u8,
    u16,
    u32,
)
from drivers.virtual.dlms.services import Result

RELAY = "0.0.96.3.10.255"
LIMITER = "0.0.17.0.0.255"
CALENDAR = "0.0.13.0.0.255"
SPECIAL_DAYS = "0.0.11.0.0.255"
TARIFF_SCRIPTS = "0.0.10.0.100.255"
DISCONNECT_SCRIPTS = "0.0.10.0.106.255"
TOTAL_POWER = "1.0.1.7.0.255"
NEVER = b"\xff" * 12
DISCONNECTED, CONNECTED, READY = 0, 1, 2


class Relay:
    """The disconnect control. In modes 2 and 4 a remote reconnect closes the relay at once, else it is only
    ready.
    """

    def __init__(self, store: Store, moved: Callable[[bool], None]) -> None:
        self._cells, self._moved = Cells(store, 70, RELAY), moved
        store.keep(self._cells.key(3), enum(CONNECTED))

    @property
    def closed(self) -> bool:
        return self._cells.get(3).number == CONNECTED

    @property
    def _mode(self) -> int:
        return self._cells.get(4).number

    def _move(self, state: int) -> None:
        if self._mode == 0:
            raise AccessError(Result.OTHER_REASON)
        was = self._cells.get(3).number
        self._cells.put(3, enum(state))
        if was != state:
            self._moved(state == CONNECTED)

    def disconnect(self) -> None:
        self._move(DISCONNECTED)

    def trip(self) -> None:
        """A local disconnection (limiter), in modes 1 to 6; the relay may be closed again by hand."""
        if self._mode != 0 and self.closed:
            self._move(READY)

    def reconnect(self) -> None:
        self._move(CONNECTED if self._mode in (2, 4) or self.closed else READY)

    def cosem(self) -> CosemObject:
        """The object of class 70, version 0."""
        here = CosemObject(70, 0, obis(RELAY))
        here.attributes |= {
            2: computed(lambda: boolean(self.closed)),
            3: Attribute(lambda caller: self._cells.get(3), READ),
            4: self._cells.attribute(4, enum(4), CONFIGURE, lambda d: d.number <= 6),
        }
        here.methods |= {
            1: Method(lambda caller, value: self.disconnect()),
            2: Method(lambda caller, value: self.reconnect()),
        }
        return here


class Limiter:
    """Class 71: above the threshold for longer than allowed it runs its script, which opens the relay.

    `over` is that script. The emergency profile can be set, but the virtual field declares no emergency.
    """

    def __init__(self, store: Store, threshold: int, over: Callable[[], None]) -> None:
        self._cells, self._threshold, self._over = Cells(store, 71, LIMITER), threshold, over
        self._above_since: float | None = None

    def watch(self, at: float, watts: int) -> None:
        """Total active power in W, import positive, at a moment (unix seconds)."""
        if watts <= self._cells.get(4).number:
            self._above_since = None
            return
        if self._above_since is None:
            self._above_since = at
        if at - self._above_since >= self._cells.get(6).number:
            self._above_since = None
            self._over()

    def cosem(self) -> CosemObject:
        """The object of class 71, version 0: thresholds in W, durations in s."""
        return _limiter(self._cells, self._threshold)


def _limiter(cells: Cells, threshold: int) -> CosemObject:
    here = CosemObject(71, 0, obis(LIMITER))
    script = structure(octets(obis(DISCONNECT_SCRIPTS)), u16(1))
    profile = structure(u16(0), octets(NEVER), u32(0))
    here.attributes |= {
        2: fixed(structure(u16(3), octets(obis(TOTAL_POWER)), i8(2))),
        3: computed(lambda: cells.get(4)),
        4: cells.attribute(4, i32(threshold), CONFIGURE, lambda d: d.number >= 0),
        5: cells.attribute(5, i32(threshold // 2), CONFIGURE, lambda d: d.number >= 0),
        6: cells.attribute(6, u32(120)),
        7: cells.attribute(7, u32(60)),
        8: cells.attribute(8, profile),
        9: cells.attribute(9, array([u16(0)])),
        10: fixed(boolean(False)),
        11: cells.attribute(11, structure(script, script)),
    }
    return here


def _schedule(*switches: tuple[int, int]) -> Data:
    """day_schedule from (hour, tariff)."""
    return array(
        [
            structure(octets(bytes([h, 0, 0, 0])), octets(obis(TARIFF_SCRIPTS)), u16(rate))
            for h, rate in switches
        ]
    )


def _season(name: bytes, month: int, day: int, week: bytes) -> Data:
    start = b"\xff\xff" + bytes([month, day, 0xFF, 0, 0, 0, 0]) + b"\x80\x00\x00"
    return structure(octets(name), octets(start), octets(week))


_SEASONS = array([_season(b"1", 1, 1, b"1")])
_WEEKS = array([structure(octets(b"1"), *(u8(1) for _ in range(5)), u8(2), u8(2))])
_DAYS = array(
    [
        structure(u8(1), _schedule((0, 3), (8, 2), (10, 1), (14, 2), (18, 1), (22, 2))),
        structure(u8(2), _schedule((0, 3))),
    ]
)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A calendar made quick to look things up in."""

    seasons: tuple[tuple[int, int, bytes], ...]
    weeks: dict[bytes, tuple[int, ...]]
    days: dict[int, tuple[tuple[int, int], ...]]


def _plan(seasons: Data, weeks: Data, days: Data) -> _Plan:
    return _Plan(
        tuple(sorted((s.items[1].octets[2], s.items[1].octets[3], s.items[2].octets) for s in seasons.items)),
        {w.items[0].octets: tuple(d.number for d in w.items[1:8]) for w in weeks.items},
        {
            d.items[0].number: tuple(
                sorted(
                    (a.items[0].octets[0] * 60 + a.items[0].octets[1], a.items[2].number)
                    for a in d.items[1].items
                )
            )
            for d in days.items
        },
    )


class Calendar:
    """The activity calendar: decides the tariff; the passive one becomes the active one by method or at its
    time.
    """

    def __init__(self, store: Store, activated: Callable[[], None]) -> None:
        self._cells, self._activated = Cells(store, 20, CALENDAR), activated
        self._special = Cells(store, 11, SPECIAL_DAYS)
        self._cached: tuple[Data, Data, Data] | None = None
        self._plan = _Plan((), {}, {})

    def tariff(self, local: datetime) -> int:
        """The tariff at a local time, 1 to 4; 1 where the calendar says nothing."""
        parts = (self._cells.get(3), self._cells.get(4), self._cells.get(5))
        if self._cached is None or any(a is not b for a, b in zip(parts, self._cached, strict=True)):
            self._cached = parts
            try:
                self._plan = _plan(*parts)
            except (AxdrError, IndexError):
                self._plan = _Plan((), {}, {})
        day = self._special_day(local)
        if day is None:
            begun = [
                week for month, dom, week in self._plan.seasons if (month, dom) <= (local.month, local.day)
            ]
            week = begun[-1] if begun else (self._plan.seasons[-1][2] if self._plan.seasons else b"")
            days = self._plan.weeks.get(week, ())
            day = days[local.weekday()] if len(days) == 7 else None
        minute = local.hour * 60 + local.minute
        rates = [rate for start, rate in self._plan.days.get(day or 0, ()) if start <= minute]
        return min(max(rates[-1], 1), 4) if rates else 1

    def _special_day(self, local: datetime) -> int | None:
        for entry in self._special.get(2).items:
            date = entry.items[1].octets
            year = int.from_bytes(date[:2], "big")
            if (
                year in (0xFFFF, local.year)
                and date[2] in (0xFF, local.month)
                and date[3] in (0xFF, local.day)
            ):
                return entry.items[2].number
        return None

    def activate(self) -> None:
        """Copies the passive calendar over the active one."""
        for index in range(2, 6):
            self._cells.put(index, self._cells.get(index + 4))
        self._cells.put(10, octets(NEVER))
        self._activated()

    def due(self) -> bytes | None:
        """activate_passive_calendar_time, or None while it is not specified."""
        moment = self._cells.get(10).octets
        return None if moment[:2] == b"\xff\xff" else moment

    def cosem(self) -> CosemObject:
        """The object of class 20, version 0."""
        cells, here = self._cells, CosemObject(20, 0, obis(CALENDAR))
        parts = (octets(b"T0001"), _SEASONS, _WEEKS, _DAYS)
        for offset, initial in enumerate(parts):
            cells.attribute(2 + offset, initial)
            here.attributes[2 + offset] = Attribute(_reader(cells, 2 + offset), READ)
            here.attributes[6 + offset] = cells.attribute(6 + offset, initial)
        here.attributes[10] = cells.attribute(10, octets(NEVER), CONFIGURE, lambda d: len(d.octets) == 12)
        here.methods[1] = Method(lambda caller, value: self.activate())
        return here

    def special_days(self) -> CosemObject:
        """The object of class 11, version 0: entries settable as a whole, or by insert and delete."""
        cells, here = self._special, CosemObject(11, 0, obis(SPECIAL_DAYS))
        template = array([_special_day(1, 1, 1, 2), _special_day(2, 12, 25, 2)])
        here.attributes[2] = cells.attribute(2, template, CONFIGURE, _special_days_valid)

        def insert(caller: Caller, value: Data | None) -> None:
            if value is None or not _special_days_valid(array([value])):
                raise AccessError(Result.TYPE_UNMATCHED)
            others = [e for e in cells.get(2).items if e.items[0] != value.items[0]]
            cells.put(2, array([*others, value]))

        def delete(caller: Caller, value: Data | None) -> None:
            if value is None or value.tag is not Tag.LONG_UNSIGNED:
                raise AccessError(Result.TYPE_UNMATCHED)
            cells.put(2, array([e for e in cells.get(2).items if e.items[0] != value]))

        here.methods |= {1: Method(insert), 2: Method(delete)}
        return here


def _reader(cells: Cells, index: int) -> Callable[[Caller], Data]:
    return lambda caller: cells.get(index)


def _special_day(index: int, month: int, day: int, day_id: int) -> Data:
    return structure(u16(index), octets(b"\xff\xff" + bytes([month, day, 0xFF])), u8(day_id))


def _special_days_valid(value: Data) -> bool:
    return all(
        entry.tag is Tag.STRUCTURE and len(entry.items) == 3 and len(entry.items[1].octets) == 5
        for entry in value.items
    )


def script_table(name: str, scripts: dict[int, Callable[[], None]]) -> CosemObject:
    """Class 9, version 0: scripts by number; `execute` runs one."""
    here = CosemObject(9, 0, obis(name))
    rows = [structure(u16(number), array([])) for number in scripts]
    here.attributes[2] = fixed(array(rows))

    def execute(caller: Caller, value: Data | None) -> None:
        if value is None or value.tag is not Tag.LONG_UNSIGNED:
            raise AccessError(Result.TYPE_UNMATCHED)
        run = scripts.get(value.number)
        if run is None:
            raise AccessError(Result.OBJECT_UNDEFINED)
        run()

    here.methods[1] = Method(execute)
    return here
