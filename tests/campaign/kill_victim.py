"""What is killed: a tablet at work on a real store. Reads `go SEED [fill N]` and forks a worker for each.

Every `ack` on standard output is a promise that was made: what it names is durable. The worker works orders
by their real procedure (meters answer by script, all else is real), syncs over HTTP, hands over by USB, until
it dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import resource
import signal
import sys
from pathlib import Path

from fieldtool.errors import JobError
from fieldtool.procedure.answers import AnswerMistake
from fieldtool.run.surroundings import Person
from fieldtool.settings import Home
from fieldtool.tablet.keeping import Keeping
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool import jobs
from tests.fieldtool.scripted import Meter, ScriptedSession
from workorders.journal.entry import Realm
from workorders.people import Role
from workorders.store.engine import open_store

PASSPHRASE = "nueve gatos grises"
NEW_SERIALS = tuple(f"ZIV0000001{n:03d}" for n in range(400))


def say(**fact: object) -> None:
    """One line, in one write: several workers share the pipe."""
    os.write(1, (json.dumps(fact) + "\n").encode())


class Worker:
    """One life of the tablet."""

    def __init__(self, home: Home, keeping: Keeping, seed: int) -> None:
        self.chance = random.Random(seed)
        store = open_store(home.database(Realm.DEMO), keeping.database_key(), role="tablet", create=False)
        self.tablet = Tablet(home, Realm.DEMO, store, keeping)
        self.tablet._person = Person(id="ana", name="Ana", role=Role.INSTALLER, crew="A")
        self.tablet.use_ports(old="old", new="new")
        self.home = home

    def live(self) -> None:
        """Work until killed, or until nothing is left to do."""
        for _ in range(400):
            act = self.chance.choices(
                (self.step, self.sync, self.hand_over, self.draft), weights=(20, 3, 1, 2)
            )[0]
            if not act():
                break
        say(done=True)

    def step(self) -> bool:
        """The next step of an order, in this worker's own order of preference."""
        rows = [row for row in self.tablet.orders(OrderFilter(), limit=400) if row.status in OPEN]
        if not rows:
            return False
        row = rows[0] if self.chance.random() < 0.7 else self.chance.choice(rows[:6])
        number = int(row.number or "0")
        new = NEW_SERIALS[number]
        ScriptedSession.field = {
            "old": Meter(serial=row.old_serial or "", energy="2600"),
            "new": Meter(serial=new, energy="0.0"),
        }
        run = self.tablet.start(row.order_id)
        step = run.shown_step()
        if step is None:
            return True
        try:
            run.accept(jobs.usual_at(run, step, old=row.old_serial or "", new=new, dial="2600"))
        except (AnswerMistake, JobError) as error:
            # The other worker did this very step meanwhile: refused, and nothing written.
            say(overtaken=getattr(error, "code", ""))
            return True
        self.acknowledge(step.id)
        return True

    def draft(self) -> bool:
        """What is typed and not accepted must survive as well."""
        rows = [row for row in self.tablet.orders(OrderFilter(), limit=400) if row.status in OPEN]
        if rows:
            run = self.tablet.start(rows[0].order_id)
            if run.shown_step() is not None:
                run.keep_draft({"note": f"draft {self.chance.random()}"})
        return True

    def sync(self) -> bool:
        """A round over HTTP."""
        report = self.tablet.sync()
        say(sync=str(report.state), pending=report.pending)
        return True

    def hand_over(self) -> bool:
        """A bundle on a stick."""
        stick = self.home.folder.parent / "stick"
        stick.mkdir(exist_ok=True)
        with contextlib.suppress(JobError):  # nothing to hand over
            self.tablet.hand_over(stick)
        return True

    def acknowledge(self, step: str) -> None:
        """Promise: everything up to this head is there for good."""
        head = self.tablet.journal.head()
        if head is not None:
            say(ack=step, chain=head.chain_id, seq=head.seq, hash=head.hash)


OPEN = ("scheduled", "dispatched", "enroute", "onSite", "inProgress")


READ_ONLY = -1
"""In place of how much the disk still takes: the disk is write-protected."""


def _protect(folder: Path) -> bool:
    """Make a folder read-only for this process alone, as a disk is that the system has given up on.

    File modes would not do: root writes all the same. False where this process may not mount.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    path = str(folder).encode()
    if libc.unshare(_NEW_NAMESPACE) or libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None):
        return False
    return not libc.mount(path, path, None, _BIND, None) and not libc.mount(
        path, path, None, _BIND | _REMOUNT | _READ_ONLY, None
    )


_NEW_NAMESPACE, _READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 1, 32, 4096, 16384, 1 << 18


def _worker(home: Home, keeping: Keeping, seed: int, fill: int | None) -> None:
    if fill == READ_ONLY and not _protect(home.folder):
        say(unprotected=True)
        return
    if fill is not None and fill >= 0:
        # A full disk, as far as a process can have one: no file of ours grows much beyond what it is.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        biggest = max((p.stat().st_size for p in home.folder.rglob("*") if p.is_file()), default=0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (biggest + fill, biggest + fill))
    try:
        Worker(home, keeping, seed).live()
    except JobError as error:
        say(refused=error.code)
    except Exception as error:  # a full disk comes as whatever met it; what counts is the store afterwards
        disk = None if fill is None else "read-only" if fill == READ_ONLY else "full"
        say(failed=type(error).__name__, code=getattr(error, "code", None), text=str(error)[:200], disk=disk)


def main(folder: str) -> None:
    """Serve `go` commands; each forks a worker and answers its pid."""
    home = Home(Path(folder))
    keeping = Keeping(home, Realm.DEMO, lambda: PASSPHRASE)
    keeping.database_key()
    for module in ("fieldtool.commissioning", "fieldtool.run.power"):
        sys.modules[module].OpticalSession = ScriptedSession  # type: ignore[attr-defined]  # the module's own name
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say(ready=True)
    for line in sys.stdin:
        words = line.split()
        if words[:1] != ["go"]:
            break
        fill = int(words[3]) if len(words) > 3 else None
        pid = os.fork()
        if pid == 0:
            _worker(home, keeping, int(words[1]), fill)
            os._exit(0)
        say(pid=pid)


if __name__ == "__main__":
    main(sys.argv[1])
