"""The CT ratio of an exchange: two sources, the order, and what the meters of the visit say against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.reading import Reading
from fieldtool.errors import StepRefused
from fieldtool.procedure.ratios import ratio_doubts
from fieldtool.procedure.state import Found, Job, RunState
from fieldtool.run.planvalues import program_values
from tests.fieldtool import world as w
from tests.fieldtool.test_wiring_stop import momentary, to_step
from tests.fieldtool.world import World, codes, make_world, order
from workorders.journal.words import DeviceRole, ReadingValue


def at_plate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: list[Reading]
) -> tuple[World, w.ProcedureRun]:
    ct = order(
        new_asset=w.NewAsset(serial=w.NEW_SERIAL, model="idis-3ph-ct"), program_values={"ct_ratio": "200/5"}
    )
    world = make_world(tmp_path, monkeypatch, ct)
    world.meters["new"].model = "idis-3ph-ct"
    world.meters["new"].momentary = readings
    run = world.run()
    to_step(run, "ct_plate")
    return world, run


def test_two_sources_must_say_the_same_and_the_program_is_told_what_the_plate_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = at_plate(tmp_path, monkeypatch, momentary(powers=(0, 0, 0), amps="0.00"))
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "100/5"})
    assert codes(caught) == {"not_as_ordered"}
    run.accept({"value": "200/5"})
    w.ANSWERS["photo_ct_plate"](run)
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "100/5"})
    assert codes(caught) == {"sources_disagree"}
    run.accept({"value": "200:5"})
    told = program_values(run)
    assert told["plate.ct_primary"] == told["order.ct_primary"] == "200"


def test_a_ratio_against_what_the_meter_measures_needs_a_reason_and_tells_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 A transformers do not give 9 A; it used to be believed, and every bill after it."""
    world, run = at_plate(tmp_path, monkeypatch, momentary(powers=(900, 900, 900), amps="9.0"))
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "200/5"})
    assert codes(caught) == {"ratio_current"}
    assert [problem.field for problem in caught.value.problems] == ["reason"]
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "200/5", "reason": "set_by_program"})
    assert codes(caught) == {"note_missing"}
    run.accept({"value": "200/5", "reason": "set_by_program", "note": "medido con pinza: 9 A"})
    walked = world.payloads("step.done")[-1]
    assert walked["step"] == "ct_plate"
    to_step(run, "leave")
    w.ANSWERS["leave"](run)
    assert "ratio_implausible" in world.payloads("order.completed")[-1]["flags"]


@pytest.mark.parametrize(
    ("readings", "contracted", "said"),
    [
        ({"0.4.2": "200", "0.4.5": "5"}, None, []),
        ({"0.4.2": "40"}, None, []),
        ({"0.4.2": "1", "0.4.5": "1"}, None, []),
        ({"0.4.2": "100", "0.4.5": "5"}, None, ["ratio_held"]),
        ({"31.7.0": "5.9"}, None, []),
        ({"31.7.0": "0.1", "71.7.0": "-6.1"}, None, ["ratio_current"]),
        ({"0.4.2": "200", "0.4.5": "5", "31.7.0": "150"}, None, []),
        ({"0.4.2": "200", "0.4.5": "5", "31.7.0": "241"}, None, ["ratio_current"]),
        ({"1.7.0": "1500"}, "100000", []),
        ({"1.7.0": "5100"}, "100000", ["ratio_power"]),
        ({"1.7.0": "5100"}, None, []),
        ({"0.4.2": "0", "0.4.5": "0", "31.7.0": "x"}, "0", []),
    ],
)
def test_what_speaks_against_200_5(readings: dict[str, str], contracted: str | None, said: list[str]) -> None:
    """With a ratio in it a meter shows primary or secondary by its make: only what is neither counts."""
    found = Found(
        role=DeviceRole.OLD,
        how="optical",
        serial="1",
        readings=[ReadingValue(item=f"3:1.0.{code}.255:2", value=value) for code, value in readings.items()],
    )
    job = Job(order=order(contracted_power=contracted), facts=frozenset(), today="2026-05-01T00:00:00Z")
    doubts = ratio_doubts("200/5", job, RunState(reads={DeviceRole.OLD: found}))
    assert [one.code for one in doubts] == said
