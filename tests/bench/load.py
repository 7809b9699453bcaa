"""What it costs to load a project: seconds and memory of each step, for projects of different size.

Memory is the point: the highest of the whole program must not grow with the project. Each size is a program
of its own (`--orders` may be given several times).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import postgres
from tests.workorders.offices import FILES, PROJECT
from workorders.gateway.load import load_project
from workorders.gateway.office import Office
from workorders.journal.entry import Realm
from workorders.store.engine import open_store
from workorders.store.server import open_server

ORDERS_OF_A_TRANSFORMER = 50
KEYS = "00112233445566778899AABBCCDDEEFF;FFEEDDCCBBAA99887766554433221100"


def lines(name: str, orders: int) -> Iterator[str]:
    """A table of the project, line by line."""
    below = max(2, orders // ORDERS_OF_A_TRANSFORMER)
    yield FILES[f"{name}.csv"].split("\n")[0] + "\n"
    if name == "network":
        yield "SE;substation;;S;;\n"
        for n in range(below):
            yield f"T{n};transformer;SE;SED {n};;\nC{n};concentrator;T{n};C;mac=40402{n:07d};60\n"
        return
    for n in range(orders):
        crew, transformer = "AB"[n % 2], f"T{n % below}"
        yield {
            "customers": f"K{n};Rosa Quispe {n};DNI {n};+51 1\n",
            "usage_points": f"U{n};S-{n};K{n};Calle {n};-13.5;-71.9;{transformer}\n",
            "meters": f"OLD{n};em-1ph;{transformer};U{n};1000;2026-02-01;5.5\n",
            "orders": f"{n:07d};exchange;U{n};{crew};2026-03-01T08:00;2026-03-05T18:00;OLD{n};prime-1ph;"
            "exchange;0;Perro bravo;dog|locked_gate\n",
            "stock": f"ZIV{n:010d};prime-1ph;on_truck;{crew};mac=4040{n:08d}\n",
            "secrets": f"ZIV{n:010d};clave{n};{KEYS}\n",
        }[name]


def write_big_project(folder: Path, orders: int) -> Path:
    """The small project of the tests with so many orders, each with its customer, meters and keys."""
    folder.mkdir()
    (folder / "project.toml").write_text(PROJECT, "utf-8")
    for name, text in FILES.items():
        with (folder / name).open("w", encoding="utf-8") as stream:
            if name in {"users.csv", "heard.csv"}:
                stream.write(text)
            else:
                stream.writelines(lines(name.removesuffix(".csv"), orders))
    return folder


def highest_mb() -> int:
    """The most memory that this program has had, in MB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Steps:
    """Prints a line for each step when the next one begins."""

    def __init__(self) -> None:
        self._name = ""
        self._begun = (0.0, 0.0)

    def __call__(self, name: str, done: int, total: int) -> None:
        """Takes the progress of a load."""
        if name == self._name:
            return
        now = (time.perf_counter(), time.process_time())
        if self._name:
            wall, processor = (one - before for one, before in zip(now, self._begun, strict=True))
            print(f"{self._name:>22} {wall:7.1f} s ({processor:.1f} of the processor), {highest_mb()} MB")
        self._name, self._begun = name, now


def measure(orders: int, url: str | None, again: bool) -> None:
    """Load a project of that size into an empty office."""
    with tempfile.TemporaryDirectory(dir="/var/tmp" if Path("/var/tmp").is_dir() else None) as made:
        folder = Path(made)
        project = write_big_project(folder / "project", orders)
        store = (
            open_server(url, postgres.MASTER_KEY)
            if url
            else open_store(folder / "gateway.db", b"g" * 32, role="gateway")
        )
        with store:
            office = Office.open(store, Realm.DEMO)
            for name in ("first", "again") if again else ("first",):
                begun = (time.perf_counter(), time.process_time())
                load_project(office, project, progress=Steps())
                wall, processor = time.perf_counter() - begun[0], time.process_time() - begun[1]
                per = 1000 / orders
                print(
                    f"{name}: {orders} orders in {wall:.1f} s; of 1,000 orders {wall * per:.2f} s, "
                    f"{processor * per:.2f} s of the processor; highest memory {highest_mb()} MB",
                    flush=True,
                )


def main() -> None:
    """Measure each size in a program of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, action="append")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--again", action="store_true", help="load the same files a second time")
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = chosen.orders or [2000, 20_000]
    if len(sizes) == 1 and (chosen.url or not chosen.postgresql):
        measure(sizes[0], chosen.url, chosen.again)
        return
    # The server plans by how large tables are: as everywhere, it looks after that by itself.
    cluster = postgres.Cluster({"autovacuum": "on"}) if chosen.postgresql else None
    try:
        for size in sizes:
            command = [sys.executable, "-m", "tests.bench.load", "--orders", str(size)]
            command += ["--url", cluster.url(cluster.database())] if cluster else []
            subprocess.run(command + (["--again"] if chosen.again else []), check=True)
    finally:
        if cluster is not None:
            cluster.stop()


if __name__ == "__main__":
    main()
