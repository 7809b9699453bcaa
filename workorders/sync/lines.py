"""Connections that another thread can cut: a person who stops a round does not wait for a silent gateway.

`requests` waits in the operating system for an answer and cannot be told to stop; its sockets can be shut
down, which ends the wait at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Lines(HTTPAdapter):
    """An adapter of `requests` that knows its open connections."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._cut = False
        super().__init__()

    def cut(self) -> None:
        """Shut every connection down, now and from now on; whoever waits on one gets an error."""
        with self._lock:
            self._cut = True
            lines = list(self._open)
        for line in lines:
            _shut(line)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools()

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools()
        return manager

    def _pools(self) -> dict[str, type[HTTPConnectionPool]]:
        lines = self

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                lines.opened(self)

        class Sealed(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                lines.opened(self)

        plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        sealed = type("SealedPool", (HTTPSConnectionPool,), {"ConnectionCls": Sealed})
        return {"http": plain, "https": sealed}

    def opened(self, line: HTTPConnection) -> None:
        """A connection was made; one that comes too late is shut at once."""
        with self._lock:
            self._open.add(line)
            late = self._cut
        if late:
            _shut(line)


def _shut(line: HTTPConnection) -> None:
    """Only shut, not closed: the thread that owns it does that."""
    if line.sock is not None:
        with contextlib.suppress(OSError):
            line.sock.shutdown(socket.SHUT_RDWR)
