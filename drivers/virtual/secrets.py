"""Secrets of one virtual meter, derived from its serial.

Published on purpose: whoever makes demo data (the office's import file) derives the same keys that the meter
holds. They are training secrets and protect nothing; a real meter's keys come from the utility.
"""

from __future__ import annotations

import hashlib
import hmac

from drivers.elliptic import Suite, private_key, raw_public

_TRAINING_SEED = b"fieldtool virtual field, training keys only"


def _derive(serial: str, purpose: str, size: int) -> bytes:
    return hmac.new(_TRAINING_SEED, f"{purpose}:{serial}".encode(), hashlib.sha256).digest()[:size]


def derive(serial: str, suite: int = 0) -> dict[str, str]:
    """The secrets of the meter `serial`.

    ``password`` is text (8 decimal digits, client *reader*, low level security), ``hls_secret`` text (16
    characters, high level security with MD5 and SHA); ``block_key`` (GUEK), ``auth_key`` (GAK) and
    ``master_key`` (KEK) are 16 octets (suite 2: 32) in upper-case hex (client *management*).

    Suites 1 and 2 also have ``sign_key`` and ``agreement_key`` (the client's private keys),
    ``meter_sign_key`` and ``meter_agreement_key`` (the meter's public ones, x and y), and the private ones of
    those, ``meter_sign_private`` and ``meter_agreement_private``, which no client needs.
    """
    digits = int.from_bytes(_derive(serial, "password", 8), "big") % 100_000_000
    size = Suite(suite).key_bytes
    found = {
        "password": f"{digits:08d}",
        "hls_secret": _derive(serial, "hls", 8).hex(),
        "block_key": _derive(serial, "block", size).hex().upper(),
        "auth_key": _derive(serial, "auth", size).hex().upper(),
        "master_key": _derive(serial, "master", size).hex().upper(),
    }
    return found | _pairs(serial, Suite(suite)) if suite else found


def _pairs(serial: str, suite: Suite) -> dict[str, str]:
    size = suite.coordinate_bytes
    private = {
        name: _number(serial, f"{name} {suite.value}", size)
        for name in ("sign_key", "agreement_key", "meter_sign_private", "meter_agreement_private")
    }
    public = {
        "meter_sign_key": _public(private["meter_sign_private"], suite),
        "meter_agreement_key": _public(private["meter_agreement_private"], suite),
    }
    return {name: key.hex().upper() for name, key in (private | public).items()}


def _public(private: bytes, suite: Suite) -> bytes:
    return raw_public(private_key(private, suite).public_key())


def _number(serial: str, purpose: str, size: int) -> bytes:
    """A private key: below the order of its curve, whose upper bits are all ones."""
    raw = _derive(serial, purpose, 32) + _derive(serial, purpose + " more", 32)
    return bytes([raw[0] & 0x7F]) + raw[1:size]


def programmer_password(serial: str) -> str:
    """The second password of an ANSI meter, which may set its clock: 8 decimal digits."""
    return f"{int.from_bytes(_derive(serial, 'programmer', 8), 'big') % 100_000_000:08d}"


def system_title(flag: str, serial: str) -> bytes:
    """System title of 8 octets: the FLAG letters and the serial's digits as a number of 40 bits (IEC
    62056-5-3).
    """
    digits = "".join(ch for ch in serial if ch.isdigit()) or "0"
    return flag.encode("ascii") + (int(digits) % 2**40).to_bytes(5, "big")
