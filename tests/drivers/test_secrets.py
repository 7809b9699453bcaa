"""Passwords and keys changed on a virtual meter: whatever is cut off, we come in and know with what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.changes import ChangeState, Danger, OutcomeState
from drivers.connection import Auth, Connection, NextSecret, SecretState
from drivers.dlms.cosem import Item
from drivers.dlms.data import Data
from drivers.dlms.secrets import check_length, check_value, describe, encoding_of
from drivers.errors import (
    DriverError,
    HostFailed,
    LinkLost,
    MeterRefused,
    MissingSecret,
    WrongKey,
    WrongPassword,
    WrongValue,
)
from drivers.programs import SecretKind, SecretSetting
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.secrets import SecretJobs
from drivers.virtual.secrets import derive
from tests.drivers.field import MANAGEMENT, READER, TITLE, Host, Meter, session, virtual_meter

NEW_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
NEW_PASSWORD = b"77665544"
HEAD = """
name = "secrets"
version = 1
title = { es = "Claves", en = "Keys", pt = "Chaves" }
models = ["prime-1ph"]
"""


def program(folder: Path, *kinds: str, more: str = "") -> Path:
    path = folder / "secrets.toml"
    path.write_text(HEAD + "".join(f'[[secrets]]\nkind = "{kind}"\n{more}\n' for kind in kinds))
    return path


@pytest.fixture
def meter() -> Iterator[Meter]:
    with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.1") as running:
        yield running


def change(meter: Meter, host: Host, path: Path) -> dict[str, OutcomeState]:
    with session(meter, host=host) as opened:
        plan = opened.plan(path)
        report = opened.apply(plan, [one.id for one in plan.changes])
        assert opened.identify().serial == meter.serial  # the session goes on with whatever holds now
    return {result.id.removeprefix("secret."): result.state for result in report.changes}


def comes_in(meter: Meter, secrets: dict[str, bytes], counter: int = 5000) -> bool:
    try:
        with session(meter, MANAGEMENT, Host(secrets, counter)) as opened:
            opened.identify()
    except WrongKey:
        return False
    return True


def test_every_kind_is_sent_once_and_proven_by_coming_in(meter: Meter, tmp_path: Path) -> None:
    host = Host(meter.secrets)
    new = {"password": NEW_PASSWORD, "auth_key": NEW_KEY, "block_key": NEW_KEY[::-1], "master_key": b"m" * 16}
    for name, value in new.items():
        host.wait_with(name, value)
    states = change(meter, host, program(tmp_path, "password", "auth_key", "block_key", "master_key"))
    assert states == dict.fromkeys(new, OutcomeState.VERIFIED)
    assert host.secrets == new
    assert comes_in(meter, new, host.next_counter)
    assert not comes_in(meter, meter.secrets, host.next_counter + 200)
    with session(meter, READER, Host(new)) as opened:
        assert opened.identify().serial == meter.serial
    values = [first for first, count in host.reserved]
    assert values == sorted(set(values))  # one counter that only rises, under either key
    shown = " ".join(f"{i.was} {i.will_be} {i.was_data} {i.will_be_data}" for i in host.intents)
    for value in new.values():
        assert value.hex() not in shown.lower()
        assert value.decode("latin-1") not in shown


def test_the_plan_says_what_would_change_and_needs_it_allowed(meter: Meter, tmp_path: Path) -> None:
    host = Host(meter.secrets)
    host.wait_with("password", NEW_PASSWORD)
    path = program(tmp_path, "password", "block_key")
    with session(meter, host=host) as opened:
        plan = opened.plan(path)
        by_id = {one.id: one for one in plan.changes}
        assert by_id["secret.password"].will_be == "new, 8 bytes, ASCII digits"
        assert by_id["secret.password"].danger is Danger.COMMUNICATION
        assert by_id["secret.block_key"].state is ChangeState.SAME
        report = opened.apply(plan, [])
    assert [result.state for result in report.changes] == [OutcomeState.UNTOUCHED]
    assert host.intents == []


def test_a_key_may_be_drawn_on_the_tablet_but_only_when_it_is_applied(meter: Meter, tmp_path: Path) -> None:
    host = Host(meter.secrets)
    path = program(tmp_path, "block_key", more='source = "generated"')
    with session(meter, host=host) as opened:
        plan = opened.plan(path)
        assert host.following == {}
        opened.apply(plan, ["secret.block_key"])
    assert host.secrets["block_key"] == bytes(range(1, 17))
    assert host.following["block_key"].state is SecretState.CHANGED


@pytest.mark.parametrize("kind", ["block_key", "auth_key", "password", "master_key"])
@pytest.mark.parametrize("fault", ["--cut-before-write", "--cut-after-write", "--power-loss-write"])
def test_a_cut_at_the_write_is_settled_by_coming_in(tmp_path: Path, kind: str, fault: str) -> None:
    new = NEW_PASSWORD if kind == "password" else NEW_KEY
    with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.1", fault, "1") as meter:
        host = Host(meter.secrets)
        host.wait_with(kind, new)
        states = change(meter, host, program(tmp_path, kind))
        taken = fault == "--cut-after-write"
        assert states == {kind: OutcomeState.VERIFIED if taken else OutcomeState.FAILED}
        assert host.secrets[kind] == (new if taken else meter.secrets[kind])
        if not taken:  # it waits: the same program finishes it
            assert change(meter, host, program(tmp_path, kind)) == {kind: OutcomeState.VERIFIED}
        assert len(host.intents) == (1 if taken else 2)


@pytest.mark.parametrize("kind", ["block_key", "password"])
@pytest.mark.parametrize("taken", [True, False])
def test_a_tablet_that_died_in_between_finds_out_which_one_holds(
    tmp_path: Path, kind: str, taken: bool
) -> None:
    """Its journal has the intent and no outcome; both secrets are kept, each is tried once."""
    new = NEW_PASSWORD if kind == "password" else NEW_KEY
    fault = () if taken else ("--cut-before-write", "1")
    with virtual_meter("prime-1ph", "--days", "0", *fault) as meter:
        dying = Host(meter.secrets)
        dying.wait_with(kind, new)
        dying.refuse_outcomes = True
        with pytest.raises(DriverError), session(meter, host=dying) as opened:
            opened.apply(opened.plan(program(tmp_path, kind)), [f"secret.{kind}"])
        host = Host(dying.secrets, dying.next_counter)
        host.following = {kind: NextSecret(SecretState.SENT, new)}
        host.secret_of = {dying.intents[0].id: kind}
        with session(meter, host=host) as opened:
            (outcome,) = opened.settle(dying.intents)
        assert (outcome.state is OutcomeState.VERIFIED) is taken
        assert (host.secrets[kind] == new) is taken
        assert host.following[kind].state is (SecretState.CHANGED if taken else SecretState.WAITING)


def test_a_key_is_never_sent_where_it_cannot_be_kept(meter: Meter, tmp_path: Path) -> None:
    host = Host(meter.secrets)
    host.wait_with("block_key", NEW_KEY)
    host.refuse_intents = True
    with session(meter, host=host) as opened:
        plan = opened.plan(program(tmp_path, "block_key"))
        with pytest.raises(HostFailed):
            opened.apply(plan, ["secret.block_key"])
    assert comes_in(meter, meter.secrets, host.next_counter)


def test_without_the_master_key_nothing_is_sent(meter: Meter, tmp_path: Path) -> None:
    host = Host({name: value for name, value in meter.secrets.items() if name != "master_key"})
    host.wait_with("block_key", NEW_KEY)
    with session(meter, host=host) as opened:
        plan = opened.plan(program(tmp_path, "block_key"))
        with pytest.raises(MissingSecret):
            opened.apply(plan, ["secret.block_key"])
    assert host.intents == []


def test_a_password_that_the_meter_refuses_changes_nothing_and_stops_what_follows(
    meter: Meter, tmp_path: Path
) -> None:
    host = Host(meter.secrets)
    host.wait_with("password", b"short")
    host.wait_with("block_key", NEW_KEY)
    states = change(meter, host, program(tmp_path, "password", "block_key"))
    assert states == {"password": OutcomeState.FAILED, "block_key": OutcomeState.UNTOUCHED}
    assert host.secrets == meter.secrets


@pytest.mark.parametrize("cut", [(), ("--cut-after-write", "1"), ("--cut-before-write", "1")])
def test_the_pin_of_a_sim_is_sent_and_taken_once_more(tmp_path: Path, cut: tuple[str, ...]) -> None:
    """Nobody can come in with it, and the meter shows it to nobody."""
    with virtual_meter("gprs-3ph-ct", "--days", "0", *cut, *(("--cut-once",) if cut else ())) as modem:
        host = Host(modem.secrets)
        host.wait_with("sim_pin", b"0042")
        path = program(tmp_path, "sim_pin")
        path.write_text(path.read_text().replace("prime-1ph", "gprs-3ph-ct"))
        assert change(modem, host, path) == {"sim_pin": OutcomeState.VERIFIED}
        assert host.secrets["sim_pin"] == b"0042"
    assert not any("0042" in text for one in host.intents for text in (one.will_be, one.was or ""))


class Modem:
    """A meter of which the first answer is lost, and that then takes only its old PIN; stands in for the
    way to it too."""

    def __init__(self, host: Host, *, deaf: bool = False) -> None:
        self.host, self.deaf, self.heard = host, deaf, 0
        self.reach = self
        self.connection = MANAGEMENT
        self.written: list[tuple[int, int]] = []

    def set(self, item: Item, data: Data) -> None:
        """Keeps of each write how many intents stood in the journal without an outcome."""
        open_ones = {one.id for one in self.host.intents} - {one.intent_id for one in self.host.outcomes}
        self.written.append((int(data.value), len(open_ones)))  # type: ignore[call-overload]  # a number
        if len(self.written) == 1 or (self.deaf and len(self.written) == 3):
            raise LinkLost
        if data.value != 1111:
            raise MeterRefused("read-write-denied")

    def run(self, job: Callable[[Modem], object]) -> object:
        return job(self)

    def shielded(self) -> AbstractContextManager[None]:
        return nullcontext()

    def cut(self, error: DriverError) -> None: ...

    def is_adopted(self, name: str) -> bool:
        return False

    def secret(self, name: str) -> bytes | None:
        return self.host.secret(name)

    def next_secret(self, name: str, make: int | None = None) -> NextSecret:
        return self.host.next_secret(name, make)


@pytest.mark.parametrize("deaf", [False, True])
def test_an_old_pin_goes_back_only_as_a_write_with_its_own_intent(deaf: bool) -> None:
    """It used to be written as a mere proof: after a cut there the journal knew nothing of it. And it must
    not come out as ``verified``, or the new PIN would be kept as the one that holds."""
    host = Host({"sim_pin": b"1111"})
    host.wait_with("sim_pin", b"0042")
    modem = Modem(host, deaf=deaf)
    jobs = SecretJobs(cast(Jobs, modem), Journal(host.record_intent, host.record_outcome))
    result = jobs.apply("p", "M1", SecretSetting(SecretKind.SIM_PIN))
    assert modem.written == [(42, 1), (42, 1), (1111, 1)]
    assert host.outcomes[0].state is OutcomeState.FAILED
    assert host.outcomes[-1].intent_id == host.intents[1].id
    assert result.state is (OutcomeState.INTENDED if deaf else OutcomeState.ROLLED_BACK)
    if deaf:
        assert jobs.settle(host.intents[1]).state is OutcomeState.ROLLED_BACK
    assert host.secrets["sim_pin"] == b"1111"


@pytest.mark.parametrize("value", [b"", b"123", b"12345", b"12a4"])
def test_a_pin_that_no_sim_has_is_refused_before_it_is_sent(value: bytes) -> None:
    with pytest.raises(WrongValue):
        check_length(SecretKind.SIM_PIN, value, 16)


# ---- what may be said of a secret


def test_the_check_value_is_the_one_that_key_letters_carry() -> None:
    assert check_value(bytes(16)) == "66E94B"  # AES-128 of zeros under a key of zeros (FIPS 197)


@given(st.binary(min_size=8, max_size=64))
def test_a_password_is_described_by_length_and_encoding_alone(value: bytes) -> None:
    said = describe(SecretKind.PASSWORD, value)
    assert said == f"new, {len(value)} bytes, {encoding_of(value)}"
    assert value.hex() not in said


@pytest.mark.parametrize("value", [b"", bytes(65)])
def test_a_password_of_an_impossible_length_is_refused_before_it_is_sent(value: bytes) -> None:
    with pytest.raises(WrongValue):
        check_length(SecretKind.PASSWORD, value, 16)


def test_a_key_of_another_suite_is_refused_before_it_is_sent() -> None:
    with pytest.raises(WrongValue):
        check_length(SecretKind.BLOCK_KEY, bytes(32), 16)


# ---- the secret of a high mechanism

NEW_HLS = b"fedcba98-7654"
HLS_READER = Connection(client=36, auth=Auth.SHA256, system_title=TITLE, password="hls_password")
OWN_HLS = "client = 36"
OTHERS_HLS = 'client = 36\nitem = "15:0.0.40.0.4.255:7"'


def hls_host(meter: Meter, **more: bytes) -> Host:
    found = Host(meter.secrets | {"hls_password": derive(meter.serial)["hls_secret"].encode()} | more)
    found.wait_with("hls_password", NEW_HLS)
    return found


def change_hls(meter: Meter, host: Host, path: Path, connection: Connection) -> OutcomeState:
    with session(meter, connection, host) as opened:
        plan = opened.plan(path)
        (result,) = opened.apply(plan, [one.id for one in plan.changes]).changes
        assert opened.identify().serial == meter.serial
    return result.state


@pytest.mark.parametrize(("connection", "more"), [(HLS_READER, OWN_HLS), (MANAGEMENT, OTHERS_HLS)])
def test_an_hls_password_is_changed_by_its_client_or_for_it(
    meter: Meter, tmp_path: Path, connection: Connection, more: str
) -> None:
    """By change_HLS_secret of the association in use, or of the one that is named; proven by the mechanism
    that the meter model tells."""
    host = hls_host(meter)
    path = program(tmp_path, "hls_password", more=more)
    assert change_hls(meter, host, path, connection) is OutcomeState.VERIFIED
    assert host.secrets["hls_password"] == NEW_HLS
    with session(meter, HLS_READER, Host({"hls_password": NEW_HLS})) as opened:
        assert opened.identify().serial == meter.serial
    with pytest.raises(WrongPassword), session(meter, HLS_READER, hls_host(meter)) as opened:
        opened.identify()


@pytest.mark.parametrize("fault", ["--cut-before-write", "--cut-after-write"])
@pytest.mark.parametrize(("connection", "more"), [(HLS_READER, OWN_HLS), (MANAGEMENT, OTHERS_HLS)])
def test_an_hls_password_cut_off_is_found_out_by_both_once(
    tmp_path: Path, connection: Connection, more: str, fault: str
) -> None:
    """The tablet dies before it heard of the outcome: both secrets are kept, and each is tried once."""
    with virtual_meter("prime-1ph", "--days", "0", fault, "1", "--cut-once") as meter:
        dying = hls_host(meter)
        dying.refuse_outcomes = True
        path = program(tmp_path, "hls_password", more=more)
        with pytest.raises(DriverError), session(meter, connection, dying) as opened:
            opened.apply(opened.plan(path), ["secret.hls_password"])
        host = Host(dying.secrets, dying.next_counter)
        host.following = {"hls_password": NextSecret(SecretState.SENT, NEW_HLS)}
        host.secret_of = {dying.intents[0].id: "hls_password"}
        with session(meter, connection, host) as opened:
            (outcome,) = opened.settle(dying.intents)
        taken = fault == "--cut-after-write"
        assert (outcome.state is OutcomeState.VERIFIED) is taken
        assert (host.secrets["hls_password"] == NEW_HLS) is taken


@pytest.mark.parametrize("more", ["client = 1", "client = 99", "client = 36"])
def test_a_password_that_nobody_could_prove_is_not_sent(meter: Meter, tmp_path: Path, more: str) -> None:
    """Our own client that has none; one that the model does not know; one whose association is not named:
    ours would get the secret, which is another client's."""
    host = hls_host(meter)
    with session(meter, host=host) as opened:
        plan = opened.plan(program(tmp_path, "hls_password", more=more))
        with pytest.raises(WrongValue):
            opened.apply(plan, ["secret.hls_password"])
    assert host.intents == []
