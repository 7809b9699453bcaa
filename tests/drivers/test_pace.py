"""The time left, as octets still to go say it: against the time that it then took, on computed pacing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from drivers.models import load_models
from drivers.session.pace import WAITING, Pace
from drivers.virtual.faults import WriteFaults
from tests.campaign.line import Field
from tests.campaign.meters import KINDS, NOW, WatchedMeter, standing_clock
from tests.campaign.tablet import Durable, Host, Session
from tests.drivers.field import MODELS


class Told(Host):
    """Notes when what was said."""

    def __init__(self, durable: Durable, line: Field) -> None:
        super().__init__(durable, line)
        self.session: Session | None = None
        self.pace = Pace(line.clock.now)
        self.field = line
        self.said: list[tuple[str, float, float]] = []

    def progress(self, step: str, done: int, total: int, octets_left: int | None = None) -> None:
        super().progress(step, done, total, octets_left)
        line = self.session.line if self.session else None
        left = self.pace.seconds_left(line, step, done, total, octets_left)
        if left is not None:
            self.said.append((step, self.field.clock.now(), left))


@pytest.fixture(autouse=True)
def _standing() -> Iterator[None]:
    with standing_clock():
        yield


@pytest.mark.parametrize("baud", [2400, 9600])
def test_a_profile_tells_how_long_it_still_takes(baud: int) -> None:
    kind = next(kind for kind in KINDS if kind.name == "three-phase")
    meter = WatchedMeter(kind, reaction=0.2, echo=False, faults=WriteFaults(), offset=0, baud=baud)
    line = Field(meter.line)
    host = Told(Durable(meter.secrets), line)
    host.session = session = Session(line, kind.connection, host, load_models(MODELS))
    session.identify()
    session.profile(NOW - timedelta(days=2), NOW)
    ended = line.clock.now()
    said = [(ended - at, left) for step, at, left in host.said if step == "profile" and left > 0]
    assert len(said) >= 5
    off = [abs(left - really) for really, left in said]
    assert max(off) < 0.3 * said[0][0] + 0.5
    assert [left for _, left in said] == sorted((left for _, left in said), reverse=True)


def test_a_step_that_only_waits_tells_its_seconds() -> None:
    """Nothing crosses the line meanwhile: what is left of it cannot be told by octets."""
    assert Pace().seconds_left(None, WAITING, 30, 120, None) == 90.0
