"""Folds the entries about one device: where it sits, since when, whether the network hears it, disputes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from workorders.clock import normal_utc
from workorders.journal import kinds
from workorders.journal.lifts import PayloadError, read_payload
from workorders.journal.words import JoinState, StockMovement
from workorders.store.entries import FoldEntry
from workorders.store.fold.raised import RowValues, raised

DEVICE_KINDS = ("device.placed", "device.removed", "join.checked", "join.reported", "stock.moved")


_Join: TypeAlias = kinds.JoinChecked | kinds.JoinReported


class BasePlace(msgspec.Struct, frozen=True):
    """Where the utility's own list says that the device stands."""

    usage_point: str | None
    place: str | None


class DeviceFold:
    """State of one device while its entries pass by."""

    def __init__(self, serial: str, base: BasePlace | None) -> None:
        self.serial = serial
        self.scope = f"serial:{serial}"
        self.base = base
        self.placements: list[RowValues] = []
        self.device: RowValues | None = None
        self.stock: RowValues | None = None
        self.joins: list[tuple[str, FoldEntry, _Join]] = []
        self.exceptions: dict[str, RowValues] = {}

    def take(self, entry: FoldEntry) -> None:
        """Fold one entry; an unreadable one is raised by its order."""
        try:
            payload = read_payload(entry.envelope)
        except PayloadError:
            return
        match payload:
            case kinds.DevicePlaced():
                self._placed(entry, payload)
            case kinds.DeviceRemoved():
                self._removed(entry, payload)
            case kinds.StockMoved():
                self._moved(entry, payload)
            case kinds.JoinChecked():
                self.joins.append((entry.at, entry, payload))
            case kinds.JoinReported():
                self.joins.append((normal_utc(payload.heard_at) or entry.at, entry, payload))
            case _:
                pass

    def _raise(self, kind: str, entry: FoldEntry, **detail: Any) -> None:
        row = raised(kind, entry, self.scope, serial=self.serial, **detail)
        self.exceptions[row["exception_id"]] = row

    def _standing(self) -> list[RowValues]:
        return [row for row in self.placements if row["until"] is None]

    # --- stock ------------------------------------------------------------------------------------

    def _moved(self, entry: FoldEntry, payload: kinds.StockMoved) -> None:
        """A device that stands somewhere is no stock: the movement is kept, and somebody looks."""
        standing = bool(self._standing())
        removed = self.device is not None and self.device["state"] == "removed"
        state = "on_truck" if payload.crew is not None else "in_store"
        came_back = payload.movement in (StockMovement.RETURNED, StockMovement.CORRECTED)
        if came_back and payload.crew is None and (removed or self._was_returned()):
            state = "returned"
        if payload.movement is StockMovement.WRITTEN_OFF:
            state = "lost"
        if standing:
            self._raise("stock_standing", entry, movement=str(payload.movement), crew=payload.crew)
        self.stock = {
            "serial": self.serial,
            "state": state,
            "crew": payload.crew,
            "model": payload.model or (self.stock or {}).get("model") or (self.device or {}).get("model"),
            "movement": str(payload.movement),
            "from_crew": payload.from_crew,
            "actor": entry.envelope.actor,
            "entry_id": entry.id,
            "at": entry.at,
            "over": standing,
        }

    def _was_returned(self) -> bool:
        return self.stock is not None and self.stock["state"] == "returned"

    def _left_stock(self) -> None:
        if self.stock is not None:
            self.stock |= {"over": True}

    # --- places -----------------------------------------------------------------------------------

    def _placed(self, entry: FoldEntry, payload: kinds.DevicePlaced) -> None:
        self._left_stock()
        disputed = False
        for other in self._standing():
            if _same_place(other, payload) or other["order_id"] == entry.envelope.order_id:
                # Said again, or corrected within the order: the newer word ends the older one.
                other |= {"until": entry.at, "ended_by": entry.id}
                continue
            other["disputed"] = disputed = True
            where = other["usage_point"] or other["panel"]
            self._raise("serial_elsewhere", entry, other_order=other["order_id"], other_place=where)
        if self.base is not None and _elsewhere(self.base, payload):
            disputed = True
            where = self.base.usage_point or self.base.place
            self._raise("serial_elsewhere", entry, other_place=where, source="utility")
        row: RowValues = {
            field: msgspec.to_builtins(getattr(payload, field))
            for field in kinds.DevicePlaced.__struct_fields__
            if field not in ("capacity_override", "override", "passed")
        }
        self.placements.append(
            row
            | {
                "entry_id": entry.id,
                "order_id": entry.envelope.order_id,
                "project": entry.envelope.project,
                "since": entry.at,
                "until": None,
                "ended_by": None,
                "disputed": disputed,
            }
        )
        self.device = {
            "serial": self.serial,
            "model": payload.model,
            "state": "installed",
            "usage_point": payload.usage_point,
            "order_id": entry.envelope.order_id,
            "identities": payload.identities,
            "destination": None,
            "at": entry.at,
        }

    def _removed(self, entry: FoldEntry, payload: kinds.DeviceRemoved) -> None:
        self._left_stock()
        standing = self._standing()
        there = [row for row in standing if row["usage_point"] == payload.usage_point]
        # What was said of another place ends too, unless it came later: a removal that arrives late (the crew
        # had no signal) does not take down what was mounted elsewhere since.
        for row in there or [row for row in standing if row["since"] <= entry.at]:
            row |= {"until": entry.at, "ended_by": entry.id}
        self.base = None
        if self._standing():
            return
        before = self.device or {}
        self.device = {
            "serial": self.serial,
            "model": before.get("model"),
            "state": "removed",
            "usage_point": payload.usage_point,
            "order_id": entry.envelope.order_id,
            "identities": before.get("identities", {}),
            "destination": payload.destination,
            "at": entry.at,
        }

    # --- the network ------------------------------------------------------------------------------

    def _joined(self) -> RowValues | None:
        """Whether the network hears it where it stands now; None where it stands nowhere.

        Looked at by time and not by the order of arrival: the head-end often hears a device days before the
        tablet that mounted it has signal.
        """
        standing = self._standing()
        if not standing and (self.device is not None or not self.joins):
            return None
        place = standing[-1] if standing else None
        mounted = [row["since"] for row in self.placements if place and row["order_id"] == place["order_id"]]
        placed_at = min(mounted, default=None)
        first = self.joins[0][1] if place is None else None
        row: RowValues = {
            "serial": self.serial,
            "order_id": place["order_id"] if place else first and first.envelope.order_id,
            "project": place["project"] if place else first and first.envelope.project,
            "state": str(JoinState.PENDING),
            "how": "none",
            "reason": "not_checked",
            "recheck_at": None,
            "evidence": {},
            "concentrator": None,
            "placed_at": placed_at,
            "first_joined_at": None,
            "heard_at": None,
            "at": place["since"] if place else first and first.at,
        }
        for moment, entry, payload in sorted(self.joins, key=lambda join: (join[0], join[1].id)):
            if placed_at is None or moment >= placed_at:
                self._heard(row, moment, entry, payload, place)
        return row

    def _heard(
        self, row: RowValues, moment: str, entry: FoldEntry, payload: _Join, place: RowValues | None
    ) -> None:
        row |= {"state": str(payload.state), "reason": payload.reason, "at": moment}
        if payload.state is JoinState.JOINED:
            row["first_joined_at"] = row["first_joined_at"] or moment
        if isinstance(payload, kinds.JoinChecked):
            row |= {
                "how": payload.how,
                "recheck_at": payload.recheck_at,
                "evidence": payload.evidence,
            }
            return
        row |= {"how": payload.source, "recheck_at": None}
        row["heard_at"] = normal_utc(payload.heard_at) or row["heard_at"]
        row["concentrator"] = payload.concentrator or row["concentrator"]
        expected = place["concentrator"] if place else None
        if payload.concentrator and expected and payload.concentrator != expected:
            self._raise("other_concentrator", entry, expected=expected, heard=payload.concentrator)

    def rows(self) -> dict[str, list[RowValues]]:
        """Rows by table name, of every table that is folded by serial, and `exception`."""
        join = self._joined()
        return {
            "placement": self.placements,
            "device": [self.device] if self.device else [],
            "join_state": [join] if join else [],
            "stock_state": [self.stock] if self.stock else [],
            "exception": list(self.exceptions.values()),
        }


def _same_place(row: RowValues, payload: kinds.DevicePlaced) -> bool:
    if row["usage_point"] or payload.usage_point:
        return bool(row["usage_point"] == payload.usage_point)
    return (row["panel"], row["slot"]) == (payload.panel, payload.slot)


def _elsewhere(base: BasePlace, payload: kinds.DevicePlaced) -> bool:
    if base.usage_point and payload.usage_point:
        return base.usage_point != payload.usage_point
    return False


def fold_device(
    serial: str, entries: Iterable[FoldEntry], base: BasePlace | None
) -> dict[str, list[RowValues]]:
    """Rows of one device from its entries, which come in the order in which they take effect."""
    fold = DeviceFold(serial, base)
    for entry in entries:
        fold.take(entry)
    return fold.rows()
