"""Files piece by piece, as tus 1.0 has it: any gateway goes on where another one, or a dead one, stopped.

Nothing of an upload is in a process. What has arrived is told by the database; the pieces lie in the store of
blobs under their own hashes. A piece is noted before its bytes are put down, so that none is ever left
without an owner, and counts only when it is durable. The last piece makes the whole: it is proven against
the SHA-256 that was announced, put down under that name, and only then is the upload at its end.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from workorders.clock import utc_text
from workorders.gateway.errors import Gone, InvalidInput, NotFound, OfficeError, OutOfTurn, TooLarge
from workorders.gateway.office import Office
from workorders.gateway.tables import upload, upload_part
from workorders.store.schema import blob_store
from workorders.sync.blobs import HELD, BlobStore, check_name, note_blob
from workorders.sync.wire import MAX_BLOB_BYTES, UPLOAD_DAYS, Upload

OPEN_PER_TABLET = 100
"""Unfinished uploads of one tablet; of more, the oldest go."""
_SWEEP_AT_ONCE = 50


class ChecksumMismatch(OfficeError):
    """A piece was changed on its way; none of it is kept."""

    status = 460
    code = "checksum_mismatch"
    title = "The piece does not match its checksum"


class UploadState(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may ask of an upload. `metadata` as it was given."""

    id: str
    offset: int
    size: int
    metadata: str
    expires_at: str

    def wire(self) -> Upload:
        """As it travels."""
        return Upload(id=self.id, offset=self.offset, expires=self.expires_at)


