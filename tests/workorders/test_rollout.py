"""SLA clocks: rules are data, pauses stand, late entries move them, the board counts what happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workorders.record_support import Author, an_order, issued, new_store
from workorders.clock import utc_text
from workorders.journal import kinds
from workorders.journal.entry import Entry
from workorders.journal.words import JoinState, OrderStatus
from workorders.rollout import (
    ClockState,
    JoinTarget,
    Plan,
    RulesError,
    SlaRules,
    StatusEvent,
    WorkingCalendar,
    board,
    clock,
    order_clocks,
    read_rules,
    refresh_clocks,
)
from workorders.rollout.board import late_orders
from workorders.rollout.clocks import OrderFacts
from workorders.rollout.listing import Listing, listed
from workorders.store import inbox
from workorders.store.engine import Store
from workorders.store.inbox import ReceivedEntry

RULES = """
[sla]
time_zone = "America/Lima"
[sla.calendar]
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["08:00-12:00", "13:00-17:00"]
holidays = ["2026-11-05"]
[[sla.rule]]
id = "execute"
kinds = ["exchange"]
start = "issued"
stop = ["completed"]
limit = "2d"
warn = "50%"
calendar = "working"
pauses = [{ reason = "weather" }, { reason = "no_stock", attributable = true }]

[[sla.rule]]
id = "due"
start = "issued"
stop = ["completed", "notDone"]
limit = "due"

