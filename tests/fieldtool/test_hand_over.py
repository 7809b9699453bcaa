"""Hand-over by USB: what a stick carries takes effect once, and its author learns so by the next pull."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from fieldtool.errors import JobError
from fieldtool.officebundle import take_in
from fieldtool.tablet.handover import export
from tests.workorders.offices import Bureau, Tablet
from tests.workorders.test_sync_pull import photograph
from tests.workorders.test_sync_push import execute


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


@pytest.fixture
def tablet(bureau: Bureau) -> Tablet:
    tablet = bureau.tablet("A")
    tablet.sync()
    return tablet


def carried(tablet: Tablet, folder: Path) -> Path:
    return export(cast("Any", tablet), folder)[0]  # it asks for identity, store and blobs only


def test_a_hand_over_takes_effect_once_and_its_verdicts_come_with_the_next_pull(
    bureau: Bureau, tablet: Tablet, tmp_path: Path
) -> None:
    order_id = tablet.order_ids()[0]
    sha256 = photograph(tablet, order_id)
    entries = execute(tablet, order_id)
    stick = carried(tablet, tmp_path)
    report = take_in(bureau.office, bureau.files, stick)
    assert (report.entries, report.verdicts, report.blobs) == (5, {"applied": 5}, 1)
    assert take_in(bureau.office, bureau.files, stick).verdicts == {"duplicate": 5}
    assert bureau.files.has(sha256)
    told: set[str] = set()
    cursor, more = None, True
    while more:
        page = tablet.transport().pull(cursor)
        told |= {verdict.id or "" for verdict in page.verdicts}
        cursor, more = page.cursor, page.more
    assert {entry.envelope.id for entry in entries} <= told
    report_ = tablet.sync()
    assert (report_.pending, report_.pending_blobs, report_.equal) == (0, 0, True)


def test_a_stick_pulled_out_too_early_is_told_and_what_was_whole_counts(
    bureau: Bureau, tablet: Tablet, tmp_path: Path
) -> None:
    execute(tablet, tablet.order_ids()[0])
    stick = carried(tablet, tmp_path)
    stick.write_bytes(stick.read_bytes()[:-40])
    with pytest.raises(JobError) as caught:
        take_in(bureau.office, bureau.files, stick)
    assert caught.value.code == "bundle_damaged"
    assert tablet.sync().verdicts == {"applied": 4}
