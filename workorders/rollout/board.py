"""The figures of the supervisor's board; times in UTC, days on the project's calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, case, func, select

from workorders.clock import read_utc, utc_text
from workorders.journal.words import OrderStatus
from workorders.network.orphans import orphans
from workorders.orders import EXECUTED
from workorders.rollout import figures
from workorders.rollout.clocks import ClockState
from workorders.rollout.rules import JoinTarget, SlaRules
from workorders.rollout.sla import SlaTable
from workorders.store import schema
from workorders.store.queries.lists import OrderFilter, status_counts
from workorders.store.queries.record import count_exceptions

ORPHAN_TARGET = Decimal("0.5")
REWORK_TARGET = Decimal(2)
ORPHAN_AFTER_HOURS = 7 * 24


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was promised: so many a day, so many in all, from that day (ISO date)."""

    daily: int = 0
    total: int = 0
    start: str | None = None


class JoinFigure(msgspec.Struct, frozen=True, kw_only=True):
    """Of devices mounted at least `hours` ago, how many were heard within that time."""

    hours: int
    placed: int
    joined: int
    percent: str | None
    target: str
    met: bool | None


class RuleFigure(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks of one rule by state."""

    rule: str
    states: dict[str, int]


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Cumulative plan and execution at the end of a day."""

    day: str
    planned: int
    done: int


class CrewDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a crew did on a day."""

    crew: str
    day: str
    done: int
    not_done: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A number, its base, percent as text, and the most it may be."""

    number: int
    base: int
    percent: str | None
    target: str
    met: bool | None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a project as of `at` (UTC text)."""

    at: str
    done_today: int
    planned_today: int
    not_done_today: int
    late: int
    warning: int
    statuses: dict[str, int]
    rules: list[RuleFigure]
    join: list[JoinFigure]
    orphans: dict[str, int]
    orphan_share: Share
    rework: Share
    waiting_approval: int
    exceptions: dict[str, int]
    curve: list[CurvePoint]
    crews: list[CrewDay]
    plan: Plan = Plan()
    sla: SlaTable | None = None
    """None from an office before 0012, and where nobody asked."""


def board(
    connection: Connection,
    *,
    project: str,
    rules: SlaRules,
    plan: Plan,
    now: datetime,
    days: int = 14,
) -> Board:
    """The figures of one project. Call `refresh_clocks` before, so that clocks follow the newest entries.

    Args:
        days: how many days back `crews` and the end of the curve reach.
    """
    text = utc_text(now)
    today = rules.calendar.local_date(now)
    counted = figures.kept_here(connection)
    if counted:
        done, not_done = figures.by_day(connection, project, rules.time_zone)
        statuses = figures.statuses(connection, project)
        clocks = figures.clock_states(connection, project, text)
        late, warning = figures.late_and_warned(connection, project, text)
    else:
        done = _by_day(connection, project, rules, "completed_at")
        not_done = _by_day(connection, project, rules, "not_done_at")
        statuses = status_counts(connection, OrderFilter(project=project))
        clocks = _clock_states(connection, project, text)
        late = count_running_before(connection, project, text, "breach_at")
        warning = count_running_before(connection, project, text, "warn_at")
    lists = orphans(connection, now=text, project=project, never_after_hours=ORPHAN_AFTER_HOURS, limit=0)
    standing, join = _joins(connection, project, now, rules.join)
    executed = sum(statuses.get(str(status), 0) for status in EXECUTED)
    return Board(
        at=text,
        done_today=done[today],
        planned_today=_planned_today(connection, project, rules, plan, today),
        not_done_today=not_done[today],
        late=late,
        warning=warning,
        statuses=statuses,
        rules=[RuleFigure(rule=rule, states=states) for rule, states in sorted(clocks.items())],
        join=join,
        orphans=lists.counts,
        orphan_share=_share(lists.counts["site_never_heard"], standing, ORPHAN_TARGET),
        rework=_share(_reworked(connection, project), executed, REWORK_TARGET),
        waiting_approval=statuses.get(str(OrderStatus.COMPLETED), 0),
        exceptions=count_exceptions(connection, project=project),
        curve=_curve(done, plan, today, days),
        crews=_crews(connection, project, rules, today - timedelta(days=days - 1)),
        plan=plan,
    )


# --- days ---------------------------------------------------------------------------------------


def _by_day(connection: Connection, project: str, rules: SlaRules, column: str) -> Counter[date]:
    table = schema.work_order
    moment = table.c[column]
    query = select(moment).where(table.c.project == project, moment.is_not(None))
    zone = rules.time_zone
    return Counter(read_utc(row[0]).astimezone(zone).date() for row in connection.execute(query))


def day_bounds(rules: SlaRules, day: date) -> tuple[str, str]:
    """Begin and end of a day of the project's calendar, UTC text."""
    zone = rules.time_zone
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    return utc_text(begin), utc_text(end)


def _planned_today(connection: Connection, project: str, rules: SlaRules, plan: Plan, day: date) -> int:
    if plan.daily:
        return plan.daily
    begin, end = day_bounds(rules, day)
    table = schema.work_order
    query = select(func.count()).where(
        table.c.project == project, table.c.scheduled_start >= begin, table.c.scheduled_start < end
    )
    return int(connection.execute(query).scalar_one())


def _curve(done: Counter[date], plan: Plan, today: date, days: int) -> list[CurvePoint]:
    first = min(done, default=today)
    start = date.fromisoformat(plan.start) if plan.start else first
    begin = min(start, first)
    points: list[CurvePoint] = []
    total = planned = 0
    day = begin
    while day <= today:
        total += done[day]
        if day >= start:
            planned = min(planned + plan.daily, plan.total or planned + plan.daily)
        points.append(CurvePoint(day=day.isoformat(), planned=planned, done=total))
        day += timedelta(days=1)
    # A long rollout is drawn by its weeks; the last days stay single.
    tail = points[-days:]
    return points[: -len(tail)][6::7] + tail if len(points) > 2 * days else points


def _crews(connection: Connection, project: str, rules: SlaRules, since: date) -> list[CrewDay]:
    table = schema.work_order
    begin, _ = day_bounds(rules, since)
    if figures.kept_here(connection):
        return [
            CrewDay(crew=crew, day=day.isoformat(), done=done, not_done=not_done)
            for crew, day, done, not_done in figures.crew_days(connection, project, rules.time_zone, begin)
        ]
    found: dict[tuple[str, date], list[int]] = {}
    zone = rules.time_zone
    for index, column in enumerate(("completed_at", "not_done_at")):
        moment = table.c[column]
        crew = func.coalesce(table.c.executed_by, table.c.crew)
        query = select(crew, moment).where(table.c.project == project, moment >= begin, crew.is_not(None))
        for name, at in connection.execute(query):
            day = read_utc(at).astimezone(zone).date()
            found.setdefault((name, day), [0, 0])[index] += 1
    return [
        CrewDay(crew=crew, day=day.isoformat(), done=counts[0], not_done=counts[1])
        for (crew, day), counts in sorted(found.items())
    ]


# --- clocks -------------------------------------------------------------------------------------


def _clock_states(connection: Connection, project: str, now: str) -> dict[str, dict[str, int]]:
    table = schema.sla_clock
    late = (table.c.stopped_at > table.c.breach_at) & table.c.breach_at.is_not(None)
    state = case(
        (table.c.started_at.is_(None), str(ClockState.NOT_STARTED)),
        (table.c.stopped_at.is_not(None) & late, str(ClockState.BREACHED)),
        (table.c.stopped_at.is_not(None), str(ClockState.MET)),
        (table.c.void, str(ClockState.VOID)),
        (table.c.breach_at < now, str(ClockState.LATE)),
        (table.c.paused, str(ClockState.PAUSED)),
        (table.c.warn_at < now, str(ClockState.WARNING)),
        else_=str(ClockState.RUNNING),
    )
    query = (
        select(table.c.rule, state.label("state"), func.count().label("number"))
        .where(table.c.project == project, table.c.rule != "")
        .group_by(table.c.rule, "state")
    )
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.rule, {})[row.state] = row.number
    return found


