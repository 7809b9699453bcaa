"""One order with everything that came of it."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, bindparam, select

from workorders.journal.kinds import RECORD_BLOB
from workorders.journal.sealing import Erased, KeyMissing, field_context
from workorders.journal.words import Sealed
from workorders.orders import PERSONAL_FLAGS, Customer, WorkOrder, planned, read_flags
from workorders.store import keys, schema, search
from workorders.store.entries import FoldEntry, fold_order
from workorders.store.opened import Opener
from workorders.store.queries.lists import OrderFilter, OrderRow, orders
from workorders.store.queries.record import ExceptionRow, exceptions
from workorders.store.queries.rows import read


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """The order took this status."""

    status: str
    reason: str | None
    at: str


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step as last accepted."""

    step: str
    position: int
    answers: dict[str, Any]
    sealed: dict[str, Sealed]
    seconds: int | None
    revisions: int
    entry_id: str
    actor: str | None
    at: str


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where the crew was at a step, as far as readable; `reason` where the tablet had no position.

    Decimal degrees (WGS 84) and metres as text; `flags`: what makes it doubtful (`far`, `stale`, …).
    """

    step: str
    at: str
    latitude: str | None = None
    longitude: str | None = None
    accuracy_m: str | None = None
    age_s: int | None = None
    satellites: int | None = None
    distance_m: int | None = None
    flags: list[str] = []
    reason: str | None = None


class ReadingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One act of reading a meter."""

    entry_id: str
    role: str
    how: str
    step: str | None
    serial: str | None
    manufacturer: str | None
    model: str | None
    firmware: str | None
    logical_device_name: str | None
    readings: list[dict[str, Any]]
    reason: str | None
    at: str


class WriteRow(msgspec.Struct, frozen=True, kw_only=True):
    """One write to a meter: what it was, should be, and is as far as known."""

    intent_id: str
    order_id: str
    serial: str | None
    item: str | None
    name: str | None
    was: str | None
    will_be: str | None
    program: str | None
    state: str
    is_now: str | None
    detail: str | None
    at: str


class MatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """The last four-way match of a device of the order."""

    role: str
    verdict: str
    cause: str | None
    sources: list[dict[str, Any]]
    entry_id: str
    entry_hash: str
    mismatches: int
    overridden: bool
    override_reason: str | None
    override_role: str | None
    override_by: str | None
    at: str


class PlaceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A placement made by this order."""

    entry_id: str
    serial: str
    model: str | None
    usage_point: str | None
    transformer: str | None
    concentrator: str | None
    panel: str | None
    slot: int | None
    phase: str | None
    identities: dict[str, str]
    since: str
    until: str | None
    disputed: bool


class JoinRow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the network hears a device."""

    serial: str
    state: str
    how: str
    reason: str | None
    recheck_at: str | None
    evidence: dict[str, str]
    concentrator: str | None
    placed_at: str | None
    first_joined_at: str | None
    at: str
    heard_at: str | None = None


class BlobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A photo, signature or document of the order."""

    entry_id: str
    sha256: str
    plain_sha256: str
    size: int
    media_type: str
    what: str
    step: str | None
    key_id: str | None
    at: str


class SealRow(msgspec.Struct, frozen=True, kw_only=True):
    """A seal found, removed or applied."""

    action: str
    number: str
    position: str
    serial: str | None
    at: str


class OrderDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An order, its customer as far as readable, and all evidence.

    `customer_state`: `open`, `erased`, `missing` (the key is not here) or `none` (no personal data came).
    """

    row: OrderRow
    order: WorkOrder
    customer: Customer
    customer_state: str
    approved_at: str | None
    returned_at: str | None
    return_reason: str | None
    executed_by: str | None
    record_hash: str | None
    record_blob: str | None
    record_number: str | None
    record_blobs: list[str]
    procedure_version: int | None
    history: list[StatusRow]
    steps: list[StepRow]
    positions: list[PositionRow]
    readings: list[ReadingRow]
    writes: list[WriteRow]
    matches: list[MatchRow]
    placements: list[PlaceRow]
    joins: list[JoinRow]
    blobs: list[BlobRow]
    seals: list[SealRow]
    exceptions: list[ExceptionRow]


_PARTS: tuple[tuple[str, Table, type[msgspec.Struct], str], ...] = (
    ("history", schema.order_status, StatusRow, "position"),
    ("steps", schema.step_state, StepRow, "position"),
    ("readings", schema.meter_reading, ReadingRow, "at"),
    ("writes", schema.meter_write, WriteRow, "at"),
    ("matches", schema.match_state, MatchRow, "role"),
    ("placements", schema.placement, PlaceRow, "since"),
    ("joins", schema.join_state, JoinRow, "serial"),
    ("blobs", schema.blob, BlobRow, "at"),
    ("seals", schema.seal, SealRow, "at"),
)


