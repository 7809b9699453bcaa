"""The administrator's acts on tablets: listed, and revoked."""

from __future__ import annotations

import msgspec
from sqlalchemy import select, update

from workorders.gateway.enrolment import system_title
from workorders.gateway.errors import NotAllowed, NotFound, NotSignedIn
from workorders.gateway.office import Office
from workorders.gateway.pull import TabletRow
from workorders.gateway.tables import tablet


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
