"""Where the crew is: taken at the steps that ask, kept sealed with its doubts, and never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.position.fix import Fix, Quality
from drivers.position.take import Flag, NoFix, Taken, Told
from fieldtool import positioning
from fieldtool.procedure import answers as a
from fieldtool.procedure.effects import flags_of
from fieldtool.procedure.model import PositionRules
from fieldtool.procedure.state import restore
from fieldtool.run import ProcedureRun
from fieldtool.text import Language
from tests.fieldtool.world import World, make_world, walk
from workorders.clock import GPS_HOLDS_MS, SystemClock, read_utc
from workorders.journal.sealing import Erased
from workorders.store import keys, queries

SUPPLY_POINT = ("39.46990", "-0.37630")
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def taken(latitude: str = "39.46995", *flags: Flag, accuracy: str = "4.0", **more: object) -> Taken:
    fix = Fix(
        latitude=latitude,
        longitude="-0.37631",
        quality=Quality.SIMULATED if Flag.SIMULATED in flags else Quality.SATELLITES,
        time=NOW,
        accuracy_m=accuracy,
        satellites=11,
    )
    return msgspec.structs.replace(Taken(fix=fix, flags=flags, age_s=0, source="nmea"), **more)


class Sky:
    """A receiver whose answer a test decides. `gate` keeps it searching until it is set."""

    def __init__(self, answer: Taken) -> None:
        self.answer = answer
        self.better: list[Taken] = []
        self.gate: threading.Event | None = None
        self.asked = 0

    def __call__(self, wait: float, stop: threading.Event, told: Told | None = None) -> Taken:
        self.asked += 1
        for one in self.better:
            assert told is not None
            told(one)
        if self.gate is not None:
            while not (self.gate.is_set() or stop.is_set()):
                self.gate.wait(0.01)
        return Taken(reason=NoFix.STOPPED) if stop.is_set() else self.answer


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Taken], tuple[World, Sky]]:
    def made(answer: Taken) -> tuple[World, Sky]:
        world, sky = make_world(tmp_path, monkeypatch), Sky(answer)
        object.__setattr__(world.around, "locate", sky)
        return world, sky

    return made


SITE = {"checks": {"place": True, "customer": True}}


def sought(run: ProcedureRun) -> None:
    """Wait until the search of the shown step is over."""
    over = threading.Event()
    run.positions.changed = over.set
    run.positions.seek()
    assert over.wait(5)


def test_a_position_is_sealed_with_the_step_and_with_the_placement(
    field: Callable[[Taken], tuple[World, Sky]],
) -> None:
    world, _ = field(taken())
    run = world.run()
    sought(run)
    run.accept(SITE)
    walk(run, until="place")
    sought(run)
    walk(run)
    steps = {payload["step"]: payload for payload in world.payloads("step.done")}
    [placed] = world.payloads("device.placed")
    assert "39.46995" not in str(world.payloads("step.done")) + str(placed)
    assert set(placed["position"]) == {"key_id", "nonce", "ciphertext"}
    assert set(steps["site"]["sealed"]) == {"position"}
    answer = run.state.answer("place")
    assert isinstance(answer, a.PlaceAnswer)
    assert answer.position is not None
    assert (answer.position.latitude, answer.position.satellites, answer.position.flags) == (
        "39.46995",
        11,
        [],
    )
    assert answer.position.distance_m == 6
    assert steps["photo_after"]["answers"].keys() == {"photos"}  # nobody looked there: nothing is invented
    assert world.digest_is_stable()


def test_a_supervisor_reads_where_the_crew_was_and_why_not(
    field: Callable[[Taken], tuple[World, Sky]],
) -> None:
    world, sky = field(taken("39.48000"))
    run = world.run()
    sought(run)
    run.accept(SITE)
    walk(run, until="photo_before")
    sky.answer = Taken(reason=NoFix.NO_SIGNAL)
    sought(run)
    walk(run, until="voltage")

    def positions() -> list[queries.PositionRow]:
        with world.store.read() as connection:
            detail = queries.order(connection, run.order_id)
        assert detail is not None
        return detail.positions

    first, second = positions()
    assert (first.step, first.latitude, first.accuracy_m, first.flags) == ("site", "39.48000", "4.0", ["far"])
    assert first.distance_m == 1123
    assert (second.step, second.latitude, second.reason) == ("photo_before", None, "no_signal")
    with world.store.write() as connection:
        keys.destroy(connection, {run.book.key.key_id: "2026-12-01T00:00:00.000Z"})
    assert [one.step for one in positions()] == ["photo_before"]


def test_with_the_key_of_the_order_the_position_is_gone(field: Callable[[Taken], tuple[World, Sky]]) -> None:
    world, _ = field(taken())
    run = world.run()
    sought(run)
    run.accept(SITE)
    with world.store.write() as connection:
        keys.destroy(connection, {run.book.key.key_id: "2026-12-01T00:00:00.000Z"})
    with world.store.read() as connection, pytest.raises(Erased):
        keys.key_by_id(connection, run.book.key.key_id)
    assert "39.46995" not in str(world.payloads("step.done"))
    state = restore(run.procedure, run.book.entries(), lambda field, sealed: None)
    answer = state.answer("site")
    assert isinstance(answer, a.ConfirmAnswer)
    assert (answer.position, answer.checks) == (None, SITE["checks"])


def test_nobody_waits_for_a_receiver_and_the_reason_is_kept(
    field: Callable[[Taken], tuple[World, Sky]],
) -> None:
    world, sky = field(taken())
    sky.gate = threading.Event()
    run = world.run()
    run.positions.seek()
    view = run.view(Language.ES).current
    assert view is not None
    assert view.position is not None
    assert (view.position.state, view.waiting[0].code) == ("searching", "check_open")
    run.accept(SITE)
    answer = run.state.answer("site")
    assert isinstance(answer, a.ConfirmAnswer)
    assert (answer.position, answer.no_position) == (None, "searching")
    [done] = world.payloads("step.done")
    assert done["answers"]["no_position"] == "searching"


def test_a_step_without_signal_can_look_again_and_be_corrected(
    field: Callable[[Taken], tuple[World, Sky]],
) -> None:
    world, sky = field(Taken(reason=NoFix.NO_SIGNAL, in_view=3))
    run = world.run()
    sought(run)
    view = run.view(Language.ES).current
    assert view is not None
    assert view.position is not None
    assert (view.position.state, view.position.reason, view.position.in_view) == ("none", "no_signal", 3)
    run.accept(SITE)
    run.back()
    sky.answer = taken()
    run.positions.seek()
    assert sky.asked == 1  # a step that stands is not asked again by itself
    again = threading.Event()
    run.positions.changed = again.set
    run.positions.seek(again=True)
    assert again.wait(5)
    assert run.positions.has_news(run.procedure.step("site"))
    run.accept(SITE)
    answer = run.state.answer("site")
    assert isinstance(answer, a.ConfirmAnswer)
    assert answer.position is not None
    run.back()
    run.accept(SITE)  # a correction of something else keeps the place where it was taken
    kept = run.state.answer("site")
    assert isinstance(kept, a.ConfirmAnswer)
    assert kept.position == answer.position


def test_the_best_so_far_counts_when_the_crew_goes_on(field: Callable[[Taken], tuple[World, Sky]]) -> None:
    world, sky = field(taken())
    sky.gate, sky.better = threading.Event(), [taken(accuracy="18.0")]
    run = world.run()
    sought(run)
    run.accept(SITE)
    answer = run.state.answer("site")
    assert isinstance(answer, a.ConfirmAnswer)
    assert answer.position is not None
    assert answer.position.accuracy_m == "18.0"


@pytest.mark.parametrize(
    ("answer", "flags"),
    [
        (taken("39.48000"), ["position_far"]),
        (taken("39.47100", accuracy="4.0"), []),
        (taken("39.46995", Flag.SIMULATED), ["position_simulated"]),
        (taken("39.46995", Flag.STALE, age_s=720), ["position_stale"]),
        (taken("39.46995", Flag.POOR, accuracy="60.0"), []),
        (Taken(reason=NoFix.NO_RECEIVER), []),
    ],
)
def test_what_a_supervisor_should_see_is_a_flag_and_never_a_wall(
    field: Callable[[Taken], tuple[World, Sky]], answer: Taken, flags: list[str]
) -> None:
    world, _ = field(answer)
    run = world.run()
    sought(run)
    run.accept(SITE)
    assert flags_of(run.procedure, run.job(), run.state) == flags


def test_a_receiver_that_breaks_does_not_take_the_step_with_it(
    field: Callable[[Taken], tuple[World, Sky]],
) -> None:
    world, _ = field(taken())

    def broken(wait: float, stop: threading.Event, told: Told | None = None) -> Taken:
        raise ValueError("a driver that nobody foresaw")

    object.__setattr__(world.around, "locate", broken)
    run = world.run()
    sought(run)
    run.accept(SITE)
    answer = run.state.answer("site")
    assert isinstance(answer, a.ConfirmAnswer)
    assert answer.no_position == "lost"


def test_going_on_closes_the_receiver(field: Callable[[Taken], tuple[World, Sky]]) -> None:
    world, sky = field(taken())
    sky.gate = threading.Event()
    run = world.run()
    run.positions.seek()
    run.accept(SITE)
    searches = [thread for thread in threading.enumerate() if thread.name == "position"]
    for thread in searches:
        thread.join(5)
    assert not any(thread.is_alive() for thread in searches)


# --- pure ---------------------------------------------------------------------------------------

latitudes = st.decimals("-89", "89", places=5).map(str)
longitudes = st.decimals("-179", "179", places=5).map(str)


@given(latitudes, longitudes, latitudes, longitudes)
def test_distance_is_the_same_both_ways_and_bearings_are_degrees(a1: str, o1: str, a2: str, o2: str) -> None:
    assert positioning.distance_m(a1, o1, a2, o2) == positioning.distance_m(a2, o2, a1, o1)
    assert 0 <= positioning.bearing(a1, o1, a2, o2) < 360
    assert positioning.distance_m(a1, o1, a1, o1) == 0


def test_bearings_of_the_four_winds() -> None:
    bearings = [
        positioning.bearing("0", "0", *there) for there in (("1", "0"), ("0", "1"), ("-1", "0"), ("0", "-1"))
    ]
    assert bearings == [0, 90, 180, 270]


@pytest.mark.parametrize("text", [None, "", ",", "1", "91,0", "x,y", "NaN,0", "1,181"])
def test_what_is_no_place_is_none(text: str | None) -> None:
    assert positioning.coordinates(text) is None


def test_accuracy_widens_what_counts_as_near() -> None:
    rules = PositionRules(far_m=200)
    sure = positioning.record(taken("39.47200"), NOW, SUPPLY_POINT, rules)
    unsure = positioning.record(taken("39.47200", accuracy="80.0"), NOW, SUPPLY_POINT, rules)
    assert sure is not None
    assert unsure is not None
    assert (sure.flags, unsure.flags) == (["far"], [])
    assert positioning.trusted(sure)


def test_gps_time_goes_on_by_the_monotonic_clock_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ticks = SystemClock(), [1_000]
    monkeypatch.setattr("workorders.clock._since_boot_ms", lambda: ticks[0])
    assert clock.now().gps is None
    clock.gps_fix(NOW)
    ticks[0] += 90_000
    said = clock.now().gps
    assert said is not None
    assert read_utc(said) == NOW + timedelta(seconds=90)
    ticks[0] += GPS_HOLDS_MS
    assert clock.now().gps is None
