"""A virtual meter in its own process, and a host that keeps what a journal and a key store would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.changes import OutcomeState, WriteIntent, WriteOutcome
from drivers.connection import Auth, Connection, NextSecret, SecretState
from drivers.session.client import OpticalSession
from drivers.virtual.secrets import derive

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "assets" / "models"
PROGRAMS = ROOT / "assets" / "programs"
TITLE = "4654540000000001"
READER = Connection(client=2, auth=Auth.LOW, password="password")
MANAGEMENT = Connection(
    client=1, auth=Auth.GMAC, system_title=TITLE, block_key="block_key", auth_key="auth_key"
)
VALUES = {"order.contracted_power": "4600"}


class Meter:
    """A running virtual meter."""

    def __init__(self, process: subprocess.Popen[str], url: str, serial: str) -> None:
        self.process = process
        self.url = url
        self.serial = serial
        secrets = derive(serial)
        self.secrets = {
            "password": secrets["password"].encode(),
            "block_key": bytes.fromhex(secrets["block_key"]),
            "auth_key": bytes.fromhex(secrets["auth_key"]),
            "master_key": bytes.fromhex(secrets["master_key"]),
        }


@contextmanager
def virtual_meter(
    model: str = "prime-1ph", *options: str, listen: str = "socket://127.0.0.1:0"
) -> Iterator[Meter]:
    command = [
        sys.executable,
        "-m",
        "drivers",
        "virtual-meter",
        "--listen",
        listen,
        "--model",
        model,
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield Meter(process, ready["listen"], ready["serial"])
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class Host:
    """Remembers everything the session asked; counters are handed out as a durable store would."""

    def __init__(self, secrets: dict[str, bytes], first_counter: int = 1) -> None:
        self.secrets = dict(secrets)
        self.intents: list[WriteIntent] = []
        self.outcomes: list[WriteOutcome] = []
        self.asked: list[str] = []
        self.reserved: list[tuple[int, int]] = []
        self.steps: list[str] = []
        self.next_counter = first_counter
        self.refuse_intents = False
        self.refuse_outcomes = False
        self.following: dict[str, NextSecret] = {}
        self.secret_of: dict[str, str] = {}

    def on_progress(self, step: str, done: int, total: int, seconds_left: float | None) -> None:
        self.steps.append(step)

    def record_intent(self, intent: WriteIntent) -> None:
        if self.refuse_intents:
            raise OSError("disk full")
        self.intents.append(intent)
        if intent.secret is not None:
            self.secret_of[intent.id] = intent.secret
            kept = self.following[intent.secret]
            self.following[intent.secret] = NextSecret(SecretState.SENT, kept.value)

    def record_outcome(self, outcome: WriteOutcome) -> None:
        if self.refuse_outcomes:
            raise OSError("the tablet died here")
        self.outcomes.append(outcome)
        name = self.secret_of.get(outcome.intent_id)
        if name is None or outcome.state is OutcomeState.INTENDED:
            return
        value = self.following[name].value
        if outcome.state is OutcomeState.VERIFIED and value is not None:
            self.secrets[name] = value
            self.following[name] = NextSecret(SecretState.CHANGED)
        else:
            self.following[name] = NextSecret(SecretState.WAITING, value)

    def reserve_counter(self, key: str, at_least: int, count: int) -> int:
        first = max(self.next_counter, at_least)
        self.next_counter = first + count
        self.reserved.append((first, count))
        return first

    def secret(self, name: str) -> bytes | None:
        self.asked.append(name)
        return self.secrets.get(name)

    def next_secret(self, name: str, make: int | None) -> NextSecret:
        if make is not None and name not in self.following:
            self.following[name] = NextSecret(SecretState.WAITING, bytes(range(1, make + 1)))
        return self.following.get(name, NextSecret(SecretState.NONE))

    def wait_with(self, name: str, value: bytes) -> None:
        """As the office would have given a new secret."""
        self.following[name] = NextSecret(SecretState.WAITING, value)


def session(
    meter: Meter,
    connection: Connection = MANAGEMENT,
    host: Host | None = None,
    *,
    cache: Path | None = None,
    trace: Path | None = None,
) -> OpticalSession:
    return OpticalSession(
        meter.url, connection, host or Host(meter.secrets), models=MODELS, cache=cache, trace=trace
    )
