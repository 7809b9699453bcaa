"""Reaching an ANSI meter: identification, negotiation, logon, password; and all of it again after a cut."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from drivers.ansi.client import FIRST_BAUD, PsemClient
from drivers.ansi.config import decode_configuration
from drivers.ansi.general import Manufacturer, decode_manufacturer
from drivers.ansi.link import Timing
from drivers.ansi.meter import Tables
from drivers.ansi.psem import Protocol, Response, ServiceRefused
from drivers.connection import Auth, Connection
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
from drivers.line import Line, Recorder, Surroundings
from drivers.models import MeterModel, Protocols
from drivers.ports import hdlc_format
from drivers.session.reach import Questions
from drivers.session.recovery import Recovery, wait_out

_Value = TypeVar("_Value")
_PACKETS = (512, 128, 64)
"""Packet size at first, after a cut, after any further one."""
_MOST_PACKETS = 254
_RECOVERIES = 3
_USER = "fieldtool"
_PATIENT_RETRIES = 10
_TRAFFIC_SECONDS = 7
"""A meter that hears nothing ends its session after the channel traffic time-out: 6 s, where nobody asked for
another one (C12.18, 5)."""
_LINE_ERRORS = (LinkLost, PortVanished, Garbage, NoAnswer, EchoOnly)


class AnsiReach:
    """One ANSI meter behind one port. Nothing is sent before the first job asks."""

    def __init__(
        self,
        port: str,
        connection: Connection,
        questions: Questions,
        models: dict[str, MeterModel],
        *,
        cancelled: threading.Event,
        recorder: Recorder | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        if connection.model and connection.model not in models:
            raise WrongValue(f"There is no meter model {connection.model!r}.")
        self._port = port
        self._connection = connection
        self._questions = questions
        self._models = {n: m for n, m in models.items() if m.protocol is Protocols.ANSI}
        self._cancelled = cancelled
        self._recorder = recorder
        self._surroundings = surroundings
        self._client: PsemClient | None = None
        self._tables: Tables | None = None
        self._known: dict[str, object] = {}
        self._exchanges = 0
        self._cuts = 0
        self._was_there = False
        self._password_on_the_way = False
        self.line: Line | None = None
        self.protocol: Protocol | None = None
        self.model = models.get(connection.model or "")

    @property
    def exchanges(self) -> int:
        """Requests sent since the session began."""
        return self._exchanges + (self._client.exchanges if self._client else 0)

    # ---- jobs

    def run(self, job: Callable[[Tables], _Value]) -> _Value:
        """Do something that may be done again: after a cut the meter is reached anew, with shorter
        packets."""
        recovery = Recovery()
        asleep = False
        while True:
            try:
                return job(self.tables())
            except ServiceRefused as error:
                if error.response is not Response.ISSS or asleep or self._client is None:
                    raise
                asleep = True  # nobody spoke for some seconds, so it ended the session by itself
                self._drop()
            except _LINE_ERRORS as error:
                if not self._may_recover(error, recovery):
                    raise
                self.cut(error)
                self._open_line().pause(recovery.pause_seconds)

    def _may_recover(self, error: DriverError, recovery: Recovery) -> bool:
        """Bounded; never with a password on the way, whose verdict nobody heard."""
        if self.line is None or self._password_on_the_way:
            return False
        recovery.count(self.line.now())
        if isinstance(error, PortVanished):
            return recovery.has_time or recovery.cuts <= _RECOVERIES
        if isinstance(error, Garbage) and recovery.cuts > 1:
            return False
        if isinstance(error, NoAnswer | EchoOnly):
            return self._was_there and recovery.has_time
        return self._was_there and recovery.cuts <= _RECOVERIES

    def cut(self, error: DriverError) -> None:
        """Forget the session; find the port again if it vanished."""
        self._drop()
        if self.line is None:
            return
        self.line.shielded = False
        if isinstance(error, PortVanished):
            self.line.reopen()
        elif not isinstance(error, Cancelled):
            self._cuts += 1

    def tables(self) -> Tables:
        """The meter's tables, logged on."""
        if self._tables is None:
            self._connect()
        assert self._tables is not None
        return self._tables

    def pause(self, seconds: float) -> None:
        """Wait cancellably."""
        self._open_line().pause(seconds)

    def leave(self) -> None:
        """Log off, end the channel, close the port; never raises for a meter that is gone already."""
        if self._client is not None and self.line is not None and self._client.is_open:
            with suppress(DriverError):
                if self._tables is not None:
                    self._client.logoff()
                self._client.terminate()
        self._drop()
        if self.line is not None:
            self.line.close()
            self.line = None

    # ---- connecting

    def _open_line(self) -> Line:
        if self.line is None:
            self.line = Line(
                self._port,
                hdlc_format(FIRST_BAUD),
                recorder=self._recorder,
                cancelled=self._cancelled,
                surroundings=self._surroundings,
            )
        return self.line

    def _drop(self) -> None:
        if self._client is not None:
            self._exchanges += self._client.exchanges
        self._client = self._tables = None

    def _connect(self) -> None:
        line = self._open_line()
        password = self._password()
        self._questions.progress("sign_on", 0, 1)
        client = self._identified(line)
        self._was_there = True
        size = _PACKETS[min(self._cuts, len(_PACKETS) - 1)]
        faster = [self._connection.baud] if self._connection.baud > FIRST_BAUD else []
        client.negotiate(size, _MOST_PACKETS, faster)
        if self._cuts:  # on a bad line each packet may need several tries, from both sides
            client.set_timing(Timing(response=self._connection.reaction, retries=_PATIENT_RETRIES))
        self._questions.progress("sign_on", 1, 1)
        self._questions.progress("associate", 0, 1)
        client.logon(self._connection.client, _USER)
        self._prove(client, line, password)
        self._questions.progress("associate", 1, 1)  # the verdict was heard, whatever happens next
        self._check_same(client)
        self._tables = Tables(client, self._known, line.pause)

    def _identified(self, line: Line) -> PsemClient:
        """Begin. A meter that speaks and is not to be understood may be in somebody else's session: it ends
        by itself, in silence."""
        for last in (False, True):
            self._drop()
            self._client = client = PsemClient(line, Timing(response=self._connection.reaction))
            try:
                self.protocol = _identify(client)
            except (Garbage, LinkLost, ServiceRefused) as error:
                refused = isinstance(error, ServiceRefused) and error.response is not Response.ISSS
                if last or refused:
                    raise
                wait_out(line, _TRAFFIC_SECONDS, self._questions.progress)
            else:
                break
        return client

    def _prove(self, client: PsemClient, line: Line, password: bytes | None) -> None:
        """The password crosses the line once, and no trace shows it."""
        if password is None:
            return
        line.withhold = self._password_on_the_way = True
        try:
            client.security(password, self.model.lockout_seconds if self.model else 60)
        except DriverError as error:
            if not isinstance(error, (*_LINE_ERRORS, Cancelled)):
                self._password_on_the_way = False
                self._refused(client)
            raise
        finally:
            line.withhold = False
        self._password_on_the_way = False

    def _refused(self, client: PsemClient) -> None:
        """A session whose password was refused is not used for anything."""
        with suppress(DriverError):
            client.terminate()
        self._drop()

    def _password(self) -> bytes | None:
        """Raises ``MissingSecret`` before anything is sent."""
        name = self._connection.password
        if name is None:
            if self._connection.auth is Auth.LOW:
                raise MissingSecret("The password of this meter is not on this tablet.")
            return None
        value = self._questions.secret(name)
        if value is None:
            raise MissingSecret("The password of this meter is not on this tablet.")
        return value

    def _check_same(self, client: PsemClient) -> None:
        """The head may sit on another meter by now."""
        before = self._known.get("manufacturer")
        if not isinstance(before, Manufacturer):
            return
        now = decode_manufacturer(client.read(1), decode_configuration(client.read(0)))
        if now != before:
            raise OtherMeter

    # ---- the type of meter

    def recognise(self, line: str) -> None:
        """Find the model file: one that names this make before one that takes any ANSI meter."""
        if self.model is not None:
            return
        fitting = [model for model in self._models.values() if model.recognises_line(line)]
        special = [model for model in fitting if model.manufacturer]
        chosen = special or fitting
        self.model = chosen[0] if len(chosen) == 1 else None


def _identify(client: PsemClient) -> Protocol:
    """Begin. A meter left in a session by somebody else is led out of it; one that took our request for the
    last one of an earlier session (same toggle, same octets) gets it again with the other toggle."""
    try:
        return client.identify()
    except ServiceRefused as error:
        if error.response is not Response.ISSS:
            raise
        with suppress(ServiceRefused):
            client.terminate()
    except LinkLost:
        pass
    return client.identify()
