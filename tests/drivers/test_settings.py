"""What a setting says of a meter, without one: clock conventions, limiter units, profile rows, join
evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.changes import ChangeState, Danger
from drivers.dlms import joins
from drivers.dlms.apdu import Result
from drivers.dlms.cosem import ScalerUnit, format_date_time, parse_date_time, parse_item
from drivers.dlms.data import Data, Tag, array, integer, long_unsigned, octet_string, structure, unsigned
from drivers.dlms.joins import cellular, prime
from drivers.dlms.profile import Column, Zone, decode_rows, range_selection, status_flags
from drivers.dlms.settings import Clock, Limiter, capture_period, in_type_of
from drivers.errors import Garbage, WrongValue
from drivers.models import load_models
from drivers.programs import CaptureSetting, ClockSetting, LimiterSetting
from drivers.reading import JoinState
from tests.drivers.field import MODELS

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
CLOCK = parse_item("8:0.0.1.0.0.255:2")


def _clock_reading(local: datetime, deviation: int | None) -> dict[object, Result]:
    return {CLOCK: Result(octet_string(format_date_time(local.replace(tzinfo=None), deviation, 0)))}


@pytest.mark.parametrize(
    ("deviation", "hours", "reversed_sign"), [(300, -5, False), (-60, 1, False), (-300, -5, True)]
)
def test_the_clock_is_compared_in_utc_and_written_in_the_meters_convention(
    deviation: int, hours: int, reversed_sign: bool
) -> None:
    clock = Clock(ClockSetting(), reversed_sign, None)
    local = NOW + timedelta(hours=hours)
    assert clock.judge(_clock_reading(local, deviation), NOW).state is ChangeState.SAME  # type: ignore[arg-type]  # items
    late = _clock_reading(local - timedelta(seconds=90), deviation)
    finding = clock.judge(late, NOW)  # type: ignore[arg-type]  # items
    assert (finding.state, finding.detail, finding.danger) == (ChangeState.DIFFERS, "-90 s", Danger.HARMLESS)
    assert finding.wanted is not None
    (write,) = clock.writes(finding.wanted, NOW, late)  # type: ignore[arg-type]  # items
    written = parse_date_time(write.data.octets)
    assert written is not None
    assert written.local == local.replace(tzinfo=None)
    assert written.deviation == deviation


def test_a_large_clock_jump_must_be_confirmed() -> None:
    clock = Clock(ClockSetting(jump_limit_seconds=900), False, None)
    finding = clock.judge(_clock_reading(NOW - timedelta(days=3), 0), NOW)  # type: ignore[arg-type]  # items
    assert finding.danger is Danger.CLOCK_JUMP


def test_a_clock_without_a_known_zone_is_not_guessed() -> None:
    clock = Clock(ClockSetting(), False, None)
    assert clock.judge(_clock_reading(NOW, None), NOW).state is ChangeState.UNREADABLE  # type: ignore[arg-type]  # items


def test_time_is_never_rolled_back() -> None:
    clock = Clock(ClockSetting(), False, 0)
    assert clock.writes(octet_string(bytes(12)), NOW, {}) == []


def _limiter_known(raw: int, scaler: int, unit: int) -> dict[object, Result]:
    limiter = parse_item("71:0.0.17.0.0.255:4")
    watched = parse_item("3:1.0.1.7.0.255:3")
    reference = structure(long_unsigned(3), octet_string(watched.obis), integer(2))
    return {
        limiter: Result(Data(Tag.DOUBLE_LONG_UNSIGNED, raw)),
        limiter.of(2): Result(reference),
        watched: Result(structure(integer(scaler), Data(Tag.ENUM, unit))),
    }


@pytest.mark.parametrize(
    ("threshold", "unit", "scaler", "raw"),
    [("4600", "W", 0, 4600), ("4.6", "kW", 0, 4600), ("4600", "W", 1, 460), ("4600", "W", -1, 46000)],
)
def test_the_limiter_is_written_in_the_scale_of_what_it_watches(
    threshold: str, unit: str, scaler: int, raw: int
) -> None:
    limiter = Limiter(LimiterSetting(threshold, unit), threshold)
    finding = limiter.judge(_limiter_known(1, scaler, 27), NOW)  # type: ignore[arg-type]  # items
    assert finding.wanted == Data(Tag.DOUBLE_LONG_UNSIGNED, raw)
    assert finding.danger is Danger.HARMLESS


def test_the_scale_of_what_a_limiter_watches_is_asked_for_with_the_rest() -> None:
    """A guess that costs no request; another register is asked for once the meter said which."""
    limiter = Limiter(LimiterSetting("4.6", "kW"), "4.6")
    known = _limiter_known(1, 0, 27)
    assert set(limiter.reads({})) == set(known)
    assert limiter.reads(known) == []  # type: ignore[arg-type]  # items
    other = structure(long_unsigned(3), octet_string(bytes([1, 0, 1, 4, 0, 255])), integer(2))
    known[parse_item("71:0.0.17.0.0.255:2")] = Result(other)
    assert limiter.reads(known) == [parse_item("3:1.0.1.4.0.255:3")]  # type: ignore[arg-type]  # items


def test_lowering_the_limit_could_cut_the_supply() -> None:
    limiter = Limiter(LimiterSetting("4600"), "4600")
    assert limiter.judge(_limiter_known(9900, 0, 27), NOW).danger is Danger.SUPPLY  # type: ignore[arg-type]  # items


def test_a_threshold_in_another_quantity_or_too_fine_is_refused() -> None:
    with pytest.raises(WrongValue, match="watches A"):
        Limiter(LimiterSetting("4600"), "4600").judge(_limiter_known(1, 0, 33), NOW)  # type: ignore[arg-type]  # items
    with pytest.raises(WrongValue, match="finer"):
        Limiter(LimiterSetting("4605"), "4605").judge(_limiter_known(1, 1, 27), NOW)  # type: ignore[arg-type]  # items


def test_changing_the_capture_period_loses_data_and_keeping_it_does_not() -> None:
    setting = capture_period(CaptureSetting("7:1.0.99.1.0.255:4", 900))
    same = setting.judge({setting.item: Result(Data(Tag.DOUBLE_LONG_UNSIGNED, 900))}, NOW)
    other = setting.judge({setting.item: Result(Data(Tag.DOUBLE_LONG_UNSIGNED, 3600))}, NOW)
    assert (same.state, same.danger) == (ChangeState.SAME, Danger.HARMLESS)
    assert (other.state, other.danger) == (ChangeState.DIFFERS, Danger.DATA_LOSS)
    missing = setting.judge({setting.item: Result(None, 4)}, NOW)
    assert missing.state is ChangeState.UNSUPPORTED


def test_a_value_keeps_the_meters_type() -> None:
    assert in_type_of(Data(Tag.UNSIGNED, 1), "7") == Data(Tag.UNSIGNED, 7)
    assert in_type_of(Data(Tag.BOOLEAN, False), "true") == Data(Tag.BOOLEAN, True)
    assert in_type_of(Data(Tag.VISIBLE_STRING, b"old"), "new") == Data(Tag.VISIBLE_STRING, b"new")
    for value in ("300", "x", ""):
        with pytest.raises(WrongValue):
            in_type_of(Data(Tag.UNSIGNED, 1), value)


# ---- profile

_ENERGY = parse_item("3:1.0.1.8.0.255:2")
_COLUMNS = [Column(CLOCK, 0), Column(parse_item("1:0.0.96.10.1.255:2"), 0), Column(_ENERGY, 0)]
_SCALERS: dict[object, ScalerUnit | None] = {_ENERGY.of(3): ScalerUnit(-3, "kWh")}


def _row(time: Data, energy: Data) -> Data:
    return structure(time, unsigned(8), energy)


def test_null_times_count_on_and_null_values_repeat() -> None:
    start = octet_string(format_date_time(datetime(2026, 11, 24, 1, 0), -60))  # noqa: DTZ001  # local
    null = Data(Tag.NULL)
    buffer = array(_row(start, Data(6, 1500)), _row(null, Data(6, 1600)), _row(null, null))
    rows = [row for _, row in decode_rows(buffer, _COLUMNS, _SCALERS, 900, Zone(-60))]  # type: ignore[arg-type]  # items
    assert [row.time for row in rows] == [
        "2026-11-24T00:00:00Z", "2026-11-24T00:15:00Z", "2026-11-24T00:30:00Z",
    ]  # fmt: skip
    assert [row.values for row in rows] == [["1.500"], ["1.600"], ["1.600"]]
    assert rows[0].status == "8"


def test_a_row_of_another_shape_is_garbage_not_shifted_values() -> None:
    with pytest.raises(Garbage):
        decode_rows(array(structure(unsigned(1))), _COLUMNS, {}, 900, Zone(0))


@given(st.sampled_from([-120, -60, 0, 240, 300]), st.booleans())
def test_a_range_is_asked_in_the_meters_own_time(deviation: int, reversed_sign: bool) -> None:
    zone = Zone(deviation, reversed_sign)
    selection = range_selection(_COLUMNS, NOW, NOW + timedelta(days=1), zone)
    first = parse_date_time(selection.parameters.items[1].octets)
    assert first is not None
    assert first.utc(reversed_sign=reversed_sign) == NOW


def test_the_status_of_a_profile_row_is_named_by_the_model_file() -> None:
    bits = load_models(MODELS)["prime-1ph"].status_bits
    assert status_flags(unsigned(0x82), bits) == ["bit 1", "Power down"]
    assert status_flags(Data(Tag.BIT_STRING, "00000001"), bits) == ["Power down"]
    assert status_flags(unsigned(0x82), {}) == []


# ---- network


def _prime(**words: Data) -> dict[joins.Probe, Result]:
    return {probe: Result(words[probe.word]) for probe in prime.PROBES if probe.word in words}


@pytest.mark.parametrize(
    ("state", "sna", "expected"),
    [
        (0, bytes(6), JoinState.SEARCHING),
        (1, b"\x40\x40\x22\0\0\1", JoinState.JOINED),
        (2, b"\x40\x40\x22\0\0\1", JoinState.JOINED),
        (1, bytes(6), JoinState.UNKNOWN),
        (9, bytes(6), JoinState.UNKNOWN),
    ],
)
def test_prime_node_states(state: int, sna: bytes, expected: JoinState) -> None:
    words = {"node_state": Data(Tag.ENUM, state), "sna": octet_string(sna)}
    assert joins.judge("prime", _prime(**words)).state is expected


def test_gsm_states_and_signal_with_short_cell_info_and_unknown_enums() -> None:
    cell = structure(Data(6, 77), long_unsigned(5), unsigned(20), unsigned(0))
    for status, expected in ((1, "joined"), (5, "joined"), (2, "searching"), (3, "denied"), (200, "unknown")):
        words = {
            "status": Data(Tag.ENUM, status),
            "cell": cell,
            "operator": Data(Tag.VISIBLE_STRING, b"ENTEL"),
        }
        results = {p: Result(words[p.word]) for p in cellular.PROBES if p.word in words}
        found = joins.judge("gsm", results)
        assert found.state.value == expected
        assert found.evidence["signal_dbm"] == "-73"
        assert found.evidence["operator"] == "ENTEL"


def test_evidence_that_cannot_be_understood_is_no_error() -> None:
    for probes in (prime.PROBES, cellular.PROBES):
        results = {probe: Result(array(structure(unsigned(1)))) for probe in probes}
        assert joins.judge("prime" if probes is prime.PROBES else "gsm", results).state is JoinState.UNKNOWN
