"""Proves a store: every chain in it, that the projection equals a fold of the entries, and the file itself.

For `fieldtool journal verify | rebuild | export`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, select

from workorders.certificates import CertificateError
from workorders.certificates import verify_chain as verify_certificate
from workorders.journal.chain import ChainProblem, ChainReport, certificate_key, head_of, verify_chain
from workorders.journal.entry import Entry, EntryError, Realm, export_line, read_entry
from workorders.journal.words import HeadReference
from workorders.store import projection, schema
from workorders.store.engine import Store


class StoreReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `journal verify` prints.

    Attributes:
        ok: nothing is wrong.
        entries, chains: how many were looked at.
        heads: last entry of each chain.
        projection_equal: the tables equal a fold of the entries from nothing.
        digest: SHA-256 of the projection's dump.
        problems: see `ChainProblem`; further codes here: `unreadable`, `file` and `projection`, and those of
            `CertificateError` for a chain whose author the root did not certify.
        quarantined: entries that are kept without effect.
    """

    ok: bool
    entries: int
    chains: int
    heads: list[HeadReference]
    projection_equal: bool
    digest: str
    problems: list[ChainProblem]
    quarantined: int


def verify_store(
    store: Store,
    root: bytes | None = None,
    *,
    realm: Realm | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StoreReport:
    """Check everything; changes nothing.

    Args:
        root: DER of the gateway's root certificate; with it, each author must have been certified by it.
        realm: what every entry and certificate must belong to.
        progress: called with (chains done, chains).
    """
    problems = [_file_problem(text) for text in store.integrity()]
    heads: list[HeadReference] = []
    entries = 0
    with store.read() as connection:
        chains = _chains(connection)
        for done, chain_id in enumerate(chains):
            if progress is not None:
                progress(done, len(chains))
            whole = store.role == "gateway"
            report = _verify_one(connection, chain_id, root, realm, problems, whole=whole)
            entries += report.entries
            problems += report.problems
            if report.head is not None:
                heads.append(report.head)
        quarantined = len(connection.execute(select(schema.quarantine.c.number)).all())
    before, folded = _digests(store)
    equal = folded == before
    if not equal:
        problems.append(
            ChainProblem(
                chain_id="", seq=None, code="projection", detail="the tables differ from the entries"
            )
        )
    return StoreReport(
        ok=not problems,
        entries=entries,
        chains=len(chains),
        heads=heads,
        projection_equal=equal,
        digest=before,
        problems=problems,
        quarantined=quarantined,
    )


def _file_problem(text: str) -> ChainProblem:
    return ChainProblem(chain_id="", seq=None, code="file", detail=text)


def _digests(store: Store) -> tuple[str, str]:
    """Digests of a copy of the projection, and of it folded from nothing: nobody waits, nothing changes."""
    with store.scratch() as copy, copy.write() as connection:
        before = projection.digest_of(connection)
        projection.rebuild_in(connection)
        return before, projection.digest_of(connection)


def _chains(connection: Connection) -> list[str]:
    query = select(schema.entry.c.chain_id).distinct().order_by(schema.entry.c.chain_id)
    return [row.chain_id for row in connection.execute(query)]


def _verify_one(
    connection: Connection,
    chain_id: str,
    root: bytes | None,
    realm: Realm | None,
    problems: list[ChainProblem],
    *,
    whole: bool,
) -> ChainReport:
    """Check one chain. `whole`: every chain lies here from its beginning; else only the own ones do."""
    entries = list(_read(connection, chain_id, problems))
    table = schema.chain
    row = connection.execute(select(table).where(table.c.chain_id == chain_id)).first()
    key: Ed25519PublicKey | None = None
    if row is None or row.certificate is None:
        problems.append(_about(chain_id, "no_certificate", "whose chain this is is not known"))
    else:
        key = _author(chain_id, row.certificate, root, entries, problems)
    for entry in entries:
        if realm is not None and entry.envelope.realm is not realm:
            problems.append(_about(chain_id, "wrong_realm", f"entry of {entry.envelope.realm}", entry))
    if key is None:
        head = head_of(entries[-1]) if entries else None
        return ChainReport(chain_id=chain_id, entries=len(entries), head=head, problems=[])
    report = verify_chain(entries, key, whole=False)
    found = list(report.problems)
    if whole or (row is not None and row.own):
        found += _missing(connection, chain_id, entries)
    if row is not None and report.head is not None and row.head_hash != report.head.hash:
        found.append(_about(chain_id, "head", f"entries up to {row.head_seq} were known and are not here"))
    return ChainReport(chain_id=chain_id, entries=report.entries, head=report.head, problems=found)


def _missing(connection: Connection, chain_id: str, entries: list[Entry]) -> list[ChainProblem]:
    """Numbers between the beginning and the last entry that are neither here nor in quarantine."""
    table = schema.quarantine
    query = select(table.c.seq).where(table.c.chain_id == chain_id, table.c.seq.is_not(None))
    here = {entry.envelope.seq for entry in entries} | {row.seq for row in connection.execute(query)}
    gone = sorted(set(range(max(here, default=0))) - here)
    found: list[ChainProblem] = []
    for number in gone:
        code = "gap" if number else "no_beginning"
        found.append(
            ChainProblem(chain_id=chain_id, seq=number, code=code, detail=f"entry {number} is missing")
        )
    return found


def _about(chain_id: str, code: str, detail: str, entry: Entry | None = None) -> ChainProblem:
    return ChainProblem(
        chain_id=chain_id,
        seq=None if entry is None else entry.envelope.seq,
        code=code,
        detail=detail,
        entry_id=None if entry is None else entry.envelope.id,
    )


def _author(
    chain_id: str, certificate: bytes, root: bytes | None, entries: list[Entry], problems: list[ChainProblem]
) -> Ed25519PublicKey | None:
    try:
        if root is not None and entries:
            # Not checked against today: an entry stays authentic after its tablet's certificate has run out.
            verify_certificate(certificate, root, realm=entries[0].envelope.realm)
        return certificate_key(certificate)
    except (CertificateError, EntryError) as error:
        problems.append(_about(chain_id, error.code, str(error)))
        return None


def _read(connection: Connection, chain_id: str, problems: list[ChainProblem]) -> Iterator[Entry]:
    table = schema.entry
    query = (
        select(table.c.id, table.c.seq, table.c.body, table.c.hash, table.c.signature)
        .where(table.c.chain_id == chain_id)
        .order_by(table.c.seq, table.c.id)
    )
    for row in connection.execute(query):
        try:
            # A tool that changed the row may have left text where bytes were.
            body = row.body.encode() if isinstance(row.body, str) else row.body
            entry = read_entry(body, row.hash, row.signature)
        except EntryError as error:
            problems.append(
                ChainProblem(
                    chain_id=chain_id, seq=row.seq, code=error.code, detail=str(error), entry_id=row.id
                )
            )
            continue
        envelope = entry.envelope
        if (envelope.id, envelope.seq, envelope.chain_id) != (row.id, row.seq, chain_id):
            problems.append(
                _about(chain_id, "wrong_envelope", "columns and signed bytes do not agree", entry)
            )
        yield entry


def export_lines(connection: Connection) -> Iterator[bytes]:
    """One envelope a line (`export_line`), chain by chain, by number; no secret and no plain name in it."""
    table = schema.entry
    query = select(table.c.body, table.c.hash, table.c.signature).order_by(
        table.c.chain_id, table.c.seq, table.c.id
    )
    for row in connection.execute(query):
        yield export_line(read_entry(row.body, row.hash, row.signature))
