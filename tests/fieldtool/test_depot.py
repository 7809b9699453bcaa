"""A pallet on the bench: who may be written to, what is recorded, and what no probe does by itself."""

from __future__ import annotations

import csv
import io
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import assets
from drivers import errors
from drivers.models import load_models
from drivers.trace.record import read_trace
from fieldtool.depot import bench as depot
from fieldtool.depot import keeping
from fieldtool.depot.bench import Bench, Job
from fieldtool.depot.board import BenchView, ProbeState, ProbeView, Result, compare, pallet_csv
from fieldtool.depot.keeping import Recordings
from fieldtool.depot.records import JournalRecord, LogRecord
from fieldtool.identity import Cause, StockItem
from fieldtool.main import app
from fieldtool.meterlog import MeterLog
from fieldtool.security.keys import recording_key
from fieldtool.tablet.forgetting import forget_expired
from tests.drivers.field import virtual_meter
from tests.fieldtool.enrolled import PASSPHRASE, enrolled_tablet
from tests.fieldtool.scripted import WANTED, Meter, ScriptedSession
from tests.fieldtool.world import World, make_world
from tests.workorders.offices import Bureau
from workorders.journal.sealing import SealError
from workorders.store import entries, projection, schema

A, B, C = "ZIV0045670000", "ZIV0045670023", "ZIV0045670046"
KEYS = {"block_key": bytes(16), "auth_key": bytes(16)}


class Scripted(ScriptedSession):
    """With the fresh look at the end that a bench takes."""

    def verify(self, program: str, values: dict[str, str]) -> Any:
        plan = self.plan(program, values)

        class Verified:
            holds = not plan.open_changes

        return Verified()


def job(folder: Path, **changes: Any) -> Job:
    root = assets.root()
    given: dict[str, Any] = {
        "program": "residential-2.0TD",
        "models": root / "models",
        "programs": root / "programs",
        "cache": folder,
        "known": load_models(root / "models"),
        "secrets": lambda serial, name: KEYS.get(name),
        "allow": ["limiter"],
    }
    return Job(**(given | changes))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = make_world(tmp_path, monkeypatch)
    monkeypatch.setattr(depot, "OpticalSession", Scripted)
    monkeypatch.setattr(depot, "PAUSE", 0.02)
    return made


def until(view: Callable[[BenchView], bool]) -> Callable[[BenchView], bool]:
    end = time.monotonic() + 20
    return lambda shown: view(shown) or time.monotonic() > end


def listed(*serials: str) -> dict[str, StockItem]:
    return {one: StockItem(serial=one, model="prime-1ph", state="in_store") for one in serials}


@pytest.mark.parametrize(
    ("stock", "labels", "model", "cause"),
    [
        (None, None, "prime-1ph", None),
        (listed(A), None, "prime-1ph", None),
        (listed(A), {A}, "prime-1ph", None),
        (listed(A), {B}, "prime-1ph", Cause.LABEL_UNREAD),
        (listed(B), {A}, "prime-1ph", Cause.NOT_ON_TRUCK),
        (listed(A), {A}, "idis-3ph-ct", Cause.OTHER_MODEL),
        (
            {A: StockItem(serial=A, model="prime-1ph", state="installed")},
            None,
            "prime-1ph",
            Cause.ALREADY_INSTALLED,
        ),
    ],
)
def test_label_port_and_list_must_name_one_device(
    stock: dict[str, StockItem] | None, labels: set[str] | None, model: str, cause: Cause | None
) -> None:
    assert compare(A, model, models=["prime-1ph"], stock=stock, labels=labels).cause is cause


def test_several_probes_configure_at_once_and_each_write_is_an_entry(world: World, tmp_path: Path) -> None:
    ScriptedSession.field = {port: Meter(serial=one) for port, one in (("p1", A), ("p2", B), ("p3", C))}
    ScriptedSession.field["p3"].fail["read"] = AssertionError("never read")
    record = JournalRecord(world.journal, "46544C0000000001", "tech-1")
    bench = Bench(["p1", "p2", "p3"], job(tmp_path, stock=listed(A, B)), record, [A, B])
    view = bench.run(lambda shown: None, until(lambda shown: len(shown.results) == 3 and shown.passed == 2))
    states = {one.serial: one.state for one in view.results}
    assert states == {A: ProbeState.PASSED, B: ProbeState.PASSED, C: ProbeState.REFUSED}
    assert ScriptedSession.field["p3"].writes == []
    assert [ScriptedSession.field[port].now for port in ("p1", "p2")] == [WANTED, WANTED]
    with world.store.read() as connection:
        found = entries.fold_order(connection, schema.entry.c.order_id.is_(None))
    kinds = [entry.envelope.kind for entry in found]
    assert (kinds.count("match.checked"), kinds.count("meter.intent"), kinds.count("meter.changed")) == (
        3,
        4,
        4,
    )
    assert {entry.envelope.actor for entry in found if entry.envelope.kind == "meter.intent"} == {"tech-1"}
    before = projection.digest(world.store)
    projection.rebuild(world.store)
    assert projection.digest(world.store) == before


