"""Ctrl-C at a meter: the running job is cancelled and the meter left well, then the command ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fieldtool.commands.output import note


class _Stop:
    """The first Ctrl-C cancels; from the second on it does what it did before."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self.before: Callable[[int, FrameType | None], object] = signal.default_int_handler
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.before(number, frame)
            return
        self.asked = True
        note("stopping: what is being written is finished and read back first (Ctrl-C once more: at once)")
        # Not here: this may have interrupted the very thread that is saying something to the session.
        threading.Thread(target=self._cancel, name="cancel", daemon=True).start()


@contextmanager
def stopping_well(cancel: Callable[[], None]) -> Iterator[None]:
    """While this lasts, Ctrl-C calls `cancel` (in a thread of its own); afterwards it takes its effect."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop = _Stop(cancel)
    before = signal.getsignal(signal.SIGINT)
    if callable(before):
        stop.before = before
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if stop.asked:
            signal.raise_signal(signal.SIGINT)
