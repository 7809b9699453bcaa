"""``virtual-gps``: a satellite receiver that speaks NMEA 0183 to whoever connects, as many as like.

It talks once in `1 / rate` seconds to each client, the first time at once. Where it stands is fixed, or what
a file says that is looked at for each client: so one receiver goes with a crew from order to order.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from drivers.position.fix import UERE_M
from drivers.position.nmea import sentence
from drivers.virtual.transport import ListenError, parse_endpoint

EXIT_FAILED, EXIT_USAGE = 1, 2
STALE = timedelta(minutes=12)
_METRES_A_DEGREE = 111_195
_IDLE = 0.5
_BACKLOG = 65536
"""Octets kept for a client that does not read; one that falls farther behind is dropped."""


@dataclass(frozen=True)
class Sky:
    """What the receiver sees: position in degrees, error radius in metres, satellites, and its faults."""

    latitude: Decimal
    longitude: Decimal
    accuracy_m: Decimal
    satellites: int
    altitude_m: Decimal
    fix: bool
    simulated: bool


def epoch(sky: Sky, at: datetime, error: tuple[float, float]) -> bytes:
    """The sentences of one moment. `error`: metres north and east;"""
    latitude = sky.latitude + Decimal(error[0] / _METRES_A_DEGREE)
    shrink = max(0.01, math.cos(math.radians(float(sky.latitude))))
    longitude = sky.longitude + Decimal(error[1] / _METRES_A_DEGREE / shrink)
    clock = f"{at:%H%M%S}.{at.microsecond // 10_000:02d}"
    where = f"{_minutes(latitude, 2, 'NS')},{_minutes(longitude, 3, 'EW')}" if sky.fix else ",,,"
    hdop = f"{sky.accuracy_m / UERE_M:.2f}" if sky.fix else "99.99"
    quality = (8 if sky.simulated else 1) if sky.fix else 0
    mode = ("S" if sky.simulated else "A") if sky.fix else "N"
    used = f"{sky.satellites:02d}" if sky.fix else "00"
    altitude = f"{sky.altitude_m:.1f}" if sky.fix else ""
    numbers = [str(number) for number in range(2, 2 + min(12, sky.satellites))] if sky.fix else []
    marks = ",".join([*numbers, *[""] * (12 - len(numbers))])
    dop = f"{float(hdop) * 1.5:.2f},{hdop},{float(hdop) * 1.1:.2f}"
    valid = "A" if sky.fix else "V"
    return b"".join(
        sentence(text)
        for text in (
            f"GPGSV,1,1,{sky.satellites:02d}",
            f"GNGSA,A,{3 if sky.fix else 1},{marks},{dop}",
            f"GNGGA,{clock},{where},{quality},{used},{hdop},{altitude},M,,M,,",
            f"GNRMC,{clock},{valid},{where},0.0,,{at:%d%m%y},,,{mode}",
            "GNVTG,,T,,M,0.0,N,0.0,K," + mode,
        )
    )


def _minutes(degrees: Decimal, digits: int, sides: str) -> str:
    """`ddmm.mmmmm,N`: NMEA's way to write degrees."""
    side = sides[0] if degrees >= 0 else sides[1]
    hundred_thousandths = round(abs(degrees) * 60 * 100_000)
    whole, rest = divmod(hundred_thousandths, 60 * 100_000)
    return f"{whole:0{digits}d}{rest // 100_000:02d}.{rest % 100_000:05d},{side}"


@dataclass
class _Client:
    connection: socket.socket
    sky: Sky
    due: float
    began: datetime
    outgoing: bytes = b""