def test_a_cut_is_settled_when_the_meter_is_back_at_another_probe(world: World, tmp_path: Path) -> None:
    meter = Meter(serial=A, fail={"write limiter": errors.LinkLost()})
    empty = Meter(serial="", fail={"identify": errors.NoAnswer()})
    ScriptedSession.field = {"p1": meter, "p2": empty}
    record = JournalRecord(world.journal, "46544C0000000001", "tech-1")
    first = Bench(["p1"], job(tmp_path), record)
    view = first.run(lambda shown: None, until(lambda shown: bool(shown.results)))
    assert (view.results[0].state, view.results[0].let_in) == (ProbeState.FAILED, True)
    assert len(record.open_intents(A)) == 1
    ScriptedSession.field = {"p2": meter}
    second = Bench(["p2"], job(tmp_path), record)
    view = second.run(lambda shown: None, until(lambda shown: bool(shown.results)))
    assert view.results[0].state is ProbeState.PASSED
    assert record.open_intents(A) == []


def test_a_meter_that_did_not_let_us_in_is_tried_again_on_a_word_alone(world: World, tmp_path: Path) -> None:
    meter = Meter(serial=A, fail={"plan": errors.WrongKey()})
    ScriptedSession.field = {"p1": meter}
    bench = Bench(["p1"], job(tmp_path), LogRecord(MeterLog(tmp_path / "log.db")))
    looks = 0

    def watch(view: BenchView) -> bool:
        nonlocal looks
        looks += bool(view.results)
        if looks == 10:
            assert view.results[0].state is ProbeState.FAILED
            bench.again("p1")
        return view.passed == 1

    view = bench.run(lambda shown: None, until(watch))
    assert view.passed == 1


def test_without_keys_nothing_is_tried(world: World, tmp_path: Path) -> None:
    ScriptedSession.field = {"p1": Meter(serial=A, fail={"plan": AssertionError("tried without keys")})}
    bench = Bench(
        ["p1"], job(tmp_path, secrets=lambda serial, name: None), LogRecord(MeterLog(tmp_path / "l.db"))
    )
    view = bench.run(lambda shown: None, until(lambda shown: bool(shown.results)))
    assert view.results[0].why is not None
    assert view.results[0].why.code == "missing-secret"


def test_a_label_that_is_scanned_later_lets_the_meter_in(world: World, tmp_path: Path) -> None:
    ScriptedSession.field = {"p1": Meter(serial=A)}
    bench = Bench(["p1"], job(tmp_path), LogRecord(MeterLog(tmp_path / "log.db")), [])
    told = threading.Event()

    def scan(view: BenchView) -> None:
        if view.probes[0].state is ProbeState.REFUSED and not told.is_set():
            told.set()
            bench.scanned("ziv 0045 6700 00")

    view = bench.run(scan, until(lambda shown: shown.passed == 1))
    assert told.is_set()
    assert view.results[0].label is True


def test_a_probe_that_is_not_there_says_so_and_the_others_go_on(world: World, tmp_path: Path) -> None:
    gone = Meter(serial="", fail={"identify": errors.NoProbe()})
    ScriptedSession.field = {"p1": gone, "p2": Meter(serial=A)}
    seen: set[ProbeState] = set()
    bench = Bench(["p1", "p2"], job(tmp_path), LogRecord(MeterLog(tmp_path / "log.db")))
    # Either probe may be heard of first.
    both = until(lambda shown: shown.passed == 1 and shown.probes[0].state is ProbeState.NO_PROBE)
    bench.run(lambda shown: seen.add(shown.probes[0].state), both)
    assert ProbeState.NO_PROBE in seen


def test_the_pallet_as_csv_holds_no_formula() -> None:
    """What a meter says of itself is text to the spreadsheet that opens it."""
    told = Result(
        serial="=1+1", state=ProbeState.PASSED, port="COM3", at="2026-01-01T00:00:00.000Z", label=True
    )
    rows = list(csv.DictReader(io.StringIO(pallet_csv([told]))))
    assert (rows[0]["serial"], rows[0]["label"], rows[0]["stock"]) == ("'=1+1", "yes", "")
    assert ProbeView(port="COM3").state is ProbeState.EMPTY


