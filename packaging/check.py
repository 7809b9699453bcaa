"""Every check of the project, in the order that tells soonest what is wrong; `bootstrap.py test` runs it.

Style, types, layers, QML and a first look at the tests go side by side on two cores, then the tests, then the
frozen bundle. All checks run even after one has failed, so that one run says everything; the bundle is made
only of what passed. Ends with pytest's own closing line and one line a check.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
TESTS_LIMIT_SECONDS = 25 * 60
STEP_LIMIT_SECONDS = 10 * 60


@dataclass(frozen=True)
class Check:
    """One program to run; it has passed when it returns 0."""

    name: str
    command: list[str]
    limit: int = STEP_LIMIT_SECONDS


@dataclass
class Result:
    """How a check ended."""

    name: str
    passed: bool
    seconds: float
    output: list[str] = field(default_factory=list)


def script(name: str) -> str:
    """Path of a console program beside the interpreter that runs us."""
    return str(Path(PYTHON).parent / (f"{name}.exe" if sys.platform == "win32" else name))


def static_checks() -> list[Check]:
    """Checks that run nothing of ours; the slow one first, so that the others fit beside it."""
    checks = [
        Check("types (mypy --strict)", [PYTHON, "-m", "mypy"]),
        Check("style (ruff check)", [script("ruff"), "check", "."]),
        Check("format (ruff format)", [script("ruff"), "format", "--check", "."]),
        Check("layers (import-linter)", [script("lint-imports")]),
    ]
    if importlib.util.find_spec("ui.lint"):
        checks.append(Check("screens (qmllint)", [PYTHON, "-m", "ui.lint"]))
    return checks


def tests_found() -> Check:
    """A first look at the tests: what it compiles, their workers need not compile again, each for itself."""
    return Check("tests are found (pytest)", [PYTHON, "-m", "pytest", "--collect-only", "-q"])


def child_environment() -> dict[str, str]:
    """Tests and linters see no desktop, no colours and the project's own folders.

    Byte code is kept whatever this machine says: the tests start hundreds of programs, and each would compile
    all of ours anew.
    """
    return os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "QT_QUICK_BACKEND": "software",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONUTF8": "1",
        "NO_COLOR": "1",
        "PYTHONPATH": str(ROOT),
    }


def run(check: Check, show: Callable[[str], None] | None = None) -> Result:
    """Run one check, passing each line on as it comes if asked; over its limit it is ended."""
    began = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        check.command,
        cwd=ROOT,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as child:
        clock = threading.Timer(check.limit, child.kill)
        clock.start()
        try:
            assert child.stdout is not None
            for line in child.stdout:
                lines.append(line.rstrip("\n"))
                if show:
                    show(lines[-1])
            status = child.wait()
        finally:
            clock.cancel()
            child.kill()
    seconds = time.monotonic() - began
    if seconds >= check.limit:
        lines.append(f"ended after its limit of {check.limit} s")
    return Result(check.name, status == 0, seconds, lines)


def say(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


def report(result: Result) -> None:
    """One line for a check that passed; everything it printed for one that failed."""
    say(f"{'ok    ' if result.passed else 'FAILED'} {result.name}  {result.seconds:.1f} s")
    if not result.passed:
        say("\n".join("    " + line for line in result.output[-200:]))


def side_by_side(checks: Sequence[Check]) -> list[Result]:
    """Checks that know nothing of each other, two at a time."""
    results: list[Result] = []
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        for result in pool.map(run, checks):
            report(result)
            results.append(result)
    return results


def run_tests(arguments: Sequence[str]) -> Result:
    """The test suite; output is shown as it comes.

    One process more than there are cores (at most five): many tests wait for a line as slow as a real one.
    Files are given out in the order of `tests/conftest.py`, not by how many tests they hold.
    """
    workers = str(min((os.cpu_count() or 1) + 1, 5))
    spread = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    command = [PYTHON, "-m", "pytest", *spread, "--durations", "8", *arguments]
    return run(Check("tests (pytest)", command, TESTS_LIMIT_SECONDS), show=say)


def closing_line(result: Result) -> str:
    """The line in which pytest counts, wherever it stands at the end of the output."""
    for line in reversed(result.output):
        if " in " in line and any(word in line for word in (" passed", " failed", " error", "no tests ran")):
            return line.strip("= ")
    return "pytest printed no closing line"


def run_bundle() -> Result:
    """The frozen bundle: made, then the headless demo and the window's first frame run out of it."""
    return run(Check("frozen bundle", [PYTHON, "packaging/build.py", "--check"], 20 * 60), show=say)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 where everything passed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-bundle", action="store_true", help="leave the frozen bundle out")
    parser.add_argument("--static", action="store_true", help="only style, types, layers and QML")
    parser.add_argument("pytest", nargs=argparse.REMAINDER, help="passed on to pytest")
    options = parser.parse_args(argv)
    began = time.monotonic()
    # Beside the types there is a core with nothing to do.
    results = side_by_side(static_checks() if options.static else [*static_checks(), tests_found()])
    closing = ""
    if not options.static:
        tests = run_tests(options.pytest)
        closing = closing_line(tests)
        results.append(tests)
    if not (options.static or options.no_bundle):
        if all(result.passed for result in results):
            results.append(run_bundle())
        else:
            say("the frozen bundle is left out: mend the checks above first")
    say("")
    for result in results:
        say(f"{'ok    ' if result.passed else 'FAILED'} {result.seconds:6.1f} s  {result.name}")
    passed = all(result.passed for result in results)
    say(f"{'everything passed' if passed else 'NOT passed'} in {time.monotonic() - began:.0f} s")
    if closing:
        say(closing)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
