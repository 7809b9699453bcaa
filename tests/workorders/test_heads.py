"""Heads are compared by hash: two entries at one number are found, kept by both, raised, and left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.workorders.offices import Bureau, Tablet
from tests.workorders.test_sync_push import execute
from workorders.gateway.office import Office
from workorders.journal.words import HeadReference
from workorders.store import schema
from workorders.store.counters import reserve_counter
from workorders.store.engine import open_store
from workorders.store.verify import verify_store


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


@pytest.fixture
def tablet(bureau: Bureau) -> Tablet:
    tablet = bureau.tablet()
    assert tablet.sync().forks == []
    return tablet


def copied(tablet: Tablet, name: str = "copy") -> Tablet:
    """A copy of the tablet's disk that goes on by itself."""
    path = tablet.bureau.folder / f"{name}.db"
    tablet.store.backup(path)
    store = open_store(path, tablet.key, role="tablet")
    return Tablet(tablet.bureau, store, tablet.identity, tablet.blobs, tablet.key)


def head(tablet: Tablet) -> HeadReference:
    found = tablet.journal.head()
    assert found is not None
    return found


def raised(bureau: Bureau) -> list[str]:
    table = schema.exception
    with bureau.office.store.read() as connection:
        query = select(table.c.kind).where(table.c.kind == "fork")
        return list(connection.execute(query).scalars())


def entries_of(store_of: Tablet | Bureau, chain_id: str) -> set[str]:
    store = store_of.store if isinstance(store_of, Tablet) else store_of.office.store
    with store.read() as connection:
        query = select(schema.entry.c.hash).where(schema.entry.c.chain_id == chain_id)
        return set(connection.execute(query).scalars())


def test_a_copy_that_went_on_by_itself_is_found_and_leaves_the_chain(bureau: Bureau, tablet: Tablet) -> None:
    copy = copied(tablet)
    first, second = tablet.order_ids()[:2]
    assert reserve_counter(copy.store, "ZIV1/1", 1, 1) == 1
    execute(tablet, first)
    execute(copy, second, "ZIV0000000003")
    old = head(copy).chain_id
    assert tablet.sync().equal is True
    report = copy.sync()
    assert {fork.chain_id for fork in report.forks} == {old}
    assert len(report.forks) == 4, "every number that both of them gave"
    assert raised(bureau) == ["fork"] * 4
    assert report.pending == 0, "nothing of either is lost or held back"
    assert head(copy).chain_id != old, "what comes now is numbered on a chain of its own"
    assert reserve_counter(copy.store, "ZIV1/1", 1, 1) > 2**19, "the other may have spoken to the meter too"
    assert entries_of(bureau, old) >= entries_of(tablet, old) | (entries_of(copy, old))
    again = copy.sync()
    assert (again.resent, again.pushed, again.equal) == (0, 0, True)
    assert head(copy).chain_id != old


def test_equal_numbers_with_another_hash_are_no_equal_heads(bureau: Bureau, tablet: Tablet) -> None:
    """The office was restored from a backup, and a copy of the tablet came to it first.

    By number the office lacks nothing; by hash it lacks four entries, and gets them.
    """
    copy = copied(tablet)
    backup = bureau.folder / "office-copy.db"
    bureau.office.store.backup(backup)
    first, second = tablet.order_ids()[:2]
    lost = execute(tablet, first)
    tablet.sync()
    bureau.office = Office.open(
        open_store(backup, b"g" * 32, role="gateway"), bureau.office.realm, bureau.now
    )
    execute(copy, second, "ZIV0000000003")
    copy.sync()
    old = head(tablet)
    report = tablet.sync()
    assert [(fork.seq, fork.ours) for fork in report.forks if fork.theirs] == [(old.seq, old.hash)]
    assert report.resent >= len(lost)
    assert {entry.hash for entry in lost} <= entries_of(bureau, old.chain_id)
    assert len(raised(bureau)) == 4
    assert (report.pending, report.equal) == (0, True)
    assert verify_store(bureau.office.store).problems, "a forked chain does not verify as if it were whole"


def test_a_store_that_lacks_what_the_office_holds_begins_a_chain(bureau: Bureau, tablet: Tablet) -> None:
    """An older copy whose keyring was lost with it: nothing tells it that it is old but the office."""
    copy = copied(tablet)
    execute(tablet, tablet.order_ids()[0])
    tablet.sync()
    held = head(tablet)
    report = copy.sync()
    assert [(fork.seq, fork.ours, fork.theirs) for fork in report.forks] == [(held.seq, None, held.hash)]
    assert head(copy).chain_id != held.chain_id
    assert raised(bureau) == [], "nothing was written twice"
    with bureau.office.store.read() as connection:
        query = select(schema.entry.c.body).where(schema.entry.c.chain_id == head(copy).chain_id)
        begun = connection.execute(query).scalar()
    assert held.hash.encode() in bytes(begun or b""), "the new chain names the head that this store lacks"
    assert copy.sync().equal is True
