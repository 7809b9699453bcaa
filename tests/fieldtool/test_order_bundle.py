"""New orders by USB: for one tablet, from this office, and never back to something older."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from fieldtool import orderbundle
from fieldtool.errors import JobError
from fieldtool.orderbundle import take_orders, write_orders
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.enrolled import enrolled_tablet, execute
from tests.workorders.offices import Bureau
from workorders.clock import read_utc
from workorders.gateway import acts, firmware
from workorders.gateway.errors import NotFound, NotSignedIn, TooLarge
from workorders.gateway.firmware import ImageSaid
from workorders.store import keys
from workorders.store.settings import set_setting, setting
from workorders.sync.round import _LAST, last_sync, last_sync_of


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    made = Bureau.open(tmp_path)
    made.now.moment = datetime.now(UTC)
    return made


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    return enrolled_tablet(bureau, tmp_path / "t", monkeypatch)


def refused(tablet: Tablet, path: Path) -> str:
    with pytest.raises(JobError) as caught:
        take_orders(tablet, path)
    return caught.value.code


def test_orders_come_by_usb_once_and_nothing_older_rolls_them_back(
    bureau: Bureau, tablet: Tablet, tmp_path: Path
) -> None:
    unsent = tablet.find_order("000") or ""
    execute(tablet, unsent)
    pending = tablet.status().pending
    bureau.now.forward(minutes=10)
    first, _ = write_orders(bureau.office, tablet.identity.tablet, tmp_path)
    moved = next(row.order_id for row in tablet.orders(OrderFilter()) if row.order_id != unsent)
    acts.cancel_order(bureau.office, moved, "double", actor="sofia")
    bureau.now.forward(minutes=10)
    second, header = write_orders(bureau.office, tablet.identity.tablet, tmp_path)
    assert [recipient.name for recipient in header.recipients] == [tablet.identity.tablet]
    assert b"Rosa" not in second.read_bytes()

    report = take_orders(tablet, second)
    assert (report.number, report.again) == (2, False)
    assert tablet.order(moved).row.status == "cancelled"
    assert tablet.status().pending >= pending, "what was not sent is untouched"
    with tablet.store.read() as connection:
        assert keys.order_key(connection, unsent)
    assert take_orders(tablet, second).again is True
    assert refused(tablet, first) == "bundle_older"
    assert tablet.order(moved).row.status == "cancelled"
    assert tablet.sync().equal is True, "the next round goes on from there"


def test_a_file_from_before_the_last_contact_changes_nothing(
    bureau: Bureau, tablet: Tablet, tmp_path: Path
) -> None:
    bureau.now.forward(days=-1)
    old, _ = write_orders(bureau.office, tablet.identity.tablet, tmp_path)
    assert refused(tablet, old) == "bundle_older"


def test_what_came_by_usb_is_dated_as_a_round_would_be(
    bureau: Bureau, tablet: Tablet, tmp_path: Path
) -> None:
    """By this device's clock: else one that is two hours off takes no later file, or calls new data old."""
    with tablet.store.write() as connection:
        kept = msgspec.structs.replace(last_sync(setting(connection, _LAST)), offset_ms=7_200_000)
        set_setting(connection, _LAST, msgspec.to_builtins(kept))
    for number in (1, 2):
        bureau.now.moment = tablet.now() + timedelta(hours=2, minutes=number)
        path, header = write_orders(bureau.office, tablet.identity.tablet, tmp_path)
        assert take_orders(tablet, path).again is False
        told = read_utc(last_sync_of(tablet.store).contact or "")
        assert told == read_utc(header.created_at) - timedelta(hours=2)


def test_only_the_named_tablet_takes_a_whole_file_of_its_office(
    bureau: Bureau, tablet: Tablet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = bureau.tablet("B", "t2")
    bureau.now.forward(minutes=10)
    theirs, _ = write_orders(bureau.office, other.identity.tablet, tmp_path)
    assert refused(tablet, theirs) == "bundle_not_for_us"
    ours, _ = write_orders(bureau.office, tablet.identity.tablet, tmp_path)
    whole = ours.read_bytes()
    for spoilt in (
        whole[:-1],
        whole[:-40] + bytes(40),
        whole.replace(b'"signature": "', b'"signature": "A', 1),
    ):
        ours.write_bytes(spoilt)
        assert refused(tablet, ours) in {"bundle_damaged", "bundle_unknown_sender"}
    with pytest.raises(NotSignedIn):
        write_orders(bureau.office, "nobody", tmp_path)


def test_firmware_comes_by_usb_where_somebody_says_so(
    bureau: Bureau, tablet: Tablet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole or not at all, within a limit; what is not in the file still comes by the next sync."""
    data = os.urandom(700_000)
    for name, image in (("fw.bin", data), ("later.bin", b"later")):
        said = ImageSaid(name=name, models=["prime-1ph"])
        firmware.publish_image(bureau.office, bureau.files, "demo", said, image)
    bureau.now.forward(minutes=10)

    def write(*names: str) -> Path:
        me = tablet.identity.tablet
        return write_orders(bureau.office, me, tmp_path, files=bureau.files, images=names)[0]

    with pytest.raises(NotFound):
        write("nothing.bin")
    with monkeypatch.context() as patched:
        patched.setattr(orderbundle, "MAX_IMAGES_BYTES", 1000)
        with pytest.raises(TooLarge):
            write("fw.bin")
    stick = write("fw.bin")
    room = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: room._replace(free=1000))
        full = take_orders(tablet, stick)
    assert (full.firmware, {one.code for one in full.firmware_coming}) == (0, {"disk_full"})
    report = take_orders(tablet, stick)
    assert (report.again, report.firmware) == (True, 1), "there is room now"
    assert [(one.name, one.code) for one in report.firmware_coming] == [("later.bin", None)]
    assert (tablet.home.firmware(tablet.realm) / "fw.bin").read_bytes() == data
    assert take_orders(tablet, stick).firmware == 0
    assert tablet.sync(firmware=True).firmware == 2