def running_before(project: str, now: str, column: str = "breach_at") -> Select[Any]:
    """Order ids with a running clock whose `breach_at` or `warn_at` has passed."""
    table = schema.sla_clock
    return select(table.c.order_id).where(
        table.c.project == project,
        table.c[column] < now,
        table.c.stopped_at.is_(None),
        ~table.c.void,
    )


def count_running_before(connection: Connection, project: str, now: str, column: str = "breach_at") -> int:
    """Orders with a running clock past its limit (`breach_at`), or past its warning but not its limit."""
    query = running_before(project, now, column)
    table = schema.sla_clock
    if column == "warn_at":
        query = query.where(~table.c.paused)
        query = query.where(table.c.order_id.not_in(running_before(project, now, "breach_at")))
    inner = query.distinct().subquery()
    return int(connection.execute(select(func.count()).select_from(inner)).scalar_one())


def late_orders(connection: Connection, project: str, now: str, *, limit: int = 100) -> list[tuple[str, str]]:
    """Orders with a clock past its limit: (order_id, breach_at), the longest late first."""
    table = schema.sla_clock
    query = (
        select(table.c.order_id, func.min(table.c.breach_at).label("breach_at"))
        .where(table.c.order_id.in_(running_before(project, now, "breach_at")), table.c.breach_at < now)
        .group_by(table.c.order_id)
        .order_by("breach_at")
        .limit(limit)
    )
    return [(row.order_id, row.breach_at) for row in connection.execute(query)]


