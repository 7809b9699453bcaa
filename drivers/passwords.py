"""How a type of meter's passwords are made where nobody gives them: rules of a meter model file, pure.

Three kinds are known, and no other will be guessed: the maker's fixed one, the last digits of the serial,
and one derived from a seed by HMAC-SHA-256. None of them is a secret of one meter alone: whoever knows the
rule (or the seed) enters every meter of the type. They let a crew in where the maker delivers meters so, and
a program should change them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import StrEnum

import msgspec

NAMES = frozenset({"password", "hls_password"})
"""Secrets that may be made by rule: keys never are."""
SEED = "password_seed"
"""The secret from which passwords are derived, as the office seals it."""
SEED_BYTES = 16
"""A seed is at least so long."""
_LONGEST = {"digits": 16, "hex": 64, "octets": 32}


class Algorithm(StrEnum):
    """How a password comes about."""

    FIXED = "fixed"
    SERIAL_TAIL = "serial-tail"
    HMAC_SHA256 = "hmac-sha256"


class Form(StrEnum):
    """How a derived password is spelt."""

    DIGITS = "digits"
    HEX = "hex"
    OCTETS = "octets"


class PasswordRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``fixed``: ``value``, as ASCII. ``serial-tail``: the last ``length`` digits of the serial, zeros before
    them where it has fewer. ``hmac-sha256``: HMAC-SHA-256 with the seed over the serial in ASCII, without
    blanks; ``digits``: the whole as a number modulo ten to the ``length`` (up to 16), ``hex``: its first
    ``length`` digits in capitals (up to 64), ``octets``: its first octets (up to 32)."""

    algorithm: Algorithm
    value: str | None = None
    length: int = 8
    form: Form = Form.DIGITS

    def fault(self) -> str | None:
        """What is wrong with the rule, in English; None where nothing is."""
        if self.algorithm is Algorithm.FIXED:
            right = self.value and self.value.isascii() and len(self.value) <= _LONGEST["hex"]
            return None if right else "a fixed password has 1 to 64 ASCII characters as its value"
        if self.value is not None:
            return "only a fixed password has a value"
        form = Form.DIGITS if self.algorithm is Algorithm.SERIAL_TAIL else self.form
        longest = _LONGEST[form.value]
        if not 4 <= self.length <= longest:
            return f"a password of {form.value} has a length of 4 to {longest}"
        return None

    def make(self, serial: str, seed: bytes | None) -> bytes | None:
        """The password of a meter; None where its serial has no digits, or the seed is missing or short."""
        name = re.sub(r"\s", "", serial)
        if self.algorithm is Algorithm.FIXED:
            return (self.value or "").encode("ascii")
        if not name.isascii() or not re.search(r"\d", name):
            return None
        if self.algorithm is Algorithm.SERIAL_TAIL:
            return "".join(re.findall(r"\d", name))[-self.length :].rjust(self.length, "0").encode("ascii")
        if seed is None or len(seed) < SEED_BYTES:
            return None
        digest = hmac.new(seed, name.encode("ascii"), hashlib.sha256)
        if self.form is Form.OCTETS:
            return digest.digest()[: self.length]
        if self.form is Form.HEX:
            return digest.hexdigest().upper()[: self.length].encode("ascii")
        number = int(digest.hexdigest(), 16) % 10**self.length
        return str(number).rjust(self.length, "0").encode("ascii")