[[sla.join]]
within = "24h"
target = "90"
"""
MONDAY = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)  # 08:00 in Lima


def lima(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


def rules(text: str = RULES) -> SlaRules:
    return read_rules(text, "project.toml")


def run(events: list[tuple[str, datetime, str | None]], now: datetime, rule: int = 0, **facts: Any) -> Any:
    known = rules()
    happened = [StatusEvent(status=status, at=at, reason=reason) for status, at, reason in events]
    order = OrderFacts(kind="exchange", starts={"issued": MONDAY}, **facts)
    return clock(known.rules[rule], order, happened, known.calendar, now)


# --- working time -------------------------------------------------------------------------------


def test_two_working_days_end_on_the_second_evening() -> None:
    found = run([], lima(2, 9))
    assert found.breach_at == lima(3, 17)
    assert found.warn_at == lima(2, 17)
    assert found.elapsed == timedelta(hours=1)


def test_lunch_nights_weekends_and_holidays_do_not_count() -> None:
    calendar = rules().calendar
    assert calendar.between(lima(2, 11), lima(2, 14)) == timedelta(hours=2)
    assert calendar.between(lima(4, 16), lima(6, 9)) == timedelta(hours=2)
    assert calendar.between(lima(6, 16), lima(9, 9)) == timedelta(hours=2)


def test_a_day_is_the_projects_not_the_gateways() -> None:
    calendar = WorkingCalendar(time_zone="America/Lima")
    assert calendar.local_date(datetime(2026, 11, 3, 3, tzinfo=UTC)).isoformat() == "2026-11-02"


def test_a_change_of_clocks_neither_gives_nor_takes_an_hour_of_work() -> None:
    calendar = WorkingCalendar(time_zone="Europe/Madrid", hours=((time(0), time(6)),))
    night = datetime(2026, 10, 24, 22, tzinfo=UTC)  # 00:00 on the day with 25 hours
    assert calendar.between(night, night + timedelta(hours=25)) == timedelta(hours=7)


@given(st.integers(0, 20_000), st.integers(0, 5_000))
def test_after_is_the_inverse_of_between(begin: int, minutes: int) -> None:
    calendar = rules().calendar
    start = MONDAY + timedelta(minutes=begin)
    end = calendar.after(start, timedelta(minutes=minutes))
    assert end is not None
    assert calendar.between(start, end) == timedelta(minutes=minutes)


def test_a_calendar_without_work_ends_nowhere() -> None:
    calendar = WorkingCalendar(days=("mon",), holidays=frozenset(), hours=())
    everything = WorkingCalendar(days=(), hours=())
    assert calendar.after(MONDAY, timedelta(hours=1)) is not None
    assert everything.after(MONDAY, timedelta(hours=1)) is None


# --- clocks -------------------------------------------------------------------------------------


def test_rain_stands_the_clock_and_no_stock_does_not() -> None:
    rain = [("suspended", lima(2, 10), "weather"), ("inProgress", lima(2, 12), None)]
    found = run(rain, lima(2, 14))
    assert found.breach_at == lima(4, 10)  # two hours of work later than without it, after a night
    stock = [("suspended", lima(2, 10), "no_stock"), ("inProgress", lima(2, 12), None)]
    found = run(stock, lima(2, 14))
    assert found.breach_at == lima(3, 17)
    assert [(pause.reason, pause.attributable) for pause in found.pauses] == [("no_stock", True)]


def test_while_it_rains_nothing_is_late() -> None:
    found = run([("suspended", lima(2, 10), "weather")], lima(20, 10))
    assert found.state(lima(20, 10)) is ClockState.PAUSED
    assert found.breach_at is None
    assert found.elapsed == timedelta(hours=2)


def test_states_over_time() -> None:
    found = run([], lima(2, 9))
    states = [found.state(moment) for moment in (lima(2, 9), lima(3, 9), lima(4, 9))]
    assert states == [ClockState.RUNNING, ClockState.WARNING, ClockState.LATE]
    done = run([("completed", lima(3, 10), None)], lima(9, 9))
    assert done.state(lima(9, 9)) is ClockState.MET
    late = run([("completed", lima(4, 10), None)], lima(9, 9))
    assert late.state(lima(9, 9)) is ClockState.BREACHED
    void = run([("cancelled", lima(2, 12), None)], lima(9, 9))
    assert void.state(lima(3, 9)) is ClockState.VOID
    closed = run([("notDone", lima(2, 12), "refusal"), ("closed", lima(2, 15), None)], lima(9, 9))
    assert closed.state(lima(9, 9)) is ClockState.VOID
    revived = run([("cancelled", lima(2, 12), None), ("inProgress", lima(2, 13), None)], lima(9, 9))
    assert revived.state(lima(9, 9)) is ClockState.LATE


def test_an_entry_that_comes_late_moves_the_clock_back() -> None:
    # On Thursday the order seems late; then a tablet without signal delivers Tuesday's work.
    assert run([], lima(6, 9)).state(lima(6, 9)) is ClockState.LATE
    assert run([("completed", lima(3, 16), None)], lima(6, 9)).state(lima(6, 9)) is ClockState.MET


def test_the_orders_own_due_time_is_a_limit_too() -> None:
    found = run([], lima(3, 9), 1, due=lima(4, 17))
    assert (found.breach_at, found.state(lima(5, 9))) == (lima(4, 17), ClockState.LATE)
    assert run([], lima(3, 9), 1).breach_at is None


def test_a_rule_is_only_for_its_kinds() -> None:
    known = rules()
    order = OrderFacts(kind="inspect", starts={"issued": MONDAY})
    assert clock(known.rules[0], order, [], known.calendar, MONDAY) is None


def test_a_clock_that_was_not_started_is_not_late() -> None:
    known = rules()
    found = clock(known.rules[0], OrderFacts(kind="exchange"), [], known.calendar, MONDAY)
    assert found is not None
    assert found.state(lima(30, 9)) is ClockState.NOT_STARTED


# --- rules as a file ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('limit = "2d"', 'limit = "soon"', 13, "duration"),
        ('start = "issued"\nstop = ["completed"]', 'start = "birth"\nstop = ["completed"]', 11, "one of"),
        ('stop = ["completed"]', 'stop = ["finished"]', 12, "some of"),
        ('kinds = ["exchange"]', 'kinds = ["repair"]', 10, "some of"),
        ('warn = "50%"', 'warn = "half"', 14, "80%"),
        ('"08:00-12:00"', '"12:00-08:00"', 6, "must end after"),
        ('"America/Lima"', '"Peru/Lima"', 3, "no such time zone"),
        ('id = "due"', 'id = "execute"', 19, "a second rule"),
        ('limit = "due"', "", 18, "is missing"),
        ('limit = "due"', 'limit = "due"\ncolour = "red"', 23, "not known here"),
        ('target = "90"', 'target = "many"', 26, "percentage"),
        ("[[sla.join]]", "[[sla.join", 24, ""),
    ],
)
def test_a_mistake_in_a_rules_file_is_named_by_line(old: str, new: str, line: int, reason: str) -> None:
    assert old in RULES
    with pytest.raises(RulesError) as caught:
        rules(RULES.replace(old, new, 1))
    assert reason in str(caught.value)
    assert caught.value.line == line
    assert caught.value.file == "project.toml"


def test_a_file_without_rules_has_the_usual_join_targets() -> None:
    found = rules("")
    assert found.rules == ()
    assert [target.hours for target in found.join] == [24, 72, 720]
    assert rules().join == (JoinTarget(hours=24, target=Decimal(90)),)


# --- from the store, and the board --------------------------------------------------------------


class Project:
    """A gateway's store with orders, and entries that reach it one by one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.office = Author(chain=1, start=MONDAY)
        self.crews = {"c1": Author(chain=2), "c2": Author(chain=3)}
        self.number = 0
        for name, crew in (("o1", "c1"), ("o2", "c1"), ("o3", "c2"), ("o4", "c2")):
            order = an_order(name, crew=crew, due=utc_text(lima(4, 17)))
            self.take(self.office.write(issued(order), order_id=name, at=MONDAY))

    def take(self, entry: Entry) -> None:
        self.number += 1
        with self.store.write() as connection:
            inbox.receive(connection, [ReceivedEntry(entry=entry, server_seq=self.number)])

    def crew(self, name: str, order_id: str, payload: Any, at: datetime) -> None:
        self.take(self.crews[name].write(payload, order_id=order_id, order_version=1, at=at))

    def by_office(self, payload: Any, order_id: str | None, at: datetime) -> None:
        self.take(self.office.write(payload, order_id=order_id, at=at))

    def board(self, now: datetime) -> Any:
        with self.store.write() as connection:
            refresh_clocks(connection, rules(), "p1", now)
        plan = Plan(daily=2, total=4, start="2026-11-02")
        with self.store.read() as connection:
            return board(connection, project="p1", rules=rules(), plan=plan, now=now)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with new_store(tmp_path, "gateway") as store:
        yield Project(store)


