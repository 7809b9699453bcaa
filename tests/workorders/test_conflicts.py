"""Who is right: what the office did against what the crew did without signal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workorders.record_support import Author, an_order, issued, new_store
from workorders.journal import kinds
from workorders.journal.entry import Entry
from workorders.journal.words import DeviceRole, JoinState, OrderStatus, PlaceOverride
from workorders.network import StandingMeter, load_meters
from workorders.store import inbox, projection, queries, schema
from workorders.store.engine import Store
from workorders.store.inbox import EntryVerdict, ReceivedEntry
from workorders.store.queries import OrderDetail

COMPLETED = kinds.OrderCompleted(record_hash="r", blobs=[], crew="c1")
STARTED = kinds.OrderStarted(procedure="exchange", procedure_version=1, crew="c1")


class Field:
    """A store that plays office and two tablets, answered in the order in which things reach the gateway."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.office_author = Author(chain=1)
        self.crew_author = Author(chain=2)
        self.other_author = Author(chain=3)
        self.number = 0
        self.office(issued(an_order("o1")))

    def _take(self, entry: Entry) -> None:
        self.number += 1
        with self.store.write() as connection:
            inbox.receive(connection, [ReceivedEntry(entry=entry, server_seq=self.number)])

    def office(self, payload: Any, order_id: str | None = "o1", **more: Any) -> Entry:
        entry = self.office_author.write(payload, order_id=order_id, **more)
        self._take(entry)
        return entry

    def crew(self, payload: Any, order_id: str = "o1", version: int = 1) -> Entry:
        """Done here, not answered yet."""
        entry = self.crew_author.write(payload, order_id=order_id, order_version=version)
        with self.store.write() as connection:
            inbox.receive(connection, [ReceivedEntry(entry=entry)], own=True)
        return entry

    def other_crew(self, payload: Any, order_id: str = "o1", version: int = 1) -> Entry:
        entry = self.other_author.write(payload, order_id=order_id, order_version=version)
        self._take(entry)
        return entry

    def answer(self, entry: Entry, verdict: str = "applied") -> None:
        self.number += 1
        with self.store.write() as connection:
            answer = EntryVerdict(
                entry_id=entry.envelope.id, hash=entry.hash, verdict=verdict, server_seq=self.number
            )
            inbox.record_verdicts(connection, [answer])

    def order(self, order_id: str = "o1") -> OrderDetail:
        with self.store.read() as connection:
            found = queries.order(connection, order_id)
        assert found is not None
        return found

    def raised(self, order_id: str = "o1") -> list[str]:
        return sorted(row.kind for row in self.order(order_id).exceptions)

    def all_raised(self) -> list[str]:
        with self.store.read() as connection:
            return sorted(row.kind for row in queries.exceptions(connection))


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with new_store(tmp_path) as store:
        field = Field(store)
        yield field
        before = projection.digest(store)
        projection.rebuild(store)
        assert projection.digest(store) == before


def placed(serial: str = "m1", usage_point: str = "up-o1", **more: Any) -> kinds.DevicePlaced:
    return kinds.DevicePlaced(serial=serial, model="prime-1ph", usage_point=usage_point, **more)


def test_cancelled_and_nothing_done_leaves_the_list(field: Field) -> None:
    field.office(kinds.OrderCancelled(version=2, reason="duplicate"))
    assert field.order().row.status == OrderStatus.CANCELLED
    assert field.raised() == []
    with field.store.read() as connection:
        assert queries.orders(connection, queries.OrderFilter(crew="c1", open_only=True)) == []


def test_cancelled_but_executed_offline_stays_executed_and_is_raised(field: Field) -> None:
    field.crew(STARTED)
    field.crew(placed())
    done = field.crew(COMPLETED)
    field.office(kinds.OrderCancelled(version=2, reason="duplicate"))
    assert field.order().row.status == OrderStatus.COMPLETED
    assert field.raised() == ["executed_after_cancel"]
    field.answer(done)
    assert field.order().row.status == OrderStatus.COMPLETED
    assert field.raised() == ["executed_after_cancel"]


