"""Label rules: which code is the device, and what is shown instead of guessed."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import root
from fieldtool.scanning import Code, Symbology, gs1
from fieldtool.scanning.checks import CheckFailed, normalise
from fieldtool.scanning.classify import classify, classify_texts
from fieldtool.scanning.files import UnreadablePicture, scan_file
from fieldtool.scanning.labels_out import LabelCode, MeterLabel, meter_label
from fieldtool.scanning.rules import LabelRuleError, LabelRules, load_rules

SQUARE = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


@pytest.fixture(scope="module")
def rules() -> LabelRules:
    return load_rules(root() / "labels")


def code(text: str, symbology: Symbology = Symbology.CODE_128, *, gs: bool = False) -> Code:
    return Code(text, symbology, SQUARE, gs)


def test_a_full_label_gives_serial_mac_sim_and_article(rules: LabelRules) -> None:
    reading = classify(
        [
            code("8412345678905", Symbology.EAN_13),
            code("40:40:22:bc:61:4e", Symbology.DATA_MATRIX),
            code("ZIV0012345678"),
            code("89340100000000000011"),
        ],
        rules,
        model="prime-1ph",
    )
    assert reading.serial == "ZIV0012345678"
    assert reading.fields == {"gtin": "8412345678905", "mac": "404022BC614E", "iccid": "89340100000000000011"}
    assert not reading.competing
    assert not reading.unknown


def test_two_serials_are_shown_and_not_guessed(rules: LabelRules) -> None:
    reading = classify([code("ZIV0012345678"), code("ZIV0012345679")], rules)
    assert reading.serial is None
    assert [c.value for c in reading.competing] == ["ZIV0012345678", "ZIV0012345679"]


def test_one_text_with_two_meanings_needs_the_model(rules: LabelRules) -> None:
    """Eight digits are an old meter's serial or a TWACS module's: only the expected model decides."""
    either = classify([code("41000001")], rules)
    assert either.serial is None
    assert {c.field for c in either.competing} == {"serial", "twacs"}
    assert classify([code("41000001")], rules, model="em-1ph").serial == "41000001"
    assert classify([code("41000001")], rules, model="plc-prepay-1ph").fields == {"twacs": "41000001"}


def test_the_code_of_the_box_is_never_the_device(rules: LabelRules) -> None:
    boxed = classify([code("BXZIV0012345678B")], rules)
    assert boxed.serial is None
    assert boxed.only_box


def test_a_wrong_check_digit_is_refused_with_its_reason(rules: LabelRules) -> None:
    reading = classify([code("37524000034")], rules, model="plc-prepay-1ph")
    assert reading.serial is None
    assert reading.refused == (("serial", "37524000034", "check_digit"),)


def test_gs1_serials_and_din_with_spaces_come_out_in_normal_form(rules: LabelRules) -> None:
    packed = code("0108412345678905211LGZ0052400000", Symbology.GS1_128, gs=True)
    assert classify([packed], rules, model="idis-3ph-ct").serial == "1LGZ0052400000"
    assert classify([code("1 LGZ 00 52400000")], rules).serial == "1LGZ0052400000"


def test_lorawan_labels_give_their_fields(rules: LabelRules) -> None:
    reading = classify([code("LW:D0:1122334455667788:AABBCCDDEEFF0011:00FF0001", Symbology.QR_CODE)], rules)
    assert reading.fields == {
        "join_eui": "1122334455667788",
        "dev_eui": "AABBCCDDEEFF0011",
        "lorawan_profile": "00FF0001",
    }


def test_an_unknown_code_is_kept_as_unknown(rules: LabelRules) -> None:
    reading = classify([code("https://example.org/", Symbology.QR_CODE)], rules)
    assert [c.text for c in reading.unknown] == ["https://example.org/"]


def test_typed_texts_are_classified_without_a_symbology(rules: LabelRules) -> None:
    typed = ["ZIV0012345678", "40:40:22:BC:61:4E", "BXZIV0012345678B", "hello"]
    assert classify_texts(typed, rules, model="prime-1ph") == {
        "serial": "ZIV0012345678",
        "mac": "404022BC614E",
        "box.serial": "BXZIV0012345678B",
        "unknown.0": "hello",
    }
    two = classify_texts(["ZIV0012345678", "ZIV0012345679"], rules)
    assert "serial" not in two
    assert two["competing.1"] == "serial=ZIV0012345679"


@pytest.mark.parametrize(
    ("check", "good", "bad", "reason"),
    [
        ("imei", "490154203237518", "490154203237519", "check_digit"),
        ("iccid", "8934010000000000000", "8834010000000000000", "form"),
        ("eui48", "40-40-22-00-00-01", "FFFFFFFFFFFF", "reserved"),
        ("eui48", "404022000001", "014022000001", "reserved"),
        ("eui64", "0018A2FFFE000001", "0000000000000000", "reserved"),
        ("din43863-5", "1LGZ0052400000", "1LGZ005240000", "length"),
        ("prime", "ZIV0012345678", "ZI00012345678", "form"),
        ("luhn", "37524000033", "37524000034", "check_digit"),
        ("cups", "ES1234123456789012JY0F", "ES1234123456789012JX0F", "check_digit"),
        ("gtin", "8412345678905", "8412345678906", "check_digit"),
    ],
)
def test_checks(check: str, good: str, bad: str, reason: str) -> None:
    assert normalise(check, good)
    with pytest.raises(CheckFailed) as failed:
        normalise(check, bad)
    assert failed.value.reason == reason


@given(
    st.dictionaries(
        st.sampled_from(["21", "240", "250", "8004", "10"]),
        st.text("ABC0123456789-", min_size=1, max_size=20),
        min_size=1,
    )
)
def test_gs1_reads_back_what_was_joined_with_separators(elements: dict[str, str]) -> None:
    text = gs1.GS.join(k + v for k, v in elements.items())
    assert gs1.parse(text) == elements
    assert gs1.parse("0108412345678905" + text) == {"01": "08412345678905"} | elements


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('id = "x"\nversion = 1\n[[code]]\nfield = "serial"\npattern = "("\n', 5, "regular expression"),
        (
            'id = "x"\nversion = 1\n[[code]]\nfield = "serial"\npattern = "a"\ncheck = "crc"\n',
            6,
            "unknown check",
        ),
        ('id = "x"\nversion = 1\n[[code]]\nfeld = "serial"\npattern = "a"\n', 4, "feld"),
        ('id = "x"\nversion = \n', 2, ""),
        (
            'id = "x"\nversion = 1\n[[code]]\nfield = "serial"\npattern = "[0-9]+"\nsymbologies = ["ITF"]\n',
            6,
            "misread",
        ),
    ],
)
def test_a_mistake_in_a_rules_file_names_file_line_and_reason(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(LabelRuleError) as wrong:
        load_rules(tmp_path, ["x"])
    assert (wrong.value.file, wrong.value.line) == ("x.toml", line)
    assert reason in wrong.value.reason


def test_a_missing_rules_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelRuleError, match=r"none\.toml"):
        load_rules(tmp_path, ["none"])


def test_a_picture_file_gives_the_object_of_the_command_line(tmp_path: Path, rules: LabelRules) -> None:
    label = MeterLabel(
        "ZIV", "5CTM", (), (LabelCode("ZIV0012345678"), LabelCode("8412345678905", Symbology.EAN_13))
    )
    file = tmp_path / "rótulo ñ.jpg"
    file.write_bytes(cv2.imencode(".jpg", meter_label(label, root() / "fonts"))[1].tobytes())
    found = scan_file(file, rules).to_json()
    assert found["serial"] == "ZIV0012345678"
    assert found["file"] == str(file)
    codes = found["codes"]
    assert isinstance(codes, list)
    assert [c["text"] for c in codes] == ["ZIV0012345678", "8412345678905"]
    assert all(len(c["corners"]) == 4 for c in codes)


def test_unreadable_pictures_say_why(tmp_path: Path, rules: LabelRules) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"not a picture")
    for name, reason in (
        ("none.png", "missing"),
        ("empty.png", "empty"),
        ("text.png", "not_a_picture"),
        (".", "folder"),
    ):
        with pytest.raises(UnreadablePicture) as error:
            scan_file(tmp_path / name, rules)
        assert error.value.reason == reason
