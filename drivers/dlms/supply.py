"""Limiter and charges of a program as settings (classes 71 and 113). No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

from drivers.changes import ChangeState, Danger
from drivers.dlms.configuration import WholeState, in_types_of, setting_id
from drivers.dlms.cosem import Item, format_date_time, parse_item
from drivers.dlms.data import Data, Tag, array, integer, long_unsigned, octet_string, structure
from drivers.dlms.settings import Finding, Limiter, Results, Setting, Write, data_of, same_data, unreadable
from drivers.errors import DriverError, WrongValue
from drivers.program_parts import ChargeSetting, EmergencyProfile
from drivers.programs import LimiterSetting

Resolve = Callable[[str], str]
_NEVER = b"\xff" * 12
_ACTIVE, _PASSIVE, _ACTIVATE = 5, 6, 2
_LONG = range(-0x8000, 0x8000)


def limiter_parts(setting: LimiterSetting, resolve: Resolve) -> Iterator[Setting]:
    """The threshold, and what the program says of emergency and times."""
    base = parse_item(setting.item)
    if setting.over_seconds is not None:
        over = Data(Tag.DOUBLE_LONG_UNSIGNED, setting.over_seconds)
        yield WholeState("limiter.over", "limiter, seconds over", base.of(6), over, Danger.SUPPLY)
    if setting.under_seconds is not None:
        under = Data(Tag.DOUBLE_LONG_UNSIGNED, setting.under_seconds)
        yield WholeState("limiter.under", "limiter, seconds under", base.of(7), under)
    if setting.emergency_groups:
        groups = array(*(long_unsigned(group) for group in setting.emergency_groups))
        yield WholeState("limiter.emergency_groups", "limiter, emergency groups", base.of(9), groups)
    if setting.emergency is not None:
        profile = _emergency_profile(setting.emergency)
        yield WholeState(
            "limiter.emergency", "limiter, emergency profile", base.of(8), profile, Danger.SUPPLY
        )
    if setting.emergency_threshold is not None:
        yield Limiter(setting, resolve(setting.emergency_threshold), attribute=5)
    yield Limiter(setting, resolve(setting.threshold))


def _emergency_profile(profile: EmergencyProfile) -> Data:
    """emergency_profile_id, activation time (local, of the meter), duration."""
    at = _NEVER
    if profile.activation is not None:
        try:
            local = datetime.strptime(profile.activation, "%Y-%m-%d %H:%M")  # noqa: DTZ007  # the meter's own
        except ValueError:
            raise WrongValue(f"{profile.activation!r} is not like 2027-01-15 18:00") from None
        at = format_date_time(local, None)
    duration = Data(Tag.DOUBLE_LONG_UNSIGNED, profile.duration_seconds)
    return structure(long_unsigned(profile.id), octet_string(at), duration)


# ---- charges


class Prices:
    """Class 113: the passive unit charge is written first and changes nothing yet; method 2 makes it the
    active one. Scales and commodity stay the meter's own."""

    def __init__(self, setting: ChargeSetting, resolve: Resolve, *, active: bool) -> None:
        base = parse_item(setting.item)
        self._prices = {index: resolve(text) for index, text in setting.prices.items()}
        self._active, self._passive = base.of(_ACTIVE), base.of(_PASSIVE)
        self.is_active = active
        self._activate = base.of(_ACTIVATE)
        self.item = self._active if active else self._passive
        word = "active" if active else "passive"
        self.id = setting_id(f"charge.{word}", base)
        self.name = f"charge, {word} prices"

    def reads(self, known: Results) -> list[Item]:
        return [item for item in (self._active, self._passive) if item not in known]

    def judge(self, known: Results, now: datetime) -> Finding:
        active, passive = data_of(known, self._active), data_of(known, self._passive)
        will_be = ", ".join(f"{index.lower() or '-'}: {price}" for index, price in self._prices.items())
        if active is None or passive is None:
            return unreadable(known, self._active if active is None else self._passive, will_be)
        wanted = self._wanted(active)
        held = active if self.is_active else passive
        holds = same_data(active, wanted) or same_data(held, wanted)
        now_text = _prices_text(held)
        if holds:
            return Finding(ChangeState.SAME, now_text, will_be, now_data=held, wanted=wanted)
        danger = Danger.SUPPLY if self.is_active else Danger.HARMLESS
        return Finding(ChangeState.DIFFERS, now_text, will_be, danger, None, held, wanted)

    def _wanted(self, active: Data) -> Data:
        """The meter's own unit charge with the program's table."""
        parts = active.items if isinstance(active.value, tuple) else ()
        scales = parts[0].items if len(parts) == 3 and isinstance(parts[0].value, tuple) else ()
        if len(scales) != 2:
            raise WrongValue("The unit charge of this meter has no price scale.")
        rows = [
            structure(octet_string(bytes.fromhex(index)), Data(Tag.LONG, _scaled(price, scales[1].number)))
            for index, price in self._prices.items()
        ]
        return in_types_of(active, structure(parts[0], parts[1], array(*rows)))

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        """Activation is one way, and only what stands in the passive prices can be activated."""
        if not self.is_active:
            return [Write(self._passive, state)]
        if not same_data(data_of(known, self._passive), state):
            return []
        return [Write(self._activate, integer(0), method=True)]


def _prices_text(held: Data) -> str:
    """``01: 0.78`` for each row of the table."""
    try:
        scaling, _, table = held.items
        scale = scaling.items[1].number
        rows = [
            f"{row.items[0].octets.hex() or '-'}: {Decimal(row.items[1].number).scaleb(scale):f}"
            for row in table.items
        ]
    except (DriverError, ValueError, IndexError):
        return "—"
    return ", ".join(rows) or "—"


def _scaled(price: str, scale: int) -> int:
    """Raises ``WrongValue`` for what is no price or finer than the meter counts."""
    try:
        raw = Decimal(price).scaleb(-scale)
    except InvalidOperation:
        raise WrongValue(f"{price!r} is not a price") from None
    if raw != raw.to_integral_value() or int(raw) not in _LONG:
        raise WrongValue(f"{price} does not fit the meter's steps of 10^{scale}")
    return int(raw)


def charge_parts(setting: ChargeSetting, resolve: Resolve) -> Iterator[Setting]:
    """Passive prices, then their activation."""
    yield Prices(setting, resolve, active=False)
    yield Prices(setting, resolve, active=True)
