"""What the office does with orders, each an entry on the project's chain: issue, change, cancel, reassign,
approve, return, decide.

An act is checked against what the record says now; an act out of turn is refused with the reason. What a crew
did meanwhile without signal is never refused by it: that is the fold's to raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from workorders.gateway.chains import writing
from workorders.gateway.errors import InvalidInput, NotFound, OutOfTurn
from workorders.gateway.load import changed_customer
from workorders.gateway.office import Office
from workorders.gateway.rows import order_mrid
from workorders.gateway.stamps import touch
from workorders.gateway.tables import project as project_table
from workorders.journal.kinds import (
    ExceptionDecided,
    OrderApproved,
    OrderCancelled,
    OrderChanged,
    OrderIssued,
    OrderReassigned,
    OrderReturned,
    Payload,
)
from workorders.journal.said import seal_said
from workorders.journal.sealing import new_order_key
from workorders.journal.words import OrderStatus, Sealed
from workorders.journal.writer import Draft
from workorders.orders import (
    FINAL,
    Customer,
    WorkOrder,
    flags_text,
    order_plain,
    seal_customer,
    split_flags,
)
from workorders.store import keys, schema
from workorders.store.queries import exceptions, missing_blobs

DECISIONS = frozenset({"accepted", "rejected", "rework"})
_EXECUTED = frozenset({OrderStatus.COMPLETED, OrderStatus.NOT_DONE})
FIXED_FIELDS = frozenset({"mrid", "number", "project", "version", "crew", "attempts"})
"""Fields that `change_order` leaves alone: identity, and what has an act of its own."""


class ActDone(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that an act wrote, and how the order stands after it."""

    entry_id: str
    order_id: str | None
    status: str | None
    version: int | None


def issue_order(
    office: Office, order: WorkOrder, customer: Customer | None = None, *, actor: str | None = None
) -> ActDone:
    """Issue a new order. Its id follows from project and number (`mrid` as given is not used).

    Raises:
        NotFound: no such project.
        OutOfTurn: `number_taken`.
    """
    order_id = order_mrid(order.project, order.number)
    plain_flags, personal = split_flags(order.flags)
    order = msgspec.structs.replace(order, mrid=order_id, version=1, flags=plain_flags)
    customer = msgspec.structs.replace(customer or Customer(), flags=flags_text(personal))
    with office.store.read() as connection:
        query = select(project_table.c.project_id).where(project_table.c.project_id == order.project)
        if connection.execute(query).first() is None:
            raise NotFound(f"there is no project {order.project}")
    with writing(office, order.project) as (connection, write):
        if _find(connection, order_id) is not None:
            raise OutOfTurn(f"the order {order.number} exists already", code="number_taken")
        key = new_order_key()
        keys.put_order_key(connection, order_id, key)
        sealed = seal_customer(customer, key, order_id)
        payload = OrderIssued(order=order_plain(order), customer=sealed)
        entry = write([Draft(payload=payload, order_id=order_id, order_version=1, actor=actor)])[0]
        touch(connection)
        return _done(connection, entry.envelope.id, order_id)


def change_order(
    office: Office,
    order_id: str,
    changes: Mapping[str, Any],
    customer: Customer | None = None,
    *,
    actor: str | None = None,
) -> ActDone:
    """Change planning fields of an order, or what is known of its customer.

    Raises:
        NotFound, OutOfTurn (`order_over`); InvalidInput: a field that does not exist or is not changed so.
    """
    unknown = changes.keys() - (set(WorkOrder.__struct_fields__) - FIXED_FIELDS)
    if unknown:
        raise InvalidInput(f"not to be changed this way: {', '.join(sorted(unknown))}")

    plain: dict[str, Any] = dict(changes)
    if "flags" in changes:
        try:
            flags = msgspec.convert(changes["flags"], list[str])
        except msgspec.ValidationError as error:
            raise InvalidInput(str(error)) from None
        plain["flags"], personal = split_flags(flags)
        customer = msgspec.structs.replace(customer or Customer(), flags=flags_text(personal))
    elif customer is not None:
        customer = msgspec.structs.replace(customer, flags=None)

    def decide(connection: Connection, row: Row[Any]) -> Payload:
        _still_open(row)
        plan = schema.order_plan
        query = select(plan.c.order, plan.c.customer).where(plan.c.order_id == order_id)
        planned = connection.execute(query).first()
        if planned is None:
            raise NotFound(f"the order {order_id} was never issued")
        try:
            msgspec.convert({**planned.order, **plain}, WorkOrder)
        except msgspec.ValidationError as error:
            raise InvalidInput(str(error)) from None
        known = customer and {name for name in Customer.__struct_fields__ if getattr(customer, name)}
        sealed = {}
        if customer is not None and known:
            differs = changed_customer(connection, order_id, planned.customer, customer)
            sealed = {name: value for name, value in differs.items() if name in known}
        if not changes and not sealed:
            raise InvalidInput("nothing is changed by this")
        return OrderChanged(version=row.version + 1, changes=plain, customer=sealed)

    return _act(office, order_id, decide, actor, touches=True)


