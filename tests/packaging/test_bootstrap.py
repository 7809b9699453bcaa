"""The first command a stranger types: what it does on a machine that lacks something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.scripts import FOLDER, load

bootstrap = load("bootstrap")


def test_it_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(FOLDER / "bootstrap.py"), "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "demo" in done.stdout
    assert "test" in done.stdout


def test_without_root_it_shows_the_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "missing_packages", lambda freezing: ["libegl1", "python3-venv"])
    with pytest.raises(bootstrap.BootstrapError) as error:
        bootstrap.system_libraries(freezing=False)
    assert "sudo apt-get install -y --no-install-recommends libegl1 python3-venv" in str(error.value)


def test_a_python_without_ensurepip_asks_for_debians_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "loads", lambda soname: True)
    monkeypatch.setattr(
        bootstrap.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else 1
    )
    assert bootstrap.missing_packages(freezing=False) == ["python3-venv"]


def test_windows_needs_no_system_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.sys, "platform", "win32")
    monkeypatch.setattr(bootstrap, "missing_packages", lambda freezing: ["libegl1"])
    bootstrap.system_libraries(freezing=True)


def test_line_ends_of_a_checkout_make_no_other_lock(tmp_path: Path) -> None:
    unix, windows = tmp_path / "a", tmp_path / "b"
    unix.write_bytes(b"x==1\n    --hash=sha256:0\n")
    windows.write_bytes(b"x==1\r\n    --hash=sha256:0\r\n")
    assert bootstrap.file_hash(unix) == bootstrap.file_hash(windows)


def test_nothing_is_installed_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.touch()
    stamp = tmp_path / "stamp"
    stamp.write_text("\n".join(bootstrap.wanted_stamp()) + "\n")
    monkeypatch.setattr(bootstrap, "STAMP", stamp)
    monkeypatch.setattr(bootstrap, "tool", lambda name: python)
    monkeypatch.setattr(bootstrap, "run", lambda *_, **__: pytest.fail("something was installed again"))
    bootstrap.environment()


def test_a_changed_lock_installs_with_hashes_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.touch()
    stamp = tmp_path / "stamp"
    interpreter, _, project = bootstrap.wanted_stamp()
    stamp.write_text("\n".join([interpreter, "another lock", project]) + "\n")
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "STAMP", stamp)
    monkeypatch.setattr(bootstrap, "tool", lambda name: python)
    monkeypatch.setattr(bootstrap, "run", lambda command, **_: commands.append([str(w) for w in command]))
    bootstrap.environment()
    assert "--require-hashes" in commands[0]
    assert all("--no-deps" in command for command in commands)
    assert stamp.read_text().splitlines() == bootstrap.wanted_stamp()


def test_no_screen_means_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "has_screen", lambda: False)
    monkeypatch.setattr(bootstrap, "hand_over", lambda command: commands.append(command) or 0)
    assert bootstrap.demo(["--json"]) == 0
    assert commands[0][1:] == ["demo", "--headless", "--json"]


def test_a_failing_command_says_what_it_printed() -> None:
    with pytest.raises(bootstrap.BootstrapError, match="no room left"):
        bootstrap.run([sys.executable, "-c", "print('no room left'); raise SystemExit(3)"], quiet=True)
