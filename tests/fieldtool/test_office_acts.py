"""Every command that opens the office's record either only looks, or is noted as a person typed it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from typer.main import get_command

from fieldtool.commands.opening import ACTS, LOOKS_ONLY, opened_office
from fieldtool.main import app

MARK = f"{opened_office.__name__}("


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Callable[..., object]]]:
    """As typed, and its function."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, inspect.unwrap(command.callback)
        return
    for name, one in inner.items():
        yield from commands(one, f"{path} {name}".strip())


def opens_the_office(function: Callable[..., object]) -> bool:
    """Itself, or by a function of its own module that it calls."""
    source, module = inspect.getsource(function), sys.modules[function.__module__]
    called = [getattr(module, name, None) for name in re.findall(r"\b(_[a-z_]+)\(", source)]
    helpers = [inspect.getsource(one) for one in called if inspect.isfunction(one)]
    return any(MARK in text for text in (source, *helpers))


def test_no_command_on_an_office_is_missing_or_noted_by_other_words() -> None:
    """`gateway proof import` was noted as *proof import list*, `gateway orders` as *officekeeping orders*."""
    found = {
        f"{function.__module__.rpartition('.')[2]}.{function.__name__}": path
        for path, function in commands(get_command(app))
        if opens_the_office(function)
    }
    assert len(found) > 30, "they are found at all"
    noted = {name: path for name, path in found.items() if name not in LOOKS_ONLY}
    assert noted == ACTS
    assert found.keys() >= LOOKS_ONLY
