"""One spelling of time in the record, and as much honesty as the machine has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workorders.record_support import Author
from workorders.clock import SKEW_MS, SystemClock, boot_id, normal_utc, read_utc, utc_text
from workorders.journal import kinds
from workorders.store.entries import corrected_time

moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1))  # noqa: DTZ001


@given(moments, moments)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    first, second = one.replace(tzinfo=UTC), other.replace(tzinfo=UTC)
    if abs(first - second) >= timedelta(milliseconds=1):
        assert (utc_text(first) < utc_text(second)) == (first < second)
    assert abs(read_utc(utc_text(first)) - first) < timedelta(milliseconds=1)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        utc_text(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="offset"):
        read_utc("2026-01-01T00:00:00")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2026-11-03T08:00:00-05:00", "2026-11-03T13:00:00.000Z"),
        ("2026-11-03T13:00:00Z", "2026-11-03T13:00:00.000Z"),
        ("2026-11-03T13:00:00", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
    ],
)
def test_times_of_others_are_brought_to_one_spelling_or_left_out(
    text: str | None, normal: str | None
) -> None:
    assert normal_utc(text) == normal


def test_the_machines_clock_goes_on_within_one_boot() -> None:
    clock = SystemClock(server_offset_ms=1500)
    first, second = clock.now(), clock.now()
    assert second.monotonic_ms >= first.monotonic_ms > 0
    assert first.boot_id == second.boot_id == boot_id()
    assert first.server_offset_ms == 1500
    assert abs(read_utc(first.device) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("offset", "at"),
    [
        (None, "2026-11-02T13:00:00.000Z"),
        (-3_600_000, "2026-11-02T12:00:00.000Z"),
        (2**52, "2026-11-02T13:00:00.000Z"),  # nonsense is not applied
    ],
)
def test_tables_use_the_gateways_clock_as_far_as_it_was_known(offset: int | None, at: str) -> None:
    envelope = Author().write(kinds.StepDone(step="s", answers={})).envelope
    time = msgspec.structs.replace(envelope.time, server_offset_ms=offset)
    assert corrected_time(msgspec.structs.replace(envelope, time=time)) == at


@pytest.mark.parametrize(
    ("gps", "at"),
    [
        ("2026-11-02T12:30:00.000Z", "2026-11-02T12:30:00.000Z"),
        ("2007-03-19T12:30:00.000Z", "2026-11-02T12:00:00.000Z"),  # its week counter has rolled over
    ],
)
def test_satellites_say_the_time_where_they_were_seen(gps: str, at: str) -> None:
    envelope = Author().write(kinds.StepDone(step="s", answers={})).envelope
    time = msgspec.structs.replace(envelope.time, server_offset_ms=-3_600_000, gps=gps)
    assert corrected_time(msgspec.structs.replace(envelope, time=time)) == at


def test_a_clock_that_somebody_sets_after_the_contact_is_seen_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SystemClock()
    assert (clock.offset_ms(), clock.skew_ms()) == (None, None)
    clock.meet(1500)
    true = datetime.now(UTC)
    monkeypatch.setattr("workorders.clock._wall", lambda: datetime.now(UTC) - timedelta(hours=1))
    offset, skew = clock.offset_ms(), clock.skew_ms()
    assert offset is not None
    assert skew is not None
    assert abs(offset - 3_601_500) < 500
    assert skew < -SKEW_MS
    again = SystemClock(clock.server_offset_ms, clock.met)
    assert abs((again.offset_ms() or 0) - offset) < 500, "a program that starts anew in the same boot"
    stamp = msgspec.structs.replace(
        Author().write(kinds.StepDone(step="s", answers={})).envelope, time=clock.now()
    )
    assert abs(read_utc(corrected_time(stamp)) - true) < timedelta(seconds=5)
    clock.gps_fix(datetime.now(UTC))
    assert -3_600_500 < (clock.skew_ms() or 0) < -3_599_000, "satellites know better"
