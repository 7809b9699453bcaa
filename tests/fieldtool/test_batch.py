"""Many commands in one process say what each would have said alone, and nothing of one gets into another."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from keyring.backends.fail import Keyring as NoKeyring

from fieldtool.commands.output import guarded, running
from fieldtool.security import keys
from tests.support.commandline import environment
from workorders.sync.blobs import BlobFiles

TIMEOUT = 60


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "fieldtool", *arguments]


def batch(home: Path, *lines: str | list[str]) -> list[dict[str, Any]]:
    """The answers to these lines."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    done = subprocess.run(
        command("batch"),
        env=environment(home),
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_line_is_answered_as_the_command_alone_would_answer(tmp_path: Path) -> None:
    add = ["gateway", "users", "add", "Ana Peña", "--role", "supervisor", "--id", "ana", "--realm", "demo"]
    people = ["gateway", "users", "list", "--realm", "demo", "--json"]
    answers = batch(tmp_path, add, people, ["orders", "list"], ["no-such"], ["--version"])
    added, listed, refused, wrong, version = answers
    assert (added["status"], added["stderr"]) == (0, "")
    assert added["stdout"].startswith("ana: Ana Peña")
    assert (refused["status"], refused["stdout"]) == (1, "")
    assert "[not_enrolled]" in refused["stderr"]
    assert (wrong["status"], wrong["stdout"]) == (2, "")
    assert version["stdout"].startswith("fieldtool ")
    alone = subprocess.run(
        command(*people), env=environment(tmp_path), capture_output=True, timeout=TIMEOUT, check=True
    )
    assert listed["stdout"] == alone.stdout.decode("utf-8")
    assert [user["id"] for user in json.loads(listed["stdout"])["users"]] == ["ana"]


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "[1]", '["batch"]', '["demo"]', '["gateway", "serve"]', '["virtual-meter"]']
)
def test_what_is_no_command_of_a_batch_is_refused_and_the_batch_goes_on(tmp_path: Path, line: str) -> None:
    refused, version = batch(tmp_path, line, "", ["--version"])
    assert (refused["status"], refused["stdout"], bool(refused["stderr"])) == (2, "", True)
    assert version["status"] == 0


def test_a_passphrase_is_stretched_once_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 for every command made a day of scripted work take twice as long."""
    from fieldtool.commands.opening import kept_open, opened_office

    stretched = []
    stretch = keys._stretch

    def counted(*arguments: Any) -> bytes:
        stretched.append(1)
        return stretch(*arguments)

    monkeypatch.setattr(keys, "_stretch", counted)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("keyring.get_keyring", NoKeyring)
    with kept_open():
        for _ in range(3):
            with opened_office(None, "demo") as (office, _blobs):
                assert office.time()
    assert len(stretched) == 1
    with opened_office(None, "demo"):
        pass
    assert len(stretched) == 2


def test_no_command_runs_any_more_once_it_has_ended() -> None:
    """What came after a command in the same process was held to what that command may do."""

    @guarded
    def look() -> str:
        now = running.get()
        assert now is not None
        return now[0]

    assert (look(), running.get()) == ("test_batch.look", None)


def test_a_batch_keeps_blobs_where_each_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An office that was open already kept the place of the command before."""
    from fieldtool.commands.opening import kept_open, opened_office

    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("keyring.get_keyring", NoKeyring)
    found = []
    with kept_open():
        for folder in ("one", "two", "one"):
            with opened_office(None, "demo", str(tmp_path / folder)) as (_, blobs):
                assert isinstance(blobs, BlobFiles)
                found.append(blobs.folder)
    assert found == [tmp_path / "one", tmp_path / "two", tmp_path / "one"]


def test_ctrl_c_ends_the_batch(tmp_path: Path) -> None:
    running = subprocess.Popen(
        command("batch"),
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write('["--version"]\n')
    running.stdin.flush()
    assert json.loads(running.stdout.readline())["status"] == 0
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, said) == (1, "fieldtool: stopped\n")
