"""The keys a tablet may hold are taken together: a first download brings thousands of them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from tests.workorders.record_support import Author, an_order, issued, new_store
from workorders.journal.sealing import OrderKey, new_order_key
from workorders.orders import Customer
from workorders.store import inbox, queries, schema
from workorders.store.engine import Store
from workorders.store.inbox import ReceivedEntry
from workorders.sync import keyring, wire

NOW = "2026-11-24T12:00:00.000Z"


def pulled(store: Store, count: int) -> list[wire.OrderKeyItem]:
    """Orders as a pull has brought them, and the ring that comes after it."""
    office, entries, items = Author(), [], []
    for number in range(count):
        key, order_id = new_order_key(), f"o{number:04d}"
        entry = office.write(
            issued(an_order(order_id), key, Customer(name=f"Quispe {number}")), order_id=order_id
        )
        entries.append(ReceivedEntry(entry=entry, server_seq=number + 1))
        items.append(item_of(order_id, key))
    with store.write() as connection:
        inbox.receive(connection, entries)
    return items


def item_of(order_id: str, key: OrderKey) -> wire.OrderKeyItem:
    return wire.OrderKeyItem(order_id=order_id, key_id=key.key_id, key=base64.b64encode(key.key).decode())


def take(store: Store, items: list[wire.OrderKeyItem]) -> int:
    """Take a ring; returns how many statements that took."""
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(store.engine, "before_cursor_execute", note)
    ring = wire.KeyRing(order_keys=items, meter_secrets=[])
    answer = wire.KeysAnswer(digest=keyring.ring_digest(ring), sealed=None, erased=[])
    with store.write() as connection:
        keyring.take(connection, answer, ring, NOW)
    event.remove(store.engine, "before_cursor_execute", note)
    return len(asked)


def test_a_ring_of_many_keys_takes_no_more_statements_than_one_of_few(tmp_path: Path) -> None:
    """One by one, the keys of a first download took seven times as long as its orders."""
    with new_store(tmp_path, name="few.db") as few, new_store(tmp_path, name="many.db") as many:
        assert take(many, pulled(many, 90)) == take(few, pulled(few, 9))
        with many.read() as connection:
            assert queries.count_orders(connection, search="quispe") == 90


def test_keys_that_are_in_the_ring_no_more_are_forgotten_and_others_stay(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        items = pulled(store, 6)
        take(store, items)
        # Another key under a name that is known replaces it; so does a ring the keys that it does not hold.
        other = with_another_key(items[0])
        take(store, [other, *items[1:3]])
        with store.read() as connection:
            rows = connection.execute(select(schema.order_key.c.key_id, schema.order_key.c.key))
            kept = {row.key_id: row.key for row in rows}
            assert queries.count_orders(connection, search="quispe") == 2
    assert kept == {each.key_id: base64.b64decode(each.key) for each in (other, *items[1:3])}


def with_another_key(item: wire.OrderKeyItem) -> wire.OrderKeyItem:
    return wire.OrderKeyItem(
        order_id=item.order_id, key_id=item.key_id, key=base64.b64encode(b"k" * 32).decode()
    )
