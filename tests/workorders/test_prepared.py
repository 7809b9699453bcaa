"""What an append says to the database: few statements, each the same as SQLAlchemy would say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from tests.workorders.record_support import an_order, issued, new_journal, new_store
from workorders.journal import kinds
from workorders.store import schema
from workorders.store.bulk import among
from workorders.store.prepared import Prepared, bare

ORDER = schema.order_plan


def test_what_is_said_to_the_driver_is_what_sqlalchemy_would_say(tmp_path: Path) -> None:
    """Types make the parameters (JSON, a list), parameters stand by name, and fixed ones are kept."""
    with new_store(tmp_path) as store, store.write() as connection:
        for number in range(3):
            Prepared(insert(ORDER)).run(
                connection, {"order_id": f"o{number}", "order": {"number": number}, "customer": {}}
            )
        named = update(ORDER).where(ORDER.c.order_id == bindparam("of")).values(order=bindparam("to"))
        Prepared(named).run(connection, {"to": {"é": True}, "of": "o1"})
        listed = select(ORDER.c.order_id).where(among(ORDER.c.order_id, "ids"), ORDER.c.order_id != "o2")
        found = Prepared(listed.order_by(ORDER.c.order_id)).run(connection, {"ids": ["o0", "o1", "o2"]})
        plans = {row.order_id: row.order for row in connection.execute(select(ORDER))}
        once = Prepared(text("SELECT count(*) FROM order_plan WHERE order_id = :of"))
        counted = [once.run(connection, {"of": name}) for name in ("o0", "o9")]
    assert found == [("o0",), ("o1",)]
    assert plans == {"o0": {"number": 0}, "o1": {"é": True}, "o2": {"number": 2}}
    assert counted == [[(1,)], [(0,)]]


def test_an_append_says_little_however_long_the_order(tmp_path: Path) -> None:
    """Each statement is paid by every step of a crew: the head, the entry, its places, and what changed."""
    said: list[str] = []
    with new_store(tmp_path) as store:
        journal = new_journal(store)
        journal.append(issued(an_order("o1")), order_id="o1")
        for number in range(20):
            journal.append(kinds.StepDone(step=f"s{number}", answers={}), order_id="o1")
        with store.write() as connection:
            driver: Any = bare(connection)
        driver.set_trace_callback(said.append)
        journal.append(kinds.StepDone(step="last", answers={}), order_id="o1")
        driver.set_trace_callback(None)
    assert [line.split()[0] for line in said] == [
        "PRAGMA",
        "BEGIN",
        "SELECT",  # the head of the chain
        "INSERT",  # the entry
        "UPDATE",  # the head
        "SELECT",  # the places of the order's entries
        "UPDATE",  # the order
        "INSERT",  # the step
        "INSERT",  # its clocks are due
        "COMMIT",
    ]
