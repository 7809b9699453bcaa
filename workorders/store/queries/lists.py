"""The list of orders: filter, search, page. Fast at 50,000 orders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    CompoundSelect,
    Connection,
    Select,
    and_,
    column,
    exists,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy import table as table_clause

from workorders.orders import OrderStatus, is_open, read_flags
from workorders.store import schema
from workorders.store.entries import ended_here
from workorders.store.inbox import waiting
from workorders.store.queries.rows import read

SHORTEST_INDEXED = 3
"""Characters a trigram index needs; shorter words are looked for in what is left."""

MANY = 10_000
"""From so many hits on, a page is found sooner by walking the list than by sorting the hits."""

# The full-text index and the table in which it keeps its texts, which migration 0001 makes.
_index = table_clause("order_search", column("rowid"), column("order_search"), column("search"))
_kept = table_clause("order_search_content", column("id"), column("c0"))


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders. Everything given must hold.

    `executed_here` lets those in as well, besides the crew's, that ended here: whose end is an own entry.
    """

    order_id: str | None = None
    project: str | None = None
    crew: str | None = None
    executed_here: bool = False
    statuses: frozenset[str] = frozenset()
    open_only: bool = False
    kind: str | None = None
    transformer: str | None = None
    usage_point: str | None = None
    due_before: str | None = None
    with_exceptions: bool = False


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list. `unsent` counts entries that the office has not answered yet.

    `customer` and `address` are None where the key is not here, or was erased.
    """

    order_id: str
    number: str | None
    kind: str | None
    status: str
    version: int
    project: str | None
    crew: str | None
    priority: int
    scheduled_start: str | None
    scheduled_end: str | None
    due: str | None
    usage_point: str | None
    supply_number: str | None
    old_serial: str | None
    new_serial: str | None
    new_model: str | None
    transformer: str | None
    concentrator: str | None
    technology: str | None
    procedure: str | None
    flags: list[str]
    step: str | None
    steps_done: int
    started_at: str | None
    completed_at: str | None
    not_done_reason: str | None
    cancelled_at: str | None
    attempts: int
    rework: int
    customer: str | None
    address: str | None
    position: str | None
    unsent: int = 0


_COLUMNS = [
    schema.work_order.c[name]
    for name in OrderRow.__struct_fields__
    if name not in ("customer", "address", "position", "unsent")
]


def _conditions(which: OrderFilter) -> list[Any]:
    table = schema.work_order
    found: list[Any] = [
        table.c[name] == value
        for name in ("order_id", "project", "kind", "transformer", "usage_point")
        if (value := getattr(which, name)) is not None
    ]
    if which.crew is not None:
        theirs = table.c.crew == which.crew
        found.append(or_(theirs, table.c.order_id.in_(ended_here())) if which.executed_here else theirs)
    statuses = which.statuses
    if which.open_only:
        statuses = (statuses or frozenset(OrderStatus)) & {
            status for status in OrderStatus if is_open(status)
        }
    if statuses or which.open_only:
        found.append(table.c.status.in_(sorted(str(status) for status in statuses)))
    if which.due_before is not None:
        found.append(table.c.due < which.due_before)
    if which.with_exceptions:
        raised, decided = schema.exception, schema.decision
        found.append(
            exists().where(
                raised.c.order_id == table.c.order_id,
                ~exists().where(decided.c.exception_id == raised.c.exception_id),
            )
        )
    return found


def _words(connection: Connection, search: str) -> tuple[list[str], list[str]]:
    """Words that the full-text index answers, and words that must be looked for in the text."""
    words = search.split()
    if connection.dialect.name != "sqlite":
        return [], words
    return [w for w in words if len(w) >= SHORTEST_INDEXED], [w for w in words if len(w) < SHORTEST_INDEXED]


def _hits(indexed: list[str], short: list[str]) -> CompoundSelect[Any]:
    """Rows of `order_text` that hold every word; any part of a word counts, accents and case do not."""
    shown, waiting = schema.order_text, schema.order_text_waiting
    # Texts that the index does not hold yet: numbers and serials alone.
    holds = (shown.c.search.contains(word, autoescape=True) for word in (*indexed, *short))
    others = select(shown.c.row).where(shown.c.row.in_(select(waiting.c.row)), *holds)
    return union_all(_matched(indexed, short), others)


def _matched(indexed: list[str], short: list[str]) -> Select[Any]:
    query = " AND ".join('"' + word.replace('"', '""') + '"' for word in indexed)
    matched = select(_index.c.rowid).where(_index.c.order_search.op("MATCH")(query))
    if not short:
        return matched
    # Walking the kept texts is cheaper than asking the index for the text of each hit.
    kept = select(_kept.c.id).where(*(_kept.c.c0.contains(word, autoescape=True) for word in short))
    return kept.where(_kept.c.id.in_(matched)) if indexed else kept


def _base(connection: Connection, which: OrderFilter, search: str, query: Select[Any]) -> Select[Any]:
    """Narrow a query over `work_order` to what filter and search leave."""
    table, shown = schema.work_order, schema.order_text
    conditions = _conditions(which)
    indexed, short = _words(connection, search)
    if not indexed and not short:
        return query.where(*conditions)
    if connection.dialect.name != "sqlite":
        conditions += [shown.c.search.icontains(word, autoescape=True) for word in short]
        return query.join(shown, shown.c.order_id == table.c.order_id).where(*conditions)
    hits = _hits(indexed, short)
    # SQLite knows no sizes here, and its wrong guess costs hits times orders. An expression in place of a
    # column keeps it from the one index that must not lead.
    few = connection.execute(hits.limit(MANY)).scalars().all()
    if len(few) < MANY:
        listed = func.json_each(json.dumps(list(few))).table_valued("value")
        found = select(shown.c.order_id).where(shown.c.row.in_(select(listed.c.value)))
        query = query.where(table.c.order_id.in_(found))
        return query.where(func.coalesce(and_(*conditions), False)) if conditions else query
    query = query.join(shown, shown.c.order_id == table.c.order_id)
    return query.where((shown.c.row + 0).in_(hits), *conditions)


def orders(
    connection: Connection,
    which: OrderFilter | None = None,
    search: str = "",
    *,
    limit: int = 50,
    offset: int = 0,
) -> list[OrderRow]:
    """One page by schedule, then number; `search` looks in number, supply, serials, name and address."""
    table = schema.work_order
    ids = _base(connection, which or OrderFilter(), search, select(table.c.order_id).select_from(table))
    return orders_of(connection, ids, limit=limit, offset=offset)


def orders_of(
    connection: Connection, ids: Select[Any], *, limit: int, offset: int = 0, few: bool = False
) -> list[OrderRow]:
    """One page of the orders whose `work_order.order_id` the query selects, by schedule, then number.

    Args:
        few: of all orders the query selects few. A server, which cannot know it, would else walk through all
            orders by schedule until it has met enough of them.
    """
    table, shown = schema.work_order, schema.order_text
    if few:
        met = ids.add_columns(table.c.sort_at, table.c.number).cte("met")
        met = met.prefix_with("MATERIALIZED", dialect="postgresql")
        ids = select(met.c.order_id).order_by(met.c.sort_at, met.c.number, met.c.order_id)
    else:
        ids = ids.order_by(table.c.sort_at, table.c.number, table.c.order_id)
    page = ids.limit(limit).offset(offset).subquery()
    columns = (
        *_COLUMNS,
        shown.c.name.label("customer"),
        shown.c.address,
        shown.c.position,
        shown.c.flags.label("personal"),
    )
    query = (
        select(*columns)
        .select_from(page.join(table, table.c.order_id == page.c.order_id))
        .outerjoin(shown, shown.c.order_id == table.c.order_id)
        .order_by(table.c.sort_at, table.c.number, table.c.order_id)
    )
    rows = connection.execute(query).all()
    unsent = unsent_by_order(connection, [row.order_id for row in rows])
    return [
        read(
            row,
            OrderRow,
            unsent=unsent.get(row.order_id, 0),
            flags=[*row.flags, *read_flags(row.personal)],
        )
        for row in rows
    ]


def count_orders(connection: Connection, which: OrderFilter | None = None, search: str = "") -> int:
    """How many orders the same filter and search give."""
    which = which or OrderFilter()
    indexed, short = _words(connection, search)
    if which == OrderFilter() and connection.dialect.name == "sqlite" and (indexed or short):
        # Each order has one text, so that the index alone can tell.
        query = select(func.count()).select_from(_hits(indexed, short).subquery())
    else:
        query = _base(connection, which, search, select(func.count()).select_from(schema.work_order))
    return int(connection.execute(query).scalar_one())


def status_counts(connection: Connection, which: OrderFilter | None = None) -> dict[str, int]:
    """Number of orders by status."""
    table = schema.work_order
    query = select(table.c.status, func.count().label("number")).select_from(table)
    query = _base(connection, which or OrderFilter(), "", query).group_by(table.c.status)
    return {row.status: row.number for row in connection.execute(query)}


def unsent_by_order(connection: Connection, order_ids: Sequence[str]) -> dict[str, int]:
    """Own entries without an answer, by order."""
    table = schema.entry
    query = (
        select(table.c.order_id, func.count().label("number"))
        .where(table.c.order_id.in_(list(order_ids)), waiting())
        .group_by(table.c.order_id)
    )
    return {row.order_id: row.number for row in connection.execute(query)}
