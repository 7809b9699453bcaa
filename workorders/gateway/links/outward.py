"""What other systems are told: entries of the record become waiting messages, and messages are made of them.

A waiting message is only the id of its entry: what it says is made from the record when it is sent, so that
nothing personal lies about, and an erasure holds for what was not sent yet.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, exists, insert, or_, select

from workorders.gateway.links import following
from workorders.gateway.links.ledger import get_cursor, link_key, put_cursor
from workorders.gateway.office import Office
from workorders.gateway.tables import mwm_order, mwm_outbox
from workorders.journal import kinds
from workorders.journal.kinds import RECORD_BLOB, BlobTaken, MeterRead
from workorders.journal.lifts import PayloadError, read_payload
from workorders.journal.sealing import field_context
from workorders.journal.words import DeviceRole, ReadingValue
from workorders.mwm.port import About, Event, MeterReading, Placed, Register, Result
from workorders.mwm.settings import LinkSettings
from workorders.store import schema
from workorders.store.entries import entry_by_id, envelopes_of, fold_order
from workorders.store.opened import Opener

BATCH = 500
_FOLLOWING = ("blob", following.PHOTO, *following.MOVES)
_RESULTS = {"completed": "order.completed", "approved": "order.approved"}
_EVENTS = frozenset(
    {
        "order.started", "order.progressed", "order.cancelled", "order.reassigned", "order.returned",
        "order.approved", "procedure.changed", "safety.failed", "match.checked", "match.overridden",
        "device.placed", "device.removed", "join.checked", "join.reported",
    }
)  # fmt: skip


def gather(office: Office, project: str, link: LinkSettings) -> int:
    """Put the next entries that the link is to tell of into its outbox; returns how many entries were seen.

    The cursor moves with them, so that an entry is put there once.
    """
    entry, order = schema.entry, schema.work_order
    key = link_key(project, link.name)
    with office.store.write() as connection:
        after = int(get_cursor(connection, key, "out") or 0)
        query = (
            select(entry.c.id, entry.c.kind, entry.c.server_seq, entry.c.order_id, order.c.project)
            .outerjoin(order, order.c.order_id == entry.c.order_id)
            .where(entry.c.server_seq > after)
            .order_by(entry.c.server_seq)
            .limit(BATCH)
        )
        rows = connection.execute(query).all()
        if not rows:
            return 0
        own = _own(connection, key, [row.order_id for row in rows if row.order_id])
        whats = following.whats(connection, [row.id for row in rows if row.kind == BlobTaken.KIND])
        records = {entry_id for entry_id, what in whats.items() if what == RECORD_BLOB}
        waiting = [
            {
                "link": key, "key": row.id, "position": row.server_seq, "order_id": row.order_id,
                "kind": kind, "state": "waiting", "attempts": 0, "next_at": office.time(),
                "at": office.time(),
            }
            for row in rows
            if row.project == project
            and (not link.only_own or row.order_id in own)
            and (kind := _told_as(link, row.kind, records, row.id)) is not None
        ]  # fmt: skip
        if waiting:
            connection.execute(insert(mwm_outbox), waiting)
        mine = {row.order_id for row in rows if row.project == project}
        following.gather(office, connection, link, key, mine & own if link.only_own else mine)
        put_cursor(connection, key, "out", str(rows[-1].server_seq))
    return len(rows)


def _own(connection: Connection, link: str, ids: list[str]) -> set[str]:
    table = mwm_order
    query = select(table.c.order_id).where(table.c.link == link, table.c.order_id.in_(ids))
    return {row.order_id for row in connection.execute(query)}


def _told_as(link: LinkSettings, kind: str, records: set[str], entry_id: str) -> str | None:
    """How an entry is told: `result`, `event`, `blob` (the record as a file), or not at all."""
    if kind in {_RESULTS[link.results], "order.notDone"}:
        return "result"
    if kind == BlobTaken.KIND:
        return "blob" if entry_id in records and link.personal and link.field_service is not None else None
    return "event" if kind in _EVENTS else None


def due(connection: Connection, link: str, now: str, limit: int) -> list[Any]:
    """Waiting messages whose time has come and whose order has no earlier one waiting, in sequence."""
    table = mwm_outbox
    other = table.alias("earlier")
    earlier = exists().where(
        other.c.link == link,
        other.c.order_id == table.c.order_id,
        other.c.state == "waiting",
        other.c.position < table.c.position,
        or_(
            other.c.kind.not_in(_FOLLOWING),  # what is still on its way holds up nothing but its like
            and_(other.c.kind.in_(following.MOVES), table.c.kind.in_(following.MOVES)),
        ),
    )
    result = exists().where(  # what follows a result waits for it, and a photo for the file of the record too
        other.c.link == link,
        other.c.order_id == table.c.order_id,
        other.c.state == "waiting",
        or_(
            and_(other.c.kind == "result", table.c.kind.in_([following.PHOTO, *following.MOVES])),
            and_(other.c.kind == "blob", table.c.kind == following.PHOTO),
        ),
    )
    query = (
        select(table)
        .where(table.c.link == link, table.c.state == "waiting", table.c.next_at <= now, ~earlier, ~result)
        .order_by(table.c.position, table.c.key)
        .limit(limit)
    )
    return list(connection.execute(query))


def about(connection: Connection, link: str, key: str, position: int, order_id: str) -> tuple[About, Any]:
    """What a message is about, with its entry's payload."""
    entry = entry_by_id(connection, following.entry_of(key))
    order = connection.execute(
        select(schema.work_order).where(schema.work_order.c.order_id == order_id)
    ).one()
    table = mwm_order
    query = select(table.c.foreign_id).where(table.c.link == link, table.c.order_id == order_id)
    if entry is None:
        raise LookupError(key)
    found = About(
        key=key,
        position=position,
        order_id=order_id,
        number=order.number or "",
        at=entry.envelope.time.device,
        project=order.project or "",
        task=order.kind or "",
        foreign_id=connection.execute(query).scalar(),
        usage_point=order.usage_point,
        crew=order.crew,
    )
    return found, read_payload(entry.envelope)


