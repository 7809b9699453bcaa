"""Exceptions: what a supervisor must look at, with an id that is the same wherever it is folded."""

from __future__ import annotations

import hashlib
from typing import Any, TypeAlias

from workorders.store.entries import FoldEntry

RowValues: TypeAlias = dict[str, Any]

URGENT = frozenset(
    {
        "executed_twice",
        "fork",
        "match_unresolved",
        "not_done_site_changed",
        "place_occupied",
        "safety_failed",
        "serial_elsewhere",
        "supply_left_off",
        "write_unsettled",
    }
)
"""Kinds that cannot wait for the evening."""


def exception_id(kind: str, key: str) -> str:
    """The id of an exception: by kind and the entry (or pair) that raised it."""
    return hashlib.sha256(f"{kind}\n{key}".encode()).hexdigest()[:32]


def raised(
    kind: str, entry: FoldEntry, scope: str, *, key: str = "", serial: str | None = None, **detail: Any
) -> RowValues:
    """A row of `exception`. `key` tells several of one kind from one entry apart."""
    return {
        "exception_id": exception_id(kind, entry.id + key),
        "scope": scope,
        "kind": kind,
        "severity": "urgent" if kind in URGENT else "look",
        "project": entry.envelope.project,
        "order_id": entry.envelope.order_id,
        "serial": serial,
        "entry_id": entry.id,
        "detail": {name: value for name, value in detail.items() if value is not None},
        "raised_at": entry.at,
    }
