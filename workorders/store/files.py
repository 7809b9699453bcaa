"""Whose file is this? Tells a database of ours from a foreign, cut or wrongly keyed one, from outside."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

import msgspec

from workorders.store.errors import StoreError, store_error

_SQLITE_HEADER = b"SQLite format 3\x00"
_PAGE = 4096


def os_error(error: OSError, path: Path) -> StoreError:
    """The StoreError of a file that cannot be made, read or written."""
    if error.errno in (28, 122):
        return store_error("disk_full", "The disk is full.", path)
    if error.errno == 30:
        return store_error("read_only", f"{path.parent} cannot be written.", path)
    return store_error("cannot_open", f"The database cannot be made at {path}: {error.strerror}.", path)


class _Mark(msgspec.Struct):
    """The small file beside the database that tells a wrong key from a damaged file.

    An encrypted file with a wrong key and a damaged one look the same from outside. `check` is an HMAC of
    `salt` (the file's first 16 bytes) under the key; it gives nothing away about it.
    """

    salt: str
    check: str


def _mark_path(path: Path) -> Path:
    return path.with_name(path.name + ".mark")


def _key_check(key: bytes, salt: str) -> str:
    return hmac.new(key, b"fieldtool store mark 1\n" + salt.encode(), hashlib.sha256).hexdigest()


def write_mark(path: Path, key: bytes, *, whole: Path | None = None) -> None:
    """Keep the mark of the database at `path`; `whole`: where it lies until it gets that name."""
    try:
        with (whole or path).open("rb") as file:
            salt = file.read(16).hex()
        mark = _Mark(salt=salt, check=_key_check(key, salt))
        if _read_mark(path) != mark:
            beside = path.with_name(f"{path.name}.mark.{os.getpid()}.new")
            beside.write_bytes(msgspec.json.encode(mark))
            beside.replace(_mark_path(path))
    except OSError:
        # Only a better error message later hangs on it; it is written again at the next opening.
        return


def _read_mark(path: Path) -> _Mark | None:
    try:
        return msgspec.json.decode(_mark_path(path).read_bytes(), type=_Mark)
    except (OSError, msgspec.DecodeError):
        return None


def look_from_outside(path: Path) -> None:
    """Raise StoreError (`foreign_file`, `corrupt`, `cannot_open`) for what cannot be a database of ours."""
    if not path.is_file():
        raise store_error("foreign_file", f"{path} is not a file.", path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
        size = path.stat().st_size
    except PermissionError:
        raise store_error("cannot_open", f"{path} may not be read.", path) from None
    except OSError as error:
        raise os_error(error, path) from error
    ours = _read_mark(path) is not None
    if head == _SQLITE_HEADER:
        raise store_error("foreign_file", f"{path} is a database in clear, not one of fieldtool.", path)
    if size < _PAGE or size % _PAGE:
        if ours:
            raise store_error("corrupt", f"{path} is cut short ({size} bytes).", path)
        raise store_error("foreign_file", f"{path} is not a database of fieldtool.", path)


def why_unreadable(path: Path, key: bytes) -> StoreError:
    """Why a file that should be ours does not open: another key, damage, or not ours at all."""
    mark = _read_mark(path)
    if mark is None:
        return store_error("foreign_file", f"{path} is not a database of fieldtool, or of another key.", path)
    if not hmac.compare_digest(_key_check(key, mark.salt), mark.check):
        return store_error("wrong_key", f"The key does not open {path}.", path)
    return store_error("corrupt", f"{path} is damaged: the key is right, but its pages do not read.", path)
