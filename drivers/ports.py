"""Ports by URL: COM3, /dev/ttyUSB0, socket://, rfc2217://; discovery of probes; finding a vanished probe
again.

A ``Port`` is the thin layer on the operating system: it knows bytes, baud rate and nothing of meters.
Everything that goes wrong with the device itself becomes ``NoProbe``, ``PortBusy`` or ``PortVanished``.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
import serial
from serial import rfc2217
from serial.tools import list_ports

from drivers.errors import NoProbe, PortBusy, PortVanished

_SLICE = 0.05
"""Seconds a single wait in the operating system may last, so that a wait can be cancelled."""


class ProbePort(msgspec.Struct, frozen=True):
    """A serial port that may carry a probe. ``url`` is what ``open_port`` takes."""

    url: str
    description: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None


@dataclass(frozen=True)
class LineFormat:
    """Baud rate and character format. 7E1 for IEC 62056-21, 8N1 for HDLC."""

    baud: int
    data_bits: int
    parity: str

    @property
    def has_parity(self) -> bool:
        """Whether a character is seven bits and their even parity."""
        return (self.data_bits, self.parity) == (7, "E")

    @property
    def character_seconds(self) -> float:
        """Seconds of one character: 10 bits in both formats."""
        return 10 / self.baud


def iec_format(baud: int) -> LineFormat:
    """7 data bits, even parity, 1 stop bit (IEC 62056-21, clause 4.1)."""
    return LineFormat(baud, 7, "E")


def hdlc_format(baud: int) -> LineFormat:
    """8 data bits, no parity, 1 stop bit (Green Book, HDLC)."""
    return LineFormat(baud, 8, "N")


class Port(Protocol):
    """Bytes in, bytes out, with a line format where the port has one."""

    has_line: bool

    def write(self, data: bytes) -> None: ...

    def read(self, wait: float) -> bytes:
        """What has arrived, waiting up to ``wait`` seconds for the first byte; ``b""`` if nothing came. In
        7E1 the eighth bit is the parity that came, or 0 where the port does not tell it."""
        ...

    def set_line(self, line: LineFormat) -> None: ...

    def drain(self) -> None: ...

    def close(self) -> None: ...


class Opener(Protocol):
    """How a port is opened. Raises ``NoProbe`` or ``PortBusy``."""

    def __call__(self, url: str, line: LineFormat, *, wait: float = ...) -> Port: ...


class SocketPort:
    """``socket://HOST:PORT``: raw TCP to a terminal server or meter. There is no baud rate to set."""

    has_line = False

    def __init__(self, url: str, wait: float) -> None:
        parts = urlsplit(url)
        try:
            self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=wait)
        except (OSError, ValueError) as error:
            raise NoProbe(detail=f"{url}: {error}") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise PortVanished(detail=str(error)) from None

    def read(self, wait: float) -> bytes:
        try:
            ready, _, _ = select.select([self._socket], [], [], max(0.0, wait))
            if not ready:
                return b""
            data = self._socket.recv(65536)
        except (OSError, ValueError) as error:
            raise PortVanished(detail=str(error)) from None
        if not data:
            raise PortVanished(detail="closed by the other side")
        return data

    def set_line(self, line: LineFormat) -> None:
        """Nothing to set."""

    def drain(self) -> None:
        """TCP gives no way to know; the caller waits for the time the bytes take."""

    def close(self) -> None:
        self._socket.close()


try:
    from termios import error as _termios_error
except ImportError:  # Windows
    _termios_error = OSError  # type: ignore[assignment,misc]  # no termios there, nothing more to catch
_SERIAL_ERRORS = (OSError, ValueError, TypeError, AttributeError, _termios_error)
"""What pySerial lets through when a device goes away under it; ``SerialException`` is an ``OSError``."""


class _QuickRfc2217(rfc2217.Serial):
    """pySerial's RFC 2217 client with settings that cost one round trip.

    Its own ``_reconfigure_port`` sends every setting, polls for the answers each 50 ms and sets flow control
    again each time: about half a second, which loses the confirmation of a 20 ms meter.
    """

    _stopbits: float
    _network_timeout: float
    _rfc2217_port_settings: dict[str, Any]

    def _reconfigure_port(self) -> None:
        wanted = {
            "baudrate": int(self._baudrate).to_bytes(4, "big"),
            "datasize": int(self._bytesize).to_bytes(1, "big"),
            "parity": rfc2217.RFC2217_PARITY_MAP[self._parity].to_bytes(1, "big"),
            "stopsize": rfc2217.RFC2217_STOPBIT_MAP[self._stopbits].to_bytes(1, "big"),
        }
        settings = self._rfc2217_port_settings
        sent = getattr(self, "_sent_settings", {})
        changed = [name for name, value in wanted.items() if sent.get(name) != value]
        for name in changed:
            settings[name].set(wanted[name])
        deadline = time.monotonic() + self._network_timeout
        while not all(settings[name].active for name in changed):
            if time.monotonic() > deadline:
                raise serial.SerialException("the terminal server does not accept the line settings")
            time.sleep(0.002)
        self._sent_settings = wanted

    def set_line(self, line: LineFormat) -> None:
        """Change baud rate and format together."""
        self._baudrate = line.baud
        self._bytesize = line.data_bits
        self._parity = line.parity
        self._reconfigure_port()


