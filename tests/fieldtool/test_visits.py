"""Visits that are broken off and taken up again, and what is corrected or ordered otherwise meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from drivers.errors import LinkLost
from fieldtool.errors import StepRefused
from fieldtool.procedure.views import RunEnd
from fieldtool.run import ProcedureRun
from fieldtool.run.book import OrderBook
from tests.fieldtool import world as w
from tests.fieldtool.world import World, codes, make_world, walk
from workorders.clock import SystemClock, read_utc, utc_text
from workorders.journal.entry import EntryTime
from workorders.store import queries, schema

LEAD = {"person": "lead", "reason": "confirmado por la oficina", "pin": "482615"}
NEIGHBOUR = "ZIV0012300007"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def shown(run: ProcedureRun) -> str | None:
    step = run.shown_step()
    return step.id if step else None


def walked_before(world: World, until: str, **ago: float) -> None:
    """Walk up to `until` on a visit that was so long ago, by the clock of the tablet then."""

    class Clock(SystemClock):
        def now(self) -> EntryTime:
            time = super().now()
            return msgspec.structs.replace(time, device=utc_text(read_utc(time.device) - timedelta(**ago)))

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(**ago)

    now, world.journal.clock = world.journal.clock, Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fieldtool.run.run.datetime", Then)
        walk(world.run(), until=until)
    world.journal.clock = now


# --- another day --------------------------------------------------------------------------------


def test_what_was_proven_dead_yesterday_is_proven_again_before_the_swap(world: World) -> None:
    """A crew that came back went on at the swap, with the load off and the last reading of the day before."""
    walked_before(world, "swap", days=1)
    again = world.run()
    asked = []
    while (step := shown(again)) not in ("swap", None):
        asked.append(step)
        w.ANSWERS[str(step)](again)
    assert asked == ["hazards", "voltage", "old_read", "old_dial", "isolate"]


def test_a_long_lunch_asks_for_nothing_again(world: World) -> None:
    walked_before(world, "swap", hours=2)
    assert shown(world.run()) == "swap"


def test_after_the_swap_nobody_is_sent_back_to_a_meter_that_is_gone(world: World) -> None:
    walked_before(world, "new_scan", days=1)
    assert shown(world.run()) == "new_scan"


# --- ordered otherwise --------------------------------------------------------------------------


def test_a_match_stands_only_for_the_device_that_the_order_named(world: World) -> None:
    """The office named another meter while the crew was out; the order closed on the old match."""
    walk(world.run(), until="seals_applied")
    other = w.NewAsset(serial=w.OTHER_SERIAL, model="prime-1ph")
    again = ProcedureRun(world.around, msgspec.structs.replace(world.order, new_asset=other))
    again.start()
    assert shown(again) == "match"
    with pytest.raises(StepRefused) as caught:
        again.accept({})
    assert codes(caught) == {"mismatch"}
    again.accept({"override": LEAD})
    assert shown(again) != "match"


def test_an_old_meter_is_held_against_the_order_as_it_stands(world: World) -> None:
    walk(world.run(), until="isolate")
    assert world.order.old_asset is not None
    old = msgspec.structs.replace(world.order.old_asset, serial=NEIGHBOUR)
    again = ProcedureRun(world.around, msgspec.structs.replace(world.order, old_asset=old))
    again.start()
    assert shown(again) == "old_scan"


# --- corrected ----------------------------------------------------------------------------------


def test_coming_back_to_the_match_finds_the_own_device_and_not_one_installed_elsewhere(world: World) -> None:
    """After placing, the stock said *installed*: only an override led on, and flagged a clean order."""
    run = world.run()
    walk(run, until="photo_after")
    run.go("new_scan")
    walk(run)
    assert run.state.end is RunEnd.COMPLETED
    [completed] = world.payloads("order.completed")
    assert not completed.get("flags")


def test_a_visit_broken_off_after_the_device_was_placed_can_be_ended_on_another_day(world: World) -> None:
    run = world.run()
    walk(run, until="join")
    run.not_done("weather", None, [])
    again = world.run()
    walk(again)
    assert again.state.end is RunEnd.COMPLETED
    assert "match.overridden" not in world.kinds()


def test_a_removal_is_said_again_when_the_meter_turns_out_to_be_another(world: World) -> None:
    run = world.run()
    walk(run, until="new_scan")
    run.go("old_scan")
    run.accept({"serial": NEIGHBOUR, "codes": [NEIGHBOUR], "override": LEAD})
    world.meters["old"].serial = NEIGHBOUR
    walk(run)
    assert [removed["serial"] for removed in world.payloads("device.removed")] == [w.OLD_SERIAL, NEIGHBOUR]
    seals = [seal["serial"] for seal in world.payloads("seal.recorded") if seal["action"] == "found"]
    assert seals == [w.OLD_SERIAL, NEIGHBOUR]
    assert world.digest_is_stable()


def test_another_device_in_the_place_takes_the_first_one_out_of_it(world: World) -> None:
    """Both stood at the supply point, and the seals on the one that is not there."""
    run = world.run()
    walk(run, until="photo_after")
    run.go("new_scan")
    run.accept({"serial": w.OTHER_SERIAL, "codes": [w.OTHER_SERIAL], "identities": {}})
    world.meters["new"].serial = w.OTHER_SERIAL
    walk(run, until="match")
    run.accept({"override": LEAD})
    walk(run, until="relay")
    run.test_relay(w.OTHER_SERIAL[-4:])
    run.accept({"confirmation": w.OTHER_SERIAL[-4:]})
    walk(run)
    assert run.state.end is RunEnd.COMPLETED
    with world.store.read() as connection:
        standing = queries.placements(connection, standing_only=True)
    assert [place.serial for place in standing] == [w.OTHER_SERIAL]
    seals = [seal["serial"] for seal in world.payloads("seal.recorded") if seal["action"] == "applied"]
    assert seals == [w.NEW_SERIAL, w.OTHER_SERIAL]
    assert world.digest_is_stable()


def seals(world: World, action: str) -> list[str]:
    with world.store.read() as connection:
        query = select(schema.seal.c.number).where(schema.seal.c.action == action).order_by(schema.seal.c.at)
        return list(connection.execute(query).scalars())


def test_a_seal_that_was_corrected_is_free_for_the_meter_that_it_is_on(world: World) -> None:
    """A number read off by mistake stayed *applied*: where the seal really was, it was refused for ever."""
    run = world.run()
    walk(run, until="place")
    assert seals(world, "applied") == ["P100"]
    run.go("seals_applied")
    run.accept({"seals": [{"number": "P200", "position": "box"}]})
    assert seals(world, "applied") == ["P200"]
    assert seals(world, "found") == ["A1"]
    elsewhere = OrderBook(world.journal, world.order.mrid)
    elsewhere.order_id = "order-2"
    assert elsewhere.seals_elsewhere(["P100"]) == {}
    assert elsewhere.seals_elsewhere(["P200"]) == {"P200": world.order.number}
    assert world.digest_is_stable()


def test_seals_of_an_earlier_visit_were_applied_then_and_stay(world: World) -> None:
    run = world.run()
    walk(run, until="place")
    run.not_done("weather")
    again = world.run()
    walk(again, until="place")
    again.go("seals_applied")
    again.accept({"seals": [{"number": "P300", "position": "box"}]})
    assert seals(world, "applied") == ["P100", "P300"]
    assert world.digest_is_stable()


# --- photos not accepted yet --------------------------------------------------------------------


def test_a_photo_that_no_step_has_accepted_yet_survives_the_program(world: World) -> None:
    """The draft named it and its sealed bytes were on the disk, and yet the step said `photo_missing`."""
    run = world.run()
    walk(run, until="photo_before")
    taken = w.photo(run, "before")
    run.keep_draft({"photos": [taken]})
    again = world.run()
    assert again.draft() == {"photos": [taken]}
    page = again.view(w.Language.ES).current
    assert page is not None
    assert [photo.sha256 for photo in page.body.photos] == [taken]  # type: ignore[union-attr]
    again.accept(again.draft() or {})
    assert [photo["sha256"] for photo in world.payloads("photo.taken")] == [taken]
    assert world.run().bench.photos == {}


def test_a_photo_whose_file_is_gone_is_not_offered_again(world: World) -> None:
    run = world.run()
    walk(run, until="photo_before")
    world.around.blobs.remove(w.photo(run, "before"))
    assert world.run().bench.photos == {}


def test_what_was_photographed_on_a_visit_that_ended_otherwise_stays_with_that_visit(world: World) -> None:
    """It proves what the crew found there, and must not pass for a photo of the next visit."""
    run = world.run()
    walk(run, until="photo_before")
    taken = w.photo(run, "before")
    run.not_done("weather")
    [ended] = world.payloads("order.notDone")
    assert ended["blobs"] == [taken]
    assert world.run().bench.photos == {}


def test_what_one_visit_has_left_open_in_the_meter_the_next_one_settles(world: World) -> None:
    """The line was cut in a write and the visit ended; the next one never asked what the meter holds."""
    run = world.run()
    walk(run, until="configure")
    run.plan()
    world.meters["new"].fail["write clock"] = LinkLost()
    with pytest.raises(LinkLost):
        run.apply(["limiter"])
    run.not_done("weather")
    again = world.run()
    assert [write.state for write in again.state.writes.values()] == [None]
    walk(again)
    assert again.state.end is RunEnd.COMPLETED
    assert "verified" in {changed["state"] for changed in world.payloads("meter.changed")}
    with world.store.read() as connection:
        assert queries.unsettled_writes(connection, world.order.mrid) == []
