"""SLA by crew, zone, technology, contractor and project: kept sums, equal to a count from nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from tests.workorders.offices import FILES, PROJECT, Bureau, write_project
from tests.workorders.servers import serving
from tests.workorders.test_sync_push import execute
from workorders.gateway import acts, board, load, persons
from workorders.gateway.errors import OfficeError
from workorders.orders import Place, WorkOrder
from workorders.people import Role
from workorders.rollout.clocks import ClockState, order_clocks
from workorders.rollout.kept import SlaState, add_up
from workorders.rollout.rules import read_rules
from workorders.rollout.sla import Dimension, SlaFilter, SlaRow, SlaTable, passed, sums
from workorders.store import migrations, projection, schema

CREWS = PROJECT.replace('name = "Cuadrilla B"', 'name = "Cuadrilla B"\ncontractor = "Sub"')
RULES = """[[sla.rule]]
id = "begin"
start = "issued"
stop = ["inProgress", "completed"]
limit = "1d"
"""
NETWORKS = [
    FILES["network.csv"]
    .replace("T1;transformer;SE", "F1;feeder;SE;Alimentador 1;;\nT1;transformer;F1")
    .replace("T2;transformer;SE", "F2;feeder;SE;Alimentador 2;;\nT2;transformer;F2"),
]
NETWORKS.append(NETWORKS[0].replace("T2;transformer;F2", "T2;transformer;F1"))
CONTRACTORS = {"A": "Contratas", "B": "Sub"}
_folders = count()


class World:
    """An office with two zones, two contractors, two technologies, and a tablet of each crew."""

    def __init__(self, folder: Path) -> None:
        self.bureau = Bureau.open(folder)
        self.project = CREWS
        self.network = 0
        self.load()
        self.tablets = {crew: self.bureau.tablet(crew, crew) for crew in "AB"}
        self.numbers = count(100)

    def load(self) -> None:
        folder = self.bureau.folder / "project"
        write_project(folder, project=self.project, network=NETWORKS[self.network])
        assert load.load_project(self.bureau.office, folder).errors == []

    def orders(self) -> list[Any]:
        with self.bureau.office.store.read() as connection:
            return list(connection.execute(select(schema.work_order).order_by("number")))

    def act(self, name: str, which: int) -> None:
        """Something happens to an order; what is out of turn is refused and changes nothing."""
        office, orders = self.bureau.office, self.orders()
        order = orders[which % len(orders)]
        match name:
            case "time":
                self.bureau.now.forward(hours=which)
            case "issue":
                place = Place(transformer="T1") if which % 3 else Place(concentrator="C1")
                issued = WorkOrder(
                    mrid="",
                    number=f"N{next(self.numbers)}",
                    project="demo",
                    kind="exchange",
                    crew=[None, "A", "B"][which % 3],
                    technology=["prime", "rpma", None][which % 3],
                    place=place if which % 5 else Place(),
                )
                acts.issue_order(office, issued, actor="sofia")
            case "execute":
                crew = "AB"[which % 2]
                tablet = self.tablets[crew]
                tablet.sync()
                mine = tablet.order_ids()
                if mine:
                    execute(tablet, mine[which % len(mine)], serial=f"ZIV{next(self.numbers):010d}")
                    tablet.sync()
            case "cancel":
                acts.cancel_order(office, order.order_id, "withdrawn", actor="sofia")
            case "reassign":
                acts.reassign_order(office, order.order_id, "AB"[which % 2], actor="sofia")
            case "return":
                acts.return_order(office, order.order_id, "photo", actor="sofia")
            case "approve":
                acts.approve_order(office, order.order_id, actor="sofia")
            case "network":
                self.network = which % 2
                self.load()
            case "rules":
                self.project = CREWS + RULES * (which % 2)
                self.load()
            case "rebuild":
                projection.rebuild(office.store)
            case "board":
                self.table()

    def table(self, group_by: Dimension = Dimension.CREW, **filters: str) -> SlaTable:
        found = board.board_of(
            self.bureau.office, "demo", group_by=group_by, filters=SlaFilter(**filters)
        ).sla
        assert found is not None
        return found

    def one_by_one(self) -> list[tuple[dict[str, str], str]]:
        """What each order belongs to and how it stands, by looking at it by itself."""
        rules, now = read_rules(self.project, "project.toml"), self.bureau.office.now()
        found = []
        with self.bureau.office.store.read() as connection:
            node = schema.network_node
            nodes = {row.mrid: row for row in connection.execute(select(node))}
            for order in self.orders():
                crew = order.executed_by or order.crew or ""
                place, zone = order.transformer or order.concentrator, ""
                while place in nodes:
                    zone, kind = place, nodes[place].kind
                    place = None if kind == "feeder" else nodes[place].parent
                of = {
                    "project": "demo",
                    "crew": crew,
                    "zone": zone,
                    "technology": order.technology or "prime",
                    "contractor": CONTRACTORS.get(crew, "Contratas"),
                }
                states = {one.state(now) for one in order_clocks(connection, rules, order.order_id, now)}
                found.append((of, _word(states)))
        return found


def counted(
    orders: list[tuple[dict[str, str], str]], group_by: str, filters: dict[str, str]
) -> dict[str, Counter[str]]:
    """The same table by counting `World.one_by_one`."""
    found: dict[str, Counter[str]] = {}
    for of, word in orders:
        if word and all(of[name] == value for name, value in filters.items()):
            found.setdefault(of[group_by], Counter())[word] += 1
    return found


def _word(states: set[ClockState]) -> str:
    if states & {ClockState.BREACHED, ClockState.LATE}:
        return "late"
    if ClockState.WARNING in states:
        return "at_risk"
    return "on_time" if states & {ClockState.RUNNING, ClockState.PAUSED, ClockState.MET} else ""


def numbers(rows: list[SlaRow]) -> dict[str, Counter[str]]:
    return {
        row.key: Counter({name: getattr(row, name) for name in ("on_time", "at_risk", "late")})
        for row in rows
    }


OFFICE = ["issue", "issue", "cancel", "reassign", "return", "approve"]
ACTS = st.sampled_from(
    ["time", "time", "execute", "execute", *OFFICE, "network", "rules", "rebuild", "board"]
)


@pytest.mark.usefixtures("each_database")
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(st.tuples(ACTS, st.integers(0, 60)), min_size=4, max_size=14))
def test_what_is_kept_is_what_a_count_gives(tmp_path: Path, script: list[tuple[str, int]]) -> None:
    world = World(tmp_path / str(next(_folders)))
    for name, which in script:
        try:
            world.act(name, which)
        except OfficeError:
            continue
    chosen: list[dict[str, str]] = [
        {},
        {"zone": "F1"},
        {"crew": "A", "technology": "prime"},
        {"contractor": "Sub", "zone": "F2", "technology": "prime"},
        {"zone": ""},
    ]
    orders = world.one_by_one()
    for group_by in Dimension:
        for filters in chosen:
            table = world.table(group_by, **filters)
            wanted = counted(orders, group_by, filters)
            assert numbers(table.rows) == wanted
            assert table.total.total == sum(each.total() for each in wanted.values())
    before = kept(world)
    with world.bureau.office.store.write() as connection:
        add_up(connection)
    assert kept(world) == before


def kept(world: World) -> list[tuple[Any, ...]]:
    table = schema.figure_sla
    with world.bureau.office.store.read() as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]


@pytest.fixture
def world(tmp_path: Path, each_database: str) -> World:
    return World(tmp_path)


def test_rows_choices_and_the_list_behind_them_obey_all_filters_together(world: World) -> None:
    tablet = world.tablets["A"]
    tablet.sync()
    execute(tablet, tablet.order_ids()[0])
    tablet.sync()
    world.bureau.now.forward(hours=60)
    zones = world.table(Dimension.ZONE)
    assert [(row.key, row.name, row.late, row.late_open, row.percent) for row in zones.rows] == [
        (
            "F1",
            "Alimentador 1",
            4,
            3,
            "0.0",
        ),  # the one executed was so long after: a tablet has its own clock
        ("F2", "Alimentador 2", 4, 4, "0.0"),
    ]
    assert (zones.total.total, zones.total.on_time, zones.total.percent) == (8, 0, "0.0")
    one = world.table(Dimension.CREW, zone="F1", contractor="Contratas")
    assert [(row.key, row.name, row.total) for row in one.rows] == [("A", "Cuadrilla A", 4)]
    # Each filter offers what is left under the others, and what it is set to itself.
    assert {name: [each.key for each in values] for name, values in one.choices.items()} == {
        "crew": ["A"],
        "zone": ["F1"],
        "technology": ["prime"],
        "contractor": ["Contratas"],
    }
    none = world.table(Dimension.CREW, zone="F1", crew="B")
    assert (none.rows, none.total.percent) == ([], None)
    total, found = board.orders_behind(
        world.bureau.office, "demo", board.Listing.LATE, 2, 0, SlaFilter(zone="F1")
    )
    assert (total, len(found), {row.transformer for row in found}) == (3, 2, {"T1"})
    total, found = board.orders_behind(
        world.bureau.office, "demo", board.Listing.WAITING_APPROVAL, 9, 0, SlaFilter(crew="B")
    )
    assert (total, found) == (0, [])


def test_a_rebuild_takes_away_sums_that_were_wrong(world: World) -> None:
    world.table()
    before = kept(world)
    with world.bureau.office.store.write() as connection:
        connection.execute(schema.figure_sla.update().values(number=77))
    projection.rebuild(world.bureau.office.store)
    assert kept(world) == []
    world.table()
    assert kept(world) == before


def test_an_office_of_before_gets_its_rows_when_it_is_asked(world: World) -> None:
    """As an older program left it: clocks computed, nothing due, no row of an order's standing."""
    before = (world.table(Dimension.ZONE).rows, kept(world))
    with world.bureau.office.store.write() as connection:
        for table in ("sla_order", "figure_sla"):
            connection.execute(text(f"DROP TABLE {table}"))
        assert connection.execute(select(schema.sla_due)).first() is None
        # This step alone: what later ones change is here already.
        migrations.migrate(connection, tuple(one for one in migrations.REVISIONS if one.name == "0012"))
    assert (world.table(Dimension.ZONE).rows, kept(world)) == before


