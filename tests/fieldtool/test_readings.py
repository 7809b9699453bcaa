"""Two readings of a meter that must agree."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fieldtool.procedure.readings import CT_WATTS, DIRECT_WATTS, same_readings
from workorders.journal.words import ReadingValue


def _reading(item: str, value: str, unit: str = "kWh") -> ReadingValue:
    return ReadingValue(item=item, value=value, unit=unit)


def test_a_register_whose_code_was_damaged_in_one_of_two_readouts_is_not_believed() -> None:
    """It stood in the second one only, so nothing was compared, and it was taken."""
    first = [_reading("1.8.0", "421.5"), _reading("1.8.1", "100")]
    second = [_reading("1.8.0", "421.5"), _reading("1.8.3", "100")]
    assert same_readings(first, second) == ["1.8.3", "1.8.1"]
    assert same_readings(first, first) == []


def test_a_momentary_value_may_come_and_go() -> None:
    first = [_reading("1.8.0", "421.5")]
    assert same_readings(first, [*first, _reading("32.7.0", "230")]) == []


@pytest.mark.parametrize(
    ("first", "second", "unit", "seconds", "watts", "same"),
    [
        ("500000", "500001", "kWh", 5.0, DIRECT_WATTS, True),  # the last digit was about to turn
        ("500000", "500400", "kWh", 5.0, DIRECT_WATTS, False),  # passed while a thousandth was allowed
        ("421.5", "422.4", "kWh", 5.0, DIRECT_WATTS, False),
        ("12359296", "12359390", "Wh", 5.0, DIRECT_WATTS, True),
        ("12359296", "12360296", "Wh", 5.0, DIRECT_WATTS, False),
        ("500000", "500005", "kWh", 300.0, DIRECT_WATTS, True),  # a readout at 300 baud
        ("9000.000", "9000.900", "kWh", 5.0, CT_WATTS, True),
        ("1234.5", "1234.6", "MWh", 5.0, DIRECT_WATTS, True),
        ("1234.5", "1234.9", "MWh", 5.0, DIRECT_WATTS, False),
        ("23800", "23799", "kWh", 5.0, DIRECT_WATTS, False),
    ],
)
def test_no_more_is_allowed_than_can_flow(
    first: str, second: str, unit: str, seconds: float, watts: Decimal, same: bool
) -> None:
    one, two = [_reading("1.8.0", first, unit)], [_reading("1.8.0", second, unit)]
    assert same_readings(one, two, seconds=seconds, watts=watts) == ([] if same else ["1.8.0"])
