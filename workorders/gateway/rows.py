"""The rows of a project's files, and how they become orders. Pure: rows in, orders out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from workorders.clock import utc_text
from workorders.mwm.tables import Moment
from workorders.network import Node, StandingMeter
from workorders.network.tree import NodeKind
from workorders.orders import (
    Customer,
    Name,
    NewAsset,
    OldAsset,
    Place,
    TaskKind,
    WorkOrder,
    flags_text,
    split_flags,
)
from workorders.people import Role

Text = Annotated[str, msgspec.Meta(max_length=500)]
Serial = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9./_-]+$")]
Decimal = Annotated[str, msgspec.Meta(pattern=r"^-?\d{1,12}(\.\d{1,9})?$")]
Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Fa-f]{2})+$")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[^/\s]+$")]

Found = TypeVar("Found", covariant=True)

_ORDERS = uuid.UUID("7a2b7c5e-6e57-4a83-9c0e-2f1f2a6d9b10")


_PRIORITIES = {"low": -1, "normal": 0, "high": 1, "urgent": 2}
PriorityText = Annotated[str, msgspec.Meta(pattern=r"^(low|normal|high|urgent|-?[0-9])$")]
"""A word, or the number itself: the higher, the more urgent."""


class UsagePointRow(msgspec.Struct, frozen=True, kw_only=True):
    """A supply point. Customer and address stand only where there is work."""

    mrid: Id
    number: Text
    kind: Text = "electricity"
    customer: Id | None = None
    address: Text | None = None
    lat: Decimal | None = None
    lon: Decimal | None = None
    tariff: Text | None = None
    contracted_power: Text | None = None
    transformer: Id | None = None
    feeder: Id | None = None
    phase: Text | None = None
    panel: Id | None = None
    slot: Annotated[int, msgspec.Meta(ge=1, le=999)] | None = None


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the contract."""

    mrid: Id
    name: Text
    document: Text | None = None
    phone: Text | None = None


class MeterRow(msgspec.Struct, frozen=True, kw_only=True):
    """A meter that stands there now."""

    serial: Serial
    model: Text | None = None
    place: Id | None = None
    slot: Annotated[int, msgspec.Meta(ge=1, le=999)] | None = None
    usage_point: Id | None = None
    phase: Text | None = None
    installed_on: date | None = None
    last_reading: Decimal | None = None
    last_reading_date: date | None = None
    usual_daily_use: Decimal | None = None


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order; times are local to the project.

    At a supply point, or, for what is no customer's, at a `node` of the tree. `values` is `name=value;…`:
    what the office knows beforehand (`ip`, `ct_ratio`, `sgc`, …), for the program and for what a crew types.
    """

    number: Text
    kind: TaskKind
    usage_point: Id | None = None
    node: Id | None = None
    crew: Id | None = None
    scheduled_start: Moment | None = None
    scheduled_end: Moment | None = None
    due: Moment | None = None
    old_serial: Serial | None = None
    new_serial: Serial | None = None
    new_model: Text | None = None
    procedure: Text | None = None
    program: Text | None = None
    priority: PriorityText = "normal"
    notes: Text | None = None
    flags: Text = ""
    values: Text = ""


class StockRow(msgspec.Struct, frozen=True, kw_only=True):
    """A device in a store or on a truck; `identities` is `name=value;…`."""

    serial: Serial
    model: Text
    state: Annotated[str, msgspec.Meta(pattern=r"^(in_store|on_truck|installed|removed|returned)$")]
    crew: Id | None = None
    identities: Text = ""


class SecretRow(msgspec.Struct, frozen=True, kw_only=True):
    """A meter's passwords and SIM PIN (text) and keys (hex), as its maker delivers them; `new_…`: what a
    program is to change them to, `master_key`: under which new keys travel.

    `hls_password`: of the high mechanisms; `password_seed`: from which its model file derives passwords.
    Suites 1 and 2: `sign_key`, `agreement_key` our private keys, `meter_sign_key`, `meter_agreement_key` the
    meter's public ones or certificates; raw or DER."""

    serial: Serial
    password: Text | None = None
    hls_password: Text | None = None
    password_seed: Hex | None = None
    sign_key: Hex | None = None
    agreement_key: Hex | None = None
    meter_sign_key: Hex | None = None
    meter_agreement_key: Hex | None = None
    block_key: Hex | None = None
    auth_key: Hex | None = None
    master_key: Hex | None = None
    new_password: Text | None = None
    new_hls_password: Text | None = None
    new_block_key: Hex | None = None
    new_auth_key: Hex | None = None
    new_master_key: Hex | None = None
    new_sim_pin: Text | None = None


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """A person of the project."""

    id: Id
    name: Text
    role: Role
    crew: Id | None = None


class HeardRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the head-end's list; the time with its offset, else local to the project."""

    serial: Serial
    heard_at: Moment
    concentrator: Id | None = None


class CrewItem(msgspec.Struct, frozen=True, kw_only=True):
    """A crew."""

    id: Id
    name: str
    contractor: str = ""
    """For whom it works, if not for the project's contractor."""


class SupplyNumber(msgspec.Struct, frozen=True, kw_only=True):
    """How the utility's supply numbers look."""

    authority: str
    pattern: str | None = None
    check: str | None = None


class PlanPart(msgspec.Struct, frozen=True, kw_only=True):
    """What was promised."""

    daily: int = 0
    total: int = 0
    start: date | None = None


class ProjectFile(msgspec.Struct, frozen=True, kw_only=True):
    """`project.toml`; what it says beyond these fields is kept for others (`sla`, `labels`, …)."""

    id: Id
    name: dict[str, str]
    utility: str
    contractor: str
    time_zone: str
    country: str
    technology: str
    exported: date | None = None
    crew: list[CrewItem] = []
    files: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    supply_number: SupplyNumber | None = None
    plan: PlanPart = PlanPart()
    zone: NodeKind = NodeKind.FEEDER
    """Nodes of this kind are the zones by which the board tells orders apart."""
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] | None = None
    """So long after its approval the customer of an order can be read; None: until somebody asks for it."""
    values: dict[str, str] = {}
    """What programs are told of every order, as `project.NAME`. Never a secret."""


COLLECTORS = frozenset({"concentrator", "accessPoint", "gateway", "borderRouter"})


class Lookup(Protocol[Found]):
    """What stands under a key; a dict, or what is read as it is asked for."""

    def get(self, key: str, /) -> Found | None: ...


@dataclass(frozen=True)
class Tree:
    """The nodes of a project, with who hangs below whom."""

    nodes: Lookup[Node]
    heads: Lookup[str] = field(default_factory=dict)
    """Concentrator or access point by the node it hangs on; the first one where there are several."""

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Tree:
        """The tree of nodes at hand."""
        known: dict[str, Node] = {}
        heads: dict[str, str] = {}
        for node in nodes:
            known[node.mrid] = node
            if node.kind in COLLECTORS and node.parent:
                heads.setdefault(node.parent, node.mrid)
        return cls(known, heads)

    def upwards(self, mrid: str | None) -> list[Node]:
        """The node and its ancestors, nearest first; ends at an unknown parent or a cycle."""
        found: list[Node] = []
        while mrid is not None and (node := self.nodes.get(mrid)) is not None and node not in found:
            found.append(node)
            mrid = node.parent
        return found

    def place(self, point: UsagePointRow, hangs_on: str | None) -> Place:
        """Where a supply point is, with what the tree adds: substation, output, its concentrator."""
        way = self.upwards(hangs_on or point.panel or point.transformer or point.feeder)
        first = {node.kind: node.mrid for node in reversed(way)}
        head = next((head for node in way if (head := self.heads.get(node.mrid))), None)
        return Place(
            substation=first.get("substation"),
            feeder=point.feeder or first.get("feeder"),
            transformer=point.transformer or first.get("transformer"),
            output=first.get("output"),
            concentrator=head,
            panel=point.panel or first.get("panel"),
            slot=point.slot,
            phase=point.phase,
        )

    def place_of(self, mrid: str | None) -> Place:
        """Where a node of the tree is, itself named among what is above it."""
        way = self.upwards(mrid)
        first = {node.kind: node.mrid for node in reversed(way)}
        head = next((head for node in way if (head := self.heads.get(node.mrid))), None)
        own = way[0] if way and way[0].kind in COLLECTORS else None
        return Place(
            substation=first.get("substation"),
            feeder=first.get("feeder"),
            transformer=first.get("transformer"),
            output=first.get("output"),
            concentrator=own.mrid if own else head,
            panel=first.get("panel"),
        )


@dataclass(frozen=True)
class Calendar:
    """Local times of a project's files to UTC, moved by whole days where the files are a demonstration."""

    zone: ZoneInfo
    shift: timedelta = timedelta(0)

    def utc(self, moment: Moment | None) -> str | None:
        """UTC text; a time with an offset keeps it, one without is local to the project."""
        if moment is None:
            return None
        moved = moment.value + self.shift
        return utc_text(moved if moved.tzinfo is not None else moved.replace(tzinfo=self.zone))

    def day(self, value: date | None) -> str | None:
        """ISO date."""
        return None if value is None else (value + self.shift).isoformat()


