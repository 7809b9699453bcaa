"""Numbers of C12.19 as exact decimals, never through a binary float (clause 6.3: NI_FMAT and INT formats)."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from enum import IntEnum

from drivers.errors import Garbage

EXACT = Context(prec=4000)
"""Wide enough that no sum or product of two register values is ever rounded."""
_CHAR = re.compile(r"([+-]?\d{0,21}(?:\.\d{0,21})?)(?:[eE]([+-]?\d{1,3}))?")


class NiFormat(IntEnum):
    """NI_FORMAT_ENUM: how non-integers are sent."""

    FLOAT64 = 0
    FLOAT32 = 1
    CHAR12 = 2
    CHAR6 = 3
    INT32_FOUR_DECIMALS = 4
    BCD6 = 5
    BCD4 = 6
    INT24 = 7
    INT32 = 8
    INT40 = 9
    INT48 = 10
    INT64 = 11
    BCD8 = 12
    CHAR21 = 13

    @property
    def size(self) -> int:
        return _SIZES[self]


_SIZES = {
    NiFormat.FLOAT64: 8, NiFormat.FLOAT32: 4, NiFormat.CHAR12: 12, NiFormat.CHAR6: 6,
    NiFormat.INT32_FOUR_DECIMALS: 4, NiFormat.BCD6: 6, NiFormat.BCD4: 4, NiFormat.INT24: 3, NiFormat.INT32: 4,
    NiFormat.INT40: 5, NiFormat.INT48: 6, NiFormat.INT64: 8, NiFormat.BCD8: 8, NiFormat.CHAR21: 21,
}  # fmt: skip


class IntFormat(IntEnum):
    """INT_FORMAT: how negative integers are sent."""

    TWOS_COMPLEMENT = 0
    ONES_COMPLEMENT = 1
    SIGN_MAGNITUDE = 2


def signed(raw: int, size: int, kind: IntFormat) -> int:
    """A signed integer of ``size`` octets from its bits."""
    top = 1 << (8 * size - 1)
    if raw < top:
        return raw
    if kind is IntFormat.TWOS_COMPLEMENT:
        return raw - 2 * top
    return -(2 * top - 1 - raw) if kind is IntFormat.ONES_COMPLEMENT else -(raw - top)


def non_integer(data: bytes, kind: NiFormat, *, big_endian: bool, integers: IntFormat) -> Decimal | None:
    """A value of NI_FMAT1 or NI_FMAT2; ``None`` for a float that is no number. Raises ``Garbage``."""
    if kind in (NiFormat.CHAR6, NiFormat.CHAR12, NiFormat.CHAR21):
        return _characters(data)
    if kind in (NiFormat.BCD4, NiFormat.BCD6, NiFormat.BCD8):
        return _decimal_digits(data)
    raw = int.from_bytes(data, "big" if big_endian else "little")
    if kind is NiFormat.FLOAT32:
        return _float(raw, 8, 23)
    if kind is NiFormat.FLOAT64:
        return _float(raw, 11, 52)
    value = Decimal(signed(raw, kind.size, integers))
    return value.scaleb(-4, EXACT) if kind is NiFormat.INT32_FOUR_DECIMALS else value


def _float(raw: int, exponent_bits: int, fraction_bits: int) -> Decimal | None:
    """IEEE 754 binary, taken apart: mantissa · 2ᵉ is mantissa · 5⁻ᵉ · 10ᵉ where e is negative."""
    fraction = raw & ((1 << fraction_bits) - 1)
    exponent = raw >> fraction_bits & ((1 << exponent_bits) - 1)
    negative = bool(raw >> (exponent_bits + fraction_bits))
    if exponent == (1 << exponent_bits) - 1:
        return None
    bias = (1 << (exponent_bits - 1)) - 1 + fraction_bits
    mantissa = fraction if exponent == 0 else fraction | 1 << fraction_bits
    power = (exponent or 1) - bias
    if mantissa == 0:
        return Decimal(0)
    even = (mantissa & -mantissa).bit_length() - 1
    mantissa, power = mantissa >> even, power + even
    value = Decimal(mantissa << power) if power >= 0 else EXACT.scaleb(Decimal(mantissa * 5**-power), power)
    return value.copy_negate() if negative else value


def _characters(data: bytes) -> Decimal:
    text = data.decode("latin-1").strip(" \x00")
    match = _CHAR.fullmatch(text)
    if match is None or not any(letter.isdigit() for letter in match[1]):
        raise Garbage(detail="a number in characters that is none")
    exponent = int(match[2] or "0")
    return EXACT.scaleb(Decimal(match[1]), exponent)


def _decimal_digits(data: bytes) -> Decimal:
    """BCD, first digit first; a leading nibble D is a minus."""
    digits = data.hex()
    sign = "-" if digits.startswith("d") else ""
    digits = digits[1:] if sign else digits
    if not digits.isdigit():
        raise Garbage(detail="BCD with a digit over 9")
    return Decimal(sign + digits)


def plain(value: Decimal) -> str:
    """Text without exponent and without zeros that say nothing."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
