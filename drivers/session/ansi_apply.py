"""Writing to an ANSI meter: its clock, by procedure 10. Journalled first, read back after.

Everything else of a program (capture periods, calendars, limiters, relays) is told as unsupported: C12.19
leaves it to manufacturer tables.
"""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

from drivers.ansi import procedure
from drivers.ansi.clock import encode_ltime
from drivers.ansi.meter import Tables
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
from drivers.errors import Garbage, LinkLost, MeterRefused, OtherMeter, PortVanished, UnsupportedObject
from drivers.programs import ClockSetting, find_program
from drivers.session.ansi_jobs import CLOCK, AnsiJobs
from drivers.session.journal import Journal
from drivers.session.unsupported import unsupported

_ID = "clock"
_HELD_SECONDS = 60
_LINE = (LinkLost, PortVanished, Garbage)


class AnsiWriter:
    """The writing jobs on one ANSI meter."""

    def __init__(self, jobs: AnsiJobs, journal: Journal, programs: Path | None) -> None:
        self._jobs = jobs
        self._journal = journal
        self._programs = programs

    # ---- plan and verify

    def plan(self, program: str, values: dict[str, str]) -> Plan:
        """What differs from the program; reads only. Raises ``WrongValue`` for a program of another model."""
        found = find_program(program, self._programs)
        serial = self._serial()
        found.check_is_for(self._jobs.model.name if self._jobs.model else None)
        self._jobs.progress("plan", 0, 1)
        changes = [self._judge(found.clock)] if found.clock else []
        changes += unsupported(found, values, found.settings, "not on ANSI meters")
        self._jobs.progress("plan", 1, 1)
        model = self._jobs.model
        return Plan(program, values, serial, model.name if model else None, changes)

    def verify(self, program: str, values: dict[str, str]) -> VerifyReport:
        plan = self.plan(program, values)
        holds = all(change.state is ChangeState.SAME for change in plan.changes)
        return VerifyReport(program, plan.meter, plan.changes, holds)

    def _serial(self) -> str:
        serial = self._jobs.identify().serial
        if not serial:
            raise OtherMeter("The meter does not tell who it is: it cannot be configured safely.")
        return serial

    def _judge(self, setting: ClockSetting) -> Change:
        now = datetime.now(UTC)
        utc = self._jobs.reach.run(self._meter_time)
        if utc is None:
            detail = "the meter's clock is not set, or its time zone is not known"
            return _change(None, now, ChangeState.UNREADABLE, Danger.CLOCK_JUMP, detail)
        drift = round((utc - now).total_seconds())
        same = abs(drift) <= setting.tolerance_seconds
        jump = abs(drift) > setting.jump_limit_seconds
        state = ChangeState.SAME if same else ChangeState.DIFFERS
        danger = Danger.CLOCK_JUMP if jump and not same else Danger.HARMLESS
        return _change(utc, now, state, danger, f"{drift:+d} s")

    def _meter_time(self, tables: Tables) -> datetime | None:
        """The meter's clock in UTC, ``None`` where that cannot be told."""
        clock = tables.clock()
        model = self._jobs.model
        zone = tables.zone(clock, model.time_zone_minutes if model else None)
        utc = zone.to_utc(clock.time) if clock.time else None
        return utc.replace(tzinfo=UTC) if utc else None

    # ---- apply

    def apply(self, plan: Plan, allow: list[str]) -> ApplyReport:
        """Set the clock if the plan says so and it still differs."""
        program = find_program(plan.program, self._programs)
        serial = self._serial()
        if serial != plan.meter:
            raise OtherMeter(detail="serial of the plan and of the meter differ")
        results = []
        todo = [change for change in plan.changes if change.state is ChangeState.DIFFERS]
        for done, change in enumerate(todo):
            self._jobs.progress("apply", done, len(todo))
            if change.id != _ID or program.clock is None:
                results.append(ChangeResult(change.id, OutcomeState.UNTOUCHED, None, "not in the program"))
            else:
                results.append(self._apply_clock(plan.program, serial, program.clock, set(allow)))
        self._jobs.progress("apply", len(todo), len(todo))
        complete = all(result.state is OutcomeState.VERIFIED for result in results) and all(
            change.state in (ChangeState.SAME, ChangeState.DIFFERS) for change in plan.changes
        )
        return ApplyReport(plan.program, serial, results, complete)

    def _apply_clock(self, program: str, serial: str, setting: ClockSetting, allow: set[str]) -> ChangeResult:
        before = self._judge(setting)
        if before.state is ChangeState.SAME:
            return ChangeResult(_ID, OutcomeState.VERIFIED, before.now, "held already")
        if before.state is not ChangeState.DIFFERS:
            return ChangeResult(_ID, OutcomeState.UNTOUCHED, before.now, before.detail)
        if before.danger is not Danger.HARMLESS and _ID not in allow:
            return ChangeResult(_ID, OutcomeState.UNTOUCHED, before.now, "needs confirmation")
        intent = WriteIntent(
            str(uuid.uuid4()), serial, str(CLOCK), "clock", before.now, before.will_be, program
        )
        self._journal.intent(intent)
        with self._shielded():
            result = self._carry_out(setting)
        self._journal.outcome(WriteOutcome(intent.id, result.state, result.is_now, result.detail))
        return result

    def _carry_out(self, setting: ClockSetting) -> ChangeResult:
        problem = self._send()
        after = self._judge(setting)
        if after.state is ChangeState.SAME:
            return ChangeResult(_ID, OutcomeState.VERIFIED, after.now)
        detail = problem or "the meter took it, but reads back another value"
        return ChangeResult(_ID, OutcomeState.FAILED, after.now, detail)

    def _send(self) -> str | None:
        """Why it did not work, or ``None``. After a cut it is sent once more: setting the right time twice
        says the same. What stops the logon is not caught: a password whose verdict nobody heard is not
        sent again."""
        reach = self._jobs.reach
        for last in (False, True):
            tables = reach.run(lambda logged_on: logged_on)
            try:
                _set_clock(tables, self._jobs)
            except UnsupportedObject as error:
                return error.detail or error.code
            except MeterRefused as error:
                return error.result
            except _LINE as error:
                if last:
                    return error.code
                reach.cut(error)
            else:
                return None
        return None

    def _shielded(self) -> _Shield:
        return _Shield(self._jobs)

    # ---- what is not here

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]:
        """What became of intents without outcome: the clock is right now, or it is not."""
        serial = self._serial()
        if any(intent.meter != serial for intent in intents):
            raise OtherMeter(detail="an intent is of another meter")
        outcomes = [self._settle_one(intent) for intent in intents]
        for outcome in outcomes:
            self._journal.outcome(outcome)
        return outcomes

    def _settle_one(self, intent: WriteIntent) -> WriteOutcome:
        if intent.item != str(CLOCK):
            return WriteOutcome(intent.id, OutcomeState.INTENDED, None, "cannot be read back")
        utc = self._jobs.reach.run(self._meter_time)
        if utc is None:
            return WriteOutcome(intent.id, OutcomeState.INTENDED, None, "cannot be read back")
        held = abs((utc - datetime.now(UTC)).total_seconds()) <= _HELD_SECONDS
        return WriteOutcome(intent.id, OutcomeState.VERIFIED if held else OutcomeState.FAILED, _text(utc))

    def relay(self, operation: str, confirmation: str) -> ChangeResult:
        """No standard table or procedure moves a supply relay in the same way on every make."""
        raise UnsupportedObject(
            "The relay of an ANSI meter cannot be moved with this tool.",
            hint="Use the maker's program, or have the office do it.",
        )


