"""Recordings of optical sessions that lie on an order, and what they are opened for: a support file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fieldtool.errors import JobError
from fieldtool.run import photos, recordings
from workorders.journal.kinds import RECORDING_BLOB
from workorders.journal.sealing import SealError
from workorders.store import keys

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet


class RecordingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A recording: its number on the order (from 1, oldest first), when and at which step; `here`: whether
    its file is on this tablet still. `size` in bytes, sealed."""

    number: int
    sha256: str
    at: str
    step: str | None
    size: int
    here: bool


def of_order(tablet: Tablet, order_id: str) -> list[RecordingRow]:
    """The recordings of an order, oldest first; JobError `no_such_order`."""
    found = [blob for blob in tablet.detail(order_id).blobs if blob.what == RECORDING_BLOB]
    found.sort(key=lambda blob: (blob.at, blob.entry_id))
    return [
        RecordingRow(
            number=number,
            sha256=blob.sha256,
            at=blob.at,
            step=blob.step,
            size=blob.size,
            here=tablet.blobs.has(blob.sha256),
        )
        for number, blob in enumerate(found, 1)
    ]


def lines_of(tablet: Tablet, order_id: str, number: int | None) -> bytes:
    """The lines of a recording, the last one where no number is given.

    Raises:
        JobError: `no_recording`, `record_erased`, `photo_missing`, `recording_damaged`, `no_such_order`.
    """
    detail = tablet.detail(order_id)
    rows = of_order(tablet, order_id)
    row = next((row for row in reversed(rows) if number in (None, row.number)), None)
    if row is None:
        raise JobError("no_recording", f"order {detail.order.number} has no such recording")
    blob = next(blob for blob in detail.blobs if blob.sha256 == row.sha256)
    try:
        with tablet.store.read() as connection:
            key = keys.key_by_id(connection, blob.key_id or "")
    except SealError as error:
        raise JobError(
            "record_erased", "this recording cannot be opened any more", reason=error.code
        ) from None
    return recordings.opened(photos.read_blob(tablet.blobs, key, row.sha256))
