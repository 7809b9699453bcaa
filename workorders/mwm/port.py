"""The port that every adapter of a foreign system fills: changes of orders in, events, results and files out.

Neutral words on both sides; what they mean for the record is `workorders.gateway.links`. Adapters hold no
state but what the gateway keeps for them (`Kept`), so that a process may end at any instant.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec


class Retry(Exception):
    """Not now: the other side is busy, gone or broken. `after`: seconds that it asked to wait."""

    code = "mwm_unreachable"

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Unauthorised(Exception):
    """The other side does not let us in: the link rests until somebody looks. A secret is not tried again."""

    code = "mwm_unauthorised"


class Refused(Exception):
    """The other side, or our reader, says no for good: somebody must look. `code` is stable."""

    code = "mwm_refused"

    def __init__(self, message: str, *, code: str = "mwm_refused") -> None:
        super().__init__(message)
        self.code = code


class Unsupported(Exception):
    """This kind of link has no such question."""

    code = "mwm_unsupported"


class Verb(StrEnum):
    """What a change wants."""

    TAKE = "take"
    """There is this order, and this is how it is planned: issue it or change it."""
    CANCEL = "cancel"


class ForeignOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as another system says it. None: it does not say; the office keeps what it knows.

    Times are RFC 3339 with an offset, or local to the project without one. Readings and degrees are decimal
    text. `kind`: a value of `TaskKind`. `values`: for the program's variables.
    """

    number: str
    kind: str | None = None
    crew: str | None = None
    priority: int | None = None
    scheduled_start: str | None = None
    scheduled_end: str | None = None
    due: str | None = None
    usage_point: str | None = None
    supply_number: str | None = None
    old_serial: str | None = None
    old_model: str | None = None
    last_reading: str | None = None
    last_reading_date: str | None = None
    new_serial: str | None = None
    new_model: str | None = None
    procedure: str | None = None
    program: str | None = None
    tariff: str | None = None
    contracted_power: str | None = None
    transformer: str | None = None
    phase: str | None = None
    flags: list[str] | None = None
    values: dict[str, str] | None = None
    customer_name: str | None = None
    customer_document: str | None = None
    customer_phone: str | None = None
    address: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    notes: str | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change from outside.

    Attributes:
        key: the same for the same change however often it comes (message id, activity and its version).
        order: None where `problem` says why it could not be read.
        as_of: UTC (`workorders.clock.utc_text`) when it was said; an older one than was taken is passed over.
        original: the bytes as they came, kept where the change cannot be taken.
    """

    key: str
    verb: Verb = Verb.TAKE
    order: ForeignOrder | None = None
    foreign_id: str | None = None
    as_of: str | None = None
    reason: str | None = None
    original: bytes = b""
    problem: str | None = None
    code: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some changes in their order; `cursor`: where to go on once all of them are taken or kept as dead."""

    changes: list[Change]
    cursor: str | None
    more: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a change. `what`: issued, changed, same, cancelled, superseded, repeated, refused."""

    key: str
    what: str
    number: str | None = None
    code: str | None = None
    message: str | None = None
    changes: list[str] = []


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A reading: item as the record names it, decimal text, unit as the meter says it."""

    item: str
    value: str
    unit: str | None = None
    time: str | None = None


class MeterReading(msgspec.Struct, frozen=True, kw_only=True):
    """Readings of one meter at one moment. `role`: old (final), new (initial), other."""

    role: str
    serial: str | None
    how: str
    at: str
    registers: list[Register]
    reason: str | None = None
    rotation: str | None = None


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A device and where it now is (or was: `removed`). `position`: `lat,lon`, only where it may be said."""

    serial: str
    at: str
    model: str | None = None
    usage_point: str | None = None
    transformer: str | None = None
    concentrator: str | None = None
    panel: str | None = None
    slot: int | None = None
    phase: str | None = None
    identities: dict[str, str] = {}
    position: str | None = None
    destination: str | None = None


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What every message out says: its key (the same at each attempt), its order, its place in the record."""

    key: str
    position: int
    order_id: str
    number: str
    at: str
    project: str
    task: str
    foreign_id: str | None = None
    usage_point: str | None = None
    crew: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: the kind of the entry, the order's status after it, a device, a reason."""

    about: About
    kind: str
    status: str | None = None
    serial: str | None = None
    reason: str | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an order: completed or notDone, with everything that a billing system needs.

    `performed`: the kind of task that was really done, where the crew found other work than was ordered
    (`about.task`), with `performed_reason`, a code; None: the ordered one.
    """

    about: About
    status: str
    reason: str | None = None
    readings: list[MeterReading] = []
    installed: list[Placed] = []
    removed: list[Placed] = []
    seals: list[str] = []
    record_number: str | None = None
    record_hash: str | None = None
    flags: list[str] = []
    performed: str | None = None
    performed_reason: str | None = None


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A device at a place from a time on, `until` another; it comes again under its `key` once it has ended.

    Attributes:
        since: None where the utility's own list had the device there before anything was written down here.
        disputed: another record has the same serial elsewhere.
        latitude, longitude: decimal degrees, only where they may be said.
    """

    key: str
    serial: str
    order: str | None = None
    model: str | None = None
    usage_point: str | None = None
    transformer: str | None = None
    concentrator: str | None = None
    panel: str | None = None
    slot: int | None = None
    phase: str | None = None
    since: str | None = None
    until: str | None = None
    disputed: bool = False
    latitude: str | None = None
    longitude: str | None = None


class Placements(msgspec.Struct, frozen=True, kw_only=True):
    """The stays that an entry began or ended, as they stand now."""

    about: About
    stays: list[Stay]


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """On which phase a supply point hangs, and how its meter finds itself wired.

    Attributes:
        rotation: direct, reverse, unknown; `rotation_why` where it is unknown.
        polarity: right, wrong, unknown.
        time: UTC, since when this meter says it.
    """

    usage_point: str
    serial: str
    time: str
    rotation: str
    polarity: str
    rotation_why: str | None = None
    phase: str | None = None
    transformer: str | None = None


class Phases(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says of the phases of supply points, as it stands now."""

    about: About
    points: list[Connected]


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an order, opened."""

    about: About
    name: str
    what: str
    media_type: str
    data: bytes


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What the other system knows of a device."""

    serial: str
    known: bool
    status: str | None = None
    model: str | None = None


class Kept(Protocol):
    """Small values that the gateway keeps for a link, by name."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str) -> None: ...


class MwmPort(Protocol):
    """One link to a foreign system. Every call may raise one of the four errors above."""

    def fetch_changes(self, cursor: str | None, limit: int) -> Page: ...

    def reread(self, original: bytes) -> list[Change]:
        """The changes that kept bytes hold, read anew."""
        ...

    def ack(self, change: Change, outcome: Outcome) -> None:
        """Tell the other side what became of a change; may be called again for the same one."""
        ...

    def post_event(self, event: Event) -> None: ...

    def post_result(self, result: Result) -> None: ...

    def post_placements(self, placements: Placements) -> None: ...

    def post_phases(self, phases: Phases) -> None: ...

    def put_blob(self, blob: Blob) -> None: ...

    def verify_device(self, serial: str) -> Verified: ...

    def close(self) -> None: ...
