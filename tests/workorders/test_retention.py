"""Personal data goes when its time is over, as an entry, everywhere; and on request also without an order."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from tests.workorders.offices import PROJECT, Bureau, write_project
from tests.workorders.test_sync_push import execute
from workorders.gateway import acts, erasing, load
from workorders.gateway.errors import NotFound
from workorders.journal.kinds import PersonalErased
from workorders.journal.sealing import SealError
from workorders.store import keys, schema
from workorders.store.verify import verify_store


@pytest.mark.usefixtures("each_database")
def test_a_closed_orders_customer_is_forgotten_after_the_projects_time(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet()
    tablet.sync()
    closed, open_, cancelled = tablet.order_ids()[:3]
    execute(tablet, closed)
    tablet.sync()
    acts.approve_order(bureau.office, closed, None, actor="sofia")
    acts.cancel_order(bureau.office, cancelled, "double", actor="sofia")
    tablet.sync()
    bureau.now.forward(days=400)
    assert erasing.erase_expired(bureau.office) == 0, "the project names no time"
    project = write_project(tmp_path / "again", project="retention_days = 30\n" + PROJECT)
    assert load.load_project(bureau.office, project).errors == []
    assert erasing.erase_expired(bureau.office) == 2
    assert erasing.erase_expired(bureau.office) == 0, "once"
    tablet.sync()
    for store in (bureau.office.store, tablet.store):
        with store.read() as connection:
            assert _readable(connection, closed) is False
            assert _readable(connection, cancelled) is False
            assert _readable(connection, open_) is True
            entry = schema.entry
            written = select(entry.c.order_id).where(entry.c.kind == PersonalErased.KIND)
            assert set(connection.execute(written).scalars()) >= {closed}
    assert verify_store(bureau.office.store).problems == []


def test_a_withdrawn_orders_key_waits_for_the_crew_that_executed_it_without_signal(tmp_path: Path) -> None:
    """Else its photos and its record come home to a key that is gone, however short the project's time is."""
    bureau = Bureau.open(tmp_path)
    project = write_project(tmp_path / "again", project="retention_days = 1\n" + PROJECT)
    assert load.load_project(bureau.office, project).errors == []
    out, other = bureau.tablet(), bureau.tablet("B", "t2")
    out.sync()
    executed, idle, moved = out.order_ids()[:3]
    acts.cancel_order(bureau.office, executed, "double", actor="sofia")
    acts.cancel_order(bureau.office, idle, "double", actor="sofia")
    acts.reassign_order(bureau.office, moved, "B", actor="sofia")
    other.sync()
    execute(other, moved)
    other.sync()
    acts.approve_order(bureau.office, moved, None, actor="sofia")
    execute(out, executed)
    execute(out, moved, "ZIV0000000005")
    bureau.now.forward(days=89)
    assert erasing.erase_expired(bureau.office) == 0
    out.sync()
    with bureau.office.store.read() as connection:
        assert _readable(connection, executed)
        assert _readable(connection, moved)
    bureau.now.forward(days=2)
    assert erasing.erase_expired(bureau.office) == 2
    with bureau.office.store.read() as connection:
        assert _readable(connection, executed), "what a crew did there is not approved yet"
        assert not _readable(connection, idle)


def _readable(connection: Connection, order_id: str) -> bool:
    try:
        keys.order_key(connection, order_id)
    except SealError:
        return False
    return True


def test_what_was_said_about_no_order_can_be_erased(tmp_path: Path) -> None:
    """An exception without an order has a key of its own; a request reaches it too."""
    bureau = Bureau.open(tmp_path)
    with bureau.office.store.write() as connection:
        connection.execute(
            schema.exception.insert().values(
                exception_id="x1",
                scope="chain:c",
                kind="fork",
                severity="look",
                project="demo",
                detail={},
                raised_at="2026-03-01T00:00:00.000Z",
            )
        )
    acts.decide_exception(bureau.office, "x1", "accepted", "Rosa Quispe told us", actor="sofia")
    assert len(erasing.erase_order(bureau.office, "x1", "request")) == 1
    with bureau.office.store.read() as connection:
        assert _readable(connection, "x1") is False
    with pytest.raises(NotFound):
        erasing.erase_order(bureau.office, "x1", "request")
    with pytest.raises(NotFound):
        erasing.erase_order(bureau.office, "nobody", "request")


def test_a_tablet_without_contact_forgets_by_itself_what_is_closed_and_acknowledged(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet()
    tablet.sync()
    closed, done = tablet.order_ids()[:2]
    execute(tablet, closed)
    execute(tablet, done, "ZIV0000000005")
    tablet.sync()
    acts.approve_order(bureau.office, closed, None, actor="sofia")
    tablet.sync()
    late = "2026-06-01T00:00:00.000Z"
    with tablet.store.write() as connection:
        assert keys.forget_closed(connection, "2026-02-01T00:00:00.000Z") == 0
        assert keys.forget_closed(connection, late) == 1
        assert (_readable(connection, closed), _readable(connection, done)) == (False, True)
    acts.approve_order(bureau.office, done, None, actor="sofia")
    tablet.sync()
    execute(tablet, done, "ZIV0000000005")  # what was not answered holds the key
    with tablet.store.write() as connection:
        assert keys.forget_closed(connection, late) == 0


def test_a_crew_that_an_order_was_taken_from_keeps_its_key_on_the_tablet(tmp_path: Path) -> None:
    """Only whoever closed it forgets by itself: the other crew may still be out with it, unheard."""
    bureau = Bureau.open(tmp_path)
    out, other = bureau.tablet("A"), bureau.tablet("B", "t2")
    out.sync()
    moved = out.order_ids()[0]
    acts.reassign_order(bureau.office, moved, "B", actor="sofia")
    other.sync()
    execute(other, moved)
    other.sync()
    acts.approve_order(bureau.office, moved, None, actor="sofia")
    out.sync()
    other.sync()
    late = "2027-06-01T00:00:00.000Z"
    for tablet, forgotten in ((out, 0), (other, 1)):
        with tablet.store.write() as connection:
            assert keys.forget_closed(connection, late) == forgotten
