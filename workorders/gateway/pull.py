"""What changed for a tablet since its cursor, and the proof at the end that nothing is missing.

The gateway's sequence orders everything. A crew sees the orders that are theirs: from the entry that gave
them the order, together with all that was written about it before, until the entry that took it away. A
cursor is opaque to tablets; one that is too old, of another gateway or of another crew begins afresh.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, and_, func, or_, select, update

from workorders.clock import read_utc
from workorders.gateway.errors import Gone
from workorders.gateway.office import Office, last_server_seq
from workorders.gateway.tables import head_receipt, order_visibility, relayed, tablet
from workorders.journal.entry import WireEntry
from workorders.journal.kinds import OrderCancelled
from workorders.journal.words import HeadReference
from workorders.store import schema
from workorders.sync import wire
from workorders.sync.digest import seen_digest
from workorders.sync.wire import Tombstone, Verdict, VerdictKind

_GOES_ON = timedelta(seconds=60)
MAX_ENROLMENTS = 20
MAX_MISSING = 1000
"""Missing blobs named in one answer; the others come with the next round."""

_ENTRY = schema.entry
_SEEN = order_visibility


class TabletRow(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolled tablet, as far as sync needs it."""

    tablet_id: str
    crew: str | None
    project: str | None
    sealing_key: bytes
    revoked: bool = False


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Place in the sequence of one gateway as one crew sees it. `fresh`: own entries are wanted whole."""

    gateway: str
    crew: str
    seq: int
    time: str
    fresh: bool


def encode_cursor(office: Office, crew: str | None, seq: int, *, fresh: bool) -> str:
    """An opaque cursor."""
    cursor = _Cursor(office.gateway_id, crew or "", seq, office.time(), fresh)
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def decode_cursor(office: Office, row: TabletRow, text: str | None) -> _Cursor:
    """The place that a cursor names; the beginning if there is none.

    Raises:
        Gone: not ours, not this crew's, or older than the tombstones are kept.
    """
    if not text:
        return _Cursor(office.gateway_id, row.crew or "", 0, office.time(), True)
    try:
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
        age = office.now() - read_utc(cursor.time)
    except (binascii.Error, msgspec.DecodeError, ValueError, UnicodeError):
        raise Gone("this is no cursor of ours") from None
    if cursor.gateway != office.gateway_id or cursor.crew != (row.crew or "") or cursor.seq < 0:
        raise Gone("the cursor is of another gateway or crew")
    if age > timedelta(days=wire.TOMBSTONE_DAYS):
        raise Gone(f"the cursor is older than {wire.TOMBSTONE_DAYS} days")
    return cursor


def pull(office: Office, row: TabletRow, cursor_text: str | None) -> wire.PullPage:
    """One page of what this tablet may see since its cursor, and that it was here.

    Raises:
        Gone: see `decode_cursor`.
    """
    page = pull_page(office, row, cursor_text)
    _note_seen(office, row)
    return page


def pull_page(office: Office, row: TabletRow, cursor_text: str | None) -> wire.PullPage:
    """The page alone, for a file that somebody carries to the tablet.

    Raises:
        Gone: see `decode_cursor`.
    """
    with office.store.read() as connection:
        cursor = decode_cursor(office, row, cursor_text)
        top = last_server_seq(connection)
        if cursor.seq > top:
            raise Gone("the cursor is ahead of this gateway: it was restored from an older state")
        rows, upto = _page_rows(connection, row.crew, cursor.seq, top)
        own = set() if cursor.fresh else _own_chains(connection, row.tablet_id)
        entries = [_pulled(item) for item in rows if item.chain_id not in own]
        return wire.PullPage(
            entries=entries,
            tombstones=_tombstones(connection, row.crew, cursor.seq, upto),
            verdicts=_relayed(connection, row.tablet_id, cursor.seq, upto),
            certificates=_certificates(connection, {item.chain_id for item in rows} - own),
            cursor=encode_cursor(office, row.crew, upto, fresh=cursor.fresh and upto < top),
            more=upto < top,
            left=_left(office, connection, row.crew, cursor, upto, top),
        )


def _visible(crew: str | None, *columns: Any) -> Select[Any]:
    """Entries of orders that are or were this crew's, as long as they were."""
    while_theirs = and_(
        _SEEN.c.order_id == _ENTRY.c.order_id,
        _SEEN.c.crew == (crew or ""),
        _SEEN.c.from_seq <= _ENTRY.c.server_seq,
        or_(_SEEN.c.until_seq.is_(None), _SEEN.c.until_seq >= _ENTRY.c.server_seq),
    )
    return select(*columns).select_from(_ENTRY.join(_SEEN, while_theirs))


