"""Sends a sealed file in pieces, and goes on where an earlier round was cut: a thin line loses one piece.

Which upload a file belongs to is kept in the store before its first byte goes; how far it came is asked of
the gateway, which alone knows. A gateway that does not know uploads gets the file whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection

from workorders.store.settings import set_setting, setting
from workorders.sync.errors import CursorGone, Refused
from workorders.sync.round import SyncRound
from workorders.sync.wire import LARGE_PART_BYTES, PART_BYTES, Upload

_BEGUN = "sync.uploads"
_UNKNOWN_WAY = frozenset({"not_found", "method_not_allowed"})
_ENDED = frozenset({"no_such_upload", "not_found"})
_FAST_SECONDS = 3.0
"""A line that carries the smaller piece in this time bears the larger ones."""
_DISAGREEMENTS = 3
"""How often a gateway may hold another number of bytes than we think, or get a piece changed on its way."""


def send_file(round: SyncRound, sha256: str, data: bytes, told: Callable[[int], None]) -> None:
    """Send a file until the gateway holds it whole.

    Args:
        told: called between two pieces with the bytes that are there; it may end the round.

    Raises:
        SyncError: a cut, a refusal; what has arrived stays there for the next round.
    """
    upload = _begun(round, sha256)
    if upload is None:
        try:
            upload = _begin(round, sha256, data)
        except Refused as error:
            if error.code not in _UNKNOWN_WAY:
                raise
            round.transport.put_blob(sha256, data)
            return
    _send_rest(round, upload, data, told)
    with round.store.write() as connection:
        _forget(connection, sha256)


def _begun(round: SyncRound, sha256: str) -> Upload | None:
    """The upload of an earlier round as it stands at the gateway; None where there is none any more."""
    with round.store.read() as connection:
        upload_id = _all(connection).get(sha256)
    if upload_id is None:
        return None
    try:
        return round.transport.upload_offset(upload_id)
    except CursorGone:  # 410 of an upload: it waited too long
        return None
    except Refused as error:
        if error.code not in _ENDED:
            raise
        return None


def _begin(round: SyncRound, sha256: str, data: bytes) -> Upload:
    if len(data) <= PART_BYTES:
        return round.transport.start_upload(sha256, len(data), data)
    upload = round.transport.start_upload(sha256, len(data))
    with round.store.write() as connection:
        set_setting(connection, _BEGUN, {**_all(connection), sha256: upload.id})
    return upload


def _send_rest(round: SyncRound, upload: Upload, data: bytes, told: Callable[[int], None]) -> None:
    size, disagreements = PART_BYTES, 0
    while upload.offset < len(data):
        told(upload.offset)
        began = time.monotonic()
        try:
            piece = data[upload.offset : upload.offset + size]
            upload = round.transport.send_piece(upload.id, upload.offset, piece)
        except Refused as error:
            disagreements += 1
            if error.code not in {"offset_mismatch", "checksum_mismatch"} or disagreements > _DISAGREEMENTS:
                raise
            upload = round.transport.upload_offset(upload.id)
            continue
        size = LARGE_PART_BYTES if time.monotonic() - began < _FAST_SECONDS else PART_BYTES


def _all(connection: Connection) -> dict[str, str]:
    kept = setting(connection, _BEGUN)
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def _forget(connection: Connection, sha256: str) -> None:
    kept = _all(connection)
    if kept.pop(sha256, None) is not None:
        set_setting(connection, _BEGUN, {**kept})
