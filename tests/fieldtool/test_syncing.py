"""What the line may carry, how a round is stopped, and how sync stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from fieldtool.settings import Line
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.enrolled import enrolled_tablet, execute
from tests.workorders.offices import Bureau
from workorders.clock import utc_text
from workorders.store.settings import set_setting, setting
from workorders.sync.round import FilesWait, SyncProgress, SyncState
from workorders.sync.usage import add_usage


@pytest.fixture
def tablet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    bureau = Bureau.open(tmp_path)
    bureau.now.moment = datetime.now(UTC)
    made = enrolled_tablet(bureau, tmp_path / "t", monkeypatch)
    assert made.status().online is True
    return made


def choose(tablet: Tablet, **choices: object) -> None:
    tablet.save_settings(msgspec.structs.replace(tablet.settings(), **choices))


def test_records_go_first_and_photos_where_the_line_may_carry_them(tablet: Tablet) -> None:
    order_id = tablet.find_order("000") or ""
    execute(tablet, order_id)
    choose(tablet, photos_on_metered=False)
    report = tablet.sync()
    assert (report.state, report.pending) == ("done", 0)
    assert (report.blobs_wait, report.pending_blobs) == (FilesWait.METERED, 1)
    assert tablet.sync_summary().standing.files_wait is FilesWait.METERED
    tablet.syncing.metered = lambda: False  # Wi-Fi, says the system
    assert tablet.syncing.files_wait() is None
    choose(tablet, line=Line.METERED)  # but somebody knows better
    assert tablet.sync().pending_blobs == 1
    assert tablet.sync(all_files=True).pending_blobs == 0, "asked for by hand"


def test_a_cap_holds_photos_back_and_is_told(tablet: Tablet) -> None:
    choose(tablet, data_cap_mb=1)
    assert tablet.syncing.files_wait() is None
    with tablet.store.write() as connection:
        add_usage(
            connection, f"{tablet.now():%Y-%m}", 700_000, 400_000, {"files": 900_000, "records": 200_000}
        )
    standing = tablet.sync_summary().standing
    assert (standing.files_wait, standing.cap_bytes) == (FilesWait.CAP, 1_000_000)
    assert standing.used.kinds["files"] == 900_000
    tablet.syncing.metered = lambda: False
    assert tablet.syncing.files_wait() is None, "a line that costs nothing has no cap"


def test_a_round_can_be_watched_and_stopped_at_any_instant(tablet: Tablet) -> None:
    seen: list[tuple[SyncState, SyncProgress | None]] = []

    def watch(at: SyncProgress) -> None:
        standing = tablet.syncing.standing()
        seen.append((standing.state, standing.at))
        if len(seen) == 3:
            tablet.syncing.cancel()

    report = tablet.syncing.round(watch)
    assert (report.state, report.code) == (SyncState.CANCELLED, "cancelled")
    assert len(seen) == 3
    assert all(state is SyncState.RUNNING and at is not None for state, at in seen)
    assert tablet.syncing.standing().state is SyncState.CANCELLED
    tablet.syncing.cancel()  # nothing runs: the next round is not the one to end
    assert tablet.sync().state is SyncState.DONE


def test_old_lists_and_a_wrong_clock_are_told(tablet: Tablet) -> None:
    assert (tablet.status().stale_days, tablet.status().skew_seconds) == (None, None)
    with tablet.store.write() as connection:
        last = setting(connection, "sync.last")
        assert isinstance(last, dict)
        before = utc_text(datetime.now(UTC) - timedelta(days=5, hours=1))
        set_setting(connection, "sync.last", {**last, "contact": before})
    assert tablet.status().stale_days == 5
    choose(tablet, stale_days=7)
    assert tablet.status().stale_days is None
    tablet.clock.meet(-600_000)
    assert tablet.status().skew_seconds == 600, "ten minutes ahead of the office"
