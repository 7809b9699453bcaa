"""Ctrl-C at a terminal reaches every program there: a write that was begun is finished and read back."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.drivers.field import virtual_meter
from tests.support.commandline import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
SERIAL = "ZIV0041288736"


def _intents(log: Path) -> list[str | None]:
    try:
        with sqlite3.connect(log) as connection:
            return [row[0] for row in connection.execute("SELECT state FROM write_intent ORDER BY at")]
    except sqlite3.OperationalError:
        return []


def test_a_write_under_way_is_finished_and_read_back_when_somebody_presses_ctrl_c(tmp_path: Path) -> None:
    """Every intent has its outcome, and what had not begun was not begun."""
    options = ["--serial", SERIAL, "--clock-offset-s", "90", "--reaction-ms", "200", "--lockout-s", "0"]
    with virtual_meter("prime-1ph", *options) as meter:
        secrets = {"BK": meter.secrets["block_key"].hex(), "AK": meter.secrets["auth_key"].hex()}
        command = [sys.executable, "-m", "fieldtool", "meter", "apply", "--port", meter.url, "--client", "1",
                   "--auth", "gmac", "--block-key", "env:BK", "--auth-key", "env:AK",
                   "--program", "residential-2.0TD", "--value", "order.contracted_power=4600",
                   "--json"]  # fmt: skip
        process = subprocess.Popen(
            command, env=environment(tmp_path) | secrets, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        log, end = tmp_path / "meter-tool.db", time.monotonic() + 60
        while not _intents(log) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1, said
        assert "stopping" in said
        states = _intents(log)
        assert states
        assert set(states) <= {"verified", "failed", "rolled_back"}, (states, said)
        assert len(states) < 4, "it went on after Ctrl-C"