def done(crew: str) -> kinds.OrderCompleted:
    return kinds.OrderCompleted(record_hash="r", blobs=[], crew=crew)


def test_the_board_counts_a_day(project: Project) -> None:
    project.crew("c1", "o1", done("c1"), lima(3, 10))
    project.crew("c2", "o3", done("c2"), lima(2, 23))  # still Monday in Lima, Tuesday in UTC
    project.crew("c2", "o4", kinds.OrderNotDone(reason="no_access", crew="c2"), lima(3, 11))
    found = project.board(lima(3, 16))
    assert (found.done_today, found.planned_today, found.not_done_today) == (1, 2, 1)
    assert (found.late, found.warning) == (0, 2)
    assert found.waiting_approval == 2
    assert [(point.day, point.planned, point.done) for point in found.curve] == [
        ("2026-11-02", 2, 1),
        ("2026-11-03", 4, 2),
    ]
    assert [(row.crew, row.day, row.done, row.not_done) for row in found.crews] == [
        ("c1", "2026-11-03", 1, 0),
        ("c2", "2026-11-02", 1, 0),
        ("c2", "2026-11-03", 0, 1),
    ]


def test_late_orders_become_met_when_the_tablet_comes_back(project: Project) -> None:
    found = project.board(lima(9, 9))
    assert found.late == 4
    project.crew("c1", "o1", done("c1"), lima(3, 10))
    found = project.board(lima(9, 9))
    assert found.late == 3
    states = {figure.rule: figure.states for figure in found.rules}
    assert states["execute"] == {"met": 1, "late": 3}
    with project.store.read() as connection:
        assert [order_id for order_id, _ in late_orders(connection, "p1", utc_text(lima(9, 9)))] == [
            "o2",
            "o3",
            "o4",
        ]
        execute, due = order_clocks(connection, rules(), "o1", lima(9, 9))
    assert execute.stopped_at == due.stopped_at == lima(3, 10)


