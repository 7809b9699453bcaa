"""The import of a project: by pages, cut anywhere, by two at once, in memory that does not grow with it."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.workorders import offices
from tests.workorders.load_program import open_at
from tests.workorders.offices import FILES, Bureau, write_project
from workorders.gateway.errors import OutOfTurn
from workorders.gateway.load import load_project, staging
from workorders.gateway.office import Office
from workorders.gateway.tables import order_visibility, usage_point
from workorders.journal.entry import Realm
from workorders.store import schema
from workorders.store.engine import open_store
from workorders.store.verify import verify_store

LISTS = (schema.network_node, usage_point, schema.base_placement, schema.stock_item, schema.heard)
PAGE = 20


def big(orders: int) -> dict[str, str]:
    """Files of the small project with so many orders."""

    def table(name: str, line: str) -> str:
        lines = (line.format(n=n, crew="AB"[n % 2], t=1 + n % 2) for n in range(orders))
        return FILES[f"{name}.csv"].split("\n")[0] + "\n" + "".join(lines)

    return {
        "usage_points": table("usage_points", "U{n};S-{n};K1;Calle {n};-13.5;-71.9;T{t}\n"),
        "meters": table("meters", "OLD{n};em-1ph;T{t};U{n};1000;2026-02-01;5.5\n"),
        "orders": table(
            "orders",
            "{n:03d};exchange;U{n};{crew};2026-03-01T08:00;2026-03-05T18:00;OLD{n};prime-1ph;exchange;0;x;dog\n",
        ),
        "stock": table("stock", "ZIV{n};prime-1ph;on_truck;{crew};mac=4040{n:08d}\n"),
        "secrets": table("secrets", "ZIV{n};clave{n};00112233445566778899AABBCCDDEEFF;\n"),
    }


def state(where: str) -> list[Any]:
    """All that an import writes, as it can be compared: without what is drawn anew each time."""
    secret, plan, seen = schema.meter_secret, schema.order_plan, order_visibility
    queries = [
        *(select(table) for table in LISTS),
        select(secret.c.serial, secret.c.name, secret.c.value),
        select(plan.c.order_id, plan.c.order),
        select(seen.c.order_id, seen.c.crew, seen.c.until_seq),
        select(schema.order_text.c.order_id, schema.order_text.c.search),
        select(schema.entry.c.kind, func.count()).group_by(schema.entry.c.kind),
        select(schema.setting.c.name).where(schema.setting.c.name.startswith("load.")),
    ]
    with open_at(where) as store:
        with store.read() as connection:
            found = [sorted(map(repr, connection.execute(query))) for query in queries]
        assert verify_store(store).problems == []
    return found


def started(where: str, project: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.workorders.load_program", where, str(project), str(PAGE)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_again_and_again_and_loaded_to_the_end_it_is_as_if_never_killed(
    each_database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A cut import left the lists of one delivery and the orders of another, and nothing said so."""

    def database(name: str) -> str:
        if each_database == "sqlite":
            return str(tmp_path / name / "gateway.db")
        return offices.postgres.fresh_office()

    project = write_project(tmp_path / "project", **big(100))
    whole, cut = database("whole"), database("cut")
    with started(whole, project) as program:
        told = program.communicate()[0].splitlines()
    assert program.returncode == 0
    for step in ("reading stock", "usage_points 40", "secrets 60", "orders 40", "orders 80"):
        assert any(line.startswith(step) for line in told)
        with started(cut, project) as program:
            assert program.stdout is not None
            for line in program.stdout:
                if line.startswith(step):
                    program.kill()
                    break
    with started(cut, project) as program:
        told = program.communicate()[0].splitlines()
    assert program.returncode == 0
    assert "stock 100 100" not in told, "what was written is not written again"
    assert "orders 80 100" in told
    assert state(cut) == state(whole)


def stopping_at(step: str, done: int = 0) -> Any:
    """A progress that ends the import there, as Ctrl-C does."""

    def progress(what: str, now: int, _: int) -> None:
        if what == step and now >= done:
            raise KeyboardInterrupt

    return progress


def test_one_that_was_stopped_goes_on_and_says_so(
    each_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "PAGE", PAGE)
    bureau = Bureau.open(tmp_path)
    project = write_project(tmp_path / "more", **big(100))
    with pytest.raises(KeyboardInterrupt):
        load_project(bureau.office, project, progress=stopping_at("orders", 40))
    report = load_project(bureau.office, project)
    assert (report.resumed, report.issued, report.changed + report.same) == (True, 92, 8)
    again = load_project(bureau.office, project)
    assert (again.resumed, again.same) == (False, 100)


