"""A tablet with signal brings another one's work to the office: once, whole; its own record is untouched."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from fieldtool.errors import JobError
from fieldtool.officebundle import take_in
from fieldtool.orderbundle import write_orders
from fieldtool.settings import Home
from fieldtool.tablet import carrying, handover
from fieldtool.tablet.fromstick import take_from
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from fieldtool.tablet.wipe import LEFT
from tests.fieldtool.enrolled import Way, enrolled_tablet, execute
from tests.workorders.offices import Bureau
from workorders.gateway import admin, wiping
from workorders.store import schema
from workorders.sync import wire
from workorders.sync.errors import Unreachable
from workorders.sync.round import FilesWait


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    made = Bureau.open(tmp_path / "office", pins={"ana": "482615"})
    made.now.moment = datetime.now(UTC)
    return made


@pytest.fixture
def far(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    """The tablet without signal, with a visit done."""
    tablet = enrolled_tablet(bureau, tmp_path / "far", monkeypatch)
    execute(tablet, tablet.orders(OrderFilter())[0].order_id)
    return tablet


@pytest.fixture
def near(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    return enrolled_tablet(bureau, tmp_path / "near", monkeypatch, crew="B")


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def handed(far: Tablet, near: Tablet, stick: Path) -> Path:
    carrying.write_address(near, stick)
    return handover.export(far, stick)[0]


def held(tablet: Tablet) -> int:
    with tablet.store.read() as connection:
        return connection.execute(select(func.count()).select_from(schema.entry)).scalar_one()


def code_of(near: Tablet, path: Path) -> str:
    with pytest.raises(JobError) as caught:
        carrying.take(near, path)
    return caught.value.code


def test_what_one_tablet_carries_is_delivered_once_and_its_author_learns_it(
    bureau: Bureau, far: Tablet, near: Tablet, stick: Path
) -> None:
    waiting, before = far.status().pending, held(near)
    path = handed(far, near, stick)
    took = carrying.take(near, path)
    assert (took.tablet, took.crew, took.entries, took.blobs) == (far.identity.tablet, "A", waiting, 1)
    assert carrying.take(near, path).again is True
    assert len(carrying.carried(near.store)) == 1

    report = near.sync()
    assert (report.state, report.carried) == ("done", 1)
    (told,) = carrying.carried(near.store)
    assert (told.pushed, told.verdicts, told.trouble) == (waiting, {"applied": waiting}, None)
    assert told.delivered_at is not None
    assert list(carrying.folder_of(near).iterdir()) == [], "the copy has done its duty"
    assert held(near) == before, "it has no effect on who carries it"
    assert bureau.files.has(next(iter(_photos(far))))

    # By the stick once more: nothing. And what its author sends itself is there already.
    assert carrying.take(near, path).again is True
    after = far.sync()
    assert (after.pending, after.pending_blobs, after.equal, after.verdicts) == (
        0,
        0,
        True,
        {"duplicate": waiting},
    )


def _photos(tablet: Tablet) -> list[str]:
    with tablet.store.read() as connection:
        return list(connection.execute(select(schema.blob_store.c.sha256)).scalars())


def test_a_line_that_breaks_goes_on_at_the_next_round_without_sending_twice(
    far: Tablet, near: Tablet, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Own work is with the office before; that the errand failed is no fault of the round."""
    execute(near, near.orders(OrderFilter())[0].order_id)
    carrying.take(near, handed(far, near, stick))
    monkeypatch.setattr(wire, "MAX_ENTRIES_PER_PUSH", 2)
    push, seen = Way.push, []

    def breaks(self: Way, request: wire.PushRequest) -> wire.PushResponse:
        if request.certificate == far.identity.certificate:
            seen.append(len(request.entries))
            if len(seen) == 2:
                raise Unreachable("gone")
        return push(self, request)

    monkeypatch.setattr(Way, "push", breaks)
    report = near.sync()
    assert (report.state, report.pending, report.carried) == ("done", 0, 0)
    (told,) = carrying.carried(near.store)
    assert (told.pushed, told.trouble, told.delivered_at) == (2, "unreachable", None)
    assert near.sync().carried == 1
    (told,) = carrying.carried(near.store)
    assert (seen, told.verdicts) == ([2, 2, 2], {"applied": told.entries})


