"""A balance at one moment, and what is said to be wrong when one does not close."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workorders.network import BalanceBand, CauseCode, PowerReading, balance, power_balance

LOADS = {"A": 412, "B": 1730, "C": 95, "D": 2640, "E": 388, "F": 905}
TOTAL = sum(LOADS.values())


def reading(serial: str, watts: float | Decimal, second: int = 0) -> PowerReading:
    return PowerReading(serial=serial, watts=Decimal(str(watts)), at=f"2026-03-01T10:00:{second:02d}.000Z")


def meters(**changed: int) -> dict[str, PowerReading | None]:
    return {serial: reading(serial, watts) for serial, watts in (LOADS | changed).items()}


def macro(watts: float, after: float | None = None) -> list[PowerReading]:
    return [reading("M", watts), reading("M", watts if after is None else after, 50)]


def test_a_panel_that_closes_is_fine_and_says_how_sure_that_is() -> None:
    found = power_balance(macro(TOTAL * 1.003, TOTAL * 1.001), meters())
    assert found.band is BalanceBand.FINE
    assert abs(found.difference) <= found.uncertainty
    assert found.uncertainty < TOTAL / 50
    assert found.seconds == 50
    assert found.causes == []


def test_a_load_that_moved_between_first_and_last_widens_the_answer_and_is_not_blamed_on_anybody() -> None:
    found = power_balance(macro(TOTAL * 0.8, TOTAL * 1.3), meters())
    assert found.band is BalanceBand.UNCLEAR
    assert found.percent is None
    assert found.causes == []


@pytest.mark.parametrize(
    ("total", "changed", "code", "serials"),
    [
        (TOTAL - 2640, {}, CauseCode.FOREIGN_METER, ["D"]),
        (TOTAL / 2, {}, CauseCode.MACRO_RATIO, []),
        (TOTAL * 2 / 3, {}, CauseCode.MACRO_PHASE, []),
        (TOTAL, {"B": -1730}, CauseCode.REVERSED_METER, ["B"]),
        (TOTAL + 900, {}, CauseCode.UNMEASURED_LOAD, []),
    ],
)
def test_one_thing_that_is_wrong_is_named(
    total: float, changed: dict[str, int], code: CauseCode, serials: list[str]
) -> None:
    found = power_balance(macro(total), meters(**changed))
    assert found.band in (BalanceBand.SUSPECT, BalanceBand.TOPOLOGY)
    assert (code, serials) in [(cause.code, cause.serials) for cause in found.causes]


def test_the_wrong_transformers_are_named_by_their_ratio() -> None:
    found = power_balance(macro(TOTAL / 2), meters(), ratio="100/5")
    assert ("100/5", "200/5") in [(cause.entered, cause.likely) for cause in found.causes]


def test_a_meter_that_was_not_read_forbids_a_percentage_and_is_named() -> None:
    found = power_balance(macro(TOTAL), meters() | {"D": None})
    assert (found.band, found.percent, found.missing) == (BalanceBand.REFUSED, None, ["D"])
    assert found.causes[-1].code is CauseCode.MISSING_METER
    assert found.causes[-1].serials == ["D"]


@given(
    loads=st.lists(st.integers(min_value=1, max_value=20_000), min_size=1, max_size=24),
    off=st.lists(st.floats(min_value=-0.9, max_value=0.9), min_size=25, max_size=25),
)
def test_meters_within_their_class_are_never_accused(loads: list[int], off: list[float]) -> None:
    """Worst case of every class at once stays no finding but for the one in twenty that k = 2 leaves."""
    sign = 1 if sum(off) >= 0 else -1
    told = {
        f"m{n}": reading(f"m{n}", Decimal(load) * (1 + Decimal(sign * abs(off[n])) / 200))
        for n, load in enumerate(loads)
    }
    found = power_balance([reading("M", sum(loads)), reading("M", sum(loads), 30)], dict(told))
    assert found.band in (BalanceBand.FINE, BalanceBand.UNCLEAR)
    assert found.causes == []


def test_over_an_interval_the_meter_that_hangs_elsewhere_is_named() -> None:
    energies: dict[str, Decimal | None] = {serial: Decimal(watts) for serial, watts in LOADS.items()}
    found = balance(into=[Decimal(TOTAL - 1730) * Decimal("1.02")], meters=energies)
    assert found.band is BalanceBand.TOPOLOGY
    assert (CauseCode.FOREIGN_METER, ["B"]) in [(cause.code, cause.serials) for cause in found.causes]


def test_under_the_coverage_rule_no_cause_is_guessed() -> None:
    found = balance(into=[Decimal(TOTAL)], meters={"A": Decimal(412), "B": None})
    assert found.band is BalanceBand.REFUSED
    assert found.causes == []
    assert found.missing == ["B"]
