"""How the orders stand with their clocks, by crew, zone, technology, contractor or project, under filters.

Read from the sums that `workorders.rollout.kept` keeps; of the orders themselves only those that still run
and are past their limit or warning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, or_, select

from workorders.rollout.kept import SlaState
from workorders.store import schema


class Dimension(StrEnum):
    """By what the orders are told apart."""

    CREW = "crew"
    ZONE = "zone"
    TECHNOLOGY = "technology"
    CONTRACTOR = "contractor"
    PROJECT = "project"


class SlaFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders: all that is set must hold. An empty text means those without."""

    crew: str | None = None
    zone: str | None = None
    technology: str | None = None
    contractor: str | None = None

    def without(self, name: str) -> SlaFilter:
        """The same but for one."""
        return msgspec.structs.replace(self, **{name: None}) if name in self.__struct_fields__ else self

    def any(self) -> bool:
        """Whether it leaves anything out."""
        return any(getattr(self, name) is not None for name in self.__struct_fields__)


ALL = SlaFilter()


class SlaChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a filter may take; `name` where it has one besides its key."""

    key: str
    name: str | None = None


class SlaRow(msgspec.Struct, frozen=True, kw_only=True):
    """Orders with a clock that has begun.

    Attributes:
        key: of the crew, zone, …; empty for orders without one.
        on_time: ended in time, or running with neither warning nor limit reached.
        at_risk: running, past the warning, not past the limit.
        late: past the limit, ended or running.
        late_open: of `late`, those that still run.
        total: on_time + at_risk + late.
        percent: share not late, one decimal, rounded down: "100.0" only where none is late. None without any.
    """

    key: str
    name: str | None = None
    on_time: int
    at_risk: int
    late: int
    late_open: int
    total: int
    percent: str | None


class SlaTable(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, the most late first; their sum; and what each filter could be set to while the others stay."""

    group_by: str
    filters: SlaFilter
    rows: list[SlaRow]
    total: SlaRow
    choices: dict[str, list[SlaChoice]]


def sla_table(
    connection: Connection,
    *,
    projects: Sequence[str],
    group_by: Dimension,
    filters: SlaFilter,
    now: str,
    names: Mapping[str, Mapping[str, str]],
) -> SlaTable:
    """The table as of `now` (UTC text). Call `refresh_clocks` before, for each of the projects.

    Args:
        names: by dimension, the names of keys; those of zones are the nodes'.
    """
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, state, number in connection.execute(sums(projects, group_by, filters)):
        found[key][state] += int(number)
    for late in (True, False):
        for key, number in connection.execute(passed(projects, group_by, filters, now, late=late)):
            found[key]["late" if late else "warned"] += int(number)
    choices = {
        str(each): list(connection.execute(_values(projects, each, filters)).scalars())
        for each in Dimension
        if each is not Dimension.PROJECT
    }
    keys = {*choices[Dimension.ZONE], filters.zone or "", *(found if group_by is Dimension.ZONE else ())}
    known = {**names, str(Dimension.ZONE): _zone_names(connection, sorted(keys))}
    words = known.get(group_by, {})
    rows = [_row(key, words.get(key), counts) for key, counts in found.items()]
    sums_of = {name: sum(counts[name] for counts in found.values()) for name in _COUNTED}
    return SlaTable(
        group_by=group_by,
        filters=filters,
        rows=sorted(
            (row for row in rows if row.total),
            key=lambda row: (-row.late, -row.at_risk, -row.total, row.name or row.key),
        ),
        total=_row("", None, sums_of),
        choices={
            name: [
                SlaChoice(key=key, name=known.get(name, {}).get(key)) for key in _with(values, filters, name)
            ]
            for name, values in choices.items()
        },
    )


def sums(projects: Sequence[str], group_by: Dimension, filters: SlaFilter) -> Select[Any]:
    """Key, state and number of orders, from the kept sums."""
    table = schema.figure_sla
    key, state = table.c[group_by], table.c.state
    query = select(key, state, func.sum(table.c.number)).where(belongs(table, projects, filters))
    return query.where(state != str(SlaState.NONE)).group_by(key, state)


def passed(
    projects: Sequence[str], group_by: Dimension, filters: SlaFilter, now: str, *, late: bool
) -> Select[Any]:
    """Key and number of orders that run and are past their limit, or past their warning only."""
    table = schema.sla_order
    key, limit = table.c[group_by], table.c.breach_at
    warned = and_(table.c.warn_at < now, or_(limit.is_(None), limit >= now))
    query = select(key, func.count()).where(
        belongs(table, projects, filters), limit < now if late else warned
    )
    return query.group_by(key)


def belongs(table: Table, projects: Sequence[str], filters: SlaFilter) -> ColumnElement[bool]:
    """The condition of a filter on the rows or on the sums."""
    set_ = {name: getattr(filters, name) for name in filters.__struct_fields__}
    return and_(
        table.c.project.in_(projects),
        *(table.c[name] == value for name, value in set_.items() if value is not None),
    )


_COUNTED = (str(SlaState.OPEN), str(SlaState.MET), str(SlaState.BREACHED), "late", "warned")


def _row(key: str, name: str | None, counts: Mapping[str, int]) -> SlaRow:
    running, met, breached, late_open, warned = (counts.get(one, 0) for one in _COUNTED)
    total, late = running + met + breached, breached + late_open
    percent = None
    if total:
        percent = str((Decimal(100) * (total - late) / total).quantize(Decimal("0.1"), ROUND_FLOOR))
    return SlaRow(
        key=key,
        name=name,
        on_time=total - late - warned,
        at_risk=warned,
        late=late,
        late_open=late_open,
        total=total,
        percent=percent,
    )


def _values(projects: Sequence[str], each: Dimension, filters: SlaFilter) -> Select[Any]:
    """What a filter could be set to while the others stay."""
    table = schema.figure_sla
    column = table.c[each]
    return select(column).where(belongs(table, projects, filters.without(each))).distinct().order_by(column)


def _with(values: list[str], filters: SlaFilter, name: str) -> list[str]:
    """The values, and what is set now even where nothing has it any more: it must be possible to see it."""
    now: str | None = getattr(filters, name)
    return values if now is None or now in values else sorted([*values, now])


def _zone_names(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    node = schema.network_node
    query = select(node.c.mrid, node.c.name).where(node.c.mrid.in_(keys), node.c.name.is_not(None))
    return {row.mrid: row.name for row in connection.execute(query)}
