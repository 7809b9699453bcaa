"""Association control: AARQ, AARE, RLRQ, RLRE (BER) and the xDLMS InitiateRequest inside (IEC 62056-5-3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from drivers.virtual.dlms.axdr import AxdrError, decode_length, encode_length

_OID = bytes.fromhex("60857405 08".replace(" ", ""))
CONTEXT_LN = 1
CONTEXT_SN = 2
CONTEXT_LN_CIPHERED = 3
CONTEXT_SN_CIPHERED = 4


class AcseError(ValueError):
    """The APDU can't be taken apart."""


class Mechanism(IntEnum):
    """Authentication mechanism names that this server knows."""

    NONE = 0
    LOW = 1
    MD5 = 3
    SHA1 = 4
    GMAC = 5
    SHA256 = 6
    ECDSA = 7


class AssociationResult(IntEnum):
    ACCEPTED = 0
    REJECTED_PERMANENT = 1
    REJECTED_TRANSIENT = 2


class Diagnostic(IntEnum):
    """result-source-diagnostic, acse-service-user."""

    NULL = 0
    NO_REASON = 1
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED = 2
    CALLING_AP_TITLE_NOT_RECOGNIZED = 3
    AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNIZED = 11
    AUTHENTICATION_MECHANISM_NAME_REQUIRED = 12
    AUTHENTICATION_FAILURE = 13
    AUTHENTICATION_REQUIRED = 14


class ProviderDiagnostic(IntEnum):
    """result-source-diagnostic, acse-service-provider."""

    NO_COMMON_ACSE_VERSION = 2


@dataclass(frozen=True, slots=True)
class Aarq:
    """What the client asks for. `mechanism` and `context` are the last arc of their names; absent is None.

    `version_1`: protocol version 1 is among those of ACSE that it speaks (it is where none is named).
    """

    context: int | None
    calling_title: bytes = b""
    mechanism: int | None = None
    authentication_value: bytes = b""
    user_information: bytes = b""
    version_1: bool = True


@dataclass(frozen=True, slots=True)
class Aare:
    """The answer; fields that are empty are not sent."""

    context: int
    result: AssociationResult
    diagnostic: Diagnostic | ProviderDiagnostic
    responding_title: bytes = b""
    mechanism: int | None = None
    authentication_value: bytes = b""
    user_information: bytes = b""

    def encode(self) -> bytes:
        body = _tlv(0xA1, _tlv(0x06, _OID + bytes([1, self.context])))
        body += _tlv(0xA2, _tlv(0x02, bytes([self.result])))
        source = 0xA2 if isinstance(self.diagnostic, ProviderDiagnostic) else 0xA1
        body += _tlv(0xA3, _tlv(source, _tlv(0x02, bytes([self.diagnostic]))))
        if self.responding_title:
            body += _tlv(0xA4, _tlv(0x04, self.responding_title))
        if self.mechanism is not None:
            body += _tlv(0x88, b"\x07\x80") + _tlv(0x89, _OID + bytes([2, self.mechanism]))
        if self.authentication_value:
            body += _tlv(0xAA, _tlv(0x80, self.authentication_value))
        if self.user_information:
            body += _tlv(0xBE, _tlv(0x04, self.user_information))
        return _tlv(0x61, body)


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + encode_length(len(content)) + content


