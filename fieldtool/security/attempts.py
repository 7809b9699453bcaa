"""How often a PIN was tried: counted durably before it is tried, locked for longer and longer.

A lock is measured on the clock that nobody can set: monotonic time within one boot. After a restart nobody
knows how long the tablet was off, so the whole remaining time begins again: pulling the battery or setting
the clock never shortens a lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec
from sqlalchemy import insert, select, update

from workorders.durable import write_whole
from workorders.journal.entry import EntryTime
from workorders.store import schema
from workorders.store.engine import Store

#: Tries that cost nothing; the one after them is the first that locks.
FREE_TRIES = 4
FIRST_LOCK_SECONDS = 30
LONGEST_LOCK_SECONDS = 3600


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """Failed tries of one person since the last good one, and the lock that they caused.

    wait_ms: what was left of the lock at `monotonic_ms` of boot `boot_id`; 0: no lock.
    """

    failed: int = 0
    wait_ms: int = 0
    monotonic_ms: int = 0
    boot_id: str = ""


def lock_seconds(failed: int) -> int:
    """How long the lock after so many failures is: 30 s, doubled each time, one hour at most."""
    over = failed - FREE_TRIES
    return 0 if over <= 0 else min(LONGEST_LOCK_SECONDS, FIRST_LOCK_SECONDS * 2 ** min(over - 1, 20))


def looked_at(state: Attempts, now: EntryTime) -> Attempts:
    """The state with the lock run down to `now`; whole again after a restart."""
    if state.wait_ms == 0:
        return state
    gone = max(0, now.monotonic_ms - state.monotonic_ms) if now.boot_id == state.boot_id else 0
    return msgspec.structs.replace(
        state, wait_ms=max(0, state.wait_ms - gone), monotonic_ms=now.monotonic_ms, boot_id=now.boot_id
    )


def counted(state: Attempts, now: EntryTime) -> Attempts:
    """The state with one more try, counted as failed, and the lock that follows if it stays so."""
    failed = state.failed + 1
    return Attempts(
        failed=failed,
        wait_ms=lock_seconds(failed) * 1000,
        monotonic_ms=now.monotonic_ms,
        boot_id=now.boot_id,
    )


class AttemptStore(Protocol):
    """Keeps the attempts of each person."""

    def change(self, person: str, to: Callable[[Attempts], Attempts]) -> Attempts:
        """Replace the state by `to(state)` in one step that no other try can come between; returns the new
        one once it is durable. `to` may raise: then nothing changes."""
        ...


class StoreAttempts:
    """Attempts in the tablet's encrypted database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def change(self, person: str, to: Callable[[Attempts], Attempts]) -> Attempts:
        """See `AttemptStore`."""
        table = schema.attempt
        with self._store.write() as connection:
            row = connection.execute(select(table.c.data).where(table.c.person_id == person)).first()
            state = to(msgspec.convert(row.data, Attempts) if row else Attempts())
            values = {"count": state.failed, "data": msgspec.to_builtins(state)}
            if row:
                connection.execute(update(table).where(table.c.person_id == person).values(**values))
            else:
                connection.execute(insert(table).values(person_id=person, **values))
        return state


class FileAttempts:
    """Attempts in a file, fsynced, for before there is a database. One process at a time.

    A file that cannot be read counts as the longest lock: whoever spoils it gains nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def change(self, person: str, to: Callable[[Attempts], Attempts]) -> Attempts:
        """See `AttemptStore`."""
        with self._lock:
            everybody = self._read()
            state = to(everybody.get(person, everybody.get("*", Attempts())))
            everybody[person] = state
            write_whole(self._path, msgspec.json.encode(everybody))
        return state

    def _read(self) -> dict[str, Attempts]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Attempts])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError:
            spoilt = Attempts(failed=FREE_TRIES + 8, wait_ms=LONGEST_LOCK_SECONDS * 1000)
            return {"*": spoilt}
