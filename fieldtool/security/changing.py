"""Meter secrets that change while a tablet is out: kept from before they are sent until the office knows
them.

A record here outlives the key rings that come from the office: it is dropped when the office itself names
the new secret as the present one. It lies in the encrypted database, as every secret does.
"""

from __future__ import annotations

import base64
import secrets

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection, select

from drivers.connection import NextSecret, SecretState
from workorders import sealedbox
from workorders.secretchange import NEW, SENT, sealing_context
from workorders.store import schema
from workorders.store.engine import Store
from workorders.store.settings import set_setting, setting

from .redaction import hide

_PREFIX = "secret_change/"


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret: whether it waits, was sent, or is the present one."""

    state: SecretState
    value: bytes


class SecretChanges:
    """Changes of secrets by meter and name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def following(self, serial: str, name: str, make: int | None) -> NextSecret:
        """The secret that is to follow; `make`: where none waits, draw one of so many bytes. Durable on
        return."""
        with self._store.write() as connection:
            kept = self._settled(connection, serial, name)
            if kept is None and make is not None:
                kept = _Kept(state=SecretState.WAITING, value=secrets.token_bytes(make))
                _put(connection, serial, name, kept)
        if kept is None:
            return NextSecret(SecretState.NONE)
        hide(kept.value)
        return NextSecret(kept.state, None if kept.state is SecretState.CHANGED else kept.value)

    def present(self, serial: str, name: str) -> bytes | None:
        """A secret that was changed and proven here, and that the office does not name yet."""
        with self._store.read() as connection:
            kept = _get(connection, serial, name)
        return kept.value if kept is not None and kept.state is SecretState.CHANGED else None

    def sealed(self, serial: str, name: str, office: X25519PublicKey) -> str:
        """The new secret for the office alone (base64), as its intent carries it.

        Raises:
            KeyError: there is none.
        """
        with self._store.read() as connection:
            kept = _get(connection, serial, name)
        if kept is None:
            raise KeyError(name)
        box = sealedbox.seal_to(office, kept.value, sealing_context(serial, name))
        return base64.b64encode(box).decode("ascii")

    @staticmethod
    def mark(connection: Connection, serial: str, name: str, state: SecretState) -> None:
        """Note how far a change came, in the transaction of the entry that says so."""
        kept = _get(connection, serial, name)
        if kept is not None:
            _put(connection, serial, name, _Kept(state=state, value=kept.value))

    def _settled(self, connection: Connection, serial: str, name: str) -> _Kept | None:
        """What is kept here, brought together with what the office says."""
        kept = _get(connection, serial, name)
        present, new, sent = (_row(connection, serial, prefix + name) for prefix in ("", NEW, SENT))
        if kept is not None and kept.state is SecretState.CHANGED and present == kept.value:
            _put(connection, serial, name, None)
            kept = None
        if kept is not None and kept.state is SecretState.SENT:
            return kept
        if kept is None and sent is not None and sent != present:
            kept = _Kept(state=SecretState.SENT, value=sent)  # another tablet sent it and could not prove it
            _put(connection, serial, name, kept)
            return kept
        held = kept.value if kept is not None else present
        if new is not None and new != held:
            kept = _Kept(state=SecretState.WAITING, value=new)
            _put(connection, serial, name, kept)
        return kept


def _name(serial: str, name: str) -> str:
    return f"{_PREFIX}{serial}/{name}"


def _get(connection: Connection, serial: str, name: str) -> _Kept | None:
    raw = setting(connection, _name(serial, name))
    return None if raw is None else msgspec.convert(raw, _Kept)


def _put(connection: Connection, serial: str, name: str, kept: _Kept | None) -> None:
    set_setting(connection, _name(serial, name), None if kept is None else msgspec.to_builtins(kept))


def _row(connection: Connection, serial: str, name: str) -> bytes | None:
    table = schema.meter_secret
    found = connection.execute(
        select(table.c.value).where(table.c.serial == serial, table.c.name == name)
    ).scalar()
    return None if found is None else bytes(found)
