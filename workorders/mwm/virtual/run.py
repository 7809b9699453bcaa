"""Starts the virtual MWM and serves until it is told to stop."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import secrets
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from workorders.clock import utc_text
from workorders.mwm.virtual.faults import read_faults
from workorders.mwm.virtual.server import Server
from workorders.mwm.virtual.state import Mwm


class VirtualMwmError(ValueError):
    """It cannot be started as asked."""

    code = "bad_virtual_mwm"


class VirtualOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How it is started; see `fieldtool virtual-mwm --help`."""

    host: str = "127.0.0.1"
    port: int = 0
    orders: Path | None = None
    stock: Path | None = None
    faults: str = ""
    seed: int | None = None
    client: str = "fieldtool"
    secret: str | None = None
    hook_secret: str | None = None


def build(options: VirtualOptions, secret: str) -> Server:
    """A server that listens and has its orders; `serve_forever` is the caller's.

    Raises:
        VirtualMwmError: not loopback, taken, or a file that is no list of orders.
    """
    with contextlib.suppress(ValueError):
        if not ipaddress.ip_address(options.host).is_loopback:
            raise VirtualMwmError(f"{options.host}: it serves in clear, on this machine alone")
    mwm = Mwm(read_faults(options.faults, options.seed))
    now = utc_text(datetime.now(UTC))
    try:
        if options.orders is not None:
            for order in msgspec.json.decode(options.orders.read_bytes(), type=list[dict[str, str]]):
                mwm.plan(order, now)
        if options.stock is not None:
            told = msgspec.json.decode(options.stock.read_bytes(), type=dict[str, list[str]])
            for resource, serials in told.items():
                mwm.load_truck(resource, serials)
        return Server(
            (options.host, options.port),
            mwm,
            client=options.client,
            secret=secret,
            hook_secret=options.hook_secret,
        )
    except (OSError, OverflowError, KeyError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise VirtualMwmError(f"the virtual MWM cannot start: {error}") from None


def serve(options: VirtualOptions) -> None:
    """Serve until SIGTERM or Ctrl-C; prints one JSON line with the address when ready.

    Raises:
        VirtualMwmError
    """
    secret = options.secret or secrets.token_urlsafe(16)
    server = build(options, secret)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    line = {"ready": True, "url": server.url, "client": options.client}
    if options.secret is None:
        line["secret"] = secret
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    while not stop.wait(0.2):
        pass
    server.shutdown()
    server.server_close()
