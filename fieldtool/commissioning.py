"""The glue between the job and the optical session: who is at the port, readings, plans, writes, settling.

`MeterWork` blocks and belongs into a worker thread; only `cancel` may come from another one. It knows nothing
of steps: it is told which device to expect and gives back what was found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec

from drivers import errors
from drivers.changes import ApplyReport, ChangeResult, OutcomeState, Plan, WriteIntent
from drivers.connection import Auth, Connection
from drivers.models import MeterModel
from drivers.programs import find_program
from drivers.reading import Identity, JoinEvidence, Reading, ReadResult
from drivers.session.client import OpticalSession
from fieldtool.associating import Secret, connection_for, counted, no_secret, with_rules
from fieldtool.balancing import watts_of
from fieldtool.identity import normalise_serial
from fieldtool.journalhost import Changed, Changing, JournalHost, OrderContext, Progress, not_changing
from fieldtool.procedure.readings import CT_WATTS, DIRECT_WATTS, same_readings
from fieldtool.procedure.state import Found, Write
from fieldtool.wiring import judged, verdict_of
from workorders.journal.words import DeviceRole, ReadingValue
from workorders.journal.writer import Journal

_REUSE_SECONDS = 20.0
"""A session is used again within this time; a meter ends an idle association by itself somewhat later."""

_WAITS_FOR_BUTTON = "ready for reconnection"
"""Control state 2 of a disconnect control as the session writes it (Blue Book, class 70, attribute 3)."""


class ReadingsDisagree(errors.DriverError):
    """Two readings in separate requests were not the same; neither is taken."""

    code = "readings-disagree"
    message = "The meter gave two different readings."
    hint = "Hold the head still and shade it, then read again."


class RelayTestFailed(errors.DriverError):
    """The relay did not do what it was told, or its state could not be read back."""

    code = "relay-failed"
    message = "The relay did not switch as it was told."
    hint = "Read the relay's state on the display; if the supply is off, reconnect it before you leave."


def _came_to(switched: ChangeResult) -> str:
    return "button" if switched.is_now == _WAITS_FOR_BUTTON else switched.state.value


def reading_values(readings: Iterable[Reading]) -> list[ReadingValue]:
    """Readings of the drivers as the record keeps them."""
    return [
        ReadingValue(
            item=reading.item,
            value=reading.value,
            unit=reading.unit,
            name=reading.name,
            time=reading.time,
            status=reading.status,
        )
        for reading in readings
    ]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Which meter is expected behind which port; `generation`: whether power may flow back there."""

    port: str
    role: DeviceRole
    serial: str
    model: MeterModel | None
    generation: bool | None = None


def _nowhere() -> None:
    return None


