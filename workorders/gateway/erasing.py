"""Destroys the keys of personal data: on request, and by itself when a closed order's time is over.

Each erasure is an entry on the project's chain, so that every tablet and every copy learns of it and the
record says when and why. What was sealed stays as ciphertext: chains still verify.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta

from sqlalchemy import Connection, and_, exists, or_, select

from workorders.clock import utc_text
from workorders.gateway.chains import writing
from workorders.gateway.errors import InvalidInput, NotFound
from workorders.gateway.office import Office
from workorders.gateway.tables import project, tablet
from workorders.journal.kinds import PersonalErased
from workorders.journal.words import OrderStatus
from workorders.journal.writer import Draft
from workorders.store.keys import finish_erasures
from workorders.store.schema import exception, order_key, order_text, work_order
from workorders.sync import wire

RETENTION = "retention"
"""The reason of an erasure that came by time."""
UNHEARD = timedelta(days=wire.TOMBSTONE_DAYS)
"""An order that was taken from a crew keeps its key at least so long, whatever the project says.

So long a tablet may be away and still hear of it as withdrawn. It may have executed the order meanwhile, and
photos, signature and record that it brings home can be read with this key alone.
"""
_AT_ONCE = 200


def erase_order(office: Office, order_id: str, reason: str, actor: str | None = None) -> list[str]:
    """Destroy the keys of an order's personal data, here and (with their next sync) on every tablet.

    Screens show *erased*. Returns the ids of the keys.

    Args:
        order_id: of an order; or of what has a key of its own because it belongs to no order: an exception
            (what was said when it was decided), a revoked tablet (why its entries were accepted).

    Raises:
        NotFound: no such thing, or nothing of it is left to erase.
        InvalidInput: `names_customer`: the reason outlives the key, and would keep what is to be forgotten.
    """
    with office.store.read() as connection:
        home, is_order = _home(connection, order_id)
        if _names_customer(connection, order_id, reason):
            raise InvalidInput("the reason names the customer, and it is kept", code="names_customer")
        key_ids = _keys(connection, order_id)
    if home is None or not key_ids:
        raise NotFound("there is no such order, or nothing of it is left to erase")
    payload = PersonalErased(key_ids=key_ids, reason=reason)
    with writing(office, home) as (_, write):
        write([Draft(payload=payload, order_id=order_id if is_order else None, actor=actor)])
    finish_erasures(office.store)
    return key_ids


def erase_expired(office: Office, progress: Callable[[int], None] = lambda _: None) -> int:
    """Destroy the keys of orders that were closed longer ago than their project keeps personal data.

    Closed means approved: every file is here and every exception decided. Of cancelled ones, those at which
    nothing was done. One that was cancelled or given to another crew waits at least `UNHEARD` after that. May
    be run by several gateways at once, and be cut. Returns how many orders.

    Args:
        progress: called with the number so far.
    """
    done = 0
    for name, days in _retentions(office):
        now = office.now()
        before, heard = utc_text(now - timedelta(days=days)), utc_text(now - UNHEARD)
        while True:
            with office.store.read() as connection:
                due = _due(connection, name, before, heard)
            if not due:
                break
            with writing(office, name) as (connection, write):
                drafts = [
                    Draft(payload=PersonalErased(key_ids=key_ids, reason=RETENTION), order_id=order_id)
                    for order_id in due
                    if (key_ids := _keys(connection, order_id))
                ]
                if drafts:
                    write(drafts)
            done += len(drafts)
            progress(done)
    if done:
        finish_erasures(office.store)
    return done


def _retentions(office: Office) -> Iterable[tuple[str, int]]:
    """Projects that keep personal data for so many days only."""
    with office.store.read() as connection:
        rows = connection.execute(select(project.c.project_id, project.c.data)).all()
    return [(row.project_id, days) for row in rows if isinstance(days := row.data.get("retention_days"), int)]


def _due(connection: Connection, name: str, before: str, heard: str) -> list[str]:
    """Orders whose time is over: ended before `before`, and withdrawn from no crew since `heard`."""
    order = work_order.c
    over = or_(
        and_(order.status == OrderStatus.CLOSED, order.approved_at < before),
        and_(order.status == OrderStatus.CANCELLED, order.cancelled_at < before, order.touched.is_(False)),
    )
    taken_away = (order.cancelled_at, order.reassigned_at)
    told = and_(*(or_(since.is_(None), since < heard) for since in taken_away))
    readable = exists().where(order_key.c.order_id == order.order_id, order_key.c.key.is_not(None))
    query = (
        select(order.order_id)
        .where(order.project == name, over, told, readable)
        .order_by(order.order_id)
        .limit(_AT_ONCE)
    )
    return [str(found) for found in connection.execute(query).scalars()]


def _keys(connection: Connection, scope: str) -> list[str]:
    query = select(order_key.c.key_id).where(order_key.c.order_id == scope, order_key.c.key.is_not(None))
    return sorted(str(found) for found in connection.execute(query).scalars())


def _home(connection: Connection, scope: str) -> tuple[str | None, bool]:
    """The project on whose chain an erasure stands, and whether it is that of an order."""
    found = connection.execute(select(work_order.c.project).where(work_order.c.order_id == scope)).scalar()
    if found is not None:
        return str(found), True
    for query in (
        select(exception.c.project).where(exception.c.exception_id == scope),
        select(tablet.c.project).where(tablet.c.tablet_id == scope),
    ):
        row = connection.execute(query).first()
        if row is not None:
            return row[0] or connection.execute(select(project.c.project_id).limit(1)).scalar(), False
    return None, False


def _names_customer(connection: Connection, order_id: str, reason: str) -> bool:
    """Whether a word of the customer's name, document, phone or address stands in a text."""
    row = connection.execute(select(order_text).where(order_text.c.order_id == order_id)).first()
    if row is None:
        return False
    known = " ".join(filter(None, (row.name, row.document, row.phone, row.address)))
    said = set(re.findall(r"\w{4,}", reason.casefold()))
    return bool(said & set(re.findall(r"\w{4,}", known.casefold())))
