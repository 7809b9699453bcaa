"""Credentials of an association: secrets asked for by name, ciphering, and the invocation counter behind
it."""

from __future__ import annotations

from collections.abc import Callable

from drivers import elliptic
from drivers.connection import Auth, Connection, Protection
from drivers.dlms.acse import Mechanism
from drivers.dlms.ciphering import Ciphering, Heard
from drivers.dlms.client import Credentials
from drivers.dlms.protection import Keys
from drivers.elliptic import Purpose, Suite
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
    Auth.ECDSA: Mechanism.ECDSA,
}
_KEYED = (Mechanism.NONE, Mechanism.GMAC, Mechanism.ECDSA)
"""Mechanisms without a password."""


class CredentialMaker:
    """Makes the credentials anew for each association; the counter block lives on."""

    def __init__(
        self, connection: Connection, secret: Callable[[str], bytes | None], reserve: Reserve
    ) -> None:
        self._connection = connection
        self._ask = secret
        self._heard = (b"", Heard())
        key_name = connection.block_key or connection.agreement_key  # agreed keys have no global one
        key = connection.counter_key or f"{key_name}/{connection.client}"
        # One block for the present key and for the one that follows it: it only rises, so that no counter is
        # used twice under either, whichever of them the meter holds.
        self.counters = CounterBlock(reserve, key)

    def make(self) -> Credentials:
        """Raises ``MissingSecret`` or ``WrongValue`` before anything is sent to the meter."""
        connection = self._connection
        mechanism = _MECHANISMS[connection.auth]
        secret = b"" if mechanism in _KEYED else self._secret(connection.password, "password")
        if mechanism is Mechanism.NONE:
            return Credentials(mechanism, client=connection.client)
        wrapping = connection.protection
        ciphered = bool(mechanism is Mechanism.GMAC or connection.block_key or wrapping.agreed)
        keys = self._keys(ciphered, wrapping)
        ciphering = None
        if ciphered:
            ciphering = Ciphering(
                keys,
                self.counters.next,
                wrapping=wrapping,
                signed=connection.signed,
                heard=self._heard_under(keys.block_key) if mechanism < Mechanism.HIGH else None,
            )
        return Credentials(mechanism, secret, ciphering, connection.client, keys)

    def _heard_under(self, key: bytes) -> Heard:
        """Of the associations before, where nothing in a new one proves that the meter answers now."""
        if self._heard[0] != key:
            self._heard = (key, Heard())
        return self._heard[1]

    def _keys(self, ciphered: bool, wrapping: Protection) -> Keys:
        connection, suite = self._connection, self._suite()
        if suite is Suite.SUITE_0 and (connection.auth is Auth.ECDSA or connection.signed or wrapping.agreed):
            raise WrongValue("Signatures and agreed keys need security suite 1 or 2.")
        title = _title(connection.system_title, "of this tablet") if self._needs_title(ciphered) else b""
        meter = _title(connection.meter_title, "of the meter") if connection.meter_title else b""
        return Keys(
            title,
            self._key(connection.block_key, "block key", suite) if self._needs_block(ciphered) else b"",
            self._key(connection.auth_key, "authentication key", suite) if ciphered else b"",
            suite,
            self._private(connection.sign_key, "signing key", suite),
            self._private(connection.agreement_key, "key agreement key", suite),
            self._public(connection.meter_sign_key, Purpose.SIGN, suite, meter),
            self._public(connection.meter_agreement_key, Purpose.AGREE, suite, meter),
            meter,
        )

    def _needs_title(self, ciphered: bool) -> bool:
        return ciphered or self._connection.auth in (Auth.ECDSA, Auth.SHA256)

    def _needs_block(self, ciphered: bool) -> bool:
        """An agreed key may stand alone; the proof of GMAC is always under the global key."""
        agreed = self._connection.protection.agreed
        return ciphered and (
            not agreed or bool(self._connection.block_key) or self._connection.auth is Auth.GMAC
        )

    def _suite(self) -> Suite:
        try:
            return Suite(self._connection.suite)
        except ValueError:
            raise WrongValue(f"Security suite {self._connection.suite}: there are 0, 1 and 2.") from None

    def _key(self, name: str | None, what: str, suite: Suite) -> bytes:
        key = self._secret(name, what)
        if len(key) != suite.key_bytes:
            raise WrongValue(f"The {what} must have {suite.key_bytes} bytes, this one has {len(key)}.")
        return key

    def _private(self, name: str | None, what: str, suite: Suite) -> elliptic.PrivateKey | None:
        if name is None:
            return None
        try:
            return elliptic.private_key(self._secret(name, what), suite)
        except ValueError as error:
            raise WrongValue(f"The {what}: {error}.") from None

    def _public(
        self, name: str | None, purpose: Purpose, suite: Suite, title: bytes
    ) -> elliptic.PublicKey | None:
        if name is None:
            return None
        what = f"meter's public key for {purpose.value}"
        try:
            return elliptic.public_key(self._secret(name, what), suite, purpose, title)
        except ValueError as error:
            raise WrongValue(f"The {what}: {error}.") from None

    def _secret(self, name: str | None, what: str) -> bytes:
        value = self._ask(name) if name else None
        if value is None:
            raise MissingSecret(f"The {what} of this meter is not on this tablet.")
        return value


def _title(text: str, whose: str) -> bytes:
    try:
        title = bytes.fromhex(text)
    except ValueError:
        title = b""
    if len(title) != 8:
        raise WrongValue(f"The system title {whose} must be 16 hex digits.")
    return title
