"""Technical values that a crew types or scans: each check by its name in a procedure file.

The normal form is what is compared and kept. Sources: ITU-T E.118 (ICCID), 3GPP TS 23.003 (IMEI, APN), IEEE
EUI-48 and EUI-64, RFC 791 and 4291, RFC 1123 (host names), STS 101-1 and IEC 62055-41 (prepayment).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal

from stdnum import imei, luhn


class ValueMistake(ValueError):
    """The text is no such value. `reason` is stable: length, form, check_digit, reserved."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalise(check: str | None, text: str) -> str:
    """The normal form of `text` under the named check; without one, the text without spaces around it.

    Raises:
        ValueMistake: the text is no such value.
    """
    return CHECKS[check](text) if check is not None else text.strip()


def _plain(text: str) -> str:
    return re.sub(r"[\s.\-]", "", text).upper()


def _digits(text: str, lengths: tuple[int, ...]) -> str:
    plain = _plain(text)
    if not re.fullmatch(r"[0-9]+", plain):
        raise ValueMistake("form")
    if len(plain) not in lengths:
        raise ValueMistake("length")
    return plain


# --- communication ------------------------------------------------------------------------------


def _eui(octets: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        plain = re.sub(r"[\s.:\-]", "", text).upper()
        if len(plain) != 2 * octets:
            raise ValueMistake("length")
        if not re.fullmatch(r"[0-9A-F]+", plain):
            raise ValueMistake("form")
        if set(plain) in ({"0"}, {"F"}) or int(plain[:2], 16) & 1:
            raise ValueMistake("reserved")  # all zeros, all ones, a group: never one device's own address
        return plain

    return check


def _iccid(text: str) -> str:
    """18 digits carry no check digit, 19 and 20 do; some cards pad the twentieth place with F."""
    plain = _digits(_plain(text).removesuffix("F"), (18, 19, 20))
    if not plain.startswith("89"):
        raise ValueMistake("form")
    if len(plain) > 18 and not luhn.is_valid(plain) and not (len(plain) == 20 and luhn.is_valid(plain[:19])):
        raise ValueMistake("check_digit")
    return plain


def _imei(text: str) -> str:
    plain = _digits(text, (15,))
    if not imei.is_valid(plain):
        raise ValueMistake("check_digit")
    return plain


def _ip(text: str) -> str:
    """An address of one device: not of a network, a group, this machine or nobody."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        raise ValueMistake("form") from None
    if address.is_unspecified or address.is_multicast or address.is_loopback or address.is_reserved:
        raise ValueMistake("reserved")
    return str(address)


def _apn(text: str) -> str:
    """Labels of letters, digits and hyphens with dots between, at most 100 characters."""
    plain = text.strip().lower()
    if len(plain) > 100:
        raise ValueMistake("length")
    label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    if not re.fullmatch(rf"{label}(?:\.{label})*", plain):
        raise ValueMistake("form")
    return plain


def _host(text: str) -> str:
    """An address or a name, with or without a port."""
    name, colon, port = text.strip().rpartition(":") if text.count(":") == 1 else (text.strip(), "", "")
    if colon and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueMistake("form")
    try:
        name = _ip(name)
    except ValueMistake as mistake:
        if mistake.reason == "reserved" or re.fullmatch(r"[0-9.]+", name):
            raise
        name = _apn(name)
    return f"{name}:{int(port)}" if colon else name


# --- transformers -------------------------------------------------------------------------------


def _ratio(text: str) -> str:
    """Primary over secondary as plain numbers: `200/5`, `22000/110`; the secondary is the smaller one."""
    found = re.fullmatch(r"\s*([0-9]+(?:[.,][0-9]+)?)\s*[/:]\s*([0-9]+(?:[.,][0-9]+)?)\s*", text)
    if found is None:
        raise ValueMistake("form")
    primary, secondary = (Decimal(part.replace(",", ".")) for part in found.groups())
    if secondary == 0 or primary < secondary:
        raise ValueMistake("form")
    return "/".join(_number(value) for value in (primary, secondary))


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


# --- prepayment ---------------------------------------------------------------------------------

_ISSUERS = ("600727", "0000")
"""Issuer numbers of STS meters: before an 11-digit number, before a 13-digit one."""


def _sts_meter(text: str) -> str:
    """The number on the meter: 11 or 13 digits, the last one by Luhn; or the whole 18-digit number."""
    plain = _digits(text, (11, 13, 18))
    if len(plain) == 18:
        if not luhn.is_valid(plain):
            raise ValueMistake("check_digit")
        issuer = next((one for one in _ISSUERS if plain.startswith(one)), None)
        if issuer is None:
            raise ValueMistake("form")
        plain = plain[len(issuer) : -1]
    if set(plain) == {"0"}:
        raise ValueMistake("reserved")
    if not luhn.is_valid(plain):
        raise ValueMistake("check_digit")
    return plain


def _supply_group(text: str) -> str:
    return _digits(text, (6,))


def _key_revision(text: str) -> str:
    plain = _digits(text, (1,))
    if plain == "0":
        raise ValueMistake("reserved")
    return plain


def _tariff_index(text: str) -> str:
    return _digits(text, (1, 2)).zfill(2)


_CLASS_BITS = 27
"""The two bits of the class change places with bits 28 and 27 of the 64-bit token (IEC 62055-41, 6.4)."""
_MANAGEMENT = 1
"""Tokens that hold for any meter: not encrypted, so their check sum can be looked at."""


def _token(text: str) -> str:
    """20 digits; of a token for any meter (as the test tokens are) the CRC-16 must be right too."""
    plain = _digits(text, (20,))
    number = int(plain)
    if number >> 66:
        raise ValueMistake("form")
    if number >> _CLASS_BITS & 3 == _MANAGEMENT:
        moved = number & ~(3 << _CLASS_BITS) & (1 << 64) - 1 | (number >> 64) << _CLASS_BITS
        data, crc = (_MANAGEMENT << 64 | moved) >> 16, moved & 0xFFFF
        if _crc16(data.to_bytes(7, "big")) != crc:
            raise ValueMistake("check_digit")
    return plain


def _crc16(data: bytes) -> int:
    """CRC-16 with x^16 + x^15 + x^2 + 1 from 0xFFFF, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return (crc & 0xFF) << 8 | crc >> 8


CHECKS: dict[str, Callable[[str], str]] = {
    "iccid": _iccid,
    "imei": _imei,
    "eui48": _eui(6),
    "eui64": _eui(8),
    "ip": _ip,
    "apn": _apn,
    "host": _host,
    "ratio": _ratio,
    "sts_meter": _sts_meter,
    "sts_supply_group": _supply_group,
    "sts_key_revision": _key_revision,
    "sts_tariff_index": _tariff_index,
    "sts_token": _token,
}
"""Name in a procedure file → check; the answer is the normal form."""
