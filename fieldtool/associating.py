"""With which association a meter is entered: by its model's clients, and by the secrets that are here.

Pure but for asking whether a secret is here. Nothing is tried: a meter counts wrong passwords.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from drivers import elliptic
from drivers.connection import Auth, Connection, Mode
from drivers.models import MeterModel, ModelClient, Protocols
from drivers.passwords import SEED
from fieldtool.security.redaction import hide

Secret = Callable[[str], bytes | None]
"""The password or key of one meter by its name; None where it is not here."""
PASSWORD, BLOCK_KEY, AUTH_KEY = "password", "block_key", "auth_key"
SIGN_KEY, AGREEMENT_KEY = "sign_key", "agreement_key"
METER_SIGN_KEY, METER_AGREEMENT_KEY = "meter_sign_key", "meter_agreement_key"
_MODES = {Protocols.ANSI: Mode.C12, Protocols.IEC: Mode.C}
_STRENGTH = (Auth.NONE, Auth.LOW, Auth.HIGH, Auth.MD5, Auth.SHA1, Auth.SHA256, Auth.GMAC, Auth.ECDSA)


def no_secret(name: str) -> bytes | None:
    """For the public client: there is nothing to tell."""
    return None


def with_rules(model: MeterModel | None, serial: str, secret: Secret) -> Secret:
    """`secret`, and where it has none, the password that the model file has a rule for.

    What the office gave, or what was changed here, comes first: a rule says only how the maker delivers.
    """
    if model is None or not model.passwords or not serial:
        return secret
    rules = model.passwords

    def known(name: str) -> bytes | None:
        given = secret(name)
        rule = rules.get(name)
        if given is not None or rule is None:
            return given
        made = rule.make(serial, secret(SEED))
        if made is not None:
            hide(made)
        return made

    return known


def connection_for(model: MeterModel | None, secret: Secret, system_title: str) -> Connection:
    """The strongest association that the model knows and whose secrets are here; the public one else."""
    iec = model is not None and model.protocol is Protocols.IEC
    base = Connection(
        server=model.server if model else "1",
        baud=model.baud if model else 9600,
        system_title=system_title,
        model=model.name if model else None,
        mode=_MODES.get(model.protocol, Mode.AUTO) if model else Mode.AUTO,
        password=PASSWORD if iec and secret(PASSWORD) else None,
    )
    if iec or model is None:
        return base  # nobody signs on with a password there: it is sent when something is written
    for client in sorted(model.clients.values(), key=_strength, reverse=True):
        found = _as_client(base, client, secret)
        if found is not None:
            return found
    return base


def counted(connection: Connection, serial: str) -> Connection:
    """Invocation counters count by meter: another one's must not raise this one's."""
    if not serial:
        return connection
    return msgspec.structs.replace(connection, counter_key=f"{serial}/{connection.client}")


def _strength(client: ModelClient) -> tuple[int, bool]:
    return _STRENGTH.index(client.auth), client.is_ciphered


def _as_client(base: Connection, client: ModelClient, secret: Secret) -> Connection | None:
    """The connection as this client; None where a secret that it needs is not here."""
    change = msgspec.structs.replace
    suite = _suite(client, secret)
    needed = [client.password] if client.password is not None else []
    if client.is_ciphered:
        needed += (
            [AUTH_KEY] if client.protection.agreed and client.auth is not Auth.GMAC else [BLOCK_KEY, AUTH_KEY]
        )
    if client.auth is Auth.ECDSA or client.signed:
        needed += [SIGN_KEY, METER_SIGN_KEY]
    if client.protection.agreed:
        needed += [AGREEMENT_KEY, METER_AGREEMENT_KEY]
    pairs = {SIGN_KEY, AGREEMENT_KEY} & set(needed)
    if any(secret(name) is None for name in needed) or (pairs and not suite):
        return None
    named = {name: name for name in needed if name != client.password}
    return change(
        base,
        client=client.id,
        auth=client.auth,
        password=client.password,
        suite=suite,
        protection=client.protection,
        signed=client.signed,
        **named,
    )


def _suite(client: ModelClient, secret: Secret) -> int:
    """The security suite: the model's word; else that of the curve of our keys, or of the length of the
    meter's."""
    if client.suite is not None:
        return client.suite
    if not client.is_ciphered and client.auth is not Auth.ECDSA:
        return 0
    for name in (SIGN_KEY, AGREEMENT_KEY):
        key = secret(name)
        for suite in (elliptic.Suite.SUITE_1, elliptic.Suite.SUITE_2):
            if key is not None and _is_key(key, suite):
                return suite.value
    block = secret(BLOCK_KEY)
    return elliptic.Suite.SUITE_2.value if block is not None and len(block) == 32 else 0


def _is_key(key: bytes, suite: elliptic.Suite) -> bool:
    try:
        elliptic.private_key(key, suite)
    except ValueError:
        return False
    return True
