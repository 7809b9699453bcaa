"""What a tablet does when the office says that it was revoked: hand over, then stop work.

Unsent entries go first (the gateway keeps them, as rejected). Then the office's standing is asked; only one
signed by the office locks the tablet, and only such a one can order its wipe.
"""

from __future__ import annotations

import logging

import msgspec
from sqlalchemy import Connection, delete

from workorders.store import schema
from workorders.store.engine import Store
from workorders.store.settings import set_setting, setting
from workorders.sync import wire
from workorders.sync.errors import BadAnswer, SyncError
from workorders.sync.identity import TabletIdentity
from workorders.sync.round import SyncRound
from workorders.sync.signatures import standing_holds

_LOCK = "sync.lock"
_log = logging.getLogger(__name__)


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """Work on this tablet has ended: `at` as the office says; `wipe`: all here is to be destroyed."""

    tablet: str
    at: str
    wipe: bool = False


def leave(round: SyncRound) -> None:
    """Hand over what has no verdict and take the office's word; a failure leaves both for the next time."""
    from workorders.sync.stages import push

    try:
        push(round)
    except SyncError as error:
        # What did not go stays here: a lock touches nothing, and a wipe seals it first.
        _log.warning("a revoked tablet could not hand over (%s)", error.code)
    try:
        standing = round.transport.standing()
        _check(standing, round.identity)
        if standing.revoked_at is None:
            return
        lock = Lock(tablet=standing.tablet, at=standing.revoked_at, wipe=standing.wipe_ordered_at is not None)
        with round.store.write() as connection:
            set_setting(connection, _LOCK, msgspec.to_builtins(lock))
            connection.execute(delete(schema.meter_secret))
        round.report.locked, round.report.wipe = True, lock.wipe
    except SyncError as error:
        _log.warning("a revoked tablet could not ask how it stands (%s)", error.code)


def _check(standing: wire.Standing, identity: TabletIdentity) -> None:
    if standing.tablet != identity.tablet or not standing_holds(standing, identity.office_key()):
        raise BadAnswer("how the office stands to this tablet is not signed by the office")


def lock_of(store: Store, identity: TabletIdentity | None) -> Lock | None:
    """The lock of this enrolment; a new enrolment ends an older one's."""
    with store.read() as connection:
        return _lock(connection, identity)


def _lock(connection: Connection, identity: TabletIdentity | None) -> Lock | None:
    value = setting(connection, _LOCK)
    if value is None or identity is None:
        return None
    lock = msgspec.convert(value, Lock)
    return lock if lock.tablet == identity.tablet else None
