"""The gateway's service: the application, and serving it until it is told to stop."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

import uvicorn
from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License

from workorders.gateway.housekeeping import Housekeeping
from workorders.gateway.office import Office
from workorders.gateway.service import (
    admins,
    engineers,
    images,
    messages,
    offices,
    orphanlists,
    pardons,
    records,
    stocks,
    tablets,
    uploads,
)
from workorders.gateway.service.access import SECURITY_SCHEMES
from workorders.gateway.service.audited import tell_outcome
from workorders.gateway.service.bodies import BodyGate
from workorders.gateway.service.problems import HANDLERS
from workorders.gateway.service.rates import Limits, RateGate, Rates
from workorders.gateway.service.room import Room
from workorders.sync.blobs import BlobStore
from workorders.sync.reference import FileReader

API_VERSION = "1"
CONNECTIONS = 200
STOP_SECONDS = 10


class ListenError(OSError):
    """Nobody can be served. `code` is `cannot_listen`, `insecure_listen` or `bad_certificate`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def create_app(
    office: Office,
    files: BlobStore,
    reader: FileReader | None = None,
    limits: Limits | None = None,
    schemas: Path | None = None,
) -> Litestar:
    """The application of one office. OpenAPI 3.1 stands at `/schema/openapi.json`.

    Args:
        reader: checks files before they are published; without one nothing is published here.
        limits: how often somebody may ask; without them as often as they like.
        schemas: folder of the schemas of messages; without one no messages are taken here.
    """
    rates = None if limits is None else Rates(limits)
    return Litestar(
        route_handlers=[
            tablets.OPEN,
            offices.OPEN,
            tablets.ROUTES,
            uploads.ROUTES,
            offices.ROUTES,
            orphanlists.ROUTES,
            stocks.ROUTES,
            pardons.ROUTES,
            admins.ROUTES,
            records.ROUTES,
            engineers.ROUTES,
            images.TABLETS,
            images.ENGINEERS,
            messages.ROUTES,
        ],
        middleware=[RateGate, BodyGate],
        # Lists and entries shrink to a quarter; files are sealed and would only cost time.
        compression_config=CompressionConfig(
            backend="gzip",
            minimum_size=512,
            gzip_compress_level=6,
            exclude=["/v1/blobs/", "/v1/uploads", "/v1/firmware/"],
        ),
        before_send=[uploads.tell_version, tell_outcome],
        exception_handlers=HANDLERS,
        state=State(
            {
                "office": office,
                "files": files,
                "reader": reader,
                "rates": rates,
                "room": Room(),
                "schemas": schemas,
            }
        ),
        openapi_config=OpenAPIConfig(
            title="fieldtool gateway",
            version=API_VERSION,
            description="What tablets sync with, and what supervisors and other systems ask.",
            license=License(name="GPL-2.0-or-later"),
            contact=Contact(name="fieldtool"),
            components=Components(security_schemes=dict(SECURITY_SCHEMES)),
            path="/schema",
            use_handler_docstrings=True,
        ),
        logging_config=None,
        request_max_body_size=None,
    )


def bind(listen: str, *, tls: bool) -> socket.socket:
    """A socket bound to `HOST:PORT` (port 0: any free one).

    Raises:
        ListenError: not an address; taken; or not loopback without TLS.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        number = int(port)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
    except ValueError:
        raise ListenError("cannot_listen", f"{listen!r} is not HOST:PORT") from None
    if not tls and not _is_loopback(host):
        made.close()
        message = f"{host} without a certificate would serve in clear: give one, or listen on 127.0.0.1"
        raise ListenError("insecure_listen", message)
    try:
        if sys.platform != "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, number))
        made.listen(CONNECTIONS)
    except (OSError, OverflowError) as error:
        made.close()
        raise ListenError("cannot_listen", f"cannot listen on {listen}: {error}") from None
    return made


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What a server speaks TLS with (1.2 or newer); None without a certificate.

    Args:
        certificate, key: PEM files; the key may stand in the certificate's.

    Raises:
        ListenError: `bad_certificate`: a file is not there, is no PEM or under a passphrase, or the two do
            not belong together.
    """
    if certificate is None:
        if key is not None:
            raise ListenError("bad_certificate", f"the key {key} has no certificate: give both")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key under a passphrase would be asked for at a terminal that a service does not have.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        named = f"{certificate}, {key}" if key is not None else str(certificate)
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ListenError("bad_certificate", f"{named}: {why}") from None
    return context


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Server(uvicorn.Server):
    """Tells when it takes requests."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order; unlike uvicorn's own, do not raise the signal again afterwards (exit status 0)."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def serve(
    office: Office,
    listen: str = "127.0.0.1:0",
    *,
    blobs: BlobStore,
    certificate: Path | None = None,
    key: Path | None = None,
    reader: FileReader | None = None,
    limits: Limits | None = None,
    proxies: Sequence[str] = (),
    schemas: Path | None = None,
    out: TextIO | None = None,
) -> int:
    """Serve until SIGTERM or Ctrl-C; prints one JSON line with the address when ready. Returns 0.

    Args:
        blobs: where the sealed files are kept.
        certificate, key: PEM files for TLS; without them only loopback is served.
        reader, limits, schemas: see `create_app`.
        proxies: addresses (or networks) of balancers that are believed when they say who asked
            (`X-Forwarded-For`); without them that header counts for nothing.
        out: where the ready line goes; standard output if not said.

    Raises:
        ListenError
    """
    stream = out or sys.stdout
    tls = certificate is not None
    made = bind(listen, tls=tls)
    host, port = made.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    url = f"{'https' if tls else 'http'}://{shown}:{port}"

    def ready() -> None:
        line = {"ready": True, "url": url, "realm": str(office.realm), "schema": f"{url}/schema/openapi.json"}
        print(json.dumps(line), file=stream, flush=True)

    config = uvicorn.Config(
        create_app(office, blobs, reader, limits, schemas),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        lifespan="on",
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    server = _Server(config, ready)
    with contextlib.closing(made), Housekeeping(office):
        server.run(sockets=[made])
    return 0
