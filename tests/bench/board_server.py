"""The board on PostgreSQL at a rollout's size: rows brought by COPY, figures made, pages asked.

Orders of a rollout at a steady rate over three years, each with placement, join, clock and the head-end's
word; of the last three weeks a third is still open. Some were late, silent, never heard, heard elsewhere,
raised. See `tests.bench.board`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, text

from tests.support import postgres
from tests.workorders.offices import write_project
from workorders.clock import utc_text
from workorders.gateway import load
from workorders.gateway.board import board_of, orders_behind
from workorders.gateway.office import Office
from workorders.journal.entry import Realm
from workorders.network import orphans
from workorders.rollout.kept import add_up
from workorders.rollout.listing import Listing
from workorders.rollout.sla import ALL, Dimension, SlaFilter, sla_table
from workorders.store import queries
from workorders.store.server import ServerStore, open_server

DAYS = 3 * 365
CREWS = 60
OPEN_DAYS = 21
"""Of the orders of so many last days every third is open."""
ZONES = 40
FILLED = (
    "work_order",
    "placement",
    "join_state",
    "sla_clock",
    "sla_order",
    "heard",
    "exception",
    "order_text",
)
NOW = datetime(2026, 3, 1, 15, tzinfo=UTC)
Row = tuple[object, ...]


def when(number: int, count: int, hours: float = 0) -> str:
    """When order `number` of `count` was executed (plus hours), UTC text."""
    begin = NOW - timedelta(days=DAYS)
    return utc_text(begin + timedelta(days=DAYS * number / count) + timedelta(hours=hours))


def is_open(number: int, count: int) -> bool:
    """Whether an order is still open."""
    return number % 3 == 0 and number > count * (1 - OPEN_DAYS / DAYS)


def rows(table: str, count: int) -> Iterator[Row]:
    """The rows of a table."""
    made = MAKERS[table]
    for number in range(count):
        row = made(number, count)
        if row is not None:
            yield row


def _order(n: int, count: int) -> Row:
    done = None if is_open(n, count) else when(n, count)
    crew = f"crew-{n % CREWS}"
    recent = n > count * (1 - 2 / DAYS)
    status = "dispatched" if done is None else "completed" if recent else "closed"
    return (
        f"o{n:09d}", "demo", f"{n:08d}", status, 1, crew, 0, when(n, count, -20), f"U{n}", f"ZIV{n:010d}",
        "prime", "[]", 20, True, done, crew if done else None, 1, "[]", 0, 1 if n % 80 == 0 else 0,
        when(n, count),
    )  # fmt: skip


def _placement(n: int, count: int) -> Row | None:
    if is_open(n, count):
        return None
    return f"p{n}", f"o{n:09d}", "demo", f"ZIV{n:010d}", f"U{n}", f"C{n // 200}", "{}", when(n, count), False


def _join(n: int, count: int) -> Row | None:
    if is_open(n, count):
        return None
    first = None if n % 200 == 0 else when(n, count, (n * 7) % 90)
    placed = when(n, count)
    state = "joined" if first else "pending"
    return f"ZIV{n:010d}", f"o{n:09d}", "demo", state, "none", "{}", placed, first, first, placed


def _clock(n: int, count: int) -> Row:
    stopped = None if is_open(n, count) else when(n, count)
    breach = when(n, count, -1 if n % 25 == 0 else 24)
    return f"o{n:09d}", "execute", "demo", "v", when(n, count, -30), stopped, breach, breach, False, False


def _standing(n: int, count: int) -> Row:
    """As `workorders.rollout.kept` would make it of the order and its clock."""
    running = is_open(n, count)
    breach = when(n, count, -1 if n % 25 == 0 else 24) if running else None
    state = "open" if running else "breached" if n % 25 == 0 else "met"
    return (
        f"o{n:09d}",
        "demo",
        "Contratas",
        f"crew-{n % CREWS}",
        f"F{n % ZONES}",
        "prime",
        state,
        breach,
        breach,
    )


def _heard(n: int, count: int) -> Row | None:
    if n % 200 == 0 or is_open(n, count):
        return None
    at = utc_text(NOW - timedelta(hours=30 if n % 100 == 1 else 2))
    return f"ZIV{n:010d}", "demo", f"C{n // 200 + (1 if n % 300 == 7 else 0)}", when(n, count), at


def _raised(n: int, count: int) -> Row | None:
    if n % 50:
        return None
    return f"x{n}", f"order:o{n:09d}", "place_occupied", "look", "demo", f"o{n:09d}", "{}", when(n, count)


def _text(n: int, _: int) -> Row:
    return f"o{n:09d}", f"{n:08d} S-{n} ZIV{n:010d} Calle {n % 977}"


COLUMNS = {
    "work_order": "order_id, project, number, status, version, crew, priority, sort_at, usage_point, "
    "new_serial, technology, flags, steps_done, touched, completed_at, executed_by, "
    "executions, record_blobs, attempts, rework, updated_at",
    "placement": "entry_id, order_id, project, serial, usage_point, concentrator, identities, since, "
    "disputed",
    "join_state": "serial, order_id, project, state, how, evidence, placed_at, first_joined_at, heard_at, at",
    "sla_clock": "order_id, rule, project, version, started_at, stopped_at, breach_at, warn_at, paused, void",
    "sla_order": "order_id, project, contractor, crew, zone, technology, state, breach_at, warn_at",
    "heard": "serial, project, concentrator, first_heard_at, heard_at",
    "exception": "exception_id, scope, kind, severity, project, order_id, detail, raised_at",
    "order_text": "order_id, search",
}
MAKERS: dict[str, Callable[[int, int], Row | None]] = {
    "work_order": _order,
    "placement": _placement,
    "join_state": _join,
    "sla_clock": _clock,
    "sla_order": _standing,
    "heard": _heard,
    "exception": _raised,
    "order_text": _text,
}


def fill(url: str, count: int) -> None:
    """Bring the rows by COPY, indexes and triggers aside, then make the figures and tell the planner."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        for table in FILLED:
            connection.execute(f"DELETE FROM {table}".encode())
            query = (
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND schemaname = 'public' "
                "AND indexname NOT LIKE '%%_pkey' AND indexname NOT LIKE '%%_key'"
            )
            indexes = connection.execute(query, (table,)).fetchall()
            for name, _ in indexes:
                connection.execute(f'DROP INDEX "{name}"'.encode())
            with connection.cursor().copy(f"COPY {table} ({COLUMNS[table]}) FROM STDIN".encode()) as copy:
                for row in rows(table, count):
                    copy.write_row(row)
            for _, definition in indexes:
                connection.execute(definition.encode())
        connection.execute("DELETE FROM sla_due")
        connection.execute("SELECT board_rebuild()")
    engine = create_engine(url)
    with engine.begin() as sums:
        add_up(sums)
    engine.dispose()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def median_ms(work: Callable[[], object], times: int = 5) -> float:
    """Median of several runs, in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return sorted(taken)[len(taken) // 2]


def measure(store: ServerStore, office: Office, count: int) -> dict[str, Any]:
    """Times of every page, in milliseconds."""

    def plain() -> object:
        with store.read() as connection:
            return connection.execute(text("SELECT status, count(*) FROM work_order GROUP BY status")).all()

    def lists() -> object:
        with store.read() as connection:
            return orphans(connection, now=utc_text(NOW), project="demo")

    def found(words: str) -> object:
        with store.read() as connection:
            return queries.orders(connection, queries.OrderFilter(project="demo"), words)

    def raised() -> object:
        with store.read() as connection:
            return queries.exceptions(connection, project="demo", limit=100)

    def by_zone(filters: SlaFilter) -> object:
        with store.read() as connection:
            return sla_table(
                connection,
                projects=["demo"],
                group_by=Dimension.ZONE,
                filters=filters,
                now=utc_text(NOW),
                names={},
            )

    figures = {
        "sla_by_zone": median_ms(lambda: by_zone(ALL)),
        "sla_filtered": median_ms(lambda: by_zone(SlaFilter(crew="crew-7", technology="prime"))),
        "board": median_ms(lambda: board_of(office, "demo")),
        "orphan_lists": median_ms(lists),
        "orders_page": median_ms(lambda: found("")),
        "search_serial": median_ms(lambda: found(f"ZIV{count // 2:010d}")),
        "exceptions_page": median_ms(raised),
    }
    for which in Listing:
        figures[f"behind_{which}"] = median_ms(
            lambda which=which: orders_behind(office, "demo", which, 100, 0)
        )  # type: ignore[misc]  # bound now
    base = median_ms(plain, 3)
    slowest = max(figures.values())
    return {
        "placements": count,
        "plain_count_ms": round(base, 1),
        **{f"{name}_ms": round(value, 1) for name, value in figures.items()},
        "board_ratio": round(figures["board"] / base, 3),
        "slowest_ms": round(slowest, 1),
    }


def run(url: str | None, count: int) -> dict[str, Any]:
    """Fill a database (that of `url`, which must hold nothing else, or our own server's) and ask."""
    cluster = None
    if url is None:
        cluster = postgres.Cluster({"shared_buffers": "1GB", "work_mem": "64MB", "max_wal_size": "8GB"})
        url = cluster.url(cluster.database())
    try:
        with tempfile.TemporaryDirectory() as folder, open_server(url, postgres.MASTER_KEY) as store:
            office = Office.open(store, Realm.DEMO, lambda: NOW)
            load.load_project(office, write_project(Path(folder) / "project"))
            board_of(office, "demo")
            start = time.perf_counter()
            fill(url, count)
            filled = time.perf_counter() - start
            return {"fill_s": round(filled), **measure(store, office, count)}
    finally:
        if cluster is not None:
            cluster.stop()
