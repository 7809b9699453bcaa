"""PSEM services of ANSI C12.18 (clause 4): requests to octets, answers to values, refusals to errors.

Numbers in PSEM are sent high octet first, whatever order the meter's tables use.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.errors import Garbage, MeterRefused

USER_BYTES = 10
PASSWORD_BYTES = 20
_BAUD_CODES = {
    300: 1, 600: 2, 1200: 3, 2400: 4, 4800: 5, 9600: 6, 14400: 7, 19200: 8, 28800: 9, 57600: 10, 38400: 11,
    115200: 12, 128000: 13, 256000: 14,
}  # fmt: skip
BAUDS = {code: baud for baud, code in _BAUD_CODES.items()}
_PAD = b" "


class Service(IntEnum):
    """Request codes (clause 4.2.2)."""

    IDENTIFY = 0x20
    TERMINATE = 0x21
    DISCONNECT = 0x22
    READ = 0x30
    READ_DEFAULT = 0x3E
    READ_OFFSET = 0x3F
    WRITE = 0x40
    WRITE_OFFSET = 0x4F
    LOGON = 0x50
    SECURITY = 0x51
    LOGOFF = 0x52
    NEGOTIATE = 0x60
    WAIT = 0x70
    TIMING = 0x71


class Response(IntEnum):
    """Response codes (clause 4.2.1); from 0B on those of C12.21 and C12.22, which C12.18 meters use too."""

    OK = 0x00
    ERR = 0x01
    SNS = 0x02
    ISC = 0x03
    ONP = 0x04
    IAR = 0x05
    BSY = 0x06
    DNR = 0x07
    DLK = 0x08
    RNO = 0x09
    ISSS = 0x0A
    SME = 0x0B
    UAT = 0x0C
    NETT = 0x0D
    NETR = 0x0E
    RQTL = 0x0F
    RSTL = 0x10
    SGNP = 0x11
    SGERR = 0x12


RESULTS = {
    Response.ERR: "request-rejected",
    Response.SNS: "service-not-supported",
    Response.ISC: "insufficient-security-clearance",
    Response.ONP: "operation-not-possible",
    Response.IAR: "inappropriate-action-requested",
    Response.BSY: "device-busy",
    Response.DNR: "data-not-ready",
    Response.DLK: "data-locked",
    Response.RNO: "renegotiate-request",
    Response.ISSS: "invalid-service-sequence-state",
    Response.SME: "security-mechanism-error",
    Response.UAT: "unknown-application-title",
    Response.NETT: "network-time-out",
    Response.NETR: "network-not-reachable",
    Response.RQTL: "request-too-large",
    Response.RSTL: "response-too-large",
    Response.SGNP: "segmentation-not-possible",
    Response.SGERR: "segmentation-error",
}
"""The stable words of refusals: ``MeterRefused.result``."""


class ServiceRefused(MeterRefused):
    """The meter answered a service with something else than *ok*."""

    def __init__(self, response: Response, service: int) -> None:
        super().__init__(result=RESULTS[response], detail=f"service {service:02X}: {response.name.lower()}")
        self.response = response


@dataclass(frozen=True)
class Protocol:
    """The answer to identification. ``standard``: 0 C12.18, 2 C12.21, 3 C12.22; features as sent."""

    standard: int
    version: int
    revision: int
    features: bytes = b""

    @property
    def name(self) -> str:
        names = {0: "C12.18", 2: "C12.21", 3: "C12.22"}
        return f"{names.get(self.standard, f'standard {self.standard}')} {self.version}.{self.revision:02d}"


@dataclass(frozen=True)
class Negotiated:
    """What the meter agrees to: octets of a packet, packets of a message, baud (``None``: unchanged)."""

    packet_size: int
    packets: int
    baud: int | None


def body(answer: bytes, service: int) -> bytes:
    """What follows *ok*. Raises ``ServiceRefused``, or ``Garbage`` for a code that no standard has."""
    if not answer:
        raise Garbage(detail="an empty answer")
    try:
        response = Response(answer[0])
    except ValueError:
        raise Garbage(detail=f"unknown response code {answer[0]:02X}") from None
    if response is not Response.OK:
        raise ServiceRefused(response, service)
    return answer[1:]


def parse_protocol(rest: bytes) -> Protocol:
    if len(rest) < 3:
        raise Garbage(detail="identification too short")
    return Protocol(rest[0], rest[1], rest[2], rest[3:])


def negotiate(packet_size: int, packets: int, bauds: list[int]) -> bytes:
    """Propose. ``bauds`` that the standard has no code for are left out; without any the rate stays."""
    codes = bytes(_BAUD_CODES[baud] for baud in bauds if baud in _BAUD_CODES)[:11]
    return bytes([Service.NEGOTIATE + len(codes)]) + packet_size.to_bytes(2, "big") + bytes([packets]) + codes


def parse_negotiated(rest: bytes) -> Negotiated:
    if len(rest) < 3:
        raise Garbage(detail="answer to negotiate too short")
    size, packets = int.from_bytes(rest[:2], "big"), rest[2]
    if size < 16 or packets < 1:
        raise Garbage(detail=f"the meter wants {packets} packets of {size} octets")
    return Negotiated(size, packets, BAUDS.get(rest[3]) if len(rest) > 3 else None)


def timing_setup(traffic: int, inter_character: int, response: int, retries: int) -> bytes:
    """Seconds, each 1 to 255, and retries."""
    return bytes([Service.TIMING, traffic, inter_character, response, retries])


def logon(user_id: int, user: str) -> bytes:
    name = user.encode("ascii", "replace")[:USER_BYTES].ljust(USER_BYTES, _PAD)
    return bytes([Service.LOGON]) + user_id.to_bytes(2, "big") + name


def security(password: bytes) -> bytes:
    """``password`` up to 20 octets; a shorter one is filled up with spaces, as CHAR elements are."""
    return bytes([Service.SECURITY]) + password.ljust(PASSWORD_BYTES, _PAD)


def read(table: int) -> bytes:
    return bytes([Service.READ]) + table.to_bytes(2, "big")


def read_offset(table: int, offset: int, count: int) -> bytes:
    return (
        bytes([Service.READ_OFFSET])
        + table.to_bytes(2, "big")
        + offset.to_bytes(3, "big")
        + count.to_bytes(2, "big")
    )


def read_index(table: int, indices: tuple[int, ...], count: int) -> bytes:
    """``indices``: 1 to 9 of them, from the table's element down; ``count`` elements."""
    return bytes([Service.READ + len(indices)]) + _words(table, *indices, count)


def write(table: int, data: bytes) -> bytes:
    return bytes([Service.WRITE]) + table.to_bytes(2, "big") + table_data(data)


def write_offset(table: int, offset: int, data: bytes) -> bytes:
    head = bytes([Service.WRITE_OFFSET]) + table.to_bytes(2, "big") + offset.to_bytes(3, "big")
    return head + table_data(data)


def write_index(table: int, indices: tuple[int, ...], data: bytes) -> bytes:
    return bytes([Service.WRITE + len(indices)]) + _words(table, *indices) + table_data(data)


def table_data(data: bytes) -> bytes:
    """``<count> <data> <cksum>``: the checksum is the two's complement of the sum of the data."""
    return len(data).to_bytes(2, "big") + data + bytes([-sum(data) & 0xFF])


def parse_table_data(rest: bytes) -> bytes:
    """Raises ``Garbage`` if count or checksum do not fit."""
    count = int.from_bytes(rest[:2], "big")
    if len(rest) != count + 3:
        raise Garbage(detail=f"table data of {len(rest)} octets, {count} announced")
    data = rest[2:-1]
    if (sum(data) + rest[-1]) & 0xFF:
        raise Garbage(detail="checksum of the table data is wrong")
    return data


def _words(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)