class Gps:
    """Listens and talks; one thread, nothing to do while nobody listens."""

    def __init__(
        self, host: str, port: int, sky: Sky, place: Path | None, rate: float, seed: int, stale: bool
    ):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._sky, self._place = sky, place
        self._every, self._stale = 1 / rate, stale
        self._random = random.Random(seed)
        self._clients: list[_Client] = []
        self._stopping = False

    def stop(self) -> None:
        """Ends `serve` soon; safe in a signal handler."""
        self._stopping = True

    def serve(self) -> None:
        """Runs until `stop`."""
        while not self._stopping:
            self._step()
        for client in self._clients:
            client.connection.close()
        self._listener.close()

    def _step(self) -> None:
        now = time.monotonic()
        wait = min([_IDLE, *(max(0.0, client.due - now) for client in self._clients)])
        asking = [self._listener, *(client.connection for client in self._clients)]
        readable, _, _ = select.select(asking, [], [], wait)
        if self._listener in readable:
            self._accept()
        for client in list(self._clients):
            if not self._serve_one(client, client.connection in readable):
                client.connection.close()
                self._clients.remove(client)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        connection.setblocking(False)
        self._clients.append(_Client(connection, self._where(), time.monotonic(), datetime.now(UTC)))

    def _where(self) -> Sky:
        if self._place is None:
            return self._sky
        try:
            return placed(self._sky, self._place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return self._sky

    def _serve_one(self, client: _Client, heard: bool) -> bool:
        """Talk to a client if it is time; False where it is gone."""
        try:
            # What is sent to a receiver sets it up; this one has nothing to set.
            if heard and not client.connection.recv(4096):
                return False
            now = time.monotonic()
            if now >= client.due:
                client.due = now + self._every
                at = client.began - STALE if self._stale else datetime.now(UTC)
                client.outgoing += epoch(client.sky, at, self._error(client.sky))
            if client.outgoing:
                client.outgoing = client.outgoing[client.connection.send(client.outgoing) :]
        except BlockingIOError:
            return len(client.outgoing) < _BACKLOG
        except OSError:
            return False
        return True

    def _error(self, sky: Sky) -> tuple[float, float]:
        if self._stale:
            return 0.0, 0.0
        spread = float(sky.accuracy_m) / 2
        return self._random.uniform(-spread, spread), self._random.uniform(-spread, spread)


def placed(sky: Sky, text: str) -> Sky:
    """The same sky over another place, `LAT,LON` in degrees; ValueError for anything else."""
    latitude, comma, longitude = text.strip().partition(",")
    if not comma:
        raise ValueError("LAT,LON is wanted")
    values = {**sky.__dict__, "latitude": _degrees(latitude, 90), "longitude": _degrees(longitude, 180)}
    return Sky(**values)


def _degrees(text: str, most: int) -> Decimal:
    try:
        value = Decimal(text.strip())
    except ArithmeticError:
        raise ValueError(f"{text}: degrees are a decimal number") from None
    if not value.is_finite() or abs(value) > most:
        raise ValueError(f"{text}: degrees lie between -{most} and {most}")
    return value


def parser() -> argparse.ArgumentParser:
    """Options of `virtual-gps`."""
    found = argparse.ArgumentParser(prog="virtual-gps", description="A satellite receiver, NMEA 0183.")
    add = found.add_argument
    add("--listen", default="socket://127.0.0.1:0", help="socket://H:P; port 0 picks one")
    add("--lat", type=lambda text: _degrees(text, 90), default=Decimal("-13.5170"), help="degrees north")
    add("--lon", type=lambda text: _degrees(text, 180), default=Decimal("-71.9785"), help="degrees east")
    add("--place", type=Path, metavar="FILE", help="file with LAT,LON, looked at for each client")
    add("--accuracy", type=_positive, default=Decimal(4), metavar="M", help="error radius, metres")
    add("--satellites", type=int, default=11)
    add("--altitude", type=Decimal, default=Decimal(3399), metavar="M")
    add("--rate", type=float, default=1.0, metavar="HZ", help="how often it talks, 0.1 to 20 a second")
    add("--no-fix", action="store_true", help="sees satellites and has no fix")
    add("--stale", action="store_true", help="repeats a fix of twelve minutes ago")
    add("--simulated", action="store_true", help="says itself that it is simulated (quality 8)")
    add("--seed", type=int, default=1)
    return found


def _positive(text: str) -> Decimal:
    value = _degrees(text, 10**6)
    if value <= 0:
        raise ValueError(text)
    return value


def run_gps(argv: Sequence[str]) -> int:
    """Runs one receiver until SIGTERM or Ctrl-C."""
    options = parser().parse_args(argv)
    try:
        endpoint = parse_endpoint(options.listen)
        if endpoint.scheme != "socket" or not 0.1 <= options.rate <= 20:
            raise ListenError("use socket://HOST:PORT and a rate from 0.1 to 20")
    except ListenError as error:
        sys.stderr.write(f"virtual-gps: {error}\n")
        return EXIT_USAGE
    sky = Sky(
        options.lat,
        options.lon,
        options.accuracy,
        options.satellites,
        options.altitude,
        not options.no_fix,
        options.simulated,
    )
    try:
        gps = Gps(endpoint.host, endpoint.port, sky, options.place, options.rate, options.seed, options.stale)
    except OSError as error:
        sys.stderr.write(f"virtual-gps: {error}\n")
        return EXIT_FAILED
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: gps.stop())
    address = type(endpoint)(endpoint.scheme, endpoint.host, gps.port).url
    sys.stdout.write(json.dumps({"ready": True, "listen": address}) + "\n")
    sys.stdout.flush()
    gps.serve()
    return 0
