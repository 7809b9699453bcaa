"""What the supervisor's pages ask: the board's figures, and the counts by which both sides are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, func, select

from workorders.clock import utc_text
from workorders.gateway.errors import NotFound
from workorders.gateway.office import Office
from workorders.gateway.tables import order_visibility, tablet
from workorders.gateway.tables import project as project_table
from workorders.orders import OrderStatus
from workorders.rollout.board import Board, Plan, board
from workorders.rollout.clocks import clocks_due, refresh_clocks
from workorders.rollout.kept import ZONE_KIND, Belonging
from workorders.rollout.listing import Listing, listed
from workorders.rollout.rules import RulesError, SlaRules, read_rules
from workorders.rollout.sla import ALL, Dimension, SlaFilter, sla_table
from workorders.store import schema
from workorders.store.queries import OrderRow
from workorders.sync.blobs import HELD

CLOCKS_AT_ONCE = 2000
"""Clocks computed in one transaction: while it runs, tablets wait."""


class ProjectInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A project as the pages choose it."""

    id: str
    name: dict[str, str]
    utility: str
    contractor: str
    time_zone: str
    technology: str
    crews: list[dict[str, str]]


class OrderFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Orders: in the hands of crews with a tablet, executed, not executed, with something raised."""

    downloaded: int
    completed: int
    not_done: int
    flagged: int


class EntryFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of tablets: written as far as their heads tell, taken here, still missing between."""

    written: int
    applied: int
    pending: int


class BlobFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Files that tablets sent and the office holds."""

    sent: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's own count of what tablets did; the demo holds it beside theirs."""

    orders: OrderFigures
    placements: int
    entries: EntryFigures
    blobs: BlobFigures


def projects(office: Office) -> list[ProjectInfo]:
    """Every loaded project."""
    with office.store.read() as connection:
        rows = connection.execute(select(project_table).order_by(project_table.c.project_id)).all()
    return [
        ProjectInfo(
            id=row.project_id,
            name=row.name,
            utility=row.data["utility"],
            contractor=row.data["contractor"],
            time_zone=row.data["time_zone"],
            technology=row.data["technology"],
            crews=row.data.get("crew", []),
        )
        for row in rows
    ]


def board_of(
    office: Office,
    project: str,
    days: int = 14,
    *,
    group_by: Dimension = Dimension.CREW,
    filters: SlaFilter = ALL,
    seen: Sequence[str] | None = None,
) -> Board:
    """The figures of a project, clocks brought up to date first.

    Args:
        group_by: what the rows of the SLA table are; `filters` hold for this table alone.
        seen: the projects that are compared where they are the rows; None: this one.

    Raises:
        NotFound: no such project.
    """
    data = _project_data(office, project)
    rules = rules_of(data.get("source", ""))
    plan = msgspec.convert(data.get("plan", {}), Plan)
    compared = list(seen or [project]) if group_by is Dimension.PROJECT else [project]
    for each in {*compared, project}:
        _bring_up_to_date(office, each, data if each == project else _project_data(office, each))
    with office.store.read() as connection:
        now = office.now()
        figures = board(connection, project=project, rules=rules, plan=plan, now=now, days=days)
        table = sla_table(
            connection,
            projects=compared,
            group_by=group_by,
            filters=filters,
            now=utc_text(now),
            names={"crew": {crew["id"]: crew["name"] for crew in data.get("crew", [])}},
        )
        return msgspec.structs.replace(figures, sla=table)


def _bring_up_to_date(office: Office, project: str, data: dict[str, Any]) -> None:
    """Compute the clocks that are due."""
    source = data.get("source", "")
    rules = rules_of(source)
    crews = data.get("crew", [])
    belonging = Belonging(
        contractor=data.get("contractor", ""),
        contractors={crew["id"]: crew["contractor"] for crew in crews if crew.get("contractor")},
        technology=data.get("technology", ""),
        zone=data.get("zone", ZONE_KIND),
    )
    version = hashlib.sha256(source.encode()).hexdigest()[:16]
    with office.store.read() as connection:
        due = clocks_due(connection, project, version)
    while due:
        with office.store.write() as connection:
            done = refresh_clocks(
                connection,
                rules,
                project,
                office.now(),
                version=version,
                most=CLOCKS_AT_ONCE,
                belonging=belonging,
            )
        due = done == CLOCKS_AT_ONCE


