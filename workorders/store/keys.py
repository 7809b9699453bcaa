"""Order keys: kept beside the record, found by id, destroyed on an erasure - and never taken back in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from workorders.clock import utc_text
from workorders.journal.sealing import Erased, KeyMissing, OrderKey, SealError, new_order_key
from workorders.journal.words import OrderStatus
from workorders.store import schema, search
from workorders.store.bulk import among, put_rows
from workorders.store.engine import Store
from workorders.store.entries import ended_here
from workorders.store.settings import set_setting, setting

_LATELY = "erasure.lately"
_TOLD = "erasure.told"
REMEMBERED = "office:"
"""Settings whose names begin so hold the last answers of the office, for when there is no contact."""
IN_HAND = (OrderStatus.ENROUTE, OrderStatus.ON_SITE, OrderStatus.IN_PROGRESS, OrderStatus.SUSPENDED)
"""Orders that a crew is in the middle of: what they still write about them must be sealed too."""


def put_order_key(
    connection: Connection, order_id: str, key: OrderKey, *, expires_at: str | None = None
) -> bool:
    """Keep the key of an order and refresh what can now be read; False if that key was erased."""
    return put_order_keys(connection, [(order_id, key)], expires_at=expires_at) == 1


_ERASED = select(schema.erased_key.c.key_id).where(among(schema.erased_key.c.key_id, "ids"))
_KNOWN = select(schema.order_key.c.key_id).where(among(schema.order_key.c.key_id, "ids"))


def put_order_keys(
    connection: Connection, pairs: Sequence[tuple[str, OrderKey]], *, expires_at: str | None = None
) -> int:
    """Keep keys by order, as a page of a pull brings them; returns how many were not erased."""
    table = schema.order_key
    ids = [key.key_id for _, key in pairs]
    erased = set(connection.execute(_ERASED, {"ids": ids}).scalars())
    known = set(connection.execute(_KNOWN, {"ids": ids}).scalars())
    now = utc_text(datetime.now(UTC))
    fresh: dict[str, dict[str, Any]] = {}
    orders: set[str] = set()
    for order_id, key in pairs:
        if key.key_id in erased:
            continue
        orders.add(order_id)
        values: dict[str, Any] = {
            "order_id": order_id,
            "key": key.key,
            "expires_at": expires_at,
            "erased_at": None,
        }
        if key.key_id in known:
            connection.execute(update(table).where(table.c.key_id == key.key_id), values)
        else:
            fresh[key.key_id] = values | {"key_id": key.key_id, "created_at": now}
    put_rows(connection, table, list(fresh.values()), private=True)
    search.refresh_orders(connection, sorted(orders))
    return len(ids) - sum(key_id in erased for key_id in ids)


def is_erased(connection: Connection, key_id: str) -> bool:
    """Whether an erasure names this key."""
    table = schema.erased_key
    return connection.execute(select(table.c.key_id).where(table.c.key_id == key_id)).first() is not None


def erased_of(connection: Connection, order_ids: list[str]) -> set[str]:
    """Of these orders those whose customer was erased; not those of which no customer was ever told."""
    plan, ring, gone = schema.order_plan, schema.order_key, schema.erased_key
    told = select(plan.c.order_id, plan.c.customer).where(among(plan.c.order_id, "ids"))
    named = {
        row.order_id: {value["key_id"] for value in (row.customer or {}).values()}
        for row in connection.execute(told, {"ids": order_ids})
    }
    ids = {"ids": sorted({key_id for key_ids in named.values() for key_id in key_ids})}
    erased = set(connection.execute(select(gone.c.key_id).where(among(gone.c.key_id, "ids")), ids).scalars())
    empty = select(ring.c.key_id).where(ring.c.key.is_(None), among(ring.c.key_id, "ids"))
    erased |= set(connection.execute(empty, ids).scalars())
    return {order_id for order_id, key_ids in named.items() if key_ids & erased}


def key_by_id(connection: Connection, key_id: str) -> OrderKey:
    """The key that a sealed value names.

    Raises:
        Erased: it was destroyed on purpose.
        KeyMissing: it is not here.
    """
    table = schema.order_key
    row = connection.execute(select(table.c.key, table.c.erased_at).where(table.c.key_id == key_id)).first()
    if (row is not None and row.key is None) or is_erased(connection, key_id):
        raise Erased(f"key {key_id} was erased")
    if row is None:
        raise KeyMissing(f"key {key_id} is not here")
    return OrderKey(key_id=key_id, key=row.key)


def order_key(connection: Connection, order_id: str) -> OrderKey:
    """The newest key of an order, for sealing what is written now.

    Raises:
        Erased, KeyMissing: as `key_by_id`.
    """
    table = schema.order_key
    query = (
        select(table.c.key_id)
        .where(table.c.order_id == order_id)
        .order_by(table.c.created_at.desc(), table.c.key_id)
    )
    row = connection.execute(query).first()
    if row is None:
        raise KeyMissing(f"order {order_id} has no key here")
    return key_by_id(connection, row.key_id)


def sealing_key(connection: Connection, scope: str) -> OrderKey:
    """The key for what the office says about an order now: its newest, or a fresh one.

    Fresh where there is none: for what was said after an erasure, and (with its id as `scope`) for an
    exception that belongs to no order. Nothing is ever said in clear for want of a key.
    """
    try:
        return order_key(connection, scope)
    except SealError:
        key = new_order_key()
        put_order_key(connection, scope, key)
        return key


def forget_expired(connection: Connection, now: str) -> int:
    """Let go of keys past their time and of the plain text read with them; returns how many.

    No erasure: the office still has the key and may send it again. Keeps customers off tablets that are done
    with them; an order that the crew is in the middle of keeps its key, and so does one that was ended here:
    its record stays readable where it was made until the key is erased.
    """
    table, order = schema.order_key, schema.work_order
    in_hand = select(order.c.order_id).where(order.c.status.in_(IN_HAND))
    query = select(table.c.key_id, table.c.order_id).where(
        table.c.expires_at <= now,
        table.c.key.is_not(None),
        table.c.erased_at.is_(None),
        table.c.order_id.is_(None)
        | (table.c.order_id.not_in(in_hand) & table.c.order_id.not_in(ended_here())),
    )
    found = connection.execute(query).all()
    if found:
        _overwrite(connection)
        connection.execute(delete(table).where(table.c.key_id.in_([row.key_id for row in found])))
        search.refresh_orders(connection, sorted({row.order_id for row in found if row.order_id}))
    return len(found)


def forget_closed(connection: Connection, before: str) -> int:
    """Let go, on a tablet, of keys of orders approved before `before` of which the office has everything.

    The office erases them too (`personal.erased`); a tablet long without contact does not wait for it.
    """
    table, order, entry, blob, here = (
        schema.order_key,
        schema.work_order,
        schema.entry,
        schema.blob,
        schema.blob_store,
    )
    unsent = select(entry.c.order_id).where(
        entry.c.own.is_(True), entry.c.server_seq.is_(None), entry.c.order_id.is_not(None)
    )
    waiting = (
        select(entry.c.order_id)
        .join(blob, blob.c.entry_id == entry.c.id)
        .join(here, here.c.sha256 == blob.c.sha256)
        .where(here.c.state == "local", entry.c.order_id.is_not(None))
    )
    closed = select(order.c.order_id).where(
        order.c.status == OrderStatus.CLOSED,
        order.c.approved_at < before,
        order.c.order_id.not_in(unsent),
        order.c.order_id.not_in(waiting),
    )
    query = select(table.c.key_id, table.c.order_id).where(
        table.c.key.is_not(None), table.c.order_id.in_(closed)
    )
    found = connection.execute(query).all()
    if found:
        _overwrite(connection)
        connection.execute(delete(table).where(table.c.key_id.in_([row.key_id for row in found])))
        set_setting(connection, _LATELY, True)
        search.refresh_orders(connection, sorted({row.order_id for row in found}))
    return len(found)


def _overwrite(connection: Connection) -> None:
    """Else the bytes stay readable in the free space of the file for whoever has the database key."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def destroy(connection: Connection, erased: Mapping[str, str]) -> None:
    """Destroy keys (id: time) and every plain text that was read with them."""
    table = schema.order_key
    query = select(table.c.key_id, table.c.order_id).where(
        table.c.key_id.in_(list(erased)), table.c.key.is_not(None)
    )
    found = connection.execute(query).all()
    if not found:
        return
    _overwrite(connection)
    for row in found:
        same = update(table).where(table.c.key_id == row.key_id)
        connection.execute(same.values(key=None, erased_at=erased[row.key_id]))
    set_setting(connection, _LATELY, True)
    orders = sorted({row.order_id for row in found if row.order_id})
    connection.execute(delete(schema.draft).where(schema.draft.c.order_id.in_(orders)))
    search.refresh_orders(connection, orders)


def forget_answers(connection: Connection, erased: Sequence[str]) -> None:
    """Let go of what the office has shown here before, once these keys are erased: it may stand in there."""
    told = hashlib.sha256("\n".join(sorted(erased)).encode()).hexdigest()
    if setting(connection, _TOLD) == told:
        return
    _overwrite(connection)
    table = schema.setting
    connection.execute(delete(table).where(table.c.name.startswith(REMEMBERED, autoescape=True)))
    set_setting(connection, _TOLD, told)
    set_setting(connection, _LATELY, True)


def finish_erasures(store: Store) -> bool:
    """Take what was destroyed out of the log and older copies too, once; whether there was anything.

    Asked after the transaction that destroyed it; where the program ended in between, the next one does it.
    """
    with store.read() as connection:
        if not setting(connection, _LATELY):
            return False
    store.forget_older()
    with store.write() as connection:
        set_setting(connection, _LATELY, None)
    return True
