"""A join is judged by times of two clocks: the network's and the tablet's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers import reading
from fieldtool.registration import Heard
from tests.fieldtool.world import make_world, walk
from workorders.clock import SystemClock, utc_text


def test_a_tablet_whose_clock_runs_ahead_takes_a_good_join_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the concentrator heard after the mounting looked older than the visit, by the tablet's own clock,
    although the office's offset was known and stood in every entry."""
    world = make_world(tmp_path, monkeypatch)
    world.journal.clock = SystemClock(server_offset_ms=-420_000)
    world.meters["new"].joined = reading.JoinState.SEARCHING
    run = world.run()
    walk(run, until="join")

    def heard(mrid: str, serial: str) -> list[Heard]:
        at = datetime.now(UTC) - timedelta(minutes=6, seconds=30)
        return [Heard(serial=serial, heard_at=utc_text(at), concentrator=mrid, status=2)]

    monkeypatch.setattr(world.lists, "concentrator", heard)
    run.check_join()
    run.accept({})
    [joined] = world.payloads("join.checked")
    assert (joined["state"], joined["how"], joined.get("reason")) == ("joined", "concentrator_s24", None)
