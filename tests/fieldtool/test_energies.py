"""Energy over one interval: what counts as an end of it, and what is no energy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fieldtool.energies import Interval, RegisterReading, energies, interval_of

START, END = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)
MONTH = Interval(start=START, end=END)


def register(serial: str, at: datetime, kwh: str) -> RegisterReading:
    return RegisterReading(serial=serial, at=at, kwh=Decimal(kwh))


def test_a_register_within_a_period_of_an_end_stands_for_it_and_one_of_yesterday_does_not() -> None:
    near, far = START + timedelta(minutes=10), START - timedelta(days=1)
    readings = [
        register("A", near, "100.5"),
        register("A", END, "140.0"),
        register("B", far, "1"),
        register("B", END, "2"),
    ]
    assert energies(readings, MONTH, ["A", "B", "C"]) == {"A": Decimal("39.5"), "B": None, "C": None}


def test_a_register_that_fell_is_no_energy() -> None:
    """It rolled over, or another meter hangs there since: a guess makes a loss of it, or hides one."""
    readings = [register("A", START, "99990"), register("A", END, "20")]
    assert energies(readings, MONTH, ["A"]) == {"A": None}


def test_the_interval_is_where_every_macro_meter_was_read() -> None:
    readings = [
        register("M", START, "1"),
        register("M", END, "2"),
        register("N", START + timedelta(days=1), "1"),
        register("N", END, "2"),
    ]
    assert interval_of(readings, ["M", "N"]) == Interval(start=START + timedelta(days=1), end=END)
    assert interval_of(readings[:1], ["M"]) is None
    assert interval_of(readings, []) is None
