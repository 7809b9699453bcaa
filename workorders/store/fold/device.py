"""Folds the entries about one device: where it sits, since when, whether the network hears it, disputes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from workorders.journal import kinds
from workorders.journal.kinds import JoinState
from workorders.journal.lifts import PayloadError, read_payload
from workorders.store.entries import FoldEntry
from workorders.store.fold.raised import RowValues, raised

DEVICE_KINDS = ("device.placed", "device.removed", "join.checked", "join.reported")


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
        self.join: RowValues | None = None
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
            case kinds.JoinChecked():
                self._checked(entry, payload)
            case kinds.JoinReported():
                self._reported(entry, payload)
            case _:
                pass

    def _raise(self, kind: str, entry: FoldEntry, **detail: Any) -> None:
        row = raised(kind, entry, self.scope, serial=self.serial, **detail)
        self.exceptions[row["exception_id"]] = row

    def _standing(self) -> list[RowValues]:
        return [row for row in self.placements if row["until"] is None]

    # --- places -----------------------------------------------------------------------------------

    def _placed(self, entry: FoldEntry, payload: kinds.DevicePlaced) -> None:
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
            if field != "capacity_override"
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
        self._expect_join(entry)

    def _removed(self, entry: FoldEntry, payload: kinds.DeviceRemoved) -> None:
        standing = self._standing()
        there = [row for row in standing if row["usage_point"] == payload.usage_point]
        for row in there or standing:
            row |= {"until": entry.at, "ended_by": entry.id}
        self.base = None
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
        if not self._standing():
            self.join = None

    # --- the network ------------------------------------------------------------------------------

    def _expect_join(self, entry: FoldEntry) -> None:
        if self.join is not None and self.join["order_id"] == entry.envelope.order_id:
            return
        self.join = {
            "serial": self.serial,
            "order_id": entry.envelope.order_id,
            "project": entry.envelope.project,
            "state": str(JoinState.PENDING),
            "how": "none",
            "reason": "not_checked",
            "recheck_at": None,
            "evidence": {},
            "concentrator": None,
            "placed_at": entry.at,
            "first_joined_at": None,
            "heard_at": None,
            "at": entry.at,
        }

    def _join_row(self, entry: FoldEntry) -> RowValues:
        if self.join is None:
            self._expect_join(entry)
            if self.join is None:
                raise AssertionError("a device without join row")
            self.join["placed_at"] = None
        return self.join

    def _checked(self, entry: FoldEntry, payload: kinds.JoinChecked) -> None:
        row = self._join_row(entry)
        row |= {
            "state": str(payload.state),
            "how": payload.how,
            "reason": payload.reason,
            "recheck_at": payload.recheck_at,
            "evidence": payload.evidence,
            "at": entry.at,
        }
        if payload.state is JoinState.JOINED:
            row["first_joined_at"] = row["first_joined_at"] or entry.at

    def _reported(self, entry: FoldEntry, payload: kinds.JoinReported) -> None:
        row = self._join_row(entry)
        heard = payload.heard_at
        row["concentrator"] = payload.concentrator or row["concentrator"]
        if heard is not None and (row["heard_at"] is None or heard > row["heard_at"]):
            row["heard_at"] = heard
        if heard is not None and row["placed_at"] is not None and heard < row["placed_at"]:
            return  # heard before it was mounted here: says nothing about this place
        row |= {
            "state": str(payload.state),
            "how": payload.source,
            "reason": payload.reason,
            "recheck_at": None,
            "at": entry.at,
        }
        if payload.state is JoinState.JOINED:
            row["first_joined_at"] = row["first_joined_at"] or heard or entry.at
        expected = next((place["concentrator"] for place in self._standing()), None)
        if payload.concentrator and expected and payload.concentrator != expected:
            self._raise("other_concentrator", entry, expected=expected, heard=payload.concentrator)

    def rows(self) -> dict[str, list[RowValues]]:
        """Rows by table name, of every table that is folded by serial, and `exception`."""
        return {
            "placement": self.placements,
            "device": [self.device] if self.device else [],
            "join_state": [self.join] if self.join else [],
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
