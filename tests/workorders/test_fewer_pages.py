"""What an entry costs in pages of the file, and that a store of before comes to the same."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from tests.workorders.record_support import KEY, Author, an_order, issued, new_journal, new_store
from workorders.journal import kinds
from workorders.store import inbox, migrations, projection, queries, schema
from workorders.store.engine import FileStore, open_store
from workorders.store.inbox import ReceivedEntry
from workorders.store.prepared import bare
from workorders.store.verify import verify_store

FRAME = 4096 + 24
"""Bytes of a page in the write-ahead log, and of what stands before it (SQLite file format, 4.1)."""


def fill(store: FileStore) -> None:
    journal = new_journal(store)
    for number in range(30):
        journal.append(kinds.StepDone(step=f"s{number}", answers={"n": number}), order_id="o1")
    journal.append(kinds.DevicePlaced(serial="0044719207", model="m", usage_point="u1"), order_id="o1")
    office = Author()
    page = [
        ReceivedEntry(entry=office.write(issued(an_order(f"p{number}")), order_id=f"p{number}"), server_seq=n)
        for n, number in enumerate(range(30), 1)
    ]
    with store.write() as connection:
        inbox.receive(connection, page)


def bodies(connection: Connection) -> list[tuple[object, ...]]:
    table = schema.entry
    query = select(table.c.id, table.c.hash, table.c.body, table.c.signature, table.c.own, table.c.server_seq)
    return [tuple(row) for row in connection.execute(query.order_by(table.c.id))]


def test_a_store_of_before_keeps_every_entry_and_comes_to_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [step for step in migrations.REVISIONS if step.name < "0015"]
    with monkeypatch.context() as older:
        older.setattr(migrations, "REVISIONS", tuple(before))
        older.setattr(migrations, "NEWEST", "0014")
        with open_store(tmp_path / "store.db", KEY, role="tablet") as store:
            fill(store)
            said = projection.digest(store)
            with store.read() as connection:
                kept = bodies(connection)
    with open_store(tmp_path / "store.db", KEY, role="tablet") as store:
        digest = projection.digest(store)
        with store.read() as connection:
            assert bodies(connection) == kept
            due = connection.execute(select(schema.sla_due.c.order_id)).scalars().all()
            assert [row.order_id for row in queries.orders(connection, search="p7")] == ["p7"]
        assert digest == said
        assert len(due) == 31, "the clocks of every order are due again"
        # The office of this test has no certificate; nothing else is wrong with any chain.
        assert {problem.code for problem in verify_store(store).problems} == {"no_certificate"}
        fill_again = kinds.StepDone(step="after", answers={})
        new_journal(store).append(fill_again, order_id="o1")


def test_an_append_writes_few_pages(tmp_path: Path) -> None:
    """Each page is sealed and written whole: an index that nobody asks costs every step of a crew."""
    with new_store(tmp_path) as store:
        fill(store)
        journal = new_journal(store)
        log = store.path.with_name("store.db-wal")
        with store.write() as connection:
            bare(connection).execute("PRAGMA wal_autocheckpoint = 0")
        store.checkpoint()
        pages = []
        for number in range(20):
            journal.append(kinds.StepDone(step="again", answers={"n": number}), order_id="o1")
            pages.append(log.stat().st_size // FRAME)
    each = [after - earlier for earlier, after in pairwise(pages)]
    assert sorted(each)[len(each) // 2] <= 9


def test_what_most_entries_do_not_have_is_still_looked_up(tmp_path: Path) -> None:
    asked = (
        ("SELECT id FROM entry WHERE serial IN (SELECT value FROM json_each('[]'))", "entry_serial"),
        ("SELECT order_id FROM work_order WHERE new_serial = ? OR old_serial = ?", "work_order_new_serial"),
        ("SELECT order_id FROM work_order WHERE new_serial IN (?, ?)", "work_order_new_serial"),
        ("SELECT order_id FROM work_order WHERE project = ? AND completed_at >= ?", "work_order_done"),
        ("SELECT order_id FROM work_order WHERE project = ? AND not_done_at < ?", "work_order_not_done"),
    )
    with new_store(tmp_path) as store, store.read() as connection:
        for question, index in asked:
            marks = ("x",) * question.count("?")
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", marks).all()
            assert index in str(plan), question
