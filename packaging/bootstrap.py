#!/usr/bin/env python3
"""From a fresh clone to a running program: `bootstrap.py demo`, `bootstrap.py test`, both with plain python3.

Uses the standard library only, may be run again at any time, and does nothing twice: the virtual
environment is rebuilt only when the lock file or the Python under it has changed. On Debian, root gets
the few system libraries installed; anyone else is shown the one command that does it. On Windows the
wheels bring everything.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "fieldtool-lock.sha256"
OLDEST = (3, 11)
WINDOWS = sys.platform == "win32"

# What Qt opens at start, offscreen too, and the Debian package that holds it.
START_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
}
# What a window under X needs on top.
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}


class BootstrapError(Exception):
    """Something that the person at the keyboard must do; the text says what."""


def say(text: str) -> None:
    """Print one line of our own at once, so that it stands before what a child prints."""
    print(f"[fieldtool] {text}", flush=True)


def run(command: Sequence[str | Path], *, quiet: bool = False) -> None:
    """Run a command in the project; a failure ends the bootstrap with what it printed.

    Raises:
        BootstrapError: the command could not be started or did not return 0.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=ROOT, check=False, text=True, errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT if quiet else None,
        )  # fmt: skip
    except OSError as error:
        raise BootstrapError(f"could not start {words[0]}: {error}") from error
    if done.returncode:
        tail = "\n".join((done.stdout or "").splitlines()[-25:])
        raise BootstrapError(f"{' '.join(words[:6])} … ended with status {done.returncode}\n{tail}".rstrip())


def loads(soname: str) -> bool:
    """True where the dynamic linker finds this shared library."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def python_library_missing() -> bool:
    """True where Python came without its shared library, which the frozen bundle takes along."""
    name = sysconfig.get_config_var("INSTSONAME")
    if not name or not str(name).startswith("libpython") or ".so" not in str(name):
        return False
    return not (Path(str(sysconfig.get_config_var("LIBDIR"))) / str(name)).exists() and not loads(str(name))


def postgres_missing() -> bool:
    """True where the tests would find no PostgreSQL server to start."""
    return not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def missing_packages(*, freezing: bool) -> list[str]:
    """Debian packages that this machine lacks for running (and, if asked, for testing and freezing)."""
    wanted = dict(START_LIBRARIES)
    if os.environ.get("DISPLAY"):
        wanted |= WINDOW_LIBRARIES
    missing = [package for soname, package in wanted.items() if not loads(soname)]
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        missing.append("python3-venv")
    if freezing:
        if not shutil.which("objdump"):
            missing.append("binutils")
        if python_library_missing():
            missing.append(f"libpython{sys.version_info.major}.{sys.version_info.minor}")
    return missing


def system_libraries(*, freezing: bool) -> None:
    """Install what is missing where we may, else say the one command that does.

    Raises:
        BootstrapError: packages are missing and this user cannot install them.
    """
    if not sys.platform.startswith("linux"):
        return
    missing = missing_packages(freezing=freezing)
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None:
        raise BootstrapError(
            "this system lacks libraries; install what your distribution calls " + " ".join(missing)
        )
    if os.geteuid() != 0:
        raise BootstrapError("this system lacks libraries. Run once:\n    sudo " + " ".join(command))
    say("installing system libraries: " + " ".join(missing))
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    run(["apt-get", "update"], quiet=True)
    run(command, quiet=True)
    importlib.invalidate_caches()


def test_server() -> None:
    """Install the database server that the office's tests start; without it those tests skip, and say so."""
    if not sys.platform.startswith("linux") or not postgres_missing():
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", "postgresql"]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        say("no PostgreSQL here: the office is not tested on it. On Debian: sudo " + " ".join(command))
        return
    say("installing a PostgreSQL server for the tests")
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    try:
        run(["apt-get", "update"], quiet=True)
        run(command, quiet=True)
    except BootstrapError as error:
        say(f"PostgreSQL could not be installed, so the office is not tested on it: {error}")


