"""What the office keeps without effect: listed, shown as it came, and tried again.

Nothing here deletes or changes kept bytes. An entry that an older program could not read or fold becomes part
of the record once a newer one can; one whose id stands for another stays what it is, as often as it is tried.
"""

from __future__ import annotations

import base64

import msgspec
from sqlalchemy import Connection, Row, delete, func, select, update

from workorders.gateway.errors import NotFound, OutOfTurn
from workorders.gateway.office import Office
from workorders.gateway.push import push
from workorders.gateway.tables import tablet
from workorders.journal.entry import WireEntry
from workorders.store import schema
from workorders.sync import wire
from workorders.sync.wire import VerdictKind

MAX_KEPT = 500
_BODY = "unreadable_body"
_NOT_AN_ENTRY = "not_an_entry"


_TOLD = (
    *(one for one in schema.quarantine.c if one.name != "body"),
    func.length(schema.quarantine.c.body).label("size"),  # a list shows no bodies: they may be large
)


class KeptEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is kept without effect. `size` in bytes; `retried_verdict`: what the last try gave."""

    number: int
    entry_id: str | None
    hash: str | None
    chain_id: str | None
    seq: int | None
    verdict: str
    code: str
    reason: str
    source: str | None
    received_at: str
    size: int
    retried_at: str | None
    retried_verdict: str | None


class KeptBytes(msgspec.Struct, frozen=True, kw_only=True):
    """The same with its bytes as they came. `text` where they are UTF-8, `body` always (Base64)."""

    kept: KeptEntry
    body: bytes
    text: str | None
    signature: bytes | None


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a try: the verdict of each entry that was found in the bytes."""

    number: int
    verdicts: list[wire.Verdict]


def kept(office: Office, *, after: int = 0, limit: int = 100, waiting: bool = False) -> list[KeptEntry]:
    """What is kept, oldest first.

    Args:
        after: only numbers above it (the last of the page before).
        waiting: only what has not been taken in by a later try.
    """
    table = schema.quarantine
    query = select(*_TOLD).where(table.c.number > after).order_by(table.c.number)
    if waiting:
        taken = (VerdictKind.APPLIED, VerdictKind.CONFLICT, VerdictKind.DUPLICATE)
        query = query.where(table.c.retried_verdict.is_(None) | table.c.retried_verdict.not_in(taken))
    with office.store.read() as connection:
        return [_entry(row) for row in connection.execute(query.limit(min(limit, MAX_KEPT)))]


def kept_bytes(office: Office, number: int) -> KeptBytes:
    """One thing with its bytes.

    Raises:
        NotFound
    """
    with office.store.read() as connection:
        row = _row(connection, number)
        told = connection.execute(select(*_TOLD).where(schema.quarantine.c.number == number)).one()
    try:
        text: str | None = row.body.decode()
    except UnicodeDecodeError:
        text = None
    return KeptBytes(kept=_entry(told), body=row.body, text=text, signature=row.signature)


def retry(office: Office, number: int) -> Retried:
    """Judge kept bytes anew, as if they had just come; the author learns the verdict with the next pull.

    Raises:
        NotFound: nothing has this number, or its author's certificate is not known here.
        OutOfTurn: `not_readable`: not even the frame of a push or an entry can be made out; `revoked`: that
            is lifted by accepting what a revoked tablet handed over.
    """
    with office.store.read() as connection:
        row = _row(connection, number)
        request = _request(connection, row)
    if row.entry_id is not None or row.hash is not None:
        _forget_verdict(office, row)
    answer = push(office, request, f"quarantine/{number}")
    with office.store.write() as connection:
        verdicts = [verdict.verdict for verdict in answer.verdicts]
        worst = next((one for one in verdicts if one in _WITHOUT_EFFECT), verdicts[0])
        connection.execute(
            update(schema.quarantine)
            .where(schema.quarantine.c.number == number)
            .values(retried_at=office.time(), retried_verdict=worst)
        )
    return Retried(number=number, verdicts=answer.verdicts)


_WITHOUT_EFFECT = (VerdictKind.QUARANTINED, VerdictKind.REJECTED)


def _forget_verdict(office: Office, row: Row[tuple[object, ...]]) -> None:
    """A stored verdict would be given again; one that had an effect is left: the entry is in the record."""
    table = schema.verdict
    with office.store.write() as connection:
        connection.execute(
            delete(table).where(
                table.c.entry_id == (row.entry_id or row.hash),
                table.c.hash == row.hash,
                table.c.verdict == VerdictKind.QUARANTINED,
            )
        )


def _request(connection: Connection, row: Row[tuple[object, ...]]) -> wire.PushRequest:
    """The push that the bytes came with, as far as it can be made again."""
    if row.code == "revoked":
        raise OutOfTurn("its tablet was revoked: accept what that handed over", code="revoked")
    if row.code == _BODY:
        try:
            whole = msgspec.json.decode(row.body, type=wire.PushRequest)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OutOfTurn(f"still no push: {error}", code="not_readable") from None
        if not whole.entries:
            raise OutOfTurn("a push without entries", code="not_readable")
        return whole
    if row.chain_id is None:
        raise OutOfTurn("the chain that it came with is not known", code="not_readable")
    return wire.PushRequest(
        chain_id=row.chain_id, certificate=_certificate(connection, row), entries=[_raw(row)]
    )


def _raw(row: Row[tuple[object, ...]]) -> msgspec.Raw:
    """The entry on the wire: kept whole where it was none, else by its body and signature."""
    if row.code == _NOT_AN_ENTRY or row.signature is None:
        try:
            return msgspec.json.decode(row.body, type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OutOfTurn(f"no entry can be made out: {error}", code="not_readable") from None
    try:
        body = row.body.decode()
    except UnicodeDecodeError as error:
        raise OutOfTurn(f"the entry is no text: {error}", code="not_readable") from None
    return msgspec.Raw(msgspec.json.encode(WireEntry(body=body, hash=str(row.hash), signature=row.signature)))


def _certificate(connection: Connection, row: Row[tuple[object, ...]]) -> str:
    """Of the chain's author, else of the tablet that delivered it."""
    found = connection.execute(
        select(schema.chain.c.certificate).where(schema.chain.c.chain_id == row.chain_id)
    ).scalar()
    if found is None and row.source is not None:
        delivered = str(row.source).rpartition("/")[2]
        found = connection.execute(
            select(tablet.c.certificate).where(tablet.c.tablet_id == delivered)
        ).scalar()
    if found is None:
        raise NotFound("the certificate of its author is not known here", code="no_author")
    return base64.b64encode(found).decode()


def _row(connection: Connection, number: int) -> Row[tuple[object, ...]]:
    table = schema.quarantine
    row = connection.execute(select(table).where(table.c.number == number)).first()
    if row is None:
        raise NotFound(f"nothing is kept under {number}")
    return row


def _entry(row: Row[tuple[object, ...]]) -> KeptEntry:
    return KeptEntry(
        number=row.number,
        entry_id=row.entry_id,
        hash=row.hash,
        chain_id=row.chain_id,
        seq=row.seq,
        verdict=row.verdict,
        code=row.code,
        reason=row.reason,
        source=row.source,
        received_at=row.received_at,
        size=row.size,
        retried_at=row.retried_at,
        retried_verdict=row.retried_verdict,
    )
