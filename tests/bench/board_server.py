"""The board on PostgreSQL at a rollout's size: rows and figures made, pages asked.

Orders of a rollout at a steady rate over three years, each with placement, join, clock and the head-end's
word; of the last three weeks a third is still open. Some were late, silent, never heard, heard elsewhere,
raised. See `tests.bench.board`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
SERVER = {
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
NOW = datetime(2026, 3, 1, 15, tzinfo=UTC)


def when(count: int, hours: str = "0") -> str:
    """When order `n` of `count` was executed (plus hours), as the server writes UTC text."""
    begin = f"TIMESTAMP '{NOW - timedelta(days=DAYS):%Y-%m-%d %H:%M:%S}'"
    step = f"INTERVAL '{DAYS * 86_400 / count:.6f} s'"
    moment = f"{begin} + n * {step} + ({hours}) * INTERVAL '1 hour'"
    return f"""to_char({moment}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def made(count: int) -> dict[str, tuple[dict[str, str], str]]:
    """By table: what stands in each column of row `n`, and which rows there are; all made by the server."""
    is_open = f"(n % 3 = 0 AND n > {count * (1 - OPEN_DAYS / DAYS):.0f})"
    order, serial, point = "'o' || lpad(n::text, 9, '0')", "'ZIV' || lpad(n::text, 10, '0')", "'U' || n"
    crew, placed = f"'crew-' || n % {CREWS}", when(count)
    recent = f"n > {count * (1 - 2 / DAYS):.0f}"
    done = f"CASE WHEN NOT {is_open} THEN {placed} END"
    joined = f"CASE WHEN n % 200 <> 0 THEN {when(count, 'n * 7 % 90')} END"
    breach = when(count, "CASE WHEN n % 25 = 0 THEN -1 ELSE 24 END")
    running = f"CASE WHEN {is_open} THEN {breach} END"
    heard_at = " ELSE ".join(f"'{utc_text(NOW - timedelta(hours=hours))}'" for hours in (30, 2))
    mine = {"order_id": order, "project": "'demo'"}
    return {
        "work_order": (
            mine
            | {
                "number": "lpad(n::text, 8, '0')",
                "status": f"CASE WHEN {is_open} THEN 'dispatched'"
                f" WHEN {recent} THEN 'completed' ELSE 'closed' END",
                "version": "1",
                "crew": crew,
                "priority": "0",
                "sort_at": when(count, "-20"),
                "usage_point": point,
                "new_serial": serial,
                "technology": "'prime'",
                "flags": "'[]'::json",
                "steps_done": "20",
                "touched": "true",
                "completed_at": done,
                "executed_by": f"CASE WHEN NOT {is_open} THEN {crew} END",
                "executions": "1",
                "record_blobs": "'[]'::json",
                "attempts": "0",
                "rework": "CASE WHEN n % 80 = 0 THEN 1 ELSE 0 END",
                "updated_at": placed,
            },
            "true",
        ),
        "placement": (
            mine
            | {
                "entry_id": "'p' || n",
                "serial": serial,
                "usage_point": point,
                "concentrator": "'C' || n / 200",
                "identities": "'{}'::json",
                "since": placed,
                "disputed": "false",
            },
            f"NOT {is_open}",
        ),
        "join_state": (
            mine
            | {
                "serial": serial,
                "state": "CASE WHEN n % 200 <> 0 THEN 'joined' ELSE 'pending' END",
                "how": "'none'",
                "evidence": "'{}'::json",
                "placed_at": placed,
                "first_joined_at": joined,
                "heard_at": joined,
                "at": placed,
            },
            f"NOT {is_open}",
        ),
        "sla_clock": (
            mine
            | {
                "rule": "'execute'",
                "version": "'v'",
                "started_at": when(count, "-30"),
                "stopped_at": done,
                "breach_at": breach,
                "warn_at": breach,
                "paused": "false",
                "void": "false",
            },
            "true",
        ),
        # As `workorders.rollout.kept` would make it of the order and its clock.
        "sla_order": (
            mine
            | {
                "contractor": "'Contratas'",
                "crew": crew,
                "zone": f"'F' || n % {ZONES}",
                "technology": "'prime'",
                "state": f"CASE WHEN {is_open} THEN 'open' WHEN n % 25 = 0 THEN 'breached' ELSE 'met' END",
                "breach_at": running,
                "warn_at": running,
            },
            "true",
        ),
        "heard": (
            {
                "serial": serial,
                "project": "'demo'",
                "concentrator": "'C' || (n / 200 + CASE WHEN n % 300 = 7 THEN 1 ELSE 0 END)",
                "first_heard_at": placed,
                "heard_at": f"CASE WHEN n % 100 = 1 THEN {heard_at} END",
            },
            f"n % 200 <> 0 AND NOT {is_open}",
        ),
        "exception": (
            mine
            | {
                "exception_id": "'x' || n",
                "scope": f"'order:' || {order}",
                "kind": "'place_occupied'",
                "severity": "'look'",
                "detail": "'{}'::json",
                "raised_at": placed,
            },
            "n % 50 = 0",
        ),
        "order_text": (
            {
                "order_id": order,
                "search": f"lpad(n::text, 8, '0') || ' S-' || n || ' ' || {serial} || ' Calle ' || n % 977",
            },
            "true",
        ),
    }


def fill(url: str, count: int) -> None:
    """Have the server make the rows, indexes and triggers aside, then the figures; and tell the planner."""
    plain, began = url.replace("+psycopg", ""), time.perf_counter()
    tables = made(count)

    def one(table: str) -> None:
        columns, where = tables[table]
        with psycopg.connect(plain) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET maintenance_work_mem = '512MB'")
            connection.execute(f"TRUNCATE {table}".encode())
            query = (
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND schemaname = 'public' "
                "AND indexname NOT LIKE '%%_pkey' AND indexname NOT LIKE '%%_key'"
            )
            indexes = connection.execute(query, (table,)).fetchall()
            for name, _ in indexes:
                connection.execute(f'DROP INDEX "{name}"'.encode())
            names, values = ", ".join(columns), ", ".join(columns.values())
            source = f"SELECT {values} FROM generate_series(0, {count - 1}) AS n WHERE {where}"
            connection.execute(f"INSERT INTO {table} ({names}) {source}".encode())
            for _, definition in indexes:
                connection.execute(definition.encode())
        _say(began, table)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, tables))
    with psycopg.connect(plain) as connection:
        connection.execute("DELETE FROM sla_due")
        connection.execute("SELECT board_rebuild()")
    _say(began, "figures")
    engine = create_engine(url)
    with engine.begin() as sums:
        add_up(sums)
    engine.dispose()
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        size = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    _say(began, f"swept and analysed, {size[0] if size else '?'}")


def _say(began: float, what: str) -> None:
    """What is done, on standard error: twelve millions take minutes."""
    print(f"{time.perf_counter() - began:6.0f} s  {what}", file=sys.stderr, flush=True)


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
        cluster = postgres.Cluster(SERVER)
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
