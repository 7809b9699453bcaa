"""Programs: each kind of setting on a virtual meter, cut at a write, and checked before a crew sees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.changes import ChangeState, Danger, OutcomeState
from drivers.dlms.apdu import Result
from drivers.dlms.configuration import LiveCheck, WholeState, attribute_named, in_types_of, same_start
from drivers.dlms.cosem import Item, parse_item
from drivers.dlms.data import Data, Tag, array, encode, integer, octet_string, structure
from drivers.errors import ModelFileError, WrongValue
from drivers.model_view import decode_rights, load_view
from drivers.models import load_models
from drivers.program_check import ProgramCheck, Severity, check_program
from drivers.program_parts import special_date, yearly_start
from drivers.programs import load_program
from tests.drivers.field import MODELS, PROGRAMS, Host, session, virtual_meter

RATIO = {"primary": "200", "secondary": "5"}
AMR = {"order.ct_primary": "200", "plate.ct_primary": "200", "project.apn": "acme.example"}
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def test_every_kind_of_setting_is_written_read_back_and_holds() -> None:
    with virtual_meter("gprs-3ph-ct", "--days", "0") as meter:
        host = Host(meter.secrets)
        host.wait_with("password", b"24681357")
        with session(meter, host=host) as opened:
            plan = opened.plan("industrial-amr", AMR)
            assert plan.sources["apn"] == "project.apn"
            assert plan.sources["order.ct_secondary"] == "file"
            report = opened.apply(plan, [change.id for change in plan.changes])
            wrong = [one for one in report.changes if one.state is not OutcomeState.VERIFIED]
            assert wrong == []
            assert opened.verify("industrial-amr", AMR).holds
            written = opened.read(["45:0.0.25.4.0.255:2", "1:1.0.0.4.2.255:2", "70:0.0.96.3.10.255:4"])
        assert [reading.value for reading in written.readings] == ["acme.example", "200", "0"]
    order = [next(change.danger for change in plan.changes if change.name == i.name) for i in host.intents]
    ranks = [list(Danger).index(danger) for danger in order]
    assert ranks == sorted(ranks)  # harmless first, what could cut communication last
    assert host.intents[-1].secret == "password"  # its name


@pytest.mark.parametrize("fault", ["--power-loss-write", "--cut-after-write", "--cut-before-write"])
@pytest.mark.parametrize("write", ["3", "9"])
def test_cut_at_a_write_the_program_still_comes_out_whole(fault: str, write: str) -> None:
    with virtual_meter("gprs-3ph-ct", "--days", "0", "--boot-s", "0.1", fault, write) as meter:
        host = Host(meter.secrets)
        with session(meter, host=host) as opened:
            plan = opened.plan("industrial-amr", AMR)
            report = opened.apply(plan, [change.id for change in plan.changes])
            assert report.complete
            assert opened.verify("industrial-amr", AMR).holds
    assert len(host.intents) == len(host.outcomes)


def test_attributes_are_set_by_the_names_of_their_class(tmp_path: Path) -> None:
    path = tmp_path / "prepay.toml"
    path.write_text(
        """name = "prepay"
version = 1
title = { es = "P", en = "P", pt = "P" }
models = ["plc-prepay-1ph"]

[[objects]]
item = "112:0.0.19.10.0.255"
name = "token credit"
set = { warning_threshold = "750" }
"""
    )
    with virtual_meter("plc-prepay-1ph", "--days", "0") as meter, session(meter) as opened:
        plan = opened.plan(path)
        (change,) = plan.changes
        assert (change.name, change.will_be) == ("token credit, warning threshold", "750")
        assert opened.apply(plan).complete
        assert opened.verify(path).holds


SUPPLY = """name = "supply"
version = 1
title = { es = "S", en = "S", pt = "S" }
models = ["plc-prepay-1ph"]

[values.price]
label = "price"
default = "0.93"

[limiter]
threshold = "7700"
emergency_threshold = "3.3"
unit = "kW"
over_seconds = 90
under_seconds = 30
emergency_groups = [1, 7]
emergency = { id = 7, activation = "2027-01-15 18:00", duration_seconds = 3600 }

