"""The tablet's receiver: GPS time passed on, leaps within an order seen, the last place for distances."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import cast

import pytest

from drivers.position.fix import Fix, Quality
from drivers.position.take import Flag, Taken
from fieldtool.settings import Settings
from fieldtool.tablet import position
from fieldtool.tablet.position import PositionReceiver
from fieldtool.tablet.tablet import Tablet
from workorders.clock import SystemClock, read_utc
from workorders.journal.words import DeviceRole

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class Machine:
    """What a receiver asks of its tablet."""

    def __init__(self) -> None:
        self.clock = SystemClock()

    def settings(self) -> Settings:
        return Settings(position="COM7")

    def now(self) -> datetime:
        return NOW

    def port_for(self, role: DeviceRole) -> str | None:
        return "COM3"


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Taken]:
    answers: list[Taken] = []
    monkeypatch.setattr(position, "take", lambda source, **_: answers.pop(0))
    return answers


def at(latitude: str, *flags: Flag, quality: Quality = Quality.SATELLITES) -> Taken:
    fix = Fix(latitude=latitude, longitude="11.5", quality=quality, time=NOW, accuracy_m="4.0")
    return Taken(fix=fix, flags=flags, age_s=0, gps_now=NOW, source="nmea")


def test_a_leap_within_an_order_is_flagged_and_a_drive_to_the_next_is_not(found: list[Taken]) -> None:
    receiver = PositionReceiver(cast(Tablet, Machine()))
    found += [at("48.1"), at("48.6"), at("48.9")]
    assert receiver.take(1, threading.Event()).flags == ()
    assert receiver.take(1, threading.Event()).flags == (Flag.JUMP,)
    receiver.set_out()
    assert receiver.here() == ("48.6", "11.5")
    assert receiver.take(1, threading.Event()).flags == ()


@pytest.mark.parametrize(
    ("taken", "trusted"),
    [
        (at("48.1"), True),
        (at("48.1", Flag.STALE), False),
        (at("48.1", Flag.SIMULATED, quality=Quality.SIMULATED), False),
        (at("48.1", quality=Quality.NETWORK), False),
    ],
)
def test_only_satellites_set_the_time(found: list[Taken], taken: Taken, trusted: bool) -> None:
    machine = Machine()
    found.append(taken)
    PositionReceiver(cast(Tablet, machine)).take(1, threading.Event())
    said = machine.clock.now().gps
    assert (said is not None) is trusted
    if said is not None:
        assert abs((read_utc(said) - NOW).total_seconds()) < 60
