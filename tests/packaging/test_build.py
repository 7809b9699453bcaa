"""The proof of the frozen bundle must fail where the bundle does, and must not lean on this machine."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.packaging.scripts import FOLDER, load

build = load("build")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty bundle."""
    monkeypatch.setattr(build, "BUNDLE", tmp_path)
    monkeypatch.setattr(build, "SUFFIX", "")
    return tmp_path


def program(bundle: Path, body: str) -> None:
    """Put a program of this text into the bundle."""
    path = bundle / "fieldtool"
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit(3)",
        "import sys; sys.stderr.write('Traceback (most recent call last):')",
        "import threading; threading.Event().wait()",
    ],
    ids=["fails", "writes a traceback", "hangs"],
)
def test_a_program_that_is_not_well_fails_the_proof(bundle: Path, body: str) -> None:
    program(bundle, body)
    with pytest.raises(build.BuildError):
        build.run_out_of_bundle("fieldtool", [], limit=2)


def test_a_missing_program_fails_the_proof(bundle: Path) -> None:
    with pytest.raises(build.BuildError, match="could not be started"):
        build.run_out_of_bundle("fieldtool", [], limit=2)


def test_the_proof_sees_neither_project_nor_environment(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
    monkeypatch.setenv("FIELDTOOL_DATABASE", "sqlite:///live.db")
    program(bundle, "import json, os; print(json.dumps([os.getcwd(), *os.environ]))")
    said = build.run_out_of_bundle("fieldtool", [], limit=20).stdout
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "FIELDTOOL_DATABASE"} & set(build.json.loads(said))
    assert os.fspath(FOLDER.parent) not in said


def test_a_demo_that_completes_nothing_is_no_proof(bundle: Path) -> None:
    program(bundle, 'print(\'{"orders": {"completed": 0}, "journal": {"verified": true}}\')')
    with pytest.raises(build.BuildError, match="completed nothing"):
        build.check_demo()
