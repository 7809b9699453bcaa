"""Work orders in the terms of IEC 61968-6: the plain part, the customer's sealed part, the status machine.

What the office says about an order is `WorkOrder`; what came of it is folded from entries
(`workorders.store.projection`). The office owns planning, the crew owns evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from workorders.journal.sealing import OrderKey, field_context, seal_text, unseal_texts
from workorders.journal.words import OrderStatus, Sealed, TaskKind

__all__ = [
    "Customer",
    "Name",
    "NewAsset",
    "OldAsset",
    "OrderStatus",
    "Place",
    "TaskKind",
    "WorkOrder",
]


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """How another system calls the object (CIM IdentifiedObject.Names)."""

    authority: str
    name: str


class OldAsset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The meter that stands there, as the utility knows it. Readings are decimal text in kWh (or m³)."""

    serial: str
    model: str | None = None
    last_reading: str | None = None
    last_reading_date: str | None = None
    usual_daily_use: str | None = None


class NewAsset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The meter to install; `serial` only where the office chose the very device."""

    model: str | None = None
    serial: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where in the network tree; mRIDs of nodes, `slot` a number on the panel."""

    substation: str | None = None
    feeder: str | None = None
    transformer: str | None = None
    output: str | None = None
    concentrator: str | None = None
    panel: str | None = None
    slot: int | None = None
    phase: str | None = None


class WorkOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as the office issues it; no personal data.

    Attributes:
        mrid: the order's id everywhere in the record (`order_id` of entries).
        number: what people call it.
        version: counts what the office changed; an entry names the version its author was looking at.
        scheduled_start, scheduled_end, due: UTC, `workorders.clock.utc_text`.
        usage_point: mRID of the supply point; `supply_number` is what the utility prints on the bill.
        program_values: values for the program's variables, by name.
        flags: `dog`, … (a flag never weakens a safety step); `generator`, `solar`, `self_consumption` or
            `no_generation` tell the wiring check whether power may flow back; those of `PERSONAL_FLAGS` are
            sealed with the customer and come back here when the order is read with its key.
    """

    mrid: str
    number: str
    project: str
    kind: TaskKind
    version: int = 1
    names: list[Name] = []
    crew: str | None = None
    priority: int = 0
    scheduled_start: str | None = None
    scheduled_end: str | None = None
    due: str | None = None
    usage_point: str | None = None
    usage_point_kind: str | None = None
    supply_number: str | None = None
    old_asset: OldAsset | None = None
    new_asset: NewAsset | None = None
    technology: str | None = None
    procedure: str | None = None
    program: str | None = None
    program_values: dict[str, str] = {}
    place: Place = Place()
    tariff: str | None = None
    contracted_power: str | None = None
    flags: list[str] = []
    attempts: int = 0


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who lives there; stands in entries only sealed, field by field. `position` is `lat,lon` in degrees.

    `flags`: see `flags_text`.
    """

    name: str | None = None
    document: str | None = None
    phone: str | None = None
    address: str | None = None
    position: str | None = None
    notes: str | None = None
    flags: str | None = None


PERSONAL_FLAGS = frozenset({"medical_dependency"})
"""Flags that say something about a person's health or life: only sealed."""
_FLAGS_WIDTH = 64


def split_flags(flags: Iterable[str]) -> tuple[list[str], list[str]]:
    """Flags that may stand in clear, and personal ones."""
    found = list(flags)
    return [f for f in found if f not in PERSONAL_FLAGS], [f for f in found if f in PERSONAL_FLAGS]


def flags_text(personal: Iterable[str]) -> str:
    """Personal flags as `Customer.flags`: of one length always, so that the ciphertext tells nothing."""
    return "|".join(personal).ljust(_FLAGS_WIDTH)


def read_flags(text: str | None) -> list[str]:
    """The inverse of `flags_text`."""
    return [flag for flag in (text or "").strip().split("|") if flag]