def _fields(data: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        tag = data[at]
        try:
            length, at = decode_length(data, at + 1)
        except AxdrError as error:
            raise AcseError("length") from error
        if at + length > len(data):
            raise AcseError("cut short")
        fields[tag] = data[at : at + length]
        at += length
    return fields


def _inner(content: bytes) -> bytes:
    """The content of the one element inside."""
    values = list(_fields(content).values())
    if len(values) != 1:
        raise AcseError("one element expected")
    return values[0]


def _arc(name: bytes, kind: int) -> int:
    """Last arc of a context name (kind 1) or mechanism name (kind 2); 0xFF where it is foreign."""
    return name[6] if len(name) == 7 and name[:6] == _OID + bytes([kind]) else 0xFF


def parse_aarq(data: bytes) -> Aarq:
    """Takes an AARQ apart; `AcseError` if it is malformed."""
    outer = _fields(data)
    if 0x60 not in outer:
        raise AcseError("no AARQ")
    fields = _fields(outer[0x60])
    value = fields.get(0xAC, b"")
    return Aarq(
        context=_arc(_inner(fields[0xA1]), 1) if 0xA1 in fields else None,
        calling_title=_inner(fields[0xA6]) if 0xA6 in fields else b"",
        mechanism=_arc(fields[0x8B], 2) if 0x8B in fields else None,
        authentication_value=_inner(value) if value else b"",
        user_information=_inner(fields[0xBE]) if 0xBE in fields else b"",
        version_1=bool(fields.get(0x80, b"\x07\x80")[1:2] >= b"\x80"),
    )


def release_information(data: bytes) -> bytes:
    """The user information of an RLRQ; empty where it has none, or is malformed."""
    try:
        fields = _fields(_fields(data).get(0x62, b""))
        return _inner(fields[0xBE]) if 0xBE in fields else b""
    except AcseError:
        return b""


def release_response(user_information: bytes = b"") -> bytes:
    """RLRE with the reason *normal*."""
    body = b"\x80\x01\x00" + (_tlv(0xBE, _tlv(0x04, user_information)) if user_information else b"")
    return _tlv(0x63, body)


# The conformance block: bit 0 is the most significant of 24.
def conformance(*numbers: int) -> int:
    """The block as a number of 24 bits, from bit numbers of the standard."""
    return sum(1 << (23 - number) for number in numbers)


GENERAL_PROTECTION = conformance(1)
GENERAL_BLOCK_TRANSFER = conformance(2)
READ = conformance(3)
WRITE = conformance(4)
UNCONFIRMED_WRITE = conformance(5)
PARAMETERIZED_ACCESS = conformance(18)
BLOCK_GET = conformance(11)
BLOCK_SET = conformance(12)
BLOCK_ACTION = conformance(13)
MULTIPLE_REFERENCES = conformance(14)
GET = conformance(19)
SET = conformance(20)
SELECTIVE_ACCESS = conformance(21)
ACTION = conformance(23)
PRIORITY = conformance(9)
ACCESS = conformance(17)


@dataclass(frozen=True, slots=True)
class InitiateRequest:
    """xDLMS InitiateRequest. `max_pdu` 0 means without limit."""

    dedicated_key: bytes
    version: int
    conformance: int
    max_pdu: int
    response_allowed: bool = field(default=True)


def parse_initiate(data: bytes) -> InitiateRequest:
    """Takes an InitiateRequest (tag 01) apart; `AcseError` if it is malformed."""
    try:
        if data[0] != 0x01:
            raise AcseError("no InitiateRequest")
        at, key = 2, b""
        if data[1]:
            length, at = decode_length(data, 2)
            key, at = data[at : at + length], at + length
        allowed = True
        if data[at]:
            at += 1
            allowed = bool(data[at])
        at += 1
        at += 2 if data[at] else 1  # proposed-quality-of-service
        version = data[at]
        at += 1
        if data[at : at + 2] != b"\x5f\x1f":
            raise AcseError("no conformance block")
        at += 2
        if data[at : at + 2] != b"\x04\x00":
            raise AcseError("conformance block has 24 bits")
        block = int.from_bytes(data[at + 2 : at + 5], "big")
        size = data[at + 5 : at + 7]
        if len(size) != 2:
            raise AcseError("cut short")
        return InitiateRequest(key, version, block, int.from_bytes(size, "big"), allowed)
    except (IndexError, AxdrError) as error:
        raise AcseError("cut short") from error


def initiate_response(block: int, max_pdu: int, short_names: bool = False) -> bytes:
    """xDLMS InitiateResponse: DLMS version 6, the negotiated conformance, our largest PDU, and the name 0007
    (logical names) or FA00 (base name of the association).
    """
    name = b"\xfa\x00" if short_names else b"\x00\x07"
    return b"\x08\x00\x06\x5f\x1f\x04\x00" + block.to_bytes(3, "big") + max_pdu.to_bytes(2, "big") + name


class InitiateError(IntEnum):
    """ConfirmedServiceError, initiateError, service error *initiate*."""

    OTHER = 0
    DLMS_VERSION_TOO_LOW = 1
    INCOMPATIBLE_CONFORMANCE = 2
    PDU_SIZE_TOO_SHORT = 3


def initiate_error(error: InitiateError) -> bytes:
    return bytes([0x0E, 0x01, 0x06, error])
