"""Writing in IEC 62056-21 programming mode: clock and single registers. Journalled first, read back after.

What may be written stands in the model file (``[iec.clock]``, ``[iec.programming]``); everything else of a
program (calendars, limiters, relays) has no common form there and is told as unsupported.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

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
from drivers.errors import (
    Garbage,
    LinkLost,
    MeterRefused,
    NoAnswer,
    OtherMeter,
    PortVanished,
    UnsupportedObject,
)
from drivers.iec62056.options import IecClock
from drivers.iec62056.programming import ProgrammingLink
from drivers.iec62056.readout import is_code
from drivers.programs import ClockSetting, Program, check_ids, find_program
from drivers.session.access import ReadoutOnly
from drivers.session.iec_jobs import IecJobs
from drivers.session.journal import Journal
from drivers.session.unsupported import unsupported, without_form

CLOCK = "clock"
_HELD_SECONDS = 60
_LINE = (LinkLost, PortVanished, Garbage, NoAnswer)
_ORDER = list(Danger)


@dataclass(frozen=True)
class _Wanted:
    """One item of a program: the clock, or a register with its text."""

    id: str
    item: str
    name: str
    danger: Danger
    clock: ClockSetting | None = None
    value: str = ""


class IecWriter:
    """The writing jobs on one meter."""

    def __init__(self, jobs: IecJobs, journal: Journal, programs: Path | None) -> None:
        self._jobs = jobs
        self._journal = journal
        self._programs = programs

    # ---- plan and verify

    def plan(self, program: str, values: dict[str, str]) -> Plan:
        """What differs from the program; reads only. Raises ``WrongValue`` for a program of another model,
        ``ReadoutOnly`` for a meter whose model does not say how it is programmed."""
        found = find_program(program, self._programs)
        serial = self._serial()
        found.check_is_for(self._jobs.model.name if self._jobs.model else None)
        if self._jobs.reach.options.programming is None:
            raise ReadoutOnly
        wanted = self._wanted(found, values)
        changes = []
        for done, one in enumerate(wanted):
            self._jobs.progress("plan", done, len(wanted))
            changes.append(self._judge(one))
        self._jobs.progress("plan", len(wanted), len(wanted))
        changes.sort(key=lambda change: _ORDER.index(change.danger))
        model = self._jobs.model
        foreign = [setting for setting in found.settings if not is_code(setting.item)]
        left_out = unsupported(found, values, foreign, "not in IEC 62056-21")
        if found.clock is not None and self._jobs.reach.options.clock is None:
            why = "the model file does not say where the clock of this meter is ([iec.clock])"
            left_out.append(without_form(CLOCK, "clock", "the present time", why))
        return Plan(program, values, serial, model.name if model else None, changes + left_out)

    def verify(self, program: str, values: dict[str, str]) -> VerifyReport:
        plan = self.plan(program, values)
        holds = all(change.state is ChangeState.SAME for change in plan.changes)
        return VerifyReport(program, plan.meter, plan.changes, holds)

    def _wanted(self, program: Program, values: dict[str, str]) -> list[_Wanted]:
        wanted = []
        if program.clock is not None and self._jobs.reach.options.clock is not None:
            item = self._jobs.reach.options.clock.parts()[0][0]
            wanted.append(_Wanted(CLOCK, item, "clock", Danger.HARMLESS, program.clock))
        for setting in program.settings:
            if is_code(setting.item):
                value = program.resolve(setting.value, values)
                wanted.append(_Wanted(setting.id, setting.item, setting.name, setting.danger, value=value))
        check_ids(one.id for one in wanted)
        return wanted

    def _serial(self) -> str:
        serial = self._jobs.identify().serial
        if not serial:
            raise OtherMeter("The meter does not tell who it is: it cannot be configured safely.")
        return serial

    def _judge(self, wanted: _Wanted) -> Change:
        if wanted.clock is not None:
            return self._judge_clock(wanted, wanted.clock)
        try:
            now = self._jobs.reach.run_certainly(lambda link: link.value(wanted.item))
        except MeterRefused as error:
            return _change(wanted, None, wanted.value, ChangeState.UNREADABLE, error.result)
        state = ChangeState.SAME if same_value(now, wanted.value) else ChangeState.DIFFERS
        return _change(wanted, now, wanted.value, state, None)

    def _judge_clock(self, wanted: _Wanted, setting: ClockSetting) -> Change:
        try:
            utc = self._meter_time()
        except MeterRefused as error:
            return _change(wanted, None, "", ChangeState.UNREADABLE, error.result)
        now = datetime.now(UTC)
        if utc is None:
            detail = "the meter's clock cannot be read, or its time zone is not known"
            return _change(wanted, None, _text(now), ChangeState.UNREADABLE, detail)
        drift = round((utc - now).total_seconds())
        same = abs(drift) <= setting.tolerance_seconds
        jump = not same and abs(drift) > setting.jump_limit_seconds
        state = ChangeState.SAME if same else ChangeState.DIFFERS
        danger = Danger.CLOCK_JUMP if jump else Danger.HARMLESS
        return _change(wanted, _text(utc), _text(now), state, f"{drift:+d} s", danger)

    def _meter_time(self) -> datetime | None:
        """The meter's clock in UTC; ``None`` where its zone or its form is not known."""
        clock, zone = self._jobs.reach.options.clock, self._jobs.zone_minutes
        if clock is None or zone is None:
            return None

        def read(link: ProgrammingLink) -> str:
            """Date, time, date: read again if midnight fell between."""
            texts = [link.value(address) for address, _ in clock.parts()]
            if len(texts) > 1 and link.value(clock.parts()[0][0]) != texts[0]:
                texts = [link.value(address) for address, _ in clock.parts()]
            return " ".join(texts)

        text = self._jobs.reach.run(read, password=False)
        form = " ".join(part for _, part in clock.parts())
        try:
            local = datetime.strptime(text, form)  # noqa: DTZ007  # the meter tells no zone
        except ValueError:
            return None
        return (local + timedelta(minutes=zone)).replace(tzinfo=UTC)

    # ---- apply

    def apply(self, plan: Plan, allow: list[str]) -> ApplyReport:
        """Write what the plan says and what still differs, harmless first."""
        program = find_program(plan.program, self._programs)
        serial = self._serial()
        if serial != plan.meter:
            raise OtherMeter(detail="serial of the plan and of the meter differ")
        wanted = {one.id: one for one in self._wanted(program, plan.values)}
        todo = plan.open_changes
        results = []
        for done, change in enumerate(todo):
            self._jobs.progress("apply", done, len(todo))
            one = wanted.get(change.id)
            if one is None:
                results.append(ChangeResult(change.id, OutcomeState.UNTOUCHED, None, "not in the program"))
            else:
                results.append(self._apply_one(plan.program, serial, one, set(allow)))
        self._jobs.progress("apply", len(todo), len(todo))
        done_all = all(result.state is OutcomeState.VERIFIED for result in results)
        known = all(change.state in (ChangeState.SAME, ChangeState.DIFFERS) for change in plan.changes)
        return ApplyReport(plan.program, serial, results, done_all and known)

    def _apply_one(self, program: str, serial: str, wanted: _Wanted, allow: set[str]) -> ChangeResult:
        before = self._judge(wanted)
        if before.state is ChangeState.SAME:
            return ChangeResult(wanted.id, OutcomeState.VERIFIED, before.now, "held already")
        if before.state is not ChangeState.DIFFERS:
            return ChangeResult(wanted.id, OutcomeState.UNTOUCHED, before.now, before.detail)
        if before.danger is not Danger.HARMLESS and wanted.id not in allow:
            return ChangeResult(wanted.id, OutcomeState.UNTOUCHED, before.now, "needs confirmation")
        self._jobs.reach.run(lambda link: link, password=True)  # a missing password shows before any intent
        return self._journalled(program, serial, wanted, before)

    def _journalled(self, program: str, serial: str, wanted: _Wanted, before: Change) -> ChangeResult:
        intent = WriteIntent(
            str(uuid.uuid4()), serial, wanted.item, wanted.name, before.now, before.will_be, program
        )
        self._journal.intent(intent)
        with self._shielded():
            problem = self._send(wanted)
            after = self._judge(wanted)
        result = self._result(wanted, after, problem)
        self._journal.outcome(WriteOutcome(intent.id, result.state, result.is_now, result.detail))
        if result.state is OutcomeState.FAILED and wanted.clock is None and before.now is not None:
            return self._rolled_back(program, serial, wanted, before.now, result)
        return result

    def _result(self, wanted: _Wanted, after: Change, problem: str | None) -> ChangeResult:
        if after.state is ChangeState.SAME:
            return ChangeResult(wanted.id, OutcomeState.VERIFIED, after.now)
        if after.state is ChangeState.UNREADABLE:
            return ChangeResult(wanted.id, OutcomeState.INTENDED, None, problem or after.detail)
        detail = problem or "the meter took it, but reads back another value"
        return ChangeResult(wanted.id, OutcomeState.FAILED, after.now, detail)

    def _rolled_back(
        self, program: str, serial: str, wanted: _Wanted, was: str, failed: ChangeResult
    ) -> ChangeResult:
        """Write back what held before, with an intent of its own, where something else holds now."""
        if failed.is_now is None or same_value(failed.is_now, was):
            return failed
        back = _Wanted(wanted.id, wanted.item, wanted.name, wanted.danger, value=was)
        intent = WriteIntent(str(uuid.uuid4()), serial, wanted.item, wanted.name, failed.is_now, was, program)
        self._journal.intent(intent)
        with self._shielded():
            self._send(back)
            after = self._judge(back)
        held = after.state is ChangeState.SAME
        state = OutcomeState.VERIFIED if held else OutcomeState.FAILED
        self._journal.outcome(WriteOutcome(intent.id, state, after.now))
        if not held:
            return failed
        return ChangeResult(wanted.id, OutcomeState.ROLLED_BACK, after.now, failed.detail)

    def _send(self, wanted: _Wanted) -> str | None:
        """Why it did not work, or ``None``. After a cut what holds is read back by the caller: nothing is
        sent twice unasked. What stops the way in is not caught: a password whose verdict nobody heard is not
        sent again."""
        reach = self._jobs.reach
        link = reach.once(lambda programming: programming)
        try:
            self._write(link, wanted)
        except (MeterRefused, UnsupportedObject) as error:
            return error.result if isinstance(error, MeterRefused) else error.code
        except _LINE as error:
            reach.cut(error)
            return error.code
        return None

    def _write(self, link: ProgrammingLink, wanted: _Wanted) -> None:
        clock = self._jobs.reach.options.clock
        if wanted.clock is None:
            link.write(wanted.item, wanted.value)
        elif clock is not None:
            self._write_clock(link, clock)

    def _write_clock(self, link: ProgrammingLink, clock: IecClock) -> None:
        zone = timedelta(minutes=self._jobs.zone_minutes or 0)
        for address, form in clock.parts():
            local = datetime.now(UTC) - zone
            link.write(address, local.strftime(form))

    # ---- settle

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]:
        """What became of intents without outcome: read back."""
        self._jobs.reach.expect_old_session()
        serial = self._serial()
        if any(intent.meter != serial for intent in intents):
            raise OtherMeter(detail="an intent is of another meter")
        outcomes = [self._settle_one(intent) for intent in intents]
        for outcome in outcomes:
            self._journal.outcome(outcome)
        return outcomes

    def _settle_one(self, intent: WriteIntent) -> WriteOutcome:
        clock = self._jobs.reach.options.clock
        if clock is not None and intent.item == clock.parts()[0][0]:
            utc = self._meter_time()
            if utc is None:
                return WriteOutcome(intent.id, OutcomeState.INTENDED, None, "cannot be read back")
            held = abs((utc - datetime.now(UTC)).total_seconds()) <= _HELD_SECONDS
            return _outcome(intent, held, _text(utc))
        now = self._jobs.reach.run_certainly(lambda link: link.value(intent.item))
        if intent.was is not None and same_value(now, intent.was) and not same_value(now, intent.will_be):
            return WriteOutcome(intent.id, OutcomeState.UNTOUCHED, now, "the write never took effect")
        return _outcome(intent, same_value(now, intent.will_be), now)

    def relay(self, operation: str, confirmation: str) -> ChangeResult:
        """IEC 62056-21 knows no common way to move a supply relay."""
        raise UnsupportedObject(
            "The relay of this meter cannot be moved with this tool.",
            hint="Use the maker's program, or have the office do it.",
        )

    @contextmanager
    def _shielded(self) -> Iterator[None]:
        """Meanwhile a cancel waits: what was journalled is written and read back first."""
        line = self._jobs.reach.line
        if line is None:
            yield
            return
        line.shielded = True
        try:
            yield
        finally:
            line.shielded = False


def same_value(one: str, other: str) -> bool:
    """Equal text, or equal as decimals: ``0015`` is ``15``."""
    if one == other:
        return True
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _outcome(intent: WriteIntent, held: bool, now: str) -> WriteOutcome:
    return WriteOutcome(intent.id, OutcomeState.VERIFIED if held else OutcomeState.FAILED, now)


def _change(
    wanted: _Wanted,
    now: str | None,
    will_be: str,
    state: ChangeState,
    detail: str | None,
    danger: Danger | None = None,
) -> Change:
    return Change(wanted.id, wanted.item, wanted.name, now, will_be, state, danger or wanted.danger, detail)


def _text(utc: datetime) -> str:
    return utc.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
