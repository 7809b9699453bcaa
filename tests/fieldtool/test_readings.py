"""Two readings of a meter that must agree."""

from __future__ import annotations

from fieldtool.procedure.readings import same_readings
from workorders.journal.words import ReadingValue


def _reading(item: str, value: str) -> ReadingValue:
    return ReadingValue(item=item, value=value, unit="kWh")


def test_a_register_whose_code_was_damaged_in_one_of_two_readouts_is_not_believed() -> None:
    """It stood in the second one only, so nothing was compared, and it was taken."""
    first = [_reading("1.8.0", "421.5"), _reading("1.8.1", "100")]
    second = [_reading("1.8.0", "421.5"), _reading("1.8.3", "100")]
    assert same_readings(first, second) == ["1.8.3", "1.8.1"]
    assert same_readings(first, first) == []


def test_a_momentary_value_may_come_and_go() -> None:
    first = [_reading("1.8.0", "421.5")]
    assert same_readings(first, [*first, _reading("32.7.0", "230")]) == []