def test_cancelled_while_the_crew_has_the_meter_off_the_wall_lets_it_finish(field: Field) -> None:
    started, removed = field.crew(STARTED), field.crew(kinds.DeviceRemoved(serial="old-o1"))
    field.answer(started)
    field.answer(removed)
    field.office(kinds.OrderCancelled(version=2, reason="duplicate"))
    assert field.order().row.status == OrderStatus.IN_PROGRESS
    assert field.raised() == ["cancelled_while_executing"]


def test_begun_but_untouched_work_is_cancelled(field: Field) -> None:
    field.answer(field.crew(STARTED))
    field.office(kinds.OrderCancelled(version=2, reason="duplicate"))
    assert field.order().row.status == OrderStatus.CANCELLED


def test_reassigned_but_executed_here_is_accepted_and_raised(field: Field) -> None:
    field.crew(STARTED)
    field.crew(COMPLETED)
    field.office(kinds.OrderReassigned(version=2, crew="c2"))
    order = field.order()
    assert (order.row.status, order.row.crew, order.executed_by) == (OrderStatus.COMPLETED, "c2", "c1")
    assert field.raised() == ["executed_after_reassign"]


def test_executed_by_both_crews_keeps_both_and_is_raised(field: Field) -> None:
    field.office(kinds.OrderReassigned(version=2, crew="c2"))
    field.other_crew(COMPLETED, version=2)
    field.crew(COMPLETED, version=1)
    assert field.order().row.status == OrderStatus.COMPLETED
    assert field.raised() == ["executed_after_reassign", "executed_twice"]


def test_reassigned_away_leaves_this_crews_list(field: Field) -> None:
    field.office(kinds.OrderReassigned(version=2, crew="c2"))
    with field.store.read() as connection:
        assert queries.orders(connection, queries.OrderFilter(crew="c1")) == []
        assert len(queries.orders(connection, queries.OrderFilter(crew="c2"))) == 1


def test_edited_planning_is_merged_with_execution(field: Field) -> None:
    field.crew(STARTED)
    field.crew(COMPLETED)
    field.office(kinds.OrderChanged(version=2, changes={"due": "2026-12-24T00:00:00.000Z", "tariff": "BT5B"}))
    order = field.order()
    assert order.row.status == OrderStatus.COMPLETED
    assert (order.row.due, order.order.tariff, order.row.version) == ("2026-12-24T00:00:00.000Z", "BT5B", 2)
    assert field.raised() == []


def test_same_serial_on_two_orders_disputes_the_placement_and_is_urgent(field: Field) -> None:
    field.office(issued(an_order("o2")), order_id="o2")
    field.other_crew(placed("m1", "up-o2"), order_id="o2")
    mine = field.crew(placed("m1", "up-o1"))
    field.crew(COMPLETED)
    assert field.order().row.status == OrderStatus.COMPLETED
    with field.store.read() as connection:
        places = queries.placements(connection, serial="m1", standing_only=True)
        assert [place.disputed for place in places] == [True, True]
        (row,) = queries.exceptions_of_entry(connection, mine.envelope.id)
    assert (row.kind, row.severity, row.detail["other_order"]) == ("serial_elsewhere", "urgent", "o2")


def test_a_serial_that_the_utility_has_elsewhere_is_disputed_until_it_was_removed_there(field: Field) -> None:
    with field.store.write() as connection:
        load_meters(connection, "p1", [StandingMeter(serial="m1", usage_point="up-9")])
    field.crew(placed("m1"))
    assert field.all_raised() == ["serial_elsewhere"]
    # The list is corrected: nothing is in dispute any more, without any entry.
    with field.store.write() as connection:
        load_meters(connection, "p1", [])
    assert field.all_raised() == []


def test_a_meter_taken_away_first_may_stand_elsewhere(field: Field) -> None:
    field.crew(placed("m1", "up-o1"))
    field.crew(kinds.DeviceRemoved(serial="m1", usage_point="up-o1"))
    field.crew(placed("m1", "up-o2"), order_id="o2")
    assert field.all_raised() == []
    with field.store.read() as connection:
        history = queries.placements(connection, serial="m1")
    assert [(place.usage_point, place.until is None) for place in history] == [
        ("up-o1", False),
        ("up-o2", True),
    ]


