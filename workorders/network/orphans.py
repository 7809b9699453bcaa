"""Devices that the record and the network do not agree about: no site, never heard, elsewhere, silent."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, case, column, exists, false, func, or_, select, table

from workorders.clock import read_utc, utc_text
from workorders.network.tree import below
from workorders.store import schema
from workorders.store.queries.rows import read

NEVER_HEARD_AFTER_HOURS = 72
SILENT_AFTER_HOURS = 24


class OrphanRow(msgspec.Struct, frozen=True, kw_only=True):
    """A device on one of the lists, with what each side says."""

    serial: str
    order_id: str | None
    usage_point: str | None
    expected: str | None
    heard_by: str | None
    heard_at: str | None
    placed_at: str | None
    crew: str | None = None


_SAID = tuple(name for name in OrphanRow.__struct_fields__ if name != "crew")
"""What the lists say of a device by themselves; the crew is its order's."""


class Orphans(msgspec.Struct, frozen=True, kw_only=True):
    """The four lists (each cut at the limit) and how long each is."""

    heard_without_site: list[OrphanRow]
    site_never_heard: list[OrphanRow]
    other_concentrator: list[OrphanRow]
    silent: list[OrphanRow]
    counts: dict[str, int]


class OrphanList(StrEnum):
    """The four lists, and two more of the same kind: the network calls it otherwise than its label, and one
    serial in two places."""

    HEARD_WITHOUT_SITE = "heard_without_site"
    SITE_NEVER_HEARD = "site_never_heard"
    OTHER_CONCENTRATOR = "other_concentrator"
    SILENT = "silent"
    OTHER_IDENTITY = "other_identity"
    TWO_PLACES = "two_places"


class OrphanPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of one list; `total` is the whole list, `crews` those of the list before a crew was chosen."""

    which: OrphanList
    total: int
    rows: list[OrphanRow]
    crews: list[str] = []


def orphans(
    connection: Connection,
    *,
    now: str,
    project: str | None = None,
    never_after_hours: int = NEVER_HEARD_AFTER_HOURS,
    silent_after_hours: int = SILENT_AFTER_HOURS,
    limit: int = 100,
) -> Orphans:
    """The four lists as of `now` (UTC text).

    Args:
        never_after_hours: how long after mounting a device may stay unheard.
        silent_after_hours: how long after the last word a device counts as silent.
    """
    queries = _four(connection, project, _before(now, never_after_hours), _before(now, silent_after_hours))
    lists: dict[str, list[OrphanRow]] = {}
    counts: dict[str, int] = {}
    for name, query in queries.items():
        counts[name] = int(
            connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        )
        rows = connection.execute(query.order_by("serial").limit(limit)) if limit else ()
        lists[name] = [read(row, OrphanRow) for row in rows]
    return Orphans(counts=counts, **lists)


def orphan_page(
    connection: Connection,
    which: OrphanList,
    *,
    now: str,
    project: str | None = None,
    never_after_hours: int = NEVER_HEARD_AFTER_HOURS,
    silent_after_hours: int = SILENT_AFTER_HOURS,
    crew: str | None = None,
    under: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> OrphanPage:
    """One page of one list as of `now` (UTC text), by serial, and how long the list is.

    Args:
        crew: only what this crew mounted.
        under: mRID of a node; only what should hang below it, or, where nothing says so, is heard there.
    """
    match which:
        case OrphanList.OTHER_IDENTITY:
            query = _sites(project).where(_join.c.reason == "other_identity")
        case OrphanList.TWO_PLACES:
            query = _sites(project).where(_placed.c.disputed)
        case _:
            before = _before(now, never_after_hours), _before(now, silent_after_hours)
            query = _four(connection, project, *before)[which.value]
    found = query.subquery()
    chosen = select(found, _order.c.crew).outerjoin(_order, _order.c.order_id == found.c.order_id)
    if under is not None:
        path = connection.execute(select(_node.c.path).where(_node.c.mrid == under)).scalar()
        there = select(_node.c.mrid).where(below(path) if path is not None else false())
        chosen = chosen.where(func.coalesce(found.c.expected, found.c.heard_by).in_(there))
    crews = _crews(connection, chosen)
    if crew is not None:
        chosen = chosen.where(_order.c.crew == crew)
    total = connection.execute(select(func.count()).select_from(chosen.subquery())).scalar_one()
    rows = connection.execute(chosen.order_by(found.c.serial, found.c.placed_at).limit(limit).offset(offset))
    return OrphanPage(which=which, total=int(total), rows=[read(row, OrphanRow) for row in rows], crews=crews)


def _crews(connection: Connection, chosen: Select[Any]) -> list[str]:
    crew = chosen.subquery().c.crew
    query = select(crew).where(crew.is_not(None)).distinct().order_by(crew)
    return list(connection.execute(query).scalars())


def _four(
    connection: Connection, project: str | None, never_before: str, silent_before: str
) -> dict[str, Select[Any]]:
    queries = _kept if connection.dialect.name == "postgresql" else _joined
    return queries(project, never_before, silent_before)


def _kept(project: str | None, never_before: str, silent_before: str) -> dict[str, Select[Any]]:
    """From the table `site`, which a server keeps (migration 0006): a list costs what stands on it."""
    site = table(
        "site", *(column(name) for name in (*_SAID, "project", "never", "elsewhere")),
        column("heard_since"),
    )  # fmt: skip
    query = select(*(site.c[name] for name in _SAID))
    if project is not None:
        query = query.where(site.c.project == project)
    return {
        "heard_without_site": query.where(site.c.placed_at.is_(None)),
        "site_never_heard": query.where(site.c.never, site.c.placed_at < never_before),
        "other_concentrator": query.where(site.c.elsewhere),
        "silent": query.where(site.c.heard_since, site.c.heard_at < silent_before),
    }


def _joined(project: str | None, never_before: str, silent_before: str) -> dict[str, Select[Any]]:
    return {
        "heard_without_site": _heard_without_site(project),
        "site_never_heard": _never_heard(project, never_before),
        "other_concentrator": _other_concentrator(project),
        "silent": _silent(project, silent_before),
    }


def _before(now: str, hours: int) -> str:
    return utc_text(read_utc(now) - timedelta(hours=hours))


_placed = schema.placement
_heard = schema.heard
_join = schema.join_state
_base = schema.base_placement
_device = schema.device
_order, _node = schema.work_order, schema.network_node


def _heard_at() -> Any:
    """When a device was heard last, by the head-end's list or by an entry."""
    by_list, by_entry = _heard.c.heard_at, _join.c.heard_at
    return case(
        (by_list.is_(None), by_entry),
        (by_entry.is_(None), by_list),
        (by_list > by_entry, by_list),
        else_=by_entry,
    )


