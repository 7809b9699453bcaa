"""A relay that opened and did not close again: somebody is in the dark, and everybody hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import errors
from fieldtool.commissioning import RelayTestFailed
from fieldtool.errors import StepRefused
from fieldtool.procedure.views import RelayBody, RunEnd, SummaryBody
from fieldtool.run import ProcedureRun
from fieldtool.text import Language
from tests.fieldtool.jobs import work
from tests.fieldtool.test_jobs import STANDING, job_world
from tests.fieldtool.world import NEW_SERIAL, OTHER_SERIAL, World, codes, make_world, walk
from workorders.journal.kinds import DeviceRemoved
from workorders.journal.words import TaskKind
from workorders.store import queries

UNTESTED = {"confirmation": "0000", "untested": "office_instruction"}
IN_THE_DARK = ("supply_left_off", NEW_SERIAL, "urgent")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def cases(world: World) -> list[tuple[str, str | None, str]]:
    with world.store.read() as connection:
        return [(one.kind, one.serial, one.severity) for one in queries.exceptions(connection)]


def waiting(run: ProcedureRun) -> set[str]:
    page = run.view(Language.ES).current
    assert page is not None
    return {problem.code for problem in page.waiting}


def left_in_the_dark(world: World) -> ProcedureRun:
    run = world.run()
    walk(run, until="relay")
    world.meters["new"].stuck = {"reconnect"}
    with pytest.raises(RelayTestFailed):
        run.test_relay("0000")
    return run


def test_a_relay_that_does_not_close_again_is_told_to_crew_and_office(world: World) -> None:
    """It raised nothing: the crew said *untested*, and the order was closed with the customer in the dark."""
    left_in_the_dark(world)
    assert cases(world) == [IN_THE_DARK]
    run = world.run()
    assert waiting(run) == {"supply_is_off"}
    run.accept(UNTESTED)
    walk(run, until="leave")
    page = run.view(Language.ES).current
    assert page is not None
    assert isinstance(page.body, SummaryBody)
    assert ("supply_left_off", "high", "relay") in [(r.code, r.level, r.step) for r in page.body.risks]
    walk(run)
    assert "supply_left_off" in world.payloads("order.completed")[0]["flags"]
    assert cases(world).count(IN_THE_DARK) == 1
    assert world.digest_is_stable()


def test_a_relay_that_closes_at_last_is_no_case_any_more(world: World) -> None:
    run = left_in_the_dark(world)
    world.meters["new"].stuck = set()
    walk(run)
    assert run.state.end is RunEnd.COMPLETED
    assert cases(world) == []
    assert "flags" not in world.payloads("order.completed")[0]


def test_a_tablet_that_dies_between_opening_and_closing_knows_that_the_supply_is_off(world: World) -> None:
    run = world.run()
    walk(run, until="relay")
    world.meters["new"].fail = {"relay reconnect": errors.LinkLost()}
    with pytest.raises(errors.LinkLost):
        run.test_relay("0000")
    again = world.run()
    assert waiting(again) == {"supply_is_off"}
    with pytest.raises(StepRefused) as caught:
        again.not_done("weather")
    assert codes(caught) == {"supply_left_off"}
    again.not_done("weather", "El relé no cierra; la familia está avisada")
    assert IN_THE_DARK in cases(world)
    assert world.run().state.dark == {NEW_SERIAL}  # the next visit knows it too


def test_another_meter_in_its_place_gives_the_supply_back(world: World) -> None:
    run = left_in_the_dark(world)
    run.append_beside([DeviceRemoved(serial=NEW_SERIAL)])
    assert run.state.dark == frozenset()
    assert cases(world) == []


def test_a_meter_that_writes_its_serial_with_spaces_is_switched_all_the_same(world: World) -> None:
    """Its own word was compared sign by sign with the label's: the relay could never be tested."""
    world.meters["new"].serial = f"{NEW_SERIAL[:3]} {NEW_SERIAL[3:]}"
    run = world.run()
    walk(run, until="relay")
    world.meters["new"].stuck = {"reconnect"}
    with pytest.raises(RelayTestFailed):
        run.test_relay("0000")
    assert cases(world) == [IN_THE_DARK]
    world.meters["new"].stuck = set()
    run.test_relay("0000")
    assert run.accept({"confirmation": "0000"}).step == "relay"
    assert cases(world) == []


def test_the_relay_of_another_meter_is_not_switched(world: World) -> None:
    run = world.run()
    walk(run, until="relay")
    world.meters["new"].serial = OTHER_SERIAL
    with pytest.raises(errors.OtherMeter):
        run.test_relay("0000")
    assert world.meters["new"].relay == "connected"


def test_a_cut_that_was_ordered_is_no_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.DISCONNECT, **STANDING)
    work(world.run())
    assert world.meters["old"].relay == "disconnected"
    assert cases(world) == []


def test_a_reconnection_that_did_not_take_is_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.RECONNECT, **STANDING)
    meter = world.meters["old"]
    meter.relay, meter.stuck = "disconnected", {"reconnect"}
    run = world.run()
    work(run, until="relay")
    with pytest.raises(RelayTestFailed):
        run.test_relay("0000")
    assert [kind for kind, _, _ in cases(world)] == ["supply_left_off"]


def test_a_meter_that_waits_for_its_button_says_so_to_the_crew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was shown as closed, and the crew left a customer in the dark with a button nobody had named."""
    world = job_world(tmp_path, monkeypatch, TaskKind.RECONNECT, **STANDING)
    meter = world.meters["old"]
    meter.relay, meter.by_button = "disconnected", "ready for reconnection"
    run = world.run()
    work(run, until="relay")
    run.test_relay("0000")
    page = run.view(Language.ES).current
    assert page is not None
    assert isinstance(page.body, RelayBody)
    assert page.body.result == "button"
    work(run)
    assert run.state.end is not None
    assert cases(world) == []
