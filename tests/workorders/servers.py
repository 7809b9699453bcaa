"""The gateway on a real socket, in a thread of the test."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn

import assets
from tests.workorders.offices import Bureau
from workorders.gateway.app import create_app
from workorders.sync.reference import FileReader


@contextlib.contextmanager
def serving(bureau: Bureau, reader: FileReader | None = None) -> Iterator[str]:
    """Serve an office; yields its base URL."""
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(bureau.office, bureau.files, reader, schemas=assets.root() / "schemas"),
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [made]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the gateway did not start")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{made.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        made.close()
