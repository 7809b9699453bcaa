"""What screens and the command line ask: lists, search, pages, counts, drafts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.workorders.record_support import an_order, issued, new_journal, new_store
from workorders.journal import kinds
from workorders.journal.words import DeviceRole, OrderStatus, ReadingValue, TaskKind
from workorders.orders import NEXT, OldAsset, WorkOrder, may_become, order_plain, read_order
from workorders.store import queries, schema, settings
from workorders.store.engine import Store
from workorders.store.queries import OrderFilter, lists


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Forty orders of two crews, over days."""
    with new_store(Path(tmp_path_factory.mktemp("queries"))) as opened:
        journal = new_journal(opened)
        for number in range(40):
            order = an_order(
                f"o{number:02d}",
                number=f"OT-{number:02d}",
                crew=f"c{number % 2}",
                supply_number=f"1000{number:02d}",
                scheduled_start=f"2026-11-{1 + number % 20:02d}T13:00:00.000Z",
                old_asset=OldAsset(serial=f"00447192{number:02d}"),
                kind=TaskKind.EXCHANGE if number % 4 else TaskKind.INSPECT,
            )
            journal.append(issued(order), order_id=order.mrid)
        journal.append(kinds.OrderNotDone(reason="no_access"), order_id="o01")
        journal.append(kinds.SafetyFailed(step="s", check="c"), order_id="o02")
        yield opened


def numbers(
    store: Store, which: OrderFilter | None = None, search: str = "", **page: int
) -> list[str | None]:
    with store.read() as connection:
        found = queries.orders(connection, which, search, **page)
        assert queries.count_orders(connection, which, search) >= len(found)
    return [row.number for row in found]


def test_the_list_follows_the_schedule_and_pages_without_gap_or_repeat(store: Store) -> None:
    whole = numbers(store, limit=100)
    paged = [number for offset in range(0, 40, 7) for number in numbers(store, limit=7, offset=offset)]
    assert whole == paged
    assert whole[:3] == ["OT-00", "OT-20", "OT-01"]
    assert len(set(whole)) == 40


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("OT-07", ["OT-07"]),
        ("ot-07", ["OT-07"]),
        ("4719207", ["OT-07"]),
        ("100007", ["OT-07"]),
        ("o07", []),
        ("OT-07 OT-08", []),
        ("", None),
        ("   ", None),
        ('"', []),
        ("OT-07 7", ["OT-07"]),
        ("% _", []),
        ("*", []),
        ("NEAR(", []),
    ],
)
def test_search_finds_any_part_and_takes_no_text_for_a_command(
    store: Store, search: str, expected: list[str] | None
) -> None:
    found = numbers(store, search=search, limit=100)
    assert found == expected if expected is not None else len(found) == 40


@pytest.mark.parametrize("many", [1, 10, lists.MANY])
@pytest.mark.parametrize(
    "search", ["OT-0", "00 OT", "4719 0", "0", "3", "1000 OT 1", "OT-07 7", "9_", "none 1", "%"]
)
def test_few_hits_and_many_give_what_a_plain_look_at_each_order_gives(
    store: Store, monkeypatch: pytest.MonkeyPatch, search: str, many: int
) -> None:
    monkeypatch.setattr(lists, "MANY", many)
    with store.read() as connection:
        texts = dict(
            connection.execute(select(schema.order_text.c.order_id, schema.order_text.c.search)).all()
        )
        for which in (OrderFilter(), OrderFilter(project="p1"), OrderFilter(crew="c1", kind="exchange")):
            plain = [
                row
                for row in queries.orders(connection, which, limit=100)
                if all(word.lower() in texts[row.order_id].lower() for word in search.split())
            ]
            assert queries.orders(connection, which, search, limit=100) == plain
            assert queries.orders(connection, which, search, limit=3, offset=2) == plain[2:5]
            assert queries.count_orders(connection, which, search) == len(plain)


def test_filters_narrow_and_combine(store: Store) -> None:
    assert len(numbers(store, OrderFilter(crew="c0"), limit=100)) == 20
    assert len(numbers(store, OrderFilter(crew="c0", kind="inspect"), limit=100)) == 10
    assert numbers(store, OrderFilter(statuses=frozenset({"notDone"}))) == ["OT-01"]
    assert "OT-01" not in numbers(store, OrderFilter(open_only=True), limit=100)
    assert numbers(store, OrderFilter(open_only=True, statuses=frozenset({"notDone"}))) == []
    assert numbers(store, OrderFilter(with_exceptions=True)) == ["OT-02"]
    assert numbers(store, OrderFilter(crew="c1"), "OT-02") == []
    assert numbers(store, OrderFilter(project="other")) == []


def test_counts_by_status(store: Store) -> None:
    with store.read() as connection:
        assert queries.status_counts(connection) == {"dispatched": 39, "notDone": 1}


