"""The head-end's side of the STG-DC web service: receives what concentrators push.

Every body is answered; one that is not understood, or is of a concentrator that the network does not have, is
refused with a SOAP fault and kept as it came, so that nobody has to wait for it to be sent again.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import ssl
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from xml.sax.saxutils import escape

from drivers.concentrators import stg
from drivers.concentrators.errors import ConcentratorTooLarge
from drivers.concentrators.reports import Push, ReqStatus, status_text
from drivers.errors import DriverError
from fieldtool.proofs import take_push
from fieldtool.proofsettling import PushSettling
from workorders.gateway.app import bind, tls_context
from workorders.gateway.office import Office
from workorders.gateway.proof import Waits
from workorders.store.errors import StoreError

NAMESPACE = "http://www.asais.fr/ns/Saturne/STG/ws"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
REQUEST_SECONDS = 30
AT_ONCE = 8
KEPT_AT_MOST = 1000
_log = logging.getLogger(__name__)


def serve(
    office: Office,
    project: str,
    listen: str,
    *,
    waits: Waits,
    plain: bool = False,
    certificate: Path | None = None,
    key: Path | None = None,
    keep: Path | None = None,
    ready: Callable[[str], None],
) -> None:
    """Receive until the process is told to stop.

    Args:
        waits: after how long a device that was not heard has failed or is silent.
        plain: serve without TLS beyond loopback too.
        certificate, key: PEM files for TLS.
        keep: folder for what was not understood; none: it is only logged.
    Raises:
        ListenError
    """
    tls = tls_context(certificate, key)
    made = bind(listen, tls=plain or tls is not None)  # `tls` there means: may leave this machine
    settling = PushSettling(office, project, waits)
    with _Server(made, _handler(office, project, keep, settling.spoke), tls) as server, settling:
        host, port = made.getsockname()[:2]
        scheme = "http" if tls is None else "https"
        ready(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/WS_STG/WS_STG.asmx")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return


class _Server(ThreadingHTTPServer):
    """Serves on a socket that is bound already."""

    daemon_threads = True

    def __init__(
        self, made: socket.socket, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None
    ) -> None:
        self._tls = tls
        super().__init__(made.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = made
        self.server_address = made.getsockname()[:2]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the request: one that never shakes hands keeps nobody else waiting."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(REQUEST_SECONDS)
        try:
            wrapped = self._tls.wrap_socket(request, server_side=True)
        except OSError as error:
            _log.warning("no TLS with %s: %s", client_address[0], error)
            return
        with wrapped:
            super().finish_request(wrapped, client_address)


def answer(
    office: Office,
    project: str,
    body: bytes,
    keep: Path | None,
    spoke: Callable[[str], None] = lambda node: None,
) -> tuple[int, bytes]:
    """HTTP status and SOAP answer for one body; `spoke` is told of a concentrator that heard meters."""
    try:
        taken = take_push(office, project, body)
    except DriverError as error:
        _keep(keep, body)
        _log.warning("a push was refused: %s (%s)", error.code, error.detail)
        status = 413 if isinstance(error, ConcentratorTooLarge) else 400
        return status, _fault("soap:Client", f"{error.code}: {error.message}")
    except StoreError:
        _keep(keep, body)
        _log.exception("a push could not be written")
        return 503, _fault("soap:Server", "try again later")
    push, report = taken.push, taken.report
    if push.status not in (None, ReqStatus.OK):
        _log.warning("%s said in its %s: %s", push.concentrator, push.operation, status_text(push.status))
    if report is not None:
        spoke(taken.node)
        _log.info("%s: %d meters, %d with news", push.concentrator, report.seen, report.reported)
    return 200, _done(push)


def _keep(folder: Path | None, body: bytes) -> None:
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(body).hexdigest()[:32]}.bin"
        if not path.exists() and sum(1 for _ in folder.glob("*.bin")) < KEPT_AT_MOST:
            path.write_bytes(body)
    except OSError:
        _log.exception("a refused push could not be kept")


def _done(push: Push) -> bytes:
    name = push.operation
    inner = f'<{name}Response xmlns="{NAMESPACE}"><{name}Result>true</{name}Result></{name}Response>'
    return _envelope(inner)


def _fault(code: str, text: str) -> bytes:
    said = f"<faultcode>{code}</faultcode><faultstring>{escape(text)}</faultstring>"
    return _envelope(f"<soap:Fault>{said}</soap:Fault>")


def _envelope(inner: str) -> bytes:
    head = f'<?xml version="1.0" encoding="{stg.ENCODING}"?>'
    text = f'{head}<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{inner}</soap:Body></soap:Envelope>'
    return text.encode(stg.ENCODING, "xmlcharrefreplace")


def _handler(
    office: Office, project: str, keep: Path | None, spoke: Callable[[str], None]
) -> type[BaseHTTPRequestHandler]:
    free = BoundedSemaphore(AT_ONCE)

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "fieldtool", ""
        protocol_version = "HTTP/1.1"
        timeout = REQUEST_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > stg.MAX_WIRE:
                self.close_connection = True
                self._send(413 if length.isdigit() else 411, _fault("soap:Client", "too large, or no length"))
                return
            if not free.acquire(timeout=REQUEST_SECONDS):
                self.close_connection = True
                self._send(503, _fault("soap:Server", "busy: try again later"))
                return
            try:
                body = self.rfile.read(int(length))
                if len(body) < int(length):
                    self.close_connection = True
                    _keep(keep, body)
                    return
                self._send(*answer(office, project, body, keep, spoke))
            finally:
                free.release()

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"text/xml; charset={stg.ENCODING}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not logged; what comes of them is."""

    return Handler
