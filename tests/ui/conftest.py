"""One application for all tests of the screens, with our fonts in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tests.ui.person import Person
from ui.app import prepare
from ui.backend import Backend


@pytest.fixture(scope="session")
def qapp() -> QGuiApplication:
    return prepare([])


@pytest.fixture
def person(qtbot: QtBot) -> Callable[..., Person]:
    """Makes a person before a window over a backend."""

    def make(backend: Backend, **options: bool | str) -> Person:
        return Person(qtbot, backend, None, **options)

    return make
