"""The rows of the orders list, the order page and the sync page, made of what the store answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import Connection, func, select

from fieldtool import positioning
from fieldtool.procedure.state import begun_by
from fieldtool.tablet import rows
from workorders import network
from workorders.clock import read_utc, utc_text
from workorders.journal.entry import Envelope
from workorders.journal.kinds import OrderStarted, ProcedureChanged
from workorders.journal.lifts import PayloadError, read_payload
from workorders.orders import OrderStatus, Place, can_start, is_open
from workorders.store import queries, schema
from workorders.store.engine import Store
from workorders.store.entries import FoldEntry, envelopes_of, fold_order
from workorders.store.keys import erased_of
from workorders.store.opened import Opener
from workorders.sync import reference
from workorders.sync.blobs import CONFIRMED, LOCAL

ALL = 1_000_000
SOON = timedelta(hours=2)
_GROUP_ORDER = {
    rows.Group.TODAY: 0,
    rows.Group.LATE: 1,
    rows.Group.LATER: 2,
    rows.Group.DONE: 3,
}


class CrewName(msgspec.Struct, frozen=True, kw_only=True):
    """A crew of the project."""

    id: str
    name: str = ""


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """What the project's reference set says, as far as the job needs it."""

    id: str = ""
    name: dict[str, str] = {}
    utility: str = ""
    contractor: str = ""
    time_zone: str = "UTC"
    country: str = ""
    technology: str | None = None
    crew: list[CrewName] = []
    retention_days: int | None = None
    values: dict[str, str] = {}


def project(connection: Connection) -> Project:
    """The project as last received; an empty one before the first sync."""
    body = reference.newest(connection, reference.PROJECT)
    if body is None:
        return Project()
    try:
        return msgspec.json.decode(body, type=Project)
    except msgspec.DecodeError:
        return Project()


