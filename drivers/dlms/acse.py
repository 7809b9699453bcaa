"""Application association: AARQ, AARE, RLRQ in BER (Green Book 9.3.2, 9.4.2). Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.dlms.data import Cursor, encode_length
from drivers.errors import Garbage

_OBJECT = b"\x60\x85\x74\x05\x08"


class Mechanism(IntEnum):
    NONE = 0
    LOW = 1
    HIGH = 2
    MD5 = 3
    SHA1 = 4
    GMAC = 5
    SHA256 = 6
    ECDSA = 7


class Conformance(IntEnum):
    """Bit numbers of the conformance block (0 is the most significant)."""

    GENERAL_PROTECTION = 1
    GENERAL_BLOCK_TRANSFER = 2
    READ = 3
    WRITE = 4
    UNCONFIRMED_WRITE = 5
    ATTRIBUTE0_GET = 10
    BLOCK_TRANSFER_GET = 11
    BLOCK_TRANSFER_SET = 12
    BLOCK_TRANSFER_ACTION = 13
    MULTIPLE_REFERENCES = 14
    INFORMATION_REPORT = 15
    DATA_NOTIFICATION = 16
    ACCESS = 17
    PARAMETERIZED_ACCESS = 18
    GET = 19
    SET = 20
    SELECTIVE_ACCESS = 21
    EVENT_NOTIFICATION = 22
    ACTION = 23


def _block(*services: Conformance) -> int:
    return sum(1 << 23 - service for service in services)


PROPOSED_LN = _block(
    Conformance.BLOCK_TRANSFER_GET,
    Conformance.BLOCK_TRANSFER_SET,
    Conformance.BLOCK_TRANSFER_ACTION,
    Conformance.MULTIPLE_REFERENCES,
    Conformance.GET,
    Conformance.SET,
    Conformance.SELECTIVE_ACCESS,
    Conformance.EVENT_NOTIFICATION,
    Conformance.ACTION,
)
GENERAL_BLOCK_TRANSFER = _block(Conformance.GENERAL_BLOCK_TRANSFER)
GENERAL_PROTECTION = _block(Conformance.GENERAL_PROTECTION)
ACCESS = _block(Conformance.ACCESS)
PROPOSED_SN = _block(
    Conformance.READ,
    Conformance.WRITE,
    Conformance.UNCONFIRMED_WRITE,
    Conformance.BLOCK_TRANSFER_GET,
    Conformance.BLOCK_TRANSFER_SET,
    Conformance.MULTIPLE_REFERENCES,
    Conformance.INFORMATION_REPORT,
    Conformance.PARAMETERIZED_ACCESS,
)
DIAGNOSTICS = {
    0: "null", 1: "no-reason-given", 2: "application-context-name-not-supported",
    3: "calling-ap-title-not-recognized", 4: "calling-ap-invocation-identifier-not-recognized",
    5: "calling-ae-qualifier-not-recognized", 6: "calling-ae-invocation-identifier-not-recognized",
    7: "called-ap-title-not-recognized", 8: "called-ap-invocation-identifier-not-recognized",
    9: "called-ae-qualifier-not-recognized", 10: "called-ae-invocation-identifier-not-recognized",
    11: "authentication-mechanism-name-not-recognised", 12: "authentication-mechanism-name-required",
    13: "authentication-failure", 14: "authentication-required",
}  # fmt: skip
PROVIDER_DIAGNOSTICS = {0: "null", 1: "no-reason-given", 2: "no-common-acse-version"}
CONTEXT_NOT_SUPPORTED = 2


@dataclass(frozen=True)
class Accepted:
    """What an initiate response agreed."""

    conformance: int
    max_pdu: int

    def allows(self, service: Conformance) -> bool:
        return bool(self.conformance >> 23 - service & 1)


def untold(proposed: int) -> Accepted:
    """Of a meter that accepts without saying what it can: everything but lists and ACCESS is tried."""
    return Accepted(proposed & ~_block(Conformance.MULTIPLE_REFERENCES, Conformance.ACCESS), 0)


@dataclass(frozen=True)
class Aare:
    """``result`` 0 accepted, 1 rejected permanent, 2 rejected transient. ``provider``: the diagnostic is of
    the ACSE provider, not of the user."""

    result: int
    diagnostic: int
    title: bytes
    challenge: bytes
    user_information: bytes
    provider: bool = False

    @property
    def reason(self) -> str:
        if self.provider:
            known = PROVIDER_DIAGNOSTICS.get(self.diagnostic, f"diagnostic-{self.diagnostic}")
            return f"provider-{known}"
        return DIAGNOSTICS.get(self.diagnostic, f"diagnostic-{self.diagnostic}")


SERVICE_ERRORS = {
    0: ("application-reference", {0: "other", 1: "time-elapsed", 2: "application-unreachable",
        3: "application-reference-invalid", 4: "application-context-unsupported",
        5: "provider-communication-error", 6: "deciphering-error"}),
    1: ("hardware-resource", {0: "other", 1: "memory-unavailable", 2: "processor-resource-unavailable",
        3: "mass-storage-unavailable", 4: "other-resource-unavailable"}),
    2: ("vde-state-error", {0: "other", 1: "no-dlms-context", 2: "loading-data-set",
        3: "status-nochange", 4: "status-inoperable"}),
    3: ("service", {0: "other", 1: "pdu-size", 2: "service-unsupported"}),
    4: ("definition", {0: "other", 1: "object-undefined", 2: "object-class-inconsistent",
        3: "object-attribute-inconsistent"}),
    5: ("access", {0: "other", 1: "scope-of-access-violated", 2: "object-access-violated",
        3: "hardware-fault", 4: "object-unavailable"}),
    6: ("initiate", {0: "other", 1: "dlms-version-too-low", 2: "incompatible-conformance",
        3: "pdu-size-too-short", 4: "refused-by-the-VDE-handler"}),
    7: ("load-data-set", {0: "other", 1: "primitive-out-of-sequence", 2: "not-loadable",
        3: "dataset-size-too-large", 4: "not-awaited-segment", 5: "interpretation-failure",
        6: "storage-failure", 7: "data-set-not-ready"}),
    9: ("task", {0: "other", 1: "no-remote-control", 2: "ti-stopped", 3: "ti-running", 4: "ti-unusable"}),
}  # fmt: skip
"""ServiceError of the confirmed-service-error (Green Book 9.5)."""


def service_error(apdu: bytes) -> str:
    """A confirmed-service-error in words; bytes that are none stay as hex."""
    if len(apdu) < 4:
        return f"confirmed-service-error {apdu.hex()}"
    kind, reasons = SERVICE_ERRORS.get(apdu[2], (f"error-{apdu[2]}", {}))
    return f"{kind}: {reasons.get(apdu[3], apdu[3])}"


def encode_rlrq(user_information: bytes = b"") -> bytes:
    """Release request, reason normal; with the initiate request (protected, where the context is)."""
    body = b"\x80\x01\x00"
    if user_information:
        body += _tlv(0xBE, _tlv(0x04, user_information))
    return _tlv(0x62, body)


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + encode_length(len(content)) + content


def initiate_request(proposed: int = PROPOSED_LN, max_pdu: int = 0xFFFF, dedicated_key: bytes = b"") -> bytes:
    """xDLMS initiate request proposing what this client can do."""
    key = b"\x01" + encode_length(len(dedicated_key)) + dedicated_key if dedicated_key else b"\x00"
    block = b"\x5f\x1f\x04\x00" + proposed.to_bytes(3, "big")
    return b"\x01" + key + b"\x00\x00\x06" + block + max_pdu.to_bytes(2, "big")


def encode_aarq(
    mechanism: Mechanism,
    secret: bytes,
    user_information: bytes,
    *,
    ciphered: bool,
    short_names: bool = False,
    title: bytes = b"",
) -> bytes:
    """``secret`` is the password (low) or our challenge (high)."""
    context = _OBJECT + bytes([1, 1 + short_names + 2 * ciphered])
    body = _tlv(0xA1, _tlv(0x06, context))
    if title:
        body += _tlv(0xA6, _tlv(0x04, title))
    if mechanism is not Mechanism.NONE:
        body += b"\x8a\x02\x07\x80" + _tlv(0x8B, _OBJECT + bytes([2, mechanism]))
        body += _tlv(0xAC, _tlv(0x80, secret))
    body += _tlv(0xBE, _tlv(0x04, user_information))
    return _tlv(0x60, body)


def decode_aare(apdu: bytes) -> Aare:
    """Any order of fields, unknown ones skipped. Raises ``Garbage``."""
    cursor = Cursor(apdu)
    if cursor.byte() != 0x61:
        raise Garbage(detail="no AARE")
    fields = Cursor(cursor.take(cursor.length()))
    result = diagnostic = -1
    provider = False
    title = challenge = user = b""
    while fields.left:
        tag = fields.byte()
        content = fields.take(fields.length())
        if tag == 0xA2:
            result = _integer(content)
        elif tag == 0xA3:
            provider = content[:1] == b"\xa2"
            diagnostic = _integer(_inner(content))
        elif tag == 0xA4:
            title = _octets(content)
        elif tag == 0xAA:
            challenge = _octets(content)
        elif tag == 0xBE:
            user = _inner(content)
    if result < 0:
        raise Garbage(detail="AARE without a result")
    return Aare(result, diagnostic, title, challenge, user, provider)


def _integer(content: bytes) -> int:
    cursor = Cursor(content)
    cursor.byte()
    return int.from_bytes(cursor.take(cursor.length()), "big")


def _inner(content: bytes) -> bytes:
    cursor = Cursor(content)
    cursor.byte()
    return cursor.take(cursor.length())


def _octets(content: bytes) -> bytes:
    """The octets of a title or challenge; some meters leave tag and length inside of it out."""
    cursor = Cursor(content)
    try:
        cursor.byte()
        inside = cursor.take(cursor.length())
    except Garbage:
        return content
    return content if cursor.left else inside


def decode_initiate_response(apdu: bytes) -> Accepted:
    """Raises ``Garbage``, also for a confirmed service error in its place (its bytes are in ``detail``)."""
    cursor = Cursor(apdu)
    tag = cursor.byte()
    if tag != 0x08:
        raise Garbage(detail=f"no initiate response but {apdu[:4].hex()}")
    if cursor.byte():
        cursor.byte()  # negotiated quality of service
    cursor.byte()  # dlms version
    if cursor.byte() != 0x5F:
        raise Garbage(detail="no conformance block")
    length = cursor.byte()
    if length == 0x1F:  # the tag in two octets; of some meters it has one
        length = cursor.byte()
    block = cursor.take(length)
    return Accepted(int.from_bytes(block[1:4], "big"), cursor.word())
