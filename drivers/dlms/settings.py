"""Settings of a program against what a meter holds: what to read, what differs, what to write. No I/O here.

Each kind of setting has three questions: ``reads`` (attributes to know), ``judge`` (what they say) and
``writes`` (what would make it hold). The state of a setting is one ``Data``, so that an intent left open by
a cut can be settled by comparing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Protocol

from drivers.changes import ChangeState, Danger
from drivers.dlms.apdu import Result
from drivers.dlms.attributes import value_text
from drivers.dlms.calendar import Schedule, Tables, tables_of
from drivers.dlms.cosem import (
    UNSUPPORTED,
    Item,
    access_result,
    format_date_time,
    iso_utc,
    parse_date_time,
    parse_item,
    scaler_unit,
)
from drivers.dlms.data import Data, Tag, encode, integer, octet_string, structure
from drivers.dlms.profile import Zone
from drivers.errors import WrongValue
from drivers.programs import CaptureSetting, ClockSetting, LimiterSetting, ValueSetting

Results = Mapping[Item, Result]
_EMERGENCY = 5
"""threshold_emergency of class 71."""
_UNIT_FACTORS = {"W": 0, "kW": 3, "VA": 0, "kVA": 3, "A": 0, "V": 0, "Wh": 0, "kWh": 3}


@dataclass(frozen=True)
class Finding:
    """What holds now and what should; ``now_data``/``wanted`` are the states to compare and to roll back
    to."""

    state: ChangeState
    now: str | None
    will_be: str
    danger: Danger = Danger.HARMLESS
    detail: str | None = None
    now_data: Data | None = None
    wanted: Data | None = None


@dataclass(frozen=True)
class Write:
    """One SET, or an ACTION where ``method``."""

    item: Item
    data: Data
    method: bool = False


class Setting(Protocol):
    """One thing that should hold."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def item(self) -> Item: ...

    def reads(self, known: Results) -> list[Item]:
        """What must be read, given what is known by now; empty when nothing more is needed."""
        ...

    def judge(self, known: Results, now: datetime) -> Finding: ...

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        """What brings the meter to a state (the wanted one, or the old one to roll back); empty if it
        can't be."""
        ...


def data_of(known: Results, item: Item) -> Data | None:
    """What was read of an item, if it could be."""
    result = known.get(item)
    return result.data if result else None


def unreadable(known: Results, item: Item, will_be: str) -> Finding:
    """The finding for an item that gave no data."""
    result = known.get(item)
    reason = access_result(result.access) if result else "not-read"
    state = ChangeState.UNSUPPORTED if reason in UNSUPPORTED else ChangeState.UNREADABLE
    return Finding(state, None, will_be, detail=reason)


def same_data(left: Data | None, right: Data | None) -> bool:
    """Equal but for the kind of string or of integer that a make prefers."""
    if left is None or right is None:
        return False
    if isinstance(left.value, tuple) and isinstance(right.value, tuple):
        return len(left.value) == len(right.value) and all(
            same_data(one, other) for one, other in zip(left.value, right.value, strict=True)
        )
    return left.value == right.value


class Clock:
    """Class 8: compared in UTC, written in the meter's own convention (its deviation as it is now)."""

    id = "clock"
    name = "clock"

    def __init__(self, setting: ClockSetting, reversed_sign: bool, zone_minutes: int | None) -> None:
        self._setting = setting
        self._reversed = reversed_sign
        self._zone_minutes = zone_minutes
        self.item = parse_item(setting.item)

    def reads(self, known: Results) -> list[Item]:
        return [] if self.item in known else [self.item]

    def judge(self, known: Results, now: datetime) -> Finding:
        data = data_of(known, self.item)
        wanted_text = iso_utc(now)
        if data is None or not isinstance(data.value, bytes):
            return unreadable(known, self.item, wanted_text)
        time = parse_date_time(data.value)
        moment = time.utc(zone_minutes=self._zone_minutes, reversed_sign=self._reversed) if time else None
        if moment is None:
            detail = "the meter's clock is not set" if time is None else "the meter's time zone is not known"
            state = ChangeState.DIFFERS if time is None else ChangeState.UNREADABLE
            return Finding(state, None, wanted_text, Danger.CLOCK_JUMP, detail, data, octet_string(b""))
        drift = round((moment - now).total_seconds())
        if abs(drift) <= self._setting.tolerance_seconds:
            return Finding(
                ChangeState.SAME, iso_utc(moment), wanted_text, detail=f"{drift:+d} s", now_data=data
            )
        jump = abs(drift) > self._setting.jump_limit_seconds
        danger = Danger.CLOCK_JUMP if jump else Danger.HARMLESS
        return Finding(
            ChangeState.DIFFERS,
            iso_utc(moment),
            wanted_text,
            danger,
            f"{drift:+d} s",
            data,
            octet_string(b""),
        )

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        """Only forward: time cannot be rolled back, so an old state gives nothing."""
        if state.value != b"":
            return []
        data = data_of(known, self.item)
        time = parse_date_time(data.value) if data is not None and isinstance(data.value, bytes) else None
        deviation = time.deviation if time and time.deviation is not None else self._zone_minutes
        zone = Zone(deviation, self._reversed)
        tag = data.tag if data is not None and data.tag == Tag.DATE_TIME else int(Tag.OCTET_STRING)
        status = 0xFF if time is None else time.status
        octets = format_date_time(zone.to_local(now.astimezone(UTC)), deviation, status)
        return [Write(self.item, Data(tag, octets))]


