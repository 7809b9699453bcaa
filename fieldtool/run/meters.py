"""The steps of a run that touch a meter or the network: read, plan, apply, relay, join.

Each call blocks in the caller's worker thread. What it finds is laid on the run's bench; accepting the step
makes it a fact. Writes are the exception: they are journalled one by one while they happen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import msgspec

from drivers.changes import ApplyReport, ChangeState, Plan
from drivers.errors import UnsupportedObject
from fieldtool.commissioning import MeterWork, Target
from fieldtool.errors import JobError, StepRefused
from fieldtool.identity import last_four, normalise_serial
from fieldtool.journalhost import OrderContext, Progress
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.bench import JoinFound, PlanFound
from fieldtool.procedure.devices import device_serial, scanned_serial
from fieldtool.procedure.rules import consent_missing
from fieldtool.procedure.views import ChangeRow, Problem
from fieldtool.registration import g3_join, listed_join, optical_join, pending, prime_join
from fieldtool.run import balances, evidence
from fieldtool.run.planvalues import program_values
from fieldtool.run.power import PowerProbe
from fieldtool.technologies import Proof, Technology
from fieldtool.wiring import generation_of
from workorders.clock import read_utc
from workorders.journal.words import DeviceRole, JoinState

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

OPTICAL_WORDS = {
    Proof.OPTICAL_PRIME: "prime",
    Proof.OPTICAL_G3: "g3",
    Proof.OPTICAL_CELLULAR: "gsm",
    Proof.OPTICAL_WI_SUN: "wisun",
    Proof.OPTICAL_LORAWAN: "lorawan",
}
"""What the optical session calls the network that each proof is about."""

_Step = TypeVar("_Step")
_Given = ParamSpec("_Given")


def _recorded(job: Callable[_Given, None]) -> Callable[_Given, None]:
    """A job at the port whose recording is laid on the order where it fails."""

    @wraps(job)
    def run(*given: _Given.args, **named: _Given.kwargs) -> None:
        steps = given[0]
        assert isinstance(steps, MeterSteps)
        with steps.recordings.watching():
            job(*given, **named)

    return run


class MeterSteps:
    """Work on the meters of one run."""

    def __init__(self, run: ProcedureRun, work: MeterWork, context: OrderContext) -> None:
        """context: in whose name `work` journals what it writes."""
        self._run = run
        self.recordings = run.recordings
        self.context = context
        self._work = work
        self._plan: Plan | None = None
        self._power: PowerProbe | None = None

    # --- read -------------------------------------------------------------------------------------

    @_recorded
    def read(self, progress: Progress | None) -> None:
        """Read the meter of the current `meter_read` step."""
        step = self._step(m.MeterReadStep)
        found = self._work.read(
            self._target(step.device, fresh=True), step.items or None, twice=step.twice, progress=progress
        )
        self._run.put_on_bench(found=found)

    # --- plan and apply ---------------------------------------------------------------------------

    @_recorded
    def plan(self, progress: Progress | None) -> None:
        """Settle what a cut left open, then compare with the program. Only the matched meter is planned."""
        step = self._step(m.PlanApplyStep)
        run, target = self._run, self._target(DeviceRole.NEW)
        self._plan = None
        self._work.settle(target, run.state.writes.values(), progress)
        run.reload()
        plan = self._work.plan(target, run.order.program or "", program_values(run), progress)
        matched = device_serial(run.state, DeviceRole.NEW)
        if matched is not None and normalise_serial(plan.meter) != matched:
            params = {"serial": plan.meter, "scanned": matched}
            raise StepRefused(step.id, [Problem(code="other_meter_at_port", params=params)])
        self._plan = plan
        run.put_on_bench(plan=_plan_found(plan, None))

    @_recorded
    def apply(self, allow: list[str], progress: Progress | None) -> None:
        """Write what differs, and lay down the state of each change, while it happens and afterwards."""
        self._step(m.PlanApplyStep)
        run = self._run
        if self._plan is None:
            self.plan(progress)
        plan = self._plan
        assert plan is not None

        def changed(item: str, state: str, _now: str | None) -> None:
            found = run.bench.plan
            if found is None:
                return
            rows = [
                msgspec.structs.replace(row, state=state) if row.item == item else row
                for row in found.changes
            ]
            run.put_on_bench(plan=msgspec.structs.replace(found, changes=rows))

        try:
            report = self._work.apply(self._target(DeviceRole.NEW), plan, allow, progress, changed)
        finally:
            # Intents and outcomes were written by the session's questions, not by the run.
            run.reload()
        run.put_on_bench(plan=_plan_found(plan, report))

    # --- relay ------------------------------------------------------------------------------------

    @_recorded
    def test_relay(self, confirmation: str, progress: Progress | None) -> None:
        """Switch the relay as the step says, on the last four digits of the serial."""
        step = self._step(m.RelayStep)
        run = self._run
        if consent_missing(run.job(), run.state):
            raise StepRefused(step.id, [Problem(code="consent_missing")])
        target = self._target(step.device)
        if confirmation != last_four(target.serial):
            raise StepRefused(step.id, [Problem(code="wrong_confirmation", field="confirmation")])
        try:
            # A test that was cut may have left the supply open: what holds is read back first.
            self._work.settle(target, run.state.writes.values(), progress)
            if step.operation is m.RelayOperation.TEST:
                result = self._work.test_relay(target, progress)
            else:
                result = self._work.switch_relay(target, step.operation.value, progress)
        finally:
            run.reload()
        run.put_on_bench(relay=result)

    # --- join -------------------------------------------------------------------------------------

    @_recorded
    def check_join(self, progress: Progress | None) -> None:
        """Ask in the order of the technology's proofs; the first that has heard the device wins."""
        step = self._step(m.JoinStep)
        run = self._run
        technology = evidence.technology_of(run.order, run.around)
        if technology is None:
            raise JobError("no_technology", "the order names no technology that is known here")
        best: JoinFound | None = None
        for proof in technology.join.proofs:
            found = self._ask(step.device, proof, technology, progress)
            if found is None:
                continue
            if best is None or found.state is JoinState.JOINED:
                best = found
            if found.state is JoinState.JOINED:
                break
        now = datetime.now(UTC)
        run.put_on_bench(join=best or pending(technology, technology.join.proofs[0].value, now))

    def _ask(
        self, role: DeviceRole, proof: Proof, technology: Technology, progress: Progress | None
    ) -> JoinFound | None:
        now = datetime.now(UTC)
        if proof.optical:
            try:
                expected = device_serial(self._run.state, role)
                heard = self._work.network(self._target(role), expected, progress)
            except UnsupportedObject:
                return None
            if heard.technology != OPTICAL_WORDS[proof]:
                return None  # what a modem says proves nothing of a mesh
            state, said = heard.state.value, heard.evidence
            if proof is Proof.OPTICAL_PRIME:
                return prime_join(state, said, self._expected("mac"), technology, now)
            if proof is Proof.OPTICAL_G3:
                return g3_join(state, said, self._expected("pan"), technology, now)
            return optical_join(proof.value, state, said, technology, now)
        return self._ask_list(role, proof, technology, now)

    def _ask_list(
        self, role: DeviceRole, proof: Proof, technology: Technology, now: datetime
    ) -> JoinFound | None:
        run = self._run
        serial, concentrator = device_serial(run.state, role) or "", self._concentrator()
        if proof is Proof.CONCENTRATOR_S24:
            try:
                heard = run.around.heard.concentrator(concentrator, serial) if concentrator else []
            except JobError:
                return None
        elif proof in (Proof.HEAD_END_LIST, Proof.CONCENTRATOR_LIST, Proof.DEVICE_LOOKUP):
            # The office asks the network's server; the tablet sees what the office was told.
            heard = run.around.heard.head_end(serial)
        else:
            return None
        return listed_join(
            serial,
            heard,
            how=proof.value,
            installed_at=self._begun_at() or now,
            expected=concentrator,
            technology=technology,
            now=now,
        )

    def _begun_at(self) -> datetime | None:
        """When the visit began, by the best clock that is known (`corrected_time`): a network's list is
        written by its own clock, and one that is right must not look older than a tablet that runs ahead."""
        started = self._run.state.started_at
        if started is None:
            return None
        own = [one.at for one in self._run.book.entries() if one.envelope.time.device == started]
        return read_utc(own[-1] if own else started)

    def _concentrator(self) -> str | None:
        for done in self._run.state.done.values():
            if isinstance(done.answer, a.PlaceAnswer):
                return done.answer.concentrator
        return self._run.order.place.concentrator

    def _expected(self, identity: str) -> str | None:
        """An identity of the concentrator that the meter should hang on."""
        mrid = self._concentrator()
        node = self._run.around.network.node(mrid) if mrid else None
        return node.identities.get(identity) if node else None

    # --- balance ----------------------------------------------------------------------------------

    @_recorded
    def read_power(self, progress: Progress | None) -> None:
        """Whoever is under the probe: its power goes into the balance of this place."""
        step = self._step(m.BalanceStep)
        run = self._run
        port = run.around.port_for(DeviceRole.NEW)
        if port is None:
            raise JobError("no_port", "no optical probe is known: plug it in, or choose its port")
        self._work.close()  # the session of this order's own meter lets go of the port
        self._power = PowerProbe(run.around, self.context, recording=self.recordings.begin())
        try:
            reading = self._power.read(port, progress)
        finally:
            self._power = None
        run.keep_power(balances.going_on(run, step).take(reading))

    # --- common -----------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Stop the running call."""
        self._work.cancel()
        power = self._power
        if power is not None:
            power.cancel()

    def close(self) -> None:
        """Leave the meter well."""
        self._work.close()

    def _step(self, kind: type[_Step]) -> _Step:
        step = self._run.shown_step()
        if not isinstance(step, kind):
            shown = step.id if step else "end"
            raise JobError("wrong_step", f"the procedure is at {shown!r}, where this cannot be done")
        return step

    def _target(self, role: DeviceRole, *, fresh: bool = False) -> Target:
        run = self._run
        port = run.around.port_for(role)
        if port is None:
            raise JobError("no_port", "no optical probe is known: plug it in, or choose its port")
        asset = run.order.old_asset if role is DeviceRole.OLD else run.order.new_asset
        # A reading goes by the label, whatever an earlier one found; all that follows goes by what was read:
        # after an override the label may be that of another meter, and so would its keys be.
        named = scanned_serial(run.state, role) if fresh else device_serial(run.state, role)
        serial = named or normalise_serial(asset.serial if asset else None) or ""
        return Target(
            port=port,
            role=role,
            serial=serial,
            model=evidence.model_of(run.order, role, run.around),
            generation=generation_of(run.order.flags),
        )


def _plan_found(plan: Plan, report: ApplyReport | None) -> PlanFound:
    results = {result.id: result for result in report.changes} if report else {}
    rows: list[ChangeRow] = []
    for change in plan.changes:
        result = results.get(change.id)
        written = result is not None and change.state is ChangeState.DIFFERS
        rows.append(
            ChangeRow(
                id=change.id,
                item=change.item,
                name=change.name,
                now=result.is_now if result and written and result.is_now else change.now,
                will_be=change.will_be,
                state=result.state.value if result and written else change.state.value,
                danger=change.danger.value,
                detail=(result.detail if result and written else None) or change.detail,
            )
        )
    complete = report.complete if report else not plan.open_changes and not _unreadable(plan)
    return PlanFound(program=plan.program, serial=plan.meter, changes=rows, complete=complete)


def _unreadable(plan: Plan) -> bool:
    return any(change.state is ChangeState.UNREADABLE for change in plan.changes)
