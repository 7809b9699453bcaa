"""The session program against a virtual meter, both in processes of their own: what a crew does all day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from drivers import errors
from drivers.changes import ChangeState, Danger, OutcomeState
from drivers.connection import Auth, Connection, Mode
from drivers.reading import JoinState
from drivers.session.client import OpticalSession
from tests.drivers.field import MANAGEMENT, READER, VALUES, Host, Meter, session, virtual_meter


@pytest.fixture(scope="module")
def prime() -> Iterator[Meter]:
    with virtual_meter("prime-1ph", "--join-after-s", "0") as meter:
        yield meter


def test_identify_names_the_meter_by_model_serial_and_firmware(prime: Meter) -> None:
    with session(prime, READER) as meter:
        identity = meter.identify()
    assert identity.manufacturer == "ZIV"
    assert identity.serial == prime.serial
    assert identity.model == "prime-1ph"
    assert identity.firmware == "V1.36.04"


@pytest.mark.parametrize("model", ["prime-1ph", "idis-3ph-ct", "plc-prepay-1ph"])
def test_a_plain_hdlc_start_names_the_model_for_the_public_client_too(model: str) -> None:
    """Only the sign-on line used to tell it, so that the model's names were missing without one."""
    with virtual_meter(model) as meter, session(meter, Connection(mode=Mode.HDLC)) as public:
        found = public.read(["8:0.0.1.0.0.255:2"])
    assert found.identity.model == model
    assert found.readings[0].name == "clock"


def test_events_are_found_in_the_association_view_of_an_unknown_model(prime: Meter, tmp_path: Path) -> None:
    with OpticalSession(prime.url, READER, Host(prime.secrets), models=tmp_path) as meter:
        found = meter.events()
    assert [row.code for row in found.rows][:1] == ["2"]
    assert found.rows[0].log == "7:0.0.99.98.0.255:2"
    assert found.rows[0].name is None


def test_readings_are_decimals_with_the_scaler_applied(prime: Meter) -> None:
    with session(prime) as meter:
        result = meter.read()
    by_item = {reading.item: reading for reading in result.readings}
    voltage = by_item["3:1.0.32.7.0.255:2"]
    assert voltage.unit == "V"
    assert voltage.value is not None
    assert 200 < Decimal(voltage.value) < 250
    total = Decimal(by_item["3:1.0.1.8.0.255:2"].value or "0")
    tariffs = sum(Decimal(by_item[f"3:1.0.1.8.{n}.255:2"].value or "0") for n in (1, 2, 3))
    assert abs(total - tariffs) <= 3
    assert result.exchanges < 12


def test_items_are_echoed_as_asked_and_a_missing_one_says_why(prime: Meter) -> None:
    with session(prime) as meter:
        result = meter.read(["3:1.0.1.8.0.255:2", "3:1.0.99.8.0.255:2"])
    assert [reading.item for reading in result.readings] == ["3:1.0.1.8.0.255:2", "3:1.0.99.8.0.255:2"]
    assert result.readings[1].value is None
    assert result.readings[1].status == "object-undefined"


def test_asking_only_for_what_is_not_there_is_an_unsupported_object(prime: Meter) -> None:
    with session(prime) as meter, pytest.raises(errors.UnsupportedObject):
        meter.read(["3:1.0.99.8.0.255:2"])


def test_a_wrong_item_is_refused_before_the_line_is_used(prime: Meter) -> None:
    with session(prime) as meter, pytest.raises(errors.WrongValue, match="CLASS:OBIS"):
        meter.read(["1.8.0"])


def test_a_day_of_profile_has_a_row_for_each_quarter_hour_in_utc(prime: Meter) -> None:
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = end - timedelta(days=1)
    with session(prime) as meter:
        result = meter.profile(None, start.isoformat(), end.isoformat())
    times = [row.time for row in result.rows]
    expected = [start + timedelta(minutes=15 * n) for n in range(97)]
    assert times == [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in expected]
    assert result.capture_period == 900
    assert result.columns[0].unit == "Wh"
    energies = [Decimal(row.values[0] or "0") for row in result.rows]
    assert energies == sorted(energies)


