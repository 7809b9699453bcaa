"""The world around one order of a project as its utility delivers it: its own tree, stock and technology."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

import assets
from tests.fieldtool.world import World, make_world
from workorders.gateway.load import read_project
from workorders.gateway.rows import (
    Calendar,
    MeterRow,
    OrderRow,
    ProjectFile,
    StockRow,
    Tree,
    UsagePointRow,
    build_order,
    identities,
    standing,
)
from workorders.mwm.tables import Table
from workorders.network import Node, StockLine
from workorders.orders import WorkOrder

RowType = TypeVar("RowType", bound=msgspec.Struct)


def project_world(folder: Path, monkeypatch: Any, name: str, number: str) -> World:
    """A tablet with the order of this number, the whole tree of its project and the stock of its crew."""
    project, _ = read_project(assets.project(name))
    nodes = _rows(project, "network", Node)
    tree = Tree.of(nodes)
    order = next(row for row in _rows(project, "orders", OrderRow) if row.number == number)
    point = next(
        row for row in _rows(project, "usage_points", UsagePointRow) if row.mrid == order.usage_point
    )
    meter = next(row for row in _rows(project, "meters", MeterRow) if row.serial == order.old_serial)
    assert project.exported is not None
    calendar = Calendar(ZoneInfo(project.time_zone), datetime.now(UTC).date() - project.exported)
    hangs = standing(meter, calendar, tree, point)
    given = build_order(order, project, point, hangs, tree, calendar)
    stock = [
        StockLine(
            serial=row.serial,
            model=row.model,
            state=row.state,
            crew=row.crew,
            identities=identities(row.identities),
        )
        for row in _rows(project, "stock", StockRow)
        if row.crew == order.crew
    ]
    world = make_world(folder, monkeypatch, given, nodes=nodes, stock=stock)
    world.meters["old"].energy = f"{usual_dial(given)}.4"
    return world


def usual_dial(given: WorkOrder) -> str:
    """What the old meter shows by now: its last reading, and the usual use of each day since then."""
    old = given.old_asset
    assert old is not None
    days = (datetime.now(UTC).date() - date.fromisoformat(str(old.last_reading_date))).days
    return str(int(Decimal(str(old.last_reading)) + days * Decimal(str(old.usual_daily_use))))


def _rows(project: ProjectFile, name: str, kind: type[RowType]) -> list[RowType]:
    file = assets.project(project.id) / project.files[name]
    return [row.value for row in Table(file, kind, project.columns.get(name, {})).rows()]
