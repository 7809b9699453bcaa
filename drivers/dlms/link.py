"""HDLC link of a client (primary station, normal response mode): connect, exchange, recover, disconnect.

There is no REJ in DLMS: a lost or damaged frame shows as a time-out; the client then polls with RR, and
what N(R) says decides who repeats what. Repeats are bounded. The information field sizes and windows are
negotiated in SNRM/UA.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from drivers.dlms.hdlc import (
    Control,
    Frame,
    FrameReader,
    client_address,
    encode_frame,
    information_control,
    parse_server,
    ready_control,
)
from drivers.errors import DriverError, EchoOnly, Garbage, LinkLost, NoAnswer, PortVanished
from drivers.line import Wire

_LLC_SEND = b"\xe6\xe6\x00"
_LLC_RECEIVE = (b"\xe6\xe7", b"\xe6\xe6")
_LLC_SIZE = 3
_DEFAULT_INFORMATION = 128
_REPEATS = ((64, 12), (256, 5), (0xFFFF, 3))
"""Repeats in a row by the size of the information field."""
_GAP_SECONDS = 0.4
_DAMAGED_SECONDS = 0.15
_ECHOES = 8
"""Frames of earlier transmissions whose echo may still come: as many as one window and a poll."""
_ASKED = 32
"""Frames with information that we sent last: none of them is ever the meter's, however late it comes."""
_BUSY_POLLS = 40
_LISTEN_POLLS = 2
_UNSOLICITED = 64
_ALL_CLIENTS = 0x7F
_BUSY_SECONDS = 0.25
_RESPONSE_LIMIT = 4 * 1024 * 1024
_MENDED_POLLS = 5
"""Polls in silence on a line that was mended: a meter that forgot the link will not answer at all."""


@dataclass(frozen=True)
class LinkOptions:
    """``information`` and ``window`` are proposals; ``response`` seconds to wait for the first byte of an
    answer."""

    client: int
    server: str
    information: int = 2030
    window: int = 7
    response: float = 2.0
    connect_attempts: int = 3
    baud: int = 9600
    echo: bool = False


@dataclass(frozen=True)
class Negotiated:
    """What SNRM/UA agreed: information field bytes and windows, as seen from the client."""

    transmit: int = _DEFAULT_INFORMATION
    receive: int = _DEFAULT_INFORMATION
    transmit_window: int = 1
    receive_window: int = 1


def encode_parameters(information: int, window: int) -> bytes:
    """The information field of SNRM (IEC 62056-46, 6.4.4.4.3.2). Empty for the defaults (128 and 1)."""
    if information == _DEFAULT_INFORMATION and window == 1:
        return b""
    size = information.to_bytes(2, "big") if information > 0xFF else bytes([information])
    parts = b""
    for tag, value in ((5, size), (6, size), (7, window.to_bytes(4, "big")), (8, window.to_bytes(4, "big"))):
        parts += bytes([tag, len(value)]) + value
    return b"\x81\x80" + bytes([len(parts)]) + parts


def decode_parameters(information: bytes, proposed: LinkOptions) -> Negotiated:
    """What a UA says, from the server's point of view; missing parameters, and those that are 0, have their
    defaults."""
    found: dict[int, int] = {}
    if information[:2] == b"\x81\x80" and len(information) >= 3:
        index = 3
        while index + 2 <= len(information):
            tag, length = information[index], information[index + 1]
            value = int.from_bytes(information[index + 2 : index + 2 + length], "big")
            if value:
                found[tag] = value
            index += 2 + length
    limit = proposed.information
    return Negotiated(
        transmit=max(1, min(found.get(6, _DEFAULT_INFORMATION), limit)),
        receive=found.get(5, _DEFAULT_INFORMATION),
        transmit_window=max(1, min(found.get(8, 1), proposed.window, 7)),
        receive_window=max(1, min(found.get(7, 1), 7)),
    )


class _Step(Enum):
    SEND = "send the next window of the request"
    RESEND = "repeat what is in flight"
    POLL = "send RR"
    LISTEN = "wait a moment: the meter is busy"


