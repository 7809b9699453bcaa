"""Changes from other systems become office entries: planned first, so that they can be shown, then taken.

A change is taken in one transaction with its key, so a message that comes again changes nothing. What a
message does not say stays as the office knows it; a supply point that the project knows fills in
the rest, but for the customer and the address: the office keeps those only sealed, in orders.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from workorders.gateway.chains import writing
from workorders.gateway.errors import NotFound
from workorders.gateway.links.ledger import fault
from workorders.gateway.load import changed_customer
from workorders.gateway.office import Office
from workorders.gateway.rows import (
    COLLECTORS,
    Calendar,
    OrderRow,
    ProjectFile,
    Tree,
    UsagePointRow,
    build_order,
    order_mrid,
    planning_changes,
)
from workorders.gateway.stamps import touch
from workorders.gateway.tables import mwm_inbox, mwm_order, usage_point
from workorders.gateway.tables import project as project_table
from workorders.journal.entry import EntryError
from workorders.journal.kinds import OrderCancelled, OrderChanged, OrderIssued, Payload
from workorders.journal.said import seal_said
from workorders.journal.sealing import new_order_key
from workorders.journal.words import OrderStatus
from workorders.journal.writer import Draft
from workorders.mwm.port import Change, ForeignOrder, Outcome, Verb
from workorders.mwm.tables import Moment
from workorders.network import Node, StandingMeter
from workorders.orders import (
    FINAL,
    Customer,
    Name,
    NewAsset,
    OldAsset,
    WorkOrder,
    flags_text,
    order_plain,
    read_order,
    seal_customer,
    split_flags,
)
from workorders.store import keys, schema
from workorders.store.errors import translate

_log = logging.getLogger(__name__)


class _Refusal(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Planned(msgspec.Struct, frozen=True):
    """What a change would do; `payload` None: nothing."""

    outcome: Outcome
    order_id: str | None = None
    payload: Payload | None = None
    customer: Customer | None = None


def project_of(connection: Connection, project: str) -> ProjectFile:
    """A project's settings as it was loaded.

    Raises:
        NotFound
    """
    query = select(project_table.c.data).where(project_table.c.project_id == project)
    data = connection.execute(query).scalar()
    if data is None:
        raise NotFound(f"there is no project {project}")
    return msgspec.convert(data, ProjectFile)


def preview(office: Office, project: str, link: str, changes: Iterable[Change]) -> list[Outcome]:
    """What these changes would do, one by one, without doing it."""
    with office.store.read() as connection:
        settings = project_of(connection, project)
        return [_plan(connection, settings, link, change).outcome for change in changes]


def take(
    office: Office,
    project: str,
    link: str,
    changes: Sequence[Change],
    *,
    actor: str | None = None,
    remember: bool = True,
) -> list[Outcome]:
    """Take changes in their order, in one transaction; what cannot be taken is kept with its original.

    Without `remember` only orders are written: a sheet comes with its own report, and comes again as a whole.

    Raises:
        NotFound: no such project.
    """
    with office.store.read() as connection:
        project_of(connection, project)  # before a chain is begun for a project that is none
    with writing(office, project) as (connection, write):
        settings = project_of(connection, project)
        outcomes: list[Outcome] = []
        for change in changes:
            try:
                with connection.begin_nested():
                    planned = _plan(connection, settings, link, change)
                    if planned.payload is not None and planned.order_id is not None:
                        write([_draft(connection, planned, change, actor)])
            except Exception as error:
                if translate(error) is not None:
                    raise  # the disk or the database, not this change
                planned = _unfit(change, error)
            if remember:
                _note(connection, office, link, change, planned)
            outcomes.append(planned.outcome)
        if any(outcome.what in {"issued", "changed", "cancelled"} for outcome in outcomes):
            touch(connection)
    return outcomes


def _unfit(change: Change, error: Exception) -> Planned:
    """A change that no entry can be made of must not hold up those behind it."""
    _log.error("a change cannot be taken in: %s", fault(error))
    code = error.code if isinstance(error, EntryError) else "unfit"
    number = change.order.number if change.order else None
    message = f"this office cannot take it in ({type(error).__name__})"
    return Planned(Outcome(key=change.key, what="refused", number=number, code=code, message=message))


def _draft(connection: Connection, planned: Planned, change: Change, actor: str | None) -> Draft:
    order_id, payload = planned.order_id or "", planned.payload
    version = 1
    if isinstance(payload, OrderIssued):
        key = new_order_key()
        keys.put_order_key(connection, order_id, key)
        sealed = seal_customer(planned.customer or Customer(), key, order_id)
        payload = msgspec.structs.replace(payload, customer=sealed)
    elif isinstance(payload, OrderCancelled):
        said = seal_said(keys.sealing_key(connection, order_id), change.reason or "MWM", order_id)
        payload = msgspec.structs.replace(payload, reason=said)
        version = payload.version
    elif isinstance(payload, OrderChanged):
        version = payload.version
    if payload is None:
        raise ValueError("nothing to write")
    return Draft(payload=payload, order_id=order_id, order_version=version, actor=actor)


def _note(connection: Connection, office: Office, link: str, change: Change, planned: Planned) -> None:
    outcome = planned.outcome
    if outcome.what == "repeated":
        return
    table, dead = mwm_inbox, outcome.what == "refused"
    where = (table.c.link == link) & (table.c.key == change.key)
    before = connection.execute(select(table.c.attempts).where(where)).scalar() or 0
    connection.execute(delete(table).where(where))
    values = {
        "link": link, "key": change.key, "state": "dead" if dead else "taken", "number": outcome.number,
        "code": outcome.code, "reason": outcome.message, "attempts": before + 1, "at": office.time(),
        "original": change.original if dead else None,
    }  # fmt: skip
    connection.execute(insert(table), values)
    if dead or planned.order_id is None or outcome.what == "superseded":
        return
    orders = mwm_order
    same = (orders.c.link == link) & (orders.c.order_id == planned.order_id)
    known = {"number": outcome.number, "foreign_id": change.foreign_id, "as_of": change.as_of}
    said = {name: value for name, value in known.items() if value is not None}
    if not said or connection.execute(update(orders).where(same).values(said)).rowcount == 0:
        connection.execute(insert(orders), known | {"link": link, "order_id": planned.order_id})


def _plan(connection: Connection, project: ProjectFile, link: str, change: Change) -> Planned:
    number = change.order.number if change.order else None
    inbox = mwm_inbox
    query = select(inbox.c.state).where(inbox.c.link == link, inbox.c.key == change.key)
    if connection.execute(query).scalar() == "taken":
        return Planned(Outcome(key=change.key, what="repeated", number=number))
    try:
        if change.order is None:
            raise _Refusal(change.code or "unreadable", change.problem or "this cannot be read")
        return _plan_order(connection, project, link, change, change.order)
    except _Refusal as refusal:
        outcome = Outcome(
            key=change.key, what="refused", number=number, code=refusal.code, message=str(refusal)
        )
        return Planned(outcome)


def _plan_order(
    connection: Connection, project: ProjectFile, link: str, change: Change, said: ForeignOrder
) -> Planned:
    order_id = order_mrid(project.id, said.number)
    if _older(connection, link, order_id, change.as_of):
        return Planned(Outcome(key=change.key, what="superseded", number=said.number), order_id)
    table, plan = schema.work_order, schema.order_plan
    query = (
        select(table.c.version, table.c.status, plan.c.order, plan.c.customer)
        .join(plan, plan.c.order_id == table.c.order_id)
        .where(table.c.order_id == order_id)
    )
    known = connection.execute(query).first()
    if change.verb is Verb.CANCEL:
        return _plan_cancel(change, said, order_id, known)
    if known is None:
        return _plan_new(connection, project, change, said, order_id)
    before = read_order(known.order)
    after = _merged(project, before, said)
    changes = planning_changes(known.order, after)
    customer = _customer(said, None)
    told = {name for name in Customer.__struct_fields__ if getattr(customer, name)}
    differs = changed_customer(connection, order_id, known.customer, customer) if told else {}
    sealed = {name: value for name, value in differs.items() if name in told}
    names = sorted({*changes, *(f"customer.{name}" for name in sealed)})
    if names and known.status in FINAL:
        raise _Refusal("order_over", f"the order {said.number} is {known.status} already")
    outcome = Outcome(key=change.key, what="changed" if names else "same", number=said.number, changes=names)
    payload = OrderChanged(version=known.version + 1, changes=changes, customer=sealed) if names else None
    return Planned(outcome, order_id, payload)


def _older(connection: Connection, link: str, order_id: str, as_of: str | None) -> bool:
    table = mwm_order
    query = select(table.c.as_of).where(table.c.link == link, table.c.order_id == order_id)
    newest = connection.execute(query).scalar()
    return as_of is not None and newest is not None and as_of < newest


def _plan_cancel(change: Change, said: ForeignOrder, order_id: str, known: Any) -> Planned:
    if known is None:
        raise _Refusal("unknown_order", f"there is no order {said.number} to cancel")
    if known.status == OrderStatus.CANCELLED:
        return Planned(Outcome(key=change.key, what="same", number=said.number), order_id)
    if known.status in FINAL:
        raise _Refusal("order_over", f"the order {said.number} is {known.status} already")
    outcome = Outcome(key=change.key, what="cancelled", number=said.number)
    return Planned(outcome, order_id, OrderCancelled(version=known.version + 1, reason=""))


def _plan_new(
    connection: Connection, project: ProjectFile, change: Change, said: ForeignOrder, order_id: str
) -> Planned:
    if said.kind is None:
        raise _Refusal("no_kind", f"the order {said.number} does not say what is to be done")
    point = _point(connection, project.id, said)
    if point is None and said.supply_number is None and said.usage_point is None:
        raise _Refusal("no_usage_point", f"the order {said.number} names no supply point")
    meter = _standing(connection, point.mrid if point else said.usage_point)
    tree = _tree(connection, meter.place if meter else None, point, said.transformer)
    row = _row(said, meter)
    order = build_order(row, project, point, meter, tree, Calendar(ZoneInfo(project.time_zone)))
    order = _merged(project, order, said)
    order = msgspec.structs.replace(order, mrid=order_id, version=1)
    outcome = Outcome(key=change.key, what="issued", number=said.number)
    return Planned(
        outcome, order_id, OrderIssued(order=order_plain(order)), _customer(said, said.flags or [])
    )


def _row(said: ForeignOrder, meter: StandingMeter | None) -> OrderRow:
    """The row that the utility's own list would hold."""
    old = said.old_serial or (meter.serial if meter and said.kind != "install" else None)
    try:
        return msgspec.convert(
            {"number": said.number, "kind": said.kind} | ({"old_serial": old} if old else {}), OrderRow
        )
    except msgspec.ValidationError as error:
        raise _Refusal("bad_value", str(error)) from None


