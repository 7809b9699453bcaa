"""How clients reach a virtual meter: raw TCP (``socket://H:P``) or a serial port over TCP (``rfc2217://H:P``).

One loop, one thread, one client at a time, as one optical port has: a second connection is closed at once
while the first one lasts. RFC 2217 is spoken by pyserial's own server class on a `VirtualPort`, whose
settings decide what the two sides hear of each other.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from serial import rfc2217

from drivers.virtual.faults import LineCut, PowerLoss
from drivers.virtual.line import Line
from drivers.virtual.uart import Framing, transfer

CHUNK = 4096
IDLE_WAIT = 0.25
MODEM_POLL = 1.0
SETTING_PATIENCE = 1.0
HELD_POLL = 0.02


class ListenError(ValueError):
    """The address to listen on can't be used."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: scheme ``socket`` or ``rfc2217``, host, port (0 picks one)."""

    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_endpoint(url: str) -> Endpoint:
    """``socket://H:P`` or ``rfc2217://H:P``; `ListenError` says what is wrong with any other."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ListenError(f"{url}: the port must be a number from 0 to 65535") from error
    if parts.scheme not in ("socket", "rfc2217") or not parts.hostname or port is None:
        raise ListenError(f"{url}: use socket://HOST:PORT or rfc2217://HOST:PORT (port 0 picks one)")
    return Endpoint(parts.scheme, parts.hostname, port)


@dataclass
class VirtualPort:
    """The serial port that pyserial's RFC 2217 server thinks it has. Its settings are the client's."""

    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    xonxoff: bool = False
    rtscts: bool = False
    dtr: bool = True
    rts: bool = True
    break_condition: bool = False
    cts: bool = True
    dsr: bool = True
    ri: bool = False
    cd: bool = True

    @property
    def framing(self) -> Framing:
        return Framing(self.baudrate, self.bytesize, self.parity, 2 if self.stopbits > 1 else 1)

    def reset_input_buffer(self) -> None:
        """Nothing is kept back here: what the meter sent is already with the client."""

    def reset_output_buffer(self) -> None:
        """What the client sent is already on the line."""


class _Writer:
    """The connection object that `rfc2217.PortManager` writes its answers to."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def write(self, data: bytes) -> None:
        self.buffer += data


class RawCodec:
    """``socket://``: octets as they are, no port settings."""

    framing: Framing | None = None

    def __init__(self) -> None:
        self.replies = bytearray()

    def decode(self, data: bytes) -> Iterator[tuple[bytes, Framing | None]]:
        yield data, None

    def encode(self, data: bytes, sent_with: Framing) -> bytes:
        return data

    def hears(self, sent_with: Framing) -> bool:
        return True

    def poll(self) -> None:
        """Nothing to keep alive."""


class Rfc2217Codec:
    """``rfc2217://``: Telnet with COM port control; the client's settings change in step with its data."""

    def __init__(self) -> None:
        self._port, self._writer = VirtualPort(), _Writer()
        self.replies = self._writer.buffer
        self._manager = rfc2217.PortManager(self._port, self._writer)  # type: ignore[arg-type]  # duck-typed by pyserial
        self._polled = 0.0

    def decode(self, data: bytes) -> Iterator[tuple[bytes, Framing | None]]:
        run, framing = bytearray(), self._port.framing
        for octet in self._manager.filter(data):
            if self._port.framing != framing:
                if run:
                    yield bytes(run), framing
                run, framing = bytearray(), self._port.framing
            run += octet
        if run:
            yield bytes(run), framing

    def encode(self, data: bytes, sent_with: Framing) -> bytes:
        heard = transfer(data, sent_with, self._port.framing)
        return b"".join(self._manager.escape(heard))

    def hears(self, sent_with: Framing) -> bool:
        """Whether the client's settings are those that the meter sends with."""
        return self._port.framing == sent_with

    def poll(self) -> None:
        now = time.monotonic()
        if now - self._polled > MODEM_POLL:
            self._polled = now
            self._manager.check_modem_lines()


