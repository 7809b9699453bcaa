"""How to reach a meter, and who answers the session's questions."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from drivers.changes import WriteIntent, WriteOutcome


class Mode(StrEnum):
    """How to sign on. ``AUTO``: optical sign-on then HDLC; plain HDLC where nobody answers the sign-on.

    ``C``: sign-on, then the readout and programming mode of IEC 62056-21, modes A and B included. ``D``: the
    meter sends by itself when its button is pressed.

    ``C12`` (also called ``ansi``): ANSI C12.18. It is never tried by itself: its optical head is another one,
    and octets at 9600 baud say nothing to a meter that listens at 300.
    """

    AUTO = "auto"
    E = "e"
    HDLC = "hdlc"
    WRAPPER = "wrapper"
    C = "c"
    D = "d"
    C12 = "c12"

    @classmethod
    def _missing_(cls, value: object) -> Mode | None:
        return cls.C12 if value == "ansi" else None


class Auth(StrEnum):
    """Authentication mechanism of the association (Green Book: 0, 1, 2–7)."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    GMAC = "gmac"
    ECDSA = "ecdsa"


class Referencing(StrEnum):
    """Logical or short names. ``AUTO``: what the meter model says, else logical names, and short ones where
    the meter does not know that application context."""

    AUTO = "auto"
    LN = "ln"
    SN = "sn"


class Protection(StrEnum):
    """How requests are ciphered, and with which key: global or dedicated, in service-specific or general
    APDUs, or in general-ciphering with an identified or an agreed key."""

    GLO = "glo"
    DED = "ded"
    GENERAL_GLO = "general-glo"
    GENERAL_DED = "general-ded"
    IDENTIFIED = "identified"
    """Key-info: identified key, global unicast."""
    ONE_PASS = "one-pass"  # noqa: S105  # a scheme, no secret
    """Key-info: agreed key, one-pass Diffie-Hellman C(1e, 1s)."""
    STATIC = "static"
    """Key-info: agreed key, static unified model C(0e, 2s)."""

    @property
    def dedicated(self) -> bool:
        return self in (Protection.DED, Protection.GENERAL_DED)

    @property
    def agreed(self) -> bool:
        return self in (Protection.ONE_PASS, Protection.STATIC)


class Connection(msgspec.Struct, frozen=True):
    """Everything but the port. Secrets are *names*: the session asks the host for their bytes.

    ``server`` is ``LOGICAL[:PHYSICAL]``; ``system_title`` is this tablet's own, 16 hex digits;
    ``device_address`` the address in ``/?address!``; ``baud`` the rate where no sign-on chooses one;
    ``info_field`` and ``window`` what we propose for HDLC; ``reaction`` the seconds to wait for the first
    byte. ``model`` forces a meter model by name, else it is recognised. ``counter_key`` names the
    invocation counter (per meter, client and key); its default ``<block_key>/<client>`` is right where
    names of secrets are unique to the meter.

    ``suite`` is the security suite (0, 1, 2). ``sign_key`` and ``agreement_key`` name our private keys,
    ``meter_sign_key`` and ``meter_agreement_key`` the meter's public keys or certificates; ``meter_title``
    its system title in hex, where it must be known beforehand. ``signed``: requests are signed, too.
    ``general_blocks``: propose general block transfer beside the blocks of each service.

    With ``C12`` only ``client`` (the user id), ``password``, ``baud`` (above 9600: asked for at negotiation)
    and ``model`` count.
    """

    mode: Mode = Mode.AUTO
    client: int = 16
    server: str = "1"
    auth: Auth = Auth.NONE
    system_title: str = ""
    password: str | None = None
    block_key: str | None = None
    auth_key: str | None = None
    baud: int = 9600
    info_field: int = 2030
    window: int = 7
    device_address: str = ""
    reaction: float = 2.0
    model: str | None = None
    counter_key: str | None = None
    referencing: Referencing = Referencing.AUTO
    suite: int = 0
    protection: Protection = Protection.GLO
    signed: bool = False
    sign_key: str | None = None
    agreement_key: str | None = None
    meter_sign_key: str | None = None
    meter_agreement_key: str | None = None
    meter_title: str = ""
    general_blocks: bool = False


class SecretState(StrEnum):
    """Of a secret that a program changes, as the application knows it.

    ``NONE``: nothing new was given. ``WAITING``: a new one is kept durably and was never sent. ``SENT``:
    it was sent, and nobody knows yet whether the meter took it: both count. ``CHANGED``: the present one
    is the new one already.
    """

    NONE = "none"
    WAITING = "waiting"
    SENT = "sent"
    CHANGED = "changed"


class NextSecret(msgspec.Struct, frozen=True):
    """``value`` only where one waits or was sent."""

    state: SecretState
    value: bytes | None = None


class SessionHost(Protocol):
    """The parent of a session: journal, counters and key store. Called in the thread that runs the
    session's method."""

    def on_progress(self, step: str, done: int, total: int, seconds_left: float | None) -> None:
        """Show progress. ``step`` is a stable word: ``sign_on``, ``associate``, ``read``, ``profile``,
        ``plan``, ``apply``."""

    def record_intent(self, intent: WriteIntent) -> None:
        """Journal an intent; return only when durable. Raise to forbid the write."""

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """Journal what became of an intent."""

    def reserve_counter(self, key: str, at_least: int, count: int) -> int:
        """Reserve ``count`` invocation counter values ≥ ``at_least`` durably and return the first; never
        twice the same.

        ``key`` is ``Connection.counter_key`` or its default.
        """
        ...

    def secret(self, name: str) -> bytes | None:
        """The bytes of a password or key, or ``None``."""
        ...

    def next_secret(self, name: str, make: int | None) -> NextSecret:
        """The secret that is to follow ``name``, kept durably before this returns.

        ``make``: where none waits, draw one of so many bytes and keep it; ``None``: only say what there
        is. An intent whose ``secret`` is ``name`` makes it *sent*; the outcome *verified* makes it the
        present one, *untouched* and *failed* make it wait again.
        """
        ...
