"""The return of the fleet: ``python -m tests.campaign.fleet [--tablets N --orders N --gateways N --full]``.

Tablets that worked for days without signal, each in a process pool, sync at once over HTTP with gateway
processes that share one PostgreSQL server which waits for the disk. Each order is an exchange of twenty
entries and a small blob. Then every entry has to stand there once, every blob too, and the office's tables
equal a fold from nothing.

`--full`: 50 tablets with 140 orders each (some 147,000 entries); `--day`: 300 tablets with a day's ten.
Prints counts, seconds, processor seconds and memory of the gateways; on standard error what is done
meanwhile. Exit status 1 if anything was lost or is there twice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from fieldtool.run.photos import store_blob
from tests.bench.push_server import DURABLE
from tests.bench.sync import work_of
from tests.support import postgres
from tests.workorders import offices
from tests.workorders.offices import FILES, PROJECT, Bureau
from workorders.clock import SystemClock
from workorders.gateway import enrolment, load
from workorders.gateway.direct import DirectTransport
from workorders.gateway.office import Office
from workorders.journal import kinds
from workorders.journal.entry import Realm
from workorders.journal.writer import Draft
from workorders.store import keys, projection, schema
from workorders.store.engine import open_store
from workorders.store.server import open_server
from workorders.sync.blobs import BlobFiles, note_local
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import enrol, journal_of
from workorders.sync.http import HttpTransport
from workorders.sync.identity import TabletIdentity
from workorders.sync.round import SyncRound

TABLETS, ORDERS, GATEWAYS, CLIENTS, ROUNDS = 8, 14, 2, 4, 40
_KEY = b"f" * 32


@dataclass(frozen=True)
class Home:
    """Where a tablet keeps what it has."""

    folder: str

    @property
    def database(self) -> Path:
        return Path(self.folder) / "tablet.db"


def _project(folder: Path, tablets: int, orders: int) -> None:
    """The small project with a crew for each tablet and its orders."""
    crews = "".join(f'[[crew]]\nid = "C{n}"\nname = "Cuadrilla {n}"\n' for n in range(tablets))
    head, _, tail = PROJECT.partition("[[crew]]")
    (folder / "project.toml").write_text(head + crews + tail[tail.index("[files]") :], "utf-8")
    total = tablets * orders
    points = "".join(f"U{n};S-{n};K1;Calle {n};-13.5;-71.9;T1\n" for n in range(total))
    rows = "".join(
        f"{n:06d};exchange;U{n};C{n // orders};2026-03-01T08:00;2026-03-05T18:00;;prime-1ph;exchange;0;;\n"
        for n in range(total)
    )
    for name, text in (
        ("usage_points", points),
        ("orders", rows),
        ("meters", ""),
        ("stock", ""),
        ("secrets", ""),
    ):
        top = FILES[f"{name}.csv"].split("\n", 1)[0] + "\n"
        (folder / f"{name}.csv").write_text(top + text, "utf-8")
    (folder / "network.csv").write_text(FILES["network.csv"].replace(";10\n", f";{total + 1}\n"), "utf-8")
    users = FILES["users.csv"].split("\n", 1)[0] + "\n"
    (folder / "users.csv").write_text(users + "sofia;Sofía Vega;supervisor;\n", "utf-8")


@dataclass(frozen=True)
class Depot:
    """Where a worker of the pool finds the office, to give a tablet out."""

    url: str
    files: str

    def enrol(self, home: Home, crew: str) -> None:
        """A tablet with its orders in it, as it left the depot."""
        with open_server(self.url, postgres.MASTER_KEY) as opened:
            office, files = Office.open(opened), BlobFiles(Path(self.files))
            away = "http://127.0.0.1:1"
            code = enrolment.create_enrolment_code(office, crew=crew, project="demo", url=away)
            ticket = EnrolTicket(url=away, code=parse_code(code.code), root=code.root_sha256)
            with open_store(home.database, _KEY, role="tablet") as store:
                identity = enrol(store, DirectTransport(office, files), ticket, name=crew, realm=Realm.DEMO)
                journal = journal_of(store, identity, SystemClock())
                way = DirectTransport(office, files, identity.tablet)
                SyncRound(store, identity, journal, way, BlobFiles(Path(home.folder) / "blobs")).run()


def prepare(depot: Depot, home: Home, crew: str, first: int) -> int:
    """A tablet leaves the depot and works for days without signal; returns how many entries there are.

    `first`: number of its first order.
    """
    depot.enrol(home, crew)
    with open_store(home.database, _KEY, role="tablet", create=False) as store:
        identity = TabletIdentity.load(store)
        assert identity is not None
        journal = journal_of(store, identity, SystemClock())
        blobs = BlobFiles(Path(home.folder) / "blobs")
        with store.read() as connection:
            table = schema.work_order
            ids = list(connection.execute(select(table.c.order_id).order_by(table.c.number)).scalars())
        for number, order_id in enumerate(ids, first):
            with store.read() as connection:
                key = keys.order_key(connection, order_id)
            photo = f"photo of {number}".encode() * 40
            taken = store_blob(blobs, key, photo, media_type="image/jpeg", what="after", step="photo_after")
            drafts = [Draft(payload=taken, order_id=order_id, actor="ana"), *work_of(order_id, number)]

            def also(connection: Any, taken: kinds.BlobTaken = taken) -> None:
                note_local(connection, taken.sha256, taken.size, "2026-03-01T15:00:00.000Z")

            journal.append_all(drafts, also=also)
        with store.read() as connection:
            own = schema.entry.c.own
            return int(connection.execute(select(func.count()).where(own)).scalar_one())


def bring(home: Home, url: str) -> dict[str, Any]:
    """Rounds until nothing waits any more."""
    began, state, rounds = time.perf_counter(), "", 0
    with open_store(home.database, _KEY, role="tablet", create=False) as store:
        identity = TabletIdentity.load(store)
        assert identity is not None
        blobs = BlobFiles(Path(home.folder) / "blobs")
        while rounds < ROUNDS:
            rounds += 1
            transport = HttpTransport(
                url, tablet=identity.tablet, key=identity.signer(), root=identity.root_der()
            )
            journal = journal_of(store, identity, SystemClock())
            report = SyncRound(store, identity, journal, transport, blobs).run()
            state = str(report.state)
            if state == "done" and not report.pending and not report.pending_blobs:
                break
            time.sleep(0.2)
        with store.read() as connection:
            ids = list(connection.execute(select(schema.entry.c.id).where(schema.entry.c.own)).scalars())
            photos = list(connection.execute(select(schema.blob.c.sha256)).scalars())
    return {
        "ids": ids,
        "photos": photos,
        "state": state,
        "rounds": rounds,
        "seconds": time.perf_counter() - began,
    }


class Gateways:
    """Gateway processes on one database, as behind a balancer."""

    def __init__(self, folder: Path, url: str, number: int) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        self.urls: list[str] = []
        env = os.environ | {
            "FIELDTOOL_HOME": str(folder / "operator"),
            "FIELDTOOL_DATABASE_KEY": "env:FLEET_KEY",
            "FLEET_KEY": postgres.MASTER_KEY.hex(),
        }
        for _ in range(number):
            command = [
                sys.executable,
                "-m",
                "fieldtool",
                "gateway",
                "serve",
                "--database",
                url,
                "--realm",
                "demo",
            ]
            command += ["--listen", "127.0.0.1:0", "--blobs", str(folder / "blobs")]
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
            self.processes.append(process)
            assert process.stdout is not None
            self.urls.append(json.loads(process.stdout.readline())["url"])

    def cost(self) -> tuple[float, float]:
        """(processor seconds, largest memory in MiB) of all."""
        ticks, kib = 0.0, 0.0
        for process in self.processes:
            stat = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(stat[11]) + int(stat[12])
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    kib = max(kib, float(line.split()[1]))
        return ticks / os.sysconf("SC_CLK_TCK"), kib / 1024

    def stop(self) -> None:
        """End them."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)


