"""Tables 61 to 67: load profile (C12.19, decade 6). Blocks of intervals, decoded one block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal

from drivers.ansi.config import Configuration
from drivers.ansi.cursor import Cursor
from drivers.errors import Garbage

FIRST_DATA_TABLE = 64
SETS = 4
_CLOSURE_VERSION = 1
"""Bit 12 of LP_FLAGS is CLOSURE_STATUS_FLAG in C12.19-1997; from 2008 on it says something of end
readings."""
_COMMON = ("daylight", "power-fail", "clock-forward", "clock-backward")
_CHANNEL = {
    1: "overflow",
    2: "partial",
    3: "long",
    4: "skipped",
    5: "test",
    6: "configuration-changed",
    7: "stopped",
}
_SKIPPED = (4, 7)
_WIDE = Context(prec=50)


@dataclass(frozen=True)
class SetLimits:
    """One set of table 61. ``interval`` in minutes."""

    blocks: int
    intervals: int
    channels: int
    interval: int


@dataclass(frozen=True)
class ProfileLimits:
    """Table 61. ``sets``: number of the set (1 to 4) → its size."""

    end_readings: bool
    end_pulses: bool
    scaled: frozenset[int]
    extended_status: bool
    simple_status: bool
    closure_status: bool
    sets: dict[int, SetLimits]


def decode_profile_limits(data: bytes, config: Configuration) -> ProfileLimits:
    cursor = Cursor(data, config.formats, 61)
    cursor.u32()
    flags = cursor.u16()
    cursor.u8()
    sets = {}
    for number in _sets(config):
        sets[number] = SetLimits(cursor.u16(), cursor.u16(), cursor.u8(), cursor.u8())
    return ProfileLimits(
        end_readings=bool(flags & 0x10),
        end_pulses=bool(flags & 0x20),
        scaled=frozenset(n for n in range(1, SETS + 1) if flags >> (5 + n) & 1),
        extended_status=bool(flags & 0x400),
        simple_status=bool(flags & 0x800),
        closure_status=bool(flags & 0x1000) and config.version <= _CLOSURE_VERSION,
        sets=sets,
    )


def _sets(config: Configuration) -> list[int]:
    return [n for n in range(1, SETS + 1) if FIRST_DATA_TABLE + n - 1 in config.tables]


@dataclass(frozen=True)
class Channel:
    """Source of a channel, and what interval values were multiplied with before they were stored."""

    source: int
    scalar: int = 1
    divisor: int = 1

    def restore(self, value: Decimal) -> Decimal | None:
        """What was measured: the stored value is that times ``scalar`` by ``divisor``."""
        if self.scalar == self.divisor:
            return value
        return _WIDE.divide(_WIDE.multiply(value, self.divisor), self.scalar) if self.scalar else None


@dataclass(frozen=True)
class SetControl:
    """One set of table 62. ``format`` is INT_FMT_CDE."""

    channels: tuple[Channel, ...]
    format: int


def decode_profile_control(
    data: bytes, config: Configuration, limits: ProfileLimits
) -> dict[int, SetControl]:
    cursor = Cursor(data, config.formats, 62)
    controls = {}
    for number, size in limits.sets.items():
        sources = [cursor.octets(3)[1] for _ in range(size.channels)]
        form = cursor.u8()
        scalars = divisors = [1] * size.channels
        if number in limits.scaled:
            scalars = [cursor.u16() for _ in range(size.channels)]
            divisors = [cursor.u16() for _ in range(size.channels)]
        channels = (Channel(*each) for each in zip(sources, scalars, divisors, strict=True))
        controls[number] = SetControl(tuple(channels), form)
    return controls


@dataclass(frozen=True)
class SetState:
    """One set of table 63."""

    newest_block_first: bool
    newest_interval_first: bool
    valid_blocks: int
    last_block: int
    valid_intervals: int


def decode_profile_state(data: bytes, config: Configuration, limits: ProfileLimits) -> dict[int, SetState]:
    cursor = Cursor(data, config.formats, 63)
    states = {}
    for number in limits.sets:
        flags, blocks, last = cursor.u8(), cursor.u16(), cursor.u16()
        cursor.take(4 + 2)  # sequence number of the last block; blocks nobody has read yet
        states[number] = SetState(bool(flags & 1), bool(flags & 16), blocks, last, cursor.u16())
    return states


def value_size(config: Configuration, form: int) -> int:
    """Octets of one interval value. Raises ``Garbage`` for a format that does not exist."""
    sizes = {1: 1, 2: 2, 4: 4, 8: 1, 16: 2, 32: 4, 64: config.formats.ni1.size, 128: config.formats.ni2.size}
    if form not in sizes:
        raise Garbage(detail=f"interval format {form}")
    return sizes[form]


def block_size(config: Configuration, limits: ProfileLimits, number: int, form: int) -> int:
    """Octets of one block of a set."""
    size = limits.sets[number]
    reading = config.formats.ni1.size * limits.end_readings + 4 * limits.end_pulses
    head = config.formats.stime_size + size.channels * reading + 2 * limits.closure_status
    head += (size.intervals + 7) // 8 * limits.simple_status
    status = (size.channels // 2 + 1) * limits.extended_status
    return head + size.intervals * (status + size.channels * value_size(config, form))


@dataclass(frozen=True)
class Interval:
    """One interval. ``end`` as the meter counts it; ``status`` words; a value that was not recorded is
    ``None``."""

    end: datetime | None
    values: tuple[Decimal | None, ...]
    status: tuple[str, ...]
    daylight: bool | None


@dataclass(frozen=True)
class _Raw:
    values: tuple[Decimal | None, ...]
    status: tuple[str, ...]
    daylight: bool | None
    valid: bool
    recorded: bool


def decode_block(
    data: bytes,
    config: Configuration,
    limits: ProfileLimits,
    number: int,
    control: SetControl,
    state: SetState,
    *,
    newest: bool,
) -> list[Interval]:
    """The intervals of one block, oldest first. BLK_END_TIME is the end of its last valid interval."""
    size = limits.sets[number]
    cursor = Cursor(data, config.formats, FIRST_DATA_TABLE + number - 1)
    end = cursor.stime()
    for _ in range(size.channels):
        cursor.take(config.formats.ni1.size * limits.end_readings + 4 * limits.end_pulses)
    valid = state.valid_intervals if newest else size.intervals
    if limits.closure_status:
        valid = min(valid, cursor.u16() >> 4)
    simple = cursor.flags((size.intervals + 7) // 8) if limits.simple_status else None
    raw = []
    for place in range(size.intervals):
        interval = _interval(cursor, limits, size.channels, control, simple is None or place in simple)
        raw.append(interval)
    present = raw[-valid:] if state.newest_interval_first and valid else raw[:valid]
    if state.newest_interval_first:
        present = present[::-1]
    while present and not newest and not present[-1].recorded:
        present = present[:-1]  # a block that was closed early (clock set) is filled up with nothing
    return [_timed(one, end, (len(present) - 1 - n) * size.interval) for n, one in enumerate(present)]


def _timed(raw: _Raw, end: datetime | None, minutes_before: int) -> Interval:
    try:
        moment = end - timedelta(minutes=minutes_before) if end else None
    except OverflowError:
        moment = None
    values = raw.values if raw.valid else tuple(None for _ in raw.values)
    status = raw.status if raw.valid else (*raw.status, "invalid")
    return Interval(moment, values, status, raw.daylight)


def _interval(cursor: Cursor, limits: ProfileLimits, channels: int, control: SetControl, valid: bool) -> _Raw:
    common, codes = 0, [0] * channels
    if limits.extended_status:
        nibbles = [n for octet in cursor.octets(channels // 2 + 1) for n in (octet >> 4, octet & 15)]
        common, codes = nibbles[0], nibbles[1 : channels + 1]
    values = [_value(cursor, control.format, channel) for channel in control.channels]
    for n, code in enumerate(codes):
        if code in _SKIPPED:
            values[n] = None
    words = [word for bit, word in enumerate(_COMMON) if common >> bit & 1 and bit]
    words += [f"{_CHANNEL.get(code, f'status-{code}')}:{n + 1}" for n, code in enumerate(codes) if code]
    daylight = bool(common & 1) if limits.extended_status else None
    recorded = valid and not all(code in _SKIPPED for code in codes)
    return _Raw(tuple(values), tuple(words), daylight, valid, recorded)


def _value(cursor: Cursor, form: int, channel: Channel) -> Decimal | None:
    match form:
        case 1 | 2 | 4:
            value: Decimal | None = Decimal(cursor.unsigned(form))
        case 8 | 16 | 32:
            value = Decimal(cursor.signed(form // 8))
        case 64:
            value = cursor.ni1()
        case 128:
            value = cursor.ni2()
        case _:
            raise Garbage(detail=f"interval format {form}")
    return channel.restore(value) if value is not None else None


def block_order(state: SetState, blocks: int) -> list[int]:
    """Places of the valid blocks, newest first."""
    if state.valid_blocks == 0:
        return []
    if state.valid_blocks > blocks or state.last_block >= blocks:
        raise Garbage(detail=f"{state.valid_blocks} blocks, {blocks} fit; the last is {state.last_block}")
    step = 1 if state.newest_block_first else -1
    return [(state.last_block + step * n) % blocks for n in range(state.valid_blocks)]
