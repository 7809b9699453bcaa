"""`fieldtool batch`: many commands, one after the other, in one process, for scripts."""

from __future__ import annotations

import io
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import FrameType

import msgspec
import typer

from fieldtool.commands.opening import kept_open
from fieldtool.commands.output import emit, guarded

RUN_UNTIL_ENDED = (("batch",), ("demo",), ("gateway", "serve"), ("virtual-meter",), ("virtual-concentrator",))
WRONG_USAGE = 2


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What one command left behind, as it would have printed it."""

    status: int
    stdout: str
    stderr: str
    seconds: float


@guarded
def batch() -> None:
    """Run commands from standard input, one a line, in one process.

    A line is a JSON array of arguments, as after `fieldtool`: ["orders", "list", "--json"]. Each is answered
    with one line, one object: {"status", "stdout", "stderr", "seconds"}; a command that fails does not end
    the batch, the end of the input does. The database stays open meanwhile and a person who signed in with
    --user stays signed in, so passphrase and PIN are asked for once. Commands that run until they are ended
    (the app, demo, gateway serve, virtual devices) are refused with status 2.

    Example: echo '["orders", "list", "--json"]' | fieldtool batch
    """
    stop = _Stop()
    signal.signal(signal.SIGINT, stop)
    with kept_open():
        for line in sys.stdin:
            if line.strip():
                emit(_answer(line))
            if stop.asked:
                raise KeyboardInterrupt


class _Stop:
    """Ctrl-C ends the command that runs, and then the batch too."""

    asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        raise KeyboardInterrupt


def _answer(line: str) -> Reply:
    try:
        arguments = msgspec.json.decode(line, type=list[str])
    except msgspec.DecodeError as error:
        return _refused(f"not a JSON array of texts: {error}")
    if not arguments or any(tuple(arguments[: len(name)]) == name for name in RUN_UNTIL_ENDED):
        return _refused(f"{' '.join(arguments) or 'the app'} runs until it is ended: not in a batch")
    began = time.monotonic()
    with _caught() as (stdout, stderr):
        status = _run(arguments)
    return Reply(
        status=status,
        stdout=_text(stdout),
        stderr=_text(stderr),
        seconds=round(time.monotonic() - began, 3),
    )


def _refused(reason: str) -> Reply:
    return Reply(status=WRONG_USAGE, stdout="", stderr=f"fieldtool: {reason}\n", seconds=0.0)


def _run(arguments: list[str]) -> int:
    """Run one command as the command line does; returns its exit status."""
    from fieldtool.main import app

    try:
        app(arguments, prog_name="fieldtool")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextmanager
def _caught() -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """What is printed meanwhile, instead of on the streams that the batch answers on."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with redirect_stdout(stdout), redirect_stderr(stderr):
        yield stdout, stderr


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def add_to(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("batch")(batch)
