"""The search text of orders: number, supply number, serials, and name and address where their key is here.

A cache, no projection: what is in it depends on which keys are here. On SQLite a trigram index finds any part
of a word (the last digits of a serial, half a street name) among 50,000 orders in milliseconds. A text whose
customer waits for a key is kept out of the index (`order_text_waiting`) and looked through instead: the key
comes a moment after the order, and taking a text out of the index costs many times what putting it in does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, column, delete, insert, select, table, text

from workorders.journal.sealing import OrderKey, SealError
from workorders.journal.words import Sealed
from workorders.orders import CUSTOMER_FIELDS, Customer, unseal_fields
from workorders.store import schema
from workorders.store.asking import ask
from workorders.store.bulk import among, put_rows, take_away
from workorders.store.replacing import insertion

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
        connection.execute(delete(schema.order_text_waiting))
        connection.execute(text("DROP TABLE order_search"))
        for statement in INDEX:
            connection.execute(text(statement))


def refresh_orders(connection: Connection, order_ids: Sequence[str]) -> None:
    """Write the search text of these orders anew from their projected rows."""
    for start in range(0, len(order_ids), _CHUNK):
        part = list(order_ids[start : start + _CHUNK])
        rows = connection.execute(_ROWS, {"orders": part})
        plans = connection.execute(_PLANS, {"orders": part})
        refresh(connection, part, [dict(row._mapping) for row in rows], [dict(row._mapping) for row in plans])


_ORDER, _PLAN = schema.work_order.c, schema.order_plan.c
_ROWS = select(_ORDER.order_id, *(_ORDER[name] for name in _PLAIN)).where(among(_ORDER.order_id, "orders"))
_PLANS = select(schema.order_plan).where(among(_PLAN.order_id, "orders"))
TEXTS = select(schema.order_text).where(among(schema.order_text.c.order_id, "orders"))
_NAMED = among(schema.order_text.c.order_id, "orders")
_TO_INDEX = insert(table("order_search", column("rowid"), column("search"))).from_select(
    ["rowid", "search"], select(schema.order_text.c.row, schema.order_text.c.search).where(_NAMED)
)
_TO_WAIT = insert(schema.order_text_waiting).from_select(
    ["row"], select(schema.order_text.c.row).where(_NAMED)
)
_WAITING = select(schema.order_text_waiting.c.row).where(among(schema.order_text_waiting.c.row, "rows"))


def refresh(
    connection: Connection,
    order_ids: Sequence[str],
    rows: Sequence[dict[str, Any]],
    plans: Sequence[dict[str, Any]],
    texts: Sequence[Row[Any]] | None = None,
) -> None:
    """Make the search text of `order_ids` that of their `work_order` and `order_plan` rows.

    Args:
        texts: what `TEXTS` gives of these orders, where that was asked already.
    """
    sealed = _sealed(plans)
    here = _keys_of(connection, sealed)
    wanted = {}
    for row in rows:
        order_id = row["order_id"]
        wanted[order_id] = _values(row, _open(order_id, sealed[order_id], here))
    gone: list[int] = []
    if texts is None:
        texts = connection.execute(TEXTS, {"orders": list(order_ids)}).all()
    for known in texts:
        values = {name: value for name, value in known._mapping.items() if name != "row"}
        if wanted.get(known.order_id) == values:
            del wanted[known.order_id]
        else:
            gone.append(known.row)
    over = insertion(connection, schema.order_text, list(wanted.values()), over="order_id")
    if over is not None and len(gone) <= len(wanted):
        ask(connection, over)
        return
    _take_away(connection, gone)
    if wanted:
        put_rows(connection, schema.order_text, list(wanted.values()), private=True)
        if connection.dialect.name == "sqlite":
            wait = _waiting(connection, {order_id: sealed[order_id] for order_id in wanted}, here)
            connection.execute(_TO_INDEX, {"orders": [each for each in wanted if each not in wait]})
            connection.execute(_TO_WAIT, {"orders": sorted(wait)})


def _take_away(connection: Connection, rows: Sequence[int]) -> None:
    texts, waiting = schema.order_text, schema.order_text_waiting
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        never = set(connection.execute(_WAITING, {"rows": rows}).scalars())
        indexed = [{"row": row} for row in rows if row not in never]
        if indexed:
            connection.execute(text("DELETE FROM order_search WHERE rowid = :row"), indexed)
        take_away(connection, [(waiting.c.row, "rows")], rows=sorted(never))
    take_away(connection, [(texts.c.row, "rows")], rows=rows)


def _waiting(
    connection: Connection, sealed: Mapping[str, dict[str, Sealed]], here: Mapping[str, OrderKey]
) -> set[str]:
    """Orders whose customer has keys, none of which is here, and that are not erased for good."""
    closed = {
        order_id: {value.key_id for value in fields.values()}
        for order_id, fields in sealed.items()
        if fields and not any(value.key_id in here for value in fields.values())
    }
    ids = sorted(set().union(*closed.values()))
    erased = set(connection.execute(_ERASED, {"ids": ids}).scalars()) if ids else set()
    return {order_id for order_id, theirs in closed.items() if not theirs <= erased}


def _values(row: dict[str, Any], customer: Customer) -> dict[str, Any]:
    shown = [row.get(name) for name in _PLAIN] + [customer.name, customer.address]
    texts = {field: getattr(customer, field) for field in CUSTOMER_FIELDS}
    return {"order_id": row["order_id"], **texts, "search": " ".join(part for part in shown if part)}


def open_customers(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, Customer]:
    """What can be read of each row's sealed customer with the keys that are here; by order id."""
    sealed = _sealed(rows)
    here = _keys_of(connection, sealed)
    return {order_id: _open(order_id, fields, here) for order_id, fields in sealed.items()}


def _sealed(plans: Sequence[dict[str, Any]]) -> dict[str, dict[str, Sealed]]:
    return {
        plan["order_id"]: {field: Sealed(**value) for field, value in (plan["customer"] or {}).items()}
        for plan in plans
    }


def _keys_of(connection: Connection, sealed: Mapping[str, dict[str, Sealed]]) -> dict[str, OrderKey]:
    ids = {value.key_id for fields in sealed.values() for value in fields.values()}
    return keys_here(connection, sorted(ids)) if ids else {}


def keys_here(connection: Connection, key_ids: list[str]) -> dict[str, OrderKey]:
    """Those of the named keys that are here and not erased."""
    rows = connection.execute(_KEYS_HERE, {"ids": key_ids})
    return {row.key_id: OrderKey(key_id=row.key_id, key=row.key) for row in rows}


_KEYS_HERE = select(schema.order_key.c.key_id, schema.order_key.c.key).where(
    among(schema.order_key.c.key_id, "ids"),
    schema.order_key.c.key.is_not(None),
    schema.order_key.c.key_id.not_in(select(schema.erased_key.c.key_id)),
)


_ERASED = select(schema.erased_key.c.key_id).where(among(schema.erased_key.c.key_id, "ids"))


def _open(order_id: str, fields: dict[str, Sealed], here: dict[str, OrderKey]) -> Customer:
    read: dict[str, str] = {}
    ids = {value.key_id for value in fields.values()}
    if len(ids) == 1:
        # As nearly always; where one does not open, the others may.
        with contextlib.suppress(SealError, KeyError):
            return Customer(**unseal_fields(fields, here[ids.pop()], order_id))
    for field, value in fields.items():
        key = here.get(value.key_id)
        if key is not None:
            with contextlib.suppress(SealError):
                read |= unseal_fields({field: value}, key, order_id)
    return Customer(**read)
