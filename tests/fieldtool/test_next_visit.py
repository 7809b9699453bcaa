"""A visit that goes on from one that was broken off: what happened stays, what is of one day is done anew."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import assets
from fieldtool.procedure import carrying
from fieldtool.procedure import model as m
from fieldtool.procedure.model import load_procedure, load_procedures
from fieldtool.procedure.views import RunEnd, StandingView
from fieldtool.run import ProcedureRun
from fieldtool.tomlfile import FileMistake
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.world import World, make_world, walk
from workorders.journal import kinds
from workorders.journal.words import TaskKind

AGAIN = ["site", "hazards", "voltage"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def broken_off(world: World, before: str) -> ProcedureRun:
    """A visit that ended before a step, and the next one as it begins."""
    run = world.run()
    walk(run, until=before)
    run.not_done("weather")
    sent_back(world, run)
    return world.run()


def sent_back(world: World, run: ProcedureRun) -> None:
    """The office gives the order to a crew once more: only then can it be begun again."""
    reason = run.book.seal_said("otra visita")
    world.journal.append(kinds.OrderReturned(version=2, reason=reason), order_id=world.order.mrid)


def asked(run: ProcedureRun) -> list[str]:
    """Walks to the end; returns the steps that were asked, in order."""
    found: list[str] = []
    while (step := run.shown_step()) is not None:
        found.append(step.id)
        w.ANSWERS[step.id](run)
    return found


def standing(run: ProcedureRun) -> StandingView:
    shown = run.view(w.Language.ES).standing
    assert shown is not None
    return shown


def test_after_the_swap_the_next_visit_asks_what_is_of_its_own_day_and_goes_on_at_the_new_meter(
    world: World,
) -> None:
    """It began at *site* and asked for the label and the last reading of a meter that was in the store."""
    again = broken_off(world, "new_scan")
    steps = asked(again)
    assert steps[:5] == [*AGAIN, "isolate", "new_scan"]
    assert not {"old_scan", "old_read", "old_dial", "seals_found", "photo_before", "swap"} & set(steps)
    assert again.state.end is RunEnd.COMPLETED
    assert [gone["serial"] for gone in world.payloads("device.removed")] == [w.OLD_SERIAL]


def test_with_the_load_on_again_nothing_is_isolated_and_the_meter_in_its_place_is_not_placed_again(
    world: World,
) -> None:
    again = broken_off(world, "join")
    assert asked(again) == [*AGAIN, "join", "photo_after", "customer", "leave"]
    assert [put["serial"] for put in world.payloads("device.placed")] == [w.NEW_SERIAL]
    assert world.digest_is_stable()


def test_before_the_swap_nothing_stands_and_the_visit_begins_anew(world: World) -> None:
    again = broken_off(world, "swap")
    assert again.view(w.Language.ES).standing is None
    assert asked(again)[:5] == ["site", "hazards", "photo_before", "voltage", "old_scan"]


def test_a_tablet_that_dies_on_the_second_visit_comes_back_to_the_same_step(world: World) -> None:
    again = broken_off(world, "new_scan")
    walk(again, until="new_read")
    restarted = world.run()
    step = restarted.shown_step()
    assert step is not None
    assert step.id == "new_read"
    assert restarted.state == again.state


def test_a_third_visit_goes_on_from_the_second(world: World) -> None:
    again = broken_off(world, "new_scan")
    walk(again, until="configure")
    again.not_done("weather")
    third = world.run()
    walk(third, until="configure")
    assert third.state.earlier is not None
    assert "new_scan" in third.state.done
    walk(third)
    assert third.state.end is RunEnd.COMPLETED


def test_a_third_visit_goes_on_from_the_first_where_nothing_was_done_on_the_second(world: World) -> None:
    broken_off(world, "new_scan").not_done("weather")
    assert asked(world.run())[:5] == [*AGAIN, "isolate", "new_scan"]


def test_the_crew_sees_what_stands_until_it_has_done_a_step(world: World) -> None:
    again = broken_off(world, "place")
    shown = standing(again)
    assert (shown.removed, shown.placed, shown.found) == (w.OLD_SERIAL, None, w.NEW_SERIAL)
    assert shown.end is RunEnd.NOT_DONE
    assert shown.again == ["Sitio y cliente", "Riesgos y protección", "Tensión y base"]
    assert shown.to_do[0] == "Ubicación"
    assert shown.ask
    again.go_on()
    assert not standing(again).ask
    restarted = world.run()
    assert standing(restarted).ask
    w.ANSWERS["site"](restarted)
    assert not standing(restarted).ask


def test_the_record_of_the_second_visit_names_the_photos_of_both(world: World) -> None:
    again = broken_off(world, "new_scan")
    asked(again)
    [completed] = world.payloads("order.completed")
    taken = {blob["sha256"] for blob in world.payloads("photo.taken")}
    assert set(completed["blobs"]) == taken


def test_a_check_of_the_first_visit_proves_nothing_on_the_second(world: World) -> None:
    """The page of a step that is of one visit came up with the ticks of the day before."""
    page = broken_off(world, "new_scan").view(w.Language.ES).current
    assert page is not None
    assert (page.id, page.answer) == ("site", None)


def test_an_order_that_the_office_sends_back_goes_on_from_what_hangs_there(world: World) -> None:
    run = world.run()
    walk(run)
    sent_back(world, run)
    again = world.run()
    assert standing(again).placed == w.NEW_SERIAL
    assert asked(again) == [*AGAIN, "join", "customer", "leave"]


@pytest.mark.parametrize(
    ("procedure", "kind", "before"),
    [
        ("remove", TaskKind.REMOVE, "seals_applied"),
        ("install", TaskKind.INSTALL, "new_scan"),
        ("irregularity", TaskKind.INVESTIGATE, "photo_bag"),
    ],
)
def test_every_kind_of_work_on_the_site_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, procedure: str, kind: TaskKind, before: str
) -> None:
    """The whole job over two visits: nothing that changed the site is asked, or written, twice."""
    order = w.order(procedure=procedure, kind=kind)
    world = make_world(tmp_path, monkeypatch, order)
    run = world.run()
    work(run, until=before)
    done = set(run.state.done)
    run.not_done("weather")
    again = world.run()
    rules = again.procedure.next_visit
    assert rules is not None
    assert done - set(again.state.done) <= {one.step for one in rules.again}
    work(again)
    assert again.state.end is RunEnd.COMPLETED
    assert len(world.payloads("device.removed")) <= 1
    assert world.digest_is_stable()


def test_a_new_version_of_the_procedure_takes_over_what_means_the_same(world: World) -> None:
    exchange = world.around.procedures["exchange"]
    phases = [
        msgspec.structs.replace(phase, step=[_other_register(step) for step in phase.step])
        for phase in exchange.phase
    ]
    now = msgspec.structs.replace(exchange, version=99, phase=phases)
    run = world.run()
    walk(run, until="new_scan")
    kept = carrying.kept(run.state.done, exchange, now)
    assert run.state.done.keys() - kept.keys() == {"old_dial"}


def _other_register(step: m.Step) -> m.Step:
    if isinstance(step, m.NumberStep) and step.id == "old_dial":
        return msgspec.structs.replace(step, register="1.8.1")
    return step


def test_an_answer_that_is_no_longer_offered_is_not_taken_over(world: World) -> None:
    exchange = world.around.procedures["exchange"]
    run = world.run()
    walk(run, until="new_scan")
    seals = exchange.step("seals_found")
    assert isinstance(seals, m.SealsStep)
    fewer = msgspec.structs.replace(seals, positions=seals.positions[1:])
    phases = [
        msgspec.structs.replace(phase, step=[fewer if step.id == seals.id else step for step in phase.step])
        for phase in exchange.phase
    ]
    now = msgspec.structs.replace(exchange, phase=phases)
    assert "seals_found" not in carrying.kept(run.state.done, exchange, now)


def test_every_procedure_that_takes_something_down_or_mounts_it_says_what_the_next_visit_takes_over() -> None:
    for procedure in load_procedures(assets.root() / "procedures").values():
        changes = [
            step.id
            for step in procedure.steps
            if isinstance(step, m.PlaceStep) or (isinstance(step, m.ConfirmStep) and step.effect)
        ]
        assert not changes or procedure.next_visit is not None, procedure.id
        if procedure.next_visit is not None:
            again = {one.step for one in procedure.next_visit.again}
            assert {"site", "hazards"} <= again, procedure.id


@pytest.mark.parametrize(
    ("word", "by", "reason"),
    [
        ('after = ["swap"]', 'after = ["swop"]', "'swop', which is no step"),
        (
            '{ step = "isolate", until = "polarity" }',
            '{ step = "isolate", until = "site" }',
            "'site' is no step",
        ),
    ],
)
def test_a_mistake_in_what_the_next_visit_takes_over_is_named(
    tmp_path: Path, word: str, by: str, reason: str
) -> None:
    text = (assets.root() / "procedures/exchange.toml").read_text(encoding="utf-8")
    path = tmp_path / "exchange.toml"
    path.write_text(text.replace(word, by, 1), encoding="utf-8")
    with pytest.raises(FileMistake, match=reason):
        load_procedure(path)
