"""Keys at rest: keyring, passphrase file, realms apart, an old copy noticed, nothing in clear or in a log."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import keyring.backend
import keyring.backends.fail
import pytest

from fieldtool.errors import JobError
from fieldtool.security import keys, redaction
from fieldtool.security.keys import HighWater, KeyringVault, PassphraseVault
from fieldtool.security.realm import check_realm
from fieldtool.settings import PASSPHRASE_VARIABLE, Home
from workorders.journal.entry import Realm

PHRASE = "tres tristes contadores"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """Stands for the system's keyring, which a test must not touch."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.kept.pop((service, username), None)


def code_of(error: pytest.ExceptionInfo[JobError]) -> str:
    return error.value.code


def test_the_keyring_keeps_the_database_key_and_each_realm_has_its_own(tmp_path: Path) -> None:
    backend, home = MemoryKeyring(), Home(tmp_path)
    live = keys.open_vault(home, Realm.LIVE, backend=backend)
    training = keys.open_vault(home, Realm.TRAINING, backend=backend)
    assert live.kind == "keyring"
    first = keys.database_key(live, database_exists=False)
    assert (
        keys.database_key(keys.open_vault(home, Realm.LIVE, backend=backend), database_exists=True) == first
    )
    assert keys.database_key(training, database_exists=False) != first
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and first in p.read_bytes()]


def test_two_homes_on_one_machine_do_not_share_keys(tmp_path: Path) -> None:
    backend = MemoryKeyring()
    made = {
        keys.database_key(
            keys.open_vault(Home(tmp_path / n), Realm.DEMO, backend=backend), database_exists=False
        )
        for n in "ab"
    }
    assert len(made) == 2


def test_without_a_keyring_a_passphrase_is_needed_and_never_the_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = keyring.backends.fail.Keyring()
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)
    with pytest.raises(JobError) as error:
        keys.open_vault(Home(tmp_path), Realm.LIVE, backend=none)
    assert code_of(error) == "passphrase_needed"
    for weak in ("602217", "602217602217", "short", "aaaaaaaaaaaaaaaa"):
        with pytest.raises(JobError) as error:
            keys.open_vault(Home(tmp_path), Realm.LIVE, lambda weak=weak: weak, backend=none)  # type: ignore[misc]
        assert code_of(error) == "weak_passphrase"
    vault = keys.open_vault(Home(tmp_path), Realm.LIVE, lambda: PHRASE, backend=none)
    key = keys.database_key(vault, database_exists=False)
    monkeypatch.setenv(PASSPHRASE_VARIABLE, PHRASE)
    again = keys.open_vault(Home(tmp_path), Realm.LIVE, backend=MemoryKeyring())
    assert again.kind == "passphrase", "a vault file stays in use when a keyring appears later"
    assert keys.database_key(again, database_exists=True) == key


def test_a_wrong_passphrase_and_a_damaged_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    PassphraseVault(path, PHRASE).put("database-key", b"k" * 32)
    assert b"k" * 32 not in path.read_bytes()
    with pytest.raises(JobError) as error:
        PassphraseVault(path, PHRASE + "!")
    assert code_of(error) == "wrong_passphrase"
    path.write_bytes(b"{}")
    with pytest.raises(JobError) as error:
        PassphraseVault(path, PHRASE)
    assert code_of(error) == "vault_damaged"


def test_a_keyring_that_keeps_in_clear_is_refused() -> None:
    plain = type("PlaintextKeyring", (MemoryKeyring,), {"__module__": "keyrings.alt.file"})
    with pytest.raises(JobError) as error:
        KeyringVault(Realm.LIVE, "x", plain())
    assert code_of(error) == "vault_unavailable"


def test_a_keyring_that_breaks_is_a_clear_error_and_the_passphrase_takes_over(tmp_path: Path) -> None:
    class Broken(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            raise ConnectionResetError("bus gone")

    with pytest.raises(JobError) as error:
        KeyringVault(Realm.LIVE, "x", Broken()).get("database-key")
    assert code_of(error) == "vault_unavailable"
    assert keys.open_vault(Home(tmp_path), Realm.LIVE, lambda: PHRASE, backend=Broken()).kind == "passphrase"


def test_a_lost_key_is_never_replaced_over_a_database_and_comes_back_by_recovery(tmp_path: Path) -> None:
    vault = KeyringVault(Realm.LIVE, "x", MemoryKeyring())
    with pytest.raises(JobError) as error:
        keys.database_key(vault, database_exists=True)
    assert code_of(error) == "database_key_missing"
    keys.restore_database_key(vault, b"r" * 32)
    assert keys.database_key(vault, database_exists=True) == b"r" * 32


def test_the_mark_is_kept_as_it_was_told() -> None:
    vault = KeyringVault(Realm.LIVE, "x", MemoryKeyring())
    assert keys.high_water(vault) is None
    keys.raise_high_water(vault, HighWater(chain_id="c", seq=5, hash="h5"))
    assert keys.high_water(vault) == HighWater(chain_id="c", seq=5, hash="h5")


def test_realms_do_not_mix() -> None:
    check_realm(Realm.DEMO, None, Realm.DEMO)
    with pytest.raises(JobError) as error:
        check_realm(Realm.LIVE, Realm.TRAINING)
    assert code_of(error) == "realm_mixed"


def test_no_secret_reaches_a_log() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(redaction.RedactingFilter())
    log = logging.getLogger("fieldtool.test.redaction")
    log.propagate = False
    log.addHandler(handler)
    secret = bytes.fromhex("00112233445566778899aabbccddeeff")
    redaction.hide(secret)
    redaction.hide("clave-del-lector")
    log.warning("key %s and %s", secret.hex(), secret.hex(" ").upper())
    log.warning("sent %r", b"..clave-del-lector..")
    log.warning("password=hunter2 pin: 602217 {'auth_key': 'abcd'} serial ZIV0012345678")
    log.warning("PRAGMA key = \"x'%s'\"", "ab" * 32)
    try:
        raise ValueError("wrong password: geheim12")
    except ValueError:
        log.exception("failed")
    text = out.getvalue()
    for leak in ("00112233", "00 11 22", "lector", "hunter2", "602217", "abcd", "abab", "geheim12"):
        assert leak not in text
    assert "ZIV0012345678" in text, "what is no secret stays readable"
