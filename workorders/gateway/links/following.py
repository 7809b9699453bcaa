"""What is told behind the result of an order: its photos, where its devices stand, on which phases.

Before its result an order has none of it to tell: it may be done otherwise yet, or given back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select

from workorders.gateway.office import Office
from workorders.gateway.tables import mwm_outbox
from workorders.journal.kinds import RECORD_BLOB, BlobTaken, DevicePlaced, DeviceRemoved, MeterRead
from workorders.journal.lifts import read_payload
from workorders.mwm.settings import LinkSettings
from workorders.store import schema
from workorders.store.entries import envelopes_of

PHOTO = "photo"
PLACEMENTS = "placements"
PHASES = "phases"
MOVES = PLACEMENTS, PHASES
"""Told in the order of the record: who draws a map must see a slot empty before another device is in it."""


def entry_of(key: str) -> str:
    """The entry that a message of the outbox is made of: one entry may be told in several ways."""
    return key.partition(".")[0]


def gather(office: Office, connection: Connection, link: LinkSettings, key: str, orders: set[str]) -> None:
    """Put what the link wants of orders whose result is told behind it; each only once.

    Args:
        key: of the link (`ledger.link_key`).
        orders: those that have something new.
    """
    if not orders:
        return
    if link.placements:
        moved = _after_result(connection, key, orders, (DevicePlaced.KIND, DeviceRemoved.KIND), PLACEMENTS)
        _put(office, connection, key, PLACEMENTS, moved)
    if link.phases:
        read = _after_result(connection, key, orders, (DevicePlaced.KIND, MeterRead.KIND), PHASES)
        bodies = envelopes_of(connection, [row.id for row in read if row.kind == MeterRead.KIND])
        judged = {one for one, body in bodies.items() if tells_phases(read_payload(body))}
        _put(
            office, connection, key, PHASES,
            [row for row in read if row.kind != MeterRead.KIND or row.id in judged],
        )  # fmt: skip
    wanted = link.field_service.photo_properties if link.field_service is not None else {}
    if wanted and link.personal:
        taken = _after_result(connection, key, orders, (BlobTaken.KIND,), None)
        shown = whats(connection, [row.id for row in taken])
        photos = [row for row in taken if shown.get(row.id) in wanted and shown[row.id] != RECORD_BLOB]
        _put(office, connection, key, PHOTO, photos)


def _after_result(
    connection: Connection, key: str, orders: set[str], kinds: tuple[str, ...], told: str | None
) -> list[Any]:
    """Entries of these kinds, with the place of their order's result, that the outbox has not yet."""
    entry, outbox = schema.entry, mwm_outbox
    known: ColumnElement[str] = entry.c.id if told is None else entry.c.id + f".{told}"
    query = (
        select(
            entry.c.id, entry.c.kind, entry.c.order_id, entry.c.server_seq,
            func.max(outbox.c.position).label("result"),
        )
        .join(outbox, outbox.c.order_id == entry.c.order_id)
        .where(
            entry.c.order_id.in_(orders),
            entry.c.kind.in_(kinds),
            entry.c.server_seq.is_not(None),
            outbox.c.link == key,
            outbox.c.kind == "result",
            known.not_in(select(outbox.c.key).where(outbox.c.link == key)),
        )
        .group_by(entry.c.id, entry.c.kind, entry.c.order_id, entry.c.server_seq)
    )  # fmt: skip
    return list(connection.execute(query))


def _put(office: Office, connection: Connection, link: str, kind: str, rows: Iterable[Any]) -> None:
    waiting = [
        {
            "link": link, "key": row.id if kind == PHOTO else f"{row.id}.{kind}",
            "position": max(row.server_seq, row.result) if kind == PHOTO else row.server_seq,
            "order_id": row.order_id, "kind": kind, "state": "waiting", "attempts": 0,
            "next_at": office.time(), "at": office.time(),
        }
        for row in rows
    ]  # fmt: skip
    if waiting:
        connection.execute(insert(mwm_outbox), waiting)


def tells_phases(payload: Any) -> bool:
    """Whether an entry says something of a supply point's phases."""
    return isinstance(payload, DevicePlaced) or (
        isinstance(payload, MeterRead) and payload.wiring is not None and payload.serial is not None
    )


def whats(connection: Connection, ids: list[str]) -> dict[str, str]:
    """What each of these files shows, by its entry."""
    found = ((key, read_payload(body)) for key, body in envelopes_of(connection, ids).items())
    return {key: payload.what for key, payload in found if isinstance(payload, BlobTaken)}


def is_overtaken(connection: Connection, order_id: str, key: str, photo: BlobTaken) -> bool:
    """Whether the record has a later photo of the same: a property holds one, and it is to be that."""
    later = later_entries(connection, order_id, key, (BlobTaken.KIND,))
    return photo.what in whats(connection, later).values()


def later_entries(connection: Connection, order_id: str, key: str, kinds: tuple[str, ...]) -> list[str]:
    """The entries of an order of these kinds that came after one."""
    entry = schema.entry
    seq = select(entry.c.server_seq).where(entry.c.id == entry_of(key)).scalar_subquery()
    query = select(entry.c.id).where(
        entry.c.order_id == order_id, entry.c.kind.in_(kinds), entry.c.server_seq > seq
    )
    return list(connection.execute(query).scalars())
