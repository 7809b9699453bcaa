"""What revoked tablets handed over and nobody has taken in yet: per tablet, and which orders it is about.

Taking it in is `workorders.gateway.pardon`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, select

from workorders.gateway.errors import NotFound
from workorders.gateway.office import Office
from workorders.gateway.tables import tablet
from workorders.store import schema
from workorders.store.queries.lists import orders_of
from workorders.sync.wire import VerdictKind

_REVOKED = "revoked"
_AT_ONCE = 200


class KeptEntries(msgspec.Struct, frozen=True, kw_only=True):
    """What a revoked tablet has handed over, from `first_at` to `last_at`, and nobody has taken in yet."""

    tablet: str
    name: str
    revoked_at: str | None
    entries: int
    crew: str | None = None
    revoke_reason: str | None = None
    first_at: str | None = None
    last_at: str | None = None


class KeptOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that kept entries are about, by their own word. `entries`: how many; what the office knows of
    the order is None where it is not (or not for this person) an order of the office."""

    order_id: str
    entries: int
    number: str | None = None
    address: str | None = None
    status: str | None = None


class KeptWork(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one tablet, by order, most entries first. `others`: entries about no order."""

    tablet: str
    orders: list[KeptOrder]
    others: int


class PardonReport(msgspec.Struct, kw_only=True):
    """What came of the kept entries. `verdicts` by kind."""

    tablet: str
    entries: int = 0
    verdicts: dict[str, int] = msgspec.field(default_factory=dict)


def kept_entries(office: Office, project: str | None = None) -> list[KeptEntries]:
    """Revoked tablets (of one project, or of all) whose entries wait for a supervisor."""
    revoked = select(tablet).where(tablet.c.revoked_at.is_not(None)).order_by(tablet.c.revoked_at.desc())
    if project is not None:
        revoked = revoked.where(tablet.c.project == project)
    with office.store.read() as connection:
        rows = connection.execute(revoked).all()
        counted = [(row, _number_kept(connection, row.tablet_id)) for row in rows]
    return [
        KeptEntries(
            tablet=row.tablet_id,
            name=row.name,
            revoked_at=row.revoked_at,
            entries=number,
            crew=row.crew,
            revoke_reason=row.revoke_reason,
            first_at=first,
            last_at=last,
        )
        for row, (number, first, last) in counted
        if number
    ]


def kept_work(office: Office, tablet_id: str, project: str | None = None) -> KeptWork:
    """Which orders the kept entries of a tablet are about: what accepting them would touch.

    Args:
        project: of a user whose access ends there; another project's tablet is none for them.

    Raises:
        NotFound: no such tablet.
    """
    counts: dict[str | None, int] = {}
    with office.store.read() as connection:
        known_tablet(connection, tablet_id, project)
        for body in _bodies(connection, tablet_id):
            about = _order_of(body)
            counts[about] = counts.get(about, 0) + 1
        named = _rows_of(connection, [one for one in counts if one], project)
    others = counts.pop(None, 0)
    orders = [
        KeptOrder(order_id=order_id, entries=number, **named.get(order_id, {}))
        for order_id, number in counts.items()
        if order_id
    ]
    return KeptWork(
        tablet=tablet_id, orders=sorted(orders, key=lambda one: (-one.entries, one.order_id)), others=others
    )


def known_tablet(connection: Connection, tablet_id: str, project: str | None) -> Row[tuple[object, ...]]:
    """The tablet; `project` as for `pardon.accept_kept`.

    Raises:
        NotFound
    """
    row = connection.execute(select(tablet).where(tablet.c.tablet_id == tablet_id)).first()
    if row is None or (project is not None and row.project != project):
        raise NotFound(f"there is no tablet {tablet_id}")
    return row


def waiting(tablet_id: str) -> ColumnElement[bool]:
    """Kept entries of this tablet that were rejected for its revocation and have no verdict since."""
    table, answers = schema.quarantine, schema.verdict
    answered = exists().where(answers.c.entry_id == table.c.entry_id, answers.c.hash == table.c.hash)
    return and_(
        table.c.code == _REVOKED,
        table.c.verdict == VerdictKind.REJECTED,
        table.c.source.in_([tablet_id, f"usb/{tablet_id}"]),
        table.c.signature.is_not(None),
        table.c.chain_id.is_not(None),
        ~answered,
    )


def _number_kept(connection: Connection, tablet_id: str) -> tuple[int, str | None, str | None]:
    received = schema.quarantine.c.received_at
    query = select(func.count(), func.min(received), func.max(received)).where(waiting(tablet_id))
    number, first, last = connection.execute(query).one()
    return int(number), first, last


class _About(msgspec.Struct, frozen=True):
    """Of a kept body only what it is about; it may be anything."""

    order_id: str | None = None


def _bodies(connection: Connection, tablet_id: str) -> Iterator[bytes]:
    """One after another: together they may be larger than the memory."""
    table = schema.quarantine
    for number in connection.execute(select(table.c.number).where(waiting(tablet_id))).scalars().all():
        yield connection.execute(select(table.c.body).where(table.c.number == number)).scalar_one()


def _order_of(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=_About).order_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Names(msgspec.Struct, frozen=True):
    """Of a kept body only the file that it names."""

    class Payload(msgspec.Struct, frozen=True):
        sha256: str | None = None

    payload: Payload = Payload()


def kept_files(connection: Connection, tablet_id: str) -> set[str]:
    """Hashes of photos and documents that the kept entries of a tablet name, by their own word."""
    found: set[str] = set()
    for body in _bodies(connection, tablet_id):
        try:
            named = msgspec.json.decode(body, type=_Names).payload.sha256
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if named is not None:
            found.add(named)
    return found


def entries_kept(connection: Connection, tablet_id: str) -> int:
    """How many entries of a tablet wait for a supervisor."""
    return _number_kept(connection, tablet_id)[0]


def _rows_of(connection: Connection, ids: list[str], project: str | None) -> dict[str, dict[str, str | None]]:
    """What the office calls these orders, those of another project left out."""
    table = schema.work_order
    found: dict[str, dict[str, str | None]] = {}
    for at in range(0, len(ids), _AT_ONCE):
        query = select(table.c.order_id).where(table.c.order_id.in_(ids[at : at + _AT_ONCE]))
        if project is not None:
            query = query.where(table.c.project == project)
        for row in orders_of(connection, query, limit=_AT_ONCE, few=True):
            found[row.order_id] = {"number": row.number, "address": row.address, "status": row.status}
    return found
