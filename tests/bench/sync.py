"""How fast a tablet that was away syncs: `python -m tests.bench.sync [--days N] [--json]`.

A tablet comes back with its entries (14 days by default, ten orders a day, twenty entries each) and syncs
with the gateway over a real socket. Beside it, in the same run, stands what cannot be avoided: the same
entries put into a fresh encrypted store of the same kind and folded, without any protocol. `ratio` is
ours / unavoidable; `wire_ratio` is bytes sent / bytes of the entries; all bytes are with the heads of
requests and answers. No figure is a pass mark.
With `--postgresql`: how many entries a second one process takes on a server (`tests.bench.push_server`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.workorders.offices import FILES, Bureau, Tablet
from tests.workorders.servers import serving
from workorders.gateway import load
from workorders.gateway.office import Office
from workorders.journal import kinds
from workorders.journal.entry import Entry
from workorders.journal.words import DeviceRole, JoinState, ReadingValue
from workorders.journal.writer import Draft
from workorders.store import entries as journal
from workorders.store import projection, schema
from workorders.store.engine import open_store
from workorders.sync.http import HttpTransport

ORDERS_A_DAY = 10
STEPS = 14


def seconds(work: Callable[[], object]) -> float:
    """One run, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def project_of(folder: Path, orders: int) -> None:
    """The small project, with as many orders of crew A as the tablet will do."""
    points = "".join(f"U{n};S-{n};K1;Calle {n};-13.5;-71.9;T1\n" for n in range(orders))
    rows = "".join(
        f"{n:05d};exchange;U{n};A;2026-03-01T08:00;2026-03-05T18:00;;prime-1ph;exchange;0;nota;\n"
        for n in range(orders)
    )
    head = FILES["orders.csv"].split("\n", 1)[0] + "\n"
    (folder / "usage_points.csv").write_text(FILES["usage_points.csv"].split("\n", 1)[0] + "\n" + points)
    (folder / "orders.csv").write_text(head + rows)
    (folder / "meters.csv").write_text(FILES["meters.csv"].split("\n", 1)[0] + "\n")


def work_of(order_id: str, number: int) -> Iterator[Draft]:
    """The entries of one exchange: twenty, as the procedure writes them."""
    serial = f"ZIV{number:010d}"
    readings = [
        ReadingValue(item=f"3:1.0.{c}.8.0.255:2", value=f"{number}.5", unit="kWh") for c in range(1, 9)
    ]
    payloads: list[kinds.Payload] = [kinds.OrderStarted(procedure="exchange", procedure_version=1)]
    payloads += [
        kinds.StepDone(step=f"step_{n}", answers={"checked": True, "value": f"{n}"}, seconds=20)
        for n in range(STEPS)
    ]
    payloads += [
        kinds.MeterRead(role=DeviceRole.NEW, how="optical", serial=serial, readings=readings),
        kinds.MatchChecked(role=DeviceRole.NEW, sources=[], verdict="equal"),
        kinds.DevicePlaced(serial=serial, model="prime-1ph", usage_point=f"U{number}", concentrator="C1"),
        kinds.JoinChecked(serial=serial, state=JoinState.JOINED, how="optical"),
        kinds.OrderCompleted(record_hash="ab" * 32, blobs=[]),
    ]
    for payload in payloads:
        yield Draft(payload=payload, order_id=order_id, actor="ana")


def own_entries(tablet: Tablet) -> list[Entry]:
    """What the tablet wrote."""
    with tablet.store.read() as connection:
        chains = connection.execute(schema.chain.select().where(schema.chain.c.own.is_(True))).all()
        return [entry for chain in chains for entry in journal.chain_entries(connection, chain.chain_id)]


def unavoidable(folder: Path, issued: list[Entry], pushed: list[Entry]) -> tuple[float, float]:
    """Put the office's entries, then the tablet's, into a fresh store by fifties, folding each time."""
    store = open_store(folder / "plain.db", b"p" * 32, role="gateway")
    Office.open(store)

    def take(entries: list[Entry]) -> None:
        for at in range(0, len(entries), 50):
            part = entries[at : at + 50]
            with store.write() as connection:
                for entry in part:
                    number = journal.next_server_seq(connection)
                    journal.insert_entry(connection, entry, own=False, server_seq=number)
                projection.fold(connection, part)

    found = seconds(lambda: take(issued)), seconds(lambda: take(pushed))
    store.close()
    return found


def run(days: int) -> dict[str, Any]:
    """All figures of one run."""
    with tempfile.TemporaryDirectory(prefix="fieldtool-bench-") as name:
        folder = Path(name)
        bureau = Bureau.open(folder)
        project_of(folder / "project", days * ORDERS_A_DAY)
        load.load_project(bureau.office, folder / "project")
        tablet = bureau.tablet("A")
        with serving(bureau) as url:
            me = tablet.identity
            transport = HttpTransport(url, tablet=me.tablet, key=me.signer(), root=me.root_der())
            first = seconds(lambda: tablet.sync(transport))
            first_bytes = transport.received
            for number, order_id in enumerate(tablet.order_ids()):
                tablet.journal.append_all(list(work_of(order_id, number)))
            before = transport.sent, transport.received
            back = seconds(lambda: tablet.sync(transport))
            sent, got = transport.sent - before[0], transport.received - before[1]
            idle = seconds(lambda: tablet.sync(transport))
            last = tablet.sync(transport)
        with bureau.office.store.read() as connection:
            chains = connection.execute(schema.chain.select().where(schema.chain.c.own.is_(True))).all()
            issued = [e for chain in chains for e in journal.chain_entries(connection, chain.chain_id)]
        pushed = own_entries(tablet)
        plain_pull, plain_push = unavoidable(folder, issued, pushed)
        size = sum(len(entry.body) for entry in pushed)
        return {
            "entries_pushed": len(pushed),
            "orders": len(tablet.order_ids()),
            "equal": bool(last.equal),
            "bytes_per_completed_order": round(sent / len(tablet.order_ids())),
            "bytes_of_answers_per_completed_order": round(got / len(tablet.order_ids())),
            "first_download_bytes_per_order": round(first_bytes / len(tablet.order_ids())),
            "first_round_s": round(first, 3),
            "first_round_ratio": round(first / plain_pull, 2),
            "back_round_s": round(back, 3),
            "back_round_ratio": round(back / plain_push, 2),
            "entries_per_s": round(len(pushed) / back),
            "idle_round_s": round(idle, 3),
            "wire_ratio": round(sent / size, 3),
        }


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--postgresql", action="store_true", help="pushes into a PostgreSQL started for it")
    options = parser.parse_args()
    if options.postgresql:
        from tests.bench import push_server

        figures = push_server.run(options.days)
    else:
        figures = run(options.days)
    if options.json:
        print(json.dumps(figures))
    else:
        for key, value in figures.items():
            print(f"{key:>20}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