def zone(found: Project) -> ZoneInfo:
    """The project's time zone; UTC where the system does not know it."""
    try:
        return ZoneInfo(found.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def order_rows(
    connection: Connection, wanted: rows.OrderFilter, now: datetime, crew: str | None
) -> list[rows.OrderRow]:
    """All orders that the filter lets through, in the order of the list."""
    local = zone(project(connection))
    which = queries.OrderFilter(crew=crew, executed_here=True)
    read = queries.orders(connection, which, wanted.search, limit=ALL)
    erased = erased_of(connection, [row.order_id for row in read if _nobody(row)])
    found = [
        order_row(row, now, local, erased=row.order_id in erased)
        for row in read
        if (row.status != OrderStatus.CANCELLED or row.started_at)
        # Ended here and then given to another crew: it stays as done, never as something to do.
        and (crew is None or row.crew == crew or not is_open(OrderStatus(row.status)))
    ]
    if wanted.groups:
        found = [row for row in found if row.group in wanted.groups]
    return sorted(
        found, key=lambda row: (_GROUP_ORDER[row.group], row.step is None, row.due or "~", row.number)
    )


def _nobody(row: queries.OrderRow) -> bool:
    return row.address is None and row.customer is None


def order_row(row: queries.OrderRow, now: datetime, local: ZoneInfo, *, erased: bool) -> rows.OrderRow:
    """One order in the list; `erased`: its customer was (an order may also come without any)."""
    status = OrderStatus(row.status)
    due = read_utc(row.due) if row.due else None
    left = int((due - now).total_seconds()) if due else None
    working = is_open(status) and row.started_at is not None and row.not_done_reason is None
    return rows.OrderRow(
        order_id=row.order_id,
        number=row.number or row.order_id[:8],
        kind=row.kind or "",
        status=row.status,
        group=_group(row, status, due, now, local),
        usage_point=row.supply_number or row.usage_point or "",
        address=row.address,
        erased=erased and _nobody(row),
        due=row.due,
        sla=_sla(status, due, now),
        seconds_left=left if is_open(status) else None,
        step=row.steps_done + 1 if working else None,
        unsent=row.unsent > 0,
        attempts=row.attempts,
        flags=row.flags,
        position=row.position,
        old_serial=row.old_serial,
        new_serial=row.new_serial,
    )


def with_distance(row: rows.OrderRow, here: positioning.Coordinates | None) -> rows.OrderRow:
    """The row with how far it is, and where to, from the place that was taken last."""
    there = positioning.coordinates(row.position)
    if here is None or there is None:
        return row
    metres, degrees = positioning.distance_m(*here, *there), positioning.bearing(*here, *there)
    return msgspec.structs.replace(row, distance_m=metres, bearing=degrees)


def _group(
    row: queries.OrderRow, status: OrderStatus, due: datetime | None, now: datetime, local: ZoneInfo
) -> rows.Group:
    if not is_open(status):
        return rows.Group.DONE
    if due is not None and due < now:
        return rows.Group.LATE
    planned = read_utc(row.scheduled_start) if row.scheduled_start else due
    if planned is None:
        return rows.Group.LATER
    today = now.astimezone(local).date()
    return rows.Group.TODAY if planned.astimezone(local).date() <= today else rows.Group.LATER


def _sla(status: OrderStatus, due: datetime | None, now: datetime) -> str:
    if due is None or not is_open(status):
        return "none"
    if due < now:
        return "late"
    return "soon" if due - now <= SOON else "none"


def counts(found: list[rows.OrderRow], connection: Connection, now: datetime) -> rows.OrderCounts:
    """Orders a section, and how many were done today."""
    number = {group: sum(row.group is group for row in found) for group in rows.Group}
    midnight = now.astimezone(zone(project(connection))).replace(hour=0, minute=0, second=0, microsecond=0)
    table = schema.work_order
    since = utc_text(midnight.astimezone(UTC))
    done = connection.execute(
        select(func.count()).select_from(table).where(table.c.completed_at >= since)
    ).scalar_one()
    return rows.OrderCounts(
        today=number[rows.Group.TODAY],
        late=number[rows.Group.LATE],
        later=number[rows.Group.LATER],
        done=number[rows.Group.DONE],
        done_today=int(done),
    )


def order_detail(
    connection: Connection, detail: queries.OrderDetail, now: datetime, procedure: str
) -> rows.OrderDetail:
    """The order page."""
    order = detail.order
    erased = detail.customer_state == "erased"
    row = order_row(detail.row, now, zone(project(connection)), erased=erased)
    open_ = can_start(OrderStatus(detail.row.status))
    customer = detail.customer
    return rows.OrderDetail(
        row=row,
        version=order.version,
        customer=rows.CustomerView(
            name=customer.name,
            phone=customer.phone,
            address=customer.address,
            notes=customer.notes,
            erased=erased,
        ),
        old=_old(order.old_asset) if order.old_asset else None,
        new=rows.DeviceView(serial=order.new_asset.serial, model=order.new_asset.model)
        if order.new_asset
        else None,
        path=place_path(connection, order.place),
        technology=order.technology,
        program=order.program,
        notes=customer.notes,
        history=history(connection, detail),
        action=("resume" if row.step is not None else "start") if open_ else "none",
        step=row.step,
        procedure=procedure,
        scheduled_start=order.scheduled_start,
        scheduled_end=order.scheduled_end,
    )


def _old(asset: object) -> rows.DeviceView:
    return rows.DeviceView(
        serial=getattr(asset, "serial", None),
        model=getattr(asset, "model", None),
        last_reading=getattr(asset, "last_reading", None),
        last_reading_at=getattr(asset, "last_reading_date", None),
    )


def place_path(connection: Connection, place: Place) -> list[str]:
    """Names from the substation down to the slot."""
    anchor = place.panel or place.output or place.transformer or place.feeder or place.substation
    names = [node.name or node.mrid for node in network.ancestors(connection, anchor)] if anchor else []
    return [*names, str(place.slot)] if place.slot is not None else names


def history(connection: Connection, detail: queries.OrderDetail) -> list[rows.HistoryRow]:
    """What happened to the order, oldest first, each with the office's answer to it."""
    verdicts = schema.verdict
    found = queries.entries_of(connection, detail.row.order_id)
    answers = {
        row.entry_id: row.verdict
        for row in connection.execute(
            select(verdicts.c.entry_id, verdicts.c.verdict).where(
                verdicts.c.entry_id.in_([entry.id for entry in found])
            )
        )
    }
    opener = Opener(connection)
    return [_history_row(entry, answers.get(entry.id), opener) for entry in found]


def _history_row(entry: FoldEntry, verdict: str | None, opener: Opener) -> rows.HistoryRow:
    params = _params(entry.envelope, opener)
    return rows.HistoryRow(
        entry_id=entry.id,
        kind=entry.envelope.kind,
        at=entry.at,
        actor=entry.envelope.actor,
        params=params,
        verdict=verdict,
    )


def _params(envelope: Envelope, opener: Opener) -> dict[str, str]:
    payload = dict(envelope.payload)
    if "reason" in payload:
        payload["reason"] = opener.said(payload["reason"], envelope.order_id)
    return {
        name: str(value)
        for name, value in payload.items()
        if isinstance(value, str | int) and not isinstance(value, bool) and name in _TOLD
    }


_TOLD = frozenset(
    {
        "step",
        "reason",
        "serial",
        "how",
        "verdict",
        "cause",
        "state",
        "status",
        "action",
        "number",
        "position",
        "check",
        "crew",
        "name",
        "will_be",
        "concentrator",
        "panel",
        "slot",
        "what",
        "role",
        "procedure",
    }
)
"""Payload fields that may stand in a line of history; a reason is sealed and shown where its key is here."""


def entry_rows(connection: Connection, pending: bool | None, limit: int) -> list[rows.EntryRow]:
    """Own entries with their verdict, newest first."""
    found = queries.entries_with_verdicts(
        connection, limit=limit if pending is not False else ALL, unanswered=pending is True
    )
    if pending is False:
        found = [row for row in found if row.verdict is not None][:limit]
    envelopes = envelopes_of(connection, [row.entry_id for row in found])
    opener = Opener(connection)
    return [
        rows.EntryRow(
            entry_id=row.entry_id,
            kind=row.kind,
            order_id=row.order_id,
            order_number=row.number,
            at=row.at,
            verdict=row.verdict,
            code=row.code,
            reason=row.reason,
            params=_params(envelopes[row.entry_id], opener) if row.entry_id in envelopes else {},
        )
        for row in found
    ]


NEEDS_ANSWER = ("quarantined", "rejected")


def sync_summary(
    connection: Connection, now: datetime, last_contact: str | None, standing: rows.SyncStanding
) -> rows.SyncSummary:
    """Figures of the sync page."""
    found = queries.sync_summary(connection)
    answers, blobs = schema.verdict, schema.blob_store
    midnight = utc_text(
        now.astimezone(zone(project(connection))).replace(hour=0, minute=0, second=0, microsecond=0)
    )
    today = connection.execute(
        select(func.count()).select_from(answers).where(answers.c.at >= midnight)
    ).scalar_one()
    waiting = connection.execute(
        select(func.coalesce(func.sum(blobs.c.size), 0)).where(blobs.c.state == LOCAL)
    ).scalar_one()
    return rows.SyncSummary(
        pending=found.pending,
        pending_since=found.oldest_pending_at,
        needs_answer=sum(found.verdicts.get(verdict, 0) for verdict in NEEDS_ANSWER),
        answered_today=int(today),
        blobs_pending=found.blobs.get(LOCAL, 0),
        blobs_confirmed=found.blobs.get(CONFIRMED, 0),
        blob_bytes_pending=int(waiting),
        bytes_month=standing.used.total,
        last_contact=last_contact,
        standing=standing,
    )


def project_values(store: Store) -> dict[str, str]:
    """What the project says to programs, by name."""
    with store.read() as connection:
        return project(connection).values


def last_start(store: Store, order_id: str) -> OrderStarted | None:
    """How work on an order last began, or went on by another procedure."""
    table = schema.entry
    begun = (table.c.order_id == order_id) & table.c.kind.in_([OrderStarted.KIND, ProcedureChanged.KIND])
    with store.read() as connection:
        found = fold_order(connection, begun)
    try:
        payload = read_payload(found[-1].envelope) if found else None
    except PayloadError:
        return None
    return begun_by(payload) if payload is not None else None


def stock_rows(connection: Connection, crew: str | None) -> list[rows.StockRow]:
    """The stock list, as this crew sees it."""
    return [
        rows.StockRow(
            serial=item.serial, model=item.model, state=item.state, crew=item.crew, identities=item.identities
        )
        for item in queries.stock(connection, crew=crew)
    ]
