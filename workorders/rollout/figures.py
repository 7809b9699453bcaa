"""Figures that a server keeps beside the rows, in the transaction of each change (migration 0006).

At millions of placements a board must not count what it shows. Here are the sums over what is kept; where a
boundary falls into a day, the rows of that day alone are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, column, func, select, table, text

from workorders.rollout.clocks import ClockState


def kept_here(connection: Connection) -> bool:
    """Whether this database keeps figures; an encrypted file of a depot counts directly."""
    return connection.dialect.name == "postgresql"


def by_day(connection: Connection, project: str, zone: ZoneInfo) -> tuple[Counter[date], Counter[date]]:
    """Orders executed, and not executed, by day of the project's calendar."""
    done: Counter[date] = Counter()
    not_done: Counter[date] = Counter()
    for row in connection.execute(_BY_DAY, {"project": project, "zone": zone.key}):
        done[row.day], not_done[row.day] = int(row.done), int(row.not_done)
    return done, not_done


def statuses(connection: Connection, project: str) -> dict[str, int]:
    """Number of orders by status."""
    return {row.status: int(row.number) for row in connection.execute(_STATUSES, {"project": project})}


def crew_days(
    connection: Connection, project: str, zone: ZoneInfo, begin: str
) -> list[tuple[str, date, int, int]]:
    """Crew, day, orders executed and not executed since `begin` (UTC text), sorted."""
    values = {"project": project, "zone": zone.key, "begin": begin}
    return [(r.crew, r.day, int(r.done), int(r.not_done)) for r in connection.execute(_CREWS, values)]


def joins(
    connection: Connection, project: str, targets: Sequence[tuple[str, int]]
) -> tuple[int, list[tuple[int, int]]]:
    """Devices that stand somewhere by entries; and for each target, a time (UTC text) and hours: devices
    mounted until then, and how many of them were heard within so many hours.

    One walk over the sums for all: they are a hundred thousand in a rollout of three years.
    """
    sums: list[ColumnElement[int]] = [func.sum(_SUM.c.number)]
    for before, hours in targets:
        earlier = _SUM.c.day < before[:10]
        sums.append(func.sum(_SUM.c.number).filter(earlier))
        sums.append(func.sum(_SUM.c.number).filter(earlier, _SUM.c.delay.between(0, hours)))
    query = select(*(func.coalesce(each, 0) for each in sums)).where(_SUM.c.project == project)
    standing, *kept = (int(number) for number in connection.execute(query).one())
    found = []
    for number, (before, hours) in enumerate(targets):
        values = {"project": project, "before": before, "day": before[:10], "hours": hours}
        last = connection.execute(_JOINS_OF_DAY, values).one()
        found.append((kept[2 * number] + int(last.placed), kept[2 * number + 1] + int(last.joined)))
    return standing, found


_SUM = table("figure_join", *(column(name) for name in ("project", "day", "delay", "number")))


def clock_states(connection: Connection, project: str, now: str) -> dict[str, dict[str, int]]:
    """Clocks by rule and state as of `now`; of those that run only the late, warned, paused are counted."""
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(_CLOCKS, {"project": project, "now": now}):
        if row.number:
            found.setdefault(row.rule, {})[row.state] = int(row.number)
    for states in found.values():
        rest = states.pop("open", 0)
        rest -= sum(states.get(str(each), 0) for each in _RUNNING)
        if rest > 0:
            states[str(ClockState.RUNNING)] = rest
    return found


def late_and_warned(connection: Connection, project: str, now: str) -> tuple[int, int]:
    """Orders with a running clock past its limit, and others with one past its warning."""
    row = connection.execute(_LATE, {"project": project, "now": now}).one()
    return int(row.late), int(row.warned)


_RUNNING = (ClockState.LATE, ClockState.PAUSED, ClockState.WARNING)

_BY_DAY = text("""
SELECT ((quarter || '\\:00Z')::timestamptz AT TIME ZONE :zone)::date AS day,
       sum(done) AS done, sum(not_done) AS not_done
FROM figure_day WHERE project = :project GROUP BY 1
""")

_STATUSES = text("""
SELECT status, sum(number) AS number FROM figure_status WHERE project = :project
GROUP BY status HAVING sum(number) <> 0
""")

_CREWS = text("""
SELECT crew, day, sum(done) AS done, sum(not_done) AS not_done FROM (
  SELECT coalesce(executed_by, crew) AS crew, (completed_at::timestamptz AT TIME ZONE :zone)::date AS day,
         1 AS done, 0 AS not_done
  FROM work_order WHERE project = :project AND completed_at >= :begin
  UNION ALL
  SELECT coalesce(executed_by, crew), (not_done_at::timestamptz AT TIME ZONE :zone)::date, 0, 1
  FROM work_order WHERE project = :project AND not_done_at >= :begin
) AS moments WHERE crew IS NOT NULL GROUP BY crew, day ORDER BY crew, day
""")

_JOINS_OF_DAY = text("""
SELECT count(*) AS placed, count(*) FILTER (WHERE delay BETWEEN 0 AND :hours) AS joined
FROM (
  SELECT CASE WHEN first_joined_at IS NULL THEN -1 ELSE greatest(0, ceil(extract(epoch FROM
         first_joined_at::timestamptz - placed_at::timestamptz) / 3600))::bigint END AS delay
  FROM join_state WHERE project = :project AND placed_at >= :day AND placed_at <= :before
) AS devices
""")

_LATE = text("""
SELECT count(*) FILTER (WHERE late) AS late, count(*) FILTER (WHERE warned AND NOT late) AS warned FROM (
  SELECT order_id, bool_or(late) AS late, bool_or(warned) AS warned FROM (
    SELECT order_id, true AS late, false AS warned FROM sla_clock
    WHERE project = :project AND stopped_at IS NULL AND NOT void AND breach_at < :now
    UNION ALL
    SELECT order_id, false, true FROM sla_clock
    WHERE project = :project AND stopped_at IS NULL AND NOT void AND NOT paused AND warn_at < :now
  ) AS passed GROUP BY order_id) AS each_order
""")

_CLOCKS = text("""
SELECT rule, state, number FROM figure_clock WHERE project = :project
UNION ALL
SELECT rule, 'late', count(*) FROM sla_clock
WHERE project = :project AND stopped_at IS NULL AND NOT void AND started_at IS NOT NULL AND breach_at < :now
GROUP BY rule
UNION ALL
SELECT rule, 'paused', count(*) FROM sla_clock
WHERE project = :project AND stopped_at IS NULL AND NOT void AND started_at IS NOT NULL AND paused
  AND (breach_at >= :now OR breach_at IS NULL)
GROUP BY rule
UNION ALL
SELECT rule, 'warning', count(*) FROM sla_clock
WHERE project = :project AND stopped_at IS NULL AND NOT void AND started_at IS NOT NULL AND NOT paused
  AND warn_at < :now AND (breach_at >= :now OR breach_at IS NULL)
GROUP BY rule
""")