class SerialPort:
    """A local serial port or an RFC 2217 terminal server, through pySerial. RTS and DTR power the probe head.

    7E1 on a local port is 8N1 with the parity as the eighth bit, which is the same on the wire: many adapters
    know no 7E1, and pySerial lets a character with a wrong parity through without a word. So ``read`` gives
    the parity bit too, unless the adapter strips it (``drivers.parity`` finds out). A terminal server is told
    7E1, and keeps its parity to itself.
    """

    has_line = True

    def __init__(self, url: str, line: LineFormat) -> None:
        self._remote = url.startswith("rfc2217://")
        self._software_parity = self._is_in_software(line)
        try:
            self._port = self._opened(url, line)
        except PermissionError as error:
            raise PortBusy(detail=f"{url}: {error}") from None
        except _SERIAL_ERRORS as error:
            raise _opening_error(url, error) from None

    def _opened(self, url: str, line: LineFormat) -> Any:
        port = _QuickRfc2217() if self._remote else serial.serial_for_url(url, do_not_open=True)
        port.timeout = _SLICE
        port.rts = True
        port.dtr = True
        port.port = url
        wired = self._on_the_wire(line)
        port.baudrate, port.bytesize, port.parity = wired.baud, wired.data_bits, wired.parity
        port.open()
        return port

    def _is_in_software(self, line: LineFormat) -> bool:
        return line.has_parity and not self._remote

    def _on_the_wire(self, line: LineFormat) -> LineFormat:
        """What the port itself is set to."""
        return hdlc_format(line.baud) if self._is_in_software(line) else line

    def write(self, data: bytes) -> None:
        try:
            self._port.write(with_even_parity(data) if self._software_parity else data)
        except _SERIAL_ERRORS as error:
            raise PortVanished(detail=str(error)) from None

    def read(self, wait: float) -> bytes:
        deadline = time.monotonic() + wait
        try:
            while True:
                data: bytes = self._port.read(max(1, self._port.in_waiting))
                if data or time.monotonic() >= deadline:
                    return data
        except _SERIAL_ERRORS as error:
            raise PortVanished(detail=str(error)) from None

    def set_line(self, line: LineFormat) -> None:
        try:
            if isinstance(self._port, _QuickRfc2217):
                self._port.set_line(line)
                return
            self._configure(self._on_the_wire(line))
            self._software_parity = self._is_in_software(line)
        except _SERIAL_ERRORS as error:
            raise PortVanished(detail=f"line settings: {error}") from None

    def _configure(self, line: LineFormat) -> None:
        """Rate and format in one step: pySerial's properties would set formats in between that nobody
        wants."""
        self._port._baudrate = line.baud
        self._port._bytesize = line.data_bits
        self._port._parity = line.parity
        self._port._reconfigure_port()

    def drain(self) -> None:
        if self._remote:
            return
        try:
            self._port.flush()
        except _SERIAL_ERRORS as error:
            raise PortVanished(detail=str(error)) from None

    def close(self) -> None:
        with suppress(*_SERIAL_ERRORS):
            self._port.close()


def with_even_parity(data: bytes) -> bytes:
    """7 data bits with the parity bit on top: what 7E1 looks like to an 8N1 receiver."""
    return bytes(byte & 0x7F | (byte & 0x7F).bit_count() % 2 << 7 for byte in data)


def discover() -> list[ProbePort]:
    """Serial ports of this machine, USB ones (where probes hang) first."""
    found = [
        ProbePort(port.device, port.description or port.device, port.vid, port.pid, port.serial_number)
        for port in list_ports.comports()
    ]
    return sorted(found, key=lambda port: (port.vid is None, port.url))


def open_port(url: str, line: LineFormat, *, wait: float = 5.0) -> Port:
    """Open a port. Raises ``NoProbe`` where there is none, ``PortBusy`` where another program has it."""
    if url.startswith("socket://"):
        return SocketPort(url, wait)
    return SerialPort(url, line)


def find_again(
    url: str,
    probe: ProbePort | None,
    line: LineFormat,
    *,
    wait: float,
    pause: Callable[[float], None],
    now: Callable[[], float] = time.monotonic,
    opener: Opener | None = None,
) -> Port:
    """Open a port that vanished: by URL, or where the same probe (VID, PID, serial number) now is.

    Tries for ``wait`` seconds; ``pause`` sleeps and may raise ``Cancelled``. Raises ``PortVanished`` after
    that.
    """
    opener = opener or open_port
    deadline = now() + wait
    detail = url
    while True:
        for candidate in _candidates(url, probe):
            try:
                return opener(candidate, line, wait=2.0)
            except (NoProbe, PortBusy) as error:
                detail = error.detail
        if now() >= deadline:
            raise PortVanished(detail=detail)
        pause(0.25)


def probe_of(url: str) -> ProbePort | None:
    """What the operating system knows about a local port, to recognise the probe after it was re-plugged."""
    if "://" in url:
        return None
    return next((port for port in discover() if port.url == url), None)


def _candidates(url: str, probe: ProbePort | None) -> list[str]:
    if probe is None or probe.vid is None:
        return [url]
    same = [
        port.url
        for port in discover()
        if (port.vid, port.pid, port.serial_number) == (probe.vid, probe.pid, probe.serial_number)
    ]
    return [*([url] if url in same else []), *[other for other in same if other != url]] or [url]


def _opening_error(url: str, error: Exception) -> NoProbe | PortBusy:
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.EACCES, errno.EBUSY) or "PermissionError" in text or "Access is denied" in text:
        return PortBusy(detail=f"{url}: {text}")
    return NoProbe(detail=f"{url}: {text}")
