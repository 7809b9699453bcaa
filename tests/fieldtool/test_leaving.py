"""Before the crew goes: neighbours that hang elsewhere, a phase that is not there, what was noted before."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldtool.leaving import Neighbour, RiskLevel, disagreements, phase_fault
from fieldtool.procedure.views import SummaryBody
from fieldtool.run import ProcedureRun
from fieldtool.text import Language
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.test_jobs import NO_OLD, job_world
from workorders.journal.kinds import DevicePlaced
from workorders.journal.words import JoinState, TaskKind
from workorders.orders import Place


def beside(*concentrators: str | None) -> list[Neighbour]:
    return [Neighbour(name=f"n{n}", concentrator=one) for n, one in enumerate(concentrators)]


@pytest.mark.parametrize(
    ("others", "accused"),
    [
        (["D2", "D2"], True),
        (["D2", "D2", "D1"], True),
        (["D2"], False),
        (["D2", "D2", "D1", "D1"], False),
        (["D1", "D1", "D2"], False),
        ([None, None, "D2"], False),
        ([], False),
    ],
)
def test_neighbours_accuse_only_when_they_agree_and_are_more_than_one(
    others: list[str | None], accused: bool
) -> None:
    own = Neighbour(name="own", concentrator="D1")
    assert [one.code for one in disagreements(own, beside(*others))] == ["neighbour_concentrator"] * accused


@pytest.mark.parametrize(
    ("phase", "there", "fault"),
    [("C", "AB", True), ("A", "ABC", False), ("ABC", "A", True), (None, "A", False), ("A", None, False)],
)
def test_a_phase_that_the_transformer_has_not_is_named(
    phase: str | None, there: str | None, fault: bool
) -> None:
    assert (phase_fault(phase, there) is not None) is fault


def at_the_end(run: ProcedureRun) -> SummaryBody:
    work(run, until="leave")
    view = run.view(Language.ES).current
    assert view is not None
    assert isinstance(view.body, SummaryBody)
    return view.body


def test_a_meter_in_a_panel_whose_meters_hang_elsewhere_is_told_before_the_crew_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason leads back to the place, and stays in the record when the crew goes anyway."""
    place = Place(transformer="CT-28101", concentrator="CT-28101-DC", panel="P-1", slot=3)
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **NO_OLD, place=place)
    for n, serial in enumerate(("A1", "B2"), 1):
        with world.store.write() as connection:
            w.keys.put_order_key(connection, f"beside-{n}", w.new_order_key())
        world.journal.append(
            DevicePlaced(serial=serial, model="m", panel="P-1", slot=n, concentrator="OTHER-DC"),
            order_id=f"beside-{n}",
        )
    run = world.run()
    body = at_the_end(run)
    assert body.risk == RiskLevel.HIGH
    [risk] = [one for one in body.risks if one.code == "neighbour_concentrator"]
    assert risk.params == {"mine": "CT-28101-DC", "theirs": "OTHER-DC", "count": "2"}
    assert risk.step == "place"
    work(run)
    [completed] = world.payloads("order.completed")
    assert "neighbour_concentrator" in completed["flags"]
    [left] = [one for one in world.payloads("step.done") if one["step"] == "leave"]
    assert left["answers"]["risk"] == "high"


def test_a_clean_visit_has_nothing_against_leaving_and_writes_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **NO_OLD)
    run = world.run()
    assert at_the_end(run).risks == []
    work(run)
    [left] = [one for one in world.payloads("step.done") if one["step"] == "leave"]
    assert "risk" not in left["answers"]


def test_a_join_that_shows_within_minutes_is_worth_waiting_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **NO_OLD)
    world.meters["new"].joined = JoinState.PENDING
    run = world.run()
    [risk] = at_the_end(run).risks
    assert (risk.code, risk.step) == ("join_pending", "join")
    assert risk.level in (RiskLevel.MEDIUM, RiskLevel.LOW)
