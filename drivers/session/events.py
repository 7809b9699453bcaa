"""Event logs (profiles 0.b.99.98.e.255, IEC 62056-6-1) to typed rows: time, code, name, status."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from drivers.dlms.cosem import parse_item
from drivers.errors import UnsupportedObject
from drivers.reading import EventRow, EventsResult, ProfileColumn, ProfileResult, ProfileRow
from drivers.session.jobs import Jobs

_PROFILE_CLASS = 7
_EVENT_LOG = bytes([99, 98])
_EVENT_CODE = (96, 11)
"""C and D of an event object, 0.b.96.11.e.255."""
STANDARD_LOG = "7:0.0.99.98.0.255:2"


def read_events(jobs: Jobs, item: str | None, start: str | None, end: str | None) -> EventsResult:
    """The rows of one log, or of all that the model names, oldest first.

    Without a model the logs are looked for in the association view. Raises ``UnsupportedObject`` if there is
    none.
    """
    started = time.monotonic()
    jobs.identify()
    names = jobs.model.event_names if jobs.model else {}
    rows: list[EventRow] = []
    last: ProfileResult | None = None
    for log in [item] if item else _logs(jobs):
        last = jobs.profile(log, start, end)
        rows += [_row(last, row, names) for row in last.rows]
    if last is None:
        raise UnsupportedObject(detail="no event log in the association view")
    rows.sort(key=lambda row: row.time or "")
    return EventsResult(
        jobs.identify(), rows, last.exchanges, last.bytes, round(time.monotonic() - started, 3)
    )


def _logs(jobs: Jobs) -> list[str]:
    model = jobs.model
    if model is not None:
        return [model.events or STANDARD_LOG, *model.event_logs]
    found = [
        known.item(2)
        for known in jobs.association_view()
        if known.class_id == _PROFILE_CLASS
        and known.item(2).obis[0] == 0
        and known.item(2).obis[2:4] == _EVENT_LOG
    ]
    return [str(item) for item in found]


def _row(log: ProfileResult, row: ProfileRow, names: Mapping[str, Mapping[str, str]]) -> EventRow:
    at = _code_column(log.columns)
    code = row.values[at] if at is not None else None
    details = {
        column.item: value
        for place, (column, value) in enumerate(zip(log.columns, row.values, strict=True))
        if place != at and value is not None
    }
    return EventRow(row.time, code, names.get(code or "", {}).get("en"), row.status, log.item, details)


def _code_column(columns: Sequence[ProfileColumn]) -> int | None:
    """The event object's column; in a log that captures nothing of that kind, the first that is not a
    clock."""
    for place, column in enumerate(columns):
        obis = parse_item(column.item).obis
        if obis[0] == 0 and tuple(obis[2:4]) == _EVENT_CODE:
            return place
    return 0 if columns else None