def test_a_joined_prime_node_names_its_base_node(prime: Meter) -> None:
    with session(prime) as meter:
        evidence = meter.network()
    assert evidence.state is JoinState.JOINED
    assert evidence.evidence["sna"] == "40:40:22:00:00:01"


def test_the_second_session_goes_on_with_the_counter(prime: Meter) -> None:
    host = Host(prime.secrets)
    host.next_counter = 5_000
    for _ in range(2):
        with session(prime, host=host) as meter:
            meter.identify()
    spans = [range(first, first + count) for first, count in host.reserved]
    used = [counter for span in spans for counter in span]
    assert len(used) == len(set(used))


def test_a_stale_counter_is_learnt_from_the_meter(prime: Meter) -> None:
    with session(prime, host=Host(prime.secrets, first_counter=90_000)) as meter:
        meter.identify()
    host = Host(prime.secrets, first_counter=1)
    with session(prime, host=host) as meter:
        assert meter.identify().serial == prime.serial
    assert host.reserved[-1][0] > 90_000


def test_rfc2217_changes_baud_and_parity_for_real() -> None:
    with virtual_meter("idis-3ph-ct", listen="rfc2217://127.0.0.1:0") as real, session(real) as meter:
        result = meter.read(["3:1.0.72.7.0.255:2"])
    assert result.readings[0].unit == "V"


@pytest.mark.parametrize("mode", [Mode.HDLC, Mode.WRAPPER])
def test_plain_hdlc_and_tcp_wrapper(mode: Mode) -> None:
    with virtual_meter() as real, session(real, msgspec.structs.replace(MANAGEMENT, mode=mode)) as meter:
        assert meter.identify().serial == real.serial


def test_a_meter_that_claims_with_list_and_refuses_it_is_read_singly(tmp_path: Path) -> None:
    with virtual_meter("plc-prepay-1ph") as real, session(real, cache=tmp_path) as meter:
        assert meter.read(["3:1.0.1.8.0.255:2", "3:1.0.32.7.0.255:2"]).readings[1].unit == "V"


def test_a_short_list_limit_is_found_and_remembered(tmp_path: Path) -> None:
    with virtual_meter("idis-3ph-ct", "--list-limit", "10") as real:
        with session(real, cache=tmp_path) as meter:
            first = meter.read()
        with session(real, cache=tmp_path) as meter:
            second = meter.read()
    assert all(reading.status is None for reading in first.readings)
    assert second.exchanges <= first.exchanges


def test_plan_apply_verify_and_what_was_journalled() -> None:
    with virtual_meter("prime-1ph", "--clock-offset-s", "120") as real:
        host = Host(real.secrets)
        with session(real, host=host) as meter:
            plan = meter.plan("residential-2.0TD", VALUES)
            states = {change.id: change.state for change in plan.changes}
            assert states["clock"] is ChangeState.DIFFERS
            assert states["capture_period"] is ChangeState.SAME
            limiter = next(change for change in plan.changes if change.id == "limiter.threshold")
            assert limiter.danger is Danger.SUPPLY
            assert plan.changes[-1] is limiter  # what could hurt comes last
            careful = meter.apply(plan)
            assert not careful.complete
            assert careful.changes[-1].state is OutcomeState.UNTOUCHED
            done = meter.apply(plan, allow={"limiter.threshold"})
            assert done.complete
            assert meter.verify("residential-2.0TD", VALUES).holds
    assert [i.id for i in host.intents] == [o.intent_id for o in host.outcomes]
    assert {o.state for o in host.outcomes} == {OutcomeState.VERIFIED}
    assert len(host.intents) == 4


def test_nothing_is_written_when_the_journal_cannot_take_the_intent() -> None:
    with virtual_meter("prime-1ph", "--clock-offset-s", "120") as real:
        host = Host(real.secrets)
        with session(real, host=host) as meter:
            plan = meter.plan("residential-2.0TD", VALUES)
            host.refuse_intents = True
            with pytest.raises(errors.HostFailed) as failed:
                meter.apply(plan, allow={"limiter.threshold"})
            assert isinstance(failed.value.__cause__, OSError)
            again = meter.plan("residential-2.0TD", VALUES)
    assert [c.state for c in again.changes] == [c.state for c in plan.changes]


