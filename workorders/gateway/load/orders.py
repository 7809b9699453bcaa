"""Writes the orders of an import, a page at a time: what is new is issued, what differs is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from workorders.gateway.chains import Write
from workorders.gateway.load.reading import Files, LoadReport
from workorders.gateway.load.reference import standing_at
from workorders.gateway.load.staging import PAGE, Staged
from workorders.gateway.rows import OrderRow, build_customer, build_order, planning_changes
from workorders.journal.kinds import OrderChanged, OrderIssued
from workorders.journal.sealing import OrderKey, SealError, new_order_key
from workorders.journal.words import Sealed
from workorders.journal.writer import Draft
from workorders.orders import Customer, WorkOrder, order_plain, seal_customer, unseal_customer
from workorders.store import keys, schema
from workorders.store.bulk import among
from workorders.store.engine import Store


def write_orders(
    connection: Connection, write: Write, files: Files, page: Sequence[Staged[OrderRow]], report: LoadReport
) -> None:
    """Issue or change the orders of a page inside the transaction that `write` belongs to; counts them."""
    wanted = {row.key: _wanted(files, row.value) for row in page}
    known = _known_orders(connection, files.project.id, list(wanted))
    fresh = {mrid: new_order_key() for mrid in wanted if mrid not in known}
    keys.put_order_keys(connection, list(fresh.items()))
    drafts: list[Draft] = []
    for mrid, (order, customer) in wanted.items():
        if mrid in fresh:
            sealed = seal_customer(customer, fresh[mrid], mrid)
            payload = OrderIssued(order=order_plain(order), customer=sealed)
            drafts.append(Draft(payload=payload, order_id=mrid, order_version=order.version))
            report.issued += 1
            continue
        change = _change(connection, known[mrid], order, customer) if files.whole else None
        if change is None:
            report.same += 1
        else:
            drafts.append(Draft(payload=change, order_id=mrid, order_version=change.version))
            report.changed += 1
    if drafts:
        write(drafts)


def _wanted(files: Files, row: OrderRow) -> tuple[WorkOrder, Customer]:
    staging = files.staging
    point = staging.points.get(row.usage_point) if row.usage_point else None
    meter = standing_at(files, point)
    order = build_order(row, files.project, point, meter, staging.tree, files.calendar)
    return order, build_customer(row, point, staging.customers)


@dataclass(frozen=True)
class _Known:
    order_id: str
    version: int
    plain: dict[str, Any]
    customer: dict[str, Any]


_ORDER, _PLAN = schema.work_order, schema.order_plan
_KNOWN = (
    select(_ORDER.c.order_id, _ORDER.c.project, _ORDER.c.version, _PLAN.c.order, _PLAN.c.customer)
    .join(_PLAN, _PLAN.c.order_id == _ORDER.c.order_id)
    .where(among(_ORDER.c.order_id, "orders"))
)


def _known_orders(connection: Connection, project: str, mrids: Sequence[str]) -> dict[str, _Known]:
    return {
        row.order_id: _Known(row.order_id, row.version, row.order, row.customer)
        for row in connection.execute(_KNOWN, {"orders": mrids})
        if row.project == project
    }


def absent_orders(store: Store, files: Files) -> int:
    """How many orders of the project the files do not name."""
    found, after = 0, ""
    while True:
        query = select(_ORDER.c.order_id).where(
            _ORDER.c.project == files.project.id, _ORDER.c.order_id > after
        )
        with store.read() as connection:
            page = connection.execute(query.order_by(_ORDER.c.order_id).limit(PAGE)).scalars().all()
        if not page:
            return found
        found += len(files.staging.missing("orders", page))
        after = page[-1]


def _change(
    connection: Connection, before: _Known, order: WorkOrder, customer: Customer
) -> OrderChanged | None:
    """What the office says differently now; None if nothing."""
    changes = planning_changes(before.plain, order)
    sealed = changed_customer(connection, before.order_id, before.customer, customer)
    if not changes and not sealed:
        return None
    return OrderChanged(version=before.version + 1, changes=changes, customer=sealed)


def changed_customer(
    connection: Connection, order_id: str, before: Mapping[str, Any], customer: Customer
) -> dict[str, Sealed]:
    """Fields of the customer that differ, sealed; nothing where the order's key was erased."""
    sealed = msgspec.convert(dict(before), dict[str, Sealed])
    try:
        key: OrderKey = keys.order_key(connection, order_id)
        known = unseal_customer(sealed, key, order_id)
    except SealError:
        return {}
    differs = {
        name: getattr(customer, name) or ""
        for name in Customer.__struct_fields__
        if (getattr(customer, name) or "") != (getattr(known, name) or "")
    }
    return seal_customer(Customer(**differs), key, order_id) if differs else {}
