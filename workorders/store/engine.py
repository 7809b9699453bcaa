"""Opens the encrypted database: SQLCipher under SQLAlchemy, one file, several programs at once.

Every error a person can do something about comes out as `StoreError` with its own code. A new file is made
beside its place and moved there when it is whole: an empty or half-made one is never taken for a store.
"""

from __future__ import annotations

import contextlib
import glob
import os
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import msgspec
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from workorders.durable import sync_folder
from workorders.store import migrations
from workorders.store.errors import StoreError, store_error, translate
from workorders.store.files import look_from_outside, os_error, why_unreadable, write_mark
from workorders.store.tables import json_text

StoreRole: TypeAlias = Literal["tablet", "gateway"]

APPLICATION_ID = 0x46544C31  # "FTL1"
BUSY_TIMEOUT_MS = 15_000
KEY_BYTES = 32
MEMORY = "memory"
"""Execution option: what is remembered between write transactions that exclude each other."""
_LEFT_BEHIND_S = 24 * 3600
BACKUPS_KEPT = 3
"""Copies made before upgrades."""


class Store(ABC):
    """An open database: one encrypted file (`FileStore`) or a database of a server (`server.ServerStore`).

    Attributes:
        role: whether it belongs to a tablet or a gateway.
        engine: SQLAlchemy's engine, for those who need more than `read` and `write`.
    """

    def __init__(self, role: StoreRole, engine: Engine) -> None:
        self.role = role
        self.engine = engine
        self._writer = engine.execution_options(write=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection on one consistent state of the database; nothing can be written through it."""
        with self._errors(), self._reading() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self, *, alone: bool = True) -> Iterator[Connection]:
        """One write transaction, taken at once; committed at the end, durable then.

        Args:
            alone: no other such transaction runs meanwhile, so that numbers of chains and of the gateway's
                sequence are taken and seen in one order. False, on a server, for rows that stand by
                themselves (sessions, when a tablet was seen): whoever decides by what it reads locks it.
        """
        with self._errors(), self._writing(alone) as connection, connection.begin():
            if alone:
                self._take_turn(connection)
            yield connection

    def _reading(self) -> Connection:
        return self.engine.connect()

    def _writing(self, alone: bool) -> Connection:
        return self._writer.connect()

    def _take_turn(self, connection: Connection) -> None:
        """Wait until nobody else writes; where the database itself sees to it, that is done."""
        del connection

    @abstractmethod
    def _errors(self) -> contextlib.AbstractContextManager[None]:
        """Turns errors of the database that a person can do something about into `StoreError`."""

    @abstractmethod
    def scratch(self) -> contextlib.AbstractContextManager[Store]:
        """What is here once more, to try things on without anybody waiting; gone at the end."""

    def measure_grown(self) -> list[str]:
        """Have a server look anew at tables of twice the size it plans for, as after a load; their names."""
        return []

    @abstractmethod
    def forget_older(self) -> None:
        """After an erasure: nothing older stays where this program can reach it."""

    @abstractmethod
    def integrity(self) -> list[str]:
        """What the database finds wrong with itself; empty when it is sound."""

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileStore(Store):
    """An open database in one encrypted file; `path` names it."""

    def __init__(
        self, path: Path, role: StoreRole, engine: Engine, open_copy: Callable[[Path], Engine]
    ) -> None:
        super().__init__(role, engine)
        self.path = path
        self._open_copy = open_copy
        self._retired = False

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        if self._retired:
            raise StoreError("wiped", "What this tablet held was destroyed by order of the office.")
        try:
            yield
        except (DBAPIError, sqlcipher.Error) as error:
            meant = translate(error, self.path)
            if meant is None:
                raise
            raise meant from error

    def backup(self, target: Path) -> None:
        """Write a consistent, encrypted copy under the same key, whole or not at all.

        Raises:
            StoreError: `backup_failed`.
        """
        _backup(self.engine, target)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Store]:
        """A copy of the whole file beside it, under the same key.

        Raises:
            StoreError: `backup_failed`, where there is no room for it.
        """
        path = self.path.with_name(f"{self.path.name}.{os.getpid()}.scratch")
        self.backup(path)
        copy = FileStore(path, self.role, self._open_copy(path), self._open_copy)
        try:
            yield copy
        finally:
            copy.close()
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file and empty it; after an erasure nothing older stays in it."""
        with self._errors(), self.engine.connect().execution_options(write=True) as connection:
            driver = connection.connection.driver_connection
            if driver is not None:
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def forget_older(self) -> None:
        """Nothing older stays in the log or in the copies made before a migration."""
        self.checkpoint()
        for copy in self.path.parent.glob(f"{glob.escape(self.path.name)}.before-*"):
            with contextlib.suppress(OSError):
                copy.unlink()

    def integrity(self) -> list[str]:
        """What SQLCipher and SQLite find wrong with the file itself."""
        with self._errors(), self.engine.connect() as connection, connection.begin():
            pages = connection.exec_driver_sql("PRAGMA cipher_integrity_check").fetchall()
            inner = connection.exec_driver_sql("PRAGMA quick_check").fetchall()
        return [str(row[0]) for row in pages] + [str(row[0]) for row in inner if row[0] != "ok"]

    def retire(self) -> None:
        """Close for good, before the file is destroyed: else the next question would make an empty one."""
        self._retired = True
        self.engine.dispose()


def open_store(path: Path, key: bytes, *, role: StoreRole, create: bool = True) -> FileStore:
    """Open the database at `path`, or make a new one there; bring its schema up to date.

    Args:
        key: 32 bytes, used raw (no derivation: opening is fast).
        create: False refuses to make a new file (`missing`).

    Raises:
        StoreError: `wrong_key`, `foreign_file`, `corrupt`, `newer_schema`, `disk_full`, `read_only`, `busy`,
            `cannot_open`, `missing`, `backup_failed`, `upgrade_failed` (then the file is as it was).
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"a database key has {KEY_BYTES} bytes")
    if not path.exists():
        if not create:
            raise store_error("missing", f"There is no database at {path}.", path)
        _make(path, key, role)
    look_from_outside(path)
    _sweep(path)
    # Looked at without a write-ahead log first: a file that is not ours must not be changed.
    stranger = _engine(path, key, wal=False)
    try:
        _check(stranger, path, key, role)
    finally:
        stranger.dispose()
    engine = _engine(path, key)
    try:
        _bring_up_to_date(engine, path)
    except BaseException:
        engine.dispose()
        raise
    write_mark(path, key)
    store = FileStore(path, role, engine, lambda copy: _engine(copy, key))
    # Late, because the projection stands on this module: a newer program folds what an older one let pass.
    from workorders.store import projection

    try:
        projection.ensure(store)
    except BaseException:
        store.close()
        raise
    return store


# --- connections --------------------------------------------------------------------------------


def connect(path: Path, key: bytes, *, wal: bool = True) -> Any:
    """A bare connection of the driver to the encrypted file at `path`; made if there is none."""
    connection = sqlcipher.connect(
        os.fspath(path), isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000
    )
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")  # it would write to standard error
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA cipher_memory_security = OFF")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("PRAGMA journal_size_limit = 16777216")
    except BaseException:
        connection.close()
        raise
    return connection


def _engine(path: Path, key: bytes, *, wal: bool = True) -> Engine:
    decode = msgspec.json.Decoder()
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(path, key, wal=wal),
        module=sqlcipher,
        poolclass=QueuePool,
        json_serializer=json_text,
        json_deserializer=decode.decode,
        execution_options={MEMORY: {}},
        hide_parameters=True,  # an error text must never hold what was to be stored
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        driver = connection.connection.driver_connection
        if driver is not None:
            # Straight to the driver: this is paid by every transaction.
            driver.execute(f"PRAGMA query_only = {0 if write else 1}")
            driver.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


# --- a new file ---------------------------------------------------------------------------------


def _make(path: Path, key: bytes, role: StoreRole) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(fresh, key, wal=False)
        try:
            with engine.connect().execution_options(write=True) as connection, connection.begin():
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                migrations.migrate(connection, migrations.REVISIONS)
                connection.exec_driver_sql(
                    "INSERT INTO setting (name, value) VALUES (?, ?)", ("store.role", f'"{role}"')
                )
        finally:
            engine.dispose()
        write_mark(path, key, whole=fresh)
        _put(fresh, path)
    except (DBAPIError, sqlcipher.Error) as error:
        raise translate(error, path) or error from error
    except OSError as error:
        raise os_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Take away copies that a program left when it was killed; a day old, so that nobody works on them."""
    for end in ("new", "scratch", "scratch-wal", "scratch-shm"):
        for left in path.parent.glob(f"{glob.escape(path.name)}.*.{end}"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _LEFT_BEHIND_S:
                    left.unlink()


def _put(fresh: Path, path: Path) -> None:
    """Give a whole file its name; of two programs that make one at once, the first one's stays."""
    try:
        os.link(fresh, path)
        sync_folder(path.parent)
    except FileExistsError:
        return
    except OSError:
        # A file system without links (FAT on a stick).
        if not path.exists():
            fresh.replace(path)


# --- whose file is this? ------------------------------------------------------------------------


def _check(engine: Engine, path: Path, key: bytes, role: StoreRole) -> None:
    try:
        with engine.connect() as connection, connection.begin():
            application = connection.exec_driver_sql("PRAGMA application_id").scalar()
            if application != APPLICATION_ID:
                raise store_error("foreign_file", f"{path} belongs to another program.", path)
            if migrations.pending(migrations.current_revision(connection)) is None:
                raise store_error("newer_schema", f"{path} was written by a newer fieldtool.", path)
            stored = connection.exec_driver_sql(
                "SELECT value FROM setting WHERE name = 'store.role'"
            ).scalar()
    except (DBAPIError, sqlcipher.Error) as error:
        number = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)
        if number & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise why_unreadable(path, key) from error
        raise translate(error, path) or error from error
    if stored is not None and stored != f'"{role}"':
        raise store_error("foreign_file", f"{path} is the database of a {stored.strip(chr(34))}.", path)


# --- schema -------------------------------------------------------------------------------------


def _bring_up_to_date(engine: Engine, path: Path) -> None:
    try:
        with engine.connect() as connection, connection.begin():
            current = migrations.current_revision(connection)
        if not migrations.pending(current):
            return
        _backup(engine, path.with_name(f"{path.name}.before-{migrations.NEWEST}"))
        _drop_old_backups(path)
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            # Looked at again under the lock: another program may have done it meanwhile.
            steps = migrations.pending(migrations.current_revision(connection))
            if steps:
                _upgrade(connection, steps)
    except (DBAPIError, sqlcipher.Error) as error:
        raise translate(error, path) or _upgrade_failed(path) from error
    except StoreError:
        raise
    except Exception as error:
        raise _upgrade_failed(path) from error


def _upgrade(connection: Connection, steps: tuple[migrations.Revision, ...]) -> None:
    """The schema and what is folded into it, in one transaction: what fails leaves the file as it was."""
    # Late, because the projection stands on this module.
    from workorders.store import projection

    migrations.migrate(connection, steps)
    projection.rebuild_in(connection)


def _upgrade_failed(path: Path) -> StoreError:
    return store_error("upgrade_failed", f"{path} could not be brought up to date; it is as it was.", path)


def _drop_old_backups(path: Path) -> None:
    """Keep the newest copies made before upgrades; each holds all that the tablet does."""
    copies = path.parent.glob(f"{glob.escape(path.name)}.before-*")
    whole = [copy for copy in copies if not copy.name.endswith(".new")]
    for copy in sorted(whole, key=lambda one: one.stat().st_mtime, reverse=True)[BACKUPS_KEPT:]:
        with contextlib.suppress(OSError):
            copy.unlink()


def _backup(engine: Engine, target: Path) -> None:
    fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        fresh.unlink(missing_ok=True)
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            if driver is None:
                raise store_error("backup_failed", "The database is closed.", target)
            # VACUUM INTO keeps key, cipher settings and application id, and reads one consistent state.
            driver.execute("PRAGMA query_only = 0")
            driver.execute("VACUUM INTO ?", (os.fspath(fresh),))
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        fresh.replace(target)
        sync_folder(target.parent)
    except (DBAPIError, sqlcipher.Error, OSError) as error:
        raise store_error("backup_failed", f"No backup could be written to {target}.", target) from error
    finally:
        fresh.unlink(missing_ok=True)
