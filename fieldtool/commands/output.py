"""How every command speaks: results on standard output, reasons on standard error, 0 done, 1 failed, 2
wrong usage.

With `--json` standard output holds machine-readable results and nothing else. No traceback and no secret is
shown; an unexpected error goes to the log file and is named by its type.
"""

from __future__ import annotations

import functools
import json as stdjson
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer
from typer.exceptions import TyperException

P = ParamSpec("P")
R = TypeVar("R")

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# Wider than any row: what reads our tables through a pipe wraps them as it likes.
_UNBOUND = 10_000

_log = logging.getLogger("fieldtool")

running: ContextVar[tuple[str, dict[str, object]] | None] = ContextVar("running", default=None)
"""The command that runs, as `module.function`, and what it was called with."""

JSON_HELP = "Machine-readable result on standard output, and nothing else there."


def say(line: str = "") -> None:
    """Write one line of a result for people."""
    sys.stdout.write(line + "\n")


def note(line: str) -> None:
    """Write one line that is no result: progress, warning, what happens next."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def emit(value: object) -> None:
    """Write one JSON value on one line; structs as their plain fields."""
    import msgspec

    plain = msgspec.to_builtins(value)
    sys.stdout.write(stdjson.dumps(plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def fail(reason: str, status: int = 1) -> NoReturn:
    """Say why on standard error and leave with `status`."""
    note(f"fieldtool: {reason}")
    raise typer.Exit(status)


def usage(reason: str) -> NoReturn:
    """Wrong usage: options that do not go together, or a value of the wrong form."""
    raise typer.BadParameter(reason)


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Turn every error of a command into one line on standard error and exit status 1."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        before = running.set((name, dict(kwargs)))
        try:
            return function(*args, **kwargs)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except KeyboardInterrupt:
            fail("stopped")
        except BrokenPipeError:
            raise typer.Exit(1) from None
        except Exception as error:
            fail(explained(error))
        finally:
            running.reset(before)

    return run


def explained(error: BaseException) -> str:
    """The line that a person reads about an error."""
    from fieldtool.problems import explain
    from fieldtool.settings import Home

    found = explain(error, Home.default().settings().language)
    if not found.expected:
        _write_log(error)
    return found.line()


def explained_sync(code: str, message: str) -> str:
    """The line that a person reads about a round that did not go through."""
    from fieldtool.problems import explain_sync
    from fieldtool.settings import Home

    return explain_sync(code, message, Home.default().settings().language).line()


def _write_log(error: BaseException) -> None:
    """Keep the inside of an unexpected error where support finds it; it is never printed."""
    from fieldtool.security.redaction import RedactingFilter
    from fieldtool.settings import Home

    try:
        folder = Home.default().folder / "log"
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(folder / "errors.log", encoding="utf-8")
        handler.addFilter(RedactingFilter())
        handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk: no traceback instead
    except OSError:
        return
    try:
        _log.addHandler(handler)
        _log.error("unexpected", exc_info=error)
    finally:
        _log.removeHandler(handler)
        handler.close()


Progress = Callable[[str, int, int, float | None], None]


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A bar on standard error while something takes its time; silent with `quiet` or without a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda step, done, total, left: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("…", total=None, left="")

        def show(step: str, done: int, total: int, left: float | None) -> None:
            told = "" if left is None else f"{left:.0f} s left"
            bars.update(task, description=step, completed=done, total=total or None, left=told)

        yield show


def local(text: str | None) -> str:
    """An instant of the record (ISO 8601 with its zone) as this machine's clock shows it; — for none."""
    if text is None:
        return "—"
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: object) -> str:
    """A cell for people: local time for an instant in UTC; a meter's own time, with its zone, as it is."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return local(value)
    return "—" if value is None else _CONTROL.sub("\ufffd", str(value))


def table(title: str, columns: list[str], lines: list[list[Any]]) -> None:
    """A table for people; instants in it are shown in local time.

    A cell wraps between words and never inside one: half a serial in each of two lines is neither read
    nor copied. Where no terminal sets a width, nothing wraps. What stands in a cell came from anywhere: it is
    shown as it is, and neither styles the table nor steers the terminal.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title or None, box=None, pad_edge=False, header_style="bold")
    rows = [[_cell(cell) for cell in line] for line in lines]
    for place, column in enumerate(columns):
        words = [word for row in rows for word in row[place].split()] + column.split()
        shown.add_column(column, min_width=max(map(len, words), default=0), overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    least = sum(column.min_width or 0 for column in shown.columns) + len(columns)
    console = Console(file=sys.stdout, highlight=False)
    console.width = max(console.width, least) if console.is_terminal else _UNBOUND
    console.print(shown)
