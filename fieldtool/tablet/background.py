"""Rounds of sync by themselves: at once, then every two minutes; after a failure when `Backoff` says so.

Never in anybody's way: it writes what a round writes and shows nothing. A gateway that no longer knows the
tablet pauses it until somebody acts (`nudge`); work goes on all the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

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
    return backoff.failed(report.retry_after if report is not None else None)


class BackgroundSync:
    """The thread that keeps a tablet synced while its window is open."""

    def __init__(self, one_round: Round, backoff: Backoff | None = None) -> None:
        self._one_round = one_round
        self._backoff = backoff or Backoff()
        self._woken = threading.Event()
        self._stopped = threading.Event()
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
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_SECONDS)

    def _work(self) -> None:
        while not self._stopped.is_set():
            wait = wait_after(self._round(), self._backoff)
            self._woken.wait(wait)
            self._woken.clear()

    def _round(self) -> SyncReport | None:
        try:
            return self._one_round(self._stopped.is_set)
        except JobError as error:
            _log.info("no round of sync: %s", error.code)  # not enrolled yet
        except StoreError as error:
            _log.warning("a round of sync could not be made (%s)", error.code)
        return None
