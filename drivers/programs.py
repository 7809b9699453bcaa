"""Configuration programs: TOML written by utility engineers. A *program* says what should hold on a meter.

The files lie in ``assets/programs``; their README explains each key.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from drivers.changes import Danger
from drivers.dlms.calendar import Schedule, schedule_problem
from drivers.errors import ModelFileError, WrongValue
from drivers.iec62056.readout import is_code
from drivers.models import check_item
from drivers.toml_file import line_of, load_toml

_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.]+)\}")


class ValueRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that the order or the engineer gives; a decimal between the bounds if there are any."""

    label: str
    unit: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    default: str | None = None


class ClockSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Set the clock if it is more than ``tolerance_seconds`` off; beyond ``jump_limit_seconds`` it must be
    confirmed."""

    item: str = "8:0.0.1.0.0.255:2"
    tolerance_seconds: int = 10
    jump_limit_seconds: int = 900


class CaptureSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Capture period of a profile in seconds. Changing it empties the buffer, so it must be confirmed."""

    item: str
    period: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
    danger: Danger = Danger.DATA_LOSS


class LimiterSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Threshold (normal operation) of a limiter in ``unit``. Lowering it could cut the supply: to be
    confirmed."""

    threshold: str
    unit: str = "W"
    item: str = "71:0.0.17.0.0.255:4"


class ValueSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any other attribute with a simple value, written in the type that the meter holds."""

    id: str
    item: str
    name: str
    value: str
    danger: Danger = Danger.HARMLESS


class SecretKind(StrEnum):
    """What a meter is entered with."""

    PASSWORD = "password"  # noqa: S105  # a kind, no password
    BLOCK_KEY = "block_key"
    AUTH_KEY = "auth_key"
    MASTER_KEY = "master_key"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


class SecretSource(StrEnum):
    """Where the new value comes from: the office gave it, or it is drawn on the tablet and sealed to the
    office."""

    OFFICE = "office"
    GENERATED = "generated"


_SECRET_ITEMS = {SecretKind.PASSWORD: "15:0.0.40.0.2.255:7"}
_SECURITY_SETUP = "64:0.0.43.0.0.255:2"


class SecretSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password or key that is to be changed to the newest that there is. Its value never stands in a file.

    ``secret`` is its name where secrets are kept (default: the kind); ``client`` who comes in with a
    password; ``method``: by method 2 of the association instead of attribute 7.
    """

    kind: SecretKind
    source: SecretSource = SecretSource.OFFICE
    secret: str = ""
    client: int = 2
    item: str = ""
    method: bool = False

    @property
    def id(self) -> str:
        return f"secret.{self.name}"

    @property
    def name(self) -> str:
        return self.secret or self.kind.value

    @property
    def where(self) -> str:
        """The item that is written."""
        return self.item or _SECRET_ITEMS.get(self.kind, _SECURITY_SETUP)


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What should hold on a meter after commissioning."""

    name: str
    version: int
    title: dict[str, str]
    models: list[str]
    values: dict[str, ValueRule] = {}
    clock: ClockSetting | None = None
    calendar: Schedule | None = None
    capture: CaptureSetting | None = None
    limiter: LimiterSetting | None = None
    settings: list[ValueSetting] = []
    secrets: list[SecretSetting] = []

    def resolve(self, text: str, values: dict[str, str]) -> str:
        """Put the values into ``{order.contracted_power}``. Raises ``WrongValue`` naming what is missing
        or wrong."""
        return _PLACEHOLDER.sub(lambda match: self._value(match[1], values), text)

    def _value(self, name: str, values: dict[str, str]) -> str:
        rule = self.values.get(name)
        if rule is None:
            raise WrongValue(f"Program {self.name} uses {name}, which it does not declare.")
        given = values.get(name) or rule.default
        if not given:
            raise WrongValue(
                f"Program {self.name} needs {name} ({rule.label}), and the order does not give it."
            )
        if rule.minimum is not None or rule.maximum is not None:
            _check_bounds(name, rule, given)
        return given


def _check_bounds(name: str, rule: ValueRule, given: str) -> None:
    try:
        number = Decimal(given)
    except InvalidOperation:
        raise WrongValue(f"{name} must be a number, not {given!r}.") from None
    low, high = rule.minimum, rule.maximum
    if (low is not None and number < Decimal(low)) or (high is not None and number > Decimal(high)):
        raise WrongValue(
            f"{name} = {given} is outside of {low or '…'} to {high or '…'} {rule.unit or ''}".strip()
        )


def load_program(path: Path) -> Program:
    """Raises ``ModelFileError`` with file, line and reason."""
    program, text = load_toml(path, Program)
    items = [
        (f"$.settings[{n}].item", setting.item)
        for n, setting in enumerate(program.settings)
        if not is_code(setting.item)  # of a meter in programming mode: as the meter calls it
    ]
    items += [(f"$.secrets[{n}].item", secret.where) for n, secret in enumerate(program.secrets)]
    for key in ("clock", "calendar", "capture", "limiter"):
        setting = getattr(program, key)
        if setting is not None:
            items.append((f"$.{key}.item", setting.item))
    for where, item in items:
        check_item(path, text, where, item)
    if program.calendar is not None:
        problem = schedule_problem(program.calendar)
        if problem is not None:
            where, reason = problem
            raise ModelFileError(path.name, line_of(text, f"$.calendar.{where}"), reason)
    _check_placeholders(path, text, program)
    return program


def find_program(name: str, folder: Path | None) -> Program:
    """A program by file path, or by name in the folder."""
    direct = Path(name)
    if direct.suffix == ".toml" and direct.is_file():
        return load_program(direct)
    if folder is None:
        raise WrongValue(f"There is no program {name!r}.")
    path = folder / f"{direct.name.removesuffix('.toml')}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.toml")))
        raise WrongValue(f"There is no program {name!r}. Known: {known or 'none'}.")
    return load_program(path)


def _check_placeholders(path: Path, text: str, program: Program) -> None:
    used = [("$.limiter.threshold", program.limiter.threshold)] if program.limiter else []
    used += [
        (f"$.settings[{number}].value", setting.value) for number, setting in enumerate(program.settings)
    ]
    for where, value in used:
        for name in _PLACEHOLDER.findall(value):
            if name not in program.values:
                reason = f"{{{name}}} is used, but [values] does not declare it"
                raise ModelFileError(path.name, line_of(text, where), reason)
