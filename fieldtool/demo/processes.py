"""Programs of the demo: started as a person would start them, waited for, read, and always ended.

Nothing here reaches into another part: what the demo knows of gateway, tablets and meters it knows from their
command lines.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
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


def stopping() -> bool:
    """Whether everything was told to stop."""
    return _stopping.is_set()


@contextlib.contextmanager
def ended_with_everything(process: subprocess.Popen[str]) -> Iterator[None]:
    """Meanwhile `stop_everything` ends this process too."""
    _running.add(process)
    try:
        if stopping():
            process.terminate()
        yield
    finally:
        _running.discard(process)


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


def allowed_outcome(outcome: Outcome, allowed: Sequence[int]) -> Outcome:
    """The outcome, where its status is one of these; DemoError with what the command said where it is not."""
    if outcome.status not in allowed:
        said = f"{outcome.why}\n{outcome.stdout[-1500:]}"
        raise DemoError(f"{outcome.command}: status {outcome.status}\n{said}")
    return outcome


def tail(log: Path) -> str:
    """The last lines of a log."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
    except OSError:
        return ""
