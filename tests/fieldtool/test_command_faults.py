"""What the command line says and leaves behind when something around it is wrong: every case once broke."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.errors import DriverError, LockedOut
from drivers.session.access import ReadoutOnly
from fieldtool import words
from fieldtool.problems import explain, explain_sync
from fieldtool.text import Language
from tests.support.commandline import environment, light_vault
from workorders.journal.entry import Realm

TIMEOUT = 60


def fieldtool(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "fieldtool", *arguments],
        env=environment(home, **extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_gateway_that_is_told_to_stop_ends_with_status_0(tmp_path: Path, how: signal.Signals) -> None:
    """uvicorn raises the signal again after its clean end; scripts then took it for a crash (-15)."""
    gateway = subprocess.Popen(
        [sys.executable, "-m", "fieldtool", "gateway", "serve", "--listen", "127.0.0.1:0", "--realm", "demo"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert gateway.stdout is not None
    assert json.loads(gateway.stdout.readline())["ready"]
    gateway.send_signal(how)
    out, err = gateway.communicate(timeout=TIMEOUT)
    assert (gateway.returncode, out, err) == (0, "", "")


def test_a_gateway_remembers_its_realm_whatever_was_tried_in_between(tmp_path: Path) -> None:
    """A try without a passphrase left a folder `live`, and the demo's database was then opened as live."""
    without = fieldtool(tmp_path, "gateway", "enrol", FIELDTOOL_PASSPHRASE="")
    assert (without.returncode, "[passphrase_needed]" in without.stderr) == (1, True)
    assert "tableta" not in without.stderr  # it is an office's machine that lacks it
    made = fieldtool(tmp_path, "gateway", "enrol", "--realm", "demo", "--json")
    assert made.returncode == 0, made.stderr
    again = fieldtool(tmp_path, "gateway", "users", "list", "--json")
    assert again.returncode == 0, again.stderr
    other = fieldtool(tmp_path, "gateway", "users", "list", "--realm", "training", "--json")
    assert (other.returncode, other.stdout, "[wrong_realm]" in other.stderr) == (1, "", True)


def test_a_code_for_a_crew_that_nobody_has_is_refused(tmp_path: Path) -> None:
    done = fieldtool(tmp_path, "gateway", "enrol", "--project", "nowhere", "--crew", "X", "--json")
    assert (done.returncode, done.stdout, "[unknown_project]" in done.stderr) == (1, "", True)


def test_a_mistake_in_a_project_file_is_told_with_its_line(tmp_path: Path) -> None:
    project = tmp_path / "project.toml"
    for text, line in (('id = "p"\nname = \n', "line 2"), ("name = {}\n\nid = 7\n", "line 3")):
        project.write_text(text, "utf-8")
        done = fieldtool(tmp_path / "home", "gateway", "load", str(tmp_path))
        assert (done.returncode, line in done.stderr, "project.toml" in done.stderr) == (1, True, True), done


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """`No such file or directory [system]` said neither which nor in which language."""
    missing = tmp_path / "heard.csv"
    assert fieldtool(tmp_path / "home", "gateway", "enrol", "--realm", "demo").returncode == 0
    done = fieldtool(tmp_path / "home", "gateway", "heard", "prime", str(missing))
    assert (done.returncode, done.stderr.strip()) == (1, f"fieldtool: No existe {missing}. [absent]")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--item", "energy"),
        ("--item", "3:1.0.1.8.0:2"),
        ("--server", "abc"),
        ("--server", "1:"),
        ("--system-title", "xyz"),
        ("--client", "128"),
        ("--mode", "x"),
    ],
)
def test_what_no_meter_can_be_asked_is_wrong_usage(tmp_path: Path, wrong: tuple[str, str]) -> None:
    """It took a sign-on to be told, as a failure, in words of Python."""
    done = fieldtool(tmp_path, "meter", "read", "--port", "socket://127.0.0.1:9", "--json", *wrong)
    assert (done.returncode, done.stdout, "invalid literal" in done.stderr) == (2, "", False), done.stderr


