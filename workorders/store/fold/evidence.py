"""Folds what a crew leaves behind on one order: steps, readings, writes, matches, photos, seals."""

from __future__ import annotations

from typing import Any

import msgspec

from workorders.journal import kinds
from workorders.journal.kinds import Payload
from workorders.store.entries import FoldEntry
from workorders.store.fold.raised import RowValues

SETTLED = frozenset({"verified", "failed", "rolled_back", "untouched"})
"""States of a write that need nobody any more; `intended` and `unknown` do."""


_NO_COLUMN = {"secret", "sealed_secret"}
"""Of a change of a secret: for the office's key store alone."""
_INTENT_COLUMNS = [name for name in kinds.MeterIntent.__struct_fields__ if name not in _NO_COLUMN]
_CHANGED_COLUMNS = [name for name in kinds.MeterChanged.__struct_fields__ if name not in _NO_COLUMN]


class Evidence:
    """Collects rows; nothing here decides about the order."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.steps: dict[str, RowValues] = {}
        self.last_step: str | None = None
        self.readings: list[RowValues] = []
        self.writes: dict[str, RowValues] = {}
        self.matches: dict[str, RowValues] = {}
        self.blobs: list[RowValues] = []
        self.seals: list[RowValues] = []
        # Of this visit: seals by the step that recorded them, and by chain those whose step is still to come.
        self._seals_of: dict[str, list[RowValues]] = {}
        self._seals_ahead: dict[str, list[RowValues]] = {}
        self.record: RowValues = {}

    def take(self, entry: FoldEntry, payload: Payload) -> None:
        """Fold one entry; kinds that are no evidence pass by."""
        match payload:
            case kinds.StepDone():
                self._step(entry, payload)
                self._seals_stand(entry, payload)
            case kinds.OrderCompleted() | kinds.OrderNotDone():
                self._visit_ends()
                for step in payload.passed_over:
                    self.steps.pop(step, None)
            case kinds.OrderReturned():
                self._visit_ends()
            case kinds.MeterRead():
                self.readings.append(self._row(entry, payload, kinds.MeterRead))
            case kinds.MeterIntent():
                self._intent(entry, payload)
            case kinds.MeterChanged():
                self._outcome(entry, payload)
            case kinds.MatchChecked():
                self._match(entry, payload)
            case kinds.MatchOverridden():
                self._override(entry, payload)
            case kinds.BlobTaken():
                self.blobs.append(self._row(entry, payload, kinds.BlobTaken))
            case kinds.SealRecorded():
                row = self._row(entry, payload, kinds.SealRecorded)
                self.seals.append(row)
                self._seals_ahead.setdefault(entry.envelope.chain_id, []).append(row)
            case kinds.RecordIssued():
                self.record = {
                    "record_hash": payload.record_hash,
                    "record_blob": payload.sha256,
                    "record_number": payload.number,
                }
            case _:
                pass

    def unsettled(self) -> list[RowValues]:
        """Writes of which it is not known whether the meter took them."""
        return [write for write in self.writes.values() if write["state"] not in SETTLED]

    def overridden_by(self, entry_id: str) -> RowValues:
        """The match that this override has passed; empty where it passed none."""
        return next((row for row in self.matches.values() if row["override_entry"] == entry_id), {})

    def rows(self) -> dict[str, list[RowValues]]:
        """Rows by table name."""
        return {
            "step_state": list(self.steps.values()),
            "meter_reading": self.readings,
            "meter_write": list(self.writes.values()),
            "match_state": list(self.matches.values()),
            "blob": self.blobs,
            "seal": self.seals,
        }

    def _row(self, entry: FoldEntry, payload: Payload, kind: type[Payload]) -> RowValues:
        row: RowValues = {
            field: msgspec.to_builtins(getattr(payload, field)) for field in kind.__struct_fields__
        }
        return row | {"entry_id": entry.id, "order_id": self.order_id, "at": entry.at}

    def _step(self, entry: FoldEntry, payload: kinds.StepDone) -> None:
        before = self.steps.get(payload.step)
        self.last_step = payload.step
        self.steps[payload.step] = {
            "order_id": self.order_id,
            "step": payload.step,
            "position": before["position"] if before is not None else self._next_position(),
            "answers": payload.answers,
            "sealed": msgspec.to_builtins(payload.sealed),
            "seconds": payload.seconds,
            "revisions": 1 if before is None else before["revisions"] + 1,
            "entry_id": entry.id,
            "actor": entry.envelope.actor,
            "at": entry.at,
        }

    def _next_position(self) -> int:
        return 1 + max((row["position"] for row in self.steps.values()), default=-1)

    def _visit_ends(self) -> None:
        self._seals_of = {}  # what another visit records was sealed again, and corrects nothing

    def _seals_stand(self, entry: FoldEntry, payload: kinds.StepDone) -> None:
        """A step's seals go before its `step.done`; accepted again, it says anew which there are."""
        ahead = self._seals_ahead.pop(entry.envelope.chain_id, [])
        corrected = {row["entry_id"] for row in self._seals_of.get(payload.step, [])}
        if corrected:
            self.seals = [row for row in self.seals if row["entry_id"] not in corrected]
        self._seals_of[payload.step] = ahead

    def _write(self, entry: FoldEntry, intent_id: str) -> RowValues:
        empty: RowValues = {
            "intent_id": intent_id,
            "order_id": self.order_id,
            "serial": None,
            "item": None,
            "name": None,
            "was": None,
            "will_be": None,
            "program": None,
            "program_version": None,
            "state": "intended",
            "is_now": None,
            "detail": None,
            "intent_entry": None,
            "outcome_entry": None,
            "at": entry.at,
        }
        return self.writes.setdefault(intent_id, empty)

    def _intent(self, entry: FoldEntry, payload: kinds.MeterIntent) -> None:
        row = self._write(entry, payload.intent_id)
        row |= {field: getattr(payload, field) for field in _INTENT_COLUMNS}
        row["intent_entry"] = entry.id

    def _outcome(self, entry: FoldEntry, payload: kinds.MeterChanged) -> None:
        row = self._write(entry, payload.intent_id)
        row |= {field: getattr(payload, field) for field in _CHANGED_COLUMNS}
        row |= {"outcome_entry": entry.id, "at": entry.at}

    def _match(self, entry: FoldEntry, payload: kinds.MatchChecked) -> None:
        before = self.matches.get(payload.role)
        stopped = 0 if before is None else before["mismatches"] + (before["verdict"] != "equal")
        sources: list[Any] = msgspec.to_builtins(payload.sources)
        self.matches[payload.role] = {
            "order_id": self.order_id,
            "role": str(payload.role),
            "verdict": payload.verdict,
            "cause": payload.cause,
            "sources": sources,
            "entry_id": entry.id,
            "entry_hash": entry.hash,
            "mismatches": stopped,
            "overridden": False,
            "override_reason": None,
            "override_role": None,
            "override_by": None,
            "override_entry": None,
            "at": entry.at,
        }

    def _override(self, entry: FoldEntry, payload: kinds.MatchOverridden) -> None:
        # An override passes the one check that it names; after another check it counts for nothing.
        for row in self.matches.values():
            if payload.match_entry in (row["entry_hash"], row["entry_id"]):
                row |= {
                    "overridden": True,
                    "override_reason": msgspec.to_builtins(payload.reason),
                    "override_role": payload.role,
                    "override_by": payload.person,
                    "override_entry": entry.id,
                }
