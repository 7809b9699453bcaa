"""What a meter remembers about security: keys, invocation counters, failed log-ins and the lock-out."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from drivers.virtual.cosem.base import Client, Store
from drivers.virtual.dlms.axdr import Data, octets, u32

MAX_FAILURES = 3
BLOCK_KEY, AUTH_KEY, MASTER_KEY, PASSWORD = "key:block", "key:auth", "key:master", "password:reader"
_RECEIVED, _SENT = "counter:received", "counter:sent"


class Security:
    """Keys and counters live in the meter's `Store`, so they survive a power loss like every other setting.

    `lockout` is how long the meter refuses the right password too, in seconds, after `MAX_FAILURES` wrong
    ones.
    """

    def __init__(self, store: Store, secrets: dict[str, str], lockout: float, first_sent: int) -> None:
        self._store, self.lockout = store, lockout
        for key, name in ((BLOCK_KEY, "block_key"), (AUTH_KEY, "auth_key"), (MASTER_KEY, "master_key")):
            store.keep(key, octets(bytes.fromhex(secrets[name])))
        store.keep(PASSWORD, octets(secrets["password"].encode()))
        store.keep(_RECEIVED, u32(0))
        store.values[_SENT] = u32(max(first_sent, store.values.get(_SENT, u32(0)).number))
        self.failures = 0
        self._locked_until = 0.0
        self.alarm: Callable[[bool], None] = lambda locked: None

    def key(self, name: str) -> bytes:
        return self._store.values[name].octets

    def set_key(self, name: str, value: bytes) -> None:
        """A new key; with a new encryption key the counters begin again."""
        self._store.put(name, octets(value))
        if name == BLOCK_KEY:
            self._store.put(_RECEIVED, u32(0))

    @property
    def received(self) -> int:
        """The last invocation counter accepted from the management client; the next must be greater."""
        return self._store.values[_RECEIVED].number

    def counter(self) -> Data:
        return self._store.values[_RECEIVED]

    def accept(self, counter: int) -> None:
        self._store.values[_RECEIVED] = u32(max(counter, self.received))

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