def _said(what: str, began: float, results: Iterator[Any], total: int) -> list[Any]:
    """All results, with a word on standard error now and then: a large fleet takes minutes."""
    found: list[Any] = []
    for result in results:
        found.append(result)
        if len(found) * 10 // total != (len(found) - 1) * 10 // total:
            seconds = time.perf_counter() - began
            print(f"{seconds:6.0f} s  {what}: {len(found)} of {total}", file=sys.stderr, flush=True)
    return found


def campaign(folder: Path, tablets: int, orders: int, gateways: int) -> dict[str, Any]:
    """Prepare the fleet, let it come back at once, and count."""
    start = time.perf_counter()
    cluster = postgres.Cluster(DURABLE)
    try:
        url = cluster.url(cluster.database())
        with offices.on_server(lambda: url):
            bureau = Bureau.open(folder / "office")
        _project(folder / "office" / "project", tablets, orders)
        report = load.load_project(bureau.office, folder / "office" / "project")
        assert not report.errors, report.errors[:3]
        homes = [Home(str(folder / f"t{n}")) for n in range(tablets)]
        crews = [f"C{n}" for n in range(tablets)]
        depot = Depot(url, str(folder / "office" / "gateway-blobs"))
        with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
            made = pool.map(prepare, [depot] * tablets, homes, crews, range(0, tablets * orders, orders))
            entries = sum(_said("away", start, made, tablets))
            fleet = Gateways(folder, url, gateways)
            try:
                began = time.perf_counter()
                urls = [fleet.urls[n % gateways] for n in range(tablets)]
                results = _said("back", start, pool.map(bring, homes, urls), tablets)
                seconds = time.perf_counter() - began
                cpu, memory = fleet.cost()
            finally:
                fleet.stop()
        counted = _count(bureau, results, folder)
        return counted | {
            "all_seconds": round(time.perf_counter() - start),
            "tablets": tablets,
            "orders": tablets * orders,
            "entries": entries,
            "seconds": round(seconds, 1),
            "entries_per_s": round(entries / seconds),
            "gateways": gateways,
            "gateway_cpu_s": round(cpu, 1),
            "gateway_mib": round(memory),
            "rounds_most": max(result["rounds"] for result in results),
        }
    finally:
        cluster.stop()


