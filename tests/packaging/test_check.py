"""The one command that CI believes: it must fail when anything fails, and show pytest's own closing line."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest
from tests.packaging.scripts import load

check = load("check")


@pytest.mark.parametrize(
    ("output", "closing"),
    [
        (["....", "412 passed in 88.12s (0:01:28)"], "412 passed in 88.12s (0:01:28)"),
        (["F", "=== 1 failed, 3 passed in 0.51s ==="], "1 failed, 3 passed in 0.51s"),
        (["no tests ran in 0.01s"], "no tests ran in 0.01s"),
        (["killed"], "pytest printed no closing line"),
    ],
)
def test_the_closing_line_is_pytests_own(output: list[str], closing: str) -> None:
    assert check.closing_line(check.Result("tests", True, 1.0, output)) == closing


def test_a_check_that_hangs_is_ended_and_has_failed() -> None:
    hanging = check.Check(
        "hangs", [sys.executable, "-c", "import threading; threading.Event().wait()"], limit=1
    )
    result = check.run(hanging)
    assert not result.passed
    assert "limit" in result.output[-1]


def test_one_failure_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = check.Check("broken", [sys.executable, "-c", "print('line 3 is wrong'); raise SystemExit(1)"])
    fine = check.Check("fine", [sys.executable, "-c", ""])
    monkeypatch.setattr(check, "static_checks", lambda: [broken, fine])
    assert check.main(["--static"]) == 1
    assert "line 3 is wrong" in capsys.readouterr().out


def test_the_files_that_take_longest_are_there_and_begin_first() -> None:
    """Given out by the number of tests, a minute of four tests began when nearly all others were done."""
    longest = [conftest.HERE / name for name in conftest.LONGEST]
    assert [path for path in longest if not path.is_file()] == []
    others = [conftest.HERE / "assets" / name for name in ("test_b.py", "test_a.py")]
    items: list[Any] = [SimpleNamespace(path=path) for path in [*others, *reversed(longest)]]
    conftest.pytest_collection_modifyitems(items)
    assert [item.path for item in items] == [*longest, *others]


def test_what_one_program_compiled_the_next_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without byte code each of the hundreds of programs that the tests start compiles all of ours."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    ask = [sys.executable, "-c", "import sys; raise SystemExit(sys.dont_write_bytecode)"]
    assert check.run(check.Check("writes", ask)).passed
