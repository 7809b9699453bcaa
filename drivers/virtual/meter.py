"""A whole virtual meter as one machine without I/O: sign-on, HDLC or wrapper, associations, objects.

`Meter.receive` takes octets as its port got them, `Meter.tick` lets time pass; both give back what the port
does next. Time is monotonic seconds. The line and the transport are around it (`line`, `transport`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from drivers.virtual import signon
from drivers.virtual.cosem.base import Client
from drivers.virtual.cosem.device import LogicalDevice
from drivers.virtual.cosem.management import INTER_OCTET_MS
from drivers.virtual.dlms.dispatch import ServiceDispatcher
from drivers.virtual.dlms.general_blocks import GeneralBlockServer
from drivers.virtual.dlms.hdlc import FLAG, Deframer
from drivers.virtual.dlms.link import (
    Apdu,
    Connected,
    Disconnected,
    Event,
    Parameters,
    Send,
    Station,
    Unconfirmed,
)
from drivers.virtual.dlms.session import Dispatcher, Session
from drivers.virtual.dlms.short_name_dispatch import ShortNameDispatcher
from drivers.virtual.faults import PowerLoss
from drivers.virtual.signon import EnterHdlc, SignOn, Step, Switch
from drivers.virtual.uart import SIGN_ON, Framing

LOGICAL_DEVICE = 1
WRAPPER_VERSION = b"\x00\x01"
WRAPPER_HEADER = 8
_SLASH = ord("/")
_BEGINNINGS = (FLAG, _SLASH, WRAPPER_VERSION[0])
LIMITS = Parameters(2030, 2030, 7, 7)
SIGN_ON_TIMEOUT = 3.0
PROGRAMMING_TIMEOUT = 60.0


class Mode(Enum):
    """What the meter takes the octets on its port for."""

    IDLE = "idle"
    SIGN_ON = "sign-on"
    HDLC = "hdlc"
    WRAPPER = "wrapper"


@dataclass(frozen=True, slots=True)
class Output:
    """Octets to send with these port settings, `after` so many seconds more of silence."""

    octets: bytes
    framing: Framing
    after: float = 0.0


class Meter:
    """One physical device with one logical device.

    `baud` is the highest rate, offered in the identification and used for a start without sign-on; `physical`
    is the lower HDLC address; `inactivity` the HDLC time-out in seconds; `dispatcher` answers the services
    instead of the objects (a replay).
    """

    def __init__(
        self,
        device: LogicalDevice,
        baud: int,
        reaction: float,
        physical: int,
        inactivity: float,
        dispatcher: Callable[[Session], Dispatcher] | None = None,
    ) -> None:
        self.device, self._direct = device, Framing(baud)
        self._dispatcher = dispatcher
        self._signon = SignOn(
            device.flag,
            device.identification,
            device.serial,
            baud,
            reaction,
            device.readout_lines,
            self._login,
        )
        self._station = Station(LOGICAL_DEVICE, physical, LIMITS, inactivity)
        self._text_framing = SIGN_ON
        self._deframer = Deframer()
        self._wrapper = bytearray()
        self._sessions: dict[int, GeneralBlockServer] = {}
        self._framing = SIGN_ON
        self._mode = Mode.IDLE
        self._last_octet = 0.0

    @property
    def framings(self) -> tuple[Framing, ...]:
        """Port settings that the meter can hear now; without a link it knows sign-on by its rate."""
        if self._mode is Mode.SIGN_ON:
            return (self._text_framing,)
        if self._mode is Mode.HDLC and self._station.connected:
            return (self._framing,)
        if self._mode is Mode.HDLC:
            return (self._framing, SIGN_ON, self._direct)
        return (SIGN_ON, self._direct)

    @property
    def busy(self) -> bool:
        """True while a client is connected."""
        return self._station.connected or self._mode in (Mode.SIGN_ON, Mode.WRAPPER)

    def receive(self, data: bytes, now: float, heard: Framing | None = None) -> list[Output]:
        """Octets that came in, the last of them at `now`.

        `heard` says which of `framings` the port took them with; None: a transport without a rate.
        """
        if (now - self._last_octet) * 1000 > INTER_OCTET_MS:
            self._deframer.reset()
            self._wrapper.clear()
        self._last_octet = now
        if not self._station.connected and not self._deframer.pending:
            data = self._choose(data, heard)
        match self._mode:
            case Mode.IDLE:
                return []
            case Mode.SIGN_ON:
                return self._steps(self._signon.receive(data))
            case Mode.WRAPPER:
                return self._receive_wrapped(data, now)
            case Mode.HDLC:
                outputs: list[Output] = []
                for frame in self._deframer.feed(data):
                    outputs += self._events(self._station.receive(frame, now), now)
                return outputs

    def tick(self, now: float) -> list[Output]:
        """Lets time-outs happen. Raises `PowerLoss` where the meter restarts by itself (new firmware)."""
        if self.device.image.restart_due():
            raise PowerLoss("restart with another firmware")
        programming = self._signon.state is signon.State.PROGRAMMING
        patience = PROGRAMMING_TIMEOUT if programming else SIGN_ON_TIMEOUT
        if self._mode is Mode.SIGN_ON and now - self._last_octet > patience:
            self._end_sign_on()
        return self._events(self._station.tick(now), now)

    def unplug(self) -> None:
        """The client's transport went away (the probe was lifted): nothing of its link is left."""
        self._events(self._station.reset(), 0.0)
        self._deframer.reset()
        self._wrapper.clear()
        self._sessions.clear()
        mode = self._mode
        self._end_sign_on()
        if mode is Mode.HDLC:
            self._mode = mode

    def _end_sign_on(self) -> None:
        self._signon.reset()
        self._text_framing, self._mode = SIGN_ON, Mode.IDLE

    def _login(self, password: bytes) -> bool:
        """The password of programming mode is the reader's, and counts towards the same lock-out."""
        security, now = self.device.security, self._last_octet
        if security.locked(now):
            return False
        if not security.check_password(Client.READER, password):
            security.fail(now)
            return False
        security.succeed()
        return True

    def power_up(self) -> None:
        """After a power loss: volatile state is gone and the port is at 300 7E1."""
        self.unplug()
        self._mode, self._framing = Mode.IDLE, SIGN_ON
        self.device.power_up()

    def _choose(self, data: bytes, heard: Framing | None) -> bytes:
        """Which protocol begins here, by its first octet; noise and wake-up characters before it go."""
        if self._mode in (Mode.SIGN_ON, Mode.WRAPPER):
            return data
        if self._mode is Mode.HDLC and data[0] & 0xF0 == 0xA0:  # goes on after a flag that came by itself
            return data
        beginnings = _BEGINNINGS if heard is None else ((_SLASH,) if heard == SIGN_ON else (FLAG,))
        start = next((at for at, octet in enumerate(data) if octet in beginnings), None)
        if start is None:
            return b""
        data = data[start:]
        if data[0] == FLAG:
            if self._mode is not Mode.HDLC:
                self._mode, self._framing = Mode.HDLC, self._direct
        elif data[0] == _SLASH:
            self._mode = Mode.SIGN_ON
        else:
            self._mode = Mode.WRAPPER
        return data

    def _steps(self, steps: Iterable[Step]) -> list[Output]:
        outputs = []
        framing = self._text_framing
        for step in steps:
            match step:
                case Switch():
                    framing = step.framing
                    self._text_framing = framing if framing.bits == 7 else SIGN_ON
                    if framing == SIGN_ON:
                        self._mode = Mode.IDLE
                case EnterHdlc():
                    self._mode, self._framing = Mode.HDLC, framing
                    self._deframer.reset()
                case signon.Transmit():
                    outputs.append(Output(step.octets, framing))
        return outputs

    def _events(self, events: list[Event], now: float) -> list[Output]:
        outputs: list[Output] = []
        for event in events:
            match event:
                case Send():
                    outputs.append(Output(event.octets, self._framing))
                case Connected() | Disconnected():
                    self._sessions.pop(event.client, None)
                case Unconfirmed():
                    self._session(event.client).handle(event.payload, now)
                case Apdu():
                    answers = self._session(event.client).handle(event.payload, now)
                    self.device.before_answer()
                    outputs += self._events(self._station.send(event.client, answers), now)
        return outputs

    def _session(self, client: int) -> GeneralBlockServer:
        if client not in self._sessions:
            own = ShortNameDispatcher if self.device.short_names else ServiceDispatcher
            dispatcher = self._dispatcher or own
            self._sessions[client] = GeneralBlockServer(Session(self.device, client, dispatcher))
        self.device.refresh()
        return self._sessions[client]

    def _receive_wrapped(self, data: bytes, now: float) -> list[Output]:
        """IEC 62056-47: version 1, source and destination port, length, APDU."""
        self._wrapper += data
        outputs: list[Output] = []
        if len(self._wrapper) >= 2 and not self._wrapper.startswith(WRAPPER_VERSION):
            rest = bytes(self._wrapper).lstrip(b"\x00")  # they were wake-up characters, or the stream is lost
            self._wrapper.clear()
            self._mode = Mode.IDLE
            return self.receive(rest, now) if rest else []
        while len(self._wrapper) >= WRAPPER_HEADER:
            source, destination, length = (int.from_bytes(self._wrapper[i : i + 2], "big") for i in (2, 4, 6))
            if len(self._wrapper) < WRAPPER_HEADER + length:
                return outputs
            apdu = bytes(self._wrapper[WRAPPER_HEADER : WRAPPER_HEADER + length])
            del self._wrapper[: WRAPPER_HEADER + length]
            if destination != LOGICAL_DEVICE:
                continue
            answers = self._session(source).handle(apdu, now)
            self.device.before_answer()
            for answer in answers:
                head = b"".join(n.to_bytes(2, "big") for n in (1, destination, source, len(answer)))
                outputs.append(Output(head + answer, self._direct))
        return outputs
