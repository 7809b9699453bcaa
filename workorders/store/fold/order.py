"""Folds the entries of one order: its status, steps, readings, writes, matches, evidence, exceptions.

Who is right is decided here: the office owns planning, the crew owns evidence, and what
physically happened is never refused - it is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from workorders.clock import normal_utc
from workorders.journal import kinds
from workorders.journal.kinds import Payload
from workorders.journal.lifts import PayloadError, read_payload
from workorders.journal.supply import LEFT_OFF, left_open, meant_off
from workorders.journal.words import PLACE_RULES, OrderStatus, Sealed
from workorders.orders import EXECUTED, WorkOrder, is_open, planned
from workorders.store.entries import FoldEntry
from workorders.store.fold.evidence import Evidence
from workorders.store.fold.raised import RowValues, raised

LAST = "9999-12-31T23:59:59.999Z"
"""Sorts orders without any date to the end of the list."""

_PLANNING = frozenset({"crew", "scheduled_start", "scheduled_end", "due"})
_CASES_OF_FLAG = {
    "match_overridden": frozenset({"match_overridden"}),
    "old_meter_overridden": frozenset({"match_overridden"}),
    "capacity_overridden": frozenset({"capacity_overridden", "override_not_proven"}),
    "identity_overridden": frozenset({"identity_overridden", "override_not_proven"}),
    "distance_overridden": frozenset({"distance_overridden", "override_not_proven"}),
    "serial_elsewhere": frozenset({"elsewhere_overridden", "override_not_proven"}),
    LEFT_OFF: frozenset({LEFT_OFF}),
}
"""Flags of a completed order that only say again what an entry of its own has raised."""
_PLACE_OVERRIDES = frozenset(PLACE_RULES.values())
_SITE_CHANGES = (kinds.MeterIntent, kinds.DevicePlaced, kinds.DeviceRemoved)


class OrderFold:
    """State of one order while its entries pass by. `rows()` gives the rows by table name."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.scope = f"order:{order_id}"
        self.status = OrderStatus.SCHEDULED
        self.version = 0
        self.plain: dict[str, Any] = {}
        self.order: WorkOrder | None = None  # `plain`, read
        self.customer: dict[str, Sealed] = {}
        self.facts: RowValues = {}
        self.touched = False
        self.removed: str | None = None  # serial that was taken down and is not back, since the last end
        self.standing: str | None = None  # serial that was put in place, likewise
        self.dark: frozenset[str] = frozenset()  # meters whose relay stands open, over all visits
        self.attempts = 0
        self.rework = 0
        self.executions: list[str] = []  # chains, since the last return
        self.crew_version = 0  # version at which the order last went to another crew
        self.crews: dict[int, str | None] = {}  # by the version at which the order became theirs
        self.transitions: list[RowValues] = []
        self.exceptions: dict[str, RowValues] = {}
        self.evidence = Evidence(order_id)
        self.updated_at = ""
        self.project: str | None = None

    # --- taking entries ---------------------------------------------------------------------------

    def take(self, entry: FoldEntry) -> None:
        """Fold one entry. Unknown newer kinds pass by without effect."""
        self.updated_at = max(self.updated_at, entry.at)
        self.project = self.project or entry.envelope.project
        try:
            payload = read_payload(entry.envelope)
        except PayloadError as error:
            self._raise("unreadable_entry", entry, reason=str(error))
            return
        if payload is None:
            return
        before = self.status
        self.evidence.take(entry, payload)
        if isinstance(payload, _SITE_CHANGES):
            self._touch(entry)
        self._supply(entry, payload)
        handler = _HANDLERS.get(type(payload))
        if handler is not None:
            handler(self, entry, payload)
        if self.status is not before or isinstance(payload, kinds.OrderProgressed | kinds.OrderNotDone):
            self._note_transition(entry, payload)

    def _note_transition(self, entry: FoldEntry, payload: Payload) -> None:
        self.transitions.append(
            {
                "entry_id": entry.id,
                "order_id": self.order_id,
                "status": str(self.status),
                "reason": msgspec.to_builtins(getattr(payload, "reason", None)),
                "at": entry.at,
                "position": len(self.transitions),
            }
        )

    def _raise(
        self, kind: str, entry: FoldEntry, *, key: str = "", serial: str | None = None, **detail: Any
    ) -> None:
        row = raised(kind, entry, self.scope, key=key, serial=serial, **detail)
        row["order_id"] = self.order_id
        self.exceptions[row["exception_id"]] = row

    def _touch(self, entry: FoldEntry) -> None:
        self.touched = True
        if self.status is OrderStatus.CANCELLED:
            # The crew did not know and has begun to change the site: it must be able to finish safely.
            self.status = OrderStatus.IN_PROGRESS
            self._raise("cancelled_while_executing", entry)

    def _supply(self, entry: FoldEntry, payload: Payload) -> None:
        """A customer in the dark is a case from the moment that closing the relay failed, or the crew went,
        until the relay is closed."""
        before, self.dark = self.dark, left_open(self.dark, payload)
        lit = before - self.dark
        self.exceptions = {
            key: row
            for key, row in self.exceptions.items()
            if row["kind"] != LEFT_OFF or row["serial"] not in lit
        }
        told = isinstance(payload, kinds.OrderNotDone | kinds.OrderCompleted) or (
            isinstance(payload, kinds.MeterChanged) and payload.state == "failed"
        )
        if not told or (self.order is not None and meant_off(self.order.kind)):
            return
        known = {row["serial"] for row in self.exceptions.values() if row["kind"] == LEFT_OFF}
        for serial in sorted(self.dark - known):
            self._raise(LEFT_OFF, entry, key=serial, serial=serial)

    # --- what the office does ---------------------------------------------------------------------

    def _plan(self, entry: FoldEntry, plain: dict[str, Any], customer: dict[str, Sealed]) -> bool:
        try:
            order = planned(self.order_id, plain)
        except msgspec.ValidationError as error:
            self._raise("unreadable_entry", entry, reason=str(error))
            return False
        self.plain, self.order = plain, order
        self.customer = {**self.customer, **customer}
        self.version = max(self.version, order.version)
        self.crews[order.version] = order.crew
        return True

    def issued(self, entry: FoldEntry, payload: kinds.OrderIssued) -> None:
        again = bool(self.plain)
        if not self._plan(entry, payload.order, payload.customer):
            return
        self.facts.setdefault("issued_at", entry.at)
        if not again and self.status is OrderStatus.SCHEDULED and self.plain.get("crew"):
            self.status = OrderStatus.DISPATCHED

    def changed(self, entry: FoldEntry, payload: kinds.OrderChanged) -> None:
        crew = self.plain.get("crew")
        plain = {**self.plain, **payload.changes, "version": max(self.version, payload.version)}
        if not self._plan(entry, plain, payload.customer):
            return
        if self.plain.get("crew") != crew:
            self.crew_version = self.version
            self.facts["reassigned_at"] = entry.at
        if _PLANNING & payload.changes.keys():
            self._planned_again()

    def reassigned(self, entry: FoldEntry, payload: kinds.OrderReassigned) -> None:
        plain = {**self.plain, "crew": payload.crew, "version": max(self.version, payload.version)}
        if not self._plan(entry, plain, {}):
            return
        self.crew_version = self.version
        self.facts["reassigned_at"] = entry.at
        self._planned_again()

    def _planned_again(self) -> None:
        if self.status in (OrderStatus.SCHEDULED, OrderStatus.DISPATCHED, OrderStatus.NOT_DONE):
            crew = self.plain.get("crew")
            self.status = OrderStatus.DISPATCHED if crew else OrderStatus.SCHEDULED

    def cancelled(self, entry: FoldEntry, payload: kinds.OrderCancelled) -> None:
        self.version = max(self.version, payload.version)
        reason = msgspec.to_builtins(payload.reason)
        self.facts |= {"cancelled_at": entry.at, "cancel_reason": reason}
        if self.status in EXECUTED:
            self._raise("executed_after_cancel", entry, reason=reason, first="executed")
        elif self.touched:
            self._raise("cancelled_while_executing", entry, reason=reason)
        else:
            self.status = OrderStatus.CANCELLED

    def approved(self, entry: FoldEntry, payload: kinds.OrderApproved) -> None:
        if self.status in (OrderStatus.COMPLETED, OrderStatus.NOT_DONE):
            self.status = OrderStatus.CLOSED
            self.facts["approved_at"] = entry.at

    def returned(self, entry: FoldEntry, payload: kinds.OrderReturned) -> None:
        self.version = max(self.version, payload.version)
        self.rework += 1
        self.touched = False
        self.executions = []
        self.facts |= {"returned_at": entry.at, "return_reason": msgspec.to_builtins(payload.reason)}
        if self.status in (OrderStatus.COMPLETED, OrderStatus.NOT_DONE):
            self.status = OrderStatus.DISPATCHED

    # --- what the crew does -----------------------------------------------------------------------

    def started(self, entry: FoldEntry, payload: kinds.OrderStarted) -> None:
        self.facts.setdefault("started_at", entry.at)
        self.facts |= {
            "procedure": payload.procedure,
            "procedure_version": payload.procedure_version,
            "executed_by": self._crew_of(entry, payload.crew),
        }
        if is_open(self.status) or self.status is OrderStatus.NOT_DONE:
            self.status = OrderStatus.IN_PROGRESS

    def other_work(self, entry: FoldEntry, payload: kinds.ProcedureChanged) -> None:
        """The crew went on with other work: what is left of the ordered one, the office has to plan."""
        self.facts |= {
            "procedure": payload.procedure,
            "procedure_version": payload.procedure_version,
            "executed_by": self._crew_of(entry, payload.crew),
        }
        self._raise(
            "procedure_changed",
            entry,
            procedure=payload.procedure,
            reason=payload.reason,
            was=payload.was,
            task=payload.task,
            note=msgspec.to_builtins(payload.note),
        )

    def progressed(self, entry: FoldEntry, payload: kinds.OrderProgressed) -> None:
        if is_open(self.status) and is_open(payload.status):
            self.status = payload.status

    def completed(self, entry: FoldEntry, payload: kinds.OrderCompleted) -> None:
        if "cancelled_at" in self.facts:
            # One thing to look at, not two: what was raised while it was under way is now decided with this.
            self.exceptions = {
                key: row for key, row in self.exceptions.items() if row["kind"] != "cancelled_while_executing"
            }
            reason = self.facts.get("cancel_reason")
            self._raise("executed_after_cancel", entry, reason=reason, first="cancelled")
        self._who_executed(entry, payload.crew)
        self._raise_flags(entry, payload.flags)
        for role, state in self.evidence.matches.items():
            if state["verdict"] != "equal" and not state["overridden"]:
                self._raise("match_unresolved", entry, key=role, role=role, cause=state["cause"])
        self._raise_unsettled(entry)
        self.removed = self.standing = None
        self.facts |= {
            "completed_at": entry.at,
            "completed_entry": entry.id,
            "record_hash": payload.record_hash,
            "record_blobs": payload.blobs,
        }
        if self.status is not OrderStatus.CLOSED:
            self.status = OrderStatus.COMPLETED
        self.removed = self.standing = None

    def _raise_unsettled(self, entry: FoldEntry) -> None:
        for write in self.evidence.unsettled():
            self._raise("write_unsettled", entry, key=write["intent_id"], serial=write["serial"])

    def _raise_flags(self, entry: FoldEntry, flags: list[str]) -> None:
        """One case for one override: the entry of the override has raised it, with reason and person."""
        raised_already = {row["kind"] for row in self.exceptions.values()}
        for flag in flags:
            if not raised_already & _CASES_OF_FLAG.get(flag, frozenset()):
                self._raise(flag, entry)

    def _who_executed(self, entry: FoldEntry, crew: str | None) -> None:
        envelope = entry.envelope
        self.facts["executed_by"] = crew or self.facts.get("executed_by") or self._crew_of(entry, None)
        if envelope.order_version is not None and envelope.order_version < self.crew_version:
            self._raise("executed_after_reassign", entry, crew=crew, now=self.plain.get("crew"))
        # A second execution, or one that comes when the record was already approved.
        twice = bool(self.executions) and envelope.chain_id not in self.executions
        if twice or self.status is OrderStatus.CLOSED:
            self._raise("executed_twice", entry, crew=crew)
        self.executions.append(envelope.chain_id)

    def _crew_of(self, entry: FoldEntry, said: str | None) -> str | None:
        """The crew that wrote an entry: as it says, else whose order it was at the version it looked at.

        Only where the office never named one does the person stand for it.
        """
        seen = entry.envelope.order_version
        known = [version for version in self.crews if seen is None or version <= seen]
        planned = self.crews[max(known)] if known else self.plain.get("crew")
        return said or planned or entry.envelope.actor

    def not_done(self, entry: FoldEntry, payload: kinds.OrderNotDone) -> None:
        self.attempts += 1
        self.facts |= {"not_done_at": entry.at, "not_done_reason": payload.reason}
        by = payload.crew or self.facts.get("executed_by") or self._crew_of(entry, None)
        self.facts["executed_by"] = by
        if self.status in EXECUTED:
            self._raise("not_done_after_completed", entry, reason=payload.reason)
            return
        if self.status is not OrderStatus.CANCELLED:
            self.status = OrderStatus.NOT_DONE
        if self.removed or self.standing:
            # Nobody may be left without a supply, or with a meter that no record names, unnoticed.
            self._raise(
                "not_done_site_changed",
                entry,
                serial=self.standing or self.removed,
                removed=self.removed,
                placed=self.standing,
            )
        self._raise_unsettled(entry)

    def overridden(self, entry: FoldEntry, payload: kinds.MatchOverridden) -> None:
        match = self.evidence.overridden_by(entry.id)
        self._raise(
            "match_overridden",
            entry,
            reason=msgspec.to_builtins(payload.reason),
            role=payload.role,
            person=payload.person,
            device=match.get("role"),
            cause=match.get("cause"),
        )

    def safety_failed(self, entry: FoldEntry, payload: kinds.SafetyFailed) -> None:
        self._raise("safety_failed", entry, step=payload.step, check=payload.check)

    def taken_down(self, entry: FoldEntry, payload: kinds.DeviceRemoved) -> None:
        if payload.serial == self.standing:
            self.standing = None
            self.facts.pop("new_serial", None)
        else:
            self.removed = payload.serial

    def placed(self, entry: FoldEntry, payload: kinds.DevicePlaced) -> None:
        if payload.serial == self.removed:
            self.removed = None  # it is back where it was
        else:
            self.facts["new_serial"] = self.standing = payload.serial
        if payload.capacity_override:  # of a first schema: nobody signed it
            reason = payload.capacity_override
            self._raise("capacity_overridden", entry, serial=payload.serial, reason=reason)
        if payload.override is not None:
            by = payload.override
            for kind in _passed(payload):
                self._raise(
                    kind,
                    entry,
                    serial=payload.serial,
                    reason=msgspec.to_builtins(by.reason),
                    role=by.role,
                    person=by.person,
                    concentrator=payload.concentrator,
                )

    def override_refused(self, entry: FoldEntry, payload: kinds.OverrideRefused) -> None:
        """Nobody who may had passed the rule: one case, with what the crew said of it."""
        passed = [
            row
            for row in self.exceptions.values()
            if row["entry_id"] == payload.entry_id and row["kind"] in _PLACE_OVERRIDES
        ]
        for row in passed:
            del self.exceptions[row["exception_id"]]
        # Which rules it was about stands in the entry; what was said of it is the same for all.
        detail = passed[0]["detail"] if passed else {}
        serial = passed[0]["serial"] if passed else None
        row = raised(
            "override_not_proven", entry, self.scope, serial=serial, **(detail | {"code": payload.code})
        )
        row |= {"order_id": self.order_id, "entry_id": payload.entry_id}
        self.exceptions[row["exception_id"]] = row

    # --- giving rows ------------------------------------------------------------------------------

    def rows(self) -> dict[str, list[RowValues]]:
        """Rows by table name, of every table that is folded by order, and `exception`."""
        rows = self.evidence.rows()
        rows["work_order"] = [self._work_order()]
        rows["order_plan"] = [
            {
                "order_id": self.order_id,
                "order": self.plain,
                "customer": msgspec.to_builtins(self.customer),
            }
        ]
        rows["order_status"] = self.transitions
        rows["exception"] = list(self.exceptions.values())
        return rows

    def _work_order(self) -> RowValues:
        order = self.order or planned(self.order_id, {})
        new, old, place = order.new_asset, order.old_asset, order.place
        start, due = normal_utc(order.scheduled_start), normal_utc(order.due)
        row: RowValues = dict.fromkeys(_FACTS)
        row |= {
            "order_id": self.order_id,
            "project": order.project or self.project,
            "number": order.number or None,
            "kind": str(order.kind) if self.plain else None,
            "status": str(self.status),
            "version": self.version,
            "crew": order.crew,
            "priority": order.priority,
            "scheduled_start": start,
            "scheduled_end": normal_utc(order.scheduled_end),
            "due": due,
            "sort_at": start or due or LAST,
            "usage_point": order.usage_point,
            "supply_number": order.supply_number,
            "old_serial": old.serial if old else None,
            "new_serial": new.serial if new else None,
            "new_model": new.model if new else None,
            "transformer": place.transformer,
            "concentrator": place.concentrator,
            "panel": place.panel,
            "technology": order.technology,
            "procedure": order.procedure,
            "flags": order.flags,
            "key_id": next((sealed.key_id for sealed in self.customer.values()), None),
            "step": self.evidence.last_step,
            "steps_done": len(self.evidence.steps),
            "touched": self.touched,
            "executions": len(self.executions),
            "record_blobs": [],
            "attempts": order.attempts + self.attempts,
            "rework": self.rework,
            "updated_at": self.updated_at,
        }
        return row | self.evidence.record | self.facts


