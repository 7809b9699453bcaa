"""What a program wants and a protocol has no common form for: told in the plan, never passed over."""

from __future__ import annotations

from drivers.changes import Change, ChangeState, Danger
from drivers.programs import Program, ValueSetting

_WORDS = {"calendar": "activity calendar", "capture": "capture period", "limiter": "limiter threshold"}


def unsupported(
    program: Program, values: dict[str, str], settings: list[ValueSetting], why: str
) -> list[Change]:
    """Every part that only DLMS/COSEM has, and the ``settings`` that this meter cannot take."""
    parts = [(part, _WORDS.get(part, part.replace("_", " ")), "") for part in program.dlms_parts]
    parts += [(one.id, one.name, program.resolve(one.value, values)) for one in settings]
    return [without_form(part, name, value, why) for part, name, value in parts]


def without_form(id: str, name: str, value: str, why: str) -> Change:
    """One part that this meter has no form for."""
    return Change(id, "", name, None, value, ChangeState.UNSUPPORTED, Danger.HARMLESS, why)
