"""Configuration programs: TOML written by utility engineers. A *program* says what should hold on a meter.

The files lie in ``assets/programs``; their README explains each key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
from drivers.program_parts import (
    ChargeSetting,
    DemandSetting,
    DisconnectSetting,
    DisplaySetting,
    EmergencyProfile,
    ModemSetting,
    ObjectSetting,
    ProfileSetting,
    PushSetting,
    SpecialDays,
    TimeZone,
    TransformerSetting,
)
from drivers.toml_file import line_of, load_toml

_FILE = "file"
_SINGLE_PARTS = (
    "clock", "calendar", "capture", "limiter", "time_zone", "special_days", "disconnect", "modem",
)  # fmt: skip
_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.]+)\}")


class ValueRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that the order, the project or the engineer gives; a decimal between the bounds if there are
    any.

    ``agrees_with`` names a second value from another source (the plate beside the order) that must say the
    same.
    """

    label: str
    unit: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    default: str | None = None
    agrees_with: str | None = None


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
    confirmed. ``over_seconds`` until it acts, ``under_seconds`` until it lets go; in an emergency of
    one of the ``emergency_groups`` the ``emergency_threshold`` (in ``unit``, too) counts."""

    threshold: str
    unit: str = "W"
    item: str = "71:0.0.17.0.0.255:4"
    over_seconds: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] | None = None
    under_seconds: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] | None = None
    emergency_threshold: str | None = None
    emergency: EmergencyProfile | None = None
    emergency_groups: list[Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]] = []


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
    SIM_PIN = "sim_pin"
    HLS_PASSWORD = "hls_password"  # noqa: S105  # a kind, no password
    """The secret of the high mechanisms that hash one (MD5, SHA-1, SHA-256)."""

    @property
    def words(self) -> str:
        return self.value.replace("_", " ").replace("sim pin", "SIM PIN").replace("hls", "HLS")

    @property
    def is_password(self) -> bool:
        """Whether a client comes in with it, and with nothing else."""
        return self in (SecretKind.PASSWORD, SecretKind.HLS_PASSWORD)


class SecretSource(StrEnum):
    """Where the new value comes from: the office gave it, or it is drawn on the tablet and sealed to the
    office."""

    OFFICE = "office"
    GENERATED = "generated"


_SECRET_ITEMS = {
    SecretKind.PASSWORD: "15:0.0.40.0.2.255:7",
    SecretKind.SIM_PIN: "45:0.0.25.4.0.255:3",
    SecretKind.HLS_PASSWORD: "15:0.0.40.0.0.255:7",
}
_SECURITY_SETUP = "64:0.0.43.0.0.255:2"


class SecretSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password or key that is to be changed to the newest that there is. Its value never stands in a file.

    ``secret`` is its name where secrets are kept (default: the kind); ``client`` who comes in with a
    password; ``method``: by method 2 of the association instead of attribute 7. An HLS password goes by
    method 2 always, of the association in use where ``item`` names no other.
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
    def by_method(self) -> bool:
        """Whether a password goes by method 2 of the association."""
        return self.method or self.kind is SecretKind.HLS_PASSWORD

    @property
    def where(self) -> str:
        """The item that is written."""
        return self.item or _SECRET_ITEMS.get(self.kind, _SECURITY_SETUP)


DLMS_PARTS = (
    "time_zone", "calendar", "special_days", "capture", "profiles", "displays", "demands", "limiter",
    "transformers", "disconnect", "pushes", "modem", "charges", "objects", "secrets",
)  # fmt: skip
"""Parts that only a meter with DLMS/COSEM has."""


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What should hold on a meter after commissioning."""

    name: str
    version: int
    title: dict[str, str]
    models: list[str]
    values: dict[str, ValueRule] = {}
    clock: ClockSetting | None = None
    calendar: Schedule | None = None
    time_zone: TimeZone | None = None
    special_days: SpecialDays | None = None
    capture: CaptureSetting | None = None
    profiles: list[ProfileSetting] = []
    displays: list[DisplaySetting] = []
    demands: list[DemandSetting] = []
    limiter: LimiterSetting | None = None
    transformers: TransformerSetting | None = None
    disconnect: DisconnectSetting | None = None
    pushes: list[PushSetting] = []
    modem: ModemSetting | None = None
    charges: list[ChargeSetting] = []
    objects: list[ObjectSetting] = []
    settings: list[ValueSetting] = []
    secrets: list[SecretSetting] = []

    @property
    def dlms_parts(self) -> list[str]:
        """Those of ``DLMS_PARTS`` that it has."""
        return [part for part in DLMS_PARTS if getattr(self, part)]

    def check_is_for(self, model: str | None) -> None:
        """Raises ``WrongValue`` where the meter at the port is of a model that the program does not name; an
        unknown model is judged item by item."""
        if model is not None and self.models and model not in self.models:
            raise WrongValue(
                f"Program {self.name} is for {', '.join(self.models)}, and this meter is a {model}."
            )

    def resolve(self, text: str, values: dict[str, str]) -> str:
        """Put the values into ``{order.contracted_power}``. Raises ``WrongValue`` naming what is missing
        or wrong."""
        return _PLACEHOLDER.sub(lambda match: self._value(match[1], values), text)

    def _value(self, name: str, values: dict[str, str]) -> str:
        rule = self.values.get(name)
        if rule is None:
            raise WrongValue(f"Program {self.name} uses {name}, which it does not declare.")
        source = self.source_of(name, values)
        given = rule.default if source == _FILE else values.get(source)
        if not given:
            raise WrongValue(
                f"Program {self.name} needs {name} ({rule.label}), and the order does not give it."
            )
        if rule.minimum is not None or rule.maximum is not None:
            check_bounds(name, rule, given)
        if rule.agrees_with is not None:
            _check_agreement(name, given, rule.agrees_with, values.get(rule.agrees_with))
        return given

    def source_of(self, name: str, values: dict[str, str]) -> str:
        """The name under which a value is given: its own, else that of the order, else that of the
        project, else ``file`` for the default in this program. The first wins."""
        return next((key for key in candidates(name) if values.get(key)), _FILE)

    def sources(self, values: dict[str, str]) -> dict[str, str]:
        """Of each declared value: where it comes from."""
        return {name: self.source_of(name, values) for name in self.values}


