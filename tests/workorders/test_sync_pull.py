"""What a tablet receives: its crew's orders, whole; what leaves; keys, reference sets and files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from tests.workorders.offices import Bureau, Tablet, copy_of
from tests.workorders.test_sync_push import execute
from workorders.gateway import acts, erasing, heard, load, persons
from workorders.gateway.office import Office
from workorders.journal import kinds
from workorders.journal.sealing import KeyMissing, seal_blob
from workorders.journal.words import OrderStatus
from workorders.orders import Customer
from workorders.people import LockedKey, Role
from workorders.store import inbox, keys, projection, schema
from workorders.store.engine import FileStore
from workorders.store.queries import order as order_detail
from workorders.sync import keyring, wire
from workorders.sync.blobs import note_local
from workorders.sync.checks import Checker
from workorders.sync.errors import Unreachable

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


@pytest.fixture
def tablet(bureau: Bureau) -> Tablet:
    tablet = bureau.tablet("A")
    assert tablet.sync().equal is True
    return tablet


def count(tablet: Tablet, table: str) -> int:
    with tablet.store.read() as connection:
        query = select(func.count()).select_from(schema.metadata.tables[table])
        return int(connection.execute(query).scalar_one())


def test_a_crew_gets_its_own_orders_with_readable_customers(tablet: Tablet) -> None:
    with tablet.store.read() as connection:
        detail = order_detail(connection, tablet.order_ids()[0])
        everything = connection.execute(select(schema.work_order.c.crew).distinct()).scalars().all()
    assert detail is not None
    assert everything == ["A"]
    assert detail.customer.name == "Rosa Quispe"
    assert detail.customer.notes == "Perro bravo"
    assert detail.order.old_asset is not None
    assert detail.order.old_asset.usual_daily_use == "5.5"
    assert detail.order.place.concentrator == "C1"


def test_a_reassigned_order_leaves_one_crew_and_reaches_the_other_with_its_history(
    bureau: Bureau, tablet: Tablet
) -> None:
    order_id = tablet.order_ids()[0]
    other = bureau.tablet("B", "t2")
    other.sync()
    tablet.journal.append(kinds.OrderStarted(procedure="exchange", procedure_version=1), order_id=order_id)
    tablet.sync()
    acts.reassign_order(bureau.office, order_id, "B", actor="sofia")
    left = tablet.sync()
    assert [(item.order_id, item.reason) for item in left.left] == [(order_id, "reassigned")]
    assert order_id not in tablet.order_ids()
    got = other.sync()
    assert (left.equal, got.equal) == (True, True)
    assert order_id in other.order_ids()
    with other.store.read() as connection:
        detail = order_detail(connection, order_id)
    assert detail is not None
    assert detail.customer.name == "Rosa Quispe"
    assert detail.row.started_at is not None, "what the first crew did came along"


def test_the_key_of_an_order_that_went_away_is_forgotten_unless_it_is_being_executed(
    bureau: Bureau, tablet: Tablet
) -> None:
    begun, untouched = tablet.order_ids()[:2]
    tablet.journal.append(kinds.OrderStarted(procedure="exchange", procedure_version=1), order_id=begun)
    for order_id in (begun, untouched):
        acts.reassign_order(bureau.office, order_id, "B")
    tablet.sync()
    with tablet.store.read() as connection:
        assert keys.order_key(connection, begun)
        with pytest.raises(KeyMissing):
            keys.order_key(connection, untouched)


def test_both_crews_executed_one_order(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    other = bureau.tablet("B", "t2")
    acts.reassign_order(bureau.office, order_id, "B")
    other.sync()
    execute(tablet, order_id)
    execute(other, order_id, serial="ZIV0000000002")
    assert other.sync().state == "done"
    report = tablet.sync()
    assert report.verdicts.get("conflict", 0) >= 1
    assert (report.equal, other.sync().equal) == (True, True)


def test_a_cancelled_order_comes_with_a_notice(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    acts.cancel_order(bureau.office, order_id, "the customer moved")
    report = tablet.sync()
    assert [(item.order_id, item.reason) for item in report.left] == [(order_id, "cancelled")]
    with tablet.store.read() as connection:
        table = schema.work_order
        status = connection.execute(select(table.c.status).where(table.c.order_id == order_id)).scalar()
    assert status == OrderStatus.CANCELLED


def test_an_edit_of_the_office_merges_with_what_the_crew_did(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    acts.change_order(bureau.office, order_id, {"priority": 2}, Customer(address="Calle Nueva 9"))
    execute(tablet, order_id)
    assert tablet.sync().equal is True
    with tablet.store.read() as connection:
        detail = order_detail(connection, order_id)
    assert detail is not None
    assert (detail.customer.address, detail.customer.name) == ("Calle Nueva 9", "Rosa Quispe")
    assert (detail.row.priority, detail.row.status) == (2, OrderStatus.COMPLETED)


def test_a_cursor_that_is_too_old_starts_afresh_and_keeps_what_is_unsent(
    bureau: Bureau, tablet: Tablet
) -> None:
    bureau.now.forward(days=wire.TOMBSTONE_DAYS + 1)
    execute(tablet, tablet.order_ids()[0])
    report = tablet.sync()
    assert (report.state, report.repulled, report.equal, report.pending) == ("done", True, True, 0)


def test_a_difference_pulls_again_and_mends(tablet: Tablet) -> None:
    """Rows that a damaged disk took away come back."""
    with tablet.store.write() as connection:
        foreign = select(schema.entry.c.id).where(schema.entry.c.own.is_(False)).limit(2)
        connection.execute(delete(schema.entry).where(schema.entry.c.id.in_(foreign)))
    report = tablet.sync()
    assert (report.repulled, report.equal) == (True, True)


def _no_signal(_: wire.PushRequest) -> wire.PushResponse:
    raise Unreachable("no signal")


def test_a_gateway_restored_from_a_backup_gets_again_what_it_lost(
    bureau: Bureau, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    reopen = copy_of(bureau.office.store)
    order_id = tablet.order_ids()[0]
    execute(tablet, order_id)
    tablet.sync()
    acts.change_order(bureau.office, tablet.order_ids()[1], {"priority": 1})
    tablet.sync()
    restored = Office.open(reopen(), bureau.office.realm, bureau.now)
    acts.change_order(restored, tablet.order_ids()[2], {"priority": 2})
    bureau.office = restored
    cut = tablet.transport()
    monkeypatch.setattr(cut, "push", _no_signal)
    report = tablet.sync(cut)
    assert (report.state, report.resent, report.pending) == ("offline", 4, 4)
    with tablet.store.scratch() as again:
        projection.rebuild(again)
        assert projection.digest(again) == projection.digest(tablet.store), "folded as unanswered again"
    report = tablet.sync()
    assert (report.state, report.pending, report.equal) == ("done", 0, True)
    with restored.store.read() as connection:
        table = schema.work_order
        status = connection.execute(select(table.c.status).where(table.c.order_id == order_id)).scalar()
    assert status == OrderStatus.COMPLETED


def test_erased_personal_data_is_gone_on_every_side(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    files = [store for store in (tablet.store, bureau.office.store) if isinstance(store, FileStore)]
    for store in files:
        store.backup(store.path.with_name(f"{store.path.name}.before-0002"))
    erasing.erase_order(bureau.office, order_id, "request of the customer", actor="root")
    assert tablet.sync().equal is True
    for store in files:
        assert list(store.path.parent.glob("*.before-*")) == [], "an older copy still has the key"
    for store in (tablet.store, bureau.office.store):
        with store.read() as connection:
            detail = order_detail(connection, order_id)
            left = connection.execute(
                select(schema.order_key.c.key).where(schema.order_key.c.order_id == order_id)
            ).scalars()
            assert set(left.all()) <= {None}
        assert detail is not None
        assert (detail.customer.name, detail.customer_state) == (None, "erased")


def test_customers_leave_a_tablet_that_has_no_contact_and_come_again(bureau: Bureau, tablet: Tablet) -> None:
    """A tablet that lies in a drawer must not know a hundred customers for ever."""
    begun, other = tablet.order_ids()[:2]
    tablet.journal.append(kinds.OrderStarted(procedure="exchange", procedure_version=1), order_id=begun)
    with tablet.store.write() as connection:
        assert keyring.forget_expired(connection, "2026-03-31T14:59:00.000Z") == 0
        assert keyring.forget_expired(connection, "2026-03-31T15:00:00.000Z") == 3
        assert keys.order_key(connection, begun), "what is under way goes on"
        with pytest.raises(KeyMissing):
            keys.order_key(connection, other)
    tablet.sync()
    with tablet.store.read() as connection:
        assert keys.order_key(connection, other)


def test_meter_secrets_come_only_for_meters_in_hand_and_expire(bureau: Bureau, tablet: Tablet) -> None:
    table = schema.meter_secret
    with tablet.store.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.name)).all()
    assert [(row.serial, row.name) for row in rows] == [
        ("ZIV0000000001", "auth_key"),
        ("ZIV0000000001", "block_key"),
        ("ZIV0000000001", "password"),
    ]
    assert {row.expires_at for row in rows} == {"2026-03-16T00:00:00.000Z"}
    for order_id in tablet.order_ids():
        acts.cancel_order(bureau.office, order_id, "stopped")
    tablet.sync()
    assert count(tablet, "meter_secret") == 0


def test_reference_sets_are_laid_out_once_and_noted_in_the_journal(bureau: Bureau, tablet: Tablet) -> None:
    assert count(tablet, "network_node") == 3
    assert count(tablet, "base_placement") == 4
    assert count(tablet, "stock_item") == 1
    received = schema.entry.c.kind == "reference.received"
    with tablet.store.read() as connection:
        query = select(func.count()).select_from(schema.entry).where(received)
        assert connection.execute(query).scalar() == 4
    assert tablet.sync().references == 0
    persons.add_user(
        bureau.office, name="Inés", role=Role.LEAD, person_id="ines", project="demo", pin="480615"
    )
    assert tablet.sync().references == 1
    with tablet.store.read() as connection:
        row = connection.execute(select(schema.person).where(schema.person.c.person_id == "ines")).one()
    import msgspec

    assert msgspec.json.decode(row.key, type=LockedKey).salt
    persons.revoke_user(bureau.office, "ines")
    tablet.sync()
    assert count(tablet, "person") == 0


def photograph(tablet: Tablet, order_id: str, data: bytes = b"picture", what: str = "before") -> str:
    with tablet.store.read() as connection:
        key = keys.order_key(connection, order_id)
    sealed = seal_blob(key, data)
    sha256 = tablet.blobs.put(sealed)
    payload = kinds.BlobTaken(
        sha256=sha256,
        plain_sha256=hashlib.sha256(data).hexdigest(),
        size=len(sealed),
        media_type="image/jpeg",
        what=what,
        key_id=key.key_id,
    )
    tablet.journal.append(
        payload,
        order_id=order_id,
        also=lambda connection: note_local(connection, sha256, len(sealed), "2026-03-01T15:00:00.000Z"),
    )
    return sha256


def test_photos_follow_their_record_and_go_after_the_grace_time(bureau: Bureau, tablet: Tablet) -> None:
    sha256 = photograph(tablet, tablet.order_ids()[0])
    report = tablet.sync()
    assert (report.blobs_sent, report.blobs_confirmed, report.pending_blobs) == (1, 1, 0)
    assert bureau.files.has(sha256)
    assert tablet.blobs.has(sha256), "kept for the grace time"
    bureau.now.forward(days=8)
    tablet.sync()
    assert not tablet.blobs.has(sha256)
    assert bureau.files.has(sha256)


@pytest.mark.parametrize("days", [0, 8])
def test_a_photo_that_the_office_lost_after_confirming_it_is_sent_again(
    bureau: Bureau, tablet: Tablet, days: int
) -> None:
    """The office is restored from a backup: within the grace time the tablet still has the file."""
    sha256 = photograph(tablet, tablet.order_ids()[0])
    tablet.sync()
    bureau.files.remove(sha256)
    with bureau.office.store.write() as connection:
        connection.execute(delete(schema.blob_store))
    bureau.now.forward(days=days)
    report = tablet.sync()
    assert (report.blobs_sent, report.missing_blobs, report.pending_blobs) == (1, 0, 0)
    assert bureau.files.has(sha256)
    assert tablet.blobs.has(sha256)


def test_a_photo_lost_on_the_tablet_is_told_and_stops_nothing(bureau: Bureau, tablet: Tablet) -> None:
    sha256 = photograph(tablet, tablet.order_ids()[0])
    tablet.blobs.remove(sha256)
    report = tablet.sync()
    assert (report.state, report.blobs_lost, report.missing_blobs) == ("done", [sha256], 1)


def test_the_head_ends_list_becomes_entries_for_mounted_devices(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    execute(tablet, order_id)
    tablet.sync()
    later = "2036-01-01T10:00:00Z"
    text = f"serial;heard_at;concentrator\nZIV0000000001;{later};C9\nNOBODY;{later};C9\nBAD;yesterday;C9\n"
    report = heard.take_heard(bureau.office, "demo", text.encode())
    assert (report.heard, report.refused, report.reported) == (2, 1, 1)
    assert heard.take_heard(bureau.office, "demo", text.encode()).reported == 0
    assert tablet.sync().equal is True
    with tablet.store.read() as connection:
        joined = connection.execute(select(schema.join_state.c.heard_at)).scalar()
    assert joined == "2036-01-01T10:00:00.000Z"


def test_a_pulled_entry_that_proves_nothing_is_kept_aside(bureau: Bureau, tablet: Tablet) -> None:
    acts.change_order(bureau.office, tablet.order_ids()[0], {"priority": 1})
    transport = tablet.transport()
    with tablet.store.read() as connection:
        cursor = inbox.cursor(connection, "pull")
    page = transport.pull(cursor)
    item = page.entries[0]
    import msgspec

    forged = msgspec.structs.replace(item.entry, signature=bytes(64))
    lying = msgspec.structs.replace(page, entries=[msgspec.structs.replace(item, entry=forged)])
    good, bad = Checker(tablet.identity).sort(lying)
    assert (good, [entry.code for entry in bad]) == ([], ["wrong_signature"])
    bare = msgspec.structs.replace(page, certificates={})
    assert [entry.code for entry in Checker(tablet.identity).sort(bare)[1]] == ["no_certificate"]


def test_approval_waits_for_files_and_decisions(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    photograph(tablet, order_id)
    acts.cancel_order(bureau.office, order_id, "double")
    execute(tablet, order_id)
    lost = tablet.blobs
    tablet.blobs = type(lost)(bureau.folder / "elsewhere")
    tablet.sync()
    with pytest.raises(acts.OutOfTurn) as refused:
        acts.approve_order(bureau.office, order_id, actor="sofia")
    assert refused.value.code == "record_incomplete"
    tablet.blobs = lost
    tablet.sync()
    with pytest.raises(acts.OutOfTurn) as refused:
        acts.approve_order(bureau.office, order_id, actor="sofia")
    assert refused.value.code == "exceptions_open"
    with bureau.office.store.read() as connection:
        raised = connection.execute(select(schema.exception.c.exception_id)).scalars().all()
    for exception_id in raised:
        acts.decide_exception(bureau.office, exception_id, "accepted", "was right", actor="sofia")
    assert acts.approve_order(bureau.office, order_id, actor="sofia").status == OrderStatus.CLOSED
    assert tablet.sync().equal is True


def test_what_comes_between_looking_and_acting_is_seen(
    bureau: Bureau, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two supervisors act on one order at once: the second is judged by what the first has done."""
    order_id = tablet.order_ids()[0]
    real = acts.writing

    def overtaken(*given: Any) -> Any:
        monkeypatch.setattr(acts, "writing", real)
        acts.cancel_order(bureau.office, order_id, "the other was quicker")
        return real(*given)

    monkeypatch.setattr(acts, "writing", overtaken)
    with pytest.raises(acts.OutOfTurn) as refused:
        acts.reassign_order(bureau.office, order_id, "B")
    assert refused.value.code == "order_over"


