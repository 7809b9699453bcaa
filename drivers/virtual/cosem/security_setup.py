"""Class 64, security setup: version 0 in meters of suite 0, else version 1 (key pairs, certificates)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from drivers import elliptic
from drivers.elliptic import PrivateKey, Purpose, Suite
from drivers.virtual.cosem.base import ANYONE, AccessError, Caller, CosemObject, Method, computed, fixed, obis
from drivers.virtual.cosem.management import SECURITY_SETUP
from drivers.virtual.dlms.axdr import Data, Tag, array, enum, octets, structure
from drivers.virtual.dlms.ciphering import DecipheringError, unwrap
from drivers.virtual.dlms.security import AUTH_KEY, BLOCK_KEY, MASTER_KEY, KeyPairs, Security
from drivers.virtual.dlms.services import Result

_KEYS = {0: BLOCK_KEY, 2: AUTH_KEY, 3: MASTER_KEY}
_SERVER, _SIGNATURE, _AGREEMENT = 0, 0, 1
_POLICY_BITS = 0xFC
"""Bits 2 to 7 of the policy of version 1; 0 and 1 are reserved."""
_BORN = datetime(2026, 1, 1, tzinfo=UTC)
_LIFE = timedelta(days=365 * 30)


class SecuritySetup:
    """`client_title` is the system title that came last; `changed` is called after a change of keys."""

    def __init__(
        self,
        security: Security,
        title: bytes,
        client_title: Callable[[], bytes],
        changed: Callable[[], None],
    ) -> None:
        self._security, self._title, self._client_title = security, title, client_title
        self._changed = changed

    def cosem(self) -> CosemObject:
        pairs = self._security.pairs
        here = CosemObject(64, 0 if pairs is None else 1, obis(SECURITY_SETUP))
        here.attributes |= {
            2: computed(lambda: enum(self._security.policy)),
            3: fixed(enum(self._security.suite)),
            4: computed(lambda: octets(self._client_title())),
            5: fixed(octets(self._title), ANYONE),
        }
        here.methods |= {1: Method(self._activate), 2: Method(self._transfer)}
        if pairs is not None:
            certificates = {
                kind: self._certificate(key, purpose)
                for kind, key, purpose in (
                    (_SIGNATURE, pairs.sign, Purpose.SIGN),
                    (_AGREEMENT, pairs.agreement, Purpose.AGREE),
                )
            }
            listed = array([_certificate_info(kind, known) for kind, known in certificates.items()])
            here.attributes[6] = fixed(listed)
            here.methods[3] = Method(lambda caller, value: self._agree(pairs, value))
            here.methods[7] = Method(lambda caller, value: self._export(certificates, value))
        return here

    def _activate(self, caller: Caller, value: Data | None) -> None:
        """security_activate: a policy may be raised and is never lowered."""
        if value is None or value.tag is not Tag.ENUM:
            raise AccessError(Result.TYPE_UNMATCHED)
        now, wanted = self._security.policy, value.number
        allowed = 0x03 if self._security.pairs is None else _POLICY_BITS
        if wanted & now != now or wanted & ~allowed:
            raise AccessError(Result.OTHER_REASON)
        self._security.raise_policy(wanted)

    def _transfer(self, caller: Caller, value: Data | None) -> None:
        """global_key_transfer: all keys are unwrapped before the first one is taken over."""
        keys: dict[str, bytes] = {}
        for name, data in _key_data(value):
            try:
                keys[name] = unwrap(self._security.key(MASTER_KEY), data)
            except DecipheringError as error:
                raise AccessError(Result.OTHER_REASON) from error
            if len(keys[name]) != self._security.suite.key_bytes:
                raise AccessError(Result.OTHER_REASON)
        self._take_over(keys)

    def _take_over(self, keys: dict[str, bytes]) -> None:
        for name, key in keys.items():
            self._security.set_key(name, key)
        self._changed()

    def _agree(self, pairs: KeyPairs, value: Data | None) -> Data:
        """key_agreement by the ephemeral unified model C(2e, 0s): the client's ephemeral public keys, signed
        over key id and key, for the meter's; the keys hold from the next request on.
        """
        suite, answers = self._security.suite, []
        keys: dict[str, bytes] = {}
        size = 2 * suite.coordinate_bytes
        for name, data in _key_data(value):
            number = next(index for index, known in _KEYS.items() if known == name)
            public, signature = data[:size], data[size:]
            if not elliptic.verify(pairs.client_sign, suite, bytes([number]) + public, signature):
                raise AccessError(Result.OTHER_REASON)
            try:
                theirs = elliptic.public_key(public, suite, Purpose.AGREE)
            except ValueError as error:
                raise AccessError(Result.OTHER_REASON) from error
            ours = elliptic.generate(suite)
            own = elliptic.raw_public(ours.public_key())
            secret = elliptic.agree(ours, theirs)
            wrap = name == MASTER_KEY
            keys[name] = elliptic.derive(suite, secret, self._client_title(), self._title, wrap=wrap)
            proof = elliptic.sign(pairs.sign, suite, bytes([number]) + own)
            answers.append(structure(enum(number), octets(own + proof)))
        self._take_over(keys)
        return array(answers)

    def _certificate(self, key: PrivateKey, purpose: Purpose) -> x509.Certificate:
        """Self-signed, with the system title as common name: the virtual field has no authority."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self._title.hex().upper())])
        signing = purpose is Purpose.SIGN
        usage = x509.KeyUsage(
            digital_signature=signing,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=not signing,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1 + signing)
            .not_valid_before(_BORN)
            .not_valid_after(_BORN + _LIFE)
            .add_extension(usage, critical=True)
        )
        suite = self._security.suite
        return builder.sign(key, hashes.SHA256() if suite is Suite.SUITE_1 else hashes.SHA384())

    def _export(self, certificates: dict[int, x509.Certificate], value: Data | None) -> Data:
        """export_certificate, by entity (server) and type; by serial number it has none."""
        if value is None or value.tag is not Tag.STRUCTURE or len(value.items) != 2:
            raise AccessError(Result.TYPE_UNMATCHED)
        kind, wanted = value.items
        if kind.number != 0 or len(wanted.items) != 3:
            raise AccessError(Result.OTHER_REASON)
        entity, purpose, title = wanted.items
        found = certificates.get(purpose.number)
        if entity.number != _SERVER or found is None or title.octets != self._title:
            raise AccessError(Result.OBJECT_UNAVAILABLE)
        return octets(found.public_bytes(serialization.Encoding.DER))


def _key_data(value: Data | None) -> list[tuple[str, bytes]]:
    """Name and data of each key of a transfer or agreement."""
    if value is None or value.tag is not Tag.ARRAY or not value.items:
        raise AccessError(Result.TYPE_UNMATCHED)
    found = []
    for item in value.items:
        if item.tag is not Tag.STRUCTURE or len(item.items) != 2:
            raise AccessError(Result.TYPE_UNMATCHED)
        name = _KEYS.get(item.items[0].number)
        if name is None:
            raise AccessError(Result.TYPE_UNMATCHED)
        found.append((name, item.items[1].octets))
    return found


def _certificate_info(kind: int, known: x509.Certificate) -> Data:
    """certificate_info: entity, type, serial number, issuer, subject, alternative name."""
    number = known.serial_number.to_bytes(1, "big")
    names = [octets(name.public_bytes()) for name in (known.issuer, known.subject)]
    return structure(enum(_SERVER), enum(kind), octets(number), *names, octets(b""))
