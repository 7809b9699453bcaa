"""The glue between the job and the optical session: journal before write, counters, secrets, settling.

`MeterWork` blocks and belongs into a worker thread; only `cancel` may come from another one. It knows nothing
of steps: it is told which device to expect and gives back what was found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection as SqlConnection

from drivers import errors
from drivers.changes import ApplyReport, OutcomeState, Plan, WriteIntent, WriteOutcome
from drivers.connection import Auth, Connection, Mode, NextSecret, SecretState
from drivers.models import MeterModel, ModelClient, Protocols
from drivers.programs import find_program
from drivers.reading import Identity, JoinEvidence, Reading, ReadResult
from drivers.session.client import OpticalSession
from fieldtool.identity import normalise_serial
from fieldtool.procedure.readings import same_readings
from fieldtool.procedure.state import Found, Write
from fieldtool.security.changing import SecretChanges
from fieldtool.wiring import judged, verdict_of
from workorders.journal.kinds import DeviceRole, MeterChanged, MeterIntent, ReadingValue
from workorders.journal.writer import Also, Journal
from workorders.store.counters import next_counter, reserve_counter

Progress = Callable[[str, int, int, float | None], None]
Changed = Callable[[str, str, str | None], None]
"""(item, state, value now): a write began (`writing`) or its outcome is known."""

_REUSE_SECONDS = 20.0
"""A session is used again within this time; a meter ends an idle association by itself somewhat later."""
PASSWORD, BLOCK_KEY, AUTH_KEY = "password", "block_key", "auth_key"


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


class OrderContext(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name things are journalled."""

    order_id: str | None
    order_version: int | None
    actor: str | None


class Changing(msgspec.Struct, frozen=True):
    """Changes of the secrets of one meter: where they are kept, and whose key the office's copy is sealed
    to."""

    serial: str
    changes: SecretChanges
    office: X25519PublicKey

    def mark(self, connection: SqlConnection, *, name: str, state: SecretState) -> None:
        """Note how far a change came."""
        self.changes.mark(connection, self.serial, name, state)


class JournalHost:
    """Answers the session's questions: `drivers.connection.SessionHost` on journal and store."""

    def __init__(
        self,
        journal: Journal,
        context: OrderContext,
        secrets: Callable[[str], bytes | None],
        program_version: int | None = None,
        changing: Changing | None = None,
    ) -> None:
        self._changing = changing
        self._journal = journal
        self._context = context
        self._secrets = secrets
        self._serials: dict[str, tuple[str, str]] = {}
        self._secret_of: dict[str, str] = {}
        self.program_version = program_version
        self.progress: Progress | None = None
        self.changed: Changed | None = None

    def on_progress(self, step: str, done: int, total: int, seconds_left: float | None) -> None:
        """Pass progress on to whoever shows it."""
        if self.progress is not None:
            self.progress(step, done, total, seconds_left)

    def record_intent(self, intent: WriteIntent) -> None:
        """Journal an intent; durable when this returns, and only then does the session write."""
        sealed, sent = self._sealed(intent)
        payload = MeterIntent(
            intent_id=intent.id,
            serial=intent.meter,
            item=intent.item,
            name=intent.name,
            was=intent.was,
            will_be=intent.will_be,
            program=intent.program,
            program_version=self.program_version,
            secret=intent.secret,
            sealed_secret=sealed,
        )
        self._append(payload, sent)
        self._remember([intent])
        if self.changed is not None:
            self.changed(intent.item, "writing", None)

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """Journal what became of an intent."""
        serial, item = self._serials.get(outcome.intent_id, ("", ""))
        state = "unknown" if outcome.state is OutcomeState.INTENDED else outcome.state.value
        payload = MeterChanged(
            intent_id=outcome.intent_id,
            serial=serial,
            item=item,
            state=state,
            is_now=outcome.is_now,
            detail=outcome.detail,
            secret=self._secret_of.get(outcome.intent_id),
        )
        self._append(payload, self._settles(outcome))
        if self.changed is not None:
            self.changed(item, outcome.state.value, outcome.is_now)

    def reserve_counter(self, key: str, at_least: int, count: int) -> int:
        """Take invocation counter values durably."""
        store = self._journal.store
        # Until every meter had its own counter, one by client served for all: its values may have gone here.
        shared = next_counter(store, f"{BLOCK_KEY}/{key.rpartition('/')[2]}")
        return reserve_counter(store, key, max(at_least, shared), count)

    def secret(self, name: str) -> bytes | None:
        """A password or key of the expected meter, if it is here."""
        return self._secrets(name)

    def know(self, intents: Iterable[WriteIntent]) -> None:
        """Intents of an earlier life of this tablet, whose outcomes are about to be told."""
        self._remember(intents)

    def next_secret(self, name: str, make: int | None) -> NextSecret:
        """The secret that is to follow, kept here before the session hears of it."""
        if self._changing is None:
            return NextSecret(SecretState.NONE)
        return self._changing.changes.following(self._changing.serial, name, make)

    def _remember(self, intents: Iterable[WriteIntent]) -> None:
        for intent in intents:
            self._serials[intent.id] = (intent.meter, intent.item)
            if intent.secret is not None:
                self._secret_of[intent.id] = intent.secret

    def _sealed(self, intent: WriteIntent) -> tuple[str | None, Also | None]:
        """The new secret for the office, and what marks it as sent in the transaction of its intent."""
        name, changing = intent.secret, self._changing
        if name is None or changing is None:
            return None, None
        sealed = changing.changes.sealed(changing.serial, name, changing.office)
        return sealed, partial(changing.mark, name=name, state=SecretState.SENT)

    def _settles(self, outcome: WriteOutcome) -> Also | None:
        name, changing = self._secret_of.get(outcome.intent_id), self._changing
        if name is None or changing is None or outcome.state is OutcomeState.INTENDED:
            return None
        proven = outcome.state is OutcomeState.VERIFIED
        return partial(changing.mark, name=name, state=SecretState.CHANGED if proven else SecretState.WAITING)

    def _append(self, payload: MeterIntent | MeterChanged, also: Also | None = None) -> None:
        context = self._context
        self._journal.append(
            payload,
            order_id=context.order_id,
            order_version=context.order_version,
            actor=context.actor,
            also=also,
        )