def test_trouble_at_the_port_is_told_in_the_language_of_the_crew(tmp_path: Path) -> None:
    """All errors of the drivers had no translation, and the lock-out told no seconds."""
    done = fieldtool(tmp_path, "meter", "identify", "--port", str(tmp_path / "nothing"), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("fieldtool: No se encuentra la sonda óptica.")
    # Of the drivers alone: the campaigns of the tests have failures of their own, which no crew reads.
    ours = [kind for kind in DriverError.__subclasses__() if kind.__module__.startswith("drivers.")]
    kinds: list[type[DriverError]] = [*ours, ReadoutOnly]
    for language in Language:
        for kind in kinds:
            assert words.has(f"error.driver.{kind.code.replace('-', '_')}", language), kind
        assert "47 s" in explain(LockedOut(seconds=47), language).what


def test_no_secret_reaches_the_session_program(tmp_path: Path) -> None:
    """It inherited the variables that named the keys, the PIN and the passphrase of the data."""
    spy, out = tmp_path / "spy.py", tmp_path / "environment"
    tell = "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(chr(10).join(os.environ))"
    lines = (
        "import sys",
        "import drivers.session.client as client",
        f"client.session_command = lambda models: {[sys.executable, '-c', tell, str(out)]!r}",
        "from fieldtool.main import main",
        "main()",
    )
    spy.write_text(chr(10).join(lines), "utf-8")
    keys = {"METER_BLOCK_KEY": "00" * 16, "METER_AUTH_KEY": "11" * 16, "FIELDTOOL_PIN": "482615"}
    named = ("--block-key", "env:METER_BLOCK_KEY", "--auth-key", "env:METER_AUTH_KEY")
    done = subprocess.run(
        [sys.executable, str(spy), "meter", "read", "--port", "socket://127.0.0.1:9", *named],
        env=environment(tmp_path / "home", **keys) | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 1
    there = out.read_text("utf-8").split()
    assert "PATH" in there
    assert [name for name in there if name.startswith(("METER_", "FIELDTOOL_"))] == []


def test_a_round_without_an_office_is_told_in_the_language_of_the_crew() -> None:
    told = explain_sync("unreachable", "no whole answer from http://127.0.0.1:1", Language.ES)
    assert told.line() == (
        "Sin conexión con la oficina. Nada se pierde: se enviará cuando haya señal. [unreachable]"
    )


def test_an_enrolled_realm_is_the_one_that_is_opened(tmp_path: Path) -> None:
    """A try in another realm leaves a database too; `sync` then said that the tablet is not enrolled."""
    office, home = tmp_path / "office", tmp_path / "tablet"
    light_vault(office / "gateway", Realm.DEMO)
    light_vault(home, Realm.DEMO)
    code = json.loads(fieldtool(office, "gateway", "enrol", "--realm", "demo", "--json").stdout)["code"]
    with subprocess.Popen(
        [sys.executable, "-m", "fieldtool", "gateway", "serve", "--listen", "127.0.0.1:0"],
        env=environment(office),
        stdout=subprocess.PIPE,
        text=True,
    ) as gateway:
        try:
            assert gateway.stdout is not None
            url = json.loads(gateway.stdout.readline())["url"]
            wrong = fieldtool(home, "enrol", url, code)
            assert (wrong.returncode, "[wrong_realm]" in wrong.stderr) == (1, True), wrong.stderr
            right = fieldtool(home, "enrol", url, code, "--realm", "demo", "--json")
            assert right.returncode == 0, right.stderr
            done = fieldtool(home, "sync", "--json")
            assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "done"), done.stderr
        finally:
            gateway.terminate()


def test_a_damaged_log_of_the_meter_tool_is_told(tmp_path: Path) -> None:
    (tmp_path / "meter-tool.db").write_bytes(b"this is no database" * 500)
    done = fieldtool(tmp_path, "meter", "identify", "--port", "socket://127.0.0.1:9", "--json")
    assert (done.returncode, done.stdout, "[corrupt]" in done.stderr) == (1, "", True), done.stderr


@pytest.mark.parametrize(
    "command", [("meter", "identify", "--port", "socket://127.0.0.1:9"), ("gateway", "users", "list")]
)
def test_a_disk_that_takes_nothing_brings_a_line_and_no_traceback(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """The log of unexpected errors could not be written either, and its traceback came to the screen."""
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from fieldtool.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command, "--json"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
    assert "[internal]" not in done.stderr
