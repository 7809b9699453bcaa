"""Tables 71 to 76: history and event log (C12.19, decade 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.ansi.cursor import Cursor, Formats
from drivers.errors import Garbage

HISTORY_LOG = 74
EVENT_LOG = 76
_MANUFACTURER = 0x800
_EVENTS = (
    "no event", "primary power down", "primary power up", "time changed, old time", "time changed, new time",
    "time changed, old time", "time changed, new time", "accessed for read", "accessed for write",
    "procedure invoked", "table written", "device programmed", "communication ended normally",
    "communication ended abnormally", "list pointers reset", "list pointers updated", "history log cleared",
    "history log pointers updated", "event log cleared", "event log pointers updated", "demand reset",
    "self read", "daylight saving on", "daylight saving off", "season changed", "rate changed",
    "special schedule activated", "tier switched", "pending table activated",
    "pending table activation cleared", "metering mode started", "metering mode stopped",
    "test mode started", "test mode stopped", "meter shop mode started", "meter shop mode stopped",
    "device reprogrammed", "configuration error", "self check error", "RAM failure", "ROM failure",
    "nonvolatile memory failure", "clock error", "measurement error", "low battery", "low loss potential",
    "demand overload", "tamper attempt", "reverse rotation", "control point changed by command",
    "control point changed by schedule", "control point changed by condition",
    "control point changed by prepayment", "credit added", "credit subtracted", "credit adjusted",
    "device sealed", "device unsealed",
)  # fmt: skip


def event_name(code: int) -> str:
    """The standard's list (annex B); a manufacturer's event by its number."""
    if code & _MANUFACTURER:
        return f"manufacturer event {code & 0x7FF}"
    return _EVENTS[code] if code < len(_EVENTS) else f"event {code}"


@dataclass(frozen=True)
class LogLimits:
    """Table 71. Lengths in octets."""

    event_numbers: bool
    history_times: bool
    history_sequence: bool
    standard_events: int
    manufacturer_events: int
    history_argument: int
    event_argument: int
    history_entries: int
    event_entries: int


def decode_log_limits(data: bytes, formats: Formats) -> LogLimits:
    cursor = Cursor(data, formats, 71)
    flags = cursor.u8()
    standard, manufacturer, history, event = cursor.octets(4)
    return LogLimits(
        event_numbers=bool(flags & 1),
        history_times=bool(flags & 2),
        history_sequence=bool(flags & 4),
        standard_events=standard,
        manufacturer_events=manufacturer,
        history_argument=history,
        event_argument=event,
        history_entries=cursor.u16(),
        event_entries=cursor.u16(),
    )


def decode_supported(data: bytes, formats: Formats, limits: LogLimits) -> frozenset[int]:
    """Table 72 (and the beginning of 73 and 75): event codes, manufacturer ones with bit 11 set."""
    cursor = Cursor(data, formats, 72)
    standard = cursor.flags(limits.standard_events)
    return standard | {code | _MANUFACTURER for code in cursor.flags(limits.manufacturer_events)}


@dataclass(frozen=True)
class LogEntry:
    """One entry: ``time`` as the meter counted it, ``argument`` as hex."""

    time: datetime | None
    number: int | None
    sequence: int | None
    user: int
    code: int
    argument: str


@dataclass(frozen=True)
class LogState:
    """The head of tables 74 and 76."""

    newest_first: bool
    overflow: bool
    circular: bool
    valid: int
    last: int
    last_sequence: int
    unread: int


LOG_HEAD = 11
"""Octets of the head."""


def decode_log_state(data: bytes, formats: Formats, table: int) -> LogState:
    cursor = Cursor(data, formats, table)
    flags = cursor.u8()
    return LogState(
        bool(flags & 1),
        bool(flags & 2),
        bool(flags & 4),
        cursor.u16(),
        cursor.u16(),
        cursor.u32(),
        cursor.u16(),
    )


def entry_size(formats: Formats, limits: LogLimits, table: int) -> int:
    """Octets of one entry."""
    if table == HISTORY_LOG:
        size = formats.ltime_size * limits.history_times + 2 * limits.history_sequence
        return size + 2 * limits.event_numbers + 4 + limits.history_argument
    return formats.ltime_size + 2 * limits.event_numbers + 2 + 4 + limits.event_argument


def decode_entry(data: bytes, formats: Formats, limits: LogLimits, table: int) -> LogEntry:
    """One entry of the history log (74) or the event log (76)."""
    cursor = Cursor(data, formats, table)
    history = table == HISTORY_LOG
    time = cursor.ltime() if limits.history_times or not history else None
    number = cursor.u16() if limits.event_numbers else None
    sequence = cursor.u16() if limits.history_sequence or not history else None
    user, code = cursor.u16(), cursor.u16() & 0xFFF
    argument = cursor.take(limits.history_argument if history else limits.event_argument)
    return LogEntry(time, number, sequence, user, code, argument.hex())


def entry_order(state: LogState, entries: int) -> list[int]:
    """Places of the valid entries, oldest first (a circular list begins again at 0)."""
    if state.valid == 0:
        return []
    if state.valid > entries or state.last >= entries:
        raise Garbage(detail=f"a log with {state.valid} entries, {entries} fit; the last is {state.last}")
    step = -1 if not state.newest_first else 1
    places = [(state.last + step * n) % entries for n in range(state.valid)]
    return places[::-1]
