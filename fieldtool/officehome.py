"""The gateway's data: where its database and its blobs lie, and the key of the database.

`FIELDTOOL_DATABASE` (or `--database`) names the database: a file, or a PostgreSQL server; without it, a file
below the data folder. `FIELDTOOL_BLOBS` (or `--blobs`) names where the blobs are kept. The key lies in the
keyring, or in a file under a passphrase; never in clear. Of a server's database it is the master key, which
all gateways on it share: `FIELDTOOL_DATABASE_KEY` says where it is found (`env:NAME`, `file:PATH`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fieldtool.errors import JobError
from fieldtool.security import keys
from fieldtool.settings import (
    BLOBS_VARIABLE,
    DATABASE_KEY_VARIABLE,
    DATABASE_VARIABLE,
    Home,
)
from workorders.durable import write_whole
from workorders.gateway.office import Office, RealmMismatch
from workorders.journal.entry import Realm
from workorders.store.engine import Store, open_store
from workorders.store.errors import StoreError
from workorders.sync.blobs import BlobFiles, BlobStore

_SQLITE = ("sqlite:///", "sqlite+pysqlcipher:///")
_SERVER = ("postgresql://", "postgres://", "postgresql+psycopg://")


def database_of(given: str | None) -> Path | str:
    """The file of the gateway's database, or the URL of a server's.

    Raises:
        JobError: `database_url`: a URL of a kind that this program does not serve.
    """
    text = given or os.environ.get(DATABASE_VARIABLE) or ""
    if not text:
        return Home.default().folder / "gateway" / "gateway.db"
    for prefix in _SQLITE:
        if text.startswith(prefix):
            return Path(text.removeprefix(prefix))
    if text.startswith(_SERVER):
        return text
    if "://" in text:
        kind = text.split("://", 1)[0]
        message = f"a database of kind {kind!r} is not served: give sqlite:///FILE or postgresql+psycopg://…"
        raise JobError("database_url", message, kind=kind)
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
    database: str | None,
    realm: Realm | None,
    passphrase: Callable[[], str | None] | None,
    blobs: str | None = None,
    *,
    create: bool = True,
) -> tuple[Office, BlobStore]:
    """The office and where its blobs are kept; both are made the first time, if `create`.

    Without `create` a path or URL with a mistake in it is told (`no_office`): a new, empty office would have
    nothing to find fault with.

    Raises:
        JobError, StoreError, RealmMismatch: what is wrong with vault, key, database, blobs or realm.
    """
    place = database_of(database)
    named = blobs or os.environ.get(BLOBS_VARIABLE) or ""
    files = _blobs(named) if named else None
    if isinstance(place, str):
        files = files or BlobFiles(Home.default().folder / "gateway" / "blobs")
        store = _open_server(place, realm or Realm.LIVE, passphrase, create)
        return _office(store, realm), files
    path = place
    if not create and not path.exists():
        raise _no_office(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = _realm(path, realm)
    vault = keys.open_vault(Home(path.parent), chosen, passphrase)
    key = keys.database_key(vault, database_exists=path.exists())
    office = _office(open_store(path, key, role="gateway"), chosen)
    if not _note(path).exists():
        write_whole(_note(path), chosen.value.encode("ascii"))
    return office, files or BlobFiles(path.parent / f"{path.stem}-blobs")


def _blobs(address: str) -> BlobStore:
    # Late: only who has an object store needs its driver.
    from workorders.gateway.objects import BlobAddressError, open_blobs

    try:
        return open_blobs(address)
    except BlobAddressError as error:
        raise JobError(error.code, str(error)) from None


def _office(store: Store, realm: Realm | None) -> Office:
    try:
        return Office.open(store, realm)
    except BaseException:
        store.close()
        raise


def _open_server(url: str, realm: Realm, passphrase: Callable[[], str | None] | None, create: bool) -> Store:
    # Late: only who has a server needs its driver.
    from workorders.store.server import open_server

    try:
        return open_server(url, _master_key(realm, passphrase, create), create=create)
    except StoreError as error:
        if error.code == "missing":
            raise _no_office(error.path) from None
        raise


def _no_office(place: str) -> JobError:
    return JobError("no_office", f"there is no office at {place}", place=place)


def _master_key(realm: Realm, passphrase: Callable[[], str | None] | None, create: bool) -> bytes:
    """The key that seals what is secret on a server; where nothing is said, this machine's vault has it."""
    from fieldtool.commands.secrets import key_bytes, resolve

    given = os.environ.get(DATABASE_KEY_VARIABLE)
    if given:
        if not given.startswith(("env:", "file:", "vault:")):
            given = f"env:{DATABASE_KEY_VARIABLE}"
        key = key_bytes(resolve(given, DATABASE_KEY_VARIABLE), DATABASE_KEY_VARIABLE)
        if key is None or len(key) != keys.KEY_BYTES:
            message = f"{DATABASE_KEY_VARIABLE}: a master key is 64 hex digits"
            raise JobError("bad_key", message, option=DATABASE_KEY_VARIABLE)
        return key
    vault = keys.open_vault(Home(Home.default().folder / "gateway"), realm, passphrase)
    return keys.database_key(vault, database_exists=not create)
