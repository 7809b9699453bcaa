"""A tablet or an office of the demo at work: one process that takes commands, as the app takes taps all day.

It can die in the middle of a command, as when a battery is empty; the next command starts it again.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldtool.demo import processes
from fieldtool.demo.processes import (
    COMMAND_SECONDS,
    END_SECONDS,
    DemoError,
    Outcome,
    environment,
    fieldtool_command,
    tail,
)


class Shell:
    """`fieldtool batch` on the data of one tablet or office; one command at a time, from any thread."""

    def __init__(self, extra: Mapping[str, str], log: Path) -> None:
        """extra: the variables that lead to its data; log: file for what it says beside its answers."""
        self._extra, self._log = dict(extra), log
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def run(
        self,
        arguments: Sequence[str],
        *,
        allowed: Sequence[int] = (0,),
        dies_on: threading.Event | None = None,
        gently: bool = False,
    ) -> Outcome:
        """Run one command to its end.

        With `dies_on` the process is killed, as when a battery dies, as soon as that event is set; with
        `gently` it is told to end, as when its window is closed.

        Raises:
            DemoError: the status is not among `allowed`, it ran for too long, it died, or it did not die.
        """
        with self._lock:
            began = time.monotonic()
            process = self._started()
            if dies_on is not None:
                threading.Thread(target=_kill_on, args=(process, dies_on, gently), daemon=True).start()
            with processes.ended_with_everything(process):
                reply = self._ask(process, arguments)
            if reply is None:
                self._forget()
            seconds = time.monotonic() - began
        if reply is None:
            if processes.stopping():
                raise DemoError("stopped")
            outcome = Outcome(arguments, process.returncode, "", tail(self._log), seconds)
            if dies_on is None:
                raise DemoError(f"{outcome.command}: its process died\n{outcome.why}")
            return outcome
        outcome = Outcome(arguments, reply["status"], reply["stdout"], reply["stderr"], seconds)
        if dies_on is not None:
            raise DemoError(f"{outcome.command}: ended before it could be killed\n{outcome.why}")
        return processes.allowed_outcome(outcome, allowed)

    def end(self) -> None:
        """End the process by ending its input, as a script does."""
        with self._lock:
            self._forget()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*fieldtool_command(), "batch"],
                    env=environment(self._extra),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    encoding="utf-8",
                )
            self._said = queue.SimpleQueue()
            threading.Thread(target=_listen, args=(self._process, self._said), daemon=True).start()
        return self._process

    def _ask(self, process: subprocess.Popen[str], arguments: Sequence[str]) -> dict[str, Any] | None:
        """The answer; None where the process died instead."""
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(list(arguments)) + "\n")
            process.stdin.flush()
            line = self._said.get(timeout=COMMAND_SECONDS)
        except OSError:
            return None
        except queue.Empty:
            raise DemoError(f"{' '.join(arguments)}: no answer within {COMMAND_SECONDS:.0f} s") from None
        found: dict[str, Any] | None = None if line is None else json.loads(line)
        return found

    def _forget(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end(process)


def _listen(process: subprocess.Popen[str], said: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            said.put(line)
    said.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    for more in (process.terminate, process.kill):
        try:
            process.wait(END_SECONDS)
            return
        except subprocess.TimeoutExpired:
            more()
    process.wait()


def _kill_on(process: subprocess.Popen[str], event: threading.Event, gently: bool) -> None:
    if not event.wait(COMMAND_SECONDS):
        return
    if gently:
        process.terminate()
    else:
        process.kill()
