"""Meter models and configuration programs: TOML written by utility engineers, checked before any meter is
touched.

A *model* says how a type of meter is recognised and what it has; a *program* says what should hold on it.
The files lie in ``assets/models`` and ``assets/programs``; their README explains each key.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from drivers.ansi.items import is_ansi, parse_ansi_item
from drivers.changes import Danger
from drivers.connection import Auth, Referencing
from drivers.dlms.calendar import Schedule, schedule_problem
from drivers.dlms.cosem import parse_item
from drivers.errors import DriverError, ModelFileError, WrongValue
from drivers.iec62056.options import IecOptions
from drivers.iec62056.readout import is_code
from drivers.reading import Identity
from drivers.toml_file import line_of, load_toml
from drivers.wiring.angles import Sense

TECHNOLOGIES = frozenset({"none", "prime", "g3", "gsm", "wisun", "lorawan", "rf", "twacs", "rpma", "plc"})
_DEVICE_ID = re.compile(r"1:0\.0\.96\.1\.(\d)\.255:2")
_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.]+)\}")


class Protocols(StrEnum):
    """What a type of meter speaks at its optical port."""

    DLMS = "dlms"
    ANSI = "ansi"
    IEC = "iec"
    """Only IEC 62056-21: readout and programming mode."""


class ModelClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A client the meter knows: address, mechanism, and its invocation counter object (an item), if
    ciphered."""

    id: int
    auth: Auth = Auth.NONE
    counter: str | None = None


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Regular expressions that recognise the model; each one given must be found.

    ``device_type`` is looked for in the device type and in every device id. A meter that shows its device
    type to nobody (the public client, without a sign-on) is recognised by ``logical_device_name`` and
    ``firmware`` together: the manufacturer's letters alone are those of all its types.
    """

    identification: str | None = None
    logical_device_name: str | None = None
    device_type: str | None = None
    firmware: str | None = None


class NamedItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item with the name shown to people; ``group`` sorts it on the screen."""

    item: str
    name: str
    group: str = "energy"


