"""Takes in what a revoked tablet handed over: a supervisor's act, after somebody has asked the crew.

A tablet is revoked because it may be in wrong hands; its entries are then kept as rejected, without effect.
Where it turns out that the crew had it all the time, the work was done and must count: the kept bytes are
judged again as if the tablet had not been revoked. Everything else about them is checked as ever. The device
hears of the new verdicts with its next pull, under its later enrolment.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import groupby

import msgspec
from sqlalchemy import Connection, Row, select

from workorders.gateway.chains import append
from workorders.gateway.errors import InvalidInput, NotFound, OutOfTurn
from workorders.gateway.kept import PardonReport, known_tablet, waiting
from workorders.gateway.office import Office
from workorders.gateway.push import push
from workorders.journal.entry import WireEntry
from workorders.journal.kinds import EntriesAccepted
from workorders.journal.said import seal_said
from workorders.journal.writer import Draft
from workorders.store import keys, schema
from workorders.sync import wire


def accept_kept(
    office: Office, tablet_id: str, reason: str, *, actor: str | None = None, project: str | None = None
) -> PardonReport:
    """Take in what a revoked tablet handed over since; its own trust stays taken away.

    Args:
        project: of the user whose access ends there; another project's tablet is none for them.

    Raises:
        NotFound: no such tablet, or nothing of it waits (`nothing_kept`).
        OutOfTurn: `not_revoked`.
        InvalidInput: no reason.
    """
    if not reason.strip():
        raise InvalidInput("a reason is needed")
    with office.store.read() as connection:
        row = known_tablet(connection, tablet_id, project)
        if row.revoked_at is None:
            raise OutOfTurn("this tablet is not revoked: it syncs by itself", code="not_revoked")
        kept = _kept(connection, tablet_id)
    if not kept:
        raise NotFound("nothing of this tablet waits", code="nothing_kept")
    report = PardonReport(tablet=tablet_id)
    _note(office, row, len(kept), reason.strip(), actor)
    for chain_id, batch in _batches(kept):
        request = wire.PushRequest(
            chain_id=chain_id,
            certificate=base64.b64encode(row.certificate).decode(),
            entries=[msgspec.Raw(msgspec.json.encode(_wire(item))) for item in batch],
        )
        # Not as the tablet itself: who wrote an entry learns its verdict with a pull.
        answer = push(office, request, f"pardon/{tablet_id}", pardoned=tablet_id)
        for verdict in answer.verdicts:
            kind = str(verdict.first or verdict.verdict)
            report.verdicts[kind] = report.verdicts.get(kind, 0) + 1
        report.entries += len(batch)
    return report


def _note(office: Office, row: Row[tuple[object, ...]], entries: int, reason: str, actor: str | None) -> None:
    """The act stands in the record before its effects do: a cut leaves it to be done again."""
    with office.store.write() as connection:
        sealed = seal_said(keys.sealing_key(connection, row.tablet_id), reason, row.tablet_id)
        project = row.project or _any_project(connection)
    payload = EntriesAccepted(tablet=row.tablet_id, entries=entries, reason=sealed)
    append(office, project, [Draft(payload=payload, actor=actor)])


def _any_project(connection: Connection) -> str:
    found = connection.execute(
        select(schema.entry.c.project).where(schema.entry.c.project.is_not(None)).limit(1)
    )
    return str(found.scalar() or "")


def _kept(connection: Connection, tablet_id: str) -> list[Row[tuple[object, ...]]]:
    table = schema.quarantine
    query = select(table).where(waiting(tablet_id)).order_by(table.c.chain_id, table.c.seq, table.c.number)
    return list(connection.execute(query).all())


def _batches(
    kept: list[Row[tuple[object, ...]]],
) -> Iterator[tuple[str, list[Row[tuple[object, ...]]]]]:
    for chain_id, rows in groupby(kept, key=lambda row: str(row.chain_id)):
        ordered = list(rows)
        for at in range(0, len(ordered), wire.MAX_ENTRIES_PER_PUSH):
            yield chain_id, ordered[at : at + wire.MAX_ENTRIES_PER_PUSH]


def _wire(row: Row[tuple[object, ...]]) -> WireEntry:
    return WireEntry(body=row.body.decode(), hash=row.hash, signature=row.signature)
