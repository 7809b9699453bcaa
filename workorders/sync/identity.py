"""What makes this tablet this tablet: its keys and certificate, kept in its encrypted database."""

from __future__ import annotations

import base64

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from sqlalchemy import Connection

from workorders import certificates
from workorders.journal.entry import Realm
from workorders.store.engine import Store
from workorders.store.settings import set_setting, setting

_SETTING = "tablet.identity"


class TabletIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment. Bytes are base64; `signing_key` and `sealing_key` are private and shown to nobody.

    Attributes:
        tablet: opaque id, the subject of `certificate`.
        url: the gateway's address.
        system_title: DLMS client system title, 16 hex digits, of this tablet alone.
        recovery_key: the gateway's X25519 key that the database key was sealed to.
    """

    tablet: str
    name: str
    realm: Realm
    url: str
    crew: str | None
    project: str | None
    certificate: str
    root: str
    office_certificate: str
    recovery_key: str
    system_title: str
    signing_key: str
    sealing_key: str
    enrolled_at: str

    def __repr__(self) -> str:
        return f"TabletIdentity({self.tablet}, {self.realm}, {self.url})"

    @staticmethod
    def load(store: Store) -> TabletIdentity | None:
        """The identity kept in a store; None before the first enrolment."""
        with store.read() as connection:
            return TabletIdentity.read(connection)

    @staticmethod
    def read(connection: Connection) -> TabletIdentity | None:
        """As `load`, in a transaction of the caller."""
        value = setting(connection, _SETTING)
        return None if value is None else msgspec.convert(value, TabletIdentity)

    def save(self, connection: Connection) -> None:
        """Keep this identity in place of any former one."""
        set_setting(connection, _SETTING, msgspec.to_builtins(self))

    def signer(self) -> Ed25519PrivateKey:
        """The key that signs this tablet's entries and requests."""
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.signing_key))

    def opener(self) -> X25519PrivateKey:
        """The key that opens what was sealed to this tablet."""
        return X25519PrivateKey.from_private_bytes(base64.b64decode(self.sealing_key))

    def certificate_der(self) -> bytes:
        """This tablet's certificate."""
        return base64.b64decode(self.certificate)

    def root_der(self) -> bytes:
        """The gateway's root certificate."""
        return base64.b64decode(self.root)

    def office_key(self) -> Ed25519PublicKey:
        """The key of the office: signs grants, reference sets and receipts."""
        return certificates.public_key_of(base64.b64decode(self.office_certificate))

    def recovery(self) -> X25519PublicKey:
        """The gateway's recovery key."""
        return X25519PublicKey.from_public_bytes(base64.b64decode(self.recovery_key))