# --- network and quality ------------------------------------------------------------------------


def _percent(number: int, base: int) -> Decimal | None:
    return None if base == 0 else (Decimal(100) * number / base).quantize(Decimal("0.1"))


def _joins(
    connection: Connection, project: str, now: datetime, targets: Sequence[JoinTarget]
) -> tuple[int, list[JoinFigure]]:
    """How many devices stand somewhere by entries, and the figure of each target."""
    if figures.kept_here(connection):
        wanted = [(utc_text(now - timedelta(hours=target.hours)), target.hours) for target in targets]
        standing, found = figures.joins(connection, project, wanted)
        return standing, [_join_figure(target, *each) for target, each in zip(targets, found, strict=True)]
    return _standing(connection, project), [_join(connection, project, now, target) for target in targets]


def _join(connection: Connection, project: str, now: datetime, target: JoinTarget) -> JoinFigure:
    table = schema.join_state
    before = utc_text(now - timedelta(hours=target.hours))
    query = select(table.c.placed_at, table.c.first_joined_at).where(
        table.c.project == project, table.c.placed_at <= before
    )
    placed = joined = 0
    within = timedelta(hours=target.hours)
    for placed_at, first in connection.execute(query):
        placed += 1
        joined += first is not None and read_utc(first) - read_utc(placed_at) <= within
    return _join_figure(target, placed, joined)


def _join_figure(target: JoinTarget, placed: int, joined: int) -> JoinFigure:
    percent = _percent(joined, placed)
    return JoinFigure(
        hours=target.hours,
        placed=placed,
        joined=joined,
        percent=None if percent is None else str(percent),
        target=str(target.target),
        met=None if percent is None else percent >= target.target,
    )


def _share(number: int, base: int, target: Decimal) -> Share:
    percent = _percent(number, base)
    return Share(
        number=number,
        base=base,
        percent=None if percent is None else str(percent),
        target=str(target),
        met=None if percent is None else percent < target,
    )


def _reworked(connection: Connection, project: str) -> int:
    table = schema.work_order
    query = select(func.count()).where(table.c.project == project, table.c.rework > 0)
    return int(connection.execute(query).scalar_one())


def _standing(connection: Connection, project: str) -> int:
    table = schema.placement
    query = select(func.count()).where(table.c.project == project, table.c.until.is_(None))
    return int(connection.execute(query).scalar_one())
