"""A receiver at a port: opened, listened to, closed. And finding one among the serial ports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from threading import Event

import msgspec

from drivers.errors import DriverError
from drivers.ports import LineFormat, Port, ProbePort, discover, open_port
from drivers.position import nmea
from drivers.position.fix import Assembler, Epoch

BAUDS = (9600, 4800, 115200, 38400)
"""Rates tried, the usual one first; NMEA 0183 itself says 4800 and 38400."""
_SLICE = 0.1
"""Seconds of one wait at the port: how long a stop may take to be noticed."""
_PROBE_SECONDS = 1.3
"""How long a port is listened to at one rate: receivers speak once a second."""
_ENOUGH = 2
"""Sentences with a right checksum that make a port a receiver's."""
_OPEN_SECONDS = 2.0
_MAKERS = frozenset({0x1546, 0x091E})
"""USB vendors that make receivers only (u-blox, Garmin)."""
_WORDS = ("gps", "gnss", "u-blox", "location")


class Receiver(msgspec.Struct, frozen=True):
    """Where a receiver is: a port as `ports.open_port` takes it, and its rate (None: found out)."""

    url: str
    baud: int | None = None


def _open(url: str, baud: int) -> Port:
    return open_port(url, LineFormat(baud, 8, "N"), wait=_OPEN_SECONDS)


def lines(port: Port, until: float, stop: Event) -> Iterator[bytes]:
    """Lines as they come in until a moment of the monotonic clock; a line that never ends is dropped.

    An empty line is given for each wait in which nothing came, so that the caller can look at its clock.
    """
    held = bytearray()
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        held += port.read(min(_SLICE, left))
        *whole, rest = bytes(held).split(b"\n")
        held = bytearray(rest[-nmea.MAX_LINE :])
        yield from whole
        yield b""


def epochs(
    receiver: Receiver, wait: float, stop: Event, now: Callable[[], datetime]
) -> Iterator[Epoch | None]:
    """What a receiver says for `wait` seconds at most; None where a moment passed without news.

    Raises:
        NoProbe, PortBusy, PortVanished: of the port.
    """
    until = time.monotonic() + wait
    baud = receiver.baud or rate_of(receiver.url, stop, until) or BAUDS[0]
    with closing(_open(receiver.url, baud)) as port:
        assembler = Assembler()
        for line in lines(port, until, stop):
            sentence = nmea.parse(line) if line else None
            yield assembler.feed(sentence, now()) if sentence is not None else None


def rate_of(url: str, stop: Event, until: float) -> int | None:
    """The rate at which a port speaks NMEA 0183; None where it does not.

    A port that says nothing at all is no receiver at any rate, and costs one wait only.
    """
    if "://" in url and not url.startswith("rfc2217://"):
        return BAUDS[0]  # there is no rate to set
    for baud in BAUDS:
        if stop.is_set() or time.monotonic() >= until:
            return None
        with closing(_open(url, baud)) as port:
            found, heard = _listen(port, min(until, time.monotonic() + _PROBE_SECONDS), stop)
        if found:
            return baud
        if not heard:
            return None
    return None


def _listen(port: Port, until: float, stop: Event) -> tuple[bool, bool]:
    """(a receiver speaks here, anything was heard)."""
    good, heard = 0, False
    for line in lines(port, until, stop):
        heard = heard or bool(line)
        good += nmea.parse(line) is not None
        if good >= _ENOUGH:
            return True, True
    return False, heard


def find(
    stop: Event,
    wait: float,
    *,
    leave_alone: frozenset[str] = frozenset(),
    ports: Callable[[], list[ProbePort]] = discover,
) -> Receiver | None:
    """Look for a receiver at the serial ports of this machine, for `wait` seconds at most.

    `leave_alone` are ports that others work at (the optical probe): they are not even opened.
    """
    until = time.monotonic() + wait
    likely = sorted((port for port in ports() if port.url not in leave_alone), key=_unlikely)
    for port in likely:
        if stop.is_set() or time.monotonic() >= until:
            return None
        try:
            baud = rate_of(port.url, stop, until)
        except DriverError:
            continue  # somebody else has it, or it has just gone: not ours to mend
        if baud is not None:
            return Receiver(port.url, baud)
    return None


def _unlikely(port: ProbePort) -> bool:
    named = any(word in port.description.lower() for word in _WORDS)
    return not (named or port.vid in _MAKERS)


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)
