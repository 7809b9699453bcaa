"""How many entries a second one gateway process takes on PostgreSQL, against what cannot be avoided.

Tablets that came back push 50 entries at a time, each in a thread as the gateway has them, and are answered
by `push` (signatures, folds, verdicts; durable). Beside it, in the same run, all the same rows (entries,
verdicts and all that was folded) are put into an equal database in as many transactions, by the same driver.
See `tests.bench.sync --postgresql`.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select

from tests.bench.sync import ORDERS_A_DAY, own_entries, project_of, work_of
from tests.support import postgres
from tests.workorders import offices
from tests.workorders.offices import Bureau, Tablet
from workorders.gateway import load, push
from workorders.gateway.tables import head_receipt
from workorders.journal.entry import to_wire
from workorders.store import schema
from workorders.store.engine import Store
from workorders.store.server import open_server
from workorders.sync import wire

BATCH = 50
TABLETS = 4
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
WRITTEN = (*schema.PROJECTION, schema.entry, schema.verdict, schema.order_text, schema.sla_due, head_receipt)


def rows_of(store: Store) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """All rows of what a push writes, by table and key."""
    found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    with store.read() as connection:
        for table in WRITTEN:
            names = [column.name for column in table.primary_key.columns]
            found[table.name] = {
                tuple(row[name] for name in names): dict(row)
                for row in connection.execute(select(table)).mappings()
            }
    return found


def plain(store: Store, rows: dict[str, list[dict[str, Any]]], times: int) -> float:
    """Seconds to put rows in, spread over so many transactions."""
    tables = {table.name: table for table in WRITTEN}
    start = time.perf_counter()
    for number in range(times):
        with store.write() as connection:
            for name, values in rows.items():
                part = values[len(values) * number // times : len(values) * (number + 1) // times]
                if part:
                    connection.execute(insert(tables[name]), part)
    return time.perf_counter() - start


def requests_of(tablet: Tablet) -> list[wire.PushRequest]:
    """What a tablet will push, as the gateway reads it."""
    entries = own_entries(tablet)
    return [
        wire.PushRequest(
            chain_id=entries[0].envelope.chain_id,
            certificate=tablet.identity.certificate,
            entries=[msgspec.Raw(msgspec.json.encode(to_wire(each))) for each in entries[at : at + BATCH]],
        )
        for at in range(0, len(entries), BATCH)
    ]


def run(days: int) -> dict[str, Any]:
    """All figures of one run, on a server of its own that waits for the disk."""
    cluster = postgres.Cluster(DURABLE)
    try:
        with tempfile.TemporaryDirectory(prefix="fieldtool-bench-") as name:
            folder = Path(name)
            with offices.on_server(lambda: cluster.url(cluster.database())):
                bureau = Bureau.open(folder)
            project_of(folder / "project", days * ORDERS_A_DAY)
            load.load_project(bureau.office, folder / "project")
            tablets = [bureau.tablet("A", f"t{number}") for number in range(TABLETS)]
            for tablet in tablets:
                tablet.sync()
            before = rows_of(bureau.office.store)
            for number, order_id in enumerate(tablets[0].order_ids()):
                tablets[number % TABLETS].journal.append_all(list(work_of(order_id, number)))
            pushes = [requests_of(tablet) for tablet in tablets]
            entries = sum(len(request.entries) for requests in pushes for request in requests)
            transactions = sum(map(len, pushes))

            def one(tablet: Tablet, requests: list[wire.PushRequest]) -> None:
                for request in requests:
                    push.push(bureau.office, request, tablet.identity.tablet)

            start = time.perf_counter()
            with ThreadPoolExecutor(TABLETS) as pool:
                list(pool.map(one, tablets, pushes))
            ours = time.perf_counter() - start
            after = rows_of(bureau.office.store)
            fresh = {
                table: [row for key, row in rows.items() if before[table].get(key) != row]
                for table, rows in after.items()
            }
            with open_server(cluster.url(cluster.database()), postgres.MASTER_KEY) as empty:
                raw = plain(empty, fresh, transactions)
            return {
                "entries": entries,
                "rows": sum(map(len, fresh.values())),
                "transactions": transactions,
                "push_entries_per_s": round(entries / ours),
                "plain_entries_per_s": round(entries / raw),
                "push_share": round(raw / ours, 3),
            }
    finally:
        cluster.stop()