def event_of(subject: About, payload: Any) -> Event:
    """The event that an entry stands for; nothing that somebody said in their own words is in it."""
    reason = getattr(payload, "reason", None)
    status = {
        "order.started": "inProgress", "order.cancelled": "cancelled", "order.approved": "closed",
        "order.returned": "dispatched",
    }.get(payload.KIND)  # fmt: skip
    if isinstance(payload, kinds.OrderProgressed):
        status = str(payload.status)
    state = getattr(payload, "state", None) or getattr(payload, "verdict", None)
    if isinstance(payload, kinds.SafetyFailed):
        reason = payload.check
    codes = isinstance(
        payload,
        kinds.OrderProgressed
        | kinds.JoinChecked
        | kinds.JoinReported
        | kinds.SafetyFailed
        | kinds.ProcedureChanged,
    )
    return Event(
        about=subject,
        kind=payload.KIND if state is None else f"{payload.KIND}.{state}",
        status=status,
        serial=getattr(payload, "serial", None),
        reason=reason if codes and isinstance(reason, str) else None,
    )


def result_of(connection: Connection, subject: About, payload: Any, *, personal: bool) -> Result:
    """Everything that came of an order, as it stands now."""
    order_id = subject.order_id
    row = connection.execute(select(schema.work_order).where(schema.work_order.c.order_id == order_id)).one()
    not_done = isinstance(payload, kinds.OrderNotDone)
    place, seal, removed = schema.placement, schema.seal, schema.device
    placed = connection.execute(
        select(place).where(place.c.order_id == order_id).order_by(place.c.since)
    ).all()
    gone = connection.execute(
        select(removed).where(removed.c.order_id == order_id, removed.c.state == "removed")
    ).all()
    seals = connection.execute(
        select(seal.c.number).where(seal.c.order_id == order_id, seal.c.action == "applied")
    ).scalars()
    other = other_work(connection, order_id)
    return Result(
        about=subject,
        performed=other.task if other is not None and other.task != row.kind else None,
        performed_reason=other.reason if other is not None else None,
        status="notDone" if not_done else ("closed" if payload.KIND == "order.approved" else "completed"),
        reason=payload.reason if not_done else None,
        readings=readings_of(connection, order_id, row.old_serial),
        installed=[placed_of(connection, one, personal=personal) for one in placed if one.until is None],
        removed=[
            Placed(
                serial=one.serial, at=one.at, model=one.model, usage_point=one.usage_point,
                destination=one.destination,
            )
            for one in gone
        ],
        seals=sorted(set(seals)),
        record_number=row.record_number,
        record_hash=row.record_hash,
        flags=list(getattr(payload, "flags", [])),
    )  # fmt: skip


