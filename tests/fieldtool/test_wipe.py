"""A lost tablet: it hands over and stops work; on a second order it destroys all but what was not sent."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from fieldtool.bundle import BLOB, ENTRY, BundleReader
from fieldtool.errors import JobError
from fieldtool.settings import Home
from fieldtool.tablet import handover
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from fieldtool.tablet.wipe import LEFT
from tests.fieldtool.enrolled import PASSPHRASE, Way, enrolled_tablet, execute
from tests.workorders.offices import Bureau
from workorders.gateway import admin, wiping
from workorders.gateway.errors import OutOfTurn
from workorders.journal import kinds
from workorders.journal.entry import Realm, WireEntry
from workorders.store import schema
from workorders.store.errors import StoreError
from workorders.sync import wire
from workorders.sync.errors import Refused


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path / "office", pins={"ana": "482615"})


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    return enrolled_tablet(bureau, tmp_path / "home", monkeypatch)


def first(tablet: Tablet) -> str:
    return tablet.orders(OrderFilter())[0].order_id


def revoke(bureau: Bureau, tablet: Tablet) -> None:
    admin.revoke_tablet(bureau.office, tablet.identity.tablet, "left in a taxi")


def test_a_revoked_tablet_hands_over_and_then_nobody_works_on_it(bureau: Bureau, tablet: Tablet) -> None:
    tablet.sign_in("ana", "482615")
    order_id = first(tablet)
    execute(tablet, order_id)
    revoke(bureau, tablet)
    report = tablet.sync()
    assert (report.state, report.code, report.locked, report.wipe) == ("paused", "revoked", True, False)
    assert (report.pending, report.verdicts) == (0, {"rejected": 4})
    with bureau.office.store.read() as connection:
        kept = connection.execute(select(func.count()).select_from(schema.quarantine)).scalar_one()
    assert kept == 4, "no byte of what it brought is lost"
    assert tablet.person() is None
    for act in (lambda: tablet.sign_in("ana", "482615"), lambda: tablet.start(order_id)):
        with pytest.raises(JobError) as caught:
            act()
        assert caught.value.code == "tablet_locked"
    with tablet.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(schema.meter_secret)).scalar_one() == 0
    assert tablet.orders(OrderFilter()), "what is here stays readable"


def test_only_the_office_locks_a_tablet(
    bureau: Bureau, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sits on the line can answer 403; the word that ends work or destroys is signed."""
    revoke(bureau, tablet)
    true = wiping.standing(bureau.office, tablet.identity.tablet)
    forged = msgspec.structs.replace(true, wipe_ordered_at="2026-03-01T15:00:00.000Z")
    monkeypatch.setattr(Way, "standing", lambda self: forged)
    report = tablet.sync()
    assert (report.locked, report.wipe) == (False, False)
    tablet.sign_in("ana", "482615")


def test_a_wipe_is_a_second_act_that_names_what_is_lost(bureau: Bureau, tablet: Tablet) -> None:
    order_id = first(tablet)
    tablet.journal.append(
        kinds.OrderStarted(procedure="exchange", procedure_version=1), order_id=order_id, order_version=1
    )
    tablet.sync()
    with pytest.raises(OutOfTurn) as caught:
        wiping.order_wipe(bureau.office, tablet.identity.tablet, "stolen")
    assert caught.value.code == "not_locked"
    revoke(bureau, tablet)
    losses = wiping.wipe_losses(bureau.office, tablet.identity.tablet)
    assert (losses.orders_begun, losses.ordered_at) == (["000"], None)
    assert losses.entries_held > 0
    assert wiping.order_wipe(bureau.office, tablet.identity.tablet, "stolen").ordered_at is not None


def test_a_photo_of_work_that_was_handed_over_after_the_lock_is_named_before_a_wipe(
    bureau: Bureau, tablet: Tablet
) -> None:
    """Its entry is kept, not counted, and no file of a revoked tablet is taken: 'none missing' was told."""
    execute(tablet, first(tablet))
    revoke(bureau, tablet)
    report = tablet.sync()
    losses = wiping.wipe_losses(bureau.office, tablet.identity.tablet)
    assert report.pending_blobs == losses.files_missing == 1
    assert losses.entries_kept == report.verdicts["rejected"]


def test_a_wipe_leaves_only_what_was_not_sent_and_only_the_office_opens_it(
    bureau: Bureau, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(tablet, first(tablet))
    tablet_id, root = tablet.identity.tablet, tablet.identity.root_der()
    revoke(bureau, tablet)
    wiping.order_wipe(bureau.office, tablet_id, "stolen")

    def refuse(self: Way, request: wire.PushRequest) -> wire.PushResponse:
        raise Refused("the line breaks each time")

    monkeypatch.setattr(Way, "push", refuse)
    report = tablet.sync()
    assert (report.wipe, report.code) == (True, "wiped")
    home = tablet.home
    [left] = (home.folder / LEFT).iterdir()
    assert [path.name for path in home.folder.rglob("*") if path.is_file()] == [left.name]
    with left.open("rb") as file:
        reader = BundleReader(file, root, Realm.DEMO)
        items = list(reader.items(bureau.office.recovery_key))
    kinds_left = [
        msgspec.json.decode(msgspec.json.decode(data, type=WireEntry).body)["kind"]
        for tag, data in items
        if tag == ENTRY
    ]
    assert kinds_left[-4:] == ["order.started", "photo.taken", "record.issued", "order.completed"]
    assert sum(tag == BLOB for tag, _ in items) == 1
    assert wiping.wipe_losses(bureau.office, tablet_id).wiped_at is not None
    with pytest.raises(StoreError) as closed:
        tablet.orders(OrderFilter())
    assert closed.value.code == "wiped"
    with pytest.raises(JobError) as gone:
        Tablet.open(Home(home.folder), Realm.DEMO, passphrase=lambda: PASSPHRASE)
    assert gone.value.code == "not_enrolled"


def test_where_the_unsent_cannot_be_sealed_nothing_is_destroyed(
    bureau: Bureau, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(tablet, first(tablet))
    revoke(bureau, tablet)
    wiping.order_wipe(bureau.office, tablet.identity.tablet, "stolen")

    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(handover, "_write", full)
    tablet.sync()
    assert tablet.home.database(Realm.DEMO).exists()
    assert tablet.orders(OrderFilter())
    assert wiping.wipe_losses(bureau.office, tablet.identity.tablet).wiped_at is None