def _passed(placed: kinds.DevicePlaced) -> list[str]:
    """Kinds of case of an override at a place. Entries that do not name the rule are of a program that knew
    contradicting identities, and took all else for a full collector."""
    if not placed.passed:
        return ["identity_overridden" if placed.mismatched else "capacity_overridden"]
    return list(dict.fromkeys(PLACE_RULES.get(rule, "capacity_overridden") for rule in placed.passed))


_FACTS = [
    "issued_at",
    "started_at",
    "procedure",
    "procedure_version",
    "completed_at",
    "completed_entry",
    "executed_by",
    "record_hash",
    "record_blob",
    "record_number",
    "not_done_at",
    "not_done_reason",
    "cancelled_at",
    "cancel_reason",
    "reassigned_at",
    "approved_at",
    "returned_at",
    "return_reason",
]


_HANDLERS: dict[type[Payload], Callable[[OrderFold, FoldEntry, Any], None]] = {
    kinds.OrderIssued: OrderFold.issued,
    kinds.OrderChanged: OrderFold.changed,
    kinds.OrderReassigned: OrderFold.reassigned,
    kinds.OrderCancelled: OrderFold.cancelled,
    kinds.OrderApproved: OrderFold.approved,
    kinds.OrderReturned: OrderFold.returned,
    kinds.OrderStarted: OrderFold.started,
    kinds.OrderProgressed: OrderFold.progressed,
    kinds.ProcedureChanged: OrderFold.other_work,
    kinds.OrderCompleted: OrderFold.completed,
    kinds.OrderNotDone: OrderFold.not_done,
    kinds.MatchOverridden: OrderFold.overridden,
    kinds.SafetyFailed: OrderFold.safety_failed,
    kinds.DevicePlaced: OrderFold.placed,
    kinds.DeviceRemoved: OrderFold.taken_down,
    kinds.OverrideRefused: OrderFold.override_refused,
}


def fold_one(order_id: str, entries: Iterable[FoldEntry]) -> dict[str, list[RowValues]]:
    """Rows of one order from its entries, which come in the order in which they take effect."""
    fold = OrderFold(order_id)
    for entry in entries:
        fold.take(entry)
    return fold.rows()
