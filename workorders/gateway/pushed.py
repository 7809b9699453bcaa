"""What a push holds, as far as can be said before anybody waits for the database: read, signed, allowed."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from workorders.gateway.authenticity import Author, Refused, check_payload, named_author
from workorders.gateway.office import Office
from workorders.journal.canonical import MAX_INTEGER
from workorders.journal.chain import certificate_key
from workorders.journal.entry import Entry, EntryError, WireEntry, from_wire, signature_holds
from workorders.sync import wire
from workorders.sync.wire import Verdict, VerdictKind


@dataclass
class Item:
    """One pushed entry on its way to a verdict."""

    raw: bytes
    hash: str
    id: str | None = None
    seq: int | None = None
    wire: WireEntry | None = None
    read: Entry | Refused | None = None
    refusal: Refused | None = None
    """Why its payload may not stand; asked only of an entry that is authentic."""
    signed: bool = False
    """Whether the key of the certificate that came with the push signed it."""
    entry: Entry | None = None
    verdict: Verdict | None = None


def read(raw: bytes) -> Item:
    """Read a pushed entry as far as it goes; never fails."""
    item = Item(raw=raw, hash=hashlib.sha256(raw).hexdigest())
    try:
        item.wire = msgspec.json.decode(raw, type=WireEntry)
        body = item.wire.body.encode()
    except (msgspec.DecodeError, UnicodeError):
        return item
    if hashlib.sha256(body).hexdigest() == item.wire.hash:
        item.hash = item.wire.hash
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        item.id = msgspec.json.decode(body, type=_Name).id
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        item.seq = msgspec.json.decode(body, type=_Number).seq
    return item


def prove(office: Office, request: wire.PushRequest, items: Sequence[Item]) -> Author:
    """All that can be said of entries, and of whom the request's certificate names, without asking the
    database, so that nobody waits for it meanwhile.
    """
    certificate = decoded(request.certificate)
    try:
        key = certificate_key(certificate)
    except EntryError:
        key = None
    for item in items:
        if item.wire is None:
            continue
        try:
            item.read = from_wire(item.wire)
        except (EntryError, UnicodeError) as error:
            code = error.code if isinstance(error, EntryError) else "not_canonical"
            item.read = Refused(VerdictKind.QUARANTINED, code, str(error))
            continue
        item.signed = key is not None and signature_holds(item.read, key)
        try:
            check_payload(office, item.read)
        except Refused as refused:
            item.refusal = refused
    return named_author(office, certificate)


class _Name(msgspec.Struct):
    id: str


class _Number(msgspec.Struct):
    seq: Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]


def decoded(certificate: str) -> bytes:
    """The DER that a request carries; what is no base64 is no certificate and proves nothing."""
    try:
        return base64.b64decode(certificate, validate=True)
    except ValueError:
        return b""