def other_work(connection: Connection, order_id: str) -> kinds.ProcedureChanged | None:
    """What the crew of the last visit went on with, where that is other work than it began."""
    kinds_of_work = (kinds.OrderStarted.KIND, kinds.ProcedureChanged.KIND)
    table = schema.entry
    found = fold_order(connection, (table.c.order_id == order_id) & table.c.kind.in_(kinds_of_work))
    try:
        payload = read_payload(found[-1].envelope) if found else None
    except PayloadError:
        return None
    return payload if isinstance(payload, kinds.ProcedureChanged) else None


def readings_of(connection: Connection, order_id: str, old_serial: str | None) -> list[MeterReading]:
    """The last reading of each device of an order, with the rotation that the meter itself found.

    That one could not be obtained is told only of a device that has no reading of another way.
    """
    table = schema.meter_reading
    rows = connection.execute(select(table).where(table.c.order_id == order_id).order_by(table.c.at)).all()
    newest: dict[tuple[str, str | None], Any] = {}
    for row in rows:
        device = row.role, _serial(row, old_serial)
        if row.readings or device not in newest or not newest[device].readings:
            newest[device] = row
    bodies = envelopes_of(connection, [row.entry_id for row in newest.values()])
    return [reading_of(row, bodies.get(row.entry_id), old_serial) for row in newest.values()]


def _serial(row: Any, old_serial: str | None) -> str | None:
    """The serial that a reading says; a meter that did not answer has said none, and the order knows it."""
    said: str | None = row.serial
    return said or (old_serial if row.role == DeviceRole.OLD else None)


def reading_of(row: Any, envelope: Any, old_serial: str | None) -> MeterReading:
    """A row of readings as others are told it."""
    payload = read_payload(envelope) if envelope is not None else None
    wiring = payload.wiring if isinstance(payload, MeterRead) else None
    values = msgspec.convert(row.readings, list[ReadingValue])
    return MeterReading(
        role=row.role if row.role in {DeviceRole.OLD, DeviceRole.NEW} else "other",
        serial=_serial(row, old_serial),
        how=row.how,
        at=row.at,
        registers=[
            Register(item=one.item, value=one.value, unit=one.unit, time=one.time)
            for one in values
            if one.value is not None
        ],
        reason=row.reason,
        rotation=wiring.rotation if wiring is not None else None,
    )


def placed_of(connection: Connection, row: Any, *, personal: bool) -> Placed:
    """A placement; its position only where it may be said and its key is still here."""
    position = None
    if personal and row.position is not None:
        context = field_context(row.order_id or "", "position")
        position = _lat_lon(Opener(connection).field(row.position, context))
    return Placed(
        serial=row.serial, at=row.since, model=row.model, usage_point=row.usage_point,
        transformer=row.transformer, concentrator=row.concentrator, panel=row.panel, slot=row.slot,
        phase=row.phase, identities=dict(row.identities or {}), position=position,
    )  # fmt: skip


class _Position(msgspec.Struct, frozen=True):
    latitude: str
    longitude: str


def _lat_lon(text: str | None) -> str | None:
    """A position as a tablet seals it, as `lat,lon`."""
    try:
        found = msgspec.json.decode(text or "", type=_Position)
    except msgspec.DecodeError:
        return None
    return f"{found.latitude},{found.longitude}"


def is_record(payload: Any) -> bool:
    """Whether a file is the installation record."""
    return isinstance(payload, kinds.BlobTaken) and payload.what == RECORD_BLOB
