"""What stands before the crew in the demo's window: the old meter, seals, the new meter."""

from __future__ import annotations

import assets
from fieldtool.demo.window import SEAL_SECONDS, scene_at, seal_number
from fieldtool.procedure.model import load_procedure

EXCHANGE = load_procedure(assets.root() / "procedures" / "exchange.toml")
NUMBERS = {step.id: number for number, step in enumerate(EXCHANGE.steps, start=1)}


def test_the_camera_sees_the_meter_that_the_step_is_about() -> None:
    shown = {name: scene_at(EXCHANGE, "RN2600001", number, 0.0) for name, number in NUMBERS.items()}
    assert shown["old_scan"].old
    assert shown["isolate"].old
    assert not shown["swap"].old
    assert {name for name, scene in shown.items() if scene.seal} == {"seals_found", "seals_applied"}


def test_no_two_seals_of_an_order_have_one_number() -> None:
    steps = [NUMBERS["seals_found"], NUMBERS["seals_applied"]]
    seen = [
        seal_number(scene_at(EXCHANGE, "RN2600001", step, look * SEAL_SECONDS))
        for step in steps
        for look in range(20)
    ]
    assert len(set(seen)) == len(seen)
