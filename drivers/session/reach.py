"""Reaching a meter: access, association, invocation counter; and reaching it again after a cut.

Nothing is sent before the first job asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from drivers.connection import Connection, NextSecret, Referencing, SecretState
from drivers.dlms.acse import Mechanism
from drivers.dlms.apdu import ServiceException
from drivers.dlms.attributes import ListLimit
from drivers.dlms.client import ContextRefused, Credentials, DlmsClient, StaleCounter
from drivers.dlms.general_blocks import Channel
from drivers.dlms.invoke import InvokeIds
from drivers.dlms.link import HdlcLink
from drivers.dlms.offers import Offers
from drivers.dlms.short_name_services import NameTable
from drivers.errors import (
    Cancelled,
    CounterRefused,
    DriverError,
    EchoOnly,
    Garbage,
    LinkLost,
    NoAnswer,
    PortVanished,
    VerdictUnheard,
    WrongKey,
    WrongPassword,
    WrongValue,
)
from drivers.iec62056.identification import Identification
from drivers.iec62056.readout import DataSet
from drivers.line import Line, Recorder, Surroundings
from drivers.models import MeterModel
from drivers.session.access import Access
from drivers.session.counters import Reserve
from drivers.session.credentials import CredentialMaker
from drivers.session.meter_counter import DEFAULT_COUNTER, PUBLIC_CLIENT, read_counter
from drivers.session.observer import Observer
from drivers.session.pace import Progress
from drivers.session.recovery import Recovery

_Value = TypeVar("_Value")
_RECOVERIES = 3
_LIST_AFTER_CUT = 8
_LINE_ERRORS = (LinkLost, PortVanished, Garbage, NoAnswer, EchoOnly)


def _nothing_new(name: str, make: int | None) -> NextSecret:
    return NextSecret(SecretState.NONE)


@dataclass(frozen=True)
class Questions:
    """What reaching a meter must ask the application."""

    secret: Callable[[str], bytes | None]
    reserve: Reserve
    progress: Progress
    next_secret: Callable[[str, int | None], NextSecret] = _nothing_new


class Reach:
    """One meter behind one port. ``cancelled`` ends whatever is being waited for."""

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
        self._recorder = recorder
        self._access = Access(port, connection, cancelled, recorder, surroundings)
        self._connection = connection
        self._questions = questions
        self._models = models
        self._adopted: dict[str, bytes] = {}
        self._maker = CredentialMaker(connection, self.secret, questions.reserve)
        self._channel: Channel | None = None
        self._client: DlmsClient | None = None
        self._was_associated = False
        self._offers = Offers()
        self._instead: tuple[str, bytes] | None = None
        self._invoke_ids = InvokeIds()
        self._proven_at: int | None = None
        self._exchanges = 0
        self._access.mend = self._mend
        self.check_same: Callable[[DlmsClient], None] | None = None
        self.model: MeterModel | None = models.get(connection.model or "")
        self.list_limit = ListLimit()
        self.write_limit = ListLimit()
        self.access_refused = False
        """Whether this type of meter agrees to ACCESS and then does not do it."""
        self._names = NameTable()
        self._referencing = connection.referencing

    @property
    def line(self) -> Line | None:
        return self._access.line

    @property
    def identification(self) -> Identification | None:
        return self._access.identification

    @property
    def data_sets(self) -> list[DataSet] | None:
        """The readout of a meter that has no DLMS."""
        return self._access.data_sets

    @property
    def exchanges(self) -> int:
        """Requests sent since the session began."""
        open_ones = self._channel.exchanges if self._channel else 0
        return self._exchanges + self._access.sign_on_exchanges + open_ones

    @property
    def client_address(self) -> int:
        return self._connection.client

    @property
    def was_cut(self) -> bool:
        """Whether the line failed in this session: then nothing about the meter's limits is to be learnt."""
        return self._access.cuts > 0

    @property
    def cuts(self) -> int:
        """How often the line failed in this session."""
        return self._access.cuts

    # ---- secrets that change

    @property
    def connection(self) -> Connection:
        return self._connection

    def secret(self, name: str) -> bytes | None:
        """A password or key as it holds on this meter now: one that was changed in this session, else the
        host's."""
        return self._adopted.get(name) or self._questions.secret(name)

    def next_secret(self, name: str, make: int | None = None) -> NextSecret:
        return self._questions.next_secret(name, make)

    def is_adopted(self, name: str) -> bool:
        return name in self._adopted

    def adopt(self, name: str, value: bytes) -> None:
        """From now on the meter is reached with this value."""
        self._adopted[name] = value
        self._proven_at, self._offers = None, Offers()
        self.end_association()

    def prove(self, connection: Connection, name: str, value: bytes) -> None:
        """Come in once with one secret replaced; nothing is left open behind it.

        Raises ``WrongKey``, ``WrongPassword``, ``LockedOut``, ``AssociationRefused``; a line error where
        the verdict was not heard. Never tried again from here.
        """
        self.end_association()
        before, maker, kept = self._connection, self._maker, self._adopted
        offers, proven_at = self._offers, self._proven_at
        self._offers, self._proven_at = Offers(), None
        self._connection = connection
        self._adopted = {**kept, name: value}
        self._maker = CredentialMaker(connection, self.secret, self._questions.reserve)
        if connection.client == before.client and connection.block_key == before.block_key:
            self._maker.counters = maker.counters
        self._access.client = connection.client
        try:
            self._open_patiently()
            self._client = self._associated()
            if self.check_same:
                self.check_same(self._client)
        finally:
            self._connection, self._maker, self._adopted = before, maker, kept
            self._offers, self._proven_at = offers, proven_at
            self._access.client = before.client
            self.end_association()

    def _open_patiently(self) -> None:
        """A link, after a cut too: as long as no secret is on the way, the meter may be waited for."""
        recovery = Recovery()
        while True:
            try:
                self._open_channel()
            except _LINE_ERRORS as error:
                if not self._may_recover(error, recovery):
                    raise
                self.cut(error)
                self._access.open_line().pause(recovery.pause_seconds)
            else:
                return

    def end_association(self) -> None:
        """Release and disconnect; the next job comes in anew."""
        if self._client is not None:
            with suppress(DriverError):
                self._client.release()
        elif self._channel is not None:
            with suppress(DriverError):
                self._channel.disconnect()
        self._drop_channel()

    def _half_changed(self) -> tuple[str, bytes] | None:
        """Our own secret of which a new one was sent and never proven: it may be the one that the meter
        wants."""
        ours = self._connection
        for name in (ours.block_key, ours.auth_key, ours.password):
            following = self.next_secret(name) if name and name not in self._adopted else None
            if name and following and following.state is SecretState.SENT and following.value:
                return name, following.value
        return None

    def _associated_with_either(self) -> DlmsClient:
        """With the secrets as we know them; where a change was cut off and they are refused, once with the
        new one. A refused one is not offered again where only the verdict on the new one was not heard."""
        if self._instead is None:
            try:
                return self._associated()
            except (WrongKey, WrongPassword):
                self._instead = self._half_changed()
                if self._instead is None:
                    raise
        name, value = self._instead
        self._open_channel()
        self._adopted[name] = value
        try:
            client = self._associated()
        except DriverError as error:
            del self._adopted[name]
            if not isinstance(error, (*_LINE_ERRORS, Cancelled, VerdictUnheard)):
                self._instead = None
            raise
        self._instead = None
        return client

    # ---- jobs

    def run(self, job: Callable[[DlmsClient], _Value], done: Callable[[], int] = lambda: 0) -> _Value:
        """Do something that may be done again: after a cut the meter is reached anew, with smaller frames.

        ``done`` counts what the job has got so far: while that grows, a bad line is gone on with.
        """
        recovery, before = Recovery(), done()
        while True:
            try:
                return job(self.client())
            except _LINE_ERRORS as error:
                if done() > before:
                    recovery, before = Recovery(), done()
                if not self._may_recover(error, recovery):
                    raise
                self.cut(error)
                self._access.open_line().pause(recovery.pause_seconds)

    def _may_recover(self, error: DriverError, recovery: Recovery) -> bool:
        """Bounded; never with a password on the way, whose verdict nobody heard: it could be a second
        wrong one. Of a key, the meter's counter may tell (``_settle_key``)."""
        if self.line is None or self._offers.secret:
            return False
        recovery.count(self.line.now())
        if isinstance(error, PortVanished):
            return recovery.has_time or recovery.cuts <= _RECOVERIES
        reached = self._client is not None
        if isinstance(error, Garbage) and reached and recovery.cuts > 1:
            return False  # the line works: the meter says the same odd thing again
        again = isinstance(error, Garbage) and not reached and recovery.cuts > 1
        if again or isinstance(error, NoAnswer | EchoOnly):  # a meter that was there before, and comes back
            return self._access.was_linked and recovery.cuts > 1 and recovery.has_time
        return self._access.was_linked and recovery.cuts <= _RECOVERIES

    def cut(self, error: DriverError) -> None:
        """Forget the association; find the port again if it vanished."""
        self._drop_channel()
        if self.line is not None:
            self.line.shielded = False
        vanished = isinstance(error, PortVanished)
        broken = not vanished and not isinstance(error, Cancelled)
        if broken and self.list_limit.value is None:
            self.list_limit.value = _LIST_AFTER_CUT
        self._access.lost(broken=broken, reopen=vanished)

    def client(self) -> DlmsClient:
        """The association, made if there is none."""
        if self._client is None:
            self._open_channel()
            self._client = self._associated_with_either()
            if self._was_associated and self.check_same:
                self.check_same(self._client)  # the head may sit on another meter by now
            self._was_associated = True
        return self._client

    def hand_over(self) -> Line | None:
        """The open line, for whoever goes on with a meter that has no DLMS."""
        self._drop_channel()
        return self._access.hand_over()

    def leave(self) -> None:
        """Disconnect and close the port; never raises for a meter that is gone already."""
        if self._client is not None and self.line is not None:
            with suppress(DriverError):
                self._client.release()
        self._drop_channel()
        self._access.close()

    def _open_channel(self) -> Channel:
        if self._channel is None:
            self._questions.progress("sign_on", 0, 1)
            try:
                self._channel = self._access.channel()
            finally:
                self._recognise_by_line()
            self._questions.progress("sign_on", 1, 1)
        return self._channel

    def _drop_channel(self) -> None:
        if self._channel is not None:
            self._exchanges += self._channel.exchanges
        self._channel = self._client = None

    def _recognise_by_line(self) -> None:
        if self.model is None and self.identification is not None:
            line = identification_text(self.identification)
            fitting = [model for model in self._models.values() if model.recognises_line(line)]
            self.model = fitting[0] if len(fitting) == 1 else None
        if self.model is not None:
            self.recognise(self.model)

    def recognise(self, model: MeterModel) -> None:
        """Which type of meter it is, however that was found out."""
        self.model = model
        self._invoke_ids.fixed = model.quirks.fixed_invoke_id
        if model.quirks.list_limit:
            self.list_limit.value = model.quirks.list_limit
        if model.quirks.write_limit:
            self.write_limit.value = model.quirks.write_limit

    # ---- association

    def _associated(self) -> DlmsClient:
        """An association that failed leaves no half-open link behind."""
        try:
            return self._associate()
        except DriverError as error:
            undelivered = isinstance(self._channel, HdlcLink) and self._channel.undelivered
            if undelivered or not isinstance(error, (*_LINE_ERRORS, Cancelled)):
                self._offers.answered()
            if self._channel is not None:
                with suppress(DriverError):
                    self._channel.disconnect()
            self._drop_channel()
            raise

    def _associate(self) -> DlmsClient:
        self._questions.progress("associate", 0, 1)
        credentials = self._maker.make()
        if credentials.ciphering and self._offers.key:
            self._settle_key()
        if credentials.ciphering and self.model and self.model.quirks.counter_first:
            self._learn_counter(None)
        client = self._new_client(credentials)
        line = self._access.open_line()
        line.withhold = bool(credentials.secret)
        line.withhold_answers = line.withhold and credentials.mechanism is not Mechanism.LOW
        try:
            client = self._in_its_context(client, credentials)
        except (StaleCounter, ServiceException) as error:
            if credentials.ciphering is None:
                raise
            client = self._again_with_counter(credentials, error)
        finally:
            line.withhold = line.withhold_answers = False
        self._offers.answered()
        if credentials.ciphering:
            self._proven_at = self._maker.counters.last
            self._offers.known = credentials.ciphering.server_title
        self._questions.progress("associate", 1, 1)
        return client

    def _in_its_context(self, client: DlmsClient, credentials: Credentials) -> DlmsClient:
        """Associate; a meter that does not know our referencing has not looked at the password: the other
        kind is tried once, where nobody said which it is."""
        try:
            client.associate()
        except ContextRefused:
            if self._referencing is not Referencing.AUTO or self._uses_short_names:
                raise
            self._referencing = Referencing.SN
            client = self._new_client(credentials)
            client.associate()
        return client

    @property
    def _uses_short_names(self) -> bool:
        told = self.model.referencing if self.model else Referencing.LN
        return (told if self._referencing is Referencing.AUTO else self._referencing) is Referencing.SN

    def _new_client(self, credentials: Credentials) -> DlmsClient:
        lockout = self.model.lockout_seconds if self.model else 60
        return DlmsClient(
            self._open_channel(),
            credentials,
            lockout_seconds=lockout,
            short_names=self._table(),
            general_blocks=self._connection.general_blocks,
            offers=self._offers,
            invoke_ids=self._invoke_ids,
            observer=Observer(self._access.open_line(), self._recorder),
        )

    def _mend(self, error: DriverError) -> bool:
        """Whether an exchange that broke off is gone on with: while a secret is on its way."""
        if not self._offers.unheard:
            return False
        if isinstance(error, PortVanished):
            self._access.open_line().reopen()
        return True

    def _settle_key(self) -> None:
        """A key was offered and its verdict never heard: go on only where the meter's own counter shows that
        it took it. What moves that counter is authenticated decryption (Green Book 9.2.3), which fails under
        another key; a make whose counter moves all the same has a quirk. In a session that has proven the
        key, a counter since then also shows that it is the same meter. Else a person decides.

        Raises ``VerdictUnheard``; a line error, after which this is asked again.
        """
        used = self._maker.counters.last
        least = used if self._proven_at is None else self._proven_at
        try:
            holds = None if self.model and self.model.quirks.counter_of_forged else self._read_counter()
        except CounterRefused:
            holds = None
        self._offers.answered()
        if holds is None or not least <= holds <= used + 1:
            raise VerdictUnheard(detail=f"counter {used} was sent, the meter holds {holds}")

    def _table(self) -> NameTable | None:
        return self._names if self._uses_short_names else None

    def _again_with_counter(self, credentials: Credentials, error: DriverError) -> DlmsClient:
        """The meter refused our counter, or does not say what it dislikes: go on from its own counter,
        once."""
        used = self._maker.counters.last
        told = error.expected if isinstance(error, StaleCounter) else None
        at_least = self._learn_counter(told)
        if not told and at_least <= used:
            raise WrongKey(detail="refused although the counter is fresh")
        client = self._new_client(credentials)
        try:
            client.associate()
        except StaleCounter:
            raise CounterRefused(detail="refused twice") from None
        return client

    def _learn_counter(self, told: int | None) -> int:
        """Go on from what the meter told, else from what its counter object holds; the least it takes.

        Some meters tell the least that they take, as the Green Book has it, others the last that they took.
        """
        at_least = (told if told is not None else self._read_counter()) + 1
        self._maker.counters.raise_to(at_least)
        return at_least

    def _read_counter(self) -> int:
        """The meter's own counter, through the public client. Raises ``CounterRefused`` if nobody tells
        it."""
        if self._channel is not None:
            self._channel.disconnect()
            self._drop_channel()
        public = self._access.channel_of(PUBLIC_CLIENT)
        try:
            return read_counter(public, self._counter_items(), short_names=self._uses_short_names)
        finally:
            public.disconnect()
            self._exchanges += public.exchanges
            self._channel = self._access.channel_of(self._access.client)

    def _counter_items(self) -> list[str]:
        models = [self.model] if self.model else list(self._models.values())
        found = [model.counter_item(self._connection.client) for model in models]
        return list(dict.fromkeys([*[item for item in found if item], DEFAULT_COUNTER]))


def identification_text(identification: Identification) -> str:
    """The line as the model files match it: manufacturer, then the text."""
    return f"{identification.manufacturer} {identification.text}"