def test_a_removal_that_arrives_late_leaves_the_meter_where_it_stands_since(field: Field) -> None:
    """Taken off the wall by a crew without signal, mounted elsewhere by one that synced first."""
    with field.store.write() as connection:
        load_meters(connection, "p1", [StandingMeter(serial="m1", usage_point="up-o1")])
    field.office(issued(an_order("o2")), order_id="o2")
    for _ in range(3):
        field.other_crew(STARTED, order_id="o2")
    field.other_crew(placed("m1", "up-o2"), order_id="o2")
    field.crew(kinds.DeviceRemoved(serial="m1", usage_point="up-o1"))
    with field.store.read() as connection:
        (place,) = queries.placements(connection, serial="m1", standing_only=True)
        state = connection.execute(schema.device.select()).one().state
    assert (place.usage_point, state) == ("up-o2", "installed")


def test_two_meters_in_one_slot_are_raised_until_one_leaves(field: Field) -> None:
    field.crew(placed("m1", "up-o1", panel="p", slot=3))
    field.other_crew(placed("m2", "up-o2", panel="p", slot=3), order_id="o2")
    assert field.all_raised() == ["place_occupied"]
    field.crew(kinds.DeviceRemoved(serial="m1", usage_point="up-o1"))
    assert field.all_raised() == []


def test_a_corrected_slot_of_the_same_order_is_no_dispute(field: Field) -> None:
    field.crew(placed("m1", panel="p", slot=3))
    field.crew(placed("m1", panel="p", slot=4))
    assert field.all_raised() == []
    with field.store.read() as connection:
        (place,) = queries.placements(connection, serial="m1", standing_only=True)
    assert place.slot == 4


def mismatch() -> kinds.MatchChecked:
    return kinds.MatchChecked(role=DeviceRole.NEW, sources=[], verdict="mismatch", cause="swapped_order")


def override(entry: Entry) -> kinds.MatchOverridden:
    return kinds.MatchOverridden(
        match_entry=entry.hash,
        reason="label torn",
        role="lead",
        person="u1",
        public_key="",
        grant="",
        signature="",
    )


def test_closing_over_a_mismatch_is_urgent_an_override_is_looked_at(field: Field) -> None:
    checked = field.crew(mismatch())
    field.crew(COMPLETED)
    assert field.raised() == ["match_unresolved"]
    field.office(issued(an_order("o2")), order_id="o2")
    checked = field.crew(mismatch(), order_id="o2")
    field.crew(override(checked), order_id="o2")
    field.crew(COMPLETED, order_id="o2")
    assert field.raised("o2") == ["match_overridden"]
    (match,) = field.order("o2").matches
    assert (match.overridden, match.override_by) == (True, "u1")


def test_an_override_does_not_pass_a_later_check(field: Field) -> None:
    first = field.crew(mismatch())
    field.crew(override(first))
    field.crew(mismatch())
    field.crew(COMPLETED)
    assert "match_unresolved" in field.raised()


def test_a_write_of_unknown_outcome_must_not_be_closed_over_unnoticed(field: Field) -> None:
    field.crew(
        kinds.MeterIntent(
            intent_id="i", serial="m1", item="3:1", name="limit", was="1", will_be="2", program="p"
        )
    )
    with field.store.read() as connection:
        assert [write["intent_id"] for write in queries.unsettled_writes(connection, "o1")] == ["i"]
    field.crew(COMPLETED)
    assert field.raised() == ["write_unsettled"]


def test_an_order_ended_as_not_done_over_a_changed_site_is_a_case(field: Field) -> None:
    """The old meter was down, the new one perhaps in: nobody in the office heard of it."""
    field.crew(STARTED)
    field.crew(kinds.DeviceRemoved(serial="m0"))
    field.crew(kinds.OrderNotDone(reason="weather"))
    [case] = field.order().exceptions
    assert (case.kind, case.severity, case.detail) == ("not_done_site_changed", "urgent", {"removed": "m0"})
    field.crew(STARTED)
    field.crew(kinds.DevicePlaced(serial="m1", model="x"))
    field.crew(kinds.OrderNotDone(reason="weather"))
    details = [one.detail for one in field.order().exceptions]
    assert {"removed": "m0", "placed": "m1"} in details


