"""What silence means where the office does not ask but is told: lists of a head-end, pushes of concentrators.

As with asking (`fieldtool.proofs.poll`), silence of a device counts only where its source has just spoken; of
a device that no source speaks about time alone decides.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from fieldtool.proofs import concentrators
from workorders.clock import read_utc
from workorders.gateway import proof
from workorders.gateway.office import Office
from workorders.gateway.proof import CLOCK_SLACK, Reach, Sighting, Waits

LOOK_SECONDS = 60.0
_PATIENCE_SECONDS = 20.0
_log = logging.getLogger(__name__)


def settle_list(office: Office, project: str, told: Iterable[Sighting], waits: Waits) -> dict[str, int]:
    """Settle what a head-end's list decides that was taken in: {"failed": n, "silent": n}, as `proof.settle`.

    Waiting is reckoned until the newest word of the list: one of last week says nothing of today. Where the
    list names concentrators, one through which nobody was heard for half the time after which a device counts
    as silent may be silent itself: nothing is decided behind it. Where it names none, that holds for those
    that the office asks (`url=` in the network file).
    """
    newest: dict[str | None, datetime] = {}
    now = office.now()
    for one in told:
        at = None if one.heard_at is None else read_utc(one.heard_at)
        if at is not None and at <= now + CLOCK_SLACK:
            newest[one.concentrator] = max(at, newest.get(one.concentrator, at))
    if not newest:
        return {"failed": 0, "silent": 0}
    until = min(now, max(newest.values()))
    lately = until - timedelta(hours=waits.silent_hours) / 2
    named = {node: at for node, at in newest.items() if node is not None}
    known = {node.mrid for node in concentrators(office, project) if named or "url" in node.identities}
    reach = Reach(
        nodes=frozenset(known | named.keys()),
        answered=frozenset(node for node, at in named.items() if at >= lately),
    )
    return proof.settle(office, project, waits, reach=reach, at=until)


class PushSettling:
    """A thread that settles what waiting decides behind the concentrators that have just pushed.

    Each counts at most once in the technology's time between two questions, however often it pushes. What
    goes wrong is logged, and tried again when it pushes next.
    """

    def __init__(self, office: Office, project: str, waits: Waits, look: float = LOOK_SECONDS) -> None:
        self._office, self._project, self._waits, self._look = office, project, waits, look
        self._waiting: set[str] = set()
        self._settled: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="settle", daemon=True)

    def __enter__(self) -> PushSettling:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(_PATIENCE_SECONDS)

    def spoke(self, node: str) -> None:
        """A concentrator has told of meters that it heard, and that is written."""
        between = self._waits.recheck_minutes * 60
        with self._lock:
            before = self._settled.get(node)
            if before is None or time.monotonic() - before >= between:
                self._waiting.add(node)

    def settle(self) -> dict[str, int]:
        """Settle behind whoever has spoken since the last time."""
        with self._lock:
            answered, self._waiting = frozenset(self._waiting), set()
        if not answered:
            return {"failed": 0, "silent": 0}
        nodes = frozenset(node.mrid for node in concentrators(self._office, self._project))
        reach = Reach(nodes=nodes, answered=answered)
        found = proof.settle(self._office, self._project, self._waits, reach=reach)
        with self._lock:
            self._settled |= dict.fromkeys(answered, time.monotonic())
        return found

    def _work(self) -> None:
        while not self._stopped.wait(self._look):
            try:
                found = self.settle()
            except Exception:
                # The database is away or busy: the next pushes will do.
                _log.exception("what waiting decides in project %s could not be written", self._project)
                continue
            if found["failed"] or found["silent"]:
                _log.info("%s: %d failed, %d silent", self._project, found["failed"], found["silent"])
