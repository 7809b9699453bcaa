"""What a virtual ANSI meter holds: clock, energies, demand, load profile, logs, rights.

A generic single-phase meter of form 2S. Everything measured comes from `physics`; everything stored is kept
by `AnsiDevice` as plain numbers, which `tables` puts into C12.19 shape.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from drivers.virtual import secrets
from drivers.virtual.ansi.layout import Layout
from drivers.virtual.cosem.time import Zone
from drivers.virtual.faults import WriteFaults
from drivers.virtual.physics import (
    EXPORT_ACTIVE,
    EXPORT_REACTIVE,
    IMPORT_ACTIVE,
    IMPORT_REACTIVE,
    MS_PER_HOUR,
    SLOT,
    Energies,
    Load,
    Phase,
    Supply,
)

PULSE_WH = 2
"""Watt-hours of one load profile pulse (what utilities call Kh)."""
QUANTITIES = (IMPORT_ACTIVE, EXPORT_ACTIVE, IMPORT_REACTIVE, EXPORT_REACTIVE)
TIERS = 2
BLOCK_INTERVALS = 96
LOG_CAPACITY = 60
_TRIES = 3
_PEAK_HOURS = range(18, 23)


@dataclass(frozen=True, slots=True)
class AnsiModel:
    """One kind of ANSI meter. ``manufacturer`` 4 characters, ``product`` 8."""

    name: str
    description: str
    manufacturer: str
    product: str
    serial: str
    supply: Supply
    zone: Zone
    layout: Layout = field(default_factory=Layout)
    hardware: tuple[int, int] = (3, 1)
    firmware: tuple[int, int] = (5, 12)


ANSI_MODELS: dict[str, AnsiModel] = {
    "ansi-1ph": AnsiModel(
        name="ansi-1ph",
        description="Single phase, ANSI form 2S, C12.18/C12.19 over an ANSI type 2 optical port; Peru",
        manufacturer="FTVM",
        product="A2S-CL20",
        serial="61000123",
        supply=Supply(phases=1, voltage=240, mean_power=420, generation=60),
        zone=Zone(300),
    )
}


@dataclass(slots=True)
class AnsiSettings:
    """What one meter is set to. Times in seconds."""

    serial: str
    seed: int = 0
    baud: int = 9600
    lockout: float = 60.0
    days: int = 10
    clock_offset: int = 0
    import_kwh: int | None = None
    layout: Layout | None = None
    faults: WriteFaults = field(default_factory=WriteFaults)


class Right(IntEnum):
    """What a session may do: anybody, who knows the reader's password, who knows the programmer's."""

    ANYBODY = 0
    READER = 1
    PROGRAMMER = 2


class EventCode(IntEnum):
    """Standard event codes (C12.19, annex B)."""

    POWER_DOWN = 1
    POWER_UP = 2
    TIME_OLD = 3
    TIME_NEW = 4
    READ = 7
    PROCEDURE = 9
    TABLE_WRITTEN = 10
    ENDED = 12
    DEMAND_RESET = 20
    TAMPER = 47


@dataclass(frozen=True, slots=True)
class Entry:
    """A log entry; ``at`` as the meter's clock stood."""

    at: datetime
    code: int
    user: int
    number: int
    sequence: int
    argument: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """A load profile interval: pulses of import and export, common status nibble."""

    pulses: tuple[int, int]
    status: int = 0


@dataclass(slots=True)
class Block:
    """Up to 96 intervals; ``end`` of the last one by the meter's clock, and the registers (Wh) then."""

    end: datetime
    readings: tuple[int, int] = (0, 0)
    intervals: list[Interval] = field(default_factory=list)


@dataclass(slots=True)
class Demand:
    """Greatest quarter-hour mean (W) since the last reset, when, and the sum of those before it."""

    watts: int = 0
    at: datetime | None = None
    cumulative: int = 0


