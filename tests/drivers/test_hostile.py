"""A meter that says anything: whole jobs end with a result or one of our errors, soon, and in little memory.

Each answer is damaged after its frame's check was made, as a broken or malicious meter would have it: octets
changed, cut short, doubled, lengths blown up, another answer in its place.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DriverError
from drivers.models import load_models
from drivers.virtual.ansi.device import AnsiDevice
from drivers.virtual.ansi.meter import AnsiMeter
from drivers.virtual.faults import WriteFaults
from drivers.virtual.meter import Meter
from tests.campaign.line import Field
from tests.campaign.meters import KINDS, NOW, Kind, WatchedMeter, standing_clock
from tests.campaign.tablet import Durable, Host, Session
from tests.drivers.field import MODELS

_MODELS = load_models(MODELS)
_KINDS = {kind.name: kind for kind in KINDS}
_MOST_MEMORY = 64 * 1024 * 1024
_SECONDS = 900.0


@pytest.fixture(autouse=True, scope="module")
def _standing() -> Iterator[None]:
    with standing_clock():
        yield


class Liar:
    """Damages what it is given, sometimes. All from one seed."""

    def __init__(self, seed: int, rate: float) -> None:
        self._random = random.Random(seed)
        self._rate = rate
        self._last = b""

    def __call__(self, octets: bytes) -> bytes:
        draw = self._random
        self._last, before = octets, self._last
        if not octets or draw.random() >= self._rate:
            return octets
        at = draw.randrange(len(octets))
        number = draw.choice((0, 1, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFE, 0xFF, draw.randrange(256)))
        match draw.randrange(7):
            case 0:
                return octets[:at] + bytes([number]) + octets[at + 1 :]
            case 1:
                return octets[:at]
            case 2:
                return octets + octets[at:]
            case 3:
                return octets[:at] + b"\x84\xff\xff\xff\xff" + octets[at:]
            case 4:
                return before or octets
            case 5:
                return octets[:at] + octets[at + 1 :]
            case _:
                return draw.randbytes(at + 1)


class _Handler:
    """A session of the meter whose answers are damaged."""

    def __init__(self, handle: Callable[[bytes, float], list[bytes]], liar: Liar) -> None:
        self._handle, self._liar = handle, liar

    def handle(self, apdu: bytes, now: float) -> list[bytes]:
        return [self._liar(answer) for answer in self._handle(apdu, now)]


def _make_lie(meter: WatchedMeter, liar: Liar) -> None:
    machine = meter.machine
    if isinstance(machine, AnsiMeter):
        answer = machine._services.answer
        machine._services.answer = lambda request, now: liar(answer(request, now))  # type: ignore[method-assign]
        return
    assert isinstance(machine, Meter)
    sessions = machine._session
    machine._session = lambda client: _Handler(sessions(client).handle, liar)  # type: ignore[method-assign,assignment,return-value]
    assert not isinstance(meter.device, AnsiDevice)
    lines = meter.device.readout_lines
    machine._signon._readout = lambda: [_text(liar(line.encode())) for line in lines()]


def _text(octets: bytes) -> str:
    return bytes(octet & 0x7F for octet in octets).decode("ascii")


def _jobs(kind: Kind, session: Session) -> list[Callable[[], object]]:
    end = NOW.replace(minute=0, second=0)
    jobs: list[Callable[[], object]] = [
        session.identify,
        session.read,
        lambda: session.profile(end - timedelta(hours=6), end),
        session.network,
    ]
    if kind.program:
        jobs.append(lambda: session.apply_all(session.plan(kind.program or "", kind.values)))
    return jobs


def _visit(kind: Kind, liar: Liar) -> list[str]:
    """The codes of the errors that came out; anything else than ours goes through and fails the test."""
    meter = WatchedMeter(kind, reaction=0.02, echo=False, faults=WriteFaults(), offset=120)
    _make_lie(meter, liar)
    line, durable = Field(meter.line), Durable(meter.secrets)
    codes: list[str] = []
    session = Session(line, kind.connection, Host(durable, line), _MODELS)
    for job in _jobs(kind, session):
        try:
            job()
        except DriverError as error:
            codes.append(error.code)
    session.close()
    assert line.clock.now() - 1000.0 < _SECONDS, f"{line.clock.now() - 1000.0:.0f} s"
    return codes


@pytest.mark.parametrize("name", ["password", "short-names", "readout", "ansi", "prepay"])
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.02, 0.1, 0.4]))
def test_whatever_a_meter_says_only_our_errors_come_out(name: str, seed: int, rate: float) -> None:
    _visit(_KINDS[name], Liar(seed, rate))


def test_no_answer_makes_us_take_much_memory() -> None:
    tracemalloc.start()
    try:
        for seed in range(4):
            _visit(_KINDS["password"], Liar(seed, 0.3))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < _MOST_MEMORY


def test_the_liar_is_heard() -> None:
    """Without it no error comes, with it some do: the damage reaches the parsers."""
    assert _visit(_KINDS["password"], Liar(1, 0.0)) == []
    assert {code for seed in range(6) for code in _visit(_KINDS["password"], Liar(seed, 0.4))}
