"""PINs without signal: counted before they are tried, locked longer and longer, never freed by a clock."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from fieldtool.errors import JobError
from fieldtool.security.attempts import (
    FREE_TRIES,
    LONGEST_LOCK_SECONDS,
    Attempts,
    FileAttempts,
    counted,
    lock_seconds,
    looked_at,
)
from fieldtool.security.people import People
from fieldtool.security.redaction import HIDDEN, redact
from fieldtool.security.secrets import MeterSecrets
from workorders.clock import utc_text
from workorders.journal.entry import EntryTime
from workorders.journal.said import seal_said
from workorders.journal.sealing import new_order_key
from workorders.people import Grant, Role, lock_key, override_message, sign_grant, verify_override
from workorders.store import schema
from workorders.store.engine import Store, open_store

PIN = "602217"
OFFICE = Ed25519PrivateKey.generate()
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class TestClock:
    """A clock that a test turns: device time, monotonic time and boot apart."""

    __test__ = False

    def __init__(self) -> None:
        self.device = START
        self.monotonic = 1_000_000
        self.boot = "boot-1"
        self.gps: datetime | None = None

    def now(self) -> EntryTime:
        return EntryTime(
            device=utc_text(self.device),
            monotonic_ms=self.monotonic,
            boot_id=self.boot,
            server_offset_ms=None,
            gps=utc_text(self.gps) if self.gps else None,
        )


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


KEY = Ed25519PrivateKey.generate()
LOCKED = lock_key(PIN, KEY)
"""One for everybody here: locking is made to be slow."""


def add(store: Store, person: str, role: Role, *, realm: str = "demo", days: int = 30) -> None:
    grant = Grant(
        person=person,
        name=f"Name of {person}",
        role=role,
        realm=realm,
        crew="PRM-01",
        project="prime",
        public_key=base64.b64encode(KEY.public_key().public_bytes_raw()).decode(),
        issued_at=utc_text(START - timedelta(days=1)),
        expires_at=utc_text(START + timedelta(days=days)),
    )
    row = {
        "person_id": person,
        "name": grant.name,
        "role": role.value,
        "grant": sign_grant(grant, OFFICE),
        "key": msgspec.json.encode(LOCKED),
    }
    with store.write() as connection:
        connection.execute(insert(schema.person).values(**row))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "tablet.db", b"k" * 32, role="tablet")


@pytest.fixture
def people(store: Store, clock: TestClock) -> People:
    return People(store, OFFICE.public_key(), "demo", clock)


def code_of(act: object, *arguments: str) -> JobError:
    with pytest.raises(JobError) as error:
        act(*arguments)  # type: ignore[operator]
    return error.value


def test_the_right_pin_signs_in_with_the_role_of_the_grant(store: Store, people: People) -> None:
    add(store, "ana", Role.LEAD)
    person = people.sign_in("ana", PIN)
    assert (person.id, person.role, person.crew) == ("ana", Role.LEAD, "PRM-01")
    assert [p.id for p in people.known()] == ["ana"]


def test_wrong_pins_are_counted_down_then_locked_and_even_the_right_one_waits(
    store: Store, people: People, clock: TestClock
) -> None:
    add(store, "ana", Role.INSTALLER)
    left = [code_of(people.sign_in, "ana", "111222").params["left"] for _ in range(FREE_TRIES)]
    assert left == ["4", "3", "2", "1"]
    assert code_of(people.sign_in, "ana", "111222").code == "locked_out"
    refused = code_of(people.sign_in, "ana", PIN)
    assert (refused.code, refused.params["seconds"]) == ("locked_out", "30")
    clock.monotonic += 29_000
    assert people.wait_seconds("ana") == 1
    clock.monotonic += 1_500
    assert people.sign_in("ana", PIN).id == "ana"
    assert code_of(people.sign_in, "ana", "111222").params["left"] == "4", "a good PIN clears the count"


def test_a_lock_survives_restart_and_a_clock_set_forward(
    tmp_path: Path, store: Store, people: People, clock: TestClock
) -> None:
    add(store, "ana", Role.INSTALLER)
    for _ in range(FREE_TRIES + 1):
        code_of(people.sign_in, "ana", "111222")
    store.close()
    clock.device += timedelta(days=2)
    clock.boot, clock.monotonic = "boot-2", 5_000
    again = People(
        open_store(tmp_path / "tablet.db", b"k" * 32, role="tablet"), OFFICE.public_key(), "demo", clock
    )
    assert code_of(again.sign_in, "ana", PIN).params["seconds"] == "30"
    clock.monotonic += 31_000
    assert again.sign_in("ana", PIN).id == "ana"


def test_a_try_counts_even_if_the_power_goes_while_it_is_checked(
    store: Store, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "ana", Role.INSTALLER)

    def power_cut(pin: str, locked: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("fieldtool.security.people.unlock_key", power_cut)
        for _ in range(FREE_TRIES):
            with pytest.raises(KeyboardInterrupt):
                people.sign_in("ana", PIN)
    assert code_of(people.sign_in, "ana", "111222").code == "locked_out"


def test_a_receiver_may_make_it_later_and_never_earlier(
    store: Store, people: People, clock: TestClock
) -> None:
    add(store, "ana", Role.INSTALLER)
    clock.gps = START + timedelta(days=31)  # the tablet's clock was turned back, the satellites know better
    assert code_of(people.sign_in, "ana", PIN).code == "grant_expired"
    clock.device, clock.gps = START + timedelta(days=31), START
    assert code_of(people.sign_in, "ana", PIN).code == "grant_expired"


def test_grants_expire_and_those_of_another_realm_or_office_have_no_force(
    store: Store, clock: TestClock, people: People
) -> None:
    add(store, "old", Role.LEAD, days=1)
    add(store, "trainee", Role.LEAD, realm="training")
    clock.device += timedelta(days=3)
    assert code_of(people.sign_in, "old", PIN).code == "grant_expired"
    assert code_of(people.sign_in, "trainee", PIN).params["reason"] == "wrong_realm"
    assert code_of(people.sign_in, "nobody", PIN).code == "unknown_person"
    assert people.known() == []
    stranger = People(store, Ed25519PrivateKey.generate().public_key(), "training", clock)
    assert code_of(stranger.sign_in, "trainee", PIN).params["reason"] == "wrong_signature"


def test_an_override_is_signed_with_the_persons_own_key_and_only_by_a_role_that_may(
    store: Store, people: People
) -> None:
    add(store, "lead", Role.LEAD)
    add(store, "fitter", Role.INSTALLER)
    reason = seal_said(new_order_key(), "label damaged", "o1")
    wanted = {"order_id": "o1", "subject": "e1", "reason": reason}
    signed = people.sign_override("lead", PIN, **wanted)
    message = override_message(role=Role.LEAD, person="lead", **wanted)
    assert verify_override(signed.public_key, signed.signature, message)
    assert not verify_override(signed.public_key, signed.signature, message + b" ")
    with pytest.raises(JobError) as refused:
        people.sign_override("fitter", PIN, **wanted)
    assert refused.value.code == "override_role"


@given(st.integers(1, 60))
def test_locks_only_grow_and_end_at_the_longest(failed: int) -> None:
    assert lock_seconds(failed) <= lock_seconds(failed + 1) <= LONGEST_LOCK_SECONDS


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40_000)), max_size=30))
def test_no_series_of_restarts_shortens_a_lock(events: list[tuple[bool, int]]) -> None:
    """Waiting counts only inside one boot: restarts never make the sum of it shorter than the lock."""
    clock = TestClock()
    state = Attempts(failed=FREE_TRIES)
    state = counted(state, clock.now())
    waited = 0
    for number, (restart, wait) in enumerate(events):
        if restart:
            clock.boot, clock.monotonic = f"again-{number}", 0
            state = looked_at(state, clock.now())
        clock.monotonic += wait
        waited += wait
        state = looked_at(state, clock.now())
        if state.wait_ms == 0:
            assert waited >= 30_000
            return


def test_attempts_in_a_file_survive_and_a_spoilt_file_locks(tmp_path: Path, clock: TestClock) -> None:
    path = tmp_path / "attempts.json"
    FileAttempts(path).change("ana", lambda s: counted(s, clock.now()))
    assert FileAttempts(path).change("ana", lambda s: s).failed == 1
    path.write_text("{")
    assert FileAttempts(path).change("ana", lambda s: s).wait_ms == LONGEST_LOCK_SECONDS * 1000


def test_meter_secrets_are_given_for_orders_in_hand_until_they_expire(store: Store, clock: TestClock) -> None:
    order = {
        "version": 1,
        "priority": 1,
        "sort_at": "x",
        "flags": [],
        "steps_done": 0,
        "touched": False,
        "executions": 0,
        "record_blobs": [],
        "attempts": 0,
    }
    missing = (
        {c.name for c in schema.work_order.columns if not c.nullable} - set(order) - {"order_id", "status"}
    )
    order |= {name: name for name in missing}
    hour = utc_text(START + timedelta(hours=1))
    with store.write() as connection:
        for order_id, status in (("open", "inProgress"), ("over", "closed")):
            connection.execute(insert(schema.work_order).values(order_id=order_id, status=status, **order))
        rows = [("M1", "open", hour), ("M2", "over", hour), ("M3", None, None)]
        for serial, order_id, expires in rows:
            secret = {"serial": serial, "name": "password", "value": b"clave-" + serial.encode()}
            connection.execute(
                insert(schema.meter_secret).values(order_id=order_id, expires_at=expires, **secret)
            )
    secrets = MeterSecrets(store, clock)
    assert secrets.get("M1", "password") == b"clave-M1"
    assert redact("log clave-M1") == f"log {HIDDEN}", "what was handed out stays out of logs"
    assert secrets.get("M1", "block_key") is None
    assert secrets.get("M2", "password") is None, "its order is closed"
    assert secrets.get("M3", "password") == b"clave-M3"
    clock.device += timedelta(hours=2)
    assert secrets.get("M1", "password") is None
    assert secrets.forget_expired() == 2
