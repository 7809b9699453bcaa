"""Checks of numbers that stand on labels, each by its name in a rules file; the answer is the normal form.

Sources: DIN 43863-5 / DIN 43849, PRIME and STG-DC meter ids, IEEE EUI-48 and EUI-64, 3GPP TS 23.003 (IMEI),
ITU-T E.118 (ICCID), GSMA SGP.02 (EID), GS1 General Specifications, LoRa Alliance TR005, CUPS (Spain).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stdnum import ean, imei, luhn
from stdnum.es import cups
from stdnum.exceptions import ValidationError


class CheckFailed(ValueError):
    """The text is not a number of that kind. `reason` is stable: length, form, check_digit, reserved."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalise(check: str, text: str) -> str:
    """The normal form of `text` under the named check. Raises CheckFailed; KeyError for an unknown name.

    No number has letters or digits beyond ASCII; some of those become ASCII as capitals, or count as digits.
    """
    known = CHECKS[check]
    if not text.isascii():
        raise CheckFailed("form")
    return known(text)


def _plain(text: str) -> str:
    return re.sub(r"[\s.\-]", "", text).upper()


def _din_43863_5(text: str) -> str:
    """14 characters: sector 1, maker's FLAG letters 3, block 2 (hexadecimal), serial 8."""
    plain = _plain(text)
    if len(plain) != 14:
        raise CheckFailed("length")
    if not re.fullmatch(r"[0-9A-F][A-Z]{3}[0-9A-F]{2}[0-9]{8}", plain):
        raise CheckFailed("form")
    return plain


def _prime(text: str) -> str:
    """PRIME and STG-DC: maker's FLAG letters and ten digits."""
    plain = _plain(text)
    if len(plain) != 13:
        raise CheckFailed("length")
    if not re.fullmatch(r"[A-Z]{3}[0-9]{10}", plain):
        raise CheckFailed("form")
    return plain


def _eui(octets: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        plain = re.sub(r"[\s.:\-]", "", text).upper()
        if len(plain) != 2 * octets:
            raise CheckFailed("length")
        if not re.fullmatch(r"[0-9A-F]+", plain):
            raise CheckFailed("form")
        if set(plain) in ({"0"}, {"F"}) or int(plain[:2], 16) & 1:
            raise CheckFailed("reserved")  # all zeros, all ones, multicast: never one device's own address
        return plain

    return check


def _imei(text: str) -> str:
    plain = _plain(text)
    if len(plain) != 15:
        raise CheckFailed("length")
    return _digits(plain, imei.validate)


def _luhn(text: str) -> str:
    return _digits(_plain(text), luhn.validate)


def _iccid(text: str) -> str:
    """18 digits carry no check digit, 19 and 20 do; some cards pad the twentieth place with F."""
    plain = _plain(text).removesuffix("F")
    if len(plain) not in (18, 19, 20):
        raise CheckFailed("length")
    if not plain.isdigit() or not plain.startswith("89"):
        raise CheckFailed("form")
    if len(plain) == 18 or luhn.is_valid(plain) or (len(plain) == 20 and luhn.is_valid(plain[:19])):
        return plain
    raise CheckFailed("check_digit")


def _eid(text: str) -> str:
    """eSIM: 32 digits, ISO 7064 MOD 97-10 over the whole is 1."""
    plain = _plain(text)
    if len(plain) != 32:
        raise CheckFailed("length")
    if not plain.isdigit():
        raise CheckFailed("form")
    if int(plain) % 97 != 1:
        raise CheckFailed("check_digit")
    return plain


def _gtin(text: str) -> str:
    plain = _plain(text)
    if len(plain) not in (8, 12, 13, 14):
        raise CheckFailed("length")
    return _digits(plain, ean.validate)


def _cups(text: str) -> str:
    return _digits(_plain(text), cups.validate)


def _digits(plain: str, validate: Callable[[str], str]) -> str:
    try:
        return str(validate(plain))
    except ValidationError as error:
        kind = type(error).__name__
        reasons = {"InvalidLength": "length", "InvalidChecksum": "check_digit"}
        raise CheckFailed(reasons.get(kind, "form")) from None


#: name in a rules file → check
CHECKS: dict[str, Callable[[str], str]] = {
    "din43863-5": _din_43863_5,
    "prime": _prime,
    "eui48": _eui(6),
    "eui64": _eui(8),
    "imei": _imei,
    "iccid": _iccid,
    "eid": _eid,
    "gtin": _gtin,
    "luhn": _luhn,
    "cups": _cups,
}
