"""The tablet's process killed at any instant: ``python -m tests.campaign.kill [--rounds N --seconds S]``.

A worker (two at once in a part of the rounds: the app and a command) is killed by SIGKILL at a random instant
of its work on a real encrypted store, hundreds of times: in steps with photos, writes to a meter, sync over
HTTP, hand-over by USB, drafts. In other rounds the disk is full or write-protected, or a copy of the store
has its newest page torn. After each: the store opens, its chain verifies, its tables equal a fold from
nothing, everything that was promised is there, and every photo that an entry names lies on the disk. At the
end the office has each entry once.

Exit status 1 if anything of that did not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select as sql
from sqlalchemy import text

from fieldtool.settings import Home
from fieldtool.tablet.keeping import Keeping
from fieldtool.tablet.tablet import Tablet
from tests.campaign.counting import Counts
from tests.campaign.kill_victim import NEW_SERIALS, PASSPHRASE, READ_ONLY
from tests.workorders.offices import FILES, Bureau
from tests.workorders.servers import serving
from workorders.gateway import enrolment
from workorders.gateway.direct import DirectTransport
from workorders.journal import kinds
from workorders.journal.entry import Realm
from workorders.store import schema
from workorders.store.engine import FileStore, open_store
from workorders.store.verify import verify_store
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import enrol

ROUNDS, SECONDS, ORDERS = 120, 120.0, 60
_MUST_BE_ZERO = (
    "not_opened",
    "chain_broken",
    "projection_differs",
    "promise_broken",
    "photo_missing",
    "sent_twice",
    "unclear_error",
)


class Site:
    """An office on a socket, a tablet enrolled at it, and the zygote of its workers."""

    def __init__(self, folder: Path, bureau: Bureau, url: str) -> None:
        self.folder, self.bureau = folder, bureau
        self.home = Home(folder / "home")
        code = enrolment.create_enrolment_code(bureau.office, crew="A", project="demo", url=url)
        ticket = EnrolTicket(url=url, code=parse_code(code.code), root=code.root_sha256)
        tablet = Tablet.open(self.home, Realm.DEMO, create=True, passphrase=lambda: PASSPHRASE)
        direct = DirectTransport(bureau.office, bureau.files)
        tablet._identity = enrol(tablet.store, direct, ticket, name="t", realm=Realm.DEMO)
        tablet.sync()
        tablet.close()
        self.keeping = Keeping(self.home, Realm.DEMO, lambda: PASSPHRASE)
        self.key = self.keeping.database_key()
        self.zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.campaign.kill_victim", str(self.home.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._rest = b""
        self.lines(10, lambda facts: any("ready" in fact for fact in facts))

    def lines(self, seconds: float, enough: Any = lambda facts: False) -> list[dict[str, Any]]:
        """What the workers say within a time."""
        assert self.zygote.stdout is not None
        facts: list[dict[str, Any]] = []
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not enough(facts):
            ready, _, _ = select.select([self.zygote.stdout], [], [], left)
            if not ready:
                break
            data = os.read(self.zygote.stdout.fileno(), 65536)
            if not data:
                break
            *whole, self._rest = (self._rest + data).split(b"\n")
            facts += [json.loads(line) for line in whole if line]
        return facts

    def go(self, seed: int, fill: int | None = None) -> tuple[int, list[dict[str, Any]]]:
        """A worker's pid, and what others said before it was born."""
        assert self.zygote.stdin is not None
        words = f"go {seed}" + (f" fill {fill}" if fill is not None else "")
        self.zygote.stdin.write(words.encode() + b"\n")
        facts = self.lines(10, lambda facts: any("pid" in fact for fact in facts))
        pid = next(int(fact["pid"]) for fact in facts if "pid" in fact)
        return pid, [fact for fact in facts if "pid" not in fact]

    def open(self, path: Path | None = None) -> FileStore:
        """The store, as the next start opens it."""
        return open_store(path or self.home.database(Realm.DEMO), self.key, role="tablet", create=False)

    def close(self) -> None:
        """No worker any more."""
        self.zygote.kill()
        self.zygote.wait()


