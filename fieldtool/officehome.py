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
from fieldtool.settings import DATABASE_VARIABLE, Home
from workorders.gateway.office import Office
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


def _realm(folder: Path, given: Realm | None) -> Realm:
    if given is not None:
        return given
    there = [realm for realm in Realm if (folder / realm.value).is_dir()]
    return there[0] if len(there) == 1 else Realm.LIVE


def open_office(
    database: str | None, realm: Realm | None, passphrase: Callable[[], str | None] | None
) -> tuple[Office, Path]:
    """The office and the folder of its blobs; both are made the first time.

    Raises:
        JobError, StoreError, RealmMismatch: what is wrong with vault, database or realm.
    """
    path = database_path(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = _realm(path.parent, realm)
    vault = keys.open_vault(Home(path.parent), chosen, passphrase)
    key = keys.database_key(vault, database_exists=path.exists())
    store = open_store(path, key, role="gateway")
    try:
        return Office.open(store, chosen), path.parent / f"{path.stem}-blobs"
    except BaseException:
        store.close()
        raise
