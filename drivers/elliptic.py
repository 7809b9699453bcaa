"""Elliptic curve parts of DLMS security suites 1 and 2: signatures, key agreement, key derivation.

Green Book 9.2.3.4: P-256 with SHA-256 (suite 1), P-384 with SHA-384 (suite 2); signatures in plain format
R ‖ S; the concatenation KDF of NIST SP 800-56A in one step. Pure functions on the `cryptography` package.
"""

from __future__ import annotations

import hashlib
from enum import Enum, IntEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey
_ALGORITHM = bytes.fromhex("608574050803")
"""COSEM_Cryptographic_Algorithm_Id without its last arc (Green Book 9.4.2.2.4)."""
_TITLE_BYTES = 8


class Suite(IntEnum):
    """Security suites (Green Book, table 19)."""

    SUITE_0 = 0
    SUITE_1 = 1
    SUITE_2 = 2

    @property
    def key_bytes(self) -> int:
        """Bytes of its symmetric keys."""
        return 32 if self is Suite.SUITE_2 else 16

    @property
    def coordinate_bytes(self) -> int:
        """Bytes of a coordinate, a private key, and half a signature; 0 for suite 0."""
        return (0, 32, 48)[self]

    @property
    def _curve(self) -> ec.EllipticCurve:
        if self is Suite.SUITE_0:
            raise ValueError("suite 0 has no elliptic curve")
        return ec.SECP256R1() if self is Suite.SUITE_1 else ec.SECP384R1()

    @property
    def _hash(self) -> hashes.HashAlgorithm:
        return hashes.SHA256() if self is Suite.SUITE_1 else hashes.SHA384()


class Purpose(Enum):
    """What a key pair is for; one of one purpose is not used for the other (Green Book 9.2.3.4.1)."""

    SIGN = "digital signature"
    AGREE = "key agreement"


class Algorithm(IntEnum):
    """Last arc of the algorithm that a derived key is for."""

    AES_GCM_128 = 0
    AES_GCM_256 = 1
    AES_WRAP_128 = 2
    AES_WRAP_256 = 3


def generate(suite: Suite) -> PrivateKey:
    return ec.generate_private_key(suite._curve)


def private_key(data: bytes, suite: Suite) -> PrivateKey:
    """From the raw number (32 or 48 bytes), PKCS #8 or SEC 1 in DER, or PEM. Raises ``ValueError``."""
    if len(data) == suite.coordinate_bytes:
        return ec.derive_private_key(int.from_bytes(data, "big"), suite._curve)
    try:
        if data.lstrip()[:5] == b"-----":
            key = serialization.load_pem_private_key(data, None)
        else:
            key = serialization.load_der_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise ValueError("not a private key: raw, DER or PEM without a password") from error
    if not isinstance(key, PrivateKey) or key.curve.name != suite._curve.name:
        raise ValueError(f"not a private key of {suite._curve.name}")
    return key


def public_key(data: bytes, suite: Suite, purpose: Purpose, title: bytes = b"") -> PublicKey:
    """From x ‖ y (with or without 04), SubjectPublicKeyInfo or an X.509 certificate, in DER or PEM.

    A certificate must be for this purpose and, where its common name is a system title, for ``title``.
    Whoever gives it trusts it: no chain is followed. Raises ``ValueError``.
    """
    size = 2 * suite.coordinate_bytes
    if len(data) in (size, size + 1):
        point = data if len(data) == size + 1 else b"\x04" + data
        return ec.EllipticCurvePublicKey.from_encoded_point(suite._curve, point)
    key = _encoded_public_key(data, purpose, title)
    if not isinstance(key, PublicKey) or key.curve.name != suite._curve.name:
        raise ValueError(f"not a public key of {suite._curve.name}")
    return key


def _encoded_public_key(data: bytes, purpose: Purpose, title: bytes) -> object:
    pem = data.lstrip()[:5] == b"-----"
    try:
        certificate = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
    except ValueError:
        load = serialization.load_pem_public_key if pem else serialization.load_der_public_key
        try:
            return load(data)
        except ValueError as error:
            raise ValueError("not a public key: x and y, DER or PEM, or a certificate") from error
    _check_certificate(certificate, purpose, title)
    return certificate.public_key()


def _check_certificate(certificate: x509.Certificate, purpose: Purpose, title: bytes) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None:
        allowed = usage.digital_signature if purpose is Purpose.SIGN else usage.key_agreement
        if not allowed:
            raise ValueError(f"the certificate is not for {purpose.value}")
    subject = certificate_title(certificate)
    if title and subject and subject != title:
        raise ValueError("the certificate is of another system title")


def certificate_title(certificate: x509.Certificate) -> bytes:
    """The system title that the common name of the subject gives in hex; empty if it gives none."""
    for attribute in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
        try:
            title = bytes.fromhex(str(attribute.value))
        except ValueError:
            continue
        if len(title) == _TITLE_BYTES:
            return title
    return b""


def raw_public(key: PublicKey) -> bytes:
    """x ‖ y, 64 or 96 bytes."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]


def sign(key: PrivateKey, suite: Suite, data: bytes) -> bytes:
    """R ‖ S, each with the full number of bytes."""
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(suite._hash)))
    size = suite.coordinate_bytes
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def verify(key: PublicKey, suite: Suite, data: bytes, signature: bytes) -> bool:
    size = suite.coordinate_bytes
    if len(signature) != 2 * size:
        return False
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    try:
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(suite._hash))
    except InvalidSignature:
        return False
    return True


def agree(ours: PrivateKey, theirs: PublicKey) -> bytes:
    """The shared secret Z: the x coordinate. Raises ``ValueError`` for keys of different curves."""
    return ours.exchange(ec.ECDH(), theirs)


def derive(suite: Suite, secret: bytes, party_u: bytes, party_v: bytes, *, wrap: bool = False) -> bytes:
    """A symmetric key from Z (Green Book 9.2.3.4.6.5).

    ``party_u``: system title of the originator and, for C(0e, 2s), length and value of the transaction id;
    ``party_v``: system title of the recipient.
    """
    algorithm = Algorithm.AES_WRAP_128 if wrap else Algorithm.AES_GCM_128
    arc = algorithm + (suite is Suite.SUITE_2)
    digest = hashlib.sha256 if suite is Suite.SUITE_1 else hashlib.sha384
    counter = (1).to_bytes(4, "big")
    material = digest(counter + secret + _ALGORITHM + bytes([arc]) + party_u + party_v).digest()
    return material[: suite.key_bytes]
