"""Hands over by USB what the office has not answered: entries, and the photos they name."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, select

from fieldtool import bundle
from fieldtool.errors import JobError
from fieldtool.tablet.carrying import addresses_in
from workorders.clock import utc_text
from workorders.journal.entry import Entry, read_entry, to_wire
from workorders.store import inbox, schema
from workorders.store.settings import set_setting, setting
from workorders.sync.blobs import LOCAL

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

_NUMBER = "bundle.number"


def export(tablet: Tablet, folder: Path) -> tuple[Path, bundle.Header]:
    """Write a hand-over into `folder`; whole or not at all, and nothing here is deleted.

    It is for the office, and tablets whose address lies in the folder may carry it there.

    Raises:
        JobError: `nothing_to_hand_over`.
        OSError: the stick is full or was pulled out.
    """
    identity = tablet.identity
    with tablet.store.read() as connection:
        waiting = _waiting(connection)
        blobs = _blobs(connection)
    if not waiting and not blobs:
        raise JobError("nothing_to_hand_over", "the office has answered everything")
    number = _next_number(tablet)

    def header(recipients: list[bundle.Recipient], nonce: str) -> bundle.Header:
        return bundle.Header(
            v=1,
            id=bundle.new_id(),
            number=number,
            tablet=identity.tablet,
            realm=identity.realm,
            project=identity.project,
            created_at=utc_text(datetime.now(UTC)),
            entries=len(waiting),
            blobs=len(blobs),
            certificate=identity.certificate,
            recipients=recipients,
            nonce=nonce,
        )

    path = folder / bundle.bundle_name(identity.tablet, number)
    part = bundle.partial(path)
    try:
        with part.open("wb") as file:
            sealed_to = {
                "gateway": identity.recovery(),
                **{one.tablet: one.public() for one in addresses_in(tablet, folder)},
            }
            writer = bundle.BundleWriter(file, header, sealed_to, identity.signer())
            _write(tablet, writer, waiting, blobs)
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    with path.open("rb") as written:
        return path, bundle.BundleReader(written, identity.root_der(), identity.realm).header


def _write(tablet: Tablet, writer: bundle.BundleWriter, waiting: list[Entry], blobs: list[str]) -> None:
    chain: str | None = None
    for entry in waiting:
        if entry.envelope.chain_id != chain:
            chain = entry.envelope.chain_id
            item = bundle.ChainItem(chain_id=chain, certificate=_certificate(tablet, chain))
            writer.add(bundle.CHAIN, msgspec.json.encode(item))
        writer.add(bundle.ENTRY, msgspec.json.encode(to_wire(entry)))
    for sha256 in blobs:
        data = tablet.blobs.get(sha256)
        if data is not None:
            writer.add(bundle.BLOB, data)


def _certificate(tablet: Tablet, chain_id: str) -> str:
    table = schema.chain
    with tablet.store.read() as connection:
        der = connection.execute(select(table.c.certificate).where(table.c.chain_id == chain_id)).scalar()
    return base64.b64encode(der).decode("ascii") if der else tablet.identity.certificate


def _waiting(connection: Connection) -> list[Entry]:
    """Own entries without a verdict, chain by chain, by number."""
    table = schema.entry
    query = (
        select(table.c.body, table.c.hash, table.c.signature)
        .where(inbox.waiting())
        .order_by(table.c.chain_id, table.c.seq)
    )
    return [read_entry(row.body, row.hash, row.signature) for row in connection.execute(query)]


def _blobs(connection: Connection) -> list[str]:
    table = schema.blob_store
    query = select(table.c.sha256).where(table.c.state == LOCAL).order_by(table.c.sha256)
    return [row.sha256 for row in connection.execute(query)]


def _next_number(tablet: Tablet) -> int:
    with tablet.store.write() as connection:
        before = setting(connection, _NUMBER)
        number = (before if isinstance(before, int) else 0) + 1
        set_setting(connection, _NUMBER, number)
    return number
