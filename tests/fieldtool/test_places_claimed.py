"""Places and evidence that a crew claims: what there is, counted once, shown by a photo of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fieldtool.balancing import PowerBoard
from fieldtool.errors import StepRefused
from fieldtool.procedure.views import RunEnd
from tests.fieldtool import world as w
from tests.fieldtool.world import codes, make_world, order, walk
from workorders.clock import utc_text
from workorders.network import PowerReading

PANEL = w.Node(mrid="P1", kind="panel", parent="CT-28101", name="Panel 1", capacity=24)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"panel": "P1", "slot": 25}, "slot"),
        ({"panel": "P1", "slot": 0}, "slot"),
        ({"panel": "P9", "slot": 3}, "panel"),
        ({"panel": "CT-28101", "slot": 3}, "panel"),
        ({"concentrator": "DC-9"}, "concentrator"),
    ],
)
def test_a_device_is_placed_nowhere_but_where_a_place_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], field: str
) -> None:
    run = make_world(tmp_path, monkeypatch, nodes=[*w.TREE, PANEL]).run()
    walk(run, until="place")
    with pytest.raises(StepRefused) as caught:
        run.accept(said)
    assert {(found.code, found.field) for found in caught.value.problems} == {("place_unknown", field)}
    assert run.check({"panel": "P1", "slot": 24}) == []


def test_the_last_place_on_a_concentrator_is_still_ours_when_the_step_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device counted against itself: *full*, which only an override passes."""
    nodes = [*w.TREE[:2], msgspec.structs.replace(w.TREE[2], capacity=1)]
    run = make_world(tmp_path, monkeypatch, nodes=nodes).run()
    walk(run, until="join")
    run.go("place")
    run.accept({})
    walk(run)
    assert run.state.end is RunEnd.COMPLETED


def test_a_photo_shows_one_step_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The photo from before the swap passed as the one from after it."""
    run = make_world(tmp_path, monkeypatch).run()
    walk(run, until="photo_after")
    before = next(sha for sha, blob in run.state.photos.items() if blob.what == "before")
    with pytest.raises(StepRefused) as caught:
        run.accept({"photos": [before]})
    assert codes(caught) == {"photo_missing"}
    walk(run)
    run = make_world(tmp_path / "again", monkeypatch).run()
    walk(run, until="voltage")
    run.go("photo_before")
    run.accept({"photos": list(run.state.photos)})  # its own one, once more


def test_the_meter_that_hangs_there_says_that_secondaries_have_to_be_shorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order knew no model: nobody was asked to short the current transformers. An open one kills."""
    plain = order()
    assert plain.old_asset is not None
    unknown = msgspec.structs.replace(
        plain, old_asset=msgspec.structs.replace(plain.old_asset, model=None), new_asset=w.NewAsset()
    )
    world = make_world(tmp_path, monkeypatch, unknown)
    world.meters["old"].model = "idis-3ph-ct"
    run = world.run()
    walk(run, until="isolate")
    with pytest.raises(StepRefused) as caught:
        run.accept({"checks": {"load_off": True, "back_feed": True, "dead": True}})
    assert [(found.code, found.field) for found in caught.value.problems] == [("check_open", "ct_shorted")]


def test_a_meter_taken_for_the_macro_meter_goes_back_among_the_others() -> None:
    """It was dropped, with what it said: a balance could close without it, and name nobody missing."""
    reading = PowerReading(serial="A", watts=Decimal(40), at=utc_text(datetime.now(UTC)), ratio=False)
    board = PowerBoard(node="P1", name="P1", macro=None, expected=["A", "B"]).take(reading)
    board = board.as_macro("A")
    assert (board.expected, board.totals) == (["B"], [reading])
    board = board.as_macro("M")
    assert sorted(board.expected) == ["A", "B"]
    assert (board.totals, board.shares) == ([], {"A": reading})
    assert board.as_macro("M") == board
