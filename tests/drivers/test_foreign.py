"""Oddities of other people's meters, as reported in public or seen with other people's servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, TCPServer

import pytest
from msgspec import structs

from drivers.connection import Mode
from drivers.session.client import OpticalSession
from drivers.virtual import secrets
from drivers.virtual.dlms import session as server
from drivers.virtual.dlms.protection import ReplayError
from tests.drivers.field import MANAGEMENT, MODELS, Host
from tests.drivers.virtual.peer import make_meter


@contextmanager
def served(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Octets in, octets out, behind a TCP port; the address as pyserial opens it."""

    class _Handler(BaseRequestHandler):
        def handle(self) -> None:
            while data := self.request.recv(4096):
                self.request.sendall(answer(data))

    listener = TCPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def test_a_meter_that_tells_the_last_counter_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Green Book wants the least acceptable one in the exception-response; pydlms' server, "like real
    meters", tells the last one it took, and refused ours a second time."""
    right = server._counter_error
    monkeypatch.setattr(server, "_counter_error", lambda replay: right(ReplayError(replay.expected - 1)))
    meter = make_meter()
    meter.device.security.accept(700)
    keys = {
        name: bytes.fromhex(value)
        for name, value in secrets.derive(meter.device.serial).items()
        if name.endswith("_key")
    }
    connection = structs.replace(MANAGEMENT, mode=Mode.WRAPPER)
    with (
        served(lambda data: b"".join(out.octets for out in meter.receive(data, 1000.0))) as url,
        OpticalSession(url, connection, Host(keys, 10), models=MODELS) as ours,
    ):
        assert ours.identify().serial == meter.device.serial
    assert meter.device.security.received > 700