def test_a_million_orders_are_not_walked(world: World, each_database: str) -> None:
    """Sums come from the sums; of the orders an index gives those that run and are late, without the rest."""
    rows = [
        {
            "order_id": f"o{number}",
            "project": "demo",
            "contractor": "Contratas",
            "crew": f"c{number % 9}",
            "zone": f"F{number % 7}",
            "technology": "prime",
            "state": str(SlaState.OPEN if number % 100 == 0 else SlaState.MET),
            "breach_at": f"2026-03-{1 + number % 28:02d}T00:00:00.000Z" if number % 100 == 0 else None,
            "warn_at": f"2026-02-{1 + number % 28:02d}T00:00:00.000Z" if number % 100 == 0 else None,
        }
        for number in range(20_000)
    ]
    with world.bureau.office.store.write() as connection:
        connection.execute(insert(schema.sla_order), rows)
        add_up(connection)
        connection.execute(text("ANALYZE"))
    dialect = sqlite.dialect() if each_database == "sqlite" else postgresql.dialect()
    filters = SlaFilter(zone="F1", crew="c3")
    queries = {
        "figure_sla": sums(["demo"], Dimension.ZONE, filters),
        "sla_order_breach": passed(["demo"], Dimension.ZONE, filters, "2026-03-05", late=True),
        "sla_order_warn": passed(["demo"], Dimension.ZONE, filters, "2026-03-05", late=False),
    }
    explain = "EXPLAIN QUERY PLAN " if each_database == "sqlite" else "EXPLAIN "
    for used, query in queries.items():
        statement = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        with world.bureau.office.store.read() as connection:
            plan = "\n".join(str(tuple(row)) for row in connection.execute(text(explain + str(statement))))
        assert used in plan
        assert "SCAN sla_order" not in plan
        assert "Seq Scan on sla_order" not in plan