def candidates(name: str) -> list[str]:
    """Under which names a value is looked for: as it is written; a plain name of the order, then of the
    project."""
    return [name] if "." in name else [name, f"order.{name}", f"project.{name}"]


def _check_agreement(name: str, given: str, other: str, second: str | None) -> None:
    if not second:
        raise WrongValue(
            f"{name} is {given}; it counts only when {other} says the same, and that is missing."
        )
    try:
        same = Decimal(given) == Decimal(second)
    except InvalidOperation:
        same = given == second
    if not same:
        raise WrongValue(f"{name} is {given}, but {other} is {second}: look at both again, one is wrong.")


def check_bounds(name: str, rule: ValueRule, given: str) -> None:
    """Raises ``WrongValue`` where a value is no number between its bounds."""
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
    for name in ("profiles", "displays", "demands", "pushes", "charges"):
        items += [(f"$.{name}[{n}].item", part.item) for n, part in enumerate(getattr(program, name))]
    for name in ("profiles", "displays", "pushes"):
        for n, part in enumerate(getattr(program, name)):
            items += [(f"$.{name}[{n}].objects", text) for text in part.objects]
    for n, part in enumerate(program.objects):
        items.append((f"$.objects[{n}].item", part.item))
    for key in _SINGLE_PARTS:
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


def check_ids(ids: Iterable[str]) -> None:
    """Raises ``WrongValue`` where two settings of a program have one id: one of them would be passed over."""
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise WrongValue(f"The program has two settings of the id {one!r}; each needs one of its own.")
        seen.add(one)


def find_program(name: str, folder: Path | None) -> Program:
    """A program by file path, or by name in the folder."""
    return load_program(program_path(name, folder))


def program_path(name: str, folder: Path | None) -> Path:
    """The file of a program, by path or by name in the folder. Raises ``WrongValue``."""
    direct = Path(name)
    if direct.suffix == ".toml" and direct.is_file():
        return direct
    if folder is None:
        raise WrongValue(f"There is no program {name!r}.")
    path = folder / f"{direct.name.removesuffix('.toml')}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.toml")))
        raise WrongValue(f"There is no program {name!r}. Known: {known or 'none'}.")
    return path


def _resolved_texts(program: Program) -> Iterator[tuple[str, str]]:
    """Every text that may hold ``{NAME}``, with its path in the file."""
    if program.limiter is not None:
        yield "$.limiter.threshold", program.limiter.threshold
        yield "$.limiter.emergency_threshold", program.limiter.emergency_threshold or ""
    for number, charge in enumerate(program.charges):
        for index, price in charge.prices.items():
            yield f"$.charges[{number}].prices.{index}", price
    if program.modem is not None:
        yield "$.modem.apn", program.modem.apn
    if program.transformers is not None:
        for word in ("ct_primary", "ct_secondary", "vt_primary", "vt_secondary", "nominal_voltage"):
            yield f"$.transformers.{word}", getattr(program.transformers, word) or ""
    for number, setting in enumerate(program.settings):
        yield f"$.settings[{number}].value", setting.value
    for number, push in enumerate(program.pushes):
        yield f"$.pushes[{number}].destination", push.destination
    for number, part in enumerate(program.objects):
        for name, text in part.set.items():
            yield f"$.objects[{number}].set.{name}", text


def _check_placeholders(path: Path, text: str, program: Program) -> None:
    for where, value in _resolved_texts(program):
        for name in _PLACEHOLDER.findall(value):
            if name not in program.values:
                reason = f"{{{name}}} is used, but [values] does not declare it"
                raise ModelFileError(path.name, line_of(text, where), reason)
