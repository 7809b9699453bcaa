"""Every setting of a program has an id of its own: of two with one id the first was never planned, never
written, never verified, and the report said complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.dlms.program_settings import settings_of
from drivers.errors import WrongValue
from drivers.models import load_models
from drivers.program_check import ProgramCheck, check_program
from drivers.programs import Program, load_program
from tests.drivers.field import MODELS, session, virtual_meter

HEAD = """
name = "channels"
version = 1
title = { en = "Two channels" }
models = ["MODEL"]
"""
CHANNELS = """
[[charges]]
item = "113:0.0.19.20.0.255"
prices = { "01" = "0.78" }

[[charges]]
item = "113:0.1.19.20.0.255"
prices = { "01" = "0.90" }

[[profiles]]
item = "7:0.1.24.3.0.255"
period = 3600

[[profiles]]
item = "7:0.2.24.3.0.255"
period = 3600
"""
TWICE = """
[[settings]]
id = "number"
item = "1:0.0.96.1.1.255:2"
name = "customer number"
value = "1"

[[settings]]
id = "number"
item = "1:0.0.96.1.0.255:2"
name = "another number"
value = "2"
"""
TWICE_IEC = TWICE.replace("1:0.0.96.1.1.255:2", "0.0.1").replace("1:0.0.96.1.0.255:2", "0.8.0")


def program(folder: Path, body: str, model: str) -> Program:
    path = folder / "channels.toml"
    path.write_text(HEAD.replace("MODEL", model) + body, encoding="utf-8")
    return load_program(path)


def checked(folder: Path, body: str, model: str) -> ProgramCheck:
    found = program(folder, body, model)
    text = (folder / "channels.toml").read_text(encoding="utf-8")
    return check_program(found, "channels.toml", text, load_models(MODELS)[model], None)


def test_channels_have_ids_of_their_own_and_the_first_keeps_its_id(tmp_path: Path) -> None:
    model = load_models(MODELS)["plc-prepay-1ph"]
    ids = [setting.id for setting in settings_of(program(tmp_path, CHANNELS, model.name), {}, model)]
    assert sorted(ids) == [
        "capture_period.1.24.3.0",
        "capture_period.2.24.3.0",
        "charge.active.1.19.20.0",
        "charge.active.19.20.0",
        "charge.passive.1.19.20.0",
        "charge.passive.19.20.0",
    ]


def test_a_program_of_two_channels_is_good(tmp_path: Path) -> None:
    assert checked(tmp_path, CHANNELS, "plc-prepay-1ph").ok


@pytest.mark.parametrize(("body", "model"), [(TWICE, "prime-1ph"), (TWICE_IEC, "iec-c-legacy")])
def test_two_settings_of_one_id_are_told_by_the_check(tmp_path: Path, body: str, model: str) -> None:
    reasons = [problem.reason for problem in checked(tmp_path, body, model).problems]
    assert "the id number stands twice" in reasons


@pytest.mark.parametrize(("body", "model"), [(TWICE, "prime-1ph"), (TWICE_IEC, "iec-c-legacy")])
def test_two_settings_of_one_id_are_refused_at_the_meter(tmp_path: Path, body: str, model: str) -> None:
    program(tmp_path, body, model)
    with (
        virtual_meter(model, "--days", "0") as meter,
        session(meter) as opened,
        pytest.raises(WrongValue, match="'number'"),
    ):
        opened.plan(tmp_path / "channels.toml")