def test_a_plan_is_not_applied_to_another_meter() -> None:
    with virtual_meter("prime-1ph", "--serial", "ZIV0040000001") as first, session(first) as meter:
        plan = meter.plan("residential-2.0TD", VALUES)
    with (
        virtual_meter("prime-1ph", "--serial", "ZIV0040000002") as second,
        session(second) as meter,
        pytest.raises(errors.OtherMeter),
    ):
        meter.apply(plan)


def test_a_program_for_another_model_is_refused(prime: Meter) -> None:
    with session(prime) as meter, pytest.raises(errors.WrongValue, match="idis-3ph-ct"):
        meter.plan("industrial-mt")


def test_a_missing_value_of_the_order_is_named(prime: Meter) -> None:
    with session(prime) as meter, pytest.raises(errors.WrongValue, match="contracted power"):
        meter.plan("residential-2.0TD")


def test_a_write_without_the_right_fails_and_says_so(prime: Meter) -> None:
    host = Host(prime.secrets)
    with session(prime, READER, host) as meter:
        report = meter.apply(meter.plan("residential-2.0TD", VALUES), allow={"limiter.threshold"})
    failed = next(change for change in report.changes if change.id == "limiter.threshold")
    assert failed.state is OutcomeState.FAILED
    assert failed.detail == "read-write-denied"


def test_the_relay_needs_the_serial_as_confirmation() -> None:
    with virtual_meter("prime-1ph") as real:
        host = Host(real.secrets)
        with session(real, host=host) as meter:
            with pytest.raises(errors.NeedsConfirmation):
                meter.relay("disconnect", "yes")
            assert not host.intents
            assert meter.relay("disconnect", real.serial).is_now == "disconnected"
            assert meter.read(["70:0.0.96.3.10.255:2"]).readings[0].value == "false"
            assert meter.relay("reconnect", real.serial).state is OutcomeState.VERIFIED


def test_the_association_view_is_read_once_for_a_type(tmp_path: Path) -> None:
    anonymous = msgspec.structs.replace(MANAGEMENT, model="idis-3ph-ct")  # technology none: needs the view
    counts = []
    for serial in ("1LGZ0062345678", "1LGZ0062345679"):
        with (
            virtual_meter("idis-3ph-ct", "--serial", serial) as real,
            session(real, anonymous, cache=tmp_path) as meter,
        ):
            meter.network()
            counts.append(meter.read([]).bytes.rx)
    assert counts[1] < counts[0] / 3


def test_secrets_are_in_no_trace_and_no_process_list(prime: Meter, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    host = Host(prime.secrets)
    with session(prime, READER, host, trace=trace) as meter:
        meter.identify()
        pid = meter._process.pid
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    text = trace.read_text()
    assert "hex" in text
    assert prime.secrets["password"].hex() not in text
    assert prime.secrets["password"] not in arguments
    assert host.asked == ["password"]


def test_a_missing_key_is_named_without_touching_the_meter(prime: Meter) -> None:
    with session(prime, host=Host({})) as meter, pytest.raises(errors.MissingSecret):
        meter.identify()


def test_a_readout_meter_in_auto_mode_needs_no_dlms(prime: Meter) -> None:
    with session(prime, Connection(mode=Mode.C)) as meter:
        result = meter.read()
        by_item = meter.read(["3:1.0.1.8.0.255:2", "1.8.1"]).readings
        with pytest.raises(errors.DriverError) as refused:
            meter.plan("residential-2.0TD", VALUES)
    assert refused.value.code == "readout-only"
    assert (result.identity.manufacturer, result.identity.model) == ("ZIV", "prime-1ph")
    assert result.identity.serial == prime.serial
    codes = {reading.item: reading for reading in result.readings}
    assert [reading.item for reading in by_item] == ["3:1.0.1.8.0.255:2", "1.8.1"]
    assert Decimal(by_item[0].value or "") - Decimal(codes["1.8.0"].value or "") < Decimal("0.05")
    assert by_item[0].unit == "kWh"


def test_a_wrong_kind_of_association_is_told_apart_from_a_wrong_password(prime: Meter) -> None:
    wrong = Connection(client=2, auth=Auth.NONE)
    with session(prime, wrong) as meter, pytest.raises(errors.AssociationRefused):
        meter.identify()
