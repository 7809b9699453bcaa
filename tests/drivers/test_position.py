"""Position: sentences of a receiver, what makes a fix good or doubtful, a receiver of another process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import NoProbe, PortBusy
from drivers.ports import LineFormat, ProbePort
from drivers.position import nmea, receiver
from drivers.position.fix import Assembler, Epoch, Fix, Quality
from drivers.position.receiver import Receiver, find
from drivers.position.take import Flag, NoFix, Watch, receiver_named, take
from drivers.virtual.gps import Sky, epoch

NOW = datetime(2026, 3, 23, 12, 35, 19, tzinfo=UTC)
HERE = Sky(Decimal("-13.517"), Decimal("-71.9785"), Decimal(4), 11, Decimal(3399), True, False)


# --- sentences ----------------------------------------------------------------------------------


def test_the_sentence_that_every_manual_prints() -> None:
    line = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
    found = nmea.parse(line)
    assert isinstance(found, nmea.Gga)
    assert (found.latitude, found.longitude) == (Decimal("48.1173000"), Decimal("11.5166667"))
    assert (found.talker, found.time, found.quality, found.satellites) == ("GP", day_time(12, 35, 19), 1, 8)
    assert (found.hdop, found.altitude_m) == (Decimal("0.9"), Decimal("545.4"))


def test_rmc_gsa_gst_gsv_and_vtg_of_any_talker() -> None:
    rmc = nmea.parse(nmea.sentence("GNRMC,225446.50,A,4916.45,S,12311.12,W,000.5,054.7,191194,020.3,E,S"))
    assert isinstance(rmc, nmea.Rmc)
    assert (rmc.latitude, rmc.longitude) == (Decimal("-49.2741667"), Decimal("-123.1853333"))
    assert (rmc.date, rmc.time, rmc.mode) == (date(1994, 11, 19), day_time(22, 54, 46, 500_000), "S")
    gsa = nmea.parse(nmea.sentence("GAGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1"))
    assert isinstance(gsa, nmea.Gsa)
    assert (gsa.dimensions, gsa.hdop) == (3, Decimal("1.3"))
    gst = nmea.parse(nmea.sentence("GLGST,172814.0,0.006,0.023,0.020,273.6,3.0,4.0,0.031"))
    assert isinstance(gst, nmea.Gst)
    assert (gst.latitude_m, gst.longitude_m) == (Decimal("3.0"), Decimal("4.0"))
    gsv = nmea.parse(nmea.sentence("GBGSV,3,1,11,03,03,111,00"))
    assert isinstance(gsv, nmea.Gsv)
    assert gsv.in_view == 11
    vtg = nmea.parse(nmea.sentence("GPVTG,054.7,T,034.4,M,005.5,N,010.2,K"))
    assert isinstance(vtg, nmea.Vtg)
    assert vtg.speed_kmh == Decimal("10.2")


@given(st.binary(max_size=300))
def test_noise_is_never_a_sentence_and_never_an_error(noise: bytes) -> None:
    found = nmea.parse(noise)
    if found is not None:  # only what carries its own right checksum
        body, _, given_sum = noise.strip().rpartition(b"$")[2].rpartition(b"*")
        assert int(given_sum, 16) == nmea.checksum(body)


SENTENCES = st.sampled_from(["GGA", "RMC", "GSA", "GST", "GSV", "VTG"])
FIELDS = st.lists(st.text("0123456789.,NSEWAV-+eInfa_ ", max_size=9), max_size=22)


@given(SENTENCES, FIELDS)
def test_fields_of_any_kind_with_a_right_checksum_are_read_or_refused(name: str, fields: list[str]) -> None:
    found = nmea.parse(nmea.sentence(",".join([f"GN{name}", *fields])))
    latitude, longitude = getattr(found, "latitude", None), getattr(found, "longitude", None)
    assert latitude is None or abs(latitude) <= 90
    assert longitude is None or abs(longitude) <= 180


@given(st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    line = bytearray(nmea.sentence("GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"))
    place = data.draw(st.integers(1, len(line) - 6))
    line[place] ^= data.draw(st.integers(1, 127))
    found = nmea.parse(bytes(line))
    # A byte that becomes `$` or `*` moves the ends; what is left must still carry its own checksum.
    assert found is None


degrees = st.decimals("-89.999", "89.999", places=7, allow_nan=False)


@given(degrees, degrees, st.integers(0, 50 * 365 * 86400))
def test_what_the_virtual_receiver_says_is_what_the_parser_reads(
    latitude: Decimal, longitude: Decimal, seconds: int
) -> None:
    at = NOW + timedelta(seconds=seconds)
    sky = Sky(latitude, longitude, Decimal(5), 9, Decimal(10), True, False)
    found = [one for one in _epochs(epoch(sky, at, (0, 0)), at) if one is not None]
    assert len(found) == 1
    fix = found[0].fix
    assert fix is not None
    assert abs(Decimal(fix.latitude) - latitude) < Decimal("0.0000002")
    assert abs(Decimal(fix.longitude) - longitude) < Decimal("0.0000002")
    assert (fix.time, fix.satellites, fix.accuracy_m, found[0].in_view) == (at, 9, "5.0", 9)


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 7))
def test_lines_come_whole_whatever_pieces_the_port_gives(noise: list[bytes], size: int) -> None:
    talk = b"\r\n".join([*noise, b""]) + epoch(HERE, NOW, (0, 0))
    pieces = [talk[i : i + size] for i in range(0, len(talk), size)]
    port, over = Bytes(pieces), Bytes.over(pieces)
    found = [nmea.parse(line) for line in receiver.lines(port, time.monotonic() + 60, over)]
    assert sum(isinstance(one, nmea.Gga) for one in found) == 1


class Bytes:
    """A port that gives these pieces; it sets `done` after the last one."""

    has_line = False

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    @staticmethod
    def over(pieces: list[bytes]) -> Event:
        class Over(Event):
            def is_set(self) -> bool:
                return not pieces

        return Over()

    def write(self, data: bytes) -> None:
        raise AssertionError("a receiver is only listened to")

    def read(self, wait: float) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def set_line(self, line: LineFormat) -> None: ...

    def drain(self) -> None: ...

    def close(self) -> None: ...


def _epochs(talk: bytes, now: datetime) -> list[Epoch | None]:
    assembler = Assembler()
    sentences = [nmea.parse(line) for line in talk.split(b"\n")]
    return [assembler.feed(one, now) for one in sentences if one is not None]


# --- fixes --------------------------------------------------------------------------------------


def test_a_receiver_that_sends_gga_only_is_understood_and_gets_the_day_of_the_clock() -> None:
    gga = "GPGGA,{},4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"
    talk = nmea.sentence(gga.format("235959")) + nmea.sentence(gga.format("000000"))
    midnight = datetime(2026, 3, 24, 0, 0, 1, tzinfo=UTC)
    (found,) = [one for one in _epochs(talk, midnight) if one is not None]
    assert found.fix is not None
    assert found.fix.time == datetime(2026, 3, 23, 23, 59, 59, tzinfo=UTC)
    assert found.fix.accuracy_m == "4.5"


def test_error_statistics_of_the_receiver_go_before_the_estimate_from_hdop() -> None:
    talk = nmea.sentence("GPGST,123519,,,,,3.0,4.0,5.0") + nmea.sentence(
        "GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"
    )
    talk += nmea.sentence("GPRMC,123519,A,4807.038,N,01131.000,E,0.0,,230326,,,A")
    (found,) = [one for one in _epochs(talk, NOW) if one is not None]
    assert found.fix is not None
    assert found.fix.accuracy_m == "5.0"


def test_a_week_counter_that_went_round_is_set_right() -> None:
    talk = nmea.sentence("GPRMC,123519,A,4807.038,N,01131.000,E,0.0,,070806,,,A")
    talk += nmea.sentence("GPRMC,123520,A,4807.038,N,01131.000,E,0.0,,070806,,,A")
    (found,) = [one for one in _epochs(talk, NOW) if one is not None]
    assert found.fix is not None
    assert found.fix.time == datetime(2026, 3, 23, 12, 35, 19, tzinfo=UTC)


def fix(
    at: datetime | None = NOW, accuracy: str | None = "4.0", latitude: str = "48.1", **other: Quality
) -> Fix:
    return Fix(
        latitude=latitude,
        longitude="11.5",
        quality=other.get("quality", Quality.SATELLITES),
        time=at,
        accuracy_m=accuracy,
        satellites=9,
    )


def watch(*heard: tuple[Fix | None, float], now: datetime = NOW) -> Watch:
    found = Watch(Receiver("COM9"))
    for one, at in heard:
        found.hear(Epoch(fix=one, in_view=7), at, now + timedelta(seconds=at))
    return found


def test_a_good_fix_of_now_is_enough_at_once() -> None:
    found = watch((fix(), 0.2))
    assert found.enough(settled=False)
    taken = found.taken(0.2, stopped=False)
    assert (taken.flags, taken.age_s) == ((), 0)


def test_a_poor_fix_is_waited_on_and_the_better_one_kept() -> None:
    found = watch((fix(accuracy="45.0"), 0.0))
    assert not found.enough(settled=False)
    assert found.enough(settled=True)
    found.hear(Epoch(fix=fix(NOW + timedelta(seconds=1), "12.0")), 1.0, NOW + timedelta(seconds=1))
    found.hear(Epoch(fix=fix(NOW + timedelta(seconds=2), "50.0")), 2.0, NOW + timedelta(seconds=2))
    taken = found.taken(0.0, stopped=False)
    assert taken.fix is not None
    assert (taken.fix.accuracy_m, taken.flags) == ("12.0", ())


def test_a_wrong_clock_of_the_tablet_does_not_make_a_fix_stale() -> None:
    wrong = NOW + timedelta(hours=7)
    found = watch((fix(), 0.0), now=wrong)
    assert not found.enough(settled=True)  # one moment alone does not tell
    found.hear(Epoch(fix=fix(NOW + timedelta(seconds=1))), 1.0, wrong + timedelta(seconds=1))
    assert found.enough(settled=False)
    taken = found.taken(1.5, stopped=False)
    assert (taken.flags, taken.age_s) == ((), 0)
    assert taken.gps_now == NOW + timedelta(seconds=1.5)


def test_a_receiver_that_repeats_one_moment_is_stale_with_its_age() -> None:
    old = fix(NOW - timedelta(minutes=12))
    found = watch((old, 0.0), (old, 1.0), (old, 3.0))
    assert found.enough(settled=True)
    taken = found.taken(4.0, stopped=False)
    assert (taken.flags, taken.age_s) == ((Flag.STALE,), 12 * 60 + 4)


@pytest.mark.parametrize(
    ("quality", "flag"),
    [
        (Quality.SIMULATED, Flag.SIMULATED),
        (Quality.MANUAL, Flag.SIMULATED),
        (Quality.ESTIMATED, Flag.ESTIMATED),
    ],
)
def test_a_fix_that_no_satellite_gave_says_so(quality: Quality, flag: Flag) -> None:
    assert watch((fix(quality=quality), 0.0)).taken(0.0, stopped=False).flags == (flag,)


def test_a_leap_that_no_truck_makes_is_flagged_whichever_fix_is_the_better_one() -> None:
    near, far = fix(), fix(NOW + timedelta(seconds=1), latitude="48.6")
    assert watch((near, 0.0), (far, 1.0)).taken(0.0, stopped=False).flags == (Flag.JUMP,)
    assert watch((near, 0.0), (fix(NOW, latitude="48.1001"), 1.0)).taken(0.0, stopped=False).flags == ()


# --- receivers ----------------------------------------------------------------------------------


@contextmanager
def gps(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "drivers", "virtual-gps", "--rate", "10", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["listen"])
        finally:
            process.terminate()
            assert process.wait(5) == 0


def test_a_position_is_taken_from_a_receiver_in_another_process(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.write_text("-8.3790,-74.5530", encoding="utf-8")
    with gps("--place", str(place), "--accuracy", "3", "--satellites", "12") as url:
        first = take(url, wait=5, stop=Event())
        place.write_text("-8.4000,-74.5500", encoding="utf-8")
        second = take(url, wait=5, stop=Event())
    assert first.fix is not None
    assert second.fix is not None
    assert abs(Decimal(first.fix.latitude) + Decimal("8.3790")) < Decimal("0.0001")
    assert abs(Decimal(second.fix.latitude) + Decimal("8.4")) < Decimal("0.0001")
    assert (first.fix.accuracy_m, first.fix.satellites, first.flags, first.age_s) == ("3.0", 12, (), 0)


def test_no_fix_says_why_within_its_time() -> None:
    with gps("--no-fix", "--satellites", "5") as url:
        found = take(url, wait=0.5, stop=Event())
    assert (found.fix, found.reason, found.in_view) == (None, NoFix.NO_SIGNAL, 5)


def test_stale_and_simulated_receivers_are_seen_through() -> None:
    with gps("--stale") as url:
        stale = take(url, wait=3.0, stop=Event())
    with gps("--simulated") as url:
        simulated = take(url, wait=3.0, stop=Event())
    assert stale.flags == (Flag.STALE,)
    assert stale.age_s is not None
    assert stale.age_s >= 12 * 60
    assert simulated.flags == (Flag.SIMULATED,)


def test_a_stop_from_another_thread_ends_a_long_wait() -> None:
    stop = Event()
    with gps("--no-fix") as url:
        timer = threading.Timer(0.2, stop.set)
        timer.start()
        began = time.monotonic()
        found = take(url, wait=60, stop=stop)
    assert found.reason is NoFix.STOPPED
    assert time.monotonic() - began < 5


def test_a_port_that_is_silent_or_gone_is_an_answer_not_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as quiet:
        url = f"socket://127.0.0.1:{quiet.getsockname()[1]}"
        assert take(url, wait=0.3, stop=Event()).reason is NoFix.SILENT
    assert take(url, wait=0.3, stop=Event()).reason is NoFix.NO_RECEIVER
    assert take("none", wait=60, stop=Event()).reason is NoFix.SWITCHED_OFF
    if sys.platform != "win32":
        assert take("windows", wait=1, stop=Event()).reason is NoFix.NO_RECEIVER


class Lines:
    """Serial ports of a machine: what each says at which rate, and which were opened."""

    def __init__(self, ports: dict[str, int | None]) -> None:
        self.ports = ports
        self.opened: list[tuple[str, int]] = []

    def open(self, url: str, baud: int) -> Bytes:
        self.opened.append((url, baud))
        if url == "busy":
            raise PortBusy
        if url == "gone":
            raise NoProbe
        right = self.ports[url]
        if right is None:
            return Bytes([])
        return Bytes([epoch(HERE, NOW, (0, 0)) if right == baud else b"\xfe\x00\x91\n" * 9])

    def list(self) -> list[ProbePort]:
        return [ProbePort(url, "USB serial") for url in self.ports]


@pytest.mark.parametrize("rate", receiver.BAUDS)
def test_a_receiver_is_found_among_ports_at_its_rate(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Lines({"probe": 9600, "busy": None, "gone": None, "quiet": None, "COM7": rate})
    monkeypatch.setattr(receiver, "_open", machine.open)
    monkeypatch.setattr(receiver, "_PROBE_SECONDS", 0.01)
    found = find(Event(), 60, leave_alone=frozenset({"probe"}), ports=machine.list)
    assert found == Receiver("COM7", rate)
    assert "probe" not in {url for url, _ in machine.opened}  # the meter's port is not even opened
    assert [baud for url, baud in machine.opened if url == "quiet"] == [9600]  # silent at one, silent at all


def test_looking_for_a_receiver_ends_in_time_and_on_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Lines({f"COM{n}": None for n in range(200)})
    monkeypatch.setattr(receiver, "_open", machine.open)
    assert find(Event(), 0.05, ports=machine.list) is None
    stop = Event()
    stop.set()
    assert find(stop, 60, ports=machine.list) is None
    assert len(machine.opened) <= 2


def test_a_source_names_a_port_with_its_rate() -> None:
    assert receiver_named("COM7@4800") == Receiver("COM7", 4800)
    assert receiver_named("socket://10.0.0.1:2947") == Receiver("socket://10.0.0.1:2947")
    assert receiver_named("auto") is None
