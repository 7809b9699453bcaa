"""How fast the record is: `python -m tests.bench.store [--orders N] [--json]`.

Loading, rebuilding and appending stand beside plain library calls in the same run, so that a slow machine
does not look like slow code: a ratio is ours / plain, of loading in processor time, the best of three by
turns. Loading goes as a first download does: the keys, then pages of entries, each in its transaction.
What is plain: `bytes`, json.loads of each entry and one insert of id and body into a bare table of the same
encrypted format; `rows`, json.loads and one insert of every row that the load leaves, into the same tables.
No figure is a pass mark.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection

from tests.workorders.record_support import KEY, Author, an_order, issued, new_journal, new_store
from workorders.journal import kinds
from workorders.journal.sealing import OrderKey, new_order_key
from workorders.network import Node, StandingMeter, capacity, children, load_meters, load_network, orphans
from workorders.orders import Customer, OldAsset
from workorders.rollout import Plan, board, read_rules, refresh_clocks
from workorders.store import inbox, projection, queries
from workorders.store.engine import Store
from workorders.store.inbox import ReceivedEntry
from workorders.sync import keyring, wire

Pulled = list[tuple[ReceivedEntry, tuple[str, OrderKey]]]
"""Entries as a pull delivers them, each with its order and that order's key."""
STREETS = ("Túpac Amaru", "San Martín", "Los Álamos", "Bolívar", "Huayna Cápac", "Las Palmeras", "El Sol")
RULES = """
[sla]
time_zone = "America/Lima"
calendar = { days = ["mon", "tue", "wed", "thu", "fri", "sat"], hours = ["07:00-17:00"] }
[[sla.rule]]
id = "execute"
start = "issued"
stop = ["completed", "notDone"]
limit = "10d"
calendar = "working"
"""


def median_ms(work: Callable[[], object], times: int = 15) -> float:
    """Median of several runs, in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(taken), 3)


def seconds(work: Callable[[], object]) -> float:
    """One run, in seconds."""
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 2)


def received(count: int) -> Iterator[tuple[ReceivedEntry, tuple[str, OrderKey]]]:
    """Issued orders as a pull delivers them, with their keys."""
    office = Author(chain=1)
    for number in range(count):
        order_id = f"o{number:06d}"
        key = new_order_key()
        order = an_order(
            order_id,
            number=f"OT-{number:06d}",
            crew=f"c{number % 30}",
            supply_number=f"10{number:08d}",
            old_asset=OldAsset(serial=f"00{44_000_000 + number * 7:09d}"),
            scheduled_start=f"2026-11-{1 + number % 28:02d}T{8 + number % 9:02d}:00:00.000Z",
        )
        customer = Customer(
            name=f"Juana Quispe {number}",
            address=f"Av. {STREETS[number % 7]} {number}",
            phone="999",
            notes="x",
        )
        entry = office.write(issued(order, key, customer), order_id=order_id)
        yield ReceivedEntry(entry=entry, server_seq=number + 1), (order_id, key)


def plain_database(folder: Path, rows: list[tuple[str, bytes]]) -> Any:
    """The same bytes in the same encrypted file format, without anything of ours."""
    connection = sqlcipher.connect(os.fspath(folder / "plain.db"), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE entry (id TEXT PRIMARY KEY, body BLOB)")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO entry VALUES (?, ?)", rows)
    connection.execute("COMMIT")
    return connection


def page_and_count(connection: Connection, search: str) -> object:
    """What the office's page of orders asks for: a page within a project, and how many there are."""
    which = queries.OrderFilter(project="p1")
    return queries.orders(connection, which, search), queries.count_orders(connection, which, search)


def bench_list(store: Store, count: int) -> dict[str, float]:
    """A page at the top, deep in the list, and searches."""
    searches = {
        "search_serial_part_ms": f"{44_000_000 + (count // 2) * 7:09d}"[-6:],
        "search_supply_ms": f"10{count // 3:08d}",
        "search_street_ms": "tupac amaru",
        "search_two_words_ms": "quispe palmeras",
        "search_short_ms": "7",
        "search_all_and_short_ms": "quispe 77",
        "search_nothing_ms": "zzzz",
    }
    found: dict[str, float] = {}
    with store.read() as connection:
        crew = queries.OrderFilter(crew="c7", open_only=True)
        found["page_first_ms"] = median_ms(lambda: queries.orders(connection))
        found["page_deep_ms"] = median_ms(lambda: queries.orders(connection, offset=count - 100))
        found["page_of_a_crew_ms"] = median_ms(lambda: queries.orders(connection, crew))
        found["count_ms"] = median_ms(lambda: queries.count_orders(connection))
        for name, text in searches.items():
            found[name] = median_ms(lambda text=text: page_and_count(connection, text), 7)
        found["order_ms"] = median_ms(lambda: queries.order(connection, f"o{count // 2:06d}"))
    return found


