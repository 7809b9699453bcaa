"""Symmetric part of the security suites (IEC 62056-5-3): AES-GCM with a tag of 12 octets, GMAC, AES key wrap.

The initialisation vector is the sender's system title (8 octets) and the invocation counter (4); the same
vector never serves twice under one key, which is why the receiver refuses a counter that does not rise.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

AUTHENTICATED = 0x10
ENCRYPTED = 0x20
PROTECTED = AUTHENTICATED | ENCRYPTED
TAG_SIZE = 12


class DecipheringError(ValueError):
    """The tag does not match, or the protected text is malformed."""


@dataclass(frozen=True, slots=True)
class Protected:
    """A protected APDU taken apart, not yet deciphered."""

    control: int
    counter: int
    content: bytes

    def encode(self) -> bytes:
        return bytes([self.control]) + self.counter.to_bytes(4, "big") + self.content


def parse(data: bytes) -> Protected:
    """Security control, invocation counter and the rest."""
    if len(data) < 5:
        raise DecipheringError("too short")
    return Protected(data[0], int.from_bytes(data[1:5], "big"), data[5:])


def _gcm(key: bytes, title: bytes, counter: int, additional: bytes, plain: bytes) -> tuple[bytes, bytes]:
    vector = title + counter.to_bytes(4, "big")
    encryptor = Cipher(algorithms.AES(key), modes.GCM(vector)).encryptor()
    encryptor.authenticate_additional_data(additional)
    text = encryptor.update(plain) + encryptor.finalize()
    return text, encryptor.tag[:TAG_SIZE]


def protect(
    control: int, key: bytes, auth_key: bytes, title: bytes, counter: int, plain: bytes, header: bytes = b""
) -> Protected:
    """Protects `plain` as `control` says: authenticated, encrypted or both.

    `header` is what general-ciphering has before its content: authenticated, too.
    """
    if control & PROTECTED == PROTECTED:
        text, tag = _gcm(key, title, counter, bytes([control]) + auth_key + header, plain)
        return Protected(control, counter, text + tag)
    if control & ENCRYPTED:
        return Protected(control, counter, _gcm(key, title, counter, b"", plain)[0])
    tag = _gcm(key, title, counter, bytes([control]) + auth_key + header + plain, b"")[1]
    return Protected(control, counter, plain + tag)


def unprotect(
    text: Protected, key: bytes, auth_key: bytes, title: bytes, suite: int = 0, header: bytes = b""
) -> bytes:
    """The plain text; `DecipheringError` if its tag is wrong. GCM's cipher is its own inverse."""
    if text.control & 0x0F != suite or text.control & 0xC0:
        raise DecipheringError("another suite, broadcast key or compression is not supported")
    if text.control & PROTECTED == ENCRYPTED:
        return _gcm(key, title, text.counter, b"", text.content)[0]
    if not text.control & AUTHENTICATED:
        raise DecipheringError("not protected")
    if len(text.content) < TAG_SIZE:
        raise DecipheringError("too short")
    body, tag = text.content[:-TAG_SIZE], text.content[-TAG_SIZE:]
    plain = _gcm(key, title, text.counter, b"", body)[0] if text.control & ENCRYPTED else body
    again = protect(text.control, key, auth_key, title, text.counter, plain, header)
    if not hmac.compare_digest(again.content[-TAG_SIZE:], tag):
        raise DecipheringError("wrong tag")
    return plain


def gmac(key: bytes, auth_key: bytes, title: bytes, counter: int, challenge: bytes, suite: int = 0) -> bytes:
    """HLS mechanism 5, passes 3 and 4: security control, counter, tag over the challenge (17 octets)."""
    control = bytes([AUTHENTICATED | suite])
    tag = _gcm(key, title, counter, control + auth_key + challenge, b"")[1]
    return control + counter.to_bytes(4, "big") + tag


def unwrap(master_key: bytes, wrapped: bytes) -> bytes:
    """A global key that came wrapped under the master key (RFC 3394)."""
    try:
        return aes_key_unwrap(master_key, wrapped)
    except (InvalidUnwrap, ValueError) as error:
        raise DecipheringError("key does not unwrap") from error