class CalendarPassive:
    """Class 20: the passive tables are written first; they change nothing yet."""

    id = "calendar.passive"
    name = "activity calendar, passive tables"
    first = 6

    def __init__(self, schedule: Schedule) -> None:
        base = parse_item(schedule.item)
        self.active = [base.of(attribute) for attribute in (2, 3, 4, 5)]
        self.passive = [base.of(attribute) for attribute in (6, 7, 8, 9)]
        self.wanted = tables_of(schedule)
        self.item = base.of(self.first)

    @property
    def wanted_state(self) -> Data:
        return structure(*self.wanted.parts)

    def reads(self, known: Results) -> list[Item]:
        return [item for item in (*self.active, *self.passive) if item not in known]

    def _state(self, known: Results, items: list[Item]) -> Data | None:
        parts = [data_of(known, item) for item in items]
        return (
            None if any(part is None for part in parts) else structure(*(p for p in parts if p is not None))
        )

    def judge(self, known: Results, now: datetime) -> Finding:
        will_be = self.wanted.text()
        active = self._state(known, self.active)
        passive = self._state(known, self.passive)
        if active is None or passive is None:
            items = [*self.active, *self.passive]
            return unreadable(known, next(i for i in items if data_of(known, i) is None), will_be)
        if same_data(active, self.wanted_state):
            return Finding(ChangeState.SAME, Tables(*active.items).text(), will_be, now_data=passive)
        same = same_data(passive, self.wanted_state)
        state = ChangeState.SAME if same else ChangeState.DIFFERS
        now_text = Tables(*passive.items).text()
        return Finding(state, now_text, will_be, now_data=passive, wanted=self.wanted_state)

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        return [Write(item, part) for item, part in zip(self.passive, state.items, strict=True)]


class CalendarActivation(CalendarPassive):
    """Class 20, method 1: the passive tables become active."""

    id = "calendar.activate"
    name = "activity calendar, active tables"
    first = 2

    def judge(self, known: Results, now: datetime) -> Finding:
        will_be = self.wanted.text()
        active = self._state(known, self.active)
        if active is None:
            return unreadable(known, next(i for i in self.active if data_of(known, i) is None), will_be)
        state = ChangeState.SAME if same_data(active, self.wanted_state) else ChangeState.DIFFERS
        now_text = Tables(*active.items).text()
        return Finding(state, now_text, will_be, now_data=active, wanted=self.wanted_state)

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        """Activation is one way: the old tables are not brought back by it."""
        if not same_data(state, self.wanted_state) or not same_data(
            self._state(known, self.passive), self.wanted_state
        ):
            return []
        return [Write(self.item.of(1), integer(0), method=True)]


class PlainValue:
    """Any attribute with a simple value, written in the type that the meter holds."""

    def __init__(self, setting: ValueSetting, value: str) -> None:
        self._setting = setting
        self._value = value
        self.danger = setting.danger
        self.id = setting.id
        self.name = setting.name
        self.item = parse_item(setting.item)

    def reads(self, known: Results) -> list[Item]:
        return [] if self.item in known else [self.item]

    def judge(self, known: Results, now: datetime) -> Finding:
        data = data_of(known, self.item)
        if data is None:
            return unreadable(known, self.item, self._value)
        wanted = in_type_of(data, self._value)
        same = same_data(data, wanted)
        state = ChangeState.SAME if same else ChangeState.DIFFERS
        danger = Danger.HARMLESS if same else self._setting.danger
        return Finding(state, value_text(self.item, data), self._value, danger, now_data=data, wanted=wanted)

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        return [Write(self.item, state)]


def capture_period(setting: CaptureSetting) -> PlainValue:
    """Class 7, attribute 4, in seconds."""
    item = parse_item(setting.item).of(4)
    return PlainValue(
        ValueSetting("capture_period", str(item), "capture period (s)", str(setting.period), setting.danger),
        str(setting.period),
    )


_LIKELY_WATCHED = {
    "W": Item(3, bytes([1, 0, 1, 7, 0, 255]), 3),
    "VA": Item(3, bytes([1, 0, 9, 7, 0, 255]), 3),
}
"""scaler_unit of the instantaneous total power, by the unit of a threshold."""


