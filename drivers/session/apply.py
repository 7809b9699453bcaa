"""Plan, apply, verify, settle, relay: every write is journalled first, read back after, rolled back where
possible."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from drivers.dlms.apdu import Result, ServiceException
from drivers.dlms.attributes import value_text
from drivers.dlms.calendar import Tables
from drivers.dlms.client import DlmsClient
from drivers.dlms.configuration import state_text
from drivers.dlms.cosem import Item, parse_date_time, parse_item
from drivers.dlms.data import Data, decode, encode, integer, structure
from drivers.dlms.program_settings import settings_of
from drivers.dlms.settings import Finding, Limiter, Setting, Write, same_data
from drivers.errors import (
    DriverError,
    Garbage,
    LinkLost,
    MeterRefused,
    NeedsConfirmation,
    OtherMeter,
    PortVanished,
    WrongValue,
)
from drivers.programs import LimiterSetting, Program, find_program
from drivers.session.image import ImageJobs, is_image_intent
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.secrets import SecretJobs

_ORDER = list(Danger)
_ZONE_IDS = ("time_zone", "daylight_saving")
_STAGES = 3
_RELAY = "70:0.0.96.3.10.255:2"
_RELAY_METHODS = {"disconnect": 1, "reconnect": 2}
_CONTROL_STATES = {0: "disconnected", 1: "connected", 2: "ready for reconnection"}
_CLOCK_TOLERANCE = timedelta(seconds=60)


@dataclass(frozen=True)
class Prepared:
    """A program made ready for the meter at the port."""

    meter: str
    program: Program
    settings: list[Setting]


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
        self._images = images or ImageJobs(jobs, journal)
        self._secrets = secrets or SecretJobs(jobs, journal)

    # ---- plan and verify

    def plan(self, program: str, values: dict[str, str]) -> Plan:
        """What differs from the program; reads only."""
        found = self._prepare(program, values)
        known = self._read(found.settings)
        now = self._now()
        changes = [_change(setting, setting.judge(known, now)) for setting in found.settings]
        changes = _clock_after_zone(changes)
        secrets = [self._secrets.change(secret) for secret in found.program.secrets]
        model = self._jobs.model
        ordered = [*_by_danger(changes), *secrets]
        return Plan(
            program,
            values,
            found.meter,
            model.name if model else None,
            ordered,
            found.program.sources(values),
        )

    def verify(self, program: str, values: dict[str, str]) -> VerifyReport:
        plan = self.plan(program, values)
        holds = all(change.state is ChangeState.SAME for change in plan.changes)
        return VerifyReport(program, plan.meter, plan.changes, holds)

    def _prepare(self, program: str, values: dict[str, str]) -> Prepared:
        found = find_program(program, self._programs)
        self._jobs.identify()
        return Prepared(self._meter_name(), found, settings_of(found, values, self._jobs.model))

    def _meter_name(self) -> str:
        """The serial, or the logical device name of a meter that tells no serial: unique as well."""
        identity = self._jobs.identify()
        name = identity.serial or identity.logical_device_name
        if not name:
            raise OtherMeter("The meter does not tell who it is: it cannot be configured safely.")
        return name

    def _read(self, settings: list[Setting], step: str = "plan") -> dict[Item, Result]:
        """Everything the settings need, all of one stage in one request."""
        known: dict[Item, Result] = {}
        for _ in range(_STAGES):
            wanted = [item for setting in settings for item in setting.reads(known)]
            if not wanted:
                break
            known.update(self._jobs.fetch(wanted, step))
        return known

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC)

    # ---- apply

    def apply(self, plan: Plan, allow: list[str]) -> ApplyReport:
        """Write what the plan names and still differs. A change that is dangerous and not allowed stays
        untouched."""
        found = self._prepare(plan.program, plan.values)
        if found.meter != plan.meter:
            raise OtherMeter(detail="serial of the plan and of the meter differ")
        results: list[ChangeResult] = []
        todo = [change for change in plan.changes if change.state is ChangeState.DIFFERS]
        for done, change in enumerate(todo):
            self._jobs.progress("apply", done, len(todo))
            results.append(self._apply_change(plan.program, found, change.id, set(allow), results))
        self._jobs.progress("apply", len(todo), len(todo))
        complete = all(result.state is OutcomeState.VERIFIED for result in results) and all(
            change.state in (ChangeState.SAME, ChangeState.DIFFERS) for change in plan.changes
        )
        return ApplyReport(plan.program, found.meter, results, complete)

    def _apply_change(
        self, program: str, found: Prepared, change: str, allow: set[str], before: list[ChangeResult]
    ) -> ChangeResult:
        setting = next((setting for setting in found.settings if setting.id == change), None)
        if setting is not None:
            return self._apply_one(program, found.meter, setting, allow)
        secret = next((secret for secret in found.program.secrets if secret.id == change), None)
        if secret is None:
            return ChangeResult(change, OutcomeState.UNTOUCHED, None, "not in the program")
        if change not in allow:
            return ChangeResult(change, OutcomeState.UNTOUCHED, None, "needs confirmation")
        secrets = {secret.id for secret in found.program.secrets}
        if any(one.id in secrets and one.state is not OutcomeState.VERIFIED for one in before):
            return ChangeResult(change, OutcomeState.UNTOUCHED, None, "a change before it is not settled")
        return self._secrets.apply(program, found.meter, secret)

    def _apply_one(self, program: str, serial: str, setting: Setting, allow: set[str]) -> ChangeResult:
        known = self._read([setting], "apply")
        finding = setting.judge(known, self._now())
        if finding.state is ChangeState.SAME:
            return ChangeResult(setting.id, OutcomeState.VERIFIED, finding.now, "held already")
        if finding.state is not ChangeState.DIFFERS or finding.wanted is None:
            return ChangeResult(setting.id, OutcomeState.UNTOUCHED, finding.now, finding.detail)
        if finding.danger is not Danger.HARMLESS and setting.id not in allow:
            return ChangeResult(setting.id, OutcomeState.UNTOUCHED, finding.now, "needs confirmation")
        writes = setting.writes(finding.wanted, self._now(), known)
        if not writes:
            return ChangeResult(setting.id, OutcomeState.UNTOUCHED, finding.now, "not possible from here")
        intent = self._intend(program, serial, setting, finding)
        with self._jobs.shielded():
            result = self._carry_out(program, serial, setting, finding, known)
        self._journal.outcome(WriteOutcome(intent.id, result.state, result.is_now, result.detail))
        return result

    def _carry_out(
        self, program: str, serial: str, setting: Setting, finding: Finding, known: dict[Item, Result]
    ) -> ChangeResult:
        problem = self._write(lambda: setting.writes(_wanted(finding), self._now(), known))
        result = self._judge_again(setting, problem)
        if result.state is OutcomeState.FAILED and finding.now_data is not None:
            result = self._roll_back(program, serial, setting, finding, result)
        return result

    def _intend(self, program: str, serial: str, setting: Setting, finding: Finding) -> WriteIntent:
        """Journalled and durable before this returns; only then may anything be sent."""
        intent = WriteIntent(
            str(uuid.uuid4()),
            serial,
            str(setting.item),
            setting.name,
            finding.now,
            finding.will_be,
            program,
            encode(finding.now_data).hex() if finding.now_data is not None else None,
            encode(finding.wanted).hex() if finding.wanted is not None else None,
        )
        self._journal.intent(intent)
        return intent

    def _write(self, make: Callable[[], list[Write]]) -> str | None:
        """Send the writes; why it did not work, or ``None``. After a cut they are sent once more: they say
        the same."""
        for last in (False, True):
            try:
                client = self._jobs.reach.run(lambda associated: associated)
                for write in make():
                    _send(client, write)
            except MeterRefused as error:
                return error.result
            except ServiceException as error:
                return error.error
            except (LinkLost, PortVanished, Garbage) as error:
                if last:
                    return error.code
                self._jobs.reach.cut(error)
            else:
                return None
        return None

    def _judge_again(self, setting: Setting, problem: str | None) -> ChangeResult:
        """What holds now, whatever the write said."""
        finding = setting.judge(self._read([setting], "apply"), self._now())
        if finding.state is ChangeState.SAME:
            return ChangeResult(setting.id, OutcomeState.VERIFIED, finding.now)
        detail = problem or "the meter took it, but reads back another value"
        return ChangeResult(setting.id, OutcomeState.FAILED, finding.now, detail)

    def _roll_back(
        self, program: str, serial: str, setting: Setting, finding: Finding, failed: ChangeResult
    ) -> ChangeResult:
        """Bring the old state back if the failed write left another one and the class allows it."""
        old = finding.now_data
        assert old is not None
        known = self._read([setting], "apply")
        present = setting.judge(known, self._now())
        if same_data(present.now_data, old) or not setting.writes(old, self._now(), known):
            return failed
        back = Finding(
            ChangeState.DIFFERS, present.now, finding.now or "", now_data=present.now_data, wanted=old
        )
        intent = self._intend(f"{program} (roll back)", serial, setting, back)
        self._write(lambda: setting.writes(old, self._now(), known))
        after = setting.judge(self._read([setting], "apply"), self._now())
        restored = same_data(after.now_data, old)
        state = OutcomeState.VERIFIED if restored else OutcomeState.FAILED
        self._journal.outcome(WriteOutcome(intent.id, state, after.now))
        if restored:
            return ChangeResult(setting.id, OutcomeState.ROLLED_BACK, after.now, failed.detail)
        return ChangeResult(setting.id, OutcomeState.FAILED, after.now, f"{failed.detail}; not rolled back")

    # ---- settle

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]:
        """What became of intents without outcome, found by reading back."""
        serial = self._meter_name()
        if any(intent.meter != serial for intent in intents):
            raise OtherMeter(detail="an intent is of another meter")
        outcomes = []
        for intent in intents:
            outcome = self._settle_one(intent)
            self._journal.outcome(outcome)
            outcomes.append(outcome)
        return outcomes

    def _settle_one(self, intent: WriteIntent) -> WriteOutcome:
        if is_image_intent(intent):
            return self._images.settle(intent)
        if intent.secret is not None:
            return self._secrets.settle(intent)
        item = parse_item(intent.item)
        present = self._snapshot(item)
        if present is None:
            return WriteOutcome(intent.id, OutcomeState.INTENDED, None, "cannot be read back")
        text = _state_text(item, present)
        if item.class_id == 8:
            held = _clock_is_right(present, self._jobs.reversed_sign)
            return WriteOutcome(intent.id, OutcomeState.VERIFIED if held else OutcomeState.FAILED, text)
        if self._is(item, present, intent.will_be_data, intent.will_be):
            return WriteOutcome(intent.id, OutcomeState.VERIFIED, text)
        if self._is(item, present, intent.was_data, intent.was):
            return WriteOutcome(intent.id, OutcomeState.UNTOUCHED, text, "the write never took effect")
        return WriteOutcome(intent.id, OutcomeState.FAILED, text, "neither the old nor the new value")

    def _is(self, item: Item, present: Data, data: str | None, text: str | None) -> bool:
        """Whether the meter holds a state: by its data where the journal kept it, else by the text shown
        then."""
        if data is not None:
            return same_data(present, decode(bytes.fromhex(data)))
        if text is None:
            return False
        value, _, unit = text.partition(" ")
        if item.class_id == 71 and unit:
            limiter = Limiter(LimiterSetting(value, unit, str(item)), value)
            return limiter.judge(self._read([limiter], "apply"), self._now()).state is ChangeState.SAME
        return text in (_state_text(item, present), state_text(item, present))

    def _snapshot(self, item: Item) -> Data | None:
        """The state of an item as settings define it: class 20 as the structure of its four tables."""
        items = [item.of(item.attribute + n) for n in range(4)] if item.class_id == 20 else [item]
        results = self._jobs.fetch(items, "apply")
        parts = [results[one].data for one in items]
        present = [part for part in parts if part is not None]
        if len(present) != len(parts):
            return None
        return structure(*present) if item.class_id == 20 else present[0]

    # ---- relay

    def relay(self, operation: str, confirmation: str) -> ChangeResult:
        """Open or close the supply relay. Only with the serial number as confirmation; never by itself."""
        method = _RELAY_METHODS.get(operation)
        if method is None:
            raise WrongValue(f"{operation!r}: use disconnect or reconnect")
        serial = self._meter_name()
        if confirmation != serial:
            raise NeedsConfirmation
        model = self._jobs.model
        item = parse_item((model.relay if model else None) or _RELAY)
        control = item.of(3)
        before = self._jobs.need(control).data
        assert before is not None
        wanted = Data(before.tag, 0 if operation == "disconnect" else 1)
        intent = WriteIntent(
            str(uuid.uuid4()),
            serial,
            str(control),
            f"relay {operation}",
            _state_text(control, before),
            _state_text(control, wanted),
            "relay",
            encode(before).hex(),
            encode(wanted).hex(),
        )
        self._journal.intent(intent)
        with self._jobs.shielded():
            problem = self._write(lambda: [Write(item.of(method), integer(0), method=True)])
            result = self._relay_result(operation, control, problem)
        self._journal.outcome(WriteOutcome(intent.id, result.state, result.is_now, result.detail))
        return result

    def _relay_result(self, operation: str, control: Item, problem: str | None) -> ChangeResult:
        """The armature takes a moment: asked again a few times before it counts as failed."""
        wanted = (0,) if operation == "disconnect" else (1, 2)
        text = ""
        for attempt in range(4):
            data = self._jobs.need(control).data
            assert data is not None
            text = _state_text(control, data)
            if data.value in wanted:
                waits = "waits for the button on the meter" if data.value == 2 else None
                return ChangeResult(f"relay.{operation}", OutcomeState.VERIFIED, text, waits)
            if problem or attempt == 3:
                break
            self._jobs.pause(0.5)
        return ChangeResult(f"relay.{operation}", OutcomeState.FAILED, text, problem)


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


def _wanted(finding: Finding) -> Data:
    if finding.wanted is None:
        raise DriverError(detail="nothing to write")
    return finding.wanted


def _send(client: DlmsClient, write: Write) -> None:
    if write.method:
        client.action(write.item, write.data)
    else:
        client.set(write.item, write.data)


def _state_text(item: Item, data: Data) -> str:
    if item.class_id == 20 and isinstance(data.value, tuple) and len(data.items) == 4:
        return Tables(*data.items).text()
    if item.class_id == 70 and item.attribute == 3 and isinstance(data.value, int):
        return _CONTROL_STATES.get(int(data.value), str(data.value))
    return value_text(item, data) or ""


def _clock_is_right(data: Data, reversed_sign: bool) -> bool:
    moment = parse_date_time(data.octets)
    utc = moment.utc(reversed_sign=reversed_sign) if moment else None
    return utc is not None and abs(utc - datetime.now(UTC)) <= _CLOCK_TOLERANCE
