"""The orders behind each figure of the board, so that a figure is never only a number."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from workorders.clock import utc_text
from workorders.journal.words import OrderStatus
from workorders.rollout.board import ORPHAN_AFTER_HOURS, day_bounds, running_before
from workorders.rollout.rules import SlaRules
from workorders.rollout.sla import ALL, SlaFilter, belongs
from workorders.store import schema
from workorders.store.queries.lists import OrderRow, orders_of

UNJOINED_AFTER_HOURS = 24


FEW = 10_000
"""Orders behind a figure that are sorted to show a page of them; of more, all are walked by schedule until
there is a page."""


class Listing(StrEnum):
    """Figures that open a list."""

    DONE_TODAY = "done_today"
    LATE = "late"
    UNJOINED = "unjoined"
    ORPHANS = "orphans"
    REWORK = "rework"
    WAITING_APPROVAL = "waiting_approval"


def listed(
    connection: Connection,
    which: Listing,
    *,
    project: str,
    rules: SlaRules,
    now: datetime,
    limit: int,
    offset: int = 0,
    filters: SlaFilter = ALL,
) -> tuple[int, list[OrderRow]]:
    """How many orders stand behind a figure, and one page of them by schedule; the longest late first."""
    if which is Listing.LATE:
        return _late(connection, project, utc_text(now), limit, offset, filters)
    table = schema.work_order
    condition = and_(table.c.project == project, _condition(which, project, rules, now))
    if filters.any():
        condition = and_(condition, table.c.order_id.in_(_belonging(project, filters)))
    counted = select(func.count()).select_from(table).where(condition)
    if which in _SILENT_AFTER and not filters.any():
        # Each device belongs to an order: these need not be looked up to be counted.
        silent = _silent(project, now, _SILENT_AFTER[which]).subquery()
        counted = select(func.count(func.distinct(silent.c.order_id)))
    total = int(connection.execute(counted).scalar_one())
    ids = select(table.c.order_id).where(condition)
    return total, orders_of(connection, ids, limit=limit, offset=offset, few=total <= FEW)


def _late(
    connection: Connection, project: str, now: str, limit: int, offset: int, filters: SlaFilter
) -> tuple[int, list[OrderRow]]:
    """The longest late first: a walk along the index of limits, which ends with the page."""
    table, earlier = schema.sla_clock, schema.sla_clock.alias("earlier")
    late = running_before(project, now)
    if filters.any():
        late = late.where(table.c.order_id.in_(_belonging(project, filters)))
    before = or_(
        earlier.c.breach_at < table.c.breach_at,
        and_(earlier.c.breach_at == table.c.breach_at, earlier.c.rule < table.c.rule),
    )
    # An order with several late clocks stands where the first of them ran out.
    again = exists().where(
        earlier.c.order_id == table.c.order_id, earlier.c.stopped_at.is_(None), ~earlier.c.void, before
    )
    page = late.where(~again).order_by(table.c.breach_at, table.c.rule, table.c.order_id)
    ids = connection.execute(page.limit(limit).offset(offset)).scalars().all()
    here = schema.work_order.c.order_id
    rows = {
        row.order_id: row for row in orders_of(connection, select(here).where(here.in_(ids)), limit=limit)
    }
    total = connection.execute(select(func.count()).select_from(late.distinct().subquery())).scalar_one()
    return int(total), [rows[order_id] for order_id in ids if order_id in rows]


def _belonging(project: str, filters: SlaFilter) -> Select[tuple[str]]:
    table = schema.sla_order
    return select(table.c.order_id).where(belongs(table, [project], filters))


def _condition(which: Listing, project: str, rules: SlaRules, now: datetime) -> ColumnElement[Any]:
    table = schema.work_order
    match which:
        case Listing.DONE_TODAY:
            begin, end = day_bounds(rules, rules.calendar.local_date(now))
            return and_(table.c.completed_at >= begin, table.c.completed_at < end)
        case Listing.UNJOINED | Listing.ORPHANS:
            return table.c.order_id.in_(_silent(project, now, _SILENT_AFTER[which]))
        case Listing.REWORK:
            return table.c.rework > 0
        case Listing.WAITING_APPROVAL:
            return table.c.status == str(OrderStatus.COMPLETED)
    raise ValueError(f"{which} is no condition on an order alone")


_SILENT_AFTER = {Listing.UNJOINED: UNJOINED_AFTER_HOURS, Listing.ORPHANS: ORPHAN_AFTER_HOURS}


def _silent(project: str, now: datetime, hours: int) -> Select[tuple[str | None]]:
    """Orders of devices that were mounted so long ago and never heard."""
    joins = schema.join_state
    before = utc_text(now - timedelta(hours=hours))
    return select(joins.c.order_id).where(
        joins.c.project == project, joins.c.first_joined_at.is_(None), joins.c.placed_at <= before
    )
