"""Credentials of an association: secrets asked for by name, ciphering, and the invocation counter behind
it."""

from __future__ import annotations

from collections.abc import Callable

from drivers.connection import Auth, Connection
from drivers.dlms.acse import Mechanism
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.client import Credentials
from drivers.errors import MissingSecret, WrongValue
from drivers.session.counters import CounterBlock, Reserve

_MECHANISMS = {
    Auth.NONE: Mechanism.NONE,
    Auth.LOW: Mechanism.LOW,
    Auth.HIGH: Mechanism.HIGH,
    Auth.MD5: Mechanism.MD5,
    Auth.SHA1: Mechanism.SHA1,
    Auth.SHA256: Mechanism.SHA256,
    Auth.GMAC: Mechanism.GMAC,
}
_KEY_BYTES = 16


class CredentialMaker:
    """Makes the credentials anew for each association; the counter block lives on."""

    def __init__(
        self, connection: Connection, secret: Callable[[str], bytes | None], reserve: Reserve
    ) -> None:
        self._connection = connection
        self._ask = secret
        key = connection.counter_key or f"{connection.block_key}/{connection.client}"
        self.counters = CounterBlock(reserve, key)

    def make(self) -> Credentials:
        """Raises ``MissingSecret`` or ``WrongValue`` before anything is sent to the meter."""
        connection = self._connection
        mechanism = _MECHANISMS[connection.auth]
        if mechanism is Mechanism.NONE:
            return Credentials(mechanism, client=connection.client)
        secret = b"" if mechanism is Mechanism.GMAC else self._secret(connection.password, "password")
        ciphered = mechanism is Mechanism.GMAC or connection.block_key
        return Credentials(mechanism, secret, self._ciphering() if ciphered else None, connection.client)

    def _ciphering(self) -> Ciphering:
        connection = self._connection
        block = self._key(connection.block_key, "block key")
        authentication = self._key(connection.auth_key, "authentication key")
        return Ciphering(_title(connection.system_title), block, authentication, self.counters.next)

    def _key(self, name: str | None, what: str) -> bytes:
        key = self._secret(name, what)
        if len(key) != _KEY_BYTES:
            raise WrongValue(f"The {what} must have {_KEY_BYTES} bytes, this one has {len(key)}.")
        return key

    def _secret(self, name: str | None, what: str) -> bytes:
        value = self._ask(name) if name else None
        if value is None:
            raise MissingSecret(f"The {what} of this meter is not on this tablet.")
        return value


def _title(text: str) -> bytes:
    try:
        title = bytes.fromhex(text)
    except ValueError:
        title = b""
    if len(title) != 8:
        raise WrongValue("The system title of this tablet must be 16 hex digits.")
    return title
