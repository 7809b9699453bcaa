"""A program checked against a model before any crew sees it: whether what it sets is there, may be
written, and is whole.

Pure. Every problem names file and line; ``error`` keeps a program from being used, ``warning`` does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from enum import StrEnum

import msgspec

from drivers.ansi.items import is_ansi
from drivers.changes import Danger
from drivers.dlms.calendar import Schedule
from drivers.dlms.configuration import OBJECT_LISTS, WholeState
from drivers.dlms.cosem import Item, obis_text, parse_item
from drivers.dlms.data import encode
from drivers.dlms.program_settings import settings_of
from drivers.dlms.secrets import is_key
from drivers.dlms.settings import CalendarActivation, CalendarPassive, Limiter, Setting
from drivers.dlms.supply import Prices
from drivers.errors import DriverError
from drivers.iec62056.readout import is_code
from drivers.model_view import ModelView
from drivers.models import MeterModel, Protocols
from drivers.program_parts import DaylightSaving, special_date, yearly_start
from drivers.programs import DLMS_PARTS, Program, SecretKind, SecretSetting, SecretSource, ValueRule
from drivers.toml_file import line_of

_SCRIPT_TABLE = 9
_LISTS = ("displays", "profiles", "demands", "pushes", "charges", "objects", "settings")


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a program, and where: ``line`` is 1-based, 0 unknown."""

    file: str
    line: int
    severity: Severity
    reason: str


class CheckedItem(msgspec.Struct, frozen=True):
    """One thing that the program sets, with the most that changing it could break."""

    id: str
    item: str
    name: str
    danger: Danger


class ProgramCheck(msgspec.Struct, frozen=True):
    """The answer of a check."""

    program: str
    model: str
    problems: list[Problem]
    items: list[CheckedItem]

    @property
    def ok(self) -> bool:
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


def check_program(
    program: Program, file: str, text: str, model: MeterModel, view: ModelView | None
) -> ProgramCheck:
    """``text`` is the file's, for the lines. Without ``view`` objects and rights cannot be checked, and it
    says so."""
    check = _Check(program, file, text, model, view)
    check.run()
    return ProgramCheck(program.name, model.name, check.problems, check.items)


