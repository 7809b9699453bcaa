"""The command line as another person at another machine would find it: no data and no keyring of ours."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fieldtool.security import keys
from workorders.journal.entry import Realm

PASSPHRASE = "una frase larga de prueba"


def environment(home: Path, **extra: str) -> dict[str, str]:
    """Variables for a program whose data lies in `home`, under a passphrase."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIELDTOOL_")}
    ours = {"FIELDTOOL_HOME": str(home), "FIELDTOOL_PASSPHRASE": PASSPHRASE}
    alone = {"PYTHONUTF8": "1", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return kept | ours | alone | extra


def light_vault(home: Path, realm: Realm, passphrase: str = PASSPHRASE) -> None:
    """Put an empty vault under `passphrase` into a fresh home.

    A vault names what it costs to open: this one microseconds, not the 0.4 s of processor time that a new
    one costs each time a command opens it. Everything else about it is as the program makes it.
    """
    vault = home / realm.value / "vault.json"
    if not vault.exists():
        vault.parent.mkdir(parents=True, exist_ok=True)
        vault.write_bytes(_light_vault(passphrase))


@functools.cache
def _light_vault(passphrase: str) -> bytes:
    salt, nonce = os.urandom(16), os.urandom(12)
    cheap = {"time_cost": 1, "memory_kib": 8, "lanes": 1}
    file = keys._VaultFile(version=1, salt=salt, nonce=nonce, box=b"", **cheap)
    box = AESGCM(keys._stretch(passphrase, file)).encrypt(nonce, b"{}", keys._CONTEXT)
    return msgspec.json.encode(msgspec.structs.replace(file, box=box))
