"""Secrets at rest on a database server: sealed under the office's master key, column by column.

A tablet's or depot's database is one encrypted file, and nothing more is needed there. On a server others
look after the disks and the copies, so the few columns that hold keys are sealed (AES-256-GCM, a fresh nonce
each) under a master key that never lies in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Dialect, Engine, LargeBinary
from sqlalchemy.types import TypeDecorator

from workorders.store.errors import store_error

_ATTRIBUTE = "fieldtool_sealer"
_FORM = b"\x01"
_NONCE = 12

if TYPE_CHECKING:
    _Bytes = TypeDecorator[bytes]
else:
    _Bytes = TypeDecorator


class Sealer:
    """Seals and opens under one master key of 32 bytes."""

    def __init__(self, master_key: bytes) -> None:
        self._key = master_key
        self._cipher = AESGCM(master_key)

    def seal(self, plain: bytes, context: str) -> bytes:
        """The sealed bytes; they open only under the same `context` (what the bytes are)."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plain bytes.

        Raises:
            StoreError: `corrupt`; changed, of another context, or sealed under another key.
        """
        try:
            if sealed[:1] != _FORM:
                raise InvalidTag
            return self._cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], context.encode())
        except (InvalidTag, ValueError):
            raise store_error(
                "corrupt", f"What is sealed in the database ({context}) does not open."
            ) from None

    def check(self, salt: str) -> str:
        """Tells one master key from another; gives nothing away about it."""
        return hmac.new(self._key, b"fieldtool master key 1\n" + salt.encode(), hashlib.sha256).hexdigest()


def use(engine: Engine, sealer: Sealer) -> None:
    """From now on this engine's connections seal and open with `sealer`."""
    setattr(engine.dialect, _ATTRIBUTE, sealer)


def sealer_of(connection: Connection) -> Sealer | None:
    """Who seals on this connection; None where the whole file is encrypted."""
    return _sealer(connection.dialect)


def _sealer(dialect: Dialect) -> Sealer | None:
    found = getattr(dialect, _ATTRIBUTE, None)
    return found if isinstance(found, Sealer) else None


class SealedBytes(_Bytes):
    """Bytes of a column that nobody at the database server may read; `context` names the column."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        sealer = _sealer(dialect)
        return value if sealer is None or value is None else sealer.seal(value, self.context)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        sealer = _sealer(dialect)
        return value if sealer is None or value is None else sealer.open(value, self.context)