def test_a_row_tells_what_is_not_sent_yet(store: Store) -> None:
    with store.read() as connection:
        (row,) = queries.orders(connection, OrderFilter(order_id="o01"))
        assert row.unsent == 2
        assert queries.sync_summary(connection).pending == 43
        newest = queries.entries_with_verdicts(connection, limit=1)[0]
        assert (newest.kind, newest.verdict, newest.number) == ("safety.failed", None, "OT-02")
        waiting = queries.entries_with_verdicts(connection, limit=100, unanswered=True)
        assert len(waiting) == 43
        assert waiting[0] == newest


def test_who_else_names_a_serial(store: Store) -> None:
    with store.read() as connection:
        assert queries.orders_with_serial(connection, "0044719207") == [("o07", "old")]


def test_an_order_that_is_not_here(store: Store) -> None:
    with store.read() as connection:
        assert queries.order(connection, "nowhere") is None


def test_one_page_reads_few_tables_whatever_the_size(store: Store) -> None:
    with store.read() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT order_id FROM work_order WHERE crew = 'c1' "
            "ORDER BY sort_at, number, order_id LIMIT 50"
        ).fetchall()
    text = " ".join(str(row) for row in plan)
    assert "work_order_crew" in text
    assert "TEMP B-TREE" not in text


def test_the_whole_visit_is_one_detail(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        journal = new_journal(store)
        journal.append(issued(an_order("o1")), order_id="o1")
        journal.append(
            kinds.OrderStarted(procedure="exchange", procedure_version=3, crew="c1"), order_id="o1"
        )
        journal.append(kinds.StepDone(step="site", answers={"ok": True}), order_id="o1", actor="u1")
        journal.append(kinds.StepDone(step="site", answers={"ok": False}), order_id="o1", actor="u1")
        reading = ReadingValue(item="dial:1.8.0", value="001234.5", unit="kWh")
        journal.append(
            kinds.MeterRead(role=DeviceRole.OLD, how="dial", serial="old-o1", readings=[reading]),
            order_id="o1",
        )
        photo = kinds.BlobTaken(
            sha256="ab", plain_sha256="cd", size=3, media_type="image/jpeg", what="before", step="photo"
        )
        journal.append(photo, order_id="o1")
        journal.append(kinds.SealRecorded(action="applied", number="P-1", position="cover"), order_id="o1")
        journal.append(kinds.RecordIssued(record_hash="h", sha256="ef", number="A-1"), order_id="o1")
        journal.append(kinds.OrderCompleted(record_hash="h", blobs=["ab", "ef"], crew="c1"), order_id="o1")
        with store.write() as connection:
            detail = queries.order(connection, "o1")
            assert queries.missing_blobs(connection, "o1") == ["ab"]
            connection.execute(
                schema.blob_store.insert(), {"sha256": "ab", "size": 3, "state": "local", "at": "2026"}
            )
            assert queries.missing_blobs(connection, "o1") == []
    assert detail is not None
    assert (detail.row.status, detail.row.step, detail.row.steps_done) == ("completed", "site", 1)
    (step,) = detail.steps
    assert (step.answers, step.revisions, step.actor) == ({"ok": False}, 2, "u1")
    assert detail.readings[0].readings == [{"item": "dial:1.8.0", "value": "001234.5", "unit": "kWh"}]
    assert [status.status for status in detail.history] == ["dispatched", "inProgress", "completed"]
    assert (detail.record_hash, detail.record_number, detail.record_blobs) == ("h", "A-1", ["ab", "ef"])
    assert (detail.executed_by, detail.procedure_version, detail.seals[0].number) == ("c1", 3, "P-1")


def test_drafts_survive_and_go_with_their_step(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        journal = new_journal(store)
        with store.write() as connection:
            settings.set_draft(connection, "o1", "site", {"note": "gate"})
            settings.set_draft(connection, "o1", "site", {"note": "gate locked"})
        journal.append(
            kinds.StepDone(step="photo", answers={}),
            order_id="o1",
            also=lambda connection: settings.clear_drafts(connection, "o1", "photo"),
        )
        with store.write() as connection:
            assert settings.draft(connection, "o1", "site") == {"note": "gate locked"}
            settings.clear_drafts(connection, "o1")
            assert settings.draft(connection, "o1", "site") is None


def test_an_order_reads_back_as_it_was_written() -> None:
    order = an_order("o1", flags=["dog"], program_values={"limit": "5.75"})
    assert read_order(order_plain(order)) == order
    assert isinstance(read_order({"mrid": "a", "number": "1", "project": "p", "kind": "install"}), WorkOrder)


def test_the_status_machine_ends_and_has_no_way_out_of_the_end() -> None:
    assert set(NEXT) == set(OrderStatus)
    assert not NEXT[OrderStatus.CLOSED]
    assert not NEXT[OrderStatus.CANCELLED]
    assert may_become(OrderStatus.DISPATCHED, OrderStatus.IN_PROGRESS)
    assert not may_become(OrderStatus.SCHEDULED, OrderStatus.COMPLETED)
    reached = {OrderStatus.SCHEDULED}
    while more := {after for status in reached for after in NEXT[status]} - reached:
        reached |= more
    assert reached == set(OrderStatus)
