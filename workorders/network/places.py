"""One device, one place, at one time: how full a node is, whether a device may go there, moves and swaps."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, and_, exists, func, or_, select

from workorders.journal.kinds import DevicePlaced, DeviceRemoved
from workorders.network.tree import below
from workorders.store import schema
from workorders.store.queries.supply import where_is

WARN_PERCENT = 80
BLOCK_PERCENT = 100


class Fullness(StrEnum):
    """How full a node is."""

    OK = "ok"
    WARN = "warn"
    FULL = "full"
    UNKNOWN = "unknown"


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """Devices at and below a node against what it can take. `percent` is rounded down."""

    mrid: str
    used: int
    capacity: int | None
    percent: int | None
    state: Fullness


class PlaceProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Something against a place. `blocks`: only a reasoned override passes it. Texts: `place.problem.<code>`.

    `code`: unknown_node, slot_taken, slot_out_of_range, usage_point_taken, serial_elsewhere, nearly_full,
    full.
    """

    code: str
    blocks: bool
    params: dict[str, str] = {}


def judge_capacity(
    mrid: str, used: int, limit: int | None, *, warn: int = WARN_PERCENT, block: int = BLOCK_PERCENT
) -> Capacity:
    """How full: `warn` and `block` are percent of the capacity, as the technology's file says."""
    if not limit:
        return Capacity(mrid=mrid, used=used, capacity=limit, percent=None, state=Fullness.UNKNOWN)
    percent = used * 100 // limit
    state = Fullness.FULL if percent >= block else Fullness.WARN if percent >= warn else Fullness.OK
    return Capacity(mrid=mrid, used=used, capacity=limit, percent=percent, state=state)


def standing_at(connection: Connection, mrid: str) -> int:
    """Devices at a node or below it: by entries, and by the utility's list where entries are silent."""
    table = schema.network_node
    path = connection.execute(select(table.c.path).where(table.c.mrid == mrid)).scalar()
    if path is None:
        return 0
    nodes = select(table.c.mrid).where(below(path))
    placed, base, device = schema.placement, schema.base_placement, schema.device
    by_entries = select(func.count(placed.c.serial.distinct())).where(
        placed.c.until.is_(None),
        or_(placed.c.concentrator.in_(nodes), placed.c.panel.in_(nodes), placed.c.transformer.in_(nodes)),
    )
    by_list = select(func.count()).where(
        base.c.place.in_(nodes), ~exists().where(device.c.serial == base.c.serial)
    )
    total = connection.execute(by_entries).scalar_one() + connection.execute(by_list).scalar_one()
    return int(total)


def capacity(
    connection: Connection, mrid: str, *, warn: int = WARN_PERCENT, block: int = BLOCK_PERCENT
) -> Capacity:
    """How full a node is now."""
    table = schema.network_node
    limit = connection.execute(select(table.c.capacity).where(table.c.mrid == mrid)).scalar()
    return judge_capacity(mrid, standing_at(connection, mrid), limit, warn=warn, block=block)


def check_place(
    connection: Connection,
    device: DevicePlaced,
    *,
    order_id: str | None = None,
    leaving: Sequence[str] = (),
    warn: int = WARN_PERCENT,
    block: int = BLOCK_PERCENT,
) -> list[PlaceProblem]:
    """All that speaks against placing a device there; empty: it may.

    Args:
        leaving: serials that the same order takes away (the old meter of an exchange).
    """
    problems: list[PlaceProblem] = []
    for field in ("transformer", "concentrator", "panel"):
        mrid = getattr(device, field)
        if mrid is not None and not _exists(connection, mrid):
            problems.append(
                PlaceProblem(code="unknown_node", blocks=True, params={"node": mrid, "field": field})
            )
    problems += _slot_problems(connection, device, leaving)
    problems += _other_device(connection, device, leaving)
    for place in where_is(connection, device.serial):
        same = place.usage_point == device.usage_point or (
            order_id is not None and place.order_id == order_id
        )
        if not same:
            params = {"serial": device.serial, "place": place.usage_point or place.place or place.panel or ""}
            problems.append(PlaceProblem(code="serial_elsewhere", blocks=True, params=params))
    node = device.concentrator
    if node is not None:
        full = capacity(connection, node, warn=warn, block=block)
        leave = sum(bool(where_is(connection, serial)) for serial in leaving)
        full = judge_capacity(node, max(full.used - leave, 0), full.capacity, warn=warn, block=block)
        params = {"node": node, "used": str(full.used), "capacity": str(full.capacity)}
        if full.state is Fullness.FULL:
            problems.append(PlaceProblem(code="full", blocks=True, params=params))
        elif full.state is Fullness.WARN:
            problems.append(PlaceProblem(code="nearly_full", blocks=False, params=params))
    return problems


def _exists(connection: Connection, mrid: str) -> bool:
    table = schema.network_node
    return connection.execute(select(table.c.mrid).where(table.c.mrid == mrid)).first() is not None


def _slot_problems(
    connection: Connection, device: DevicePlaced, leaving: Sequence[str]
) -> list[PlaceProblem]:
    if device.panel is None or device.slot is None:
        return []
    nodes = schema.network_node
    limit = connection.execute(select(nodes.c.capacity).where(nodes.c.mrid == device.panel)).scalar()
    params = {"panel": device.panel, "slot": str(device.slot)}
    if device.slot < 1 or (limit is not None and device.slot > limit):
        params["slots"] = str(limit)
        return [PlaceProblem(code="slot_out_of_range", blocks=True, params=params)]
    placed, base, moved = schema.placement, schema.base_placement, schema.device
    by_entries = select(placed.c.serial).where(
        placed.c.panel == device.panel, placed.c.slot == device.slot, placed.c.until.is_(None)
    )
    by_list = select(base.c.serial).where(
        base.c.place == device.panel,
        base.c.slot == device.slot,
        ~exists().where(moved.c.serial == base.c.serial),
    )
    there = [row.serial for query in (by_entries, by_list) for row in connection.execute(query)]
    return [
        PlaceProblem(code="slot_taken", blocks=True, params=params | {"serial": serial})
        for serial in there
        if serial != device.serial and serial not in leaving
    ]


def _other_device(connection: Connection, device: DevicePlaced, leaving: Sequence[str]) -> list[PlaceProblem]:
    if device.usage_point is None:
        return []
    placed = schema.placement
    query = select(placed.c.serial).where(
        and_(placed.c.usage_point == device.usage_point, placed.c.until.is_(None))
    )
    return [
        PlaceProblem(
            code="usage_point_taken",
            blocks=True,
            params={"usage_point": device.usage_point, "serial": row.serial},
        )
        for row in connection.execute(query)
        if row.serial != device.serial and row.serial not in leaving
    ]


def move(serial: str, away_from: str | None, to: DevicePlaced) -> list[DeviceRemoved | DevicePlaced]:
    """The payloads of a move: it leaves where it was and stands where it goes, in one transaction."""
    if to.serial != serial:
        raise ValueError("a move is of one device; use swap")
    return [DeviceRemoved(serial=serial, usage_point=away_from, destination="moved"), to]


def swap(old: DeviceRemoved, new: DevicePlaced) -> list[DeviceRemoved | DevicePlaced]:
    """The payloads of an exchange: the old device leaves before the new one stands there."""
    if old.serial == new.serial:
        raise ValueError("a swap is of two devices; use move")
    return [old, new]