CUSTOMER_FIELDS = Customer.__struct_fields__


def order_plain(order: WorkOrder) -> dict[str, Any]:
    """The order as the payload of `order.issued` carries it."""
    plain: dict[str, Any] = msgspec.to_builtins(order)
    return plain


def read_order(plain: Mapping[str, Any]) -> WorkOrder:
    """The inverse of `order_plain`.

    Raises:
        msgspec.ValidationError: not an order; names the field.
    """
    return msgspec.convert(dict(plain), WorkOrder)


def planned(order_id: str, plain: Mapping[str, Any]) -> WorkOrder:
    """An order as far as it is known: the issuing entry may still be on its way.

    Raises:
        msgspec.ValidationError: a field that is there is not as it must be; names it.
    """
    unknown = {"number": "", "project": "", "kind": str(TaskKind.EXCHANGE)}
    return msgspec.convert({**unknown, **plain, "mrid": order_id}, WorkOrder)


def seal_customer(customer: Customer, key: OrderKey, order_id: str) -> dict[str, Sealed]:
    """Seal each field that is there, bound to this order (`<order_id>/customer.<field>`)."""
    return {
        field: seal_text(key, text, field_context(order_id, f"customer.{field}"))
        for field in CUSTOMER_FIELDS
        if (text := getattr(customer, field)) is not None
    }


def unseal_customer(sealed: Mapping[str, Sealed], key: OrderKey, order_id: str) -> Customer:
    """Open what `seal_customer` sealed; fields of a newer program are left alone.

    Raises:
        SealError: another key, another order or changed bytes.
    """
    return Customer(**unseal_fields(sealed, key, order_id))


def unseal_fields(sealed: Mapping[str, Sealed], key: OrderKey, order_id: str) -> dict[str, str]:
    """As `unseal_customer`: the fields alone."""
    named = {
        field: (value, field_context(order_id, f"customer.{field}"))
        for field, value in sealed.items()
        if field in CUSTOMER_FIELDS
    }
    return unseal_texts(key, named)


# --- status machine -----------------------------------------------------------------------------

_S = OrderStatus
_FIELD = frozenset({_S.ENROUTE, _S.ON_SITE, _S.IN_PROGRESS})
_END = frozenset({_S.CANCELLED, _S.NOT_DONE})
_OPEN = frozenset({_S.SCHEDULED, _S.DISPATCHED, _S.ENROUTE, _S.ON_SITE, _S.IN_PROGRESS, _S.SUSPENDED})

FINAL = frozenset({_S.CLOSED, _S.CANCELLED})
EXECUTED = frozenset({_S.COMPLETED, _S.CLOSED})

NEXT: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    _S.SCHEDULED: _FIELD | _END | {_S.DISPATCHED},
    _S.DISPATCHED: _FIELD | _END | {_S.SCHEDULED},
    _S.ENROUTE: _FIELD | _END | {_S.DISPATCHED, _S.SUSPENDED},
    _S.ON_SITE: _END | {_S.DISPATCHED, _S.IN_PROGRESS, _S.SUSPENDED},
    _S.IN_PROGRESS: _END | {_S.COMPLETED, _S.SUSPENDED},
    _S.SUSPENDED: _FIELD | _END,
    _S.NOT_DONE: frozenset({_S.DISPATCHED, _S.CANCELLED, _S.CLOSED}),
    _S.COMPLETED: frozenset({_S.CLOSED, _S.DISPATCHED}),
    _S.CLOSED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""What may follow what by plan. The fold does not refuse by it: what physically happened is never refused."""


def may_become(status: OrderStatus, following: OrderStatus) -> bool:
    """Whether an order may go from `status` to `following` by plan."""
    return following in NEXT[status]


def is_open(status: OrderStatus) -> bool:
    """Whether there is still something to do for a crew."""
    return status in _OPEN


def can_start(status: OrderStatus) -> bool:
    """Whether a crew may begin or go on with the procedure."""
    return status in _OPEN
