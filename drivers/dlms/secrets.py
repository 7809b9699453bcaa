"""Passwords and keys that change: how each kind is written to a meter, and what may be said of it. No I/O
here.

Class 15 attribute 7 or method 2 (Blue Book 4.4.4) for passwords, method 2 change_HLS_secret for those of the
high mechanisms, class 45 attribute 3 for the PIN of a SIM,
class 64 method 2 global_key_transfer (4.4.7) for keys, which travel wrapped under the master key (RFC 3394;
Green Book 9.2.3.4.8.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from drivers.dlms.cosem import Item
from drivers.dlms.data import Data, Tag, array, octet_string, structure
from drivers.dlms.settings import Write
from drivers.errors import WrongValue
from drivers.programs import SecretKind

_KEY_IDS = {SecretKind.BLOCK_KEY: 0, SecretKind.AUTH_KEY: 2, SecretKind.MASTER_KEY: 3}
_CHECK_BYTES = 3
_LONGEST_PASSWORD = 64
_PIN_DIGITS = 4
"""PIN_code is a number of 16 bits: longer ones cannot be told, and meters fill it up to four."""
_TRANSFER_METHOD = 2
_CHANGE_SECRET_METHOD = 2


def is_key(kind: SecretKind) -> bool:
    """Whether it is one of the global keys, not a password."""
    return kind in _KEY_IDS


def check_value(key: bytes) -> str:
    """The usual check value of a key: the first three bytes of a block of zeros enciphered with it."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # one block, by definition
    return encryptor.update(bytes(16))[:_CHECK_BYTES].hex().upper()


def describe(kind: SecretKind, value: bytes) -> str:
    """What a plan and the journal say of a new secret: enough to tell it apart, nothing to get it back
    from. Of a password or PIN only how long it is and how its bytes are to be read: that is what locks
    meters."""
    if is_key(kind):
        return f"new, {len(value)} bytes, check value {check_value(value)}"
    return f"new, {len(value)} bytes, {encoding_of(value)}"


def encoding_of(value: bytes) -> str:
    """How the bytes of a password are to be read."""
    if value.isdigit():
        return "ASCII digits"
    if value.isascii() and value.decode("ascii").isprintable():
        return "printable ASCII"
    return "binary"


def check_length(kind: SecretKind, value: bytes, key_bytes: int) -> None:
    """Raises ``WrongValue`` for a key or password that no meter would take; its bytes are not repeated."""
    if is_key(kind) and len(value) != key_bytes:
        raise WrongValue(f"The new {kind.words} must have {key_bytes} bytes, this one has {len(value)}.")
    if kind is SecretKind.SIM_PIN:
        if not (len(value) == _PIN_DIGITS and value.isdigit()):
            raise WrongValue(f"The PIN of a SIM has {_PIN_DIGITS} digits here.")
        return
    if not is_key(kind) and not 1 <= len(value) <= _LONGEST_PASSWORD:
        raise WrongValue(f"A password has 1 to {_LONGEST_PASSWORD} bytes, this one has {len(value)}.")


def password_write(item: Item, value: bytes, by_method: bool) -> Write:
    """Attribute 7 of the association, or its method 2 (change_HLS_secret), which some meters want."""
    if by_method:
        return Write(item.of(_CHANGE_SECRET_METHOD), octet_string(value), method=True)
    return Write(item, octet_string(value))


def pin_write(item: Item, value: bytes) -> Write:
    """PIN_code of class 45."""
    return Write(item, Data(Tag.LONG_UNSIGNED, int(value)))


def key_transfer(item: Item, keys: Iterable[tuple[SecretKind, bytes]], master_key: bytes) -> Write:
    """global_key_transfer of one or more keys."""
    wrapped = [
        structure(Data(Tag.ENUM, _KEY_IDS[kind]), octet_string(aes_key_wrap(master_key, key)))
        for kind, key in keys
    ]
    return Write(item.of(_TRANSFER_METHOD), array(*wrapped), method=True)
