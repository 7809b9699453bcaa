"""The parity of 7E1, seen by ourselves: through a port, through an adapter that strips it, and what a wrong
one makes of a readout."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from drivers.connection import Connection, Mode
from drivers.errors import OtherMeter
from drivers.iec62056.readout import data_sets_of
from drivers.line import Surroundings
from drivers.models import load_models
from drivers.parity import ParityCheck
from drivers.ports import LineFormat, Port, hdlc_format, iec_format, open_port, with_even_parity
from drivers.session.iec_jobs import IecJobs
from drivers.session.iec_reach import IecReach
from drivers.session.reach import Questions
from tests.drivers.field import MODELS

pty = pytest.importorskip("pty")  # none on Windows

TEXT = b"/ISK3ME162-0032\r\n\r\n0.0.0(35550142)\r\n1.8.0(004321.007*kWh)\r\n!\r\n"


def damaged(text: bytes, *places: int) -> bytes:
    """As an 8N1 port delivers it, with one bit wrong at each place."""
    raw = bytearray(with_even_parity(text))
    for place in places:
        raw[place] ^= 0x02
    return bytes(raw)


def test_each_wrong_bit_of_a_line_that_shows_its_parity_is_counted() -> None:
    check = ParityCheck()
    heard = check.heard(damaged(TEXT, 2, 30))
    assert heard[:2] == TEXT[:2]
    assert max(heard) < 0x80
    assert (check.is_delivered, check.wrong) == (True, 2)
    check.begin_again()
    check.heard(TEXT)  # from here on it is stripped: what was seen before stays seen
    assert check.wrong == 2


@pytest.mark.parametrize(
    "raw",
    [TEXT, bytes(octet | 0x80 for octet in TEXT), b"\xff\x00", b""],
    ids=["stripped", "mark", "noise", "nothing"],
)
def test_where_no_even_parity_is_to_be_seen_nothing_is_wrong(raw: bytes) -> None:
    """Bluetooth heads and terminal servers mostly strip it: they must work as before."""
    check = ParityCheck()
    check.heard(raw)
    assert (check.is_delivered, check.wrong) == (False, 0)


def test_a_local_port_shows_the_parity_that_came_and_sends_its_own() -> None:
    """A pseudo-terminal refuses 7E1 as some adapters do; pySerial lets a wrong parity through anywhere."""
    ours, theirs = pty.openpty()
    port = open_port(os.ttyname(theirs), iec_format(300))
    try:
        os.write(ours, damaged(b"/?!\r\n", 1))
        heard = b""
        while len(heard) < 5 and (more := port.read(1.0)):
            heard += more
        assert heard == damaged(b"/?!\r\n", 1)
        port.write(b"/?!\r\n")
        assert os.read(ours, 99) == with_even_parity(b"/?!\r\n")
        port.set_line(hdlc_format(9600))
        port.write(b"\x7e\xa0")
        assert os.read(ours, 99) == b"\x7e\xa0"
    finally:
        port.close()
        os.close(ours)
        os.close(theirs)


class Pushed:
    """A port behind which a mode D meter sends these readouts, one after the other; and the clock."""

    has_line = True

    def __init__(self, *readouts: bytes) -> None:
        self._readouts: Iterator[bytes] = iter(readouts)
        self._time = 0.0
        self._next = 0.0

    def open(self, url: str, line: LineFormat, *, wait: float = 5.0) -> Port:
        return self

    def read(self, wait: float) -> bytes:
        if self._time >= self._next:
            self._next = self._time + 5.0
            return next(self._readouts, b"")
        self._time += wait
        return b""

    def write(self, data: bytes) -> None:
        """It hears nothing."""

    def set_line(self, line: LineFormat) -> None:
        """It knows one."""

    def drain(self) -> None:
        """Nothing to send."""

    def close(self) -> None:
        """Nothing to close."""

    def now(self) -> float:
        return self._time

    def sleep(self, seconds: float) -> None:
        self._time += seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.sleep(seconds)
        return False


def jobs(pushed: Pushed) -> IecJobs:
    questions = Questions(lambda name: None, lambda *key: 0, lambda *step: None)
    reach = IecReach(
        "simulated",
        Connection(mode=Mode.D),
        questions,
        load_models(MODELS),
        cancelled=threading.Event(),
        surroundings=Surroundings(pushed.open, pushed),
    )
    return IecJobs(reach, lambda *step: None)


def test_a_serial_over_a_line_with_a_wrong_parity_is_heard_twice() -> None:
    """No check guards a readout of mode D: one wrong bit made another serial, and nothing showed it."""
    place = TEXT.index(b"35550142")
    meter = jobs(Pushed(damaged(TEXT, place), with_even_parity(TEXT), with_even_parity(TEXT)))
    assert meter.identify().serial == "35550142"
    good = jobs(Pushed(with_even_parity(TEXT)))  # one readout is enough on a good line
    assert good.identify().serial == "35550142"


def test_a_first_identification_that_was_damaged_does_not_make_the_right_one_another_meter() -> None:
    """The crew was told of another meter, and nobody had been told yet who the first one was."""
    text = damaged(TEXT, 2)
    good = with_even_parity(TEXT)
    meter = jobs(Pushed(text, good, good, good))
    found = meter.identify()
    assert (found.manufacturer, found.serial) == ("ISK", "35550142")
    moved = jobs(Pushed(good, text, text, text))
    moved.identify()
    moved.read(None)  # of the readout that said who it is
    with pytest.raises(OtherMeter):
        moved.read(None)


@pytest.mark.parametrize(
    ("line", "odd"),
    [
        ("0.1,0(2)", True),
        ("32.7.0(220&1*V)", True),
        ("1.8.0(004321.007*kWh)", False),
        ("1-0:32.7.0*255(-.5*V)", False),
        ("0.9.1(12:07:30)", False),
        ("1.6.0(000.412*kW)(26-05-04 18:15)", False),
        ("C.1.0(A-12/7)", False),
        ("1.8.0(*kWh)", False),
    ],
)
def test_what_no_meter_sends_shows_a_readout_whose_check_was_right_by_accident(line: str, odd: bool) -> None:
    (found,) = data_sets_of(line)
    assert found.is_odd is odd


def test_a_readout_that_holds_what_no_meter_sends_needs_a_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bits in the same column pass the exclusive-or: the other one of them is in some other value."""
    meter = jobs(Pushed())
    first = [
        replace(one, checked=True) for one in data_sets_of("0.1,0(2)\r\n0.0.0(35550142)\r\n1.8.0(4321.1)")
    ]
    second = [
        replace(one, checked=True) for one in data_sets_of("0.1.0(2)\r\n0.0.0(35550142)\r\n1.8.0(4321.0)")
    ]
    readouts = iter([first, second])
    monkeypatch.setattr(meter, "_readout_of_same", lambda: (object(), next(readouts)))
    assert {one.status for one in meter.read(None).readings} == {"unconfirmed"}
    assert {one.status for one in meter.read(None).readings} == {None}
