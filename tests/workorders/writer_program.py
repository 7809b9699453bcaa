"""A program of its own that writes entries until it is killed; each line it prints is durable by promise."""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.workorders.record_support import KEY, self_signed
from workorders.clock import SystemClock
from workorders.journal import kinds
from workorders.journal.entry import Realm
from workorders.journal.writer import Journal
from workorders.store import settings
from workorders.store.counters import reserve_counter
from workorders.store.engine import open_store


def main(path: str, name: str, count: str) -> None:
    """Write `count` entries for `name`; print `seq hash counter` after each."""
    store = open_store(Path(path), KEY, role="tablet", create=False)
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    journal = Journal(store, key, self_signed(key), Realm.DEMO, "p1", SystemClock())
    for number in range(int(count)):
        value = reserve_counter(store, "meter-1", 0, 1)
        entry = journal.append(
            kinds.StepDone(step=f"{name}-{number}", answers={"n": number}),
            order_id="o1",
            also=lambda connection, n=number: settings.set_setting(connection, f"last.{name}", n),
        )
        print(entry.envelope.seq, entry.hash, value, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
