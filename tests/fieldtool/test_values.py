"""Technical values: their normal form, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from fieldtool.procedure.values import ValueMistake, normalise


@pytest.mark.parametrize(
    ("check", "text", "normal"),
    [
        ("eui48", "40:40:22:b8:de-70", "404022B8DE70"),
        ("ip", " 10.40.12.7 ", "10.40.12.7"),
        ("ip", "2001:DB8::1", "2001:db8::1"),
        ("apn", "M2M.Operador.bo", "m2m.operador.bo"),
        ("host", "10.1.0.1:2404", "10.1.0.1:2404"),
        ("host", "Gateway.cre.bo", "gateway.cre.bo"),
        ("ratio", "200,0 / 5", "200/5"),
        ("ratio", "22000:110", "22000/110"),
        ("sts_tariff_index", "1", "01"),
        ("sts_supply_group", "600 675", "600675"),
        # Display test tokens that hold for a meter of any maker.
        ("sts_token", "5649 3153 7254 5031 3471", "56493153725450313471"),
        ("sts_token", "1844 6744 0738 4377 2416", "18446744073843772416"),
    ],
)
def test_a_value_is_kept_in_its_normal_form(check: str, text: str, normal: str) -> None:
    assert normalise(check, text) == normal
    assert normalise(check, normal) == normal


@pytest.mark.parametrize(
    ("check", "text", "reason"),
    [
        ("eui48", "FFFFFFFFFFFF", "reserved"),
        ("ip", "0.0.0.0", "reserved"),
        ("ip", "127.0.0.1", "reserved"),
        ("ip", "10.40.12", "form"),
        ("host", "10.40.12:80", "form"),
        ("host", "gateway:70000", "form"),
        ("apn", "m2m..bo", "form"),
        ("ratio", "5/200", "form"),
        ("ratio", "200/0", "form"),
        ("iccid", "7934071100278134568", "form"),
        ("sts_key_revision", "0", "reserved"),
        ("sts_token", "5649 3153 7254 5031 3472", "check_digit"),
        ("sts_token", "9" * 20, "form"),
        ("sts_token", "123", "length"),
    ],
)
def test_what_is_no_such_value_is_named_by_its_reason(check: str, text: str, reason: str) -> None:
    with pytest.raises(ValueMistake) as caught:
        normalise(check, text)
    assert caught.value.reason == reason


@given(st.integers(min_value=1, max_value=10**10 - 1), st.sampled_from([10, 12]))
def test_a_prepayment_number_says_the_same_short_or_long_and_one_wrong_digit_is_seen(
    body: int, size: int
) -> None:
    text = f"{body:0{size}d}"
    number = text + luhn.calc_check_digit(text)
    issuer = {11: "600727", 13: "0000"}[len(number)]
    whole = issuer + number
    assert normalise("sts_meter", number) == number
    assert normalise("sts_meter", whole + luhn.calc_check_digit(whole)) == number
    wrong = number[:3] + str((int(number[3]) + 1) % 10) + number[4:]
    with pytest.raises(ValueMistake):
        normalise("sts_meter", wrong)
