"""Meter secrets: passwords and keys that the office sealed to this tablet, for orders in hand, expiring."""

from __future__ import annotations

from sqlalchemy import delete, or_, select

from workorders.clock import Clock
from workorders.store import schema
from workorders.store.engine import Store
from workorders.sync import keyring

from .changing import SecretChanges
from .redaction import hide


class MeterSecrets:
    """Secrets of meters by serial and name (`password`, `block_key`, `auth_key`)."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.changes = SecretChanges(store)

    def get(self, serial: str, name: str) -> bytes | None:
        """The secret, None where the office gave none, it has expired, or its order is no longer in hand.

        What is handed out is kept out of every log of this process from now on.
        """
        changed = self.changes.present(serial, name)
        if changed is not None:
            hide(changed)
            return changed
        table, orders = schema.meter_secret, schema.work_order
        now = self._clock.now().device
        query = (
            select(table.c.value)
            .outerjoin(orders, orders.c.order_id == table.c.order_id)
            .where(
                table.c.serial == serial,
                table.c.name == name,
                or_(table.c.expires_at.is_(None), table.c.expires_at > now),
                or_(table.c.order_id.is_(None), orders.c.status.not_in(("closed", "cancelled", "notDone"))),
            )
        )
        with self._store.read() as connection:
            value = connection.execute(query).scalar()
        if value is None:
            return None
        secret = bytes(value)
        hide(secret)
        return secret

    def forget_expired(self) -> int:
        """Destroy what has expired, order keys too; returns how many. Called at start and after each sync."""
        table, now = schema.meter_secret, self._clock.now().device
        with self._store.write() as connection:
            gone = connection.execute(delete(table).where(table.c.expires_at <= now))
            return int(gone.rowcount) + keyring.forget_expired(connection, now)