class Limiter:
    """Class 71: a threshold, normal or of emergencies, in the unit and scale of the value that the limiter
    watches."""

    def __init__(self, setting: LimiterSetting, threshold: str, *, attribute: int | None = None) -> None:
        self._setting = setting
        item = parse_item(setting.item)
        self.item = item.of(attribute) if attribute is not None else item
        emergency = self.item.attribute == _EMERGENCY
        self.id = "limiter.emergency_threshold" if emergency else "limiter.threshold"
        self.name = "limiter emergency threshold" if emergency else "limiter threshold"
        self._watched_item = self.item.of(2)
        try:
            self._threshold = Decimal(threshold)
        except InvalidOperation:
            raise WrongValue(f"limiter threshold {threshold!r} is not a number") from None

    def _watched(self, known: Results) -> Item | None:
        """The scaler_unit attribute of the watched register."""
        data = data_of(known, self._watched_item)
        if data is None or not isinstance(data.value, tuple) or len(data.items) < 3:
            return None
        class_id, obis = data.items[0].number, data.items[1].octets
        attribute = {3: 3, 4: 3, 5: 4}.get(class_id)
        return Item(class_id, obis, attribute) if attribute and len(obis) == 6 else None

    def reads(self, known: Results) -> list[Item]:
        first = [item for item in (self.item, self._watched_item) if item not in known]
        if first:  # and the scale of what it most likely watches, which then costs no request of its own
            guess = _LIKELY_WATCHED.get(self._setting.unit.removeprefix("k"))
            return first if guess is None or guess in known else [*first, guess]
        watched = self._watched(known)
        return [watched] if watched is not None and watched not in known else []

    def judge(self, known: Results, now: datetime) -> Finding:
        will_be = f"{self._threshold} {self._setting.unit}"
        data = data_of(known, self.item)
        if data is None:
            return unreadable(known, self.item, will_be)
        watched = self._watched(known)
        scale_data = data_of(known, watched) if watched else None
        scale = scaler_unit(scale_data) if scale_data is not None else None
        if scale is None:
            detail = "the unit of the watched register is not known"
            return Finding(ChangeState.UNREADABLE, None, will_be, detail=detail)
        exponent = _exponent(self._setting.unit, scale.unit)
        raw = self._threshold.scaleb(exponent - scale.scaler)
        if raw != raw.to_integral_value():
            raise WrongValue(f"{will_be} is finer than the meter's step of 10^{scale.scaler} {scale.unit}")
        wanted = in_type_of(data, format(raw.to_integral_value(), "f"))
        now_value = Decimal(data.number).scaleb(scale.scaler - exponent)
        now_text = f"{now_value.normalize():f} {self._setting.unit}"
        if same_data(data, wanted):
            return Finding(ChangeState.SAME, now_text, will_be, now_data=data)
        lowering = 0 < self._threshold < now_value
        danger = Danger.SUPPLY if lowering else Danger.HARMLESS
        warning = "lower than now: the supply could be cut" if lowering else None
        return Finding(ChangeState.DIFFERS, now_text, will_be, danger, warning, data, wanted)

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        return [Write(self.item, state)]


def _exponent(wanted: str, watched: str | None) -> int:
    """Power of ten from the program's unit to the watched unit. Raises ``WrongValue`` for another
    quantity."""
    if watched is None or wanted.removeprefix("k") != watched.removeprefix("k"):
        raise WrongValue(f"the limiter watches {watched or 'an unknown unit'}, the program gives {wanted}")
    return _UNIT_FACTORS.get(wanted, 0) - _UNIT_FACTORS.get(watched, 0)


def in_type_of(now: Data, value: str) -> Data:
    """``value`` in the data type that the meter holds. Raises ``WrongValue`` where it does not fit."""
    try:
        made = _converter(now)(value)
        encode(made)
    except (ValueError, InvalidOperation) as error:
        raise WrongValue(f"{value!r} does not fit what the meter holds: {error}") from None
    return made


def _converter(now: Data) -> Callable[[str], Data]:
    if isinstance(now.value, bool):
        return lambda text: Data(now.tag, {"true": True, "false": False, "1": True, "0": False}[text.lower()])
    if isinstance(now.value, int):
        return lambda text: Data(now.tag, int(text))
    if isinstance(now.value, Decimal):
        return lambda text: Data(now.tag, Decimal(text))
    if now.tag == Tag.OCTET_STRING and isinstance(now.value, bytes) and not now.value.isascii():
        return lambda text: Data(now.tag, bytes.fromhex(text))
    if isinstance(now.value, bytes):
        return lambda text: Data(now.tag, text.encode())
    raise WrongValue("the meter holds a value of a kind that a program cannot set")
