"""A project whose files name what another project of the office holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.workorders.offices import FILES, PROJECT, Bureau, write_project
from workorders.gateway.errors import InvalidInput
from workorders.gateway.load import load_project
from workorders.gateway.tables import project, usage_point
from workorders.store import schema

OTHER = PROJECT.replace('id = "demo"', 'id = "south"')
EMPTY = {name.removesuffix(".csv"): text.splitlines()[0] + "\n" for name, text in FILES.items()}


def held(bureau: Bureau) -> list[list[Any]]:
    """Which projects there are, and whose everything is."""
    columns = [project.c.project_id, usage_point.c.project]
    columns += [table.c.project for table in (schema.network_node, schema.base_placement, schema.stock_item)]
    with bureau.office.store.read() as connection:
        return [list(connection.execute(select(column).distinct()).scalars()) for column in columns]


def test_what_another_project_holds_is_named_and_nothing_is_taken(each_database: str, tmp_path: Path) -> None:
    """It was a fault of the database without a name, after the project and its network were written."""
    bureau = Bureau.open(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        load_project(bureau.office, write_project(tmp_path / "south", project=OTHER))
    assert caught.value.code == "held_elsewhere"
    told = str(caught.value)
    assert "the project demo holds 8 supply points: U0, U1, U2, U3, U4, …;" in told
    assert "4 nodes of the network: C1, SE, T1, T2;" in told
    assert "2 devices of the stock: ZIV0000000001, ZIV0000000002." in told
    assert held(bureau) == [["demo"]] * 5


@pytest.mark.parametrize("table", ["network", "usage_points", "meters", "stock"])
def test_each_table_is_asked(tmp_path: Path, table: str) -> None:
    bureau = Bureau.open(tmp_path)
    files = EMPTY | {table: FILES[f"{table}.csv"]}
    with pytest.raises(InvalidInput, match="the project demo holds"):
        load_project(bureau.office, write_project(tmp_path / "south", project=OTHER, **files))
    assert held(bureau) == [["demo"]] * 5


def test_the_same_project_again_and_one_with_names_of_its_own_are_taken(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    again = load_project(bureau.office, tmp_path / "project")
    assert (again.errors, again.same) == ([], 8)
    own = EMPTY | {"network": "mrid;kind;parent;name;identity;capacity\nSUR;substation;;Sur;;\nmal;;\n"}
    folder = write_project(tmp_path / "south", project=OTHER, **own)
    assert load_project(bureau.office, folder, all_or_nothing=True).taken is False
    assert held(bureau)[0] == ["demo"]
    report = load_project(bureau.office, folder)
    assert (report.counts["network"], report.refused, len(report.errors)) == (1, 1, 1)
    assert held(bureau)[0] == ["demo", "south"]
