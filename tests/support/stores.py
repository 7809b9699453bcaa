"""Fresh encrypted stores for tests: made by the program once a process, then copied and given their own key.

Making one runs every migration, most of a tenth of a second; some two thousand tests begin with a store.
Tests of how a store comes to be call `open_store` themselves.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from workorders.store.engine import FileStore, StoreRole, connect, open_store

_KEY = b"t" * 32


@functools.cache
def folder() -> Path:
    """Where this process keeps what it copies from; it goes with the process."""
    made = Path(tempfile.mkdtemp(prefix="fieldtool-stores-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@functools.cache
def _template(role: StoreRole) -> Path:
    path = folder() / f"{role}.db"
    open_store(path, _KEY, role=role).close()
    return path


def fresh_store(path: Path, key: bytes, role: StoreRole) -> FileStore:
    """What `open_store` gives: a new store at `path`, or the one that is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_template(role), path)
        connection = connect(path, _KEY, wal=False)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA rekey = \"x'{key.hex()}'\"")
        finally:
            connection.close()
    return open_store(path, key, role=role)
