"""Suite 0 protection of xDLMS APDUs with global keys: AES-128-GCM, 12 byte tags (Green Book 9.2.3, 9.2.7).

The nonce is system title + invocation counter: a counter is used once and never again, so each call takes a
fresh one from ``next_counter``. Keys never appear in errors or ``repr``.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.dlms.data import Cursor, encode_length
from drivers.errors import Garbage, WrongKey

AUTHENTICATED, ENCRYPTED = 0x10, 0x20
_TAG = 12
_GLOBAL = {
    0x01: 0x21, 0x05: 0x25, 0x06: 0x26, 0x08: 0x28, 0x0C: 0x2C, 0x0D: 0x2D, 0x0E: 0x2E, 0x16: 0x36,
    0x18: 0x38, 0xC0: 0xC8, 0xC1: 0xC9, 0xC3: 0xCB, 0xC4: 0xCC, 0xC5: 0xCD, 0xC7: 0xCF,
}  # fmt: skip
_GLOBAL_TAGS = frozenset(_GLOBAL.values())
GENERAL_GLO = 0xDB


def gcm_encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Cipher text with the tag cut to 12 bytes."""
    encryptor = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag[:_TAG]


def gcm_decrypt(key: bytes, nonce: bytes, protected: bytes, associated: bytes) -> bytes:
    """Raises ``WrongKey`` if the tag does not fit, ``Garbage`` if there is no tag."""
    if len(protected) < _TAG:
        raise Garbage(detail="protected data shorter than its tag")
    mode = modes.GCM(nonce, protected[-_TAG:], min_tag_length=_TAG)
    decryptor = Cipher(algorithms.AES(key), mode).decryptor()
    decryptor.authenticate_additional_data(associated)
    try:
        return decryptor.update(protected[:-_TAG]) + decryptor.finalize()
    except InvalidTag:
        raise WrongKey(detail="authentication tag of the response does not fit") from None


class Ciphering:
    """Protects requests and opens responses of one association."""

    def __init__(
        self, title: bytes, block_key: bytes, auth_key: bytes, next_counter: Callable[[], int]
    ) -> None:
        self.title = title
        self.server_title = b""
        self._block_key = block_key
        self._auth_key = auth_key
        self._next_counter = next_counter

    def protect(self, apdu: bytes) -> bytes:
        """Wrap a request in its global ciphering APDU, authenticated and encrypted."""
        control = bytes([AUTHENTICATED | ENCRYPTED])
        counter = self._next_counter().to_bytes(4, "big")
        body = gcm_encrypt(self._block_key, self.title + counter, apdu, control + self._auth_key)
        content = control + counter + body
        return bytes([_GLOBAL[apdu[0]]]) + encode_length(len(content)) + content

    def open(self, apdu: bytes) -> bytes:
        """Unwrap a response. What a meter may send in clear (exceptions) passes as it is.

        Raises ``WrongKey`` or ``Garbage``; a data response in clear is refused, since anyone could have
        made it.
        """
        cursor = Cursor(apdu)
        tag = cursor.byte()
        if tag in (0xD8, 0x0E):
            return apdu
        title = self.server_title
        if tag == GENERAL_GLO:
            title = cursor.take(cursor.length()) or title
        elif tag not in _GLOBAL_TAGS:
            raise Garbage(detail=f"response {tag:#04x} is not protected")
        content = Cursor(cursor.take(cursor.length()))
        control = content.byte()
        counter = content.take(4)
        return self._open_content(control, title + counter, content.rest())

    def _open_content(self, control: int, nonce: bytes, body: bytes) -> bytes:
        security = control & (AUTHENTICATED | ENCRYPTED)
        head = bytes([control]) + self._auth_key
        if len(nonce) != 12:
            raise Garbage(detail="the meter gave no system title of 8 bytes")
        if security == AUTHENTICATED | ENCRYPTED:
            return gcm_decrypt(self._block_key, nonce, body, head)
        if security == AUTHENTICATED:
            plain, tag = body[:-_TAG], body[-_TAG:]
            gcm_decrypt(self._block_key, nonce, tag, head + plain)
            return plain
        raise Garbage(detail=f"security control {control:#04x} gives no authentication")

    def sign_challenge(self, challenge: bytes) -> bytes:
        """HLS-GMAC answer (pass 3): control, counter, tag over the server's challenge (Green Book
        9.2.7.4)."""
        control = bytes([AUTHENTICATED])
        counter = self._next_counter().to_bytes(4, "big")
        associated = control + self._auth_key + challenge
        return control + counter + gcm_encrypt(self._block_key, self.title + counter, b"", associated)

    def check_challenge(self, answer: bytes, challenge: bytes) -> None:
        """The server's answer to our challenge (pass 4). Raises ``WrongKey``: it does not know our keys."""
        if len(answer) != 17:
            raise WrongKey(detail="the meter's own proof has a wrong length")
        associated = answer[:1] + self._auth_key + challenge
        gcm_decrypt(self._block_key, self.server_title + answer[1:5], answer[5:], associated)
