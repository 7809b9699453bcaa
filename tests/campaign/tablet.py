"""The tablet of a simulated visit: what it keeps over its death, the session's program without a process, and
the steps of a visit as a crew's screen takes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drivers import errors
from drivers.changes import Plan, VerifyReport, WriteIntent, WriteOutcome
from drivers.connection import Connection, Mode
from drivers.dlms.view import TypeCache
from drivers.line import Line
from drivers.models import MeterModel, Protocols
from drivers.reading import Identity, JoinEvidence, ProfileResult, ReadResult
from drivers.session.ansi_apply import AnsiWriter
from drivers.session.ansi_jobs import AnsiJobs
from drivers.session.ansi_reach import AnsiReach
from drivers.session.apply import Writer
from drivers.session.iec_apply import IecWriter
from drivers.session.iec_jobs import IecJobs
from drivers.session.iec_reach import IecReach
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.reach import Questions, Reach
from fieldtool.commissioning import ReadingsDisagree, reading_values
from fieldtool.procedure.readings import same_readings
from tests.campaign.line import Field
from tests.drivers.field import PROGRAMS

PORT = "simulated"
Steps = Callable[["Session"], None]


@dataclass
class Durable:
    """What survives the tablet: the journal, the counters; and what the checks want to know of it."""

    secrets: dict[str, bytes]
    intents: list[WriteIntent] = field(default_factory=list)
    outcomes: dict[str, WriteOutcome] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    proven: int = 0
    """Associations that were accepted, as far as the tablet knows."""

    @property
    def open_intents(self) -> list[WriteIntent]:
        """Without outcome, or with one that says it is not known."""
        return [one for one in self.intents if not self.is_settled(one.id)]

    def is_settled(self, intent_id: str) -> bool:
        outcome = self.outcomes.get(intent_id)
        return outcome is not None and outcome.state.value != "intended"


class Host:
    """Answers a session's questions. ``dies_at``: the n-th durable act, at which the tablet dies; the act is
    kept where ``keeps``, lost else."""

    def __init__(self, durable: Durable, line: Field, *, dies_at: int = 0, keeps: bool = True) -> None:
        self.durable, self._line = durable, line
        self._dies_at, self._keeps = dies_at, keeps
        self._acts = 0

    @property
    def characters(self) -> int:
        return self._line.characters

    def _dies(self) -> bool:
        self._line.check_alive()
        self._acts += 1
        return self._acts == self._dies_at

    def intent(self, intent: WriteIntent) -> None:
        dies = self._dies()
        if not dies or self._keeps:
            self.durable.intents.append(intent)
        if dies:
            self._line.kill()

    def outcome(self, outcome: WriteOutcome) -> None:
        dies = self._dies()
        if not dies or self._keeps:
            self.durable.outcomes[outcome.intent_id] = outcome
        if dies:
            self._line.kill()

    def reserve(self, key: str, at_least: int, count: int) -> int:
        dies = self._dies()
        first = max(self.durable.counters.get(key, 1), at_least)
        if not dies or self._keeps:
            self.durable.counters[key] = first + count
        if dies:
            self._line.kill()
        return first

    def secret(self, name: str) -> bytes | None:
        self.durable.asked.append(name)
        return self.durable.secrets.get(name)

    def progress(self, step: str, done: int, total: int, octets_left: int | None = None) -> None:
        self._line.check_alive()
        self.durable.proven += step == "associate" and done == 1


class Session:
    """What the session program holds for one connection, in this process."""

    def __init__(
        self, line: Field, connection: Connection, host: Host, models: dict[str, MeterModel]
    ) -> None:
        questions = Questions(host.secret, host.reserve, host.progress)
        journal = Journal(host.intent, host.outcome)
        cancelled = threading.Event()
        self._reach: Reach | AnsiReach | IecReach
        self._jobs: Jobs | AnsiJobs | IecJobs
        self._writer: Writer | AnsiWriter | IecWriter
        if connection.mode is Mode.C12:
            ansi = AnsiReach(
                PORT, connection, questions, models, cancelled=cancelled, surroundings=line.surroundings
            )
            reader = AnsiJobs(ansi, host.progress)
            self._reach, self._jobs, self._writer = ansi, reader, AnsiWriter(reader, journal, PROGRAMS)
            return
        if connection.mode in (Mode.C, Mode.D):
            old = IecReach(
                PORT, connection, questions, models, cancelled=cancelled, surroundings=line.surroundings
            )
            prints = IecJobs(old, host.progress)
            self._reach, self._jobs, self._writer = old, prints, IecWriter(prints, journal, PROGRAMS)
            return
        known = {name: model for name, model in models.items() if model.protocol is Protocols.DLMS}
        dlms = Reach(PORT, connection, questions, known, cancelled=cancelled, surroundings=line.surroundings)
        jobs = Jobs(dlms, known, TypeCache(None), host.progress)
        self._reach, self._jobs, self._writer = dlms, jobs, Writer(jobs, journal, PROGRAMS)

    def identify(self) -> Identity:
        return self._jobs.identify()

    def read(self) -> ReadResult:
        return self._jobs.read(None)

    def read_items(self, items: list[str]) -> ReadResult:
        return self._jobs.read(items)

    @property
    def exchanges(self) -> int:
        return self._reach.exchanges

    @property
    def line(self) -> Line | None:
        return self._reach.line

    def view(self) -> None:
        """Have the association view of this type in the cache."""
        if isinstance(self._jobs, Jobs):
            self._jobs.association_view()

    def profile(self, start: datetime, end: datetime) -> ProfileResult:
        return self._jobs.profile(None, start.isoformat(), end.isoformat())

    def network(self) -> JoinEvidence:
        return self._jobs.network()

    def settle(self, intents: list[WriteIntent]) -> None:
        self._writer.settle(intents)

    def plan(self, program: str, values: dict[str, str]) -> Plan:
        return self._writer.plan(program, values)

    def apply_all(self, plan: Plan) -> bool:
        """The crew confirmed whatever is in it."""
        return self._writer.apply(plan, [change.id for change in plan.changes]).complete

    def verify(self, program: str, values: dict[str, str]) -> VerifyReport:
        return self._writer.verify(program, values)

    def close(self) -> None:
        self._jobs_remembered()
        self._reach.leave()

    def _jobs_remembered(self) -> None:
        self._jobs.remember_type()


@dataclass
class Taken:
    """What the crew's screen took for true."""

    serials: list[str | None] = field(default_factory=list)
    readings: list[ReadResult] = field(default_factory=list)
    profiles: list[ProfileResult] = field(default_factory=list)
    holds: bool = False
    program_began: int = 0
    """Characters that had crossed the line when the program's plan was asked for first."""
    program_ended: int = 0


