"""A side table for one job that is larger than memory: on disk, sealed under a key that nobody keeps.

What a job lays aside may name customers and hold meters' keys, so it is encrypted like the store; when the
program ends, however it ends, what is left of it cannot be read by anybody.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from workorders.store.engine import KEY_BYTES, FileStore, Store, connect

_CACHE_KIB = 16_000


@contextlib.contextmanager
def side_file(store: Store) -> Iterator[sqlite3.Connection]:
    """An empty SQLite database in one open transaction, gone at the end.

    Beside the store's own file, where there is room (a folder for temporary files may lie in memory); of a
    store on a server among the machine's temporary files.
    """
    with contextlib.ExitStack() as closing:
        if isinstance(store, FileStore):
            # Under the name of a scratch copy: where a killed program leaves it, opening the store sweeps it.
            path = store.path.with_name(f"{store.path.name}.{os.getpid()}.load.scratch")
            path.unlink(missing_ok=True)
        else:
            folder = tempfile.TemporaryDirectory(prefix="fieldtool-", ignore_cleanup_errors=True)
            path = Path(closing.enter_context(folder)) / "side"
        connection = cast(sqlite3.Connection, connect(path, secrets.token_bytes(KEY_BYTES), wal=False))
        closing.callback(path.unlink, missing_ok=True)
        closing.callback(connection.close)
        # Nothing of it must survive anything: no log, no waiting for the disk.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("BEGIN EXCLUSIVE")
        if os.name == "posix":
            # An open file needs no name; one without a name is gone even after a kill.
            path.unlink(missing_ok=True)
        yield connection
