"""What the meter tool writes to meters without an order: intents, outcomes and counters, durable before
each write.

For a machine that is not enrolled there is no chain to write to, yet no write may leave unrecorded and no
invocation counter may be used twice. This small database holds neither secrets nor personal data and is not
encrypted.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from drivers.changes import WriteIntent, WriteOutcome
from drivers.connection import NextSecret, SecretState
from drivers.dlms.secrets import describe
from drivers.programs import SecretKind
from fieldtool.journalhost import JournalHost
from workorders.clock import utc_text
from workorders.store.errors import translate

_SCHEMA = """
CREATE TABLE IF NOT EXISTS write_intent (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, serial TEXT NOT NULL, item TEXT NOT NULL, name TEXT NOT NULL,
    was TEXT, will_be TEXT NOT NULL, program TEXT NOT NULL, state TEXT, is_now TEXT, settled_at TEXT,
    secret TEXT
);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, next_value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_TITLE = "system_title"


_UNKNOWN = "?"
_KEY_DIGITS = 8


def counter_key(meter: str | None, client: int, system_title: str, block_key: bytes) -> str:
    """The name of an invocation counter: meter, client and block key.

    Of the key 32 bits of a hash stand there, mixed with the title: enough to tell keys apart, nothing to get
    one back from. `meter` None: it did not say who it is.
    """
    mark = hashlib.sha256(b"counter" + system_title.encode() + block_key).hexdigest()[:_KEY_DIGITS]
    return f"{(meter or _UNKNOWN).replace('/', '_')}/{client}/{mark}"


def _concerns(name: str, key: str) -> bool:
    """Whether values of counter `name` may have gone out under the key of counter `key`.

    A meter that did not say who it is may be any; and until counters were kept by meter, one counter by
    client served for all (`block_key/1`), whatever the key.
    """
    if name == key:
        return True
    parts, wanted = name.split("/"), key.split("/")
    if len(wanted) != 3:
        return False
    if len(parts) == 2:
        return parts[1] == wanted[1]
    return _UNKNOWN in (parts[0], wanted[0]) and parts[1:] == wanted[1:]


