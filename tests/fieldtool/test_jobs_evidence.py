"""Whole jobs in which it matters who says what: prepayment, and a condition that is not the normal one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import assets
from drivers.reading import Reading
from fieldtool.errors import StepRefused
from fieldtool.procedure.views import RunEnd
from tests.fieldtool import world as w
from tests.fieldtool.jobs import Answers, work
from tests.fieldtool.test_jobs import codes, job_world
from tests.fieldtool.world import World
from workorders.journal.words import TaskKind

ORDERED = {"sgc": "600675", "krn": "1", "ti": "1"}
STS: Answers = {
    "credit": {"value": "14.60"},
    "meter_number": {"value": "0712 3456 787"},
    "supply_group": {"value": "600675"},
    "key_revision": {"value": "1"},
    "tariff_index": {"value": "01"},
    "test_token": {"value": "5649 3153 7254 5031 3471"},
}


def prepayment(**changes: Any) -> dict[str, Any]:
    return {"procedure": "prepayment", "program_values": ORDERED} | changes


def test_a_prepayment_meter_keeps_under_what_the_office_makes_its_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.EXCHANGE, **prepayment())
    run = world.run()
    work(run, STS)
    assert run.state.end is RunEnd.COMPLETED
    [placed] = world.payloads("device.placed")
    [credit] = [done for done in world.payloads("step.done") if done["step"] == "credit"]
    assert credit["answers"]["value"] == "14.60"
    values = {done["step"]: done["answers"].get("value") for done in world.payloads("step.done")}
    assert (values["meter_number"], values["tariff_index"]) == ("07123456787", "01")
    assert placed["serial"] == w.NEW_SERIAL
    assert world.payloads("device.removed")[0]["serial"] == w.OLD_SERIAL
    assert world.digest_is_stable()


@pytest.mark.parametrize(
    ("step", "value", "code"),
    [
        ("meter_number", "07123456788", "value_check_digit"),
        ("supply_group", "600676", "not_as_ordered"),
        ("key_revision", "2", "not_as_ordered"),
        ("test_token", "5649 3153 7254 5031 3470", "value_check_digit"),
    ],
)
def test_a_wrong_digit_is_seen_before_the_customer_buys_a_token_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, value: str, code: str
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **prepayment(old_asset=None))
    run = world.run()
    work(run, STS, until=step)
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": value})
    assert codes(caught) == {code}


SAID = {2: "600727071234567873", 6: "600675", 7: "01", 8: "1"}


def says(world: World, said: dict[int, str]) -> None:
    """What the new meter answers of class 116."""
    extra = [Reading(item=f"116:0.0.19.60.0.255:{n}", name="sts", value=value) for n, value in said.items()]
    world.meters["new"].momentary += extra


@pytest.mark.parametrize(
    ("attribute", "value", "step"),
    [
        (2, "600727040000000055", "meter_number"),
        (6, "600676", "supply_group"),
        (7, "02", "tariff_index"),
        (8, "2", "key_revision"),
    ],
)
def test_a_meter_that_says_otherwise_than_order_and_plate_is_not_commissioned_unnoticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: int, value: str, step: str
) -> None:
    """Only what was typed was held against the order: every token of the customer would have been refused."""
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **prepayment(old_asset=None))
    says(world, SAID | {attribute: value})
    run = world.run()
    work(run, STS, until=step)
    typed = STS[step]
    assert isinstance(typed, dict)
    with pytest.raises(StepRefused) as caught:
        run.accept(typed)
    assert codes(caught) == {"not_as_meter"}
    run.accept(typed | {"reason": "changed_on_site", "note": "cargado el cambio de clave"})
    work(run, STS)
    [completed] = world.payloads("order.completed")
    assert completed["flags"] == ["value_not_as_meter"]


def test_a_meter_that_says_the_same_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **prepayment(old_asset=None))
    says(world, SAID)
    work(world.run(), STS)
    assert not world.payloads("order.completed")[0].get("flags")


def test_a_keypad_that_was_not_paired_and_a_refused_token_go_to_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **prepayment(old_asset=None))
    work(
        world.run(),
        {
            **STS,
            "keypad": {"choice": "not_paired", "note": "sin pilas"},
            "token_result": {"choice": "refused", "note": "muestra FALLO"},
        },
    )
    [completed] = world.payloads("order.completed")
    assert completed["flags"] == ["ciu_not_paired", "token_refused"]


IRREGULAR: dict[str, Any] = {"procedure": "irregularity"}
SEEN: Answers = {
    "amps_service": {"value": "18.4"},
    "amps_meter": {"value": "2.1"},
    "seal_bag": {"seals": [{"number": "LAB-0091", "position": "bag"}]},
}


def test_an_irregular_condition_leaves_its_evidence_and_a_sealed_meter_for_the_laboratory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INVESTIGATE, **IRREGULAR, new_asset=None, program=None)
    run = world.run()
    work(run, SEEN)
    assert run.state.end is RunEnd.COMPLETED
    [removed] = world.payloads("device.removed")
    assert (removed["serial"], removed["destination"]) == (w.OLD_SERIAL, "laboratory")
    bag = [seal for seal in world.payloads("seal.recorded") if seal["position"] == "bag"]
    assert [(seal["number"], seal["serial"]) for seal in bag] == [("LAB-0091", w.OLD_SERIAL)]
    what = [blob["what"] for blob in world.payloads("photo.taken")]
    assert {"evidence_wide", "evidence_close", "sealed_bag"} <= set(what)
    assert what.count("evidence_close") == 2
    assert what.count("signature") == 3, "holder, witness, whoever takes the bag over"
    signers = [done for done in world.payloads("step.done") if done["step"] in ("witness", "custody")]
    assert all(set(done["sealed"]) == {"name"} for done in signers)
    assert "device.placed" not in world.kinds()


def test_whoever_takes_the_bag_over_says_who_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INVESTIGATE, **IRREGULAR, new_asset=None, program=None)
    run = world.run()
    work(run, SEEN, until="custody")
    with pytest.raises(StepRefused) as caught:
        run.accept({"outcome": "signed", "image": run.add_photo(w.picture(), "signature").sha256})
    assert codes(caught) == {"required"}


def test_the_bag_has_to_be_sealed_and_its_seal_is_none_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INVESTIGATE, **IRREGULAR, new_asset=None, program=None)
    run = world.run()
    work(run, SEEN, until="seal_bag")
    with pytest.raises(StepRefused) as caught:
        run.accept({"none": True})
    assert "seals_missing" in codes(caught)
    with pytest.raises(StepRefused) as caught:
        run.accept({"seals": [{"number": "seals_found-1", "position": "bag"}]})
    assert codes(caught) == {"seal_removed_here"}


def test_the_supply_goes_on_with_a_new_meter_where_the_order_brings_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = job_world(tmp_path, monkeypatch, TaskKind.INVESTIGATE, **IRREGULAR)
    run = world.run()
    work(run, {**SEEN, "witness": {"outcome": "none"}, "custody": {"outcome": "crew"}})
    assert run.state.end is RunEnd.COMPLETED
    [placed] = world.payloads("device.placed")
    assert placed["serial"] == w.NEW_SERIAL
    [completed] = world.payloads("order.completed")
    assert {"no_witness", "custody_open"} <= set(completed["flags"])


ACCUSING = re.compile(
    r"fraud|hurto|\brobo|\brobar|ladr[oó]n|culpa|delito|infractor|manipulad|theft|thief|steal|stole|tamper"
    r"|guilty|offen[cd]|crime|roubo|furto|ladr[aã]o|crime|adulterad",
    re.IGNORECASE,
)


def test_a_record_of_findings_accuses_nobody() -> None:
    text = (assets.root() / "procedures" / "irregularity.toml").read_text("utf-8")
    assert not ACCUSING.findall(text)