def cancel_order(office: Office, order_id: str, reason: str, *, actor: str | None = None) -> ActDone:
    """Withdraw an order.

    Raises:
        NotFound, OutOfTurn (`order_over`).
    """
    said = _said(reason)

    def decide(connection: Connection, row: Row[Any]) -> Payload:
        _still_open(row)
        return OrderCancelled(version=row.version + 1, reason=_sealed(connection, order_id, said))

    return _act(office, order_id, decide, actor)


def reassign_order(office: Office, order_id: str, crew: str, *, actor: str | None = None) -> ActDone:
    """Give an order to another crew.

    Raises:
        NotFound, OutOfTurn (`order_over`, `same_crew`); InvalidInput: the project has no such crew.
    """

    def decide(connection: Connection, row: Row[Any]) -> Payload:
        _still_open(row)
        if row.crew == crew:
            raise OutOfTurn(f"the order is with {crew} already", code="same_crew")
        check_crew(connection, row.project, crew)
        return OrderReassigned(version=row.version + 1, crew=crew)

    return _act(office, order_id, decide, actor, touches=True)


def approve_order(
    office: Office, order_id: str, remark: str | None = None, *, actor: str | None = None
) -> ActDone:
    """Accept the record of an executed order; the order is closed.

    Raises:
        NotFound; OutOfTurn: `not_executed`, `record_incomplete` (files are still on the tablet),
            `exceptions_open` (decide them first: a wrong record must not be closed unnoticed).
    """

    def decide(connection: Connection, row: Row[Any]) -> Payload:
        _executed(row)
        missing = missing_blobs(connection, order_id)
        if missing:
            raise OutOfTurn(f"{len(missing)} files of the record are not here yet", code="record_incomplete")
        waiting = exceptions(connection, order_id=order_id)
        if waiting:
            kinds = ", ".join(sorted({item.kind for item in waiting}))
            raise OutOfTurn(f"to be decided first: {kinds}", code="exceptions_open")
        said = remark.strip() if remark else ""
        return OrderApproved(
            record_hash=row.record_hash, remark=_sealed(connection, order_id, said) if said else None
        )

    return _act(office, order_id, decide, actor)


def return_order(office: Office, order_id: str, reason: str, *, actor: str | None = None) -> ActDone:
    """Send an executed order back to its crew for rework.

    Raises:
        NotFound; OutOfTurn: `not_executed`.
    """
    said = _said(reason)

    def decide(connection: Connection, row: Row[Any]) -> Payload:
        _executed(row)
        return OrderReturned(version=row.version + 1, reason=_sealed(connection, order_id, said))

    return _act(office, order_id, decide, actor, touches=True)


