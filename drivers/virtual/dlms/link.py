"""The secondary (server) station of the HDLC data link (IEC 62056-46): frames in, frames and APDUs out.

No I/O and no clock of its own: the caller gives the time (seconds, monotonic). One `Connection` exists per
client address; `Station` finds it, creates it at SNRM and forgets it at DISC or after the inactivity
time-out. Recovery is by N(R) and repetition of the poll; the DLMS profile has no REJ.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from drivers.virtual.dlms.hdlc import Address, Control, Frame, Kind, decode_control

LLC_REQUEST = b"\xe6\xe6\x00"
LLC_RESPONSE = b"\xe6\xe7\x00"
DEFAULT_INFORMATION = 128
DEFAULT_WINDOW = 1
MAX_APDU = 65535
CALLING_DEVICES = (0x7E, 0x3FFE)
ALL_STATIONS = (0x7F, 0x3FFF)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Negotiable sizes, seen from the server: longest information field and window, sending and receiving."""

    transmit: int = DEFAULT_INFORMATION
    receive: int = DEFAULT_INFORMATION
    window_transmit: int = DEFAULT_WINDOW
    window_receive: int = DEFAULT_WINDOW

    def encode(self) -> bytes:
        """The information field of a UA: format 81, group 80, parameters 05 to 08."""

        def size(identifier: int, value: int) -> bytes:
            raw = value.to_bytes(1 if value < 256 else 2, "big")
            return bytes([identifier, len(raw)]) + raw

        group = size(5, self.transmit) + size(6, self.receive)
        group += b"\x07\x04" + self.window_transmit.to_bytes(4, "big")
        group += b"\x08\x04" + self.window_receive.to_bytes(4, "big")
        return b"\x81\x80" + bytes([len(group)]) + group


def negotiate(limits: Parameters, proposal: bytes) -> Parameters:
    """What both sides can do: the smaller of our limits and the SNRM's proposal (its transmit is our
    receive).

    A parameter that is not in the SNRM has its default (128 octets, window 1).
    """
    values = {5: DEFAULT_INFORMATION, 6: DEFAULT_INFORMATION, 7: DEFAULT_WINDOW, 8: DEFAULT_WINDOW}
    if proposal[:2] == b"\x81\x80" and len(proposal) >= 3:
        at, end = 3, min(len(proposal), 3 + proposal[2])
        while at + 2 <= end:
            identifier, size = proposal[at], proposal[at + 1]
            values[identifier] = int.from_bytes(proposal[at + 2 : at + 2 + size], "big")
            at += 2 + size
    return Parameters(
        transmit=max(32, min(limits.transmit, values[6])),
        receive=max(32, min(limits.receive, values[5])),
        window_transmit=max(1, min(limits.window_transmit, values[8])),
        window_receive=max(1, min(limits.window_receive, values[7])),
    )


