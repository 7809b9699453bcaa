"""The memory of a tablet: `python -m tests.bench.memory [--orders N] [--days N] [--json]`.

A store holds the orders of a crew (500) and what it did in the days without signal (14 days, ten orders a
day, twenty entries each, none answered). The app's own process is started on it, without a screen, and does
what a crew does: the whole list, searches, orders opened one after another. Beside each figure stands
that of an app on a tablet with one order; of what is resident, what other processes share is counted whole.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fieldtool.tablet.lists import ALL
from fieldtool.tablet.rows import OrderFilter
from tests.bench.sync import ORDERS_A_DAY, project_of, work_of
from tests.fieldtool.enrolled import PASSPHRASE, enrolled_tablet
from tests.workorders.offices import Bureau
from workorders.gateway import load

PERSON, PIN = "ana", "482615"
OPENED = 60
CHILD = """
import json, sys, time
from fieldtool.settings import Home
from pathlib import Path
from ui.app import prepare
app = prepare([])
from fieldtool.tablet.lists import ALL
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from ui.gallery.render import settle
from ui.wiring.start import screens_of
from workorders.journal.entry import Realm

def held():
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return {"now": int(lines["VmRSS"].split()[0]) / 1024, "most": int(lines["VmHWM"].split()[0]) / 1024}

tablet = Tablet.open(Home(Path(sys.argv[1])), Realm.DEMO, passphrase=lambda: sys.argv[2])
screens, backend = screens_of(tablet)
settle()
found = {"started": held()}
def until(done):
    for _ in range(1200):
        settle()
        time.sleep(0.02)
        if done():
            return
    raise SystemExit("it did not come: " + "; ".join(screens.warnings[:3]))

session = screens.app.session
session.load()
until(lambda: session.people)
session.choose(sys.argv[3])
session.enter(sys.argv[4])
until(lambda: session.signedIn)
screens.app.go("orders")
shown = tablet.orders(OrderFilter(), limit=ALL)
until(lambda: screens.app.orders.model.count >= len(shown))

settle()
screens.window.grabWindow()
for text in ("c", "ca", "calle 4", "zzz", ""):
    screens.app.orders.setSearch(text)
    settle()
found["list"] = held()
for row in shown[: int(sys.argv[5])]:
    screens.app.openOrder(row.order_id)
    settle()
    screens.app.go("orders")
    settle()
screens.app.go("sync")
settle()
found["opened"] = held()
found["orders"], found["pending"] = len(shown), tablet.status().pending
screens.close()
print(json.dumps(found))
"""


def prepared(folder: Path, orders: int, days: int) -> tuple[int, float]:
    """A tablet on disk; returns its entries that wait, and the size of its database in MB."""
    bureau = Bureau.open(folder, pins={PERSON: PIN})
    project_of(folder / "project", orders)
    load.load_project(bureau.office, folder / "project", pins={PERSON: PIN})
    with pytest.MonkeyPatch.context() as patch:
        tablet = enrolled_tablet(bureau, folder / "home", patch)
        for number, row in enumerate(tablet.orders(OrderFilter(), limit=ALL)[: days * ORDERS_A_DAY]):
            tablet.journal.append_all(list(work_of(row.order_id, number)))
        pending, place = tablet.status().pending, tablet.store.path
        tablet.close()
    return pending, place.stat().st_size / 1e6


def app_on(folder: Path) -> dict[str, Any]:
    """What the app's process says of itself."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "QT_QUICK_BACKEND": "software"}
    command = [sys.executable, "-c", CHILD, str(folder / "home"), PASSPHRASE, PERSON, PIN, str(OPENED)]
    said = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def run(orders: int, days: int) -> dict[str, Any]:
    """All figures of one run, MB resident."""
    figures: dict[str, Any] = {}
    for name, size, away in (("one", 1, 0), ("full", orders, days)):
        with tempfile.TemporaryDirectory(prefix="fieldtool-bench-") as made:
            pending, database = prepared(Path(made), size, away)
            found = app_on(Path(made))
        figures[name] = {
            "orders": found["orders"],
            "entries_waiting": pending,
            "database_mb": round(database, 1),
            **{f"{when}_mb": round(found[when]["now"]) for when in ("started", "list", "opened")},
            "most_mb": round(found["opened"]["most"]),
        }
    return figures


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--json", action="store_true", help="one object on standard output, nothing else")
    options = parser.parse_args()
    figures = run(options.orders, options.days)
    if options.json:
        print(json.dumps(figures))
    else:
        for name in figures["full"]:
            print(f"{name:16} {figures['one'][name]:>10} {figures['full'][name]:>10}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
