"""What can go wrong with a store, each with its own code and what to do about it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class StoreError(Exception):
    """A database that cannot be used as asked. Texts for people: `error.store.<code>` (and `.hint`).

    Attributes:
        code: `wrong_key`, `foreign_file`, `corrupt`, `newer_schema`, `disk_full`, `read_only`, `busy`,
            `cannot_open`, `missing`, `backup_failed`, `upgrade_failed`, `io_error`, `wiped`, `server_away`,
            `server_refuses` or `blobs_away` (the office's store of photos).
        hint: what to try, in plain English, for command line and log.
        path: the file, where there is one.
    """

    def __init__(self, code: str, message: str, hint: str = "", path: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.code = code
        self.message = message
        self.hint = hint
        self.path = path


HINTS = {
    "wrong_key": "Use the key or passphrase this file was made with, or `fieldtool recover`.",
    "foreign_file": "Choose another file, or move this one away; it was not made by fieldtool.",
    "corrupt": "Do not delete it: copy it away, then restore the newest backup and sync.",
    "newer_schema": "Update fieldtool; an older program would damage what a newer one wrote.",
    "disk_full": "Free some space (photos already confirmed can go); nothing written before is lost.",
    "read_only": "Make the file and its folder writable for this user.",
    "busy": "Another program is writing; try again.",
    "cannot_open": "Check that the folder exists and this user may write to it.",
    "missing": "Enrol this tablet first (`fieldtool enrol`), or check FIELDTOOL_HOME.",
    "backup_failed": "Free some space; the file was not touched.",
    "upgrade_failed": "Go on with the program of before; keep `fieldtool.log` for support. Nothing is lost.",
    "wiped": "What was not sent lies sealed in the folder `left`: bring it to the office, then enrol again.",
    "blobs_away": "Check bucket, endpoint and keys; the tablets keep their files until it answers.",
    "server_away": "Check that it runs and that the address is right; nothing written before is lost.",
    "server_refuses": "Check user, password, rights and name of the database, as `psql` takes them.",
    "io_error": "Check the disk with `fieldtool doctor`; nothing written before is lost.",
}

_LEAST_ROOM = 64 * 1024
_BY_SQLITE_CODE = {
    5: "busy",
    6: "busy",
    8: "read_only",
    10: "io_error",
    11: "corrupt",
    13: "disk_full",
    14: "cannot_open",
    26: "corrupt",
}
# The first two characters name the class (PostgreSQL's errcodes, after ISO/IEC 9075-2).
_BY_SQLSTATE = {
    "08": "server_away",
    "25006": "read_only",
    "28": "server_refuses",
    "3D": "server_refuses",
    "40": "busy",
    "42501": "server_refuses",
    "53100": "disk_full",
    "53": "busy",
    "55P03": "busy",
    "57P": "server_away",
    "57014": "busy",
    "58": "io_error",
    "25P03": "busy",
    "XX001": "corrupt",
    "XX002": "corrupt",
}
_MESSAGES = {
    "busy": "The database is being written by another program.",
    "read_only": "The database cannot be written.",
    "corrupt": "The database is damaged.",
    "disk_full": "The disk is full.",
    "cannot_open": "The database cannot be opened.",
    "io_error": "The disk does not take or give what it should.",
    "server_away": "The database server does not answer.",
    "server_refuses": "The database server does not let this program in.",
}


def store_error(code: str, message: str, path: object = "") -> StoreError:
    """A StoreError with the hint that belongs to its code."""
    return StoreError(code, message, HINTS[code], str(path))


def translate(error: BaseException, path: object = "") -> StoreError | None:
    """The StoreError for an error of the database driver; None for a mistake of ours (bad SQL).

    Args:
        path: the file, or the server's address without a password.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, PoolTimeout):
        code: str | None = "busy"
    elif isinstance(number := getattr(original, "sqlite_errorcode", None), int):
        code = _BY_SQLITE_CODE.get(number & 0xFF)
        if code in ("io_error", "cannot_open") and _is_full(path):
            code = "disk_full"  # SQLite says so only for the file itself, not for the index of its log
        elif code == "cannot_open" and _is_protected(path):
            code = "read_only"  # likewise
    else:
        code = _of_server(original)
    return None if code is None else StoreError(code, _MESSAGES[code], HINTS[code], str(path))


def _of_server(original: BaseException | None) -> str | None:
    """What PostgreSQL's state says; a connection that never came about has none, and its class tells."""
    state = getattr(original, "sqlstate", None)
    if isinstance(state, str):
        return next((_BY_SQLSTATE[state[:size]] for size in (5, 3, 2) if state[:size] in _BY_SQLSTATE), None)
    if type(original).__module__.partition(".")[0] == "psycopg" and type(original).__name__ in _NO_CONTACT:
        refused = any(word in str(original) for word in _REFUSALS)
        return "server_refuses" if refused else "server_away"
    return None


_NO_CONTACT = ("OperationalError", "ConnectionTimeout")
_REFUSALS = ("authentication failed", "does not exist", "no password supplied", "pg_hba.conf")
"""What libpq says in words when the server turns a connection away: it gives no state then."""


def _is_protected(path: object) -> bool:
    """Whether a file is there and nothing can be written beside it."""
    file = Path(str(path))
    return bool(str(path)) and file.is_file() and not os.access(file.parent, os.W_OK)


def _is_full(path: object) -> bool:
    """Whether there is no room left for even the shared index of a write-ahead log."""
    try:
        return bool(str(path)) and shutil.disk_usage(Path(str(path)).parent).free < _LEAST_ROOM
    except OSError:
        return False