def _sites(project: str | None) -> Select[Any]:
    """Devices that stand somewhere by entries, with what is heard of them."""
    query = (
        select(
            _placed.c.serial.label("serial"),
            _placed.c.order_id.label("order_id"),
            _placed.c.usage_point.label("usage_point"),
            _placed.c.concentrator.label("expected"),
            func.coalesce(_heard.c.concentrator, _join.c.concentrator).label("heard_by"),
            _heard_at().label("heard_at"),
            _placed.c.since.label("placed_at"),
        )
        .select_from(_placed)
        .outerjoin(_heard, _heard.c.serial == _placed.c.serial)
        .outerjoin(_join, _join.c.serial == _placed.c.serial)
        .where(_placed.c.until.is_(None))
    )
    return query if project is None else query.where(_placed.c.project == project)


def _heard_without_site(project: str | None) -> Select[Any]:
    stands = exists().where(_placed.c.serial == _heard.c.serial, _placed.c.until.is_(None))
    removed = exists().where(_device.c.serial == _heard.c.serial, _device.c.state == "removed")
    listed = exists().where(_base.c.serial == _heard.c.serial)
    empty = select(_placed.c.order_id).where(_placed.c.serial.is_(None)).scalar_subquery()
    query = select(
        _heard.c.serial.label("serial"),
        empty.label("order_id"),
        empty.label("usage_point"),
        empty.label("expected"),
        _heard.c.concentrator.label("heard_by"),
        _heard.c.heard_at.label("heard_at"),
        empty.label("placed_at"),
    ).where(~stands, or_(~listed, removed))
    return query if project is None else query.where(_heard.c.project == project)


def _never_heard(project: str | None, before: str) -> Select[Any]:
    joined = and_(_join.c.first_joined_at.is_not(None))
    heard_since = _heard_at() >= _placed.c.since
    return _sites(project).where(
        _placed.c.since < before, ~func.coalesce(joined, False), ~func.coalesce(heard_since, False)
    )


def _other_concentrator(project: str | None) -> Select[Any]:
    heard_by = func.coalesce(_heard.c.concentrator, _join.c.concentrator)
    return _sites(project).where(_placed.c.concentrator.is_not(None), heard_by != _placed.c.concentrator)


def _silent(project: str | None, before: str) -> Select[Any]:
    return _sites(project).where(_heard_at() >= _placed.c.since, _heard_at() < before)
