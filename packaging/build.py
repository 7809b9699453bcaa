"""The frozen bundle: one folder under `dist/` that runs where no Python is installed.

    .venv/bin/python packaging/build.py             make it
    .venv/bin/python packaging/build.py --check     make it, then prove it: headless demo, first frame

The proof runs the bundle from an empty folder with an environment in which neither this project nor its
virtual environment can be found, so that a missing resource, plugin or entry point shows here and not at
the first crew.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "dist" / "fieldtool"
WORK = ROOT / "build" / "pyinstaller"
SUFFIX = ".exe" if sys.platform == "win32" else ""
# Far over the minute that the demo may take: the bundle is proven on whatever machine there is, busy or not.
DEMO_LIMIT_SECONDS = 420
FRAME_LIMIT_SECONDS = 60
# Parts of Qt that nothing misses until a crew is out: whether a line costs and when there is one.
SILENT_PARTS = ("networkinformation",)


class BuildError(Exception):
    """The bundle could not be made, or does not do what the source does."""


def say(text: str) -> None:
    """Print one line at once."""
    print(f"[bundle] {text}", flush=True)


def make() -> None:
    """Run PyInstaller.

    Raises:
        BuildError: it failed; the end of its output is in the text.
    """
    shutil.rmtree(BUNDLE, ignore_errors=True)
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += [
        "--distpath",
        str(BUNDLE.parent),
        "--workpath",
        str(WORK),
        str(ROOT / "packaging/fieldtool.spec"),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise BuildError("PyInstaller failed:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-30:]))


def size_megabytes() -> int:
    """Size of the bundle in MB."""
    files = (path for path in BUNDLE.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) // 1_000_000


def clean_environment(home: Path) -> dict[str, str]:
    """What a machine has on which only the bundle lies: no virtual environment, no project, no desktop."""
    keep = ("SYSTEMROOT", "WINDIR", "TEMP", "TMP", "LANG", "LC_ALL", "TZ")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    return environment | {
        "PATH": os.defpath,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "FIELDTOOL_HOME": str(home / "tablet"),
        "FIELDTOOL_PASSPHRASE": secrets.token_urlsafe(24),
        "QT_QPA_PLATFORM": "offscreen",
        "QT_QUICK_BACKEND": "software",
    }


def run_out_of_bundle(
    name: str, arguments: Sequence[str], limit: int, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run one program of the bundle in an empty folder.

    Raises:
        BuildError: it failed, hung, or wrote a traceback.
    """
    with tempfile.TemporaryDirectory(prefix="fieldtool-bundle-", ignore_cleanup_errors=True) as folder:
        try:
            done = subprocess.run(
                [str(BUNDLE / f"{name}{SUFFIX}"), *arguments],
                cwd=folder,
                env=clean_environment(Path(folder)) | more,
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=limit,
            )
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"{name} {' '.join(arguments)} did not end within {limit} s") from error
        except OSError as error:
            raise BuildError(f"{name} could not be started: {error}") from error
    if done.returncode or "Traceback" in done.stderr:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise BuildError(f"{name} {' '.join(arguments)} ended with status {done.returncode}\n{tail}")
    return done


def check_silent_parts() -> None:
    """The parts that the app does without where they are missing lie in the bundle.

    Raises:
        BuildError: one is missing.
    """
    missing = [name for name in SILENT_PARTS if not any(BUNDLE.rglob(f"plugins/{name}/*"))]
    if missing:
        raise BuildError(f"parts of Qt are missing in the bundle: {', '.join(missing)}")


def check_session() -> None:
    """The session program lies beside the app and names its jobs."""
    run_out_of_bundle("fieldtool-drivers", ["virtual-meter", "--describe", "--json"], FRAME_LIMIT_SECONDS)
    say("fieldtool-drivers starts")


def check_first_frame() -> None:
    """The window comes up, with fonts, icons and all QML found, and shows its first frame."""
    began = time.monotonic()
    done = run_out_of_bundle("fieldtool", [], FRAME_LIMIT_SECONDS, FIELDTOOL_FIRST_FRAME="1")
    say(f"first frame after {time.monotonic() - began:.1f} s: {done.stdout.strip().splitlines()[-1]}")


def check_demo() -> None:
    """The whole job runs out of the bundle, and both sides agree."""
    began = time.monotonic()
    done = run_out_of_bundle("fieldtool", ["demo", "--headless", "--json"], DEMO_LIMIT_SECONDS)
    result = json.loads(done.stdout)
    completed = result["orders"]["completed"]
    if not completed or not result["journal"]["verified"]:
        raise BuildError(f"the demo out of the bundle completed nothing: {done.stdout}")
    say(f"demo: {completed} orders completed in {time.monotonic() - began:.0f} s")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 where the bundle was made (and proven, if asked)."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="run the demo and the first frame out of it")
    parser.add_argument("--only-check", action="store_true", help="prove the bundle that is there")
    options = parser.parse_args(argv)
    try:
        if not options.only_check:
            began = time.monotonic()
            make()
            say(f"{BUNDLE} made in {time.monotonic() - began:.0f} s, {size_megabytes()} MB")
        if options.check or options.only_check:
            check_silent_parts()
            check_session()
            check_first_frame()
            check_demo()
    except BuildError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
