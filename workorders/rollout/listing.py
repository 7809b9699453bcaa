"""The orders behind each figure of the board, so that a figure is never only a number."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from workorders.clock import utc_text
from workorders.journal.kinds import OrderStatus
from workorders.rollout.board import ORPHAN_AFTER_HOURS, day_bounds, running_before
from workorders.rollout.rules import SlaRules
from workorders.store import schema
from workorders.store.queries.lists import OrderRow, orders_of

UNJOINED_AFTER_HOURS = 24


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
) -> tuple[int, list[OrderRow]]:
    """How many orders stand behind a figure, and one page of them by schedule."""
    table = schema.work_order
    condition = and_(table.c.project == project, _condition(which, project, rules, now))
    total = connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
    ids = select(table.c.order_id).where(condition)
    return int(total), orders_of(connection, ids, limit=limit, offset=offset, few=True)


def _condition(which: Listing, project: str, rules: SlaRules, now: datetime) -> ColumnElement[Any]:
    table = schema.work_order
    match which:
        case Listing.DONE_TODAY:
            begin, end = day_bounds(rules, rules.calendar.local_date(now))
            return and_(table.c.completed_at >= begin, table.c.completed_at < end)
        case Listing.LATE:
            return table.c.order_id.in_(running_before(project, utc_text(now), "breach_at"))
        case Listing.UNJOINED:
            return _never_joined(project, now, UNJOINED_AFTER_HOURS)
        case Listing.ORPHANS:
            return _never_joined(project, now, ORPHAN_AFTER_HOURS)
        case Listing.REWORK:
            return table.c.rework > 0
        case Listing.WAITING_APPROVAL:
            return table.c.status == str(OrderStatus.COMPLETED)


def _never_joined(project: str, now: datetime, hours: int) -> ColumnElement[Any]:
    joins = schema.join_state
    before = utc_text(now - timedelta(hours=hours))
    silent = select(joins.c.order_id).where(
        joins.c.project == project, joins.c.first_joined_at.is_(None), joins.c.placed_at <= before
    )
    return schema.work_order.c.order_id.in_(silent)
