"""The office's identity: its realm, its keys, its clock, and the sequence in which it takes entries.

The keys are made at the first opening and lie in the office's encrypted database (on a server sealed under
the master key): the root (certifies the others, X.509), the office key (signs office entries, grants, sets
and receipts) and the recovery key (X25519, to which tablets seal their database keys).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, select

from workorders import certificates
from workorders.certificates import Holder, Subject
from workorders.clock import utc_text
from workorders.journal.entry import Realm
from workorders.store import schema
from workorders.store.atrest import sealer_of
from workorders.store.engine import Store
from workorders.store.entries import SERVER_SEQ
from workorders.store.settings import set_setting, setting

_SETTING = "office.keys"
PROTOCOL = 1


class RealmMismatch(ValueError):
    """The database belongs to an office of another realm."""

    code = "wrong_realm"


class _Keys(msgspec.Struct, frozen=True):
    realm: Realm
    gateway_id: str
    root_key: str
    root: str
    office_key: str
    office: str
    recovery_key: str


@dataclass(frozen=True)
class Office:
    """One office on its open store. All times it writes come from `now`."""

    store: Store
    realm: Realm
    gateway_id: str
    root_key: Ed25519PrivateKey
    root: bytes
    key: Ed25519PrivateKey
    certificate: bytes
    recovery_key: X25519PrivateKey
    now: Callable[[], datetime]

    @classmethod
    def open(
        cls, store: Store, realm: Realm | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> Office:
        """Open the office on `store`; the first time, make its keys for `realm` (live if not said).

        Raises:
            RealmMismatch: the store's office is of another realm than asked for.
        """
        with store.write() as connection:
            keys = _stored_keys(connection) or _new_keys(connection, realm or Realm.LIVE, now())
        if realm is not None and keys.realm is not realm:
            raise RealmMismatch(f"this database is the office of {keys.realm}, not of {realm}")
        return cls(
            store=store,
            realm=keys.realm,
            gateway_id=keys.gateway_id,
            root_key=Ed25519PrivateKey.from_private_bytes(base64.b64decode(keys.root_key)),
            root=base64.b64decode(keys.root),
            key=Ed25519PrivateKey.from_private_bytes(base64.b64decode(keys.office_key)),
            certificate=base64.b64decode(keys.office),
            recovery_key=X25519PrivateKey.from_private_bytes(base64.b64decode(keys.recovery_key)),
            now=now,
        )

    def time(self) -> str:
        """The office's time as the record spells it."""
        return utc_text(self.now())


def last_server_seq(connection: Connection) -> int:
    """The newest number given; 0 before the first."""
    counter = schema.counter
    value = connection.execute(select(counter.c.next_value).where(counter.c.name == SERVER_SEQ)).scalar()
    return int(value) - 1 if value is not None else 0


def _stored_keys(connection: Connection) -> _Keys | None:
    value = setting(connection, _SETTING)
    if value is None:
        return None
    sealer = sealer_of(connection)
    if sealer is None:
        return msgspec.convert(value, _Keys)
    sealed = base64.b64decode(msgspec.convert(value, str))
    return msgspec.json.decode(sealer.open(sealed, _SETTING), type=_Keys)


def _new_keys(connection: Connection, realm: Realm, now: datetime) -> _Keys:
    gateway_id = str(uuid.uuid4())
    root_key, office_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    root = certificates.new_root(root_key, realm, gateway_id, now)
    subject = Subject(id=f"office-{gateway_id[:8]}", holder=Holder.OFFICE, realm=realm)
    office = certificates.issue(root_key, root, subject, office_key.public_key(), now)
    keys = _Keys(
        realm=realm,
        gateway_id=gateway_id,
        root_key=_b64(root_key.private_bytes_raw()),
        root=_b64(root),
        office_key=_b64(office_key.private_bytes_raw()),
        office=_b64(office),
        recovery_key=_b64(X25519PrivateKey.generate().private_bytes_raw()),
    )
    sealer = sealer_of(connection)
    plain = msgspec.to_builtins(keys)
    kept = plain if sealer is None else _b64(sealer.seal(msgspec.json.encode(keys), _SETTING))
    set_setting(connection, _SETTING, kept)
    return keys


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
