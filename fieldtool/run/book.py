"""The journal of one order as its run uses it: the order's key, sealing, and durable appends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from fieldtool.balancing import PowerBoard
from fieldtool.errors import JobError
from fieldtool.identity import normalise_serial
from fieldtool.journalhost import OrderContext
from workorders.clock import utc_text
from workorders.journal import kinds
from workorders.journal.entry import Entry
from workorders.journal.said import seal_said
from workorders.journal.sealing import OrderKey, SealError, field_context, seal_text, unseal_text
from workorders.journal.words import Sealed
from workorders.journal.writer import Draft, Journal
from workorders.store import entries as journal_entries
from workorders.store import keys, schema
from workorders.store.entries import FoldEntry
from workorders.store.settings import clear_drafts, draft, set_draft
from workorders.sync.blobs import note_local

_TAKEN = "#photos"
"""Under which name among an order's drafts the photos stand that no entry names yet; no step is called so."""
_POWER = "#power"
"""Likewise the power of the meters of a balance."""


class OrderBook:
    """Reads and writes the entries of one order."""

    def __init__(self, journal: Journal, order_id: str) -> None:
        """Raises JobError `order_key_missing`: nothing personal could be sealed, so nothing may begin."""
        self.order_id = order_id
        self._journal = journal
        self.key = self._order_key()

    def entries(self) -> list[FoldEntry]:
        """The order's entries in the order in which they take effect."""
        with self._journal.store.read() as connection:
            return journal_entries.fold_order(connection, schema.entry.c.order_id == self.order_id)

    def append(
        self, payloads: list[kinds.Payload], context: OrderContext, *, drafts_of: str | None = None
    ) -> list[Entry]:
        """Write entries, the count of their blobs and the end of a step's draft in one transaction."""
        drafts = [
            Draft(
                payload=payload,
                order_id=context.order_id,
                order_version=context.order_version,
                actor=context.actor,
            )
            for payload in payloads
        ]
        blobs = [payload for payload in payloads if isinstance(payload, kinds.BlobTaken)]

        def also(connection: Connection) -> None:
            now = utc_text(datetime.now(UTC))
            for blob in blobs:
                note_local(connection, blob.sha256, blob.size, now)
            if blobs:
                left = _taken(connection, self.order_id)
                _set_taken(connection, self.order_id, left, besides={blob.sha256 for blob in blobs})
            if any(isinstance(payload, kinds.OrderCompleted | kinds.OrderNotDone) for payload in payloads):
                clear_drafts(connection, self.order_id, _TAKEN)
                clear_drafts(connection, self.order_id, _POWER)
            if drafts_of is not None:
                clear_drafts(connection, self.order_id, drafts_of)

        return self._journal.append_all(drafts, also=also)

    def seals_elsewhere(self, numbers: list[str]) -> dict[str, str]:
        """Which of these seals other orders on this tablet have recorded: order number by seal number."""
        wanted = {plain for number in numbers if (plain := normalise_serial(number)) is not None}
        if not wanted:
            return {}
        seal, order = schema.seal, schema.work_order
        # As written by whoever recorded them: spaces, hyphens and case are theirs.
        plain_number = func.upper(func.replace(func.replace(seal.c.number, " ", ""), "-", ""))
        query = (
            select(plain_number.label("plain"), order.c.number)
            .join(order, order.c.order_id == seal.c.order_id)
            .where(seal.c.order_id != self.order_id, plain_number.in_(sorted(wanted)))
            .order_by(seal.c.at)
        )
        with self._journal.store.read() as connection:
            return {row.plain: row.number or "" for row in connection.execute(query)}

    # --- drafts -----------------------------------------------------------------------------------

    def keep_draft(self, step: str, fields: dict[str, Any]) -> None:
        """Keep what is typed so far; never a PIN."""
        with self._journal.store.write() as connection:
            set_draft(connection, self.order_id, step, _without_pin(fields))

    def draft(self, step: str) -> dict[str, Any] | None:
        """What was typed into a step before."""
        with self._journal.store.read() as connection:
            return draft(connection, self.order_id, step)

    def keep_taken(self, blob: kinds.BlobTaken) -> None:
        """Note a photo that was taken, until an entry names it or the visit ends; it survives the program."""
        with self._journal.store.write() as connection:
            left = _taken(connection, self.order_id) | {blob.sha256: blob}
            _set_taken(connection, self.order_id, left)

    def taken(self) -> dict[str, kinds.BlobTaken]:
        """Photos that were taken on this visit and that no entry names yet, by the hash of their sealed
        bytes."""
        with self._journal.store.read() as connection:
            return _taken(connection, self.order_id)

    def keep_power(self, board: PowerBoard) -> None:
        """Note what the meters of a balance said, until the visit ends; it survives the program."""
        with self._journal.store.write() as connection:
            set_draft(connection, self.order_id, _POWER, msgspec.to_builtins(board))

    def power(self) -> PowerBoard | None:
        """What the meters of a balance said on this visit."""
        with self._journal.store.read() as connection:
            found = draft(connection, self.order_id, _POWER)
        return msgspec.convert(found, PowerBoard) if found else None

    # --- sealing ----------------------------------------------------------------------------------

    def seal(self, field: str, text: str) -> Sealed:
        """Seal a text of this order for a field."""
        return seal_text(self.key, text, field_context(self.order_id, field))

    def seal_said(self, text: str) -> Sealed:
        """Seal a reason in somebody's own words."""
        return seal_said(self.key, text, self.order_id)

    def unseal(self, field: str, sealed: Sealed) -> str | None:
        """Open a sealed text; None where its key is gone."""
        try:
            key = self.key
            if sealed.key_id != key.key_id:
                with self._journal.store.read() as connection:
                    key = keys.key_by_id(connection, sealed.key_id)
            return unseal_text(key, sealed, field_context(self.order_id, field))
        except SealError:
            return None

    def _order_key(self) -> OrderKey:
        try:
            with self._journal.store.read() as connection:
                return keys.order_key(connection, self.order_id)
        except SealError as error:
            raise JobError(
                "order_key_missing",
                "the key of this order is not on this tablet: sync before starting",
                reason=error.code,
            ) from None


def _taken(connection: Connection, order_id: str) -> dict[str, kinds.BlobTaken]:
    kept = draft(connection, order_id, _TAKEN) or {}
    return msgspec.convert(kept, dict[str, kinds.BlobTaken])


def _set_taken(
    connection: Connection,
    order_id: str,
    taken: Mapping[str, kinds.BlobTaken],
    *,
    besides: Collection[str] = (),
) -> None:
    left = {sha256: msgspec.to_builtins(blob) for sha256, blob in taken.items() if sha256 not in besides}
    if left:
        set_draft(connection, order_id, _TAKEN, left)
    else:
        clear_drafts(connection, order_id, _TAKEN)


def _without_pin(fields: dict[str, Any]) -> dict[str, Any]:
    override = fields.get("override")
    if isinstance(override, dict):
        fields = fields | {"override": {key: value for key, value in override.items() if key != "pin"}}
    return fields