class _Shield:
    """While open, a cancel waits: what was journalled is written and read back first."""

    def __init__(self, jobs: AnsiJobs) -> None:
        self._jobs = jobs

    def __enter__(self) -> None:
        self._set(True)

    def __exit__(self, *_: object) -> None:
        self._set(False)

    def _set(self, shielded: bool) -> None:
        if self._jobs.reach.line is not None:
            self._jobs.reach.line.shielded = shielded


def _set_clock(tables: Tables, jobs: AnsiJobs) -> None:
    clock = tables.clock()
    zone = tables.zone(clock, jobs.model.time_zone_minutes if jobs.model else None)
    local = zone.to_local(datetime.now(UTC).replace(tzinfo=None, microsecond=0))
    weekday = (local.weekday() + 1) % 7
    qualifier = clock.qualifier & ~0x07 | weekday
    mask = bytes([procedure.SET_TIME | procedure.SET_DATE])
    parameters = mask + encode_ltime(local, tables.formats) + bytes([qualifier])
    tables.run_procedure(procedure.SET_DATE_TIME, parameters, os.urandom(1)[0])


def _change(
    utc: datetime | None, wanted: datetime, state: ChangeState, danger: Danger, detail: str
) -> Change:
    now = _text(utc) if utc else None
    return Change(_ID, str(CLOCK), "clock", now, _text(wanted), state, danger, detail)


def _text(utc: datetime) -> str:
    return utc.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
