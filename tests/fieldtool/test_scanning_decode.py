"""Reading codes: what plain pictures must give at once, and what hard ones must give or refuse."""

from __future__ import annotations

import itertools
import json
import time

import cv2
import numpy as np
import pytest

from assets import root
from fieldtool.scanning import Code, Symbology, decode, decoder
from fieldtool.scanning.classify import classify
from fieldtool.scanning.codes import reconcile
from fieldtool.scanning.labels_out import LabelCode, MeterLabel, asset_label, code_image, meter_label
from fieldtool.scanning.rules import load_rules
from tests.bench import scan
from tests.support.label_images import Trouble, ean_check, samples, spoil

OF_THE_PROGRAM = decoder.clock

EVERY = [
    Symbology.CODE_128,
    Symbology.GS1_128,
    Symbology.CODE_39,
    Symbology.ITF,
    Symbology.EAN_13,
    Symbology.EAN_8,
    Symbology.DATA_MATRIX,
    Symbology.QR_CODE,
]


def texts(codes: list[Code]) -> list[str]:
    return [code.text for code in codes]


@pytest.mark.parametrize("symbology", EVERY)
def test_a_clean_picture_gives_text_symbology_and_corners_in_the_picture(symbology: Symbology) -> None:
    sample = next(samples(symbology, Trouble(), 1, seed=7))
    (code,) = decode(sample.image)
    assert (code.text, code.symbology) == (sample.text, symbology)
    height, width = sample.image.shape[:2]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in code.corners)
    assert abs(code.centre[0] - width / 2) < width / 6


@pytest.mark.parametrize("symbology", [s for s in EVERY if s is not Symbology.EAN_8])
@pytest.mark.parametrize(
    "trouble",
    [
        Trouble("roll", roll=33),
        Trouble("tilt", roll=12, pitch=25, yaw=25),
        Trouble("contrast", contrast=0.1),
        Trouble("noise", noise=30),
    ],
    ids=lambda t: t.name,
)
def test_turned_dim_and_noisy_labels_are_read(symbology: Symbology, trouble: Trouble) -> None:
    for sample in samples(symbology, trouble, 2, seed=11):
        assert texts(decode(sample.image, 600)) == [sample.text]


@pytest.mark.parametrize("symbology", [Symbology.DATA_MATRIX, Symbology.QR_CODE])
def test_matrix_codes_are_read_at_a_strong_angle_and_placed_right(symbology: Symbology) -> None:
    for sample in samples(symbology, Trouble("angle", roll=30, pitch=45, yaw=35), 3, seed=5):
        (code,) = decode(sample.image, 2000)
        assert code.text == sample.text
        height, width = sample.image.shape[:2]
        assert abs(code.centre[0] - width / 2) < 25
        assert abs(code.centre[1] - height / 2) < 25


@pytest.mark.parametrize("symbology", EVERY)
def test_light_bars_on_dark_and_a_picture_upside_down_are_read(symbology: Symbology) -> None:
    sample = next(samples(symbology, Trouble(), 1, seed=3))
    for seen in (255 - sample.image, sample.image[::-1, ::-1], np.rot90(sample.image)):
        assert sample.text in texts(decode(np.ascontiguousarray(seen), 800))


@pytest.mark.parametrize(
    ("text", "symbology", "read"),
    [
        ("(01)08412345678905(21)00A7", Symbology.DATA_MATRIX, "01084123456789052100A7"),
        ("(01)08412345678905(21)00A7(240)X", Symbology.QR_CODE, "01084123456789052100A7\x1d240X"),
        ("LW:D0:1122334455667788:AABBCCDD00112233:00FF0001", Symbology.QR_CODE, None),
    ],
)
def test_gs1_and_lorawan_squares_say_what_they_are(text: str, symbology: Symbology, read: str | None) -> None:
    (code,) = decode(code_image(text, symbology, module=4))
    assert code.text == (read or text)
    assert code.gs1 == (read is not None)
    fields = classify([code], load_rules(root() / "labels")).fields
    assert fields["gtin" if read else "dev_eui"] in ("08412345678905", "AABBCCDD00112233")


def test_a_serial_keeps_its_zeros_and_gs1_its_separators() -> None:
    zeros = cv2.cvtColor(code_image("00012345", Symbology.CODE_128), cv2.COLOR_GRAY2BGR)
    assert texts(decode(zeros)) == ["00012345"]
    gs1 = cv2.cvtColor(code_image("(21)00A7(240)XY", Symbology.GS1_128), cv2.COLOR_GRAY2BGR)
    (code,) = decode(gs1)
    assert code.text == "2100A7\x1d240XY"
    assert code.gs1


def test_all_codes_of_one_label_are_read_in_reading_order() -> None:
    label = meter_label(
        MeterLabel(
            "ZIV",
            "5CTM",
            ("230 V 5(80) A 50 Hz",),
            (
                LabelCode("ZIV0012345678", caption="ZIV0012345678"),
                LabelCode("8412345678905", Symbology.EAN_13),
                LabelCode("40:40:22:BC:61:4E", Symbology.DATA_MATRIX),
            ),
        ),
        root() / "fonts",
    )
    rng = np.random.default_rng(3)
    frame = spoil(label[:, :, 0], Trouble(roll=4, yaw=12), 3, rng, (720, 1280))
    assert texts(decode(frame)) == ["ZIV0012345678", "8412345678905", "40:40:22:BC:61:4E"]


