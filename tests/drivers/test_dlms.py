"""Data, APDUs and ciphering: round trips, hostile bytes, and gurux as an independent reader of what we
send."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.dlms import acse, apdu
from drivers.dlms.acse import Conformance, Mechanism
from drivers.dlms.apdu import Selection
from drivers.dlms.ciphering import Ciphering, gcm_decrypt, gcm_encrypt
from drivers.dlms.cosem import (
    CosemTime,
    ScalerUnit,
    format_date_time,
    obis_text,
    parse_date_time,
    parse_item,
    plain_text,
    scaler_unit,
)
from drivers.dlms.data import Data, Tag, array, decode, encode, integer, octet_string, structure, unsigned
from drivers.dlms.protection import Keys
from drivers.errors import DriverError, Garbage, WrongKey, WrongValue

_INTEGERS = st.one_of(
    st.builds(Data, st.just(int(Tag.UNSIGNED)), st.integers(0, 255)),
    st.builds(Data, st.just(int(Tag.INTEGER)), st.integers(-128, 127)),
    st.builds(Data, st.just(int(Tag.LONG)), st.integers(-32768, 32767)),
    st.builds(Data, st.just(int(Tag.DOUBLE_LONG_UNSIGNED)), st.integers(0, 2**32 - 1)),
    st.builds(Data, st.just(int(Tag.LONG64)), st.integers(-(2**63), 2**63 - 1)),
    st.builds(Data, st.just(int(Tag.ENUM)), st.integers(0, 255)),
)
_LEAVES = st.one_of(
    st.just(Data(Tag.NULL)),
    _INTEGERS,
    st.builds(Data, st.just(int(Tag.BOOLEAN)), st.booleans()),
    st.builds(Data, st.just(int(Tag.OCTET_STRING)), st.binary(max_size=300)),
    st.builds(Data, st.just(int(Tag.BIT_STRING)), st.text("01", max_size=40)),
    st.builds(Data, st.just(int(Tag.DATE_TIME)), st.binary(min_size=12, max_size=12)),
)
VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        Data,
        st.sampled_from([int(Tag.ARRAY), int(Tag.STRUCTURE)]),
        st.lists(inner, max_size=6).map(tuple),
    ),
    max_leaves=20,
)


@given(VALUES)
def test_data_survives_encoding(value: Data) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_only_our_errors(data: bytes) -> None:
    for parse in (
        decode,
        apdu.parse_get_response,
        apdu.parse_set_response,
        apdu.parse_action_response,
        acse.decode_aare,
        acse.decode_initiate_response,
    ):
        for prefix in (b"", b"\xc4\x01\xc1", b"\xc4\x03\xc1", b"\xc5\x01\xc1", b"\xc7\x01\xc1", b"\x61"):
            with contextlib.suppress(DriverError):
                parse(prefix + data)


def test_a_length_that_lies_allocates_nothing() -> None:
    with pytest.raises(Garbage):
        decode(bytes.fromhex("0184FFFFFFFF"))
    with pytest.raises(Garbage):
        decode(b"\x02\x01" * 40 + b"\x00")


def test_a_compact_array_becomes_the_rows_it_stands_for() -> None:
    raw = bytes.fromhex("13 02 02 12 11 06 0001 02 0003 04".replace(" ", ""))
    rows = decode(raw)
    assert [[cell.value for cell in row.items] for row in rows.items] == [[1, 2], [3, 4]]


def test_a_value_that_does_not_fit_its_type_is_refused() -> None:
    with pytest.raises(ValueError, match="UNSIGNED"):
        encode(Data(Tag.UNSIGNED, 256))


# ---- against gurux, which reads our requests on its own


def _as_gurux_reads(pdu: bytes) -> str:
    from gurux_dlms import GXDLMSTranslator
    from gurux_dlms.enums import TranslatorOutputType

    with contextlib.redirect_stdout(io.StringIO()):
        translator = GXDLMSTranslator(TranslatorOutputType.SIMPLE_XML)
        return str(translator.pduToXml(pdu))


def test_gurux_understands_our_requests() -> None:
    item = parse_item("3:1.0.1.8.0.255:2")
    single = _as_gurux_reads(apdu.get_request(item))
    assert "GetRequestNormal" in single
    assert "0100010800FF" in single
    listed = _as_gurux_reads(apdu.get_list_request([item, item.of(3)]))
    assert listed.count("AttributeDescriptor ") + listed.count("<AttributeDescriptor>") >= 2
    selection = Selection(2, structure(unsigned(1), unsigned(2)))
    assert "AccessSelection" in _as_gurux_reads(apdu.get_request(item, selection))
    assert "SetRequestNormal" in _as_gurux_reads(apdu.set_request(item, unsigned(7)))
    assert "ActionRequestNormal" in _as_gurux_reads(apdu.action_request(item.of(1), integer(0)))


def test_gurux_understands_our_association_request() -> None:
    aarq = acse.encode_aarq(Mechanism.LOW, b"12345678", acse.initiate_request(), ciphered=False)
    text = _as_gurux_reads(aarq)
    assert "AssociationRequest" in text
    assert "MultipleReferences" in text
    assert "3132333435363738" in text


def test_gurux_reads_our_data_and_we_read_its() -> None:
    from gurux_dlms import GXByteBuffer
    from gurux_dlms.internal._GXCommon import _GXCommon
    from gurux_dlms.internal._GXDataInfo import _GXDataInfo

    ours = structure(unsigned(7), octet_string(b"abc"), array(Data(Tag.LONG, -2), Data(Tag.LONG, 3)))
    read = _GXCommon.getData(None, GXByteBuffer(encode(ours)), _GXDataInfo())
    assert [read[0], bytes(read[1]), list(read[2])] == [7, b"abc", [-2, 3]]


# ---- ciphering


def test_gmac_and_encryption_match_the_green_book_example() -> None:
    """Green Book 9.2.7.2, table of the worked example: glo-get of attribute 2 of the clock."""
    key = bytes.fromhex("000102030405060708090A0B0C0D0E0F")
    auth = bytes.fromhex("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF")
    title = bytes.fromhex("4D4D4D0000BC614E")
    ciphering = Ciphering(Keys(title, key, auth), lambda: 0x01234567)
    protected = ciphering.protect(bytes.fromhex("C0010000080000010000FF0200"))
    expected = "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B"
    assert protected.hex().upper() == expected


@given(st.binary(max_size=400), st.integers(0, 2**32 - 1))
def test_what_is_protected_opens_again_and_a_flipped_bit_does_not(plain: bytes, counter: int) -> None:
    key, nonce = bytes(range(16)), b"FTT\0\0\0\0\1" + counter.to_bytes(4, "big")
    protected = bytearray(gcm_encrypt(key, nonce, plain, b"head"))
    assert gcm_decrypt(key, nonce, bytes(protected), b"head") == plain
    protected[counter % len(protected)] ^= 1
    with pytest.raises(WrongKey):
        gcm_decrypt(key, nonce, bytes(protected), b"head")


def test_data_in_clear_is_not_taken_from_a_ciphered_association() -> None:
    ciphering = Ciphering(Keys(bytes(8), bytes(16), bytes(16)), lambda: 1)
    with pytest.raises(Garbage):
        ciphering.open(bytes.fromhex("C401C10006000000FF"))


def test_an_exception_response_tells_the_counter_it_expects() -> None:
    from drivers.dlms.apdu import ServiceException

    with pytest.raises(ServiceException) as caught:
        apdu.parse_get_response(bytes.fromhex("D8 01 06 0000 1234".replace(" ", "")))
    assert caught.value.counter == 0x1234


def test_conformance_bits_are_counted_from_the_most_significant() -> None:
    accepted = acse.decode_initiate_response(bytes.fromhex("0800065F1F0400005E1D04000007"))
    assert accepted.allows(Conformance.GET)
    assert accepted.allows(Conformance.SET)
    assert accepted.allows(Conformance.MULTIPLE_REFERENCES)
    assert accepted.max_pdu == 0x0400


# ---- values


@pytest.mark.parametrize(
    ("raw", "scaler", "text"),
    [(12345, -3, "12.345"), (12345, 0, "12345"), (7, 3, "7000"), (-5, -1, "-0.5"), (0, -2, "0.00")],
)
def test_scalers_are_applied_in_decimal(raw: int, scaler: int, text: str) -> None:
    assert ScalerUnit(scaler, "kWh").apply(raw) == text


@given(st.integers(-(2**63), 2**63), st.integers(-12, 12))
def test_no_digit_is_lost_by_a_scaler(raw: int, scaler: int) -> None:
    assert Decimal(ScalerUnit(scaler, None).apply(raw)) == Decimal(raw) * Decimal(10) ** scaler


def test_an_unknown_unit_keeps_its_number() -> None:
    assert scaler_unit(structure(integer(0), Data(Tag.ENUM, 199))) == ScalerUnit(0, "unit-199")


@pytest.mark.parametrize(
    "text", ["1.8.0", "3:1.0.1.8.0.256:2", "70000:1.0.1.8.0.255:2", "3:1.0.1.8.0.255:0", ""]
)
def test_wrong_items_are_refused(text: str) -> None:
    with pytest.raises(WrongValue):
        parse_item(text)


def test_items_come_back_as_they_were_asked() -> None:
    assert str(parse_item("3:1.0.1.8.0.255:2")) == "3:1.0.1.8.0.255:2"
    assert obis_text(parse_item("3:1-0:1.8.0*255").obis) == "1.0.1.8.0.255"


def test_utc_is_local_plus_deviation_and_some_profiles_reverse_it() -> None:
    peru = parse_date_time(bytes.fromhex("07EA0B1802 07 1E 00 FF 012C 00".replace(" ", "")))
    assert peru is not None
    assert peru.utc() == datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    reversed_sign = CosemTime(peru.local, -300, 0)
    assert reversed_sign.utc(reversed_sign=True) == datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def test_an_unspecified_deviation_is_not_taken_for_utc() -> None:
    time = parse_date_time(bytes.fromhex("07EA0B1802071E00FF800000"))
    assert time is not None
    assert time.utc() is None
    assert time.utc(zone_minutes=300) == datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)), st.integers(-720, 720))  # noqa: DTZ001  # local
def test_times_survive_to_the_second(local: datetime, deviation: int) -> None:
    parsed = parse_date_time(format_date_time(local, deviation))
    assert parsed is not None
    assert parsed.local.replace(microsecond=0) == local.replace(microsecond=0)
    assert parsed.deviation == deviation


@given(VALUES)
def test_every_value_has_a_text(value: Data) -> None:
    plain_text(value)