def order(connection: Connection, order_id: str) -> OrderDetail | None:
    """The order of that id; None if there is none here."""
    found = connection.execute(_ORDER, {"order": order_id}).first()
    if found is None:
        return None
    values = dict(found._mapping)
    opener = Opener(connection)
    parts: dict[str, Any] = {
        name: _rows(connection, source, kind, order_by, order_id, opener)
        for name, source, kind, order_by in _PARTS
    }
    values["return_reason"] = opener.said(values["return_reason"], order_id)
    customer = search.open_customers(connection, [values])[order_id]
    facts = {
        name: values[name]
        for name in OrderDetail.__struct_fields__
        if name in values and name not in ("order", "customer")
    }
    return OrderDetail(
        row=_row(connection, order_id),
        order=_with_flags(planned(order_id, values["order"]), values["customer"] or {}, customer),
        customer=customer,
        customer_state=_customer_state(connection, values["customer"]),
        exceptions=exceptions(connection, order_id=order_id, decided=None),
        positions=_positions(parts["steps"], order_id, opener),
        **facts,
        **parts,
    )


_ORDER = (
    select(schema.work_order, schema.order_plan.c.order, schema.order_plan.c.customer)
    .join(schema.order_plan, schema.order_plan.c.order_id == schema.work_order.c.order_id)
    .where(schema.work_order.c.order_id == bindparam("order"))
)


def _with_flags(order: WorkOrder, sealed: dict[str, Any], customer: Customer) -> WorkOrder:
    """The order with its personal flags; unread ones count as said: a lost key never lifts a guard."""
    personal = read_flags(customer.flags)
    if "flags" in sealed and customer.flags is None:
        personal = sorted(PERSONAL_FLAGS)
    return msgspec.structs.replace(order, flags=[*order.flags, *personal]) if personal else order


def _positions(steps: list[StepRow], order_id: str, opener: Opener) -> list[PositionRow]:
    """Positions of the steps that took one or said why not; those whose key is gone are left out."""
    found = []
    for step in steps:
        sealed, reason = step.sealed.get("position"), step.answers.get("no_position")
        text = opener.field(sealed, field_context(order_id, f"step.{step.step}.position")) if sealed else None
        if text is not None:
            with contextlib.suppress(msgspec.DecodeError):
                told = msgspec.json.decode(text, type=_Position)
                found.append(PositionRow(step=step.step, at=step.at, **msgspec.structs.asdict(told)))
        elif isinstance(reason, str):
            found.append(PositionRow(step=step.step, at=step.at, reason=reason))
    return found


class _Position(msgspec.Struct, frozen=True, kw_only=True):
    """What of a position is read here; a tablet may say more."""

    latitude: str
    longitude: str
    accuracy_m: str | None = None
    age_s: int | None = None
    satellites: int | None = None
    distance_m: int | None = None
    flags: list[str] = []


def _row(connection: Connection, order_id: str) -> OrderRow:
    return orders(connection, OrderFilter(order_id=order_id), limit=1)[0]


_SAID = ("reason", "override_reason")


def _rows(
    connection: Connection,
    table: Table,
    kind: type[msgspec.Struct],
    order_by: str,
    order_id: str,
    opener: Opener,
) -> list[Any]:
    query = _query(table, kind, order_by)
    said = [name for name in _SAID if name in kind.__struct_fields__]
    return [
        read(row, kind, **{name: opener.said(getattr(row, name), order_id) for name in said})
        for row in connection.execute(query, {"order": order_id}).all()
    ]


@cache
def _query(table: Table, kind: type[msgspec.Struct], order_by: str) -> Select[Any]:
    """Built once: building the queries of an order takes several times as long as their answers."""
    columns = [table.c[name] for name in kind.__struct_fields__]
    query = select(*columns).where(table.c.order_id == bindparam("order"))
    return query.order_by(table.c[order_by], *table.primary_key.columns)


def _customer_state(connection: Connection, sealed: dict[str, Any] | None) -> str:
    if not sealed:
        return "none"
    try:
        for key_id in dict.fromkeys(value["key_id"] for value in sealed.values()):
            keys.key_by_id(connection, key_id)
    except Erased:
        return "erased"
    except KeyMissing:
        return "missing"
    return "open"


def order_history(connection: Connection, order_id: str) -> list[StatusRow]:
    """Every status the order took, in the order in which the entries took effect."""
    rows: list[StatusRow] = _rows(
        connection, schema.order_status, StatusRow, "position", order_id, Opener(connection)
    )
    return rows


def record_blob(connection: Connection, order_id: str) -> BlobRow | None:
    """The installation record of an order: the last one written here, else the last one at all."""
    table, entry = schema.blob, schema.entry
    query = (
        select(*(table.c[name] for name in BlobRow.__struct_fields__))
        .join(entry, entry.c.id == table.c.entry_id)
        .where(table.c.order_id == order_id, table.c.what == RECORD_BLOB)
        .order_by(entry.c.own.desc(), table.c.at.desc(), table.c.entry_id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else read(row, BlobRow)


def entries_of(connection: Connection, order_id: str) -> list[FoldEntry]:
    """The entries of an order in the order in which they take effect."""
    return fold_order(connection, schema.entry.c.order_id == order_id)