def bench_append(store: Store, folder: Path) -> dict[str, float]:
    """A step of an order that already has forty, against one durable insert of as many bytes."""
    journal = new_journal(store)
    payload = kinds.StepDone(step="photo_before", answers={"position": "ok", "note": "x" * 200})
    for number in range(40):
        journal.append(kinds.StepDone(step=f"s{number}", answers={"a": "1"}), order_id="o000001")
    plain = plain_database(folder, [])
    number = iter(range(1_000_000))

    def insert() -> None:
        plain.execute("BEGIN IMMEDIATE")
        plain.execute("INSERT INTO entry VALUES (?, ?)", (str(next(number)), b"x" * 900))
        plain.execute("COMMIT")

    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(80):
        # One after the other: what a disk takes changes while others use it.
        theirs.append(median_ms(insert, 1))
        ours.append(median_ms(lambda: journal.append(payload, order_id="o000001"), 1))
    plain.close()
    append, bare = statistics.median(ours), statistics.median(theirs)
    return {
        "append_ms": round(append, 3),
        "append_plain_ms": round(bare, 3),
        "append_ratio": round(append / bare, 2),
    }


def bench_network(store: Store) -> dict[str, float]:
    """The Cusco tree: one substation, its feeders and transformers, 20,107 meters."""
    nodes = [Node(mrid="sub", kind="substation", name="Dolorespata", capacity=50_000)]
    nodes += [
        Node(mrid=f"f{number}", kind="feeder", parent="sub", name=f"DO-{number:02d}") for number in range(12)
    ]
    nodes += [
        Node(mrid=f"sed{n}", kind="transformer", parent=f"f{n % 12}", name=f"SED {n}", capacity=80)
        for n in range(400)
    ]
    meters = [
        StandingMeter(serial=f"T{number:08d}", place=f"sed{number % 400}", usage_point=f"n{number}")
        for number in range(20_107)
    ]
    found: dict[str, float] = {}
    with store.write() as connection:
        found["tree_load_s"] = seconds(lambda: load_network(connection, "cusco", nodes))
        found["meters_load_s"] = seconds(lambda: load_meters(connection, "cusco", meters))
    now = "2026-11-24T12:00:00.000Z"
    with store.read() as connection:
        found["tree_children_ms"] = median_ms(lambda: children(connection, "f3"))
        found["capacity_sed_ms"] = median_ms(lambda: capacity(connection, "sed17"))
        found["capacity_substation_ms"] = median_ms(lambda: capacity(connection, "sub"), 5)
        found["orphans_ms"] = median_ms(lambda: orphans(connection, now=now, project="cusco"), 5)
    return found


def bench_board(store: Store) -> dict[str, float]:
    """All figures of the board over all orders."""
    rules = read_rules(RULES)
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    found: dict[str, float] = {}
    with store.write() as connection:
        found["clocks_all_s"] = seconds(lambda: refresh_clocks(connection, rules, "p1", now))
        found["clocks_nothing_new_ms"] = median_ms(lambda: refresh_clocks(connection, rules, "p1", now), 5)
    with store.read() as connection:

        def figures() -> object:
            return board(connection, project="p1", rules=rules, plan=Plan(daily=300), now=now)

        found["board_ms"] = median_ms(figures, 5)
    return found


