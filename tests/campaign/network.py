"""Tablets and office over lines as bad as they are: ``python -m tests.campaign.network [--steps N]``.

Several tablets of two crews work the same orders without knowing of each other, the office replans under
their hands, and every round goes through a proxy that drops, delays, repeats, reorders and tears requests and
answers, or makes answers up. At the end the line is good: all converge, every entry stands at the office
once, everybody's tables equal a fold from nothing, and each row of the table of conflicts was met.

Exit status 1 if anything of that did not hold.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from tests.campaign.badline import Line, bad_line
from tests.campaign.counting import Counts
from tests.workorders.offices import Bureau, Tablet
from tests.workorders.servers import serving
from workorders.gateway import acts
from workorders.gateway.errors import OfficeError
from workorders.journal import kinds
from workorders.journal.words import JoinState
from workorders.store import projection, schema
from workorders.store.engine import Store
from workorders.sync.http import HttpTransport

STEPS, SECONDS, TABLETS = 600, 100.0, ("A", "A", "B", "B")
_MUST_BE_ZERO = ("lost", "not_once", "differs_from_rebuild", "not_converged", "no_row_of_conflicts", "raised")
ROWS = (
    "cancelled, nothing done",
    "cancelled, executed",
    "reassigned, executed here",
    "executed twice",
    "edited, executed",
    "same serial elsewhere",
)


class World:
    """An office, tablets, and what each crew has written."""

    def __init__(self, bureau: Bureau, tablets: list[Tablet], address: str, counts: Counts) -> None:
        self.bureau, self.tablets, self.address, self.counts = bureau, tablets, address, counts
        self.written: dict[str, str] = {}
        self.edited: set[str] = set()
        self.moved: set[str] = set()
        with bureau.office.store.read() as connection:
            table = schema.work_order
            self.orders = list(
                connection.execute(select(table.c.order_id).order_by(table.c.number)).scalars()
            )

    def transport(self, tablet: Tablet) -> HttpTransport:
        """Over the proxy."""
        me = tablet.identity
        return HttpTransport(self.address, tablet=me.tablet, key=me.signer(), root=me.root_der())

    def crew(self, chance: random.Random) -> None:
        """A crew does a whole visit, or a part of one; whose order it is, nobody knows without signal."""
        # Nobody gets to the last one: what is cancelled untouched has to happen, too.
        which, number = chance.randrange(len(self.tablets)), chance.randrange(len(self.orders) - 1)
        serial = f"ZIV{chance.choice((0, which)):05d}{number:05d}"
        whole: list[kinds.Payload] = [
            kinds.OrderStarted(
                procedure="exchange", procedure_version=1, crew=self.tablets[which].identity.crew
            ),
            kinds.DevicePlaced(serial=serial, model="prime-1ph", usage_point=f"U{number}", concentrator="C1"),
            kinds.JoinChecked(serial=serial, state=JoinState.PENDING, how="optical"),
            kinds.OrderCompleted(record_hash="ab" * 32, blobs=[], crew=self.tablets[which].identity.crew),
        ]
        if chance.random() < 0.1:
            whole = [whole[0], kinds.OrderNotDone(reason="no_access", crew=self.tablets[which].identity.crew)]
        elif chance.random() < 0.1:
            whole[1] = kinds.DevicePlaced(serial="ZIV9999900000", model="prime-1ph", usage_point=f"U{number}")
        for payload in whole[: chance.choice((1, 2, 4, 4, 4))]:
            entry = self.tablets[which].journal.append(payload, order_id=self.orders[number], actor="ana")
            self.written[entry.envelope.id] = entry.hash

    def office(self, chance: random.Random) -> None:
        """The office plans anew."""
        order_id, office = chance.choice(self.orders), self.bureau.office
        try:
            act = chance.randrange(4)
            if act == 0:
                acts.cancel_order(office, order_id, "planned anew")
            elif act == 1:
                acts.change_order(office, order_id, {"priority": chance.randrange(1, 4)})
                self.edited.add(order_id)
            else:
                acts.reassign_order(office, order_id, chance.choice("AB"))
                self.moved.add(order_id)
        except OfficeError:
            self.counts.found["acts the office may not do any more"] += 1

    def sync(self, which: int) -> None:
        """One round over the line as it is."""
        tablet = self.tablets[which]
        try:
            report = tablet.sync(self.transport(tablet))
        except Exception as error:
            self.counts.wrong("raised", f"{type(error).__name__}: {error}")
            return
        self.counts.found[f"rounds {report.state}"] += 1


def campaign(folder: Path, steps: int, seconds: float, seed: int) -> Counts:
    """Work, replan and sync over a bad line; then let the line be good and compare everything."""
    chance, counts = random.Random(seed), Counts()
    bureau = Bureau.open(folder)
    tablets = [bureau.tablet(crew, f"t{n}") for n, crew in enumerate(TABLETS)]
    ends = time.monotonic() + seconds
    with serving(bureau) as url, bad_line(url, random.Random(seed + 1)) as (address, line):
        world = World(bureau, tablets, address, counts)
        for step in range(steps):
            if time.monotonic() > ends:
                break
            act = chance.random()
            if act < 0.45:
                world.crew(chance)
            elif act < 0.6:
                world.office(chance)
            else:
                world.sync(chance.randrange(len(tablets)))
            counts.found["steps"] = step + 1
        _converge(world, line)
    for fate, number in line.counts.items():
        counts.found[f"line: {fate}"] = number
    for tablet in tablets:
        tablet.store.close()
    bureau.office.store.close()
    return counts


def _converge(world: World, line: Line) -> None:
    """With signal everywhere, everybody holds the same, and folds it to the same."""
    line.good = True
    counts, office = world.counts, world.bureau.office.store
    for _ in range(3):
        for which in range(len(world.tablets)):
            world.sync(which)
    for number, tablet in enumerate(world.tablets):
        report = tablet.sync(world.transport(tablet))
        if not (report.state == "done" and report.equal and not report.pending and not report.pulled):
            counts.wrong("not_converged", f"tablet {number}: {report}")
    there = _held(office)
    for entry_id, hash_ in world.written.items():
        if there.get(entry_id) != hash_:
            counts.wrong("not_once" if entry_id in there else "lost", entry_id)
    counts.found["entries"] = len(world.written)
    for name, store in [("office", office), *((f"tablet {n}", t.store) for n, t in enumerate(world.tablets))]:
        before = projection.digest(store)
        projection.rebuild(store)
        if projection.digest(store) != before:
            counts.wrong("differs_from_rebuild", name)
    _met(world)


def _held(store: Store) -> dict[str, str]:
    with store.read() as connection:
        rows = connection.execute(select(schema.entry.c.id, schema.entry.c.hash))
        return {row.id: row.hash for row in rows}


def _met(world: World) -> None:
    """Which rows of the table of conflicts came up."""
    counts, order, raised = world.counts, schema.work_order, schema.exception
    with world.bureau.office.store.read() as connection:
        rows = {row.order_id: row for row in connection.execute(select(order))}
        cases = Counter(connection.execute(select(raised.c.kind)).scalars())
    executed = {name for name, row in rows.items() if row.executions}
    met = {
        ROWS[0]: sum(row.status == "cancelled" and not row.executions for row in rows.values()),
        ROWS[1]: cases["executed_after_cancel"],
        ROWS[2]: len(world.moved & executed),
        ROWS[3]: cases["executed_twice"],
        ROWS[4]: len(world.edited & executed),
        ROWS[5]: cases["serial_elsewhere"],
    }
    for row, number in met.items():
        counts.found[f"row: {row}"] = number
        if not number:
            counts.wrong("no_row_of_conflicts", row)


def main() -> int:
    """Run it; 0 where nothing that must be zero is not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = campaign(Path(folder), options.steps, options.seconds, options.seed)
    return counts.tell(_MUST_BE_ZERO, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