def _merged(project: ProjectFile, before: WorkOrder, said: ForeignOrder) -> WorkOrder:
    """The order with what is said now over what was known."""
    crews = {crew.id for crew in project.crew}
    if said.crew is not None and crews and said.crew not in crews:
        raise _Refusal("unknown_crew", f"the project has no crew {said.crew}")
    plain: dict[str, Any] = order_plain(before)
    for name in (
        "kind", "crew", "priority", "usage_point", "supply_number", "procedure", "program", "tariff",
        "contracted_power",
    ):  # fmt: skip
        if getattr(said, name) is not None:
            plain[name] = getattr(said, name)
    for name in ("scheduled_start", "scheduled_end", "due"):
        if getattr(said, name) is not None:
            plain[name] = _utc(project, name, getattr(said, name))
    if said.flags is not None:
        plain["flags"] = split_flags(said.flags)[0]
    if said.values is not None:
        plain["program_values"] = said.values
    place = {"transformer": said.transformer, "phase": said.phase}
    plain["place"] = plain.get("place", {}) | {name: value for name, value in place.items() if value}
    plain["old_asset"] = _old(before.old_asset, said)
    plain["new_asset"] = _new(before.new_asset, said)
    if not before.names:
        plain["names"] = msgspec.to_builtins([Name(authority=project.utility, name=said.number)])
    try:
        return read_order({name: value for name, value in plain.items() if value is not None})
    except msgspec.ValidationError as error:
        raise _Refusal("bad_value", str(error)) from None