class MeterLog:
    """The database; opens a connection for each act, so it may be used from any thread and by several
    programs."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._open() as connection:
            connection.executescript(_SCHEMA)
            columns = [row[1] for row in connection.execute("PRAGMA table_info(write_intent)")]
            if "secret" not in columns:  # a log of before secrets could be changed
                connection.execute("ALTER TABLE write_intent ADD COLUMN secret TEXT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one act. Raises StoreError (`disk_full`, `corrupt`, `read_only`, …)."""
        try:
            with closing(sqlite3.connect(self._path, timeout=15, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                yield connection
        except sqlite3.Error as error:
            meant = translate(error, self._path)
            if meant is None:
                raise
            raise meant from error

    def record_intent(self, intent: WriteIntent) -> None:
        """Durable when it returns."""
        row = (
            intent.id,
            utc_text(datetime.now(UTC)),
            intent.meter,
            intent.item,
            intent.name,
            intent.was,
            intent.will_be,
            intent.program,
            intent.secret,
        )
        with self._open() as connection:
            connection.execute(
                "INSERT INTO write_intent (id, at, serial, item, name, was, will_be, program,"
                " secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """What became of an intent."""
        values = (outcome.state.value, outcome.is_now, utc_text(datetime.now(UTC)), outcome.intent_id)
        with self._open() as connection:
            connection.execute(
                "UPDATE write_intent SET state = ?, is_now = ?, settled_at = ? WHERE id = ?", values
            )

    def open_intents(self, serial: str) -> list[WriteIntent]:
        """Writes to a meter of which it is not known whether they were taken."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT id, serial, item, name, was, will_be, program, secret FROM write_intent"
                " WHERE serial = ? AND (state IS NULL OR state = 'intended') ORDER BY at",
                (serial,),
            ).fetchall()
        return [msgspec.structs.replace(WriteIntent(*row[:7]), secret=row[7]) for row in rows]

    def is_unproven(self, secret: str, described: str) -> bool:
        """Whether a new secret was sent to some meter and nobody knows yet whether it was taken."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT 1 FROM write_intent WHERE secret = ? AND will_be = ?"
                " AND (state IS NULL OR state = 'intended') LIMIT 1",
                (secret, described),
            ).fetchone()
        return row is not None

    def last_write(self, serial: str, name: str) -> str | None:
        """What was last intended of a kind of write (`firmware image`) to a meter, whatever became of it."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT will_be FROM write_intent WHERE serial = ? AND name = ? ORDER BY at DESC LIMIT 1",
                (serial, name),
            ).fetchone()
        return None if row is None else str(row[0])

    def reserve_counter(self, key: str, at_least: int, count: int) -> int:
        """First of `count` values that were never given before."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute("SELECT name, next_value FROM counter").fetchall()
            first = max([at_least, *(value for name, value in rows if _concerns(name, key))])
            connection.execute(
                "INSERT INTO counter (name, next_value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET next_value = excluded.next_value",
                (key, first + count),
            )
            connection.execute("COMMIT")
        return int(first)

    def system_title(self) -> str:
        """The DLMS client system title of this machine's meter tool, 16 hex digits; drawn once."""
        with self._open() as connection:
            title = (b"FTM" + secrets.token_bytes(5)).hex().upper()
            connection.execute("INSERT OR IGNORE INTO identity VALUES (?, ?)", (_TITLE, title))
            row = connection.execute("SELECT value FROM identity WHERE name = ?", (_TITLE,)).fetchone()
        return str(row[0])


class MeterLogHost:
    """`drivers.connection.SessionHost` on a meter log and secrets from the command line."""

    def __init__(
        self,
        log: MeterLog,
        secrets_by_name: dict[str, bytes],
        progress: Callable[[str, int, int, float | None], None],
        following: dict[str, bytes] | None = None,
        next_counter_key: str | None = None,
    ) -> None:
        """following: new secrets by the name of those they follow, kept durably by whoever gives them;
        next_counter_key: the counter that will count under the new block key, which must not fall back."""
        self._log = log
        self._following = following or {}
        self._next_counter_key = next_counter_key
        self._secrets = secrets_by_name
        self._progress = progress

    def on_progress(self, step: str, done: int, total: int, seconds_left: float | None) -> None:
        """Show it."""
        self._progress(step, done, total, seconds_left)

    def record_intent(self, intent: WriteIntent) -> None:
        """Durable before the write."""
        self._log.record_intent(intent)

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """After the read-back."""
        self._log.record_outcome(outcome)

    def reserve_counter(self, key: str, at_least: int, count: int) -> int:
        """Never twice the same."""
        first = self._log.reserve_counter(key, at_least, count)
        if self._next_counter_key is not None:
            self._log.reserve_counter(self._next_counter_key, first, count)
        return first

    def next_secret(self, name: str, make: int | None) -> NextSecret:
        """What the command line named. Nothing is drawn here: there is no office to seal it to."""
        value = self._following.get(name)
        if value is None:
            return NextSecret(SecretState.NONE)
        if value == self._secrets.get(name):
            return NextSecret(SecretState.CHANGED)
        kind = SecretKind(name) if name in list(SecretKind) else SecretKind.PASSWORD
        sent = self._log.is_unproven(name, describe(kind, value))
        return NextSecret(SecretState.SENT if sent else SecretState.WAITING, value)

    def secret(self, name: str) -> bytes | None:
        """What the command line named."""
        return self._secrets.get(name)


class NamedHost:
    """The meter log's host, whose writes stand in a tablet's journal too, in the name of who is signed in
    there. Secrets and counters stay the meter tool's own."""

    def __init__(self, log: MeterLogHost, journal: JournalHost) -> None:
        self._log, self._journal = log, journal

    def on_progress(self, step: str, done: int, total: int, seconds_left: float | None) -> None:
        """Show it."""
        self._log.on_progress(step, done, total, seconds_left)

    def record_intent(self, intent: WriteIntent) -> None:
        """Durable in both before the write."""
        self._journal.record_intent(intent)
        self._log.record_intent(intent)

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """After the read-back; in the journal where the intent stands there."""
        if self._journal.knows(outcome.intent_id):
            self._journal.record_outcome(outcome)
        self._log.record_outcome(outcome)

    def reserve_counter(self, key: str, at_least: int, count: int) -> int:
        """Of the log."""
        return self._log.reserve_counter(key, at_least, count)

    def next_secret(self, name: str, make: int | None) -> NextSecret:
        """Of the log."""
        return self._log.next_secret(name, make)

    def secret(self, name: str) -> bytes | None:
        """Of the log."""
        return self._log.secret(name)
