"""``virtual-concentrator``: the STG-DC web service over HTTP, and a door to add meters at run time."""

from __future__ import annotations

import argparse
import gzip
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import requests

from drivers.virtual.concentrator.field import Concentrator, Config, ConfigError, MeterEntry, load_config
from drivers.virtual.concentrator.service import ENCODING, Service, report_for_head_end

PATH = "/WS_DC/WS_DC.asmx"
CONTROL = "/control/meters"
MAX_BODY = 1_000_000
EXIT_FAILED, EXIT_USAGE = 1, 2


def parser() -> argparse.ArgumentParser:
    """Options of ``virtual-concentrator``."""
    options = argparse.ArgumentParser(
        prog="virtual-concentrator",
        description="A PRIME concentrator: S24, S06 and S12 at /WS_DC/WS_DC.asmx. "
        'POST /control/meters {"serial": …, "after_s": …} gives a meter power, '
        "DELETE /control/meters/SERIAL takes it away, GET /control/meters lists those that have appeared.",
    )
    add = options.add_argument
    add("--listen", default="127.0.0.1:0", help="HOST:PORT; port 0 picks one")
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="TOML: [concentrator] id, mac, …; [[meters]] serial, after_s, …",
    )
    add(
        "--meter", action="append", default=[], metavar="SERIAL[@SECONDS]", help="a meter and when it appears"
    )
    add("--id", help="identity of the concentrator")
    add("--mac", help="EUI-48 of its base node")
    add("--gzip", action="store_true", help="compress answers for clients that accept it")
    add("--head-end", metavar="URL", help="where AsynchRequest delivers reports (STG web service)")
    return options


def run_concentrator(argv: Sequence[str]) -> int:
    """Runs the concentrator until SIGTERM or Ctrl-C."""
    options = parser().parse_args(argv)
    try:
        concentrator = _build(options)
        host, port = _address(options.listen)
    except ConfigError as error:
        sys.stderr.write(f"virtual-concentrator: {error}\n")
        return EXIT_USAGE
    deliver = None
    if options.head_end:
        head_end = options.head_end

        def deliver(petition: str, report: bytes) -> None:
            body = report_for_head_end(concentrator.identity.id, petition, report)
            threading.Thread(target=_post, args=(head_end, body), daemon=True).start()

    handler = _handler(concentrator, Service(concentrator, deliver), options.gzip)
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        sys.stderr.write(f"virtual-concentrator: {error}\n")
        return EXIT_FAILED
    server.daemon_threads = True
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    base = f"http://{host}:{server.server_address[1]}"
    ready = {"ready": True, "listen": base, "url": base + PATH, "control": base + CONTROL}
    identity = concentrator.identity
    sys.stdout.write(json.dumps({**ready, "id": identity.id, "mac": identity.mac}) + "\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


def _build(options: argparse.Namespace) -> Concentrator:
    config = load_config(options.config) if options.config else Config()
    identity = config.concentrator
    if options.id:
        identity = msgspec.structs.replace(identity, id=options.id)
    if options.mac:
        identity = msgspec.structs.replace(identity, mac=options.mac)
    concentrator = Concentrator(identity, time.time)
    for entry in config.meters:
        concentrator.add(entry)
    for text in options.meter:
        serial, _, seconds = text.partition("@")
        try:
            concentrator.add(MeterEntry(serial, float(seconds or 0)))
        except ValueError as error:
            raise ConfigError(f"--meter {text}: {error}") from error
    return concentrator


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.removeprefix("http://").rstrip("/").rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--listen {text}: use HOST:PORT (port 0 picks one)")
    return host.strip("[]"), int(port)


def _post(url: str, body: bytes) -> None:
    """Delivers a report; a head-end that is not there is reported and forgotten, as a concentrator would
    retry.
    """
    try:
        requests.post(url, body, headers={"Content-Type": f"text/xml; charset={ENCODING}"}, timeout=10)
    except requests.RequestException as error:
        sys.stderr.write(f"virtual-concentrator: report not delivered: {error}\n")


def _handler(concentrator: Concentrator, service: Service, compress: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "virtual-concentrator"
        sys_version = ""
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MAX_BODY:
                self.close_connection = True
                self._answer(413 if length.isdigit() else 411, b"")
                return
            body = self.rfile.read(int(length))
            if self.path == CONTROL:
                self._add(body)
            elif self.path.split("?")[0].rstrip("/") in (PATH, ""):
                status, answer = service.handle(body)
                self._answer(status, answer, f"text/xml; charset={ENCODING}", compress)
            else:
                self._answer(404, b"")

        def do_GET(self) -> None:
            if self.path != CONTROL:
                self._answer(404, b"")
                return
            meters = [
                {"serial": m.entry.serial, "mac": m.mac, "com_status": m.com_status, "active": m.active}
                for m in concentrator.meters()
            ]
            self._answer(200, json.dumps({"meters": meters}).encode(), "application/json")

        def do_DELETE(self) -> None:
            known = self.path.startswith(CONTROL + "/") and concentrator.remove(self.path.rpartition("/")[2])
            self._answer(204 if known else 404, b"")

        def _add(self, body: bytes) -> None:
            try:
                concentrator.add(msgspec.json.decode(body, type=MeterEntry))
            except (msgspec.DecodeError, ConfigError) as error:
                self._answer(400, json.dumps({"error": str(error)}).encode(), "application/json")
                return
            self._answer(201, b"{}", "application/json")

        def _answer(self, status: int, body: bytes, kind: str = "text/plain", compress: bool = False) -> None:
            self.send_response(status)
            if compress and "gzip" in self.headers.get("Accept-Encoding", ""):
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not logged: standard error is for failures."""

    return Handler