_COLUMNS = (
    _ENTRY.c.id,
    _ENTRY.c.hash,
    _ENTRY.c.chain_id,
    _ENTRY.c.order_id,
    _ENTRY.c.server_seq,
    _ENTRY.c.body,
    _ENTRY.c.signature,
)


def _page_rows(connection: Connection, crew: str | None, after: int, top: int) -> tuple[list[Row[Any]], int]:
    """Rows of a page, and the place up to which it is complete."""
    query = (
        _visible(crew, *_COLUMNS, _SEEN.c.from_seq)
        .where(_ENTRY.c.server_seq > after, _ENTRY.c.server_seq <= top)
        .order_by(_ENTRY.c.server_seq)
        .limit(wire.PULL_PAGE_ENTRIES)
    )
    found = connection.execute(query).all()
    upto = found[-1].server_seq if len(found) == wire.PULL_PAGE_ENTRIES else top
    rows: dict[str, Row[Any]] = {}
    opened = [item for item in found if item.server_seq == item.from_seq and item.from_seq > 1]
    for item in _histories(connection, opened):
        rows[item.id] = item
    for item in found:
        rows[item.id] = item
    return sorted(rows.values(), key=lambda item: int(item.server_seq)), upto


def _left(
    office: Office, connection: Connection, crew: str | None, cursor: _Cursor, after: int, top: int
) -> int | None:
    """Entries that the pages after this one bring, histories of orders not among them.

    Counted once a pull, when it begins: a cursor that was given just now goes on with one.
    """
    if after >= top:
        return 0
    if cursor.seq and office.now() - read_utc(cursor.time) < _GOES_ON:
        return None
    ahead = _visible(crew, func.count()).where(_ENTRY.c.server_seq > after, _ENTRY.c.server_seq <= top)
    return int(connection.execute(ahead).scalar_one())


def _histories(connection: Connection, opened: Iterable[Row[Any]]) -> list[Row[Any]]:
    """What was written about orders before they came to this crew."""
    before = {item.order_id: item.from_seq for item in opened}
    if not before:
        return []
    query: Select[Any] = select(*_COLUMNS).where(
        _ENTRY.c.order_id.in_(list(before)), _ENTRY.c.server_seq < max(before.values())
    )
    return [item for item in connection.execute(query) if item.server_seq < before[item.order_id]]


def _own_chains(connection: Connection, tablet_id: str) -> set[str]:
    query = select(head_receipt.c.chain_id).where(head_receipt.c.tablet_id == tablet_id)
    return {item.chain_id for item in connection.execute(query)}


def _pulled(item: Row[Any]) -> wire.PulledEntry:
    entry = WireEntry(body=item.body.decode(), hash=item.hash, signature=item.signature)
    return wire.PulledEntry(server_seq=item.server_seq, entry=entry)


def _relayed(connection: Connection, tablet_id: str, after: int, upto: int) -> list[Verdict]:
    """Verdicts of this tablet's entries that came another way: by USB, or accepted after a revocation."""
    verdict = schema.verdict
    same = (verdict.c.entry_id == relayed.c.entry_id) & (verdict.c.hash == relayed.c.hash)
    query = (
        select(verdict)
        .join(relayed, same)
        .where(
            relayed.c.tablet_id.in_(_enrolments(connection, tablet_id)),
            relayed.c.at_seq > after,
            relayed.c.at_seq <= upto,
        )
        .order_by(relayed.c.at_seq)
    )
    return [
        Verdict(
            id=item.entry_id,
            hash=item.hash,
            verdict=VerdictKind(item.verdict),
            code=item.code or "",
            reason=item.reason or "",
            server_seq=item.server_seq,
        )
        for item in connection.execute(query)
    ]


def _enrolments(connection: Connection, tablet_id: str) -> list[str]:
    """A tablet's id and those of the same device's enrolments before it, newest first."""
    found = [tablet_id]
    while len(found) < MAX_ENROLMENTS:
        before = connection.execute(select(tablet.c.previous).where(tablet.c.tablet_id == found[-1])).scalar()
        if before is None or before in found:
            break
        found.append(str(before))
    return found


