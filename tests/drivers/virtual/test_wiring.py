"""A virtual meter that is wired wrong shows what a real one would: the verdict finds what was asked for."""

from __future__ import annotations

import pytest

from drivers.reading import Reading
from drivers.virtual import wiring
from drivers.virtual.cli import build_device, meter_parser
from drivers.virtual.cosem.device import LogicalDevice, Settings
from drivers.virtual.dlms.axdr import Tag
from drivers.virtual.models import MODELS
from drivers.wiring.angles import Sense
from drivers.wiring.judge import Installation, judge
from drivers.wiring.measured import measured
from drivers.wiring.verdict import Fault, Polarity, Rotation

NIGHT = 1_781_136_000 + 8 * 3600
"""Before sunrise in Peru: nothing is generated."""
PLACE = Installation(generation=False, sense=Sense.LAG)


class Reader:
    client = 1
    conformance = 0


def readings(device: LogicalDevice) -> list[Reading]:
    """Every register of the device, scaled as its scaler_unit says."""
    found = []
    for name, thing in device.objects.items():
        if thing.class_id != 3:
            continue
        scaler, unit = thing.attributes[3].read(Reader()).items
        value = thing.attributes[2].read(Reader())
        assert value.tag is not Tag.NULL
        item = f"3:{'.'.join(map(str, name))}:2"
        unit_text = {27: "W", 29: "var", 33: "A", 35: "V", 8: "°"}.get(unit.number)
        found.append(Reading(item, None, str(value.number * 10.0**scaler.number), unit_text))
    return found


def device(text: str, model: str = "idis-3ph-ct") -> LogicalDevice:
    wired = wiring.parse(text, MODELS[model].supply.phases)
    return LogicalDevice(MODELS[model], Settings(MODELS[model].serial, wiring=wired, days=1), lambda: NIGHT)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("normal", {}),
        ("reverse", {Fault.ROTATION_REVERSED: [1, 2, 3]}),
        ("swap-ct-1", {Fault.CURRENT_REVERSED: [1]}),
        ("swap-ct-2,swap-ct-3", {Fault.CURRENT_REVERSED: [2, 3]}),
        ("cross-ct-12", {Fault.CURRENT_ON_OTHER_PHASE: [1, 2]}),
        ("cross-voltage-13", {Fault.VOLTAGES_SWAPPED: [1, 3]}),
        ("missing-2", {Fault.VOLTAGE_MISSING: [2]}),
        ("neutral-3", {Fault.PHASE_NEUTRAL_SWAPPED: [3]}),
    ],
)
def test_each_miswiring_is_what_the_verdict_says(text: str, faults: dict[Fault, list[int]]) -> None:
    found = judge(measured(readings(device(text)), 3), PLACE).claimed
    named = {finding.fault: finding.phases for finding in found}
    if text.startswith(("missing", "neutral")):  # currents behind a wrong voltage are not argued about
        named = {fault: phases for fault, phases in named.items() if fault in faults}
    assert named == faults


def test_a_right_meter_turns_right_and_a_miswired_one_counts_what_it_shows() -> None:
    right, wrong = device("normal"), device("swap-ct-1")
    verdict = judge(measured(readings(right), 3), PLACE)
    assert (verdict.rotation, verdict.polarity) == (Rotation.DIRECT, Polarity.RIGHT)
    first = [sum(watts for watts, _ in one.load.slot_power(NIGHT)) for one in (right, wrong)]
    assert first[1] < first[0]
    assert wrong.energies.wh(1, 0) - device("normal").energies.wh(1, 0) < 0


def test_a_single_phase_meter_reversed_shows_negative_power() -> None:
    found = judge(measured(readings(device("swap-ct-1", "prime-1ph")), 1), PLACE)
    assert [finding.fault for finding in found.claimed] == [Fault.CURRENT_REVERSED]


@pytest.mark.parametrize(("text", "phases"), [("upside-down", 3), ("cross-ct-12", 1), ("reverse", 1)])
def test_a_wiring_that_cannot_be_is_refused(text: str, phases: int) -> None:
    with pytest.raises(ValueError, match=text.split("-")[0]):
        wiring.parse(text, phases)


def test_the_option_reaches_the_meter() -> None:
    options = meter_parser().parse_args(["--model", "idis-3ph-ct", "--wiring", "swap-ct-1", "--days", "0"])
    assert build_device(options).settings.wiring.signs == (-1, 1, 1)
