"""Class 8, clock: runs on the system's time with an offset that setting it changes."""

from __future__ import annotations

from collections.abc import Callable

from drivers.virtual.cosem.base import (
    ANYONE,
    CONFIGURE,
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
from drivers.virtual.cosem.time import Zone, decode_date_time, encode_date_time
from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import Data, Tag, i8, i16, i32, octets, u8
from drivers.virtual.dlms.services import Result

NAME = "0.0.1.0.0.255"
_OFFSET = "clock:offset"
_LAST_SUNDAY_MARCH = bytes.fromhex("FFFF03FE0702000000800000")
_LAST_SUNDAY_OCTOBER = bytes.fromhex("FFFF0AFE0703000000800080")
MAX_SHIFT = 900


class Clock:
    """The meter's time. `instant` is the system's unix time at which the meter is looked at (set by the
    device).
    """

    def __init__(self, store: Store, zone: Zone, offset: int) -> None:
        self._store = store
        self._cells = Cells(store, 8, NAME)
        store.keep(_OFFSET, i32(offset))
        store.keep(self._cells.key(3), i16(zone.deviation))
        store.keep(self._cells.key(8), axdr.boolean(zone.summer))
        self.instant = 0.0
        self.was_set: Callable[[], None] = lambda: None

    @property
    def zone(self) -> Zone:
        return Zone(self._cells.get(3).number, self._cells.get(8).value is True)

    @property
    def offset(self) -> int:
        """Seconds by which the meter's clock is ahead."""
        return self._store.values[_OFFSET].number

    def now(self) -> float:
        """The meter's own idea of the time (unix seconds, UTC)."""
        return self.instant + self.offset

    def encoded(self) -> bytes:
        return encode_date_time(self.now(), self.zone)

    def set(self, moment: float) -> None:
        """Sets the clock to a moment (unix seconds, UTC)."""
        self._store.put(_OFFSET, i32(round(moment - self.instant)))
        self.was_set()

    def cosem(self) -> CosemObject:
        """The object of class 8, version 0."""
        cells, here = self._cells, CosemObject(8, 0, obis(NAME))

        def write(caller: Caller, value: Data) -> None:
            if value.tag not in (Tag.OCTET_STRING, Tag.DATE_TIME):
                raise AccessError(Result.TYPE_UNMATCHED)
            self.set(decode_date_time(value.octets, self.zone))

        time_rights = type(CONFIGURE)(1, 1, 3)
        here.attributes |= {
            2: Attribute(lambda caller: octets(self.encoded()), time_rights, write),
            3: cells.attribute(3, cells.get(3), CONFIGURE, lambda d: -720 <= d.number <= 840),
            4: computed(lambda: u8(0x80 if self.zone.offset(self.now())[1] else 0)),
            5: cells.attribute(5, octets(_LAST_SUNDAY_MARCH), CONFIGURE, lambda d: len(d.octets) == 12),
            6: cells.attribute(6, octets(_LAST_SUNDAY_OCTOBER), CONFIGURE, lambda d: len(d.octets) == 12),
            7: cells.attribute(7, i8(60)),
            8: cells.attribute(8, cells.get(8)),
            9: fixed(axdr.enum(1), ANYONE),
        }
        here.methods |= {
            1: Method(lambda caller, value: self._adjust(900)),
            2: Method(lambda caller, value: self._adjust(900)),
            3: Method(lambda caller, value: self._adjust(60)),
            6: Method(lambda caller, value: self._shift(value)),
        }
        return here

    def _adjust(self, step: int) -> None:
        """To the nearest quarter of an hour, measuring period or minute."""
        self.set((self.now() + step / 2) // step * step)

    def _shift(self, value: Data | None) -> None:
        if value is None or value.tag is not Tag.LONG:
            raise AccessError(Result.TYPE_UNMATCHED)
        if abs(value.number) > MAX_SHIFT:
            raise AccessError(Result.OTHER_REASON)
        self.set(self.now() + value.number)
