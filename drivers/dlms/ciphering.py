"""Protection of the xDLMS APDUs of one association, suites 0, 1 and 2 (Green Book 9.2.3, 9.2.7).

AES-GCM with 12 byte tags under global, dedicated or agreed keys, in service-specific or general ciphering
APDUs; ECDSA in general-signing. The nonce is system title + invocation counter: under one key a counter is
used once and never again, so each call takes a fresh one from ``next_counter``, and a dedicated or agreed
key, which is new, counts by itself. Keys never appear in errors or ``repr``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers import elliptic
from drivers.connection import Protection
from drivers.dlms import protection
from drivers.dlms.data import Cursor
from drivers.dlms.protection import (
    AGREED,
    GENERAL_CIPHERING,
    GENERAL_DED,
    GENERAL_GLO,
    GENERAL_SIGNING,
    IDENTIFIED,
    ONE_PASS,
    STATIC,
    Header,
    KeyInfo,
    Keys,
    octets,
)
from drivers.errors import Garbage, MissingSecret, WrongKey

_Key = TypeVar("_Key", elliptic.PrivateKey, elliptic.PublicKey)
AUTHENTICATED, ENCRYPTED = 0x10, 0x20
_SUITE = 0x0F
_TAG = 12
_LAYERS = 3
_GLOBAL = {
    0x01: 0x21, 0x05: 0x25, 0x06: 0x26, 0x08: 0x28, 0x0C: 0x2C, 0x0D: 0x2D, 0x0E: 0x2E, 0x16: 0x36,
    0x18: 0x38, 0xC0: 0xC8, 0xC1: 0xC9, 0xC2: 0xCA, 0xC3: 0xCB, 0xC4: 0xCC, 0xC5: 0xCD, 0xC7: 0xCF,
}  # fmt: skip
_DEDICATED = {
    0x05: 0x45, 0x06: 0x46, 0x0C: 0x4C, 0x0D: 0x4D, 0x0E: 0x4E, 0x16: 0x56, 0x18: 0x58, 0xC0: 0xD0,
    0xC1: 0xD1, 0xC2: 0xD2, 0xC3: 0xD3, 0xC4: 0xD4, 0xC5: 0xD5, 0xC7: 0xD7,
}  # fmt: skip
_PLAIN_OF = {tag: plain for table in (_GLOBAL, _DEDICATED) for plain, tag in table.items()}
_UNTIL_ESTABLISHED = {
    Protection.DED: Protection.GLO,
    Protection.GENERAL_DED: Protection.GENERAL_GLO,
}
_DEDICATED_TAGS = frozenset(_DEDICATED.values())
_IN_CLEAR = (0xD8, 0x0E)
_INITIATE, _INITIATE_RESPONSE = 0x01, b"\x08"


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


class Replayed(Garbage):
    """An answer that was heard before, or is older than one that was."""


@dataclass
class Heard:
    """What of a meter's answers was heard under one key: its counter only rises (Green Book 9.2.3), and what
    has no counter comes once."""

    highest: int = -1
    seen: set[bytes] = field(default_factory=set)

    def rises_to(self, counter: int, *, opening: bool = False) -> None:
        """Raises ``Replayed``. A widespread library uses the counter of the initiate response once more for
        the answer after it: ``opening`` leaves room for that, since none of both passes for the other."""
        if counter <= self.highest:
            raise Replayed(detail=f"the meter's invocation counter fell from {self.highest} to {counter}")
        self.highest = counter - 1 if opening else counter

    def comes_once(self, protected: bytes) -> None:
        """Raises ``Replayed``."""
        digest = hashlib.sha256(protected).digest()
        if digest in self.seen:
            raise Replayed(detail="a protected answer that was heard before")
        self.seen.add(digest)


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one layer of a response held, and whether it proves who made it."""

    plain: bytes
    proven: bool
    counted: bool = False
    """Whether its counter shows that it is new."""


