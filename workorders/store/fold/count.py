"""Folds counts of the stock: one row each, and a case where what was found is not what was expected."""

from __future__ import annotations

from collections.abc import Iterable

from workorders.journal.kinds import StockCounted
from workorders.journal.lifts import PayloadError, read_payload
from workorders.store.entries import FoldEntry
from workorders.store.fold.raised import RowValues, raised


def fold_counts(entries: Iterable[FoldEntry]) -> dict[str, list[RowValues]]:
    """Rows of `stock_count` and `exception`."""
    counts: list[RowValues] = []
    cases: list[RowValues] = []
    for entry in entries:
        try:
            payload = read_payload(entry.envelope)
        except PayloadError:
            continue
        if not isinstance(payload, StockCounted):
            continue
        counts.append(
            {
                "entry_id": entry.id,
                "project": entry.envelope.project,
                "crew": payload.crew,
                "found": len(payload.found),
                "missing": payload.missing,
                "unexpected": payload.unexpected,
                "actor": entry.envelope.actor,
                "at": entry.at,
            }
        )
        if payload.missing or payload.unexpected:
            scope = f"count:{entry.id}"
            missing, unexpected = ", ".join(payload.missing), ", ".join(payload.unexpected)
            case = raised(
                "stock_difference",
                entry,
                scope,
                crew=payload.crew,
                missing=missing or None,
                unexpected=unexpected or None,
            )
            cases.append(case)
    return {"stock_count": counts, "exception": cases}