class _Check:
    def __init__(
        self, program: Program, file: str, text: str, model: MeterModel, view: ModelView | None
    ) -> None:
        self._program, self._file, self._text = program, file, text
        self._model, self._view = model, view
        self.problems: list[Problem] = []
        self.items: list[CheckedItem] = []

    def run(self) -> None:
        program = self._program
        if program.models and self._model.name not in program.models:
            self._error("$.models", f"the program is for {', '.join(program.models)}, not {self._model.name}")
        self._values()
        if program.calendar is not None:
            self._calendar(program.calendar)
        self._special_days()
        if program.time_zone is not None:
            if program.time_zone.daylight_saving is not None:
                self._daylight_saving(program.time_zone.daylight_saving)
            self._same_zone(program.time_zone.minutes)
        if self._model.protocol is not Protocols.DLMS:
            self._without_dlms()
            return
        settings = self._settings()
        if self._view is None:
            self._warn("$.models", f"no view of {self._model.name} is known here: objects are not checked")
        self._twice(settings)
        for setting in settings:
            self._objects_of(setting)
        self._secrets()

    def _without_dlms(self) -> None:
        """Of an ANSI meter only the clock is set, by its standard procedure; of an IEC 62056-21 meter the
        clock and single values by their codes, in programming mode."""
        ansi = self._model.protocol is Protocols.ANSI
        clock = self._program.clock
        if clock is not None:
            self.items.append(CheckedItem("clock", clock.item, "clock", Danger.CLOCK_JUMP))
            if ansi and not is_ansi(clock.item):
                self._error("$.clock.item", f"{clock.item} is no item of an ANSI meter: use ansi:ST52:clock")
            if not ansi and self._model.iec.clock is None:
                where = f"{self._model.name} has no [iec.clock]: the model file must say where its clock is"
                self._error("$.clock", where)
        for number, setting in enumerate(() if ansi else self._program.settings):
            self.items.append(CheckedItem(setting.id, setting.item, setting.name, setting.danger))
            if not is_code(setting.item):
                self._error(f"$.settings[{number}].item", f"{setting.item} is no code of a data set")
        self._ids_twice([one.id for one in self.items])
        for name in (*DLMS_PARTS, "settings"):
            if getattr(self._program, name) and (ansi or name != "settings"):
                speaks = "ANSI C12" if ansi else "IEC 62056-21"
                self._error(f"$.{name}", f"{name} is set by DLMS/COSEM; {self._model.name} speaks {speaks}")

    # ---- values

    def _values(self) -> None:
        for name, rule in self._program.values.items():
            where = f'$.values."{name}"'
            for word in ("default", "minimum", "maximum"):
                reason = _number_problem(rule, word)
                if reason is not None:
                    self._error(where, f"{name}: {reason}")
            if rule.agrees_with is not None and rule.agrees_with == name:
                self._error(where, f"{name} cannot agree with itself")
            if f"{{{name}}}" not in self._text:
                self._warn(where, f"{name} is declared and never used")

    def _samples(self) -> dict[str, str]:
        """A value for each that is declared, within its bounds."""
        found: dict[str, str] = {}
        for name, rule in self._program.values.items():
            value = rule.default or rule.minimum or rule.maximum or "1"
            found[name] = value
            if rule.agrees_with is not None:
                found[rule.agrees_with] = value
        return found

    # ---- calendar

    def _calendar(self, schedule: Schedule) -> None:
        """That every day of the year has a profile is so by construction: seasons follow one another round
        the year, each week has seven days, each day begins at 00:00. What may be wrong is said here."""
        for what, names in (
            ("days", [str(day.id) for day in schedule.days]),
            ("weeks", [week.name for week in schedule.weeks]),
            ("seasons", [season.name for season in schedule.seasons]),
        ):
            for name in _repeated(names):
                self._error(f"$.calendar.{what}", f"{what[:-1]} {name} stands twice")
        for start in _repeated([season.start for season in schedule.seasons]):
            self._error("$.calendar.seasons", f"two seasons begin on {start}")
        for number, season in enumerate(schedule.seasons):
            if _date_problem(season.start) is not None:
                self._error(f"$.calendar.seasons[{number}].start", f"{season.start}: there is no such day")
        special = self._program.special_days
        used_days = {day for week in schedule.weeks for day in week.days}
        used_days |= {one.day for one in special.days} if special is not None else set()
        used_weeks = {season.week for season in schedule.seasons}
        used_tariffs = {tariff for day in schedule.days for tariff in day.at.values()}
        for number, day in enumerate(schedule.days):
            if day.id not in used_days:
                self._warn(f"$.calendar.days[{number}]", f"day {day.name} is in no week and no special day")
        for number, week in enumerate(schedule.weeks):
            if week.name not in used_weeks:
                self._warn(f"$.calendar.weeks[{number}]", f"week {week.name} is in no season")
        for tariff in schedule.tariffs:
            if tariff not in used_tariffs:
                self._warn("$.calendar.tariffs", f"tariff {tariff} is in no day")
        script = parse_item(f"{_SCRIPT_TABLE}:{schedule.script}")
        if self._view is not None and not _is_there(self._view, script):
            self._error("$.calendar.script", f"{self._model.name} has no script table {schedule.script}")

    def _special_days(self) -> None:
        special, calendar = self._program.special_days, self._program.calendar
        if special is None:
            return
        known = {day.id for day in calendar.days} if calendar is not None else None
        seen: set[str] = set()
        for number, one in enumerate(special.days):
            where = f"$.special_days.days[{number}]"
            try:
                special_date(one.date)
            except ValueError as error:
                self._error(where, str(error))
            if one.date in seen:
                self._error(where, f"{one.date} stands twice")
            seen.add(one.date)
            if known is not None and one.day not in known:
                self._error(where, f"{one.date}: day {one.day} is not declared in the calendar")

    def _daylight_saving(self, saving: DaylightSaving) -> None:
        starts = []
        for word, text in (("begin", saving.begin), ("end", saving.end)):
            try:
                starts.append(yearly_start(text))
            except ValueError as error:
                self._error(f"$.time_zone.daylight_saving.{word}", str(error))
        if len(starts) == 2 and starts[0][2:4] == starts[1][2:4]:
            self._error("$.time_zone.daylight_saving", "daylight saving begins and ends on the same day")

    def _same_zone(self, minutes: int) -> None:
        known = self._model.time_zone_minutes
        if known is not None and known != minutes:
            reason = f"the model file says {known} minutes, the program {minutes}: UTC = local + minutes"
            self._warn("$.time_zone.minutes", reason)

    # ---- objects

    def _settings(self) -> list[Setting]:
        model = self._model if self._model.name in self._program.models else None
        try:
            found = settings_of(self._program, self._samples(), model)
        except DriverError as error:
            self._error("$", error.message)
            return []
        except ValueError as error:
            self._error("$", str(error))
            return []
        for setting in found:
            self.items.append(CheckedItem(setting.id, str(setting.item), setting.name, _worst(setting)))
            if isinstance(setting, WholeState):
                try:
                    encode(setting.wanted)
                except ValueError as error:
                    self._error(self._where(setting), f"{setting.name}: {error}")
        return found

    def _twice(self, settings: list[Setting]) -> None:
        seen: dict[Item, str] = {}
        for setting in settings:
            if isinstance(setting, CalendarActivation):
                continue
            if setting.item in seen:
                self._error(self._where(setting), f"{setting.item} is set twice, by {seen[setting.item]} too")
            seen.setdefault(setting.item, setting.id)
        secrets = dict.fromkeys(secret.id for secret in self._program.secrets)
        self._ids_twice([*(setting.id for setting in settings), *secrets])

    def _ids_twice(self, ids: list[str]) -> None:
        for name in _repeated(ids):
            self._error("$.settings", f"the id {name} stands twice")

    def _objects_of(self, setting: Setting) -> None:
        where = self._where(setting)
        for item in _written(setting):
            self._needs(where, item, "write")
        if isinstance(setting, CalendarActivation):
            self._needs(where, setting.item.of(1), "call")
        if isinstance(setting, Prices) and setting.is_active:
            self._needs(where, setting.item.of(2), "call")
        if isinstance(setting, Limiter):
            self._needs(where, setting.item.of(2), "read")
        lists_objects = (setting.item.class_id, setting.item.attribute) in OBJECT_LISTS
        if isinstance(setting, WholeState) and lists_objects:
            for row in setting.wanted.items:
                class_id, name, attribute = (part.value for part in row.items[:3])
                if isinstance(class_id, int) and isinstance(name, bytes) and isinstance(attribute, int):
                    self._needs(where, Item(class_id, name, attribute), "read")

    def _needs(self, where: str, item: Item, right: str) -> None:
        view = self._view
        if view is None:
            return
        found = view.object_of(item)
        if found is None:
            self._error(where, f"{self._model.name} has no object {obis_text(item.obis)}")
        elif found.class_id != item.class_id:
            classes = f"class {found.class_id} in {self._model.name}, not {item.class_id}"
            self._error(where, f"{obis_text(item.obis)} is of {classes}")
        elif not {"read": view.may_read, "write": view.may_write, "call": view.may_call}[right](item):
            self._error(where, f"client {view.client} of {self._model.name} may not {right} {item}")

    def _secrets(self) -> None:
        for number, secret in enumerate(self._program.secrets):
            where = f"$.secrets[{number}]"
            item = parse_item(secret.where)
            self.items.append(CheckedItem(secret.id, str(item), secret.kind.words, Danger.COMMUNICATION))
            if secret.source is SecretSource.GENERATED and not is_key(secret.kind):
                self._error(where, "a password is given by the office: only keys are drawn on a tablet")
            by_method = secret.by_method or is_key(secret.kind)
            if secret.kind.is_password:
                self._comes_in(where, secret)
            if secret.kind is SecretKind.HLS_PASSWORD and not secret.item:
                continue  # of its own association, which the view of another client does not show
            self._needs(where, item.of(2) if by_method else item, "call" if by_method else "write")
        for name in _repeated([secret.id for secret in self._program.secrets]):
            self._error("$.secrets", f"{name} stands twice")

    def _comes_in(self, where: str, secret: SecretSetting) -> None:
        """A new password is proven by coming in with it: its client must be one that does."""
        found = [one for one in self._model.clients.values() if one.id == secret.client]
        if found and found[0].password != secret.name:
            used = found[0].password or "no password"
            self._error(where, f"client {secret.client} of {self._model.name} comes in with {used}")

    # ---- where

    def _where(self, setting: Setting) -> str:
        word = setting.id.split(".")[0]
        if word in ("calendar", "limiter", "clock", "special_days", "transformers", "disconnect", "modem"):
            return f"$.{word}"
        if word in ("time_zone", "daylight_saving"):
            return "$.time_zone"
        if setting.id == "capture_period":
            return "$.capture"
        for name in _LISTS:
            for number, part in enumerate(getattr(self._program, name)):
                item = parse_item(part.item)
                if (item.class_id, item.obis) == (setting.item.class_id, setting.item.obis):
                    return f"$.{name}[{number}].item"
        return "$"

    def _error(self, where: str, reason: str) -> None:
        self._say(Severity.ERROR, where, reason)

    def _warn(self, where: str, reason: str) -> None:
        self._say(Severity.WARNING, where, reason)

    def _say(self, severity: Severity, where: str, reason: str) -> None:
        self.problems.append(Problem(self._file, line_of(self._text, where), severity, reason))


