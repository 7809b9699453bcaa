"""Work away from the interface thread: one lane each for the port, the database, the sync and the camera.

A lane is one thread with a queue, so that two jobs of one kind never overlap. The answer comes back on the
interface thread through a queued signal; nothing here waits but `stop`, at the end.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

T = TypeVar("T")
log = logging.getLogger(__name__)
STOP_S = 5.0
"""What is under way has so long to end as the window closes: a look through the camera, a read."""


class Lane(enum.Enum):
    """Who owns the thread."""

    PORT = "port"
    DATABASE = "database"
    SYNC = "sync"
    CAMERA = "camera"


class _Inline(Executor):
    """Runs a job at once: for pictures and for tests of pages over the preview data."""

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Workers(QObject):
    """Runs jobs on lanes and delivers results on the thread that made this object."""

    _arrived = Signal(object)
    busyChanged = Signal()

    def __init__(self, parent: QObject | None = None, *, inline: bool = False) -> None:
        super().__init__(parent)
        self._lanes: dict[Lane, Executor] = {
            lane: _Inline() if inline else ThreadPoolExecutor(1, thread_name_prefix=lane.value)
            for lane in Lane
        }
        kind = Qt.ConnectionType.DirectConnection if inline else Qt.ConnectionType.QueuedConnection
        self._arrived.connect(self._deliver, kind)
        self._pending = 0
        self._stopped = False
        self._telling = threading.RLock()
        """Held while a worker tells something: after `stop` none touches this object, which may be gone."""
        self._running: set[Future[Any]] = set()

    @property
    def pending(self) -> int:
        """Jobs that have not delivered yet."""
        return self._pending

    def run(
        self,
        lane: Lane,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Queues `job`; `done` or `failed` comes on the interface thread. After `stop` nothing begins."""
        if self._stopped:
            return
        self._pending += 1
        self.busyChanged.emit()

        def finish(future: Future[T]) -> None:
            if future.cancelled():  # dropped by `stop`: nobody is there any more to hear of it
                return
            error = future.exception()
            if error is None:
                value = future.result()
                self._tell(lambda: done(value))
            elif failed is not None and isinstance(error, Exception):
                self._tell(lambda: failed(error))
            else:
                log.error("a job of lane %s failed", lane.value, exc_info=error)
                self._tell(lambda: None)

        future = self._lanes[lane].submit(job)
        self._running = {one for one in self._running if not one.done()} | {future}
        future.add_done_callback(finish)

    def post(self, callback: Callable[[], None]) -> None:
        """Calls `callback` on the interface thread; for progress told by a worker."""
        self._pending += 1
        self._tell(callback)

    def stop(self) -> None:
        """Ends the lanes: jobs that have not begun are dropped, what runs has `STOP_S` to end, and nobody is
        told anything any more. Cancel first what can be cancelled."""
        with self._telling:
            self._stopped = True
        for executor in self._lanes.values():
            executor.shutdown(wait=False, cancel_futures=True)
        running = {one for one in self._running if not one.done()}  # a dropped one is told to no waiter
        late = futures.wait(running, timeout=STOP_S).not_done
        if late:
            log.warning("%d jobs still run as the window closes", len(late))
            return
        for executor in self._lanes.values():
            executor.shutdown()

    def _tell(self, callback: Callable[[], None]) -> None:
        with self._telling:
            if not self._stopped:
                self._arrived.emit(callback)

    def _deliver(self, callback: Callable[[], None]) -> None:
        if self._stopped:
            return
        self._pending -= 1
        callback()
        self.busyChanged.emit()
