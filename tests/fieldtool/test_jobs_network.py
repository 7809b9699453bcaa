"""Whole jobs on what is no customer's meter: concentrator, panel, totalizer, devices of the line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fieldtool.errors import StepRefused
from fieldtool.procedure.views import RunEnd
from fieldtool.run.planvalues import program_values
from fieldtool.text import Language
from tests.fieldtool import world as w
from tests.fieldtool.jobs import Answers, work
from tests.fieldtool.test_jobs import NEW_SIM, codes, job_world
from tests.fieldtool.world import World
from workorders.journal.kinds import DevicePlaced
from workorders.journal.words import TaskKind
from workorders.orders import Place
from workorders.store import queries

NODE: dict[str, Any] = {"old_asset": None, "program": None, "usage_point": None, "supply_number": None}
MAC = "40:40:22:B8:DE:70"
CONCENTRATOR: Answers = {
    "mac": {"value": MAC},
    "sim": NEW_SIM,
    "address": {"value": "10.40.12.7"},
    "apn": {"value": "M2M.operador.bo"},
    "gateway": {"value": "tunel.cre.bo:1194"},
    "tunnel": {"choice": "head_end", "note": "turno de la tarde, 16:10"},
}
TOTALIZER: Answers = {"ct_plate": {"value": "400/5"}, "ct_second": {"value": "400:5"}}


def concentrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> World:
    asset = w.NewAsset(serial=w.NEW_SERIAL, model="prime-1ph")
    return job_world(
        tmp_path, monkeypatch, TaskKind.INSTALL_CONCENTRATOR, **NODE | {"new_asset": asset} | changes
    )


def test_a_concentrator_is_placed_with_what_identifies_it_and_hangs_on_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = concentrator(tmp_path, monkeypatch)
    run = world.run()
    assert run.procedure.id == "concentrator"
    work(run, CONCENTRATOR)
    assert run.state.end is RunEnd.COMPLETED
    [placed] = world.payloads("device.placed")
    assert placed["identities"] == {
        "mac": "404022B8DE70",
        "iccid": NEW_SIM["value"],
        "ip": "10.40.12.7",
        "apn": "m2m.operador.bo",
        "gateway": "tunel.cre.bo:1194",
        "node": "CT-28101-DC",
    }
    assert placed["transformer"] == "CT-28101"
    assert "concentrator" not in placed
    assert run.around.network.used("CT-28101-DC") == 0, "it does not take a place on itself"
    [checked] = world.payloads("match.checked")
    assert [source["source"] for source in checked["sources"]] == ["order", "label", "stock"]
    assert world.digest_is_stable()


@pytest.mark.parametrize(
    ("identity", "step", "value"),
    [("ip=10.40.12.7", "address", "10.40.12.7"), ("mac=40-40-22-B8-DE-70", "mac", "404022B8DE70")],
)
def test_an_address_that_another_concentrator_has_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str, step: str, value: str
) -> None:
    world = concentrator(tmp_path, monkeypatch)
    with world.store.write() as connection:
        other = w.Node(mrid="CT-9-DC", kind="concentrator", parent="CT-28101", name="DC 9", identity=identity)
        w.load_network(
            connection,
            w.PROJECT,
            [
                w.Node(mrid="ST", kind="substation", name="ST Ribera"),
                w.Node(mrid="CT-28101", kind="transformer", parent="ST", name="CT 28101"),
                w.Node(mrid="CT-28101-DC", kind="concentrator", parent="CT-28101", identity=identity),
                other,
            ],
        )
    run = world.run()
    work(run, CONCENTRATOR, until=step)
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": value})
    [problem] = caught.value.problems
    assert (problem.code, problem.params["holder"], problem.overridable) == ("value_used", "DC 9", False)


def test_an_address_of_a_concentrator_that_a_crew_mounted_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = concentrator(tmp_path, monkeypatch)
    with world.store.write() as connection:
        w.keys.put_order_key(connection, "order-2", w.new_order_key())
    world.journal.append(
        DevicePlaced(
            serial="ZIV0004990009",
            model="dc",
            transformer="CT-28101",
            identities={"ip": "10.40.12.7", "node": "CT-2-DC"},
        ),
        order_id="order-2",
    )
    run = world.run()
    work(run, CONCENTRATOR, until="address")
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "10.40.12.7"})
    assert codes(caught) == {"value_used"}


def test_what_differs_from_the_order_needs_its_reason_and_tells_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = concentrator(tmp_path, monkeypatch, program_values={"ip": "10.40.12.8", "apn": "m2m.operador.bo"})
    run = world.run()
    work(run, CONCENTRATOR, until="address")
    view = run.view(Language.ES).current
    assert view is not None
    assert view.body.expected == "10.40.12.8"  # type: ignore[union-attr]
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "10.40.12.7"})
    assert codes(caught) == {"not_as_ordered"}
    run.accept({"value": "10.40.12.7", "reason": "office_data_wrong"})
    work(run, CONCENTRATOR)
    [completed] = world.payloads("order.completed")
    assert completed["flags"] == ["value_not_as_ordered"]


def test_a_tunnel_that_is_not_up_yet_is_told_to_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = concentrator(tmp_path, monkeypatch)
    work(world.run(), {**CONCENTRATOR, "tunnel": {"choice": "pending", "note": "sin señal en el poste"}})
    [completed] = world.payloads("order.completed")
    assert completed["flags"] == ["concentrator_pending"]


def test_a_panel_is_a_node_with_its_slots_still_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = job_world(
        tmp_path,
        monkeypatch,
        TaskKind.INSTALL_PANEL,
        **NODE,
        place=Place(transformer="CT-28101", panel="PANEL-1"),
    )
    run = world.run()
    work(run, {"slot_count": {"value": "24"}, "administrator": {"outcome": "absent"}})
    assert run.state.end is RunEnd.COMPLETED
    [placed] = world.payloads("device.placed")
    assert placed["identities"]["node"] == "PANEL-1"
    assert run.around.network.occupants("PANEL-1") == {}
    [building] = [done for done in world.payloads("step.done") if done["step"] == "building"]
    assert set(building["sealed"]) == {"text"}, "where somebody lives is personal"


def test_a_totalizer_takes_its_ratio_from_two_sources_that_do_not_see_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(
        tmp_path,
        monkeypatch,
        TaskKind.INSTALL_TOTALIZER,
        old_asset=None,
        program_values={"ct_ratio": "400/5"},
    )
    world.around = dataclasses.replace(world.around, project_values=lambda: {"apn": "medidores.example"})
    run = world.run()
    work(run, TOTALIZER, until="ct_plate")
    told = program_values(run)
    assert (told["order.ct_primary"], told["order.ct_secondary"]) == ("400", "5")
    assert told["project.apn"] == "medidores.example"
    assert not [name for name in told if name.startswith("plate.")], "the order's word is no plate"
    first = run.view(Language.ES).current
    assert first is not None
    assert first.body.expected is None, "what the order says would only be typed off"  # type: ignore[union-attr]
    work(run, TOTALIZER, until="ct_second")
    view = run.view(Language.ES).current
    assert view is not None
    assert view.body.value is None  # type: ignore[union-attr]
    assert view.body.expected is None  # type: ignore[union-attr]
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "200/5"})
    assert codes(caught) == {"sources_disagree"}
    work(run, TOTALIZER, until="isolate")
    assert (program_values(run)["plate.ct_primary"], program_values(run)["plate.ct_secondary"]) == (
        "400",
        "5",
    )
    with pytest.raises(StepRefused) as refused:
        run.accept({"checks": {"load_off": True, "ct_shorted": True, "dead": True}})
    assert codes(refused) == {"photo_missing"}, "an open secondary kills"
    work(run, TOTALIZER)
    assert run.state.end is RunEnd.COMPLETED
    [placed] = world.payloads("device.placed")
    assert placed["identities"]["mac"] == "404022B8DE70"
    assert world.payloads("match.checked")[0]["verdict"] == "equal"


@pytest.mark.parametrize(
    ("device", "answers", "own"),
    [
        (
            "recloser",
            {
                "trip_current": {"value": "120"},
                "reclose_shots": {"value": "3"},
                "settings_group": {"value": "A2"},
            },
            {"trip_current", "reclose_shots", "settings_group"},
        ),
        ("capacitor_bank", {"bank_kvar": {"value": "600"}}, {"bank_kvar", "bank_control"}),
        (
            "voltage_regulator",
            {"bandwidth": {"value": "2.0"}, "tap": {"value": "-4"}},
            {"set_volts", "bandwidth", "tap"},
        ),
        ("fault_indicator", {}, {"fault_threshold"}),
        (
            "transformer_monitor",
            {
                "monitor_ratio": {"value": "600/5"},
                "monitor_ratio_second": {"value": "600/5"},
                "oil_temperature": {"value": "61.5"},
            },
            {"monitor_ratio", "monitor_ratio_second", "oil_temperature"},
        ),
        ("street_light", {"lamp_watts": {"value": "90"}}, {"lamp_watts", "lamp_test"}),
    ],
)
def test_each_device_of_the_line_is_asked_what_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, answers: Answers, own: set[str]
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **NODE, procedure="line_device")
    run = world.run()
    every = {
        "device_kind": {"choice": device},
        "sim": {},
        "address": {"value": "RTU-0117"},
        "operation_test": {"choice": "local"},
        "earth_ohm": {"value": "8.4"},
    }
    work(run, {**every, **answers})
    assert run.state.end is RunEnd.COMPLETED
    [settings] = [phase for phase in run.procedure.phase if phase.id == "settings"]
    assert {step.id for step in settings.step} & run.state.done.keys() == own
    [placed] = world.payloads("device.placed")
    assert placed["identities"]["address"] == "RTU-0117"
    assert "node" not in placed["identities"]


def test_an_address_that_the_stock_list_contradicts_is_placed_only_by_somebody_who_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = concentrator(tmp_path, monkeypatch)
    run = world.run()
    work(run, {**CONCENTRATOR, "mac": {"value": "404022F42599"}}, until="place")
    with pytest.raises(StepRefused) as caught:
        run.accept({})
    [problem] = caught.value.problems
    assert (problem.code, problem.overridable) == ("identity_mismatch", True)
    assert "404022F42599 ≠ " in problem.params["values"]
    # The list may be the wrong one, and nobody can mend it on a pole: it was a trap.
    run.accept({"override": {"person": "lead-1", "reason": "list_outdated", "pin": "482615"}})
    work(run, CONCENTRATOR)
    [placed] = world.payloads("device.placed")
    assert (placed["identities"]["mac"], placed["passed"]) == ("404022F42599", ["identity_mismatch"])
    with world.store.read() as connection:
        assert "identity_overridden" in [case.kind for case in queries.exceptions(connection)]