def orders_behind(
    office: Office,
    project: str,
    which: Listing,
    limit: int,
    offset: int,
    filters: SlaFilter = ALL,
) -> tuple[int, list[OrderRow]]:
    """The orders behind a figure of the board, and how many they are in all.

    Raises:
        NotFound: no such project.
    """
    data = _project_data(office, project)
    if filters.any():
        _bring_up_to_date(office, project, data)
    with office.store.read() as connection:
        return listed(
            connection,
            which,
            project=project,
            rules=rules_of(data.get("source", "")),
            now=office.now(),
            limit=limit,
            offset=offset,
            filters=filters,
        )


def _project_data(office: Office, project: str) -> dict[str, Any]:
    with office.store.read() as connection:
        query = select(project_table.c.data).where(project_table.c.project_id == project)
        data: dict[str, Any] | None = connection.execute(query).scalar()
    if data is None:
        raise NotFound(f"there is no project {project}")
    return data


def rules_of(source: str) -> SlaRules:
    """The SLA rules in a project's file; none (and the usual join targets) where they cannot be read."""
    try:
        return read_rules(source, "project.toml")
    except RulesError:
        return SlaRules()


def figures(office: Office, project: str | None = None) -> Figures:
    """Count what the tablets did."""
    with office.store.read() as connection:
        return Figures(
            orders=_orders(connection, project),
            placements=_count(connection, schema.placement, project, schema.placement.c.until.is_(None)),
            entries=_entries(connection, project),
            blobs=BlobFigures(sent=_blobs(connection, project)),
        )


def _count(connection: Connection, table: Table, project: str | None, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(condition)
    if project is not None:
        query = query.where(table.c.project == project)
    return int(connection.execute(query).scalar_one())


def _orders(connection: Connection, project: str | None) -> OrderFigures:
    seen, order, raised = order_visibility, schema.work_order, schema.exception
    crews = select(tablet.c.crew).where(tablet.c.crew.is_not(None), tablet.c.seen_at.is_not(None))
    held = select(func.count(func.distinct(seen.c.order_id))).where(seen.c.crew.in_(crews))
    flagged = select(func.count(func.distinct(raised.c.order_id))).where(raised.c.order_id.is_not(None))
    if project is not None:
        held, flagged = held.where(seen.c.project == project), flagged.where(raised.c.project == project)
    return OrderFigures(
        downloaded=int(connection.execute(held).scalar_one()),
        completed=_count(connection, order, project, order.c.completed_at.is_not(None)),
        not_done=_count(connection, order, project, order.c.status == OrderStatus.NOT_DONE),
        flagged=int(connection.execute(flagged).scalar_one()),
    )


def _entries(connection: Connection, project: str | None) -> EntryFigures:
    entry, chain = schema.entry, schema.chain
    taken = _count(connection, entry, project, entry.c.own.is_(False))
    heads = select(func.coalesce(func.sum(chain.c.head_seq + 1), 0)).where(chain.c.own.is_(False))
    if project is not None:
        heads = heads.where(chain.c.project == project)
    written = int(connection.execute(heads).scalar_one())
    return EntryFigures(written=written, applied=taken, pending=max(0, written - taken))


def _blobs(connection: Connection, project: str | None) -> int:
    blob, held, entry = schema.blob, schema.blob_store, schema.entry
    query = (
        select(func.count(func.distinct(blob.c.sha256)))
        .join(held, held.c.sha256 == blob.c.sha256)
        .join(entry, entry.c.id == blob.c.entry_id)
        .where(held.c.state == HELD)
    )
    if project is not None:
        query = query.where(entry.c.project == project)
    return int(connection.execute(query).scalar_one())
