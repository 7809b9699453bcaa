"""The last reading of the meter that goes: port, display and what the office expects, each on its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldtool.errors import StepRefused
from fieldtool.procedure.effects import flags_of
from fieldtool.procedure.readings import optical_value
from fieldtool.procedure.state import Found
from tests.fieldtool.world import World, codes, make_world, photo, walk
from workorders.journal.words import DeviceRole, ReadingValue


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_a_dark_display_takes_nothing_from_what_the_port_said(world: World) -> None:
    """The record, and every later comparison, lost the optical registers when the display was dead."""
    run = world.run()
    walk(run, until="old_dial")
    said = run.state.reads[DeviceRole.OLD]
    run.accept({"not_obtainable": "dead", "photos": [photo(run, "dial")]})
    assert run.state.reads[DeviceRole.OLD] == said
    assert said.readings
    assert world.run().state.reads[DeviceRole.OLD] == said


def test_an_optical_reading_alone_is_held_against_what_is_plausible(world: World) -> None:
    """With a dark display nothing compared it: 5 kWh after 23 522 closed without a flag."""
    world.meters["old"].energy = "5.0"
    run = world.run()
    walk(run, until="old_dial")
    run.accept({"not_obtainable": "dead", "photos": [photo(run, "dial")]})
    flags = flags_of(run.procedure, run.job(), run.state)
    assert {"reading_not_obtainable", "implausible_reading"} <= set(flags)


def test_a_meter_that_names_nobody_and_counts_nothing_was_not_read(world: World) -> None:
    run = world.run()
    walk(run, until="old_read")
    run.put_on_bench(found=Found(role=DeviceRole.OLD, how="optical"))
    with pytest.raises(StepRefused) as caught:
        run.accept({})
    assert codes(caught) == {"registers_not_read"}


@pytest.mark.parametrize("typed", ["2.38E4", "23_800", "٢٣٨٠٠", "２３８００"])
def test_a_reading_is_typed_in_plain_digits(world: World, typed: str) -> None:
    """It goes into the record as typed; Python's decimals take all of these."""
    run = world.run()
    walk(run, until="old_dial")
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": typed})
    assert codes(caught) == {"not_a_number"}


def test_a_reading_has_no_more_digits_than_the_display(world: World) -> None:
    run = world.run()
    walk(run, until="old_dial")
    assert "too_long" in {found.code for found in run.check({"value": "0000023800"})}
    assert run.check({"value": "000023800,4"}) == []


@pytest.mark.parametrize(
    ("value", "unit"), [("1234000", "Wh"), ("1234", "kWh"), ("1.234", "MWh"), ("0.001234", "GWh")]
)
def test_registers_are_compared_in_kilo_units(value: str, unit: str) -> None:
    """A meter of a large customer counts in MWh: its 1.234 is the 1234 kWh of its display."""
    readings = [ReadingValue(item="3:1.0.1.8.0.255:2", value=value, unit=unit)]
    found = Found(role=DeviceRole.OLD, how="optical", readings=readings)
    read = optical_value(found, "1.8.0")
    assert read == 1234
