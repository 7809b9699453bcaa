"""A simulated optical port: the virtual meter's own line, a clock that moves when somebody waits, and faults.

Faults are tied to the count of characters that crossed the line, both ways together: so a cut falls at the
same place of the conversation each time it is tried.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from unittest.mock import patch

from drivers.errors import NoProbe, PortVanished
from drivers.line import Surroundings
from drivers.ports import LineFormat, Port, with_even_parity
from drivers.virtual.faults import PowerLoss
from drivers.virtual.line import Line
from drivers.virtual.uart import Framing, transfer

_TICK = 0.05
_LONGEST_VISIT = 7200.0
_GRAIN = 1e-4
_SHUT = Framing(9600)
"""Of a port that is not open: what the meter sends meanwhile reaches nobody."""
_SOON = 0.015
"""Characters are handed over in pieces of this length of time."""


class TabletDied(BaseException):
    """The tablet lost its battery: nothing of the program runs after this."""


class Stuck(BaseException):
    """The driver went on for hours of simulated time: a wait that is not bounded."""


class SimulatedClock:
    """Seconds that pass at once."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.advance(self.time + max(0.0, seconds))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()

    def advance(self, to: float) -> None:
        self.time = max(self.time, to)
        if self.time > _LONGEST_VISIT:
            raise Stuck(f"{self.time:.0f} s of simulated time")


class Kind(StrEnum):
    """What happens to the line or to the tablet."""

    SLIP = "slip"
    """The head is off the meter: what is sent either way is lost; both ends go on."""
    VANISH = "vanish"
    """The port is gone (cable, Bluetooth); the meter does not know."""
    POWER = "power"
    """The meter loses its supply."""
    KILL = "kill"
    """The tablet dies."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``at``: after so many characters of the visit; ``seconds``: how long it lasts."""

    at: int
    kind: Kind
    seconds: float = 1.0


