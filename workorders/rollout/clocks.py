"""SLA clocks of orders: computed from what happened, so a late entry moves them by itself.

`clock` is pure. The gateway keeps the outcome in the table `sla_clock`, a cache: folding an order makes its
clocks due, `refresh_clocks` computes those that are. `breach_at` is a time: "late" is a comparison.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from workorders.clock import read_utc, utc_text
from workorders.journal.words import OrderStatus
from workorders.orders import FINAL
from workorders.rollout.calendar import WorkingCalendar
from workorders.rollout.kept import PROJECT_ALONE, Belonging, all_due, keep
from workorders.rollout.rules import Pause, Rule, SlaRules
from workorders.store import schema
from workorders.store.settings import set_setting, setting

_PAUSING = frozenset({OrderStatus.SUSPENDED, OrderStatus.NOT_DONE})
_CHUNK = 500


class ClockState(StrEnum):
    """Where a clock stands as of a moment."""

    NOT_STARTED = "notStarted"
    RUNNING = "running"
    WARNING = "warning"
    PAUSED = "paused"
    MET = "met"
    LATE = "late"
    BREACHED = "breached"
    """Stopped, but too late; `late` still runs."""
    VOID = "void"
    """The order ended otherwise (cancelled, or closed as not done) before the clock stopped."""


class StatusEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The order took a status."""

    status: str
    at: datetime
    reason: str | None = None


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a clock needs to know of an order besides its statuses."""

    kind: str | None
    due: datetime | None = None
    starts: dict[str, datetime] = {}


class PauseSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The order stood from `begin` to `end` (None: still) for a reason."""

    reason: str
    attributable: bool
    begin: datetime
    end: datetime | None


class SlaClock(msgspec.Struct, frozen=True, kw_only=True):
    """One clock. `breach_at` is when the limit is or was reached; None while it stands or never starts."""

    rule: str
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    breach_at: datetime | None = None
    warn_at: datetime | None = None
    paused: bool = False
    void: bool = False
    elapsed: timedelta = timedelta()
    limit: timedelta | None = None
    pauses: tuple[PauseSpan, ...] = ()

    def state(self, now: datetime) -> ClockState:
        """Where the clock stands as of `now`."""
        if self.started_at is None:
            return ClockState.NOT_STARTED
        if self.stopped_at is not None:
            late = self.breach_at is not None and self.stopped_at > self.breach_at
            return ClockState.BREACHED if late else ClockState.MET
        if self.void:
            return ClockState.VOID
        if self.breach_at is not None and now > self.breach_at:
            return ClockState.LATE
        if self.paused:
            return ClockState.PAUSED
        if self.warn_at is not None and now > self.warn_at:
            return ClockState.WARNING
        return ClockState.RUNNING


def clock(
    rule: Rule, facts: OrderFacts, events: Sequence[StatusEvent], calendar: WorkingCalendar, now: datetime
) -> SlaClock | None:
    """The clock of one rule for one order; None if the rule is not for this kind of order.

    Args:
        events: statuses in the order in which they took effect; those of another day may come late.
    """
    if rule.kinds and facts.kind not in rule.kinds:
        return None
    hours = calendar if rule.working else WorkingCalendar(time_zone=calendar.time_zone)
    start = facts.starts.get(rule.start)
    if start is None:
        return SlaClock(rule=rule.id)
    ordered = sorted(events, key=lambda event: event.at)
    stop = next((event.at for event in ordered if event.status in rule.stop and event.at >= start), None)
    ended = bool(ordered) and ordered[-1].status in FINAL
    spans = _pauses(rule, ordered, start, stop)
    standing = [span for span in spans if not span.attributable]
    paused = stop is None and any(span.end is None for span in standing)
    breach = warn = None
    limit = rule.limit
    if limit is None and facts.due is not None:
        breach, warn = _by_due(start, facts.due, standing, hours, rule.warn_percent)
    elif limit is not None:
        breach = _reached(start, limit, standing, hours)
        warn = _reached(start, limit * rule.warn_percent / 100, standing, hours)
    return SlaClock(
        rule=rule.id,
        started_at=start,
        stopped_at=stop,
        breach_at=breach,
        warn_at=warn,
        paused=paused,
        void=stop is None and ended,
        elapsed=_running(start, stop or now, standing, hours),
        limit=limit,
        pauses=tuple(spans),
    )


def _pauses(
    rule: Rule, events: Sequence[StatusEvent], start: datetime, stop: datetime | None
) -> list[PauseSpan]:
    reasons: dict[str, Pause] = {pause.reason: pause for pause in rule.pauses}
    spans: list[PauseSpan] = []
    for index, event in enumerate(events):
        pause = reasons.get(event.reason or "")
        if event.status not in _PAUSING or pause is None or (stop is not None and event.at >= stop):
            continue
        following = next((later.at for later in events[index + 1 :] if later.at > event.at), None)
        end = stop if following is None or (stop is not None and stop < following) else following
        if end is not None and end <= start:
            continue
        begin = max(event.at, start)
        spans.append(PauseSpan(reason=pause.reason, attributable=pause.attributable, begin=begin, end=end))
    return spans


def _running(
    start: datetime, end: datetime, standing: Sequence[PauseSpan], hours: WorkingCalendar
) -> timedelta:
    """Working time from `start` to `end` without the spans in which the clock stood."""
    total = hours.between(start, end)
    for span in standing:
        total -= hours.between(max(span.begin, start), min(span.end or end, end))
    return max(total, timedelta())


