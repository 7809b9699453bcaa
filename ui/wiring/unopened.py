"""The screens of a tablet whose data could not be opened: they say what happened and what to try."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, cast

from fieldtool.problems import explain
from fieldtool.text import Language
from ui import views
from ui.backend import Backend


class _Unopened:
    """Answers every question of a page with the failure; the strip stays empty."""

    def __init__(self, failure: views.Failure) -> None:
        self._failure = failure

    def status(self) -> views.Status:
        """An empty strip."""
        return views.Status()

    def listen(self, changed: Callable[[views.Procedure], None]) -> None:
        """Nothing changes by itself."""

    def cancel(self) -> None:
        """Nothing runs."""

    def stop_sync(self) -> None:
        """Nothing is synced."""

    def close(self) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*arguments: object, **named: object) -> NoReturn:
            raise self._failure

        return refuse


def unopened(error: Exception, language: Language) -> Backend:
    """A backend that shows why the tablet's data cannot be opened."""
    found = explain(error, language)
    failure = views.Failure(" ".join([found.what, *found.problems]), found.hint, found.code)
    return cast(Backend, _Unopened(failure))