class Noise:
    """Flips bits at a rate; the distance to the next flip is drawn, so that a clean line costs nothing."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate = rate
        self._random = random.Random(seed)
        self._left = self._draw()

    def _draw(self) -> int:
        if self._rate <= 0:
            return 1 << 62
        return int(math.log(1 - self._random.random()) / math.log(1 - self._rate))

    def __call__(self, octet: int) -> int:
        left = self._left
        while left < 8:
            octet ^= 1 << left
            left += 1 + self._draw()
        self._left = left - 8
        return octet


class Field:
    """One meter, its line, its clock and what will go wrong. ``boot``: seconds off after a power loss that
    the meter's own write faults raise; ``error_rate``: of bits, both ways, the parity bit's too; ``fine``: to
    the character; ``strips``: the adapter keeps parity bits to itself."""

    def __init__(
        self,
        line: Line,
        faults: Sequence[Fault] = (),
        *,
        boot: float = 2.0,
        error_rate: float = 0.0,
        seed: int = 0,
        fine: bool = False,
        strips: bool = False,
    ) -> None:
        self.clock = SimulatedClock()
        self.characters = 0
        self.boundaries: list[int] = []
        self.opened = 0
        self.happened: list[Fault] = []
        self._line = line
        self._faults = sorted(faults, key=lambda fault: fault.at)
        self._boot = boot
        self._soon = _SOON if not fine else _GRAIN
        self._noise = Noise(error_rate, seed)
        self._strips = strips
        self._slipped_until = self._gone_until = 0.0
        self._off_until: float | None = None
        self._at = self.clock.now()
        self._buffer = bytearray()
        self._dead = False
        self._sending: bool | None = None
        line.connect()

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(self.open_port, self.clock)

    def revive(self) -> None:
        """The tablet was started again."""
        self._dead = False
        self._line.connect()
        self._buffer.clear()
        self.clock.sleep(20.0)

    def calm(self) -> None:
        """Nothing goes wrong any more; what is still broken is waited for."""
        self._faults.clear()
        self._noise = Noise(0.0, 0)
        self.clock.advance(max(self._slipped_until, self._gone_until, self._off_until or 0.0) + 5.0)

    def open_port(self, url: str, line: LineFormat, *, wait: float = 5.0) -> Port:
        """As `drivers.ports.open_port`."""
        self.check_alive()
        if self.clock.now() < self._gone_until:
            self.clock.sleep(0.05)
            raise NoProbe(detail=f"{url}: not there")
        self._catch_up(_SHUT, 0)
        self.opened += 1
        self._line.connect()
        self._buffer.clear()
        return SimulatedPort(self, self.opened, line, strips=self._strips)

    def check_alive(self) -> None:
        """Raises ``TabletDied`` once the tablet is dead: no clean-up of it runs."""
        if self._dead:
            raise TabletDied

    def check_there(self, number: int) -> None:
        """Raises ``PortVanished`` for a port that was opened before it vanished."""
        self.check_alive()
        if number != self.opened or self.clock.now() < self._gone_until:
            raise PortVanished(detail="the port is gone")

    # ---- what crosses the line

    def send(self, data: bytes, framing: Framing, number: int) -> None:
        """From the tablet to the meter."""
        self._catch_up(framing, number)
        self._turn(sending=True)
        passed = bytearray()
        for octet in data:
            if self._passes(number):
                passed.append(self._noise(octet))
        if passed:
            self._line.send(bytes(passed), framing, self.clock.now())
        self.check_there(number)

    def receive(self, deadline: float, framing: Framing, number: int) -> bytes:
        """From the meter to the tablet: what came by ``deadline``."""
        while True:
            self.check_there(number)
            self._catch_up(framing, number)
            if self._buffer:
                data = bytes(self._buffer)
                self._buffer.clear()
                return data
            now = self.clock.now()
            if now >= deadline:
                return b""
            due = self._line.due
            until = min(deadline, now + _TICK)
            if due is not None:
                until = min(until, max(due, now + self._soon))
            self.clock.advance(until)

    def _catch_up(self, framing: Framing, number: int) -> None:
        """The meter lives on while the tablet does something else; what it sends waits in the port."""
        now = self.clock.now()
        while self._at < now:
            self._at = min(now, self._at + _TICK)
            if self._off_until is not None:
                if self._at < self._off_until:
                    self._line.connect()
                    continue
                self._off_until = None
                self._line.power_up()
            self._buffer += self._arrived(framing, number)

    def _arrived(self, framing: Framing, number: int) -> bytes:
        try:
            self._line.tick(self._at)
            pieces = self._line.poll(self._at)
        except PowerLoss:
            self._power_off(self._boot)
            return b""
        passed = bytearray()
        for octets, sent_with in pieces:
            self._turn(sending=False)
            kept = bytes(octet for octet in octets if self._passes(number))
            passed += bytes(self._noise(octet) for octet in transfer(kept, sent_with, framing))
        return bytes(passed)

    def _turn(self, *, sending: bool) -> None:
        if self._sending is not sending:
            self._sending = sending
            self.boundaries.append(self.characters)

    def _passes(self, number: int) -> bool:
        """Counts one character, lets due faults happen; whether it gets through."""
        while self._faults and self._faults[0].at <= self.characters:
            self._happen(self._faults.pop(0))
        self.characters += 1
        lost = self._at < self._slipped_until or self._at < self._gone_until or self._off_until is not None
        return not lost and number == self.opened

    def _happen(self, fault: Fault) -> None:
        self.happened.append(fault)
        end = self._at + fault.seconds
        match fault.kind:
            case Kind.SLIP:
                self._slipped_until = end
            case Kind.VANISH:
                self._gone_until = end
                self.opened += 1
            case Kind.POWER:
                self._power_off(fault.seconds)
            case Kind.KILL:
                self.kill()

    def kill(self) -> None:
        """The tablet dies here."""
        self._dead = True
        raise TabletDied

    def _power_off(self, seconds: float) -> None:
        self._off_until = self._at + seconds
        self._line.connect()


class SimulatedPort:
    """One opening of the port. 7E1 is 8N1 with the parity in software, as `drivers.ports.SerialPort` does it;
    ``strips``: an adapter that keeps the parity to itself and checks nothing."""

    has_line = True

    def __init__(self, field: Field, number: int, line: LineFormat, *, strips: bool) -> None:
        self._field = field
        self._number = number
        self._line = line
        self._strips = strips

    def write(self, data: bytes) -> None:
        self._field.check_there(self._number)
        sent = with_even_parity(data) if self._line.has_parity else data
        self._field.send(sent, self._framing, self._number)

    def read(self, wait: float) -> bytes:
        deadline = self._field.clock.now() + wait
        data = self._field.receive(deadline, self._framing, self._number)
        return bytes(octet & 0x7F for octet in data) if self._strips and self._line.has_parity else data

    @property
    def _framing(self) -> Framing:
        """What crosses the wire."""
        line = self._line
        return (
            Framing(line.baud, 8, "N") if line.has_parity else Framing(line.baud, line.data_bits, line.parity)
        )

    def set_line(self, line: LineFormat) -> None:
        self._field.check_there(self._number)
        self._line = line

    def drain(self) -> None:
        """The driver waits by itself until what it sent has left."""

    def close(self) -> None:
        """The meter does not notice."""


class Stopwatch:
    """Processor time outside of the simulated port: the codec, the session and what a visit asks of them."""

    def __init__(self) -> None:
        self.inside = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        def counted(method: Callable[..., object]) -> Callable[..., object]:
            def call(*given: object) -> object:
                began = time.process_time()
                try:
                    return method(*given)
                finally:
                    self.inside += time.process_time() - began

            return call

        with (
            patch.object(SimulatedPort, "read", counted(SimulatedPort.read)),
            patch.object(SimulatedPort, "write", counted(SimulatedPort.write)),
        ):
            yield
