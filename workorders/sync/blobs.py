"""Photos, signatures and documents as files of sealed bytes, named by their SHA-256.

A file is whole and on the disk before the entry that names it is written; the record goes to the office
first, the file after it. It is removed here only after the office confirmed its hash, and a grace time more.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, insert, select, update

from workorders.clock import utc_text
from workorders.durable import sync_folder
from workorders.journal.kinds import RECORD_BLOB
from workorders.store import schema
from workorders.store.errors import store_error

GRACE = timedelta(days=7)
LOCAL, CONFIRMED, REMOVED, HELD = "local", "confirmed", "removed", "held"

_NAME = re.compile(r"[0-9a-f]{64}")


class BlobStore(Protocol):
    """Where blobs are kept: a folder (`BlobFiles`), or the office's object store."""

    def put(self, sealed: bytes) -> str:
        """Keep sealed bytes; durable on return. Returns their SHA-256. Raises StoreError."""
        ...

    def get(self, sha256: str) -> bytes | None:
        """The sealed bytes; None if they are not here or are not what their name says."""
        ...

    def part(self, sha256: str, start: int, length: int) -> bytes | None:
        """`length` bytes from `start` on, fewer at the end, not proven by the hash. None if none is here."""
        ...

    def has(self, sha256: str) -> bool:
        """Whether a blob of this hash is here."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove a blob; nothing happens if it is not here."""
        ...


def check_name(sha256: str) -> None:
    """Raise ValueError for what is no hash, so that no name from outside ever leaves the store."""
    if not _NAME.fullmatch(sha256):
        raise ValueError("not a SHA-256 in hex")


class BlobFiles:
    """A folder of blobs, spread over 256 subfolders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the blob of this hash lies or would lie.

        Raises:
            ValueError: not a hash.
        """
        check_name(sha256)
        return self.folder / sha256[:2] / sha256

    def put(self, sealed: bytes) -> str:
        """Write sealed bytes; durable on return. Returns their SHA-256.

        Raises:
            StoreError: `disk_full`, `read_only` or `cannot_open`; then nothing is there.
        """
        sha256 = hashlib.sha256(sealed).hexdigest()
        target = self.path(sha256)
        if self.has(sha256):
            return sha256
        fresh = target.with_name(f"{sha256}.{os.getpid()}.new")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            code = {28: "disk_full", 122: "disk_full", 30: "read_only"}.get(error.errno or 0, "cannot_open")
            raise store_error(code, f"The file could not be written: {error.strerror}.", target) from error
        finally:
            fresh.unlink(missing_ok=True)
        return sha256

    def get(self, sha256: str) -> bytes | None:
        """The sealed bytes; None if they are not here or are not what their name says."""
        try:
            data = self.path(sha256).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def part(self, sha256: str, start: int, length: int) -> bytes | None:
        """`length` bytes from `start` on, fewer at the end, not proven by the hash. None if none is here."""
        try:
            with self.path(sha256).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except OSError:
            return None

    def has(self, sha256: str) -> bool:
        """Whether a file of this hash is here and whole."""
        return self.get(sha256) is not None

    def remove(self, sha256: str) -> None:
        """Remove a file; nothing happens if it is not here."""
        self.path(sha256).unlink(missing_ok=True)


# --- the table beside ---------------------------------------------------------------------------


def note_blob(connection: Connection, sha256: str, size: int, state: str, at: str) -> None:
    """Note a blob's state; one that was confirmed does not go back to local."""
    table = schema.blob_store
    known = connection.execute(select(table.c.state).where(table.c.sha256 == sha256)).scalar()
    if known is None:
        connection.execute(insert(table).values(sha256=sha256, size=size, state=state, at=at))
    elif known != state and not (state == LOCAL and known == CONFIRMED):
        connection.execute(update(table).where(table.c.sha256 == sha256).values(state=state, at=at))


def note_local(connection: Connection, sha256: str, size: int, at: str) -> None:
    """A blob lies here and waits for the office; for `also` of the entry that names it."""
    note_blob(connection, sha256, size, LOCAL, at)


def send_again(connection: Connection, hashes: Sequence[str], at: str) -> int:
    """The office has lost these blobs after it had confirmed them: they wait again. Returns how many."""
    table = schema.blob_store
    lost = (table.c.sha256.in_(hashes)) & (table.c.state == CONFIRMED)
    return connection.execute(update(table).where(lost).values(state=LOCAL, at=at)).rowcount


def waiting(connection: Connection) -> list[tuple[str, int]]:
    """Blobs (hash, size) that own, answered entries name and the office has not confirmed, oldest first."""
    blob, entry, verdict, held = schema.blob, schema.entry, schema.verdict, schema.blob_store
    answered = (verdict.c.entry_id == entry.c.id) & (verdict.c.hash == entry.c.hash)
    query = (
        select(blob.c.sha256, blob.c.size)
        .join(entry, entry.c.id == blob.c.entry_id)
        .join(verdict, answered)
        .outerjoin(held, held.c.sha256 == blob.c.sha256)
        .where(entry.c.own.is_(True))
        .where(held.c.state.is_(None) | (held.c.state == LOCAL))
        .order_by(blob.c.at, blob.c.sha256)
    )
    seen: dict[str, int] = {}
    for row in connection.execute(query):
        seen.setdefault(row.sha256, row.size)
    return list(seen.items())


def expired(connection: Connection, now: datetime) -> Iterator[str]:
    """Hashes of local files that may go: confirmed by the office longer ago than the grace time.

    The record of an order is printed again where it was made as long as its key opens it.
    """
    table, blob, gone = schema.blob_store, schema.blob, schema.erased_key
    before = utc_text(now - GRACE)
    records = select(blob.c.sha256).where(
        blob.c.what == RECORD_BLOB, blob.c.key_id.is_not(None), blob.c.key_id.not_in(select(gone.c.key_id))
    )
    query = select(table.c.sha256).where(
        table.c.state == CONFIRMED, table.c.at < before, table.c.sha256.not_in(records)
    )
    for row in connection.execute(query).all():
        yield row.sha256
