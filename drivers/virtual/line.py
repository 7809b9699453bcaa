"""The line between a client and a meter: time on the wire, reaction time, echo, bit errors, cuts.

Half duplex, as an optical port is: a character that the client sends takes its time, the meter answers a
reaction time after the last one, and each character of the answer takes its time again. Deadlines are
absolute, so errors do not add up. `Line` has no clock and no socket: `transport` feeds it and waits until
`Line.due`.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from drivers.virtual.dlms.hdlc import FLAG
from drivers.virtual.faults import LineCut
from drivers.virtual.meter import Output
from drivers.virtual.uart import SIGN_ON, Framing, transfer

GRANULARITY = 0.004
"""Characters for the client are handed over at least this often (seconds) while a longer text is on the
wire.
"""


@dataclass(frozen=True, slots=True)
class LineOptions:
    """How the line behaves. Times in seconds; `ber` is the probability that one bit is flipped.

    `cut_after` cuts when that many characters went over the line, both ways together; `cut_frame` when the
    meter is about to send its n-th answer. With `cut_once` only the first cut happens, else each connection
    is cut.
    """

    paced: bool = False
    reaction: float = 0.02
    echo: bool = False
    ber: float = 0.0
    cut_after: int | None = None
    cut_frame: int | None = None
    cut_once: bool = False
    seed: int = 0


class PhysicalMeter(Protocol):
    """What a line needs of a meter, whatever protocol it speaks."""

    @property
    def framings(self) -> tuple[Framing, ...]: ...

    def receive(self, data: bytes, now: float, heard: Framing | None = None) -> list[Output]: ...

    def tick(self, now: float) -> list[Output]: ...

    def unplug(self) -> None: ...

    def power_up(self) -> None: ...


class Line:
    """One line with its meter. Times are monotonic seconds."""

    def __init__(self, meter: PhysicalMeter, options: LineOptions) -> None:
        self._meter, self._options = meter, options
        self._random = random.Random(options.seed)
        self._to_meter: deque[tuple[float, int, Framing | None]] = deque()
        self._to_client: deque[tuple[float, int, Framing]] = deque()
        self._free_at = 0.0
        self._guessed = SIGN_ON
        self._characters = self._answers = 0
        self._armed = True
        self._broken = False
        self._handed_over = 0.0

    def connect(self) -> None:
        """A client's transport was opened."""
        self._to_meter.clear()
        self._to_client.clear()
        self._characters = self._answers = 0
        self._broken = False

    def disconnect(self) -> None:
        """The client's transport was closed."""
        self.connect()
        self._meter.unplug()

    def power_up(self) -> None:
        """The meter starts again after a power loss."""
        self.connect()
        self._meter.power_up()

    def send(self, data: bytes, framing: Framing | None, now: float) -> None:
        """The client sends `data` at `now`, with its port set to `framing` (None: a transport without a
        rate).
        """
        for octet in data:
            at = now
            if self._options.paced:
                at = self._free_at = max(self._free_at, now) + (framing or self._guess(octet)).seconds
            self._to_meter.append((at, octet, framing))

    def _guess(self, octet: int) -> Framing:
        """Over a transport without a rate: the settings of the protocol that begins with this octet."""
        heard = self._meter.framings
        if len(heard) == 1:
            self._guessed = heard[0]
        elif not self._to_meter and octet == ord("/"):
            self._guessed = SIGN_ON if SIGN_ON in heard else heard[-1]
        elif not self._to_meter and octet in (FLAG, 0):
            self._guessed = next((framing for framing in heard if framing.bits == 8), self._guessed)
        return self._guessed

    @property
    def paced(self) -> bool:
        """Whether characters take the time that they take at the baud rate."""
        return self._options.paced

    @property
    def due(self) -> float | None:
        """When `poll` has something to do next; None: not before more comes in."""
        if self._broken:
            return 0.0
        deadlines = []
        if (
            self._to_meter
        ):  # the meter has nothing to do before the last one, the client may wait for its echo
            first, last = self._to_meter[0][0], self._to_meter[-1][0]
            deadlines.append(self._soon(first, last) if self._options.echo else last)
        if self._to_client:
            deadlines.append(self._soon(self._to_client[0][0], self._to_client[-1][0]))
        return min(deadlines) if deadlines else None

    def _soon(self, first: float, last: float) -> float:
        return min(last, max(first, self._handed_over + GRANULARITY))

    def poll(self, now: float) -> list[tuple[bytes, Framing]]:
        """Moves what is due; gives characters for the client with the settings that they were sent with.

        Raises `LineCut` where the options say so, and what the meter raises at a fault inside it.
        """
        if self._broken:
            raise LineCut("the line was cut")
        self._deliver(now)
        self._handed_over = now
        ready: list[tuple[bytes, Framing]] = []
        while self._to_client and self._to_client[0][0] <= now and not self._broken:
            _, octet, framing = self._to_client.popleft()
            self._count()
            if ready and ready[-1][1] == framing:
                ready[-1] = (ready[-1][0] + bytes([octet]), framing)
            else:
                ready.append((bytes([octet]), framing))
        return ready

    def tick(self, now: float) -> None:
        """Lets the meter's time-outs happen."""
        self._answer(self._meter.tick(now), now)

    def _deliver(self, now: float) -> None:
        while self._to_meter and self._to_meter[0][0] <= now and not self._broken:
            at, octet, framing = self._to_meter.popleft()
            chunk = bytearray([octet])
            while not self._options.paced and self._to_meter and self._to_meter[0][2] == framing:
                chunk.append(self._to_meter.popleft()[1])
            for _ in chunk:
                self._count()
            if self._broken:
                return
            if self._options.echo:
                seen_as = framing or self._meter.framings[0]
                self._to_client.extend((at, echoed, seen_as) for echoed in chunk)
            data, port = self._noise(bytes(chunk)), None
            if framing is not None:
                port = self._port(framing)
                data = transfer(data, framing, port, check_parity=True)
            if data:
                self._answer(self._meter.receive(data, at, port), at)

    def _port(self, framing: Framing) -> Framing:
        """The settings that the meter's port hears characters with that were sent with `framing`."""
        settings = self._meter.framings
        at_that_rate = (one for one in settings if one.baud == framing.baud)
        return framing if framing in settings else next(at_that_rate, settings[0])

    def _answer(self, outputs: list[Output], at: float) -> None:
        if not outputs:
            return
        self._answers += 1
        if self._options.cut_frame == self._answers and self._armed:
            self._cut()
            return
        moment = at + self._options.reaction
        for output in outputs:
            moment += output.after
            for octet in self._noise(output.octets):
                if self._options.paced:
                    moment += output.framing.seconds
                self._to_client.append((moment, octet, output.framing))
        self._free_at = max(self._free_at, moment)

    def _noise(self, data: bytes) -> bytes:
        rate = self._options.ber
        if rate <= 0:
            return data
        draw = self._random.random
        return bytes(o ^ sum(1 << bit for bit in range(8) if draw() < rate) for o in data)

    def _count(self) -> None:
        self._characters += 1
        if (
            self._armed
            and self._options.cut_after is not None
            and self._characters >= self._options.cut_after
        ):
            self._cut()

    def _cut(self) -> None:
        self._broken = True
        self._armed = not self._options.cut_once