class Quirks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this make does differently.

    ``deviation_reversed``: UTC = local − deviation. ``counter_first``: read the invocation counter before
    each association (the model fixes the client's system title). ``list_limit``: most items in one
    with-list read, 1 for none. ``angles``: how it counts 1.0.81.7.xy, y behind x (``lag``) or ahead of it
    (``lead``); unknown, the sense is learnt from its reactive power.
    """

    deviation_reversed: bool = False
    counter_first: bool = False
    list_limit: int | None = None
    angles: Sense | None = None


class MeterModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of meter. ``manufacturer`` are FLAG letters (ANSI: up to four characters, empty for any);
    ``identity`` maps a word to the item that holds it. Items of a meter with ``protocol`` iec are codes as
    it sends them (``1.8.0``); ``iec`` says what its make does differently."""

    name: str
    title: dict[str, str]
    manufacturer: str
    phases: int
    match: Match
    clients: dict[str, ModelClient]
    protocol: Protocols = Protocols.DLMS
    technology: str = "none"
    connection: str = "direct"
    server: str = "1"
    baud: int = 9600
    lockout_seconds: int = 60
    time_zone_minutes: int | None = None
    referencing: Referencing = Referencing.LN
    identity: dict[str, str] = {}
    readings: list[NamedItem] = []
    profile: str = "7:1.0.99.1.0.255:2"
    events: str | None = None
    event_logs: list[str] = []
    event_names: dict[str, dict[str, str]] = {}
    status_bits: dict[str, dict[str, str]] = {}
    relay: str | None = None
    modules: list[str] = []
    children: list[str] = []
    quirks: Quirks = Quirks()
    iec: IecOptions = IecOptions()

    def counter_item(self, client: int) -> str | None:
        """The invocation counter object of a client."""
        return next((known.counter for known in self.clients.values() if known.id == client), None)

    def name_of(self, item: str) -> str | None:
        return next((named.name for named in self.readings if named.item == item), None)

    def recognises_line(self, line: str) -> bool:
        """Whether the identification line (``MMM text``) is one of this model."""
        return bool(self.match.identification and re.search(self.match.identification, line))

    def recognises(self, identity: Identity) -> bool:
        """Whether every given expression is found; a value that is not known yet decides nothing."""
        match = self.match
        pairs = {
            "identification": (match.identification, [identity.extra.get("identification")]),
            "type": (match.device_type, self._device_types(identity)),
            "name": (match.logical_device_name, [identity.logical_device_name]),
            "firmware": (match.firmware, [identity.firmware]),
        }
        decided = {
            word: any(re.search(expression, text) for text in texts if text)
            for word, (expression, texts) in pairs.items()
            if expression and any(texts)
        }
        told = {"identification", "type"} & decided.keys() or {"name", "firmware"} <= decided.keys()
        return bool(told) and all(decided.values())

    def _device_types(self, identity: Identity) -> list[str | None]:
        """What the device type is looked for in. Where it stands in one device id, the others say nothing of
        it: a client that may not read that one has not seen another type."""
        item = self.identity.get("device_type", "")
        place = _DEVICE_ID.fullmatch(item)
        if place is not None:
            return [identity.extra.get("device_type") or identity.extra.get(f"device_id_{place[1]}")]
        return [text for word, text in identity.extra.items() if word.startswith("device_")]


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


def load_model(path: Path) -> MeterModel:
    """Raises ``ModelFileError`` with file, line and reason."""
    model, text = load_toml(path, MeterModel)
    checks = [(f"$.identity.{key}", item) for key, item in model.identity.items()]
    checks += [(f"$.readings[{number}].item", named.item) for number, named in enumerate(model.readings)]
    checks += [(f"$.clients.{key}.counter", c.counter) for key, c in model.clients.items() if c.counter]
    if model.protocol is not Protocols.IEC:  # there, the addresses of profile and log stand in [iec.profile]
        names = ("profile", "events", "relay")
        checks += [(f"$.{key}", item) for key in names if (item := getattr(model, key))]
    checks += [(f"$.children[{number}]", item) for number, item in enumerate(model.children)]
    checks += [(f"$.event_logs[{number}]", item) for number, item in enumerate(model.event_logs)]
    for where, item in checks:
        if model.protocol is Protocols.IEC:
            _check_code(path, text, where, item)
        else:
            _check_item(path, text, where, item)
    _check_iec(path, text, model.iec)
    for key in ("identification", "logical_device_name", "device_type", "firmware"):
        expression = getattr(model.match, key)
        if expression is not None:
            _check_expression(path, text, f"$.match.{key}", expression)
    for bit in model.status_bits:
        if not bit.isdecimal() or int(bit) > 63:
            reason = f"status bit {bit!r} is not a number of 0 to 63"
            raise ModelFileError(path.name, line_of(text, f"$.status_bits.{bit}"), reason)
    if model.technology not in TECHNOLOGIES:
        reason = f"technology {model.technology!r} is not one of {', '.join(sorted(TECHNOLOGIES))}"
        raise ModelFileError(path.name, line_of(text, "$.technology"), reason)
    return model


def load_models(folder: Path) -> dict[str, MeterModel]:
    """All models of a folder by name. Raises ``ModelFileError`` for the first mistake."""
    models = [load_model(path) for path in sorted(folder.glob("*.toml"))]
    return {model.name: model for model in models}


def load_program(path: Path) -> Program:
    """Raises ``ModelFileError`` with file, line and reason."""
    program, text = load_toml(path, Program)
    items = [
        (f"$.settings[{n}].item", setting.item)
        for n, setting in enumerate(program.settings)
        if not is_code(setting.item)  # of a meter in programming mode: as the meter calls it
    ]
    for key in ("clock", "calendar", "capture", "limiter"):
        setting = getattr(program, key)
        if setting is not None:
            items.append((f"$.{key}.item", setting.item))
    for where, item in items:
        _check_item(path, text, where, item)
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


def _check_item(path: Path, text: str, where: str, item: str) -> None:
    try:
        parse_ansi_item(item) if is_ansi(item) else parse_item(item)
    except DriverError as error:
        raise ModelFileError(path.name, line_of(text, where), error.message) from None


def _check_code(path: Path, text: str, where: str, item: str) -> None:
    if not is_code(item):
        reason = f"{item!r} is not a code as the meter sends it, like 1.8.0 or C.1.0"
        raise ModelFileError(path.name, line_of(text, where), reason)


def _check_iec(path: Path, text: str, options: IecOptions) -> None:
    if options.programming is not None:
        _check_expression(path, text, "$.iec.programming.error", options.programming.error)
        if "{password}" not in options.programming.password:
            reason = "the wrapped password must hold {password}"
            raise ModelFileError(path.name, line_of(text, "$.iec.programming.password"), reason)
    if options.profile is not None:
        try:
            options.profile.bounds(None, None)
        except (KeyError, IndexError, ValueError):
            reason = "only {start} and {end} may stand in the request"
            raise ModelFileError(path.name, line_of(text, "$.iec.profile.request"), reason) from None


def _check_expression(path: Path, text: str, where: str, expression: str) -> None:
    try:
        re.compile(expression)
    except re.error as error:
        reason = f"not a regular expression: {error}"
        raise ModelFileError(path.name, line_of(text, where), reason) from None