@dataclass
class _Turn:
    """One request and its response on the way."""

    queue: list[tuple[bytes, bool]]
    flying: list[Frame] = field(default_factory=list)
    response: bytearray = field(default_factory=bytearray)
    attempts: int = 0
    busy: int = 0
    patience: int = 0
    """Polls without news after which there is none; 0: a response must come."""
    certain: bool = True
    """Whether an N(R) that comes now was surely sent after the end of the request was."""
    may_have_arrived: bool = False
    """Whether the end of the request left, and the meter has not said that it never came."""


class HdlcLink:
    """One data link connection. ``repeats`` counts what had to be sent again (a measure of the line)."""

    def __init__(self, wire: Wire, options: LinkOptions) -> None:
        self._wire = wire
        self._options = options
        self._client = client_address(options.client)
        self._server = parse_server(options.server)
        self._reader = FrameReader()
        self._unechoed: list[Frame] = []
        self._asked: deque[Frame] = deque(maxlen=_ASKED)
        self._sending = 0.0
        self._echo = options.echo
        self._arrived: deque[bytes] = deque()
        self._ahead: list[tuple[bytes, bool]] = []
        self._turn: _Turn | None = None
        self._owed = 0
        """Polls without an answer: one may still come, and say how it was before."""
        self.mend: Callable[[DriverError], bool] | None = None
        """Asked where an exchange broke off: True where the line is whole again. Then the meter is polled on
        the link as it was: N(R) and the response that it kept tell what became of the request."""
        self.unsolicited: deque[bytes] = deque(maxlen=_UNSOLICITED)
        """APDUs that came in UI frames, outside of any exchange: notifications."""
        self._send_state = 0
        self._receive_state = 0
        self.negotiated = Negotiated()
        self.exchanges = 0
        self.repeats = 0
        self.ends_association = True
        self.connected = False

    # ---- connection

    def connect(self) -> Negotiated:
        """SNRM until UA. Raises ``NoAnswer``, ``EchoOnly`` or ``Garbage`` by what came instead."""
        parameters = encode_parameters(self._options.information, self._options.window)
        self._reader = FrameReader()
        self._unechoed = []
        self._asked.clear()
        heard = False
        for attempt in range(self._options.connect_attempts):
            # a meter that knows no parameters may ignore a long SNRM: the last attempt goes without
            last = attempt > 0 and attempt == self._options.connect_attempts - 1
            answers = self._command(Control.SNRM, b"" if last else parameters)
            for answer in answers:
                if answer.control & 0xEF == Control.UA & 0xEF:
                    self.negotiated = decode_parameters(answer.information, self._options)
                    self._arrived.clear()
                    self._ahead = []
                    self._send_state = self._receive_state = 0
                    self._owed = 0
                    self.connected = True
                    return self.negotiated
            heard = heard or bool(answers)
            if answers:  # a connection of before still lives in the meter: end it first
                self._command(Control.DISC)
        if self._reader.noise + self._reader.bad > 2 or self._reader.pending:
            raise Garbage(detail="no HDLC frame among the bytes received")
        if self._echo and not heard:
            raise EchoOnly
        raise NoAnswer(detail="the meter does not connect (no UA to SNRM)")

    def disconnect(self) -> None:
        """DISC, best effort: silence is accepted."""
        if self.connected:
            self.connected = False
            self._command(Control.DISC)

    def _command(self, control: Control, information: bytes = b"") -> list[Frame]:
        """Send an unnumbered command; the unnumbered frames that came back, our echo excluded."""
        self._reader.clear()
        self.exchanges += 1
        self._transmit([Frame(self._server, self._client, control, information)])
        return [answer for answer in self._collect(self._options.response) if answer.control & 3 == 3]

    # ---- exchange

    def exchange(self, apdu: bytes) -> bytes:
        """Send a request, return the whole response. Raises ``LinkLost`` when repeats do not help."""
        if not self.connected:
            raise LinkLost(detail="not connected")
        self._reader.clear()
        self._arrived.clear()  # what nobody listened for belongs to an exchange that is over
        queue, self._ahead = [*self._ahead, *self._segments(_LLC_SEND + apdu)], []
        turn = self._turn = _Turn(queue)
        try:
            return self._run(turn, _Step.SEND)
        except (LinkLost, PortVanished) as error:
            if not self.connected or self.mend is None or not self.mend(error):
                raise
        self._reader.clear()
        turn.attempts = max(0, self._repeats_allowed - _MENDED_POLLS)
        return self._run(turn, _Step.SEND if turn.queue and not turn.flying else _Step.POLL)

    @property
    def undelivered(self) -> bool:
        """Whether the last request certainly did not reach the meter: its end never left whole, or the meter
        said each time that it did not come."""
        return self._turn is not None and not self._turn.may_have_arrived

    def send(self, apdu: bytes) -> None:
        """Put an APDU before the next request, in the same burst: it has no answer of its own."""
        self._ahead += self._segments(_LLC_SEND + apdu)

    def listen(self) -> bytes:
        """The next APDU of the meter without a request of ours. Raises ``NoAnswer`` where it has none."""
        if self._arrived:
            return self._arrived.popleft()
        if not self.connected:
            raise LinkLost(detail="not connected")
        return self._run(_Turn([], patience=_LISTEN_POLLS), _Step.POLL)

    def _run(self, turn: _Turn, step: _Step) -> bytes:
        while True:
            frames = self._take_step(step, turn)
            if not frames:
                step = self._after_silence(step, turn)
                continue
            progress = self._absorb(frames, turn)
            if self._arrived and not turn.response:
                return self._arrived.popleft()
            if progress:
                turn.attempts = turn.busy = 0
            step = self._after_frames(progress, turn)

    def _take_step(self, step: _Step, turn: _Turn) -> list[Frame]:
        if step is _Step.LISTEN:
            return self._collect(_BUSY_SECONDS)
        self.exchanges += 1
        if step is _Step.SEND:
            self._launch(turn)
        sent = [self._ready()] if step is _Step.POLL else turn.flying
        before, carries = turn.may_have_arrived, step is not _Step.POLL and not turn.queue
        if carries:
            turn.certain = not self._owed
        turn.may_have_arrived = before or carries
        try:
            self._transmit(sent)
        except PortVanished:
            turn.may_have_arrived = before
            raise
        frames = self._collect(self._options.response)
        self._owed += 1 - any(frame.final for frame in frames)
        if turn.certain and _refuses(frames, turn.flying):
            self._owed, turn.may_have_arrived = 0, False
        return frames

    def _after_silence(self, step: _Step, turn: _Turn) -> _Step:
        """Poll first: N(R) of the answer tells what was lost. Where even that is silent, repeat the
        request."""
        if step is _Step.LISTEN:
            return _Step.POLL
        self._repeat(turn, "no valid answer")
        return _Step.RESEND if turn.flying and turn.attempts % 2 == 0 else _Step.POLL

    def _after_frames(self, progress: bool, turn: _Turn) -> _Step:
        if turn.flying:  # N(R) says that these did not arrive
            self._repeat(turn, "the meter does not take the request")
            return _Step.RESEND
        if turn.queue:
            return _Step.SEND
        if progress:
            return _Step.POLL
        turn.busy += 1
        if turn.patience and turn.busy > turn.patience:
            raise NoAnswer(detail="the meter has nothing more to say")
        if turn.busy > _BUSY_POLLS:
            raise LinkLost(detail="the meter stays busy")
        return _Step.LISTEN

    def _repeat(self, turn: _Turn, reason: str) -> None:
        turn.attempts += 1
        self.repeats += 1
        if turn.attempts > self._repeats_allowed:
            raise LinkLost(detail=f"{reason} after {turn.attempts} attempts")

    @property
    def _repeats_allowed(self) -> int:
        """Long frames that keep failing are given up early: the session comes back with short ones."""
        size = self.negotiated.receive
        return next(repeats for limit, repeats in _REPEATS if size <= limit)

    def _segments(self, data: bytes) -> list[tuple[bytes, bool]]:
        size = self.negotiated.transmit
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        return [(piece, number < len(pieces) - 1) for number, piece in enumerate(pieces)]

    def _launch(self, turn: _Turn) -> None:
        """Move one window from the queue into flight; the last frame of it polls."""
        room = self.negotiated.transmit_window
        burst, turn.queue = turn.queue[:room], turn.queue[room:]
        for number, (piece, more) in enumerate(burst):
            control = information_control(
                self._send_state, self._receive_state, poll=number == len(burst) - 1
            )
            turn.flying.append(Frame(self._server, self._client, control, piece, more))
            self._send_state = (self._send_state + 1) & 7

    def _absorb(self, frames: list[Frame], turn: _Turn) -> bool:
        """Take received frames; whether anything new was in them."""
        progress = False
        for frame in frames:
            if frame.control & 0xEF in (Control.DM & 0xEF, Control.FRMR & 0xEF):
                self.connected = False
                raise LinkLost(detail=f"the meter left the connection (control {frame.control:#04x})")
            if not (frame.is_information or frame.is_ready or frame.is_not_ready):
                continue
            if turn.flying:
                acknowledged = (frame.receive_number - turn.flying[0].send_number) & 7
                if 0 < acknowledged <= len(turn.flying):
                    del turn.flying[:acknowledged]
                    progress = True
            if frame.is_information and frame.send_number == self._receive_state:
                self._receive_state = (self._receive_state + 1) & 7
                turn.response += frame.information
                progress = True
                if not frame.segmented:
                    self._arrived.append(_without_llc(bytes(turn.response)))
                    turn.response.clear()
                if len(turn.response) > _RESPONSE_LIMIT:
                    raise LinkLost(detail="the response does not end")
        return progress

    def _notified(self, frame: Frame) -> None:
        """A UI frame to us or to all: never part of an exchange."""
        if frame.destination in (self._client, client_address(_ALL_CLIENTS)) and frame.information:
            self.unsolicited.append(_without_llc(frame.information))

    def _ready(self) -> Frame:
        return Frame(self._server, self._client, ready_control(self._receive_state))

    # ---- bytes

    def _transmit(self, frames: list[Frame]) -> None:
        self._unechoed = [*self._unechoed[-_ECHOES:], *frames]
        self._asked.extend(frame for frame in frames if frame.information)
        data = b"".join(encode_frame(frame) for frame in frames)
        self._sending = len(data) * 10 / self._options.baud
        self._wire.write(data)

    def _collect(self, patience: float) -> list[Frame]:
        """Frames for us up to one with the final bit, or until silence. Our echo is dropped."""
        frames: list[Frame] = []
        bad = self._reader.bad
        gap = max(_GAP_SECONDS, 300 / self._options.baud)
        deadline = self._wire.now() + patience + self._sending
        while True:
            data = self._wire.read(deadline)
            for frame in self._reader.feed(data) if data else self._reader.flush():
                if self._is_echo(frame):
                    deadline = self._wire.now() + patience
                elif frame.control & 0xEF == Control.UI & 0xEF:
                    self._notified(frame)
                elif frame.destination == self._client:
                    frames.append(frame)
                    if frame.final:
                        return frames
            if not data:
                return frames
            if self._reader.pending or frames:
                deadline = self._wire.now() + gap
            elif self._reader.bad > bad:  # the end of a damaged frame: the meter waits for us now
                deadline = self._wire.now() + _DAMAGED_SECONDS

    def _is_echo(self, frame: Frame) -> bool:
        """Whether a frame is one of ours coming back, perhaps late. Addresses do not tell where client and
        server have the same; a meter's RR may then look like ours, its SNRM, DISC or information never. So a
        request is known however often it was repeated, and whichever echoes were lost or came in between."""
        expected = frame in self._unechoed and (self._echo or bool(frame.information))
        if not expected and frame not in self._asked and frame.control not in (Control.SNRM, Control.DISC):
            return False
        if expected:
            del self._unechoed[: self._unechoed.index(frame) + 1]
        self._echo = True
        return True


def _refuses(frames: list[Frame], flying: list[Frame]) -> bool:
    """Whether N(R) says that the last frame in flight did not arrive."""
    numbered = [frame for frame in frames if frame.is_information or frame.is_ready or frame.is_not_ready]
    expected = {(frame.receive_number - flying[0].send_number) & 7 for frame in numbered} if flying else set()
    return bool(expected) and max(expected) < len(flying)


def _without_llc(data: bytes) -> bytes:
    """Some meters send our own direction back, another quality, or no LLC at all; no APDU begins so."""
    return data[_LLC_SIZE:] if data[:2] in _LLC_RECEIVE else data
