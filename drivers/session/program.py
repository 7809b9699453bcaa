"""The session program: ``python -m drivers session --models DIR``. Messages on the standard streams,
nothing else.

The main thread does the jobs; a second one reads standard input, so that a cancel is heard while a job
runs. When the application dies, standard input ends: the meter is left well and the program ends too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import msgspec

from drivers import errors
from drivers.changes import (
    ApplyReport,
    ChangeResult,
    ImageReport,
    Plan,
    VerifyReport,
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
    Identity,
    JoinEvidence,
    ObjectsResult,
    ProfileResult,
    ReadResult,
)
from drivers.session import messages as m
from drivers.session.access import ReadoutOnly
from drivers.session.ansi_apply import AnsiWriter
from drivers.session.ansi_jobs import AnsiJobs
from drivers.session.ansi_reach import AnsiReach
from drivers.session.apply import Writer
from drivers.session.events import read_events
from drivers.session.iec_apply import IecWriter
from drivers.session.iec_jobs import IecJobs
from drivers.session.iec_reach import IecReach
from drivers.session.image import ImageJobs
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.objects import read_objects
from drivers.session.reach import Questions, Reach
from drivers.session.secrets import SecretJobs
from drivers.trace.record import TraceWriter

_LAST_SECONDS = 6.0
ReadEvents = Callable[[str | None, str | None, str | None], EventsResult]
_Answer = TypeVar("_Answer", m.AnswerDone, m.AnswerCounter, m.AnswerSecret, m.AnswerNextSecret)
_ANSWERS = m.AnswerDone | m.AnswerCounter | m.AnswerSecret | m.AnswerNextSecret | m.AnswerFailed


class Conversation:
    """Messages to and from the application."""

    def __init__(self, source: int, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._requests: queue.Queue[m.ToSession | None] = queue.Queue()
        self._answers: queue.Queue[m.ToSession | None] = queue.Queue()
        self._next_ask = 0
        self.cancelled = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, message: m.Message) -> None:
        try:
            self._sink.write(m.encode(message))
            self._sink.flush()
        except OSError:
            self._end()

    def next_request(self) -> m.ToSession | None:
        """The next job; ``None`` when the application is gone."""
        return self._requests.get()

    def ask(self, build: Callable[[int], m.Message], kind: type[_Answer]) -> _Answer:
        """Ask the application. Raises ``HostFailed`` if it cannot answer."""
        self._next_ask += 1
        number = self._next_ask
        self.say(build(number))
        while True:
            answer = self._answers.get()
            if answer is None:
                raise errors.HostFailed(detail="the application is gone")
            if isinstance(answer, m.AnswerFailed) and answer.ask == number:
                raise errors.HostFailed(detail=answer.reason)
            if isinstance(answer, kind) and answer.ask == number:
                return answer

    def _lines(self) -> Iterator[bytes]:
        """Lines of the descriptor itself: a buffered reader would be locked by the waiting thread at exit."""
        buffer = b""
        while data := os.read(self._source, 65536):
            *lines, buffer = (buffer + data).split(b"\n")
            yield from lines

    def _listen(self) -> None:
        for line in self._lines():
            try:
                message = m.decode_to_session(line)
            except (msgspec.ValidationError, msgspec.DecodeError) as error:
                print(f"not a message: {type(error).__name__}", file=sys.stderr)  # noqa: T201  # the log
                continue
            if isinstance(message, m.Cancel):
                self.cancelled.set()
            elif isinstance(message, _ANSWERS):
                self._answers.put(message)
            else:
                self.cancelled.clear()  # here and not where the job begins: a cancel may follow at once
                self._requests.put(message)
        self._end()

    def _end(self) -> None:
        self.cancelled.set()
        self._answers.put(None)
        self._requests.put(None)
        watchdog = threading.Timer(_LAST_SECONDS, os._exit, args=(1,))
        watchdog.daemon = True
        watchdog.start()


class MeterReach(Protocol):
    """The way to a meter, whatever it speaks."""

    def cut(self, error: errors.DriverError) -> None: ...

    def leave(self) -> None: ...


class MeterJobs(Protocol):
    """Reading jobs, whatever the meter speaks."""

    def identify(self) -> Identity: ...

    def read(self, texts: list[str] | None) -> ReadResult: ...

    def profile(self, text: str | None, start: str | None, end: str | None) -> ProfileResult: ...

    def network(self) -> JoinEvidence: ...

    def remember_type(self) -> None: ...


class MeterWriter(Protocol):
    """Writing jobs, whatever the meter speaks."""

    def plan(self, program: str, values: dict[str, str]) -> Plan: ...

    def apply(self, plan: Plan, allow: list[str]) -> ApplyReport: ...

    def verify(self, program: str, values: dict[str, str]) -> VerifyReport: ...

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]: ...

    def relay(self, operation: str, confirmation: str) -> ChangeResult: ...


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
        self._step = ("", 0.0)
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

    def _progress(self, step: str, done: int, total: int) -> None:
        """With the time left, taken from how long this step's part lasted until now."""
        now = time.monotonic()
        if self._step[0] != step or done == 0:
            self._step = (step, now)
        left = (now - self._step[1]) / done * (total - done) if done else None
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


def _private_streams() -> tuple[int, BinaryIO]:
    """Our own pair of streams; whatever a library prints goes to standard error instead.

    By descriptor: a program without a console has no ``sys.stdout`` on Windows, though its pipes are there.
    """
    sink = os.fdopen(os.dup(1), "wb")
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout = sys.stderr
    return 0, sink


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
    talk = Conversation(*_private_streams())
    try:
        models = load_models(folder) if folder else {}
    except errors.DriverError as error:
        talk.say(m.Failure(0, error.code, error.message, error.hint, error.detail, error.fields()))
        return 1
    session = Session(talk, models)
    talk.say(m.Ready(sorted(models)))
    talk.start()
    return session.run()
