"""The key ring of a tablet: order keys and meter secrets for the orders in its crew's hands, sealed to it."""

from __future__ import annotations

import base64
from datetime import timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection, func, select, true

from workorders import sealedbox
from workorders.clock import utc_text
from workorders.gateway.office import Office
from workorders.gateway.pull import TabletRow
from workorders.gateway.tables import order_visibility
from workorders.journal.words import OrderStatus
from workorders.secretchange import OLD
from workorders.store import schema
from workorders.sync import wire
from workorders.sync.keyring import context, ring_digest

SECRET_DAYS = 15
_NOT_IN_HAND = (OrderStatus.CLOSED, OrderStatus.CANCELLED)
_CHUNK = 500


def keys_for(office: Office, row: TabletRow, have: str | None) -> wire.KeysAnswer:
    """The ring of a tablet, unless it has this very one; and the keys that were erased."""
    with office.store.read() as connection:
        orders = _orders_in_hand(connection, row.crew)
        ring = wire.KeyRing(
            order_keys=_order_keys(connection, list(orders)),
            meter_secrets=_meter_secrets(connection, office, row, orders),
        )
        erased = _erased(connection, row)
    digest = ring_digest(ring)
    sealed = None
    if digest != have:
        public = X25519PublicKey.from_public_bytes(row.sealing_key)
        box = sealedbox.seal_to(public, msgspec.json.encode(ring), context(row.tablet_id))
        sealed = base64.b64encode(box).decode()
    return wire.KeysAnswer(digest=digest, sealed=sealed, erased=erased)


def _orders_in_hand(connection: Connection, crew: str | None) -> dict[str, tuple[str | None, str | None]]:
    """Old and new serial by order id, of the orders that are this crew's now and not over."""
    seen, order = order_visibility, schema.work_order
    query = (
        select(order.c.order_id, order.c.old_serial, order.c.new_serial)
        .join(seen, seen.c.order_id == order.c.order_id)
        .where(seen.c.crew == (crew or ""), seen.c.until_seq.is_(None))
        .where(order.c.status.not_in(_NOT_IN_HAND))
        .order_by(order.c.order_id)
    )
    return {item.order_id: (item.old_serial, item.new_serial) for item in connection.execute(query)}


def _order_keys(connection: Connection, order_ids: list[str]) -> list[wire.OrderKeyItem]:
    table = schema.order_key
    found: list[wire.OrderKeyItem] = []
    for at in range(0, len(order_ids), _CHUNK):
        query = (
            select(table.c.order_id, table.c.key_id, table.c.key)
            .where(table.c.order_id.in_(order_ids[at : at + _CHUNK]), table.c.key.is_not(None))
            .order_by(table.c.order_id, table.c.key_id)
        )
        found += [
            wire.OrderKeyItem(
                order_id=item.order_id, key_id=item.key_id, key=base64.b64encode(item.key).decode()
            )
            for item in connection.execute(query)
        ]
    return found


def _meter_secrets(
    connection: Connection,
    office: Office,
    row: TabletRow,
    orders: dict[str, tuple[str | None, str | None]],
) -> list[wire.MeterSecretItem]:
    """Secrets of the meters named by the orders and of those on the crew's truck; they expire."""
    stock, table = schema.stock_item, schema.meter_secret
    moved, crew = schema.stock_state, row.crew or ""
    listed = select(stock.c.serial).where(stock.c.crew == crew, stock.c.state == "on_truck")
    gone = select(moved.c.serial).where(func.coalesce(moved.c.crew, "") != crew)
    taken_over = select(moved.c.serial).where(moved.c.crew == crew)
    truck = listed.where(stock.c.serial.not_in(gone)).union(taken_over)
    serials = {serial for pair in orders.values() for serial in pair if serial}
    if orders:
        serials |= {item.serial for item in connection.execute(truck)}
    # By the day, so that a ring stays the same ring within it.
    midnight = office.now().replace(hour=0, minute=0, second=0, microsecond=0)
    expires = utc_text(midnight + timedelta(days=SECRET_DAYS))
    ordered, found = sorted(serials), []
    for at in range(0, len(ordered), _CHUNK):
        query = (
            select(table.c.serial, table.c.name, table.c.value)
            .where(table.c.serial.in_(ordered[at : at + _CHUNK]))
            .order_by(table.c.serial, table.c.name)
        )
        found += [
            wire.MeterSecretItem(
                serial=item.serial,
                name=item.name,
                value=base64.b64encode(item.value).decode(),
                expires_at=expires,
            )
            for item in connection.execute(query)
            if not item.name.startswith(OLD)
        ]
    return found


def _erased(connection: Connection, row: TabletRow) -> list[str]:
    """Erased keys of orders that ever were this crew's; of the whole project where there is no crew.

    A supervisor's machine holds no order's key, but remembers what the office has shown it.
    """
    seen, key, gone = order_visibility, schema.order_key, schema.erased_key
    if row.crew is None:
        order = schema.work_order
        whole = (
            select(gone.c.key_id)
            .join(key, key.c.key_id == gone.c.key_id)
            .join(order, order.c.order_id == key.c.order_id)
            .where(true() if row.project is None else order.c.project == row.project)
            .order_by(gone.c.key_id)
        )
        return [item.key_id for item in connection.execute(whole)]
    query = (
        select(gone.c.key_id)
        .join(key, key.c.key_id == gone.c.key_id)
        .join(seen, seen.c.order_id == key.c.order_id)
        .where(seen.c.crew == row.crew)
        .distinct()
        .order_by(gone.c.key_id)
    )
    return [item.key_id for item in connection.execute(query)]
