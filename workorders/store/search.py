"""The search text of orders: number, supply number, serials, and name and address where their key is here.

A cache, no projection: what is in it depends on which keys are here. On SQLite a trigram index finds any part
of a word (the last digits of a serial, half a street name) among 50,000 orders in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, text

from workorders.journal.kinds import Sealed
from workorders.journal.sealing import OrderKey, SealError
from workorders.orders import CUSTOMER_FIELDS, Customer, unseal_customer
from workorders.store import keys, schema

_PLAIN = ("number", "supply_number", "old_serial", "new_serial")
_CHUNK = 400


def refresh_orders(connection: Connection, order_ids: Sequence[str]) -> None:
    """Write the search text of these orders anew from their projected rows."""
    table, plan = schema.work_order, schema.order_plan
    for start in range(0, len(order_ids), _CHUNK):
        part = list(order_ids[start : start + _CHUNK])
        columns = (table.c.order_id, *(table.c[name] for name in _PLAIN))
        rows = connection.execute(select(*columns).where(table.c.order_id.in_(part)))
        plans = connection.execute(select(plan).where(plan.c.order_id.in_(part)))
        refresh(connection, part, [dict(row._mapping) for row in rows], [dict(row._mapping) for row in plans])


def refresh(
    connection: Connection,
    order_ids: Sequence[str],
    rows: Sequence[dict[str, Any]],
    plans: Sequence[dict[str, Any]],
) -> None:
    """Replace the search text of `order_ids` by that of `work_order` and `order_plan` rows."""
    table = schema.order_text
    indexed = connection.dialect.name == "sqlite"
    old = [
        row.row
        for row in connection.execute(select(table.c.row).where(table.c.order_id.in_(list(order_ids))))
    ]
    if old:
        if indexed:
            connection.execute(
                text("DELETE FROM order_search WHERE rowid = :row"), [{"row": row} for row in old]
            )
        connection.execute(delete(table).where(table.c.order_id.in_(list(order_ids))))
    if not rows:
        return
    customers = open_customers(connection, plans)
    values = [_values(row, customers[row["order_id"]]) for row in rows]
    connection.execute(insert(table), values)
    if indexed:
        ids = [row["order_id"] for row in rows]
        numbers = connection.execute(select(table.c.row, table.c.search).where(table.c.order_id.in_(ids)))
        connection.execute(
            text("INSERT INTO order_search (rowid, search) VALUES (:row, :search)"),
            [{"row": row.row, "search": row.search} for row in numbers],
        )


def _values(row: dict[str, Any], customer: Customer) -> dict[str, Any]:
    shown = [row.get(name) for name in _PLAIN] + [customer.name, customer.address]
    texts = {field: getattr(customer, field) for field in CUSTOMER_FIELDS}
    return {"order_id": row["order_id"], **texts, "search": " ".join(part for part in shown if part)}


def open_customers(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, Customer]:
    """What can be read of each row's sealed customer with the keys that are here; by order id."""
    sealed = {row["order_id"]: msgspec.convert(row["customer"] or {}, dict[str, Sealed]) for row in rows}
    ids = {value.key_id for fields in sealed.values() for value in fields.values()}
    here = keys.keys_here(connection, sorted(ids)) if ids else {}
    return {order_id: _open(order_id, fields, here) for order_id, fields in sealed.items()}


def _open(order_id: str, fields: dict[str, Sealed], here: dict[str, OrderKey]) -> Customer:
    read: dict[str, str | None] = {}
    for field, value in fields.items():
        key = here.get(value.key_id)
        if key is None:
            continue
        try:
            read[field] = getattr(unseal_customer({field: value}, key, order_id), field, None)
        except SealError:
            continue
    return Customer(**{field: text for field, text in read.items() if field in CUSTOMER_FIELDS})
