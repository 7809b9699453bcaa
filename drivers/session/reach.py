"""Reaching a meter: port, sign-on, link, association; and reaching it again after a cut.

Nothing is sent before the first job asks. The order of what is tried is decided here; the protocols
themselves do not know each other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from drivers.connection import Auth, Connection, Mode
from drivers.dlms.acse import Mechanism
from drivers.dlms.apdu import ServiceException
from drivers.dlms.attributes import ListLimit
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.client import Channel, Credentials, DlmsClient, StaleCounter
from drivers.dlms.cosem import parse_item
from drivers.dlms.hdlc import parse_server
from drivers.dlms.link import HdlcLink, LinkOptions
from drivers.dlms.wrapper import WrapperChannel
from drivers.errors import (
    AssociationRefused,
    Cancelled,
    CounterRefused,
    DriverError,
    EchoOnly,
    Garbage,
    LinkLost,
    MissingSecret,
    NoAnswer,
    PortVanished,
    WrongKey,
    WrongValue,
)
from drivers.iec62056.identification import Identification
from drivers.iec62056.readout import DataSet
from drivers.iec62056.runner import read_out, sign_on
from drivers.iec62056.sign_on import Wanted
from drivers.line import Line, Recorder
from drivers.models import MeterModel
from drivers.ports import hdlc_format, iec_format
from drivers.session.counters import CounterBlock

_Value = TypeVar("_Value")
_FRAMES = ((128, 1), (48, 1))
"""Information field and window after the first and any further cut: short frames pass where long ones do
not."""
_RECOVERIES = 3
_WAIT_SECONDS = 30.0
_UNHEARD = 2
"""Associations in a row whose verdict the line swallowed: a wrong key would lock the meter at the next."""
_QUIET_SECONDS = 0.25
_LONGEST_BURST_BYTES = 7 * 2048
_LIST_AFTER_CUT = 8
_DEFAULT_COUNTER = "1:0.0.43.1.0.255:2"
_MECHANISMS = {
    Auth.NONE: Mechanism.NONE,
    Auth.LOW: Mechanism.LOW,
    Auth.HIGH: Mechanism.HIGH,
    Auth.MD5: Mechanism.MD5,
    Auth.SHA1: Mechanism.SHA1,
    Auth.SHA256: Mechanism.SHA256,
    Auth.GMAC: Mechanism.GMAC,
}


@dataclass(frozen=True)
class Questions:
    """What reaching a meter must ask the application."""

    secret: Callable[[str], bytes | None]
    reserve: Callable[[str, int, int], int]
    progress: Callable[[str, int, int], None]


@dataclass
class _Recovery:
    """How often and how long one job has been trying to reach the meter again."""

    cuts: int = 0
    began: float = 0.0
    latest: float = 0.0

    def count(self, now: float) -> None:
        self.began = self.began if self.cuts else now
        self.latest = now
        self.cuts += 1

    @property
    def has_time(self) -> bool:
        """A meter without supply or a probe that comes and goes is waited for, but not for ever."""
        return self.latest - self.began < _WAIT_SECONDS

    @property
    def pause_seconds(self) -> float:
        """Nothing before the first attempt, then longer each time."""
        return min(2.0, 0.25 * 2 ** (self.cuts - 2)) if self.cuts > 1 else 0.0


class Reach:
    """One meter behind one port."""

    def __init__(
        self,
        port: str,
        connection: Connection,
        questions: Questions,
        models: dict[str, MeterModel],
        recorder: Recorder | None = None,
    ) -> None:
        self._port = port
        self._connection = connection
        self._questions = questions
        self._models = models
        self._recorder = recorder
        self._channel: Channel | None = None
        self._client: DlmsClient | None = None
        self._counters: CounterBlock | None = None
        self._cuts = 0
        self._resume = False
        self._was_associated = self._was_linked = False
        self._unheard = 0
        self._password_on_the_way = False
        self.check_same: Callable[[DlmsClient], None] | None = None
        self._baud = connection.baud
        self._echo = False
        self._exchanges = 0
        self.line: Line | None = None
        self.identification: Identification | None = None
        self.data_sets: list[DataSet] | None = None
        self.model: MeterModel | None = models.get(connection.model or "")
        self.list_limit = ListLimit()
        if connection.model and self.model is None:
            raise WrongValue(f"There is no meter model {connection.model!r}.")
        self._check_connection()

    def _check_connection(self) -> None:
        try:
            parse_server(self._connection.server)
        except ValueError as error:
            raise WrongValue(str(error)) from None
        if not 0 < self._connection.client < 128:
            raise WrongValue(f"client {self._connection.client}: 1 to 127")

    @property
    def exchanges(self) -> int:
        """Requests sent since the session began."""
        return self._exchanges + (self._channel.exchanges if self._channel else 0)

    @property
    def client_address(self) -> int:
        return self._connection.client

    @property
    def was_cut(self) -> bool:
        """Whether the line failed in this session: then nothing about the meter's limits is to be learnt."""
        return self._cuts > 0

    @property
    def is_readout(self) -> bool:
        """Whether this meter speaks only data readout (mode A, B or C)."""
        return self.data_sets is not None

    # ---- jobs

    def run(self, job: Callable[[DlmsClient], _Value]) -> _Value:
        """Do something that may be done again: after a cut the meter is reached anew, with smaller frames."""
        recovery = _Recovery()
        while True:
            try:
                return job(self.client())
            except (LinkLost, PortVanished, Garbage, NoAnswer) as error:
                if not self._may_recover(error, recovery):
                    raise
                self.cut(error)
                self._open_line().pause(recovery.pause_seconds)

    def _may_recover(self, error: DriverError, recovery: _Recovery) -> bool:
        """Bounded; never with a password on the way, whose verdict nobody heard: it could be a second
        wrong one."""
        if self.line is None or self._password_on_the_way or self._unheard > _UNHEARD:
            return False
        recovery.count(self.line.now())
        if isinstance(error, PortVanished):
            return recovery.has_time
        if isinstance(error, NoAnswer):  # a meter that was there before, and comes back
            return self._was_linked and recovery.cuts > 1 and recovery.has_time
        return self._was_linked and recovery.cuts <= _RECOVERIES

    def cut(self, error: DriverError) -> None:
        """Forget the association; find the port again if it vanished."""
        self._drop_channel()
        stream_is_broken = self._connection.mode is Mode.WRAPPER and not isinstance(error, Cancelled)
        if isinstance(error, PortVanished) or stream_is_broken:
            self._open_line().reopen()
            self._resume = False
            return
        self._resume = self._was_linked
        if not isinstance(error, Cancelled):
            self._cuts += 1
            if self.list_limit.value is None:
                self.list_limit.value = _LIST_AFTER_CUT

    def client(self) -> DlmsClient:
        """The association, made if there is none."""
        if self._client is None:
            self._connect()
            self._client = self._associated()
            if self._was_associated and self.check_same:
                self.check_same(self._client)  # the head may sit on another meter by now
            self._was_associated = True
        return self._client

    def _associated(self) -> DlmsClient:
        """An association that failed leaves no half-open link behind."""
        try:
            return self._associate()
        except DriverError as error:
            if not isinstance(error, LinkLost | PortVanished | Garbage | NoAnswer | Cancelled):
                self._unheard, self._password_on_the_way = 0, False
            channel = self._channel
            if channel is not None:
                with suppress(DriverError):
                    channel.disconnect()
            self._drop_channel()
            raise

    def leave(self) -> None:
        """Disconnect and close the port; never raises for a meter that is gone already."""
        if self._client is not None and self.line is not None:
            with suppress(DriverError):
                self._client.release()
        self._drop_channel()
        if self.line is not None:
            self.line.close()
            self.line = None

    def _drop_channel(self) -> None:
        if self._channel is not None:
            self._exchanges += self._channel.exchanges
        self._channel = self._client = None

    # ---- sign-on

    def _open_line(self) -> Line:
        if self.line is None:
            optical = self._connection.mode in (Mode.AUTO, Mode.E, Mode.C)
            first = iec_format(300) if optical else hdlc_format(self._connection.baud)
            self.line = Line(self._port, first, recorder=self._recorder)
        return self.line

    def _connect(self) -> None:
        """Channel to the meter, by the mode of the connection."""
        line = self._open_line()
        if self._connection.mode is Mode.WRAPPER:
            logical = int(self._connection.server.partition(":")[0])
            self._channel = WrapperChannel(line, self._connection.client, logical)
            self._was_linked = True
            return
        if self._connection.mode is Mode.HDLC:
            self._channel = self._link(self._connection.client)
            return
        if self._resume and self._resume_hdlc():
            return
        self._questions.progress("sign_on", 0, 1)
        try:
            self._sign_on(line)
        except (NoAnswer, EchoOnly, Garbage) as error:
            if self._connection.mode is not Mode.AUTO:
                raise
            self._fall_back_to_hdlc(error)
        self._questions.progress("sign_on", 1, 1)

    def sign_on_only(self) -> None:
        """Sign on without associating: enough for meters that only read out."""
        if self._channel is None and self.data_sets is None:
            try:
                self._connect()
            except ReadoutOnly:
                return

    def _sign_on(self, line: Line) -> None:
        wanted = {Mode.AUTO: Wanted.BEST, Mode.E: Wanted.HDLC}.get(self._connection.mode, Wanted.READOUT)
        address = self._connection.device_address
        signed = sign_on(line, address=address, wanted=wanted, patience=self._connection.reaction)
        self.identification = signed.identification
        self._echo = signed.echo
        self._recognise_by_line()
        if not signed.hdlc:
            self.data_sets = read_out(line, signed)
            self._exchanges += 2
            raise ReadoutOnly
        self._baud = signed.identification.baud
        self._exchanges += 2
        self._channel = self._link(self._connection.client)

    def _fall_back_to_hdlc(self, first: DriverError) -> None:
        """Nobody answered the sign-on: the meter may still be in HDLC, or know nothing else."""
        try:
            self._channel = self._link(self._connection.client)
        except NoAnswer:
            raise first from None

    def _resume_hdlc(self) -> bool:
        """After a cut the meter mostly still listens in HDLC: that saves a sign-on at 300 baud."""
        self._wait_until_quiet()
        try:
            self._channel = self._link(self._connection.client, attempts=2)
        except (NoAnswer, EchoOnly, Garbage):
            return False
        return True

    def _wait_until_quiet(self) -> None:
        """Let the rest of an answer pass that nobody waits for any more."""
        line = self._open_line()
        last = line.now() + _LONGEST_BURST_BYTES * 10 / self._baud
        while line.now() < last and line.read(line.now() + _QUIET_SECONDS):
            pass

    def _link(self, client: int, *, attempts: int = 3) -> HdlcLink:
        line = self._open_line()
        line.set_line(hdlc_format(self._baud))
        information, window = self._connection.info_field, self._connection.window
        if self._cuts:
            information, window = _FRAMES[min(self._cuts, len(_FRAMES)) - 1]
        link = HdlcLink(
            line,
            LinkOptions(
                client=client,
                server=self._connection.server,
                information=information,
                window=window,
                response=self._connection.reaction,
                connect_attempts=attempts,
                baud=self._baud if line.has_line else 9600,
                echo=self._echo,
            ),
        )
        link.connect()
        self._was_linked = True
        return link

    def _recognise_by_line(self) -> None:
        if self.model is None and self.identification is not None:
            line = identification_text(self.identification)
            fitting = [m for m in self._models.values() if m.match.identification and m.recognises_line(line)]
            self.model = fitting[0] if len(fitting) == 1 else None
        if self.model is not None and self.model.quirks.list_limit:
            self.list_limit.value = self.model.quirks.list_limit

    # ---- association

    def _associate(self) -> DlmsClient:
        self._questions.progress("associate", 0, 1)
        credentials = self._credentials()
        if self._counters and self.model and self.model.quirks.counter_first:
            self._learn_counter(None)
        client = self._new_client(credentials)
        line = self._open_line()
        line.withhold = self._password_on_the_way = bool(credentials.secret)
        self._unheard += 1
        try:
            client.associate()
            self._password_on_the_way = False
            self._unheard = 0
        except (StaleCounter, ServiceException) as error:
            if credentials.ciphering is None:
                raise
            client = self._again_with_counter(credentials, error)
        finally:
            line.withhold = False
        self._questions.progress("associate", 1, 1)
        return client

    def _new_client(self, credentials: Credentials) -> DlmsClient:
        if self._channel is None:
            self._connect()
        assert self._channel is not None
        lockout = self.model.lockout_seconds if self.model else 60
        return DlmsClient(self._channel, credentials, lockout_seconds=lockout)

    def _again_with_counter(self, credentials: Credentials, error: DriverError) -> DlmsClient:
        """The meter refused our counter, or does not say what it dislikes: go on from its own counter,
        once."""
        assert self._counters is not None
        used = self._counters.last
        self._learn_counter(error.expected if isinstance(error, StaleCounter) else None)
        if not (isinstance(error, StaleCounter) and error.expected) and self._counters.last_learnt <= used:
            raise WrongKey(detail="refused although the counter is fresh")
        client = self._new_client(credentials)
        try:
            client.associate()
        except StaleCounter:
            raise CounterRefused(detail="refused twice") from None
        return client

    def _learn_counter(self, expected: int | None) -> None:
        assert self._counters is not None
        at_least = expected if expected is not None else self._read_counter() + 1
        self._counters.raise_to(at_least)

    def _read_counter(self) -> int:
        """The meter's own counter, through the public client. Raises ``CounterRefused`` if nobody tells
        it."""
        if self._channel is not None:
            self._channel.disconnect()
            self._drop_channel()
        line = self._open_line()
        public: Channel
        if self._connection.mode is Mode.WRAPPER:
            public = WrapperChannel(line, 16, int(self._connection.server.partition(":")[0]))
        else:
            public = self._link(16)
        try:
            client = DlmsClient(public, Credentials(Mechanism.NONE))
            client.associate()
            for text in self._counter_items():
                data = client.get(parse_item(text)).data
                if data is not None and isinstance(data.value, int):
                    return int(data.value)
        except (AssociationRefused, ServiceException) as error:
            raise CounterRefused(detail=f"public client: {error.detail or error.message}") from None
        finally:
            public.disconnect()
            self._exchanges += public.exchanges
            if self._connection.mode is not Mode.WRAPPER:
                self._channel = self._link(self._connection.client)
        raise CounterRefused(detail="the meter shows no invocation counter to the public client")

    def _counter_items(self) -> list[str]:
        models = [self.model] if self.model else list(self._models.values())
        found = [model.counter_item(self._connection.client) for model in models]
        return list(dict.fromkeys([*[item for item in found if item], _DEFAULT_COUNTER]))

    def _credentials(self) -> Credentials:
        connection = self._connection
        mechanism = _MECHANISMS[connection.auth]
        if mechanism is Mechanism.NONE:
            return Credentials(mechanism, client=connection.client)
        secret = b"" if mechanism is Mechanism.GMAC else self._secret(connection.password, "password")
        ciphering = None
        if mechanism is Mechanism.GMAC or connection.block_key:
            ciphering = self._ciphering()
        return Credentials(mechanism, secret, ciphering, connection.client)

    def _ciphering(self) -> Ciphering:
        connection = self._connection
        title = bytes.fromhex(connection.system_title) if _is_title(connection.system_title) else b""
        if not title:
            raise WrongValue("The system title of this tablet must be 16 hex digits.")
        block = self._key(connection.block_key, "block key")
        authentication = self._key(connection.auth_key, "authentication key")
        if self._counters is None:
            key = connection.counter_key or f"{connection.block_key}/{connection.client}"
            self._counters = CounterBlock(self._questions.reserve, key)
        return Ciphering(title, block, authentication, self._counters.next)

    def _key(self, name: str | None, what: str) -> bytes:
        key = self._secret(name, what)
        if len(key) != 16:
            raise WrongValue(f"The {what} must have 16 bytes, this one has {len(key)}.")
        return key

    def _secret(self, name: str | None, what: str) -> bytes:
        value = self._questions.secret(name) if name else None
        if value is None:
            raise MissingSecret(f"The {what} of this meter is not on this tablet.")
        return value


class ReadoutOnly(DriverError):
    """Not a failure of the line: this meter has no DLMS, only its readout (in ``Reach.data_sets``)."""

    code = "readout-only"
    message = "This meter only reads out; it cannot be configured or asked for single objects."
    hint = "Its registers are shown as it sends them."


def identification_text(identification: Identification) -> str:
    """The line as the model files match it: manufacturer, then the text."""
    return f"{identification.manufacturer} {identification.text}"


def _is_title(text: str) -> bool:
    return len(text) == 16 and all(char in "0123456789abcdefABCDEF" for char in text)
