"""The administrator's acts: tablets listed and revoked, personal data erased."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Connection, select, update

from workorders.gateway.chains import writing
from workorders.gateway.enrolment import system_title
from workorders.gateway.errors import InvalidInput, NotAllowed, NotFound, NotSignedIn
from workorders.gateway.office import Office
from workorders.gateway.pull import TabletRow
from workorders.gateway.tables import tablet
from workorders.journal.kinds import PersonalErased
from workorders.journal.writer import Draft
from workorders.store.keys import finish_erasures
from workorders.store.schema import order_key, order_text, work_order


class TabletInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A tablet as the administrator sees it."""

    id: str
    name: str
    crew: str | None
    project: str | None
    system_title: str
    enrolled_at: str
    seen_at: str | None
    revoked_at: str | None
    revoke_reason: str | None
    recovery_held: bool


def tablets(office: Office) -> list[TabletInfo]:
    """Every tablet that was ever enrolled, newest first."""
    with office.store.read() as connection:
        rows = connection.execute(select(tablet).order_by(tablet.c.number.desc())).all()
    return [
        TabletInfo(
            id=row.tablet_id,
            name=row.name,
            crew=row.crew,
            project=row.project,
            system_title=system_title(office.gateway_id, row.number),
            enrolled_at=row.enrolled_at,
            seen_at=row.seen_at,
            revoked_at=row.revoked_at,
            revoke_reason=row.revoke_reason,
            recovery_held=row.recovery is not None,
        )
        for row in rows
    ]


def tablet_row(office: Office, tablet_id: str, *, may_be_revoked: bool = False) -> TabletRow:
    """An enrolled tablet, for its requests.

    Args:
        may_be_revoked: a revoked tablet may still hand over what it holds: its bytes are kept, as rejected.

    Raises:
        NotSignedIn: no such tablet.
        NotAllowed: `revoked`.
    """
    with office.store.read() as connection:
        row = connection.execute(select(tablet).where(tablet.c.tablet_id == tablet_id)).first()
    if row is None:
        raise NotSignedIn("this tablet is not enrolled here", code="unknown_tablet")
    if row.revoked_at is not None and not may_be_revoked:
        raise NotAllowed("this tablet was revoked: ask the office", code="revoked")
    return TabletRow(
        tablet_id=row.tablet_id,
        crew=row.crew,
        project=row.project,
        sealing_key=row.sealing_key,
        revoked=row.revoked_at is not None,
    )


def revoke_tablet(office: Office, tablet_id: str, reason: str) -> None:
    """Take a tablet's trust away: what it wrote and had answered stays, what comes after is rejected.

    Raises:
        NotFound: no such tablet.
    """
    with office.store.write() as connection:
        done = connection.execute(
            update(tablet)
            .where(tablet.c.tablet_id == tablet_id)
            .values(revoked_at=office.time(), revoke_reason=reason)
        )
        if done.rowcount != 1:
            raise NotFound(f"there is no tablet {tablet_id}")


def _names_customer(connection: Connection, order_id: str, reason: str) -> bool:
    """Whether a word of the customer's name, document, phone or address stands in a text."""
    row = connection.execute(select(order_text).where(order_text.c.order_id == order_id)).first()
    if row is None:
        return False
    known = " ".join(filter(None, (row.name, row.document, row.phone, row.address)))
    said = set(re.findall(r"\w{4,}", reason.casefold()))
    return bool(said & set(re.findall(r"\w{4,}", known.casefold())))


def erase_order(office: Office, order_id: str, reason: str, actor: str | None = None) -> list[str]:
    """Destroy the keys of an order's personal data, here and (with their next sync) on every tablet.

    The chain still verifies; screens show *erased*. Returns the ids of the keys.

    Raises:
        NotFound: no such order, or nothing of it is left to erase.
        InvalidInput: `names_customer`: the reason outlives the key, and would keep what is to be forgotten.
    """
    with office.store.read() as connection:
        project = connection.execute(
            select(work_order.c.project).where(work_order.c.order_id == order_id)
        ).scalar()
        if _names_customer(connection, order_id, reason):
            raise InvalidInput("the reason names the customer, and it is kept", code="names_customer")
        query = select(order_key.c.key_id).where(
            order_key.c.order_id == order_id, order_key.c.key.is_not(None)
        )
        key_ids = sorted(row.key_id for row in connection.execute(query))
    if project is None or not key_ids:
        raise NotFound("there is no such order, or nothing of it is left to erase")
    payload = PersonalErased(key_ids=key_ids, reason=reason)
    with writing(office, project) as (_, write):
        write([Draft(payload=payload, order_id=order_id, actor=actor)])
    finish_erasures(office.store)
    return key_ids
