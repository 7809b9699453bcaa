"""How each order stands with its clocks, and where it belongs: a row an order, and sums of these rows.

`sla_order` and `figure_sla` change in the transaction in which `sla_clock` does, so a sum is always that of
the rows; only what passes with time (a limit that is reached) is asked of the rows that still run.

An order belongs to the crew that executed it, else to the one that has it; to the contractor of that crew,
else of the project; to its own technology, else the project's; and to the zone in which its place hangs in
the network's tree: the nearest node upwards of the kind that the project names (usually the feeder), else
the root, as for a concentrator that hangs on the substation itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from workorders.clock import utc_text
from workorders.store import schema

if TYPE_CHECKING:
    from workorders.rollout.clocks import SlaClock

ZONE_KIND = "feeder"
_BELONGS = ("project", "contractor", "crew", "zone", "technology")
_PLACES = ("transformer", "concentrator", "panel", "usage_point")
"""Columns of an order that may name a node of the tree, the surest first."""
_PLANNED = ("output", "feeder", "substation")
"""Further places that the plan alone knows."""


class SlaState(StrEnum):
    """How an order stands, whatever the time is."""

    OPEN = "open"
    """A clock runs or stands, none stopped too late."""
    MET = "met"
    BREACHED = "breached"
    """A clock stopped too late."""
    NONE = "none"
    """No clock has begun, or the order ended otherwise."""


class Belonging(msgspec.Struct, frozen=True, kw_only=True):
    """What a project says of its orders besides themselves."""

    contractor: str = ""
    contractors: dict[str, str] = {}
    """By crew, where it works for another than the project's contractor."""
    technology: str = ""
    zone: str = ZONE_KIND
    """Kind of the nodes that are zones (`workorders.network.NodeKind`)."""


PROJECT_ALONE = Belonging()
"""Of a project that says nothing."""


class OrderStanding(msgspec.Struct, frozen=True, kw_only=True):
    """An order's state, and when the first running clock of it reaches its limit and its warning."""

    state: SlaState
    breach_at: datetime | None = None
    warn_at: datetime | None = None


def standing_of(clocks: Sequence[SlaClock]) -> OrderStanding:
    """How an order stands with all its clocks together: the worst of them counts."""
    begun = [one for one in clocks if one.started_at is not None]
    stopped = [one for one in begun if one.stopped_at is not None]
    running = [one for one in begun if one.stopped_at is None and not one.void]
    if any(one.breach_at is not None and one.stopped_at > one.breach_at for one in stopped if one.stopped_at):
        return OrderStanding(state=SlaState.BREACHED)
    if running:
        return OrderStanding(
            state=SlaState.OPEN,
            breach_at=min((one.breach_at for one in running if one.breach_at), default=None),
            warn_at=min((one.warn_at for one in running if one.warn_at and not one.paused), default=None),
        )
    return OrderStanding(state=SlaState.MET if stopped else SlaState.NONE)


def keep(
    connection: Connection, project: str, clocks: Mapping[str, Sequence[SlaClock]], belonging: Belonging
) -> None:
    """Replace the rows of these orders of a project, and bring the sums after them.

    For a transaction that excludes other writers (`Store.write`).

    Args:
        clocks: of each order, all of them.
    """
    table, figures = schema.sla_order, schema.figure_sla
    rows = _rows(connection, project, clocks, belonging)
    columns = [table.c[name] for name in (*_BELONGS, "state")]
    changes: Counter[tuple[str, ...]] = Counter(tuple(row[one.name] for one in columns) for row in rows)
    gone = delete(table).where(table.c.order_id.in_(list(clocks))).returning(*columns)
    changes.subtract(tuple(row) for row in connection.execute(gone).all())
    if rows:
        connection.execute(insert(table), rows)
    names = [one.name for one in columns]
    changed = [dict(zip(names, key, strict=True)) | {"number": by} for key, by in changes.items() if by]
    if changed:
        adding = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(figures)
        adding = adding.on_conflict_do_update(
            index_elements=names, set_={"number": figures.c.number + adding.excluded.number}
        )
        connection.execute(adding, changed)
        connection.execute(delete(figures).where(figures.c.project == project, figures.c.number == 0))


def add_up(connection: Connection) -> None:
    """Make the sums from nothing, of the rows as they are."""
    table, figures = schema.sla_order, schema.figure_sla
    columns = [table.c[name] for name in (*_BELONGS, "state")]
    connection.execute(delete(figures))
    counted = select(*columns, func.count()).group_by(*columns)
    names = [*(one.name for one in columns), "number"]
    connection.execute(insert(figures).from_select(names, counted))


def all_due(connection: Connection, project: str) -> None:
    """Note that all clocks of a project's orders must be computed again, and where they belong with them."""
    orders, due = schema.work_order, schema.sla_due
    theirs = select(orders.c.order_id).where(
        orders.c.project == project, orders.c.order_id.not_in(select(due.c.order_id))
    )
    connection.execute(insert(due).from_select(["order_id"], theirs))


def shape_of(connection: Connection, project: str) -> set[tuple[str, str, str]]:
    """What of a project's tree decides on zones; another shape makes all its orders due (`all_due`)."""
    node = schema.network_node
    query = select(node.c.mrid, node.c.kind, node.c.path).where(node.c.project == project)
    return {(row.mrid, row.kind, row.path) for row in connection.execute(query)}


def _rows(
    connection: Connection, project: str, clocks: Mapping[str, Sequence[SlaClock]], belonging: Belonging
) -> list[dict[str, Any]]:
    order = schema.work_order
    places = [order.c[name] for name in _PLACES]
    query = select(order.c.order_id, order.c.crew, order.c.executed_by, order.c.technology, *places)
    found = connection.execute(query.where(order.c.order_id.in_(list(clocks)))).all()
    places_of = {row.order_id: [at for name in _PLACES if (at := getattr(row, name))] for row in found}
    plan = schema.order_plan
    placeless = [order_id for order_id, named in places_of.items() if not named]
    for row in connection.execute(select(plan).where(plan.c.order_id.in_(placeless))):
        place = row.order.get("place") or {}
        places_of[row.order_id] = [place[name] for name in _PLANNED if place.get(name)]
    zones = _zones(connection, sorted({at for named in places_of.values() for at in named}), belonging.zone)
    rows = []
    for row in found:
        crew = row.executed_by or row.crew or ""
        standing = standing_of(clocks[row.order_id])
        rows.append(
            {
                "order_id": row.order_id,
                "project": project,
                "contractor": belonging.contractors.get(crew) or belonging.contractor,
                "crew": crew,
                "zone": next((zones[at] for at in places_of[row.order_id] if at in zones), ""),
                "technology": row.technology or belonging.technology,
                "state": str(standing.state),
                "breach_at": None if standing.breach_at is None else utc_text(standing.breach_at),
                "warn_at": None if standing.warn_at is None else utc_text(standing.warn_at),
            }
        )
    return rows


def _zones(connection: Connection, places: Sequence[str], kind: str) -> dict[str, str]:
    """The zone of each place that is a node of the tree."""
    node = schema.network_node
    query = select(node.c.mrid, node.c.path).where(node.c.mrid.in_(places))
    lines = {row.mrid: row.path.strip("/").split("/") for row in connection.execute(query)}
    above = sorted({mrid for line in lines.values() for mrid in line})
    of_kind = select(node.c.mrid).where(node.c.mrid.in_(above), node.c.kind == kind)
    zones = set(connection.execute(of_kind).scalars())
    return {
        place: next((mrid for mrid in reversed(line) if mrid in zones), line[0])
        for place, line in lines.items()
    }
