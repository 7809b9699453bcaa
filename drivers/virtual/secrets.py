"""Secrets of one virtual meter, derived from its serial.

Published on purpose: whoever makes demo data (the office's import file) derives the same keys that the meter
holds. They are training secrets and protect nothing; a real meter's keys come from the utility.
"""

from __future__ import annotations

import hashlib
import hmac

_TRAINING_SEED = b"fieldtool virtual field, training keys only"


def _derive(serial: str, purpose: str, size: int) -> bytes:
    return hmac.new(_TRAINING_SEED, f"{purpose}:{serial}".encode(), hashlib.sha256).digest()[:size]


def derive(serial: str) -> dict[str, str]:
    """The secrets of the meter `serial`.

    ``password`` is text (8 decimal digits, client *reader*, low level security); ``block_key`` (GUEK),
    ``auth_key`` (GAK) and ``master_key`` (KEK) are 16 octets in upper-case hex (client *management*).
    """
    digits = int.from_bytes(_derive(serial, "password", 8), "big") % 100_000_000
    return {
        "password": f"{digits:08d}",
        "block_key": _derive(serial, "block", 16).hex().upper(),
        "auth_key": _derive(serial, "auth", 16).hex().upper(),
        "master_key": _derive(serial, "master", 16).hex().upper(),
    }


def system_title(flag: str, serial: str) -> bytes:
    """System title of 8 octets: the FLAG letters and the serial's digits as a number of 40 bits (IEC
    62056-5-3).
    """
    digits = "".join(ch for ch in serial if ch.isdigit()) or "0"
    return flag.encode("ascii") + (int(digits) % 2**40).to_bytes(5, "big")
