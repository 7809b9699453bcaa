"""How APDUs are protected: keys of one meter, and the APDUs of general protection.

Green Book 9.2.7 and 9.5: general-glo/ded-ciphering, general-ciphering with its key-info, general-signing.
Encoding and decoding only; what is done with them stands in ``ciphering``.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.dlms.data import Cursor, encode_length
from drivers.elliptic import PrivateKey, PublicKey, Suite
from drivers.errors import Garbage

GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING, GENERAL_SIGNING = 0xDB, 0xDC, 0xDD, 0xDF
IDENTIFIED, WRAPPED, AGREED = 0, 1, 2
ONE_PASS, STATIC = 1, 2


@dataclass(frozen=True, repr=False)
class Keys:
    """The keys of one meter and client. Private ones are ours, public ones are the meter's."""

    title: bytes
    block_key: bytes = b""
    auth_key: bytes = b""
    suite: Suite = Suite.SUITE_0
    sign_key: PrivateKey | None = None
    agreement_key: PrivateKey | None = None
    meter_sign_key: PublicKey | None = None
    meter_agreement_key: PublicKey | None = None
    meter_title: bytes = b""
    """Where it is known before the meter says it: needed to agree on a key for the very first APDU."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the content of general-ciphering and general-signing."""

    transaction: bytes
    originator: bytes
    recipient: bytes
    date_time: bytes = b""
    other: bytes = b""

    def encode(self) -> bytes:
        """As octet-strings with their lengths: also what is authenticated or signed."""
        parts = (self.transaction, self.originator, self.recipient, self.date_time, self.other)
        return b"".join(encode_length(len(part)) + part for part in parts)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """``kind``: identified, wrapped or agreed; ``parameter``: key id, key-encrypting key id or scheme."""

    kind: int
    parameter: int
    data: bytes = b""

    def encode(self) -> bytes:
        if self.kind == IDENTIFIED:
            return bytes([1, IDENTIFIED, self.parameter])
        data = encode_length(len(self.data)) + self.data
        if self.kind == WRAPPED:
            return bytes([1, WRAPPED, self.parameter]) + data
        return bytes([1, AGREED, 1, self.parameter]) + data


def decode_header(cursor: Cursor) -> Header:
    return Header(*(cursor.take(cursor.length()) for _ in range(5)))


def decode_key_info(cursor: Cursor) -> KeyInfo | None:
    """Raises ``Garbage`` for a choice that the standard does not have."""
    if cursor.byte() == 0:
        return None
    kind = cursor.byte()
    if kind == IDENTIFIED:
        return KeyInfo(kind, cursor.byte())
    if kind == WRAPPED:
        return KeyInfo(kind, cursor.byte(), cursor.take(cursor.length()))
    if kind == AGREED:
        parameters = cursor.take(cursor.length())
        if len(parameters) != 1:
            raise Garbage(detail="key agreement parameters of a wrong length")
        return KeyInfo(kind, parameters[0], cursor.take(cursor.length()))
    raise Garbage(detail=f"unknown key-info {kind}")


def octets(data: bytes) -> bytes:
    """An octet-string: length and bytes."""
    return encode_length(len(data)) + data
