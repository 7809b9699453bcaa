"""The client against the virtual meter in one process, on a clock that only moves when somebody waits."""

from __future__ import annotations

from collections.abc import Callable

from drivers.ansi.client import PsemClient
from drivers.ansi.meter import Tables
from drivers.errors import LinkLost
from drivers.ports import LineFormat, hdlc_format
from drivers.virtual.ansi.device import ANSI_MODELS, AnsiDevice, AnsiSettings
from drivers.virtual.ansi.layout import Layout
from drivers.virtual.ansi.meter import AnsiMeter
from drivers.virtual.uart import Framing

NOW = 1_795_500_000.0
Change = Callable[[bytes], bytes]


def unchanged(octets: bytes) -> bytes:
    return octets


class Wire:
    """A line to a virtual meter. ``to_meter`` and ``to_client`` may damage or drop what crosses it."""

    def __init__(self, meter: AnsiMeter, *, echo: bool = False) -> None:
        self.meter = meter
        self.echo = echo
        self.clock = 0.0
        self.has_line = True
        self.line = hdlc_format(9600)
        self.to_meter: Change = unchanged
        self.to_client: Change = unchanged
        self.sent: list[bytes] = []
        self._pending = b""

    def now(self) -> float:
        return self.clock

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self.clock += 10 * len(data) / self.line.baud
        if self.echo:
            self._pending += data
        if self.meter.framings != (Framing(self.line.baud),):
            return  # at another rate the meter hears nothing it could use
        heard = self.to_meter(data)
        if heard:
            self._take(b"".join(out.octets for out in self.meter.receive(heard, self.clock)))

    def _take(self, octets: bytes) -> None:
        if octets:
            self._pending += self.to_client(octets)

    def read(self, deadline: float) -> bytes:
        if not self._pending:
            while self.clock < deadline and not self._pending:
                self.clock = min(deadline, self.clock + 0.25)
                self._take(b"".join(out.octets for out in self.meter.tick(self.clock)))
        data, self._pending = self._pending, b""
        return data

    def set_line(self, line: LineFormat) -> None:
        self.line = line

    def drain(self) -> None:
        """Everything is sent at once here."""

    def pause(self, seconds: float) -> None:
        self.clock += seconds
        self._take(b"".join(out.octets for out in self.meter.tick(self.clock)))


def device(
    layout: Layout | None = None,
    days: int = 2,
    serial: str = "61000123",
    at: Callable[[], float] | None = None,
) -> AnsiDevice:
    settings = AnsiSettings(serial=serial, days=days, layout=layout, import_kwh=12345)
    return AnsiDevice(ANSI_MODELS["ansi-1ph"], settings, at or (lambda: NOW))


def connected(
    built: AnsiDevice | None = None,
    *,
    password: bytes | None = None,
    packet_size: int = 512,
    echo: bool = False,
) -> tuple[PsemClient, Wire]:
    """A client that is logged on; ``packet_size`` 0: nothing is negotiated."""
    meter = AnsiMeter(built or device(), 19200)
    wire = Wire(meter, echo=echo)
    client = PsemClient(wire)
    client.identify()
    if packet_size:
        client.negotiate(packet_size, 254, [])
    client.logon(2, "test")
    if password is not None:
        client.security(password, 60)
    return client, wire


def tables(client: PsemClient, wire: Wire) -> Tables:
    return Tables(client, {}, wire.pause)


def lost(octets: bytes) -> bytes:
    return b""


__all__ = ["NOW", "LinkLost", "Wire", "connected", "device", "lost", "tables", "unchanged"]