def test_a_site_that_is_as_it_was_is_no_case(field: Field) -> None:
    """Put back: the old one hangs there again. And what was done on a completed visit is no surprise."""
    field.other_crew(kinds.DeviceRemoved(serial="m0"))
    field.other_crew(kinds.DevicePlaced(serial="m1", model="x"))
    field.other_crew(kinds.DeviceRemoved(serial="m1"))
    field.other_crew(kinds.DevicePlaced(serial="m0", model="x"))
    field.other_crew(kinds.OrderNotDone(reason="weather"))
    assert field.raised() == []
    field.other_crew(kinds.DeviceRemoved(serial="m0"))
    field.other_crew(COMPLETED)
    field.office(kinds.OrderReturned(version=2, reason="photo"))
    field.other_crew(kinds.OrderNotDone(reason="locked_gate"))
    assert field.raised() == []


def test_a_write_of_unknown_outcome_is_a_case_also_where_the_visit_ended_otherwise(field: Field) -> None:
    field.crew(
        kinds.MeterIntent(intent_id="i", serial="m1", item="3:1", name="l", was="1", will_be="2", program="p")
    )
    field.crew(kinds.OrderNotDone(reason="weather"))
    assert field.raised() == ["write_unsettled"]


def test_flags_of_the_crew_reach_the_queue_and_a_decision_closes_them(field: Field) -> None:
    field.crew(kinds.OrderCompleted(record_hash="r", blobs=["b"], flags=["implausible_reading"]))
    (row,) = field.order().exceptions
    assert row.decision is None
    field.office(kinds.ExceptionDecided(exception_id=row.exception_id, decision="accepted", reason="photo"))
    assert field.all_raised() == []
    (row,) = field.order().exceptions
    assert row.decision == "accepted"


def test_a_failed_safety_check_is_urgent(field: Field) -> None:
    field.crew(kinds.SafetyFailed(step="voltage", check="dead"))
    field.crew(kinds.OrderNotDone(reason="unsafe_installation"))
    order = field.order()
    assert (order.row.status, order.exceptions[0].severity) == (OrderStatus.NOT_DONE, "urgent")


def test_an_order_not_done_is_dispatched_again_by_new_planning(field: Field) -> None:
    tried = field.crew(kinds.OrderNotDone(reason="no_access"))
    assert field.order().row.status == OrderStatus.NOT_DONE
    field.answer(tried)
    field.office(kinds.OrderChanged(version=2, changes={"scheduled_start": "2026-11-09T13:00:00.000Z"}))
    order = field.order()
    assert (order.row.status, order.row.attempts) == (OrderStatus.DISPATCHED, 1)
    assert [step.status for step in order.history] == ["dispatched", "notDone", "dispatched"]


def test_approval_closes_and_a_return_sends_back(field: Field) -> None:
    first = field.crew(COMPLETED)
    field.answer(first)
    field.office(kinds.OrderReturned(version=2, reason="photo is blurred"))
    order = field.order()
    assert (order.row.status, order.row.rework, order.return_reason) == (
        OrderStatus.DISPATCHED,
        1,
        "photo is blurred",
    )
    field.answer(field.crew(COMPLETED, version=2))
    field.office(kinds.OrderApproved(record_hash="r"))
    assert field.order().row.status == OrderStatus.CLOSED
    assert field.raised() == []
    field.crew(COMPLETED, version=2)
    assert field.raised() == ["executed_twice"], "another record after the approval is no secret"


def test_heard_through_another_concentrator_is_raised(field: Field) -> None:
    field.crew(placed("m1", concentrator="dcu-1"))
    field.office(
        kinds.JoinReported(
            serial="m1", state=JoinState.JOINED, heard_at="2026-11-02T15:00:00.000Z", concentrator="dcu-2"
        )
    )
    assert "other_concentrator" in field.all_raised()


def test_what_was_heard_before_the_mounting_says_nothing(field: Field) -> None:
    field.answer(field.crew(placed("m1")))
    field.office(kinds.JoinReported(serial="m1", state=JoinState.JOINED, heard_at="2020-01-01T00:00:00.000Z"))
    (join,) = field.order().joins
    assert (join.state, join.first_joined_at) == ("pending", None)


