"""How fast the supervisor's pages are answered: `python -m tests.bench.board [--orders N] [--json]`, or
at the size of a rollout on PostgreSQL `python -m tests.bench.board --placements 1000000 [--database URL]`.

A project of N orders, a third of them executed by tablets' entries, on the gateway's encrypted store. Beside
each page stands, in the same run, a plain count of the orders by status on that store: `ratio` is page /
count. The board is asked over HTTP as the page asks it. No figure is a pass mark.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

from tests.bench import board_server
from tests.bench.sync import project_of, work_of
from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from workorders.gateway import load, persons
from workorders.gateway.board import board_of
from workorders.people import Role
from workorders.store import schema

PIN = "730514"
EXECUTED_SHARE = 3
TIMES = 7


def median_ms(work: Callable[[], object]) -> float:
    """Median of several runs, in milliseconds."""
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def run(count: int) -> dict[str, Any]:
    """All figures of one run."""
    with tempfile.TemporaryDirectory(prefix="fieldtool-bench-") as name:
        folder = Path(name)
        bureau = Bureau.open(folder)
        office = bureau.office
        project_of(folder / "project", count)
        load.load_project(office, folder / "project")
        persons.add_user(office, name="Sofía", role=Role.SUPERVISOR, person_id="sup", project="demo", pin=PIN)
        tablet = bureau.tablet("A")
        tablet.sync()
        for number, order_id in enumerate(tablet.order_ids()[::EXECUTED_SHARE]):
            tablet.journal.append_all(list(work_of(order_id, number)))
        tablet.sync()

        def plain() -> object:
            table = schema.work_order
            with office.store.read() as connection:
                query = select(table.c.status, func.count()).group_by(table.c.status)
                return connection.execute(query).all()

        start = time.perf_counter()
        board_of(office, "demo")
        cold = (time.perf_counter() - start) * 1000
        base = median_ms(plain)
        figures: dict[str, float] = {"board": median_ms(lambda: board_of(office, "demo"))}
        with serving(bureau) as url:
            answer = requests.post(f"{url}/v1/sessions", json={"user": "sup", "pin": PIN}, timeout=30)
            session = requests.Session()
            session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            for page, path in (
                ("board_http", "/v1/board?project=demo"),
                ("orders_http", "/v1/orders?project=demo&limit=100"),
                ("search_http", "/v1/orders?project=demo&search=Calle+77"),
                ("exceptions_http", "/v1/exceptions?project=demo"),
            ):
                figures[page] = median_ms(
                    lambda path=path: session.get(url + path, timeout=60).raise_for_status()
                )  # type: ignore[misc]  # bound now
    return {
        "orders": count,
        "plain_count_ms": round(base, 2),
        "board_first_ms": round(cold, 1),
        **{f"{page}_ms": round(value, 2) for page, value in figures.items()},
        **{f"{page}_ratio": round(value / base, 1) for page, value in figures.items()},
    }


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=3000)
    parser.add_argument("--placements", type=int, help="on PostgreSQL, rows brought by COPY")
    parser.add_argument("--database", help="an empty database; else a server is started for the run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.placements or options.database:
        figures = board_server.run(options.database, options.placements or 1_000_000)
    else:
        figures = run(options.orders)
    if options.json:
        print(json.dumps(figures))
        return 0
    for key, value in figures.items():
        print(f"{key:>24}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