[[charges]]
prices = { "01" = "{price}" }
"""


def test_a_limiter_with_emergencies_and_prices_are_set_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "supply.toml"
    path.write_text(SUPPLY.replace('threshold = "7700"', 'threshold = "7.7"'))
    with virtual_meter("plc-prepay-1ph", "--days", "0") as meter:
        host = Host(meter.secrets)
        with session(meter, host=host) as opened:
            plan = opened.plan(path)
            assert {change.id: change.now for change in plan.changes}["charge.active.19.20.0"] == "01: 0.78"
            asking = {change.id for change in plan.changes if change.danger is Danger.SUPPLY}
            assert asking == {
                "limiter.threshold", "limiter.emergency_threshold", "limiter.over", "limiter.emergency",
                "charge.active.19.20.0",
            }  # fmt: skip
            opened.apply(plan)  # nobody confirmed: only what is harmless
            differs = [one for one in opened.verify(path).changes if one.state is ChangeState.DIFFERS]
            left = {change.id for change in differs}
            assert left == asking
            assert opened.apply(opened.plan(path), allow=asking).complete
            assert opened.verify(path).holds
            assert {one.state for one in opened.settle(host.intents)} == {OutcomeState.VERIFIED}
            (price,) = opened.read(["113:0.0.19.20.0.255:5"]).readings
            assert "93" in (price.value or "")
            path.write_text(SUPPLY.replace("0.93", "0.935"))
            with pytest.raises(WrongValue, match="steps"):
                opened.plan(path)


def test_ratios_from_the_order_and_the_plate_must_agree() -> None:
    with virtual_meter("gprs-3ph-ct", "--days", "0") as meter, session(meter) as opened:
        with pytest.raises(WrongValue, match="one is wrong"):
            opened.plan("industrial-amr", AMR | {"plate.ct_primary": "300"})
        with pytest.raises(WrongValue, match="missing"):
            opened.plan("industrial-amr", {"order.ct_primary": "200"})


def test_both_numbers_of_a_medium_voltage_ratio_have_two_sources() -> None:
    """CTs by order and plate; VTs by the order and what the meter measures now."""
    told = {f"{of}.ct_{part}": text for of in ("order", "plate") for part, text in RATIO.items()}
    with virtual_meter("idis-3ph-ct", "--days", "0") as meter, session(meter) as opened:
        with pytest.raises(WrongValue, match=r"ct_secondary is 5, but plate\.ct_secondary is 1"):
            opened.plan("industrial-mt", told | {"plate.ct_secondary": "1"})
        ratio = {"order.vt_primary": "10000", "order.vt_secondary": "100"}
        doubted = opened.plan("industrial-mt", told | ratio)
        (warned,) = [one for one in doubted.changes if one.id == "transformers.vt_primary"]
        assert warned.danger is not Danger.HARMLESS
        assert "V primary, not 220 V" in (warned.detail or "")
        plan = opened.plan("industrial-mt", told)
        done = opened.apply(plan, {change.id for change in plan.changes})
        assert done.complete
        read = opened.read(["1:1.0.0.4.2.255:2", "1:1.0.0.4.5.255:2"]).readings
        assert [reading.value for reading in read] == ["200", "5"]


# ---- live plausibility

LIVE = LiveCheck(
    parse_item("3:1.0.32.7.0.255:2"), parse_item("3:1.0.31.7.0.255:2"), Decimal(5), Decimal(1), Decimal(220)
)


def measured(voltage: int, milliamperes: int) -> Mapping[Item, Result]:
    scale = {LIVE.voltage: (-1, 35), LIVE.current: (-3, 33)}
    values = {LIVE.voltage: voltage * 10, LIVE.current: milliamperes}
    known = {item: Result(Data(Tag.DOUBLE_LONG_UNSIGNED, value)) for item, value in values.items()}
    return known | {
        item.of(3): Result(structure(integer(scaler), Data(Tag.ENUM, unit)))
        for item, (scaler, unit) in scale.items()
    }


@pytest.mark.parametrize(
    ("voltage", "current", "doubt"),
    [(221, 900, None), (221, 6400, "A now"), (110, 900, "V primary"), (0, 0, "V primary")],
)
def test_what_the_meter_measures_must_fit_the_plates(voltage: int, current: int, doubt: str | None) -> None:
    found = LIVE.doubt(measured(voltage, current))
    assert (found is None) if doubt is None else (found is not None and doubt in found)


def test_what_cannot_be_measured_is_no_doubt() -> None:
    assert LIVE.doubt({}) is None


# ---- dates and states


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("last sunday of march 02:00", "FFFF03FE07020000"),
        ("Second Sunday of  november 03:30", "FFFF0B0807031E00"),
        ("03-28 02:00", "FFFF031CFF020000"),
    ],
)
def test_yearly_starts_are_written_as_people_say_them(text: str, octets: str) -> None:
    assert yearly_start(text).hex().upper() == octets


@pytest.mark.parametrize(
    "text", ["02-30 02:00", "last sunday of march", "fifth monday of may 02:00", "13-01 00:00"]
)
def test_a_start_that_does_not_exist_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"like|no such day"):
        yearly_start(text)


@pytest.mark.parametrize("text", ["2027-02-29", "02-30", "12-32", "1-1", ""])
def test_a_special_day_that_does_not_exist_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"like|no such day"):
        special_date(text)


def test_a_start_is_the_same_whatever_a_make_fills_the_rest_with() -> None:
    ours = octet_string(yearly_start("last sunday of march 02:00") + b"\x00\x80\x00\xff")
    theirs = octet_string(yearly_start("last sunday of march 02:00") + b"\xff\xff\xc4\x00")
    other = octet_string(yearly_start("last sunday of march 03:00") + b"\x00\x80\x00\xff")
    assert same_start(ours, theirs)
    assert not same_start(ours, other)


_LEAVES = st.one_of(
    st.integers(0, 127).map(lambda n: Data(Tag.UNSIGNED, n)),
    st.binary(max_size=4).map(octet_string),
    st.booleans().map(lambda b: Data(Tag.BOOLEAN, b)),
)
_STATES = st.recursive(_LEAVES, lambda part: st.lists(part, max_size=3).map(lambda p: structure(*p)))


@given(_STATES, _STATES)
def test_taking_the_meters_types_never_changes_a_value(now: Data, wanted: Data) -> None:
    made = in_types_of(now, wanted)
    encode(made)
    item = parse_item("9000:1.0.0.0.0.255:2")
    state = WholeState("x", "x", item, wanted)
    finding = state.judge({item: Result(made)}, NOW)
    assert finding.state is ChangeState.SAME


def test_the_meters_own_integer_types_are_written() -> None:
    now = array(structure(Data(Tag.LONG_UNSIGNED, 7), Data(Tag.VISIBLE_STRING, b"a")))
    wanted = array(
        structure(Data(Tag.UNSIGNED, 1), octet_string(b"b")),
        structure(Data(Tag.UNSIGNED, 2), octet_string(b"c")),
    )
    made = in_types_of(now, wanted)
    assert [[part.tag for part in row.items] for row in made.items] == [
        [Tag.LONG_UNSIGNED, Tag.VISIBLE_STRING]
    ] * 2


def test_an_attribute_of_another_class_is_told_with_those_that_there_are() -> None:
    assert attribute_named(112, "warning_threshold") == 5
    with pytest.raises(WrongValue, match="warning_threshold"):
        attribute_named(112, "warning_treshold")
    with pytest.raises(WrongValue, match="no attribute"):
        attribute_named(15, "secret")


# ---- check-program


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_program_that_we_ship_is_good_on_every_model_that_it_names(path: Path) -> None:
    models = load_models(MODELS)
    program = load_program(path)
    for name in program.models:
        view = load_view(MODELS, name)
        found = check_program(program, path.name, path.read_text(encoding="utf-8"), models[name], view)
        assert [problem.reason for problem in found.problems if view is not None] == []
        assert found.ok


def checked(folder: Path, old: str, new: str, model: str = "gprs-3ph-ct") -> ProgramCheck:
    """The check of the shipped program with one thing spoilt."""
    text = (PROGRAMS / "industrial-amr.toml").read_text(encoding="utf-8")
    assert old in text
    path = folder / "industrial-amr.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    program = load_program(path)
    return check_program(
        program,
        path.name,
        path.read_text(encoding="utf-8"),
        load_models(MODELS)[model],
        load_view(MODELS, model),
    )


@pytest.mark.parametrize(
    ("old", "new", "reason", "severity"),
    [
        ('item = "7:0.0.21.0.1.255"', 'item = "7:0.0.21.0.9.255"', "has no object 0.0.21.0.9.255", "error"),
        ('item = "5:1.0.1.4.0.255"', 'item = "5:1.0.1.7.0.255"', "is of class 3", "error"),
        ('"3:1.0.3.8.0.255:2",\n]', '"3:1.0.99.8.0.255:2",\n]', "has no object 1.0.99.8.0.255", "error"),
        ('"05-01", day = 2', '"05-01", day = 7', "day 7 is not declared", "error"),
        ('date = "05-01"', 'date = "02-30"', "no such day", "error"),
        ('date = "05-01"', 'date = "01-01"', "stands twice", "error"),
        ('start = "01-01"', 'start = "02-30"', "no such day", "error"),
        ("HP = 1, FP = 2", "HP = 1, FP = 2, FH = 3", "tariff FH is in no day", "warning"),
        (
            "days = [1, 1, 1, 1, 1, 1, 2]",
            "days = [2, 2, 2, 2, 2, 2, 2]",
            "working day is in no week",
            "warning",
        ),
        ('default = "5"', 'default = "50"', "lies outside of", "error"),
        ("minutes = 240", "minutes = -240", "the model file says 240", "warning"),
        ('kind = "auth_key"', 'kind = "auth_key"\nitem = "64:0.0.43.0.7.255:2"', "has no object", "error"),
        ('kind = "password"', 'kind = "password"\nsource = "generated"', "given by the office", "error"),
        (
            'kind = "password"',
            'kind = "hls_password"',
            "client 2 of gprs-3ph-ct comes in with password",
            "error",
        ),
        ('ct_secondary = "{order.ct_secondary}"', 'ct_secondary = "0"', "above zero", "error"),
    ],
)
def test_a_mistake_is_named_with_its_line_before_any_meter_is_touched(
    tmp_path: Path, old: str, new: str, reason: str, severity: str
) -> None:
    found = checked(tmp_path, old, new)
    said = [problem for problem in found.problems if reason in problem.reason]
    assert said, [problem.reason for problem in found.problems]
    assert said[0].severity is Severity(severity)
    assert found.ok is (severity == "warning")
    assert said[0].line > 0


def test_a_program_for_another_model_says_what_that_one_has_not(tmp_path: Path) -> None:
    found = checked(tmp_path, "version = 1", "version = 2", model="prime-1ph")
    reasons = " ".join(problem.reason for problem in found.problems)
    assert "the program is for gprs-3ph-ct, not prime-1ph" in reasons
    assert "prime-1ph has no object 0.0.25.4.0.255" in reasons
    assert not found.ok


def test_a_part_that_no_program_has_is_told_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError) as told:
        checked(tmp_path, "mode = 0 ", "modus = 0 ")
    assert told.value.line == 91
    assert "modus" in told.value.reason


def test_rights_are_read_in_every_edition_of_the_association() -> None:
    def listed(mode: int) -> Data:
        rights = structure(
            array(structure(integer(2), Data(Tag.ENUM, mode), Data(Tag.NULL))),
            array(structure(integer(1), Data(Tag.ENUM, 1))),
        )
        name = octet_string(bytes([1, 0, 1, 8, 0, 255]))
        return array(structure(Data(Tag.LONG_UNSIGNED, 3), Data(Tag.UNSIGNED, 0), name, rights))

    for version, mode, expected in (
        (1, 3, 3),
        (1, 2, 2),
        (1, 6, 3),
        (2, 4, 1),
        (3, 0b0011, 3),
        (3, 0b10001, 1),
    ):
        (known,) = decode_rights(listed(mode), version)
        assert known.attributes == {2: expected}
        assert known.methods == [1]
