"""What payloads are made of: sealed text, enumerations of the trade, values. Text is never a number.

An enumeration's new value needs a new schema number of each kind that carries it (see `kinds.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A text under the key of its order (AES-256-GCM); what the hashes cover is the ciphertext.

    Attributes:
        key_id: names the key, which an erasure destroys everywhere.
        nonce: 12 bytes, base64.
        ciphertext: with tag, base64. Associated data: `workorders.journal.sealing`.
    """

    key_id: str
    nonce: str
    ciphertext: str


Said: TypeAlias = Sealed | str
"""Why, in somebody's own words, which may be about a person: sealed (`workorders.journal.said`).

Plain text only in entries of a first schema, from before it was sealed.
"""


class DeviceRole(StrEnum):
    """Which device of an exchange is meant."""

    OLD = "old"
    NEW = "new"
    OTHER = "other"


class JoinState(StrEnum):
    """Whether the network has heard from a device."""

    JOINED = "joined"
    PENDING = "pending"
    FAILED = "failed"
    ORPHAN = "orphan"


PLACE_RULES = {
    "capacity_full": "capacity_overridden",
    "too_far": "distance_overridden",
    "serial_elsewhere": "elsewhere_overridden",
    "identity_mismatch": "identity_overridden",
}
"""Rules of a place that an override may pass, and the kind of case that each is then."""


class OrderStatus(StrEnum):
    """Status of a work order, IEC 61968-6 WorkStatusKind with what field crews add."""

    SCHEDULED = "scheduled"
    DISPATCHED = "dispatched"
    ENROUTE = "enroute"
    ON_SITE = "onSite"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    NOT_DONE = "notDone"


class TaskKind(StrEnum):
    """What is to be done."""

    INSTALL = "install"
    EXCHANGE = "exchange"
    REMOVE = "remove"
    INVESTIGATE = "investigate"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    RECONNECT = "reconnect"
    INSPECT = "inspect"
    INSTALL_CONCENTRATOR = "installConcentrator"
    INSTALL_PANEL = "installPanel"
    INSTALL_TOTALIZER = "installTotalizer"


class HeadReference(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a chain: its last entry."""

    chain_id: str
    seq: int
    hash: str


class ReadingValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reading as text: `item` is CLASS:OBIS:ATTR, a mode C code, or `dial:<register>` when typed."""

    item: str
    value: str | None = None
    unit: str | None = None
    name: str | None = None
    time: str | None = None
    status: str | None = None


class WiringFault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with how a meter is wired, at phases 1…3; `certainty`: certain, likely, hint."""

    fault: str
    phases: list[int]
    certainty: str


class WiringPhase(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Angles of one phase in whole degrees behind U(L1); `lag`: of the current behind its own voltage."""

    phase: int
    voltage_angle: int | None = None
    current_angle: int | None = None
    lag: int | None = None
    loaded: bool = False


class WiringJudged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the meter itself says of its wiring. `rotation`: direct, reverse, unknown; `polarity`: right,
    wrong, unknown; with `…_why` where it is unknown. `power` in W as whole numbers: now, and with the
    currents put right."""

    rotation: str
    polarity: str
    rotation_why: str | None = None
    polarity_why: str | None = None
    findings: list[WiringFault] = []
    phases: list[WiringPhase] = []
    power: str | None = None
    power_right: str | None = None


class MatchSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the four sources and what it names."""

    source: str
    serial: str | None
    note: str | None = None


class PlaceOverride(msgspec.Struct, frozen=True, kw_only=True):
    """A full or too distant collector was passed by a person who may; fields as in `MatchOverridden`.

    What is signed about: `workorders.people.place_subject`.
    """

    reason: Said
    role: str
    person: str
    public_key: str
    grant: str
    signature: str


class StockMovement(StrEnum):
    """How a device of the stock changed hands."""

    RECEIVED = "received"
    HANDED_OUT = "handed_out"
    TRANSFERRED = "transferred"
    RETURNED = "returned"
    CORRECTED = "corrected"
    """It lies elsewhere than the record said."""
    WRITTEN_OFF = "written_off"
    """It was looked for and lies nowhere."""


OFFICE_MOVEMENTS = frozenset({StockMovement.CORRECTED, StockMovement.WRITTEN_OFF})
"""What only the office may say, with a reason."""


def stock_scope(serial: str) -> str:
    """Under which name the key lies for what is said of a device of the stock."""
    return f"stock:{serial}"
