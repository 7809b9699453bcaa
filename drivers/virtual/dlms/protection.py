"""Taking protection off requests and putting the same on answers, layer by layer (IEC 62056-5-3, 5.3.8).

A layer is a service-specific ciphering (glo-, ded-), a general ciphering (general-glo, general-ded,
general-ciphering with an identified or agreed key) or a signature. The answer goes out under the layers that
the request came under, with the keys that held then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from drivers import elliptic
from drivers.elliptic import Purpose
from drivers.virtual.dlms import ciphering
from drivers.virtual.dlms.axdr import AxdrError, decode_length, encode_length
from drivers.virtual.dlms.ciphering import DecipheringError, Protected
from drivers.virtual.dlms.security import AUTH_KEY, AUTHENTICATE, BLOCK_KEY, ENCRYPT, SIGN, KeyPairs, Security

GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING, GENERAL_SIGNING = 0xDB, 0xDC, 0xDD, 0xDF
GLOBAL = {
    0x21: 0x01, 0xC8: 0xC0, 0xC9: 0xC1, 0xCB: 0xC3, 0x25: 0x05, 0x26: 0x06, 0x36: 0x16,
}  # fmt: skip
DEDICATED = {0xD0: 0xC0, 0xD1: 0xC1, 0xD3: 0xC3, 0x45: 0x05, 0x46: 0x06, 0x56: 0x16}
_GLOBAL_OFFSET = {True: 0x20, False: 0x08}
_DEDICATED_OFFSET = {True: 0x40, False: 0x10}
_FIRST_LN = 0xC0
_INITIATE_RESPONSE = 0x08
_IDENTIFIED, _AGREED = 0, 2
_ONE_PASS, _STATIC = 1, 2
_GLOBAL_UNICAST = 0
_MOST_LAYERS = 3
_HIGHEST = 0xFFFFFFFF


class ReplayError(Exception):
    """An invocation counter that was used before; carries the lowest acceptable one."""

    def __init__(self, expected: int) -> None:
        super().__init__("invocation counter")
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Layer:
    """How one layer of a request was protected, and the keys it was made with."""

    tag: int
    control: int = 0
    key: bytes = b""
    auth_key: bytes = b""
    transaction: bytes = b""
    scheme: int = 0
    """Of an agreed key: 1 one-pass, 2 static; 0 for every other key."""
    bare: bool = False
    """In the form that some clients have: the header of general-ciphering is not authenticated, the length of
    what is signed not signed."""

    @property
    def gives(self) -> int:
        """`AUTHENTICATE`, `ENCRYPT`, `SIGN`."""
        if self.tag == GENERAL_SIGNING:
            return SIGN
        encrypted = ENCRYPT if self.control & ciphering.ENCRYPTED else 0
        return encrypted | (AUTHENTICATE if self.control & ciphering.AUTHENTICATED else 0)

    @property
    def dedicated(self) -> bool:
        return self.tag in DEDICATED or self.tag == GENERAL_DED


@dataclass(frozen=True, slots=True)
class Opened:
    """The plain APDU and the layers it came under, the outermost first."""

    plain: bytes
    layers: tuple[Layer, ...]

    @property
    def gives(self) -> int:
        found = 0
        for layer in self.layers:
            found |= layer.gives
        return found


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int = 0

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise DecipheringError("cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def octets(self) -> bytes:
        try:
            length, self.at = decode_length(self.data, self.at)
        except AxdrError as error:
            raise DecipheringError("length") from error
        return self.take(length)

    def end(self) -> None:
        if self.at != len(self.data):
            raise DecipheringError("octets left over")


@dataclass(slots=True)
class Protector:
    """Protection of one association: `address` is the client's, `title` the meter's system title."""

    security: Security
    title: bytes
    address: int
    client_title: bytes = b""
    dedicated_key: bytes = b""
    _dedicated_received: int = field(default=-1)
    _dedicated_sent: int = field(default=0)

    def begin(self, client_title: bytes) -> None:
        """A new association: a dedicated key and what it counted are gone."""
        self.client_title, self.dedicated_key = client_title, b""
        self._dedicated_received, self._dedicated_sent = -1, 0

    # -- requests --

    def open(self, apdu: bytes) -> Opened:
        """Takes every layer off. `DecipheringError` for what is forged or malformed, `ReplayError` for an old
        counter, which is never taken over from a text that is forged.
        """
        layers: list[Layer] = []
        while apdu and len(layers) < _MOST_LAYERS:
            peeled = self._peel(apdu)
            if peeled is None:
                break
            layer, apdu = peeled
            layers.append(layer)
        return Opened(apdu, tuple(layers))

    def _peel(self, apdu: bytes) -> tuple[Layer, bytes] | None:
        tag, reader = apdu[0], _Reader(apdu, 1)
        if tag == GENERAL_SIGNING:
            return self._verify(reader)
        if tag == GENERAL_CIPHERING:
            return self._open_general(reader)
        if tag in (GENERAL_GLO, GENERAL_DED):
            if reader.octets() not in (self.client_title, b""):
                raise DecipheringError("foreign system title")
        elif tag not in GLOBAL and tag not in DEDICATED:
            return None
        layer = Layer(tag, key=self._key(tag), auth_key=self.security.key(AUTH_KEY))
        content = ciphering.parse(reader.octets())
        reader.end()
        plain = self._decipher(layer, content)
        wanted = GLOBAL.get(tag, DEDICATED.get(tag))
        if wanted is not None and plain[:1] != bytes([wanted]):
            raise DecipheringError("another service inside")
        return replace(layer, control=content.control), plain

    def _key(self, tag: int) -> bytes:
        if tag not in DEDICATED and tag != GENERAL_DED:
            return self.security.key(BLOCK_KEY)
        if len(self.dedicated_key) != self.security.suite.key_bytes:
            raise DecipheringError("no dedicated key")
        return self.dedicated_key

    def _decipher(self, layer: Layer, text: Protected, header: bytes = b"") -> bytes:
        lowest = self._lowest(layer)
        if text.counter < lowest or text.counter == _HIGHEST:
            raise ReplayError(lowest)
        suite = self.security.suite
        plain = ciphering.unprotect(text, layer.key, layer.auth_key, self.client_title, suite, header)
        if layer.dedicated:
            self._dedicated_received = text.counter
        elif not layer.scheme:
            self.security.accept(text.counter, self.address)
        return plain

    def _lowest(self, layer: Layer) -> int:
        if layer.scheme:
            return 0
        if layer.dedicated:
            return self._dedicated_received + 1
        return self.security.received_from(self.address) + 1

    def _header(self, reader: _Reader) -> tuple[bytes, bytes]:
        """Transaction id and the whole header; the titles must be the client's and ours."""
        start = reader.at
        transaction, originator, recipient, _, _ = (reader.octets() for _ in range(5))
        if originator != self.client_title or recipient not in (self.title, b""):
            raise DecipheringError("foreign system title")
        return transaction, reader.data[start : reader.at]

    def _open_general(self, reader: _Reader) -> tuple[Layer, bytes]:
        transaction, header = self._header(reader)
        key, scheme = self._key_info(reader, transaction)
        layer = Layer(GENERAL_CIPHERING, 0, key, self.security.key(AUTH_KEY), transaction, scheme)
        content = ciphering.parse(reader.octets())
        reader.end()
        bare = False
        try:
            plain = self._decipher(layer, content, header)
        except DecipheringError:
            plain, bare = self._decipher(layer, content), True
        return replace(layer, control=content.control, bare=bare), plain

    def _key_info(self, reader: _Reader, transaction: bytes) -> tuple[bytes, int]:
        if not reader.byte():
            return self.security.key(BLOCK_KEY), 0
        kind = reader.byte()
        if kind == _IDENTIFIED and reader.byte() == _GLOBAL_UNICAST:
            return self.security.key(BLOCK_KEY), 0
        if kind != _AGREED or self.security.pairs is None:
            raise DecipheringError("key-info")
        parameters, data = reader.octets(), reader.octets()
        if parameters == bytes([_ONE_PASS]):
            return self._one_pass(self.security.pairs, data), _ONE_PASS
        if parameters == bytes([_STATIC]) and not data:
            return self._static(self.security.pairs, transaction), _STATIC
        raise DecipheringError("key agreement parameters")

    def _one_pass(self, pairs: KeyPairs, data: bytes) -> bytes:
        suite = self.security.suite
        size = 2 * suite.coordinate_bytes
        public, signature = data[:size], data[size:]
        if not elliptic.verify(pairs.client_sign, suite, public, signature):
            raise DecipheringError("the ephemeral key is not signed by the client")
        try:
            theirs = elliptic.public_key(public, suite, Purpose.AGREE)
        except ValueError as error:
            raise DecipheringError("no point of the curve") from error
        if not self.security.is_fresh(public):
            raise ReplayError(self.security.received_from(self.address) + 1)
        secret = elliptic.agree(pairs.agreement, theirs)
        return elliptic.derive(suite, secret, self.client_title, self.title)

    def _static(self, pairs: KeyPairs, transaction: bytes) -> bytes:
        if not self.security.is_fresh(self.client_title + transaction):
            raise ReplayError(self.security.received_from(self.address) + 1)
        secret = elliptic.agree(pairs.agreement, pairs.client_agreement)
        party = self.client_title + _octets(transaction)
        return elliptic.derive(self.security.suite, secret, party, self.title)

    def _verify(self, reader: _Reader) -> tuple[Layer, bytes]:
        pairs = self.security.pairs
        if pairs is None:
            raise DecipheringError("no signatures in suite 0")
        start = reader.at
        transaction, header = self._header(reader)
        content = reader.octets()
        body, signature = reader.data[start : reader.at], reader.octets()
        reader.end()
        # Some clients leave the length of the content out of what they sign.
        for bare, signed in ((False, body), (True, header + content)):
            if elliptic.verify(pairs.client_sign, self.security.suite, signed, signature):
                return Layer(GENERAL_SIGNING, transaction=transaction, bare=bare), content
        raise DecipheringError("wrong signature")

    # -- answers --

    def close(self, answer: bytes, layers: tuple[Layer, ...]) -> bytes:
        """Puts the layers of the request on its answer."""
        for layer in reversed(layers):
            answer = self._wrap(answer, layer)
        return answer

    def overhead(self, layers: tuple[Layer, ...]) -> int:
        """How many octets the layers add, at most."""
        half = self.security.suite.coordinate_bytes
        size = 0
        for layer in layers:
            if layer.tag == GENERAL_SIGNING:
                size += 48 + 2 * half
            elif layer.tag == GENERAL_CIPHERING:
                size += 64 + (4 * half if layer.scheme == _ONE_PASS else 0)
            else:
                size += 4 + 5 + ciphering.TAG_SIZE + (9 if layer.tag in (GENERAL_GLO, GENERAL_DED) else 0)
        return size

    def _wrap(self, answer: bytes, layer: Layer) -> bytes:
        if layer.tag == GENERAL_SIGNING:
            return self._sign(answer, layer)
        if layer.tag == GENERAL_CIPHERING:
            return self._close_general(answer, layer)
        if layer.dedicated:
            self._dedicated_sent += 1
            counter = self._dedicated_sent
        else:
            counter = self.security.next_sent()
        body = self._protect(answer, layer, layer.key, counter)
        if layer.tag in (GENERAL_GLO, GENERAL_DED):
            return bytes([layer.tag]) + _octets(self.title) + body
        offsets = _DEDICATED_OFFSET if layer.dedicated else _GLOBAL_OFFSET
        short = answer[0] < _FIRST_LN
        return bytes([answer[0] + offsets[short]]) + body

    def _protect(self, plain: bytes, layer: Layer, key: bytes, counter: int, header: bytes = b"") -> bytes:
        text = ciphering.protect(layer.control, key, layer.auth_key, self.title, counter, plain, header)
        return _octets(text.encode())

    def _answer_header(self, layer: Layer) -> bytes:
        return _octets(layer.transaction) + _octets(self.title) + _octets(self.client_title) + b"\x00\x00"

    def _close_general(self, answer: bytes, layer: Layer) -> bytes:
        header = self._answer_header(layer)
        counter = self.security.next_sent()  # under a fresh key, too: some clients want it to rise
        if layer.scheme:
            info, key = self._agree(layer)
        else:
            info, key = bytes([1, _IDENTIFIED, _GLOBAL_UNICAST]), layer.key
        guarded = b"" if layer.bare else header
        text = self._protect(answer, layer, key, counter, guarded)
        return bytes([GENERAL_CIPHERING]) + header + info + text

    def _agree(self, layer: Layer) -> tuple[bytes, bytes]:
        """Key-info and key of an answer: the meter is the originator now."""
        pairs, suite = self.security.pairs, self.security.suite
        assert pairs is not None
        if layer.scheme == _STATIC:
            secret = elliptic.agree(pairs.agreement, pairs.client_agreement)
            party = self.title + _octets(layer.transaction)
            return bytes([1, _AGREED, 1, _STATIC, 0]), elliptic.derive(
                suite, secret, party, self.client_title
            )
        ephemeral = elliptic.generate(suite)
        public = elliptic.raw_public(ephemeral.public_key())
        data = public + elliptic.sign(pairs.sign, suite, public)
        secret = elliptic.agree(ephemeral, pairs.client_agreement)
        key = elliptic.derive(suite, secret, self.title, self.client_title)
        return bytes([1, _AGREED, 1, _ONE_PASS]) + _octets(data), key

    def _sign(self, answer: bytes, layer: Layer) -> bytes:
        pairs = self.security.pairs
        assert pairs is not None
        header = self._answer_header(layer)
        body = header + _octets(answer)
        signature = elliptic.sign(pairs.sign, self.security.suite, header + answer if layer.bare else body)
        return bytes([GENERAL_SIGNING]) + body + _octets(signature)


def _octets(data: bytes) -> bytes:
    return encode_length(len(data)) + data