def processor(work: Callable[[], object]) -> float:
    """Processor seconds of one run, the program's own."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ring_of(made: Pulled) -> wire.KeyRing:
    """The keys of all orders, as the gateway seals them to a tablet."""
    items = [
        wire.OrderKeyItem(order_id=order, key_id=key.key_id, key=base64.b64encode(key.key).decode())
        for _, (order, key) in made
    ]
    return wire.KeyRing(order_keys=items, meter_secrets=[])


def load(store: Store, made: Pulled, ring: wire.KeyRing) -> None:
    """A first download, from what stands proven in memory to the last commit."""
    answer = wire.KeysAnswer(digest=keyring.ring_digest(ring), sealed=None, erased=[])
    with store.write() as connection:
        keyring.take(connection, answer, ring, "2026-11-24T12:00:00.000Z")
    for start in range(0, len(made), wire.PULL_PAGE_ENTRIES):
        page = [item for item, _ in made[start : start + wire.PULL_PAGE_ENTRIES]]
        with store.write() as connection:
            inbox.receive(connection, page)


def driver_of(connection: Connection) -> Any:
    """The bare SQLCipher connection."""
    return connection.connection.driver_connection


def rows_of(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of a store by table, the full-text index as what was put into it."""
    with store.read() as connection:
        driver = driver_of(connection)
        listed = driver.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        names = [name for (name,) in listed if not name.startswith(("sqlite_", "order_search", "alembic"))]
        rows = {name: driver.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
        rows["order_search"] = driver.execute("SELECT rowid, search FROM order_search").fetchall()
    return rows


def put_all(store: Store, bodies: list[tuple[str, bytes]], rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """json.loads of each body, and every row as it is, in one transaction."""
    for _, body in bodies:
        json.loads(body)
    with store.write() as connection:
        driver = driver_of(connection)
        for name, values in rows.items():
            if values:
                columns = "(rowid, search)" if name == "order_search" else ""
                marks = ", ".join("?" * len(values[0]))
                driver.executemany(f'INSERT OR REPLACE INTO "{name}" {columns} VALUES ({marks})', values)


def bench_load(folder: Path, made: Pulled) -> dict[str, Any]:
    """A first download and a rebuild beside both plain inserts; the store is left as `store.db`."""
    bodies = [(item.entry.envelope.id, item.entry.body) for item, _ in made]
    ring = ring_of(made)
    # What was made here would lie in no tablet's memory, to be gone through again and again.
    gc.collect()
    gc.freeze()

    def read_and_insert() -> None:
        for _, body in bodies:
            json.loads(body)
        plain_database(folder, bodies).close()

    taken: dict[str, list[float]] = {"bytes": [], "rows": [], "load": [], "rebuild": []}
    for turn in range(3):
        name = "store.db" if turn == 2 else f"turn{turn}.db"
        taken["bytes"].append(processor(read_and_insert))
        (folder / "plain.db").unlink()
        with new_store(folder, name=name) as store:
            taken["load"].append(processor(lambda store=store: load(store, made, ring)))
            taken["rebuild"].append(processor(lambda store=store: projection.rebuild(store)))
            rows = rows_of(store)
        with new_store(folder, name=f"rows{turn}.db") as beside:
            taken["rows"].append(processor(lambda beside=beside, rows=rows: put_all(beside, bodies, rows)))
    best = {name: max(min(times), 0.001) for name, times in taken.items()}
    return {
        **{f"{name}_cpu_s": round(value, 2) for name, value in best.items()},
        "load_to_rows": round(best["load"] / best["rows"], 2),
        "load_to_bytes": round(best["load"] / best["bytes"], 1),
        "rebuild_to_rows": round(best["rebuild"] / best["rows"], 2),
        "rebuild_to_bytes": round(best["rebuild"] / best["bytes"], 1),
    }


def run(count: int) -> dict[str, Any]:
    """All figures, by group."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = list(received(count))
        loaded = bench_load(folder, made)
        with new_store(folder) as store:
            result: dict[str, Any] = {
                "orders": count,
                "load": loaded,
                "list": bench_list(store, count),
                "append": bench_append(store, folder),
                "network": bench_network(store),
                "board": bench_board(store),
            }
            digests = [projection.digest(store)]
            result["rebuild"] = {
                "digest_s": seconds(lambda: projection.digest(store)),
                "rebuild_s": seconds(lambda: projection.rebuild(store)),
            }
            digests.append(projection.digest(store))
            result["rebuild"]["equal"] = digests[0] == digests[1]
            result["file_mb"] = round(store.path.stat().st_size / 1e6, 1)
            result["peak_mb"] = _peak_mb()
    return result


def _peak_mb() -> float | None:
    """The most memory that this process held, the made orders among it; None where nobody says."""
    if sys.platform == "win32":
        return None
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 1)


def main() -> int:
    """Print the figures, as text or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = run(options.orders)
    if options.json:
        print(json.dumps(result))
        return 0
    for group, figures in result.items():
        print(group, *([figures] if not isinstance(figures, dict) else []))
        for name, value in figures.items() if isinstance(figures, dict) else []:
            print(f"    {name:28} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
