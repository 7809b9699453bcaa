"""The keys of one tablet at rest: the system's keyring, or a file under a passphrase; never in clear.

Two things lie in a vault: the key of the encrypted database, and the high-water mark of the journal, which
shows afterwards that an older copy of the database was put back. Realms never share an entry.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import keyring
import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from fieldtool.errors import JobError
from fieldtool.settings import PASSPHRASE_VARIABLE, Home
from workorders.durable import write_whole
from workorders.journal.entry import Realm
from workorders.journal.sealing import OrderKey

SERVICE = "fieldtool"
DATABASE_KEY = "database-key"
HIGH_WATER = "high-water"
KEY_BYTES = 32
SHORTEST_PASSPHRASE = 12
_VAULT_FILE = "vault.json"
_ID_FILE = "vault.id"
_CONTEXT = b"fieldtool/passphrase-vault/1"


class KeyVault(Protocol):
    """Keeps small secrets by name."""

    @property
    def kind(self) -> str:
        """`keyring` or `passphrase`."""
        ...

    def get(self, name: str) -> bytes | None:
        """The secret, None where there is none. Raises JobError `vault_unavailable`."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Keep a secret, durably. Raises JobError `vault_unavailable`."""
        ...

    def delete(self, name: str) -> None:
        """Forget a secret; no error where there is none."""
        ...


class KeyringVault:
    """Secrets in Windows' Credential Manager, the Secret Service or the keychain."""

    kind = "keyring"

    def __init__(self, realm: Realm, home_id: str, backend: KeyringBackend | None = None) -> None:
        """home_id: names the tablet's folder, so that two of them on one machine do not mix.

        Raises JobError `vault_unavailable` where there is no keyring, or only one that stores in clear.
        """
        self._backend = backend or keyring.get_keyring()
        if not _is_safe(self._backend):
            raise _unavailable("this machine has no keyring that protects what it keeps")
        self._prefix = f"{realm.value}/{home_id}/"

    def get(self, name: str) -> bytes | None:
        """See `KeyVault`."""
        try:
            text = self._backend.get_password(SERVICE, self._prefix + name)
            return None if text is None else base64.b64decode(text, validate=True)
        except Exception as error:  # a backend raises whatever its desktop's library does
            raise _unavailable(type(error).__name__) from None

    def put(self, name: str, value: bytes) -> None:
        """See `KeyVault`."""
        try:
            text = base64.b64encode(value).decode("ascii")
            self._backend.set_password(SERVICE, self._prefix + name, text)
        except Exception as error:  # see `get`
            raise _unavailable(type(error).__name__) from None

    def delete(self, name: str) -> None:
        """See `KeyVault`."""
        with contextlib.suppress(PasswordDeleteError):
            self._backend.delete_password(SERVICE, self._prefix + name)

    def works(self) -> bool:
        """Whether the keyring really keeps something: a locked Secret Service is there and refuses."""
        probe = secrets.token_bytes(8)
        try:
            self.put("probe", probe)
            return self.get("probe") == probe
        except JobError:
            return False
        finally:
            with contextlib.suppress(Exception):
                self.delete("probe")