class Ciphering:
    """Protects requests and opens responses of one association.

    ``wrapping`` says how; with ``signed`` each request is signed before it is ciphered. A fresh dedicated
    key is made for each association that asks for one.
    """

    def __init__(
        self,
        keys: Keys,
        next_counter: Callable[[], int],
        *,
        wrapping: Protection = Protection.GLO,
        signed: bool = False,
        heard: Heard | None = None,
    ) -> None:
        if signed and wrapping in (Protection.GLO, Protection.DED):  # these know no general-signing inside
            wrapping = Protection.GENERAL_GLO if wrapping is Protection.GLO else Protection.GENERAL_DED
        self.keys = keys
        self.server_title = keys.meter_title
        self.wrapping = wrapping
        self.signed = signed
        self.established = True
        """Whether the association holds: before, a dedicated key counts for nothing yet."""
        self.dedicated_key = os.urandom(keys.suite.key_bytes) if wrapping.dedicated else b""
        self._dedicated_counter = 0
        self._heard = heard or Heard()
        self._heard_dedicated = Heard()
        self._next_counter = next_counter

    @property
    def title(self) -> bytes:
        return self.keys.title

    @property
    def overhead(self) -> int:
        """Bytes that protection adds to a request, at most."""
        half = self.keys.suite.coordinate_bytes
        ciphered = 24 + (9 if self.wrapping in (Protection.GENERAL_GLO, Protection.GENERAL_DED) else 0)
        if self.wrapping is Protection.IDENTIFIED or self.wrapping.agreed:
            ciphered += 40 + (4 * half if self.wrapping is Protection.ONE_PASS else 0)
        return ciphered + (48 + 2 * half if self.signed else 0)

    @property
    def general(self) -> bool:
        """Whether general protection must be negotiated."""
        return self.signed or self.wrapping not in (Protection.GLO, Protection.DED)

    # ---- requests

    def protect(self, apdu: bytes) -> bytes:
        """Wrap a request, authenticated and encrypted. The initiate request goes under the global key where
        there is one: the dedicated key is in it, and the meter has not said its title yet."""
        if apdu[0] == _INITIATE and self.keys.block_key:
            return bytes([_GLOBAL[_INITIATE]]) + octets(self._global(apdu))
        if self.signed and apdu[0] != _INITIATE:
            apdu = self._sign(apdu)
        wrapping = self._wrapping_now
        if wrapping is Protection.GLO:
            return bytes([_GLOBAL[apdu[0]]]) + octets(self._global(apdu))
        if wrapping is Protection.DED:
            return bytes([_DEDICATED[apdu[0]]]) + octets(self._dedicated(apdu))
        if wrapping is Protection.GENERAL_GLO:
            return bytes([GENERAL_GLO]) + octets(self.title) + octets(self._global(apdu))
        if wrapping is Protection.GENERAL_DED:
            return bytes([GENERAL_DED]) + octets(self.title) + octets(self._dedicated(apdu))
        return self._general(apdu)

    @property
    def _wrapping_now(self) -> Protection:
        """Pass 3 of high level security goes under the global key: servers take up the dedicated one when
        the association is established, which is what pass 3 and 4 do."""
        if self.established or not self.keys.block_key:
            return self.wrapping
        return _UNTIL_ESTABLISHED.get(self.wrapping, self.wrapping)

    def _global(self, apdu: bytes, header: bytes = b"") -> bytes:
        return self._encrypt(self.keys.block_key, self._next_counter(), apdu, header)

    def _dedicated(self, apdu: bytes) -> bytes:
        self._dedicated_counter += 1
        return self._encrypt(self.dedicated_key, self._dedicated_counter, apdu)

    def _encrypt(self, key: bytes, counter: int, apdu: bytes, header: bytes = b"") -> bytes:
        control = bytes([AUTHENTICATED | ENCRYPTED | self.keys.suite])
        number = counter.to_bytes(4, "big")
        body = gcm_encrypt(key, self.title + number, apdu, control + self.keys.auth_key + header)
        return control + number + body

    def _header(self) -> Header:
        """The transaction id never comes twice: a key that it goes into is new each time."""
        transaction = self._next_counter().to_bytes(4, "big") + os.urandom(4)
        return Header(transaction, self.title, self.server_title)

    def _general(self, apdu: bytes) -> bytes:
        header = self._header()
        encoded = header.encode()
        if self.wrapping is Protection.IDENTIFIED:
            info, content = KeyInfo(IDENTIFIED, 0), self._global(apdu, encoded)
        else:
            info, key = self._agree(header)
            # the key is new each time, but some want the counter to rise all the same
            content = self._encrypt(key, self._next_counter(), apdu, encoded)
        return bytes([GENERAL_CIPHERING]) + encoded + info.encode() + octets(content)

    def _agree(self, header: Header) -> tuple[KeyInfo, bytes]:
        """Key-info and key of a request. Raises ``MissingSecret`` where a key pair is not there."""
        keys, suite = self.keys, self.keys.suite
        theirs = _present(keys.meter_agreement_key, "key agreement key of the meter")
        if self.wrapping is Protection.STATIC:
            secret = elliptic.agree(_present(keys.agreement_key, "key agreement key"), theirs)
            party = header.originator + octets(header.transaction)
            return KeyInfo(AGREED, STATIC), elliptic.derive(suite, secret, party, header.recipient)
        ephemeral = elliptic.generate(suite)
        public = elliptic.raw_public(ephemeral.public_key())
        signature = elliptic.sign(_present(keys.sign_key, "signing key"), suite, public)
        key = elliptic.derive(suite, elliptic.agree(ephemeral, theirs), header.originator, header.recipient)
        return KeyInfo(AGREED, ONE_PASS, public + signature), key

    def _sign(self, apdu: bytes) -> bytes:
        body = self._header().encode() + octets(apdu)
        key = _present(self.keys.sign_key, "signing key")
        return bytes([GENERAL_SIGNING]) + body + octets(elliptic.sign(key, self.keys.suite, body))

    # ---- responses

    def open(self, apdu: bytes) -> bytes:
        """Unwrap a response, layer by layer. What a meter may send in clear (exceptions) passes as it is.

        Raises ``WrongKey`` or ``Garbage``; a data response that nothing authenticates is refused, since
        anyone could have made it; ``Replayed`` for one that is not newer than all before it.
        """
        if apdu[:1] and apdu[0] in _IN_CLEAR:
            return apdu
        protected, proven, counted = apdu, False, False
        for _ in range(_LAYERS):
            layer = self._peel(apdu)
            if layer is None:
                break
            apdu, proven, counted = layer.plain, proven or layer.proven, counted or layer.counted
        if proven and not counted:
            self._heard.comes_once(protected)
        if not proven:
            raise Garbage(detail=f"response {apdu[:1].hex() or 'without bytes'} is not protected")
        return apdu

    def _peel(self, apdu: bytes) -> _Layer | None:
        cursor = Cursor(apdu)
        tag = cursor.byte()
        if tag == GENERAL_SIGNING:
            return self._verified(cursor)
        if tag == GENERAL_CIPHERING:
            return self._opened_general(cursor)
        title = self.server_title
        if tag in (GENERAL_GLO, GENERAL_DED):
            title = cursor.take(cursor.length()) or title
        elif tag not in _PLAIN_OF:
            return None
        dedicated = tag == GENERAL_DED or tag in _DEDICATED_TAGS
        if dedicated and not self.dedicated_key:
            raise Garbage(detail="a dedicated key was never agreed")
        key = self.dedicated_key if dedicated else self.keys.block_key
        heard = self._heard_dedicated if dedicated else self._heard
        return self._decrypt(key, title, cursor.take(cursor.length()), heard)

    def _decrypt(
        self, key: bytes, title: bytes, content: bytes, heard: Heard | None, header: bytes = b""
    ) -> _Layer:
        """``heard``: what came before under this key; None for one that is agreed anew each time. Only what
        is authentic moves the counter."""
        cursor = Cursor(content)
        control, nonce, body = cursor.byte(), title + cursor.take(4), cursor.rest()
        if len(nonce) != _TAG:
            raise MissingSecret(
                "The meter does not tell its system title.", hint="Give it with --meter-title: 16 hex digits."
            )
        if control & 0xC0 or control & _SUITE != self.keys.suite:
            raise Garbage(detail=f"security control {control:#04x}: other suite, broadcast or compression")
        associated = bytes([control]) + self.keys.auth_key + header
        if not control & AUTHENTICATED:
            raise Garbage(detail=f"security control {control:#04x} gives no authentication")
        if control & ENCRYPTED:
            plain = gcm_decrypt(key, nonce, body, associated)
        else:
            plain = body[:-_TAG]
            gcm_decrypt(key, nonce, body[-_TAG:], associated + plain)
        if heard is not None:
            heard.rises_to(int.from_bytes(nonce[-4:], "big"), opening=plain[:1] == _INITIATE_RESPONSE)
        return _Layer(plain, True, heard is not None)

    def _opened_general(self, cursor: Cursor) -> _Layer:
        start = cursor.index
        header = protection.decode_header(cursor)
        encoded = cursor.since(start)
        info = protection.decode_key_info(cursor)
        content = cursor.take(cursor.length())
        self._check_parties(header)
        agreed = info is not None and info.kind == AGREED
        if info is not None and agreed:
            key = self._agreed_by_meter(header, info)
        elif info is None or (info.kind == IDENTIFIED and info.parameter == 0):
            key = self.keys.block_key
        else:
            raise Garbage(detail=f"key-info {info.kind} {info.parameter} cannot be in a response")
        if not key:
            raise MissingSecret(detail="global key for general-ciphering")
        return self._decrypt(key, header.originator, content, None if agreed else self._heard, encoded)

    def _check_parties(self, header: Header) -> None:
        """A message of somebody else, or for somebody else, is none of ours."""
        if header.originator != self.server_title or header.recipient not in (self.title, b""):
            raise WrongKey(detail="system titles of a protected response are not of meter and client")

    def _agreed_by_meter(self, header: Header, info: KeyInfo) -> bytes:
        keys, suite = self.keys, self.keys.suite
        ours = _present(keys.agreement_key, "key agreement key")
        if info.parameter == STATIC:
            secret = elliptic.agree(
                ours, _present(keys.meter_agreement_key, "key agreement key of the meter")
            )
            party = header.originator + octets(header.transaction)
            return elliptic.derive(suite, secret, party, header.recipient)
        size = 2 * suite.coordinate_bytes
        public, signature = info.data[:size], info.data[size:]
        meter = _present(keys.meter_sign_key, "signing key of the meter")
        if info.parameter != ONE_PASS or not elliptic.verify(meter, suite, public, signature):
            raise WrongKey(detail="the meter's ephemeral key is not signed by it")
        try:
            theirs = elliptic.public_key(public, suite, elliptic.Purpose.AGREE)
        except ValueError:
            raise WrongKey(detail="the meter's ephemeral key is no point of the curve") from None
        return elliptic.derive(suite, elliptic.agree(ours, theirs), header.originator, header.recipient)

    def _verified(self, cursor: Cursor) -> _Layer:
        start = cursor.index
        header = protection.decode_header(cursor)
        encoded = cursor.since(start)
        content = cursor.take(cursor.length())
        body, signature = cursor.since(start), cursor.take(cursor.length())
        self._check_parties(header)
        key = _present(self.keys.meter_sign_key, "signing key of the meter")
        # some servers leave the length of the content out of what they sign
        if not any(elliptic.verify(key, self.keys.suite, b, signature) for b in (body, encoded + content)):
            raise WrongKey(detail="the signature of the response does not fit")
        return _Layer(content, True)

    # ---- high level security

    def sign_challenge(self, challenge: bytes) -> bytes:
        """HLS-GMAC answer (pass 3): control, counter, tag over the server's challenge (Green Book
        9.2.7.4)."""
        control = bytes([AUTHENTICATED | self.keys.suite])
        counter = self._next_counter().to_bytes(4, "big")
        associated = control + self.keys.auth_key + challenge
        return control + counter + gcm_encrypt(self.keys.block_key, self.title + counter, b"", associated)

    def check_challenge(self, answer: bytes, challenge: bytes) -> None:
        """The server's answer to our challenge (pass 4). Raises ``WrongKey``: it does not know our keys."""
        if len(answer) != 17 or answer[0] & _SUITE != self.keys.suite:
            raise WrongKey(detail="the meter's own proof has a wrong shape")
        associated = answer[:1] + self.keys.auth_key + challenge
        gcm_decrypt(self.keys.block_key, self.server_title + answer[1:5], answer[5:], associated)


def _present(key: _Key | None, what: str) -> _Key:
    if key is None:
        raise MissingSecret(f"The {what} is not on this tablet.")
    return key
