"""An answer is corrected and steps that it led to do not apply any more: what they say counts for nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure.answers import ChooseAnswer
from fieldtool.procedure.effects import flags_of
from fieldtool.procedure.state import Done, RunState
from fieldtool.procedure.views import RunEnd
from fieldtool.text import Text
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.test_jobs import NEW_SIM, STANDING, job_world
from tests.fieldtool.world import World, make_world
from workorders.journal.words import TaskKind
from workorders.store import schema

SIM = {"signal": {"value": "-91"}, "action": {"choice": "sim_replaced"}, "new_sim": NEW_SIM}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return job_world(tmp_path, monkeypatch, TaskKind.INVESTIGATE, **STANDING)


def test_a_step_that_a_corrected_answer_hides_is_not_done_and_is_kept(world: World) -> None:
    """The card stayed in the record, in the tree of identities and in the office's list of steps."""
    run = world.run()
    work(run, SIM, until="join")
    run.go("action")
    run.accept({"choice": "restarted"})
    assert "new_sim" not in run.state.done
    again = world.run()
    assert "new_sim" not in again.state.done
    work(again)
    assert again.state.end is RunEnd.COMPLETED
    [completed] = world.payloads("order.completed")
    assert completed["passed_over"] == ["new_sim"]
    with world.store.read() as connection:
        rows = list(connection.execute(schema.step_state.select()))
    assert "new_sim" not in {row.step for row in rows}
    assert len({row.position for row in rows}) == len(rows)
    assert "new_sim" in [done["step"] for done in world.payloads("step.done")]
    assert world.digest_is_stable()


def test_an_answer_that_is_changed_back_brings_its_steps_back(world: World) -> None:
    run = world.run()
    work(run, SIM, until="join")
    run.go("action")
    run.accept({"choice": "restarted"})
    run.go("action")
    run.accept({"choice": "sim_replaced"})
    assert run.state.done["new_sim"].answer.value == NEW_SIM["value"]  # type: ignore[union-attr]
    shown = run.shown_step()
    assert shown is not None
    assert shown.id == "new_sim"  # it comes after the answer that it rests on, and is looked at again


def test_a_hidden_photo_may_be_shown_again_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It blocked: taken for the finding that is none, it could not be the photo of anything else."""
    world = job_world(tmp_path, monkeypatch, TaskKind.INSPECT, **STANDING)
    run = world.run()
    found = {"result": {"choice": "repair_needed", "note": "tapa rota"}}
    work(run, found, until="photo_finding")
    shown = [w.photo(run, "finding") for _ in range(2)]
    run.accept({"photos": shown})
    run.go("result")
    run.accept({"choice": "in_order"})
    run.go("photo_before")
    assert run.accept({"photos": shown[:1]}).step == "photo_before"


def test_what_hangs_on_a_hidden_answer_is_hidden_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, monkeypatch)
    text = Text(es="x", en="x", pt="x")
    yes = [m.Choice(id="yes", text=text), m.Choice(id="no", text=text, flag="odd")]
    first = m.ChooseStep(id="a", title=text, choices=yes)
    second = m.ChooseStep(id="b", title=text, choices=yes, when=[said("a")])
    third = m.ChooseStep(id="c", title=text, choices=yes, when=[said("b")])
    run = world.run()
    procedure = msgspec.structs.replace(
        run.procedure, phase=[m.Phase(id="p", title=text, step=[first, second, third])]
    )
    answers = {"a": "no", "b": "yes", "c": "no"}
    done = {
        name: Done(step=name, answer=ChooseAnswer(choice=choice), position=n, at="", entry_id="")
        for n, (name, choice) in enumerate(answers.items())
    }
    state = engine.standing(procedure, run.job(), RunState(done=done))
    assert list(state.done) == ["a"]
    assert flags_of(procedure, run.job(), state) == ["odd"]


def said(step: str) -> m.Condition:
    return m.Condition(step=step, field="choice", equals="yes")
