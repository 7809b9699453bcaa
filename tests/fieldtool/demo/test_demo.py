"""The demo is the whole job: these tests say that it would notice if the job went wrong."""

from __future__ import annotations

import copy
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

import assets
from fieldtool.demo import pictures, processes, runner
from fieldtool.demo.crew import answers
from fieldtool.demo.probe import Probe
from fieldtool.demo.processes import DemoError, Service
from fieldtool.demo.shell import Shell
from fieldtool.demo.stage import Count, concentrators
from fieldtool.procedure.model import JoinStep, MatchStep, MeterReadStep, PlanApplyStep, load_procedure
from fieldtool.scanning import decode

AGREED: dict[str, Any] = {
    "orders": {"downloaded": 4, "completed": 2, "not_done": 1, "flagged": 1},
    "placements": 2,
    "entries": {"written": 90, "applied": 90, "pending": 0},
    "blobs": {"sent": 8},
    "journal": {"verified": True, "projection_equal": True},
}


def result(**gateway: Any) -> dict[str, Any]:
    found = copy.deepcopy(AGREED)
    found["gateway"] = copy.deepcopy(AGREED) | gateway
    return found


def test_agreement_of_both_sides_passes() -> None:
    assert runner.differences(result()) == []


@pytest.mark.parametrize(
    "gateway",
    [
        {"placements": 1},
        {"blobs": {"sent": 7}},
        {"entries": {"written": 90, "applied": 89, "pending": 1}},
        {"orders": {"downloaded": 4, "completed": 1, "not_done": 1, "flagged": 1}},
    ],
)
def test_any_figure_that_differs_is_named(gateway: dict[str, Any]) -> None:
    found = runner.differences(result(**gateway))
    assert len(found) == 1
    assert found[0].startswith(next(iter(gateway)))


def test_a_journal_that_does_not_hold_fails_the_demo() -> None:
    unproven = result()
    unproven["journal"] = {"verified": True, "projection_equal": False}
    assert runner.differences(unproven)


def test_conflicts_are_taken_and_refusals_are_not() -> None:
    count = Count()
    count.take_round(
        {"pushed": 12, "blobs_sent": 2, "verdicts": {"applied": 9, "conflict": 1, "rejected": 2}}
    )
    assert (count.pushed, count.taken, count.blobs) == (12, 10, 2)


def test_every_project_plays_a_clean_exchange() -> None:
    assert set(runner.LANES) == {"cusco", "pucallpa", "santacruz", "prime"}
    for _, stories in runner.LANES.values():
        assert runner.stories.clean in stories


def test_the_concentrator_of_the_demo_stands_in_the_prime_project() -> None:
    assert concentrators(assets.project("prime"))[runner.CONCENTRATOR]["mac"]


def test_a_camera_reads_the_label_on_a_picture(tmp_path: Path) -> None:
    picture = pictures.meter_photo(tmp_path, "meter", "ZIV0045670000", "prime-1ph")
    assert [code.text for code in decode(cv2.imread(str(picture)))] == ["ZIV0045670000"]


class _Visit:
    number, order_id, new_serial = "OT-1", "id", "37524000033"
    old = None
    order = {  # noqa: RUF012 - a fixed value
        "number": "OT-1",
        "old_asset": {"serial": "03100007", "model": "em-1ph", "last_reading": "100", "usual_daily_use": "2"},
        "new_asset": {"serial": "37524000033", "model": "plc-prepay-1ph"},
        "position": "-13.5,-71.9",
    }


def test_answers_say_something_about_every_step_that_needs_a_person(tmp_path: Path) -> None:
    procedure = load_procedure(assets.root() / "procedures" / "exchange.toml")
    given = answers(_Visit(), procedure, tmp_path)  # type: ignore[arg-type]  # a stand-in without meters
    by_themselves = (MeterReadStep, MatchStep, PlanApplyStep, JoinStep)
    for step in procedure.steps:
        assert step.id in given or isinstance(step, by_themselves), step.id
    assert set(given) <= {step.id for step in procedure.steps}
    assert given["old_dial"]["value"] == "142"


