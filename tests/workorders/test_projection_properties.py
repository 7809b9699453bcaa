"""Whatever arrives in whatever order: folding as it comes equals folding from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.workorders.record_support import Author, an_order, issued, new_store
from workorders.journal import kinds
from workorders.journal.entry import Entry
from workorders.journal.kinds import Payload
from workorders.journal.words import DeviceRole, JoinState, OrderStatus
from workorders.network import StandingMeter, load_meters
from workorders.store import inbox, projection, schema
from workorders.store.engine import Store
from workorders.store.inbox import EntryVerdict, ReceivedEntry

ORDERS = ("o1", "o2")
SERIALS = ("m1", "m2")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples; each example empties it, which is much faster than making it."""
    opened = new_store(Path(tmp_path_factory.mktemp("projection")))
    yield opened
    opened.close()


def empty(store: Store) -> None:
    with store.write() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            if table.name != "setting":
                connection.execute(delete(table))
        connection.exec_driver_sql("DELETE FROM order_search")


def rebuilt_digest(store: Store) -> str:
    projection.rebuild(store)
    return projection.digest(store)


def placed(serial: str, order: str, slot: int) -> kinds.DevicePlaced:
    return kinds.DevicePlaced(
        serial=serial, model="m", usage_point=f"up-{order}", concentrator="dcu-1", panel="p", slot=slot
    )


office_acts = st.sampled_from(
    [
        kinds.OrderIssued(order=issued(an_order("o1")).order),
        kinds.OrderIssued(order=issued(an_order("o2", crew=None)).order),
        kinds.OrderChanged(version=2, changes={"due": "2026-12-01T00:00:00.000Z"}),
        kinds.OrderChanged(version=3, changes={"crew": 7}),  # cannot be understood
        kinds.OrderReassigned(version=4, crew="c2"),
        kinds.OrderCancelled(version=5, reason="duplicate"),
        kinds.OrderApproved(),
        kinds.OrderReturned(version=6, reason="photo"),
        kinds.JoinReported(
            serial="m1", state=JoinState.JOINED, heard_at="2026-11-02T20:00:00.000Z", concentrator="dcu-2"
        ),
    ]
)
crew_acts = st.sampled_from(
    [
        kinds.OrderStarted(procedure="exchange", procedure_version=1, crew="c1"),
        kinds.OrderProgressed(status=OrderStatus.SUSPENDED, reason="weather"),
        kinds.StepDone(step="photo", answers={"a": "1"}),
        kinds.StepDone(step="photo", answers={"a": "2"}),
        kinds.MeterRead(role=DeviceRole.OLD, how="dial", readings=[]),
        kinds.MeterIntent(
            intent_id="i1", serial="m1", item="3:1", name="n", was=None, will_be="1", program="p"
        ),
        kinds.MeterChanged(intent_id="i1", serial="m1", item="3:1", state="verified"),
        kinds.MatchChecked(role=DeviceRole.NEW, sources=[], verdict="mismatch", cause="swapped_order"),
        kinds.MatchChecked(role=DeviceRole.NEW, sources=[], verdict="equal"),
        placed("m1", "o1", 1),
        placed("m1", "o2", 2),
        placed("m2", "o2", 1),
        kinds.DeviceRemoved(serial="m1", usage_point="up-o1"),
        kinds.JoinChecked(serial="m2", state=JoinState.PENDING, how="optical"),
        kinds.SafetyFailed(step="voltage", check="dead"),
        kinds.OrderCompleted(record_hash="r", blobs=[], flags=["implausible_reading"]),
        kinds.OrderNotDone(reason="no_access"),
    ]
)
acts = st.lists(
    st.tuples(st.sampled_from(["office", "own", "other"]), st.sampled_from(ORDERS), office_acts, crew_acts),
    min_size=1,
    max_size=14,
)


class World:
    """Entries of an office, of this tablet and of another one, with the gateway's sequence of all."""

    def __init__(self, script: list[tuple[str, str, Payload, Payload]]) -> None:
        self.authors = {"office": Author(chain=1), "own": Author(chain=2), "other": Author(chain=3)}
        self.entries: list[tuple[str, Entry]] = []
        for who, order_id, by_office, by_crew in script:
            payload = by_office if who == "office" else by_crew
            entry = self.authors[who].write(payload, order_id=order_id, order_version=1)
            self.entries.append((who, entry))