def test_the_clocks_of_another_version_of_the_rules_are_computed_anew(project: Project) -> None:
    with project.store.write() as connection:
        assert refresh_clocks(connection, rules(), "p1", MONDAY, version="1") == 4
        assert refresh_clocks(connection, rules(), "p1", MONDAY, version="1") == 0
        assert refresh_clocks(connection, rules(), "p1", MONDAY, version="2") == 4


def test_join_rework_and_orphans(project: Project) -> None:
    for number, order_id in enumerate(("o1", "o2")):
        placed = kinds.DevicePlaced(serial=f"m{number}", model="m", usage_point=f"up-{order_id}")
        project.crew("c1", order_id, placed, lima(2, 10))
        project.crew("c1", order_id, done("c1"), lima(2, 11))
    heard = kinds.JoinReported(serial="m0", state=JoinState.JOINED, heard_at=utc_text(lima(2, 20)))
    project.by_office(heard, None, lima(2, 21))
    project.by_office(kinds.OrderReturned(version=2, reason="photo"), "o2", lima(3, 9))
    found = project.board(lima(12, 9))
    (join,) = found.join
    assert (join.placed, join.joined, join.percent, join.met) == (2, 1, "50.0", False)
    assert found.orphans["site_never_heard"] == 1
    assert (found.rework.number, found.rework.base, found.rework.met) == (1, 1, False)
    assert found.statuses[str(OrderStatus.DISPATCHED)] == 3


def test_each_figure_of_the_board_opens_its_orders(project: Project) -> None:
    """A figure that opens another number of orders than it shows would send a supervisor astray."""
    for number, order_id in enumerate(("o1", "o2")):
        placed = kinds.DevicePlaced(serial=f"m{number}", model="m", usage_point=f"up-{order_id}")
        project.crew("c1", order_id, placed, lima(2, 10))
        project.crew("c1", order_id, done("c1"), lima(2, 11))
    project.by_office(kinds.OrderReturned(version=2, reason="photo"), "o2", lima(3, 9))
    now = lima(12, 9)
    found = project.board(now)

    def behind(which: Listing) -> list[str]:
        with project.store.read() as connection:
            total, page = listed(connection, which, project="p1", rules=rules(), now=now, limit=50)
        assert total == len(page)
        return [row.order_id for row in page]

    assert behind(Listing.REWORK) == ["o2"]
    assert behind(Listing.WAITING_APPROVAL) == ["o1"]
    assert len(behind(Listing.LATE)) == found.late
    assert behind(Listing.UNJOINED) == behind(Listing.ORPHANS) == ["o1", "o2"]
    assert behind(Listing.DONE_TODAY) == []


def test_late_orders_come_page_by_page_the_longest_late_first_and_each_once(project: Project) -> None:
    now = lima(12, 9)
    project.board(now)
    with project.store.read() as connection:
        breaches = dict(late_orders(connection, "p1", utc_text(now)))
        pages = [
            listed(connection, Listing.LATE, project="p1", rules=rules(), now=now, limit=1, offset=number)
            for number in range(len(breaches) + 1)
        ]
    assert {total for total, _ in pages} == {len(breaches)}
    ids = [row.order_id for _, page in pages for row in page]
    assert sorted(ids) == sorted(breaches)
    assert [breaches[order_id] for order_id in ids] == sorted(breaches.values())


def test_a_join_after_the_target_does_not_count(project: Project) -> None:
    project.crew("c1", "o1", kinds.DevicePlaced(serial="m0", model="m", usage_point="u"), lima(2, 10))
    heard = kinds.JoinReported(serial="m0", state=JoinState.JOINED, heard_at=utc_text(lima(4, 10)))
    project.by_office(heard, None, lima(4, 11))
    (join,) = project.board(lima(12, 9)).join
    assert (join.placed, join.joined) == (1, 0)


def test_an_empty_project_has_a_board(tmp_path: Path) -> None:
    with new_store(tmp_path, "gateway") as store, store.read() as connection:
        found = board(connection, project="p1", rules=rules(), plan=Plan(), now=MONDAY)
    assert (found.done_today, found.late, found.join[0].percent) == (0, 0, None)
