"""The state of the record: what is sent, what the office said, what a supervisor must look at."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, exists, func, select

from workorders.store import inbox, schema
from workorders.store.fold.evidence import SETTLED
from workorders.store.opened import Opener
from workorders.store.queries.rows import read


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    """An own entry and what became of it. `verdict` None: saved here, not answered yet."""

    entry_id: str
    chain_id: str
    seq: int
    kind: str
    order_id: str | None
    number: str | None
    at: str
    verdict: str | None
    code: str | None
    reason: str | None
    answered_at: str | None


class SyncSummary(msgspec.Struct, frozen=True, kw_only=True):
    """For the sync page: counts of own entries by verdict, blobs by state, and the last contact."""

    pending: int
    verdicts: dict[str, int]
    blobs: dict[str, int]
    oldest_pending_at: str | None


class ExceptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something a supervisor must look at; `decision` None: still open."""

    exception_id: str
    kind: str
    severity: str
    project: str | None
    order_id: str | None
    order_number: str | None
    serial: str | None
    entry_id: str | None
    detail: dict[str, Any]
    raised_at: str
    decision: str | None
    decision_reason: str | None
    decided_by: str | None
    decided_at: str | None


def _answer() -> Any:
    table, answers = schema.entry, schema.verdict
    return and_(answers.c.entry_id == table.c.id, answers.c.hash == table.c.hash)


def entries_with_verdicts(
    connection: Connection, *, limit: int = 100, offset: int = 0, unanswered: bool = False
) -> list[EntryRow]:
    """Own entries, newest first, each with the office's answer."""
    table, answers, order = schema.entry, schema.verdict, schema.work_order
    query = (
        select(
            table.c.id.label("entry_id"),
            table.c.chain_id,
            table.c.seq,
            table.c.kind,
            table.c.order_id,
            order.c.number,
            table.c.at,
            answers.c.verdict,
            answers.c.code,
            answers.c.reason,
            answers.c.at.label("answered_at"),
        )
        .select_from(table)
        .outerjoin(answers, _answer())
        .outerjoin(order, order.c.order_id == table.c.order_id)
        .where(table.c.own.is_(True))
        .order_by(table.c.at.desc(), table.c.seq.desc())
        .limit(limit)
        .offset(offset)
    )
    if unanswered:
        query = query.where(inbox.waiting())
    return [read(row, EntryRow) for row in connection.execute(query)]


def sync_summary(connection: Connection) -> SyncSummary:
    """Counts for the sync page and the shell's state line."""
    table, answers, blobs = schema.entry, schema.verdict, schema.blob_store
    own = (
        select(answers.c.verdict, func.count().label("number"))
        .select_from(table)
        .join(answers, _answer())
        .where(table.c.own.is_(True))
        .group_by(answers.c.verdict)
    )
    oldest = select(func.min(table.c.at)).where(inbox.waiting())
    held = select(blobs.c.state, func.count().label("number")).group_by(blobs.c.state)
    return SyncSummary(
        pending=inbox.pending_count(connection),
        verdicts={row.verdict: row.number for row in connection.execute(own)},
        blobs={row.state: row.number for row in connection.execute(held)},
        oldest_pending_at=connection.execute(oldest).scalar(),
    )


def _exceptions(columns: Any) -> Any:
    table, decided, order = schema.exception, schema.decision, schema.work_order
    return (
        select(*columns)
        .select_from(table)
        .outerjoin(decided, decided.c.exception_id == table.c.exception_id)
        .outerjoin(order, order.c.order_id == table.c.order_id)
    )


def exceptions(
    connection: Connection,
    *,
    project: str | None = None,
    order_id: str | None = None,
    entry_id: str | None = None,
    kind: str | None = None,
    decided: bool | None = False,
    limit: int = 200,
    offset: int = 0,
) -> list[ExceptionRow]:
    """The supervisor's queue: urgent ones first, then the oldest. `decided` None gives both."""
    table, decision, order = schema.exception, schema.decision, schema.work_order
    # The page first: of millions that were raised only those on it are looked up elsewhere.
    page = select(table.c.exception_id).outerjoin(decision, decision.c.exception_id == table.c.exception_id)
    turn = (table.c.severity.desc(), table.c.raised_at, table.c.exception_id)
    columns = (
        *(table.c[name] for name in ExceptionRow.__struct_fields__ if name in table.c),
        order.c.number.label("order_number"),
        decision.c.decision,
        decision.c.reason.label("decision_reason"),
        decision.c.actor.label("decided_by"),
        decision.c.at.label("decided_at"),
    )
    wanted = {"project": project, "order_id": order_id, "entry_id": entry_id, "kind": kind}
    for name, value in wanted.items():
        if value is not None:
            page = page.where(table.c[name] == value)
    if decided is not None:
        page = page.where(decision.c.decision.is_not(None) if decided else decision.c.decision.is_(None))
    chosen = page.order_by(*turn).limit(limit).offset(offset).subquery()
    query = _exceptions(columns).join(chosen, chosen.c.exception_id == table.c.exception_id)
    rows = connection.execute(query.order_by(*turn)).all()
    opener = Opener(connection)
    return [_exception(row, opener) for row in rows]


def _exception(row: Any, opener: Opener) -> ExceptionRow:
    scope = row.order_id or row.exception_id
    reason = opener.said(row.decision_reason, scope)
    return read(row, ExceptionRow, detail=opener.detail(row.detail, scope), decision_reason=reason)


def count_exceptions(connection: Connection, *, project: str | None = None) -> dict[str, int]:
    """Open exceptions by kind."""
    table, decision = schema.exception, schema.decision
    query = _exceptions((table.c.kind, func.count().label("number")))
    query = query.where(decision.c.decision.is_(None)).group_by(table.c.kind)
    if project is not None:
        query = query.where(table.c.project == project)
    return {row.kind: row.number for row in connection.execute(query)}


def exceptions_of_entry(connection: Connection, entry_id: str) -> list[ExceptionRow]:
    """What one entry raised; at a push, the reason for `conflict`."""
    return exceptions(connection, entry_id=entry_id, decided=None)


def unsettled_writes(connection: Connection, order_id: str | None = None) -> list[dict[str, Any]]:
    """Writes to meters of which it is not known whether they were taken: verify before anything else."""
    table = schema.meter_write
    query = select(table).where(table.c.state.not_in(sorted(SETTLED))).order_by(table.c.at)
    if order_id is not None:
        query = query.where(table.c.order_id == order_id)
    return [{str(name): value for name, value in row._mapping.items()} for row in connection.execute(query)]


def missing_blobs(connection: Connection, order_id: str | None = None) -> list[str]:
    """Hashes of blobs that entries list and that are not held here; a record is complete without any."""
    table, held = schema.blob, schema.blob_store
    query = (
        select(table.c.sha256)
        .distinct()
        .where(~exists().where(held.c.sha256 == table.c.sha256))
        .order_by(table.c.sha256)
    )
    if order_id is not None:
        query = query.where(table.c.order_id == order_id)
    return [row.sha256 for row in connection.execute(query)]
