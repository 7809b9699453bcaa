"""The bits of the line: equal settings pass everything, other settings give garbage, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.virtual.uart import SIGN_ON, Framing, sampled, transfer

FAST = Framing(9600)


@given(
    st.binary(max_size=60),
    st.sampled_from([300, 2400, 9600]),
    st.sampled_from("NEO"),
    st.sampled_from([7, 8]),
)
def test_equal_settings_pass_everything(data: bytes, baud: int, parity: str, bits: int) -> None:
    framing = Framing(baud, bits, parity)
    assert transfer(data, framing, Framing(baud, bits, parity)) == bytes(o & (1 << bits) - 1 for o in data)


@given(st.binary(min_size=1, max_size=40))
def test_seven_bits_with_parity_look_like_eight_bits_with_the_parity_on_top(data: bytes) -> None:
    """7E1 and 8N1 have the same length: the parity bit arrives as bit 7 (``/`` 2F comes as AF)."""
    text = bytes(octet & 0x7F for octet in data)
    heard = transfer(text, SIGN_ON, Framing(300))
    assert heard == bytes(o | (o.bit_count() & 1) << 7 for o in text)


@given(st.binary(min_size=1, max_size=40))
def test_eight_bits_at_a_meter_that_checks_even_parity(data: bytes) -> None:
    """Only characters whose upper bit happens to be right get through."""
    heard = transfer(data, Framing(300), SIGN_ON, check_parity=True)
    assert heard == bytes(o & 0x7F for o in data if o.bit_count() % 2 == 0)


@given(st.binary(max_size=40), st.sampled_from("EO"), st.booleans(), st.booleans())
def test_the_short_way_between_7e1_and_8n1_hears_what_the_bits_say(
    data: bytes, parity: str, check: bool, back: bool
) -> None:
    ends = Framing(2400, 7, parity), Framing(2400)
    sender, receiver = ends[::-1] if back else ends
    assert transfer(data, sender, receiver, check) == sampled(data, sender, receiver, check)


@pytest.mark.parametrize(("sender", "receiver"), [(300, 9600), (9600, 300), (4800, 9600), (9600, 19200)])
def test_a_wrong_rate_never_gives_the_text(sender: int, receiver: int) -> None:
    text = b"/ZIv5\\25CTD-E2F\r\n"
    heard = transfer(text, Framing(sender), Framing(receiver))
    assert heard != text
    assert b"ZIv" not in heard


def test_a_slow_sender_is_a_row_of_breaks_for_a_fast_receiver() -> None:
    heard = transfer(b"/?!\r\n", SIGN_ON, FAST)
    assert heard
    assert set(heard) <= {0x00, 0xFF, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE}


@given(st.binary(max_size=60), st.integers(0, 3), st.integers(0, 3))
def test_any_settings_end_and_give_no_more_than_fits(data: bytes, a: int, b: int) -> None:
    choices = [SIGN_ON, FAST, Framing(4800), Framing(1200, 8, "O", 2)]
    sender, receiver = choices[a], choices[b]
    heard = transfer(data, sender, receiver)
    assert len(heard) * (receiver.length - 1) / receiver.baud <= len(data) * sender.seconds + receiver.seconds


def test_a_character_takes_ten_bits() -> None:
    assert SIGN_ON.seconds == pytest.approx(10 / 300)
    assert FAST.seconds == pytest.approx(10 / 9600)
