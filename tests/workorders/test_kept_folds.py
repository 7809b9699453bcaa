"""An append goes on from where the order's fold stands, and comes out as a fold from nothing would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from tests.workorders.record_support import KEY, Author, an_order, issued, new_journal, new_store
from workorders.journal import kinds
from workorders.journal.entry import Entry
from workorders.journal.kinds import Payload
from workorders.journal.words import OrderStatus
from workorders.journal.writer import Draft, Journal
from workorders.store import inbox, projection, queries
from workorders.store.engine import Store, open_store
from workorders.store.entries import FoldEntry
from workorders.store.fold import kept
from workorders.store.fold.order import OrderFold
from workorders.store.inbox import EntryVerdict, ReceivedEntry, outbox, record_verdicts, take_place_away


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = new_store(Path(tmp_path_factory.mktemp("kept")))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def journal(store: Store) -> Journal:
    return new_journal(store)


def is_as_from_nothing(store: Store) -> bool:
    before = projection.digest(store)
    projection.rebuild(store)
    return before == projection.digest(store)


class PowerCutError(Exception):
    """The transaction does not reach its end."""


def cut(_: Connection) -> None:
    raise PowerCutError


WAYS = ("write", "write", "twice", "cut", "elsewhere", "answer", "unanswer")
SETTLED = st.sampled_from(["verified", "failed"])
payloads: st.SearchStrategy[Payload] = st.one_of(
    st.builds(kinds.StepDone, step=st.sampled_from("abc"), answers=st.just({"a": "1"})),
    st.builds(
        kinds.SealRecorded, action=st.just("applied"), number=st.sampled_from("pq"), position=st.just("c")
    ),
    st.builds(kinds.OrderProgressed, status=st.sampled_from([OrderStatus.ENROUTE, OrderStatus.ON_SITE])),
    st.builds(kinds.MeterIntent, intent_id=st.sampled_from("xy"), serial=st.just("m1"), item=st.just("i")),
    st.builds(kinds.MeterChanged, intent_id=st.sampled_from("xy"), state=SETTLED),
    st.builds(kinds.OrderNotDone, reason=st.just("locked_gate")),
    st.builds(kinds.OrderCancelled, version=st.integers(2, 5), reason=st.just("r")),
    st.builds(kinds.OrderCompleted, record_hash=st.just("0" * 64), flags=st.sampled_from([[], ["f"]])),
)
acts = st.lists(st.tuples(st.sampled_from(WAYS), payloads), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts, number=st.integers(1, 10**9))
def test_whatever_happens_in_between(
    store: Store, journal: Journal, acts: list[tuple[str, Payload]], number: int
) -> None:
    """Cut transactions, answers, answers taken back, another program at the same file."""
    order_id = f"o{number}"
    journal.append(issued(an_order(order_id)), order_id=order_id)
    for act, payload in acts:
        draft = Draft(payload=payload, order_id=order_id)
        match act:
            case "twice":
                journal.append_all([draft, draft])
            case "cut":
                with pytest.raises(PowerCutError):
                    journal.append_all([draft], also=cut)
            case "elsewhere":
                with open_store(store.path, KEY, role="tablet") as other:
                    again = Journal(
                        other, journal._signer, journal._certificate, journal.realm, "p1", journal.clock
                    )
                    again.append_all([draft])
            case "answer" | "unanswer":
                _answer(store, backwards=act == "unanswer")
            case _:
                journal.append_all([draft])
    assert is_as_from_nothing(store)


def _answer(store: Store, *, backwards: bool) -> None:
    with store.write() as connection:
        waiting = outbox(connection, limit=3)
        record_verdicts(connection, [_applied(entry) for entry in waiting])
        if backwards:
            take_place_away(connection, [e.envelope.id for e in waiting])


def _applied(entry: Entry) -> EntryVerdict:
    envelope = entry.envelope
    return EntryVerdict(entry_id=envelope.id, hash=entry.hash, verdict="applied", server_seq=envelope.seq + 1)


def test_an_append_folds_only_its_own_entry(
    store: Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It folded the whole order again, and a step took the longer the more steps an order had."""
    journal.append(issued(an_order("long")), order_id="long")
    for step in range(30):
        journal.append(kinds.StepDone(step=f"s{step}", answers={}), order_id="long")
    folded: list[str] = []
    take = OrderFold.take

    def noted(self: OrderFold, entry: FoldEntry) -> None:
        folded.append(entry.id)
        take(self, entry)

    monkeypatch.setattr(OrderFold, "take", noted)
    entry = journal.append(kinds.StepDone(step="last", answers={}), order_id="long")
    assert folded == [entry.envelope.id]


def test_only_orders_at_hand_are_kept(store: Store, journal: Journal) -> None:
    for number in range(kept.MOST + 3):
        journal.append(kinds.StepDone(step="s", answers={}), order_id=f"many{number}")
    with store.write() as connection:
        folds = kept.kept_folds(connection)
    assert folds is not None
    assert len(folds) == kept.MOST


def test_a_rebuild_makes_an_index_that_finds_and_forgets(store: Store, journal: Journal) -> None:
    """The index is made anew then: it must find as before, and still overwrite what is taken out of it."""
    journal.append(issued(an_order("found", number="OT-REBUILT")), order_id="found")
    projection.rebuild(store)
    with store.read() as connection:
        assert [row.order_id for row in queries.orders(connection, search="rebuilt")] == ["found"]
        config = connection.exec_driver_sql("SELECT k, v FROM order_search_config").all()
    assert ("secure-delete", 1) in [tuple(row) for row in config]


def test_what_a_page_brings_is_not_read_out_of_the_table_again(tmp_path: Path) -> None:
    """Only what was there before is read, of the orders that the page says something about."""
    office = Author()
    read: list[list[str]] = []
    orders = [f"o{number}" for number in range(3)]
    first = [office.write(issued(an_order(each)), order_id=each) for each in orders]
    then = [office.write(kinds.OrderReassigned(crew="B", version=2), order_id=each) for each in orders[:2]]
    with new_store(tmp_path) as store:

        def note(*arguments: Any) -> None:
            if "entry.body" in arguments[2] and arguments[2].startswith("SELECT"):
                answered = arguments[0].connection.driver_connection.execute(arguments[2], arguments[3])
                place = [column[0] for column in answered.description].index("body")
                bodies = sorted(row[0] for row in answered if row[place] is not None)
                read.extend([bodies] if bodies else [])

        event.listen(store.engine, "before_cursor_execute", note)
        for number, page in enumerate((first, then)):
            received = [
                ReceivedEntry(entry=entry, server_seq=10 * number + place) for place, entry in enumerate(page)
            ]
            with store.write() as connection:
                inbox.receive(connection, received)
        event.remove(store.engine, "before_cursor_execute", note)
        assert read == [[entry.envelope.id for entry in first[:2]]]
        assert projection.digest(store) == rebuilt(store)


def rebuilt(store: Store) -> str:
    projection.rebuild(store)
    return projection.digest(store)