def plugged(probe: Probe) -> socket.socket:
    """The tablet's end of a probe."""
    return socket.create_connection(("127.0.0.1", int(probe.url.rsplit(":", 1)[1])), timeout=5)


def test_a_fragile_probe_is_gone_once_the_line_was_cut() -> None:
    meter = socket.create_server(("127.0.0.1", 0))
    meter.settimeout(5)
    url = f"socket://127.0.0.1:{meter.getsockname()[1]}"
    probe = Probe(lambda: url, fragile=True)
    try:
        tablet = plugged(probe)
        line, _ = meter.accept()
        line.settimeout(5)
        tablet.sendall(b"/?!\r\n")
        assert line.recv(16) == b"/?!\r\n"
        line.close()
        assert probe.cut.wait(5)
        assert tablet.recv(16) == b""
        tablet.close()
    finally:
        probe.close()
        meter.close()


def test_letting_go_of_the_port_is_no_cut() -> None:
    meter = socket.create_server(("127.0.0.1", 0))
    meter.settimeout(5)
    url = f"socket://127.0.0.1:{meter.getsockname()[1]}"
    probe = Probe(lambda: url, fragile=True)
    try:
        tablet = plugged(probe)
        line, _ = meter.accept()
        line.settimeout(5)
        tablet.close()
        assert line.recv(16) == b""
        line.close()
        # The probe takes the next connection: it is still there.
        plugged(probe).close()
        meter.accept()[0].close()
        assert not probe.cut.is_set()
    finally:
        probe.close()
        meter.close()


def test_a_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('the port is taken')"]
    service = Service("gateway", command, {}, tmp_path / "log")
    with pytest.raises(DemoError, match="the port is taken"):
        service.ready()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """The process of a tablet that nobody has enrolled."""
    processes.begin()
    found = Shell({"FIELDTOOL_HOME": str(tmp_path / "tablet")}, tmp_path / "log")
    yield found
    found.end()


def test_a_command_that_should_die_and_does_not_is_noticed(shell: Shell) -> None:
    with pytest.raises(DemoError, match="before it could be killed"):
        shell.run(["--version"], dies_on=threading.Event())


def test_a_tablet_that_died_is_started_again(shell: Shell) -> None:
    died = threading.Event()
    died.set()
    killed = shell.run(["orders", "list"], dies_on=died)
    assert killed.status != 0
    assert shell.run(["--version"]).stdout.startswith("fieldtool ")
    with pytest.raises(DemoError, match="not_enrolled"):
        shell.run(["orders", "list"])


def test_one_failing_crew_stops_the_others(shell: Shell) -> None:
    def job(crew: Any) -> None:
        if crew == "late":
            shell.run(["virtual-meter"])  # runs until it is ended
        raise DemoError("the meter is gone")

    processes.begin()
    with pytest.raises(DemoError, match="the meter is gone"):
        runner.side_by_side(job, ["early", "late"])  # type: ignore[list-item]  # names stand in for crews
    with pytest.raises(DemoError, match="stopped"):
        shell.run(["--version"])
    processes.begin()


def test_one_projects_day_with_real_programs(tmp_path: Path) -> None:
    """Real processes throughout: a clean exchange, a mismatch, an order cancelled too late."""
    found, count = runner.perform(tmp_path, lambda lane, what: None, ["prime"])
    assert runner.differences(found) == []
    assert found["orders"] == {"downloaded": 48, "completed": 3, "not_done": 0, "flagged": 1}
    assert found["match"] == {"stopped": 1, "overridden": 0}
    assert found["meters"]["configured"] == 3
    assert found["blobs"]["sent"] > 10
    assert {told.story for told in count.told} == {
        "clean exchange",
        "swapped labels",
        "cancelled after execution",
    }
