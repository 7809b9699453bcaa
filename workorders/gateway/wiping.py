"""Wiping a lost tablet, the office's side: named losses first, then the order, then the tablet's last word.

A tablet is locked first (`admin.revoke_tablet`): on its next contact it hands over what it holds and stops
work. Only then may a wipe be ordered, by somebody who was told what would be lost with it.
"""

from __future__ import annotations

import base64

import msgspec
from sqlalchemy import Connection, func, select, update

from workorders.gateway.errors import InvalidInput, NotFound, OutOfTurn
from workorders.gateway.kept import entries_kept, kept_files
from workorders.gateway.office import Office
from workorders.gateway.tables import head_receipt, tablet
from workorders.store import schema
from workorders.store.keys import IN_HAND
from workorders.store.queries import missing_blobs
from workorders.sync import wire
from workorders.sync.signatures import standing_message


class WipeLosses(msgspec.Struct, frozen=True, kw_only=True):
    """What a wipe would end, as far as the office can know it: the tablet may hold more.

    Attributes:
        seen_at: last contact; whatever was written since is only on the tablet, and stays there sealed to
            the recovery key.
        entries_held: entries of this tablet that count at the office.
        entries_kept: those that it handed over after it was revoked, and that nobody has accepted.
        orders_begun: numbers of orders of its crew that were begun and not ended.
        files_missing: photos and documents that its entries name and the office does not hold.
    """

    tablet: str
    name: str
    crew: str | None
    seen_at: str | None
    revoked_at: str | None
    ordered_at: str | None
    wiped_at: str | None
    entries_held: int
    orders_begun: list[str]
    files_missing: int
    entries_kept: int = 0


def wipe_losses(office: Office, tablet_id: str) -> WipeLosses:
    """What would be lost with a tablet.

    Raises:
        NotFound: no such tablet.
    """
    with office.store.read() as connection:
        row = connection.execute(select(tablet).where(tablet.c.tablet_id == tablet_id)).first()
        if row is None:
            raise NotFound(f"there is no tablet {tablet_id}")
        chains = select(head_receipt.c.chain_id).where(head_receipt.c.tablet_id == tablet_id)
        entry, order = schema.entry, schema.work_order
        held = select(func.count()).select_from(entry).where(entry.c.chain_id.in_(chains))
        begun = (
            select(order.c.number)
            .where(order.c.crew == row.crew, order.c.status.in_(IN_HAND))
            .order_by(order.c.number)
        )
        return WipeLosses(
            tablet=tablet_id,
            name=row.name,
            crew=row.crew,
            seen_at=row.seen_at,
            revoked_at=row.revoked_at,
            ordered_at=row.wipe_ordered_at,
            wiped_at=row.wiped_at,
            entries_held=int(connection.execute(held).scalar_one()),
            orders_begun=[item.number or "" for item in connection.execute(begun)],
            files_missing=_files_missing(connection, tablet_id),
            entries_kept=entries_kept(connection, tablet_id),
        )


def _files_missing(connection: Connection, tablet_id: str) -> int:
    blob, entry = schema.blob, schema.entry
    query = (
        select(blob.c.sha256)
        .distinct()
        .join(entry, entry.c.id == blob.c.entry_id)
        .join(head_receipt, head_receipt.c.chain_id == entry.c.chain_id)
        .where(head_receipt.c.tablet_id == tablet_id)
    )
    missing = set(missing_blobs(connection))
    named = {item.sha256 for item in connection.execute(query)} & missing
    # Of what came after it was revoked no file is taken: those that it names are on the tablet alone.
    unheard = kept_files(connection, tablet_id)
    held = schema.blob_store
    here = select(held.c.sha256).where(held.c.sha256.in_(unheard))
    return len(named | (unheard - set(connection.execute(here).scalars())))


def order_wipe(office: Office, tablet_id: str, reason: str) -> WipeLosses:
    """Order that a locked tablet destroys what it holds at its next contact; returns what is lost with it.

    Raises:
        NotFound; OutOfTurn `not_locked`: revoke it first, so that what it holds comes in; InvalidInput: no
        reason.
    """
    if not reason.strip():
        raise InvalidInput("a reason is needed")
    losses = wipe_losses(office, tablet_id)
    if losses.revoked_at is None:
        raise OutOfTurn("revoke the tablet first: it then hands over what it holds", code="not_locked")
    with office.store.write() as connection:
        connection.execute(
            update(tablet)
            .where(tablet.c.tablet_id == tablet_id, tablet.c.wipe_ordered_at.is_(None))
            .values(wipe_ordered_at=office.time(), wipe_reason=reason.strip())
        )
    return wipe_losses(office, tablet_id)


def standing(office: Office, tablet_id: str) -> wire.Standing:
    """What the office says to a tablet about itself, signed."""
    losses, time = wipe_losses(office, tablet_id), office.time()
    message = standing_message(tablet_id, losses.revoked_at, losses.ordered_at, time)
    return wire.Standing(
        tablet=tablet_id,
        revoked_at=losses.revoked_at,
        wipe_ordered_at=losses.ordered_at,
        time=time,
        signature=base64.b64encode(office.key.sign(message)).decode(),
    )


def note_wiped(office: Office, tablet_id: str, said: wire.Wiped) -> None:
    """A tablet says that it has sealed what it held and now destroys the rest.

    Raises:
        OutOfTurn: `not_ordered`.
    """
    del said  # how much lies in its file; the file itself tells when it is brought
    with office.store.write() as connection:
        done = connection.execute(
            update(tablet)
            .where(tablet.c.tablet_id == tablet_id, tablet.c.wipe_ordered_at.is_not(None))
            .values(wiped_at=office.time(), seen_at=office.time())
        )
    if done.rowcount != 1:
        raise OutOfTurn("no wipe of this tablet was ordered", code="not_ordered")
