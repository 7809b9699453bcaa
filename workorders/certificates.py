"""Certificates: the gateway's root, the office's signing key, and one for each tablet.

An entry is authentic when its signature holds under a key that a certificate of this gateway's root names.
So a record can be checked years later with nothing but the root's file. Ed25519 throughout (RFC 8410).

The subject says who: CN = id, TITLE = what it is, OU = realm, O = crew, SN = the DLMS client system title
(hex, tablets only). Realms have roots of their own, and the name is compared as well: a tablet enrolled
for training proves nothing to a live gateway.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from workorders.journal.entry import Realm

ROOT_YEARS = 25
OFFICE_YEARS = 10
TABLET_YEARS = 3
_BACKDATE = timedelta(days=1)
"""Certificates begin a day early: a tablet whose clock is behind must still accept its own."""


class Holder(StrEnum):
    """What kind of holder a certificate names."""

    ROOT = "root"
    OFFICE = "office"
    TABLET = "tablet"


class CertificateError(ValueError):
    """A certificate that proves nothing here.

    `code`: malformed, wrong_issuer, wrong_signature, wrong_realm, wrong_holder, expired.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a certificate says of its holder. `system_title` is 16 hex digits, tablets only."""

    id: str
    holder: Holder
    realm: Realm
    crew: str | None = None
    system_title: str | None = None


def new_root(key: Ed25519PrivateKey, realm: Realm, gateway_id: str, now: datetime) -> bytes:
    """Return the DER of a self-signed root that may issue end certificates only."""
    subject = Subject(id=gateway_id, holder=Holder.ROOT, realm=realm)
    name = _name(subject)
    builder = _builder(name, name, key.public_key(), now, ROOT_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return _der(builder.sign(key, None))


def issue(
    root: Ed25519PrivateKey, root_der: bytes, subject: Subject, public_key: Ed25519PublicKey, now: datetime
) -> bytes:
    """Return the DER of a certificate for `subject`, signed by the root."""
    years = TABLET_YEARS if subject.holder is Holder.TABLET else OFFICE_YEARS
    issuer = x509.load_der_x509_certificate(root_der).subject
    builder = _builder(issuer, _name(subject), public_key, now, years)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    return _der(builder.sign(root, None))


def verify_chain(
    certificate: bytes, root: bytes, *, realm: Realm, holder: Holder | None = None, at: datetime | None = None
) -> tuple[Subject, Ed25519PublicKey]:
    """Return who `certificate` (DER) names and their key, if `root` (DER) issued it for this realm.

    `at` is checked against the validity only if given: an entry of years ago stays authentic after its
    tablet's certificate has run out, so what is checked then is the time of the entry.

    Raises:
        CertificateError: see there.
    """
    end, authority = _load(certificate), _load(root)
    authority_key = _key_of(authority)
    if end.issuer != authority.subject:
        raise CertificateError("wrong_issuer", "the certificate was not issued by this gateway")
    try:
        authority_key.verify(end.signature, end.tbs_certificate_bytes)
    except InvalidSignature:
        raise CertificateError("wrong_signature", "the certificate's signature does not hold") from None
    subject = _subject(end)
    if subject.realm is not realm:
        raise CertificateError("wrong_realm", f"a certificate for {subject.realm} has no force in {realm}")
    if holder is not None and subject.holder is not holder:
        raise CertificateError("wrong_holder", f"a certificate of a {subject.holder}, not of a {holder}")
    if at is not None and not end.not_valid_before_utc <= at < end.not_valid_after_utc:
        raise CertificateError("expired", f"the certificate ended at {end.not_valid_after_utc:%Y-%m-%d}")
    return subject, _key_of(end)


def public_key_of(certificate: bytes) -> Ed25519PublicKey:
    """Return the key that a certificate (DER) names, proving nothing about who issued it."""
    return _key_of(_load(certificate))


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of the DER in hex: what the enrolment QR carries of the root."""
    return hashlib.sha256(certificate).hexdigest()


def pem(certificate: bytes) -> str:
    """The certificate as a PEM file, for `journal verify --root FILE`."""
    return _load(certificate).public_bytes(serialization.Encoding.PEM).decode("ascii")


def from_pem(text: str) -> bytes:
    """Return the DER of the first certificate in a PEM file.

    Raises:
        CertificateError: malformed.
    """
    try:
        return _der(x509.load_pem_x509_certificate(text.encode()))
    except ValueError as error:
        raise CertificateError("malformed", f"not a PEM certificate: {error}") from None


def _builder(
    issuer: x509.Name, subject: x509.Name, key: Ed25519PublicKey, now: datetime, years: int
) -> x509.CertificateBuilder:
    begins = now.astimezone(UTC) - _BACKDATE
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=365 * years))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(subject: Subject) -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COMMON_NAME, subject.id),
        x509.NameAttribute(NameOID.TITLE, subject.holder),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, subject.realm),
    ]
    if subject.crew:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.crew))
    if subject.system_title:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, subject.system_title))
    return x509.Name(parts)


def _subject(certificate: x509.Certificate) -> Subject:
    texts = {part.oid: str(part.value) for part in certificate.subject}
    try:
        return Subject(
            id=texts[NameOID.COMMON_NAME],
            holder=Holder(texts[NameOID.TITLE]),
            realm=Realm(texts[NameOID.ORGANIZATIONAL_UNIT_NAME]),
            crew=texts.get(NameOID.ORGANIZATION_NAME),
            system_title=texts.get(NameOID.SERIAL_NUMBER),
        )
    except (KeyError, ValueError) as error:
        raise CertificateError("malformed", f"the certificate's subject lacks {error}") from None


def _load(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise CertificateError("malformed", f"not a certificate: {error}") from None


def _key_of(certificate: x509.Certificate) -> Ed25519PublicKey:
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise CertificateError("malformed", "the certificate's key is not Ed25519")
    return key


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