class ProgramDoesNotHold(errors.DriverError):
    """Applied, and yet it is not what the meter holds: the crew sees the list and decides."""

    code = "program-differs"


class OtherSerial(errors.DriverError):
    """The meter gave another serial than the order has: the crew looks which of both is wrong."""

    code = "other-serial"


@dataclass(frozen=True)
class Work:
    """What is to be done at a meter."""

    connection: Connection
    serial: str
    program: str | None
    values: dict[str, str]
    models: dict[str, MeterModel]
    has_profile: bool
    at: datetime


def do(work: Work, line: Field, host: Host, taken: Taken) -> None:
    """One visit, from who is there to the last reading. Raises what the crew would see."""
    if work.connection.mode not in (Mode.C12, Mode.C, Mode.D):
        public = Connection(mode=work.connection.mode, server=work.connection.server)
        _with(work, line, host, public, lambda session: _identify(work, session, taken))
    _with(work, line, host, work.connection, lambda session: _all_steps(work, session, host, taken))
    taken.holds = True


def settle(work: Work, line: Field, host: Host) -> None:
    """What a later visit does first: find out what became of open writes."""
    _with(work, line, host, work.connection, lambda session: session.settle(host.durable.open_intents))


def _with(work: Work, line: Field, host: Host, connection: Connection, steps: Steps) -> None:
    session = Session(line, connection, host, work.models)
    try:
        steps(session)
    finally:
        session.close()


def _identify(work: Work, session: Session, taken: Taken) -> None:
    serial = session.identify().serial
    if serial != work.serial:
        raise OtherSerial(detail=f"{serial} instead of {work.serial}")
    taken.serials.append(serial)


def _all_steps(work: Work, session: Session, host: Host, taken: Taken) -> None:
    _identify(work, session, taken)
    _settle(session, host)
    _read_twice(session, taken)
    if work.has_profile:
        start = work.at.replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
        taken.profiles.append(session.profile(start + timedelta(minutes=15), start + timedelta(days=1)))
    if work.program is None:
        return
    taken.program_began = taken.program_began or host.characters
    plan = session.plan(work.program, work.values)
    session.apply_all(plan)
    taken.program_ended = host.characters
    if not session.verify(work.program, work.values).holds:
        raise ProgramDoesNotHold
    _read_twice(session, taken)


def _settle(session: Session, host: Host) -> None:
    session.identify()
    intents = host.durable.open_intents
    if intents:
        session.settle(intents)


def _read_twice(session: Session, taken: Taken) -> None:
    first, second = session.read(), session.read()
    if same_readings(reading_values(first.readings), reading_values(second.readings)):
        raise ReadingsDisagree
    taken.readings.append(second)
