"""Odd labels: nothing is guessed from them, and what stays open is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets import root
from fieldtool.scanning import Code, Symbology, gs1
from fieldtool.scanning.checks import CheckFailed, normalise
from fieldtool.scanning.classify import LabelReading, classify, classify_texts
from fieldtool.scanning.codes import to_keep
from fieldtool.scanning.rules import LabelRuleError, LabelRules, load_rules

SQUARE = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
GTIN = "0108412345678905"
SERIAL = "ZIV0012345678"
LINK = "https://id.example/01/8412345678905"


@pytest.fixture(scope="module")
def rules() -> LabelRules:
    return load_rules(root() / "labels")


def read(
    rules: LabelRules,
    *texts: str,
    by: Symbology = Symbology.QR_CODE,
    gs: bool = False,
    model: str | None = None,
) -> LabelReading:
    return classify([Code(text, by, SQUARE, gs) for text in texts], rules, model=model)


@pytest.mark.parametrize(
    "text",
    [
        f"{GTIN}21{SERIAL}",
        f"21{SERIAL}{gs1.GS}{GTIN}",
        f"10LOT7{gs1.GS}21{SERIAL}{gs1.GS}11261124{GTIN}",
        f"{gs1.GS}240ABC{gs1.GS}{GTIN}21{SERIAL}{gs1.GS}",
    ],
)
def test_gs1_elements_in_any_order(rules: LabelRules, text: str) -> None:
    assert read(rules, text, by=Symbology.GS1_128, gs=True).serial == SERIAL


@pytest.mark.parametrize(
    "text",
    [
        f"21{SERIAL}{GTIN}",  # the separator is missing: where the serial ends nobody knows
        f"21{SERIAL}{gs1.GS}21ZIV0012345679",
        f"21{SERIAL}{gs1.GS}0708412345",  # (07) is no identifier
        f"{GTIN[:-1]}{gs1.GS}21{SERIAL}",
        f"21{SERIAL}{gs1.GS}{gs1.GS}10A",
        f"(21){SERIAL}",
        "21" + "9" * 21,
    ],
)
def test_gs1_that_breaks_its_rules_says_nothing(rules: LabelRules, text: str) -> None:
    reading = read(rules, text, by=Symbology.GS1_128, gs=True)
    assert reading.serial is None
    assert [code.text for code in reading.unknown] == [text]


@pytest.mark.parametrize(
    "address",
    [
        f"{LINK}/21/{SERIAL}",
        f"HTTPS://BRAND.EXAMPLE/some/path/01/08412345678905/22/2A/10/L%2F1/21/{SERIAL}?17=270101&x=1",
        f"http://id.example/01/08412345678905/21/{SERIAL}/",
    ],
)
def test_a_gs1_digital_link_says_its_serial(rules: LabelRules, address: str) -> None:
    assert read(rules, address.replace("L%2F1", "L1")).serial == SERIAL


@pytest.mark.parametrize(
    "address",
    [
        f"{LINK}/21/{SERIAL}?21=ZIV0012345679",
        f"https://id.example/01/8412345678906/21/{SERIAL}",
        f"https://id.example/21/{SERIAL}",
        f"{LINK}/21/{SERIAL}/more",
        f"{LINK}/21/{SERIAL}/10/LOT",
        f"{LINK}/21/ZIV%D9%A0%D9%A0%D9%A112345678",
        f"ftp://id.example/01/8412345678905/21/{SERIAL}",
        f"https:///01/8412345678905/21/{SERIAL}",
        f"https://[/01/8412345678905/21/{SERIAL}",
        f"https://shop.example/item?serial={SERIAL}",
    ],
)
def test_any_other_address_says_nothing(rules: LabelRules, address: str) -> None:
    reading = read(rules, address)
    assert reading.serial is None
    assert not reading.fields


def test_a_hand_held_reader_may_say_that_it_is_gs1(rules: LabelRules) -> None:
    """Without the mark `01…21…` of fixed and last elements has no separator that would tell."""
    assert classify_texts([f"]C1{GTIN}21{SERIAL}"], rules)["serial"] == SERIAL
    assert classify_texts([f"]d2{GTIN}21{SERIAL}"], rules)["serial"] == SERIAL
    assert "serial" not in classify_texts([f"{GTIN}21{SERIAL}"], rules)


LORA = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122"


@pytest.mark.parametrize("more", ["", ":OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C", ":P", ":SZIV0012345678"])
def test_lorawan_optional_parts_are_no_serial(rules: LabelRules, more: str) -> None:
    reading = read(rules, LORA + more)
    assert reading.serial is None
    assert reading.fields == {
        "join_eui": "1122334455667788",
        "dev_eui": "AABBCCDDEEFF0011",
        "lorawan_profile": "AABB1122",
    }


@pytest.mark.parametrize(
    "text", [LORA.lower(), LORA.replace("D0", "D1"), LORA[:-1], LORA.replace("LW:", "LW;"), LORA + "AA"]
)
def test_other_lorawan_versions_are_not_understood(rules: LabelRules, text: str) -> None:
    assert read(rules, text).fields == {}


def test_a_device_address_of_nobody_is_refused(rules: LabelRules) -> None:
    nobody = LORA.replace("AABBCCDDEEFF0011", "0" * 16)
    assert read(rules, nobody).fields == {}
    assert read(rules, nobody).refused[0][2] == "reserved"


@pytest.mark.parametrize(
    "text", ["490154203237519", "IMEI:490154203237519", "8934010000000000012", "8934010000000000001F"]
)
def test_modem_and_sim_with_a_wrong_check_digit_are_refused(rules: LabelRules, text: str) -> None:
    reading = read(rules, text, by=Symbology.CODE_128, model="idis-1ph-lte")
    assert (reading.serial, reading.fields) == (None, {})
    assert [reason for _, _, reason in reading.refused] == ["check_digit"]


def test_leading_zeros_stay(rules: LabelRules) -> None:
    assert read(rules, "00000012", by=Symbology.CODE_128, model="gprs-3ph-ct").serial == "00000012"
    assert read(rules, "ZIV0000000001").serial == "ZIV0000000001"


@pytest.mark.parametrize(
    "text",
    [
        "ziv0012345678",
        "ZIV٠٠١٢٣٤٥٦٧٨",
        "ZIV００１２３４５６７８",
        "zıv0012345678",
        "ZIV0012345678\n",
        " ZIV0012345678",
        "ZIV0012345678\x00",
        "ZIV0012345678" * 300,
        "\x00\x01\x02\xff",
        "9" * 7089,
        "٤١٠٠٠٠٠١",
    ],
)
def test_what_only_looks_like_a_serial_is_unknown(rules: LabelRules, text: str) -> None:
    reading = read(rules, text)
    assert (reading.serial, reading.fields, reading.competing) == (None, {}, ())
    assert len(reading.unknown) == 1


def test_rules_of_a_project_take_no_other_digits_either(tmp_path: Path) -> None:
    """`\\d` and the checks would take digits and letters of other scripts that become ASCII."""
    (tmp_path / "own.toml").write_text(
        'id = "own"\nversion = 1\n[[code]]\nfield = "serial"\npattern = "\\\\d{8}"\n'
        '[[code]]\nfield = "mac"\npattern = ".{13}"\ncheck = "prime"\n'
    )
    own = load_rules(tmp_path)
    assert read(own, "41000001").serial == "41000001"
    assert read(own, "٤١٠٠٠٠٠١").serial is None
    assert read(own, "zıv0012345678").fields == {}
    with pytest.raises(CheckFailed, match="form"):
        normalise("iccid", "89٣٤٠١٠٠٠٠٠٠٠٠٠٠٠٠")


def test_checks_by_group_name_their_mistakes(tmp_path: Path) -> None:
    rule = 'id = "x"\nversion = 1\n[[code]]\npattern = "(?P<dev_eui>.*)"\nchecks = {{ {} }}\n'
    for wrongly, reason in (('mac = "eui64"', "no group mac"), ('dev_eui = "crc"', "unknown check")):
        (tmp_path / "x.toml").write_text(rule.format(wrongly))
        with pytest.raises(LabelRuleError, match=reason) as wrong:
            load_rules(tmp_path, ["x"])
        assert wrong.value.line == 5


def test_two_serials_are_not_called_the_box(rules: LabelRules) -> None:
    """Beside the carton's code the page spoke of the box, and not of the two meters in view."""
    reading = read(rules, SERIAL, "ZIV0012345679", f"BX{SERIAL}B", by=Symbology.CODE_128)
    assert reading.serial is None
    assert not reading.only_box
    assert {claim.value for claim in reading.competing} == {SERIAL, "ZIV0012345679"}


