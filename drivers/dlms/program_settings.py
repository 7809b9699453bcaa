"""All settings of a program for one model of meter, in the order of the program."""

from __future__ import annotations

from drivers.dlms.configuration import parts_of
from drivers.dlms.settings import (
    CalendarActivation,
    CalendarPassive,
    Clock,
    PlainValue,
    Setting,
    capture_period,
)
from drivers.dlms.supply import charge_parts, limiter_parts
from drivers.models import MeterModel
from drivers.programs import Program


def settings_of(program: Program, values: dict[str, str], model: MeterModel | None) -> list[Setting]:
    """The settings of a program with the order's values. Raises ``WrongValue``."""
    program.check_is_for(model.name if model else None)
    reversed_sign = bool(model and model.quirks.deviation_reversed)
    zone = model.time_zone_minutes if model else None
    found: list[Setting] = []

    def resolve(text: str) -> str:
        return program.resolve(text, values)

    if program.calendar is not None:
        found += [CalendarPassive(program.calendar), CalendarActivation(program.calendar)]
    if program.limiter is not None:
        found += limiter_parts(program.limiter, resolve)
    found += [PlainValue(setting, resolve(setting.value)) for setting in program.settings]
    found += parts_of(program, resolve)
    for charge in program.charges:
        found += charge_parts(charge, resolve)
    if program.capture is not None:
        found.append(capture_period(program.capture))
    if program.clock is not None:
        found.append(Clock(program.clock, reversed_sign, zone))
    return found
