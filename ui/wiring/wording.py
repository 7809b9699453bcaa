"""Errors of the packages below, in words for the crew."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar, runtime_checkable

from drivers.errors import LockedOut
from fieldtool.problems import explain
from fieldtool.text import Language
from ui import views

P = ParamSpec("P")
T = TypeVar("T")


@runtime_checkable
class Speaking(Protocol):
    """Whoever knows in which language it is asked."""

    @property
    def language(self) -> Language:
        """Language of the screens."""
        ...


def worded(method: Callable[P, T]) -> Callable[P, T]:
    """Any error of the packages below becomes a `Failure` in words."""

    @wraps(method)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except views.Failure:
            raise
        except Exception as error:
            asked = args[0]
            found = explain(error, asked.language if isinstance(asked, Speaking) else Language.ES)
            if not found.expected:
                raise
            wait = error.seconds if isinstance(error, LockedOut) else 0
            raise views.Failure(
                " ".join([found.what, *found.problems]), found.hint, found.code, wait
            ) from error

    return told
