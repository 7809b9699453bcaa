"""PySide6 6.12.0 lost a reference to True and None at each signal under Python 3.11, and the process died."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Signal

ROUNDS = 200


class _Bell(QObject):
    rung = Signal()


def test_signals_keep_the_references_they_borrow() -> None:
    bell = _Bell()
    before = [sys.getrefcount(value) for value in (True, False, None)]
    for _ in range(ROUNDS):
        bell.rung.emit()
    after = [sys.getrefcount(value) for value in (True, False, None)]
    lost = [then - now for then, now in zip(before, after, strict=True)]
    assert max(lost) < ROUNDS // 2
