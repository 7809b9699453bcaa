"""C12.19 tables: the same values whatever formats the meter chose, only our own errors for anything else."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.ansi import clock, general, log, profile, registers, sources
from drivers.ansi.config import decode_configuration
from drivers.ansi.cursor import Access, Cursor, Formats, TimeFormat
from drivers.ansi.decimals import IntFormat, NiFormat, non_integer, plain
from drivers.ansi.items import parse_ansi_item
from drivers.ansi.log import LogLimits, LogState, entry_order
from drivers.ansi.profile import SetState, block_order
from drivers.ansi.roles import name_of_role, role_of
from drivers.ansi.sources import Constant, Link, Source, Unit, join_sources
from drivers.errors import DriverError, Garbage, MeterRefused, WrongValue
from drivers.virtual.ansi.device import Right
from drivers.virtual.ansi.layout import EPOCH, Layout
from tests.drivers.ansi.bench import NOW, connected, device, tables

layouts = st.builds(
    Layout,
    data_order=st.integers(0, 1),
    tm_format=st.integers(1, 4),
    access=st.integers(0, 3),
    id_form=st.integers(0, 1),
    int_format=st.integers(0, 2),
    ni_format1=st.sampled_from([0, 2, 5, 8, 9, 10, 11, 12, 13]),
    ni_format2=st.sampled_from([0, 1, 2, 4, 5, 6, 7, 8, 11]),
)
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(layouts)
def test_every_format_gives_the_same_values(layout: Layout) -> None:
    built = device(layout, days=1)
    client, wire = connected(built, password=built.passwords[Right.PROGRAMMER])
    found = tables(client, wire)
    maker = found.manufacturer()
    assert (maker.manufacturer, maker.model, maker.serial) == ("FTVM", "A2S-CL20", "61000123")
    assert found.clock().time == built.clock()
    sums = {(v.tier, v.index): v.value for v in found.registers().values if v.kind == "sum"}
    assert sums == {(t, n): Decimal(wh) for t in range(3) for n, wh in enumerate(built.registers(t))}
    control = found.profile_control(1)
    intervals = found.intervals(1, control, None, lambda done, total: None)
    kept = [interval for block in built.blocks for interval in block.intervals]
    assert [interval.values for interval in intervals] == [tuple(map(Decimal, i.pulses)) for i in kept]
    assert intervals[-1].end == built.blocks[-1].end
    steps = {b.end - a.end for a, b in pairwise(intervals) if a.end and b.end}
    assert steps == {timedelta(minutes=15)}
    assert [entry.code for entry in found.log_entries(76)] == [entry.code for entry in built.event_log]
    assert len(found.log_entries(74)) == len(built.history_log)


@given(st.integers(-(2**31), 2**31 - 1))
def test_floats_are_exact_decimals_and_never_rounded(raw: int) -> None:
    octets = struct.pack("<i", raw)
    value = non_integer(octets, NiFormat.FLOAT32, big_endian=False, integers=IntFormat.TWOS_COMPLEMENT)
    number = struct.unpack("<f", octets)[0]
    assert value == (None if number != number or abs(number) == float("inf") else Decimal(number))


def test_known_numbers() -> None:
    def number(text: str, kind: NiFormat, integers: IntFormat = IntFormat.TWOS_COMPLEMENT) -> str:
        value = non_integer(bytes.fromhex(text), kind, big_endian=True, integers=integers)
        return plain(value) if value is not None else "none"

    assert number("3FF8000000000000", NiFormat.FLOAT64) == "1.5"
    assert number("3DCCCCCD", NiFormat.FLOAT32) == "0.100000001490116119384765625"
    assert number("7FC00000", NiFormat.FLOAT32) == "none"
    assert number("00000001", NiFormat.INT32_FOUR_DECIMALS) == "0.0001"
    assert number("FFFFFF", NiFormat.INT24) == "-1"
    assert number("FFFFFE", NiFormat.INT24, IntFormat.ONES_COMPLEMENT) == "-1"
    assert number("800001", NiFormat.INT24, IntFormat.SIGN_MAGNITUDE) == "-1"
    assert number("00123456", NiFormat.BCD4) == "123456"
    assert number("D0000042", NiFormat.BCD4) == "-42"
    assert number("2D312E3545332020202020 20", NiFormat.CHAR12) == "-1500"
    with pytest.raises(Garbage):
        number("00FA3456", NiFormat.BCD4)
    with pytest.raises(Garbage):
        number("20202020202E", NiFormat.CHAR6)


@given(
    st.datetimes(datetime(1995, 1, 1), datetime(2080, 1, 1)),  # noqa: DTZ001  # the meter's own time
    st.integers(1, 4),
    st.integers(0, 1),
)
def test_times_are_read_as_they_are_written(moment: datetime, form: int, order: int) -> None:
    moment = moment.replace(microsecond=0)
    layout = Layout(data_order=order, tm_format=form)
    formats = Formats(big_endian=bool(order), time=TimeFormat(form))
    assert Cursor(layout.ltime(moment), formats, 52).ltime() == moment
    short = moment if form == 4 else moment.replace(second=0)
    assert Cursor(layout.stime(moment), formats, 64).stime() == short
    if moment.year >= 2000:
        assert clock.encode_ltime(moment, formats) == layout.ltime(moment)


@given(st.binary(max_size=200))
def test_any_octets_as_table_0_give_a_configuration_or_our_error(data: bytes) -> None:
    try:
        config = decode_configuration(data)
    except DriverError:
        return
    assert config.tables | {0}


@given(st.binary(max_size=120), st.binary(max_size=300), st.integers(0, 11))
def test_any_octets_as_any_table_give_values_or_our_error(head: bytes, data: bytes, which: int) -> None:
    fixed = (
        bytes.fromhex("021A8A") + b"FTVM" + bytes([2, 0, 20, 20, 2, 0, 12, 2, 4, 1, 1, 0]) + bytes([255] * 40)
    )
    config = decode_configuration(fixed)
    formats = config.formats
    try:
        limits = sources.decode_source_limits(head, formats)
        regs = registers.decode_register_limits(head, formats)
        lp = profile.decode_profile_limits(head, config)
        logs = log.decode_log_limits(head, formats)
        match which:
            case 0:
                general.decode_manufacturer(data, config)
            case 1:
                general.decode_mode_status(data, config)
            case 2:
                general.decode_utility_information(data, config)
            case 3:
                sources.decode_units(data, formats, limits)
            case 4:
                sources.decode_constants(data, formats, limits)
            case 5:
                sources.decode_links(data, formats, limits)
            case 6:
                selection = registers.decode_selection(data, formats, regs)
                registers.decode_registers(data, formats, regs, selection)
            case 7:
                chosen = registers.decode_present_selection(data, formats, regs)
                registers.decode_present(data, formats, regs, chosen)
            case 8:
                controls = profile.decode_profile_control(data, config, lp)
                states = profile.decode_profile_state(data, config, lp)
                one = next(iter(controls))
                profile.decode_block(data, config, lp, one, controls[one], states[one], newest=True)
            case 9:
                log.decode_entry(data, formats, logs, 74)
            case 10:
                clock.decode_clock(data, formats)
                clock.decode_time_offset(data, formats)
            case _:
                state = log.decode_log_state(data, formats, 76)
                entry_order(state, logs.event_entries)
    except DriverError:
        pass


def test_constants_are_applied_only_where_the_source_says_so() -> None:
    limits = sources.decode_source_limits(bytes([0x60, 2, 0, 0, 0, 1, 2, 2]), Formats())
    wh = Unit(0, 0, 0, frozenset({1, 4}), False, 0, False, False)
    kwh = Unit(0, 0, 3, frozenset({1, 4}), False, 0, False, False)
    constant = Constant(Decimal("1.8"), Decimal(0), Decimal(40))
    links = [
        Link(True, False, False, True, False, True),
        Link(True, False, False, False, True, False),
    ]
    pulses, register = join_sources(limits, links, [wh, kwh], [constant])
    assert pulses.scale(Decimal(10)) == ("720", "Wh")  # 10 · 1.8 · transformer ratio 40
    assert register.scale(Decimal("12.5")) == ("12500", "Wh")
    assert Source(wh, None, True).scale(Decimal(7)) == ("7", "pulses")


def test_constants_with_ratios_that_are_not_applied_yet() -> None:
    formats = Formats(ni1=NiFormat.FLOAT32)
    limits = sources.decode_source_limits(bytes([0x20, 1, 0, 0, 0, 1, 2, 1]), formats)
    f = struct.pack
    data = f("<ff", 2.0, 1.0) + bytes([0]) + f("<ff", 40.0, 1.0)
    assert sources.decode_constants(data, formats, limits) == [Constant(Decimal(2), Decimal(1), Decimal(40))]
    data = f("<ff", 2.0, 1.0) + bytes([1]) + f("<ff", 40.0, 1.0)
    assert sources.decode_constants(data, formats, limits)[0].ratio == 1


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [
        (Unit(0, 0, 0, frozenset({1, 4}), False, 0, False, False), 1),
        (Unit(0, 0, 0, frozenset({2, 3}), False, 0, False, False), 2),
        (Unit(0, 0, 0, frozenset({1, 2, 3, 4}), True, 0, False, False), 16),
        (Unit(1, 0, 0, frozenset({1, 2}), False, 0, False, False), 3),
        (Unit(1, 0, 0, frozenset({4}), False, 0, False, False), 8),
        (Unit(8, 1, 0, frozenset(), False, 6, False, False), 52),
        (Unit(12, 1, 0, frozenset(), False, 4, False, False), 91),
        (Unit(0, 0, 0, frozenset(), False, 0, False, False), None),
        (Unit(0, 0, 0, frozenset({1, 4}), False, 0, True, False), None),
        (Unit(0, 0, 0, frozenset({1, 4}), False, 0, False, True), None),
    ],
)
def test_what_a_unit_means_in_obis_and_what_has_no_meaning_there(unit: Unit, quantity: int | None) -> None:
    assert unit.quantity == quantity


def test_roles_and_names() -> None:
    energy = Source(Unit(0, 0, 0, frozenset({1, 4}), False, 0, False, False), None, False)
    demand = Source(Unit(0, 4, 0, frozenset({1, 4}), False, 0, False, False), None, False)
    value = registers.RegisterValue("sum", 2, 0, 0, 0, Decimal(1))
    assert role_of(value, energy) == "1.8.2"
    assert role_of(value, demand) is None  # a sum of demands is no energy
    assert role_of(registers.RegisterValue("max", 0, 0, 1, 0, Decimal(1)), demand) is None
    assert name_of_role("1.8.2") == "active import T2"
    assert name_of_role("52.7.0") == "voltage L2"
    assert name_of_role("91.7.0") == "current N"


def test_a_circular_list_is_put_in_order() -> None:
    state = LogState(False, False, True, 5, 1, 101, 5)
    assert entry_order(state, 5) == [2, 3, 4, 0, 1]
    assert block_order(SetState(False, False, 3, 0, 96), 4) == [0, 3, 2]
    with pytest.raises(Garbage):
        entry_order(LogState(False, False, True, 9, 1, 101, 5), 5)


def test_zone_by_the_meters_own_tables_before_the_model_file() -> None:
    noon = datetime(2026, 7, 1, 12, 0)  # noqa: DTZ001  # the meter's own time
    applied = clock.Clock(noon, 0x20 | 0x40 | 0x08)
    assert clock.zone_of(applied, (60, -300), 0).to_utc(noon) == noon + timedelta(hours=4)
    assert clock.zone_of(applied, (60, -300), 0).to_utc(noon, daylight=False) == noon + timedelta(hours=5)
    assert clock.zone_of(clock.Clock(noon, 0x10), (0, -300), 300).to_utc(noon) == noon
    assert clock.zone_of(clock.Clock(noon, 0), None, 300).to_utc(noon) == noon + timedelta(hours=5)
    assert clock.zone_of(clock.Clock(noon, 0), None, None).to_utc(noon) is None


def test_only_the_blocks_that_are_needed_are_read() -> None:
    built = device(days=4)
    client, wire = connected(built, password=built.passwords[Right.READER])
    found = tables(client, wire)
    control = found.profile_control(1)
    since = built.clock() - timedelta(hours=2)
    before = client.exchanges
    few = found.intervals(1, control, since, lambda done, total: None)
    assert few[-1].end == built.blocks[-1].end
    assert len(few) < 2 * 96 + 1
    assert client.exchanges - before < 6


def test_tables_longer_than_an_unnegotiated_packet_are_read_in_parts() -> None:
    built = device(days=1)
    client, wire = connected(built, password=built.passwords[Right.READER], packet_size=0)
    wide, other = connected(built, password=built.passwords[Right.READER])
    narrow, whole = tables(client, wire), tables(wide, other)
    assert narrow.raw(23) == whole.raw(23)
    assert narrow.registers() == whole.registers()
    assert len(narrow.log_entries(76)) == len(whole.log_entries(76))


def test_a_clock_that_was_set_leaves_no_wrong_times_in_the_profile() -> None:
    moment = [NOW]
    built = device(days=1, at=lambda: moment[0])
    for step in (600, 1800, 5400):
        moment[0] += step
        built.refresh()
        built.set_clock(built.clock() + timedelta(minutes=37), 2)
    moment[0] += 4000
    built.refresh()
    client, wire = connected(built, password=built.passwords[Right.READER])
    found = tables(client, wire)
    intervals = found.intervals(1, found.profile_control(1), None, lambda done, total: None)
    kept = [
        (b.end - timedelta(minutes=15 * (len(b.intervals) - 1 - n)), i)
        for b in built.blocks
        for n, i in enumerate(b.intervals)
    ]
    assert [interval.end for interval in intervals] == [end for end, _ in kept]
    assert any("clock-forward" in interval.status for interval in intervals)


def test_the_clock_is_set_by_procedure_and_refused_without_the_right() -> None:
    built = device()
    client, wire = connected(built, password=built.passwords[Right.PROGRAMMER])
    found = tables(client, wire)
    wanted = datetime(2027, 3, 4, 5, 6, 7)  # noqa: DTZ001  # the meter's own time
    parameters = bytes([3]) + clock.encode_ltime(wanted, found.formats) + b"\x20"
    found.run_procedure(10, parameters, 9)
    assert built.clock() == wanted
    reader, wire = connected(built, password=built.passwords[Right.READER])
    with pytest.raises(MeterRefused) as refused:
        tables(reader, wire).run_procedure(9, b"\x01", 3)
    assert refused.value.result == "no-authorization"
    assert built.demand_resets == 0


@pytest.mark.parametrize(
    "text", ["ansi:", "ansi:ST", "ansi:XT01:raw", "ansi:ST9999:raw", "ansi:ST01:a b", "ST01"]
)
def test_wrong_items_are_refused(text: str) -> None:
    with pytest.raises(WrongValue):
        parse_ansi_item(text)


@pytest.mark.parametrize("text", ["ansi:ST23:1.8.0", "ansi:ST52:clock", "ansi:MT05:raw@16+4", "ansi:ST64"])
def test_items_are_written_as_they_are_read(text: str) -> None:
    assert str(parse_ansi_item(text)) == text


def test_access_and_limits_that_the_standard_does_not_have_are_garbage() -> None:
    head = bytes.fromhex("021A8A") + b"FTVM" + bytes(12)
    assert decode_configuration(head).formats.access is Access.BOTH
    for control in ("021D8A", "02C08A", "021AFF"):
        with pytest.raises(Garbage):
            decode_configuration(bytes.fromhex(control) + head[3:])
    assert LogLimits(True, True, True, 8, 0, 2, 2, 100, 100).history_times
    assert EPOCH.replace(tzinfo=UTC).timestamp() == 0