@pytest.fixture
def asked(world: World) -> Iterator[Any]:
    """Asks the office over HTTP: `asked(user, query)`."""
    office = world.bureau.office
    other = world.bureau.folder / "other"
    rename = dict.fromkeys(("customers", "stock", "secrets", "users", "heard", "meters"), "")
    headers = {name: FILES[f"{name}.csv"].split("\n")[0] + "\n" for name in rename}
    project = CREWS.replace('id = "demo"', 'id = "other"')
    tables = {
        "network": "mrid;kind;parent;name;identity;capacity\nSX;substation;;Otra;;\n",
        "usage_points": "mrid;number;customer;address;lat;lon;transformer\nX1;S-X;;;;;\n",
        "orders": FILES["orders.csv"].split("\n")[0] + "\n001;exchange;X1;A;;;;;exchange;0;;\n",
    }
    write_project(other, project=project, **headers, **tables)
    assert load.load_project(office, other).errors == []
    for who, of in (("everywhere", None), ("here", "demo")):
        persons.add_user(office, name=who, role=Role.SUPERVISOR, person_id=who, project=of, pin="730514")
    with serving(world.bureau) as url:

        def ask(user: str, path: str) -> requests.Response:
            answer = requests.post(f"{url}/v1/sessions", json={"user": user, "pin": "730514"}, timeout=20)
            headers = {"Authorization": f"Bearer {answer.json()['token']}"}
            return requests.get(f"{url}/v1/{path}", headers=headers, timeout=20)

        yield ask


def test_nobody_sees_in_the_comparison_a_project_that_is_not_theirs(asked: Any) -> None:
    def projects(user: str) -> dict[str, int]:
        answer = asked(user, "board?project=demo&group_by=project").json()
        return {row["key"]: row["total"] for row in answer["sla"]["rows"]}

    assert projects("everywhere") == {"demo": 8, "other": 1}
    assert projects("here") == {"demo": 8}
    assert asked("here", "board?project=other&group_by=project").status_code == 403
    assert asked("here", "board?project=demo&group_by=weather").status_code == 400
    answer = asked("here", "lists/late?project=demo&zone=F1&crew=B").json()
    assert answer["total"] == 0