def test_meters_in_processes_of_their_own(tmp_path: Path) -> None:
    """One passes although its line is cut after a write, one has other keys; both at once."""
    with ExitStack() as running:
        meters = [
            running.enter_context(virtual_meter("prime-1ph", "--serial", serial, *more))
            for serial, more in ((A, ["--cut-after-write", "1"]), (B, []))
        ]
        keys = {A: meters[0].secrets, B: KEYS}
        given = job(
            tmp_path,
            secrets=lambda serial, name: keys[serial].get(name),
            allow=["limiter.threshold"],
            values={"order.contracted_power": "4600"},
            recordings=Recordings(tmp_path / "recordings"),
        )
        bench = Bench([one.url for one in meters], given, LogRecord(MeterLog(tmp_path / "log.db")))
        end = time.monotonic() + 90

        def enough(view: BenchView) -> bool:
            settled = [one.state for one in view.results]
            both = len(settled) == 2 and all(one.state is not ProbeState.WORKING for one in view.probes)
            return (both and ProbeState.PASSED in settled) or time.monotonic() > end

        view = bench.run(lambda shown: None, enough)
    states = {one.serial: (one.state, one.why.code if one.why else None) for one in view.results}
    assert states == {A: (ProbeState.PASSED, None), B: (ProbeState.FAILED, "wrong-key")}
    kept = {one.serial: one.recording for one in view.results}
    assert kept[A] is None, "what passed is no matter for support"
    (file,) = (tmp_path / "recordings").iterdir()
    assert kept[B] == str(file)
    text = file.read_text(encoding="utf-8")
    assert "wrong-key" in [record.note for record in read_trace(file)]
    assert not any(secret.hex() in text.lower() for secret in KEYS.values() if any(secret))


def test_recordings_of_the_bench_are_kept_where_asked_and_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST", 3)
    asked = Recordings(tmp_path / "asked", everything=True)
    for _ in range(5):
        path = asked.begin(0)
        assert path is not None
        path.write_text("{}\n")
        newest = asked.end(0, A, passed=True)
    left = sorted(str(one) for one in (tmp_path / "asked").iterdir())
    assert len(left) == 3
    assert newest == left[-1]
    assert asked.end(0, A, passed=False) is None, "nothing was opened in between"
    (tmp_path / "file").write_text("")
    assert Recordings(tmp_path / "file").begin(0) is None, "a meter is configured all the same"


def test_recordings_of_a_tablets_bench_lie_sealed_and_open_on_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lay in clear beside the encrypted database; those of before are sealed with the next one."""
    lines = b'{"t":0.0,"trace":2,"mode":"e","client":2}\n{"t":0.1,"dir":"tx","hex":"2F3F210D0A"}\n'
    bureau = Bureau.open(tmp_path / "office")
    tablet = enrolled_tablet(bureau, tmp_path / "tablet", monkeypatch)
    key = tablet.keeping.recording_key()
    folder = tablet.home.recordings(tablet.realm)
    (folder / "B-of-before.jsonl").write_bytes(lines)
    sealing = Recordings(folder, key=tablet.keeping.recording_key)
    for probe in (0, 1):
        running = sealing.begin(probe)
        assert running is not None
        running.write_bytes(lines)
    kept = sealing.end(0, A, passed=False)
    assert kept is not None
    assert sealing.end(1, B, passed=True) is None
    files = sorted(one.name for one in folder.iterdir())
    assert files == sorted([Path(kept).name, "B-of-before.jsonl.sealed"])
    assert not any(b"2F3F" in one.read_bytes() for one in folder.iterdir())
    for one in folder.iterdir():
        assert keeping.lines_of(one, key) == lines
    tablet.close()

    monkeypatch.setenv("FIELDTOOL_HOME", str(tmp_path / "tablet"))
    monkeypatch.setenv("FIELDTOOL_PASSPHRASE", PASSPHRASE)
    plain = tmp_path / "plain.jsonl"
    done = CliRunner().invoke(app, ["meter", "explain", kept, "--realm", "demo", "--out", str(plain)])
    assert done.exit_code == 0, done.output
    assert "the meter never answered" in done.output
    assert plain.read_bytes() == lines
    with pytest.raises(SealError):
        keeping.lines_of(Path(kept), recording_key(bytes(32)))


def test_a_recording_that_a_crash_left_in_clear_is_gone_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = Bureau.open(tmp_path / "office")
    tablet = enrolled_tablet(bureau, tmp_path / "tablet", monkeypatch)
    order = tablet.home.cache() / "recordings" / "order.jsonl"
    order.parent.mkdir()
    bench = tablet.home.recordings(tablet.realm)
    left = [order, bench / "running-0.jsonl"]
    runs = bench / "running-1.jsonl"
    for path in (*left, runs):
        path.write_text("{}\n")
    for path in left:
        os.utime(path, (0, 0))
    forget_expired(tablet)
    assert not any(path.exists() for path in left)
    assert runs.exists()
    tablet.close()


def test_the_office_takes_what_a_bench_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries without an order are facts like any other."""
    bureau = Bureau.open(tmp_path / "office")
    tablet = enrolled_tablet(bureau, tmp_path / "tablet", monkeypatch)
    monkeypatch.setattr(depot, "OpticalSession", Scripted)
    monkeypatch.setattr(depot, "PAUSE", 0.02)
    ScriptedSession.field = {"p1": Meter(serial=A)}
    record = JournalRecord(tablet.journal, tablet.identity.system_title, "ana")
    view = Bench(["p1"], job(tmp_path), record).run(
        lambda shown: None, until(lambda shown: shown.passed == 1)
    )
    assert view.passed == 1
    report = tablet.sync()
    assert set(report.verdicts) == {"applied"}
    assert (report.pending, report.equal) == (0, True)
    tablet.close()
