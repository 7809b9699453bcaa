"""What lies on the bench for the current step: results of meters and network that are not accepted yet.

Work on a device comes first and is shown; only accepting the step makes it a fact. What is lost with a
tablet that dies here is done again, except writes to a meter, which are journalled before they are sent, and
photos: what they show may be gone by then, so the bench finds them again (`fieldtool.run.book`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from fieldtool.balancing import PowerBoard
from fieldtool.identity import MatchResult
from fieldtool.leaving import Risk
from fieldtool.procedure.state import Found
from fieldtool.procedure.views import ChangeRow
from workorders.journal.kinds import BlobTaken, DevicePlaced
from workorders.journal.words import JoinState, Sealed
from workorders.people import Role


class PanelSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a photo of the panel shows, held against the orders of its meters: how many they expect and how
    many of them hang right; serials `missing` (seen in no slot) and `foreign`; slots `unread` (to be looked
    at again) and `wrong` (ours in another slot, or twice)."""

    expected: int
    right: int
    missing: list[str] = []
    foreign: list[str] = []
    unread: list[int] = []
    wrong: list[int] = []


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """How full a collector or panel is with the device to be placed: `fine`, `warn` or `full`."""

    level: str
    used: int
    capacity: int | None


class PlaceFound(msgspec.Struct, frozen=True, kw_only=True):
    """The chosen place, judged: resolved fields, how full it is, and what speaks against it.

    Attributes:
        missing: what the technology needs and nobody gave.
        unknown: fields that name no place there is.
        taken_by: serial in the chosen slot.
        elsewhere: where the device is said to stand already.
        too_far_m: metres beyond the reach.
        identities: what identifies the device in its network; `bad_identities` are names that fail.
        mismatched: of these, what the sources say where each is well formed and they contradict each other.
    """

    concentrator: str | None
    panel: str | None
    slot: int | None
    transformer: str | None
    phase: str | None
    identities: dict[str, str]
    capacity: Level | None = None
    missing: list[str] = []
    unknown: list[str] = []
    taken_by: str | None = None
    elsewhere: str | None = None
    too_far_m: int | None = None
    bad_identities: list[str] = []
    mismatched: Mapping[str, str] = {}


class PlanFound(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of the order's program against the meter, with the state of each change."""

    program: str
    serial: str
    changes: list[ChangeRow]
    complete: bool


class JoinFound(msgspec.Struct, frozen=True, kw_only=True):
    """What the network said."""

    state: JoinState
    how: str
    reason: str | None = None
    recheck_at: str | None = None
    evidence: dict[str, str] = {}
    heard: str | None = None


class SignedOverride(msgspec.Struct, frozen=True, kw_only=True):
    """An override after its PIN opened the person's key: who, in which role, and the signature over the
    message. `reason`: sealed under the order's key; the signature covers it so."""

    person: str
    role: Role
    reason: Sealed
    public_key: str
    grant: str
    signature: str


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is not accepted yet. `stood`: where the device that was taken down stood, for the step
    that puts it back. `role`: of the person signed in; `photos`: taken, by sealed hash; `seals_used`: order
    number by seal number (`normalise_serial`), of seals that this tablet knows of from other orders;
    `value_holder`: who has the typed value already, where it must be one device's own."""

    role: Role | None = None
    photos: Mapping[str, BlobTaken] = {}
    found: Found | None = None
    match: MatchResult | None = None
    match_entry: str | None = None
    plan: PlanFound | None = None
    unsettled: int = 0
    relay: str | None = None
    place: PlaceFound | None = None
    join: JoinFound | None = None
    power: PowerBoard | None = None
    risks: list[Risk] = []
    override: SignedOverride | None = None
    seals_used: Mapping[str, str] = {}
    value_holder: str | None = None
    stood: DevicePlaced | None = None
    panel: PanelSeen | None = None
