"""SLA rules as a file says them: what starts and stops a clock, what makes it stand, how long it may run.

```toml
[sla]
time_zone = "America/Lima"
calendar = { days = ["mon", "tue", "wed", "thu", "fri"], hours = ["07:00-17:00"], holidays = ["2026-12-25"] }

[[sla.rule]]
id = "execute"
kinds = ["exchange"]              # none: every kind
start = "issued"                  # issued, dispatched, scheduled, started, completed, returned
stop = ["completed", "notDone"]   # statuses
limit = "10d"                     # s, m, h, d (a day of the calendar counts its working hours) or "due"
warn = "80%"
calendar = "working"              # or "always"
pauses = [{ reason = "weather", attributable = false }, { reason = "no_stock", attributable = true }]

[[sla.join]]
within = "24h"
target = "90"
```

A pause is the status `suspended` or `notDone` with that reason. The clock stands only in pauses that are not
attributable to the contractor; the others are counted and shown.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from workorders.journal.words import OrderStatus, TaskKind
from workorders.rollout.calendar import DAYS, WorkingCalendar

STARTS = frozenset({"issued", "dispatched", "scheduled", "started", "completed", "returned"})
_DURATION = re.compile(r"(\d+)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class RulesError(ValueError):
    """A rules file with a mistake. Text for people: `error.rules.bad` with file, line, reason.

    Attributes:
        file, line (None where it is not known), reason, path (the key).
    """

    code = "bad_rules"

    def __init__(self, file: str, line: int | None, reason: str, path: str = "") -> None:
        where = file if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {path + ': ' if path else ''}{reason}")
        self.file = file
        self.line = line
        self.reason = reason
        self.path = path


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A reason that makes the clock stand, or (attributable to the contractor) only is shown."""

    reason: str
    attributable: bool = False


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `limit` None: the order's own due time is the limit."""

    id: str
    start: str
    stop: tuple[str, ...]
    limit: timedelta | None
    kinds: frozenset[str] = frozenset()
    warn_percent: int = 80
    working: bool = False
    pauses: tuple[Pause, ...] = ()


class JoinTarget(msgspec.Struct, frozen=True, kw_only=True):
    """So many percent of the mounted devices must be heard within so many hours."""

    hours: int
    target: Decimal


DEFAULT_JOIN = (
    JoinTarget(hours=24, target=Decimal(90)),
    JoinTarget(hours=72, target=Decimal(95)),
    JoinTarget(hours=720, target=Decimal("98.5")),
)


class SlaRules(msgspec.Struct, frozen=True, kw_only=True):
    """All rules of a project."""

    calendar: WorkingCalendar = WorkingCalendar()
    rules: tuple[Rule, ...] = ()
    join: tuple[JoinTarget, ...] = DEFAULT_JOIN

    @property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self.calendar.time_zone)


class _Reader:
    """Reads one file and knows where in it a key stands."""

    def __init__(self, source: str, file: str) -> None:
        self.source = source
        self.file = file

    def fail(self, path: str, reason: str) -> RulesError:
        return RulesError(self.file, find_line(self.source, path), reason, path)


def find_line(source: str, path: str) -> int | None:
    """The line of a key like `sla.rule[1].limit` in a TOML text; of its table where the key is missing."""
    parts = re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)
    names = [name for name, _ in parts if name]
    for take in range(len(names), 0, -1):
        line = _line_of(source, names[:take], [int(number) for _, number in parts if number])
        if line is not None:
            return line
    return None


def _line_of(source: str, names: list[str], indexes: list[int]) -> int | None:
    counts: dict[str, int] = {}
    table, best = "", None
    wanted, key = ".".join(names), names[-1]
    parent = ".".join(names[:-1])
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if match := re.match(r"(\[\[?)\s*([^\]]+?)\s*\]", text):
            table = match.group(2)
            if match.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
            if table == wanted and (table not in counts or not indexes or counts[table] == indexes[0]):
                best = best or number
        elif (
            table == parent
            and re.match(rf"{re.escape(key)}\s*=", text)
            and (table not in counts or not indexes or counts[table] == indexes[0])
        ):
            return number
    return best


def load_rules(path: Path) -> SlaRules:
    """Read the `[sla]` part of a project's TOML file.

    Raises:
        RulesError: with file, line and reason.
    """
    try:
        source = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(str(path), None, f"cannot be read: {error}") from None
    return read_rules(source, str(path))


def read_rules(source: str, file: str = "rules.toml") -> SlaRules:
    """As `load_rules`, from text. A file without `[sla]` has no rules, and the usual join targets.

    Raises:
        RulesError
    """
    try:
        value = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise RulesError(file, int(line.group(1)) if line else None, str(error)) from None
    reader = _Reader(source, file)
    sla = value.get("sla", {})
    if not isinstance(sla, dict):
        raise reader.fail("sla", "must be a table")
    _only(reader, sla, "sla", {"time_zone", "calendar", "rule", "join"})
    zone = sla.get("time_zone", value.get("time_zone", "UTC"))
    calendar = _calendar(reader, sla.get("calendar", {}), zone)
    rules = tuple(
        _rule(reader, rule, f"sla.rule[{index}]", calendar)
        for index, rule in enumerate(_list(reader, sla, "rule"))
    )
    names = [rule.id for rule in rules]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise reader.fail(f"sla.rule[{index}].id", f"a second rule {name!r}")
    joins = tuple(
        _join(reader, join, f"sla.join[{index}]") for index, join in enumerate(_list(reader, sla, "join"))
    )
    return SlaRules(calendar=calendar, rules=rules, join=joins or DEFAULT_JOIN)


