"""Programs of the demo: started as a person would start them, waited for, read, and always ended.

Nothing here reaches into another part: what the demo knows of gateway, tablets and meters it knows from their
command lines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

READY_SECONDS = 45.0
COMMAND_SECONDS = 120.0
END_SECONDS = 5.0


class DemoError(Exception):
    """A program of the demo did not do what it should; the text says which and what it printed."""


def fieldtool_command() -> list[str]:
    """How this very program is started again, frozen or not."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "fieldtool"]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without what would lead a child to the data of the person at this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIELDTOOL_")}
    return kept | {"PYTHONUTF8": "1", "NO_COLOR": "1"} | dict(extra or {})


class Service:
    """A program that runs until it is ended and says on its first line where it listens.

    Raises `DemoError` if it ends or says nothing within `READY_SECONDS`.
    """

    def __init__(self, name: str, arguments: Sequence[str], extra: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [*fieldtool_command(), *arguments],
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
    arguments: Sequence[str], extra: Mapping[str, str], *, allowed: Sequence[int] = (0,), kill_after: str = ""
) -> Outcome:
    """Run one command to its end.

    With `kill_after` it is killed (as when a battery dies) as soon as a line on its standard error contains
    that text.

    Raises:
        DemoError: its exit status is not among `allowed`, or it ran for too long.
    """
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
    clock = threading.Timer(COMMAND_SECONDS, process.kill)
    clock.start()
    said: list[str] = []
    watcher = threading.Thread(target=_watch, args=(process, said, kill_after), daemon=True)
    watcher.start()
    try:
        assert process.stdout is not None
        stdout = process.stdout.read()
        status = process.wait()
        watcher.join()
    finally:
        clock.cancel()
        process.kill()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    outcome = Outcome(arguments, status, stdout, "".join(said), time.monotonic() - began)
    if kill_after and status == -signal.SIGKILL:
        return outcome
    if status not in allowed:
        raise DemoError(f"{outcome.command}: status {status}\n{outcome.why or outcome.stdout[-600:]}")
    return outcome


def _watch(process: subprocess.Popen[str], said: list[str], kill_after: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if kill_after and kill_after in line:
            process.kill()
            return


def tail(log: Path) -> str:
    """The last lines of a log."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
    except OSError:
        return ""