def test_a_wall_of_meters_at_an_angle_is_read_whole() -> None:
    serials = [f"ZIV00{12345000 + 37 * i:08d}" for i in range(12)]
    tile = [np.pad(code_image(s, Symbology.CODE_128, height=54), 40, constant_values=200) for s in serials]
    wall = np.vstack([np.hstack(tile[i : i + 4]) for i in range(0, 12, 4)])
    frame = spoil(wall, Trouble(roll=20, yaw=12, pitch=4, blur=0.7), 3, np.random.default_rng(5))
    assert sorted(texts(decode(frame, 3000))) == serials


def test_near_the_resolution_limit_nothing_wrong_is_said() -> None:
    """Plain reading misreads here, tried; refusing is right, a wrong serial is a wrong bill."""
    for symbology in (Symbology.CODE_128, Symbology.EAN_13, Symbology.ITF, Symbology.CODE_39):
        for sample in samples(symbology, Trouble("limit", module=1.05, noise=6, roll=4, yaw=10), 6, seed=5):
            read = decode(sample.image)
            assert set(texts(read)) <= {sample.text}
            assert all(code.marginal for code in read)


def test_an_itf_is_never_cut_short() -> None:
    """A level scan line leaves a tilted ITF at its upper edge and reads a shorter, valid one."""
    for sample in samples(Symbology.ITF, Trouble("tilt", roll=6, pitch=15, yaw=15), 8, seed=1):
        assert set(texts(decode(sample.image))) <= {sample.text}


def test_overlapping_codes_that_differ_are_both_refused() -> None:
    one = Code("111", Symbology.CODE_128, ((0, 0), (100, 0), (100, 30), (0, 30)))
    two = Code("222", Symbology.CODE_128, ((5, 2), (100, 2), (100, 28), (5, 28)))
    far = Code("333", Symbology.CODE_128, ((0, 200), (100, 200), (100, 230), (0, 230)))
    kept, refused = reconcile([one, far, two])
    assert texts(kept) == ["333"]
    assert texts(refused) == ["111", "222"]


def test_equal_readings_of_one_place_are_one_code_and_the_sure_one_stays() -> None:
    weak = Code("111", Symbology.CODE_128, ((0, 0), (100, 0), (100, 30), (0, 30)), marginal=True)
    sure = Code("111", Symbology.CODE_128, ((1, 1), (99, 1), (99, 29), (1, 29)))
    assert reconcile([weak, sure]) == ([sure], [])


def test_noise_and_blank_frames_give_nothing_within_the_budget() -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (480, 640, 3)).astype(np.uint8)
    started = time.process_time()
    assert decode(noise, 200) == []
    assert time.process_time() - started < 2.0
    assert decode(np.full((480, 640, 3), 128, np.uint8)) == []
    assert decode(np.zeros((1, 1, 3), np.uint8)) == []


@pytest.mark.parametrize("bad", [np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), np.zeros(4, np.uint8)])
def test_what_is_no_picture_is_a_clear_error(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        decode(bad)


def test_any_view_of_a_picture_is_taken() -> None:
    grey = code_image("ZIV0012345678", Symbology.CODE_128)
    colour = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    padded = np.pad(colour, ((30, 30), (30, 30), (0, 0)), constant_values=255)
    views = [
        grey,
        np.asfortranarray(grey),
        padded[10:-10, 10:-10],
        colour[::-1, ::-1],
        cv2.cvtColor(grey, cv2.COLOR_GRAY2BGRA),
        grey[:, :, None],
        np.pad(grey, 20, constant_values=255)[5:-5, 5:-5],
    ]
    for view in views:
        assert texts(decode(view)) == ["ZIV0012345678"]


def test_an_asset_label_reads_back() -> None:
    assert texts(decode(asset_label("PANEL:C1-P01", ("Tablero 1", "12 posiciones"), root() / "fonts"))) == [
        "PANEL:C1-P01"
    ]


def test_the_generator_makes_valid_eans() -> None:
    assert ean_check("841234567890") == "5"


def test_a_person_waits_by_the_wall_so_the_programs_budget_is_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that another program kept waiting is late all the same: what is next to try is left out."""
    assert OF_THE_PROGRAM is time.perf_counter
    now = itertools.count(0, 10)
    monkeypatch.setattr(decoder, "clock", lambda: float(next(now)))
    hard = cv2.GaussianBlur(code_image("ZIV0012345678", Symbology.CODE_128), (0, 0), 2)
    tried = []
    monkeypatch.setattr(decoder.regions, "find", lambda *_, **__: tried.append(1) or [])
    decode(hard, 300)
    assert tried == []


@pytest.mark.parametrize("given", [[], ["--processor-time"]])
def test_the_benchmark_counts_as_it_is_asked_and_gives_back_the_clock(
    given: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that others keep busy a budget of wall time gives a hard picture next to no work."""
    monkeypatch.setattr(decoder, "clock", OF_THE_PROGRAM)
    counted = []
    monkeypatch.setattr(scan, "decode", lambda *_: counted.append(decoder.clock) or [])
    assert scan.main(["--json", "--stress-only", "--images", "3", *given]) == 0
    stress = json.loads(capsys.readouterr().out)["stress"]
    assert stress["images"] == 3
    assert stress["longest_ms"] >= stress["median_ms"] >= 0
    assert set(counted) == {time.process_time if given else time.perf_counter}
    assert decoder.clock is time.perf_counter