def test_an_import_repeated_lets_nobody_in_who_was_revoked(bureau: Bureau) -> None:
    persons.revoke_user(bureau.office, "ana")
    load.load_project(bureau.office, bureau.folder / "project")
    found = {user.id: user.revoked_at for user in persons.users(bureau.office)}
    assert found["ana"] is not None
    assert found["luz"] is None


def test_an_import_repeated_changes_only_what_differs(bureau: Bureau, tablet: Tablet) -> None:
    folder = bureau.folder / "project"
    assert load.load_project(bureau.office, folder).same == 8
    orders = (folder / "orders.csv").read_text("utf-8")
    changed = orders.replace("000;exchange;U0;A", "000;exchange;U0;B").replace(
        "002;exchange", "002;inspect", 1
    )
    (folder / "orders.csv").write_text(changed, "utf-8")
    report = load.load_project(bureau.office, folder)
    assert (report.issued, report.changed, report.same) == (0, 2, 6)
    assert tablet.sync().equal is True
    assert len(tablet.order_ids()) == 3


def test_a_tablet_of_another_crew_starts_afresh(bureau: Bureau, tablet: Tablet) -> None:
    """The administrator moves a tablet: the old cursor is of another crew."""
    from workorders.gateway.tables import tablet as tablets

    with bureau.office.store.write() as connection:
        connection.execute(update(tablets).values(crew="B"))
    assert tablet.sync().repulled is True
