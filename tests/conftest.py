"""What every test stands on: no desktop, no keyring of the person at the machine, no data of theirs."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent

# Before anything of Qt is imported: no window opens, and the scene graph needs no graphics card.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QUICK_BACKEND"] = "software"
# Before keyring is imported: a test must never read or write the secrets of the person who runs it.
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
os.environ.setdefault("FIELDTOOL_HOME", tempfile.mkdtemp(prefix="fieldtool-tests-"))

# Machines differ in speed; a slow one must not fail a property that holds.
SLOW_IS_FINE = [HealthCheck.too_slow]
# The gate tries the same examples each time, so that a change is judged by itself; a campaign tries new ones.
settings.register_profile("gate", deadline=None, suppress_health_check=SLOW_IS_FINE, derandomize=True)
settings.register_profile("campaign", deadline=None, suppress_health_check=SLOW_IS_FINE, max_examples=1000)
settings.load_profile(os.environ.get("FIELDTOOL_EXAMPLES", "gate"))


#: The files that take longest as a whole. Each goes to one process: begun last, it would be alone at the end.
LONGEST = (
    "fieldtool/test_commission.py",
    "fieldtool/demo/test_demo.py",
    "ui/test_pictures.py",
    "workorders/test_sla_table.py",
    "fieldtool/test_command_faults.py",
    "fieldtool/test_panelrun.py",
    "fieldtool/test_command_meter.py",
    "fieldtool/test_scanning_panel_cut.py",
    "workorders/test_load.py",
    "workorders/test_sync_properties.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others as they were found."""
    rank = {HERE / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(autouse=True)
def _scans_by_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read within a scan's budget is judged here, and not how busy the machine is.

    That the program itself budgets by the wall is a test of `test_scanning_decode`.
    """
    decoder = sys.modules.get("fieldtool.scanning.decoder")
    if decoder is not None:
        monkeypatch.setattr(decoder, "clock", time.process_time)


@pytest.fixture
def tablet_home(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> os.PathLike[str]:
    """An empty data folder that `FIELDTOOL_HOME` names for the length of one test."""
    monkeypatch.setenv("FIELDTOOL_HOME", os.fspath(tmp_path))
    return tmp_path
