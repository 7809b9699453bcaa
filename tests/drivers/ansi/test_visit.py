"""A whole visit to an ANSI meter between two processes: identify, read, profile, logs, clock; and what goes
wrong."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from drivers import errors
from drivers.changes import ChangeState, Danger, OutcomeState
from drivers.connection import Auth, Connection, Mode
from drivers.reading import JoinState
from drivers.virtual.secrets import programmer_password
from tests.drivers.field import PROGRAMS, Host, Meter, session, virtual_meter

OPEN = Connection(mode=Mode.C12, client=0)
READER = Connection(mode=Mode.C12, client=2, auth=Auth.LOW, password="password")
MODEL = "ansi-1ph"


def _programmer(meter: Meter) -> Host:
    return Host(meter.secrets | {"password": programmer_password(meter.serial).encode()})


def test_a_last_reading_is_taken_without_a_password() -> None:
    with virtual_meter(MODEL, "--import-kwh", "4321") as meter, session(meter, OPEN) as reader:
        who = reader.identify()
        assert (who.manufacturer, who.serial, who.model) == ("FTVM", "61000123", MODEL)
        assert who.extra["protocol"] == "C12.18 1.00"
        found = reader.read()
        again = reader.read(["ansi:ST23:1.8.0", "ansi:ST23:sum0", "ansi:ST99:raw", "ansi:ST64:raw@0+4"])
        evidence = reader.network()
    by_item = {reading.item: reading for reading in found.readings}
    energy = by_item["ansi:ST23:1.8.0"]
    assert (energy.name, energy.unit, energy.status) == ("active import", "Wh", None)
    assert energy.value is not None
    assert Decimal(energy.value) >= 4_321_000
    assert by_item["ansi:ST28:12.7.0"].unit == "V"
    clock = datetime.fromisoformat(by_item["ansi:ST52:clock"].value or "")
    assert abs((clock - datetime.now(UTC)).total_seconds()) < 30
    values = [reading.value for reading in again.readings]
    assert values[0] == values[1]
    assert again.readings[2].status == "object-undefined"
    assert again.readings[3].status == "insufficient-security-clearance"
    assert evidence.state is JoinState.UNKNOWN


def test_profile_and_logs_come_as_rows_like_any_other_meters() -> None:
    with virtual_meter(MODEL, "--days", "3") as meter, session(meter, READER) as reader:
        whole = reader.profile()
        assert whole.rows[-1].time is not None
        start = whole.rows[-5].time
        part = reader.profile(None, start, whole.rows[-1].time)
        events = reader.profile("ansi:ST76")
        history = reader.profile("ansi:ST74")
        everything = reader.events()
    assert (whole.item, whole.capture_period) == ("ansi:ST64", 900)
    assert [(column.item, column.unit) for column in whole.columns] == [
        ("ansi:ST64:1.29.0", "Wh"),
        ("ansi:ST64:2.29.0", "Wh"),
    ]
    assert len(whole.rows) >= 3 * 96
    assert [row.time for row in part.rows] == [row.time for row in whole.rows[-5:]]
    assert all(Decimal(value or "x") % 2 == 0 for row in whole.rows for value in row.values)  # pulses of 2 Wh
    assert events.rows[-1].values[:2] == ["2", "primary power up"]
    assert [row.values[2] for row in history.rows] == ["2"]
    assert {(row.code, row.name) for row in everything.rows} == {
        ("2", "primary power up"),
        ("7", "accessed for read"),
    }


@pytest.mark.parametrize(
    ("listen", "options"),
    [
        ("socket://127.0.0.1:0", ("--echo",)),
        ("socket://127.0.0.1:0", ("--ber", "2e-4", "--seed", "3")),
        ("socket://127.0.0.1:0", ("--cut-after", "700", "--cut-once")),
        ("socket://127.0.0.1:0", ("--cut-frame", "6", "--cut-once")),
        ("rfc2217://127.0.0.1:0", ("--baud", "19200", "--paced")),
    ],
)
def test_the_line_may_misbehave(listen: str, options: tuple[str, ...]) -> None:
    connection = msgspec.structs.replace(READER, baud=19200 if "--baud" in options else 9600)
    with (
        virtual_meter(MODEL, "--days", "1", *options, listen=listen) as meter,
        session(meter, connection) as reader,
    ):
        found = reader.read(["ansi:ST23:1.8.0", "ansi:ST01:serial"])
    assert [reading.status for reading in found.readings] == [None, None]
    assert found.readings[1].value == "61000123"


def test_a_wrong_password_is_sent_once_and_the_trace_does_not_show_it(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    with virtual_meter(MODEL, "--days", "1") as meter:
        host = Host({"password": b"WRONGWRONG"})
        with session(meter, READER, host, trace=trace) as reader, pytest.raises(errors.WrongPassword):
            reader.read()
        with session(meter, READER, Host(meter.secrets), trace=trace) as reader:
            assert reader.read(["ansi:ST01:serial"]).readings[0].value == meter.serial
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    sent = [bytes.fromhex(record["hex"]) for record in records if "hex" in record]
    assert not any(b"WRONG" in data or meter.secrets["password"] in data for data in sent)
    assert len([one for one in records if one.get("hidden") == 29]) == 2  # one security packet each
    assert host.asked == ["password"]


def test_after_three_wrong_passwords_the_meter_is_locked_and_says_for_how_long() -> None:
    with virtual_meter(MODEL, "--days", "1") as meter:
        for _ in range(3):
            wrong = Host({"password": b"WRONG"})
            with session(meter, READER, wrong) as reader, pytest.raises(errors.WrongPassword):
                reader.identify()
        with session(meter, READER) as reader, pytest.raises(errors.LockedOut) as locked:
            reader.identify()
        assert locked.value.seconds == 60
        with session(meter, OPEN) as reader:
            assert reader.identify().serial == meter.serial


def test_a_password_that_is_not_here_stops_before_the_meter_is_asked() -> None:
    with (
        virtual_meter(MODEL, "--days", "1") as meter,
        session(meter, READER, Host({})) as reader,
        pytest.raises(errors.MissingSecret),
    ):
        reader.identify()


def test_the_clock_is_planned_journalled_set_and_read_back() -> None:
    with virtual_meter(MODEL, "--clock-offset-s", "120") as meter:
        host = _programmer(meter)
        with session(meter, READER, host) as writer:
            plan = writer.plan("ansi-clock")
            change = plan.changes[0]
            assert (change.id, change.state, change.danger) == ("clock", ChangeState.DIFFERS, Danger.HARMLESS)
            assert host.intents == []
            report = writer.apply(plan)
            assert report.complete
            assert writer.verify("ansi-clock").holds
    assert [intent.item for intent in host.intents] == ["ansi:ST52:clock"]
    assert [outcome.state for outcome in host.outcomes] == [OutcomeState.VERIFIED]


def test_a_jump_of_the_clock_wants_a_confirmation_and_the_right() -> None:
    with virtual_meter(MODEL, "--clock-offset-s", "7200") as meter:
        host = Host(meter.secrets)
        with session(meter, READER, host) as writer:
            plan = writer.plan("ansi-clock")
            assert plan.changes[0].danger is Danger.CLOCK_JUMP
            untouched = writer.apply(plan)
            assert untouched.changes[0].state is OutcomeState.UNTOUCHED
            assert host.intents == []
            refused = writer.apply(plan, ["clock"])
    assert (refused.changes[0].state, refused.changes[0].detail) == (OutcomeState.FAILED, "no-authorization")
    assert len(host.intents) == len(host.outcomes) == 1


@pytest.mark.parametrize("fault", ["--cut-before-write", "--cut-after-write", "--power-loss-write"])
def test_a_cut_around_the_write_ends_in_a_known_state(fault: str) -> None:
    with virtual_meter(MODEL, "--clock-offset-s", "120", fault, "1", "--boot-s", "0.3") as meter:
        host = _programmer(meter)
        with session(meter, READER, host) as writer:
            report = writer.apply(writer.plan("ansi-clock"))
    assert report.changes[0].state is OutcomeState.VERIFIED
    assert len(host.intents) == len(host.outcomes) == 1


def test_an_intent_without_outcome_is_settled_by_the_clock() -> None:
    with virtual_meter(MODEL, "--clock-offset-s", "120") as meter:
        host = _programmer(meter)
        host.refuse_outcomes = True
        with session(meter, READER, host) as writer, pytest.raises(errors.DriverError):
            writer.apply(writer.plan("ansi-clock"))
        host.refuse_outcomes = False
        with session(meter, READER, host) as writer:
            assert [outcome.state for outcome in writer.settle(host.intents)] == [OutcomeState.VERIFIED]


def test_what_no_ansi_meter_can_do_is_said(tmp_path: Path) -> None:
    with virtual_meter(MODEL, "--days", "1") as meter, session(meter, OPEN) as reader:
        text = (PROGRAMS / "residential-bt5b.toml").read_text(encoding="utf-8")
        program = tmp_path / "everything.toml"
        program.write_text(
            re.sub("models = .*", 'models = ["ansi-1ph"]', text).replace("residential-bt5b", "everything")
            + '\n[modem]\napn = "a.example"\n'
        )
        plan = reader.plan(str(program), {"order.contracted_power": "4600"})
        states = {change.id: change.state for change in plan.changes if change.id != "clock"}
        assert set(states.values()) == {ChangeState.UNSUPPORTED}
        assert {"capture", "modem"} <= set(states)
        with pytest.raises(errors.WrongValue, match="ansi-1ph"):
            reader.plan("residential-bt5b", {"order.contracted_power": "4600"})
        with pytest.raises(errors.UnsupportedObject):
            reader.relay("disconnect", meter.serial)
        with pytest.raises(errors.UnsupportedObject):
            reader.read(["ansi:ST99:raw"])
        with pytest.raises(errors.WrongValue):
            reader.read(["3:1.0.1.8.0.255:2"])


def test_a_model_named_in_the_order_is_enough_to_choose_the_protocol() -> None:
    with (
        virtual_meter(MODEL, "--days", "1") as meter,
        session(meter, Connection(client=0, model=MODEL)) as reader,
    ):
        assert reader.identify().serial == meter.serial


def test_an_ansi_head_on_no_ansi_meter_gets_no_answer() -> None:
    quick = msgspec.structs.replace(OPEN, reaction=0.3)
    with (
        virtual_meter("prime-1ph", "--days", "1") as meter,
        session(meter, quick) as reader,
        pytest.raises(errors.NoAnswer),
    ):
        reader.identify()


def test_a_cut_that_swallowed_the_verdict_on_a_password_is_not_tried_again() -> None:
    with virtual_meter(MODEL, "--days", "1", "--cut-frame", "4", "--cut-once") as meter:
        host = Host(meter.secrets)
        with session(meter, READER, host) as reader, pytest.raises(errors.PortVanished):
            reader.identify()
    assert host.asked == ["password"]
