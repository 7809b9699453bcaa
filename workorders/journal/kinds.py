"""What can happen: the kinds of entry and the payload of each, at its newest schema.

A payload says what was seen or done, never what it means: the meaning is folded by the projection and may
change, the fact may not. Text that is or may be personal (customer, free text, signature, exact position)
stands here only as `Sealed`. Readings and coordinates are decimal text; serials are text.

A kind is changed by giving it a new schema number and a lift from the old one (`workorders.journal.lifts`),
never by changing what an existing number means. Fields may be added with a default at any time; a field at
its default is not written, so a default is fixed for ever. A new value of an enumeration needs a new schema
number: an older program then keeps the entry and folds it after its update, instead of failing on it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from workorders.journal.words import (
    DeviceRole,
    HeadReference,
    JoinState,
    MatchSource,
    OrderStatus,
    PlaceOverride,
    ReadingValue,
    Said,
    Sealed,
    StockMovement,
    WiringJudged,
)


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all payloads. `KIND` and `SCHEMA` go to the envelope."""

    KIND: ClassVar[str]
    SCHEMA: ClassVar[int] = 1


# --- chains and reference data ------------------------------------------------------------------


class ChainBegun(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """First entry of a chain. `certificate` is the DER of the author's X.509 certificate, base64."""

    KIND: ClassVar[str] = "chain.begun"
    reason: str
    certificate: str
    previous_head: HeadReference | None = None


class ReferenceReceived(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A signed, versioned set of reference data was taken into use."""

    KIND: ClassVar[str] = "reference.received"
    name: str
    version: int
    sha256: str


# --- what a crew does ---------------------------------------------------------------------------


class OrderStarted(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """Work on an order began, by this procedure. `procedure_sha256`: of the very text of its file."""

    KIND: ClassVar[str] = "order.started"
    procedure: str
    procedure_version: int
    crew: str | None = None
    procedure_sha256: str | None = None


class ProcedureChanged(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The crew found other work to be the right one, and goes on by another procedure than it was at (`was`).

    What was done before stays done as far as it means the same there. `task`: the kind of task that the work
    now is (a `TaskKind`, as text: a newer one is no reason to lose the entry); `reason`: a code of the
    procedure that was left, `note` in the crew's own words; `blobs` show it.
    """

    KIND: ClassVar[str] = "procedure.changed"
    procedure: str
    procedure_version: int
    was: str
    task: str
    reason: str
    note: Said | None = None
    blobs: list[str] = []
    crew: str | None = None
    procedure_sha256: str | None = None


class OrderProgressed(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The order changed its status in the crew's hands (enroute, onSite, suspended, …); `reason`: a code."""

    KIND: ClassVar[str] = "order.progressed"
    status: OrderStatus
    reason: str | None = None


class StepDone(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A step was accepted. `answers` are plain, `sealed` the personal ones, by field name.

    A correction is a later `step.done` of the same step.
    """

    KIND: ClassVar[str] = "step.done"
    step: str
    answers: dict[str, Any]
    sealed: dict[str, Sealed] = {}
    seconds: int | None = None


class MeterRead(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A meter was read: by `optical` port, by `dial` (typed), or could not be (`not_obtainable` + reason).

    `network`: what the meter itself said of its network at that port (`mac`, `state`, `technology`, …).
    """

    KIND: ClassVar[str] = "meter.read"
    role: DeviceRole
    how: str
    step: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    firmware: str | None = None
    logical_device_name: str | None = None
    readings: list[ReadingValue] = []
    reason: str | None = None
    wiring: WiringJudged | None = None
    network: dict[str, str] = {}


class MeterIntent(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """About to be written to a meter. Durable before the first byte leaves."""

    KIND: ClassVar[str] = "meter.intent"
    intent_id: str
    serial: str
    item: str
    name: str
    was: str | None
    will_be: str
    program: str
    program_version: int | None = None
    secret: str | None = None
    """Name of the password or key that is changed."""
    sealed_secret: str | None = None
    """Its new value, sealed to the office (base64)."""


class MeterChanged(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an intent: `verified`, `failed`, `rolled_back`, `unknown` (line lost, to be settled)."""

    KIND: ClassVar[str] = "meter.changed"
    intent_id: str
    serial: str
    item: str
    state: str
    is_now: str | None = None
    detail: str | None = None
    secret: str | None = None


class MatchChecked(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """Four-way match of a device. `verdict`: `equal` or `mismatch`; `cause`: the likely reason code."""

    KIND: ClassVar[str] = "match.checked"
    role: DeviceRole
    sources: list[MatchSource]
    verdict: str
    cause: str | None = None


class MatchOverridden(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A mismatch was passed by a person who may. `match_entry` names the `match.checked` entry (its id).

    `signature` (base64) is by that person's key over `workorders.people.override_message`;
    `public_key` (base64) is the raw Ed25519 key, `grant` the gateway's signed statement that it may.
    Schema 2: `reason` is sealed, and the signature covers the ciphertext.
    """

    KIND: ClassVar[str] = "match.overridden"
    SCHEMA: ClassVar[int] = 2
    match_entry: str
    reason: Said
    role: str
    person: str
    public_key: str
    grant: str
    signature: str
    remark: Sealed | None = None


class DevicePlaced(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A device now sits at this place of the network tree.

    Schema 2: passing a rule is `override`, signed; `capacity_override` is the unsigned, plain reason of
    schema 1 and not written any more.
    """

    KIND: ClassVar[str] = "device.placed"
    SCHEMA: ClassVar[int] = 2
    serial: str
    model: str
    identities: dict[str, str] = {}
    usage_point: str | None = None
    concentrator: str | None = None
    panel: str | None = None
    slot: int | None = None
    transformer: str | None = None
    phase: str | None = None
    capacity_override: str | None = None
    override: PlaceOverride | None = None
    position: Sealed | None = None
    mismatched: list[str] = []
    """Names of identities of which label, stock and meter do not say the same; the override passes that."""
    passed: list[str] = []
    """Rules that the override has passed; older programs said it only of identities. `words.PLACE_RULES`"""


class DeviceRemoved(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A device no longer sits at its place; `destination` is where it goes (store, laboratory, …)."""

    KIND: ClassVar[str] = "device.removed"
    serial: str
    usage_point: str | None = None
    destination: str | None = None


class JoinChecked(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The network was asked for a device. `recheck_at` (UTC) goes with `pending`."""

    KIND: ClassVar[str] = "join.checked"
    serial: str
    state: JoinState
    how: str
    reason: str | None = None
    recheck_at: str | None = None
    evidence: dict[str, str] = {}


RECORD_BLOB = "record"
"""`photo.taken.what` of the installation record."""
RECORDING_BLOB = "recording"
"""`photo.taken.what` of a recorded optical session."""


class BlobTaken(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A photo, signature or document, fsynced before this entry. The hash is that of the sealed bytes.

    `plain_sha256` is the hash of the unsealed bytes, which the installation record lists.
    """

    KIND: ClassVar[str] = "photo.taken"
    sha256: str
    plain_sha256: str
    size: int
    media_type: str
    what: str
    step: str | None = None
    key_id: str | None = None


class SealRecorded(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A seal was found, removed or applied at a position of a device."""

    KIND: ClassVar[str] = "seal.recorded"
    action: str
    number: str
    position: str
    serial: str | None = None


class SafetyFailed(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A safety check did not pass; the order ends as unsafe. No role may override it."""

    KIND: ClassVar[str] = "safety.failed"
    step: str
    check: str
    note: Sealed | None = None


class RecordIssued(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The installation record (acta) as given to the customer: its hash and the blob that holds it."""

    KIND: ClassVar[str] = "record.issued"
    record_hash: str
    sha256: str
    number: str


class OrderCompleted(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The crew finished. The record is complete when the office holds every blob of `blobs`.

    Each of `flags` asks a supervisor to look (`implausible_reading`, `missing_photo`, …); `crew` is who did
    it, which after a reassignment is not who the order belongs to. `passed_over`: accepted steps that a
    corrected answer has hidden; they count as not done.
    """

    KIND: ClassVar[str] = "order.completed"
    record_hash: str | None
    blobs: list[str]
    flags: list[str] = []
    crew: str | None = None
    passed_over: list[str] = []


class OrderNotDone(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The crew could not execute the order. `passed_over` as in `OrderCompleted`."""

    KIND: ClassVar[str] = "order.notDone"
    reason: str
    note: Sealed | None = None
    blobs: list[str] = []
    attempt: int = 1
    crew: str | None = None
    passed_over: list[str] = []


# --- stock --------------------------------------------------------------------------------------


class StockMoved(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A device went from one place of the stock to another.

    Attributes:
        crew: on whose truck it is now; None: in the store.
        from_crew: from whose truck it came, as far as whoever moved it knew; None: from the store.
        model: as the stock list or the label says, so that a device that no list names has one.
        reason: what somebody of the office said to it, sealed under the scope `stock_scope`.

    Schema 2: the movements of the office alone, which an older program does not know.
    """

    KIND: ClassVar[str] = "stock.moved"
    SCHEMA: ClassVar[int] = 2
    serial: str
    movement: StockMovement
    crew: str | None = None
    from_crew: str | None = None
    model: str | None = None
    reason: Sealed | None = None


class StockCounted(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The stock of a truck (`crew`) or of the store (None) was counted, serial by serial.

    `missing` were expected and not found, `unexpected` found and not expected; a count moves nothing.
    """

    KIND: ClassVar[str] = "stock.counted"
    crew: str | None = None
    found: list[str] = []
    missing: list[str] = []
    unexpected: list[str] = []


# --- what the office does -----------------------------------------------------------------------


class OrderIssued(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """An order for a crew: `order` is the plain part (`orders.WorkOrder`), `customer` the sealed one.

    Schema 2: flags about a person (`orders.PERSONAL_FLAGS`) stand in `customer`; an older program would let a
    crew cut off somebody who depends on the supply, so it must keep the entry until its update.
    """

    KIND: ClassVar[str] = "order.issued"
    SCHEMA: ClassVar[int] = 2
    order: dict[str, Any]
    customer: dict[str, Sealed] = {}


class OrderChanged(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The office changed planning fields; `changes` holds only those, with their new values.

    Schema 2: as `OrderIssued`.
    """

    KIND: ClassVar[str] = "order.changed"
    SCHEMA: ClassVar[int] = 2
    version: int
    changes: dict[str, Any]
    customer: dict[str, Sealed] = {}


class OrderCancelled(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The office withdrew the order. Schema 2: `reason` is sealed."""

    KIND: ClassVar[str] = "order.cancelled"
    SCHEMA: ClassVar[int] = 2
    version: int
    reason: Said


class OrderReassigned(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The order went to another crew."""

    KIND: ClassVar[str] = "order.reassigned"
    version: int
    crew: str


class OrderApproved(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A supervisor accepted the record of an executed order: it is closed. Schema 2: `remark` is sealed."""

    KIND: ClassVar[str] = "order.approved"
    SCHEMA: ClassVar[int] = 2
    record_hash: str | None = None
    remark: Said | None = None


class OrderReturned(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A supervisor sent an executed order back for rework. Schema 2: `reason` is sealed."""

    KIND: ClassVar[str] = "order.returned"
    SCHEMA: ClassVar[int] = 2
    version: int
    reason: Said


class ExceptionDecided(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A supervisor decided an exception. `decision`: `accepted`, `rejected`, `rework`.

    Schema 2: `reason` is sealed, for an exception without an order under a key of its own.
    """

    KIND: ClassVar[str] = "exception.decided"
    SCHEMA: ClassVar[int] = 2
    exception_id: str
    decision: str
    reason: Said


class OverrideRefused(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The gateway found at push that nobody who may had passed a rule; what was done stays a fact.

    `entry_id`: the crew's entry; `code`: why its override proves nothing (`unsigned`, `grant_expired`, …).
    """

    KIND: ClassVar[str] = "override.refused"
    entry_id: str
    code: str


class EntriesAccepted(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A supervisor had the office take in what a revoked tablet had handed over (`entries`: how many)."""

    KIND: ClassVar[str] = "entries.accepted"
    tablet: str
    entries: int
    reason: Said


class JoinReported(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The head-end (or a concentrator's list) says what it heard of a device."""

    KIND: ClassVar[str] = "join.reported"
    serial: str
    state: JoinState
    heard_at: str | None
    concentrator: str | None = None
    source: str = "headEnd"
    reason: str | None = None


class PersonalErased(Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The keys of these orders were destroyed; every sealed value under them reads *erased* from now on.

    `reason` outlives the key and must not name the person; the gateway refuses one that does.
    """

    KIND: ClassVar[str] = "personal.erased"
    key_ids: list[str]
    reason: str


def _all_payloads(base: type[Payload]) -> list[type[Payload]]:
    found: list[type[Payload]] = []
    for sub in base.__subclasses__():
        found.append(sub)
        found.extend(_all_payloads(sub))
    return found


PAYLOADS: dict[str, type[Payload]] = {kind.KIND: kind for kind in _all_payloads(Payload)}
"""Payload type by kind, at the newest schema."""
