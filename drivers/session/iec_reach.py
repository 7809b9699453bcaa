"""Reaching a meter that speaks only IEC 62056-21: readouts (modes A to D) and programming mode.

Every readout and every stay in programming mode begins with a sign-on of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from drivers.connection import Connection, Mode
from drivers.errors import (
    Cancelled,
    DriverError,
    EchoOnly,
    Garbage,
    LinkLost,
    MissingSecret,
    NoAnswer,
    OtherMeter,
    PortVanished,
    WrongValue,
)
from drivers.iec62056.identification import Identification
from drivers.iec62056.options import IecOptions
from drivers.iec62056.programming import ProgrammingLink, check_algorithm
from drivers.iec62056.readout import DataSet
from drivers.iec62056.runner import call_back, hear_push, read_out, sign_on
from drivers.iec62056.sign_on import Finished, Wanted
from drivers.line import Line, Recorder, Surroundings
from drivers.models import MeterModel, Protocols
from drivers.ports import LineFormat
from drivers.session.access import ReadoutOnly
from drivers.session.reach import Questions, identification_text
from drivers.session.recovery import Recovery, wait_out

_Value = TypeVar("_Value")
_UNHEARD = (NoAnswer, EchoOnly, Garbage)
_LINE_ERRORS = (LinkLost, PortVanished, Garbage, NoAnswer, EchoOnly)
_RECOVERIES = 3
_READINGS = 4
_BUTTON_SECONDS = 60.0
_INACTIVITY_SECONDS = 120
"""A meter that hears nothing goes back to its start from programming mode after 60 to 120 s (IEC 62056-21,
annex A)."""


class IecReach:
    """One meter behind one port. ``line`` is an open one that another way of reaching it has used before."""

    def __init__(
        self,
        port: str,
        connection: Connection,
        questions: Questions,
        models: dict[str, MeterModel],
        *,
        cancelled: threading.Event,
        recorder: Recorder | None = None,
        line: Line | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        if connection.model and connection.model not in models:
            raise WrongValue(f"There is no meter model {connection.model!r}.")
        self._port = port
        self._connection = connection
        self._questions = questions
        self._models = models
        self._cancelled = cancelled
        self._recorder = recorder
        self._surroundings = surroundings
        self._link: ProgrammingLink | None = None
        self._fresh: list[DataSet] | None = None
        self._exchanges = 0
        self._password_spent = False
        self._damaged = False
        self._left_open = False
        self.line = line
        self.identification: Identification | None = None
        self._stranger: tuple[str, str] | None = None
        self._is_held = False
        self.model = models.get(connection.model or "")

    @property
    def options(self) -> IecOptions:
        return self.model.iec if self.model else IecOptions()

    @property
    def pushes(self) -> bool:
        """Whether this meter sends by itself (mode D)."""
        return self._connection.mode is Mode.D or self.options.push

    @property
    def mode(self) -> str:
        """A, B, C, D or E: D by how it was heard, the others by the identification line."""
        if self.pushes or self.identification is None:
            return "D"
        return self.identification.mode

    @property
    def exchanges(self) -> int:
        """Requests sent since the session began."""
        return self._exchanges + (self._link.exchanges if self._link else 0)

    def take_over(
        self, identification: Identification, data_sets: list[DataSet] | None, exchanges: int
    ) -> None:
        """What was read before it was known that this meter has nothing but its readout; ``None`` if it came
        damaged."""
        self._note(identification)
        self._fresh = data_sets
        self._exchanges += exchanges

    # ---- readout

    def readout(self) -> list[DataSet]:
        """A readout that nobody has been given yet: two calls are two readings of the meter."""
        if self._fresh is None:
            self._fresh = self._repeated(self._read_out)
        data_sets, self._fresh = self._fresh, None
        return data_sets

    def peek(self) -> list[DataSet]:
        """The readout that the next ``readout`` gives: enough to say who the meter is."""
        data_sets = self.readout()
        self.give_back(data_sets)
        return data_sets

    def give_back(self, data_sets: list[DataSet]) -> None:
        """Nobody was given this readout: the next ``readout`` gives it."""
        self._fresh = data_sets

    def _read_out(self) -> list[DataSet]:
        self.leave_programming()
        line = self._open_line()
        self._questions.progress("sign_on", 0, 1)
        if self.pushes:
            options = self.options if self.options.push else IecOptions(push=True)
            found, data_sets = hear_push(line, _line_format(options), _BUTTON_SECONDS)
            self._note(found)
            return data_sets
        signed = self._signed_on(line, Wanted.READOUT, self.options.readout_option)
        self._exchanges += 2 if signed.identification.mode == "C" else 1
        self._note(signed.identification)
        self._questions.progress("sign_on", 1, 1)
        return read_out(line, signed)

    def _signed_on(self, line: Line, wanted: Wanted, option: str = "0") -> Finished:
        """A meter that does not answer, or with a word of another conversation, may still be in programming
        mode, left there by a tablet that died: it is called back out of it, once."""

        def sign() -> Finished:
            return sign_on(
                line,
                address=self._connection.device_address,
                wanted=wanted,
                patience=self._connection.reaction,
                first=_line_format(self.options),
                option=option,
            )

        try:
            signed = sign()
        except _UNHEARD:
            call_back(line, _line_format(self.options))
            signed = sign()
        self._left_open = wanted is Wanted.PROGRAMMING
        return signed

    def expect_old_session(self) -> None:
        """Somebody may have died in the middle of writing: a meter that does not answer is waited for."""
        self._left_open = True

    def hold(self) -> None:
        """Somebody was told who the meter is: whoever answers otherwise from here on is another meter."""
        self._is_held = True

    def _note(self, found: Identification) -> None:
        """Who answers; somebody else than before is told, whatever was going on."""
        before, who = self.identification, (found.manufacturer, found.text)
        if before is not None and (before.manufacturer, before.text) != who:
            if self._stranger != who:
                self._stranger = who  # no check guards that line: one wrong bit makes it another
                raise Garbage(detail="the meter identifies itself otherwise than before")
            if self._is_held:
                raise OtherMeter
            self.model = self._models.get(self._connection.model or "")  # the first one was the wrong one
        self.identification = found
        text = identification_text(found)
        if self.model and self.model.protocol is not Protocols.IEC and not self.model.recognises_line(text):
            self.model = None  # the order takes it for another type than it says it is
        if self.model is None:
            fitting = [model for model in self._models.values() if model.recognises_line(text)]
            only = [model for model in fitting if model.protocol is Protocols.IEC] or fitting
            self.model = only[0] if len(only) == 1 else None

    # ---- programming mode

    def run(self, job: Callable[[ProgrammingLink], _Value], *, password: bool) -> _Value:
        """Do something in programming mode that may be done again after a cut; ``password``: it needs one.

        Raises ``ReadoutOnly`` where the model file does not say how this meter is programmed.
        """
        return self._repeated(lambda: job(self._programming(password=password)))

    def run_certainly(self, job: Callable[[ProgrammingLink], str]) -> str:
        """A reading that is believed. Raises ``Garbage`` where no two in a row agree."""
        read, believed = self.run_repeatedly(job)
        if not believed:
            raise Garbage(detail="no two readings in a row agreed")
        return read

    def run_repeatedly(self, job: Callable[[ProgrammingLink], str]) -> tuple[str, bool]:
        """The last reading, and whether it is believed. Where the line has shown damage, a check by
        exclusive-or proves little: there it is read until two in a row agree. What moves between two readings
        (a voltage, a clock, an energy under load) may never do so on the best of lines."""
        read = self.run(job, password=False)
        for _ in range(_READINGS):
            if not self.is_bad_line:
                return read, True
            again = self.run(job, password=False)
            if again == read:
                return read, True
            read = again
        return read, False

    @property
    def is_bad_line(self) -> bool:
        """Whether anything came damaged in this session, be it one parity bit."""
        link, line = self._link, self.line
        return (
            self._damaged
            or (link is not None and link.damaged > 0)
            or (line is not None and line.parity.wrong > 0)
        )

    def once(self, job: Callable[[ProgrammingLink], _Value]) -> _Value:
        """The same for a writing, which is never sent again unasked."""
        return job(self._programming(password=True))

    def _programming(self, *, password: bool) -> ProgrammingLink:
        options = self.options.programming
        if options is None or self.pushes:
            raise ReadoutOnly
        check_algorithm(options.algorithm)
        needed = password or options.password_first
        secret = self._password() if needed else None
        link = self._link
        if link is None:
            link = self._enter()
        if secret is not None and not link.unlocked:
            self._prove(link, secret)
        self._link = link
        return link

    def _enter(self) -> ProgrammingLink:
        options = self.options.programming
        assert options is not None
        line = self._open_line()
        self._questions.progress("associate", 0, 1)
        signed = self._signed_on(line, Wanted.PROGRAMMING)
        self._exchanges += 2
        self._note(signed.identification)
        link = ProgrammingLink(line, signed, options, self.model.lockout_seconds if self.model else 60)
        if signed.identification.mode in ("A", "B"):
            read_out(line, signed)  # these modes know no acknowledgement: commands follow their readout
        else:
            link.begin()
        self._questions.progress("associate", 1, 1)
        return link

    def _prove(self, link: ProgrammingLink, secret: bytes) -> None:
        """The password crosses the line once in a session unless the meter took it; no trace shows it."""
        if self._password_spent:
            raise LinkLost(detail="the password was sent before, and its verdict is not known")
        line = self._open_line()
        line.withhold = self._password_spent = True
        try:
            link.unlock(secret)
        except DriverError:
            link.leave()
            self._drop()
            raise
        finally:
            line.withhold = False
        self._password_spent = False

    def _password(self) -> bytes:
        """Raises ``MissingSecret`` before anything is sent."""
        name = self._connection.password
        value = self._questions.secret(name) if name else None
        if value is None:
            raise MissingSecret("The password of this meter is not on this tablet.")
        return value

    # ---- the line

    def _repeated(self, job: Callable[[], _Value]) -> _Value:
        """Again after a cut or a damaged readout; never with a password whose verdict nobody heard."""
        recovery = Recovery()
        while True:
            try:
                return job()
            except _LINE_ERRORS as error:
                self._damaged = True
                if self.line is None or self._password_spent:
                    raise
                recovery.count(self.line.now())
                silent = isinstance(error, NoAnswer | EchoOnly) and self.identification is None
                if silent or not recovery.has_time or recovery.cuts > _RECOVERIES:
                    if not self._waited_out(error):
                        raise
                    recovery = Recovery()
                    continue
                self.cut(error)
                self._open_line().pause(recovery.pause_seconds)

    def _waited_out(self, error: DriverError) -> bool:
        """The last resort where the meter may sit in programming mode, and nothing of ours reaches it there:
        the standard has it give up by itself. Once; whether it was done."""
        if not self._left_open or not isinstance(error, _UNHEARD):
            return False
        self.cut(error)
        self._left_open = False
        wait_out(self._open_line(), _INACTIVITY_SECONDS, self._questions.progress)
        return True

    def cut(self, error: DriverError) -> None:
        """Leave what was begun; find the port again if it vanished."""
        vanished = isinstance(error, PortVanished)
        if self.line is not None:
            self.line.shielded = False
        if vanished:
            self._drop()
        elif isinstance(error, Cancelled) or self._link is not None:
            self.leave_programming()
        if vanished and self.line is not None:
            self.line.reopen()

    def pause(self, seconds: float) -> None:
        """Wait cancellably."""
        self._open_line().pause(seconds)

    def leave_programming(self) -> None:
        if self._link is not None:
            self._link.leave()
        self._drop()

    def leave(self) -> None:
        """Break off and close the port; never raises for a meter that is gone already."""
        self.leave_programming()
        if self.line is not None:
            self._damaged = self.is_bad_line
            self.line.close()
            self.line = None

    def _drop(self) -> None:
        if self._link is not None:
            self._exchanges += self._link.exchanges
            self._damaged |= self._link.damaged > 0
        self._link = None

    def _open_line(self) -> Line:
        if self.line is None:
            first = _line_format(self.options)
            self.line = Line(
                self._port,
                first,
                recorder=self._recorder,
                cancelled=self._cancelled,
                surroundings=self._surroundings,
            )
        return self.line


def _line_format(options: IecOptions) -> LineFormat:
    bits, parity = (7, "E") if options.format == "7E1" else (8, "N")
    return LineFormat(options.sign_on_baud, bits, parity)