def _old(before: OldAsset | None, said: ForeignOrder) -> dict[str, Any] | None:
    told = {
        "serial": said.old_serial,
        "model": said.old_model,
        "last_reading": said.last_reading,
        "last_reading_date": said.last_reading_date,
    }
    told = {name: value for name, value in told.items() if value is not None}
    same = before is not None and told.get("serial", before.serial) == before.serial
    kept: dict[str, Any] = msgspec.to_builtins(before) if before is not None and same else {}
    found = kept | told
    return found if "serial" in found else None


def _new(before: NewAsset | None, said: ForeignOrder) -> dict[str, Any] | None:
    kept: dict[str, Any] = msgspec.to_builtins(before) if before is not None else {}
    told = {"serial": said.new_serial, "model": said.new_model}
    return (kept | {name: value for name, value in told.items() if value is not None}) or None


def _utc(project: ProjectFile, name: str, text: str) -> str | None:
    try:
        return Calendar(ZoneInfo(project.time_zone)).utc(Moment(datetime.fromisoformat(text)))
    except (ValueError, OverflowError):
        raise _Refusal("bad_value", f"{name}: {text!r} is no time") from None


def _customer(said: ForeignOrder, flags: list[str] | None) -> Customer:
    """What is said of the customer; the flags of a new order stand there always, of a change where said."""
    told = said.flags if said.flags is not None else flags
    position = f"{said.latitude},{said.longitude}" if said.latitude and said.longitude else None
    return Customer(
        name=said.customer_name,
        document=said.customer_document,
        phone=said.customer_phone,
        address=said.address,
        position=position,
        notes=said.notes,
        flags=None if told is None else flags_text(split_flags(told)[1]),
    )