def test_two_entries_at_one_number_are_both_kept_and_raised(field: Field) -> None:
    field.crew(STARTED)
    twin = field.crew_author.at_number(0, COMPLETED, "o1", variant=1)
    with field.store.write() as connection:
        inbox.receive(connection, [ReceivedEntry(entry=twin)], own=True)
    with field.store.read() as connection:
        (fork,) = queries.exceptions(connection, kind="fork")
        kept = connection.execute(
            schema.entry.select().where(schema.entry.c.chain_id == fork.detail["chain_id"])
        )
        assert len(kept.all()) == 2
    assert fork.severity == "urgent"


def test_an_id_used_before_is_kept_without_effect(field: Field) -> None:
    first = field.crew(STARTED)
    clash = Author(chain=2).write(COMPLETED, order_id="o1")
    assert clash.envelope.id == first.envelope.id
    with field.store.write() as connection:
        result = inbox.receive(connection, [ReceivedEntry(entry=clash, server_seq=99)])
        assert result.clashing == [first.envelope.id]
        (kept,) = connection.execute(schema.quarantine.select()).all()
    assert (kept.code, kept.hash) == ("id_reused", clash.hash)
    assert field.order().row.status == OrderStatus.IN_PROGRESS


def test_quarantined_at_the_gateway_keeps_its_effect_here(field: Field) -> None:
    done = field.crew(COMPLETED)
    with field.store.write() as connection:
        answer = EntryVerdict(
            entry_id=done.envelope.id,
            hash=done.hash,
            verdict="quarantined",
            code="x",
            reason="not understood",
        )
        inbox.record_verdicts(connection, [answer])
        assert inbox.pending_count(connection) == 0
    assert field.order().row.status == OrderStatus.COMPLETED


def test_one_override_is_one_case_though_the_end_of_the_order_flags_it_again(field: Field) -> None:
    """The entry of the override raises it, with reason and person; the flag says the same once more."""
    field.crew(override(field.crew(mismatch())))
    field.crew(placed(capacity_override="emergency"))
    flags = ["match_overridden", "old_meter_overridden", "capacity_overridden", "relay_untested"]
    field.crew(kinds.OrderCompleted(record_hash="r", blobs=[], crew="c1", flags=flags))
    assert field.raised() == ["capacity_overridden", "match_overridden", "relay_untested"]


def place_override() -> PlaceOverride:
    return PlaceOverride(reason="emergency", role="lead", person="p", public_key="", grant="", signature="")


def test_each_rule_that_an_override_of_a_place_passes_is_a_case_of_its_own_kind(field: Field) -> None:
    """Too far away and serial elsewhere read *capacity overridden*; so do entries of that time for ever."""
    field.crew(placed(override=place_override(), passed=["too_far", "serial_elsewhere"]))
    flags = ["distance_overridden", "serial_elsewhere"]
    field.crew(kinds.OrderCompleted(record_hash="r", blobs=[], crew="c1", flags=flags))
    assert field.raised() == ["distance_overridden", "elsewhere_overridden"]
    field.office(issued(an_order("o2")), order_id="o2")
    before = field.crew(placed("m2", "up-o2", override=place_override()), order_id="o2")
    assert field.raised("o2") == ["capacity_overridden"]
    field.answer(before)
    field.office(kinds.OverrideRefused(entry_id=before.envelope.id, code="unsigned"), order_id="o2")
    assert field.raised("o2") == ["override_not_proven"]


def test_a_flag_of_an_override_whose_own_entry_never_came_is_still_raised(field: Field) -> None:
    field.crew(kinds.OrderCompleted(record_hash="r", blobs=[], flags=["match_overridden"]))
    assert field.raised() == ["match_overridden"]


def test_who_executed_is_a_crew_also_where_the_entry_names_only_the_person(field: Field) -> None:
    """By the version that its author was looking at: the order may have gone elsewhere since."""
    field.office(kinds.OrderReassigned(version=2, crew="c2"))
    entry = field.crew_author.write(
        kinds.OrderCompleted(record_hash="r", blobs=[]), order_id="o1", order_version=1, actor="prime.t01a"
    )
    with field.store.write() as connection:
        inbox.receive(connection, [ReceivedEntry(entry=entry)], own=True)
    assert field.order().executed_by == "c1"