def _reached(
    start: datetime, limit: timedelta, standing: Sequence[PauseSpan], hours: WorkingCalendar
) -> datetime | None:
    """When `limit` of running time has passed; None if the clock stands before that."""
    left, here = limit, start
    for span in standing:
        reach = hours.between(here, span.begin)
        if reach >= left:
            break
        left -= reach
        if span.end is None:
            return None
        here = max(here, span.end)
    return hours.after(here, left)


def _by_due(
    start: datetime, due: datetime, standing: Sequence[PauseSpan], hours: WorkingCalendar, warn_percent: int
) -> tuple[datetime | None, datetime | None]:
    """The order's own due time, moved by as long as the clock stood before it."""
    if due <= start:
        return due, due
    limit = hours.between(start, due)
    breach = _reached(start, limit, standing, hours) if standing else due
    return breach, _reached(start, limit * warn_percent / 100, standing, hours)


# --- from the store -----------------------------------------------------------------------------


def order_clocks(connection: Connection, rules: SlaRules, order_id: str, now: datetime) -> list[SlaClock]:
    """The clocks of one order, with their pauses, for its page."""
    return _clocks(connection, rules, [order_id], now).get(order_id, [])


def _time(text: str | None) -> datetime | None:
    return None if text is None else read_utc(text)


def _clocks(
    connection: Connection, rules: SlaRules, order_ids: Sequence[str], now: datetime
) -> dict[str, list[SlaClock]]:
    orders, statuses = schema.work_order, schema.order_status
    events: dict[str, list[StatusEvent]] = defaultdict(list)
    query = select(statuses).where(statuses.c.order_id.in_(order_ids)).order_by(statuses.c.position)
    for row in connection.execute(query):
        # A pause is named by a code; what the office said in words is sealed and names none.
        code = row.reason if isinstance(row.reason, str) else None
        events[row.order_id].append(StatusEvent(status=row.status, at=read_utc(row.at), reason=code))
    found: dict[str, list[SlaClock]] = {}
    for row in connection.execute(select(orders).where(orders.c.order_id.in_(order_ids))):
        happened = events[row.order_id]
        facts = OrderFacts(kind=row.kind, due=_time(row.due), starts=_starts(row, happened))
        clocks = (clock(rule, facts, happened, rules.calendar, now) for rule in rules.rules)
        found[row.order_id] = [one for one in clocks if one is not None]
    return found


def _starts(row: Any, events: Sequence[StatusEvent]) -> dict[str, datetime]:
    times = {
        "issued": row.issued_at,
        "scheduled": row.scheduled_start,
        "started": row.started_at,
        "completed": row.completed_at,
        "returned": row.returned_at,
    }
    found = {name: read_utc(text) for name, text in times.items() if text is not None}
    dispatched = next((event.at for event in events if event.status == OrderStatus.DISPATCHED), None)
    if dispatched is not None:
        found["dispatched"] = dispatched
    return found


def refresh_clocks(
    connection: Connection,
    rules: SlaRules,
    project: str,
    now: datetime,
    *,
    version: str = "",
    most: int | None = None,
    belonging: Belonging = PROJECT_ALONE,
) -> int:
    """Compute the clocks of a project's orders that were folded since they were computed; returns how many.

    Args:
        version: of the rules; with another one all clocks of the project are due.
        most: so many at once, so that nobody who writes waits long; fewer came where fewer are returned.
        belonging: where the project's orders belong, for the sums by crew, zone, ….
    """
    orders, kept, due = schema.work_order, schema.sla_clock, schema.sla_due
    name = _VERSION + project
    if setting(connection, name) != version:
        all_due(connection, project)
        set_setting(connection, name, version)
    query = select(due.c.order_id).join(orders, orders.c.order_id == due.c.order_id)
    query = query.where(orders.c.project == project).limit(most)
    missing = [row.order_id for row in connection.execute(query)]
    for start in range(0, len(missing), _CHUNK):
        part = missing[start : start + _CHUNK]
        connection.execute(kept.delete().where(kept.c.order_id.in_(part)))
        connection.execute(due.delete().where(due.c.order_id.in_(part)))
        rows: list[dict[str, Any]] = []
        computed = _clocks(connection, rules, part, now)
        for order_id, clocks in computed.items():
            rows += [_row(order_id, project, version, one) for one in clocks]
        if rows:
            connection.execute(insert(kept), rows)
        keep(connection, project, computed, belonging)
    return len(missing)


def clocks_due(connection: Connection, project: str, version: str) -> bool:
    """Whether `refresh_clocks` has anything to do; asked first, because it is seldom so and writing waits."""
    orders, due = schema.work_order, schema.sla_due
    if setting(connection, _VERSION + project) != version:
        return True
    query = select(due.c.order_id).join(orders, orders.c.order_id == due.c.order_id)
    return connection.execute(query.where(orders.c.project == project).limit(1)).first() is not None


_VERSION = "sla.version/"


def _row(order_id: str, project: str, version: str, one: SlaClock) -> dict[str, Any]:
    def text(moment: datetime | None) -> str | None:
        return None if moment is None else utc_text(moment)

    return {
        "order_id": order_id,
        "rule": one.rule,
        "project": project,
        "version": version,
        "started_at": text(one.started_at),
        "stopped_at": text(one.stopped_at),
        "breach_at": text(one.breach_at),
        "warn_at": text(one.warn_at),
        "paused": one.paused,
        "void": one.void,
    }
