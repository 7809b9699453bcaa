"""Sync by itself: at once, again after a while, later after failures, not at all where it is pointless."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from fieldtool.tablet.background import INTERVAL_SECONDS, LOCKED_SECONDS, BackgroundSync, wait_after
from workorders.store.errors import StoreError
from workorders.sync.backoff import Backoff
from workorders.sync.round import SyncReport, SyncState


def test_the_wait_follows_from_how_the_round_went() -> None:
    backoff = Backoff(dice=random.Random(1))
    assert wait_after(SyncReport(state=SyncState.DONE), backoff) == INTERVAL_SECONDS
    assert wait_after(SyncReport(state=SyncState.PAUSED), backoff) is None
    revoked = SyncReport(state=SyncState.PAUSED, code="revoked")
    assert wait_after(revoked, backoff) == LOCKED_SECONDS, "the office may order a wipe later"
    assert wait_after(SyncReport(state=SyncState.FAILED, retry_after=40.0), backoff) == 40.0
    for _ in range(30):
        offline = wait_after(SyncReport(state=SyncState.OFFLINE), backoff)
        assert offline is not None
        assert 0 <= offline <= 900
    assert backoff.failures == 31
    assert wait_after(SyncReport(state=SyncState.DONE), backoff) == INTERVAL_SECONDS
    assert backoff.failures == 0


class Patient(Backoff):
    """Waits long, so that only nudges count."""

    def failed(self, retry_after: float | None = None) -> float:
        return 1000.0


def test_rounds_come_by_themselves_when_nudged_and_end_with_the_window() -> None:
    rounds: list[threading.Event] = [threading.Event() for _ in range(3)]
    asked: list[Callable[[], bool]] = []

    def one(stopped: Callable[[], bool]) -> SyncReport:
        asked.append(stopped)
        rounds[len(asked) - 1].set()
        if len(asked) == 2:
            raise StoreError("busy", "another program writes", "")
        return SyncReport(state=SyncState.PAUSED)

    background = BackgroundSync(one, Patient())
    background.start()
    assert rounds[0].wait(10)
    background.nudge()
    assert rounds[1].wait(10)
    background.nudge()
    assert rounds[2].wait(10), "a store that was busy ends nothing"
    assert not asked[-1]()
    background.stop()
    assert asked[-1](), "a running round is told to end"
    assert len(asked) == 3


def test_who_asks_looks_on_at_the_running_round_or_wakes_one() -> None:
    """All rounds run in one thread; an error of a round reaches who asked."""
    begun, go = threading.Semaphore(0), threading.Semaphore(0)
    threads: set[int] = set()

    def one(stopped: Callable[[], bool]) -> SyncReport:
        threads.add(threading.get_ident())
        begun.release()
        go.acquire(timeout=10)
        if len(reports) == 1:
            raise StoreError("busy", "another program writes", "")
        return SyncReport(state=SyncState.PAUSED, pushed=len(reports))

    reports: list[SyncReport | Exception] = []
    background = BackgroundSync(one, Patient())
    background.start()

    def ask() -> None:
        try:
            reports.append(background.ask())
        except StoreError as error:
            reports.append(error)

    assert begun.acquire(timeout=10)
    for _ in range(2):  # the first looks on, the second wakes
        asker = threading.Thread(target=ask)
        asker.start()
        go.release()
        asker.join(10)
    assert isinstance(reports[0], SyncReport)
    assert isinstance(reports[1], StoreError)
    assert len(threads) == 1
    assert background.next_at is not None
    asker = threading.Thread(target=ask)
    asker.start()
    go.release()
    background.stop()
    asker.join(10)
    assert not asker.is_alive(), "nobody waits for a closed window"
