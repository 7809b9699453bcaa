"""The C12.19 tables of a virtual meter, as nested elements; what each one may be read and written with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from drivers.virtual.ansi.device import (
    BLOCK_INTERVALS,
    LOG_CAPACITY,
    PULSE_WH,
    TIERS,
    AnsiDevice,
    Block,
    Demand,
    Entry,
    EventCode,
    Right,
)
from drivers.virtual.ansi.layout import EPOCH, Element, bits, flatten

STANDARD_OCTETS, MANUFACTURER_OCTETS, PROCEDURE_OCTETS = 12, 2, 4
MANUFACTURER = 2048
PROCEDURES = (9, 10)
_WRITABLE = (7,)
_OPEN = (0, 1, 3, 5, 6, 8)
_ANYBODY = (*_OPEN, 7, 11, 12, 13, 14, 15, 16, 21, 22, 23, 27, 28, 51, 52, 53, 55)
_UNITS = (
    (0, 0, 0, (1, 4)),
    (0, 0, 0, (2, 3)),
    (1, 0, 0, (1, 2)),
    (1, 0, 0, (3, 4)),
    (0, 4, 0, (1, 4)),
    (8, 1, 6, ()),
    (12, 1, 6, ()),
    (0, 1, 0, (1, 4)),
    (24, 1, 6, ()),
    (33, 1, 5, ()),
    (0, 0, 0, (1, 4)),
    (0, 0, 0, (2, 3)),
)
"""Sources: id code, time base, multiplier code, quadrants. The last two are the pulses of the profile."""
_SUMS, _DEMAND, _PRESENT, _PULSES = (0, 1, 2, 3), 4, (5, 6, 7, 8, 9), (10, 11)
_TABLE_FLAGS = 0x56
"""ST21: date and time, reset counter, cumulative demand, time remaining."""
_PROFILE_FLAGS = 0x0C10
"""ST61: end readings, extended and simple status."""


class TableSet:
    """Builds each table when it is read. ``response`` is what table 08 holds."""

    def __init__(self, device: AnsiDevice) -> None:
        self._device = device
        self._l = device.layout
        self.response = self._l.u16(0) + bytes(2)
        self.initiated = self._l.u16(0) + bytes(1)
        self._make: dict[int, Callable[[], Element]] = {
            0: self._general_configuration,
            1: self._manufacturer,
            3: self._mode_status,
            5: lambda: [self._l.identification(f"DEV{device.serial}", 20)],
            6: self._utility,
            7: lambda: [self.initiated],
            8: lambda: [self.response],
            11: self._source_limits,
            12: lambda: [[self._unit(*unit) for unit in _UNITS]],
            13: lambda: [[self._l.u16(15)]],
            14: lambda: [[bytes([n]) for n in range(len(_UNITS))]],
            15: self._constants,
            16: lambda: [[bytes([self._link(n)]) for n in range(len(_UNITS))]],
            21: lambda: _record(_TABLE_FLAGS, 0, 0, 4, 1, 0, 1, TIERS, 1, len(_PRESENT)),
            22: self._selection,
            23: self._registers,
            27: lambda: [[bytes([_DEMAND])], [bytes([n]) for n in _PRESENT]],
            28: self._present,
            51: lambda: [b"\x00", b"\x10", b"\x00", *_each(0, 0), self._l.u16(2), self._l.u16(0)],
            52: self._clock,
            53: lambda: [self._l.time(0, 0), b"\x00", self._l.i(-device.model.zone.deviation, 2)],
            55: lambda: [*self._clock(), self._l.u16(0)],
            61: self._profile_limits,
            62: self._profile_control,
            63: self._profile_state,
            64: self._profile,
            71: self._log_limits,
            72: lambda: [bits(EventCode, 8)],
            73: self._log_control,
            74: lambda: self._log(device.history_log, device.history_count),
            75: self._log_control,
            76: lambda: self._log(device.event_log, device.event_count),
            MANUFACTURER: lambda: [b"FTV virtual meter", bytes(range(16))],
        }

    @property
    def numbers(self) -> list[int]:
        return sorted(self._make)

    def element(self, number: int) -> Element | None:
        """A table as it is now; ``None`` if there is none."""
        make = self._make.get(number)
        return make() if make else None

    def read(self, number: int) -> bytes | None:
        element = self.element(number)
        return flatten(element) if element is not None else None

    @staticmethod
    def may_read(number: int, right: Right) -> bool:
        return number in _ANYBODY or right >= Right.READER

    @staticmethod
    def may_write(number: int, right: Right) -> bool:
        return number in _WRITABLE and right >= Right.READER

    # ---- decade 0

    def _general_configuration(self) -> Element:
        standard = [number for number in self._make if number < MANUFACTURER]
        own = [number - MANUFACTURER for number in self._make if number >= MANUFACTURER]
        return [
            *_record(*self._l.controls),
            b"FTVM",
            *_each(2, 0, 20, 20, 2, 0),
            *_each(STANDARD_OCTETS, MANUFACTURER_OCTETS, PROCEDURE_OCTETS, 1, 1, 0),
            bits(standard, STANDARD_OCTETS),
            bits(own, MANUFACTURER_OCTETS),
            bits(PROCEDURES, PROCEDURE_OCTETS),
            bytes(1),
            bits(_WRITABLE, STANDARD_OCTETS),
            bytes(MANUFACTURER_OCTETS),
        ]

    def _manufacturer(self) -> Element:
        model = self._device.model
        return [
            self._l.text(model.manufacturer, 4),
            self._l.text(model.product, 8),
            *_each(*model.hardware, *model.firmware),
            self._l.identification(self._device.serial, 16),
        ]

    def _mode_status(self) -> Element:
        return [b"\x01", self._l.u16(self._device.status), b"\x00", b"\x00"]

    def _utility(self) -> Element:
        text, identification, serial = self._l.text, self._l.identification, self._device.serial
        return [
            text("TRAINING UTILITY", 20),
            text("FIELD", 20),
            identification("", 20),
            text("", 20),
            identification(serial, 20),
            identification(serial, 20),
            identification("", 20),
            *(text("", 10) for _ in range(3)),
            text("RES-1", 8),
            text("FTV", 4),
            *_each(1, 0),
            text("FTV", 4),
            *_each(1, 0),
            text("FACTORY", 10),
            text("", 30),
        ]

    # ---- decade 1

    def _source_limits(self) -> Element:
        return [bytes([0x04]), *_each(len(_UNITS), 1, 1, len(_UNITS), len(_PULSES), 2, len(_UNITS))]

    def _unit(self, id_code: int, time_base: int, multiplier: int, quadrants: tuple[int, ...]) -> bytes:
        value = id_code | time_base << 8 | multiplier << 11
        return self._l.u32(value | sum(1 << (13 + quadrant) for quadrant in quadrants))

    def _constants(self) -> Element:
        return [[[self._l.ni1(PULSE_WH), self._l.ni1(0)] for _ in _PULSES]]

    @staticmethod
    def _link(number: int) -> int:
        """Unit and data control for all; demand control for the demand; pulses want their constant."""
        if number in _PULSES:
            return 0x01 | 0x04 | 0x08 | 0x20
        return 0x01 | 0x04 | 0x10 | (0x02 if number == _DEMAND else 0)

    # ---- decade 2

    def _selection(self) -> Element:
        return [[bytes([n]) for n in _SUMS], [bytes([_DEMAND])], b"\x01"]

    def _registers(self) -> Element:
        device = self._device
        blocks = [self._data_block(tier) for tier in range(TIERS + 1)]
        return [bytes([device.demand_resets]), blocks[0], blocks[1:]]

    def _data_block(self, tier: int) -> Element:
        device = self._device
        sums: list[Element] = [self._l.ni1(value) for value in device.registers(tier)]
        return [sums, [self._demand(device.demands[tier])]]

    def _demand(self, demand: Demand) -> Element:
        at = self._l.stime(demand.at) if demand.at else bytes(len(self._l.stime(EPOCH)))
        return [[at], self._l.ni1(demand.cumulative), [self._l.ni2(demand.watts)]]

    def _present(self) -> Element:
        device = self._device
        phase = device.phase()
        now = device.clock()
        left = 14 - now.minute % 15
        values = (phase.millivolts, phase.milliamperes, abs(phase.watts), abs(phase.power_factor), 6000)
        demand: Element = [self._l.time(0, left), self._l.ni2(abs(phase.watts))]
        return [[demand], [self._l.ni1(value) for value in values]]

    # ---- decade 5

    def _clock(self) -> list[Element]:
        now = self._device.clock()
        weekday = (now.weekday() + 1) % 7
        return [self._l.ltime(now), bytes([weekday | 0x20])]

    # ---- decade 6

    def _profile_limits(self) -> Element:
        blocks = self._device.blocks.maxlen or 1
        own = [self._l.u16(blocks), self._l.u16(BLOCK_INTERVALS), bytes([len(_PULSES)]), bytes([15])]
        return [self._l.u32(0x10000), self._l.u16(_PROFILE_FLAGS), bytes([0x02]), *own]

    def _profile_control(self) -> Element:
        channels: list[Element] = [
            [b"\x01", bytes([pulse]), bytes([_SUMS[n]])] for n, pulse in enumerate(_PULSES)
        ]
        return [channels, bytes([2])]

    def _profile_state(self) -> Element:
        device = self._device
        places, count = device.blocks.maxlen or 1, device.block_count
        newest = device.blocks[-1] if device.blocks else None
        return [
            [
                bytes([0x24]),
                self._l.u16(len(device.blocks)),
                self._l.u16((count - 1) % places if newest else 0),
                self._l.u32(max(count - 1, 0)),
                self._l.u16(len(device.blocks)),
                self._l.u16(len(newest.intervals) if newest else 0),
            ]
        ]

    def _profile(self) -> Element:
        """A circular list: the n-th block since the beginning stands at n mod its length."""
        device = self._device
        places = device.blocks.maxlen or 1
        blocks: list[Element] = [self._block(None)] * places
        first = device.block_count - len(device.blocks)
        for n, block in enumerate(device.blocks):
            blocks[(first + n) % places] = self._block(block)
        return [blocks]

    def _block(self, block: Block | None) -> Element:
        intervals = block.intervals if block else []
        empty = BLOCK_INTERVALS - len(intervals)
        rows: list[Element] = [
            [[bytes([i.status << 4]), bytes(1)], [self._l.u16(value) for value in i.pulses]]
            for i in intervals
        ]
        rows += [[[bytes([0x04]), bytes([0x40])], [bytes(2), bytes(2)]]] * empty
        return [
            self._l.stime(block.end if block else EPOCH),
            [[self._l.ni1(value)] for value in (block.readings if block else (0, 0))],
            bits(range(len(intervals)), (BLOCK_INTERVALS + 7) // 8),
            rows,
        ]

    # ---- decade 7

    def _log_limits(self) -> Element:
        capacity = self._l.u16(LOG_CAPACITY)
        return [bytes([0x07]), *_each(8, 0, 2, 2), capacity, capacity, b"\x00", self._l.u16(0)]

    def _log_control(self) -> Element:
        used = [STANDARD_OCTETS, MANUFACTURER_OCTETS, PROCEDURE_OCTETS, 1]
        return [bits(EventCode, 8), *(bytes(size) for size in used)]

    def _log(self, entries: Iterable[Entry], count: int) -> Element:
        listed = list(entries)
        empty: Element = self._entry(None)
        places: list[Element] = [empty] * LOG_CAPACITY
        for n, entry in enumerate(listed):
            places[(count - len(listed) + n) % LOG_CAPACITY] = self._entry(entry)
        head: list[Element] = [
            bytes([0x04]),
            self._l.u16(len(listed)),
            self._l.u16((count - 1) % LOG_CAPACITY if listed else 0),
            self._l.u32(count),
            self._l.u16(len(listed)),
        ]
        return [*head, places]

    def _entry(self, entry: Entry | None) -> Element:
        at: datetime = entry.at if entry else EPOCH
        numbers = (entry.number, entry.sequence, entry.user, entry.code, entry.argument) if entry else [0] * 5
        return [self._l.ltime(at), *(self._l.u16(number) for number in numbers)]


def _record(*values: int) -> list[Element]:
    return [bytes([value]) for value in values]


def _each(*values: int) -> list[bytes]:
    return [bytes([value]) for value in values]
