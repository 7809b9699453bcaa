"""What people say of an order, and who depends on its supply, stands sealed; an erasure leaves nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from fieldtool.office import StoreMemory
from tests.workorders.offices import Bureau, Tablet
from tests.workorders.record_support import Author, an_order, issued, new_store
from workorders.gateway import acts, erasing
from workorders.gateway.errors import InvalidInput
from workorders.journal import kinds
from workorders.journal.said import seal_said
from workorders.journal.words import DeviceRole, PlaceOverride, Sealed
from workorders.orders import Customer, TaskKind, WorkOrder
from workorders.store import inbox, keys, queries
from workorders.store.engine import FileStore, Store
from workorders.store.inbox import ReceivedEntry
from workorders.store.opened import ERASED, LOCKED
from workorders.store.queries import OrderDetail
from workorders.store.verify import export_lines, verify_store

pytestmark = pytest.mark.usefixtures("each_database")

MARK = "Zenobia"
"""Stands in everything that is said below, and nowhere else."""


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path / "office")


def ordered(bureau: Bureau, number: str = "900", **more: Any) -> str:
    order = WorkOrder(
        mrid="", number=number, project="demo", kind=TaskKind.EXCHANGE, crew="A",
        flags=["dog", "medical_dependency"], **more,
    )  # fmt: skip
    customer = Customer(name=f"{MARK} Huanca", address="Jr. Lima 5", notes=f"{MARK} is deaf")
    return acts.issue_order(bureau.office, order, customer, actor="sofia").order_id or ""


def execute(tablet: Tablet, order_id: str) -> None:
    """A visit that passed a mismatch and a full concentrator, each with a reason."""
    with tablet.store.read() as connection:
        key = keys.order_key(connection, order_id)

    def said(what: str) -> Sealed:
        return seal_said(key, f"{what}: {MARK} asked for it", order_id)

    checked = tablet.journal.append(
        kinds.MatchChecked(role=DeviceRole.NEW, sources=[], verdict="mismatch"), order_id=order_id
    )
    by = {"role": "lead", "person": "luz", "public_key": "", "grant": "", "signature": ""}
    for payload in (
        kinds.MatchOverridden(match_entry=checked.envelope.id, reason=said("match"), **by),
        kinds.DevicePlaced(serial="ZIV9", model="m", override=PlaceOverride(reason=said("place"), **by)),
        kinds.OrderCompleted(record_hash="ab" * 32, blobs=[], flags=["match_overridden"], crew="A"),
    ):
        tablet.journal.append(payload, order_id=order_id, order_version=1, actor="ana")


def detail_of(store: Store, order_id: str) -> OrderDetail:
    with store.read() as connection:
        found = queries.order(connection, order_id)
    assert found is not None
    return found


def server_bytes(store: Store) -> bytes:
    """All that whoever looks into the server finds in its tables."""
    with store.read() as connection:
        found = [b"\n".join(export_lines(connection))]
        for name in inspect(connection).get_table_names():
            rows = connection.execute(text(f'SELECT t::text FROM "{name}" AS t')).scalars()
            found += [row.encode() for row in rows]
    return b"\n".join(found)


def plain_bytes(store: Store, folder: Path) -> bytes:
    """The whole database, decrypted, and its export."""
    if not isinstance(store, FileStore):
        return server_bytes(store)
    name = hashlib.sha256(str(store.path).encode()).hexdigest()[:8]
    plain = folder / f"{name}.plain"
    plain.unlink(missing_ok=True)
    with store.read() as connection:
        exported = b"\n".join(export_lines(connection))
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA query_only = 0")
        driver.execute("COMMIT")
        driver.execute("ATTACH DATABASE ? AS plain KEY ''", (str(plain),))
        driver.execute("SELECT sqlcipher_export('plain')")
        driver.execute("DETACH DATABASE plain")
        driver.execute("BEGIN")
    return plain.read_bytes() + exported


def test_nothing_that_was_said_about_an_order_is_found_after_an_erasure(
    bureau: Bureau, tmp_path: Path
) -> None:
    order_id = ordered(bureau)
    tablet, laptop = bureau.tablet("A"), bureau.tablet(None, "laptop")  # type: ignore[arg-type]  # no crew
    tablet.sync()
    laptop.sync()
    StoreMemory(laptop.store).keep("/v1/orders/x?", "2026-03-01T00:00:00.000Z", f"{MARK} Huanca")
    execute(tablet, order_id)
    tablet.sync()
    with bureau.office.store.read() as connection:
        for row in queries.exceptions(connection, order_id=order_id):
            assert MARK in str(row.detail.get("reason", MARK))
            acts.decide_exception(
                bureau.office, row.exception_id, "accepted", f"called {MARK}", actor="sofia"
            )
    acts.return_order(bureau.office, order_id, f"{MARK} wants another photo", actor="sofia")
    tablet.sync()
    for store in (bureau.office.store, tablet.store):
        seen = detail_of(store, order_id)
        assert seen.return_reason == f"{MARK} wants another photo"
        assert seen.order.flags == seen.row.flags == ["dog", "medical_dependency"]
        assert {one.decision_reason for one in seen.exceptions} - {None} == {f"called {MARK}"}
        with store.read() as connection:
            exported = b"\n".join(export_lines(connection))
        assert MARK.encode() not in exported, "it is never in clear in an entry"
        assert b"medical_dependency" not in exported
    erasing.erase_order(bureau.office, order_id, "retention")
    tablet.sync()
    laptop.sync()
    for store in (bureau.office.store, tablet.store, laptop.store):
        found = plain_bytes(store, tmp_path).lower()
        assert MARK.lower().encode() not in found
        assert verify_store(store).ok
    for store in (bureau.office.store, tablet.store):
        seen = detail_of(store, order_id)
        assert (seen.return_reason, seen.customer_state) == (ERASED, "erased")
        assert {one.decision_reason for one in seen.exceptions} - {None} == {ERASED}
        assert seen.row.flags == ["dog"]


def test_what_is_said_after_an_erasure_is_sealed_again_and_lifts_no_guard(bureau: Bureau) -> None:
    order_id = ordered(bureau)
    erasing.erase_order(bureau.office, order_id, "retention")
    acts.cancel_order(bureau.office, order_id, f"{MARK} moved away")
    store = bureau.office.store
    with store.read() as connection:
        assert MARK.encode() not in b"\n".join(export_lines(connection))
    seen = detail_of(store, order_id)
    assert [row.reason for row in seen.history if row.status == "cancelled"] == [f"{MARK} moved away"]
    assert "medical_dependency" in seen.order.flags, "who depended on the supply cannot be read any more"


def test_the_reason_of_an_erasure_may_not_name_the_customer(bureau: Bureau) -> None:
    order_id = ordered(bureau)
    with pytest.raises(InvalidInput) as caught:
        erasing.erase_order(bureau.office, order_id, f"request of mrs {MARK.lower()}")
    assert caught.value.code == "names_customer"


def test_a_personal_flag_is_changed_and_lifted_by_the_office(bureau: Bureau) -> None:
    order_id = ordered(bureau)
    tablet = bureau.tablet("A")
    for flags in (["locked_gate"], ["medical_dependency"], []):
        acts.change_order(bureau.office, order_id, {"flags": flags})
        tablet.sync()
        assert detail_of(tablet.store, order_id).order.flags == flags
    acts.change_order(bureau.office, order_id, {"priority": 3}, Customer(phone="9"))
    assert detail_of(bureau.office.store, order_id).order.flags == []


def test_all_orders_seal_flags_of_one_length(bureau: Bureau) -> None:
    """Else the ciphertext alone would tell who depends on the supply."""
    ordered(bureau)
    lengths = set()
    with bureau.office.store.read() as connection:
        for row in queries.orders(connection, limit=100):
            for entry in queries.entries_of(connection, row.order_id):
                if entry.envelope.kind == "order.issued":
                    lengths.add(len(entry.envelope.payload["customer"]["flags"]["ciphertext"]))
    assert len(lengths) == 1


def test_without_the_key_a_reason_says_that_it_is_sealed(bureau: Bureau) -> None:
    order_id = ordered(bureau)
    tablet = bureau.tablet("A")
    tablet.sync()
    acts.cancel_order(bureau.office, order_id, f"{MARK} moved away")
    tablet.sync()
    seen = detail_of(tablet.store, order_id)
    assert [row.reason for row in seen.history if row.status == "cancelled"] == [LOCKED]


def test_an_exception_that_belongs_to_no_order_is_decided_under_a_key_of_its_own(bureau: Bureau) -> None:
    with bureau.office.store.write() as connection:
        key = keys.sealing_key(connection, "an-exception")
        assert keys.sealing_key(connection, "an-exception") == key


PLAIN: tuple[tuple[kinds.Payload, str], ...] = (
    (kinds.OrderCancelled(version=2, reason="duplicate"), "order.cancelled"),
    (kinds.OrderReturned(version=2, reason="photo is blurred"), "order.returned"),
    (kinds.OrderApproved(remark="fine"), "order.approved"),
    (kinds.DevicePlaced(serial="m1", model="m", capacity_override="emergency"), "device.placed"),
    (
        kinds.MatchOverridden(
            match_entry="x", reason="label torn", role="lead", person="u1",
            public_key="", grant="", signature="",
        ),
        "match.overridden",
    ),
)  # fmt: skip


def test_entries_of_the_first_schema_are_read_as_they_stand(tmp_path: Path) -> None:
    author = Author()
    with new_store(tmp_path) as store:
        entries = [
            author.write(
                issued(an_order("o1", flags=["medical_dependency"])),
                order_id="o1",
                kind="order.issued",
                schema=1,
            ),
            author.write(kinds.OrderCompleted(record_hash=None, blobs=[]), order_id="o1"),
            *(author.write(payload, order_id="o1", kind=kind, schema=1) for payload, kind in PLAIN),
        ]
        with store.write() as connection:
            received = [ReceivedEntry(entry=one, server_seq=at) for at, one in enumerate(entries, 1)]
            inbox.receive(connection, received)
        seen = detail_of(store, "o1")
    assert seen.order.flags == ["medical_dependency"]
    assert seen.return_reason == "photo is blurred"
    assert sorted(str(row.detail.get("reason")) for row in seen.exceptions) == [
        "duplicate", "emergency", "label torn",
    ]  # fmt: skip
