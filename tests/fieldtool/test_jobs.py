"""Every procedure beside the exchange, worked as a whole job on the real journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fieldtool.errors import StepRefused
from fieldtool.procedure.views import RunEnd
from tests.fieldtool import world as w
from tests.fieldtool.jobs import Answers, work
from tests.fieldtool.world import World, make_world, order
from workorders.journal.words import TaskKind

NEW_SIM = {"value": "8934071100278134568"}


def job_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: TaskKind, **changes: Any) -> World:
    """A world whose order names the task alone: its procedure follows, unless `procedure` is given."""
    return make_world(tmp_path, monkeypatch, order(**{"kind": kind, "procedure": None} | changes))


def codes(caught: pytest.ExceptionInfo[StepRefused]) -> set[str]:
    return {problem.code for problem in caught.value.problems}


NO_OLD: dict[str, Any] = {"old_asset": None}
STANDING: dict[str, Any] = {"new_asset": None, "program": None}
SITE = {"place": True, "customer": True}

JOBS: list[tuple[str, TaskKind, dict[str, Any], Answers, set[str]]] = [
    ("install", TaskKind.INSTALL, NO_OLD, {}, {"match.checked", "device.placed", "join.checked"}),
    (
        "commission",
        TaskKind.INSTALL,
        NO_OLD | {"procedure": "commission"},
        {},
        {"match.checked", "device.placed", "join.checked"},
    ),
    ("remove", TaskKind.REMOVE, STANDING, {}, {"meter.read", "device.removed", "seal.recorded"}),
    ("disconnect", TaskKind.DISCONNECT, STANDING, {}, {"meter.read", "seal.recorded"}),
    ("reconnect", TaskKind.RECONNECT, STANDING, {}, {"meter.read", "seal.recorded"}),
    ("inspect", TaskKind.INSPECT, STANDING, {}, {"meter.read", "seal.recorded"}),
    (
        "communication_fault",
        TaskKind.INVESTIGATE,
        STANDING,
        {"signal": {"value": "-91"}, "action": {"choice": "sim_replaced"}, "new_sim": NEW_SIM},
        {"meter.read", "join.checked"},
    ),
]


@pytest.mark.parametrize(
    ("procedure", "kind", "changes", "answers", "facts"), JOBS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_whole_job_ends_with_its_record_and_its_facts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    procedure: str,
    kind: TaskKind,
    changes: dict[str, Any],
    answers: Answers,
    facts: set[str],
) -> None:
    world = job_world(tmp_path, monkeypatch, kind, **changes)
    run = world.run()
    assert run.procedure.id == procedure
    work(run, answers)
    assert run.state.end is RunEnd.COMPLETED
    kinds = set(world.kinds())
    assert facts <= kinds, facts - kinds
    assert {"order.started", "record.issued", "order.completed"} <= kinds
    [completed] = world.payloads("order.completed")
    assert set(completed["blobs"]) == {blob["sha256"] for blob in world.payloads("photo.taken")}
    assert not completed.get("flags")
    assert world.digest_is_stable()


def test_a_removal_takes_the_meter_away_and_puts_nothing_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.REMOVE, **STANDING)
    work(world.run())
    [removed] = world.payloads("device.removed")
    assert (removed["serial"], removed["destination"]) == (w.OLD_SERIAL, "store")
    assert "device.placed" not in world.kinds()


def test_commissioning_compares_three_sources_for_the_meter_left_the_truck_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = w.NewAsset(serial="ZIV0045679999", model="prime-1ph")
    world = job_world(
        tmp_path, monkeypatch, TaskKind.INSTALL, **NO_OLD, procedure="commission", new_asset=asset
    )
    world.meters["new"].serial = "ZIV0045679999"
    label = {"serial": "ZIV0045679999", "codes": ["ZIV0045679999"], "identities": {"mac": "404022B9057F"}}
    work(
        world.run(), {"new_scan": label, "relay": {"confirmation": "9999", "untested": "office_instruction"}}
    )
    [checked] = world.payloads("match.checked")
    assert checked["verdict"] == "equal"
    assert [source["source"] for source in checked["sources"]] == ["order", "label", "optical"]


def test_a_disconnection_leaves_the_relay_open_and_a_reconnection_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path / "a", monkeypatch, TaskKind.DISCONNECT, **STANDING)
    run = world.run()
    work(run, until="relay")
    with pytest.raises(StepRefused) as caught:
        run.test_relay("9999")
    assert codes(caught) == {"wrong_confirmation"}
    work(run)
    assert world.meters["old"].relay == "disconnected"
    again = job_world(tmp_path / "b", monkeypatch, TaskKind.RECONNECT, **STANDING)
    again.meters["old"].relay = "disconnected"
    work(again.run())
    assert again.meters["old"].relay == "connected"


def test_nobody_who_depends_on_the_supply_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.DISCONNECT, **STANDING)
    run = world.run()
    work(run, until="protected")
    accepted = run.accept({"checks": {"nobody_depends": False}})
    assert accepted.end is RunEnd.UNSAFE
    assert world.meters["old"].relay == "connected"


def test_a_flagged_customer_is_not_cut_off_by_the_relay_even_when_all_is_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.DISCONNECT, **STANDING, flags=["medical_dependency"])
    run = world.run()
    work(run, until="relay")
    with pytest.raises(StepRefused) as caught:
        run.test_relay("0000")
    assert codes(caught) == {"consent_missing"}


def test_without_the_relay_the_cut_is_proven_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.DISCONNECT, **STANDING)
    run = world.run()
    work(run, {"way": {"choice": "service"}})
    assert run.state.end is RunEnd.COMPLETED
    assert {"by_hand"} <= run.state.done.keys()
    assert "relay" not in run.state.done


def test_a_card_that_another_device_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INVESTIGATE, **STANDING)
    with world.store.write() as connection:
        lines = [
            w.network.StockLine(
                serial="ZIV1", model="prime-1ph", state="on_truck", identities={"iccid": NEW_SIM["value"]}
            )
        ]
        w.network.load_stock(connection, w.PROJECT, lines)
    run = world.run()
    work(run, {"signal": {"value": "-91"}, "action": {"choice": "sim_replaced"}}, until="new_sim")
    with pytest.raises(StepRefused) as caught:
        run.accept(NEW_SIM)
    assert codes(caught) == {"value_used"}
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "8934071100278134569"})
    assert codes(caught) == {"value_check_digit"}


def test_a_customer_who_is_not_there_ends_the_order_as_not_executed_with_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(
        tmp_path, monkeypatch, TaskKind.INVESTIGATE, new_asset=None, program=None, procedure="customer_absent"
    )
    run = world.run()
    work(run, {"notice": {"value": "A-004512"}, "witness": {"outcome": "none"}})
    assert run.state.end is RunEnd.NOT_DONE
    [ended] = world.payloads("order.notDone")
    assert ended["reason"] == "customer_absent"
    assert world.payloads("record.issued")
    assert "order.completed" not in world.kinds()
    assert world.digest_is_stable()


def test_what_an_inspection_found_goes_to_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSPECT, **STANDING)
    run = world.run()
    work(run, until="result")
    with pytest.raises(StepRefused) as caught:
        run.accept({"choice": "condition_found"})
    assert codes(caught) == {"note_missing"}
    work(run, {"result": {"choice": "condition_found", "note": "un conductor entra antes del medidor"}})
    [completed] = world.payloads("order.completed")
    assert completed["flags"] == ["irregularity_observed"]
    assert sum(blob["what"] == "finding" for blob in world.payloads("photo.taken")) == 2
