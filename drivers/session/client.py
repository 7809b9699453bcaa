"""The application's side of a session: starts the session program, asks, answers its questions, can kill
it.

Every method blocks and belongs into a worker thread; ``cancel`` and ``kill`` may come from any thread.
Secrets pass through the pipe only: never through arguments, environment or logs.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, TypeVar, cast

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
from drivers.connection import Connection, SessionHost
from drivers.model_view import ModelView
from drivers.reading import EventsResult, Identity, JoinEvidence, ObjectsResult, ProfileResult, ReadResult
from drivers.session import messages as m

_Value = TypeVar("_Value")
_CLOSE_SECONDS = 8.0
Question: TypeAlias = m.AskIntent | m.AskOutcome | m.AskCounter | m.AskSecret | m.AskNextSecret


def session_command(models: Path) -> list[str]:
    """The command that starts the session program.

    Frozen, it is the second executable beside ours (``packaging/build.py`` makes both): the codec's licence
    wants a program of its own there too.
    """
    if getattr(sys, "frozen", False):
        suffix = ".exe" if sys.platform == "win32" else ""
        program = Path(sys.executable).with_name(f"fieldtool-drivers{suffix}")
        return [str(program), "session", "--models", str(models)]
    return [sys.executable, "-m", "drivers", "session", "--models", str(models)]


class OpticalSession:
    """A conversation with one meter through one port.

    ``models`` is the folder of meter models; programs are looked for in ``programs`` (default: the folder
    ``programs`` beside it). ``cache`` keeps association views by meter type; without it they are read each
    time.
    """

    def __init__(
        self,
        port: str,
        connection: Connection,
        host: SessionHost,
        *,
        models: Path,
        programs: Path | None = None,
        cache: Path | None = None,
        trace: Path | None = None,
    ) -> None:
        self._host = host
        self._next_id = 0
        self._running = threading.Lock()
        self._writing = threading.Lock()
        self._closed = False
        self._interrupted = False
        self._host_error: Exception | None = None
        self._process = subprocess.Popen(
            session_command(models),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={name: text for name, text in os.environ.items() if not name.startswith("FIELDTOOL_")},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdout is not None
        self._reader = io.BufferedReader(cast("io.RawIOBase", self._process.stdout))
        opening = partial(
            m.Open,
            port=port,
            connection=connection,
            programs=str(programs or models.parent / "programs"),
            cache=str(cache) if cache else None,
            trace=str(trace) if trace else None,
        )
        try:
            self._await_ready()
            self._ask(opening)
        except BaseException:
            self.kill()
            raise

    # ---- jobs

    def identify(self) -> Identity:
        """Sign on and say who the meter is."""
        return _got(self._ask(m.Identify).identity)

    def read(self, items: list[str] | None = None) -> ReadResult:
        """Read ``CLASS:OBIS:ATTR`` items, or what the meter model names."""
        return _got(self._ask(lambda number: m.Read(number, items)).read)

    def profile(
        self, item: str | None = None, start: str | None = None, end: str | None = None
    ) -> ProfileResult:
        """Rows of a profile between two ISO 8601 times with offset (both included)."""
        return _got(self._ask(lambda number: m.Profile(number, item, start, end)).profile)

    def events(
        self, item: str | None = None, start: str | None = None, end: str | None = None
    ) -> EventsResult:
        """Rows of the event logs between two ISO 8601 times with offset (both included), oldest first."""
        return _got(self._ask(lambda number: m.Events(number, item, start, end)).events)

    def network(self) -> JoinEvidence:
        """Whether the meter has joined its network, and what says so."""
        return _got(self._ask(m.Network).network)

    def objects(self, name: str | None = None) -> ObjectsResult:
        """All objects of the meter, or the one that is named (CLASS:OBIS) with its attributes."""
        return _got(self._ask(lambda number: m.Objects(number, name)).objects)

    def plan(self, program: str | Path, values: dict[str, str] | None = None) -> Plan:
        """What a program would change; nothing is written."""
        return _got(self._ask(lambda number: m.MakePlan(number, str(program), values or {})).plan)

    def apply(self, plan: Plan, allow: Iterable[str] = ()) -> ApplyReport:
        """Write what differs, harmless first. Dangerous changes only if their id is in ``allow``."""
        allowed = sorted(allow)
        return _got(self._ask(lambda number: m.Apply(number, plan, allowed)).applied)

    def verify(self, program: str | Path, values: dict[str, str] | None = None) -> VerifyReport:
        """Read everything back and say whether the program holds."""
        return _got(self._ask(lambda number: m.Verify(number, str(program), values or {})).verified)

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]:
        """Read back intents without outcome; ``record_outcome`` is called for each that could be settled."""
        return _got(self._ask(lambda number: m.Settle(number, intents)).settled)

    def relay(self, operation: str, confirmation: str) -> ChangeResult:
        """``disconnect`` or ``reconnect`` the supply. ``confirmation`` is the meter's serial number."""
        return _got(self._ask(lambda number: m.Relay(number, operation, confirmation)).relay)

    def send_image(self, file: Path, identifier: str, last: str | None = None) -> ImageReport:
        """Send a firmware image and have it verified; resumes where the meter holds part of the same one.

        ``identifier``: what the maker calls the image, text or ``0x`` hex. ``last``: ``will_be`` of the
        last image intent to this meter, which proves what its blocks belong to.
        """
        return _got(self._ask(lambda number: m.SendImage(number, str(file), identifier, last)).image)

    def activate_image(self, file: Path, identifier: str, confirmation: str) -> ImageReport:
        """Let the meter run the verified image and wait for its restart. ``confirmation`` is its serial
        number."""
        return _got(
            self._ask(lambda number: m.ActivateImage(number, str(file), identifier, confirmation)).image
        )

    def view(self) -> ModelView:
        """Objects and access rights of the association, read from the meter."""
        return _got(self._ask(m.ReadView).view)

    # ---- life

    def cancel(self) -> None:
        """Stop the running job; it raises ``Cancelled``. From any thread."""
        self._send(m.Cancel())

    def close(self) -> None:
        """Leave the meter well and end the program; it is killed if it does not end in time."""
        if self._closed:
            return
        self._closed = True
        watchdog = threading.Timer(_CLOSE_SECONDS, self._process.kill)
        watchdog.start()
        try:
            self._ask(m.Close)
            self._process.wait()
        except errors.DriverError:
            self.kill()
        finally:
            watchdog.cancel()
            self._release()

    def kill(self) -> None:
        """End the program at once, whatever it is doing. From any thread."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        self._release()

    def __enter__(self) -> OpticalSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- the conversation

    def _await_ready(self) -> None:
        answer = self._receive()
        if isinstance(answer, m.Failure):
            raise errors.from_fields(answer.code, answer.message, answer.hint, answer.detail, answer.extra)
        if not isinstance(answer, m.Ready):
            raise errors.SessionDied(detail=f"unexpected first message {type(answer).__name__}")

    def _ask(self, build: Callable[[int], m.Message]) -> m.Result:
        with self._running:
            self._next_id += 1
            number = self._next_id
            self._send(build(number))
            while True:
                answer = self._heard()
                if isinstance(answer, m.Result) and answer.id == number:
                    self._raise_interrupt()
                    return answer
                if isinstance(answer, m.Failure) and answer.id == number:
                    self._raise_interrupt()
                    cause, self._host_error = self._host_error, None
                    raise errors.from_fields(
                        answer.code, answer.message, answer.hint, answer.detail, answer.extra
                    ) from cause
                self._serve(answer)

    def _raise_interrupt(self) -> None:
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt

    def _heard(self) -> m.ToApplication:
        """The next message. Ctrl-C first lets the session leave the meter well; a second one ends it at
        once."""
        try:
            return self._receive()
        except KeyboardInterrupt:
            self.cancel()
            self._interrupted = True
            return self._receive()

    def _serve(self, question: m.ToApplication) -> None:
        if isinstance(question, m.Progress):
            self._host.on_progress(question.step, question.done, question.total, question.seconds_left)
            return
        if not isinstance(question, Question):
            return
        try:
            answer = self._answer(question)
        except Exception as error:  # the child must hear of it, or it would wait for ever
            self._host_error = error
            self._send(m.AnswerFailed(question.ask, type(error).__name__))
            return
        self._send(answer)

    def _answer(self, question: Question) -> m.Message:
        if isinstance(question, m.AskIntent):
            self._host.record_intent(question.intent)
            return m.AnswerDone(question.ask)
        if isinstance(question, m.AskOutcome):
            self._host.record_outcome(question.outcome)
            return m.AnswerDone(question.ask)
        if isinstance(question, m.AskCounter):
            first = self._host.reserve_counter(question.key, question.at_least, question.count)
            return m.AnswerCounter(question.ask, first)
        if isinstance(question, m.AskNextSecret):
            return m.AnswerNextSecret(question.ask, self._host.next_secret(question.name, question.make))
        return m.AnswerSecret(question.ask, self._host.secret(question.name))

    def _send(self, message: m.Message) -> None:
        stream = self._process.stdin
        assert stream is not None
        data = memoryview(m.encode(message))
        try:
            with self._writing:
                while data:
                    data = data[stream.write(data) :]
        except (OSError, ValueError):
            raise errors.SessionDied(detail="its input is closed") from None

    def _receive(self) -> m.ToApplication:
        try:
            line = self._reader.readline()
        except (OSError, ValueError):
            line = b""
        if not line:
            raise errors.SessionDied(detail=f"exit status {self._process.poll()}")
        try:
            return m.decode_to_application(line)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise errors.SessionDied(detail=f"not a message: {type(error).__name__}") from None

    def _release(self) -> None:
        for stream in (self._process.stdin, self._reader):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _got(value: _Value | None) -> _Value:
    if value is None:
        raise errors.SessionDied(detail="the answer has no value")
    return value