def test_an_answer_that_does_not_speak_of_each_entry_delivers_nothing(
    far: Tablet, near: Tablet, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy here may be the only one that reaches the office."""
    carrying.take(near, handed(far, near, stick))
    push = Way.push

    def silent(self: Way, request: wire.PushRequest) -> wire.PushResponse:
        answer = push(self, request)
        return (
            answer
            if request.certificate != far.identity.certificate
            else wire.PushResponse(verdicts=[], head=None)
        )

    monkeypatch.setattr(Way, "push", silent)
    assert near.sync().carried == 0
    (told,) = carrying.carried(near.store)
    assert (told.pushed, told.trouble, told.delivered_at) == (0, "bad_answer", None)
    monkeypatch.setattr(Way, "push", push)
    assert near.sync().carried == 1


def test_photos_wait_for_a_line_without_cost_and_records_do_not(
    far: Tablet, near: Tablet, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrying.take(near, handed(far, near, stick))
    monkeypatch.setattr(near.syncing, "files_wait", lambda line=None: FilesWait.METERED)
    assert near.sync().carried == 0
    (told,) = carrying.carried(near.store)
    assert (told.pushed, told.delivered_at) == (told.entries, None)
    monkeypatch.setattr(near.syncing, "files_wait", lambda line=None: None)
    assert near.sync().carried == 1


def test_only_what_was_written_for_this_tablet_and_is_whole_is_carried(
    bureau: Bureau, far: Tablet, near: Tablet, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_office = handover.export(far, stick)[0]
    assert code_of(near, for_office) == "bundle_not_for_us"
    path = handed(far, near, stick)
    assert code_of(far, path) == "own_hand_over"
    other = enrolled_tablet(
        Bureau.open(tmp_path / "elsewhere", stranger=True), tmp_path / "stranger", monkeypatch
    )
    assert code_of(other, path) == "bundle_unknown_sender"
    path.write_bytes(path.read_bytes()[:-30])
    assert code_of(near, path) == "bundle_damaged"
    assert list(carrying.folder_of(near).iterdir()) == []
    assert carrying.carried(near.store) == []


def test_a_file_that_never_ends_is_left_before_it_fills_the_tablet(
    far: Tablet, near: Tablet, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was copied whole before it was looked at: a crew whose disk is full cannot write its next step."""
    path = handed(far, near, stick)
    with path.open("ab") as file:
        file.truncate(1 << 33)  # of holes; a copy of all of it would not be
    written, usage = [], shutil.disk_usage(near.home.folder)

    def used(place: str) -> object:
        written.append(Path(place).stat().st_size)
        return usage

    monkeypatch.setattr(shutil, "disk_usage", used)
    assert code_of(near, path) == "bundle_damaged"
    assert max(written) < 1 << 21
    good = handed(far, near, stick)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1 << 20))
    assert code_of(near, good) == "carried_too_large"
    assert list(carrying.folder_of(near).iterdir()) == []
    assert carrying.carried(near.store) == []


def test_a_foreign_or_changed_address_gets_no_hand_over(
    far: Tablet, near: Tablet, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = enrolled_tablet(
        Bureau.open(tmp_path / "elsewhere", stranger=True), tmp_path / "stranger", monkeypatch
    )
    carrying.write_address(other, stick)
    changed = carrying.write_address(near, stick)
    changed.write_bytes(changed.read_bytes().replace(b"demo", b"live", 1))
    (stick / "notes.ftaddress").write_bytes(b"\xff" * 40_000)
    _, header = handover.export(far, stick)
    assert [recipient.name for recipient in header.recipients] == ["gateway"]


def test_a_stick_goes_round_by_itself(bureau: Bureau, far: Tablet, near: Tablet, stick: Path) -> None:
    """Take (leaves the address), hand over, take: what a crew does with two tablets and one stick."""
    write_orders(bureau.office, near.identity.tablet, stick)
    bureau.now.forward(minutes=10)
    write_orders(bureau.office, near.identity.tablet, stick)
    write_orders(bureau.office, far.identity.tablet, stick)
    (stick / "torn.ftbundle").write_bytes(b"{")
    first = take_from(near, stick)
    assert first.orders is not None
    assert (first.orders.number, first.carried, first.address is not None) == (2, [], True)
    assert [unfit.name for unfit in first.unfit] == ["torn.ftbundle"]
    far.hand_over(stick)
    second = take_from(near, stick)
    assert [one.tablet for one in second.carried] == [far.identity.tablet]
    assert take_from(far, stick).carried == [], "its own file is passed by"


def test_a_wipe_leaves_what_was_carried_for_the_office(
    bureau: Bureau, far: Tablet, near: Tablet, stick: Path, tmp_path: Path
) -> None:
    """The stick is gone and the author's tablet may be too."""
    path = handed(far, near, stick)
    carrying.take(near, path)
    name = near.identity.tablet
    admin.revoke_tablet(bureau.office, name, "left in a taxi")
    wiping.order_wipe(bureau.office, name, "left in a taxi")
    shutil.rmtree(stick)
    assert near.sync().code == "wiped"
    (left,) = [
        one for one in (Home(tmp_path / "near").folder / LEFT).iterdir() if "fieldtool-" not in one.name
    ]
    assert take_in(bureau.office, bureau.files, left).verdicts.keys() == {"applied"}