def order_mrid(project: str, number: str) -> str:
    """The order's id: the same for the same number of the same project, so that an import can be repeated."""
    return str(uuid.uuid5(_ORDERS, f"{project}/{number}"))


def standing(
    row: MeterRow, calendar: Calendar, tree: Tree, point: UsagePointRow | None = None
) -> StandingMeter:
    """A row of the meter list as the store keeps it.

    A meter that hangs on a slot's own node is kept as panel and slot number, as entries name a slot; the
    number is that of its supply point (`point`), never guessed from the node's name.
    """
    place, slot = row.place, row.slot
    node = tree.nodes.get(place) if place else None
    on_slot = node is not None and node.kind == NodeKind.SLOT and slot is None
    if node is not None and on_slot and point is not None and point.slot and point.panel == node.parent:
        place, slot = point.panel, point.slot
    return StandingMeter(
        serial=row.serial,
        model=row.model,
        place=place,
        slot=slot,
        usage_point=row.usage_point,
        phase=row.phase,
        installed_on=row.installed_on.isoformat() if row.installed_on else None,
        last_reading=row.last_reading,
        last_reading_date=calendar.day(row.last_reading_date),
        usual_daily_use=row.usual_daily_use,
    )


def identities(text: str) -> dict[str, str]:
    """`mac=…;imei=…` as a dict; what is no pair is left out."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals and value.strip()}


def build_order(
    row: OrderRow,
    project: ProjectFile,
    point: UsagePointRow | None,
    meter: StandingMeter | None,
    tree: Tree,
    calendar: Calendar,
) -> WorkOrder:
    """The order that a row of the utility's list stands for; without a supply point it is at `row.node`."""
    old = None
    if row.old_serial is not None:
        known = meter if meter is not None and meter.serial == row.old_serial else None
        old = OldAsset(
            serial=row.old_serial,
            model=known.model if known else None,
            last_reading=known.last_reading if known else None,
            last_reading_date=known.last_reading_date if known else None,
            usual_daily_use=known.usual_daily_use if known else None,
        )
    new = NewAsset(model=row.new_model, serial=row.new_serial) if row.new_model or row.new_serial else None
    return WorkOrder(
        mrid=order_mrid(project.id, row.number),
        number=row.number,
        project=project.id,
        kind=row.kind,
        names=[Name(authority=project.utility, name=row.number)],
        crew=row.crew,
        priority=_PRIORITIES[row.priority] if row.priority in _PRIORITIES else int(row.priority),
        scheduled_start=calendar.utc(row.scheduled_start),
        scheduled_end=calendar.utc(row.scheduled_end),
        due=calendar.utc(row.due),
        usage_point=point.mrid if point else None,
        usage_point_kind=point.kind if point else None,
        supply_number=point.number if point else None,
        old_asset=old,
        new_asset=new,
        technology=project.technology,
        procedure=row.procedure,
        program=row.program,
        program_values=identities(row.values),
        place=tree.place(point, meter.place if meter else None) if point else tree.place_of(row.node),
        tariff=point.tariff if point else None,
        contracted_power=point.contracted_power if point else None,
        flags=split_flags(_flags(row))[0],
    )


def build_customer(row: OrderRow, point: UsagePointRow | None, customers: Lookup[CustomerRow]) -> Customer:
    """What the crew must know of the customer; sealed before it is written anywhere."""
    if point is None:
        return Customer(notes=row.notes, flags=flags_text(split_flags(_flags(row))[1]))
    person = customers.get(point.customer or "")
    return Customer(
        name=person.name if person else None,
        document=person.document if person else None,
        phone=person.phone if person else None,
        address=point.address,
        position=f"{point.lat},{point.lon}" if point.lat and point.lon else None,
        notes=row.notes,
        flags=flags_text(split_flags(_flags(row))[1]),
    )


def _flags(row: OrderRow) -> list[str]:
    return [flag.strip() for flag in row.flags.split("|") if flag.strip()]


def planning_changes(before: Mapping[str, Any], after: WorkOrder) -> dict[str, Any]:
    """Fields of an order that the office now says differently, with their new values (defaults included)."""
    now: dict[str, Any] = msgspec.to_builtins(after)
    kept = {"mrid", "number", "project", "version", "attempts"}
    names = (before.keys() | now.keys()) - kept
    changed = [name for name in sorted(names) if before.get(name) != now.get(name)]
    return {name: msgspec.to_builtins(getattr(after, name)) for name in changed if hasattr(after, name)}
