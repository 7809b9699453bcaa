"""What a tablet lets go of by itself: keys, secrets of meters and customers past their time, and recordings
that a crash left in clear."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from fieldtool.depot.keeping import RUNNING
from fieldtool.tablet import lists
from workorders.clock import utc_text
from workorders.store.errors import StoreError
from workorders.store.keys import finish_erasures, forget_closed

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

LEFT_SECONDS = 24 * 3600
"""A recording that nobody has written to for so long belongs to no session that runs."""
_log = logging.getLogger(__name__)


def forget_expired(tablet: Tablet) -> None:
    """Let go of keys and meter secrets past their time; at start and after each round."""
    try:
        tablet.secrets.forget_expired()
        _forget_closed(tablet)
    except StoreError as error:
        _log.warning("what has expired could not be forgotten (%s)", error.code)
    _forget_left(tablet)


def _forget_closed(tablet: Tablet) -> None:
    """Customers of orders that were closed longer ago than the project keeps them."""
    with tablet.store.read() as connection:
        days = lists.project(connection).retention_days
    if days is None:
        return
    with tablet.store.write() as connection:
        forget_closed(connection, utc_text(tablet.now() - timedelta(days=days)))
    finish_erasures(tablet.store)


def _forget_left(tablet: Tablet) -> None:
    """Recordings lie in clear while their session runs; of a program that was killed they would lie on."""
    before = time.time() - LEFT_SECONDS
    running = tablet.home.recordings(tablet.realm).glob(f"{RUNNING}*")
    for path in [*(tablet.home.cache() / "recordings").glob("*.jsonl"), *running]:
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()