def decide_exception(
    office: Office, exception_id: str, decision: str, reason: str, *, actor: str | None = None
) -> ActDone:
    """Decide an exception: `accepted`, `rejected`, or `rework` (which also returns the order).

    Raises:
        NotFound; OutOfTurn (`decided_already`); InvalidInput: another decision, no reason.
    """
    if decision not in DECISIONS:
        raise InvalidInput(f"a decision is one of {', '.join(sorted(DECISIONS))}")
    said = _said(reason)
    with office.store.read() as connection:
        row = _undecided(connection, exception_id)
        order = _find(connection, row.order_id) if row.order_id else None
        project = row.project or (order.project if order is not None else None) or _any_project(connection)
    with writing(office, project) as (connection, write):
        row = _undecided(connection, exception_id)
        why = _sealed(connection, row.order_id or exception_id, said)
        payload = ExceptionDecided(exception_id=exception_id, decision=decision, reason=why)
        drafts = [Draft(payload=payload, order_id=row.order_id, actor=actor)]
        order = _find(connection, row.order_id) if row.order_id else None
        if decision == "rework" and order is not None and order.status in _EXECUTED:
            drafts.append(_draft(OrderReturned(version=order.version + 1, reason=why), order, actor))
        entry = write(drafts)[0]
        touch(connection)
        return _done(connection, entry.envelope.id, row.order_id)


# --- beneath ------------------------------------------------------------------------------------


def check_crew(connection: Connection, project: str, crew: str) -> None:
    """Raise InvalidInput unless the project has this crew, where it names any."""
    crews = crews_of(connection, project)
    if crews and crew not in crews:
        raise InvalidInput(f"the project has no crew {crew}", code="unknown_crew")


def crews_of(connection: Connection, project: str) -> dict[str, str]:
    """Names of a project's crews, by id.

    Raises:
        NotFound: no such project.
    """
    query = select(project_table.c.data).where(project_table.c.project_id == project)
    data = connection.execute(query).scalar()
    if data is None:
        raise NotFound(f"there is no project {project}")
    return {str(item["id"]): str(item.get("name") or item["id"]) for item in data.get("crew", [])}


def _said(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput("a reason is needed")
    return reason.strip()


def _sealed(connection: Connection, scope: str, text: str) -> Sealed:
    """What somebody says about an order, as the record may hold it."""
    return seal_said(keys.sealing_key(connection, scope), text, scope)


def _find(connection: Connection, order_id: str) -> Row[Any] | None:
    table = schema.work_order
    return connection.execute(select(table).where(table.c.order_id == order_id)).first()


def _require(connection: Connection, order_id: str) -> Row[Any]:
    row = _find(connection, order_id)
    if row is None or row.project is None:
        raise NotFound(f"there is no order {order_id}")
    return row


def _still_open(row: Row[Any]) -> None:
    if row.status in FINAL:
        raise OutOfTurn(f"the order is {row.status}", code="order_over")


def _executed(row: Row[Any]) -> None:
    if row.status not in _EXECUTED:
        raise OutOfTurn(f"the order is {row.status}, not executed", code="not_executed")


def _undecided(connection: Connection, exception_id: str) -> Row[Any]:
    table, decided = schema.exception, schema.decision
    row = connection.execute(select(table).where(table.c.exception_id == exception_id)).first()
    if row is None:
        raise NotFound(f"there is no exception {exception_id}")
    query = select(decided.c.decision).where(decided.c.exception_id == exception_id)
    if connection.execute(query).first() is not None:
        raise OutOfTurn("this was decided already", code="decided_already")
    return row


def _any_project(connection: Connection) -> str:
    found = connection.execute(select(project_table.c.project_id).limit(1)).scalar()
    if found is None:
        raise NotFound("no project is loaded")
    return str(found)


def _draft(payload: Payload, row: Row[Any], actor: str | None) -> Draft:
    return Draft(payload=payload, order_id=row.order_id, order_version=row.version, actor=actor)


def _act(
    office: Office,
    order_id: str,
    decide: Callable[[Connection, Row[Any]], Payload],
    actor: str | None,
    *,
    touches: bool = False,
) -> ActDone:
    """Write what `decide` makes of the order as it stands under the write lock: nothing comes between."""
    with office.store.read() as connection:
        project = _require(connection, order_id).project
    with writing(office, project) as (connection, write):
        row = _require(connection, order_id)
        entry = write([_draft(decide(connection, row), row, actor)])[0]
        if touches:
            touch(connection)
        return _done(connection, entry.envelope.id, row.order_id)


def _done(connection: Connection, entry_id: str, order_id: str | None) -> ActDone:
    row = _find(connection, order_id) if order_id is not None else None
    return ActDone(
        entry_id=entry_id,
        order_id=order_id,
        status=row.status if row is not None else None,
        version=row.version if row is not None else None,
    )
