"""Writes entries: number, entry, what it changes and the caller's own rows in one durable transaction.

When `append` returns, the entry survives a power cut (write-ahead log, `synchronous=FULL`); when it raises,
nothing of it is there.
"""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import uuid_utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, update

from workorders.clock import Clock
from workorders.journal.chain import certificate_key, head_of
from workorders.journal.entry import ENVELOPE_VERSION, Entry, Envelope, Realm, seal_entry
from workorders.journal.kinds import ChainBegun, Payload
from workorders.journal.words import HeadReference
from workorders.store import entries, projection, schema
from workorders.store.engine import Store

_log = logging.getLogger(__name__)

Also: TypeAlias = Callable[[Connection], None]
"""Changes the caller's own rows (drafts, counters, settings) in the transaction of the entry."""


class JournalError(Exception):
    """The journal cannot be written as asked. Texts for people: `error.journal.<code>`.

    Attributes:
        code: `no_chain` (enrol first), `chain_behind` (the store is older than the keyring says: a restored
            backup; begin a chain), `wrong_signer` (key and certificate do not belong together), `wrong_realm`
            (the store belongs to another realm; training and live never mix).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry still to be written."""

    payload: Payload
    order_id: str | None = None
    order_version: int | None = None
    actor: str | None = None
    project: str | None = None
    """mRID of the order's project, where it is not the author's own."""