class _VaultFile(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    salt: bytes
    nonce: bytes
    box: bytes
    time_cost: int = 3
    memory_kib: int = 131072
    lanes: int = 4


class PassphraseVault:
    """Secrets in one file under a passphrase: Argon2id, then AES-256-GCM over all of them."""

    kind = "passphrase"

    def __init__(self, path: Path, passphrase: str) -> None:
        """Open the file, or make ready to write a new one. *Slow* (Argon2, about 0.3 s).

        Raises JobError `weak_passphrase` (new file only), `wrong_passphrase`, `vault_damaged`.
        """
        self._path = path
        self._entries: dict[str, bytes] = {}
        if path.exists():
            self._file = _read_vault(path)
            self._key = _stretch(passphrase, self._file)
            self._entries = self._open()
        else:
            check_passphrase(passphrase)
            self._file = _VaultFile(version=1, salt=os.urandom(16), nonce=b"", box=b"")
            self._key = _stretch(passphrase, self._file)

    def get(self, name: str) -> bytes | None:
        """See `KeyVault`."""
        return self._entries.get(name)

    def put(self, name: str, value: bytes) -> None:
        """See `KeyVault`."""
        self._entries[name] = value
        self._write()

    def delete(self, name: str) -> None:
        """See `KeyVault`."""
        if self._entries.pop(name, None) is not None:
            self._write()

    def _open(self) -> dict[str, bytes]:
        try:
            plain = AESGCM(self._key).decrypt(self._file.nonce, self._file.box, _CONTEXT)
            return msgspec.json.decode(plain, type=dict[str, bytes])
        except InvalidTag:
            raise JobError("wrong_passphrase", "the passphrase does not open the vault") from None

    def _write(self) -> None:
        nonce = os.urandom(12)
        box = AESGCM(self._key).encrypt(nonce, msgspec.json.encode(self._entries), _CONTEXT)
        self._file = msgspec.structs.replace(self._file, nonce=nonce, box=box)
        try:
            write_whole(self._path, msgspec.json.encode(self._file))
        except OSError as error:
            raise _unavailable(error.strerror or type(error).__name__) from None


def has_passphrase_vault(home: Home, realm: Realm) -> bool:
    """Whether a passphrase was chosen for this realm: then it is asked for again, never chosen anew."""
    return (home.realm_folder(realm) / _VAULT_FILE).exists()


def check_passphrase(passphrase: str) -> None:
    """Raise JobError `weak_passphrase` for one that is short or is only digits (a PIN is no passphrase)."""
    if len(passphrase) < SHORTEST_PASSPHRASE or passphrase.isdigit() or len(set(passphrase)) < 6:
        raise JobError(
            "weak_passphrase",
            f"a passphrase has at least {SHORTEST_PASSPHRASE} characters and is not a number",
            least=str(SHORTEST_PASSPHRASE),
        )


def open_vault(
    home: Home,
    realm: Realm,
    ask: Callable[[], str | None] | None = None,
    *,
    backend: KeyringBackend | None = None,
) -> KeyVault:
    """The vault of a realm: its passphrase file if there is one, else the keyring, else a new file.

    ask: asks a person for the passphrase where `FIELDTOOL_PASSPHRASE` does not hold it; None: nobody to ask.
    Raises JobError `passphrase_needed`, `wrong_passphrase`, `weak_passphrase`, `vault_damaged`.
    """
    folder = home.realm_folder(realm)
    file = folder / _VAULT_FILE
    if not file.exists():
        with contextlib.suppress(JobError):
            vault = KeyringVault(realm, _home_id(folder), backend)
            if vault.works():
                return vault
    passphrase = os.environ.get(PASSPHRASE_VARIABLE) or (ask() if ask else None)
    if not passphrase:
        raise JobError(
            "passphrase_needed",
            f"this machine has no usable keyring: set {PASSPHRASE_VARIABLE} or enter a passphrase",
            variable=PASSPHRASE_VARIABLE,
        )
    return PassphraseVault(file, passphrase)


def database_key(vault: KeyVault, *, database_exists: bool) -> bytes:
    """The database's key; a new one for a new database.

    Raises JobError `database_key_missing` where there is a database and its key is gone: never a new key over
    data that it cannot open (`fieldtool recover` brings the old one from the office).
    """
    key = vault.get(DATABASE_KEY)
    if key is not None and len(key) == KEY_BYTES:
        return key
    if database_exists:
        raise JobError(
            "database_key_missing", "the key of this tablet's database is gone: run fieldtool recover"
        )
    key = secrets.token_bytes(KEY_BYTES)
    vault.put(DATABASE_KEY, key)
    return key


def restore_database_key(vault: KeyVault, key: bytes) -> None:
    """Put back a key that `workorders.sync.enrolment.recover_key` brought."""
    if len(key) != KEY_BYTES:
        raise JobError("bad_recovery", "what came back is no database key")
    vault.put(DATABASE_KEY, key)


def recording_key(database: bytes) -> OrderKey:
    """What recordings are sealed under that belong to no order: it comes of the database's key, so whoever
    opens the one opens the other, also after a recovery, and both are gone with a wipe."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"fieldtool recordings 1").derive(database)
    return OrderKey(key_id="recordings", key=derived)


def forget(vault: KeyVault) -> None:
    """Destroy what the vault holds of a tablet: the key of its database and the mark of its journal."""
    vault.delete(DATABASE_KEY)
    vault.delete(HIGH_WATER)


class HighWater(msgspec.Struct, frozen=True, kw_only=True):
    """The newest entry of the journal that this machine has seen: chain, sequence and hash (hex)."""

    chain_id: str
    seq: int
    hash: str


def high_water(vault: KeyVault) -> HighWater | None:
    """The mark, None before the first entry."""
    raw = vault.get(HIGH_WATER)
    try:
        return None if raw is None else msgspec.json.decode(raw, type=HighWater)
    except msgspec.DecodeError:
        return None


def raise_high_water(vault: KeyVault, head: HighWater) -> None:
    """Note a head; `Journal.check_mark` says at the next opening whether it is still here."""
    vault.put(HIGH_WATER, msgspec.json.encode(head))


def _home_id(folder: Path) -> str:
    file = folder / _ID_FILE
    with contextlib.suppress(OSError):
        text = file.read_text("ascii").strip()
        if text:
            return text
    made = secrets.token_hex(8)
    write_whole(file, made.encode("ascii"))
    return made


def _is_safe(backend: KeyringBackend) -> bool:
    """False for backends that keep nothing or keep it in clear."""
    inner = getattr(backend, "backends", None)
    if inner is not None:
        return bool(inner) and all(_is_safe(one) for one in inner)
    module = type(backend).__module__
    return not module.startswith(("keyrings.alt", "keyring.backends.fail", "keyring.backends.null"))


def _read_vault(path: Path) -> _VaultFile:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_VaultFile)
    except (msgspec.DecodeError, OSError):
        raise JobError(
            "vault_damaged", f"{path.name} cannot be read: restore it from a backup or recover"
        ) from None
    if file.version != 1 or file.memory_kib > 4_194_304 or file.time_cost > 64:
        raise JobError("vault_damaged", f"{path.name} is of a version that this program does not know")
    return file


def _stretch(passphrase: str, file: _VaultFile) -> bytes:
    return hash_secret_raw(
        passphrase.encode(),
        file.salt,
        time_cost=file.time_cost,
        memory_cost=file.memory_kib,
        parallelism=file.lanes,
        hash_len=KEY_BYTES,
        type=Type.ID,
    )


def _unavailable(reason: str) -> JobError:
    return JobError("vault_unavailable", f"the keyring cannot be used: {reason}", reason=reason)
