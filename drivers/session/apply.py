"""Plan, apply, verify: what should hold against what holds; written in the order of danger.

How a batch is written, read back and rolled back is in ``writing``; what a cut left open in ``settling``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import msgspec

from drivers.changes import (
    ApplyReport,
    Change,
    ChangeResult,
    ChangeState,
    Danger,
    OutcomeState,
    Plan,
    VerifyReport,
    WriteIntent,
    WriteOutcome,
)
from drivers.dlms.program_settings import settings_of
from drivers.dlms.settings import Finding, Setting
from drivers.errors import OtherMeter
from drivers.programs import Program, SecretSetting, check_ids, find_program
from drivers.session.holding import Holding, now
from drivers.session.image import ImageJobs
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.relay import RelayJob
from drivers.session.secrets import SecretJobs
from drivers.session.settling import Settler
from drivers.session.writing import BatchWriter, Step, depends_on, goes_with

_ORDER = list(Danger)
_ZONE_IDS = ("time_zone", "daylight_saving")


@dataclass(frozen=True)
class Prepared:
    """A program made ready for the meter at the port."""

    meter: str
    program: Program
    settings: dict[str, Setting]

    def secret(self, change: str) -> SecretSetting | None:
        return next((secret for secret in self.program.secrets if secret.id == change), None)


@dataclass(frozen=True)
class _Planned:
    """What the last plan of this session was made of; the next apply need not read it again."""

    program: str
    values: dict[str, str]
    holding: Holding


class Writer:
    """The writing jobs on one meter."""

    def __init__(
        self,
        jobs: Jobs,
        journal: Journal,
        programs: Path | None,
        images: ImageJobs | None = None,
        secrets: SecretJobs | None = None,
    ) -> None:
        self._jobs = jobs
        self._journal = journal
        self._programs = programs
        self._secrets = secrets or SecretJobs(jobs, journal)
        self._settler = Settler(jobs, journal, images or ImageJobs(jobs, journal), self._secrets)
        self._relay = RelayJob(jobs, journal)
        self._planned: _Planned | None = None

    # ---- plan and verify

    def plan(self, program: str, values: dict[str, str]) -> Plan:
        """What differs from the program; reads only."""
        found = self._prepare(program, values)
        holding = Holding(self._jobs)
        settings = found.settings.values()
        holding.read(settings, "plan")
        changes = _clock_after_zone([_change(setting, holding.judge(setting)) for setting in settings])
        secrets = [self._secrets.change(secret) for secret in found.program.secrets]
        self._planned = _Planned(program, values, holding)
        model = self._jobs.model
        return Plan(
            program,
            values,
            found.meter,
            model.name if model else None,
            [*_by_danger(changes), *secrets],
            found.program.sources(values),
        )

    def verify(self, program: str, values: dict[str, str]) -> VerifyReport:
        plan = self.plan(program, values)
        holds = all(change.state is ChangeState.SAME for change in plan.changes)
        return VerifyReport(program, plan.meter, plan.changes, holds)

    def _prepare(self, program: str, values: dict[str, str]) -> Prepared:
        found = find_program(program, self._programs)
        self._jobs.identify()
        settings = settings_of(found, values, self._jobs.model)
        check_ids([*(one.id for one in settings), *(one.id for one in found.secrets)])
        return Prepared(self._meter_name(), found, {setting.id: setting for setting in settings})

    def _meter_name(self) -> str:
        """The serial, or the logical device name of a meter that tells no serial: unique as well."""
        identity = self._jobs.identify()
        name = identity.serial or identity.logical_device_name
        if not name:
            raise OtherMeter("The meter does not tell who it is: it cannot be configured safely.")
        return name

    # ---- apply

    def apply(self, plan: Plan, allow: list[str]) -> ApplyReport:
        """Write what the plan names and still differs. A change that is dangerous and not allowed stays
        untouched."""
        found = self._prepare(plan.program, plan.values)
        if found.meter != plan.meter:
            raise OtherMeter(detail="serial of the plan and of the meter differ")
        todo = [change.id for change in plan.changes if change.state is ChangeState.DIFFERS]
        results = self._applied(plan, found, todo, set(allow))
        complete = all(result.state is OutcomeState.VERIFIED for result in results) and all(
            change.state in (ChangeState.SAME, ChangeState.DIFFERS) for change in plan.changes
        )
        return ApplyReport(plan.program, found.meter, results, complete)

    def _applied(self, plan: Plan, found: Prepared, todo: list[str], allow: set[str]) -> list[ChangeResult]:
        """Every change of ``todo`` in its order, as many together as may go together."""
        holding = self._held(plan)
        writer = BatchWriter(self._jobs, self._journal, plan.program, found.meter, holding)
        waiting, results = deque(todo), dict[str, ChangeResult]()
        while waiting:
            self._jobs.pause(0.0)  # a cancel is heard between two batches, also where nothing is read
            self._jobs.progress("apply", len(results), len(todo))
            if waiting[0] not in found.settings:
                one = waiting.popleft()
                results[one] = self._apply_other(plan.program, found, one, allow, list(results.values()))
                continue
            holding.read(_settings(found, waiting), "apply")
            batch = self._take_batch(found, holding, waiting, allow, results)
            if batch:
                written = writer.write(batch, _settings(found, waiting))
                results |= {result.id: result for result in written}
        self._jobs.progress("apply", len(todo), len(todo))
        return [results[one] for one in todo]

    def _held(self, plan: Plan) -> Holding:
        """What the plan has just read, else nothing yet. What an apply wrote is never taken from before."""
        planned, self._planned = self._planned, None
        same = planned is not None and (planned.program, planned.values) == (plan.program, plan.values)
        if planned is not None and same and planned.holding.is_fresh:
            return planned.holding
        return Holding(self._jobs)

    @staticmethod
    def _take_batch(
        found: Prepared,
        holding: Holding,
        waiting: deque[str],
        allow: set[str],
        results: dict[str, ChangeResult],
    ) -> list[Step]:
        """Take from ``waiting`` what is written together next; what is not written has its result at once."""
        batch: list[Step] = []
        while waiting and waiting[0] in found.settings:
            setting = found.settings[waiting[0]]
            if depends_on(setting, batch):
                break
            judged = _judged(setting, holding, allow)
            if isinstance(judged, Step):
                if not goes_with(judged, batch):
                    break
                batch.append(judged)
            else:
                results[setting.id] = judged
            waiting.popleft()
        return batch

    def _apply_other(
        self, program: str, found: Prepared, change: str, allow: set[str], before: list[ChangeResult]
    ) -> ChangeResult:
        secret = found.secret(change)
        if secret is None:
            return ChangeResult(change, OutcomeState.UNTOUCHED, None, "not in the program")
        if change not in allow:
            return ChangeResult(change, OutcomeState.UNTOUCHED, None, "needs confirmation")
        secrets = {secret.id for secret in found.program.secrets}
        if any(one.id in secrets and one.state is not OutcomeState.VERIFIED for one in before):
            return ChangeResult(change, OutcomeState.UNTOUCHED, None, "a change before it is not settled")
        return self._secrets.apply(program, found.meter, secret)

    # ---- settle, relay

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]:
        """What became of intents without outcome, found by reading back."""
        return self._settler.settle(self._meter_name(), intents)

    def relay(self, operation: str, confirmation: str) -> ChangeResult:
        """Open or close the supply relay. Only with the serial number as confirmation; never by itself."""
        return self._relay.operate(self._meter_name(), operation, confirmation)


def _settings(found: Prepared, waiting: deque[str]) -> list[Setting]:
    return [found.settings[one] for one in waiting if one in found.settings]


def _judged(setting: Setting, holding: Holding, allow: set[str]) -> Step | ChangeResult:
    """What is to be written for a setting, or why nothing is."""
    finding = holding.judge(setting)
    if finding.state is ChangeState.SAME:
        return ChangeResult(setting.id, OutcomeState.VERIFIED, finding.now, "held already")
    if finding.state is not ChangeState.DIFFERS or finding.wanted is None:
        return ChangeResult(setting.id, OutcomeState.UNTOUCHED, finding.now, finding.detail)
    if finding.danger is not Danger.HARMLESS and setting.id not in allow:
        return ChangeResult(setting.id, OutcomeState.UNTOUCHED, finding.now, "needs confirmation")
    writes = setting.writes(finding.wanted, now(), holding.known)
    if not writes:
        return ChangeResult(setting.id, OutcomeState.UNTOUCHED, finding.now, "not possible from here")
    return Step(setting, finding, finding.wanted, writes)


def _change(setting: Setting, finding: Finding) -> Change:
    return Change(
        setting.id,
        str(setting.item),
        setting.name,
        finding.now,
        finding.will_be,
        finding.state,
        finding.danger,
        finding.detail,
    )


def _clock_after_zone(changes: list[Change]) -> list[Change]:
    """Another time zone or daylight saving may move the clock: it is compared again after them, and may
    jump."""
    moved = any(change.id.startswith(_ZONE_IDS) and change.state is ChangeState.DIFFERS for change in changes)
    if not moved:
        return changes
    return [
        msgspec.structs.replace(
            change,
            state=ChangeState.DIFFERS,
            danger=Danger.CLOCK_JUMP,
            detail="compared again after the time zone",
        )
        if change.id == "clock" and change.state in (ChangeState.SAME, ChangeState.DIFFERS)
        else change
        for change in changes
    ]


def _by_danger(changes: list[Change]) -> list[Change]:
    """Harmless first; within one danger in the program's order."""
    return sorted(changes, key=lambda change: _ORDER.index(change.danger))
