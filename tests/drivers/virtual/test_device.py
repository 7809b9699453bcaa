"""What is inside the meter hangs together: power and energy, clock, profile, calendar, tariffs, PRIME."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.virtual import secrets
from drivers.virtual.cosem import prime
from drivers.virtual.cosem.base import Client, obis
from drivers.virtual.cosem.device import EVENT_LOG, Event, LogicalDevice
from drivers.virtual.cosem.time import Zone, decode_date_time, encode_date_time
from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import Data, array, octets, structure, u8, u16, u32
from drivers.virtual.models import MODELS
from tests.drivers.virtual.peer import START, Clock, make_meter
from tests.drivers.virtual.primary import Manager

SPAIN = Zone(-60, summer=True)
PERU = Zone(300)


class _Caller:
    client = Client.MANAGEMENT
    conformance = 0


def device(model: str = "prime-1ph", clock: Clock | None = None, **settings: object) -> LogicalDevice:
    return make_meter(model, clock, **settings).device


def read(where: LogicalDevice, name: str, index: int = 2) -> Data:
    where.refresh()
    return where.objects[obis(name)].attributes[index].read(_Caller())


def write(where: LogicalDevice, name: str, index: int, value: Data) -> None:
    where.refresh()
    attribute = where.objects[obis(name)].attributes[index]
    assert attribute.write is not None
    attribute.write(_Caller(), value)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_momentary_values_agree_with_each_other(model: str) -> None:
    """P = U·I·cos φ and Q follows; the sum is the sum; all phases of the model and no more."""
    meter = device(model, clock := Clock())
    phases = MODELS[model].supply.phases
    for hour in range(24):
        clock.now = START + hour * 3600
        total = 0
        for index, codes in enumerate(
            [(32, 31, 21, 23, 33), (52, 51, 41, 43, 53), (72, 71, 61, 63, 73)][:phases]
        ):
            u, i, p, q, factor = (read(meter, f"1.0.{code}.7.0.255").number for code in codes)
            assert 0.97 < u / 10 / MODELS[model].supply.voltage < 1.03, index
            assert u / 10 * i / 1000 * factor / 1000 == pytest.approx(p, abs=2 + abs(p) / 100)
            assert math.hypot(p, q) == pytest.approx(u / 10 * i / 1000, abs=2 + abs(p) / 100)
            total += p
        assert read(meter, "1.0.1.7.0.255").number == total
    assert (obis("1.0.52.7.0.255") in meter.objects) is (phases == 3)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_energy_is_the_integral_of_power(model: str) -> None:
    meter = device(model, clock := Clock())
    before = [meter.energies.registers.get((q, 0), 0) for q in (1, 2)]
    watt_seconds = 0
    read(meter, "1.0.1.8.0.255")
    for _ in range(360):  # an hour in steps of 10 s
        clock.now += 10
        watt_seconds += read(meter, "1.0.1.7.0.255").number * 10
    after = [meter.energies.registers.get((q, 0), 0) for q in (1, 2)]
    net = (after[0] - before[0] - after[1] + before[1]) / 1000
    assert net == pytest.approx(watt_seconds, rel=0.02, abs=20_000)


@pytest.mark.parametrize("quantity", [1, 2, 3, 4])
def test_the_total_is_the_sum_of_the_tariffs(quantity: int) -> None:
    meter = device("idis-3ph-ct", clock := Clock(), days=10)
    clock.now += 5 * 86400
    values = [read(meter, f"1.0.{quantity}.8.{tariff}.255").number for tariff in range(5)]
    assert values[0] == pytest.approx(sum(values[1:]), abs=4)
    if quantity in (1, 2, 3):
        assert values[0] > 0


def test_with_the_relay_open_no_energy_flows() -> None:
    meter = device(clock=(clock := Clock()))
    meter.refresh()
    meter.relay.disconnect()
    before = read(meter, "1.0.1.8.0.255")
    clock.now += 7200
    assert read(meter, "1.0.1.8.0.255") == before
    assert read(meter, "1.0.21.7.0.255").number == 0
    meter.relay.reconnect()
    clock.now += 7200
    assert read(meter, "1.0.1.8.0.255").number > before.number


def test_the_limiter_opens_the_relay_after_its_time_and_not_before() -> None:
    meter = device(clock=(clock := Clock()))
    write(meter, "0.0.17.0.0.255", 6, u32(60))
    write(meter, "0.0.17.0.0.255", 4, axdr.i32(1))
    assert read(meter, "0.0.17.0.0.255", 3).number == 1
    for seconds, closed in ((1, True), (50, True), (20, False)):
        clock.now += seconds
        meter.refresh()
        assert meter.relay.closed is closed
    assert read(meter, "0.0.96.3.10.255", 3).number == 2, "ready for reconnection by hand"
    assert [row.values[1].number for row in meter.events.rows][-2:] == [
        Event.LIMIT_EXCEEDED,
        Event.DISCONNECTED,
    ]
    meter.relay.reconnect()
    write(meter, "0.0.17.0.0.255", 4, axdr.i32(9000))
    clock.now += 3600
    meter.refresh()
    assert meter.relay.closed


def test_two_meters_of_one_kind_differ_and_each_is_always_the_same() -> None:
    first, again = device(clock=Clock()), device(clock=Clock())
    other, seeded = device(clock=Clock(), serial="ZIV0040999999"), device(clock=Clock(), seed=5)
    values = [read(meter, "1.0.1.8.0.255") for meter in (first, again, other, seeded)]
    assert values[0] == values[1]
    assert len({value.number for value in values}) == 3


# -- profile --


def test_the_profile_has_a_row_each_quarter_hour_and_its_energy_is_the_registers() -> None:
    meter = device(clock=(clock := Clock()), days=3)
    meter.refresh()
    rows = list(meter.profile.rows)
    assert len(rows) == 3 * 96
    assert all(row.at % 900 == 0 for row in rows)
    assert [b.at - a.at for a, b in pairwise(rows)] == [900] * (len(rows) - 1)
    energy = [row.values[2].number for row in rows]
    assert energy == sorted(energy)
    assert energy[-1] <= read(meter, "1.0.1.8.0.255").number <= energy[-1] + 3000
    clock.now = START + 1800
    meter.refresh()
    assert len(meter.profile.rows) == 3 * 96 + 2
    assert meter.profile.rows[-1].values[0].octets == encode_date_time(meter.profile.rows[-1].at, SPAIN)


def test_a_new_capture_period_holds_from_then_on() -> None:
    meter = device(clock=(clock := Clock()), days=1)
    write(meter, "1.0.99.1.0.255", 4, u32(3600))
    clock.now += 4 * 3600
    meter.refresh()
    tail = [row.at for row in meter.profile.rows][-4:]
    assert [b - a for a, b in pairwise(tail)] == [3600] * 3
    assert len(meter.profile.rows) == 96 + 4


def test_new_columns_clear_the_buffer() -> None:
    meter = device(clock=(clock := Clock()), days=1)
    columns = meter.objects[obis("1.0.99.1.0.255")].attributes[3].read(_Caller()).items
    voltage = structure(u16(3), octets(obis("1.0.32.7.0.255")), axdr.i8(2), u16(0))
    write(meter, "1.0.99.1.0.255", 3, array([columns[0], voltage]))
    assert not meter.profile.rows
    clock.now += 900
    meter.refresh()
    (row,) = meter.profile.rows
    assert 2200 < row.values[1].number < 2400


def test_the_buffer_drops_the_oldest_rows() -> None:
    meter = device(clock=Clock(), days=70)
    assert read(meter, "1.0.99.1.0.255", 7) == read(meter, "1.0.99.1.0.255", 8) == u32(96 * 60)


def test_a_power_loss_is_in_the_log_and_in_the_profile() -> None:
    meter = device(clock=(clock := Clock()), days=1)
    meter.power_up()
    clock.now += 900
    meter.refresh()
    assert meter.profile.rows[-1].values[1] == u8(0x80)
    clock.now += 900
    meter.refresh()
    assert meter.profile.rows[-1].values[1] == u8(0)
    codes = [row.values[1].number for row in meter.events.rows]
    assert codes == [Event.POWER_UP, Event.POWER_DOWN, Event.POWER_UP]


def test_what_happens_is_in_the_event_log() -> None:
    meter = make_meter(clock=Clock())
    peer = Manager(meter).open()
    relay = bytes.fromhex("0046 0000 60030AFF")
    peer.request(b"\xc3\x01\xc1" + relay + b"\x01\x01\x0f\x00")
    answer = peer.request(b"\xc0\x01\xc1" + b"\x00\x07" + obis(EVENT_LOG) + b"\x02\x00")
    rows = axdr.decode_whole(answer[4:]).items
    assert [row.items[1].number for row in rows] == [Event.POWER_UP, Event.DISCONNECTED]


# -- clock --


@given(
    st.integers(1_577_836_800, 1_893_456_000),
    st.sampled_from([SPAIN, PERU, Zone(240), Zone(0), Zone(-120, True)]),
)
def test_a_time_comes_back_from_its_octets(at: int, zone: Zone) -> None:
    assert decode_date_time(encode_date_time(at, zone), zone) == at


def test_deviation_and_summer_time_are_those_of_the_blue_book() -> None:
    """Peru sends +300; Spain −60 in winter and −120 in summer with the daylight saving bit."""
    assert encode_date_time(START, PERU)[9:] == b"\x01\x2c\x00"
    assert encode_date_time(START, SPAIN)[9:] == (-120).to_bytes(2, "big", signed=True) + b"\x80"
    winter = datetime.fromisoformat("2026-01-15T12:00:00+00:00").timestamp()
    assert encode_date_time(winter, SPAIN)[9:] == (-60).to_bytes(2, "big", signed=True) + b"\x00"
    assert encode_date_time(winter, SPAIN)[5:8] == bytes([13, 0, 0])


@pytest.mark.parametrize(
    "moment", ["2026-03-29T00:59:59", "2026-03-29T01:00:00", "2026-10-25T00:59:59", "2026-10-25T01:00:00"]
)
def test_summer_time_begins_and_ends_at_one_utc_on_the_last_sunday(moment: str) -> None:
    at = datetime.fromisoformat(moment + "+00:00").timestamp()
    assert SPAIN.offset(at)[1] is (moment in ("2026-03-29T01:00:00", "2026-10-25T00:59:59"))


@given(st.integers(1_577_836_800, 1_893_456_000))
def test_local_time_without_a_deviation_is_the_zones_own(at: int) -> None:
    """Unspecified deviation: summer time where it holds; only the hour that comes twice is ambiguous."""
    octets_ = bytearray(encode_date_time(at, SPAIN))
    octets_[9:11] = b"\x80\x00"
    again = decode_date_time(bytes(octets_), SPAIN)
    assert again == at or (again - at == 3600 and SPAIN.local(again) == SPAIN.local(at))


def test_summer_time_without_a_deviation() -> None:
    july = bytes.fromhex("07EA070FFF0C0000FF800000")
    assert decode_date_time(july, SPAIN) == datetime.fromisoformat("2026-07-15T10:00:00+00:00").timestamp()


def test_setting_the_clock_with_or_without_a_deviation() -> None:
    meter = device("idis-3ph-ct", clock=(clock := Clock()), clock_offset=500)
    assert meter.clock.now() - clock.now == 500
    write(meter, "0.0.1.0.0.255", 2, octets(encode_date_time(START + 60, PERU)))
    assert meter.clock.now() == START + 60
    text = bytearray(encode_date_time(START - 60, PERU))
    text[9:11] = b"\x80\x00"  # not specified: the meter's own zone
    write(meter, "0.0.1.0.0.255", 2, octets(bytes(text)))
    assert meter.clock.now() == START - 60


def test_the_energy_never_falls_when_the_clock_goes_back() -> None:
    meter = device(clock=(clock := Clock()), days=1)
    before, rows = read(meter, "1.0.1.8.0.255").number, len(meter.profile.rows)
    write(meter, "0.0.1.0.0.255", 2, octets(encode_date_time(START - 7200, SPAIN)))
    clock.now += 1800
    assert read(meter, "1.0.1.8.0.255").number >= before
    assert len(meter.profile.rows) == rows, "a time that comes twice is not captured twice"


# -- calendar --


def day(*switches: tuple[int, int]) -> Data:
    return array(
        [structure(octets(bytes([h, 0, 0, 0])), octets(bytes(6)), u16(rate)) for h, rate in switches]
    )


def test_the_passive_calendar_decides_the_tariff_once_it_is_active() -> None:
    meter = device(clock=(clock := Clock()), days=1)
    write(meter, "0.0.13.0.0.255", 9, array([structure(u8(n), day((0, 4))) for n in (1, 2)]))
    before = read(meter, "1.0.1.8.4.255").number
    clock.now += 3600
    assert read(meter, "1.0.1.8.4.255").number == before
    write(meter, "0.0.13.0.0.255", 10, octets(encode_date_time(clock.now + 600, SPAIN)))
    clock.now += 300
    assert read(meter, "0.0.13.0.0.255", 5) != read(meter, "0.0.13.0.0.255", 9)
    clock.now += 3600
    read(meter, "0.0.13.0.0.255", 5)
    clock.now += 3600
    assert read(meter, "0.0.13.0.0.255", 5) == read(meter, "0.0.13.0.0.255", 9)
    assert read(meter, "1.0.1.8.4.255").number > before


def local(month: int, day: int, hour: int) -> datetime:
    return datetime(2026, month, day, hour)  # noqa: DTZ001 - the meter's own local time


def test_season_week_and_special_day_are_looked_up() -> None:
    meter = device(clock=Clock())
    calendar = meter.calendar
    assert calendar.tariff(local(9, 9, 11)) == 1  # Wednesday, peak
    assert calendar.tariff(local(9, 9, 3)) == 3
    assert calendar.tariff(local(9, 12, 11)) == 3  # Saturday
    assert calendar.tariff(local(12, 25, 11)) == 3  # Christmas, a Friday
    write(meter, "0.0.11.0.0.255", 2, array([structure(u16(1), octets(b"\x07\xea\x09\x09\xff"), u8(2))]))
    assert calendar.tariff(local(9, 9, 11)) == 3


def test_a_calendar_that_makes_no_sense_does_not_stop_the_meter() -> None:
    meter = device(clock=(clock := Clock()), days=1)
    write(meter, "0.0.13.0.0.255", 8, array([]))
    write(meter, "0.0.13.0.0.255", 9, array([]))
    meter.calendar.activate()
    before = read(meter, "1.0.1.8.1.255").number
    clock.now += 7200
    assert read(meter, "1.0.1.8.1.255").number > before


# -- PRIME, identity --


def test_the_node_joins_some_time_after_power_up() -> None:
    base = bytes.fromhex("404022ABCDEF")
    meter = device(clock=(clock := Clock()), join_after=30.0, base_node=base)
    assert read(meter, "0.0.28.3.0.255", 6).number == 0
    assert read(meter, "0.0.28.3.0.255", 5).octets == bytes(6)
    clock.now += 31
    assert read(meter, "0.0.28.3.0.255", 6).number == 1
    assert read(meter, "0.0.28.3.0.255", 5).octets == base
    assert read(meter, "0.0.28.5.0.255", 5).items[0].items[0].octets == base
    meter.power_up()
    assert read(meter, "0.0.28.3.0.255", 6).number == 0


def test_network_counters_rise_once_joined_and_can_be_reset() -> None:
    meter = device(clock=(clock := Clock()), join_after=10.0)
    assert read(meter, "0.0.28.4.0.255", 2) == u32(0)
    clock.now += 110
    assert read(meter, "0.0.28.4.0.255", 2).number >= 100
    meter.objects[obis("0.0.28.4.0.255")].methods[1].call(_Caller(), None)
    assert read(meter, "0.0.28.4.0.255", 2) == u32(0)
    clock.now += 50
    assert read(meter, "0.0.28.4.0.255", 2).number >= 50
    meter.power_up()
    clock.now += 20
    assert 10 <= read(meter, "0.0.28.4.0.255", 2).number <= 50


def test_the_mac_is_the_makers_and_the_serials() -> None:
    """40:40:22 and the serial modulo 2^24: the real pair ZIV0040318130 and 40:40:22:67:34:B2."""
    assert prime.mac_of("ZIV0040318130").hex(":").upper() == "40:40:22:67:34:B2"
    assert read(device(), "0.0.28.6.0.255").octets == prime.mac_of("ZIV0040123456")


def test_only_the_prime_model_has_prime_objects() -> None:
    classes = {model: {o.class_id for o in device(model).objects.values()} for model in MODELS}
    assert {43, 80, 81, 82, 83, 84, 85, 86} <= classes["prime-1ph"]
    assert not {43, 83} & classes["idis-3ph-ct"]
    for common in (1, 3, 7, 8, 9, 11, 17, 20, 64, 70, 71):
        assert all(common in found for found in classes.values())
    assert all((12 if model == "sn-legacy" else 15) in found for model, found in classes.items())


def test_secrets_differ_by_serial_and_never_change() -> None:
    """Demo data made with an older version must go on opening the meters."""
    assert secrets.derive("ZIV0040123456") == secrets.derive("ZIV0040123456")
    assert secrets.derive("ZIV0040123456") != secrets.derive("ZIV0040123457")
    wanted = secrets.derive("ZIV0040123456")
    assert len(wanted["password"]) == 8
    assert {len(bytes.fromhex(wanted[k])) for k in ("block_key", "auth_key", "master_key")} == {16}
    assert secrets.system_title("ZIV", "ZIV0040123456").hex().upper() == "5A49560002643C40"