def _tombstones(connection: Connection, crew: str | None, after: int, upto: int) -> list[Tombstone]:
    left = select(_SEEN).where(
        _SEEN.c.crew == (crew or ""), _SEEN.c.until_seq > after, _SEEN.c.until_seq <= upto
    )
    stones = [
        Tombstone(order_id=item.order_id, reason=item.left_reason or "reassigned", server_seq=item.until_seq)
        for item in connection.execute(left)
    ]
    cancelled = _visible(crew, _ENTRY.c.order_id, _ENTRY.c.server_seq).where(
        _ENTRY.c.kind == OrderCancelled.KIND, _ENTRY.c.server_seq > after, _ENTRY.c.server_seq <= upto
    )
    stones += [
        Tombstone(order_id=item.order_id, reason="cancelled", server_seq=item.server_seq)
        for item in connection.execute(cancelled)
    ]
    return sorted(stones, key=lambda stone: stone.server_seq)


def _certificates(connection: Connection, chain_ids: set[str]) -> dict[str, str]:
    table = schema.chain
    query = select(table.c.chain_id, table.c.certificate).where(
        table.c.chain_id.in_(sorted(chain_ids)), table.c.certificate.is_not(None)
    )
    return {item.chain_id: base64.b64encode(item.certificate).decode() for item in connection.execute(query)}


def _note_seen(office: Office, row: TabletRow) -> None:
    with office.store.write(alone=False) as connection:
        connection.execute(
            update(tablet).where(tablet.c.tablet_id == row.tablet_id).values(seen_at=office.time())
        )


# --- the end of a round ---------------------------------------------------------------------------


def finish(office: Office, row: TabletRow, request: wire.FinishRequest) -> wire.FinishAnswer:
    """Counts and digest of what this tablet may see up to its cursor, and what is still missing of it.

    Raises:
        Gone: see `decode_cursor`.
    """
    with office.store.read() as connection:
        cursor = decode_cursor(office, row, request.cursor)
        now_theirs = _visible(row.crew, _ENTRY.c.server_seq, _ENTRY.c.hash, _ENTRY.c.order_id).where(
            or_(_SEEN.c.until_seq.is_(None), _SEEN.c.until_seq > cursor.seq),
            _ENTRY.c.server_seq <= cursor.seq,
        )
        seen = {(item.server_seq, item.hash): item.order_id for item in connection.execute(now_theirs)}
        for item in _earlier(connection, row.crew, cursor.seq):
            seen[(item.server_seq, item.hash)] = item.order_id
        return wire.FinishAnswer(
            entries=len(seen),
            orders=len(set(seen.values())),
            digest=seen_digest(seen),
            heads=_heads(connection, [head.chain_id for head in request.heads]),
            missing_blobs=_missing_blobs(connection, row.tablet_id),
        )


def _earlier(connection: Connection, crew: str | None, upto: int) -> list[Row[Any]]:
    """What was written, before they became this crew's, about orders that are this crew's at `upto`."""
    theirs = and_(_SEEN.c.order_id == _ENTRY.c.order_id, _ENTRY.c.server_seq < _SEEN.c.from_seq)
    query = (
        select(_ENTRY.c.server_seq, _ENTRY.c.hash, _ENTRY.c.order_id)
        .select_from(_ENTRY.join(_SEEN, theirs))
        .where(
            _SEEN.c.crew == (crew or ""),
            _SEEN.c.from_seq <= upto,
            or_(_SEEN.c.until_seq.is_(None), _SEEN.c.until_seq > upto),
        )
    )
    return list(connection.execute(query))


def _heads(connection: Connection, chain_ids: list[str]) -> list[HeadReference]:
    """What the office holds of these chains; one it knows nothing of is not in the answer."""
    query = select(head_receipt).where(head_receipt.c.chain_id.in_(chain_ids))
    return [
        HeadReference(chain_id=item.chain_id, seq=item.seq, hash=item.hash)
        for item in connection.execute(query)
    ]


def _missing_blobs(connection: Connection, tablet_id: str) -> list[str]:
    """Hashes that entries of this tablet name and the office does not hold, oldest first."""
    held = schema.blob_store
    query = (
        select(schema.blob.c.sha256, func.min(_ENTRY.c.server_seq).label("at"))
        .join(_ENTRY, _ENTRY.c.id == schema.blob.c.entry_id)
        .join(head_receipt, head_receipt.c.chain_id == _ENTRY.c.chain_id)
        .where(head_receipt.c.tablet_id == tablet_id)
        .where(schema.blob.c.sha256.not_in(select(held.c.sha256)))
        .group_by(schema.blob.c.sha256)
        .order_by("at")
        .limit(MAX_MISSING)
    )
    return [item.sha256 for item in connection.execute(query)]
