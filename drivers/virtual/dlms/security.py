"""What a meter remembers about security: keys, invocation counters, failed log-ins and the lock-out."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable

from drivers import elliptic
from drivers.elliptic import Suite
from drivers.virtual.cosem.base import Client, Store
from drivers.virtual.dlms.axdr import Data, enum, octets, u32

MAX_FAILURES = 3
BLOCK_KEY, AUTH_KEY, MASTER_KEY, PASSWORD = "key:block", "key:auth", "key:master", "password:reader"
HLS_SECRET, POLICY = "secret:hls", "policy"
_RECEIVED, _SENT = "counter:received", "counter:sent"
AUTHENTICATE, ENCRYPT, SIGN = 1, 2, 4
SUITE_0_POLICY = AUTHENTICATE | ENCRYPT
PROTECT_BOTH_WAYS = (AUTHENTICATE | ENCRYPT) << 2 | (AUTHENTICATE | ENCRYPT) << 5
_REMEMBERED = 1024


class KeyPairs:
    """The meter's own key pairs and the public keys of its client, for suites 1 and 2."""

    def __init__(self, secrets: dict[str, str], suite: Suite) -> None:
        def private(name: str) -> elliptic.PrivateKey:
            return elliptic.private_key(bytes.fromhex(secrets[name]), suite)

        self.sign = private("meter_sign_private")
        self.agreement = private("meter_agreement_private")
        self.client_sign = private("sign_key").public_key()
        self.client_agreement = private("agreement_key").public_key()


def _counter(client: int) -> str:
    return _RECEIVED if client == Client.MANAGEMENT else f"{_RECEIVED}:{client}"


class Security:
    """Keys and counters live in the meter's `Store`, so they survive a power loss like every other setting.

    `lockout` is how long the meter refuses the right password too, in seconds, after `MAX_FAILURES` wrong
    ones. Each client with ciphering has an invocation counter of its own.
    """

    def __init__(
        self, store: Store, secrets: dict[str, str], lockout: float, first_sent: int, suite: Suite
    ) -> None:
        self._store, self.lockout, self.suite = store, lockout, suite
        for key, name in ((BLOCK_KEY, "block_key"), (AUTH_KEY, "auth_key"), (MASTER_KEY, "master_key")):
            store.keep(key, octets(bytes.fromhex(secrets[name])))
        store.keep(PASSWORD, octets(secrets["password"].encode()))
        store.keep(HLS_SECRET, octets(secrets["hls_secret"].encode()))
        store.keep(POLICY, enum(SUITE_0_POLICY if suite is Suite.SUITE_0 else PROTECT_BOTH_WAYS))
        self.pairs = KeyPairs(secrets, suite) if suite is not Suite.SUITE_0 else None
        store.keep(_RECEIVED, u32(0))
        store.values[_SENT] = u32(max(first_sent, store.values.get(_SENT, u32(0)).number))
        self.failures = 0
        self._locked_until = 0.0
        self._seen: deque[bytes] = deque(maxlen=_REMEMBERED)
        self.alarm: Callable[[bool], None] = lambda locked: None

    def key(self, name: str) -> bytes:
        return self._store.values[name].octets

    def set_key(self, name: str, value: bytes) -> None:
        """A new key; with a new encryption key the counters begin again."""
        self._store.put(name, octets(value))
        if name == BLOCK_KEY:
            for counter in [key for key in self._store.values if key.startswith(_RECEIVED)]:
                self._store.put(counter, u32(0))

    @property
    def policy(self) -> int:
        """security_policy: of class 64 version 0 for suite 0, else the bits of version 1."""
        return self._store.values[POLICY].number

    def raise_policy(self, value: int) -> None:
        """security_activate: a policy is never weakened."""
        self._store.put(POLICY, enum(value))

    @property
    def required(self) -> int:
        """What a request must be: `AUTHENTICATE`, `ENCRYPT`, `SIGN`."""
        if self.suite is Suite.SUITE_0:
            return self.policy
        return self.policy >> 2 & (AUTHENTICATE | ENCRYPT | SIGN)

    @property
    def received(self) -> int:
        """The last invocation counter accepted from the management client; the next must be greater."""
        return self.received_from(Client.MANAGEMENT)

    def received_from(self, client: int) -> int:
        """As `received`, of any client address."""
        return self._store.values.get(_counter(client), u32(0)).number

    def counter(self, client: int = Client.MANAGEMENT) -> Data:
        return u32(self.received_from(client))

    def accept(self, counter: int, client: int = Client.MANAGEMENT) -> None:
        self._store.values[_counter(client)] = u32(max(counter, self.received_from(client)))

    def is_fresh(self, token: bytes) -> bool:
        """Whether an ephemeral key or transaction id comes for the first time; it is remembered."""
        if token in self._seen:
            return False
        self._seen.append(token)
        return True

    @property
    def sent(self) -> int:
        """The invocation counter that the next answer will carry."""
        return self._store.values[_SENT].number

    def next_sent(self) -> int:
        value = self.sent
        self._store.values[_SENT] = u32(value + 1)
        return value

    def check_password(self, client: int, offered: bytes) -> bool:
        return client == Client.READER and hmac.compare_digest(self.key(PASSWORD), offered)

    def locked(self, now: float) -> bool:
        return now < self._locked_until

    def fail(self, now: float) -> None:
        """A wrong password or key. The third in a row locks the meter."""
        self.failures += 1
        locks = self.failures >= MAX_FAILURES
        if locks:
            self.failures, self._locked_until = 0, now + self.lockout
        self.alarm(locks)

    def succeed(self) -> None:
        self.failures = 0