@dataclass(frozen=True, slots=True)
class Connected:
    """SNRM accepted: whatever association this client had is gone."""

    client: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The link of this client is released (DISC) or timed out."""

    client: int


@dataclass(frozen=True, slots=True)
class Apdu:
    """A complete APDU came in; answer with `Station.send`."""

    client: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """An APDU in a UI frame: carried out, never answered."""

    client: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Send:
    """A frame to put on the line."""

    octets: bytes


Event = Connected | Disconnected | Apdu | Unconfirmed | Send


class Connection:
    """State of one data link connection in normal response mode."""

    def __init__(self, client: Address, server: Address, parameters: Parameters, now: float) -> None:
        self.client, self.server, self.parameters = client, server, parameters
        self.last_activity = now
        self._receive = 0  # V(R): next N(S) expected
        self._send = 0  # V(S): number of the next new frame
        self._waiting: deque[tuple[bytes, bool]] = deque()  # segments not yet sent
        self._unacknowledged: deque[tuple[int, bytes, bool]] = deque()
        self._assembly = bytearray()
        self._may_send = False
        self.rejection: Send | None = None
        """The FRMR that was sent; it is repeated for every command until SNRM or DISC."""

    def frame(self, control: Control, information: bytes = b"", segmented: bool = False) -> Send:
        """A frame from this station to the client."""
        return Send(Frame(self.client, self.server, control.encode(), information, segmented).encode())

    def on_information(self, frame: Frame, control: Control) -> list[Event]:
        if len(frame.information) > self.parameters.receive:
            return [self.reject(frame.control, 0x04)]
        if not self._acknowledge(control.receive):
            return [self.reject(frame.control, 0x08)]
        self._may_send = self._may_send or control.poll
        if control.send != self._receive:  # a repetition, or one frame was lost: say where we are
            return self._continue() if control.poll else []
        self._receive = (self._receive + 1) % 8
        self._assembly += frame.information
        if len(self._assembly) > MAX_APDU:
            self._assembly.clear()
            return [self.reject(frame.control, 0x04)]
        if frame.segmented:
            return self._continue() if control.poll else []
        payload, self._assembly = bytes(self._assembly), bytearray()
        if payload[:3] != LLC_REQUEST:
            return self._continue() if control.poll else []
        return [Apdu(self.client.upper, payload[3:])]

    def on_supervisory(self, frame: Frame, control: Control) -> list[Event]:
        if not self._acknowledge(control.receive):
            return [self.reject(frame.control, 0x08)]
        self._may_send = self._may_send or control.poll
        if not control.poll:
            return []
        if control.kind is Kind.RNR:
            return self._ready()
        return self._continue()

    def send(self, payloads: list[bytes]) -> list[Event]:
        """Queues APDUs, cut to the negotiated size, and gives the frames that may go now."""
        size = self.parameters.transmit
        for payload in payloads:
            rest = LLC_RESPONSE + payload
            while rest:
                segment, rest = rest[:size], rest[size:]
                self._waiting.append((segment, bool(rest)))
        return self._continue() if self._may_send else []

    def nothing(self) -> list[Event]:
        """The application has no answer; the poll is answered with RR."""
        return self._continue() if self._may_send else []

    def reject(self, control: int, reason: int) -> Send:
        """FRMR: rejected control field, V(S) and V(R), reason (W=1 unknown command, Y=4 too long, Z=8 bad
        N(R)).
        """
        information = bytes([control, self._receive << 5 | self._send << 1, reason])
        self._may_send = False
        self.rejection = self.frame(Control(Kind.FRMR, True), information)
        return self.rejection

    def _acknowledge(self, receive: int) -> bool:
        oldest = self._unacknowledged[0][0] if self._unacknowledged else self._send
        if (receive - oldest) % 8 > len(self._unacknowledged):
            return False
        while self._unacknowledged and self._unacknowledged[0][0] != receive:
            self._unacknowledged.popleft()
        return True

    def _continue(self) -> list[Event]:
        """Repeats what was not acknowledged, then sends on up to the window; RR if there is nothing."""
        window = self.parameters.window_transmit
        while self._waiting and len(self._unacknowledged) < window:
            segment, more = self._waiting.popleft()
            self._unacknowledged.append((self._send, segment, more))
            self._send = (self._send + 1) % 8
        if not self._unacknowledged:
            return self._ready()
        self._may_send = False
        last = len(self._unacknowledged) - 1
        return [
            self.frame(Control(Kind.I, index == last, number, self._receive), segment, more)
            for index, (number, segment, more) in enumerate(self._unacknowledged)
        ]

    def _ready(self) -> list[Event]:
        self._may_send = False
        return [self.frame(Control(Kind.RR, True, receive=self._receive))]


class Station:
    """All data link connections of one physical device."""

    def __init__(self, logical: int, physical: int, limits: Parameters, inactivity: float) -> None:
        self.logical, self.physical, self.limits, self.inactivity = logical, physical, limits, inactivity
        self._connections: dict[int, Connection] = {}

    @property
    def connected(self) -> bool:
        return bool(self._connections)

    def connection(self, client: int) -> Connection | None:
        """The connection of this client address, with the sizes that were negotiated."""
        return self._connections.get(client)

    def reset(self) -> list[Event]:
        """Drops every connection without a frame (power loss, new sign-on)."""
        lost: list[Event] = [Disconnected(client) for client in self._connections]
        self._connections.clear()
        return lost

    def tick(self, now: float) -> list[Event]:
        """Drops connections that were silent longer than the inactivity time-out (0: never)."""
        if not self.inactivity:
            return []
        silent = [c for c, link in self._connections.items() if now - link.last_activity >= self.inactivity]
        for client in silent:
            del self._connections[client]
        return [Disconnected(client) for client in silent]

    def send(self, client: int, payloads: list[bytes]) -> list[Event]:
        """The application's answers to the last `Apdu` of this client (it may give none)."""
        link = self._connections.get(client)
        if link is None:
            return []
        return link.send(payloads) if payloads else link.nothing()

    def receive(self, frame: Frame, now: float) -> list[Event]:
        """One frame with right check sequences; frames for other stations are ignored."""
        client = frame.source.upper
        control = decode_control(frame.control)
        if frame.source.size != 1:
            return []
        if control is not None and control.kind is Kind.UI:
            return self._on_unnumbered_information(frame)
        if not self._is_ours(frame.destination):
            return []  # a broadcast carries UI frames only: nobody may answer it
        link = self._connections.get(client)
        if link is not None:
            link.last_activity = now
        if control is None and link is not None:
            return [link.reject(frame.control, 0x01)]
        if control is None:  # in disconnected mode every command but SNRM is answered with DM
            return [self._answer(frame, Control(Kind.DM, True))] if frame.control & 0x10 else []
        match control.kind:
            case Kind.SNRM:
                return self._connect(frame, control, now)
            case Kind.DISC:
                return self._disconnect(frame, control)
            case Kind.I | Kind.RR | Kind.RNR if link is not None and link.rejection is not None:
                return [link.rejection] if control.poll else []
            case Kind.I if link is not None:
                return link.on_information(frame, control)
            case Kind.RR | Kind.RNR if link is not None:
                return link.on_supervisory(frame, control)
            case Kind.I | Kind.RR | Kind.RNR if control.poll:
                return [self._answer(frame, Control(Kind.DM, True))]
        return []

    def _on_unnumbered_information(self, frame: Frame) -> list[Event]:
        """UI: an unconfirmed request to us or to all stations; it is never answered."""
        ours = self._is_ours(frame.destination) or self._is_broadcast(frame.destination)
        if not ours or frame.information[:3] != LLC_REQUEST or frame.source.upper not in self._connections:
            return []
        return [Unconfirmed(frame.source.upper, frame.information[3:])]

    def _is_broadcast(self, address: Address) -> bool:
        """The all-station address, in upper and lower part as far as there are parts."""
        upper = address.upper in (self.logical, *ALL_STATIONS)
        lower = address.lower is None or address.lower in (self.physical, *ALL_STATIONS)
        return upper and lower and (address.upper in ALL_STATIONS or address.lower in ALL_STATIONS)

    def _is_ours(self, address: Address) -> bool:
        if address.upper != self.logical:
            return False
        return address.lower is None or address.lower == self.physical or address.lower in CALLING_DEVICES

    def _answer(self, frame: Frame, control: Control, information: bytes = b"") -> Send:
        return Send(Frame(frame.source, frame.destination, control.encode(), information).encode())

    def _connect(self, frame: Frame, control: Control, now: float) -> list[Event]:
        parameters = negotiate(self.limits, frame.information)
        client = frame.source.upper
        self._connections[client] = Connection(frame.source, frame.destination, parameters, now)
        events: list[Event] = [Connected(client)]
        if control.poll:
            events.append(self._answer(frame, Control(Kind.UA, True), parameters.encode()))
        return events

    def _disconnect(self, frame: Frame, control: Control) -> list[Event]:
        link = self._connections.pop(frame.source.upper, None)
        events: list[Event] = [Disconnected(frame.source.upper)] if link else []
        if control.poll:
            events.append(self._answer(frame, Control(Kind.UA if link else Kind.DM, True)))
        return events
