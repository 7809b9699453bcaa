"""The gateway's data on this machine: where its database lies, and its key in the vault.

`FIELDTOOL_DATABASE` (or `--database`) names the database; without it, it lies below the data folder. The
key lies in the keyring, or in a file under a passphrase beside the database; never in clear.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fieldtool.errors import JobError
from fieldtool.security import keys
from fieldtool.settings import DATABASE_VARIABLE, Home, write_whole
from workorders.gateway.office import Office, RealmMismatch
from workorders.journal.entry import Realm
from workorders.store.engine import open_store

_SQLITE = ("sqlite:///", "sqlite+pysqlcipher:///")


def database_path(given: str | None) -> Path:
    """The file of the gateway's database.

    Raises:
        JobError: `database_url`: a URL of a kind that this program does not serve.
    """
    text = given or os.environ.get(DATABASE_VARIABLE) or ""
    if not text:
        return Home.default().folder / "gateway" / "gateway.db"
    for prefix in _SQLITE:
        if text.startswith(prefix):
            return Path(text.removeprefix(prefix))
    if "://" in text:
        kind = text.split("://", 1)[0]
        raise JobError(
            "database_url", f"a database of kind {kind!r} is not served: give sqlite:///FILE", kind=kind
        )
    return Path(text)


def _realm(database: Path, given: Realm | None) -> Realm:
    """The realm whose vault holds the key: it was noted beside the database when that was made."""
    try:
        noted = Realm(_note(database).read_text("ascii").strip())
    except (OSError, ValueError):
        return given or Realm.LIVE
    if given is not None and given is not noted:
        raise RealmMismatch(f"this database is the office of {noted}, not of {given}")
    return noted


def _note(database: Path) -> Path:
    return database.with_name(f"{database.name}.realm")


def open_office(
    database: str | None, realm: Realm | None, passphrase: Callable[[], str | None] | None
) -> tuple[Office, Path]:
    """The office and the folder of its blobs; both are made the first time.

    Raises:
        JobError, StoreError, RealmMismatch: what is wrong with vault, database or realm.
    """
    path = database_path(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = _realm(path, realm)
    vault = keys.open_vault(Home(path.parent), chosen, passphrase)
    key = keys.database_key(vault, database_exists=path.exists())
    store = open_store(path, key, role="gateway")
    try:
        office = Office.open(store, chosen)
        if not _note(path).exists():
            write_whole(_note(path), chosen.value.encode("ascii"))
        return office, path.parent / f"{path.stem}-blobs"
    except BaseException:
        store.close()
        raise
