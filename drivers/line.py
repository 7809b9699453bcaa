"""The one owner of port and clock of a session: counts bytes, records frames, waits cancellably."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from drivers import ports
from drivers.errors import Cancelled
from drivers.parity import ParityCheck
from drivers.ports import LineFormat, Port

_SLICE = 0.1
_REOPEN_SECONDS = 30.0


class Wire(Protocol):
    """What protocols need of a line; tests give one with a fake clock."""

    def write(self, data: bytes) -> None: ...

    def read(self, deadline: float) -> bytes:
        """What has arrived; waits for the first byte until ``deadline``, then returns ``b""``."""
        ...

    def now(self) -> float: ...


class TunableWire(Wire, Protocol):
    """A wire with a line format and a way to know that everything was sent."""

    @property
    def has_line(self) -> bool: ...

    def set_line(self, line: LineFormat) -> None: ...

    def drain(self) -> None: ...

    def pause(self, seconds: float) -> None: ...


class Recorder(Protocol):
    """Keeps what crosses the line, without the secrets."""

    def __call__(self, now: float, direction: str, data: bytes, hidden: bool) -> None:
        """``direction`` tx or rx; ``hidden``: keep only how long it was."""

    def apdu(self, direction: str, plain: bytes, hidden: bool) -> None:
        """The plain APDU inside of a ciphered one."""


class Clock(Protocol):
    """Monotonic seconds, and waiting for them to pass."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Until ``event`` is set or the time is over; whether it is set."""
        ...


class RealClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


@dataclass(frozen=True)
class Surroundings:
    """Where ports come from and how time passes; a simulation brings its own of both."""

    open_port: ports.Opener = ports.open_port
    clock: Clock = field(default_factory=RealClock)


class Line:
    """A port with counters. ``cancelled`` may be set from another thread; every wait looks at it.

    While ``shielded``, a cancel waits: what was journalled as intended is written and read back first.
    While ``withhold`` is set, what is sent is recorded by length only: a password crosses the line in clear;
    with ``withhold_answers`` what is received, too (proofs, secrets that are read).
    """

    def __init__(
        self,
        url: str,
        first_format: LineFormat,
        *,
        recorder: Recorder | None = None,
        cancelled: threading.Event | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._around = surroundings or Surroundings()
        self.url = url
        self.cancelled = cancelled or threading.Event()
        self.shielded = False
        self.withhold = False
        self.withhold_answers = False
        self.on_heard: Callable[[], None] | None = None
        """Called after each piece that came in: a long answer shows how far it is."""
        self.bytes_tx = 0
        self.bytes_rx = 0
        self.parity = ParityCheck()
        self._recorder = recorder
        self._format = first_format
        self._probe = ports.probe_of(url)
        self._port: Port = self._around.open_port(url, first_format)
        self._quiet_from = 0.0

    @property
    def has_line(self) -> bool:
        return self._port.has_line

    @property
    def character_seconds(self) -> float:
        return self._format.character_seconds

    def now(self) -> float:
        return self._around.clock.now()

    def write(self, data: bytes) -> None:
        self._check()
        self._port.write(data)
        self.bytes_tx += len(data)
        started = max(self.now(), self._quiet_from)
        self._quiet_from = started + len(data) * self._format.character_seconds
        self._record("tx", data)

    def read(self, deadline: float) -> bytes:
        while True:
            self._check()
            left = deadline - self.now()
            data = self._port.read(min(max(left, 0.0), _SLICE))
            if data:
                if self._format.has_parity:
                    data = self.parity.heard(data)
                self.bytes_rx += len(data)
                self._record("rx", data)
                if self.on_heard is not None:
                    self.on_heard()
                return data
            if left <= 0:
                return b""

    def set_line(self, line: LineFormat) -> None:
        if line != self._format:
            if line.has_parity and not self._format.has_parity:
                self.parity.begin_again()
            self._port.set_line(line)
            self._format = line

    def drain(self) -> None:
        """Return when the last byte has left: adapters and terminal servers buffer, so time counts too."""
        if not self.has_line:
            return
        self._port.drain()
        left = self._quiet_from - self.now()
        if left > 0:
            self._around.clock.sleep(left)

    def pause(self, seconds: float) -> None:
        """Wait, unless cancelled."""
        if self.shielded:
            self._around.clock.sleep(seconds)
        elif self._around.clock.wait(self.cancelled, seconds):
            self._check()

    def reopen(self) -> None:
        """Find a vanished port again, or open the present one afresh. Bounded; raises ``PortVanished``."""
        self._port.close()
        self._port = ports.find_again(
            self.url,
            self._probe,
            self._format,
            wait=_REOPEN_SECONDS,
            pause=self.pause,
            now=self.now,
            opener=self._around.open_port,
        )

    def close(self) -> None:
        self._port.close()

    def _record(self, direction: str, data: bytes) -> None:
        if self._recorder:
            hidden = self.withhold if direction == "tx" else self.withhold_answers
            self._recorder(self.now(), direction, data, hidden)

    def _check(self) -> None:
        if self.cancelled.is_set() and not self.shielded:
            raise Cancelled
