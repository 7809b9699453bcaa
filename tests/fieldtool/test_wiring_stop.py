"""Rotation and polarity before the load goes on: what the meter measures stands beside what the crew says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers.reading import Reading
from fieldtool.errors import StepRefused
from fieldtool.procedure.views import ConfirmBody, RunEnd
from fieldtool.text import Language
from fieldtool.wiring import generation_of
from tests.fieldtool import world as w
from tests.fieldtool.world import World, make_world, order, photo, walk
from workorders.journal.kinds import MeterRead
from workorders.journal.words import DeviceRole
from workorders.people import Role

CHECKS = {"polarity": True, "rotation": True, "bridge_removed": True}


def momentary(
    *, second: int = 120, powers: tuple[int, int, int] = (900, 900, 900), amps: str = "4.0"
) -> list[Reading]:
    """Three phases; `second`: how far U(L2) is behind U(L1)."""
    rows = [("81.7.1", str(second), "°"), ("81.7.2", str(360 - second), "°")]
    for (u, i, p, q), power in zip(
        ((32, 31, 21, 23), (52, 51, 41, 43), (72, 71, 61, 63)), powers, strict=True
    ):
        rows += [(f"{u}.7.0", "230.0", "V"), (f"{i}.7.0", amps, "A")]
        rows += [(f"{p}.7.0", str(power), "W"), (f"{q}.7.0", str(power // 4), "var")]
    return [Reading(item=f"3:1.0.{code}.255:2", value=value, unit=unit) for code, value, unit in rows]


IDLE: dict[str, Any] = {"powers": (0, 0, 0), "amps": "0.00"}


def at_polarity(world: World, readings: list[Reading]) -> Any:
    world.meters["new"].momentary = readings
    run = world.run()
    to_step(run, "polarity")
    return run


def to_step(run: Any, wanted: str) -> None:
    for _ in range(40):
        step = run.shown_step()
        assert step is not None
        if step.id == wanted:
            return
        if step.id == "isolate":
            checks = {"load_off": True, "back_feed": True, "ct_shorted": True, "dead": True}
            run.accept({"checks": checks, "photos": {"ct_shorted": photo(run, "ct_shorted")}})
        elif step.id == "polarity":
            say_right(run)
        else:
            w.ANSWERS[step.id](run)
    raise AssertionError(f"the procedure does not come to {wanted}")


def say_right(run: Any) -> None:
    run.accept({"checks": CHECKS, "photos": {"bridge_removed": photo(run, "ct_bridge_removed")}})


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A three-phase meter on transformers, whose model tells the sense of its angles."""
    ct = order(new_asset=w.NewAsset(serial=w.NEW_SERIAL, model="idis-3ph-ct"))
    made = make_world(tmp_path, monkeypatch, ct)
    made.meters["new"].model = "idis-3ph-ct"
    return made


def test_a_crew_that_says_right_against_a_meter_that_turns_backwards_does_not_go_on(world: World) -> None:
    world.signer.role = Role.SUPERVISOR
    run = at_polarity(world, momentary(second=240, **IDLE))
    with pytest.raises(StepRefused) as caught:
        say_right(run)
    [problem] = caught.value.problems
    assert (problem.code, problem.field, problem.overridable) == ("wiring_contradicts", "rotation", False)
    assert "step.done" in world.kinds()
    assert run.shown_step().id == "polarity"


def test_without_load_the_rotation_is_judged_and_the_polarity_left_to_the_tester(world: World) -> None:
    run = at_polarity(world, momentary(**IDLE))
    body = run.view(Language.ES).current.body
    assert isinstance(body, ConfirmBody)
    shown = {check.id: (check.measured, check.measured_tone) for check in body.checks}
    assert shown["rotation"] == ("giro L1-L2-L3", "good")
    assert shown["polarity"][1] == ""
    assert "sin carga" in (shown["polarity"][0] or "")
    assert shown["bridge_removed"] == (None, "")
    say_right(run)


def test_a_reversed_transformer_contradicts_polarity(world: World) -> None:
    run = at_polarity(world, momentary(powers=(900, -900, 900)))
    with pytest.raises(StepRefused) as caught:
        say_right(run)
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [
        ("wiring_contradicts", "polarity")
    ]


@pytest.mark.parametrize(
    ("flags", "generation"),
    [
        ([], None),
        (["dog"], None),
        (["generator"], True),
        (["solar", "dog"], True),
        (["no_generation"], False),
        (["solar", "no_generation"], None),
    ],
)
def test_the_orders_flags_say_whether_power_may_flow_back(flags: list[str], generation: bool | None) -> None:
    assert generation_of(flags) is generation


def test_where_the_order_knows_of_a_generator_a_phase_that_feeds_back_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict never knew: a crew at a solar roof could not go on with wiring that was right."""
    ct = order(new_asset=w.NewAsset(serial=w.NEW_SERIAL, model="idis-3ph-ct"), flags=["solar"])
    made = make_world(tmp_path, monkeypatch, ct)
    made.meters["new"].model = "idis-3ph-ct"
    run = at_polarity(made, momentary(powers=(900, -900, 900)))
    say_right(run)
    assert run.shown_step().id != "polarity"


def test_a_crew_that_agrees_that_it_is_wrong_ends_the_order_as_unsafe(world: World) -> None:
    run = at_polarity(world, momentary(second=240, **IDLE))
    run.accept({"checks": CHECKS | {"rotation": False}})
    assert run.state.end is RunEnd.UNSAFE


def test_after_the_wires_were_put_right_and_the_meter_read_again_the_crew_goes_on(world: World) -> None:
    run = at_polarity(world, momentary(second=240, **IDLE))
    world.meters["new"].momentary = momentary(**IDLE)
    run.go("new_read")
    run.read_meter()
    run.accept({})
    walk(run, until="polarity")
    say_right(run)
    assert run.shown_step().id != "polarity"


def test_the_record_keeps_rotation_and_angles(world: World) -> None:
    run = at_polarity(world, momentary())
    read = [one for one in world.payloads("meter.read") if one["role"] == "new"][-1]
    assert read["wiring"]["rotation"] == "direct"
    assert read["wiring"]["polarity"] == "right"
    assert [phase.get("voltage_angle") for phase in read["wiring"]["phases"]] == [0, 120, 240]
    assert run.state.end is None
    assert world.digest_is_stable()


def test_an_entry_without_a_verdict_is_written_as_before() -> None:
    """A default is not written: entries of older programs keep their bytes."""
    assert b"wiring" not in msgspec.json.encode(MeterRead(role=DeviceRole.NEW, how="dial"))