class AnsiDevice:
    """One meter's content. `system_time` gives unix seconds; a look at the meter begins with `refresh`."""

    def __init__(self, model: AnsiModel, settings: AnsiSettings, system_time: Callable[[], float]) -> None:
        self.model, self.settings, self._system_time = model, settings, system_time
        self.serial = settings.serial
        self.layout = settings.layout or model.layout
        self.passwords = {
            Right.READER: secrets.derive(settings.serial)["password"].encode(),
            Right.PROGRAMMER: secrets.programmer_password(settings.serial).encode(),
        }
        self.offset = float(settings.clock_offset)
        self.status = 0
        self.demand_resets = 0
        self.demands = [Demand() for _ in range(TIERS + 1)]
        self.blocks: deque[Block] = deque(maxlen=max(settings.days + 5, 10))
        self.block_count = 0
        self.event_log: deque[Entry] = deque(maxlen=LOG_CAPACITY)
        self.history_log: deque[Entry] = deque(maxlen=LOG_CAPACITY)
        self.event_count = self.history_count = 0
        self._numbers = 0
        self._wrong = 0
        self._locked_until = 0.0
        self.changed: Callable[[], None] = lambda: None
        seed = int.from_bytes(
            hashlib.blake2b(f"{settings.seed}:{settings.serial}".encode(), digest_size=6).digest()
        )
        self.load = Load(model.supply, seed, lambda at: model.zone.local(at).hour)
        now = system_time()
        start = (now - settings.days * 86400) // SLOT * SLOT
        self.energies = Energies(start, _first_registers(seed, settings.import_kwh))
        self._status_next = 0
        self._slot_start = self._wh(IMPORT_ACTIVE), self._wh(EXPORT_ACTIVE)
        self.refresh()
        self.log(EventCode.POWER_UP)

    # ---- time

    @property
    def present(self) -> float:
        """Unix seconds, as far as the registers have come."""
        return self.energies.at

    def clock(self) -> datetime:
        """The meter's own time (local standard time, no zone)."""
        return self.model.zone.local(self._system_time() + self.offset).replace(microsecond=0)

    def refresh(self) -> None:
        """Brings energies, demand and profile up to the present. Intervals end on quarters of its clock."""
        now = self._system_time()
        while True:
            meter_time = self.energies.at + self.offset
            end = (meter_time // SLOT + 1) * SLOT - self.offset
            if end > now:
                break
            self._advance(end)
            self._capture(self.model.zone.local(end + self.offset))
        self._advance(now)

    def _advance(self, to: float) -> None:
        self.energies.advance(to, self.load, self._tier, connected=True)

    def _tier(self, at: float) -> int:
        return 2 if self.model.zone.local(at + self.offset).hour in _PEAK_HOURS else 1

    def _wh(self, quantity: int) -> int:
        return self.energies.wh(quantity, 0)

    def _capture(self, end: datetime) -> None:
        before = self._slot_start
        after = self._wh(IMPORT_ACTIVE), self._wh(EXPORT_ACTIVE)
        self._slot_start = after
        pulses = (
            after[0] // PULSE_WH - before[0] // PULSE_WH,
            after[1] // PULSE_WH - before[1] // PULSE_WH,
        )
        end = end.replace(microsecond=0)
        self._note_demand((after[0] - before[0]) * 3600 // SLOT, end)
        newest = self.blocks[-1] if self.blocks else None
        follows = newest is not None and end - newest.end == timedelta(seconds=SLOT)
        if newest is None or not follows or len(newest.intervals) >= BLOCK_INTERVALS:
            newest = Block(end)
            self.blocks.append(newest)
            self.block_count += 1
        newest.end, newest.readings = end, after
        newest.intervals.append(Interval(pulses, self._status_next))
        self._status_next = 0

    def _note_demand(self, watts: int, end: datetime) -> None:
        tier = 2 if (end - timedelta(seconds=1)).hour in _PEAK_HOURS else 1
        for place in (0, tier):
            if watts > self.demands[place].watts:
                self.demands[place].watts, self.demands[place].at = watts, end

    def set_clock(self, wanted: datetime, user: int) -> tuple[datetime, datetime]:
        """Time before and after. The interval in which it was set is marked; times jumped over stay empty."""
        before = self.clock()
        utc = self.model.zone.utc(wanted)
        self.log(EventCode.TIME_OLD, user)
        backwards = wanted < before
        self.offset = utc - self._system_time()
        self._status_next |= 8 if backwards else 4
        self.log(EventCode.TIME_NEW, user)
        self.changed()
        return before, self.clock()

    def reset_demand(self, user: int) -> None:
        for demand in self.demands:
            demand.cumulative += demand.watts
            demand.watts, demand.at = 0, None
        self.demand_resets = (self.demand_resets + 1) % 256
        self.log(EventCode.DEMAND_RESET, user)
        self.changed()

    def power_up(self) -> None:
        """The supply came back."""
        self.log(EventCode.POWER_DOWN)
        self.refresh()
        self._status_next |= 2
        self.log(EventCode.POWER_UP)

    def phase(self) -> Phase:
        """Momentary values now."""
        return self.load.phases(self.present, True)[0]

    def registers(self, tier: int) -> list[int]:
        """The four energies (Wh, varh) of a tier; 0 is the total."""
        return [self.energies.wh(quantity, tier) for quantity in QUANTITIES]

    # ---- logs and rights

    def log(self, code: EventCode, user: int = 0, argument: int = 0, *, history: bool = False) -> None:
        """Adds to the event log, or to the history log (who did what through the port)."""
        self._numbers = (self._numbers + 1) % 65536
        if history:
            self.history_count += 1
            count, entries = self.history_count, self.history_log
        else:
            self.event_count += 1
            count, entries = self.event_count, self.event_log
        entries.append(Entry(self.clock(), code, user, self._numbers, count % 65536, argument))

    def locked(self, now: float) -> bool:
        return now < self._locked_until

    def check_password(self, password: bytes, now: float) -> Right | None:
        """The right that a password gives, filled up with spaces or zeros. The third wrong one in a row
        locks."""
        bare = password.rstrip(b" \x00")
        for right, known in self.passwords.items():
            if bare == known:
                self._wrong = 0
                return right
        self._wrong += 1
        self.log(EventCode.TAMPER)
        if self._wrong >= _TRIES:
            self._wrong, self._locked_until = 0, now + self.settings.lockout
        return None


def _first_registers(seed: int, import_kwh: int | None) -> dict[tuple[int, int], int]:
    """Energies at the beginning of the profile, in W·ms; the total is the sum of the tiers."""
    registers: dict[tuple[int, int], int] = {}
    for quantity, share in zip(QUANTITIES, (1000, 40, 220, 15), strict=True):
        total = 0
        for tier in range(1, TIERS + 1):
            draw = hashlib.blake2b(f"{seed}:{quantity}:{tier}".encode(), digest_size=4).digest()
            wh = int.from_bytes(draw, "big") % 9_000_000 * share // 1000
            if quantity == IMPORT_ACTIVE and import_kwh is not None:
                wh = import_kwh * (600, 400)[tier - 1]
            registers[quantity, tier] = wh * MS_PER_HOUR
            total += wh * MS_PER_HOUR
        registers[quantity, 0] = total
    return registers
