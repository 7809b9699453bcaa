"""Serial numbers and network identities as makers and utilities write them."""

from __future__ import annotations

from random import Random

ELECTROMECHANICAL = "em-1ph"
"""An old meter without an optical port: its dial is read by eye."""


def luhn(digits: str) -> str:
    """The digits with their Luhn check digit, as on STS prepayment meters, IMEI and ICCID."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def serial(model: str, number: int) -> str:
    """Serial on the label of a meter of this model."""
    if model == "prime-1ph":
        return f"ZIV{number:010d}"
    if model == "idis-3ph-ct":
        return f"1LGZ00{number:08d}"
    if model == "plc-prepay-1ph":
        return luhn(f"37{number:08d}")
    return f"{number:08d}"


def mac_of(number: int) -> str:
    """EUI-48 of a ZIV meter: the maker's prefix, then the serial's last 24 bits."""
    return "404022" + f"{number % 2**24:06X}"


def eui48(dice: Random, prefix: str) -> str:
    """An EUI-48 under a prefix of three bytes."""
    return prefix + f"{dice.randrange(1, 2**24 - 1):06X}"


def imei(dice: Random) -> str:
    """An IMEI with its check digit."""
    return luhn(f"35693803{dice.randrange(10**6):06d}")


def iccid(dice: Random, country: str) -> str:
    """An ICCID of 19 digits with its check digit."""
    return luhn(f"89{country}{dice.randrange(10 ** (16 - len(country))):0{16 - len(country)}d}")


def cups(distributor: int, number: int) -> str:
    """A Spanish supply code (CUPS) with its check letters: number modulo 529, quotient and rest by 23."""
    digits = f"{distributor:04d}{number:012d}"
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    high, low = divmod(int(digits) % 529, 23)
    return f"ES{digits}{letters[high]}{letters[low]}"


def nif(number: int) -> str:
    """A Spanish identity number with its check letter."""
    return f"{number:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
