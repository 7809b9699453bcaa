"""Programs of the demo: started as a person would start them, waited for, read, and always ended.

Nothing here reaches into another part: what the demo knows of gateway, tablets and meters it knows from their
command lines.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

READY_SECONDS = 45.0
COMMAND_SECONDS = 120.0
END_SECONDS = 5.0


class DemoError(Exception):
    """A program of the demo did not do what it should; the text says which and what it printed."""


_running: set[subprocess.Popen[str]] = set()
_stopping = threading.Event()


def begin() -> None:
    """Allow commands to run; after `stop_everything` none does."""
    _stopping.clear()


def stop_everything() -> None:
    """End the commands that are running, from any thread; whoever waits for them gets a `DemoError`."""
    _stopping.set()
    for process in list(_running):
        process.terminate()


def end_on_sigterm() -> None:
    """Let a request to end (SIGTERM) do what Ctrl-C does, so that no program of the demo outlives it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)


def fieldtool_command() -> list[str]:
    """How this very program is started again, frozen or not."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "fieldtool"]


def drivers_command() -> list[str]:
    """How the second program, with the virtual field, is started."""
    if getattr(sys, "frozen", False):
        suffix = ".exe" if sys.platform == "win32" else ""
        return [str(Path(sys.executable).with_name(f"fieldtool-drivers{suffix}"))]
    return [sys.executable, "-m", "drivers"]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without what would lead a child to data or keyring of the person at this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIELDTOOL_")}
    ours = {"PYTHONUTF8": "1", "NO_COLOR": "1", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return kept | ours | dict(extra or {})


class Service:
    """A program that runs until it is ended and says on its first line where it listens.

    Raises `DemoError` if it ends or says nothing within `READY_SECONDS`.
    """

    def __init__(self, name: str, command: Sequence[str], extra: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            list(command),
            env=environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )
        self._log_path = log
        self._ready: dict[str, Any] | None = None
        self._said = threading.Event()
        threading.Thread(target=self._listen, name=f"demo {name}", daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if self._ready is None and line.startswith("{"):
                self._ready = json.loads(line)
                self._said.set()
        self._said.set()

    def ready(self) -> dict[str, Any]:
        """What the program said when it was ready."""
        self._said.wait(READY_SECONDS)
        if self._ready is None:
            self.end()
            raise DemoError(f"{self.name} did not start: {tail(self._log_path)}")
        return self._ready

    def end(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Outcome:
    """What a command left behind: exit status, the object it printed, and what it said on standard error."""

    def __init__(
        self, arguments: Sequence[str], status: int, stdout: str, stderr: str, seconds: float
    ) -> None:
        self.arguments = list(arguments)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.seconds = seconds

    @property
    def json(self) -> Any:
        """The one JSON object on standard output.

        Raises:
            DemoError: there is none.
        """
        try:
            return json.loads(self.stdout)
        except ValueError:
            raise DemoError(f"{self.command}: no JSON but {self.stdout[-300:]!r}; {self.why}") from None

    @property
    def command(self) -> str:
        """The command as typed."""
        return " ".join(["fieldtool", *self.arguments])

    @property
    def why(self) -> str:
        """The last lines of standard error."""
        return "\n".join(self.stderr.splitlines()[-12:])


def run(
    arguments: Sequence[str],
    extra: Mapping[str, str],
    *,
    allowed: Sequence[int] = (0,),
    dies_on: threading.Event | None = None,
    gently: bool = False,
) -> Outcome:
    """Run one command to its end.

    With `dies_on` it is killed, as when a battery dies, as soon as that event is set; with `gently` it is
    told to end, as when its window is closed.

    Raises:
        DemoError: its exit status is not among `allowed`, it ran for too long, or it did not die.
    """
    if _stopping.is_set():
        raise DemoError("stopped")
    began = time.monotonic()
    process = subprocess.Popen(
        [*fieldtool_command(), *arguments],
        env=environment(extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if dies_on is not None:
        threading.Thread(target=_kill_on, args=(process, dies_on, gently), daemon=True).start()
    _running.add(process)
    try:
        stdout, stderr = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        stderr += f"\nended after {COMMAND_SECONDS:.0f} s"
    finally:
        _running.discard(process)
    if _stopping.is_set():
        raise DemoError("stopped")
    outcome = Outcome(arguments, process.returncode, stdout, stderr, time.monotonic() - began)
    if dies_on is not None:
        if not dies_on.is_set():
            raise DemoError(f"{outcome.command}: ended before it could be killed\n{outcome.why}")
        return outcome
    if outcome.status not in allowed:
        raise DemoError(f"{outcome.command}: status {outcome.status}\n{outcome.why}\n{stdout[-1500:]}")
    return outcome


def _kill_on(process: subprocess.Popen[str], event: threading.Event, gently: bool) -> None:
    if not event.wait(COMMAND_SECONDS):
        return
    if gently:
        process.terminate()
    else:
        process.kill()


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


def tail(log: Path) -> str:
    """The last lines of a log."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
    except OSError:
        return ""
