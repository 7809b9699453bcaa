"""Killed where work seldom is: ``python -m tests.campaign.kill_opening [--rounds N --seconds S --seed N]``.

A program is killed by SIGKILL at a random instant while it brings a store with unsent entries up to date (two
at once in a part of the rounds), while the office takes a hand-over in, and while invocation counters are
reserved by two programs at once. In other rounds the end of the database file itself is cut off, on a copy.
After each: the store opens with every entry and equals a fold from nothing; a hand-over that is taken in
again counts once; no counter was given twice, to nobody. A cut file either opens whole or is refused by a
code that says so, never taken for good.

Exit status 1 if anything of that did not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select

from fieldtool.officebundle import take_in
from fieldtool.tablet.handover import export
from tests.workorders.offices import Bureau, Tablet
from tests.workorders.test_sync_pull import photograph
from tests.workorders.test_sync_push import execute
from workorders.gateway.office import Office
from workorders.store import migrations, projection, schema
from workorders.store.counters import INVOCATION, reserve_counter
from workorders.store.engine import FileStore, StoreRole, open_store
from workorders.store.errors import StoreError
from workorders.store.verify import verify_store

ROUNDS, SECONDS = 150, 60.0
_OFFICE_KEY = b"g" * 32
_COUNTER = INVOCATION + "meter/key/client"
_MUST_BE_ZERO = (
    "not_opened",
    "not_whole",
    "half_upgraded",
    "not_once",
    "counter_reused",
    "cut_file_believed",
)


@dataclass
class Counts:
    """What the campaign found."""

    found: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def wrong(self, what: str, detail: str) -> None:
        """Something that must not be."""
        self.found[what] += 1
        self.details.append(f"{what}: {detail}")


def lives(work: Callable[[], None], count: int, seconds: float) -> None:
    """Let so many programs work at once, and kill all of them after a time."""
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                work()
            finally:
                os._exit(0)
        pids.append(pid)
    time.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class _Upgrade:
    """Until it ends, this program is a newer one: it has one step of the schema more."""

    NAME = "9998"

    def __enter__(self) -> None:
        self._before = migrations.REVISIONS, migrations.NEWEST
        step = migrations.Revision(
            self.NAME, lambda operations: operations.execute("CREATE TABLE added (a TEXT)")
        )
        migrations.REVISIONS, migrations.NEWEST = (*migrations.REVISIONS, step), self.NAME

    def __exit__(self, *error: object) -> None:
        migrations.REVISIONS, migrations.NEWEST = self._before


class Site:
    """An office and a tablet with work that was not sent, both as files that copies are made of."""

    def __init__(self, folder: Path, counts: Counts) -> None:
        self.folder, self.counts = folder, counts
        self.bureau = Bureau.open(folder / "office")
        tablet = self.bureau.tablet("A")
        tablet.sync()
        for number, order_id in enumerate(tablet.order_ids()):
            photograph(tablet, order_id)
            execute(tablet, order_id, f"ZIV{number:010d}")
        self.stick = export(cast("Any", tablet), folder)[0]
        self.key, self.path = tablet.key, cast("FileStore", tablet.store).path
        self.entries = self._count(tablet)
        self.digest = projection.digest(tablet.store)
        tablet.store.close()
        office = cast("FileStore", self.bureau.office.store)
        self.office_path = office.path
        office.close()
        self.sent = 0

    def _count(self, tablet: Tablet) -> int:
        with tablet.store.read() as connection:
            return int(connection.execute(select(func.count()).select_from(schema.entry)).scalar_one())

    def copy(self, path: Path, name: str) -> Path:
        """A fresh copy of a store and what lies beside it."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for part in path.parent.iterdir():
            if part.is_file() and part.name.startswith(path.name):
                shutil.copy2(part, folder / part.name)
        return folder / path.name

    def reopened(self, path: Path, key: bytes, role: StoreRole, when: str) -> FileStore | None:
        """The store, as the next start opens it; None (and counted) where it does not."""
        try:
            return open_store(path, key, role=role, create=False)
        except Exception as error:
            self.counts.wrong("not_opened", f"{when}: {type(error).__name__} {error}")
            return None

    # --- rounds --------------------------------------------------------------------------------

    def upgrade(self, chance: random.Random, when: str) -> None:
        """Killed while the schema changes: the old program opens it or says so, the new one goes on."""
        path = self.copy(self.path, "upgraded")
        with _Upgrade():
            lives(
                lambda: open_store(path, self.key, role="tablet", create=False).close(),
                1 + (chance.random() < 0.3),
                chance.random() * 0.4,
            )
        try:
            open_store(path, self.key, role="tablet", create=False).close()
            self.counts.found["killed before the upgrade"] += 1
        except StoreError as error:
            self.counts.found["killed after the upgrade"] += 1
            if error.code != "newer_schema":
                self.counts.wrong("half_upgraded", f"{when}: {error.code}")
        with _Upgrade():
            store = self.reopened(path, self.key, "tablet", when)
            if store is None:
                return
            with store:
                report = verify_store(store)
                if not report.ok or report.entries != self.entries or projection.digest(store) != self.digest:
                    self.counts.wrong("not_whole", f"{when}: {report.entries} entries, {report.problems[:2]}")

    def hand_over(self, chance: random.Random, when: str) -> None:
        """Killed while the office takes a stick in: taken in again, everything counts once."""
        path = self.copy(self.office_path, "taken")
        lives(lambda: self._take(path), 1 + (chance.random() < 0.3), chance.random() * 0.6)
        store = self.reopened(path, _OFFICE_KEY, "gateway", when)
        if store is None:
            return
        with store:
            with store.read() as connection:
                held = connection.execute(select(func.count()).select_from(schema.entry)).scalar_one()
            self.counts.found[f"stick taken in: {'whole' if held >= self.entries else 'not yet'}"] += 1
            office = Office.open(store, self.bureau.office.realm, self.bureau.now)
            report = take_in(office, self.bureau.files, self.stick)
            with store.read() as connection:
                ids = list(connection.execute(select(schema.entry.c.id)).scalars())
                kept = connection.execute(select(func.count()).select_from(schema.quarantine)).scalar_one()
            verdicts = set(report.verdicts)
            if len(ids) != len(set(ids)) or kept or not verdicts <= {"applied", "duplicate", "conflict"}:
                self.counts.wrong("not_once", f"{when}: {report.verdicts}, {kept} kept without effect")
            if not verify_store(store).ok:
                self.counts.wrong("not_whole", f"{when}: the office")

    def _take(self, path: Path) -> None:
        store = open_store(path, _OFFICE_KEY, role="gateway", create=False)
        office = Office.open(store, self.bureau.office.realm, self.bureau.now)
        take_in(office, self.bureau.files, self.stick)

    def counters(self, chance: random.Random, when: str) -> None:
        """Killed while two programs reserve: what one of them was given, nobody else ever gets."""
        path = self.copy(self.path, "counting")
        given: list[int] = []
        for _ in range(3):
            told, tell = os.pipe()
            seed = chance.randrange(1 << 30)
            lives(lambda tell=tell, seed=seed: self._reserve(path, tell, seed), 2, chance.random() * 0.3)  # type: ignore[misc]
            os.close(tell)
            with os.fdopen(told) as lines:
                for line in lines:
                    first, count = map(int, line.split())
                    given += range(first, first + count)
        self.counts.found["counters given"] += len(given)
        if len(given) != len(set(given)):
            self.counts.wrong("counter_reused", f"{when}: {len(given) - len(set(given))} of {len(given)}")

    def _reserve(self, path: Path, tell: int, seed: int) -> None:
        chance = random.Random(seed + os.getpid())
        store = open_store(path, self.key, role="tablet", create=False)
        while True:
            count = chance.randrange(1, 20)
            first = reserve_counter(store, _COUNTER, 1, count)
            os.write(tell, f"{first} {count}\n".encode())

    def cut(self, chance: random.Random, when: str) -> None:
        """A copy whose file ends too early: whole all the same, or refused with a code, or found damaged."""
        path = self.copy(self.path, "cut")
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(size - chance.randrange(1, min(size - 1, 64 * 1024)))
        try:
            with open_store(path, self.key, role="tablet", create=False) as store:
                report = verify_store(store)
                whole = report.ok and report.entries == self.entries
                said = bool(report.problems) or bool(store.integrity())
        except StoreError as error:
            self.counts.found[f"cut file refused: {error.code}"] += 1
            return
        self.counts.found["cut file opened whole" if whole else "cut file found damaged"] += 1
        if not whole and not said:
            self.counts.wrong("cut_file_believed", f"{when}: {report.entries} of {self.entries} entries")


def campaign(folder: Path, rounds: int, seconds: float, seed: int) -> Counts:
    """Kill until the rounds or the time are used up."""
    chance, counts = random.Random(seed), Counts()
    site = Site(folder, counts)
    ends = time.monotonic() + seconds
    for number in range(rounds):
        if time.monotonic() > ends:
            break
        act = (site.upgrade, site.hand_over, site.counters, site.cut)[number % 4]
        act(chance, f"round {number}, {act.__name__}")
        counts.found["rounds"] += 1
    return counts


def main() -> int:
    """Run it; 0 where nothing that must be zero is not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = campaign(Path(folder), options.rounds, options.seconds, options.seed)
    told = {name: counts.found[name] for name in _MUST_BE_ZERO} | dict(sorted(counts.found.items()))
    print(json.dumps(told | {"details": counts.details}) if options.json else _lines(told, counts))
    return 1 if any(counts.found[name] for name in _MUST_BE_ZERO) else 0


def _lines(told: dict[str, int], counts: Counts) -> str:
    return "\n".join([f"{number:8} {name}" for name, number in told.items()] + counts.details)


if __name__ == "__main__":
    raise SystemExit(main())