def test_of_two_at_once_the_later_one_goes_through_and_the_other_is_told(
    each_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wrote over the other's half, or met an error of the database without a name."""
    monkeypatch.setattr(staging, "PAGE", PAGE)
    bureau = Bureau.open(tmp_path)
    project = write_project(tmp_path / "more", **big(60))
    later: list[int] = []

    def meanwhile(what: str, done: int, _: int) -> None:
        if (what, done, later) == ("orders", 40, []):
            later.append(load_project(bureau.office, project).issued)

    with pytest.raises(OutOfTurn) as caught:
        load_project(bureau.office, project, progress=meanwhile)
    assert (caught.value.code, later) == ("load_overtaken", [52])
    assert load_project(bureau.office, project).same == 60


def test_tablets_get_nothing_of_lists_that_are_half_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock of the new delivery with the network of the old one would make of every device a stranger."""
    monkeypatch.setattr(staging, "PAGE", 1)
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet()
    names: dict[str, set[str]] = {}

    def sync(what: str, done: int, _: int) -> None:
        if (what, done) in {("network", 2), ("stock", 1), ("orders", 0)}:
            tablet.sync()
            with tablet.store.read() as connection:
                names[what] = set(connection.execute(select(schema.network_node.c.name)).scalars())

    tablet.sync()
    network = FILES["network.csv"].replace("SED", "Sector")
    load_project(bureau.office, write_project(tmp_path / "more", network=network), progress=sync)
    old = {"Subestación", "SED 1", "Concentrador"}
    assert [names[step] - {"SED 2"} for step in ("network", "stock")] == [old, old]
    assert "Sector 1" in names["orders"]
    assert "SED 1" not in names["orders"]


def test_a_tree_that_changed_before_the_cut_makes_every_order_due_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which zone an order counts in hangs on the tree; the second program sees no node that differs."""
    monkeypatch.setattr(staging, "PAGE", 1)
    bureau = Bureau.open(tmp_path)
    due, store = schema.sla_due, bureau.office.store
    with store.write() as connection:
        connection.execute(due.delete())
    load_project(bureau.office, tmp_path / "project")
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(due)).scalar() == 0, "nothing moved"
    network = FILES["network.csv"].replace("T2;transformer;SE", "T2;transformer;T1")
    project = write_project(tmp_path / "more", network=network)
    with pytest.raises(KeyboardInterrupt):
        load_project(bureau.office, project, progress=stopping_at("network", 4))
    load_project(bureau.office, project)
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(due)).scalar() == 8


def test_a_list_that_is_no_tree_is_refused_node_by_node_and_the_one_before_stays(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    bad = (
        "A;feeder;B;;;\nB;feeder;A;;;\nX;slot;A;;;\nY;slot;NONE;;;\n"
        "W/1;slot;SE;;;\nZ;ship;SE;;;\nT2;transformer;SE;SED 2;;\n"
    )
    report = load_project(bureau.office, write_project(tmp_path / "more", network=FILES["network.csv"] + bad))
    found = [error.removeprefix("network.csv:").partition(" (it ")[0] for error in report.errors]
    told = "the network list does not make a tree:"
    assert sorted(found) == [
        f"10: {told} W/1: bad_mrid",
        f"11: {told} Z: unknown_kind",
        f"12: {told} T2: duplicate",
        f"6: {told} A: cycle",
        f"7: {told} B: cycle",
        f"9: {told} Y: unknown_parent",
    ]
    assert (report.taken, report.refused, report.same) == (True, 6, 8)
    with bureau.office.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(schema.network_node)).scalar() == 4


def test_of_rows_with_one_number_the_first_good_one_counts(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    head, first = FILES["orders.csv"].splitlines()[:2]
    rows = (first.replace("U0", "NONE"), first.replace("Perro bravo", "Sin perro"), first)
    report = load_project(
        bureau.office, write_project(tmp_path / "more", orders="\n".join((head, *rows)) + "\n")
    )
    assert [error.split(": ")[0] for error in report.errors] == ["orders.csv:2", "orders.csv:4"]
    assert (report.changed, report.absent) == (1, 7)


@pytest.mark.parametrize("broken", ["missing", "no_column", "not_utf8"])
@pytest.mark.parametrize("name", ["network", "usage_points", "meters", "stock"])
def test_of_a_file_that_was_not_read_to_its_end_nothing_is_taken_for_dropped(
    tmp_path: Path, name: str, broken: str
) -> None:
    """A file forgotten in a delivery emptied the office's list, and what stood on it."""
    bureau = Bureau.open(tmp_path)
    folder = write_project(tmp_path / "more")
    path = folder / f"{name}.csv"
    if broken == "missing":
        path.unlink()
    elif broken == "no_column":
        path.write_text("x" + path.read_text("utf-8"), "utf-8")
    else:
        first, second, *rest = path.read_text("utf-8").splitlines(keepends=True)
        path.write_bytes("".join([first, second]).encode() + b"\xff;\n" + "".join(rest).encode())

    def there() -> list[Any]:
        with bureau.office.store.read() as connection:
            return [sorted(map(repr, connection.execute(select(table)))) for table in LISTS]

    before = there()
    report = load_project(bureau.office, folder)
    assert report.refused > 0
    assert (report.taken, report.changed, there()) == (True, 0, before)


def test_memory_does_not_grow_with_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of all files lay in memory, and every order with its entry: 1 GB for 100,000 orders."""
    monkeypatch.setattr(staging, "PAGE", 50)
    monkeypatch.setattr(staging, "LATELY", 50)
    peaks = []
    for number in (50, 150, 600):  # the first brings in what is imported late and cached once
        with open_store(tmp_path / f"{number}.db", b"g" * 32, role="gateway") as store:
            office = Office.open(store, Realm.DEMO)
            project = write_project(tmp_path / f"p{number}", **big(number))
            tracemalloc.start()
            try:
                assert load_project(office, project).issued == number
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    _, second, third = peaks
    assert third < 1.2 * second, [f"{peak / 1e6:.1f} MB" for peak in peaks]
