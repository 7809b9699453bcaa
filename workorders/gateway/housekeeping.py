"""What a gateway does by itself now and then, beside its requests: personal data whose time is over goes."""

from __future__ import annotations

import logging
import threading

from workorders.gateway.erasing import erase_expired
from workorders.gateway.office import Office

FIRST_SECONDS = 60.0
EVERY_SECONDS = 3600.0
_PATIENCE_SECONDS = 10.0
_log = logging.getLogger(__name__)


class Housekeeping:
    """A thread that comes round every hour. Any number of gateways may do it on one database."""

    def __init__(self, office: Office, first: float = FIRST_SECONDS) -> None:
        self._office = office
        self._first = first
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)

    def __enter__(self) -> Housekeeping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _work(self) -> None:
        wait = self._first
        while not self._stopped.wait(wait):
            wait = EVERY_SECONDS
            try:
                gone = erase_expired(self._office)
            except Exception:
                # The database is away or busy: the next hour will do.
                _log.exception("what has expired could not be erased")
                continue
            if gone:
                _log.info("personal data of %d orders was erased: its time was over", gone)
