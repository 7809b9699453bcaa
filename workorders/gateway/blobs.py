"""Takes photos, signatures and documents: whole files of sealed bytes under their SHA-256."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from workorders.gateway.errors import InvalidInput, NotFound, TooLarge
from workorders.gateway.office import Office
from workorders.store.schema import blob_store
from workorders.sync.blobs import HELD, BlobStore, note_blob
from workorders.sync.wire import MAX_BLOB_BYTES


def put_blob(office: Office, files: BlobStore, sha256: str, data: bytes) -> None:
    """Keep a blob; durable on return. Sending it again changes nothing.

    Raises:
        TooLarge: over the limit.
        InvalidInput: `wrong_hash`; the bytes are not what their name says (cut or changed on the way).
        StoreError: the disk.
    """
    if len(data) > MAX_BLOB_BYTES:
        raise TooLarge(f"a file of {len(data)} bytes; the limit is {MAX_BLOB_BYTES}")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InvalidInput("the bytes are not what their hash says: send the file again", code="wrong_hash")
    files.put(data)
    with office.store.write() as connection:
        note_blob(connection, sha256, len(data), HELD, office.time())


def blob_size(office: Office, sha256: str) -> int:
    """Size of a blob that the office holds.

    Raises:
        NotFound: it does not (`no_such_blob`).
    """
    with office.store.read() as connection:
        size = connection.execute(
            select(blob_store.c.size).where(blob_store.c.sha256 == sha256, blob_store.c.state == HELD)
        ).scalar()
    if size is None:
        raise NotFound("the office does not hold this file", code="no_such_blob")
    return int(size)


def get_blob(office: Office, files: BlobStore, sha256: str) -> bytes:
    """The sealed bytes of a blob.

    Raises:
        NotFound: it is not here.
    """
    blob_size(office, sha256)
    data = files.get(sha256)
    if data is None:
        raise NotFound(
            "the file is lost here; the tablet still has it or has confirmed it", code="no_such_blob"
        )
    return data
