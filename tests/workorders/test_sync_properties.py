"""Any interleaving of crews and office, with answers lost: nothing lost, nothing twice, all agree."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from tests.workorders.offices import Bureau, Tablet
from workorders.gateway import acts
from workorders.gateway.direct import DirectTransport
from workorders.gateway.errors import OfficeError
from workorders.journal import kinds
from workorders.journal.words import JoinState
from workorders.store import projection, schema
from workorders.store.engine import Store
from workorders.sync import wire
from workorders.sync.errors import Unreachable

TABLETS = ("A", "A", "B")
numbers = st.integers(min_value=0, max_value=7)
tablets = st.integers(min_value=0, max_value=len(TABLETS) - 1)


class Losing(DirectTransport):
    """Cut before or after the n-th request: the tablet cannot know whether the office acted."""

    left: int = 0
    acted: bool = False

    def _cut(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Unreachable("cut")

    def push(self, request: wire.PushRequest) -> wire.PushResponse:
        if self.acted:
            answer = super().push(request)
            self._cut()
            return answer
        self._cut()
        return super().push(request)

    def pull(self, cursor: str | None) -> wire.PullPage:
        self._cut()
        return super().pull(cursor)

    def finish(self, request: wire.FinishRequest) -> wire.FinishAnswer:
        self._cut()
        return super().finish(request)


class CrewsAndOffice(RuleBasedStateMachine):
    """Three tablets of two crews, and an office that replans under their hands."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fieldtool-sync-"))
        self.bureau = Bureau.open(self.folder)
        self.tablets = [self.bureau.tablet(crew, f"t{n}") for n, crew in enumerate(TABLETS)]
        self.written: dict[str, str] = {}
        with self.bureau.office.store.read() as connection:
            query = select(schema.work_order.c.order_id).order_by(schema.work_order.c.number)
            self.orders = list(connection.execute(query).scalars())

    def teardown(self) -> None:
        if not hasattr(self, "tablets"):
            return
        self.converge()
        for tablet in self.tablets:
            tablet.store.close()
        self.bureau.office.store.close()
        shutil.rmtree(self.folder)

    # --- what happens -----------------------------------------------------------------------------

    @rule(
        which=tablets, number=numbers, act=st.sampled_from(["start", "place", "join", "complete", "not_done"])
    )
    def crew_works(self, which: int, number: int, act: str) -> None:
        """Whether or not the order is theirs: without signal nobody knows."""
        serial = f"ZIV{which:05d}{number:05d}"
        payloads: dict[str, kinds.Payload] = {
            "start": kinds.OrderStarted(procedure="exchange", procedure_version=1),
            "place": kinds.DevicePlaced(serial=serial, model="prime-1ph", usage_point=f"U{number}"),
            "join": kinds.JoinChecked(serial=serial, state=JoinState.PENDING, how="optical"),
            "complete": kinds.OrderCompleted(record_hash="ab" * 32, blobs=[]),
            "not_done": kinds.OrderNotDone(reason="no_access"),
        }
        entry = self.tablets[which].journal.append(payloads[act], order_id=self.orders[number], actor="ana")
        self.written[entry.envelope.id] = entry.hash

    @rule(number=numbers, act=st.sampled_from(["cancel", "to A", "to B", "priority"]))
    def office_replans(self, number: int, act: str) -> None:
        order_id, office = self.orders[number], self.bureau.office
        try:
            if act == "cancel":
                acts.cancel_order(office, order_id, "planned anew")
            elif act == "priority":
                acts.change_order(office, order_id, {"priority": 1 + number % 3})
            else:
                acts.reassign_order(office, order_id, act[-1])
        except OfficeError:
            return

    @rule(which=tablets)
    def syncs(self, which: int) -> None:
        report = self.tablets[which].sync()
        assert (report.state, report.equal, report.pending) == ("done", True, 0), report

    @rule(which=tablets, requests=st.integers(min_value=0, max_value=4), acted=st.booleans())
    def sync_is_cut(self, which: int, requests: int, acted: bool) -> None:
        tablet = self.tablets[which]
        transport = Losing(self.bureau.office, self.bureau.files, tablet.identity.tablet)
        transport.left, transport.acted = requests, acted
        tablet.sync(transport)

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        """Each entry lies on the tablet that wrote it, whatever the office answered."""
        if not hasattr(self, "tablets"):
            return
        here = {}
        for tablet in self.tablets:
            here |= held(tablet.store)
        assert self.written.items() <= here.items()

    def converge(self) -> None:
        """With signal everywhere, everybody holds the same, and folds it to the same."""
        for _ in range(2):
            for tablet in self.tablets:
                assert tablet.sync().state == "done"
        office = self.bureau.office.store
        assert self.written.items() <= held(office).items()
        for tablet in self.tablets:
            report = tablet.sync()
            assert (report.equal, report.pulled, report.pushed, report.repulled) == (True, 0, 0, False)
            assert states(tablet) == states_of(office, tablet.identity.crew)
        for store in (office, *(tablet.store for tablet in self.tablets)):
            before = projection.digest(store)
            projection.rebuild(store)
            assert projection.digest(store) == before


def held(store: Store) -> dict[str, str]:
    with store.read() as connection:
        rows = connection.execute(select(schema.entry.c.id, schema.entry.c.hash))
        return {row.id: row.hash for row in rows}


def states(tablet: Tablet) -> dict[str, tuple[object, ...]]:
    return states_of(tablet.store, tablet.identity.crew)


def states_of(store: Store, crew: str | None) -> dict[str, tuple[object, ...]]:
    """What is known of a crew's orders."""
    table = schema.work_order
    columns = (table.c.status, table.c.version, table.c.priority, table.c.attempts, table.c.executions)
    with store.read() as connection:
        rows = connection.execute(select(table.c.order_id, *columns).where(table.c.crew == crew))
        return {row.order_id: tuple(row)[1:] for row in rows}


CrewsAndOffice.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestCrewsAndOffice = CrewsAndOffice.TestCase