Codec = RawCodec | Rfc2217Codec


class Server:
    """Listens, accepts one client after another and moves octets between it and the line.

    `boot` is how long the meter stays off after a power loss, in seconds. `housekeeping` is called often.
    """

    def __init__(
        self, endpoint: Endpoint, line: Line, boot: float, housekeeping: Callable[[], None] = lambda: None
    ) -> None:
        self._line, self._boot, self._housekeeping = line, boot, housekeeping
        self._scheme = endpoint.scheme
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        self._listener = socket.create_server((endpoint.host, endpoint.port), family=family)
        self._listener.setblocking(False)
        self.endpoint = Endpoint(endpoint.scheme, endpoint.host, self._listener.getsockname()[1])
        self._client: socket.socket | None = None
        self._codec: Codec = RawCodec()
        self._outgoing = bytearray()
        self._held: deque[tuple[bytes, Framing]] = deque()
        self._held_until: float | None = None
        self._off_until = 0.0
        self._stopping = False

    def stop(self) -> None:
        """Ends `serve` soon; safe in a signal handler."""
        self._stopping = True

    def serve(self) -> None:
        """Runs until `stop`."""
        try:
            while not self._stopping:
                self.step(IDLE_WAIT)
        finally:
            self._drop()
            self._listener.close()

    def step(self, longest: float) -> None:
        """Waits for traffic or the next deadline, at most `longest` seconds, and does what is due."""
        readers: list[socket.socket] = [self._listener]
        writers: list[socket.socket] = []
        if self._client is not None:
            readers.append(self._client)
            if self._outgoing:
                writers.append(self._client)
        due = self._line.due
        wait = longest if due is None else max(0.0, min(longest, due - time.monotonic()))
        if self._held:
            wait = min(wait, HELD_POLL)
        readable, _, _ = select.select(readers, writers, [], wait)
        try:
            if self._client is not None and self._client in readable:
                self._read()
            self._move()
        except PowerLoss:
            self._drop()
            self._off_until = time.monotonic() + self._boot
            self._line.power_up()
        except (LineCut, ConnectionError):
            self._drop()
        if self._listener in readable:
            self._accept()

    def _read(self) -> None:
        client = self._client
        if client is None:
            return
        data = client.recv(CHUNK)
        if not data:
            raise ConnectionResetError
        now = time.monotonic()
        for octets, framing in self._codec.decode(data):
            self._line.send(octets, framing, now)

    def _move(self) -> None:
        now = time.monotonic()
        self._line.tick(now)
        ready = self._line.poll(now)
        self._housekeeping()
        self._held += ready
        self._hand_over(now)
        if self._client is None:
            return
        self._codec.poll()
        if self._codec.replies:
            self._outgoing += self._codec.replies
            self._codec.replies.clear()
        if self._outgoing:
            with contextlib.suppress(BlockingIOError):
                del self._outgoing[: self._client.send(self._outgoing)]

    def _hand_over(self, now: float) -> None:
        """What the meter sent goes to the client.

        An unpaced line takes no time, but a client rightly waits until its acknowledgement would have left
        at 300 baud before it changes its settings: until then the answer at the new rate is kept for it,
        once, for a moment. Whoever does not change them hears garbage. A paced line is as hard as a real one.
        """
        while self._held:
            octets, framing = self._held[0]
            if self._codec.hears(framing):
                self._held_until = None
            elif not self._line.paced:
                self._held_until = self._held_until or now + SETTING_PATIENCE
                if now < self._held_until:
                    return
            self._held.popleft()
            self._outgoing += self._codec.encode(octets, framing)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        if self._client is not None or time.monotonic() < self._off_until:
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._codec = RawCodec() if self._scheme == "socket" else Rfc2217Codec()
        self._outgoing.clear()
        self._held.clear()
        self._held_until = None
        self._line.connect()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
            self._line.disconnect()
