"""What the meter page makes of readings: profile, wiring verdict, names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from drivers.models import Quirks, load_models
from drivers.reading import EventRow, Reading
from drivers.wiring.angles import Sense
from fieldtool.tablet.rows import MeterView
from fieldtool.text import Language
from fieldtool.wiring import verdict_of
from tests.drivers.field import MODELS
from ui import views
from ui.wiring.formats import Formats
from ui.wiring.items import item_name, item_value
from ui.wiring.meter import interval_power, meter_view

CT = load_models(MODELS)["idis-3ph-ct"]
FORMATS = Formats(Language.ES, ZoneInfo("Europe/Madrid"), lambda text, **values: text.format(**values))


def test_a_register_that_grows_gives_the_power_between_two_states_and_a_gap_stays_a_gap() -> None:
    states = {0: 1000.0, 1: 1250.0, 2: 1500.0, 4: 2500.0, 5: 2600.0}
    assert interval_power(states, 5, 900, "Wh") == (1.0, 1.0, None, None, pytest.approx(0.4))


def test_energy_by_interval_is_not_taken_for_a_register() -> None:
    assert interval_power({0: 250.0, 1: 100.0, 2: 250.0}, 3, 900, "Wh") == (1.0, pytest.approx(0.4), 1.0)


def three_phases(second: int = 120, powers: tuple[int, int, int] = (900, 900, 900)) -> list[Reading]:
    rows = [("81.7.1", str(second), "°"), ("81.7.2", str(360 - second), "°")]
    for at, power in enumerate(powers):
        u, i, p, q, factor = ((32, 31, 21, 23, 33), (52, 51, 41, 43, 53), (72, 71, 61, 63, 73))[at]
        rows += [(f"{u}.7.0", "230.0", "V"), (f"{i}.7.0", "4.0", "A"), (f"{p}.7.0", str(power), "W")]
        rows += [
            (f"{q}.7.0", str(power // 4), "var"),
            (f"{factor}.7.0", "0.97" if power > 0 else "-0.97", ""),
        ]
    return [Reading(f"3:1.0.{code}.255:2", None, value, unit) for code, value, unit in rows]


def page(readings: list[Reading], **more: Any) -> views.Meter:
    judged = verdict_of(readings, msgspec.structs.replace(CT, quirks=Quirks(angles=Sense.LAG)))
    found = MeterView(
        identity={"serial": "1LGZ0062345678", "model": "idis-3ph-ct"},
        readings=[msgspec.to_builtins(reading) for reading in readings],
        network=None,
        clock_drift_seconds=4,
        wiring=judged,
        connection="ct",
        **more,
    )
    return meter_view(found, datetime.now(UTC), datetime.now(UTC), FORMATS)


def test_a_reversed_current_transformer_is_named_marked_and_drawn_where_it_should_be() -> None:
    shown = page(three_phases(powers=(900, -900, 900)))
    assert (shown.verdict, shown.verdict_tone) == ("Corriente invertida en L2", "wrong")
    assert shown.verdict_detail == "Cambie S1 y S2 en L2 y vuelva a leer. Mide 0,90 kW; deberían ser 2,70 kW."
    assert [row.wrong for row in shown.readings] == [(), (), (1,), (1,)]
    wrong = next(one for one in shown.vectors if one.name == "I2")
    assert wrong.wrong
    assert (wrong.angle - wrong.expected) % 360 == pytest.approx(180, abs=2)


def test_the_rotation_is_said_with_its_tone_and_the_voltages_stand_as_measured() -> None:
    right, turned = page(three_phases()), page(three_phases(second=240))
    assert (right.rotation, right.rotation_tone) == ("Giro L1-L2-L3, correcto", "good")
    assert (right.verdict, right.verdict_tone) == ("Conexión correcta", "good")
    assert (turned.rotation, turned.rotation_tone) == ("Giro L1-L3-L2, al revés", "wrong")
    assert [one.angle for one in turned.vectors if one.kind == "voltage"] == [0, 240, 120]
    assert turned.verdict == "Giro de fases al revés"


def test_a_customer_who_exports_is_no_wiring_fault() -> None:
    readings = three_phases(powers=(-900, -900, -900))
    inductive = [msgspec.structs.replace(one, value="225") if one.unit == "var" else one for one in readings]
    assert page(inductive).verdict_tone != "wrong"


def test_events_come_newest_first_with_the_models_words_or_their_code() -> None:
    rows = [
        EventRow("2026-11-24T09:00:00Z", "1", "Power down", None, "7:0.0.99.98.0.255:2"),
        EventRow("2026-11-24T10:00:00Z", "77", None, None, "7:0.0.99.98.0.255:2"),
    ]
    shown = page(three_phases(), events=rows, event_names={"1": {"es": "Corte de tensión"}}).events
    assert [(one.time, one.text) for one in shown] == [
        ("24/11 11:00:00", "Suceso 77"),
        ("24/11 10:00:00", "Corte de tensión"),
    ]


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