def test_what_is_kept_of_a_code_holds_no_key_no_bytes_and_no_document() -> None:
    """Makers print join keys into the codes of a carton; a byte 0 is no text for the office's database."""
    assert to_keep("ZIV0012345678") == "ZIV0012345678"
    assert to_keep("DEV:70B3D5;KEY:00112233445566778899AABBCCDDEEFF") == "DEV:70B3D5;KEY:…"
    assert to_keep("89033023001211360000000000123450") == "89033023001211360000000000123450"
    assert to_keep(f"a\x00b{gs1.GS}c") == f"a\N{REPLACEMENT CHARACTER}b{gs1.GS}c"
    assert len(to_keep("9" * 7089)) == 200


PARTS = st.sampled_from(
    ["ZIV", "0012345678", "1LGZ00", "52400000", "01", "08412345678905", "21", gs1.GS, "LW:D0:", ":", "/", "?",
     "https://", "IMEI:", "BX", "B", "89", "%2F", "[", "٠", "\x00", "F" * 16, "0" * 32, "PANEL:", "]C1"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    texts=st.lists(st.one_of(st.lists(PARTS, max_size=7).map("".join), st.text(max_size=40)), max_size=4),
    by=st.sampled_from(list(Symbology)),
    gs=st.booleans(),
    model=st.sampled_from([None, "prime-1ph", "idis-3ph-ct", "plc-prepay-1ph", "nobody's"]),
)
def test_no_text_breaks_the_rules_or_loses_itself(
    rules: LabelRules, texts: list[str], by: Symbology, gs: bool, model: str | None
) -> None:
    reading = read(rules, *texts, by=by, gs=gs, model=model)
    values = [*reading.fields.values(), *([reading.serial] if reading.serial else [])]
    assert all(value.isascii() and value.isprintable() for value in values)
    told = {text for _, text, _ in reading.refused} | {code.text for code in reading.unknown}
    told |= {claim.code.text for claim in (*reading.competing, *reading.box)}
    alone = {
        text for text in texts if (one := read(rules, text, by=by, gs=gs, model=model)).serial or one.fields
    }
    assert set(texts) <= told | alone
    assert {to_keep(to_keep(text)) == to_keep(text) for text in texts} <= {True}