def _count(bureau: Bureau, results: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    store = bureau.office.store
    with store.read() as connection:
        there = Counter(connection.execute(select(schema.entry.c.id)).scalars())
        table = schema.work_order
        completed = connection.execute(
            select(func.count()).where(table.c.status.in_(("completed", "closed")))
        ).scalar_one()
    own = [entry_id for result in results for entry_id in result["ids"]]
    photos = {sha256 for result in results for sha256 in result["photos"]}
    blobs = {path.name for path in (folder / "blobs").rglob("*") if path.is_file()}
    before = projection.digest(store)
    projection.rebuild(store)
    return {
        "lost": sum(there[entry_id] == 0 for entry_id in own),
        "twice": sum(number > 1 for number in there.values()),
        "photos_missing": sum(not any(name.startswith(one) for name in blobs) for one in photos),
        "not_done": sum(result["state"] != "done" for result in results),
        "differs_from_rebuild": int(projection.digest(store) != before),
        "completed": completed,
        "photos": len(photos),
    }


_MUST_BE_ZERO = ("lost", "twice", "photos_missing", "not_done", "differs_from_rebuild")


def main() -> int:
    """Run it; 0 where nothing that must be zero is not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tablets", type=int, default=TABLETS)
    parser.add_argument("--orders", type=int, default=ORDERS, help="of each tablet")
    parser.add_argument("--gateways", type=int, default=GATEWAYS)
    parser.add_argument("--full", action="store_true", help="50 tablets with 14 days each")
    parser.add_argument("--day", action="store_true", help="300 tablets with a day each")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tablets, orders = options.tablets, options.orders
    if options.full or options.day:
        tablets, orders = (50, 140) if options.full else (300, 10)
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(Path(folder), tablets, orders, options.gateways)
    if options.json:
        print(json.dumps(result))
    else:
        for name, number in result.items():
            print(f"{number!s:>10}  {name}")
    return 1 if any(result[name] for name in _MUST_BE_ZERO) else 0


if __name__ == "__main__":
    raise SystemExit(main())
