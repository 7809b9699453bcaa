"""The vault of one tablet as the tablet uses it: the database key, and the journal's high-water mark."""

from __future__ import annotations

from collections.abc import Callable

from fieldtool.security import keys
from fieldtool.settings import Home
from workorders.journal.entry import Realm
from workorders.journal.sealing import OrderKey
from workorders.journal.words import HeadReference


class Keeping:
    """Keyring or passphrase vault of a realm."""

    def __init__(self, home: Home, realm: Realm, passphrase: Callable[[], str | None] | None) -> None:
        """Raises JobError `passphrase_needed`, `wrong_passphrase`, `weak_passphrase`, `vault_damaged`."""
        self._exists = home.database(realm).exists
        self.vault = keys.open_vault(home, realm, passphrase)

    def database_key(self) -> bytes:
        """The database's key; a new one only where there is no database yet.

        Raises:
            JobError: `database_key_missing`.
        """
        return keys.database_key(self.vault, database_exists=self._exists())

    def recording_key(self) -> OrderKey:
        """What recordings are sealed under that belong to no order.

        Raises:
            JobError: `database_key_missing`.
        """
        return keys.recording_key(self.database_key())

    def forget(self) -> None:
        """Destroy the database's key and the mark, here; only the gateway's recovery key opens it then."""
        keys.forget(self.vault)

    def mark(self) -> HeadReference | None:
        """Newest entry this machine knows to have written."""
        water = keys.high_water(self.vault)
        return HeadReference(chain_id=water.chain_id, seq=water.seq, hash=water.hash) if water else None

    def raise_mark(self, head: HeadReference) -> None:
        """Note a new head."""
        water = keys.HighWater(chain_id=head.chain_id, seq=head.seq, hash=head.hash)
        keys.raise_high_water(self.vault, water)
