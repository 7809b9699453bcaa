"""Model and program files: those we ship are right, and every mistake is named with file, line and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.dlms.calendar import schedule_problem, tables_of
from drivers.errors import ModelFileError, WrongValue
from drivers.models import load_model, load_models
from drivers.programs import find_program, load_program
from drivers.reading import Identity
from tests.drivers.field import MODELS, PROGRAMS


def test_every_shipped_file_loads_and_programs_name_known_models() -> None:
    models = load_models(MODELS)
    assert {"prime-1ph", "idis-3ph-ct", "plc-prepay-1ph"} <= set(models)
    for path in PROGRAMS.glob("*.toml"):
        program = load_program(path)
        assert program.name == path.stem
        assert set(program.models) <= set(models)
        assert {"es", "en", "pt"} <= set(program.title)
    for path in MODELS.glob("*.toml"):
        assert load_model(path).name == path.stem


def test_a_model_is_recognised_by_its_line_or_by_its_device_type() -> None:
    model = load_models(MODELS)["prime-1ph"]
    assert model.recognises_line("ZIV 5CTD-E2F")
    assert model.recognises(Identity(logical_device_name="ZIV0001", extra={"device_id_2": "5CTD E2F"}))
    assert not model.recognises(Identity(logical_device_name="ZIV0001", extra={"device_id_2": "3PH"}))
    assert not model.recognises(Identity())


def test_a_meter_that_tells_no_type_is_recognised_by_name_and_firmware_together() -> None:
    """The public client of a plain HDLC start sees no sign-on line and not every device id."""
    model = load_models(MODELS)["prime-1ph"]
    seen = {"device_id_1": "ZIV"}
    assert model.recognises(Identity(logical_device_name="ZIV0001", firmware="V1.36.04", extra=seen))
    assert not model.recognises(Identity(logical_device_name="ZIV0001", extra=seen))
    assert not model.recognises(Identity(logical_device_name="ZIV0001", firmware="V7.00", extra=seen))
    other = seen | {"device_id_2": "3PH"}
    assert not model.recognises(Identity(logical_device_name="ZIV0001", firmware="V1.36.04", extra=other))


def _edited(tmp_path: Path, source: Path, old: str, new: str) -> tuple[Path, int]:
    """A copy with one change, and the line where it is."""
    text = source.read_text(encoding="utf-8")
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    path = tmp_path / source.name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path, line


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("phases = 1", 'phases = "one"', "phases"),
        ("lockout_seconds = 60", "lock_out = 60", "lock_out"),
        ('auth = "gmac"', 'auth = "gmak"', "gmak"),
        ('counter = "1:0.0.43.1.0.255:2"', 'counter = "0.0.43.1.0"', "CLASS:OBIS"),
        ('item = "3:1.0.1.8.2.255:2"', 'item = "3:1.0.1.8.2:2"', "CLASS:OBIS"),
        ('technology = "prime"', 'technology = "smoke"', "smoke"),
        ("identification = '^ZIV 5CTD'", "identification = '^ZIV ('", "regular expression"),
        ("baud = 9600", "baud = 9600 bits", "Expected"),
    ],
)
def test_mistakes_in_a_model_are_named_with_their_line(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    path, line = _edited(tmp_path, MODELS / "prime-1ph.toml", old, new)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert caught.value.file == "prime-1ph.toml"
    assert caught.value.line == line
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("days = [1, 1, 1, 1, 1, 2, 2]", "days = [1, 1, 1, 1, 1, 2]", "seven"),
        ("days = [1, 1, 1, 1, 1, 2, 2]", "days = [1, 1, 1, 1, 1, 2, 9]", "declared"),
        ('start = "01-01"', 'start = "13-01"', "MONTH-DAY"),
        ('at = { "00:00" = "P3" }', 'at = { "00:00" = "P9" }', "P9"),
        ('at = { "00:00" = "P3" }', 'at = { "01:00" = "P3" }', "00:00"),
        ("period = 900", 'period = "900"', "period"),
        ("period = 900", "period = 4294967296", "period"),
        ("tariffs = { P1 = 1,", "tariffs = { P1 = 99999,", "65535"),
        ('threshold = "{order.contracted_power}"', 'threshold = "{order.power}"', "order.power"),
    ],
)
def test_mistakes_in_a_program_are_named_with_their_line(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    path, line = _edited(tmp_path, PROGRAMS / "residential-2.0TD.toml", old, new)
    with pytest.raises(ModelFileError) as caught:
        load_program(path)
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_values_of_the_order_are_checked_by_the_program() -> None:
    program = find_program("residential-2.0TD", PROGRAMS)
    text = "{order.contracted_power}"
    assert program.resolve(text, {"order.contracted_power": "4600"}) == "4600"
    for wrong in ({}, {"order.contracted_power": "4,6 kW"}, {"order.contracted_power": "1000000"}):
        with pytest.raises(WrongValue):
            program.resolve(text, wrong)


def test_an_unknown_program_lists_the_known_ones() -> None:
    with pytest.raises(WrongValue, match="prepay-bt"):
        find_program("prepay", PROGRAMS)


def test_a_schedule_becomes_the_tables_of_class_20() -> None:
    schedule = find_program("residential-2.0TD", PROGRAMS).calendar
    assert schedule is not None
    assert schedule_problem(schedule) is None
    tables = tables_of(schedule)
    day = tables.days.items[0].items
    starts = [entry.items[0].octets[:2] for entry in day[1].items]
    assert starts == [bytes([hour, 0]) for hour in (0, 8, 10, 14, 18, 22)]
    assert [entry.items[2].value for entry in day[1].items] == [3, 2, 1, 2, 1, 2]
    assert [cell.value for cell in tables.weeks.items[0].items] == [b"W", 1, 1, 1, 1, 1, 2, 2]
    assert tables.seasons.items[0].items[1].octets == bytes.fromhex(
        "FFFF0101FF00000000800 0FF".replace(" ", "")
    )
