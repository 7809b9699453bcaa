"""The client's data link of ANSI C12.18 as a state machine that does no I/O: octets and time in, actions out.

Rules (clause 5): each packet is answered by ACK or NAK within the response time-out; it is sent again after a
NAK or a time-out, three times at most; a packet with the toggle bit and the check of the one before is a
duplicate: acknowledged and dropped. The answer to a request follows within the channel traffic time-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drivers.ansi.packet import ACK, NAK, OVERHEAD, Acknowledge, Deframer, Packet, crc, split
from drivers.errors import DriverError, EchoOnly, Garbage, LinkLost, NoAnswer

_MESSAGE_LIMIT = 1 << 20
_PATIENCE_SECONDS = 30.0
"""Longest time without one whole packet or acknowledgement, whatever noise there is."""
_QUIET_SECONDS = 0.1
"""After damage the rest of the packet is let go by before it is asked for again: the line is half duplex."""


@dataclass(frozen=True)
class Timing:
    """Time-outs in seconds and retries, as C12.18 gives them for a start; timing setup may change them."""

    traffic: float = 6.0
    inter_character: float = 0.5
    response: float = 2.0
    retries: int = 3


@dataclass(frozen=True)
class Send:
    data: bytes


@dataclass(frozen=True)
class Deliver:
    """The whole answer to the request."""

    message: bytes


Action = Send | Deliver


class _State(StrEnum):
    IDLE = "idle"
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"


class DataLink:
    """One request at a time: ``request``, then ``received`` for octets and ``tick`` when ``deadline`` came.

    ``character_seconds`` is the time of one octet on the line: what is sent must have left before a time-out
    begins.
    """

    def __init__(self, timing: Timing | None = None, character_seconds: float = 10 / 9600) -> None:
        self.timing = timing or Timing()
        self.packet_size = 64
        self.packets = 1
        self.character_seconds = character_seconds
        self.deadline = 0.0
        self.echo: bool | None = None
        self.heard_anything = False
        self._state = _State.IDLE
        self._deframer = Deframer()
        self._toggle = False
        self._queue: list[Packet] = []
        self._tries = 0
        self._once = False
        self._answer = bytearray()
        self._expected: int | None = None
        self._last_heard: tuple[bool, bytes] | None = None
        self._sent = b""
        self._peer_toggles = True
        self._naks = 0
        self._unechoed = bytearray()
        self._noise = False
        self._spoiled = False
        self._give_up = 0.0

    # ---- sending

    def request(self, message: bytes, now: float, *, once: bool = False) -> list[Action]:
        """Send a request. ``once``: after a time-out it is not sent again (a password), only after a NAK.

        Raises ``LinkLost`` if it is longer than what was negotiated.
        """
        try:
            self._queue = split(message, self.packet_size, self._toggle, self.packets)
        except ValueError as error:
            raise LinkLost(detail=str(error)) from None
        self._toggle ^= bool(len(self._queue) & 1)
        self._once = once
        self._answer.clear()
        self._expected = None
        self._naks = 0
        self._noise = self._spoiled = False
        self._deframer.longest = self.packet_size
        self._deframer.reset()
        self._give_up = now + _PATIENCE_SECONDS
        return self._send_first(now)

    def _send_first(self, now: float) -> list[Action]:
        self._tries = 0
        return self._transmit(now)

    def _transmit(self, now: float) -> list[Action]:
        self._state = _State.ACKNOWLEDGE
        self._tries += 1
        self._sent = data = self._queue[0].encode()
        self.deadline = now + len(data) * self.character_seconds + self.timing.response
        return [self._send(data)]

    def _send(self, data: bytes) -> Send:
        if self.echo is not False:
            self._unechoed += data
        return Send(data)

    # ---- receiving

    def received(self, data: bytes, now: float) -> list[Action]:
        """Take octets. Raises ``Garbage`` or ``LinkLost`` when the other side cannot be understood."""
        data = self._without_echo(data)
        if not data:
            return []
        self.heard_anything = True
        if now > self._give_up:
            raise Garbage(detail="nothing but noise")
        if self._spoiled:
            self.deadline = now + _QUIET_SECONDS
            return []
        actions: list[Action] = []
        for heard in self._deframer.feed(data):
            if isinstance(heard, Acknowledge):
                actions += self._on_acknowledge(heard.good, now)
            elif isinstance(heard, Packet):
                if not self._is_our_own(heard):
                    actions += self._on_packet(heard, now)
            else:
                self._spoiled = True
                self._deframer.reset()
                self.deadline = now + _QUIET_SECONDS
                return actions
        if self._deframer.pending:
            self.deadline = now + self.timing.inter_character
        return actions

    def _without_echo(self, data: bytes) -> bytes:
        """Drop what comes back of our own octets; whether the head echoes is learnt from the first packet."""
        if self.echo is False or not self._unechoed:
            return data
        same = 0
        while same < min(len(data), len(self._unechoed)) and _alike(data[same], self._unechoed[same]):
            same += 1
        whole = same == len(self._unechoed)
        del self._unechoed[:same]
        if same < len(data):  # the other side speaks: all of our octets have been heard, or there is no echo
            self.echo = self.echo or (True if whole else None if same else False)
            self._unechoed.clear()
        elif not self._unechoed:
            self.echo = True
        return data[same:]

    def _is_our_own(self, packet: Packet) -> bool:
        """An echo that came late, behind what the meter said meanwhile. No answer looks like it: requests
        begin with 20 or more, response codes are below (C12.18, 4.2)."""
        if packet.encode() != self._sent:
            return False
        self.echo = True
        return True

    def _on_acknowledge(self, good: bool, now: float) -> list[Action]:
        if self._state is not _State.ACKNOWLEDGE:
            return []
        if not good:
            return self._again(now, LinkLost(detail="the meter could not read our packet"))
        self._give_up = now + _PATIENCE_SECONDS
        self._queue.pop(0)
        if self._queue:
            return self._send_first(now)
        self._await_answer(now)
        return []

    def _await_answer(self, now: float) -> None:
        self._state = _State.ANSWER
        self.deadline = now + self.timing.traffic

    def _on_packet(self, packet: Packet, now: float) -> list[Action]:
        mark = (packet.toggle, crc(packet.encode()[:-2]))
        if self._state is _State.IDLE or self._is_duplicate(mark):
            return [self._send(bytes([ACK]))]  # our acknowledgement was lost
        if self._state is _State.ACKNOWLEDGE and len(self._queue) > 1:
            return []
        self._queue.clear()  # it answers, so it took our packet: the acknowledgement was lost
        self._await_answer(now)
        self._last_heard = mark
        self._give_up = now + _PATIENCE_SECONDS
        self._naks = 0
        self._join(packet)
        acknowledge: list[Action] = [self._send(bytes([ACK]))]
        if packet.sequence:
            return acknowledge
        self._state = _State.IDLE
        return [*acknowledge, Deliver(bytes(self._answer))]

    def _is_duplicate(self, mark: tuple[bool, bytes]) -> bool:
        """Same toggle and check as the packet before.

        A meter that lets the toggle stand between two different packets does not use it, against the
        standard: then what follows the acknowledgement of a new request is its answer, even if it looks like
        the last one.
        """
        before = self._last_heard
        if before is not None and before[0] == mark[0] and before[1] != mark[1]:
            self._peer_toggles = False
        return mark == before and (self._peer_toggles or self._state is not _State.ANSWER)

    def _join(self, packet: Packet) -> None:
        if self._expected is None:
            if packet.multiple and not packet.first:
                raise Garbage(detail="a later packet of an answer without the first one")
        elif packet.sequence != self._expected:
            raise Garbage(detail=f"packet {packet.sequence} of an answer, {self._expected} was to come")
        self._answer += packet.data
        self._expected = packet.sequence - 1
        if len(self._answer) > _MESSAGE_LIMIT:
            raise Garbage(detail="the answer does not end")

    def _on_damaged(self, now: float) -> list[Action]:
        self._noise = True
        self._naks += 1
        self._unechoed.clear()
        if self._naks > self.timing.retries:
            kind = LinkLost if self._last_heard else Garbage  # what it said before could be understood
            raise kind(detail="packets with a wrong check")
        self.deadline = now + self.timing.response
        return [self._send(bytes([NAK]))]

    # ---- time

    def tick(self, now: float) -> list[Action]:
        """The deadline has come. Raises ``NoAnswer``, ``EchoOnly``, ``Garbage`` or ``LinkLost`` after the
        last attempt."""
        if now < self.deadline or self._state is _State.IDLE:
            return []
        if self._spoiled or self._deframer.pending:  # damaged or broken off: asked for again
            self._spoiled = False
            self._deframer.reset()
            return self._on_damaged(now)
        if self._state is _State.ACKNOWLEDGE:
            if self._once:
                raise self._silence("no answer to the password")
            return self._again(now, self._silence("no acknowledgement"))
        raise self._silence("acknowledged, but not answered")

    def _again(self, now: float, error: DriverError) -> list[Action]:
        if self._tries > self.timing.retries:
            raise error
        self._unechoed.clear()  # the echo of the last try has come or never will
        return self._transmit(now)

    def _silence(self, detail: str) -> DriverError:
        if self._noise:
            return Garbage(detail=detail)
        if self.heard_anything:
            return LinkLost(detail=detail)
        return EchoOnly(detail=detail) if self.echo else NoAnswer(detail=detail)

    @property
    def message_room(self) -> int:
        """Octets that one message can have in either direction."""
        return (self.packet_size - OVERHEAD) * self.packets


def _alike(heard: int, sent: int) -> bool:
    """Whether an octet may be the echo of ours: on a bad line a bit of it is sometimes another."""
    return (heard ^ sent).bit_count() <= 1