def _office(folder: Path, orders: int) -> Bureau:
    """An office with `orders` orders of one crew and as many new meters on its truck."""
    bureau_folder = folder / "office"
    bureau_folder.mkdir(parents=True)
    points = "mrid;number;customer;address;lat;lon;transformer\n" + "".join(
        f"U{n};S-{n};K{1 + n % 2};Calle {n};-13.5;-71.9;T1\n" for n in range(orders)
    )
    meters = "serial;model;place;usage_point;last_reading;last_reading_date;usual_daily_use\n" + "".join(
        f"OLD{n};em-1ph;T1;U{n};1000;2026-02-01;5.5\n" for n in range(orders)
    )
    listed = (
        "NRO;kind;usage_point;crew;scheduled_start;due;old_serial;new_model;procedure;priority;notes;flags;"
        "program\n"
        + "".join(
            f"{n:03d};exchange;U{n};A;2026-11-01T08:00;2026-12-05T18:00;OLD{n};prime-1ph;exchange;0;;;"
            "residential-2.0TD\n"
            for n in range(orders)
        )
    )
    stock = "serial;model;state;crew;identities\n" + "".join(
        f"{serial};prime-1ph;on_truck;A;mac=4040220001{n:02X}\n"
        for n, serial in enumerate(NEW_SERIALS[:orders])
    )
    network = FILES["network.csv"].replace(";10\n", ";4000\n")
    changed = {"usage_points": points, "meters": meters, "orders": listed, "stock": stock, "network": network}
    with _project(changed):
        bureau = Bureau.open(bureau_folder)
    bureau.now.moment = datetime.now(UTC)
    return bureau


class _project:
    """Until it ends, the small project of the tests is another one."""

    def __init__(self, changed: dict[str, str]) -> None:
        self._changed = {f"{name}.csv": text for name, text in changed.items()}
        self._before = {name: FILES[name] for name in self._changed}

    def __enter__(self) -> None:
        FILES.update(self._changed)

    def __exit__(self, *error: object) -> None:
        FILES.update(self._before)


def campaign(folder: Path, rounds: int, seconds: float, seed: int, orders: int = ORDERS) -> Counts:
    """Kill until the rounds or the time are used up, then compare with the office."""
    chance, counts = random.Random(seed), Counts()
    bureau = _office(folder, orders)
    promises: dict[tuple[str, int], str] = {}
    with serving(bureau) as url:
        site = Site(folder, bureau, url)
        ends = time.monotonic() + seconds
        try:
            for number in range(rounds):
                if time.monotonic() > ends:
                    break
                _round(site, chance, counts, promises, number)
            counts.found["rounds"] = number + 1
            _finish(site, counts)
        finally:
            site.close()
    return counts


def _round(
    site: Site, chance: random.Random, counts: Counts, promises: dict[tuple[str, int], str], number: int
) -> None:
    """One life, or two at once, and a death."""
    lot = chance.random()
    fill = chance.randrange(0, 60_000) if lot < 0.12 else READ_ONLY if lot < 0.18 else None
    disk = "" if fill is None else ", read-only disk" if fill == READ_ONLY else ", full disk"
    facts: list[dict[str, Any]] = []
    pids = []
    for _ in range(1 + (chance.random() < 0.3)):
        pid, said = site.go(chance.randrange(1 << 30), fill)
        pids.append(pid)
        facts += said
    for pid in pids:
        # From the first instants of opening the store to well into the work.
        facts += site.lines(chance.choice((0.1, 0.5, 1.5, 3.0)) * chance.random())
        _kill(pid)
        counts.found["killed"] += 1
    facts += site.lines(0.05)
    for fact in facts:
        _note(fact, counts, promises)
    if number % 4 == 3:
        _tear(site, chance, counts, number)
    _check(site, counts, promises, f"round {number}{disk}")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.002)


def _note(fact: dict[str, Any], counts: Counts, promises: dict[tuple[str, int], str]) -> None:
    if "ack" in fact:
        counts.found["promises"] += 1
        promises[fact["chain"], fact["seq"]] = fact["hash"]
    elif "sync" in fact:
        counts.found[f"sync {fact['sync']}"] += 1
    elif "unprotected" in fact:
        counts.found["disks that could not be write-protected here"] += 1
    elif "overtaken" in fact:
        counts.found["overtaken by the other worker"] += 1
    elif "refused" in fact:
        counts.found[f"refused {fact['refused']}"] += 1
    elif "failed" in fact:
        counts.found[f"errors on a {fact['disk']} disk" if fact["disk"] else "errors"] += 1
        if fact["disk"] == "read-only" and fact["code"] != "read_only":
            counts.wrong("unclear_error", f"{fact['failed']} {fact['code']} {fact['text']}")
        if not fact["disk"]:
            counts.details.append(f"error: {fact['failed']} {fact['text']}")