def no_secret(name: str) -> bytes | None:
    """For the public client: there is nothing to tell."""
    return None


def not_changing(serial: str) -> Changing | None:
    """For whoever keeps no secrets: none changes."""
    return None


def connection_for(
    model: MeterModel | None, secret: Callable[[str], bytes | None], system_title: str
) -> Connection:
    """The strongest association that the model knows and whose secrets are here; the public one else."""
    clients = sorted(model.clients.values(), key=_strength, reverse=True) if model else []
    iec = model is not None and model.protocol is Protocols.IEC
    base = Connection(
        server=model.server if model else "1",
        baud=model.baud if model else 9600,
        system_title=system_title,
        model=model.name if model else None,
        mode=_MODES.get(model.protocol, Mode.AUTO) if model else Mode.AUTO,
        password=PASSWORD if iec and secret(PASSWORD) else None,
    )
    if iec:
        return base  # nobody signs on with a password there: it is sent when something is written
    change = msgspec.structs.replace
    for client in clients:
        if client.auth is Auth.GMAC and secret(BLOCK_KEY) and secret(AUTH_KEY):
            return change(base, client=client.id, auth=client.auth, block_key=BLOCK_KEY, auth_key=AUTH_KEY)
        if client.auth is Auth.LOW and secret(PASSWORD):
            return change(base, client=client.id, auth=client.auth, password=PASSWORD)
        if client.auth is Auth.NONE:
            return change(base, client=client.id)
    return base


_MODES = {Protocols.ANSI: Mode.C12, Protocols.IEC: Mode.C}


def counted(connection: Connection, serial: str) -> Connection:
    """Invocation counters count by meter: another one's must not raise this one's."""
    if not serial:
        return connection
    return msgspec.structs.replace(connection, counter_key=f"{serial}/{connection.client}")


def _strength(client: ModelClient) -> int:
    return {Auth.NONE: 0, Auth.LOW: 1}.get(client.auth, 2)


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
    """Which meter is expected behind which port."""

    port: str
    role: DeviceRole
    serial: str
    model: MeterModel | None


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
        trace: Path | None = None,
    ) -> None:
        """secrets: (serial, name) → password or key of a meter in hand; changing: serial → how they
        change."""
        self._changing = changing
        self._journal = journal
        self._secrets = secrets
        self._context = context
        self._models = models
        self._programs = programs
        self._cache = cache
        self._system_title = system_title
        self._trace = trace
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
        secret = partial(self._secrets, target.serial)
        if connection_for(target.model, secret, self._system_title).auth is not Auth.NONE:
            session, _ = self._open(target, progress, public=True)
            with self._guard():
                identity = session.identify()
            if target.serial and normalise_serial(identity.serial) != normalise_serial(target.serial):
                return _stranger(target.role, identity)
        session, _ = self._open(target, progress)
        with self._guard():
            first = session.read(items)
            second = session.read(items) if twice else first
            evidence = self._network(session, target)
        differing = same_readings(reading_values(first.readings), reading_values(second.readings))
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
        """Open and close the relay; `verified` when both took effect.

        Reconnecting is tried whatever happened to the disconnecting: nobody is left in the dark by a test.
        """
        session, _ = self._open(target, progress)
        with self._guard():
            opened = None
            try:
                opened = session.relay("disconnect", target.serial)
            finally:
                closed = session.relay("reconnect", target.serial)
        for result in (opened, closed):
            if result is None or result.state is not OutcomeState.VERIFIED:
                raise RelayTestFailed(detail=str(result))
        return OutcomeState.VERIFIED.value

    def switch_relay(self, target: Target, operation: str, progress: Progress | None) -> str:
        """Open (`disconnect`) or close (`reconnect`) the relay for good; `verified` when it took effect.

        Raises:
            RelayTestFailed: the relay did not do what it was told.
        """
        session, _ = self._open(target, progress)
        with self._guard():
            result = session.relay(operation, target.serial)
        if result.state is not OutcomeState.VERIFIED:
            raise RelayTestFailed(detail=str(result))
        return OutcomeState.VERIFIED.value

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
        secret = no_secret if public else partial(self._secrets, target.serial)
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
                trace=self._trace,
            )
            self._host, self._key = host, key
        self._host.progress, self._host.changed = progress, None
        return self._session, self._host

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
        wiring=judged(verdict_of(result.readings, model)),
    )
