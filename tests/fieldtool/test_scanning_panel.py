"""A whole panel in one photo: which device hangs in which slot, what must be looked at again, what is not
ours."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from assets import root
from fieldtool.main import app
from fieldtool.scanning import Code, Symbology, lattice
from fieldtool.scanning.panel import PanelReading, PanelSlot, SlotSight, read_panel
from fieldtool.scanning.panelcheck import Standing, judge_panel
from fieldtool.scanning.rules import load_rules
from tests.support.panel_images import PanelPhoto, panel_photo, serial_of

RULES = load_rules(root() / "labels")
SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def seen(photo: PanelPhoto, reading: PanelReading) -> dict[int, str]:
    return {slot.slot: slot.serial for slot in reading.slots if slot.serial is not None}


def labels(rows: int, columns: int, gone: set[int], turn: float, tilt: float) -> list[tuple[int, Code]]:
    """Labels of a panel seen at an angle, as codes with their corners; (slot, code)."""
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    view = np.array([[c, -s, 900], [s, c, 700], [tilt * 2e-4, tilt * 1.2e-4, 1.0]])
    found = []
    for index in set(range(rows * columns)) - gone:
        row, column = divmod(index, columns)
        x, y = column * 210.0, row * 240.0
        flat = np.array([[x - 60, y - 20], [x + 60, y - 20], [x + 60, y + 20], [x - 60, y + 20]])
        seen_at = cv2.perspectiveTransform(flat.reshape(-1, 1, 2), view).reshape(-1, 2)
        one, two, three, four = ((float(a), float(b)) for a, b in seen_at)
        found.append((index, Code(str(index), Symbology.CODE_128, (one, two, three, four))))
    return found


@settings(max_examples=60, deadline=None)
@given(
    gone=st.sets(st.integers(0, 23), max_size=9),
    turn=st.floats(-40, 40),
    tilt=st.floats(-1, 1),
)
def test_slots_follow_from_the_neighbours_whatever_is_missing(
    gone: set[int], turn: float, tilt: float
) -> None:
    found = labels(4, 6, gone, turn, tilt)
    fitted = lattice.fit([code for _, code in found], 4, 6)
    assert fitted is not None
    placed = {found[i][0]: cell for i, cell in fitted.cells.items()}
    # relative to each other they are always right; how much is missing at the border nobody can see
    (first, (row, column)), *_ = placed.items()
    down, right = first // 6 - row, first % 6 - column
    assert all((r + down) * 6 + c + right == slot for slot, (r, c) in placed.items())
    assert len(placed) >= 0.8 * len(found)


def test_a_panel_of_24_is_read_from_one_photo_at_an_angle() -> None:
    photo = panel_photo(4, 6, roll=20, yaw=15, pitch=4)
    reading = read_panel(photo.image, RULES, rows=4, columns=6, budget_ms=5000)
    assert seen(photo, reading) == photo.serials
    assert reading.slots[0].fields["mac"]


def test_missing_and_blinded_labels_leave_every_other_one_in_its_slot_and_are_asked_for() -> None:
    photo = panel_photo(
        2, 3, roll=35, yaw=25, pitch=8, missing=(3,), unreadable=(5,), size=(2000, 2400), extra=False
    )
    reading = read_panel(photo.image, RULES, rows=2, columns=3, budget_ms=4000)
    assert seen(photo, reading) == photo.serials
    assert {3, 5} <= set(reading.to_look_at)


def test_a_row_that_is_missing_at_the_border_is_told_by_the_orders_or_not_at_all() -> None:
    photo = panel_photo(3, 4, roll=6, yaw=8, missing=(1, 2, 3, 4), size=(1500, 2000), extra=False)
    blind = read_panel(photo.image, RULES, rows=3, columns=4, budget_ms=1200)
    assert blind.unsure_origin
    known = {serial_of(slot): slot for slot in (6, 7)}
    told = read_panel(photo.image, RULES, rows=3, columns=4, known=known, budget_ms=1200)
    assert not told.unsure_origin
    assert seen(photo, told) == photo.serials


def test_no_panel_in_the_picture_is_said_so() -> None:
    nothing = read_panel(np.full((600, 800, 3), 120, np.uint8), RULES, rows=2, columns=2)
    assert not nothing.fitted
    assert nothing.slots == ()
    with pytest.raises(ValueError, match="row"):
        read_panel(np.zeros((10, 10, 3), np.uint8), RULES, rows=0, columns=2)


def reading_of(*serials: str | None) -> PanelReading:
    slots = tuple(
        PanelSlot(
            slot=number,
            row=0,
            column=number - 1,
            sight=SlotSight.UNSEEN if serial is None else SlotSight.READ,
            frame=SQUARE,
            serial=serial,
        )
        for number, serial in enumerate(serials, start=1)
    )
    return PanelReading(rows=1, columns=len(serials), slots=slots, codes=())


def test_a_photo_is_held_against_the_orders() -> None:
    reading = reading_of("A1", "A3", "X9", None, "T1", "D", "D", None)
    verdict = judge_panel(reading, {"A1": 1, "A2": 2, "A3": 3, "A4": 4, "D": None}, also_ours={"T1"})
    assert [slot.standing for slot in verdict.slots] == [
        Standing.RIGHT,
        Standing.WRONG_SLOT,
        Standing.FOREIGN,
        Standing.EMPTY,
        Standing.RIGHT,
        Standing.TWICE,
        Standing.TWICE,
        Standing.FREE,
    ]
    assert verdict.slots[1].belongs == 3
    assert verdict.missing == ("A2", "A4")
    adrift = judge_panel(msgspec.structs.replace(reading, unsure_origin=True), {"A1": 1}, also_ours={"T1"})
    assert adrift.slots[0].standing is Standing.RIGHT, "the order names this very slot"
    assert adrift.slots[4].standing is Standing.DOUBTFUL, "nobody knows which slot this is"
    mended = judge_panel(reading, {"A4": 4}, said={4: "A4"})
    assert mended.slots[3].standing is Standing.RIGHT


def test_the_command_reads_a_panel_and_says_what_is_not_as_expected(tmp_path: Path) -> None:
    photo = panel_photo(2, 3, roll=5, yaw=6, size=(1200, 1600), serials={5: "ZIV0099999999"}, extra=False)
    picture, orders = tmp_path / "panel.png", tmp_path / "orders.csv"
    cv2.imwrite(str(picture), photo.image)
    orders.write_text("serial,slot\n" + "".join(f"{serial_of(n)},{n}\n" for n in range(1, 7)))
    arguments = ["scan", str(picture), "--panel", "2x3", "--expect", str(orders), "--json"]
    result = CliRunner().invoke(app, arguments)
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {slot["slot"]: slot["serial"] for slot in told["panel"]["slots"]} == photo.serials
    assert told["verdict"]["slots"][4]["standing"] == "foreign"
    assert told["verdict"]["missing"] == [serial_of(5)]
    assert len(told["codes"]) == 6
    assert CliRunner().invoke(app, ["scan", str(picture), "--panel", "4by6"]).exit_code == 2
