"""Rounds of sync by themselves: at once, then every two minutes; after a failure when `Backoff` says so.

Never in anybody's way: it writes what a round writes and shows nothing. A gateway that no longer knows the
tablet pauses it until somebody acts (`nudge`); work goes on all the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fieldtool.errors import JobError
from workorders.store.errors import StoreError
from workorders.sync.backoff import Backoff
from workorders.sync.round import REVOKED, SyncReport, SyncState

INTERVAL_SECONDS = 120.0
LOCKED_SECONDS = 900.0
_PATIENCE_SECONDS = 5.0
_log = logging.getLogger(__name__)

Round = Callable[[Callable[[], bool]], SyncReport]
"""One round; what it is given tells whether to stop."""


def wait_after(report: SyncReport | None, backoff: Backoff) -> float | None:
    """Seconds until the next round; None: only when nudged. `report` None: the round could not begin."""
    if report is not None and report.state is SyncState.PAUSED:
        # A revoked tablet asks again now and then: the office may have decided to wipe it.
        return LOCKED_SECONDS if report.code == REVOKED else None
    if report is not None and report.state is SyncState.DONE:
        backoff.succeeded()
        return INTERVAL_SECONDS
    if report is not None and report.state is SyncState.CANCELLED:
        return INTERVAL_SECONDS  # somebody wanted it to stop: not at once again
    return backoff.failed(report.retry_after if report is not None else None)


class BackgroundSync:
    """The thread that keeps a tablet synced while its window is open.

    Attributes:
        next_at: when the next round begins by itself; None while one runs, or only when somebody acts.
    """

    def __init__(self, one_round: Round, backoff: Backoff | None = None) -> None:
        self._one_round = one_round
        self._backoff = backoff or Backoff()
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self.next_at: datetime | None = None
        self._ended = threading.Condition()
        self._rounds = 0
        self._running = False
        self._last: SyncReport | Exception | None = None
        self._thread = threading.Thread(target=self._work, name="background-sync", daemon=True)

    def start(self) -> None:
        """Begin with a round at once."""
        self._thread.start()

    def nudge(self) -> None:
        """Somebody acted, or there is signal again: try now."""
        self._woken.set()

    def stop(self) -> None:
        """End between two requests of the running round; a request without answer is not waited for long."""
        self._stopped.set()
        self._woken.set()
        with self._ended:
            self._ended.notify_all()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_SECONDS)

    def ask(self) -> SyncReport:
        """*Slow.* Wait for the end of the round that runs, or of one that begins now.

        Raises:
            JobError, StoreError: the round could not be made.
        """
        with self._ended:
            seen = self._rounds
            if not self._running:
                self._woken.set()
            self._ended.wait_for(lambda: self._rounds > seen or self._stopped.is_set())
            last = self._last if self._rounds > seen else None
        if isinstance(last, Exception):
            raise last
        if last is None:
            return SyncReport(state=SyncState.CANCELLED, code="cancelled")
        return last

    def _work(self) -> None:
        while not self._stopped.is_set():
            with self._ended:
                self._running = True
                self._woken.clear()
            report = self._round()
            wait = wait_after(report, self._backoff)
            self.next_at = None if wait is None else datetime.now(UTC) + timedelta(seconds=wait)
            self._woken.wait(wait)
            self.next_at = None

    def _round(self) -> SyncReport | None:
        report: SyncReport | None = None
        try:
            report = self._one_round(self._stopped.is_set)
            self._end(report)
        except JobError as error:
            _log.info("no round of sync: %s", error.code)  # not enrolled yet
            self._end(error)
        except StoreError as error:
            _log.warning("a round of sync could not be made (%s)", error.code)
            self._end(error)
        except Exception as error:
            _log.exception("a round of sync could not be made")
            self._end(error)
        return report

    def _end(self, last: SyncReport | Exception) -> None:
        with self._ended:
            self._rounds, self._last, self._running = self._rounds + 1, last, False
            self._ended.notify_all()
