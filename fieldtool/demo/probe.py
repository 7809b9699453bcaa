"""An optical probe between tablet and meter of the demo, which can fail."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class Probe:
    """An optical probe between tablet and meter, which can fail.

    `meter` says at which meter's port the probe is now; None: nobody answers behind it. `touched` is set as
    soon as the tablet opens it. Where it is `fragile`, a cut of the meter's line sets `cut`, and the probe is
    not there any more.
    """

    def __init__(self, meter: Callable[[], str | None], *, fragile: bool = False) -> None:
        self.touched, self.cut = threading.Event(), threading.Event()
        self._meter, self._fragile = meter, fragile
        self._let_go: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, name="demo probe", daemon=True).start()

    def _serve(self) -> None:
        while not self.cut.is_set():
            try:
                tablet, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(tablet)
            self.touched.set()
            url = self._meter()
            if url is None:
                continue
            host, port = url.removeprefix("socket://").rsplit(":", 1)
            meter = socket.create_connection((host, int(port)))
            self._open.append(meter)
            threading.Thread(target=self._pass_on, args=(tablet, meter), daemon=True).start()
            self._pass_back(meter, tablet)

    def _pass_on(self, tablet: socket.socket, meter: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := tablet.recv(4096):
                meter.sendall(data)
            # The tablet let go of the port by itself: the meter hears it, and this is no cut.
            self._let_go = meter
            meter.shutdown(socket.SHUT_RDWR)

    def _pass_back(self, meter: socket.socket, tablet: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := meter.recv(4096):
                tablet.sendall(data)
        if self._let_go is not meter and self._fragile:
            self._listener.close()
            self.cut.set()
        # A close alone is not heard at the other end while a thread still waits in recv.
        for end in (tablet, meter):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """Let go of everything."""
        for end in (self._listener, *self._open):
            end.close()
