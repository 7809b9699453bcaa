"""A crew that finds other work to be the right one, and goes on with it in the same visit; a swap undone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest

import assets
from fieldtool.errors import JobError, StepRefused
from fieldtool.headless import HeadlessRun
from fieldtool.procedure.model import Procedure, load_procedures
from fieldtool.procedure.views import RunEnd
from fieldtool.run import ProcedureRun
from fieldtool.run.surroundings import Person
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.world import World, codes, make_world, walk
from workorders.people import Role
from workorders.store import queries

EXTRA = {"old_dial_again": {"value": "23801"}}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def offered(run: ProcedureRun) -> list[str]:
    return [one.id for one in run.view(w.Language.ES).works]


def to_irregularity(run: ProcedureRun) -> None:
    run.change_work("irregularity", "bypass", "puente detrás", [w.photo(run, "change")])


def as_role(world: World, role: Role) -> None:
    who = Person(id="lead-1", name="Luz", role=role, crew="PRM-01")
    world.around = dataclasses.replace(world.around, person=lambda: who)


def test_an_exchange_that_turns_out_to_be_an_irregularity_goes_on_as_one(world: World) -> None:
    """Crews closed such orders as not executed and lost what they had read, or exchanged the proof away."""
    run = world.run()
    walk(run, until="isolate")
    to_irregularity(run)
    assert run.procedure.id == "irregularity"
    kept = set(run.state.done)
    assert {"site", "hazards", "voltage", "old_scan", "old_read", "old_dial", "seals_found"} <= kept
    assert "photo_before" not in kept
    work(run)
    assert run.state.end is RunEnd.COMPLETED
    [gone] = world.payloads("device.removed")
    assert gone["destination"] == "laboratory"
    [changed] = world.payloads("procedure.changed")
    assert (changed["procedure"], changed["was"], changed["task"]) == (
        "irregularity",
        "exchange",
        "investigate",
    )
    assert changed["reason"] == "bypass"
    assert "puente" not in json.dumps(changed)
    assert world.digest_is_stable()


def test_the_tablet_that_dies_after_the_change_goes_on_with_the_new_work(world: World) -> None:
    run = world.run()
    walk(run, until="isolate")
    to_irregularity(run)
    work(run, until="photo_close")
    again = world.run()
    step = again.shown_step()
    assert step is not None
    assert (again.procedure.id, step.id) == ("irregularity", "photo_close")
    assert again.state == run.state


def test_the_office_sees_that_other_work_was_done_and_why(world: World) -> None:
    run = world.run()
    walk(run, until="old_scan")
    to_irregularity(run)
    with world.store.read() as connection:
        detail = queries.order(connection, world.order.mrid)
    assert detail is not None
    assert detail.row.kind == "exchange"
    [case] = [one for one in detail.exceptions if one.kind == "procedure_changed"]
    told = (case.detail["was"], case.detail["procedure"], case.detail["reason"])
    assert told == ("exchange", "irregularity", "bypass")


def test_nobody_there_ends_with_a_record_and_the_next_visit_begins_the_exchange_anew(world: World) -> None:
    run = world.run()
    walk(run, until="hazards")
    run.change_work("customer_absent", "nobody_there")
    assert "site" in run.state.done
    work(run, {"notice": {"value": "AV-00017"}})
    assert run.state.end is RunEnd.NOT_DONE
    [ended] = world.payloads("order.notDone")
    assert ended["reason"] == "customer_absent"
    again = world.run()
    assert (again.procedure.id, again.state.done) == ("exchange", {})


def test_what_is_offered_depends_on_how_far_the_crew_has_got_and_on_who_it_is(world: World) -> None:
    run = world.run()
    assert offered(run) == ["irregularity", "customer_absent", "commission", "install"]
    walk(run, until="new_scan")
    assert offered(run) == ["restore"]
    with pytest.raises(JobError) as caught:
        run.change_work("irregularity", "bypass")
    assert caught.value.code == "no_such_work"
    as_role(world, Role.LEAD)
    other = ProcedureRun(world.around, msgspec.structs.replace(world.order))
    assert offered(other) == ["restore"]


def test_only_a_lead_turns_an_exchange_into_a_removal(world: World) -> None:
    run = world.run()
    with pytest.raises(JobError):
        run.change_work("remove", "supply_ended", "lo pidió el titular")
    as_role(world, Role.LEAD)
    lead = world.run()
    assert "remove" in offered(lead)
    lead.change_work("remove", "supply_ended", "lo pidió el titular")
    work(lead)
    assert lead.state.end is RunEnd.COMPLETED


def test_a_reason_demands_what_the_file_says_and_nothing_is_written_before(world: World) -> None:
    run = world.run()
    walk(run, until="old_scan")
    with pytest.raises(StepRefused) as caught:
        run.change_work("irregularity", "bypass")
    assert codes(caught) == {"photo_missing"}
    with pytest.raises(StepRefused) as caught:
        run.change_work("irregularity", "bored")
    assert codes(caught) == {"not_allowed"}
    assert "procedure.changed" not in world.kinds()
    assert run.procedure.id == "exchange"


# --- undone -------------------------------------------------------------------------------------


def test_a_swap_is_undone_with_both_meters_accounted_for(world: World) -> None:
    run = world.run()
    walk(run, until="join")
    run.change_work("restore", "new_meter_faulty", "no comunica")
    work(run, EXTRA)
    assert run.state.end is RunEnd.NOT_DONE
    moved = [(gone["serial"], gone["destination"]) for gone in world.payloads("device.removed")]
    assert moved == [(w.OLD_SERIAL, "store"), (w.NEW_SERIAL, "truck")]
    assert [put["serial"] for put in world.payloads("device.placed")] == [w.NEW_SERIAL, w.OLD_SERIAL]
    with world.store.read() as connection:
        standing = queries.placements(connection, standing_only=True)
        detail = queries.order(connection, world.order.mrid)
    assert [place.serial for place in standing] == [w.OLD_SERIAL]
    assert detail is not None
    assert detail.row.new_serial == world.order.new_asset.serial if world.order.new_asset else None
    assert "not_done_site_changed" not in {one.kind for one in detail.exceptions}
    assert world.digest_is_stable()


def test_a_visit_that_finds_the_swap_half_done_may_undo_it_and_the_next_begins_anew(world: World) -> None:
    run = world.run()
    walk(run, until="new_scan")
    run.not_done("weather")
    again = world.run()
    assert "restore" in offered(again)
    again.change_work("restore", "customer_objects", "pide el suyo")
    work(again, EXTRA)
    assert [put["serial"] for put in world.payloads("device.placed")] == [w.OLD_SERIAL]
    third = world.run()
    assert (third.procedure.id, third.state.done, third.state.removed) == ("exchange", {}, None)
    walk(third)
    assert third.state.end is RunEnd.COMPLETED


def test_an_undoing_that_was_not_begun_leaves_the_swap_to_go_on_with(world: World) -> None:
    """Nothing that happened is lost by changing the work: the old meter is still in the store."""
    run = world.run()
    walk(run, until="new_scan")
    run.change_work("restore", "customer_objects", "pide el suyo")
    run.not_done("weather")
    again = world.run()
    assert again.procedure.id == "exchange"
    assert {"old_dial", "swap"} <= set(again.state.done)


def test_an_undoing_that_was_broken_off_is_gone_on_with(world: World) -> None:
    run = world.run()
    walk(run, until="new_scan")
    run.change_work("restore", "customer_objects", "pide el suyo")
    work(run, EXTRA, until="seals_again")
    run.not_done("weather")
    again = world.run()
    assert again.procedure.id == "restore"
    work(again, EXTRA)
    assert [put["serial"] for put in world.payloads("device.placed")] == [w.OLD_SERIAL]


# --- without a screen ---------------------------------------------------------------------------


def test_answers_of_a_file_change_the_work_at_the_step_they_name(world: World, tmp_path: Path) -> None:
    (tmp_path / "bypass.jpg").write_bytes(w.picture())
    answers = {
        "site": {"checks": {"place": True, "customer": True}},
        "hazards": {"checks": {"hazards": True, "protection": True}},
        "change": {
            "at": "photo_before",
            "to": "irregularity",
            "reason": "bypass",
            "photos": ["bypass.jpg"],
        },
        "not_done": {"at": "photo_wide", "reason": "weather"},
    }
    outcome = HeadlessRun(world.run(), answers, pictures=tmp_path).go()
    assert (outcome.state, outcome.procedure) == ("not_done", "irregularity")
    assert len(world.payloads("procedure.changed")) == 1


# --- the files ----------------------------------------------------------------------------------


def procedures() -> dict[str, Procedure]:
    return load_procedures(assets.root() / "procedures")


def test_every_change_leads_to_a_procedure_there_is_and_never_away_from_a_half_done_site() -> None:
    known = procedures()
    for procedure in known.values():
        for change in procedure.change:
            assert change.to in known
            assert change.before is not None or change.after is not None, (procedure.id, change.to)
