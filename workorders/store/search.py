"""The search text of orders: number, supply number, serials, and name and address where their key is here.

A cache, no projection: what is in it depends on which keys are here. On SQLite a trigram index finds any part
of a word (the last digits of a serial, half a street name) among 50,000 orders in milliseconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, column, delete, insert, select, table, text

from workorders.journal.sealing import OrderKey, SealError
from workorders.journal.words import Sealed
from workorders.orders import CUSTOMER_FIELDS, Customer, unseal_fields
from workorders.store import schema
from workorders.store.bulk import among, put_rows

_PLAIN = ("number", "supply_number", "old_serial", "new_serial")
TABLES = (schema.work_order, schema.order_plan)
FOUND_BY = frozenset({*_PLAIN, "customer"})
"""Columns of those tables that a search text is made of."""
_CHUNK = 400
INDEX = (
    "CREATE VIRTUAL TABLE order_search USING fts5("
    'search, tokenize="trigram remove_diacritics 1", detail=full)',
    # A name that is erased must not live on in the index.
    "INSERT INTO order_search (order_search, rank) VALUES ('secure-delete', 1)",
)
"""How the index is made, on SQLite."""


def clear(connection: Connection) -> None:
    """Forget all search texts; they are written anew as orders are folded.

    The index is made anew: emptied, with each word looked up to be overwritten, it costs more than it holds.
    """
    connection.execute(delete(schema.order_text))
    if connection.dialect.name == "sqlite":
        # What lay in the pages that become free is overwritten: a name may be erased later.
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
        connection.execute(text("DROP TABLE order_search"))
        for statement in INDEX:
            connection.execute(text(statement))


def refresh_orders(connection: Connection, order_ids: Sequence[str]) -> None:
    """Write the search text of these orders anew from their projected rows."""
    orders, plan = schema.work_order, schema.order_plan
    for start in range(0, len(order_ids), _CHUNK):
        part = list(order_ids[start : start + _CHUNK])
        columns = (orders.c.order_id, *(orders.c[name] for name in _PLAIN))
        rows = connection.execute(select(*columns).where(orders.c.order_id.in_(part)))
        plans = connection.execute(select(plan).where(plan.c.order_id.in_(part)))
        refresh(connection, part, [dict(row._mapping) for row in rows], [dict(row._mapping) for row in plans])


_TEXTS = select(schema.order_text).where(among(schema.order_text.c.order_id, "orders"))
_FRESH = select(schema.order_text.c.row, schema.order_text.c.search)
_TO_INDEX = insert(table("order_search", column("rowid"), column("search"))).from_select(
    ["rowid", "search"], _FRESH.where(among(schema.order_text.c.order_id, "orders"))
)


def refresh(
    connection: Connection,
    order_ids: Sequence[str],
    rows: Sequence[dict[str, Any]],
    plans: Sequence[dict[str, Any]],
) -> None:
    """Make the search text of `order_ids` that of their `work_order` and `order_plan` rows."""
    texts = schema.order_text
    customers = open_customers(connection, plans)
    wanted = {row["order_id"]: _values(row, customers[row["order_id"]]) for row in rows}
    gone: list[int] = []
    for row in connection.execute(_TEXTS, {"orders": list(order_ids)}):
        values = {name: value for name, value in row._mapping.items() if name != "row"}
        if wanted.get(row.order_id) == values:
            del wanted[row.order_id]
        else:
            gone.append(row.row)
    indexed = connection.dialect.name == "sqlite"
    if gone:
        if indexed:
            rowids = [{"row": row} for row in gone]
            connection.execute(text("DELETE FROM order_search WHERE rowid = :row"), rowids)
        connection.execute(delete(texts).where(texts.c.row.in_(gone)))
    if not wanted:
        return
    put_rows(connection, texts, list(wanted.values()), private=True)
    if indexed:
        connection.execute(_TO_INDEX, {"orders": list(wanted)})


def _values(row: dict[str, Any], customer: Customer) -> dict[str, Any]:
    shown = [row.get(name) for name in _PLAIN] + [customer.name, customer.address]
    texts = {field: getattr(customer, field) for field in CUSTOMER_FIELDS}
    return {"order_id": row["order_id"], **texts, "search": " ".join(part for part in shown if part)}


def open_customers(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, Customer]:
    """What can be read of each row's sealed customer with the keys that are here; by order id."""
    sealed = {
        row["order_id"]: {field: Sealed(**value) for field, value in (row["customer"] or {}).items()}
        for row in rows
    }
    ids = {value.key_id for fields in sealed.values() for value in fields.values()}
    here = keys_here(connection, sorted(ids)) if ids else {}
    return {order_id: _open(order_id, fields, here) for order_id, fields in sealed.items()}


def keys_here(connection: Connection, key_ids: list[str]) -> dict[str, OrderKey]:
    """Those of the named keys that are here and not erased."""
    rows = connection.execute(_KEYS_HERE, {"ids": key_ids})
    return {row.key_id: OrderKey(key_id=row.key_id, key=row.key) for row in rows}


_KEYS_HERE = select(schema.order_key.c.key_id, schema.order_key.c.key).where(
    among(schema.order_key.c.key_id, "ids"),
    schema.order_key.c.key.is_not(None),
    schema.order_key.c.key_id.not_in(select(schema.erased_key.c.key_id)),
)


def _open(order_id: str, fields: dict[str, Sealed], here: dict[str, OrderKey]) -> Customer:
    read: dict[str, str] = {}
    for field, value in fields.items():
        key = here.get(value.key_id)
        if key is not None:
            with contextlib.suppress(SealError):
                read |= unseal_fields({field: value}, key, order_id)
    return Customer(**read)
