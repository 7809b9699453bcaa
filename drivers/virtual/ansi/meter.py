"""A whole virtual ANSI meter as one machine without I/O: octets in, octets out."""

from __future__ import annotations

from collections.abc import Callable

from drivers.virtual.ansi.device import AnsiDevice
from drivers.virtual.ansi.link import Link
from drivers.virtual.ansi.service import FIRST_BAUD, Services, State
from drivers.virtual.meter import Output
from drivers.virtual.uart import Framing


class AnsiMeter:
    """One meter behind an ANSI type 2 optical port: 8N1, 9600 baud until something else is negotiated."""

    def __init__(self, device: AnsiDevice, highest_baud: int) -> None:
        self.device = device
        self._link = Link()
        self._services = Services(device, self._link, highest_baud)
        self._baud = FIRST_BAUD
        self._after: Callable[[], None] | None = None
        self._idle_since: float | None = None
        self._idle_limit: float | None = None

    @property
    def framings(self) -> tuple[Framing, ...]:
        """Port settings that the meter can hear now."""
        return (Framing(self._baud),)

    @property
    def busy(self) -> bool:
        """True while a client is connected."""
        return self._services.state is not State.BASE

    def receive(self, data: bytes, now: float, heard: Framing | None = None) -> list[Output]:
        """Octets that came in, the last of them at `now`; `heard`: the port's settings, one choice here."""
        waiting = self._link.waiting
        out, requests = self._link.receive(data, now)
        outputs = self._output(out)
        self._idle_since = now
        if waiting and not self._link.waiting and not requests:
            self._acknowledged()
        for request in requests:
            self._acknowledged()
            answer = self._services.answer(request, now)
            self.device.settings.faults.before_answer()
            self._after, self._idle_limit = self._services.link_after, self._services.idle_limit
            outputs += self._output(self._link.send(answer, now))
        return outputs

    def _acknowledged(self) -> None:
        """What was agreed holds from here on."""
        after, self._after = self._after, None
        if after is not None:
            after()
            self._baud = self._services.baud

    def tick(self, now: float) -> list[Output]:
        """Lets time-outs happen."""
        outputs = self._output(self._link.tick(now))
        limit = self._idle_limit if self._idle_limit is not None else self._link.times.traffic
        idle = self._idle_since is not None and now - self._idle_since > limit and not self._link.waiting
        if self._link.failed or idle:
            self._back_to_base()
        return outputs

    def _output(self, octets: bytes) -> list[Output]:
        return [Output(octets, Framing(self._baud))] if octets else []

    def _back_to_base(self) -> None:
        self._services.reset()
        self._link.reset()
        self._baud, self._after = FIRST_BAUD, None
        self._idle_since = self._idle_limit = None

    def unplug(self) -> None:
        """The client's transport went away (the probe was lifted)."""
        self._back_to_base()

    def power_up(self) -> None:
        """After a power loss."""
        self._back_to_base()
        self.device.power_up()