class Journal:
    """The author of one chain.

    On a tablet there is one active chain; on a gateway one per project, and entries take their server
    sequence at once. Several programs may write to one store: number and hash are taken under the write lock.

    Args:
        on_head: called after each commit with the new head, for the keyring's high-water mark.
    """

    def __init__(
        self,
        store: Store,
        signer: Ed25519PrivateKey,
        certificate_der: bytes,
        realm: Realm,
        project: str | None,
        clock: Clock,
        *,
        on_head: Callable[[HeadReference], None] | None = None,
    ) -> None:
        if certificate_key(certificate_der).public_bytes_raw() != signer.public_key().public_bytes_raw():
            raise JournalError("wrong_signer", "the certificate is not that of the signing key")
        with store.read() as connection:
            there = entries.realm_of(connection)
        if there not in (None, str(realm)):
            raise JournalError("wrong_realm", f"this store belongs to {there}, not to {realm}")
        self.store = store
        self.realm = realm
        self.project = project
        self.clock = clock
        self._signer = signer
        self._certificate = certificate_der
        self._on_head = on_head

    # --- writing ----------------------------------------------------------------------------------

    def append(
        self,
        payload: Payload,
        *,
        order_id: str | None = None,
        order_version: int | None = None,
        actor: str | None = None,
        project: str | None = None,
        also: Also | None = None,
    ) -> Entry:
        """Write one entry and all its consequences; durable on return.

        Raises:
            EntryError: the payload has no canonical form or is too large.
            JournalError: `no_chain`.
            StoreError: disk full, read-only, busy, damaged; nothing was written.
        """
        draft = Draft(
            payload=payload, order_id=order_id, order_version=order_version, actor=actor, project=project
        )
        return self.append_all([draft], also=also)[0]

    def append_all(self, drafts: Sequence[Draft], *, also: Also | None = None) -> list[Entry]:
        """Write several entries in one transaction: all or none. Raises as `append`."""
        with self.transaction() as (connection, write):
            written = write(drafts)
            if also is not None:
                also(connection)
        return written

    @contextlib.contextmanager
    def transaction(self) -> Iterator[tuple[Connection, Callable[[Sequence[Draft]], list[Entry]]]]:
        """A write transaction in which entries can be written and other rows changed together."""
        heads: list[HeadReference] = []
        with self.store.write() as connection:

            def write(drafts: Sequence[Draft]) -> list[Entry]:
                written = self._write(connection, drafts)
                if written:
                    heads.append(head_of(written[-1]))
                return written

            yield connection, write
        if heads:
            self._tell_head(heads[-1])

    def append_within(self, connection: Connection, reason: str, draft: Draft) -> Entry:
        """Write one entry in a write transaction that the caller holds; of the chain begun if there is none.

        Only for an author without a high-water mark (the office): whether it lasts is the caller's to know.
        """
        if entries.own_head(connection, self.project, by_project=self._by_project) is None:
            self._begin(connection, reason, None)
        return self._write(connection, [draft])[0]

    def begin_chain(self, reason: str, previous_head: HeadReference | None = None) -> Entry:
        """Begin a chain at enrolment, re-installation or restore; it names the head it follows.

        Args:
            previous_head: the head of the former chain as the keyring knows it; without it, the head that
                lies in the store is named.
        """
        with self.store.write() as connection:
            entry = self._begin(connection, reason, previous_head)
        self._tell_head(head_of(entry))
        return entry

    # --- where we are -----------------------------------------------------------------------------

    def head(self) -> HeadReference | None:
        """Head of the active chain; None before one was begun."""
        with self.store.read() as connection:
            return entries.own_head(connection, self.project, by_project=self._by_project)

    def check_mark(self, mark: HeadReference | None) -> None:
        """Compare the store with the keyring's high-water mark.

        Raises:
            JournalError: `chain_behind`: entries that were written are not here; the store is an old copy.
                Begin a chain with the mark as its previous head before writing anything.
        """
        if mark is None:
            return
        with self.store.read() as connection:
            known = connection.execute(
                schema.entry.select().where(
                    schema.entry.c.chain_id == mark.chain_id, schema.entry.c.hash == mark.hash
                )
            ).first()
        if known is None:
            raise JournalError("chain_behind", f"entry {mark.seq} of chain {mark.chain_id} is not here")

    # --- inside -----------------------------------------------------------------------------------

    @property
    def _by_project(self) -> bool:
        return self.store.role == "gateway"

    def _begin(self, connection: Connection, reason: str, previous_head: HeadReference | None) -> Entry:
        previous = previous_head or entries.own_head(connection, self.project, by_project=self._by_project)
        self._retire(connection)
        payload = ChainBegun(
            reason=reason,
            certificate=base64.b64encode(self._certificate).decode(),
            previous_head=previous,
        )
        entry = self._seal(Draft(payload=payload), str(uuid_utils.uuid7()), None)
        self._store(connection, [entry], certificate=self._certificate)
        return entry

    def _write(self, connection: Connection, drafts: Sequence[Draft]) -> list[Entry]:
        head = entries.own_head(connection, self.project, by_project=self._by_project)
        if head is None:
            raise JournalError("no_chain", "no chain was begun; enrol first")
        written: list[Entry] = []
        for draft in drafts:
            entry = self._seal(draft, head.chain_id, head)
            head = head_of(entry)
            written.append(entry)
        self._store(connection, written)
        return written

    def _seal(self, draft: Draft, chain_id: str, head: HeadReference | None) -> Entry:
        payload = draft.payload
        envelope = Envelope(
            v=ENVELOPE_VERSION,
            id=str(uuid_utils.uuid7()),
            realm=self.realm,
            chain_id=chain_id,
            seq=0 if head is None else head.seq + 1,
            prev_hash=None if head is None else head.hash,
            kind=payload.KIND,
            schema=payload.SCHEMA,
            project=draft.project or self.project,
            order_id=draft.order_id,
            order_version=draft.order_version,
            actor=draft.actor,
            time=self.clock.now(),
            payload=msgspec.to_builtins(payload),
        )
        return seal_entry(envelope, self._signer)

    def _store(
        self, connection: Connection, written: Sequence[Entry], certificate: bytes | None = None
    ) -> None:
        if not written:
            return
        server_seq = (
            entries.next_server_seq(connection, len(written)) if self.store.role == "gateway" else None
        )
        numbers = [None if server_seq is None else server_seq + index for index in range(len(written))]
        entries.insert_entries(connection, list(zip(written, numbers, strict=True)), own=True)
        if certificate is not None:
            entries.note_head(connection, written[0], own=True, certificate=certificate)
        else:
            entries.move_head(connection, written[-1])
        projection.fold(connection, written, numbered_here=True)

    def _retire(self, connection: Connection) -> None:
        table = schema.chain
        query = update(table).where(table.c.own.is_(True))
        if self._by_project:
            query = query.where(table.c.project.is_not_distinct_from(self.project))
        connection.execute(query.values(active=False))

    def _tell_head(self, head: HeadReference) -> None:
        if self._on_head is None:
            return
        try:
            self._on_head(head)
        except Exception:
            # The entry is durable; a keyring that does not answer must not make the crew do the step again.
            _log.exception("the high-water mark could not be kept")
