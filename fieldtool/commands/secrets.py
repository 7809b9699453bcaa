"""Secrets on a command line: `env:NAME`, `file:PATH`, `vault:NAME`; a literal works, with a warning.

A literal stands in the process list and in the shell's history: anybody on the machine can read it there.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from fieldtool.errors import JobError

VAULT_SERVICE = "fieldtool vault"
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def resolve(given: str | None, option: str) -> str | None:
    """The secret that an option names; None where the option was not given.

    Raises:
        JobError: `no_secret`: the variable, file or vault entry is not there or is empty.
    """
    if given is None:
        return None
    kind, _, name = given.partition(":")
    if kind == "env" and name:
        return _present(os.environ.get(name), option, f"the variable {name} is not set")
    if kind == "file" and name:
        return _present(_from_file(Path(name)), option, f"{name} cannot be read or is empty")
    if kind == "vault" and name:
        return _present(_from_vault(name), option, f"the vault has no entry {name!r}")
    sys.stderr.write(
        f"fieldtool: warning: {option} was given in clear, where everybody on this machine can read it; "
        "use env:NAME, file:PATH or vault:NAME\n"
    )
    return given


def forget_variables(*given: str | None) -> None:
    """Take the variables of `env:NAME` out of our environment: programs that we start would inherit them."""
    for text in given:
        kind, _, name = (text or "").partition(":")
        if kind == "env":
            os.environ.pop(name, None)


def key_bytes(text: str | None, option: str) -> bytes | None:
    """A key of 16 or 32 bytes from hex digits.

    Raises:
        JobError: `bad_key`; the text is not repeated.
    """
    if text is None:
        return None
    plain = re.sub(r"[\s:]", "", text)
    if not _HEX.fullmatch(plain) or len(plain) not in (32, 64):
        raise JobError("bad_key", f"{option}: a key is 32 or 64 hex digits", option=option)
    return bytes.fromhex(plain)


def key_pair_bytes(text: str | None, option: str) -> bytes | None:
    """A private or public key, or a certificate, of an elliptic curve: PEM as it is, else hex digits.

    Raises:
        JobError: `bad_key`; the text is not repeated.
    """
    if text is None:
        return None
    if text.lstrip().startswith("-----BEGIN"):
        return text.encode("ascii", "replace")
    plain = re.sub(r"[\s:]", "", text)
    if not _HEX.fullmatch(plain):
        raise JobError("bad_key", f"{option}: a key pair's key is hex digits or PEM", option=option)
    return bytes.fromhex(plain)


def password_bytes(text: str | None) -> bytes | None:
    """A password as the meter wants it: text as ASCII, `0x…` as bytes."""
    if text is None:
        return None
    if text.startswith("0x") and _HEX.fullmatch(text[2:]):
        return bytes.fromhex(text[2:])
    return text.encode("utf-8")


def _present(value: str | None, option: str, why: str) -> str:
    if not value:
        raise JobError("no_secret", f"{option}: {why}", option=option)
    return value


def _from_file(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None


def _from_vault(name: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        found: str | None = keyring.get_password(VAULT_SERVICE, name)
    except KeyringError:
        raise JobError("no_keyring", "this machine has no keyring, hence no vault") from None
    return found
