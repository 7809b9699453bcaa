"""Proves a chain: every hash, every signature, no gap, no fork.

Whoever holds part of a chain can check each entry by itself; continuity is proven where the whole chain lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workorders.journal.entry import Entry, EntryError, read_entry, signature_holds
from workorders.journal.words import HeadReference

PublicKey: TypeAlias = "Ed25519PublicKey | bytes"
"""A key, or the DER of an X.509 certificate that holds one."""


class ChainProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong. `code`: `wrong_hash`, `not_canonical`, `malformed`, `wrong_signature`, `gap`,
    `broken_link`, `fork`, `other_chain`, `no_beginning`, `no_certificate`, `wrong_envelope`, and those of
    `EntryError`."""

    chain_id: str
    seq: int | None
    code: str
    detail: str
    entry_id: str | None = None


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `ok` is true where nothing is wrong; `head` is the last entry reached."""

    chain_id: str
    entries: int
    head: HeadReference | None
    problems: list[ChainProblem]

    @property
    def ok(self) -> bool:
        return not self.problems


def certificate_key(certificate_der: bytes) -> Ed25519PublicKey:
    """The Ed25519 key of a certificate.

    Raises:
        EntryError: `bad_certificate`.
    """
    try:
        key = x509.load_der_x509_certificate(certificate_der).public_key()
    except ValueError:
        raise EntryError("bad_certificate", "not a certificate") from None
    if not isinstance(key, Ed25519PublicKey):
        raise EntryError("bad_certificate", "the certificate's key is not Ed25519")
    return key


def _key(key: PublicKey) -> Ed25519PublicKey:
    return certificate_key(key) if isinstance(key, bytes) else key


def head_of(entry: Entry) -> HeadReference:
    """Names an entry as the head of its chain."""
    return HeadReference(chain_id=entry.envelope.chain_id, seq=entry.envelope.seq, hash=entry.hash)


def verify_chain(entries: Iterable[Entry], key: PublicKey, *, whole: bool = True) -> ChainReport:
    """Check entries of one chain, in any order, against the key of its author.

    Args:
        whole: the chain from its beginning is claimed; False checks each entry and the links between
            neighbours that are both there, and lets gaps pass (a part, as a pull delivers).
    """
    ordered = sorted(entries, key=lambda entry: (entry.envelope.seq, entry.envelope.id))
    chain_id = ordered[0].envelope.chain_id if ordered else ""
    public = _key(key)
    problems: list[ChainProblem] = []

    def problem(entry: Entry, code: str, detail: str) -> None:
        envelope = entry.envelope
        problems.append(
            ChainProblem(chain_id=chain_id, seq=envelope.seq, code=code, detail=detail, entry_id=envelope.id)
        )

    previous: Entry | None = None
    for entry in ordered:
        _check_alone(entry, public, problem)
        envelope = entry.envelope
        if envelope.chain_id != chain_id:
            problem(entry, "other_chain", f"belongs to chain {envelope.chain_id}")
            continue
        if previous is None:
            if whole and envelope.seq != 0:
                problem(entry, "no_beginning", f"the first entry here has number {envelope.seq}")
        elif envelope.seq == previous.envelope.seq:
            problem(entry, "fork", f"two entries have number {envelope.seq}")
            continue
        elif envelope.seq != previous.envelope.seq + 1:
            if whole:
                problem(entry, "gap", f"nothing between {previous.envelope.seq} and {envelope.seq}")
        elif envelope.prev_hash != previous.hash:
            problem(entry, "broken_link", f"does not name the hash of entry {previous.envelope.seq}")
        previous = entry
    head = None if previous is None else head_of(previous)
    return ChainReport(chain_id=chain_id, entries=len(ordered), head=head, problems=problems)


def _check_alone(entry: Entry, key: Ed25519PublicKey, problem: Callable[[Entry, str, str], None]) -> None:
    try:
        again = read_entry(entry.body, entry.hash, entry.signature)
    except EntryError as error:
        problem(entry, error.code, str(error))
        return
    if again.envelope != entry.envelope:
        problem(entry, "wrong_envelope", "the columns say something else than the signed bytes")
    if not signature_holds(entry, key):
        problem(entry, "wrong_signature", "not signed by the author of the chain")
