"""The session program: ``python -m drivers session --models DIR``. Messages on the standard streams,
nothing else.

The main thread does the jobs; a second one reads standard input, so that a cancel is heard while a job
runs. When the application dies, standard input ends: the meter is left well and the program ends too.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from drivers import errors
from drivers.changes import (
    ImageReport,
    WriteIntent,
    WriteOutcome,
)
from drivers.connection import Connection, Mode, NextSecret
from drivers.dlms.image import Image, image_of
from drivers.dlms.view import TypeCache
from drivers.model_view import ModelView
from drivers.models import MeterModel, Protocols, load_models
from drivers.reading import (
    EventsResult,
    ObjectsResult,
)
from drivers.session import messages as m
from drivers.session.access import ReadoutOnly
from drivers.session.ansi_apply import AnsiWriter
from drivers.session.ansi_jobs import AnsiJobs
from drivers.session.ansi_reach import AnsiReach
from drivers.session.apply import Writer
from drivers.session.conversation import Conversation, private_streams
from drivers.session.events import read_events
from drivers.session.iec_apply import IecWriter
from drivers.session.iec_jobs import IecJobs
from drivers.session.iec_reach import IecReach
from drivers.session.image import ImageJobs
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.objects import read_objects
from drivers.session.pace import Pace
from drivers.session.reach import Questions, Reach
from drivers.session.roles import MeterJobs, MeterReach, MeterWriter
from drivers.session.secrets import SecretJobs
from drivers.trace.record import TraceWriter

ReadEvents = Callable[[str | None, str | None, str | None], EventsResult]


def _not_opened(item: str | None, start: str | None, end: str | None) -> EventsResult:
    raise errors.WrongValue("The session was not opened.")


@dataclass(frozen=True)
class _Way:
    """What every way of reaching a meter is given."""

    port: str
    connection: Connection
    questions: Questions
    cancelled: threading.Event
    recorder: TraceWriter | None

    @property
    def where(self) -> tuple[str, Connection, Questions]:
        return self.port, self.connection, self.questions


class Session:
    """Does the jobs of one application on one meter."""

    def __init__(self, talk: Conversation, models: dict[str, MeterModel]) -> None:
        self._talk = talk
        self._models = models
        self._reach: MeterReach | None = None
        self._jobs: MeterJobs | None = None
        self._writer: MeterWriter | None = None
        self._events: ReadEvents = _not_opened
        self._images: ImageJobs | None = None
        self._become_readout: Callable[[], None] | None = None
        self._pace = Pace()
        self._trace: TraceWriter | None = None

    def run(self) -> int:
        """Until close, or until the application is gone."""
        while True:
            request = self._talk.next_request()
            if request is None:
                self._leave()
                return 1
            self._talk.say(self._answer(request))
            if isinstance(request, m.Close):
                return 0

    def _answer(self, request: m.ToSession) -> m.Message:
        number = int(getattr(request, "id", 0))
        try:
            try:
                return self._do(request, number)
            except ReadoutOnly:
                if self._become_readout is None:
                    raise
                self._become_readout()
                return self._do(request, number)
        except errors.DriverError as error:
            if self._trace is not None:
                self._trace.note(error.code, error.message)
            if isinstance(error, errors.Cancelled):
                self._forget_job()
            return m.Failure(number, error.code, error.message, error.hint, error.detail, error.fields())
        except Exception as error:  # whatever it is, the application must get an answer
            place = traceback.extract_tb(error.__traceback__)[-1]
            detail = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            base = errors.DriverError
            return m.Failure(number, base.code, base.message, base.hint, detail)

    def _forget_job(self) -> None:
        self._talk.cancelled.clear()
        if self._reach is not None:
            self._reach.cut(errors.Cancelled())

    def _do(self, request: m.ToSession, number: int) -> m.Result:  # one arm for each job
        if isinstance(request, m.Open):
            self._open(request)
            return m.Result(number)
        if isinstance(request, m.Close):
            self._leave()
            return m.Result(number)
        jobs, writer = self._jobs, self._writer
        if jobs is None or writer is None:
            raise errors.WrongValue("The session was not opened.")
        match request:
            case m.Identify():
                return m.Result(number, identity=jobs.identify())
            case m.Read(items=items):
                return m.Result(number, read=jobs.read(items))
            case m.Profile(item=item, start=start, end=end):
                return m.Result(number, profile=jobs.profile(item, start, end))
            case m.Events(item=item, start=start, end=end):
                return m.Result(number, events=self._events(item, start, end))
            case m.Network():
                return m.Result(number, network=jobs.network())
            case m.Objects(name=name):
                return m.Result(number, objects=self._objects(name))
            case m.MakePlan(program=program, values=values):
                return m.Result(number, plan=writer.plan(program, values))
            case m.Apply(plan=plan, allow=allow):
                return m.Result(number, applied=writer.apply(plan, allow))
            case m.Verify(program=program, values=values):
                return m.Result(number, verified=writer.verify(program, values))
            case m.Settle(intents=intents):
                return m.Result(number, settled=writer.settle(intents))
            case m.Relay(operation=operation, confirmation=confirmation):
                return m.Result(number, relay=writer.relay(operation, confirmation))
            case m.ReadView():
                return m.Result(number, view=self._view(jobs))
            case m.SendImage() | m.ActivateImage():
                return m.Result(number, image=self._image(request))
        raise errors.WrongValue(f"unexpected request {type(request).__name__}")

    def _open(self, request: m.Open) -> None:
        if self._reach is not None:
            raise errors.WrongValue("The session is open already.")
        questions = Questions(self._secret, self._reserve, self._progress, self._next_secret)
        recorder = self._trace = _trace_of(request)
        programs = Path(request.programs) if request.programs else None
        journal = Journal(self._intent, self._outcome)
        cancelled = self._talk.cancelled
        way = _Way(request.port, request.connection, questions, cancelled, recorder)
        protocol = self._protocol(request.connection)
        if protocol is Protocols.ANSI:
            self._open_ansi(way, journal, programs)
        elif protocol is Protocols.IEC:
            reach = IecReach(*way.where, self._not_ansi(), cancelled=cancelled, recorder=recorder)
            self._use_iec(reach, journal, programs)
        else:
            self._open_dlms(way, journal, programs, TypeCache(Path(request.cache) if request.cache else None))

    def _open_ansi(self, way: _Way, journal: Journal, programs: Path | None) -> None:
        reach = AnsiReach(*way.where, self._models, cancelled=way.cancelled, recorder=way.recorder)
        jobs = AnsiJobs(reach, self._progress)
        self._reach, self._jobs, self._writer = reach, jobs, AnsiWriter(jobs, journal, programs)
        self._events = jobs.events

    def _open_dlms(self, way: _Way, journal: Journal, programs: Path | None, cache: TypeCache) -> None:
        models = {name: model for name, model in self._models.items() if model.protocol is Protocols.DLMS}
        dlms = Reach(*way.where, models, cancelled=way.cancelled, recorder=way.recorder)
        reader = Jobs(dlms, models, cache, self._progress)
        self._images = ImageJobs(reader, journal)
        writer = Writer(reader, journal, programs, self._images, SecretJobs(reader, journal))
        self._reach, self._jobs, self._writer = dlms, reader, writer
        self._events = partial(read_events, reader)
        self._become_readout = partial(self._go_on_without_dlms, dlms, way, journal, programs)

    def _objects(self, name: str | None) -> ObjectsResult:
        if not isinstance(self._jobs, Jobs):
            raise errors.UnsupportedObject(detail="objects are those of DLMS/COSEM")
        return read_objects(self._jobs, name)

    @staticmethod
    def _view(jobs: MeterJobs) -> ModelView:
        if not isinstance(jobs, Jobs):
            raise errors.UnsupportedObject(detail="an association view is of DLMS/COSEM")
        return jobs.model_view()

    def _image(self, request: m.SendImage | m.ActivateImage) -> ImageReport:
        if self._images is None:
            raise errors.UnsupportedObject(detail="image transfer is a class of DLMS/COSEM")
        image = _image_from(request.file, request.identifier)
        if isinstance(request, m.ActivateImage):
            return self._images.activate(image, request.confirmation)
        return self._images.transfer(image, request.last)

    def _go_on_without_dlms(self, dlms: Reach, way: _Way, journal: Journal, programs: Path | None) -> None:
        """The sign-on found a meter that has only its readout: what was read of it is kept."""
        self._become_readout = self._images = None
        found, data_sets, exchanges = dlms.identification, dlms.data_sets, dlms.exchanges
        reach = IecReach(
            *way.where,
            self._not_ansi(),
            cancelled=way.cancelled,
            recorder=way.recorder,
            line=dlms.hand_over(),
        )
        assert found is not None  # it comes with ReadoutOnly
        reach.take_over(found, data_sets, exchanges)
        self._use_iec(reach, journal, programs)

    def _use_iec(self, reach: IecReach, journal: Journal, programs: Path | None) -> None:
        jobs = IecJobs(reach, self._progress)
        self._reach, self._jobs, self._writer = reach, jobs, IecWriter(jobs, journal, programs)
        self._events = jobs.events

    def _not_ansi(self) -> dict[str, MeterModel]:
        return {name: model for name, model in self._models.items() if model.protocol is not Protocols.ANSI}

    def _protocol(self, connection: Connection) -> Protocols:
        """By the mode, or by the model that the order names where the mode is left open."""
        if connection.mode is Mode.C12:
            return Protocols.ANSI
        if connection.mode in (Mode.C, Mode.D):
            return Protocols.IEC
        model = self._models.get(connection.model or "")
        named = connection.mode is Mode.AUTO and model is not None
        return model.protocol if named and model is not None else Protocols.DLMS

    def _leave(self) -> None:
        if self._reach is None:
            return
        if self._jobs is not None:
            self._jobs.remember_type()
        self._talk.cancelled.clear()
        self._reach.leave()

    # ---- questions to the application

    def _secret(self, name: str) -> bytes | None:
        value = self._talk.ask(lambda ask: m.AskSecret(ask, name), m.AnswerSecret).value
        if value is not None and self._trace is not None:
            self._trace.protect(value)
        return value

    def _next_secret(self, name: str, make: int | None) -> NextSecret:
        following = self._talk.ask(lambda ask: m.AskNextSecret(ask, name, make), m.AnswerNextSecret).next
        if following.value is not None and self._trace is not None:
            self._trace.protect(following.value)
        return following

    def _reserve(self, key: str, at_least: int, count: int) -> int:
        return self._talk.ask(lambda ask: m.AskCounter(ask, key, at_least, count), m.AnswerCounter).first

    def _progress(self, step: str, done: int, total: int, octets_left: int | None = None) -> None:
        """With the time left, by what is still to cross the line."""
        line = self._reach.line if self._reach is not None else None
        left = self._pace.seconds_left(line, step, done, total, octets_left)
        self._talk.say(m.Progress(step, done, total, round(left, 1) if left is not None else None))

    def _intent(self, intent: WriteIntent) -> None:
        self._talk.ask(lambda ask: m.AskIntent(ask, intent), m.AnswerDone)

    def _outcome(self, outcome: WriteOutcome) -> None:
        self._talk.ask(lambda ask: m.AskOutcome(ask, outcome), m.AnswerDone)


def _image_from(file: str, identifier: str) -> Image:
    try:
        octets = Path(file).read_bytes()
    except OSError as error:
        raise errors.WrongValue(f"{file} cannot be read ({error.strerror}).") from None
    return image_of(octets, identifier)


def _trace_of(request: m.Open) -> TraceWriter | None:
    if not request.trace:
        return None
    connection = request.connection
    return TraceWriter(Path(request.trace), connection.mode.value, connection.model, connection.client)


def main(argv: list[str]) -> int:
    """Entry of ``python -m drivers session``."""
    parser = argparse.ArgumentParser(prog="python -m drivers session", description=__doc__)
    parser.add_argument("--models", type=Path, help="folder of meter models (TOML)")
    parser.add_argument("--assets", type=Path, help="assets folder; its models are used")
    options = parser.parse_args(argv)
    folder = options.models or (options.assets / "models" if options.assets else None)
    with contextlib.suppress(ValueError):  # not the main thread of a process: tests
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C goes to us too; the application says what follows
    talk = Conversation(*private_streams())
    try:
        models = load_models(folder) if folder else {}
    except errors.DriverError as error:
        talk.say(m.Failure(0, error.code, error.message, error.hint, error.detail, error.fields()))
        return 1
    session = Session(talk, models)
    talk.say(m.Ready(sorted(models)))
    talk.start()
    return session.run()