def sha256_of(metadata: str) -> str | None:
    """The announced SHA-256 of the whole: the key `sha256` of `Upload-Metadata`; None where there is none.

    Raises:
        InvalidInput: `bad_metadata`; not pairs of a key and base64, a key twice, or no hash.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in metadata.split(","))):
        key, _, value = pair.partition(" ")
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise InvalidInput(f"the metadata {key!r} is not base64", code="bad_metadata") from None
        if key in found:
            raise InvalidInput(f"the metadata {key!r} stands twice", code="bad_metadata")
        found[key] = text
    if "sha256" not in found:
        return None
    try:
        check_name(found["sha256"])
    except ValueError as error:
        raise InvalidInput(f"sha256 is {error}", code="bad_metadata") from None
    return found["sha256"]


def check_piece(data: bytes, checksum: str | None) -> None:
    """Hold a piece against `Upload-Checksum` (`sha256 BASE64` or `sha1 BASE64`).

    Raises:
        OfficeError: `unknown_checksum` (400): another algorithm, or not base64.
        ChecksumMismatch: the piece is not what was sent.
    """
    if checksum is None:
        return
    algorithm, _, value = checksum.strip().partition(" ")
    if algorithm not in {"sha256", "sha1"}:
        raise OfficeError(f"{algorithm!r} is not offered", code="unknown_checksum")
    try:
        told = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise OfficeError("the checksum is not base64", code="unknown_checksum") from None
    if hashlib.new(algorithm, data, usedforsecurity=False).digest() != told:
        raise ChecksumMismatch("the piece was changed on its way: send it again")


def create(
    office: Office, files: BlobStore, tablet_id: str, size: int, metadata: str = "", first: bytes = b""
) -> UploadState:
    """Begin an upload; `first` are the bytes that came with it.

    Raises:
        TooLarge, InvalidInput: see `append`.
        StoreError: the disk or the database.
    """
    if size > MAX_BLOB_BYTES:
        raise TooLarge(f"a file of {size} bytes; the limit is {MAX_BLOB_BYTES}")
    sweep(office, files, tablet_id)
    upload_id = secrets.token_hex(16)
    begun: dict[str, Any] = {
        "upload_id": upload_id,
        "tablet_id": tablet_id,
        "sha256": sha256_of(metadata),
        "size": size,
        "held": 0,
        "metadata": metadata,
        "created_at": office.time(),
        "expires_at": _expiry(office),
    }
    if len(first) == size:
        return _take_whole(office, files, begun, first)
    with office.store.write(alone=False) as connection:
        connection.execute(insert(upload).values(begun))
    if first:
        return append(office, files, tablet_id, upload_id, 0, first)
    return state(office, tablet_id, upload_id)


def state(office: Office, tablet_id: str, upload_id: str) -> UploadState:
    """How far an upload is.

    Raises:
        NotFound: `no_such_upload`; unknown, ended, or another tablet's.
        Gone: `upload_expired`.
    """
    with office.store.read() as connection:
        return _told(_row(connection, office, tablet_id, upload_id))


def append(
    office: Office, files: BlobStore, tablet_id: str, upload_id: str, offset: int, data: bytes
) -> UploadState:
    """Take the piece that begins at `offset`; durable on return. The last one makes the file.

    Raises:
        NotFound, Gone: see `state`.
        OutOfTurn: `offset_mismatch`; the office holds more or less than that.
        TooLarge: more than was announced.
        InvalidInput: `wrong_hash`; the whole is not what was announced, and the upload has ended.
        StoreError: the disk or the database; then nothing of the piece counts.
    """
    with office.store.read() as connection:
        row = _row(connection, office, tablet_id, upload_id)
    if offset != row.held:
        raise OutOfTurn(f"{row.held} bytes are here, not {offset}", code="offset_mismatch")
    end = offset + len(data)
    if end > row.size:
        raise TooLarge(f"{end} bytes of a file of {row.size}")
    if row.finished_at is not None:
        return _told(row)
    if end == row.size:
        _finish(office, files, row, data)
    elif data:
        _keep_piece(office, files, row, data)
    return state(office, tablet_id, upload_id)


def end(office: Office, files: BlobStore, tablet_id: str, upload_id: str) -> None:
    """Let go of an upload and its pieces; a finished file stays.

    Raises:
        NotFound, Gone: see `state`.
    """
    with office.store.read() as connection:
        _row(connection, office, tablet_id, upload_id)
    _drop(office, files, [upload_id])


def sweep(office: Office, files: BlobStore, tablet_id: str) -> None:
    """Let go of what has expired, and of more unfinished uploads of a tablet than it may have."""
    with office.store.read() as connection:
        old = select(upload.c.upload_id).where(upload.c.expires_at <= office.time()).limit(_SWEEP_AT_ONCE)
        mine = (
            select(upload.c.upload_id)
            .where(upload.c.tablet_id == tablet_id, upload.c.finished_at.is_(None))
            .order_by(upload.c.created_at.desc(), upload.c.upload_id)
            .offset(OPEN_PER_TABLET - 1)
            .limit(_SWEEP_AT_ONCE)
        )
        # Left by a gateway that was killed while it let go of them.
        orphans = (
            select(upload_part.c.upload_id)
            .where(~exists().where(upload.c.upload_id == upload_part.c.upload_id))
            .distinct()
            .limit(_SWEEP_AT_ONCE)
        )
        gone = {str(found) for query in (old, mine, orphans) for found in connection.execute(query).scalars()}
    if gone:
        _drop(office, files, sorted(gone))


# --- beneath ------------------------------------------------------------------------------------


def _expiry(office: Office) -> str:
    return utc_text(office.now() + timedelta(days=UPLOAD_DAYS))


def _row(connection: Connection, office: Office, tablet_id: str, upload_id: str) -> Row[tuple[object, ...]]:
    query = select(upload).where(upload.c.upload_id == upload_id, upload.c.tablet_id == tablet_id)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound("there is no such upload: begin a new one", code="no_such_upload")
    if row.expires_at <= office.time():
        raise Gone("the upload waited too long: begin a new one", code="upload_expired")
    return row


def _told(row: Row[tuple[object, ...]]) -> UploadState:
    return UploadState(
        id=row.upload_id, offset=row.held, size=row.size, metadata=row.metadata, expires_at=row.expires_at
    )


def _keep_piece(office: Office, files: BlobStore, row: Row[tuple[object, ...]], data: bytes) -> None:
    piece = hashlib.sha256(data).hexdigest()
    here = (
        (upload_part.c.upload_id == row.upload_id)
        & (upload_part.c.start == row.held)
        & (upload_part.c.sha256 == piece)
    )
    with office.store.write(alone=False) as connection:
        _moved(connection, row, row.held, _expiry(office))  # locks the row: the note below is ours alone
        if connection.execute(select(upload_part.c.size).where(here)).first() is None:
            connection.execute(
                insert(upload_part).values(
                    upload_id=row.upload_id, start=row.held, sha256=piece, size=len(data), arrived=False
                )
            )
    files.put(data)
    with office.store.write(alone=False) as connection:
        _moved(connection, row, row.held + len(data), _expiry(office))
        connection.execute(update(upload_part).where(here).values(arrived=True))


def _moved(connection: Connection, row: Row[tuple[object, ...]], held: int, expires_at: str) -> None:
    """Move an upload on from where it was read; refused where another request has moved it meanwhile."""
    same = (upload.c.upload_id == row.upload_id) & (upload.c.held == row.held)
    moved = connection.execute(update(upload).where(same).values(held=held, expires_at=expires_at))
    if moved.rowcount == 0:
        raise OutOfTurn("another request was first", code="offset_mismatch")


def _take_whole(office: Office, files: BlobStore, begun: dict[str, Any], whole: bytes) -> UploadState:
    """An upload that is over as it begins, as most photos are: one transaction instead of four."""
    sha256 = hashlib.sha256(whole).hexdigest()
    if sha256 != (begun["sha256"] or sha256):
        raise InvalidInput(_NOT_THE_FILE, code="wrong_hash")
    files.put(whole)
    ended = begun | {"held": len(whole), "finished_at": office.time()}
    with office.store.write() as connection:
        connection.execute(insert(upload).values(ended))
        note_blob(connection, sha256, len(whole), HELD, office.time())
    return UploadState(
        id=ended["upload_id"],
        offset=len(whole),
        size=len(whole),
        metadata=ended["metadata"],
        expires_at=ended["expires_at"],
    )


_NOT_THE_FILE = "the bytes are not what their hash says: send the file again"


def _finish(office: Office, files: BlobStore, row: Row[tuple[object, ...]], last: bytes) -> None:
    with office.store.read() as connection:
        query = (
            select(upload_part.c.sha256)
            .where(upload_part.c.upload_id == row.upload_id, upload_part.c.arrived)
            .order_by(upload_part.c.start)
        )
        names = [str(name) for name in connection.execute(query).scalars()]
    pieces = [files.get(name) for name in names]
    whole = b"".join(piece or b"" for piece in pieces) + last
    sha256 = hashlib.sha256(whole).hexdigest()
    if len(whole) != row.size or sha256 != (row.sha256 or sha256):
        _drop(office, files, [row.upload_id])
        raise InvalidInput(_NOT_THE_FILE, code="wrong_hash")
    files.put(whole)
    with office.store.write() as connection:
        _moved(connection, row, row.size, _expiry(office))
        ended = update(upload).where(upload.c.upload_id == row.upload_id)
        connection.execute(ended.values(finished_at=office.time()))
        note_blob(connection, sha256, row.size, HELD, office.time())
    _drop_pieces(office, files, [row.upload_id])


def _drop(office: Office, files: BlobStore, uploads: list[str]) -> None:
    """Uploads end: no piece is added from now on, then the pieces go."""
    with office.store.write(alone=False) as connection:
        connection.execute(delete(upload).where(upload.c.upload_id.in_(uploads)))
    _drop_pieces(office, files, uploads)


def _drop_pieces(office: Office, files: BlobStore, uploads: list[str]) -> None:
    with office.store.read() as connection:
        query = select(upload_part.c.sha256).where(upload_part.c.upload_id.in_(uploads)).distinct()
        names = [str(name) for name in connection.execute(query).scalars()]
        if not names:
            return
        needed = set(_needed(connection, names, uploads))
    for name in names:
        if name not in needed:
            files.remove(name)
    with office.store.write(alone=False) as connection:
        connection.execute(delete(upload_part).where(upload_part.c.upload_id.in_(uploads)))


def _needed(connection: Connection, names: list[str], uploads: list[str]) -> Iterable[str]:
    """Those of these pieces that are a file of their own, or a piece of another upload too."""
    held = select(blob_store.c.sha256).where(blob_store.c.sha256.in_(names), blob_store.c.state == HELD)
    others = select(upload_part.c.sha256).where(
        upload_part.c.sha256.in_(names), upload_part.c.upload_id.not_in(uploads)
    )
    for query in (held, others):
        yield from (str(name) for name in connection.execute(query).scalars())
