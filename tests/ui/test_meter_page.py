"""What the meter page makes of readings: profile, wiring verdict, names."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from fieldtool.text import Language
from ui.wiring.formats import Formats
from ui.wiring.items import item_name, item_value
from ui.wiring.meter import CURRENT, FACTOR, POWER, VOLTAGE, interval_power, vectors, wrong_phases

FORMATS = Formats(Language.ES, ZoneInfo("Europe/Madrid"), lambda text, **values: text.format(**values))


def test_a_register_that_grows_gives_the_power_between_two_states_and_a_gap_stays_a_gap() -> None:
    states = {0: 1000.0, 1: 1250.0, 2: 1500.0, 4: 2500.0, 5: 2600.0}
    assert interval_power(states, 5, 900, "Wh") == (1.0, 1.0, None, None, pytest.approx(0.4))


def test_energy_by_interval_is_not_taken_for_a_register() -> None:
    assert interval_power({0: 250.0, 1: 100.0, 2: 250.0}, 3, 900, "Wh") == (1.0, pytest.approx(0.4), 1.0)


def test_a_reversed_current_transformer_is_the_phase_that_runs_against_the_others() -> None:
    values: dict[str, list[float | None]] = {
        VOLTAGE: [231.4, 229.8, 232.1],
        CURRENT: [42.6, 38.9, 44.1],
        FACTOR: [0.94, -0.93, 0.95],
        POWER: [9270.0, -8290.0, 9680.0],
    }
    assert wrong_phases(values, [0, 1, 2]) == [1]
    wrong = next(one for one in vectors(values, [0, 1, 2], [1]) if one.name == "I2")
    assert wrong.wrong
    assert (wrong.angle - wrong.expected) % 360 == pytest.approx(180)


def test_a_customer_who_exports_on_all_phases_is_no_wiring_fault() -> None:
    values: dict[str, list[float | None]] = {
        VOLTAGE: [230.0] * 3,
        CURRENT: [10.0] * 3,
        FACTOR: [0.9] * 3,
        POWER: [-2000.0] * 3,
    }
    assert wrong_phases(values, [0, 1, 2]) == []


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("1461357", "Wh", "1461,357 kWh"),
        ("23679.525", "kWh", "23\u202f679,525 kWh"),
        ("2026-11-24T05:32:40Z", None, "06:32:40"),
        ("20TD (1 season, 1 week)", None, "20TD"),
        ("-8.29", "kW", "−8,29 kW"),
        (None, "V", "—"),
    ],
)
def test_values_read_as_a_crew_reads_them(value: str | None, unit: str | None, shown: str) -> None:
    assert item_value(value, unit, FORMATS) == shown


def test_items_are_named_by_their_obis_code_and_unknown_ones_by_the_model_file() -> None:
    assert item_name("3:1.0.1.8.0.255:2", "active import", FORMATS) == "Energía activa importada"
    assert item_name("3:1.0.52.7.0.255:2", "voltage L2", FORMATS) == "Tensión L2"
    assert item_name("8:0.0.1.0.0.255:2", "clock", FORMATS) == "Reloj"
    assert item_name("1:0.0.96.50.1.255:2", "door switch", FORMATS) == "door switch"