def _only(reader: _Reader, table: dict[str, Any], path: str, known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise reader.fail(f"{path}.{key}", f"not known here; known are {', '.join(sorted(known))}")


def _list(reader: _Reader, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise reader.fail(f"sla.{key}", f"write each as [[sla.{key}]]")
    return found


def _calendar(reader: _Reader, table: Any, zone: Any) -> WorkingCalendar:
    path = "sla.calendar"
    if not isinstance(table, dict):
        raise reader.fail(path, "must be a table")
    _only(reader, table, path, {"days", "hours", "holidays"})
    try:
        ZoneInfo(str(zone))
    except (KeyError, ValueError, OSError):
        raise reader.fail("sla.time_zone", f"no such time zone: {zone!r}") from None
    days = table.get("days", list(DAYS))
    if not isinstance(days, list) or not days or not set(days) <= set(DAYS):
        raise reader.fail(f"{path}.days", f"some of {', '.join(DAYS)}")
    holidays = [str(day) for day in table.get("holidays", [])]
    for day in holidays:
        try:
            date.fromisoformat(day)
        except ValueError:
            raise reader.fail(f"{path}.holidays", f"{day!r} is no date") from None
    return WorkingCalendar(
        time_zone=str(zone),
        days=tuple(days),
        hours=_hours(reader, table.get("hours", []), f"{path}.hours"),
        holidays=frozenset(holidays),
    )


def _hours(reader: _Reader, texts: Any, path: str) -> tuple[tuple[time, time], ...]:
    found: list[tuple[time, time]] = []
    for text in texts if isinstance(texts, list) else [texts]:
        try:
            begin, end = (time.fromisoformat(part.strip()) for part in str(text).split("-"))
        except ValueError:
            raise reader.fail(path, f'{text!r} is not like "07:00-17:00"') from None
        if begin >= end or (found and begin < found[-1][1]):
            raise reader.fail(path, f"{text!r} must end after it begins, and follow the one before")
        found.append((begin, end))
    return tuple(found)


def _duration(reader: _Reader, text: Any, path: str) -> timedelta:
    match = _DURATION.fullmatch(str(text).strip())
    if match is None:
        raise reader.fail(path, f'{text!r} is not a duration like "72h" or "10d"')
    return timedelta(**{_UNITS[match.group(2)]: int(match.group(1))})


def _rule(reader: _Reader, table: dict[str, Any], path: str, calendar: WorkingCalendar) -> Rule:
    _only(reader, table, path, {"id", "kinds", "start", "stop", "limit", "warn", "calendar", "pauses"})
    for key in ("id", "start", "stop", "limit"):
        if key not in table:
            raise reader.fail(f"{path}.{key}", "is missing")
    if table["start"] not in STARTS:
        raise reader.fail(f"{path}.start", f"one of {', '.join(sorted(STARTS))}")
    stop = [table["stop"]] if isinstance(table["stop"], str) else table["stop"]
    kinds = table.get("kinds", [])
    _members(reader, stop, f"{path}.stop", {str(status) for status in OrderStatus})
    _members(reader, kinds, f"{path}.kinds", {str(kind) for kind in TaskKind})
    if table.get("calendar", "always") not in ("working", "always"):
        raise reader.fail(f"{path}.calendar", "working or always")
    working = table.get("calendar", "always") == "working"
    limit = None if table["limit"] == "due" else _duration(reader, table["limit"], f"{path}.limit")
    if limit is not None and working:
        limit = _working_days(str(table["limit"]), limit, calendar)
    warn = re.fullmatch(r"(\d{1,3})\s*%", str(table.get("warn", "80%")))
    if warn is None or int(warn.group(1)) > 100:
        raise reader.fail(f"{path}.warn", 'a share like "80%"')
    return Rule(
        id=str(table["id"]),
        start=table["start"],
        stop=tuple(stop),
        limit=limit,
        kinds=frozenset(kinds),
        warn_percent=int(warn.group(1)),
        working=working,
        pauses=_pauses(reader, table.get("pauses", []), f"{path}.pauses"),
    )


def _working_days(text: str, limit: timedelta, calendar: WorkingCalendar) -> timedelta:
    """`10d` under a working calendar are ten working days, not 240 hours of work."""
    if not text.strip().endswith("d") or not calendar.hours:
        return limit
    day = sum(((end.hour - begin.hour) * 60 + end.minute - begin.minute for begin, end in calendar.hours), 0)
    return timedelta(minutes=day * limit.days)


def _members(reader: _Reader, found: Any, path: str, known: set[str]) -> None:
    if not isinstance(found, list) or not set(map(str, found)) <= known:
        raise reader.fail(path, f"some of {', '.join(sorted(known))}")


def _pauses(reader: _Reader, found: Any, path: str) -> tuple[Pause, ...]:
    try:
        return tuple(msgspec.convert(item, Pause) for item in found)
    except (msgspec.ValidationError, TypeError) as error:
        raise reader.fail(
            path, f'each like {{ reason = "weather", attributable = false }}: {error}'
        ) from None


def _join(reader: _Reader, table: dict[str, Any], path: str) -> JoinTarget:
    _only(reader, table, path, {"within", "target"})
    hours = _duration(reader, table.get("within"), f"{path}.within") // timedelta(hours=1)
    try:
        target = Decimal(str(table.get("target")))
    except InvalidOperation:
        raise reader.fail(f"{path}.target", 'a percentage like "98.5"') from None
    if not 0 < target <= 100 or hours < 1:
        raise reader.fail(path, "a percentage up to 100 within at least an hour")
    return JoinTarget(hours=hours, target=target)