def _point(connection: Connection, project: str, said: ForeignOrder) -> UsagePointRow | None:
    if said.usage_point is None:
        return None
    table = usage_point
    query = select(table.c.data).where(table.c.mrid == said.usage_point, table.c.project == project)
    data = connection.execute(query).scalar()
    if data is not None:
        return msgspec.convert(data, UsagePointRow)
    try:
        return msgspec.convert(
            {"mrid": said.usage_point, "number": said.supply_number or said.usage_point}, UsagePointRow
        )
    except msgspec.ValidationError as error:
        raise _Refusal("bad_value", f"usage point: {error}") from None


def _standing(connection: Connection, point: str | None) -> StandingMeter | None:
    table = schema.base_placement
    if point is None:
        return None
    row = connection.execute(select(table).where(table.c.usage_point == point)).first()
    if row is None:
        return None
    return StandingMeter(**{name: getattr(row, name) for name in StandingMeter.__struct_fields__})


def _tree(
    connection: Connection, place: str | None, point: UsagePointRow | None, transformer: str | None
) -> Tree:
    """The part of the network above a place: its ancestors and the collectors that hang on them."""
    table = schema.network_node
    known = place or (point and (point.panel or point.transformer or point.feeder)) or transformer
    path = connection.execute(select(table.c.path).where(table.c.mrid == known)).scalar() if known else None
    if path is None:
        return Tree.of(())
    above = [part for part in path.split("/") if part]
    collectors = table.c.parent.in_(above) & table.c.kind.in_(COLLECTORS)
    rows = connection.execute(select(table).where(table.c.mrid.in_(above) | collectors))
    return Tree.of(Node(**{name: getattr(row, name) for name in Node.__struct_fields__}) for row in rows)
