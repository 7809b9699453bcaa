"""Whom a tablet speaks to: an office whose certificate is no good is not an office without signal."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.tls import certificate
from workorders.sync.errors import SyncError
from workorders.sync.http import HttpTransport


class _Says(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not on the tests' output."""


@contextmanager
def office(certificate: Path | None, key: Path | None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Says)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def told(url: str, trust: Path | None) -> str:
    transport = HttpTransport(url, trust=None if trust is None else str(trust))
    with pytest.raises(SyncError) as caught:
        transport.meta()
    transport.close()
    return caught.value.code


@pytest.mark.parametrize(
    ("days", "address", "trusted", "code"),
    [
        (1, "127.0.0.1", True, "gateway_failed"),
        (1, "127.0.0.1", False, "untrusted_certificate"),
        (-1, "127.0.0.1", True, "untrusted_certificate"),
        (1, "127.0.0.2", True, "untrusted_certificate"),
    ],
    ids=["good", "of no known authority", "expired", "of another name"],
)
def test_a_certificate_that_is_no_good_is_not_told_as_no_signal(
    tmp_path: Path, days: float, address: str, trusted: bool, code: str
) -> None:
    """A crew waited for signal for weeks, while the office had forgotten to renew its certificate."""
    cert, key = certificate(tmp_path, days=days, address=address)
    with office(cert, key) as url:
        assert told(url, cert if trusted else None) == code


def test_whoever_does_not_speak_tls_is_no_certificate() -> None:
    with office(None, None) as url:
        assert told(url, None) == "unreachable"