def _check(site: Site, counts: Counts, promises: dict[tuple[str, int], str], when: str) -> None:
    try:
        store = site.open()
    except Exception as error:
        counts.wrong("not_opened", f"{when}: {type(error).__name__} {error}")
        return
    try:
        with store.read() as connection:
            mode = connection.execute(text("PRAGMA journal_mode")).scalar()
            level = connection.execute(text("PRAGMA synchronous")).scalar()
            table = schema.entry
            rows = connection.execute(sql(table.c.chain_id, table.c.seq, table.c.hash)).all()
            photos = _photos(connection)
        if (mode, level) != ("wal", 2):
            counts.wrong("chain_broken", f"{when}: journal_mode {mode}, synchronous {level}")
        report = verify_store(store)
        if not report.projection_equal:
            counts.wrong("projection_differs", when)
        if any(problem.code != "projection" for problem in report.problems):
            counts.wrong("chain_broken", f"{when}: {report.problems[:2]}")
        there = {(row.chain_id, row.seq): row.hash for row in rows}
        for key, hash_ in promises.items():
            if there.get(key) != hash_:
                counts.wrong("promise_broken", f"{when}: {key}")
        blobs = {path.name for path in site.home.folder.rglob("*") if path.is_file()}
        for sha256 in photos:
            if not any(name.startswith(sha256) for name in blobs):
                counts.wrong("photo_missing", f"{when}: {sha256}")
        counts.found["entries"] = report.entries
    finally:
        store.close()


def _photos(connection: Any) -> set[str]:
    """Sealed hashes that own entries name and no round has been confirmed for (those may be let go later)."""
    table = schema.blob
    query = sql(table.c.sha256)
    return set(connection.execute(query).scalars())


def _tear(site: Site, chance: random.Random, counts: Counts, number: int) -> None:
    """A copy whose newest page is torn, as lost power may leave it: it opens, and is whole before that."""
    path = site.home.database(Realm.DEMO)
    copy = site.folder / "torn" / path.name
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.parent.mkdir()
    for part in path.parent.glob(f"{path.name}*"):
        shutil.copy2(part, copy.parent / part.name)
    wal = copy.with_name(f"{path.name}-wal")
    if not wal.exists() or wal.stat().st_size < 8192:
        return
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - chance.randrange(1, 4096))
    copy.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    counts.found["torn"] += 1
    try:
        store = site.open(copy)
    except Exception as error:
        counts.wrong("not_opened", f"round {number}, torn page: {type(error).__name__} {error}")
        return
    try:
        report = verify_store(store)
        if not report.ok:
            counts.wrong("chain_broken", f"round {number}, torn page: {report.problems[:2]}")
    finally:
        store.close()


def _finish(site: Site, counts: Counts) -> None:
    """Sync what is left; the office has each entry once, and no other."""
    tablet = Tablet(site.home, Realm.DEMO, site.open(), site.keeping)
    try:
        for _ in range(20):
            report = tablet.sync()
            if str(report.state) == "done" and not report.pending:
                break
        with tablet.store.read() as connection:
            own = Counter(connection.execute(sql(schema.entry.c.id).where(schema.entry.c.own)).scalars())
        with site.bureau.office.store.read() as connection:
            table = schema.entry
            there = Counter(connection.execute(sql(table.c.id)).scalars())
            kept = connection.execute(sql(schema.quarantine.c.number)).all()
        missing = [one for one in own if there[one] != 1]
        counts.found["sent"] = len(own) - len(missing)
        if missing or kept:
            counts.wrong(
                "sent_twice", f"{len(missing)} entries not once at the office, {len(kept)} quarantined"
            )
        if not verify_store(site.bureau.office.store).ok:
            counts.wrong("chain_broken", "at the office")
        done = sum(kind == kinds.OrderCompleted.KIND for kind in _kinds(site.bureau))
        counts.found["orders completed"] = done
    finally:
        tablet.close()


def _kinds(bureau: Bureau) -> list[str]:
    with bureau.office.store.read() as connection:
        return list(connection.execute(sql(schema.entry.c.kind)).scalars())


def main() -> int:
    """Run it; 0 where nothing that must be zero is not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = campaign(Path(folder), options.rounds, options.seconds, options.seed, options.orders)
    return counts.tell(_MUST_BE_ZERO, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