def _written(setting: Setting) -> Iterable[Item]:
    if isinstance(setting, CalendarActivation) or (isinstance(setting, Prices) and setting.is_active):
        return []
    return setting.passive if isinstance(setting, CalendarPassive) else [setting.item]


def _worst(setting: Setting) -> Danger:
    """The most dangerous that a change of it can be."""
    if setting.id == "clock":
        return Danger.CLOCK_JUMP
    if isinstance(setting, Limiter) or (isinstance(setting, Prices) and setting.is_active):
        return Danger.SUPPLY
    return getattr(setting, "danger", Danger.HARMLESS)


def _is_there(view: ModelView, item: Item) -> bool:
    found = view.object_of(item)
    return found is not None and found.class_id == item.class_id


def _repeated(names: list[str]) -> Iterator[str]:
    return (name for name in dict.fromkeys(names) if names.count(name) > 1)


def _date_problem(text: str) -> str | None:
    try:
        special_date(text)
    except ValueError as error:
        return str(error)
    return None


def _number_problem(rule: ValueRule, word: str) -> str | None:
    """Why a bound or a default is no number or lies outside of the bounds."""
    text: str | None = getattr(rule, word)
    bounded = rule.minimum is not None or rule.maximum is not None
    if text is None or not bounded:
        return None
    try:
        number = Decimal(text)
        low = Decimal(rule.minimum) if rule.minimum is not None else number
        high = Decimal(rule.maximum) if rule.maximum is not None else number
    except InvalidOperation:
        return f"{word} {text!r} is not a number" if word != "default" else "default or bounds are no numbers"
    return None if low <= number <= high else f"{word} {text} lies outside of {low:f} to {high:f}"
