"""The four-way match as a crew meets it: which device is in hand, what is wrong with it, and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldtool.identity import (
    Cause,
    MatchInput,
    MatchResult,
    OtherOrder,
    Remedy,
    SourceState,
    StockItem,
    Verdict,
    difference,
    match,
)

MINE, OTHER = "ZIV0072418836", "ZIV0072418863"
NEIGHBOUR = OtherOrder(order_id="o-2", number="SCZ-118207", place="P3")


def item(serial: str, state: str = "on_truck", crew: str = "C1", model: str = "m") -> StockItem:
    return StockItem(serial=serial, model=model, state=state, crew=crew)


def compare(
    order: str | None = MINE,
    label: str | None = MINE,
    optical: str | None = MINE,
    stock: tuple[StockItem, ...] = (item(MINE), item(OTHER)),
    others: dict[str, OtherOrder] | None = None,
) -> MatchResult:
    return match(
        MatchInput(
            order_serial=order,
            order_model="m",
            label=label,
            optical=optical,
            stock={one.serial: one for one in stock},
            others=others or {},
            crew="C1",
        )
    )


def states(result: MatchResult) -> list[SourceState]:
    return [line.state for line in result.lines]


def test_four_equal_sources_match() -> None:
    result = compare()
    assert result.verdict is Verdict.EQUAL
    assert states(result) == [SourceState.EQUAL] * 4


def test_spaces_and_hyphens_that_people_type_make_no_difference() -> None:
    assert compare(label="ZIV 0072-4188 36").equal


def test_the_neighbours_meter_names_the_order_it_was_swapped_with() -> None:
    result = compare(label=OTHER, optical=OTHER, others={OTHER: NEIGHBOUR})
    assert (result.cause, result.remedy) == (Cause.SWAPPED_ORDER, Remedy.MOUNT_EXPECTED)
    assert result.other == NEIGHBOUR
    assert result.params["order"] == "SCZ-118207"
    assert states(result) == [
        SourceState.EXPECTED,
        SourceState.DIFFERS,
        SourceState.DIFFERS,
        SourceState.OTHER_ORDER,
    ]
    assert [line.marks for line in result.lines] == [[(11, 13)]] * 4


def test_the_expected_meter_is_not_here_so_only_the_office_can_help() -> None:
    result = compare(label=OTHER, optical=OTHER, stock=(item(OTHER),), others={OTHER: NEIGHBOUR})
    assert result.remedy is Remedy.ASK_OFFICE


def test_the_label_of_the_box_is_told_from_another_meter() -> None:
    assert compare(label=OTHER).cause is Cause.LABEL_OF_BOX
    assert compare(optical=OTHER).cause is Cause.OTHER_METER_MOUNTED


def test_what_was_not_read_is_no_mismatch_to_argue_about() -> None:
    assert (compare(label=None).cause, compare(label=None).remedy) == (
        Cause.LABEL_UNREAD,
        Remedy.SCAN_LABEL,
    )
    assert compare(optical=None).cause is Cause.OPTICAL_UNREAD


@pytest.mark.parametrize(
    ("stock", "cause"),
    [
        ((), Cause.NOT_ON_TRUCK),
        ((item(MINE, "in_store"),), Cause.NOT_ON_TRUCK),
        ((item(MINE, crew="C2"),), Cause.OTHER_CREW),
        ((item(MINE, "installed"),), Cause.ALREADY_INSTALLED),
        ((item(MINE, model="x"),), Cause.OTHER_MODEL),
    ],
)
def test_a_meter_that_the_stock_list_does_not_give_us_stops(
    stock: tuple[StockItem, ...], cause: Cause
) -> None:
    result = compare(stock=stock)
    assert result.cause is cause
    assert not result.equal


def test_where_the_office_left_the_choice_any_meter_of_the_truck_of_that_model_matches() -> None:
    result = compare(order=None, label=OTHER, optical=OTHER)
    assert result.equal
    assert states(result)[0] is SourceState.ABSENT


SERIALS = st.text("ABZ0123456789", min_size=1, max_size=14)


@given(SERIALS, SERIALS)
def test_marks_cover_every_difference_and_nothing_of_an_equal_serial(one: str, other: str) -> None:
    marks = difference(one, other)
    assert (marks == []) == (one == other)
    assert all(0 <= start < end <= len(one) for start, end in marks)
    if len(one) == len(other):
        marked = {index for start, end in marks for index in range(start, end)}
        assert marked == {index for index in range(len(one)) if one[index] != other[index]}


@given(SERIALS, st.none() | SERIALS, st.none() | SERIALS)
def test_a_match_never_passes_unless_label_port_and_order_name_the_same(
    order: str, label: str | None, optical: str | None
) -> None:
    result = compare(
        order=order, label=label, optical=optical, stock=tuple(item(s) for s in (order, label, optical) if s)
    )
    assert result.equal == (order == label == optical)
