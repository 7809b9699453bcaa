"""What the office writes: one chain per project, appended under the database's write lock.

Who may see an order from and until which place of the sequence is kept beside each entry that changes it,
in the same transaction, so that a pull is one indexed read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, insert, select, update

from workorders.clock import SystemClock, utc_text
from workorders.gateway.office import Office
from workorders.gateway.tables import order_visibility
from workorders.journal import kinds
from workorders.journal.entry import Entry, EntryTime
from workorders.journal.lifts import read_payload
from workorders.journal.writer import Draft, Journal
from workorders.store.schema import entry as entry_table

Write = Callable[[Sequence[Draft]], list[Entry]]

LEFT_REASSIGNED = "reassigned"


@dataclass(frozen=True)
class _OfficeClock:
    """The office's clock is the reference: its offset to itself is nothing."""

    office: Office
    machine: SystemClock

    def now(self) -> EntryTime:
        time = self.machine.now()
        return msgspec.structs.replace(time, device=utc_text(self.office.now()), server_offset_ms=0)


def journal(office: Office, project: str) -> Journal:
    """The office's author on the chain of a project; the chain is begun if there is none."""
    author = _author(office, project)
    if author.head() is None:
        author.begin_chain("project")
    return author


def _author(office: Office, project: str) -> Journal:
    clock = _OfficeClock(office, SystemClock())
    return Journal(office.store, office.key, office.certificate, office.realm, project, clock)


@contextmanager
def writing(office: Office, project: str) -> Iterator[tuple[Connection, Write]]:
    """A transaction in which the office writes entries of a project and changes rows beside them."""
    with journal(office, project).transaction() as (connection, write):

        def write_seen(drafts: Sequence[Draft]) -> list[Entry]:
            written = write(drafts)
            note_visibility(connection, project, written)
            return written

        yield connection, write_seen


def write_within(office: Office, connection: Connection, project: str, draft: Draft) -> Entry:
    """Write one entry of a project in a transaction that the caller holds already."""
    return _author(office, project).append_within(connection, "project", draft)


def append(office: Office, project: str, drafts: Sequence[Draft]) -> list[Entry]:
    """Write entries on the project's chain; durable on return."""
    with writing(office, project) as (_, write):
        return write(drafts)


def note_visibility(connection: Connection, project: str, written: Iterable[Entry]) -> None:
    """Keep up to date which crew sees which order, from the office's entries."""
    moves = [(entry, crew) for entry in written if (crew := _new_crew(entry)) is not None]
    if not moves:
        return
    seq = _server_seqs(connection, [entry.envelope.id for entry, _ in moves])
    opened: list[dict[str, object]] = []
    known = _open_crews(connection, [entry.envelope.order_id or "" for entry, _ in moves])
    for entry, crew in moves:
        order_id, number = entry.envelope.order_id or "", seq[entry.envelope.id]
        before = known.get(order_id)
        if before == crew:
            continue
        if before is not None:
            table = order_visibility
            connection.execute(
                update(table)
                .where((table.c.order_id == order_id) & table.c.until_seq.is_(None))
                .values(until_seq=number, left_reason=LEFT_REASSIGNED)
            )
        known[order_id] = crew
        opened.append({"order_id": order_id, "from_seq": number, "project": project, "crew": crew})
    if opened:
        connection.execute(insert(order_visibility), opened)


def _new_crew(entry: Entry) -> str | None:
    """The crew that an office entry gives its order to; None if it says nothing of one."""
    payload = read_payload(entry.envelope)
    match payload:
        case kinds.OrderIssued():
            crew = payload.order.get("crew")
        case kinds.OrderChanged():
            crew = payload.changes.get("crew")
        case kinds.OrderReassigned():
            crew = payload.crew
        case _:
            crew = None
    return crew if isinstance(crew, str) and crew else None


_CHUNK = 500


def _server_seqs(connection: Connection, ids: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at in range(0, len(ids), _CHUNK):
        query = select(entry_table.c.id, entry_table.c.server_seq)
        for row in connection.execute(query.where(entry_table.c.id.in_(ids[at : at + _CHUNK]))):
            found[row.id] = row.server_seq
    return found


def _open_crews(connection: Connection, order_ids: list[str]) -> dict[str, str]:
    table = order_visibility
    found: dict[str, str] = {}
    for at in range(0, len(order_ids), _CHUNK):
        part = order_ids[at : at + _CHUNK]
        query = select(table.c.order_id, table.c.crew)
        for row in connection.execute(query.where(table.c.order_id.in_(part), table.c.until_seq.is_(None))):
            found[row.order_id] = row.crew
    return found
