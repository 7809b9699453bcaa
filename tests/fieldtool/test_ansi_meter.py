"""An ANSI meter where the rest of the tool meets it: the command line, last readings, connections, words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from drivers.ansi import procedure
from drivers.ansi.psem import RESULTS, Response, ServiceRefused
from drivers.connection import Auth, Mode
from drivers.errors import MeterRefused
from drivers.models import load_models
from drivers.reading import Reading
from drivers.virtual.secrets import programmer_password
from fieldtool.associating import connection_for, no_secret
from fieldtool.commissioning import reading_values
from fieldtool.problems import explain
from fieldtool.procedure.readings import is_energy, optical_value, same_readings
from fieldtool.procedure.state import Found
from fieldtool.text import Language
from tests.drivers.field import MODELS, Meter, virtual_meter
from tests.fieldtool.test_command_faults import fieldtool
from workorders.journal.words import DeviceRole


@pytest.fixture(scope="module")
def ansi() -> Iterator[Meter]:
    with virtual_meter("ansi-1ph", "--days", "2", "--clock-offset-s", "120") as meter:
        yield meter


def at(home: Path, meter: Meter, *arguments: str, **secrets: str) -> tuple[int, str, str]:
    given = ["--password", "env:PW", "--client", "2", "--auth", "low"] if secrets else []
    done = fieldtool(home, "meter", *arguments, "--port", meter.url, "--mode", "c12", *given, **secrets)
    return done.returncode, done.stdout, done.stderr


def test_identify_and_read_keep_their_keys(tmp_path: Path, ansi: Meter) -> None:
    status, out, _ = at(tmp_path, ansi, "identify", "--json")
    identity = json.loads(out)["identity"]
    assert (status, identity["serial"], identity["model"]) == (0, ansi.serial, "ansi-1ph")
    status, out, _ = at(tmp_path, ansi, "read", "--item", "ansi:ST23:1.8.0", "--json")
    found = json.loads(out)
    assert status == 0
    assert found.keys() == {"identity", "readings", "exchanges", "bytes", "seconds"}
    assert found["readings"][0].keys() == {"item", "name", "value", "unit", "time", "status"}
    assert (found["readings"][0]["item"], found["readings"][0]["unit"]) == ("ansi:ST23:1.8.0", "Wh")
    status, _, told = at(tmp_path, ansi, "read", "--item", "3:1.0.1.8.0.255:2")
    assert status == 2
    assert "ansi:ST23" in told


def test_profile_events_and_clock_have_the_same_commands(tmp_path: Path, ansi: Meter) -> None:
    reader = ansi.secrets["password"].decode()
    status, out, _ = at(tmp_path, ansi, "profile", "--json", PW=reader)
    assert (status, json.loads(out)["capture_period"]) == (0, 900)
    status, out, _ = at(tmp_path, ansi, "events", "--json", PW=reader)
    assert (status, json.loads(out)["rows"][0]["code"]) == (0, "2")
    status, out, _ = at(tmp_path, ansi, "clock", "--set", "--json", PW=programmer_password(ansi.serial))
    found = json.loads(out)
    assert (status, found["set"]["complete"]) == (0, True)
    assert abs(found["drift_seconds"] - 120) <= 3


def test_the_last_reading_of_an_old_ansi_meter_is_a_register_like_any_other() -> None:
    found = Found(
        role=DeviceRole.OLD,
        how="optical",
        readings=reading_values(
            [
                Reading("ansi:ST23:1.8.0", "active import", "12359296", "Wh"),
                Reading("ansi:ST23:1.8.1", "active import T1", "7414944", "Wh"),
                Reading("ansi:ST28:12.7.0", "voltage", "238", "V"),
            ]
        ),
    )
    assert optical_value(found, "1.8.0") == Decimal("12359.296")
    assert optical_value(found, "1.8.1") == Decimal("7414.944")
    assert is_energy("ansi:ST23:1.8.0")
    assert not is_energy("ansi:ST28:12.7.0")
    assert not is_energy("ansi:ST23:1.6.0")
    later = reading_values([Reading("ansi:ST23:1.8.0", None, "12399296", "Wh")])
    assert same_readings(found.readings[:1], later) == ["ansi:ST23:1.8.0"]


def test_the_model_of_an_order_chooses_protocol_and_password() -> None:
    model = load_models(MODELS)["ansi-1ph"]
    without = connection_for(model, no_secret, "4654540000000001")
    assert (without.mode, without.auth, without.password) == (Mode.C12, Auth.NONE, None)
    reader = connection_for(model, {"password": b"x"}.get, "4654540000000001")
    assert (reader.mode, reader.auth, reader.password) == (Mode.C12, Auth.LOW, "password")


@pytest.mark.parametrize("language", list(Language))
def test_every_refusal_is_told_in_words(language: Language) -> None:
    refusals: list[MeterRefused] = [
        ServiceRefused(code, 0x30) for code in Response if code is not Response.OK
    ]
    answers = [procedure.ProcedureResponse(10, 1, code, b"") for code in procedure.RESULTS]
    refusals += [procedure.refusal(answer) for answer in answers]
    for refusal in refusals:
        assert refusal.result not in explain(refusal, language).what
    assert len(RESULTS) == len(Response) - 1
