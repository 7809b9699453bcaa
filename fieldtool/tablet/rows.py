"""Rows that screens and commands show: typed, already in words where words are ours, UTC where time is
meant."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from drivers.reading import EventRow
from drivers.wiring.verdict import WiringVerdict
from fieldtool.tablet.carrying import Carried
from workorders.sync.firmware import Coming
from workorders.sync.round import FilesWait, SyncProgress, SyncState
from workorders.sync.usage import MonthUsage


class Group(StrEnum):
    """Sections of the orders list."""

    TODAY = "today"
    LATE = "late"
    LATER = "later"
    DONE = "done"


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to list. `groups` empty: all; `search` in number, serials, supply number and address."""

    groups: list[Group] = []
    search: str = ""


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tile of the sign-in page. `locked_seconds` > 0: too many wrong PINs; `expired`: the grant has
    ended."""

    id: str
    name: str
    role: str
    crew: str | None
    locked_seconds: int = 0
    expired: bool = False


class TabletStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The strip at the top. `online` None: no contact was tried yet. `problem`: code of the last failed
    contact."""

    realm: str
    enrolled: bool
    project: str | None
    crew: str | None
    person: PersonRow | None
    online: bool | None
    pending: int
    pending_blobs: int
    last_contact: str | None
    problem: str | None
    gateway: str | None
    syncing: bool = False
    stale_days: int | None = None
    """Days without contact, where those are too many to trust orders and network."""
    skew_seconds: int | None = None
    """How far the tablet's clock is ahead (negative: behind), where that is more than five minutes."""


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order in the list.

    Attributes:
        address: opened from the sealed customer part; *erased* shows as None with `erased` set.
        sla: `none`, `soon`, `late`; `due` UTC.
        step: number of the step to continue at, where work has begun.
        unsent: whether the tablet holds entries of it without a verdict.
        distance_m: from where a step last took a position, and `bearing` (degrees) from there.
    """

    order_id: str
    number: str
    kind: str
    status: str
    group: Group
    usage_point: str
    address: str | None
    erased: bool
    due: str | None
    sla: str
    seconds_left: int | None
    step: int | None
    unsent: bool
    attempts: int
    flags: list[str]
    distance_m: int | None = None
    bearing: int | None = None
    position: str | None = None
    old_serial: str | None = None
    new_serial: str | None = None


class OrderCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Orders a section, and how many of today are done."""

    today: int
    late: int
    later: int
    done: int
    done_today: int


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """An expected device."""

    serial: str | None
    model: str | None
    last_reading: str | None = None
    last_reading_at: str | None = None


class CustomerView(msgspec.Struct, frozen=True, kw_only=True):
    """As little personal data as needed; all None with `erased`."""

    name: str | None
    phone: str | None
    address: str | None
    notes: str | None
    erased: bool


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the order: key `entry.<kind>` with params; `verdict` None before an
    answer."""

    entry_id: str
    kind: str
    at: str
    actor: str | None
    params: dict[str, str]
    verdict: str | None


class OrderDetail(msgspec.Struct, frozen=True, kw_only=True):
    """The order page. `action`: `start`, `resume` or `none`; `path` from substation down to the slot."""

    row: OrderRow
    version: int
    customer: CustomerView
    old: DeviceView | None
    new: DeviceView | None
    path: list[str]
    technology: str | None
    program: str | None
    notes: str | None
    history: list[HistoryRow]
    action: str
    step: int | None
    procedure: str
    scheduled_start: str | None = None
    scheduled_end: str | None = None


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry on the sync page: key `entry.<kind>` with params.

    `verdict` None: kept on this tablet, goes with the next contact.
    """

    entry_id: str
    kind: str
    order_id: str | None
    order_number: str | None
    at: str
    verdict: str | None
    code: str | None
    reason: str | None
    params: dict[str, str] = {}


class SyncStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How sync stands.

    Attributes:
        at: where the round is that runs; `state` is `running` then.
        next_at: when it tries again by itself (UTC); None: when somebody acts.
        files_wait: why photos wait now.
        costs: whether the line is taken for one that costs.
        used: bytes of this month, with `kinds`; cap_bytes: up to which photos go over a line that costs.
        stale_days, skew_seconds: see `TabletStatus`.
        carries: what lies here for other tablets, and what was delivered for them lately.
        firmware: images of the office that lie here; firmware_coming: those that are still to come,
            firmware_waits: why they wait now.
    """

    state: SyncState
    at: SyncProgress | None
    code: str | None
    next_at: str | None
    files_wait: FilesWait | None
    costs: bool
    photos_on_metered: bool
    used: MonthUsage
    cap_bytes: int | None
    stale_days: int | None
    skew_seconds: int | None
    carries: list[Carried] = []
    firmware: int = 0
    firmware_coming: list[Coming] = []
    firmware_waits: FilesWait | None = None


class SyncSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the sync page."""

    pending: int
    pending_since: str | None
    needs_answer: int
    answered_today: int
    blobs_pending: int
    blobs_confirmed: int
    blob_bytes_pending: int
    bytes_month: int
    """Bytes that syncing sent and received this month, as the transport counts them."""
    last_contact: str | None
    standing: SyncStanding


class StockRow(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the stock list."""

    serial: str
    model: str
    state: str
    crew: str | None
    identities: dict[str, str]


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a load profile: time (UTC) first, then the values by column; an empty text is a gap."""

    columns: list[str]
    units: list[str]
    rows: list[list[str]]
    period_seconds: int | None


class MeterView(msgspec.Struct, frozen=True, kw_only=True):
    """What the meter page shows of a meter without an order; plain fields of the drivers' results.

    `order_id`: the one order here that names this meter, if any; `event_names`: code of the event log → text
    by language; `connection`: `direct` or `ct`.
    """

    identity: dict[str, Any]
    readings: list[dict[str, Any]]
    network: dict[str, Any] | None
    clock_drift_seconds: int | None
    profile: ProfileView | None = None
    order_id: str | None = None
    wiring: WiringVerdict | None = None
    events: list[EventRow] = []
    event_names: dict[str, dict[str, str]] = {}
    connection: str = "direct"


class PortRow(msgspec.Struct, frozen=True, kw_only=True):
    """A port that a probe may be on."""

    url: str
    description: str
