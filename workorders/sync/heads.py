"""Compares the heads of this tablet's chains with those that the office holds and countersigns: by hash.

Equal numbers say nothing: a copy of the tablet's database that went on by itself, or an office that was
restored from a backup, may hold another entry at the same number. That is a fork. Both entries are kept on
both sides, the office raises it for a supervisor, and this tablet leaves the forked chain for a new one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from workorders.clock import utc_text
from workorders.journal.entry import Entry
from workorders.journal.words import HeadReference
from workorders.store import entries as journal
from workorders.store import schema
from workorders.store.counters import skip_invocation_counters
from workorders.store.settings import set_setting, setting
from workorders.sync.round import Fork, SyncRound
from workorders.sync.wire import Verdict

_FORKS = "sync.forks"
FORKED = "fork"
"""Code of the verdict on an entry whose number another one has as well."""


def forks(connection: Connection) -> list[Fork]:
    """The forks that this tablet knows of, oldest first."""
    try:
        return msgspec.convert(setting(connection, _FORKS) or [], list[Fork])
    except msgspec.ValidationError:
        return []


def note_verdicts(
    connection: Connection, at: str, batch: Sequence[Entry], verdicts: Sequence[Verdict]
) -> None:
    """The office says of an entry that its number is taken by another one too."""
    for entry, verdict in zip(batch, verdicts, strict=True):
        if verdict.code == FORKED:
            envelope = entry.envelope
            _note(connection, Fork(chain_id=envelope.chain_id, seq=envelope.seq, ours=entry.hash, at=at))


def settle(round: SyncRound, held: Sequence[HeadReference]) -> set[str]:
    """Compare what the office holds with what is here; returns the chains to be sent again whole.

    A forked chain is not written on: a new one is begun that names the head it follows. And as another copy
    of this tablet may have sent frames to meters, their invocation counters go on far ahead.
    """
    again: set[str] = set()
    with round.store.write() as connection:
        for head in held:
            here = _hashes(connection, head)
            if here == {head.hash}:
                continue
            known = any(fork.theirs == head.hash for fork in forks(connection))
            if not known and here:
                again.add(head.chain_id)  # which of ours the office lacks does not show
            ours = next(iter(sorted(here - {head.hash})), None)
            at = utc_text(round.now())
            fork = Fork(chain_id=head.chain_id, seq=head.seq, ours=ours, theirs=head.hash, at=at)
            _note(connection, fork)
        found = forks(connection)
        active = journal.active_chain(connection)
    left = [fork for fork in found if active is not None and fork.chain_id == active.chain_id]
    if left:
        skip_invocation_counters(round.store)
        again.add(round.journal.begin_chain("restored", _follows(left, held)).envelope.chain_id)
    round.report.forks = found
    return again


def _follows(left: Sequence[Fork], held: Sequence[HeadReference]) -> HeadReference | None:
    """The head that a new chain names: the office's, where this store lacks it; else the one here (None)."""
    behind = {fork.chain_id for fork in left if fork.ours is None}
    return next((head for head in held if head.chain_id in behind), None)


def _hashes(connection: Connection, head: HeadReference) -> set[str]:
    table = schema.entry
    query = select(table.c.hash).where(table.c.chain_id == head.chain_id, table.c.seq == head.seq)
    return set(connection.execute(query).scalars())


def _note(connection: Connection, fork: Fork) -> None:
    known = forks(connection)
    place = (fork.chain_id, fork.seq)
    before = next((one for one in known if (one.chain_id, one.seq) == place), None)
    if before is not None:
        fork = msgspec.structs.replace(
            before, ours=before.ours or fork.ours, theirs=fork.theirs or before.theirs
        )
    others = [one for one in known if (one.chain_id, one.seq) != place]
    set_setting(connection, _FORKS, msgspec.to_builtins([*others, fork]))
