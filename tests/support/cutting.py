"""A line between a tablet and its gateway that is cut again and again: a forwarder of bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class CuttingLine:
    """Forwards connections; each ends without a word after `bears` bytes of answers; None: none does."""

    def __init__(self, upstream: str, bears: int | None) -> None:
        self.bears = bears
        self.cuts = 0
        self._to = (urlsplit(upstream).hostname or "", urlsplit(upstream).port or 0)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No more connections."""
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
                far = socket.create_connection(self._to)
            except OSError:
                return
            for there, back, limit in ((near, far, None), (far, near, self.bears)):
                threading.Thread(target=self._carry, args=(there, back, limit), daemon=True).start()

    def _carry(self, there: socket.socket, back: socket.socket, limit: int | None) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while data := there.recv(65536):
                carried += len(data)
                if limit is not None and carried > limit:
                    self.cuts += 1
                    break
                back.sendall(data)
        for one in (there, back):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextlib.contextmanager
def cutting(upstream: str, bears: int | None) -> Iterator[CuttingLine]:
    """A line to `upstream` (http://HOST:PORT), as long as this is open."""
    line = CuttingLine(upstream, bears)
    try:
        yield line
    finally:
        line.close()