class MeterWork:
    """Work on meters for one order, through one session at a time."""

    def __init__(
        self,
        journal: Journal,
        context: OrderContext,
        *,
        models: Path,
        programs: Path,
        cache: Path,
        system_title: str,
        secrets: Callable[[str, str], bytes | None],
        changing: Callable[[str], Changing | None] = not_changing,
        recording: Callable[[], Path | None] = _nowhere,
    ) -> None:
        """secrets: (serial, name) → password or key of a meter in hand; changing: serial → how they
        change; recording: asked for each session, where it is recorded."""
        self._changing = changing
        self._journal = journal
        self._secrets = secrets
        self._context = context
        self._models = models
        self._programs = programs
        self._cache = cache
        self._system_title = system_title
        self._recording = recording
        self._session: OpticalSession | None = None
        self._host: JournalHost | None = None
        self._key: tuple[str, Connection] | None = None
        self._used_at = 0.0

    # --- what can be done -------------------------------------------------------------------------

    def read(
        self, target: Target, items: list[str] | None, *, twice: bool, progress: Progress | None
    ) -> Found:
        """Identify and read; `twice`: in separate requests that must agree.

        The public client is asked first who is there: a password tried on another meter than the expected one
        counts towards its lock-out. Another meter is reported by its identity alone, without readings.

        Raises:
            DriverError: what went wrong at the port; ReadingsDisagree.
        """
        secret, readout = self._secret(target), False
        if connection_for(target.model, secret, self._system_title).auth is not Auth.NONE:
            session, _ = self._open(target, progress, public=True)
            with self._guard():
                identity = session.identify()
            readout = _readout_only(identity)
            if target.serial and normalise_serial(identity.serial) != normalise_serial(target.serial):
                return _stranger(target.role, identity)
        # Whoever has nothing but a readout knows no clients, whatever the order says: the session that asked
        # who is there goes on, and gives what it was told already.
        session, _ = self._open(target, progress, public=readout)
        began = time.monotonic()
        with self._guard():
            first = session.read(items)
            second = session.read(items) if twice and not _vouched_for(first) else first
            seconds = time.monotonic() - began
            evidence = self._network(session, target)
        differing = _differing(target.model, first, second, seconds)
        if differing:
            raise ReadingsDisagree(detail=", ".join(differing))
        return _found(target, second, evidence)

    def network(self, target: Target, expected: str | None, progress: Progress | None) -> JoinEvidence:
        """Ask the meter whether it has joined; `expected`: the serial it gave when it was read.

        Raises:
            OtherMeter: the head sits on another meter now, whose evidence proves nothing.
        """
        session, _ = self._open(target, progress)
        with self._guard():
            found = session.identify().serial
            if expected is not None and normalise_serial(found) != expected:
                raise errors.OtherMeter(detail=f"{found} is at the port, {expected} was read")
            return session.network()

    def settle(self, target: Target, writes: Iterable[Write], progress: Progress | None) -> None:
        """Read back writes whose outcome is unknown, and journal what holds."""
        intents = [
            WriteIntent(
                id=write.intent.intent_id,
                meter=write.intent.serial,
                item=write.intent.item,
                name=write.intent.name,
                was=write.intent.was,
                will_be=write.intent.will_be,
                program=write.intent.program,
                secret=write.intent.secret,
            )
            for write in writes
            if write.state is None
        ]
        if not intents:
            return
        session, host = self._open(target, progress)
        host.know(intents)
        with self._guard():
            session.settle(intents)

    def plan(self, target: Target, program: str, values: dict[str, str], progress: Progress | None) -> Plan:
        """Compare the meter with a program; writes nothing."""
        session, _ = self._open(target, progress)
        with self._guard():
            return session.plan(program, values)

    def apply(
        self, target: Target, plan: Plan, allow: list[str], progress: Progress | None, changed: Changed
    ) -> ApplyReport:
        """Write what differs; each write is journalled before it is sent."""
        session, host = self._open(target, progress)
        host.program_version = find_program(plan.program, self._programs).version
        host.changed = changed
        with self._guard():
            return session.apply(plan, allow)

    def test_relay(self, target: Target, progress: Progress | None) -> str:
        """Open and close the relay; `verified` when both took effect, `button` as in `switch_relay`.

        Reconnecting is tried whatever happened to the disconnecting: nobody is left in the dark by a test.
        """
        session, _ = self._open(target, progress)
        with self._guard():
            name = _name_at(session, target)
            opened = None
            try:
                opened = session.relay("disconnect", name)
            finally:
                closed = session.relay("reconnect", name)
        for result in (opened, closed):
            if result is None or result.state is not OutcomeState.VERIFIED:
                raise RelayTestFailed(detail=str(result))
        return _came_to(closed)

    def switch_relay(self, target: Target, operation: str, progress: Progress | None) -> str:
        """Open (`disconnect`) or close (`reconnect`) the relay for good; `verified` when it took effect,
        `button` where the meter closes it only when somebody presses its button.

        Raises:
            RelayTestFailed: the relay did not do what it was told.
        """
        session, _ = self._open(target, progress)
        with self._guard():
            result = session.relay(operation, _name_at(session, target))
        if result.state is not OutcomeState.VERIFIED:
            raise RelayTestFailed(detail=str(result))
        return _came_to(result)

    # --- life -------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Stop the running job; from any thread."""
        session = self._session
        if session is not None:
            session.cancel()

    def close(self) -> None:
        """Leave the meter well."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _open(
        self, target: Target, progress: Progress | None, *, public: bool = False
    ) -> tuple[OpticalSession, JournalHost]:
        secret = no_secret if public else self._secret(target)
        connection = counted(connection_for(target.model, secret, self._system_title), target.serial)
        key = (target.port, connection)
        fresh = time.monotonic() - self._used_at < _REUSE_SECONDS
        if self._session is None or self._host is None or self._key != key or not fresh:
            self.close()
            changing = None if public else self._changing(target.serial)
            host = JournalHost(self._journal, self._context, secret, changing=changing)
            self._session = OpticalSession(
                target.port,
                key[1],
                host,
                models=self._models,
                programs=self._programs,
                cache=self._cache,
                trace=self._recording(),
            )
            self._host, self._key = host, key
        self._host.progress, self._host.changed = progress, None
        return self._session, self._host

    def _secret(self, target: Target) -> Secret:
        return with_rules(target.model, target.serial, partial(self._secrets, target.serial))

    def _guard(self) -> _Guard:
        return _Guard(self)

    def _ended(self, error: BaseException | None) -> None:
        """A session that failed is not used again: the next call begins with a fresh program."""
        self._used_at = time.monotonic()
        if error is not None and not isinstance(error, errors.UnsupportedObject):
            session, self._session = self._session, None
            if session is not None:
                session.close()

    def _network(self, session: OpticalSession, target: Target) -> JoinEvidence | None:
        if target.role is not DeviceRole.NEW:
            return None
        try:
            return session.network()
        except errors.UnsupportedObject:
            return None


class _Guard:
    """Lets go of a session that failed, and notes when it was last used."""

    def __init__(self, work: MeterWork) -> None:
        self._work = work

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._work._ended(error)


def _name_at(session: OpticalSession, target: Target) -> str:
    """How the meter that is meant writes its own serial, which is what confirms that it is switched.

    Raises:
        OtherMeter: the head sits on another one.
    """
    found = session.identify().serial
    if found is None:
        return target.serial
    if normalise_serial(found) != normalise_serial(target.serial):
        raise errors.OtherMeter(detail=f"{found} is at the port, {target.serial} was meant")
    return found


def _readout_only(identity: Identity) -> bool:
    return identity.extra.get("mode", "") in ("A", "B", "C", "D")


def _vouched_for(result: ReadResult) -> bool:
    """Whether a readout of minutes need not be heard again: its check character stands for every register,
    over a line that showed no damage."""
    return _readout_only(result.identity) and not any(
        reading.status == "unconfirmed" for reading in result.readings
    )


def _differing(model: MeterModel | None, first: ReadResult, second: ReadResult, seconds: float) -> list[str]:
    one, two = reading_values(first.readings), reading_values(second.readings)
    most = CT_WATTS if model is not None and model.connection == "ct" else DIRECT_WATTS
    measured = [abs(watts) for values in (one, two) if (watts := watts_of(values)) is not None]
    # What a meter measures at one moment may have been more at another.
    return same_readings(one, two, seconds=seconds, watts=max([most, *(2 * watts for watts in measured)]))


def _stranger(role: DeviceRole, identity: Identity) -> Found:
    return Found(
        role=role,
        how="optical",
        manufacturer=identity.manufacturer,
        serial=identity.serial,
        model=identity.model,
        firmware=identity.firmware,
        logical_device_name=identity.logical_device_name,
    )


def _found(target: Target, result: ReadResult, evidence: JoinEvidence | None) -> Found:
    identity = result.identity
    model = target.model if target.model is not None and target.model.name == identity.model else None
    network = dict(evidence.evidence) if evidence else {}
    if evidence is not None:
        network |= {"state": evidence.state.value, "technology": evidence.technology}
    return Found(
        role=target.role,
        how="optical",
        manufacturer=identity.manufacturer,
        serial=identity.serial,
        model=identity.model,
        firmware=identity.firmware,
        logical_device_name=identity.logical_device_name,
        readings=reading_values(result.readings),
        network=network,
        wiring=judged(verdict_of(result.readings, model, generation=target.generation)),
    )