def tool(name: str) -> Path:
    """Path of a program inside the virtual environment."""
    return VENV / ("Scripts" if WINDOWS else "bin") / (f"{name}.exe" if WINDOWS else name)


def file_hash(path: Path) -> str:
    """SHA-256 of a text file, the same whichever line ends a checkout gave it."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def wanted_stamp() -> list[str]:
    """What the environment is made from: interpreter, lock, and our own project file."""
    interpreter = f"{platform.python_implementation()} {platform.python_version()} {sys.base_prefix} {ROOT}"
    return [interpreter, file_hash(LOCK), file_hash(ROOT / "pyproject.toml")]


def environment() -> None:
    """Make .venv agree with requirements.lock; every file is checked against its hash.

    Raises:
        BootstrapError: a package could not be fetched, or one was not what the lock says.
    """
    interpreter, lock, project = wanted_stamp()
    have = STAMP.read_text(encoding="utf-8").splitlines() if STAMP.is_file() else []
    if have == [interpreter, lock, project] and tool("python").exists():
        return
    began = time.monotonic()
    if have[:1] != [interpreter] or not tool("python").exists():
        say("making .venv")
        if VENV.exists():
            shutil.rmtree(VENV)
        run([getattr(sys, "_base_executable", "") or sys.executable, "-m", "venv", VENV], quiet=True)
        have = []
    pip: list[str | Path] = [
        tool("python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--progress-bar",
        "off",
    ]
    if have[1:2] != [lock]:
        say("installing the locked packages, each checked against its hash (a few minutes the first time)")
        run([*pip, "--require-hashes", "--only-binary=:all:", "--no-deps", "-r", LOCK], quiet=True)
    # The build backend is in the lock as well, so nothing unchecked is fetched for our own package.
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], quiet=True)
    STAMP.write_text("\n".join([interpreter, lock, project]) + "\n", encoding="utf-8")
    say(f"environment ready in {time.monotonic() - began:.0f} s")


def has_screen() -> bool:
    """True where a window can be shown to a person."""
    if WINDOWS or sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def demo(arguments: list[str]) -> int:
    """The whole job on the virtual field: the app where there is a screen, else progress bars."""
    if not has_screen() and "--headless" not in arguments:
        say("no screen here: running the demo without one (--headless)")
        arguments = ["--headless", *arguments]
    return hand_over([str(tool("fieldtool")), "demo", *arguments])


def hand_over(command: list[str]) -> int:
    """Run the last command with our own input and output; Ctrl-C goes to it and we wait for its end."""
    with subprocess.Popen(command, cwd=ROOT) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue


def parse(argv: Sequence[str] | None) -> tuple[str, list[str]]:
    """Split the command line into our one word and what is passed on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "job",
        choices=["demo", "test", "run", "exec", "setup"],
        help="demo: the whole job on the virtual field; test: every check; "
        "run: any fieldtool command; exec: a tool of the environment; setup: only make the environment",
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to the job")
    options = parser.parse_args(argv)
    return str(options.job), list(options.arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status of the job."""
    job, arguments = parse(argv)
    if sys.version_info[:2] < OLDEST:
        say(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {platform.python_version()}")
        return 2
    os.chdir(ROOT)
    try:
        system_libraries(freezing=job == "test")
        if job == "test":
            test_server()
        environment()
    except BootstrapError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped; run the same command again to go on")
        return 130
    if job == "setup":
        say(f"ready: {tool('fieldtool')}")
        return 0
    if job == "test":
        return hand_over([str(tool("python")), "packaging/check.py", *arguments])
    if job == "run":
        return hand_over([str(tool("fieldtool")), *arguments])
    if job == "exec":
        return hand_over([str(tool(arguments[0])), *arguments[1:]]) if arguments else 2
    return demo(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
