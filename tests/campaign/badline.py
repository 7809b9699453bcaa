"""A proxy as bad as the lines that tablets have: drops, delays, repeats, tears and makes up answers."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PORTAL = b"<html><body>Bienvenido. Acepte las condiciones para navegar.</body></html>"
WEIGHTS = {
    "none": 240,
    "slow": 6,
    "lost before": 8,
    "lost after": 10,
    "answer torn": 8,
    "request torn": 6,
    "twice": 7,
    "again later": 6,
    "500": 3,
    "429": 3,
    "401": 1,
    "garbage": 2,
    "portal": 2,
}


@dataclass
class Line:
    """What happens to requests. `good`: nothing does."""

    upstream: str
    chance: random.Random
    good: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    kept: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fate(self) -> str:
        """Of the next request."""
        with self.lock:
            fate = "none" if self.good else self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            self.counts[fate] += 1
            return fate

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes]:
        """Ask the gateway."""
        split = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def begin(self, method: str, path: str, headers: dict[str, str], half: bytes) -> None:
        """Send half of a request, and hang up."""
        split = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request(method, path, body=half, headers=headers)
        connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    line: Line

    def _serve(self) -> None:
        line = self.line
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        request = (self.command, self.path, headers, body)
        fate = line.fate()
        if fate in ("500", "429", "401", "garbage", "portal"):
            self._made_up(fate)
            return
        if fate == "slow":
            time.sleep(line.chance.random() * 0.08)
        if fate == "lost before":
            self.close_connection = True
            return
        if fate == "request torn":
            line.begin(self.command, self.path, headers, body[: len(body) // 2])
            self.close_connection = True
            return
        if fate == "again later":
            with line.lock:
                line.kept.append(request)
        try:
            if fate == "twice":
                line.forward(*request)
            status, given, answer = line.forward(*request)
            self._late()
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        if fate == "lost after":
            self.close_connection = True
            return
        self._answer(status, given, answer, torn=fate == "answer torn")

    def _late(self) -> None:
        """A request of before arrives once more, out of its order."""
        with self.line.lock:
            late = self.line.kept.pop(0) if len(self.line.kept) > 1 else None
        if late is not None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.line.forward(*late)

    def _answer(self, status: int, given: Any, answer: bytes, *, torn: bool) -> None:
        self.send_response_only(status)
        for name, value in given:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(answer[: len(answer) // 2] if torn else answer)
        if torn:
            self.close_connection = True

    def _made_up(self, fate: str) -> None:
        bodies = {"portal": (200, "text/html", PORTAL), "garbage": (200, "application/json", b"\x00{[")}
        status, kind, body = bodies.get(fate, (int(fate) if fate.isdigit() else 500, "text/html", PORTAL))
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        if fate == "429":
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def bad_line(upstream: str, chance: random.Random) -> Iterator[tuple[str, Line]]:
    """Serve the proxy; yields its address and the line."""
    line = Line(upstream, chance)
    handler = type("Handler", (_Handler,), {"line": line})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", line
    finally:
        server.shutdown()
        server.server_close()