def verdict(entry: Entry, server_seq: int) -> EntryVerdict:
    return EntryVerdict(entry_id=entry.envelope.id, hash=entry.hash, verdict="applied", server_seq=server_seq)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=acts, data=st.data())
def test_any_interleaving_of_pulls_verdicts_and_own_work_equals_a_rebuild(
    store: Store, script: list[tuple[str, str, Payload, Payload]], data: st.DataObject
) -> None:
    empty(store)
    with store.write() as connection:
        load_meters(connection, "p1", [StandingMeter(serial="m2", usage_point="up-x")])
    world = World(script)
    own = [entry for who, entry in world.entries if who == "own"]
    others = [entry for who, entry in world.entries if who != "own"]
    order_at_gateway = data.draw(st.permutations([entry for _, entry in world.entries]))
    server = {entry.envelope.id: number for number, entry in enumerate(order_at_gateway, 1)}
    # Own work goes in by number; everything else late, twice and in any order, between any two of them.
    pulls = (
        data.draw(st.permutations(others + data.draw(st.lists(st.sampled_from(others), max_size=3))))
        if others
        else []
    )
    answers = data.draw(st.lists(st.sampled_from(own), max_size=len(own), unique_by=id)) if own else []
    moves = data.draw(st.permutations(["pull"] * len(pulls) + ["own"] * len(own) + ["answer"] * len(answers)))
    pulling, working, answering = iter(pulls), iter(own), iter(answers)
    late_answers: list[Entry] = []
    written: set[str] = set()
    for move in moves:
        with store.write() as connection:
            if move == "pull":
                entry = next(pulling)
                inbox.receive(connection, [ReceivedEntry(entry=entry, server_seq=server[entry.envelope.id])])
            elif move == "own":
                entry = next(working)
                written.add(entry.envelope.id)
                inbox.receive(connection, [ReceivedEntry(entry=entry)], own=True)
            else:
                entry = next(answering)
                if entry.envelope.id not in written:
                    late_answers.append(entry)
                    continue
                inbox.record_verdicts(connection, [verdict(entry, server[entry.envelope.id])])
    with store.write() as connection:
        inbox.record_verdicts(
            connection, [verdict(entry, server[entry.envelope.id]) for entry in late_answers]
        )
    as_it_came = projection.digest(store)
    assert as_it_came == rebuilt_digest(store)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=acts, data=st.data())
def test_two_stores_that_know_the_same_show_the_same(
    store: Store, script: list[tuple[str, str, Payload, Payload]], data: st.DataObject
) -> None:
    world = World(script)
    sequence = data.draw(st.permutations([entry for _, entry in world.entries]))
    received = [ReceivedEntry(entry=entry, server_seq=number) for number, entry in enumerate(sequence, 1)]
    digests = []
    for batch in (received, data.draw(st.permutations(received))):
        empty(store)
        with store.write() as connection:
            for item in batch:
                inbox.receive(connection, [item])
        digests.append(projection.digest(store))
    assert digests[0] == digests[1]


def test_what_cannot_be_understood_passes_by_and_is_folded_after_an_update(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty(store)
    author = Author()
    author.write(issued(an_order("o1")), order_id="o1")
    # An older program: it does not know the kind yet.
    monkeypatch.delitem(kinds.PAYLOADS, "order.cancelled")
    author.write(kinds.OrderCancelled(version=2, reason="twice"), order_id="o1")
    with store.write() as connection:
        received = [
            ReceivedEntry(entry=entry, server_seq=number) for number, entry in enumerate(author.entries)
        ]
        inbox.receive(connection, received)
    projection.rebuild(store)
    assert status(store, "o1") == "dispatched"
    monkeypatch.undo()
    # What opening the store does: the program that folded last knew fewer kinds.
    assert projection.ensure(store)
    assert not projection.ensure(store)
    assert status(store, "o1") == "cancelled"


def status(store: Store, order_id: str) -> str:
    with store.read() as connection:
        table = schema.work_order
        row = connection.execute(table.select().where(table.c.order_id == order_id)).one()
    return str(row.status)
