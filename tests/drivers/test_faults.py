"""What goes wrong in the field, each as its own error or healed without a person: real processes, real
line faults."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from drivers import errors
from drivers.changes import OutcomeState, WriteIntent
from drivers.connection import Connection, Mode
from tests.drivers.field import MANAGEMENT, MODELS, READER, VALUES, Host, session, virtual_meter


class CancellingHost(Host):
    """A crew that cancels right when the first intent is journalled."""

    cancel: Callable[[], None]

    def record_intent(self, intent: WriteIntent) -> None:
        super().record_intent(intent)
        self.cancel()


_QUICK = msgspec.structs.replace(READER, reaction=0.3)


def test_no_probe_is_told_by_name() -> None:
    from drivers.session.client import OpticalSession

    port = "/dev/ttyUSB_none"
    with (
        OpticalSession(port, READER, Host({"password": b"x"}), models=MODELS) as meter,
        pytest.raises(errors.NoProbe),
    ):
        meter.identify()


class _Head:
    """An optical head over TCP that does what ``answer`` says with each piece of bytes."""

    def __init__(self, answer: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer:
            while data := peer.recv(4096):
                if self._answer == "echo":
                    peer.sendall(data)
                elif self._answer == "garbage":
                    peer.sendall(bytes((byte * 7 + 13) & 0xFF for byte in data) + b"\x81\x93\xc5" * 4)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [("silence", errors.NoAnswer), ("echo", errors.EchoOnly), ("garbage", errors.Garbage)],
)
@pytest.mark.parametrize("mode", [Mode.HDLC, Mode.AUTO])
def test_silence_echo_and_garbage_are_three_different_errors(
    answer: str, error: type[errors.DriverError], mode: Mode
) -> None:
    from drivers.session.client import OpticalSession

    head = _Head(answer)
    connection = msgspec.structs.replace(_QUICK, mode=mode)
    try:
        with (
            OpticalSession(head.url, connection, Host({"password": b"x"}), models=MODELS) as meter,
            pytest.raises(error) as caught,
        ):
            meter.identify()
        assert type(caught.value) is error
    finally:
        head.close()


def test_a_wrong_baud_rate_is_garbage() -> None:
    connection = msgspec.structs.replace(_QUICK, mode=Mode.HDLC, baud=4800)
    with (
        virtual_meter("prime-1ph", listen="rfc2217://127.0.0.1:0") as real,
        session(real, connection) as meter,
        pytest.raises((errors.Garbage, errors.NoAnswer)),
    ):
        meter.identify()


def test_a_wrong_password_is_sent_once_and_the_third_locks_with_a_countdown() -> None:
    with virtual_meter("prime-1ph", "--lockout-s", "30") as real:
        for _ in range(3):
            host = Host({"password": b"00000000"})
            with session(real, READER, host) as meter, pytest.raises(errors.WrongPassword):
                meter.identify()
            assert host.asked == ["password"]
        with session(real, READER) as meter, pytest.raises(errors.LockedOut) as locked:
            meter.identify()
    assert locked.value.seconds == 60  # what the model file says of this make


def test_a_wrong_key_is_no_wrong_counter() -> None:
    with virtual_meter("prime-1ph") as real:
        host = Host(real.secrets | {"block_key": bytes(16)})
        with session(real, host=host) as meter, pytest.raises(errors.WrongKey):
            meter.identify()


def test_a_wrong_authentication_key_is_a_wrong_key() -> None:
    with virtual_meter("prime-1ph") as real:
        host = Host(real.secrets | {"auth_key": bytes(16)})
        with session(real, host=host) as meter, pytest.raises(errors.WrongKey):
            meter.identify()


def test_an_echoing_head_disturbs_nothing() -> None:
    with virtual_meter("prime-1ph", "--echo") as real, session(real) as meter:
        assert meter.read(["3:1.0.1.8.0.255:2"]).readings[0].unit == "Wh"


def test_bit_errors_cost_repeats_but_no_wrong_value() -> None:
    with (
        virtual_meter("prime-1ph", "--ber", "1e-4", "--seed", "4") as real,
        session(real, msgspec.structs.replace(MANAGEMENT, reaction=0.5)) as meter,
    ):
        first = meter.read(["3:1.0.1.8.1.255:2", "1:0.0.96.1.0.255:2"])
    assert first.readings[1].value == real.serial


@pytest.mark.parametrize("bytes_before_cut", ["400", "700", "1100"])
def test_a_port_that_vanishes_is_found_again_within_the_step(bytes_before_cut: str) -> None:
    with (
        virtual_meter("prime-1ph", "--cut-after", bytes_before_cut, "--cut-once") as real,
        session(real, msgspec.structs.replace(MANAGEMENT, reaction=0.5)) as meter,
    ):
        assert meter.read().identity.serial == real.serial


@pytest.mark.parametrize("fault", ["--cut-before-write", "--cut-after-write"])
def test_a_cut_in_the_middle_of_configuring_is_finished_or_settled(fault: str) -> None:
    with virtual_meter("prime-1ph", fault, "2", "--clock-offset-s", "120") as real:
        host = Host(real.secrets)
        with session(real, msgspec.structs.replace(MANAGEMENT, reaction=0.5), host) as meter:
            plan = meter.plan("residential-2.0TD", VALUES)
            report = meter.apply(plan, allow={"limiter.threshold"})
            assert report.complete
            assert meter.verify("residential-2.0TD", VALUES).holds
    assert {outcome.intent_id for outcome in host.outcomes} == {intent.id for intent in host.intents}


def test_a_meter_that_loses_power_while_it_is_written_is_waited_for() -> None:
    with virtual_meter("prime-1ph", "--power-loss-write", "3", "--boot-s", "0.5") as real:
        host = Host(real.secrets)
        with session(real, msgspec.structs.replace(MANAGEMENT, reaction=0.5), host) as meter:
            plan = meter.plan("residential-2.0TD", VALUES)
            assert meter.apply(plan, allow={"limiter.threshold"}).complete
    assert {outcome.intent_id for outcome in host.outcomes} == {intent.id for intent in host.intents}


def test_a_tablet_that_dies_settles_its_open_intent_in_the_next_session() -> None:
    with virtual_meter("prime-1ph", "--clock-offset-s", "120") as real:
        dying = Host(real.secrets)
        dying.refuse_outcomes = True
        with session(real, host=dying) as meter:
            plan = meter.plan("residential-2.0TD", VALUES)
            with pytest.raises(errors.HostFailed):
                meter.apply(plan)
        (open_intent,) = dying.intents
        never_sent = msgspec.structs.replace(
            open_intent,
            id="other",
            item="71:0.0.17.0.0.255:4",
            was_data="0600001676",
            will_be_data="06000011F8",
        )
        host = Host(real.secrets, first_counter=9_000)
        with session(real, host=host) as meter:
            meter.settle([open_intent, never_sent])
            left = meter.plan("residential-2.0TD", VALUES)
    assert [outcome.state for outcome in host.outcomes] == [OutcomeState.VERIFIED, OutcomeState.UNTOUCHED]
    assert {change.id for change in left.open_changes} == {"calendar.activate", "clock", "limiter.threshold"}


def test_intents_are_settled_by_their_texts_where_the_journal_kept_no_bytes() -> None:
    with virtual_meter("prime-1ph", "--clock-offset-s", "120") as real:
        host = Host(real.secrets)
        with session(real, host=host) as meter:
            meter.apply(meter.plan("residential-2.0TD", VALUES), allow={"limiter.threshold"})
            host.outcomes.clear()
            plain = [msgspec.structs.replace(i, was_data=None, will_be_data=None) for i in host.intents]
            undone = [msgspec.structs.replace(i, was=i.will_be, will_be=str(i.was)) for i in plain]
            assert {o.state for o in meter.settle(plain)} == {OutcomeState.VERIFIED}
            settled = meter.settle([i for i in undone if not i.item.startswith("8:")])
    assert {outcome.state for outcome in settled} == {OutcomeState.UNTOUCHED}


def test_cancel_ends_the_job_and_the_session_goes_on() -> None:
    with virtual_meter("prime-1ph", "--paced", "--days", "1") as real, session(real) as meter:
        meter.identify()
        threading.Timer(0.5, meter.cancel).start()
        with pytest.raises(errors.Cancelled):
            meter.profile()
        assert meter.read(["1:0.0.96.1.0.255:2"]).readings[0].value == real.serial


def test_cancel_never_leaves_a_journalled_write_half_done() -> None:
    with virtual_meter("prime-1ph", "--clock-offset-s", "120") as real:
        host = CancellingHost(real.secrets)
        with session(real, host=host) as meter:
            host.cancel = meter.cancel
            plan = meter.plan("residential-2.0TD", VALUES)
            with pytest.raises(errors.Cancelled):
                meter.apply(plan, allow={"limiter.threshold"})
    assert len(host.intents) == len(host.outcomes) == 1
    assert host.outcomes[0].state is OutcomeState.VERIFIED


def test_a_killed_session_says_so() -> None:
    with virtual_meter("prime-1ph", "--paced") as real:
        meter = session(real)
        threading.Timer(0.3, meter.kill).start()
        with pytest.raises(errors.SessionDied):
            meter.read()
        meter.close()


def test_a_connection_that_cannot_be_leaves_no_program_behind() -> None:
    wrong = msgspec.structs.replace(READER, server="far away")
    with virtual_meter("prime-1ph") as real, pytest.raises(errors.WrongValue):
        session(real, wrong)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    running = children.read_text().split() if children.exists() else []
    assert not [pid for pid in running if b"session" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_the_session_ends_when_its_application_is_gone() -> None:
    from drivers.session.client import session_command

    process = subprocess.Popen(session_command(MODELS), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"type":"ready"')
    process.stdin.close()
    assert process.wait(timeout=10) == 1
    assert process.stdout.read() == b""
    process.stdout.close()


def test_a_broken_model_file_is_told_with_its_line(tmp_path: Path) -> None:
    from drivers.session.client import OpticalSession

    (tmp_path / "odd.toml").write_text('name = "odd"\nphases = "one"\n')
    with pytest.raises(errors.ModelFileError) as caught:
        OpticalSession("socket://127.0.0.1:9", Connection(), Host({}), models=tmp_path)
    assert (caught.value.file, caught.value.line) == ("odd.toml", 2)
