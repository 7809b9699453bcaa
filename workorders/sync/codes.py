"""One-time codes: how a tablet and a gateway that have never met prove themselves to each other.

A code is 24 characters of Crockford's base32: 4 name it, 20 (100 bits) are the secret. The secret never
travels: the tablet sends an HMAC of what it asks for, the gateway answers with an HMAC of what it grants.
Whoever sits between them can neither enrol in the tablet's place nor pass off another root as the right one.

The QR beside the typed form also carries the address and the root's fingerprint:
`fieldtool:enrol?url=…&code=…&root=…`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans("OIL", "011")
_ID_CHARACTERS = 4
_SECRET_CHARACTERS = 20
CODE_HOURS = 24

ASKS = b"asks"
GRANTS = b"grants"


class CodeError(ValueError):
    """Not a code: `code` is `malformed_code`; the message says what is wrong with it."""

    code = "malformed_code"


class OneTimeCode(msgspec.Struct, frozen=True):
    """A code, split: `id` may be stored and sent, `secret` may not."""

    id: str
    secret: str

    def __str__(self) -> str:
        text = self.id + self.secret
        return "-".join(text[at : at + 4] for at in range(0, len(text), 4))

    def key(self, purpose: str) -> bytes:
        """The HMAC key for one purpose (`enrol`, `recover`); all that the gateway keeps."""
        info = f"fieldtool/code/1/{purpose}".encode()
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=self.id.encode(), info=info).derive(
            self.secret.encode()
        )


class EnrolTicket(msgspec.Struct, frozen=True, kw_only=True):
    """What the QR says. `root`: SHA-256 of the gateway's root certificate, hex; None if typed by hand."""

    url: str
    code: OneTimeCode
    root: str | None = None

    def qr_text(self) -> str:
        """The text of the QR."""
        root = f"&root={self.root}" if self.root else ""
        return f"fieldtool:enrol?url={quote(self.url, safe='')}&code={self.code}{root}"


def new_code() -> OneTimeCode:
    """A fresh code of 100 secret bits."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARACTERS + _SECRET_CHARACTERS))
    return OneTimeCode(text[:_ID_CHARACTERS], text[_ID_CHARACTERS:])


def parse_code(text: str) -> OneTimeCode:
    """Read a code as a person types it: any case, with or without hyphens; O, I and L read as 0 and 1.

    Raises:
        CodeError: another length or character.
    """
    plain = "".join(text.split()).replace("-", "").upper().translate(_LOOKALIKES)
    if len(plain) != _ID_CHARACTERS + _SECRET_CHARACTERS:
        raise CodeError(f"a code has {_ID_CHARACTERS + _SECRET_CHARACTERS} characters, this one {len(plain)}")
    wrong = next((character for character in plain if character not in _ALPHABET), None)
    if wrong is not None:
        raise CodeError(f"{wrong!r} does not occur in a code")
    return OneTimeCode(plain[:_ID_CHARACTERS], plain[_ID_CHARACTERS:])


def parse_ticket(text: str) -> EnrolTicket:
    """Read the text of an enrolment QR.

    Raises:
        CodeError: another QR, or one that lacks a part.
    """
    parts = urlsplit(text.strip())
    if parts.scheme != "fieldtool" or parts.path != "enrol":
        raise CodeError("this QR is not an enrolment code of fieldtool")
    fields = {name: values[0] for name, values in parse_qs(parts.query).items()}
    try:
        return EnrolTicket(url=fields["url"], code=parse_code(fields["code"]), root=fields.get("root"))
    except KeyError as missing:
        raise CodeError(f"the enrolment QR lacks its {missing}") from None


def ticket_of(url: str, text: str) -> EnrolTicket:
    """The ticket that a person gave: the text of the QR, or an address and the typed code.

    Raises:
        CodeError: as `parse_ticket` and `parse_code`.
    """
    if text.strip().startswith("fieldtool:"):
        return parse_ticket(text)
    return EnrolTicket(url=url, code=parse_code(text))


def proof(key: bytes, direction: bytes, statement: str) -> str:
    """HMAC-SHA-256 of a statement in one direction (`ASKS`, `GRANTS`), base64."""
    mac = hmac.new(key, direction + b"\x00" + statement.encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode("ascii")


def proves(key: bytes, direction: bytes, statement: str, claimed: str) -> bool:
    """Whether `claimed` is the proof of `statement`, in constant time."""
    return hmac.compare_digest(proof(key, direction, statement).encode(), claimed.encode())
